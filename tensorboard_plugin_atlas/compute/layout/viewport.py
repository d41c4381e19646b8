# SPDX-License-Identifier: Apache-2.0
"""Transforms between raw coordinates and the unit square.

All maps of a run share one viewport: a square around the 1st to 99th percentile of the first map,
with a margin. A later map may exceed it. Beyond nine tenths of the way from the center to an edge,
coordinates are compressed instead of clipped. This is strictly monotonic along each axis, so points
do not pile up at the edge, and a finished map never has to be moved.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.sample_subset import is_many
from tensorboard_plugin_atlas.wire.compact_samples import round_positions

VIEWPORT_CHANGED: Final = (
    "layout: the viewport changed; displacement since the last step includes this change"
)

_PERCENTILES = (1.0, 99.0)
_MARGIN = 0.075
_LINEAR = 0.9
"""Fraction of the half width, from the center, in which coordinates are not compressed."""
_OUTSIDE_LIMIT = 0.1
_SHRUNK_LIMIT = 0.4
_MIN_RELATIVE_WIDTH = 1e-4
"""Smallest width of a map, as a fraction of its distance from the origin: float32 cannot represent
narrower viewports well enough."""
_MAX_SCALED = 1 - 2.0**-22
"""Coordinate of points at infinity; the largest one that float32 distinguishes from the edge."""


def fit_viewport(coordinates: FloatArray) -> FloatArray:
    """Returns the (2, 2) float32 square viewport of a first map: low and high corner, raw units.

    If all points coincide, it is one raw unit wide, or wider if they are far from the origin.
    """
    low, high = np.percentile(coordinates.astype(np.float64), _PERCENTILES, axis=0)
    center = (low + high) / 2
    width, least = (high - low).max(), _MIN_RELATIVE_WIDTH * np.abs(center).max()
    if width <= least:
        width = max(1.0, least)
    reach = width * (0.5 + _MARGIN)
    return np.stack([center - reach, center + reach]).astype(np.float32)


def update_viewport(
    coordinates: FloatArray, viewport: FloatArray | None, *, least: float = _SHRUNK_LIMIT
) -> tuple[FloatArray, tuple[str, ...]]:
    """Returns the viewport of the previous map if the new map fits it, or a new one and a note.

    A map fits if at most a tenth of its points lie outside, and if its width is at least `least`
    times the width of the viewport.

    Args:
        coordinates: (N, 2) float32 raw coordinates of the new map.
        viewport: (2, 2) float32 low and high corner, or None for a first map.
        least: Smallest width of the map, as a fraction of the width of the viewport.

    Returns:
        The (2, 2) float32 viewport, and `(VIEWPORT_CHANGED,)` if an existing one was replaced.
    """
    own = fit_viewport(coordinates)
    if viewport is None:
        return own, ()
    shrunk = (own[1] - own[0])[0] < least * (viewport[1] - viewport[0])[0]
    if is_outside(coordinates, viewport).mean() <= _OUTSIDE_LIMIT and not shrunk:
        return viewport, ()
    return own, (VIEWPORT_CHANGED,)


def is_outside(coordinates: FloatArray, viewport: FloatArray) -> NDArray[np.bool_]:
    """Returns (N,) bool: which points lie outside the viewport."""
    beyond: NDArray[np.bool_] = ((coordinates < viewport[0]) | (coordinates > viewport[1])).any(
        axis=1
    )
    return beyond


def to_map(coordinates: FloatArray, viewport: FloatArray) -> FloatArray:
    """Transforms raw coordinates to the unit square.

    Args:
        coordinates: (N, 2) raw units.
        viewport: (2, 2) low and high corner.

    Returns:
        (N, 2) float32 in (0, 1): linear up to nine tenths of the way from the center to the edge,
        compressed beyond.
    """
    low, high = viewport.astype(np.float64)
    offset = 2 * (coordinates - low) / (high - low) - 1
    room = 1 - _LINEAR
    over = np.maximum(np.abs(offset) - _LINEAR, 0)
    scaled = np.minimum(np.abs(offset), _LINEAR) + room * over / (over + room)
    scaled = np.copysign(np.minimum(scaled, _MAX_SCALED), offset)
    xy: FloatArray = ((scaled + 1) / 2).astype(np.float32)
    return xy


def place_on_map(coordinates: FloatArray, viewport: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Transforms raw coordinates to the unit square, rounded as logs store them.

    Coordinates of many samples are rounded here, so that a run continues from the same coordinates
    as one that is resumed from its log.

    Args:
        coordinates: (N, 2) float32 raw units.
        viewport: (2, 2) low and high corner.

    Returns:
        (N, 2) float32 in (0, 1), and the (N, 2) float32 raw coordinates of the same points.
    """
    xy = to_map(coordinates, viewport)
    if not is_many(len(xy)):
        return xy, coordinates
    xy = round_positions(xy)
    return xy, from_map(xy, viewport)


def from_map(xy: FloatArray, viewport: FloatArray) -> FloatArray:
    """Transforms coordinates in the unit square to raw coordinates; inverse of `to_map`.

    Args:
        xy: (N, 2) float32 in (0, 1).
        viewport: (2, 2) low and high corner.

    Returns:
        (N, 2) float32 raw coordinates, up to rounding.
    """
    low, high = viewport.astype(np.float64)
    scaled = 2 * xy.astype(np.float64) - 1
    room = 1 - _LINEAR
    used = np.clip((np.abs(scaled) - _LINEAR) / room, 0, 1 - 1e-6)
    offset = np.minimum(np.abs(scaled), _LINEAR) + room * used / (1 - used)
    coordinates: FloatArray = (low + (np.copysign(offset, scaled) + 1) / 2 * (high - low)).astype(
        np.float32
    )
    return coordinates
