# SPDX-License-Identifier: Apache-2.0
"""Figures of icons as lines of text, each beside what it must reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from efficientnet_lite import Score


@dataclass(frozen=True)
class Bound:
    """What a figure must reach."""

    least: float = -math.inf
    most: float = math.inf

    def __str__(self) -> str:
        if self == Bound():
            return ""
        return f">= {self.least:g}" if self.least > -math.inf else f"<= {self.most:g}"

    def judged(self, value: float, digits: int) -> str:
        """Returns a figure, marked where it misses the bound after rounding."""
        met = self.least <= round(value, digits) <= self.most
        return f"{value:,.{digits}f}" + ("" if met else " MISSED")


COLUMNS = {"held": 3, "top1": 2, "copy": 2, "sat": 2, "contrast": 2, "CPU ms a tile": 1}
"""Decimal places of each figure of a set of icons."""


def report(what: str, value: str, bound: Bound | str) -> None:
    """Prints a figure beside what it must reach, if anything."""
    goal = f"   must reach {bound}" if str(bound) else ""
    print(f"{what:<58} {value:>40}{goal}", flush=True)


def row(name: str, cells: Sequence[object]) -> None:
    """Prints a row of a table of the figures of `COLUMNS`."""
    print(f"  {name:<34}" + "".join(f"{cell!s:>15}" for cell in cells), flush=True)


def row_of(name: str, found: Score, milliseconds: float, goals: dict[str, Bound]) -> None:
    """Prints the figures of a set of icons, and below them what they must reach, if anything."""
    values = (found.held, found.top1, found.copy, found.saturation, found.contrast, milliseconds)
    named = zip(COLUMNS.items(), values, strict=True)
    row(name, [goals.get(n, Bound()).judged(v, digits) for (n, digits), v in named])
    if goals:
        row("  must reach", [goals.get(name, Bound()) for name in COLUMNS])
