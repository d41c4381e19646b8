# SPDX-License-Identifier: Apache-2.0
"""Gradient descent of large layouts: repulsion on a grid, and rows sorted along a Z-order curve.

The objective is that of `optimizer`. Rows that are near on the map are near in memory, so that
attraction finds the neighbors of a row in the cache: with 100,000 rows, it takes a third of the
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.layout.grid_repulsion import GridRepulsion

_SORTED_AT: Final = (0.0, 0.1, 0.2, 0.5)
"""Fractions of the steps at which rows are sorted again."""
_CURVE_CELL: Final = 2.0
"""Width of a cell of the curve, raw units."""
_CURVE_BITS: Final = 12


@dataclass(frozen=True, eq=False)
class _Rows:
    """State of N rows during the descent, in one order.

    Attributes:
        index: (N,) position of each row in the input.
        xy: (2, N) float32, updated in place, as are `speed` and `gain`.
        speed: (2, N) float32.
        gain: (2, N) float32.
        anchors: (N, 2) float32.
        strengths: (N,) float32.
        mobility: (N,) float32.
        starts: (N + 1,) uint32: the edges of row i are starts[i] to starts[i + 1] - 1.
        tails: (E,) uint32.
        weights: (E,) float32.
    """

    index: NDArray[np.intp]
    xy: FloatArray
    speed: FloatArray
    gain: FloatArray
    anchors: FloatArray
    strengths: FloatArray
    mobility: FloatArray
    starts: NDArray[np.uint32]
    tails: NDArray[np.uint32]
    weights: FloatArray

    def sorted_along_curve(self) -> _Rows:
        """Returns the same rows in the order of a Z-order curve (Morton 1966) over the map."""
        order = np.argsort(_curve_position(self.xy), kind="stable")
        new_position = np.empty(len(order), np.uint32)
        new_position[order] = np.arange(len(order), dtype=np.uint32)
        before = self.starts.astype(np.int32)
        counts = np.diff(before)[order]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        edges = np.arange(len(self.tails), dtype=np.int32)
        edges += np.repeat(before[:-1][order] - starts[:-1], counts)
        return _Rows(
            index=self.index[order],
            xy=np.ascontiguousarray(self.xy[:, order]),
            speed=np.ascontiguousarray(self.speed[:, order]),
            gain=np.ascontiguousarray(self.gain[:, order]),
            anchors=self.anchors[order],
            strengths=self.strengths[order],
            mobility=self.mobility[order],
            starts=starts.astype(np.uint32),
            tails=new_position[self.tails[edges]],
            weights=self.weights[edges],
        )


def descend(
    x: FloatArray,
    y: FloatArray,
    starts: NDArray[np.uint32],
    tails: NDArray[np.uint32],
    weights: FloatArray,
    anchors: FloatArray,
    strengths: FloatArray,
    radius: float,
    mobility: FloatArray,
    attractions: FloatArray,
    momenta: FloatArray,
    rate: float,
) -> None:
    """Minimizes the objective of `optimizer.optimize_layout` with forces on a grid, in place.

    Args:
        x: (N,) float32, updated.
        y: (N,) float32, updated.
        starts: (N + 1,) uint32: the edges of row i are starts[i] to starts[i + 1] - 1.
        tails: (E,) uint32: the other end of each edge.
        weights: (E,) float32: affinities, with sum 1.
        anchors: (N, 2) float32: anchor coordinates.
        strengths: (N,) float32 >= 0: anchor strengths.
        radius: Distance from the anchor at which its strength is halved, raw units.
        mobility: (N,) float32 in [0, 1]: factor on the steps of each row.
        attractions: (T,) float32: factor on attraction at each of T steps.
        momenta: (T,) float32: momentum at each step.
        rate: Learning rate.
    """
    from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels

    count, steps = len(x), len(attractions)
    rows = _Rows(
        index=np.arange(count),
        xy=np.stack([x, y]),
        speed=np.zeros((2, count), np.float32),
        gain=np.ones((2, count), np.float32),
        anchors=anchors,
        strengths=strengths,
        mobility=mobility,
        starts=starts,
        tails=tails,
        weights=weights,
    )
    repel = GridRepulsion()
    away, towards = np.empty((2, count), np.float32), np.empty((2, count), np.float32)
    is_line = bool(y.min() == y.max())
    sorted_at = {int(share * steps) for share in _SORTED_AT}
    for step in range(steps):
        if step in sorted_at:
            rows = rows.sorted_along_curve()
        total = repel(rows.xy[0], rows.xy[1], away[0], away[1])
        kernels.step_with_forces(
            rows.xy[0],
            rows.xy[1],
            rows.starts,
            rows.tails,
            rows.weights,
            rows.anchors,
            rows.strengths,
            radius,
            rows.mobility,
            away,
            total,
            towards,
            rows.speed,
            rows.gain,
            float(attractions[step]),
            float(momenta[step]),
            rate,
            is_line,
        )
    x[rows.index], y[rows.index] = rows.xy


def _curve_position(xy: FloatArray) -> NDArray[np.int64]:
    """Returns (N,) positions on a Z-order curve over the map, whose cells may hold many rows."""
    low = xy.min(axis=1, keepdims=True)
    cell = max(_CURVE_CELL, float((xy - low).max()) / (2**_CURVE_BITS - 1))
    column, row = ((xy - low) / cell).astype(np.int64)
    position = np.zeros(xy.shape[1], np.int64)
    for bit in range(_CURVE_BITS):
        position |= (column >> bit & 1) << (2 * bit) | (row >> bit & 1) << (2 * bit + 1)
    return position
