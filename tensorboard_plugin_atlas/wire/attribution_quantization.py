# SPDX-License-Identifier: Apache-2.0
"""Attributions as the log keeps them: half precision, or one byte each where they are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray

NAMES: Final = ("attribution", "attribution_codes", "attribution_scale")
"""Every array that a stored form may consist of."""

SPREAD_NAMES: Final = ("spread_codes", "spread_scale")
"""What the spread of an attribution consists of."""

_FORMS: Final = ({"attribution"}, {"attribution_codes", "attribution_scale"})
_HALF_BYTES: Final = 1 << 20
"""Half precision up to here; beyond, 2,000 cells of 1,000 classes are 2 MB."""
_SPREAD_BYTES: Final = 1 << 19
"""Spreads are kept of as many levels as fit, coarsest first: it is those that are read closely."""
_SPREAD_STEPS: Final = 255
_ZERO: Final = 128
_STEPS: Final = 127


def is_large(values: Sequence[FloatArray | None]) -> bool:
    """Tells whether the attributions of all levels together should take one byte each."""
    return 2 * sum(one.size for one in values if one is not None) > _HALF_BYTES


def store_attribution(values: FloatArray | None, *, in_bytes: bool) -> dict[str, NDArray[Any]]:
    """Returns the arrays that stand for the attribution of one level.

    Args:
        values: (M, K) float32, or None.
        in_bytes: Whether to keep each as a number of steps, 127 of which make up the largest of its
            cell. A cell with NaN or infinity in it is then read back as NaN throughout.

    Returns:
        `attribution` (M, K) float16; or `attribution_codes` (M, K) uint8 and `attribution_scale`
        (M,) float32; or nothing.
    """
    if values is None:
        return {}
    if not in_bytes:
        most = float(np.finfo(np.float16).max)
        return {"attribution": np.clip(values, -most, most).astype(np.float16)}
    steps, scale = _in_steps(values, _STEPS)
    codes = (steps + _ZERO).astype(np.uint8)
    return {"attribution_codes": codes, "attribution_scale": scale}


def _in_steps(values: FloatArray, most: int) -> tuple[FloatArray, FloatArray]:
    """Returns (M, K) whole numbers of steps, up to `most` either way, and what a step of each is.

    The largest of each cell has `most` of them; the step of a cell with NaN or infinity is NaN.
    """
    largest = np.abs(values).max(axis=1, initial=0)
    scale = np.where(np.isfinite(largest), largest / most, np.nan).astype(np.float32)
    steps = np.nan_to_num(values / np.where(scale > 0, scale, 1)[:, None])
    return np.clip(np.rint(steps), -most, most), scale


def store_spreads(spreads: Sequence[FloatArray | None]) -> list[dict[str, NDArray[Any]]]:
    """Returns the arrays that stand for the spread of each level, as many levels as there is room.

    Args:
        spreads: Of each level (M, K) float32 from 0 on, or None; coarsest first.

    Returns:
        Of each level `spread_codes` (M, K) uint8 and `spread_scale` (M,) float32, the value of one
        step; or nothing. A cell with NaN or infinity in it is read back as NaN throughout.
    """
    stored: list[dict[str, NDArray[Any]]] = []
    room = _SPREAD_BYTES
    for spread in spreads:
        room -= 0 if spread is None else spread.size
        if spread is None or room < 0:
            stored.append({})
        else:
            steps, scale = _in_steps(spread, _SPREAD_STEPS)
            stored.append({"spread_codes": steps.astype(np.uint8), "spread_scale": scale})
    return stored


def spread_of(arrays: Mapping[str, NDArray[Any]]) -> FloatArray | None:
    """Returns the (M, K) float32 spread that `store_spreads` stored of a level, or None.

    Raises:
        ValueError: if `arrays` holds half of it.
    """
    found = arrays.keys() & set(SPREAD_NAMES)
    if not found:
        return None
    if len(found) == 1:
        raise ValueError("half of the spread of an attribution")
    values: FloatArray = arrays["spread_codes"] * arrays["spread_scale"][:, None]
    return values


def attribution_of(arrays: Mapping[str, NDArray[Any]]) -> FloatArray | None:
    """Returns the (M, K) float32 attribution that `store_attribution` stored, or None.

    Raises:
        ValueError: if `arrays` holds two forms, or half of one.
    """
    found = arrays.keys() & set(NAMES)
    if not found:
        return None
    if found not in _FORMS:
        raise ValueError("attribution in two forms, or in half of one")
    if "attribution" in arrays:
        return arrays["attribution"].astype(np.float32)
    steps = arrays["attribution_codes"].astype(np.float32) - _ZERO
    values: FloatArray = steps * arrays["attribution_scale"][:, None]
    return values
