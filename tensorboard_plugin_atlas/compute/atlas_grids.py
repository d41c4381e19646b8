# SPDX-License-Identifier: Apache-2.0
"""The grids of an atlas with the attribution of their cells, before icons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tensorboard_plugin_atlas.atlas import FloatArray, Grid
from tensorboard_plugin_atlas.compute.attribution.attribute import Attribution
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, cell_deviations, cell_means
from tensorboard_plugin_atlas.sample_subset import MANY_SAMPLES, is_many
from tensorboard_plugin_atlas.wire.attribution_quantization import (
    MANY_BYTES,
    count_grids_that_fit,
)


def make_grids(
    grids: Sequence[GridCells], attribution: Attribution
) -> tuple[tuple[Grid, ...], tuple[str, ...]]:
    """Returns the grids without icons, and notes about attribution that does not fit in a log."""
    made = [_make_grid(cells, attribution) for cells in grids]
    if attribution.values is None or not is_many(len(grids[0].cell_of)):
        return tuple(made), ()
    fit = count_grids_that_fit([len(cells) for cells in grids], attribution.values.shape[1])
    if fit == len(grids):
        return tuple(made), ()
    made[fit:] = [_make_grid(cells, Attribution(None)) for cells in grids[fit:]]
    sizes = ", ".join(f"{cells.size} x {cells.size}" for cells in grids[fit:])
    note = (
        f"attribution: left out for the grids of {sizes}; a log holds {MANY_BYTES // 1_000_000} MB "
        f"of it for an atlas of more than {MANY_SAMPLES:,} samples"
    )
    return tuple(made), (note,)


def _make_grid(cells: GridCells, attribution: Attribution) -> Grid:
    """Returns a grid without icons."""
    means, spreads = _aggregate_attribution(cells, attribution)
    return Grid(
        size=cells.size,
        rows=cells.rows,
        cols=cells.cols,
        counts=cells.counts,
        cell_of=cells.cell_of,
        kind_codes=np.zeros(len(cells), np.uint8),
        icon_cosine=np.full(len(cells), np.nan, np.float32),
        attribution=means,
        attribution_spread=spreads,
    )


def _aggregate_attribution(
    cells: GridCells, attribution: Attribution
) -> tuple[FloatArray | None, FloatArray | None]:
    """Returns the mean and the standard deviation of the attribution of each cell, (M, K) each.

    Where only some samples of a cell have attribution, its deviation is larger by
    sqrt(samples / those): divided by sqrt(samples), it is the standard error of the mean. Both are
    NaN without any such sample, and the deviation is NaN with a single one.
    """
    values, samples = attribution.values, attribution.samples
    if values is None:
        return None, None
    # Attribution is infinite if logits exceed float32, and its spread is NaN.
    with np.errstate(invalid="ignore", over="ignore"):
        if samples is None:
            return cell_means(cells, values), cell_deviations(cells, values)
        known, kept = cells.select_samples(samples)
        means = np.full((len(cells), values.shape[1]), np.nan, np.float32)
        spreads = means.copy()
        scale = np.sqrt(cells.counts[kept] / known.counts)
        scale[known.counts < np.minimum(cells.counts[kept], 2)] = np.nan
        means[kept] = cell_means(known, values)
        spreads[kept] = cell_deviations(known, values) * scale[:, None]
    return means, spreads
