# SPDX-License-Identifier: Apache-2.0
"""Which cell of the checkpoint before a cell continues, by what that one's samples say today."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.cosine import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.layout.grid import GridCells

MIN_COSINE = 0.9
"""Below it a cell is another: drawn anew its icon is better than after a touch-up."""


def find_predecessors(
    cells: GridCells, before: GridCells, activations: NDArray[Any], least: float = MIN_COSINE
) -> IntArray:
    """Finds the earlier cell whose samples mean today what each cell means.

    Cells are small and their borders move, so that few samples stay together; what they stand for
    lasts longer. Places on the grid play no part.

    Args:
        cells: M cells of N samples.
        before: Cells of the same N samples at the checkpoint before.
        activations: (N, C) of the same samples now.
        least: Smallest cosine between the two means, relative to the mean of all samples.

    Returns:
        (M,) int32 index into `before`, -1 for a cell without a predecessor. Two cells may have the
        same one. All -1 where `before` is of another number of samples.
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
    width = rows.shape[1]  # an extra column would only tell zero rows apart
    cosine = unit_rows(cells.means - center)[:, :width] @ unit_rows(sums)[:, :width].T
    best = cosine.argmax(axis=1)
    kept = cosine[np.arange(len(cells)), best] >= least
    found[kept] = best[kept]
    return found
