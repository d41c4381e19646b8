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
_LATTICE: Final = 2.0**26
"""As in `directions.exact_cosines`: sums of products of its multiples are exact."""
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
def _insert(indices: IntArray, values: FloatArray, index: int, value: np.float32) -> None:
    """Inserts a neighbor into a list in descending order, in place of the last one."""
    at = indices.shape[0] - 1
    while at > 0 and values[at - 1] < value:
        values[at] = values[at - 1]
        indices[at] = indices[at - 1]
        at -= 1
    values[at] = value
    indices[at] = index


@_compile
def merge_nearest(
    similar: FloatArray,
    own: IntArray,
    other: int,
    indices: IntArray,
    values: FloatArray,
    first: int,
) -> None:
    """Merges M successive rows into the lists of nearest neighbors of B rows.

    Args:
        similar: (B, M) float32 similarities.
        own: (B,) int32: the B rows. A row is not its own neighbor.
        other: The first of the M rows.
        indices: (n, k) int32: neighbors of n successive rows found so far, nearest first, updated.
        values: (n, k) float32: their similarities, -inf for none, updated.
        first: The first of the n rows.
    """
    k = indices.shape[1]
    for i in range(similar.shape[0]):
        row = own[i] - first
        lowest = values[row, k - 1]
        for j in range(similar.shape[1]):
            if similar[i, j] > lowest and other + j != own[i]:
                _insert(indices[row], values[row], other + j, similar[i, j])
                lowest = values[row, k - 1]


@_inline
def _dot(a: FloatArray, b: FloatArray) -> np.float32:
    total: np.float32 = np.float32(0)
    for c in range(a.shape[0]):
        total += a[c] * b[c]
    return total


@_compile
def reverse_neighbors(indices: IntArray, count: int) -> IntArray:
    """Returns (N, count) int32: rows of which each row is a neighbor, the nearest first, or -1."""
    found = np.full((indices.shape[0], count), -1, np.int32)
    filled = np.zeros(indices.shape[0], np.int32)
    for rank in range(indices.shape[1]):
        for i in range(indices.shape[0]):
            row = indices[i, rank]
            if row >= 0 and filled[row] < count:
                found[row, filled[row]] = i
                filled[row] += 1
    return found


@_compile
def compare_with_neighbors_of_neighbors(
    rows: FloatArray,
    indices: IntArray,
    values: FloatArray,
    around: IntArray,
    is_new: NDArray[np.bool_],
    first: int,
    last: int,
) -> tuple[IntArray, FloatArray]:
    """Compares some rows with the neighbors of their neighbors.

    Args:
        rows: (N, C) float32 integers, whose products have exact sums.
        indices: (N, k) int32: neighbors, nearest first; -1 for none.
        values: (N, k) float32: their similarities.
        around: (N, m) int32: neighbors and reverse neighbors; -1 for none.
        is_new: (N, m) bool: which of these were not known at the last comparison. Two steps of
            which neither is new are left out.
        first: The first of n successive rows to compare.
        last: The row after them.

    Returns:
        Indices (n, k) and similarities (n, k) of the nearest rows found.
    """
    found, nearest = indices[first:last].copy(), values[first:last].copy()
    seen = np.full(rows.shape[0], -1, np.int32)
    k = indices.shape[1]
    for i in range(first, last):
        own = i - first
        seen[i] = i
        for j in range(k):
            if indices[i, j] >= 0:
                seen[indices[i, j]] = i
        for a in range(around.shape[1]):
            neighbor = around[i, a]
            if neighbor < 0:
                continue
            for b in range(around.shape[1]):
                candidate = around[neighbor, b]
                if candidate < 0 or seen[candidate] == i:
                    continue
                if not (is_new[i, a] or is_new[neighbor, b]):
                    continue
                seen[candidate] = i
                value = _dot(rows[i], rows[candidate])
                if value > nearest[own, k - 1]:
                    _insert(found[own], nearest[own], candidate, value)
    return found, nearest


