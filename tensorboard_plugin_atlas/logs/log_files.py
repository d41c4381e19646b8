# SPDX-License-Identifier: Apache-2.0
"""Finds the event files of a log, in a local directory or in an object store.

All readers of logs get their files here, so that each of them takes URLs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, overload

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.remote_path import RemotePath, is_url, restore_url

LogPath: TypeAlias = Path | RemotePath
"""A file or directory of a log."""

LogPathLike: TypeAlias = str | os.PathLike[str] | RemotePath
"""What `parse_log_path` takes."""


def parse_log_path(path: LogPathLike) -> LogPath:
    """Returns a path of a local file system, or of an object store if it is a URL.

    A URL that `pathlib.Path` changed to `s3:/bucket/logs` is restored. Local paths take precedence.
    """
    if isinstance(path, RemotePath):
        return path
    url = restore_url(os.fspath(path))
    if not is_url(url) or Path(path).exists():
        return Path(path)
    stripped = url.rstrip("/")
    return RemotePath(stripped if is_url(stripped) else url)  # "memory://" is the whole store


def check_directory(log_dir: LogPathLike) -> LogPath:
    """Returns the path of a log directory.

    Raises:
        ArgumentError: if it is not a directory, or its store cannot be read.
    """
    path = parse_log_path(log_dir)
    try:
        if path.is_dir():
            return path
        state = "is a file" if path.exists() else "does not exist"
    except OSError as error:
        raise _unreadable(path, error) from error
    raise ArgumentError(f"log_dir={str(path)!r} {state}; pass the directory of the runs")


def _unreadable(log_dir: LogPath, error: OSError) -> ArgumentError:
    return ArgumentError(f"log_dir={str(log_dir)!r} cannot be read ({error.strerror or error})")


def run_directories(log_dir: LogPath) -> Iterator[tuple[str, LogPath]]:
    """Yields `log_dir` and the directories below it, with their TensorBoard run names.

    In an object store, only directories with event files are yielded.

    Raises:
        ArgumentError: if the store cannot be read.
    """
    if isinstance(log_dir, RemotePath):
        yield from _list_remote_runs(log_dir)
        return
    visited = set()
    for directory, names, _ in os.walk(log_dir, followlinks=True):
        real = os.path.realpath(directory)
        if real in visited:
            # A link to a parent directory would be followed forever.
            names.clear()
            continue
        visited.add(real)
        names.sort()
        yield Path(directory).relative_to(log_dir).as_posix(), Path(directory)


def _list_remote_runs(log_dir: RemotePath) -> Iterator[tuple[str, LogPath]]:
    """Yields the directories with event files, in the order in which `os.walk` visits them."""
    try:
        files = log_dir.find_files()  # one request for about 1,000 objects
    except OSError as error:
        raise _unreadable(log_dir, error) from error
    for run in sorted({file.parent for file in files if is_event_file(file.name)}):
        name = run.as_posix()
        yield name, log_dir if name == "." else log_dir / name


def is_event_file(name: str) -> bool:
    """Returns whether TensorBoard reads a file with this name."""
    return "tfevents" in name


@overload
def list_event_files(directory: Path) -> list[Path]: ...
@overload
def list_event_files(directory: LogPath) -> Sequence[LogPath]: ...
def list_event_files(directory: LogPath) -> Sequence[LogPath]:
    """Returns the event files of one run, in the order in which TensorBoard reads them.

    Raises:
        OSError: if the directory cannot be read.
    """
    if isinstance(directory, RemotePath):
        names = directory.list_names("file")
        return [directory / name for name in sorted(names) if is_event_file(name)]
    with os.scandir(directory) as entries:
        return sorted(Path(e.path) for e in entries if is_event_file(e.name) and e.is_file())


def list_folders(directory: LogPath) -> list[str]:
    """Returns the names of the directories directly below a directory.

    Raises:
        OSError: if it cannot be read.
    """
    if isinstance(directory, RemotePath):
        return directory.list_names("directory")
    return [path.name for path in directory.iterdir() if path.is_dir()]


def measure_file(path: LogPath) -> int:
    """Returns the size of a file in bytes.

    Raises:
        OSError: if it cannot be read.
    """
    return path.size() if isinstance(path, RemotePath) else path.stat().st_size
