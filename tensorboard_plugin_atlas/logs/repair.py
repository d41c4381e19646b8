# SPDX-License-Identifier: Apache-2.0
"""Copies the intact records of a damaged log to a new directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.event_file import FRAME_BYTES, frame, scan_records
from tensorboard_plugin_atlas.logs.log_files import (
    LogPath,
    LogPathLike,
    check_directory,
    list_event_files,
    measure_file,
    run_directories,
)
from tensorboard_plugin_atlas.logs.protos import make_version_payload


@dataclass(frozen=True)
class RepairedFile:
    """Result for one event file.

    Attributes:
        path: Path relative to the log directory and to the output.
        kept: Number of copied records. If it is 0, the output does not contain the file.
        lost: Number of damaged sections that were skipped, each of one or more records.
        lost_bytes: Their size, including an incomplete last record.
    """

    path: Path
    kept: int
    lost: int
    lost_bytes: int


def repair(
    log_dir: LogPathLike, output: Path, *, progress: bool = True
) -> tuple[RepairedFile, ...]:
    """Copies the intact records of all event files, including those of other plugins.

    The log is only read. Both of TensorBoard's loaders can read the copy to its end.

    Args:
        log_dir: The damaged log: a directory, or a URL of an object store.
        output: Directory of the copy, with the same relative paths; must be empty or not exist, and
            be outside `log_dir`.
        progress: Whether to show a progress bar on a terminal.

    Returns:
        One result for each event file.

    Raises:
        ArgumentError: if `log_dir` is not a directory, or if `output` is not empty, is inside
            `log_dir`, or cannot be written.
    """
    source = check_directory(log_dir)
    _check_output(source, output)
    files = [
        (Path(run) / path.name, path)
        for run, directory in run_directories(source)
        for path in list_event_files(directory)
    ]
    total = sum(measure_file(path) for _, path in files)
    bar = tqdm(
        total=total, desc="repair", unit="B", unit_scale=True, disable=None if progress else True
    )
    with bar:
        return tuple(_copy_file(path, output, name, bar.update) for name, path in files)


def _check_output(source: LogPath, output: Path) -> None:
    inside = output.resolve()
    if source.resolve() in (inside, *inside.parents):
        raise ArgumentError(
            f"--output {str(output)!r} is inside the log; pass a directory outside of it"
        )
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ArgumentError(
            f"--output {str(output)!r} exists and is not empty; pass a new directory, since no "
            "files are overwritten"
        )


def _copy_file(
    path: LogPath, output: Path, name: Path, advance: Callable[[int], object]
) -> RepairedFile:
    """Copies the intact records of one file."""
    target, size = output / name, measure_file(path)
    kept, written, lost, was_lost = 0, 0, 0, False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for payload in _read_intact(path):
                lost += payload is None and not was_lost
                was_lost = payload is None
                if payload is None:
                    continue
                if not kept and not _is_version(payload):
                    # Without a version, the Python loader assumes a file of TensorFlow 0.x.
                    file.write(frame(make_version_payload(0.0)))
                file.write(frame(payload))
                kept += 1
                written += len(payload) + FRAME_BYTES
                advance(len(payload) + FRAME_BYTES)
        if not kept:
            target.unlink()
        elif isinstance(path, Path):
            shutil.copystat(path, target)
    except OSError as error:
        raise ArgumentError(
            f"--output {str(output)!r}: {name} cannot be copied ({error.strerror}); free disk "
            "space, or pass a directory on another disk, and run the command again"
        ) from error
    advance(size - written)
    return RepairedFile(name, kept, lost, size - written)


def _read_intact(path: LogPath) -> Iterator[bytes | None]:
    """Yields the payload of each intact event, and None for each damaged section."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    for record in scan_records(path):
        try:
            if record.reason is None:
                Event.FromString(record.payload)
        except DecodeError:
            yield None
            continue
        yield None if record.reason is not None else record.payload


def _is_version(payload: bytes) -> bool:
    from tensorboard.compat.proto.event_pb2 import Event

    return bool(Event.FromString(payload).file_version)
