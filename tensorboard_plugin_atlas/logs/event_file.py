# SPDX-License-Identifier: Apache-2.0
"""Writes TensorBoard event files, one per process, and reads the intact records of damaged ones.

A record is a little-endian u64 length, its masked CRC-32C, the payload, and its masked CRC-32C
(TensorFlow's TFRecord). TensorBoard computes checksums in pure Python at a few MB/s and holds the
GIL, which halves the speed of a training loop; `google-crc32c` computes them in C. TensorBoard's
readers stop at the first damaged record; `scan_records` finds the next intact one.
"""

from __future__ import annotations

import abc
import contextlib
import errno
import itertools
import os
import re
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import google_crc32c

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import PLUGIN_NAME
from tensorboard_plugin_atlas.logs.file_names import make_next_file_name
from tensorboard_plugin_atlas.logs.log_files import (
    LogPath,
    LogPathLike,
    list_event_files,
    parse_log_path,
)
from tensorboard_plugin_atlas.logs.protos import (
    make_blob_summary,
    make_event_payload,
    make_scalar_summary,
    make_version_payload,
)

MAX_RECORD_BYTES: Final = 256 << 20
"""Longest record that is read, as in TensorBoard's data server."""

_HEADER: Final = struct.Struct("<QI")
_FOOTER: Final = struct.Struct("<I")
FRAME_BYTES: Final = _HEADER.size + _FOOTER.size
"""Bytes of a record in addition to its payload."""
_MASK_DELTA: Final = 0xA282EAD8
_WRITE_BYTES: Final = 1 << 20
"""Bytes per write call: on Linux 6.18, one write of 4 MiB takes 7 ms, four of 1 MiB take 1 ms."""
_SEARCH_BYTES: Final = 1 << 20
_CANDIDATE: Final = re.compile(rb"(?=(?!\x00{4})[\x00-\xff]{3}[\x00-\x10]\x00{4})")
"""Matches where a length from 1 B to 272 MiB may start; the lookahead lets them overlap."""

_FILE_NUMBERS: Final = itertools.count()
_MOST_ATTEMPTS: Final = 10
"""Number of file names that are tried if other processes have just used one."""

_SILLY_PREFIX: Final = ".nfs"
"""Prefix that NFS clients give to a file that is deleted while it is open."""


def compute_masked_crc(data: bytes) -> int:
    """Returns the CRC-32C of `data`, rotated and offset as TFRecord stores it."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def frame(payload: bytes) -> bytes:
    """Returns `payload` as one record, which is 16 bytes longer."""
    return b"".join(_make_record(payload))


def _make_record(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Returns header, payload, and footer of a record, without copying the payload."""
    length = struct.pack("<Q", len(payload))
    header = length + _FOOTER.pack(compute_masked_crc(length))
    return header, payload, _FOOTER.pack(compute_masked_crc(payload))


class RecordSink(abc.ABC):
    """Base class of sinks that write summaries as records of event files."""

    @property
    @abc.abstractmethod
    def location(self) -> str:
        """The run's directory or URL."""

    @abc.abstractmethod
    def append(self, payload: bytes) -> None:
        """Appends one event as a record.

        Raises:
            OSError: if it cannot be written; no part of the record remains then.
        """

    @abc.abstractmethod
    def flush(self) -> None:
        """Flushes all records to disk."""

    @abc.abstractmethod
    def close(self) -> None:
        """Flushes and closes the file. A later write creates a new one."""

    def write(
        self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None = None
    ) -> None:
        """Appends one blob sequence.

        Args:
            tag: Summary tag.
            blobs: The sequence.
            step: Global step. Steps of one tag should increase; otherwise the loaders differ.
            wall_time: Seconds since the epoch; None is now.

        Raises:
            OSError: if the file cannot be written; no part of the record remains then.
        """
        self.append(
            make_event_payload(make_blob_summary(tag, blobs), step, _default_to_now(wall_time))
        )

    def write_scalars(
        self, values: Mapping[str, float], step: int, wall_time: float | None = None
    ) -> None:
        """Appends scalars in one record, given as a mapping from tag to value.

        Raises:
            OSError: as `write` does.
        """
        self.append(
            make_event_payload(make_scalar_summary(values), step, _default_to_now(wall_time))
        )


