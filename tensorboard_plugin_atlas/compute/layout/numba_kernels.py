# SPDX-License-Identifier: Apache-2.0
"""Loops compiled by numba. Import this module only where they run, because it imports numba.

Compiled code is cached between processes, beside this file or in the user's cache folder. If
neither is writable, each process compiles again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

MAX_STEP: Final = 5.0
"""Largest step of a sample, raw units; it bounds the first steps after a bad start."""
NARROW: Final = 1e-2
"""Width of a map at which attraction is halved, raw units; maps are 0.5 to 20 wide."""
_LEAST_GAIN: Final = np.float32(0.01)
_NO_COSINE: Final = -2.0
_FAST: Final[dict[str, Any]] = {"fastmath": True, "error_model": "numpy"}
"""Python's error model checks every divisor for zero, which prevents vectorization. Without it,
repulsion between all pairs is 13 times faster."""


_inline: Final[Callable[[Callable[..., Any]], Callable[..., Any]]] = njit(inline="always", **_FAST)
"""Decorator of functions that `gradient_descent` calls: numba copies them into it before compiling.

LLVM optimizes a called function once by itself and again for its caller, and under `fastmath` the
two versions add in different orders. Which one runs would depend on what was compiled in this
process and what was loaded from the cache.
"""


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        compiled: Callable[..., Any] = njit(cache=True, **_FAST)(function)
    except RuntimeError:  # no writable cache folder
        compiled = njit(**_FAST)(function)
    return compiled


@_compile
def select_nearest(
    similar: NDArray[np.float64], own: int, indices: IntArray, values: NDArray[np.float64]
) -> None:
    """Selects the most similar columns of each row in one pass.

    Args:
        similar: (B, N) float64 cosines.
        own: Column of the first row itself; the one of row i is own + i. They are excluded.
        indices: (B, k) int32, k < N, output: columns, most similar first; of ties the first.
        values: (B, k) float64, output: their cosines.
    """
    k = indices.shape[1]
    for i in range(similar.shape[0]):
        found, top = indices[i], values[i]
        top[:] = _NO_COSINE
        lowest = top[k - 1]
        for j in range(similar.shape[1]):
            value = similar[i, j]
            if value <= lowest or j == own + i:
                continue
            index = k - 1
            while index > 0 and top[index - 1] < value:
                top[index] = top[index - 1]
                found[index] = found[index - 1]
                index -= 1
            top[index] = value
            found[index] = j
            lowest = top[k - 1]


@_inline
def repel_all(x: FloatArray, y: FloatArray, away_x: FloatArray, away_y: FloatArray) -> float:
    """Sums the repulsive forces between all pairs, each pair once.

    Args:
        x: (N,) float32 coordinates.
        y: (N,) float32 coordinates.
        away_x: (N,) float32, output: sum over other rows of w^2 (x - x'), w = 1 / (1 + d^2).
        away_y: (N,) float32, output: sum of w^2 (y - y').

    Returns:
        The sum of w over all ordered pairs.
    """
    total = 0.0
    away_x[:] = 0
    away_y[:] = 0
    for i in range(x.shape[0]):
        sum_x = sum_y = near = np.float32(0)
        for j in range(i):
            dx, dy = x[i] - x[j], y[i] - y[j]
            w = np.float32(1) / (np.float32(1) + dx * dx + dy * dy)
            near += w
            force_x, force_y = w * w * dx, w * w * dy
            sum_x += force_x
            sum_y += force_y
            away_x[j] -= force_x
            away_y[j] -= force_y
        away_x[i] += sum_x
        away_y[i] += sum_y
        total += near
    return 2 * total


@_inline
def _repulsion(
    x: np.float32, y: np.float32, xs: FloatArray, ys: FloatArray, weights: FloatArray
) -> tuple[np.float32, np.float32, np.float32]:
    """Returns the repulsive force of weighted points on one point, and their weighted sum of w."""
    sum_x = sum_y = near = np.float32(0)
    for j in range(xs.shape[0]):
        dx, dy = x - xs[j], y - ys[j]
        w = np.float32(1) / (np.float32(1) + dx * dx + dy * dy)
        heavy = weights[j] * w
        near += heavy
        sum_x += heavy * w * dx
        sum_y += heavy * w * dy
    return sum_x, sum_y, near


@_inline
def repel_by_cells(
    x: FloatArray, y: FloatArray, away_x: FloatArray, away_y: FloatArray, side: int
) -> float:
    """Approximates `repel_all` for many rows: distant rows are replaced by means of cells.

    The map is divided into `side` x `side` cells. Rows in the nine cells around a row are exact,
    rows in any other cell are replaced by their mean: the approximation of Barnes and Hut (van der
    Maaten 2014) with a single level.
    """
    n = x.shape[0]
    low_x, low_y = x.min(), y.min()
    scale = np.float32(side) / (max(x.max() - low_x, y.max() - low_y) + np.float32(1e-6))
    cell = np.empty(n, np.int32)
    begin = np.zeros(side * side + 1, np.int32)
    for i in range(n):
        column = min(int((x[i] - low_x) * scale), side - 1)
        row = min(int((y[i] - low_y) * scale), side - 1)
        cell[i] = row * side + column
        begin[cell[i] + 1] += 1
    used = np.zeros(side * side + 1, np.int32)
    for c in range(side * side):
        used[c + 1] = used[c] + (begin[c + 1] > 0)
        begin[c + 1] += begin[c]
    # Rows sorted by cell, so that adjacent cells are contiguous in memory.
    order = np.empty(n, np.int32)
    filled = begin[:-1].copy()
    sorted_x, sorted_y, one = (
        np.empty(n, np.float32),
        np.empty(n, np.float32),
        np.ones(n, np.float32),
    )
    cells = used[-1]
    mean_x, mean_y = np.zeros(cells, np.float32), np.zeros(cells, np.float32)
    count = np.zeros(cells, np.float32)
    for i in range(n):
        index, mean = filled[cell[i]], used[cell[i]]
        filled[cell[i]] += 1
        order[index] = i
        sorted_x[index], sorted_y[index] = x[i], y[i]
        mean_x[mean] += x[i]
        mean_y[mean] += y[i]
        count[mean] += 1
    mean_x /= count
    mean_y /= count
    total = 0.0
    for index in range(n):
        i = order[index]
        row, column = cell[i] // side, cell[i] % side
        first, last = max(column - 1, 0), min(column + 1, side - 1) + 1
        sum_x = sum_y = near = np.float32(0)
        start = 0
        for line in range(max(row - 1, 0), min(row + 1, side - 1) + 1):
            left, right = line * side + first, line * side + last
            far = slice(start, used[left])
            dx, dy, w = _repulsion(x[i], y[i], mean_x[far], mean_y[far], count[far])
            sum_x, sum_y, near = sum_x + dx, sum_y + dy, near + w
            close = slice(begin[left], begin[right])
            dx, dy, w = _repulsion(x[i], y[i], sorted_x[close], sorted_y[close], one[close])
            sum_x, sum_y, near = sum_x + dx, sum_y + dy, near + w
            start = used[right]
        dx, dy, w = _repulsion(x[i], y[i], mean_x[start:], mean_y[start:], count[start:])
        away_x[i], away_y[i] = sum_x + dx, sum_y + dy
        total += near + w
    return float(total - n)


@_inline
def attract(
    x: FloatArray,
    y: FloatArray,
    starts: IntArray,
    tails: IntArray,
    weights: FloatArray,
    towards_x: FloatArray,
    towards_y: FloatArray,
) -> None:
    """Sums p w (x - x') over the edges of each row, w = 1 / (1 + d^2); see `gradient_descent`."""
    for i in range(x.shape[0]):
        sum_x = sum_y = np.float32(0)
        for e in range(starts[i], starts[i + 1]):
            dx, dy = x[i] - x[tails[e]], y[i] - y[tails[e]]
            attraction = weights[e] / (np.float32(1) + dx * dx + dy * dy)
            sum_x += attraction * dx
            sum_y += attraction * dy
        towards_x[i], towards_y[i] = sum_x, sum_y


@_inline
def _update_gain(gain: np.float32, downhill: bool) -> np.float32:
    """Returns the next gain of a coordinate: larger if it keeps its direction, else smaller."""
    grown: np.float32 = gain + np.float32(0.2) if downhill else gain * np.float32(0.8)
    return max(grown, _LEAST_GAIN)


@_inline
def _attraction_factor(x: FloatArray, y: FloatArray, is_line: bool) -> float:
    """Returns a factor on attraction, in [0, 1), that prevents the collapse of a map.

    If attraction exceeds repulsion, a map with little structure shrinks by a constant factor at
    each step, until only rounding separates its points. So attraction is reduced if the standard
    deviation along the narrower principal axis (or along a line) is not well above `NARROW`.
    """
    n = x.shape[0]
    mean_x, mean_y = 0.0, 0.0
    for i in range(n):
        mean_x += x[i]
        mean_y += y[i]
    mean_x /= n
    mean_y /= n
    xx, yy, xy = 0.0, 0.0, 0.0
    for i in range(n):
        dx, dy = x[i] - mean_x, y[i] - mean_y
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
    spread = xx
    if not is_line:
        spread = 0.5 * (xx + yy - np.sqrt((xx - yy) * (xx - yy) + 4 * xy * xy))
    spread = max(spread / n, 0.0)
    return float(spread / (spread + NARROW * NARROW))


@_compile
def gradient_descent(
    x: FloatArray,
    y: FloatArray,
    starts: IntArray,
    tails: IntArray,
    weights: FloatArray,
    anchors: FloatArray,
    strengths: FloatArray,
    radius: float,
    mobility: FloatArray,
    attractions: FloatArray,
    momenta: FloatArray,
    rate: float,
    side: int,
) -> None:
    """Minimizes the objective of `optimizer.optimize_layout`, in place.

    Args:
        x: (N,) float32, updated.
        y: (N,) float32, updated.
        starts: (N + 1,) int32: the edges of row i are starts[i] to starts[i + 1] - 1.
        tails: (E,) int32: the other end of each edge.
        weights: (E,) float32: affinities p, with sum 1.
        anchors: (N, 2) float32: anchor coordinates.
        strengths: (N,) float32 >= 0: anchor strengths.
        radius: Distance from the anchor at which its strength is halved, raw units.
        mobility: (N,) float32 in [0, 1]: factor on the steps of each row.
        attractions: (T,) float32: factor on attraction at each of T steps.
        momenta: (T,) float32: momentum at each step.
        rate: Learning rate.
        side: Cells of `repel_by_cells` along each axis, or 0 for exact forces.
    """
    n = x.shape[0]
    away, towards = np.zeros((2, n), np.float32), np.zeros((2, n), np.float32)
    speed, gain = np.zeros((2, n), np.float32), np.ones((2, n), np.float32)
    fast = np.float32(rate)
    is_line = y.min() == y.max()
    for step in range(attractions.shape[0]):
        attraction = np.float32(attractions[step] * _attraction_factor(x, y, is_line))
        if side > 0:
            total = repel_by_cells(x, y, away[0], away[1], side)
        else:
            total = repel_all(x, y, away[0], away[1])
        attract(x, y, starts, tails, weights, towards[0], towards[1])
        share = np.float32(1 / max(total, 1e-12))
        for i in range(n):
            down_x = attraction * towards[0, i] - share * away[0, i]
            down_y = attraction * towards[1, i] - share * away[1, i]
            gain[0, i] = _update_gain(gain[0, i], down_x * speed[0, i] < 0)
            gain[1, i] = _update_gain(gain[1, i], down_y * speed[1, i] < 0)
            step_x = fast * mobility[i] * gain[0, i] * down_x
            step_y = fast * mobility[i] * gain[1, i] * down_y
            length = np.sqrt(step_x * step_x + step_y * step_y)
            if length > np.float32(MAX_STEP):
                step_x *= np.float32(MAX_STEP) / length
                step_y *= np.float32(MAX_STEP) / length
            speed[0, i] = momenta[step] * speed[0, i] - step_x
            speed[1, i] = momenta[step] * speed[1, i] - step_y
            x[i] += speed[0, i]
            y[i] += speed[1, i]
            if strengths[i] > 0:
                off_x, off_y = x[i] - anchors[i, 0], y[i] - anchors[i, 1]
                squared_distance = (off_x * off_x + off_y * off_y) / np.float32(radius * radius)
                strength = strengths[i] / (np.float32(1) + squared_distance)
                x[i] = anchors[i, 0] + off_x / (np.float32(1) + strength)
                y[i] = anchors[i, 1] + off_y / (np.float32(1) + strength)
