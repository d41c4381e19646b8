# SPDX-License-Identifier: Apache-2.0
"""Short `repr` of value types that hold arrays: shapes in place of values."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Mapping
from typing import Any, Final, TypeVar

_Type = TypeVar("_Type", bound=type)

_LONGEST: Final = 60
"""Largest number of characters of a value; longer ones are shortened in the middle."""
_MOST_ITEMS: Final = 4
"""Largest number of items of a collection that are listed."""

_shortener = reprlib.Repr()
_shortener.maxstring = _shortener.maxother = _shortener.maxlong = _LONGEST


def short_repr(cls: _Type) -> _Type:
    """Gives a dataclass a `repr` of one short line, whatever it holds.

    Arrays and tensors appear as dtype and shape, long collections as their number of items, and
    other value types by name.

    Examples:
        >>> @short_repr
        ... @dataclasses.dataclass
        ... class Point:
        ...     xy: tuple
        >>> Point((0.5, 1)), Point(tuple(range(100)))
        (Point(xy=(0.5, 1)), Point(xy=<100 items>))
    """
    cls.__repr__ = _repr  # type: ignore[assignment]
    return cls


def _repr(self: Any) -> str:
    fields = (one for one in dataclasses.fields(self) if one.repr)
    values = (f"{one.name}={_format(getattr(self, one.name))}" for one in fields)
    return f"{type(self).__name__}({', '.join(values)})"


def _format(value: object) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        sizes = ", ".join(f"{size:,}".replace(",", "_") for size in shape)
        return f"<{str(dtype).removeprefix('torch.')} ({sizes})>"
    if dataclasses.is_dataclass(value):
        return f"{type(value).__name__}(...)"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, (tuple, list, set, frozenset, Mapping)):
        return _format_items(value)
    return _shortener.repr(value)


def _format_items(value: Any) -> str:
    if len(value) > _MOST_ITEMS:
        return f"<{len(value)} items>"
    if isinstance(value, Mapping):
        text = ", ".join(f"{_format(key)}: {_format(one)}" for key, one in value.items())
        return f"{{{text}}}"
    text = ", ".join(_format(one) for one in value)
    if isinstance(value, tuple):
        return f"({text},)" if len(value) == 1 else f"({text})"
    return f"[{text}]" if isinstance(value, list) else f"{{{text}}}"