class EventSink(RecordSink):
    """Appends records to a new event file on a local file system. Thread safe.

    The file is created at the first write, and a new one after a fork, so that two processes never
    share a file.

    Durability: when `write` returns, the operating system has the whole record, which survives the
    end of the process (even by kill -9). `flush` and `close` also wait for the disk (fsync of the
    file, and once of its directory), which survives a power failure. A record that could not be
    written completely (disk full) is truncated, so that the records before and after it stay
    readable.

    Args:
        directory: Directory of the file; created if it does not exist.

    Raises:
        ArgumentError: if `directory` is a URL or lies under something that is not a directory.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        text = os.fspath(directory)
        if "://" in text:
            raise ArgumentError(
                f"log_dir={text!r}: pass a local directory, or a SummaryWriter that writes to this "
                "URL"
            )
        self._directory = Path(text)
        existing = next(p for p in (self._directory, *self._directory.parents) if p.exists())
        if not existing.is_dir():
            raise ArgumentError(f"log_dir={text!r}: {existing.name!r} is a file; pass a directory")
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._owner = 0
        self._is_entered = False

    @property
    def location(self) -> str:
        """The directory."""
        return str(self._directory)

    @property
    def path(self) -> Path | None:
        """The open file, or None."""
        return None if self._file is None else Path(self._file.name)

    def append(self, payload: bytes) -> None:
        """Appends one event as a record.

        Raises:
            OSError: if the file cannot be written; no part of the record remains then.
        """
        record = _make_record(payload)
        with self._lock:
            self._append(self._open(), record)

    def flush(self) -> None:
        """Waits until every record is on the disk."""
        with self._lock:
            if self._file is not None:
                self._sync(self._file)

    def close(self) -> None:
        """Flushes and closes the file. A later write opens a new one."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                with file:
                    self._sync(file)

    def _open(self) -> BinaryIO:
        if self._file is not None and self._owner == os.getpid():
            return self._file
        if self._file is not None:
            self._file.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        file, created = self._create_file()
        self._file, self._owner, self._is_entered = file, os.getpid(), False
        self._append(file, _make_record(make_version_payload(created)))
        return file

    def _create_file(self) -> tuple[BinaryIO, float]:
        """Creates a file whose name sorts after all others; returns it and its creation time.

        The time is not before the last write to any file of the directory. The doctor compares
        times to find concurrent writers, and a clock that was set back must not look like one.
        """
        attempts = 0
        while True:
            times = _list_modification_times(self._directory)
            created = max(time.time(), *times.values(), 0.0)
            name = make_next_file_name(times, created, next(_FILE_NUMBERS))
            try:
                return (self._directory / name).open("xb", buffering=0), created
            except FileExistsError:
                attempts += 1
                if attempts == _MOST_ATTEMPTS:
                    raise

    def _sync(self, file: BinaryIO) -> None:
        os.fsync(file.fileno())
        self._check_link(file)
        if not self._is_entered and hasattr(os, "O_DIRECTORY"):
            # After a power failure, a new file exists only if its directory was synced, too.
            directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        self._is_entered = True

    def _check_link(self, file: BinaryIO) -> None:
        """Raises if the file was deleted; the next write creates a new one."""
        if os.path.exists(file.name):  # noqa: PTH110 - `Path.exists` raises what it cannot read
            return
        state = os.fstat(file.fileno())
        if state.st_nlink and not _is_silly_rename(Path(file.name).parent, state.st_ino):
            return  # it was moved together with its directory
        self._file = None
        file.close()
        raise FileNotFoundError(
            errno.ENOENT,
            "the log was deleted while it was written; a new file is created at the next write",
            file.name,
        )

    def _append(self, file: BinaryIO, record: tuple[bytes, ...]) -> None:
        try:
            start = file.tell()
        except OSError:
            # Other code closed the descriptor. Its number may belong to another file now, so it
            # must not be used again.
            self._file = None
            with contextlib.suppress(OSError):
                file.close()
            raise
        try:
            for part in record:
                rest = memoryview(part)
                while rest:
                    rest = rest[file.write(rest[:_WRITE_BYTES]) :]
        except BaseException:
            self._cut(file, start)
            raise

    def _cut(self, file: BinaryIO, start: int) -> None:
        """Removes an incomplete record; deletes the file if no complete record is left."""
        with contextlib.suppress(OSError):
            file.truncate(start)
            file.seek(start)
            if start > 0:
                return
            Path(file.name).unlink()
        self._file = None
        file.close()


