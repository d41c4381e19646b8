# SPDX-License-Identifier: Apache-2.0
"""The loops that numba compiles. Importing this module imports numba: do so where they run.

Compiled code is kept between processes, beside this file or in the user's cache folder, so that a
fresh process spends its seconds on the layout; where neither can be written it compiles again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

FARTHEST: Final = 5.0
"""Bound on one step of one row, raw units: keeps the first steps of a wild start on the map."""
NARROW: Final = 1e-2
"""Spread of a map at which attraction counts half, raw units; maps are 0.5 to 20 wide."""
_LEAST_GAIN: Final = np.float32(0.01)
_NO_COSINE: Final = -2.0
_FAST: Final[dict[str, Any]] = {"fastmath": True, "error_model": "numpy"}
"""Python's error model tests every divisor for zero, and a loop with a test in it is not
vectorized: without, repulsion between all rows takes a thirteenth of the time."""


_part: Final[Callable[[Callable[..., Any]], Callable[..., Any]]] = njit(inline="always", **_FAST)
"""Decorator of functions that `gradient_descent` calls: numba copies them into it before compiling.

LLVM optimizes a called function once by itself and again for its caller, and under `fastmath` the
two versions add in different orders. Which one runs would depend on what was compiled in this
process and what was loaded from the cache.
"""


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        compiled: Callable[..., Any] = njit(cache=True, **_FAST)(function)
    except RuntimeError:  # nowhere to keep it
        compiled = njit(**_FAST)(function)
    return compiled


@_compiled
def select_nearest(
    similar: NDArray[np.float64], own: int, indices: IntArray, values: NDArray[np.float64]
) -> None:
    """Selects the most similar columns of each row, in one pass.

    Args:
        similar: (B, N) float64 cosines.
        own: Column of the first row itself, which is left out; that of row i is own + i.
        indices: (B, k) int32, k < N, filled with columns, most similar first; of equal ones the
            first.
        values: (B, k) float64, filled with their cosines.
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
            place = k - 1
            while place > 0 and top[place - 1] < value:
                top[place] = top[place - 1]
                found[place] = found[place - 1]
                place -= 1
            top[place] = value
            found[place] = j
            lowest = top[k - 1]


@_part
def repel_all(x: FloatArray, y: FloatArray, away_x: FloatArray, away_y: FloatArray) -> float:
    """Sums the repulsion of every row from every other, each pair once.

    Args:
        x: (N,) float32 places.
        y: (N,) float32 places.
        away_x: (N,) float32, filled: sum over other rows of w^2 (x - x'), w = 1 / (1 + d^2).
        away_y: (N,) float32, filled likewise.

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
            push_x, push_y = w * w * dx, w * w * dy
            sum_x += push_x
            sum_y += push_y
            away_x[j] -= push_x
            away_y[j] -= push_y
        away_x[i] += sum_x
        away_y[i] += sum_y
        total += near
    return 2 * total


@_part
def _push(
    x: np.float32, y: np.float32, xs: FloatArray, ys: FloatArray, weights: FloatArray
) -> tuple[np.float32, np.float32, np.float32]:
    """Returns what places of some weight push one by, and their weighted sum of w."""
    sum_x = sum_y = near = np.float32(0)
    for j in range(xs.shape[0]):
        dx, dy = x - xs[j], y - ys[j]
        w = np.float32(1) / (np.float32(1) + dx * dx + dy * dy)
        heavy = weights[j] * w
        near += heavy
        sum_x += heavy * w * dx
        sum_y += heavy * w * dy
    return sum_x, sum_y, near


@_part
def repel_by_cells(
    x: FloatArray, y: FloatArray, away_x: FloatArray, away_y: FloatArray, side: int
) -> float:
    """Sums what `repel_all` does for many rows: distant ones by the cell, near ones one by one.

    The map is cut into `side` x `side` cells. Rows of the nine cells around a row count by
    themselves, those of any other cell as one of their number at their mean: Barnes and Hut's
    approximation (van der Maaten 2014), on one level.
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
    # Rows in the order of their cells, so that cells side by side are one stretch of memory.
    order = np.empty(n, np.int32)
    filled = begin[:-1].copy()
    own_x, own_y, one = np.empty(n, np.float32), np.empty(n, np.float32), np.ones(n, np.float32)
    cells = used[-1]
    mean_x, mean_y = np.zeros(cells, np.float32), np.zeros(cells, np.float32)
    count = np.zeros(cells, np.float32)
    for i in range(n):
        place, mean = filled[cell[i]], used[cell[i]]
        filled[cell[i]] += 1
        order[place] = i
        own_x[place], own_y[place] = x[i], y[i]
        mean_x[mean] += x[i]
        mean_y[mean] += y[i]
        count[mean] += 1
    mean_x /= count
    mean_y /= count
    total = 0.0
    for place in range(n):
        i = order[place]
        row, column = cell[i] // side, cell[i] % side
        first, last = max(column - 1, 0), min(column + 1, side - 1) + 1
        sum_x = sum_y = near = np.float32(0)
        start = 0
        for line in range(max(row - 1, 0), min(row + 1, side - 1) + 1):
            left, right = line * side + first, line * side + last
            far = slice(start, used[left])
            dx, dy, w = _push(x[i], y[i], mean_x[far], mean_y[far], count[far])
            sum_x, sum_y, near = sum_x + dx, sum_y + dy, near + w
            close = slice(begin[left], begin[right])
            dx, dy, w = _push(x[i], y[i], own_x[close], own_y[close], one[close])
            sum_x, sum_y, near = sum_x + dx, sum_y + dy, near + w
            start = used[right]
        dx, dy, w = _push(x[i], y[i], mean_x[start:], mean_y[start:], count[start:])
        away_x[i], away_y[i] = sum_x + dx, sum_y + dy
        total += near + w
    return float(total - n)


