# SPDX-License-Identifier: Apache-2.0
"""Icons and attributions for new cells over the same samples, from the cells that an atlas has.

Nothing is asked of a model. What a borrowed icon states is a bound that holds whatever the icon
shows: angles between directions obey the triangle inequality. If the layer's answer to a picture
lies at an angle a from the mean of the cell that it was drawn for, and that mean at b from the mean
of the new cell, then the answer is at most a + b from the latter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.cosine import finite_rows, row_blocks, unit_rows
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Grid, IntArray
from tensorboard_plugin_atlas.compute.layout.grid import GridCells
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, pack, unpack

SHEET_QUALITIES: Final = (95, 90, 82)
"""WebP qualities of pictures that were encoded before, at 82 as a rule. On icons of a network that
learned digits, once more at 82 changes pixels by 1.4 to 2.5 levels (root mean square, of 255) and
cosines by up to .012; 95 by 1.0 to 1.2 and .002, for 1.4 to 1.8 times the bytes. Without loss they
are 3 to 9 times as many."""

SHEET_BYTES: Final = 2_200_000
"""What the icons of one atlas may weigh, as where they are drawn."""

_BORROWED: Final = "icons: borrowed from the streamed map; each states a lower bound of its cosine"
_ATTRIBUTION: Final = (
    "attribution: each cell has the mean of the streamed map's smallest cells that its samples "
    "were in"
)
_LOST: Final = 1e-3
_LEAST_KNOWN: Final = 0.5
"""A cell needs an attribution of this share of its samples, or it has none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stock:
    """The S icons to choose from.

    Attributes:
        means: (S, C) mean activation of the cell that each was drawn for, from the layer's mean.
        angles: (S,) between that mean and the layer's answer to the icon, radians; 0 throughout
            where no icon tells.
        is_known: Whether the icons tell.
        codes: (S,) uint8 kinds.
        pictures: (S, H, W, 3) uint8.
    """

    means: FloatArray
    angles: FloatArray
    is_known: bool
    codes: NDArray[np.uint8]
    pictures: NDArray[np.uint8]


def reuse_icons(
    atlas: Atlas, levels: Sequence[GridCells]
) -> tuple[tuple[Grid, ...], tuple[str, ...]]:
    """Makes the grids of another map of the same samples.

    Each cell takes the icon whose cosine with it is surely largest, of those of all levels: the
    icon that maximizes cos(a + b), with a and b as above.

    Args:
        atlas: With the old map and its icons.
        levels: Cells of the new map, of the samples of `atlas`.

    Returns:
        One grid for each of `levels`. `icon_cosine` is the bound, NaN where the old icon states
        none; `attribution` the mean over samples of that of the smallest old cell each was in, NaN
        where fewer than half of the samples were in any. And notes that say so.

    Raises:
        DamageError: if the pictures of `atlas` cannot be decoded.
    """
    rows = atlas.activations.astype(np.float32)
    usable = finite_rows(rows)
    center = rows[usable].mean(axis=0, dtype=np.float64) if usable.any() else np.zeros(1)
    stock = _stock(atlas, rows, center)
    values = _attributions(atlas, levels)
    if stock is None:
        grids = [_grid(cells, said) for cells, said in zip(levels, values, strict=True)]
        return tuple(grids), _notes(atlas, None, values)
    chosen = [_chosen(stock, cells.means - center) for cells in levels]
    sheets, quality = _packed([stock.pictures[icon] for icon, _ in chosen])
    grids = [
        _grid(cells, said, sheet, stock.codes[icon], cosine)
        for cells, said, sheet, (icon, cosine) in zip(levels, values, sheets, chosen, strict=True)
    ]
    return tuple(grids), _notes(atlas, quality, values)


def _stock(atlas: Atlas, rows: FloatArray, center: NDArray[Any]) -> _Stock | None:
    """Returns the icons that can be borrowed, or None where there are none."""
    shelves = [grid for grid in atlas.grids if grid.sheets is not None and grid.kind_codes.any()]
    sides = Counter(grid.sheets.tile for grid in shelves if grid.sheets is not None)
    if not sides:
        return None
    # One size fits all pages of a level; any other is of no writer of ours.
    side = max(sides, key=lambda one: (sides[one], one))
    shelves = [grid for grid in shelves if grid.sheets is not None and grid.sheets.tile == side]
    cosine = np.concatenate([grid.icon_cosine for grid in shelves])
    codes = np.concatenate([grid.kind_codes for grid in shelves])
    pictures = np.concatenate([unpack(g.sheets) for g in shelves if g.sheets is not None])
    means = np.concatenate([_means(grid, rows, center) for grid in shelves])
    known = (codes > 0) & np.isfinite(cosine)
    kept = known if known.any() else codes > 0
    angles = np.arccos(np.clip(cosine[kept], -1, 1)) if known.any() else np.zeros(kept.sum())
    return _Stock(
        means=means[kept],
        angles=angles.astype(np.float32),
        is_known=bool(known.any()),
        codes=codes[kept],
        pictures=pictures[kept],
    )