def _list_modification_times(directory: Path) -> dict[str, float]:
    """Returns the modification time of each event file of `directory`, 0 if unknown."""
    found = {}
    # A directory may be writable but not readable.
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if "tfevents" in entry.name:
                found[entry.name] = 0.0
                with contextlib.suppress(OSError):
                    found[entry.name] = entry.stat().st_mtime
    return found


def _is_silly_rename(directory: Path, inode: int) -> bool:
    """Returns whether an NFS client renamed a deleted file because it is still open."""
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        return any(e.name.startswith(_SILLY_PREFIX) and e.inode() == inode for e in entries)
    return False


def write_through(writer: Any, summary: Any, step: int, wall_time: float | None = None) -> None:
    """Writes one summary through a SummaryWriter of the user.

    Used for writers whose directory is unknown; they compute checksums in pure Python.

    Args:
        writer: SummaryWriter of torch or tensorboardX, or an object with the same file writer.
        summary: A `Summary`, see `logs.protos`.
        step: Global step.
        wall_time: Seconds since the epoch; None is now.

    Raises:
        ArgumentError: if `writer` has no file writer.
    """
    make = getattr(writer, "_get_file_writer", None)
    file_writer: Any = make() if callable(make) else getattr(writer, "file_writer", None)
    if not hasattr(file_writer, "add_summary"):
        raise ArgumentError(
            f"log_dir_or_writer is a {type(writer).__name__} without a file writer: pass a "
            "directory or the SummaryWriter of torch.utils.tensorboard or tensorboardX"
        )
    if type(file_writer).__module__.partition(".")[0] == "tensorboardX":
        # tensorboardX accepts only its own class, which keeps unknown fields.
        from tensorboardX.proto.summary_pb2 import Summary as OwnSummary

        own = OwnSummary()
        own.ParseFromString(summary.SerializeToString())
        summary = own
    file_writer.add_summary(summary, step, _default_to_now(wall_time))


def _default_to_now(wall_time: float | None) -> float:
    return time.time() if wall_time is None else wall_time


@dataclass(frozen=True)
class Record:
    """A record of an event file, or a section of it that holds no record.

    Attributes:
        offset: Start in the file, in bytes.
        payload: Content; may be empty for damage.
        reason: Description of the damage, or None.
    """

    offset: int
    payload: bytes
    reason: str | None = None


def scan_records(path: LogPathLike) -> Iterator[Record]:
    """Yields the records of an event file in order, and continues after damage.

    An incomplete last record ends the scan silently, since a running writer leaves one. Holds one
    record plus 1 MiB in memory; lengths beyond the end of the file are ignored.

    Raises:
        OSError: if the file cannot be read.
    """
    with parse_log_path(path).open("rb") as file:
        scan, offset = _Scan(file), 0
        while offset + _HEADER.size <= scan.size:
            record = scan.read_record_at(offset)
            if record is not None and record.reason is None:
                yield record
                offset += len(record.payload) + FRAME_BYTES
                continue
            following = scan.find_next_offset(offset, record)
            if record is None and following is None and scan.is_header(offset):
                return
            end = scan.size if following is None else following
            yield record or Record(offset, b"", f"no record in {end - offset:,} bytes")
            offset = end


