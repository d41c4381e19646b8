# SPDX-License-Identifier: Apache-2.0
"""Binning of a layout into grids, and statistics of the cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.directions import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.layout import Layout
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.wire.derived_cells import bin_positions


@dataclass(frozen=True, kw_only=True, eq=False)
class GridCells:
    """The M occupied cells of one `size` x `size` grid, in reading order.

    Attributes:
        size: Cells along each axis.
        rows: (M,) int32: row of each cell, 0 at the top (small y).
        cols: (M,) int32: column of each cell, 0 at the left (small x).
        counts: (M,) int32: valid samples in each cell.
        cell_of: (N,) int32: index into the M cells; -1 for an invalid sample, and for a sample in a
            cell with too few samples.
        means: (M, C) float32: mean activation of each cell's samples.
    """

    size: int
    rows: IntArray
    cols: IntArray
    counts: IntArray
    cell_of: IntArray
    means: FloatArray

    def __len__(self) -> int:
        return len(self.counts)

    def select_samples(self, rows: IntArray) -> tuple[GridCells, IntArray]:
        """Returns the cells that hold some of the samples, with these only, and their indices.

        Args:
            rows: (n,) indices of the samples.
        """
        cell_of = self.cell_of[rows]
        inside = cell_of >= 0
        kept, cell_of[inside] = np.unique(cell_of[inside], return_inverse=True)
        cells = GridCells(
            size=self.size,
            rows=self.rows[kept],
            cols=self.cols[kept],
            counts=np.bincount(cell_of[inside], minlength=len(kept)).astype(np.int32),
            cell_of=cell_of,
            means=self.means[kept],
        )
        return cells, kept


def bin_grids(
    layout: Layout, activations: NDArray[Any], *, config: AtlasConfig
) -> tuple[tuple[GridCells, ...], tuple[str, ...]]:
    """Bins the samples into all grids, coarsest first.

    A grid without a cell of `min_count` samples is empty. If this is the coarsest grid, it is
    binned again with a minimum of one, so that the map of a small probe is not empty.

    Args:
        layout: Layout of the N samples.
        activations: (N, C).
        config: `grids` and `min_count` are used.

    Returns:
        One `GridCells` for each of `config.grids`, and notes about the fallback.
    """
    grids = [
        bin_samples(layout, activations, size=size, min_count=config.min_count)
        for size in config.grids
    ]
    if len(grids[0]):
        return tuple(grids), ()
    grids[0] = bin_samples(layout, activations, size=config.grids[0], min_count=1)
    note = (
        f"grid: no cell of the {config.grids[0]} x {config.grids[0]} grid holds "
        f"{config.min_count} samples, so its cells have fewer; pass more samples"
    )
    return tuple(grids), (note,)


def bin_samples(
    layout: Layout, activations: NDArray[Any], *, size: int, min_count: int
) -> GridCells:
    """Bins the samples of a layout into half-open cells and averages each cell.

    A cell covers [i / size, (i + 1) / size) along each axis; the last one includes its far edge.
    Each sample is in exactly one cell. A grid of twice the size divides each cell into four.

    Args:
        layout: Layout of the N samples.
        activations: (N, C).
        size: Cells along each axis.
        min_count: Smallest number of samples of a cell.

    Returns:
        Cells with at least `min_count` samples. Invalid samples are in no cell.
    """
    index = bin_positions(layout.xy, size)
    valid = np.flatnonzero(~layout.invalid)
    occupied, group, counts = np.unique(index[valid], return_inverse=True, return_counts=True)
    kept = counts >= min_count
    number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    cell_of = np.full(len(index), -1, np.int32)
    cell_of[valid] = number[group]
    return GridCells(
        size=size,
        rows=(occupied[kept] // size).astype(np.int32),
        cols=(occupied[kept] % size).astype(np.int32),
        counts=counts[kept].astype(np.int32),
        cell_of=cell_of,
        means=_average(np.asarray(activations), cell_of, counts[kept]),
    )


def _average(rows: NDArray[Any], cell_of: IntArray, counts: NDArray[Any]) -> FloatArray:
    if len(counts) == 0:
        return np.empty((0, rows.shape[1]), np.float32)
    order, starts = _sort_by_cell(cell_of, counts)
    sums = np.add.reduceat(rows[order], starts, axis=0, dtype=np.float64)
    means: FloatArray = (sums / counts[:, None]).astype(np.float32)
    return means


def _sort_by_cell(
    cell_of: IntArray, counts: NDArray[Any]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the samples sorted by cell, and the start of each cell among them."""
    order = np.argsort(cell_of, kind="stable")[len(cell_of) - counts.sum() :]
    return order, np.cumsum(counts) - counts


