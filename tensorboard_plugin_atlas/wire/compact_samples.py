# SPDX-License-Identifier: Apache-2.0
"""Compact form of the arrays of a map, about 25 bytes per sample instead of 80 to 100.

A compact array is decoded to the same bits as the plain one, or not used: each array is stored in
the smallest form that holds it exactly. Map coordinates are 16-bit codes if `round_positions` made
them; values that repeat are an index into a table of the distinct ones, by their bits; the cells
of samples are derived (`derived_cells`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire.derived_cells import derive_cells, remove_derived_cells
from tensorboard_plugin_atlas.wire.limits import MAX_LABELS
from tensorboard_plugin_atlas.wire.tensors import read_names

_Arrays = dict[str, NDArray[Any]]

_LAST_CODE: Final = 65_535
"""Code of the far edge of the map."""
TABLE_ROWS: Final = 65_536
"""Largest number of distinct values that two bytes can index."""
TABLES: Final = ("image_ids", "labels", "label_sets", "predictions", "concepts", "overlap")
"""Arrays that may be stored as `<name>_codes` and `<name>_values`."""
_PLACE_NAMES: Final = ("position_codes", "position_values", "box_values")


def round_positions(xy: FloatArray) -> FloatArray:
    """Rounds map coordinates so that two bytes each hold them exactly.

    Args:
        xy: (N, 2) float32 in [0, 1].

    Returns:
        (N, 2) float32: multiples of 1 / 65,535 between 0 and 1, not at the edges, which the layout
        cannot transform back.
    """
    codes = np.clip(np.rint(xy * np.float64(_LAST_CODE)), 1, _LAST_CODE - 1)
    return _decode_positions(codes.astype(np.uint16))


def is_compact(data: bytes, where: str) -> bool:
    """Returns whether an untrusted blob "map" is in the compact form.

    Args:
        data: The blob.
        where: Name of the blob for messages.

    Raises:
        DamageError: if its header cannot be read.
    """
    return "clamped_bits" in read_names(data, where)


def compress_map(arrays: Mapping[str, NDArray[Any]], sizes: Sequence[int]) -> _Arrays:
    """Returns the arrays of a map in the compact form.

    Args:
        arrays: Those of the plain form, with the types and shapes of `MAP_ARRAYS`, `GRID_ARRAYS`
            and `ATTRIBUTION_ARRAYS`.
        sizes: Sizes of the grids.

    Raises:
        DamageError: if a row or column of a cell is out of range.
    """
    found = remove_derived_cells(arrays, sizes)
    found["clamped_bits"] = np.packbits(found.pop("clamped").astype(np.bool_))
    if "outside" in found:
        found["outside_bits"] = np.packbits(found.pop("outside"))
    found |= _encode_positions(found.pop("xy"))
    found |= _encode_places(found.pop("positions"), found.pop("boxes"))
    for name in TABLES:
        if name in found:
            found |= _encode_table(name, found.pop(name))
    if "noise_floor" in found:
        found |= _encode_halves("noise_floor", found.pop("noise_floor"))
    return found


def expand_map(
    stored: Mapping[str, NDArray[Any]], samples: int, sizes: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a map in the plain form, bit for bit as they were compressed.

    Args:
        stored: From `compress_map`; the values are untrusted, types and shapes are not.
        samples: N.
        sizes: Sizes of the grids.

    Raises:
        DamageError: if an array is stored in no form, in half of one or in several, or if a code
            is not in its table.
    """
    found = dict(stored)
    found["clamped"] = np.unpackbits(found.pop("clamped_bits"), count=samples)
    if "outside_bits" in found:
        bits = np.unpackbits(found.pop("outside_bits"), count=samples)
        found["outside"] = bits.astype(np.bool_)
    codes = found.pop("xy_codes", None)
    if codes is not None:
        _check_single_form("xy", found, {"xy"})
        found["xy"] = _decode_positions(codes)
    _decode_places(found)
    for name in TABLES:
        _decode_table(name, found)
    halves = found.pop("noise_floor_half", None)
    if halves is not None:
        _check_single_form("noise_floor", found, {"noise_floor"})
        found["noise_floor"] = halves.astype(np.float32)
    for name in ("xy", "positions", "boxes", "image_ids"):
        if name not in found:
            raise DamageError(f"{name}: stored in no form")
    return derive_cells(found, sizes)


