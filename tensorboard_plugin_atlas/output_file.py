# SPDX-License-Identifier: Apache-2.0
"""Writes a file completely or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tensorboard_plugin_atlas.errors import ArgumentError


def check_output_file(target: Path, name: str, force: bool, force_option: str) -> None:
    """Checks that a file can be written, before it takes time to make its content.

    Args:
        target: The file.
        name: The argument with its value, for messages, such as `output='atlas.html'`.
        force: Whether an existing file is replaced.
        force_option: What the user passes to replace it, for messages.

    Raises:
        ArgumentError: if it is a directory, a device, or a pipe, if it exists and `force` is false,
            or if its directory does not exist.
    """
    if target.is_dir():
        raise ArgumentError(f"{name} is a directory; pass the name of a file")
    if target.exists() and not target.is_file():
        raise ArgumentError(f"{name} is a device or a pipe; pass the name of a file")
    if target.exists() and not force:
        raise ArgumentError(f"{name} exists; pass {force_option} to replace it, or another name")
    if not target.parent.is_dir():
        raise ArgumentError(
            f"{name}: the directory {str(target.parent)!r} does not exist; create it first"
        )


@contextlib.contextmanager
def replace_file(target: Path) -> Iterator[BinaryIO]:
    """Yields a new file beside `target` that replaces it at the end of the block.

    If the block raises, the new file is deleted and `target` is as before.

    Raises:
        OSError: if the file cannot be written.
    """
    # Short, since the name of the target may already have the largest length.
    unfinished = target.parent / f".atlas-{secrets.token_hex(8)}.part"
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