def _means(grid: Grid, rows: FloatArray, center: NDArray[Any]) -> FloatArray:
    """Returns the (M, C) mean of each cell from the center."""
    members = np.flatnonzero((grid.cell_of >= 0) & finite_rows(rows))
    cell = grid.cell_of[members]
    sums = np.zeros((len(grid.rows), rows.shape[1]))
    np.add.at(sums, cell, rows[members] - center)
    counts = np.bincount(cell, minlength=len(grid.rows))
    means: FloatArray = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return means


def _chosen(stock: _Stock, means: NDArray[Any]) -> tuple[NDArray[np.intp], FloatArray]:
    """Returns the icon of each of M cells, (M,), and the bound of its cosine, (M,)."""
    icon = np.zeros(len(means), np.intp)
    cosine = np.full(len(means), np.nan, np.float32)
    if not len(means):
        return icon, cosine
    width = means.shape[1]  # an extra column would only tell zero rows apart
    new, old = unit_rows(means)[:, :width], unit_rows(stock.means)[:, :width]
    for block in row_blocks(len(new), len(old)):
        angles = np.arccos(np.clip(new[block] @ old.T, -1, 1)) + stock.angles
        icon[block] = angles.argmin(axis=1)
        cosine[block] = np.cos(np.minimum(angles.min(axis=1), np.pi))
    if not stock.is_known:
        cosine[:] = np.nan
    cosine[~new.any(axis=1)] = np.nan  # no direction, and no angle to it
    return icon, cosine


def _packed(levels: Sequence[NDArray[np.uint8]]) -> tuple[list[SpriteSheets], int]:
    for quality in SHEET_QUALITIES:
        sheets = [pack(pictures, quality=quality) for pictures in levels]
        if sum(len(page) for sheet in sheets for page in sheet.pages) <= SHEET_BYTES:
            break
    return sheets, quality


def _attributions(atlas: Atlas, levels: Sequence[GridCells]) -> list[FloatArray | None]:
    """Returns the (M, K) attribution of each level, as far as that of the old cells tells."""
    told = [(g.cell_of, g.attribution) for g in atlas.grids if g.attribution is not None]
    if len({said.shape[1] for _, said in told}) != 1:
        return [None] * len(levels)
    values = np.concatenate([said for _, said in told])
    is_finite = np.isfinite(values).all(axis=1)
    source, first = np.full(len(atlas.samples), -1, np.int64), 0
    for cell_of, said in told:  # the finest last, so that it counts
        inside = np.flatnonzero(cell_of >= 0)
        inside = inside[is_finite[first + cell_of[inside]]]
        source[inside] = first + cell_of[inside]
        first += len(said)
    return [_attribution(cells, values, source) for cells in levels]


def _attribution(cells: GridCells, values: FloatArray, source: NDArray[np.int64]) -> FloatArray:
    known = np.flatnonzero((cells.cell_of >= 0) & (source >= 0))
    cell: IntArray = cells.cell_of[known]
    sums = np.zeros((len(cells), values.shape[1]))
    for block in row_blocks(len(known), values.shape[1]):
        np.add.at(sums, cell[block], values[source[known[block]]])
    counts = np.bincount(cell, minlength=len(cells))
    means: FloatArray = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    means[counts < _LEAST_KNOWN * cells.counts] = np.nan
    return means


def _grid(
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


def _notes(
    atlas: Atlas, quality: int | None, values: Sequence[FloatArray | None]
) -> tuple[str, ...]:
    notes = []
    lost = atlas.samples.activations.lost_variance
    if quality is not None:
        share = f", of activations without {lost:.1%} of their variance" if lost > _LOST else ""
        notes += [
            f"{_BORROWED}{share}",
            f"icons: encoded once more, at WebP quality {quality}, after the cosine was measured",
        ]
    if any(one is not None for one in values):
        notes.append(_ATTRIBUTION)
    return tuple(notes)
