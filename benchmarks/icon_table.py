# SPDX-License-Identifier: Apache-2.0
"""Tables of icon scores, with the bound of each value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from efficientnet_lite import Score


@dataclass(frozen=True)
class Bound:
    """Lower and upper bound of a value."""

    least: float = -math.inf
    most: float = math.inf

    def __str__(self) -> str:
        if self == Bound():
            return ""
        return f">= {self.least:g}" if self.least > -math.inf else f"<= {self.most:g}"

    def format(self, value: float, digits: int) -> str:
        """Formats a value, and marks it if it misses the bound after rounding."""
        met = self.least <= round(value, digits) <= self.most
        return f"{value:,.{digits}f}" + ("" if met else " MISSED")


COLUMNS = {"held": 3, "top1": 2, "copy": 2, "sat": 2, "contrast": 2, "CPU ms a tile": 1}
"""Decimal places of each column."""


def report(what: str, value: str, bound: Bound | str) -> None:
    """Prints a value with its bound, if any."""
    goal = f"   bound {bound}" if str(bound) else ""
    print(f"{what:<58} {value:>40}{goal}", flush=True)


def print_row(name: str, cells: Sequence[object]) -> None:
    """Prints a row of a table with the columns of `COLUMNS`."""
    print(f"  {name:<34}" + "".join(f"{cell!s:>15}" for cell in cells), flush=True)


def print_score(name: str, found: Score, milliseconds: float, goals: dict[str, Bound]) -> None:
    """Prints the scores of a set of icons, and their bounds in a second row, if any."""
    values = (found.held, found.top1, found.copy, found.saturation, found.contrast, milliseconds)
    named = zip(COLUMNS.items(), values, strict=True)
    print_row(name, [goals.get(n, Bound()).format(v, digits) for (n, digits), v in named])
    if goals:
        print_row("  bound", [goals.get(name, Bound()) for name in COLUMNS])
