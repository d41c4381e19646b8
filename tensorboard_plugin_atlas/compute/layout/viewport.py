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

VIEWPORT_CHANGED: Final = (
    "layout: the viewport changed, motion since the last step includes its move"
)

_PERCENTILES = (1.0, 99.0)
_MARGIN = 0.075
_STRAIGHT = 0.9
"""Share of the half side, from the center, in which places are drawn to scale."""
_STRAYED_LIMIT = 0.1
_SHRUNK_LIMIT = 0.4
_NO_WIDTH = 1e-4
"""A map narrower than this share of its distance from the origin is one place: float32 would not
keep its two corners apart well enough to draw in between."""
_LAST_INSIDE = 1 - 2.0**-22
"""Where places infinitely far out are drawn; float32 still tells it from the edge."""


def fit_viewport(places: FloatArray) -> FloatArray:
    """Returns the (2, 2) float32 square viewport of a first map: low and high corner, raw units.

    A map of one place gets a viewport one raw unit wide, or wider where that place is far out.
    """
    low, high = np.percentile(places.astype(np.float64), _PERCENTILES, axis=0)
    center = (low + high) / 2
    width, least = (high - low).max(), _NO_WIDTH * np.abs(center).max()
    if width <= least:
        width = max(1.0, least)
    reach = width * (0.5 + _MARGIN)
    return np.stack([center - reach, center + reach]).astype(np.float32)


def update_viewport(
    places: FloatArray, viewport: FloatArray | None, *, least: float = _SHRUNK_LIMIT
) -> tuple[FloatArray, tuple[str, ...]]:
    """Returns the viewport of the previous map if the new map fits it, or a new one and a note.

    A map fits if at most a tenth of its points lie outside, and if its width is at least `least`
    times the width of the viewport.

    Args:
        places: (N, 2) float32 raw coordinates of the new map.
        viewport: (2, 2) float32 low and high corner, or None for a first map.
        least: Smallest width of the map, as a fraction of the width of the viewport.

    Returns:
        The (2, 2) float32 viewport, and `(VIEWPORT_CHANGED,)` if an existing one was replaced.
    """
    own = fit_viewport(places)
    if viewport is None:
        return own, ()
    shrunk = (own[1] - own[0])[0] < least * (viewport[1] - viewport[0])[0]
    if is_outside(places, viewport).mean() <= _STRAYED_LIMIT and not shrunk:
        return viewport, ()
    return own, (VIEWPORT_CHANGED,)


def is_outside(places: FloatArray, viewport: FloatArray) -> NDArray[np.bool_]:
    """Returns (N,) bool: which places lie beyond the viewport's edge."""
    beyond: NDArray[np.bool_] = ((places < viewport[0]) | (places > viewport[1])).any(axis=1)
    return beyond


def to_map(places: FloatArray, viewport: FloatArray) -> FloatArray:
    """Draws raw places in the unit square.

    Args:
        places: (N, 2) raw units.
        viewport: (2, 2) low and high corner.

    Returns:
        (N, 2) float32 inside (0, 1): to scale up to nine tenths of the way from the center to the
        edge; monotone, and smooth, beyond.
    """
    low, high = viewport.astype(np.float64)
    away = 2 * (places - low) / (high - low) - 1
    room = 1 - _STRAIGHT
    over = np.maximum(np.abs(away) - _STRAIGHT, 0)
    drawn = np.minimum(np.abs(away), _STRAIGHT) + room * over / (over + room)
    drawn = np.copysign(np.minimum(drawn, _LAST_INSIDE), away)
    xy: FloatArray = ((drawn + 1) / 2).astype(np.float32)
    return xy


def from_map(xy: FloatArray, viewport: FloatArray) -> FloatArray:
    """Returns the (N, 2) float32 raw places that `to_map` draws at `xy`, to its rounding."""
    low, high = viewport.astype(np.float64)
    drawn = 2 * xy.astype(np.float64) - 1
    room = 1 - _STRAIGHT
    used = np.clip((np.abs(drawn) - _STRAIGHT) / room, 0, 1 - 1e-6)
    away = np.minimum(np.abs(drawn), _STRAIGHT) + room * used / (1 - used)
    places: FloatArray = (low + (np.copysign(away, drawn) + 1) / 2 * (high - low)).astype(
        np.float32
    )
    return places