def _encode_positions(xy: FloatArray) -> _Arrays:
    codes = np.rint(np.clip(np.nan_to_num(xy), 0, 1) * np.float64(_LAST_CODE)).astype(np.uint16)
    if _is_same(_decode_positions(codes), xy):
        return {"xy_codes": codes}
    return {"xy": xy}


def _decode_positions(codes: NDArray[np.uint16]) -> FloatArray:
    xy: FloatArray = codes.astype(np.float32)
    xy /= np.float32(_LAST_CODE)
    return xy


def _encode_places(positions: NDArray[Any], boxes: NDArray[Any]) -> _Arrays:
    """Returns one table of positions and their boxes, if equal positions have equal boxes."""
    if len(positions) and positions.min() >= 0:
        width = int(positions[:, 1].max()) + 1
        keys = positions[:, 0].astype(np.int64) * width + positions[:, 1]
        first, codes = _find_distinct(keys)
        if len(first) <= TABLE_ROWS and np.array_equal(boxes[first][codes], boxes):
            return {
                "position_codes": _shrink(codes, len(first)),
                "position_values": positions[first],
                "box_values": boxes[first],
            }
    return {"positions": positions, "boxes": boxes}


def _decode_places(found: _Arrays) -> None:
    """Replaces the table of positions and boxes by both arrays."""
    parts = [found.pop(name) for name in _PLACE_NAMES if name in found]
    if not parts:
        return
    _check_single_form("positions", found, {"positions", "boxes"})
    if len(parts) != len(_PLACE_NAMES) or len(parts[1]) != len(parts[2]):
        raise DamageError("positions: half of a table of positions and boxes")
    codes, positions, boxes = parts
    _check_codes("positions", codes, len(positions))
    found["positions"], found["boxes"] = positions[codes], boxes[codes]


def _encode_table(name: str, values: NDArray[Any]) -> _Arrays:
    # By their bits, so that each NaN is read as it was.
    _check_size(name, len(values), values)
    bits = values.view(np.int32)
    is_row = bits.ndim > 1
    first, codes = _find_distinct(bits.view(f"V{4 * bits.shape[1]}") if is_row else bits)
    if len(first) > TABLE_ROWS:
        return {name: values}
    return {f"{name}_codes": _shrink(codes, len(first)), f"{name}_values": values[first]}


def _decode_table(name: str, found: _Arrays) -> None:
    """Replaces the table of an array by the array, if it is stored as one."""
    codes, values = (found.pop(f"{name}_{part}", None) for part in ("codes", "values"))
    if codes is None and values is None:
        return
    _check_single_form(name, found, {name})
    if codes is None or values is None:
        raise DamageError(f"{name}: half of a table")
    _check_codes(name, codes, len(values))
    _check_size(name, len(codes), values)
    found[name] = values[codes]


def _encode_halves(name: str, values: FloatArray) -> _Arrays:
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    if _is_same(halves.astype(np.float32), values):
        return {f"{name}_half": halves}
    return {name: values}


def _find_distinct(values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the indices of the distinct values, and the (N,) number of each value among them."""
    _, first, codes = np.unique(values, return_index=True, return_inverse=True)
    return first, codes.ravel()


def _shrink(codes: NDArray[np.intp], count: int) -> NDArray[Any]:
    """Returns numbers below `count` in the smallest type."""
    return codes.astype(np.uint8 if count <= 256 else np.uint16)


def _check_codes(name: str, codes: NDArray[Any], count: int) -> None:
    if len(codes) and codes.max() >= count:
        raise DamageError(f"{name}: a code outside its table of {count:,} entries")


def _check_size(name: str, samples: int, values: NDArray[Any]) -> None:
    """Checks the size of an array with a row of `values` for each sample, before it is made."""
    if values.ndim > 1 and samples * values.shape[1] > MAX_LABELS:
        raise DamageError(f"{name}: more than {MAX_LABELS:,} labels of all samples")


def _check_single_form(name: str, found: Mapping[str, object], others: set[str]) -> None:
    if found.keys() & others:
        raise DamageError(f"{name}: stored in two forms")


def _is_same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Returns whether all bits are equal."""
    return bool(np.array_equal(a.view(np.int32), b.view(np.int32)))
