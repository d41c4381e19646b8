# SPDX-License-Identifier: Apache-2.0
"""Converts arguments to numbers, with messages that name the argument."""

from __future__ import annotations

import math
import operator
from typing import Final, SupportsFloat, SupportsIndex

from tensorboard_plugin_atlas.errors import ArgumentError

_STEPS: Final = 2**63


def to_seconds(name: str, value: object) -> float:
    """Returns `value` as a float, or raises an ArgumentError that names the argument `name`."""
    if not isinstance(value, SupportsFloat) or not math.isfinite(value):
        raise ArgumentError(f"{name}={value!r:.80}: pass a number of seconds")
    return float(value)


def to_int(name: str, value: object) -> int:
    """Returns `value` as an int, or raises an ArgumentError that names the argument `name`."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ArgumentError(f"{name}={value!r:.80}: pass an integer")
    number = operator.index(value)
    if not -_STEPS <= number < _STEPS:
        raise ArgumentError(f"{name}={number!s:.80}: pass an integer that fits in 64 bits")
    return number
