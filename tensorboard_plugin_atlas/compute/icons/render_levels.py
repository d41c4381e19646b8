# SPDX-License-Identifier: Apache-2.0
"""From the cells of a map to the icons of its grids: drawn, packed, and scored as packed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES, FloatArray, Grid
from tensorboard_plugin_atlas.compute.icons.engine import IconEngine, Icons, UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, pack, unpack

SHEET_QUALITIES: Final = (82, 70, 50, 30)
SHEET_BYTES: Final = 2_200_000
"""What the icons of one atlas may weigh: with the activations it stays under 4 MB a step."""


@dataclass
class TimeLimit:
    """A limit on seconds, counted from the first question.

    Attributes:
        seconds: The limit, or None for none.
        was_reached: Whether it was ever over.
    """

    seconds: float | None = None
    was_reached: bool = False
    _start: float | None = None

    def is_over(self) -> bool:
        """Tells whether the time is over."""
        now = time.monotonic()
        if self._start is None:
            self._start = now
        if self.seconds is not None and now - self._start >= self.seconds:
            self.was_reached = True
        return self.was_reached


@dataclass(frozen=True, eq=False)
class RenderedLevels:
    """The icons of every level, coarsest first.

    Attributes:
        icons: As they were drawn.
        sheets: The same, packed for the log.
        cosines: (M,) float32 of each level, scored as packed.
        notes: What a reader of the atlas must know.
    """

    icons: tuple[Icons, ...]
    sheets: tuple[SpriteSheets, ...]
    cosines: tuple[FloatArray, ...]
    notes: tuple[str, ...]

    def add_to(self, grids: Sequence[Grid]) -> tuple[Grid, ...]:
        """Returns the grids of the same levels with these icons."""
        return tuple(
            dataclasses.replace(
                grid,
                sheets=sheets,
                kind_codes=np.array([ICON_KIND_CODES.index(k) for k in drawn.kinds], np.uint8),
                icon_cosine=cosine,
            )
            for grid, drawn, sheets, cosine in zip(
                grids, self.icons, self.sheets, self.cosines, strict=True
            )
        )


def render_levels(
    engine: IconEngine,
    targets: Sequence[Targets],
    kind: str,
    *,
    warm_start: Sequence[UnfinishedIcons | None] | None = None,
    limit: TimeLimit | None = None,
    advance: Callable[[int], object] | None = None,
    qualities: Sequence[int] = SHEET_QUALITIES,
) -> RenderedLevels:
    """Draws the cells of every level, coarsest first.

    Args:
        engine: The layer.
        targets: The cells of each level.
        kind: One of `render.KINDS`.
        warm_start: What the pictures of each level go on from.
        limit: When its time is over, the cells that are left keep the real patch.
        advance: Called with the number of cells finished since the last call.
        qualities: Of WebP; the first at which the icons stay within `SHEET_BYTES` is taken.
    """
    limit = TimeLimit() if limit is None else limit
    icons = [
        engine.render(wanted, kind, progress=advance, until=limit.is_over, warm_start=earlier)
        for wanted, earlier in zip(targets, warm_start or [None] * len(targets), strict=True)
    ]
    sheets, quality = _packed(icons, qualities)
    cosines = tuple(
        _served_cosine(engine, sheet, drawn, wanted)
        for sheet, drawn, wanted in zip(sheets, icons, targets, strict=True)
    )
    notes = dict.fromkeys(note for drawn in icons for note in drawn.notes)
    packed = (
        (f"icons: stored at WebP quality {quality} to keep the step small",)
        if quality != qualities[0]
        else ()
    )
    told = (*notes, *_left_real(icons, limit), *packed)
    return RenderedLevels(tuple(icons), tuple(sheets), cosines, told)


def _packed(icons: Sequence[Icons], qualities: Sequence[int]) -> tuple[list[SpriteSheets], int]:
    for quality in qualities:
        sheets = [pack(drawn.images, quality=quality) for drawn in icons]
        if sum(len(page) for sheet in sheets for page in sheet.pages) <= SHEET_BYTES:
            break
    return sheets, quality


def _served_cosine(
    engine: IconEngine, sheets: SpriteSheets, drawn: Icons, targets: Targets
) -> FloatArray:
    """Scores the pictures as the log keeps them, after WebP and at the size they are served.

    Pictures of neither one nor three channels cannot be shown to the network again; they keep the
    cosine of the picture before it was encoded.
    """
    served = engine.score(unpack(sheets), targets, drawn.kinds)
    return np.where(np.isnan(served), drawn.cosine, served)


def _left_real(icons: Sequence[Icons], limit: TimeLimit) -> Iterator[str]:
    """Yields what to say of the cells whose icons are not what was asked for."""
    left = sum(int((drawn.kinds != drawn.kind).sum()) for drawn in icons)
    if left and limit.was_reached:
        total = sum(len(drawn.kinds) for drawn in icons)
        yield (
            f"icons: icon_seconds={limit.seconds:g} were over, so {left} of {total} cells keep the "
            "nearest real patch"
        )
