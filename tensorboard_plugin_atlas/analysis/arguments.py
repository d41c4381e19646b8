# SPDX-License-Identifier: Apache-2.0
"""Whether what a function was given are atlases, and what to pass if they are not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError


def check_atlas(argument: str, value: object) -> None:
    """Tells whether an argument is an atlas.

    Args:
        argument: How messages name it.
        value: What was given.

    Raises:
        ArgumentError: if it is none; for a path the message says how to read its atlases.
    """
    if isinstance(value, Atlas):
        return
    # A log holds many atlases, so its path does not say which is meant.
    advice = (
        f"; {_reading(value)} gives those of a log, one at a time"
        if isinstance(value, (str, os.PathLike))
        else ", such as compute_atlas(...) returns, or next(read_atlases(log_dir, layer=...))"
    )
    raise ArgumentError(f"{argument}={value!r:.80}: pass an Atlas{advice}")


def iterate_atlases(argument: str, values: object, *, more: str = "") -> Iterator[Atlas]:
    """Yields the atlases of an argument as they are asked for.

    Args:
        argument: How messages name it.
        values: What was given.
        more: Advice that messages end with.

    Raises:
        ArgumentError: if it is no iterable of atlases.
    """
    if isinstance(values, Atlas):
        raise ArgumentError(f"{argument} is a single Atlas: pass a list, such as [atlas]")
    if isinstance(values, (str, bytes, os.PathLike)) or not isinstance(values, Iterable):
        raise ArgumentError(
            f"{argument}={values!r:.80}: pass atlases, such as {_reading(values)} gives{more}"
        )
    for number, value in enumerate(values):
        if not isinstance(value, Atlas):
            raise ArgumentError(
                f"{argument}: number {number} is {value!r:.80}, no Atlas; pass atlases, such as "
                f"{_reading(None)} gives{more}"
            )
        yield value


def _reading(value: object) -> str:
    if isinstance(value, (str, os.PathLike)):
        return f"read_atlases({os.fspath(value)!r:.80})"
    return "read_atlases(log_dir)"
