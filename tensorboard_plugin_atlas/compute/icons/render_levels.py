# SPDX-License-Identifier: Apache-2.0
"""Renders the icons of all grids of an atlas, packs them, and scores them as packed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES, FloatArray, Grid
from tensorboard_plugin_atlas.compute.icons.grid_icons import UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine, Icons
from tensorboard_plugin_atlas.compute.icons.sheet_limit import get_sheet_limit
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, pack_sets, unpack

SHEET_QUALITIES: Final = (82, 70, 50, 30)

_DECODED_BYTES: Final = 128 << 20
"""Most bytes of the decoded icons of one grid; the tab keeps 256 MiB of icons and thumbnails."""
_BYTES_PER_PIXEL: Final = 4

FASTPATH: Final = "fastpath"
"""Key of `Provenance.layer_info`: whether the icons used the fast path ("used"), and else the
"reason" why not, such as an unsupported operation."""


@dataclass(frozen=True, eq=False)
class RenderedLevels:
    """The icons of every grid, coarsest first.

    Attributes:
        icons: As they were rendered.
        sheets: The same, packed for the log.
        cosines: (M,) float32 for each grid, computed from the packed images.
        notes: What a reader of the atlas must know.
        fastpath: See `IconNetwork.describe_fastpath`.
    """

    icons: tuple[Icons, ...]
    sheets: tuple[SpriteSheets, ...]
    cosines: tuple[FloatArray, ...]
    notes: tuple[str, ...]
    fastpath: Mapping[str, Any]

    def add_to(self, grids: Sequence[Grid]) -> tuple[Grid, ...]:
        """Returns the grids with these icons."""
        return tuple(
            dataclasses.replace(
                grid,
                sheets=sheets,
                kind_codes=np.array([ICON_KIND_CODES.index(k) for k in icons.kinds], np.uint8),
                icon_cosine=cosine,
            )
            for grid, icons, sheets, cosine in zip(
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
    ranks: Ranks = ALONE,
) -> RenderedLevels:
    """Renders the icons of every grid, coarsest first.

    Args:
        engine: Of the layer.
        targets: The cells of each grid.
        kind: One of `engine.KINDS`.
        warm_start: Unfinished icons from which those of each grid start.
        limit: When the time is over, the remaining cells keep the real patch, without a cosine.
        advance: Called with the number of cells finished since the last call.
        qualities: WebP qualities to try; the first that keeps the icons within the limit is
            used.
        ranks: Each renders, packs, and scores some of the icons; a limit needs a process alone.
    """
    limit = TimeLimit() if limit is None else limit
    starts = warm_start or [None] * len(targets)
    if ranks.size == 1:
        # The real patches of a grid before the next grid: a limit may end in between.
        icons = [
            engine.render(one, kind, progress=advance, limit=limit, warm_start=unfinished)
            for one, unfinished in zip(targets, starts, strict=True)
        ]
    else:
        icons = engine.render_grids(targets, kind, progress=advance, warm_start=starts, ranks=ranks)
    sheets, quality = pack_icons(icons, qualities, ranks)
    cosines = tuple(
        _score_stored_icons(engine, *level, ranks)
        for level in zip(sheets, icons, targets, strict=True)
    )
    notes = dict.fromkeys(note for one in icons for note in one.notes)
    packing = (
        (f"icons: stored at WebP quality {quality} to keep the step small",)
        if quality != qualities[0]
        else ()
    )
    return RenderedLevels(
        tuple(icons),
        tuple(sheets),
        cosines,
        (
            *notes,
            *_describe_time_limit(icons, limit),
            *_describe_shrunk(icons, sheets),
            *packing,
        ),
        engine.activation.describe_fastpath(),
    )


def pack_icons(
    icons: Sequence[Icons], qualities: Sequence[int], ranks: Ranks = ALONE
) -> tuple[list[SpriteSheets], int]:
    """Packs the icons of each grid; returns the sheets and their WebP quality.

    Args:
        icons: Of each grid.
        qualities: WebP qualities to try; the first that keeps the icons within the limit is
            used, or else the last.
        ranks: Each packs some of the pages.
    """
    images = [_shrink(one.images) for one in icons]
    limit = get_sheet_limit(sum(map(len, images)))
    for quality in qualities:
        sheets = pack_sets(images, quality=quality, compute_all=ranks.compute_all)
        if sum(len(page) for sheet in sheets for page in sheet.pages) <= limit:
            break
    return sheets, quality


def _shrink(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns icons of a size at which those of one grid fit in the tab's memory.

    Args:
        images: (M, S, S, 3) uint8.

    Returns:
        The same images, or (M, T, T, 3) with the largest T < S for which they fit.
    """
    count, side = images.shape[:2]
    most = math.isqrt(_DECODED_BYTES // (_BYTES_PER_PIXEL * max(count, 1)))
    if side <= most:
        return images
    small = np.empty((count, most, most, 3), np.uint8)
    for index, image in enumerate(images):
        resized = Image.fromarray(image).resize((most, most), Image.Resampling.LANCZOS)
        small[index] = np.asarray(resized)
    return small


def _describe_shrunk(icons: Sequence[Icons], sheets: Sequence[SpriteSheets]) -> Iterator[str]:
    """Yields a note on each grid whose icons are stored at a smaller size."""
    for one, sheet in zip(icons, sheets, strict=True):
        side = one.images.shape[1]
        if sheet.tile < side:
            yield (
                f"icons: the {sheet.count:,} icons of a grid are stored at {sheet.tile} px instead "
                f"of {side} px, so that the tab can keep them in memory"
            )


def _score_stored_icons(
    engine: IconEngine, sheets: SpriteSheets, icons: Icons, targets: Targets, ranks: Ranks
) -> FloatArray:
    """Returns the cosine of the images as the log stores them, after WebP and resizing.

    If the network takes neither one nor three channels, it cannot run on stored images; then this
    is the cosine of the image before it was resized and encoded. Icons without a cosine, such as
    those that were not scored in time, stay without one.
    """
    cosine: FloatArray = icons.cosine.copy()
    known = np.flatnonzero(~np.isnan(cosine))
    stored = engine.score(unpack(sheets)[known], targets.select(known), icons.kinds[known], ranks)
    cosine[known] = np.where(np.isnan(stored), cosine[known], stored)
    return cosine


def _describe_time_limit(icons: Sequence[Icons], limit: TimeLimit) -> Iterator[str]:
    """Yields a note on the cells that were not optimized in time."""
    left = sum(int((one.kinds != one.kind).sum()) for one in icons)
    if left and limit.was_reached:
        total = sum(len(one.kinds) for one in icons)
        yield (
            f"icons: icon_seconds={limit.seconds:g} were over, so {left} of {total} cells keep the "
            "nearest real patch; cells without a cosine were not measured in time"
        )
