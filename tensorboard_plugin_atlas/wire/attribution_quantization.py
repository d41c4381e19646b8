# SPDX-License-Identifier: Apache-2.0
"""Stored forms of attributions: half precision, or one byte each if they are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray

ATTRIBUTION_NAMES: Final = ("attribution", "attribution_codes", "attribution_scale")
"""Names of the arrays of all stored forms of an attribution."""

SPREAD_NAMES: Final = ("spread_codes", "spread_scale")
"""Names of the arrays of the spread of an attribution."""

_FORMS: Final = ({"attribution"}, {"attribution_codes", "attribution_scale"})
_HALF_BYTES: Final = 1 << 20
"""Largest total size in half precision; 2,000 cells of 1,000 classes would be 4 MB."""
_SPREAD_BYTES: Final = 1 << 19
"""Largest total size of spreads; those of the coarsest grids are stored first."""
MANY_BYTES: Final = 8_000_000
"""Largest total size of attributions and spreads if there are more than `MANY_SAMPLES` samples."""
_SPREAD_STEPS: Final = 255
_ZERO: Final = 128
_STEPS: Final = 127


def is_large(values: Sequence[FloatArray | None]) -> bool:
    """Returns whether the attributions of all grids need the form with one byte each."""
    return 2 * sum(one.size for one in values if one is not None) > _HALF_BYTES


def store_attribution(values: FloatArray | None, *, in_bytes: bool) -> dict[str, NDArray[Any]]:
    """Returns the stored arrays of the attribution of one grid.

    Args:
        values: (M, K) float32, or None.
        in_bytes: Whether to store one byte per value, in steps of 1/127 of the largest of its cell.
            A cell that holds NaN or infinity is then read back as NaN.

    Returns:
        `attribution` (M, K) float16; or `attribution_codes` (M, K) uint8 and `attribution_scale`
        (M,) float32; or nothing.
    """
    if values is None:
        return {}
    if not in_bytes:
        most = float(np.finfo(np.float16).max)
        return {"attribution": np.clip(values, -most, most).astype(np.float16)}
    steps, scale = _quantize(values, _STEPS)
    codes = (steps + _ZERO).astype(np.uint8)
    return {"attribution_codes": codes, "attribution_scale": scale}


def count_largest_bytes(cells: int, classes: int) -> int:
    """Returns the largest number of bytes of all stored attributions and spreads.

    Args:
        cells: Number of cells of all grids.
        classes: K.
    """
    values = cells * classes
    if not values:
        return 0
    scales = 2 * cells * np.dtype(np.float32).itemsize
    return max(values, min(2 * values, _HALF_BYTES)) + min(values, _SPREAD_BYTES) + scales


def count_grids_that_fit(cells: Sequence[int], classes: int) -> int:
    """Returns of how many grids, coarsest first, the attributions fit in an atlas of many samples.

    Args:
        cells: Number of cells of each grid.
        classes: K.
    """
    totals = [count_largest_bytes(sum(cells[:count]), classes) for count in range(len(cells) + 1)]
    return sum(total <= MANY_BYTES for total in totals) - 1


def _quantize(values: FloatArray, most: int) -> tuple[FloatArray, FloatArray]:
    """Returns (M, K) whole numbers of steps up to `most` in size, and (M,) the size of a step.

    The largest value of a cell is `most` steps; the step of a cell with NaN or infinity is NaN.
    """
    largest = np.abs(values).max(axis=1, initial=0)
    scale = np.where(np.isfinite(largest), largest / most, np.nan).astype(np.float32)
    steps = np.nan_to_num(values / np.where(scale > 0, scale, 1)[:, None])
    return np.clip(np.rint(steps), -most, most), scale


def store_spreads(spreads: Sequence[FloatArray | None]) -> list[dict[str, NDArray[Any]]]:
    """Returns the stored arrays of the spread of each grid, for as many grids as fit.

    Args:
        spreads: (M, K) float32 >= 0 of each grid, or None; coarsest first.

    Returns:
        For each grid `spread_codes` (M, K) uint8 and `spread_scale` (M,) float32, the size of one
        step; or nothing. A cell that holds NaN or infinity is read back as NaN.
    """
    stored: list[dict[str, NDArray[Any]]] = []
    room = _SPREAD_BYTES
    for spread in spreads:
        room -= 0 if spread is None else spread.size
        if spread is None or room < 0:
            stored.append({})
        else:
            steps, scale = _quantize(spread, _SPREAD_STEPS)
            stored.append({"spread_codes": steps.astype(np.uint8), "spread_scale": scale})
    return stored


def read_spread(arrays: Mapping[str, NDArray[Any]]) -> FloatArray | None:
    """Returns the (M, K) float32 spread of a grid from its stored arrays, or None.

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


def read_attribution(arrays: Mapping[str, NDArray[Any]]) -> FloatArray | None:
    """Returns the (M, K) float32 attribution of a grid from its stored arrays, or None.

    Raises:
        ValueError: if `arrays` holds two forms, or half of one.
    """
    found = arrays.keys() & set(ATTRIBUTION_NAMES)
    if not found:
        return None
    if found not in _FORMS:
        raise ValueError("attribution in two forms, or in half of one")
    if "attribution" in arrays:
        return arrays["attribution"].astype(np.float32)
    steps = arrays["attribution_codes"].astype(np.float32) - _ZERO
    values: FloatArray = steps * arrays["attribution_scale"][:, None]
    return values
