# SPDX-License-Identifier: Apache-2.0
"""Named arrays as safetensors bytes, read back only if they match their specification.

The format is public (https://github.com/huggingface/safetensors): a little-endian u64 header
length, a JSON header, then flat little-endian arrays. The caller specifies the names, types and
shapes to expect; anything else is refused before an array is allocated.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.wire.limits import MAX_ARRAY_HEADER_BYTES, MAX_DIMENSIONS

_MAX_REASON: Final = 120
_Size = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
_NUMPY_TYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
}


class TensorEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One array in the header of a safetensors blob.

    Attributes:
        dtype: Element type, little-endian.
        shape: Length of each dimension.
        data_offsets: First byte and end of the data, counted from the end of the header.
    """

    dtype: Literal["F16", "F32", "I32", "U16", "U8"]
    shape: Annotated[tuple[_Size, ...], msgspec.Meta(max_length=MAX_DIMENSIONS)]
    data_offsets: tuple[_Size, _Size]


@dataclass(frozen=True)
class Spec:
    """Specification of an array.

    Attributes:
        dtype: "F16", "F32", "I32", "U16", "U8", or "U8|U16" for either of two.
        shape: Length of each dimension, None for any.
        optional: Whether the array may be absent.
    """

    dtype: str
    shape: tuple[int | None, ...]
    optional: bool = False

    @property
    def dtypes(self) -> tuple[np.dtype[Any], ...]:
        """The element types that are allowed, smallest first."""
        return tuple(_NUMPY_TYPES[name] for name in self.dtype.split("|"))


def save(arrays: Mapping[str, NDArray[Any]], specs: Mapping[str, Spec]) -> bytes:
    """Returns `arrays` as safetensors bytes; equal arrays result in equal bytes.

    Raises:
        ArgumentError: if an array is missing, unexpected or does not match `specs`.
    """
    check_arrays(arrays, specs)
    return bytes(save_safetensors({name: np.ascontiguousarray(a) for name, a in arrays.items()}))


def check_arrays(arrays: Mapping[str, NDArray[Any]], specs: Mapping[str, Spec]) -> None:
    """Checks names, element types and shapes.

    Raises:
        ArgumentError: if an array is missing, unexpected or does not match `specs`.
    """
    problem = _mismatch({name: (a.dtype, a.shape) for name, a in arrays.items()}, specs)
    if problem:
        raise ArgumentError(f"atlas arrays: {problem}")


def read_names(data: bytes, where: str) -> frozenset[str]:
    """Returns the names of the arrays in untrusted safetensors bytes.

    Raises:
        DamageError: if the header cannot be read.
    """
    return frozenset(_read_header(data, where)[0])


def count_bit_bytes(samples: int) -> int:
    """Returns the bytes of one bit per sample."""
    return (samples + 7) // 8


def count_bytes(specs: Mapping[str, Spec]) -> int:
    """Returns the bytes of arrays of known shapes, including optional ones, without the header."""
    return sum(
        math.prod(size or 0 for size in spec.shape) * spec.dtypes[-1].itemsize
        for spec in specs.values()
    )


def load(data: bytes, specs: Mapping[str, Spec], where: str) -> dict[str, NDArray[Any]]:
    """Returns the arrays in `data`.

    Args:
        data: Untrusted safetensors bytes.
        specs: Every array that `data` may hold.
        where: Name of the blob for messages.

    Raises:
        DamageError: if the header does not match `specs` or the length of `data`.
    """
    header, start = _read_header(data, where)
    problem = _mismatch(
        {name: (_NUMPY_TYPES[entry.dtype], entry.shape) for name, entry in header.items()}, specs
    )
    if problem:
        raise DamageError(f"{where}: {problem}")
    _check_offsets(header, len(data) - start, where)
    try:
        return load_safetensors(data)
    except Exception as error:  # its errors have no common base class
        raise DamageError(f"{where}: its arrays cannot be read") from error


def _read_header(data: bytes, where: str) -> tuple[dict[str, TensorEntry], int]:
    """Returns the parsed header and the offset of the arrays."""
    if len(data) < 8:
        raise DamageError(f"{where}: {len(data)} bytes are too few for arrays")
    (length,) = struct.unpack_from("<Q", data)
    if length > min(MAX_ARRAY_HEADER_BYTES, len(data) - 8):
        raise DamageError(f"{where}: its header claims {length:,} bytes")
    try:
        header = msgspec.json.decode(data[8 : 8 + length], type=dict[str, TensorEntry])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        reason = str(error)[:_MAX_REASON]
        raise DamageError(f"{where}: its header is not one of arrays: {reason}") from error
    return header, 8 + length


def _mismatch(
    found: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], specs: Mapping[str, Spec]
) -> str | None:
    """Returns how `found` differs from `specs`, or None."""
    for name in found:
        if name not in specs:
            return f"unexpected array {name[:40]!r}"
    for name, spec in specs.items():
        if name not in found:
            if spec.optional:
                continue
            return f"array {name!r} is missing"
        dtype, shape = found[name]
        if dtype not in spec.dtypes:
            return f"array {name!r} is {dtype}, expected {' or '.join(map(str, spec.dtypes))}"
        if len(shape) != len(spec.shape) or any(
            want is not None and have != want for have, want in zip(shape, spec.shape, strict=True)
        ):
            wanted = tuple("any" if n is None else n for n in spec.shape)
            return f"array {name!r} has shape {shape}, expected {wanted}"
    return None


def _check_offsets(header: Mapping[str, TensorEntry], available: int, where: str) -> None:
    """Checks that the arrays are contiguous, as long as their shapes state, and fill the blob."""
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1].data_offsets):
        begin, end = entry.data_offsets
        size = math.prod(entry.shape) * _NUMPY_TYPES[entry.dtype].itemsize
        if begin != position or end - begin != size:
            raise DamageError(
                f"{where}: array {name!r} is at {begin:,} to {end:,}, "
                f"its shape {entry.shape} needs {size:,} bytes from {position:,}"
            )
        position = end
    if position != available:
        raise DamageError(f"{where}: {available:,} bytes of arrays, its header says {position:,}")
