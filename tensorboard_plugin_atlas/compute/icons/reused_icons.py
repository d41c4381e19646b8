# SPDX-License-Identifier: Apache-2.0
"""Reuses the icons and attributions of an atlas for other cells of the same samples.

No model is run. The cosine of a reused icon is a lower bound, since angles between directions obey
the triangle inequality: If the activation of an icon is at an angle a from the mean of the cell
that it was rendered for, and that mean at b from the mean of the new cell, then the activation is
at most a + b from the latter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.directions import finite_rows, row_blocks, unit_rows
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Grid, IntArray
from tensorboard_plugin_atlas.compute.icons.sheet_limit import get_sheet_limit
from tensorboard_plugin_atlas.compute.layout.grid import GridCells
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, pack, unpack

_REUSED_QUALITIES: Final = (95, 90, 82)
"""WebP qualities for icons that were encoded before, usually at 82. On icons of a digit classifier,
encoding again at 82 changes pixels by 1.4 to 2.5 levels (root mean square, of 255) and cosines by
up to .012. At 95 it is 1.0 to 1.2 levels and .002, for 1.4 to 1.8 times the bytes. Lossless
encoding takes 3 to 9 times the bytes."""

_REUSED: Final = "icons: reused from the original map; each cosine is a lower bound"
_ATTRIBUTION: Final = (
    "attribution: each cell has the mean of the smallest cells of the original map that its "
    "samples were in"
)
_REPORTED_LOSS: Final = 1e-3
"""Fraction of lost variance above which a note reports it."""

_MIN_KNOWN_SHARE: Final = 0.5
"""Share of the samples of a cell that need an attribution; below it the cell has none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _IconPool:
    """The S icons to choose from.

    Attributes:
        means: (S, C): mean activation of the cell that each was rendered for, relative to the
            layer's mean.
        angles: (S,): between that mean and the activation of the icon, radians; all 0 where no icon
            has a cosine.
        has_cosine: Whether the icons have a cosine.
        codes: (S,) uint8 kinds.
        images: (S, H, W, 3) uint8.
    """

    means: FloatArray
    angles: FloatArray
    has_cosine: bool
    codes: NDArray[np.uint8]
    images: NDArray[np.uint8]


def reuse_icons(
    atlas: Atlas, levels: Sequence[GridCells]
) -> tuple[tuple[Grid, ...], tuple[str, ...]]:
    """Reuses the icons of an atlas for the grids of another map of its samples.

    Each cell gets the icon of any grid with the largest lower bound of the cosine: the icon that
    maximizes cos(a + b), with a and b as above.

    Args:
        atlas: With the old map and its icons.
        levels: Cells of the new map, over the samples of `atlas`.

    Returns:
        One grid for each of `levels`, and notes. `icon_cosine` is the bound, NaN where the old
        icon has no cosine. `attribution` is the mean over samples of that of the smallest old cell
        that holds each, NaN where fewer than half of the samples have one.

    Raises:
        DamageError: if the icons of `atlas` cannot be decoded.
    """
    rows = atlas.activations.astype(np.float32)
    usable = finite_rows(rows)
    center = rows[usable].mean(axis=0, dtype=np.float64) if usable.any() else np.zeros(1)
    pool = _collect_icons(atlas, rows, center)
    values = _reuse_attributions(atlas, levels)
    if pool is None:
        grids = [
            _make_grid(cells, attribution)
            for cells, attribution in zip(levels, values, strict=True)
        ]
        return tuple(grids), _make_notes(atlas, None, values)
    chosen = [_choose_icons(pool, cells.means - center) for cells in levels]
    sheets, quality = _pack_within_limit([pool.images[icon] for icon, _ in chosen])
    grids = [
        _make_grid(cells, attribution, sheet, pool.codes[icon], cosine)
        for cells, attribution, sheet, (icon, cosine) in zip(
            levels, values, sheets, chosen, strict=True
        )
    ]
    return tuple(grids), _make_notes(atlas, quality, values)


def _collect_icons(atlas: Atlas, rows: FloatArray, center: NDArray[Any]) -> _IconPool | None:
    """Returns the icons that can be reused, or None."""
    grids_with_icons = [
        grid for grid in atlas.grids if grid.sheets is not None and grid.kind_codes.any()
    ]
    sides = Counter(grid.sheets.tile for grid in grids_with_icons if grid.sheets is not None)
    if not sides:
        return None
    # This package writes all icons of an atlas at one size; other logs may mix sizes.
    side = max(sides, key=lambda one: (sides[one], one))
    grids_with_icons = [
        grid for grid in grids_with_icons if grid.sheets is not None and grid.sheets.tile == side
    ]
    cosine = np.concatenate([grid.icon_cosine for grid in grids_with_icons])
    codes = np.concatenate([grid.kind_codes for grid in grids_with_icons])
    images = np.concatenate([unpack(g.sheets) for g in grids_with_icons if g.sheets is not None])
    means = np.concatenate([_compute_cell_means(grid, rows, center) for grid in grids_with_icons])
    known = (codes > 0) & np.isfinite(cosine)
    kept = known if known.any() else codes > 0
    angles = np.arccos(np.clip(cosine[kept], -1, 1)) if known.any() else np.zeros(kept.sum())
    return _IconPool(
        means=means[kept],
        angles=angles.astype(np.float32),
        has_cosine=bool(known.any()),
        codes=codes[kept],
        images=images[kept],
    )


