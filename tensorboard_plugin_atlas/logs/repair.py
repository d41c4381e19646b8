# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas repair`: every intact record past a damage, in a fresh tree beside the log."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.event_file import FRAME_BYTES, event_files, frame, scan_records
from tensorboard_plugin_atlas.logs.protos import version_payload
from tensorboard_plugin_atlas.logs.reader import checked_directory, run_directories


@dataclass(frozen=True)
class Repaired:
    """What became of one event file.

    Attributes:
        path: Relative to the log directory, and to the output.
        kept: Records that were copied; the file is left out of the output where there are none.
        lost: Damaged places that were left out, each of one record or more.
        lost_bytes: Their size, with that of a last record that was not complete.
    """

    path: Path
    kept: int
    lost: int
    lost_bytes: int


def repair(log_dir: Path, output: Path, *, progress: bool = True) -> tuple[Repaired, ...]:
    """Copies what is intact of all event files, of this and of every other plugin.

    The log itself is only read. Both of TensorBoard's loaders read the copy to its end.

    Args:
        log_dir: The damaged log.
        output: Where the copy goes, under the same relative paths; absent or empty, outside
            `log_dir`.
        progress: Whether to show a progress bar on a terminal.

    Returns:
        One entry for each event file.

    Raises:
        ArgumentError: if `log_dir` is no directory, or `output` is not empty, lies inside
            `log_dir`, or cannot be written.
    """
    source = checked_directory(log_dir)
    _check_output(source, output)
    files = [
        (directory.relative_to(source) / path.name, path)
        for _, directory in run_directories(source)
        for path in event_files(directory)
    ]
    total = sum(path.stat().st_size for _, path in files)
    bar = tqdm(
        total=total, desc="repair", unit="B", unit_scale=True, disable=None if progress else True
    )
    with bar:
        return tuple(_copied(path, output, name, bar.update) for name, path in files)


def _check_output(source: Path, output: Path) -> None:
    inside = output.resolve()
    if inside == source.resolve() or source.resolve() in inside.parents:
        raise ArgumentError(
            f"--output {str(output)!r} lies inside the log itself; pass a directory beside it"
        )
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ArgumentError(
            f"--output {str(output)!r} is there already and not empty; pass a new directory, "
            "nothing is ever overwritten"
        )


def _copied(path: Path, output: Path, name: Path, advance: Callable[[int], object]) -> Repaired:
    """Copies one file; what cannot be read to its end is kept as far as it goes."""
    target, size = output / name, path.stat().st_size
    kept, written, lost, was_lost = 0, 0, 0, False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for payload in _intact(path):
                lost += payload is None and not was_lost
                was_lost = payload is None
                if payload is None:
                    continue
                if not kept and not _is_version(payload):
                    # Without it the Python loader takes the file for one of TensorFlow 0.x.
                    file.write(frame(version_payload(0.0)))
                file.write(frame(payload))
                kept += 1
                written += len(payload) + FRAME_BYTES
                advance(len(payload) + FRAME_BYTES)
        if kept:
            shutil.copystat(path, target)
        else:
            target.unlink()
    except OSError as error:
        raise ArgumentError(
            f"--output {str(output)!r}: {name} cannot be copied ({error.strerror}); make room or "
            "pass a directory on another disk, and start again"
        ) from error
    advance(size - written)
    return Repaired(name, kept, lost, size - written)


def _intact(path: Path) -> Iterator[bytes | None]:
    """Yields the payload of each record that is whole and an event, None for each damage."""
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
