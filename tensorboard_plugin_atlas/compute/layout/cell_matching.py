# SPDX-License-Identifier: Apache-2.0
"""Matching of cells between steps by mean activations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.directions import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.layout.grid import GridCells

MIN_COSINE = 0.9
"""Smallest cosine of a match; below it, a new icon is better than a continued one."""


def find_predecessors(
    cells: GridCells, before: GridCells, activations: NDArray[Any], least: float = MIN_COSINE
) -> IntArray:
    """Finds the previous cell with the most similar current mean activation, for each cell.

    Cells are small and their borders move, so that few samples stay together, but mean activations
    are more stable. Positions of cells are not used.

    Args:
        cells: M cells of N samples.
        before: Cells of the same N samples at the previous step.
        activations: (N, C) current activations of the samples.
        least: Smallest centered cosine of the two means.

    Returns:
        (M,) int32 index into `before`, -1 for a cell without a predecessor. Two cells may have the
        same predecessor. All -1 if `before` has a different number of samples.
    """
    found = np.full(len(cells), -1, np.int32)
    if not len(cells) or not len(before) or len(before.cell_of) != len(cells.cell_of):
        return found
    finite = finite_rows(activations)
    rows = np.asarray(activations)
    center = rows[finite].mean(axis=0, dtype=np.float64)
    members = np.flatnonzero((before.cell_of >= 0) & finite)
    sums = np.zeros((len(before), rows.shape[1]))
    np.add.at(sums, before.cell_of[members], rows[members] - center)
    width = rows.shape[1]  # without the extra column for zero rows
    cosine = unit_rows(cells.means - center)[:, :width] @ unit_rows(sums)[:, :width].T
    best = cosine.argmax(axis=1)
    kept = cosine[np.arange(len(cells)), best] >= least
    found[kept] = best[kept]
    return found