@_part
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
            pull = weights[e] / (np.float32(1) + dx * dx + dy * dy)
            sum_x += pull * dx
            sum_y += pull * dy
        towards_x[i], towards_y[i] = sum_x, sum_y


@_part
def _gained(gain: np.float32, downhill: bool) -> np.float32:
    """Returns the next gain of a coordinate: up while it keeps its direction, down if it turns."""
    grown: np.float32 = gain + np.float32(0.2) if downhill else gain * np.float32(0.8)
    return max(grown, _LEAST_GAIN)


@_part
def _pull_share(x: FloatArray, y: FloatArray, is_line: bool) -> float:
    """Returns the share of attraction, in [0, 1), that a map of this spread can take.

    Attraction above repulsion shrinks a map of little structure by a constant factor at each step.
    Without a bound such a map shrinks until only rounding tells its rows apart, and then grows back
    from that. So attraction fades where the standard deviation along the narrower principal axis,
    or along the only one of a line, is not well above `NARROW`.
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


@_compiled
def gradient_descent(
    x: FloatArray,
    y: FloatArray,
    starts: IntArray,
    tails: IntArray,
    weights: FloatArray,
    anchors: FloatArray,
    holds: FloatArray,
    reach: float,
    mobility: FloatArray,
    pulls: FloatArray,
    momenta: FloatArray,
    rate: float,
    side: int,
) -> None:
    """Descends the objective of `descent.descend` in place, by all forces at once.

    Args:
        x: (N,) float32, moved.
        y: (N,) float32, moved.
        starts: (N + 1,) int32: the edges of row i are starts[i] to starts[i + 1] - 1.
        tails: (E,) int32: the other end of each edge.
        weights: (E,) float32: affinities p, which sum to 1.
        anchors: (N, 2) float32: what rows are held to.
        holds: (N,) float32 >= 0: how firmly.
        reach: Distance from its anchor at which half of the hold on a row is left, raw units.
        mobility: (N,) float32 in [0, 1]: what share of its steps a row takes.
        pulls: (T,) float32: what attraction is multiplied by at each of T steps.
        momenta: (T,) float32: share of the last step that is made again.
        rate: Step for a gradient of 1.
        side: Cells of `repel_by_cells` along each axis, or 0 to count every row by itself.
    """
    n = x.shape[0]
    away, towards = np.zeros((2, n), np.float32), np.zeros((2, n), np.float32)
    speed, gain = np.zeros((2, n), np.float32), np.ones((2, n), np.float32)
    fast = np.float32(rate)
    is_line = y.min() == y.max()
    for step in range(pulls.shape[0]):
        pull = np.float32(pulls[step] * _pull_share(x, y, is_line))
        if side > 0:
            total = repel_by_cells(x, y, away[0], away[1], side)
        else:
            total = repel_all(x, y, away[0], away[1])
        attract(x, y, starts, tails, weights, towards[0], towards[1])
        share = np.float32(1 / max(total, 1e-12))
        for i in range(n):
            down_x = pull * towards[0, i] - share * away[0, i]
            down_y = pull * towards[1, i] - share * away[1, i]
            gain[0, i] = _gained(gain[0, i], down_x * speed[0, i] < 0)
            gain[1, i] = _gained(gain[1, i], down_y * speed[1, i] < 0)
            step_x = fast * mobility[i] * gain[0, i] * down_x
            step_y = fast * mobility[i] * gain[1, i] * down_y
            length = np.sqrt(step_x * step_x + step_y * step_y)
            if length > np.float32(FARTHEST):
                step_x *= np.float32(FARTHEST) / length
                step_y *= np.float32(FARTHEST) / length
            speed[0, i] = momenta[step] * speed[0, i] - step_x
            speed[1, i] = momenta[step] * speed[1, i] - step_y
            x[i] += speed[0, i]
            y[i] += speed[1, i]
            if holds[i] > 0:
                off_x, off_y = x[i] - anchors[i, 0], y[i] - anchors[i, 1]
                strayed = (off_x * off_x + off_y * off_y) / np.float32(reach * reach)
                hold = holds[i] / (np.float32(1) + strayed)
                x[i] = anchors[i, 0] + off_x / (np.float32(1) + hold)
                y[i] = anchors[i, 1] + off_y / (np.float32(1) + hold)
