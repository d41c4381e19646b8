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

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

STRONGEST: Final = 4.0
"""UMAP's bound on one coordinate of one step, before the learning rate."""
COOLING: Final = 1.5
"""Above UMAP's 1: more small steps in the end, which leave less noise in a map."""
_NO_COSINE: Final = np.float32(-2)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        compiled: Callable[..., Any] = njit(cache=True, fastmath=True)(function)
    except RuntimeError:  # nowhere to keep it
        compiled = njit(fastmath=True)(function)
    return compiled


@_compiled
def select_nearest(similar: FloatArray, own: int, indices: IntArray, values: FloatArray) -> None:
    """Selects the most similar columns of each row, in one pass.

    Args:
        similar: (B, N) float32 cosines.
        own: Column of the first row itself, which is left out; that of row i is own + i.
        indices: (B, k) int32, k < N, filled with columns, most similar first; of equal ones the
            first.
        values: (B, k) float32, filled with their cosines.
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


@_compiled
def _mixed(x: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): equal inputs, equal bits."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.uint64 = x ^ (x >> np.uint64(31))
    return mixed


@_compiled
def _bounded(step: np.float32) -> np.float32:
    return min(max(step, np.float32(-STRONGEST)), np.float32(STRONGEST))


@_compiled
def descend(
    places: FloatArray,
    starts: IntArray,
    tails: IntArray,
    periods: FloatArray,
    pull: FloatArray,
    push: FloatArray,
    shift: int,
    anchors: FloatArray,
    holds: FloatArray,
    mobility: FloatArray,
    epochs: int,
    first_negatives: int,
    last_negatives: int,
    seed: int,
) -> None:
    """Descends UMAP's cross entropy in place; see `descent.descend` for what it adds to UMAP.

    Args:
        places: (N, 2) float32, moved.
        starts: (N + 1,) int32: the edges of row i are starts[i] to starts[i + 1] - 1.
        tails: (E,) int32: the other end of each edge.
        periods: (E,) float32 >= 1: epochs between two draws of an edge.
        pull: Attraction at each squared distance d, by the upper bits of d: float32 bits >> shift.
        push: Repulsion, likewise.
        shift: See `pull`.
        anchors: (N, 2) float32: what rows are held to.
        holds: (N,) float32 >= 0: how firmly, at learning rate 1.
        mobility: (N,) float32 in [0, 1]: what share of its steps a row takes.
        epochs: Passes over the edges; the learning rate falls from 1 to 0, as the part of the
            epochs that is left to the power of `COOLING`.
        first_negatives: Rows that one draw of an edge pushes away from, in the first epoch.
        last_negatives: The same in the last; it changes evenly in between.
        seed: Seeds their choice.
    """
    n = places.shape[0]
    due = periods.copy()
    for epoch in range(epochs):
        rate = np.float32((1.0 - epoch / epochs) ** COOLING)
        rise = (last_negatives - first_negatives) * epoch / epochs
        negatives = int(first_negatives + rise + 0.5)
        for i in range(n):
            reach = rate * mobility[i]
            if reach > 0:
                x, y = places[i, 0], places[i, 1]
                for e in range(starts[i], starts[i + 1]):
                    if due[e] > epoch:
                        continue
                    due[e] += periods[e]
                    j = tails[e]
                    dx, dy = x - places[j, 0], y - places[j, 1]
                    strength = pull[np.float32(dx * dx + dy * dy).view(np.int32) >> shift]
                    x += reach * _bounded(strength * dx)
                    y += reach * _bounded(strength * dy)
                    state = (
                        np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
                        + np.uint64(j) * np.uint64(0xD1B54A32D192ED03)
                        + np.uint64(epoch) * np.uint64(0x8CB92BA72F3D8DD7)
                        + np.uint64(seed) * np.uint64(0xA0761D6478BD642F)
                    )
                    for _ in range(negatives):
                        state += np.uint64(0x9E3779B97F4A7C15)
                        drawn = ((_mixed(state) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)
                        q = np.int64(drawn)
                        dx, dy = x - places[q, 0], y - places[q, 1]
                        strength = push[np.float32(dx * dx + dy * dy).view(np.int32) >> shift]
                        x += reach * _bounded(strength * dx)
                        y += reach * _bounded(strength * dy)
                places[i, 0], places[i, 1] = x, y
        for i in range(n):
            hold = rate * holds[i]
            if hold > 0:
                share = hold / (np.float32(1.0) + hold)
                places[i, 0] += share * (anchors[i, 0] - places[i, 0])
                places[i, 1] += share * (anchors[i, 1] - places[i, 1])