def _compute_cell_means(grid: Grid, rows: FloatArray, center: NDArray[Any]) -> FloatArray:
    """Returns the mean of each cell relative to `center`, (M, C)."""
    members = np.flatnonzero((grid.cell_of >= 0) & finite_rows(rows))
    cell = grid.cell_of[members]
    sums = np.zeros((len(grid.rows), rows.shape[1]))
    np.add.at(sums, cell, rows[members] - center)
    counts = np.bincount(cell, minlength=len(grid.rows))
    means: FloatArray = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return means


def _choose_icons(pool: _IconPool, means: NDArray[Any]) -> tuple[NDArray[np.intp], FloatArray]:
    """Returns the index of the icon of each of M cells and the lower bound of its cosine, (M,)."""
    icon = np.zeros(len(means), np.intp)
    cosine = np.full(len(means), np.nan, np.float32)
    if not len(means):
        return icon, cosine
    width = means.shape[1]  # `unit_rows` adds a column that marks zero rows
    new, old = unit_rows(means)[:, :width], unit_rows(pool.means)[:, :width]
    for block in row_blocks(len(new), len(old)):
        angles = np.arccos(np.clip(new[block] @ old.T, -1, 1)) + pool.angles
        icon[block] = angles.argmin(axis=1)
        cosine[block] = np.cos(np.minimum(angles.min(axis=1), np.pi))
    if not pool.has_cosine:
        cosine[:] = np.nan
    cosine[~new.any(axis=1)] = np.nan  # no direction, so no angle to it
    return icon, cosine


def _pack_within_limit(levels: Sequence[NDArray[np.uint8]]) -> tuple[list[SpriteSheets], int]:
    limit = get_sheet_limit(sum(map(len, levels)))
    for quality in _REUSED_QUALITIES:
        sheets = [pack(images, quality=quality) for images in levels]
        if sum(len(page) for sheet in sheets for page in sheet.pages) <= limit:
            break
    return sheets, quality


def _reuse_attributions(atlas: Atlas, levels: Sequence[GridCells]) -> list[FloatArray | None]:
    """Returns the (M, K) attribution of each grid from the previous cells, or None."""
    known = [(g.cell_of, g.attribution) for g in atlas.grids if g.attribution is not None]
    if len({values.shape[1] for _, values in known}) != 1:
        return [None] * len(levels)
    values = np.concatenate([one for _, one in known])
    is_finite = np.isfinite(values).all(axis=1)
    source, first = np.full(len(atlas.samples), -1, np.int64), 0
    for cell_of, one in known:  # the finest grid last, so that it wins
        inside = np.flatnonzero(cell_of >= 0)
        inside = inside[is_finite[first + cell_of[inside]]]
        source[inside] = first + cell_of[inside]
        first += len(one)
    return [_average_attribution(cells, values, source) for cells in levels]


def _average_attribution(
    cells: GridCells, values: FloatArray, source: NDArray[np.int64]
) -> FloatArray:
    known = np.flatnonzero((cells.cell_of >= 0) & (source >= 0))
    cell: IntArray = cells.cell_of[known]
    sums = np.zeros((len(cells), values.shape[1]))
    for block in row_blocks(len(known), values.shape[1]):
        np.add.at(sums, cell[block], values[source[known[block]]])
    counts = np.bincount(cell, minlength=len(cells))
    means: FloatArray = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    means[counts < _MIN_KNOWN_SHARE * cells.counts] = np.nan
    return means


def _make_grid(
    cells: GridCells,
    attribution: FloatArray | None,
    sheets: SpriteSheets | None = None,
    codes: NDArray[np.uint8] | None = None,
    cosine: FloatArray | None = None,
) -> Grid:
    return Grid(
        size=cells.size,
        rows=cells.rows,
        cols=cells.cols,
        counts=cells.counts,
        cell_of=cells.cell_of,
        kind_codes=np.zeros(len(cells), np.uint8) if codes is None else codes,
        icon_cosine=np.full(len(cells), np.nan, np.float32) if cosine is None else cosine,
        sheets=sheets,
        attribution=attribution,
    )


def _make_notes(
    atlas: Atlas, quality: int | None, values: Sequence[FloatArray | None]
) -> tuple[str, ...]:
    notes = []
    lost = atlas.samples.activations.lost_variance
    if quality is not None:
        share = (
            f", for stored activations that lack {lost:.1%} of the variance"
            if lost > _REPORTED_LOSS
            else ""
        )
        notes += [
            f"{_REUSED}{share}",
            f"icons: encoded again at WebP quality {quality} after the cosine was computed",
        ]
    if any(one is not None for one in values):
        notes.append(_ATTRIBUTION)
    return tuple(notes)