def cell_means(cells: GridCells, values: NDArray[Any]) -> FloatArray:
    """Returns (M, D) float32: mean of the (N, D) `values` over the samples of each cell."""
    return _average(np.asarray(values), cells.cell_of, cells.counts)


def cell_deviations(cells: GridCells, values: NDArray[Any]) -> FloatArray:
    """Returns (M, D) float32: standard deviation of the (N, D) `values` within each cell."""
    rows = np.asarray(values, np.float64)
    spreads = np.empty((len(cells), rows.shape[1]), np.float32)
    order, starts = _sort_by_cell(cells.cell_of, cells.counts)
    for cell, start in enumerate(starts):
        spreads[cell] = rows[order[start : start + cells.counts[cell]]].std(axis=0)
    return spreads


def nearest_members(
    cells: GridCells, activations: NDArray[Any], k: int, *, distinct: NDArray[Any] | None = None
) -> IntArray:
    """Finds the samples of each cell with the largest centered cosine to its mean.

    The mean of all valid samples is subtracted first. It would dominate the cosine otherwise:
    activations after a ReLU have similar directions.

    Args:
        cells: M cells.
        activations: (N, C) of the binned samples.
        k: Number of samples per cell.
        distinct: (N,) ids, such as image ids. If given, further samples with the same id come after
            all samples with distinct ids.

    Returns:
        (M, k) int32 indices of samples, best first, padded with -1.
    """
    members = np.flatnonzero(cells.cell_of >= 0)
    chosen = np.full((len(cells), k), -1, np.int32)
    if len(members) == 0:
        return chosen
    rows = np.asarray(activations)
    cell = cells.cell_of[members]
    distance = -_centered_cosine(rows, members, cells.means, cell)
    repeat = (
        _count_nearer_duplicates(cell, np.asarray(distinct)[members], distance)
        if distinct is not None
        else cell * 0
    )
    order = np.lexsort((distance, repeat, cell))
    members, cell = members[order], cell[order]
    rank = np.arange(len(members)) - np.searchsorted(cell, cell)
    wanted = rank < k
    chosen[cell[wanted], rank[wanted]] = members[wanted]
    return chosen


def _centered_cosine(
    rows: NDArray[Any], members: NDArray[np.intp], means: FloatArray, cell: IntArray
) -> FloatArray:
    center = rows[finite_rows(rows)].mean(axis=0, dtype=np.float64)
    centered = unit_rows(rows[members] - center)
    targets = unit_rows(means - center)
    width = rows.shape[1]  # without the extra column for zero rows
    cosine: FloatArray = np.einsum("nc,nc->n", centered[:, :width], targets[cell, :width])
    return cosine


def _count_nearer_duplicates(
    cell: IntArray, ids: NDArray[Any], distance: FloatArray
) -> NDArray[np.intp]:
    """Counts the nearer samples of the same cell with the same id, for each sample."""
    order = np.lexsort((distance, ids, cell))
    new = np.ones(len(order), np.bool_)
    new[1:] = (cell[order][1:] != cell[order][:-1]) | (ids[order][1:] != ids[order][:-1])
    position = np.arange(len(order))
    repeats = np.empty_like(position)
    repeats[order] = position - np.maximum.accumulate(np.where(new, position, 0))
    return repeats
