# SPDX-License-Identifier: Apache-2.0
"""Errors about fields of an untrusted manifest: the field, its value and what was expected."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from typing import Any, Final

from tensorboard_plugin_atlas.errors import DamageError

_SHOWN_VALUE: Final = 60
_MESSAGE: Final = re.compile(r"(?P<wanted>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)
_KEY: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")


def explain_error(document: Mapping[str, Any], message: str) -> DamageError:
    """Returns the error for a message of msgspec: the field, its value and what was expected."""
    found = _MESSAGE.fullmatch(message)
    wanted, path = (found["wanted"], found["path"] or "") if found else (message, "")
    missing = _MISSING.fullmatch(wanted)
    if missing:
        return field_error(document, f"{path}.{missing[1]}".removeprefix("."), "a value")
    if wanted.startswith("Invalid enum value"):
        wanted = "one of the values that the schema lists"
    else:
        wanted = wanted.removeprefix("Expected ").split(", got ")[0].replace("`", "")
    return field_error(document, path.removeprefix("."), wanted)


def field_error(document: Mapping[str, Any], path: str, wanted: str) -> DamageError:
    """Returns the error for a field: its path such as "events[0].cell.row", and what it must be."""
    value: Any = document
    for name, index in _KEY.findall("." + path):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif name and isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return DamageError(f'manifest: "{path}" is absent, expected {wanted}')
    return DamageError(f'manifest: "{path}" is {_show(value)}, expected {wanted}')


def _show(value: Any) -> str:
    """Returns a short text for an untrusted value, at a cost that does not grow with it."""
    if isinstance(value, str):
        return repr(value[:_SHOWN_VALUE])[:_SHOWN_VALUE]
    if isinstance(value, int) and value.bit_length() > 64:
        return "a whole number of more than 64 bits"
    return reprlib.repr(value)[:_SHOWN_VALUE]