def find_record_offsets(file: BinaryIO) -> Iterator[int]:
    """Yields the offsets of the records of an event file, ascending, without reading payloads.

    Follows the lengths in the headers; after a damaged one, searches for the next intact record.
    Payloads may be damaged: read them with `read_record_at`.

    Args:
        file: An event file, open for reading and seekable.

    Raises:
        OSError: if the file cannot be read.
    """
    scan, offset, before = _Scan(file), 0, 0
    while offset + FRAME_BYTES <= scan.size:
        length = scan.length_at(offset)
        if length is None or offset + FRAME_BYTES + length > scan.size:
            # If bytes are missing, the next record starts before the expected end of the last one.
            found = scan.search(before + 1)
            if found is None:
                return
            offset = found if found > before else scan.size
            continue
        yield offset
        before, offset = offset, offset + FRAME_BYTES + length


def read_record_at(file: BinaryIO, offset: int) -> Record | None:
    """Returns the record at `offset` or None; it has a reason if its checksum is wrong.

    Raises:
        OSError: if the file cannot be read.
    """
    return _Scan(file).read_record_at(offset)


def read_length(file: BinaryIO, offset: int) -> int | None:
    """Returns the length in the header at `offset`, or None if its checksum is wrong.

    Raises:
        OSError: if the file cannot be read.
    """
    return _Scan(file).length_at(offset)


def read_record(path: LogPathLike, offset: int) -> bytes | None:
    """Returns the payload of the intact record at `offset`, or None if there is none.

    Raises:
        OSError: if the file cannot be read.
    """
    with parse_log_path(path).open("rb") as file:
        record = read_record_at(file, offset)
    return None if record is None or record.reason else record.payload


@dataclass(frozen=True)
class LoggedEvent:
    """One blob sequence of this plugin, or one damaged record, in an event file.

    Attributes:
        tag: Summary tag; None if unknown because of damage.
        step: Global step; 0 if unknown because of damage.
        wall_time: Seconds since the epoch; 0 if unknown because of damage.
        blobs: The sequence, None for damage.
        reason: Description of the damage, or None.
        file: The event file.
        offset: Start of the record in `file`, in bytes.
        is_restart: Whether the run was resumed at `step`, so that earlier records of this step and
            later ones are void. `tag` and `blobs` are None then.
    """

    tag: str | None
    step: int
    wall_time: float
    blobs: tuple[bytes, ...] | None
    reason: str | None
    file: LogPath
    offset: int
    is_restart: bool = False


def read_events(directory: LogPathLike) -> Iterator[LoggedEvent]:
    """Yields the blob sequences of this plugin in the event files of `directory`, in file order.

    Subdirectories are other runs and are not read. Damage is yielded with its reason, and with tag
    and step if known. Records that a restart makes void are yielded before it.
    """
    for path in list_event_files(parse_log_path(directory)):
        try:
            for record in scan_records(path):
                yield from parse_events(record, path)
        except OSError as error:
            unread = f"{path.name} cannot be read ({error.strerror})"
            yield LoggedEvent(None, 0, 0.0, None, unread, path, 0)


