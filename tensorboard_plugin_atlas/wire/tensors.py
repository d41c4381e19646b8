# SPDX-License-Identifier: Apache-2.0
"""Named arrays as safetensors bytes, read back only if they are exactly what was announced.

The format is public (https://github.com/huggingface/safetensors): a little-endian u64 header
length, a JSON header, then flat little-endian arrays. The reader states beforehand which names,
types and shapes it expects; anything else is refused before an array is allocated.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError

_MAX_HEADER_BYTES: Final = 65_536
_NUMPY_TYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
}


@dataclass(frozen=True)
class Spec:
    """What an array must be.

    Attributes:
        dtype: "F16", "F32", "I32" or "U8".
        shape: Its shape; None leaves a dimension open.
        optional: It may be absent.
    """

    dtype: str
    shape: tuple[int | None, ...]
    optional: bool = False


def save(arrays: Mapping[str, NDArray[Any]], specs: Mapping[str, Spec]) -> bytes:
    """Returns `arrays` as safetensors bytes; equal arrays give equal bytes.

    Raises:
        ArgumentError: if an array is missing, superfluous or not as `specs` has it.
    """
    problem = _mismatch({name: (a.dtype, a.shape) for name, a in arrays.items()}, specs)
    if problem:
        raise ArgumentError(f"atlas arrays: {problem}")
    return bytes(save_safetensors({name: np.ascontiguousarray(a) for name, a in arrays.items()}))


def load(data: bytes, specs: Mapping[str, Spec], where: str) -> dict[str, NDArray[Any]]:
    """Returns the arrays in `data`.

    Args:
        data: safetensors bytes from a stranger.
        specs: Every array that may be there.
        where: Names the blob in messages.

    Raises:
        DamageError: if the header is not what `specs` and the length of `data` allow.
    """
    header, start = _read_header(data, where)
    found = {name: _read_entry(name, entry, where) for name, entry in header.items()}
    problem = _mismatch({name: item[:2] for name, item in found.items()}, specs)
    if problem:
        raise DamageError(f"{where}: {problem}")
    _check_offsets(found, len(data) - start, where)
    try:
        return load_safetensors(data)
    except Exception as error:  # its errors have no common base class
        raise DamageError(f"{where}: its arrays cannot be read") from error


_Entry = tuple["np.dtype[Any]", tuple[int, ...], int, int]


def _read_header(data: bytes, where: str) -> tuple[dict[str, Any], int]:
    """Returns the parsed header and where the arrays start."""
    if len(data) < 8:
        raise DamageError(f"{where}: {len(data)} bytes are too few for arrays")
    (length,) = struct.unpack_from("<Q", data)
    if length > min(_MAX_HEADER_BYTES, len(data) - 8):
        raise DamageError(f"{where}: its header claims {length:,} bytes")
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{where}: its header is not JSON") from error
    if not isinstance(header, dict):
        raise DamageError(f"{where}: its header is not a JSON object")
    return header, 8 + length


def _read_entry(name: str, entry: Any, where: str) -> _Entry:
    try:
        dtype = _NUMPY_TYPES[entry["dtype"]]
        shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
        numbers = (*shape, begin, end)
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"{where}: array {name[:40]!r} is not described properly") from error
    if len(shape) > 2 or not all(type(n) is int and 0 <= n <= 2**40 for n in numbers):
        raise DamageError(f"{where}: array {name[:40]!r} has an impossible shape or place")
    return dtype, shape, begin, end


def _mismatch(
    found: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], specs: Mapping[str, Spec]
) -> str | None:
    """Says how `found` differs from `specs`, or returns None."""
    for name in found:
        if name not in specs:
            return f"unexpected array {name[:40]!r}"
    for name, spec in specs.items():
        if name not in found:
            if spec.optional:
                continue
            return f"array {name!r} is missing"
        dtype, shape = found[name]
        if dtype != _NUMPY_TYPES[spec.dtype]:
            return f"array {name!r} is {dtype}, expected {_NUMPY_TYPES[spec.dtype]}"
        if len(shape) != len(spec.shape) or any(
            want is not None and have != want for have, want in zip(shape, spec.shape, strict=True)
        ):
            wanted = tuple("any" if n is None else n for n in spec.shape)
            return f"array {name!r} has shape {shape}, expected {wanted}"
    return None


def _check_offsets(found: Mapping[str, _Entry], available: int, where: str) -> None:
    """The arrays must lie one after the other and fill the blob, each as long as its shape says."""
    position = 0
    for name, (dtype, shape, begin, end) in sorted(found.items(), key=lambda item: item[1][2:]):
        wanted = math.prod(shape) * dtype.itemsize
        if begin != position or end - begin != wanted:
            raise DamageError(
                f"{where}: array {name!r} lies at {begin:,} to {end:,}, "
                f"its shape {shape} takes {wanted:,} bytes from {position:,}"
            )
        position = end
    if position != available:
        raise DamageError(f"{where}: {available:,} bytes of arrays, its header says {position:,}")
