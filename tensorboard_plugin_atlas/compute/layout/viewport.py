# SPDX-License-Identifier: Apache-2.0
"""Raw places to the unit square and back: one frame for a whole run, and room beyond its edge.

The frame is a square around the 1st to 99th percentile of a run's first map, with a margin. A later
map may outgrow it: beyond nine tenths of the way from the center to an edge, places are drawn ever
closer together instead of cut off. The order of places along each axis is kept, so nothing piles up
on the rim, and no finished map ever has to be moved.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray

CHANGED: Final = "layout: the frame changed, motion since the last step includes its move"

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


def fit_frame(places: FloatArray) -> FloatArray:
    """Returns the (2, 2) float32 square frame of a first map: low and high corner, raw units.

    A map of one place gets a frame one raw unit wide, or wider where that place is far out.
    """
    low, high = np.percentile(places.astype(np.float64), _PERCENTILES, axis=0)
    center = (low + high) / 2
    width, least = (high - low).max(), _NO_WIDTH * np.abs(center).max()
    if width <= least:
        width = max(1.0, least)
    reach = width * (0.5 + _MARGIN)
    return np.stack([center - reach, center + reach]).astype(np.float32)


def keep_frame(
    places: FloatArray, frame: FloatArray | None, *, least: float = _SHRUNK_LIMIT
) -> tuple[FloatArray, tuple[str, ...]]:
    """Returns the previous frame while the map can be read in it, or a new one and a note.

    A first map, whose `frame` is None, gets its own without a note. A later one can be read while
    less than a tenth of its places lie beyond the edge, and it is `least` as wide as the frame.
    """
    own = fit_frame(places)
    if frame is None:
        return own, ()
    shrunk = (own[1] - own[0])[0] < least * (frame[1] - frame[0])[0]
    if outside(places, frame).mean() <= _STRAYED_LIMIT and not shrunk:
        return frame, ()
    return own, (CHANGED,)


def outside(places: FloatArray, frame: FloatArray) -> NDArray[np.bool_]:
    """Returns (N,) bool: which places lie beyond the frame's edge."""
    beyond: NDArray[np.bool_] = ((places < frame[0]) | (places > frame[1])).any(axis=1)
    return beyond


def to_map(places: FloatArray, frame: FloatArray) -> FloatArray:
    """Draws raw places in the unit square.

    Args:
        places: (N, 2) raw units.
        frame: (2, 2) low and high corner.

    Returns:
        (N, 2) float32 inside (0, 1): to scale up to nine tenths of the way from the center to the
        edge; monotone, and smooth, beyond.
    """
    low, high = frame.astype(np.float64)
    away = 2 * (places - low) / (high - low) - 1
    room = 1 - _STRAIGHT
    over = np.maximum(np.abs(away) - _STRAIGHT, 0)
    drawn = np.minimum(np.abs(away), _STRAIGHT) + room * over / (over + room)
    drawn = np.copysign(np.minimum(drawn, _LAST_INSIDE), away)
    xy: FloatArray = ((drawn + 1) / 2).astype(np.float32)
    return xy


def from_map(xy: FloatArray, frame: FloatArray) -> FloatArray:
    """Returns the (N, 2) float32 raw places that `to_map` draws at `xy`, to its rounding."""
    low, high = frame.astype(np.float64)
    drawn = 2 * xy.astype(np.float64) - 1
    room = 1 - _STRAIGHT
    used = np.clip((np.abs(drawn) - _STRAIGHT) / room, 0, 1 - 1e-6)
    away = np.minimum(np.abs(drawn), _STRAIGHT) + room * used / (1 - used)
    places: FloatArray = (low + (np.copysign(away, drawn) + 1) / 2 * (high - low)).astype(
        np.float32
    )
    return places