def parse_events(record: Record, path: LogPath) -> Iterator[LoggedEvent]:
    """Yields the blob sequences of this plugin that `record` holds."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    place = f"{path.name}, byte {record.offset:,}"
    try:
        event = Event.FromString(record.payload)
    except DecodeError:
        unreadable = record.reason or "its content is not an event"
        yield LoggedEvent(None, 0, 0.0, None, f"{place}: {unreadable}", path, record.offset)
        return
    if record.reason is None and event.session_log.status == SessionLog.START:
        yield LoggedEvent(
            None, event.step, event.wall_time, None, None, path, record.offset, is_restart=True
        )
    values = [v for v in event.summary.value if v.metadata.plugin_data.plugin_name == PLUGIN_NAME]
    for value in values:
        reason = record.reason or _value_problem(value)
        if reason is None and not value.tensor.string_val:
            continue  # an empty sequence replaces records that a restart made void
        yield LoggedEvent(
            value.tag,
            event.step,
            event.wall_time,
            None if reason else tuple(value.tensor.string_val),
            f"{place}: {reason}" if reason else None,
            path,
            record.offset,
        )
    if record.reason and not values:
        yield LoggedEvent(None, 0, 0.0, None, f"{place}: {record.reason}", path, record.offset)


def _value_problem(value: Any) -> str | None:
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    shape = value.tensor.tensor_shape.dim
    if value.tensor.dtype != DT_STRING or len(shape) != 1:
        return "its value is not a sequence of blobs"
    if shape[0].size != len(value.tensor.string_val):
        return f"it has {len(value.tensor.string_val)} blobs, but its shape is ({shape[0].size},)"
    return None


class _Scan:
    """Finds records in an open file, up to its size at the start of the scan."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        # Without a limit, overlapping headers could make a search hash the same bytes repeatedly.
        self._search_budget = 4 * self.size

    def read_record_at(self, offset: int) -> Record | None:
        """Returns the record at `offset`, with a reason if its checksum is wrong, or None."""
        length = self.length_at(offset)
        if length is None or length > min(MAX_RECORD_BYTES, self.size - offset - FRAME_BYTES):
            return None
        body = self._file.read(length + _FOOTER.size)
        if len(body) < length + _FOOTER.size:
            return None
        payload, stated = body[:length], _FOOTER.unpack(body[length:])[0]
        if compute_masked_crc(payload) == stated:
            return Record(offset, payload)
        return Record(offset, payload, f"the checksum of {length:,} bytes is wrong")

    def is_header(self, offset: int) -> bool:
        """Returns whether there is a header with a correct checksum at `offset`."""
        return self.length_at(offset) is not None

    def find_next_offset(self, offset: int, record: Record | None) -> int | None:
        """Returns the offset of the next record after damage at `offset`, or None."""
        if record is None:
            return self.search(offset + 1)
        end = offset + len(record.payload) + FRAME_BYTES
        if end == self.size or self.is_header(end):
            return end
        # If an intact record starts before the expected end, bytes are missing from this one.
        found = self.search(offset + 1)
        return end if found is None else min(found, end)

    def length_at(self, offset: int) -> int | None:
        """Returns the length in the header at `offset`, or None if its checksum is wrong."""
        self._file.seek(offset)
        return _parse_length(self._file.read(_HEADER.size))

    def search(self, offset: int) -> int | None:
        """Returns the next offset at which a complete, intact record starts, or None."""
        while offset + FRAME_BYTES <= self.size:
            self._file.seek(offset)
            chunk = self._file.read(_SEARCH_BYTES + _HEADER.size - 1)
            for match in _CANDIDATE.finditer(chunk):
                start = match.start()
                if _parse_length(chunk[start : start + _HEADER.size]) is None:
                    continue
                record = self.read_record_at(offset + start)
                if record is not None and record.reason is None:
                    return record.offset
                self._search_budget -= 0 if record is None else len(record.payload)
                if self._search_budget < 0:
                    return None
            offset += _SEARCH_BYTES
        return None


def _parse_length(header: bytes) -> int | None:
    """Returns the length in a record header, or None if its checksum is wrong."""
    if len(header) < _HEADER.size:
        return None
    length, crc = _HEADER.unpack(header)
    return int(length) if compute_masked_crc(header[:8]) == crc else None