@_compile
def sort_by_distance(unit: FloatArray, indices: IntArray, first: int) -> FloatArray:
    """Sorts the neighbors of some rows by their exact cosine, in place.

    Args:
        unit: (N, C) float32 unit rows.
        indices: (n, k) int32 neighbors, updated: nearest first, of ties the first.
        first: The first of the n successive rows.

    Returns:
        (n, k) float32 cosine distances in [0, 2].
    """
    distances = np.empty(indices.shape, np.float32)
    cosines = np.empty(indices.shape[1])
    for i in range(indices.shape[0]):
        for j in range(indices.shape[1]):
            neighbor = indices[i, j]
            cosine = 0.0
            for c in range(unit.shape[1]):
                a = np.rint(np.float64(unit[first + i, c]) * _LATTICE)
                b = np.rint(np.float64(unit[neighbor, c]) * _LATTICE)
                cosine += a * b
            at = j
            while at > 0 and (
                cosines[at - 1] < cosine
                or (cosines[at - 1] == cosine and indices[i, at - 1] > neighbor)
            ):
                cosines[at] = cosines[at - 1]
                indices[i, at] = indices[i, at - 1]
                at -= 1
            cosines[at] = cosine
            indices[i, at] = neighbor
        for j in range(indices.shape[1]):
            distance = 1 - cosines[j] / (_LATTICE * _LATTICE)
            distances[i, j] = min(max(distance, 0.0), 2.0)
    return distances


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
def attract(
    x: FloatArray,
    y: FloatArray,
    starts: NDArray[np.uint32],
    tails: NDArray[np.uint32],
    weights: FloatArray,
    towards_x: FloatArray,
    towards_y: FloatArray,
) -> None:
    """Sums p w (x - x') over the edges of each row, w = 1 / (1 + d^2); see `gradient_descent`.

    Edges are unsigned, because numba lets negative indices count from the end, which prevents
    vectorization: it would take 2.6 times as long.
    """
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


@_inline
def _move(
    x: FloatArray,
    y: FloatArray,
    away: FloatArray,
    towards: FloatArray,
    speed: FloatArray,
    gain: FloatArray,
    anchors: FloatArray,
    strengths: FloatArray,
    radius: float,
    mobility: FloatArray,
    attraction: np.float32,
    share: np.float32,
    momentum: np.float32,
    rate: np.float32,
) -> None:
    """Moves all rows by one step; see `gradient_descent`.

    Args:
        x: (N,) float32, updated.
        y: (N,) float32, updated.
        away: (2, N) float32 from `repel_all`.
        towards: (2, N) float32 from `attract`.
        speed: (2, N) float32: the last step, updated.
        gain: (2, N) float32, updated.
        anchors: (N, 2) float32.
        strengths: (N,) float32.
        radius: Raw units.
        mobility: (N,) float32.
        attraction: Factor on `towards`.
        share: Factor on `away`.
        momentum: Factor on `speed`.
        rate: Learning rate.
    """
    for i in range(x.shape[0]):
        down_x = attraction * towards[0, i] - share * away[0, i]
        down_y = attraction * towards[1, i] - share * away[1, i]
        gain[0, i] = _update_gain(gain[0, i], down_x * speed[0, i] < 0)
        gain[1, i] = _update_gain(gain[1, i], down_y * speed[1, i] < 0)
        step_x = rate * mobility[i] * gain[0, i] * down_x
        step_y = rate * mobility[i] * gain[1, i] * down_y
        length = np.sqrt(step_x * step_x + step_y * step_y)
        if length > np.float32(MAX_STEP):
            step_x *= np.float32(MAX_STEP) / length
            step_y *= np.float32(MAX_STEP) / length
        speed[0, i] = momentum * speed[0, i] - step_x
        speed[1, i] = momentum * speed[1, i] - step_y
        x[i] += speed[0, i]
        y[i] += speed[1, i]
        if strengths[i] > 0:
            off_x, off_y = x[i] - anchors[i, 0], y[i] - anchors[i, 1]
            squared_distance = (off_x * off_x + off_y * off_y) / np.float32(radius * radius)
            strength = strengths[i] / (np.float32(1) + squared_distance)
            x[i] = anchors[i, 0] + off_x / (np.float32(1) + strength)
            y[i] = anchors[i, 1] + off_y / (np.float32(1) + strength)


