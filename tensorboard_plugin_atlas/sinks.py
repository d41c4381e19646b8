# SPDX-License-Identifier: Apache-2.0
"""Where blob sequences go: an event file of our own, or a user's SummaryWriter."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.events import EventSink, write_through
from tensorboard_plugin_atlas.metadata import CHILD_RUN

_DIRECTORY_NAMES = ("log_dir", "logdir", "get_logdir")


class Sink(Protocol):
    """Where blob sequences go."""

    def write(self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None) -> None:
        """Appends one blob sequence."""

    def flush(self) -> None:
        """Makes everything written durable."""

    def close(self) -> None:
        """Flushes and ends."""


class WriterSink:
    """A sink for a SummaryWriter whose directory cannot be known; its owner closes it."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None) -> None:
        """Appends one blob sequence through the writer."""
        write_through(self._writer, tag, blobs, step, wall_time)

    def flush(self) -> None:
        """Asks the writer to flush."""
        self._writer.flush()

    def close(self) -> None:
        """Asks the writer to flush."""
        self.flush()


def sink_for(target: Any) -> Sink:
    """Finds where the atlases of a run belong.

    Args:
        target: The run's directory, or the SummaryWriter that logs to it.

    Returns:
        An event file in the child run `atlas` of the run's directory; or the writer itself where
        its directory cannot be known or is remote.

    Raises:
        ArgumentError: if `target` is neither, or its directory is a file.
    """
    directory = directory_of(target)
    if directory is None:
        return WriterSink(target)
    text = os.fspath(directory)
    if "://" in text and directory is not target:
        return WriterSink(target)
    if Path(text).is_file():
        raise ArgumentError(f"log_dir_or_writer={text!r} is a file; pass a directory")
    # The sink refuses a URL, of which a Path would make a local directory.
    return EventSink(text if "://" in text else Path(text) / CHILD_RUN)


def directory_of(target: Any) -> str | os.PathLike[str] | None:
    """Returns the directory that `target` is or logs to; None for a writer that does not say.

    Raises:
        ArgumentError: if `target` is neither a directory nor a SummaryWriter.
    """
    if isinstance(target, (str, os.PathLike)):
        return target
    for name in _DIRECTORY_NAMES:
        value = getattr(target, name, None)
        value = value() if callable(value) else value
        if isinstance(value, (str, os.PathLike)) and str(value):
            return value
    if any(hasattr(target, name) for name in ("_get_file_writer", "file_writer")):
        return None
    raise ArgumentError(
        f"log_dir_or_writer={target!r:.80}: pass a directory or a SummaryWriter of "
        "torch.utils.tensorboard or tensorboardX"
    )
