# SPDX-License-Identifier: Apache-2.0
"""Places on the map by all forces at once, which can hold rows to where they were.

Rows attract their neighbors and repel all rows, as in t-SNE (van der Maaten and Hinton 2008): the
affinities are UMAP's fuzzy graph, its weights made to sum to 1; similarity on the map falls off as
1 / (1 + d^2); gradient descent goes by momentum and gains. Attraction counts a quarter more than in
t-SNE, which on the spectrum from t-SNE to UMAP (Boehm, Berens and Kobak 2022) is where maps are
truest here; many times more at first, so that rows can pass one another.

UMAP draws a few of the rows that push, by chance, and every draw moves rows that have no reason to.
Here every row pushes at every step. What a map shows of motion is then not noise; and for up to
thousands of rows it costs less, since a loop over all of them runs sixteen rows at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse

from tensorboard_plugin_atlas.atlas import FloatArray

ATTRACTION: Final = 1.25
"""Attraction in terms of t-SNE's."""
_OPENING: Final = 0.2
"""Share of the steps that are the opening."""
_OPENING_PULL: Final = 4.0
_MOMENTA: Final = (0.5, 0.8)
"""In the opening, and after it."""
_ONE_BY_ONE: Final = 4_000
"""Rows up to which each pair counts by itself; above, distant rows count by the cell."""
_ROWS_A_CELL: Final = 9
_SIDES: Final = (32, 48)
"""Fewest and most cells along each axis."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """What holds N rows while they are optimized.

    Attributes:
        anchors: (N, 2) float32: the places that they are held to.
        holds: (N,) float32 >= 0: how firmly; 0 lets go, 1 takes half of the way back at each step.
        mobility: (N,) float32 in [0, 1]: the share of its steps that a row takes.
        reach: Distance from its anchor at which half of the hold on a row is left, raw units: a row
            that has gone far has a reason to.
    """

    anchors: FloatArray
    holds: FloatArray
    mobility: FloatArray
    reach: float

    @classmethod
    def loose(cls, rows: int) -> Anchors:
        """Returns the tether that holds nothing."""
        free = np.zeros(rows, np.float32)
        return cls(np.zeros((rows, 2), np.float32), free, free + 1, 1.0)


def optimize_layout(
    start: FloatArray,
    graph: scipy.sparse.csr_matrix,
    *,
    steps: int,
    tether: Anchors | None = None,
) -> FloatArray:
    """Optimizes places on the map, on one thread.

    Args:
        start: (N, 2) float32.
        graph: (N, N) symmetric fuzzy graph.
        steps: Gradient steps.
        tether: What holds the rows, or None.

    Returns:
        (N, 2) float32. Equal arguments give equal bytes on one machine.
    """
    from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels

    rows = len(start)
    held = Anchors.loose(rows) if tether is None else tether
    opening = np.arange(steps) < round(_OPENING * steps)
    x, y = np.array(start.T, np.float32, order="C")
    kernels.gradient_descent(
        x,
        y,
        graph.indptr.astype(np.int32),
        graph.indices.astype(np.int32),
        (graph.data / graph.data.sum()).astype(np.float32),
        np.ascontiguousarray(held.anchors, np.float32),
        np.ascontiguousarray(held.holds, np.float32),
        float(held.reach),
        np.ascontiguousarray(held.mobility, np.float32),
        np.where(opening, _OPENING_PULL, ATTRACTION).astype(np.float32),
        np.where(opening, *_MOMENTA).astype(np.float32),
        rows / 2,
        _cells_along(rows),
    )
    return np.stack([x, y], axis=1)


def _cells_along(rows: int) -> int:
    """Returns the cells that `kernels.repel_by_cells` cuts each axis into, 0 for none."""
    if rows <= _ONE_BY_ONE:
        return 0
    low, high = _SIDES
    return min(max(round(math.sqrt(rows / _ROWS_A_CELL)), low), high)