@_compile
def gradient_descent(
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
    """Minimizes the objective of `optimizer.optimize_layout` with exact forces, in place.

    Args:
        x: (N,) float32, updated.
        y: (N,) float32, updated.
        starts: (N + 1,) uint32: the edges of row i are starts[i] to starts[i + 1] - 1.
        tails: (E,) uint32: the other end of each edge.
        weights: (E,) float32: affinities p, with sum 1.
        anchors: (N, 2) float32: anchor coordinates.
        strengths: (N,) float32 >= 0: anchor strengths.
        radius: Distance from the anchor at which its strength is halved, raw units.
        mobility: (N,) float32 in [0, 1]: factor on the steps of each row.
        attractions: (T,) float32: factor on attraction at each of T steps.
        momenta: (T,) float32: momentum at each step.
        rate: Learning rate.
    """
    n = x.shape[0]
    away, towards = np.zeros((2, n), np.float32), np.zeros((2, n), np.float32)
    speed, gain = np.zeros((2, n), np.float32), np.ones((2, n), np.float32)
    is_line = y.min() == y.max()
    for step in range(attractions.shape[0]):
        attraction = np.float32(attractions[step] * _attraction_factor(x, y, is_line))
        total = repel_all(x, y, away[0], away[1])
        attract(x, y, starts, tails, weights, towards[0], towards[1])
        share = np.float32(1 / max(total, 1e-12))
        _move(
            x,
            y,
            away,
            towards,
            speed,
            gain,
            anchors,
            strengths,
            radius,
            mobility,
            attraction,
            share,
            momenta[step],
            np.float32(rate),
        )


@_compile
def step_with_forces(
    x: FloatArray,
    y: FloatArray,
    starts: NDArray[np.uint32],
    tails: NDArray[np.uint32],
    weights: FloatArray,
    anchors: FloatArray,
    strengths: FloatArray,
    radius: float,
    mobility: FloatArray,
    away: FloatArray,
    total: float,
    towards: FloatArray,
    speed: FloatArray,
    gain: FloatArray,
    attraction: float,
    momentum: float,
    rate: float,
    is_line: bool,
) -> None:
    """Does one step of `gradient_descent` with given repulsive forces, in place.

    Args:
        x: (N,) float32, updated.
        y: (N,) float32, updated.
        starts: (N + 1,) uint32; the edges are as for `gradient_descent`.
        tails: (E,) uint32.
        weights: (E,) float32.
        anchors: (N, 2) float32; the anchors are as for `gradient_descent`.
        strengths: (N,) float32.
        radius: Raw units.
        mobility: (N,) float32.
        away: (2, N) float32: repulsive forces.
        total: The sum of w over all ordered pairs.
        towards: (2, N) float32, overwritten.
        speed: (2, N) float32, updated.
        gain: (2, N) float32, updated.
        attraction: Factor on attraction.
        momentum: Factor on the last step.
        rate: Learning rate.
        is_line: Whether all rows have the same y.
    """
    attract(x, y, starts, tails, weights, towards[0], towards[1])
    _move(
        x,
        y,
        away,
        towards,
        speed,
        gain,
        anchors,
        strengths,
        radius,
        mobility,
        np.float32(attraction * _attraction_factor(x, y, is_line)),
        np.float32(1 / max(total, 1e-12)),
        np.float32(momentum),
        np.float32(rate),
    )


@_inline
def _stencil(t: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Returns cubic Lagrange weights of the points -1, 0, 1 and 2 for t in [0, 1)."""
    one, two, half, sixth = np.float32(1), np.float32(2), np.float32(0.5), np.float32(1 / 6)
    return (
        -t * (t - one) * (t - two) * sixth,
        (t + one) * (t - one) * (t - two) * half,
        -(t + one) * t * (t - two) * half,
        (t + one) * t * (t - one) * sixth,
    )


@_compile
def spread_on_grid(
    x: FloatArray, y: FloatArray, low: FloatArray, per_unit: float, grid: FloatArray
) -> None:
    """Spreads each row over the 4 x 4 grid points around it.

    Args:
        x: (N,) float32.
        y: (N,) float32.
        low: (2,) float32: coordinates of grid point (0, 0); each row is at least one spacing from
            the edges of the grid.
        per_unit: Grid points per raw unit.
        grid: (H, W) float32, output: the density.
    """
    grid[:] = 0
    scale = np.float32(per_unit)
    for i in range(x.shape[0]):
        u, v = (x[i] - low[0]) * scale, (y[i] - low[1]) * scale
        column, row = int(u), int(v)
        across, down = _stencil(u - np.float32(column)), _stencil(v - np.float32(row))
        for p in range(4):
            for q in range(4):
                grid[row + p - 1, column + q - 1] += down[p] * across[q]


@_compile
def read_from_grid(
    x: FloatArray,
    y: FloatArray,
    low: FloatArray,
    per_unit: float,
    fields: FloatArray,
    away_x: FloatArray,
    away_y: FloatArray,
) -> float:
    """Interpolates three fields at each row; the arguments are those of `spread_on_grid`.

    Args:
        x: (N,) float32.
        y: (N,) float32.
        low: (2,) float32.
        per_unit: Grid points per raw unit.
        fields: (3, H, W) float32: the sum of w, and the two coordinates of the force.
        away_x: (N,) float32, output.
        away_y: (N,) float32, output.

    Returns:
        The sum of the first field over all rows.
    """
    total = 0.0
    scale = np.float32(per_unit)
    for i in range(x.shape[0]):
        u, v = (x[i] - low[0]) * scale, (y[i] - low[1]) * scale
        column, row = int(u), int(v)
        across, down = _stencil(u - np.float32(column)), _stencil(v - np.float32(row))
        near = sum_x = sum_y = np.float32(0)
        for p in range(4):
            for q in range(4):
                weight = down[p] * across[q]
                near += weight * fields[0, row + p - 1, column + q - 1]
                sum_x += weight * fields[1, row + p - 1, column + q - 1]
                sum_y += weight * fields[2, row + p - 1, column + q - 1]
        away_x[i], away_y[i] = sum_x, sum_y
        total += near
    return total
