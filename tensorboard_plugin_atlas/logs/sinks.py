# SPDX-License-Identifier: Apache-2.0
"""Sinks of summaries: event files, local or in an object store, or a SummaryWriter."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import CHILD_RUN
from tensorboard_plugin_atlas.logs.event_file import EventSink, RecordSink, write_through
from tensorboard_plugin_atlas.logs.protos import make_blob_summary, make_scalar_summary
from tensorboard_plugin_atlas.logs.remote_path import is_url, restore_url
from tensorboard_plugin_atlas.logs.remote_sink import RemoteSink

_DIRECTORY_NAMES = ("log_dir", "logdir", "get_logdir")


class Sink(Protocol):
    """Interface for writing blob sequences and scalars."""

    @property
    def location(self) -> str | None:
        """The directory or URL of the run, or None if unknown."""

    def write(self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None) -> None:
        """Appends one blob sequence."""

    def write_scalars(
        self, values: Mapping[str, float], step: int, wall_time: float | None
    ) -> None:
        """Appends scalars, given as a mapping from tag to value."""

    def flush(self) -> None:
        """Flushes all records to disk."""

    def close(self) -> None:
        """Flushes and closes the sink."""


class NullSink:
    """A sink that writes nothing, for a rank that computes atlases that another one logs."""

    location: str | None = None

    def write(self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None) -> None:
        """Does nothing."""

    def write_scalars(
        self, values: Mapping[str, float], step: int, wall_time: float | None
    ) -> None:
        """Does nothing."""

    def flush(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class WriterSink:
    """A sink for a SummaryWriter whose directory is unknown; its owner closes it."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    @property
    def location(self) -> None:
        """None, since the directory is unknown."""

    def write(self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None) -> None:
        """Appends one blob sequence through the writer."""
        write_through(self._writer, make_blob_summary(tag, blobs), step, wall_time)

    def write_scalars(
        self, values: Mapping[str, float], step: int, wall_time: float | None
    ) -> None:
        """Appends scalars through the writer."""
        write_through(self._writer, make_scalar_summary(values), step, wall_time)

    def flush(self) -> None:
        """Flushes the writer."""
        self._writer.flush()

    def close(self) -> None:
        """Flushes the writer and leaves it open."""
        self.flush()


def make_sink(target: Any) -> Sink:
    """Returns the sink for the atlases of a run.

    Args:
        target: The run's directory or URL, or the SummaryWriter that logs to it.

    Returns:
        A sink that writes event files in the child run `atlas` of the run's directory; or one that
        writes through the SummaryWriter, if its directory is unknown or in a store that only it can
        reach.

    Raises:
        ArgumentError: if `target` is neither, if its directory is a file, or if its store cannot
            be reached.
    """
    directory = find_child_run(target)
    if directory is None:
        return WriterSink(target)
    try:
        sink = make_event_sink(directory)
        if isinstance(sink, RemoteSink):
            sink.check_access()
        return sink
    except ArgumentError:
        if not is_url(directory) or isinstance(target, (str, os.PathLike)):
            raise
        return WriterSink(target)


def make_event_sink(directory: str) -> RecordSink:
    """Returns a sink that writes event files in `directory`, which may be a URL.

    Raises:
        ArgumentError: if it is a file, or if its store cannot be reached.
    """
    return RemoteSink(directory) if is_url(directory) else EventSink(directory)


def find_child_run(target: Any) -> str | None:
    """Returns the directory or URL of the atlases; None if a writer does not reveal its directory.

    Raises:
        ArgumentError: if `target` is neither a directory nor a SummaryWriter, or is a file.
    """
    directory = find_directory(target)
    if directory is None:
        return None
    text = restore_url(os.fspath(directory))
    if is_url(text):
        return f"{text.rstrip('/')}/{CHILD_RUN}"
    if Path(text).is_file():
        raise ArgumentError(f"log_dir_or_writer={text!r} is a file; pass a directory")
    return str(Path(text) / CHILD_RUN)


def find_directory(target: Any) -> str | os.PathLike[str] | None:
    """Returns the directory that `target` is or logs to; None if a writer does not reveal it.

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
