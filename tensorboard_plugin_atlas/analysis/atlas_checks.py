# SPDX-License-Identifier: Apache-2.0
"""Checks of arguments that must be atlases."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError


def check_atlas(argument: str, value: object) -> None:
    """Checks that an argument is an atlas.

    Args:
        argument: Name of the argument, for messages.
        value: Its value.

    Raises:
        ArgumentError: if it is not an `Atlas`; the message says what to pass.
    """
    if isinstance(value, Atlas):
        return
    # A log has many atlases, so its path is not enough.
    advice = (
        f"; {_show_reader_call(value)} yields those of a log, one at a time"
        if isinstance(value, (str, os.PathLike))
        else ", such as compute_atlas(...) returns, or next(read_atlases(log_dir, layer=...))"
    )
    raise ArgumentError(f"{argument}={value!r:.80}: pass an Atlas{advice}")


def iterate_atlases(argument: str, values: object, *, more: str = "") -> Iterator[Atlas]:
    """Yields the atlases of an argument, one at a time.

    Args:
        argument: Name of the argument, for messages.
        values: Its value.
        more: Advice at the end of messages.

    Raises:
        ArgumentError: if it is not an iterable of atlases.
    """
    if isinstance(values, Atlas):
        raise ArgumentError(f"{argument} is a single Atlas: pass a list, such as [atlas]")
    if isinstance(values, (str, bytes, os.PathLike)) or not isinstance(values, Iterable):
        raise ArgumentError(
            f"{argument}={values!r:.80}: pass atlases, such as {_show_reader_call(values)}{more}"
        )
    for number, value in enumerate(values):
        if not isinstance(value, Atlas):
            raise ArgumentError(
                f"{argument}: number {number} is {value!r:.80}, not an Atlas; pass atlases, such "
                f"as {_show_reader_call(None)}{more}"
            )
        yield value


def _show_reader_call(value: object) -> str:
    if isinstance(value, (str, os.PathLike)):
        return f"read_atlases({os.fspath(value)!r:.80})"
    return "read_atlases(log_dir)"
