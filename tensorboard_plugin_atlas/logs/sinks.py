# SPDX-License-Identifier: Apache-2.0
"""Where summaries go: event files of our own, here or in an object store, or a user's writer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.event_file import EventSink, RecordSink, write_through
from tensorboard_plugin_atlas.logs.protos import blob_summary, scalar_summary
from tensorboard_plugin_atlas.logs.remote import RemoteSink, is_url
from tensorboard_plugin_atlas.metadata import CHILD_RUN

_DIRECTORY_NAMES = ("log_dir", "logdir", "get_logdir")


class Sink(Protocol):
    """Where blob sequences and scalars go."""

    @property
    def location(self) -> str | None:
        """The directory or URL of the run, or None where it is not known."""

    def write(self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None) -> None:
        """Appends one blob sequence."""

    def write_scalars(
        self, values: Mapping[str, float], step: int, wall_time: float | None
    ) -> None:
        """Appends ordinary scalars, tag to value."""

    def flush(self) -> None:
        """Makes everything written durable."""

    def close(self) -> None:
        """Flushes and ends."""


class WriterSink:
    """A sink for a SummaryWriter whose directory cannot be known; its owner closes it."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    @property
    def location(self) -> None:
        """Not known."""

    def write(self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None) -> None:
        """Appends one blob sequence through the writer."""
        write_through(self._writer, blob_summary(tag, blobs), step, wall_time)

    def write_scalars(
        self, values: Mapping[str, float], step: int, wall_time: float | None
    ) -> None:
        """Appends ordinary scalars through the writer."""
        write_through(self._writer, scalar_summary(values), step, wall_time)

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
        Event files in the child run `atlas` of the run's directory; or the writer itself where its
        directory cannot be known, or is in a store that only the writer can reach.

    Raises:
        ArgumentError: if `target` is neither, its directory is a file, or is in a store that
            cannot be reached.
    """
    directory = child_run_of(target)
    if directory is None:
        return WriterSink(target)
    try:
        return own_sink(directory)
    except ArgumentError:
        if not is_url(directory) or isinstance(target, (str, os.PathLike)):
            raise
        return WriterSink(target)


def own_sink(directory: str) -> RecordSink:
    """Returns event files of our own in `directory`, which may be a URL.

    Raises:
        ArgumentError: if it is a file, or is in a store that cannot be reached.
    """
    return RemoteSink(directory) if is_url(directory) else EventSink(directory)


def child_run_of(target: Any) -> str | None:
    """Returns the directory or URL that atlases go to; None for a writer that does not say.

    Raises:
        ArgumentError: if `target` is neither a directory nor a SummaryWriter, or is a file.
    """
    directory = directory_of(target)
    if directory is None:
        return None
    text = os.fspath(directory)
    if is_url(text):
        return f"{text.rstrip('/')}/{CHILD_RUN}"
    if Path(text).is_file():
        raise ArgumentError(f"log_dir_or_writer={text!r} is a file; pass a directory")
    return str(Path(text) / CHILD_RUN)


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
