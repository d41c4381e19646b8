# SPDX-License-Identifier: Apache-2.0
"""Which cell of the checkpoint before a cell continues, by the samples that both hold."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.grid import Cells

LEAST_OVERLAP = 1 / 3
"""Jaccard index below which a cell is another: two of its three neighbours would fit as well."""


def predecessors(cells: Cells, before: Cells, least: float = LEAST_OVERLAP) -> IntArray:
    """Finds the earlier cell that shares most samples with each cell.

    Places on the grid play no part, so that a map that moved as a whole loses nothing.

    Args:
        cells: M cells of N samples.
        before: Cells of the same N samples at the checkpoint before.
        least: Smallest Jaccard index (shared samples / samples in either) that counts.

    Returns:
        (M,) int32 index into `before`, -1 for a cell without a predecessor. Two cells may have the
        same one. All -1 where `before` is of another number of samples.
    """
    found = np.full(len(cells), -1, np.int32)
    if len(before) == 0 or len(before.cell_of) != len(cells.cell_of):
        return found
    both = (cells.cell_of >= 0) & (before.cell_of >= 0)
    pairs, shared = np.unique(
        cells.cell_of[both].astype(np.int64) * len(before) + before.cell_of[both],
        return_counts=True,
    )
    now, then = np.divmod(pairs, len(before))
    overlap = shared / (cells.counts[now] + before.counts[then] - shared)
    order = np.lexsort((then, -overlap, now))
    first = order[np.unique(now[order], return_index=True)[1]]
    kept = first[overlap[first] >= least]
    found[now[kept]] = then[kept]
    return found
