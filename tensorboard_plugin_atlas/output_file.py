# SPDX-License-Identifier: Apache-2.0
"""Writes a file completely or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


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
