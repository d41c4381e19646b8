# SPDX-License-Identifier: Apache-2.0
"""TensorBoard event files: our own framing, one file per process, and a reader that recovers.

A record is a little-endian u64 length, its masked CRC-32C, the payload and its masked CRC-32C
(TensorFlow's TFRecord). TensorBoard hashes in pure Python at a few MB/s while it holds the GIL,
which halves a training loop's speed; `google-crc32c` does it in C. Its readers stop at the first
damaged record; `scan_records` finds the next sound one.
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
from tensorboard_plugin_atlas.logs.file_names import next_file_name
from tensorboard_plugin_atlas.logs.protos import (
    blob_summary,
    event_payload,
    scalar_summary,
    version_payload,
)
from tensorboard_plugin_atlas.metadata import PLUGIN_NAME

MAX_RECORD_BYTES: Final = 256 << 20
"""Longest record that is read: TensorBoard's own fast loader takes no longer message."""

_HEADER: Final = struct.Struct("<QI")
_FOOTER: Final = struct.Struct("<I")
FRAME_BYTES: Final = _HEADER.size + _FOOTER.size
"""What a record is longer than its payload."""
_MASK_DELTA: Final = 0xA282EAD8
_WRITE_BYTES: Final = 1 << 20
"""Handed to the system at once: Linux 6.18 takes 7 ms for 4 MiB in one write, 1 ms in four."""
_SEARCH_BYTES: Final = 1 << 20
_CANDIDATE: Final = re.compile(rb"(?=(?!\x00{4})[\x00-\xff]{3}[\x00-\x10]\x00{4})")
"""Where a length from 1 to 272 MiB may start; the lookahead lets matches overlap."""

_FILE_NUMBERS: Final = itertools.count()
_MOST_ATTEMPTS: Final = 10
"""How often another name is tried when another process has just taken one."""

_SILLY_PREFIX: Final = ".nfs"
"""NFS clients rename a file that is deleted while it is open, instead of deleting it."""


def masked_crc(data: bytes) -> int:
    """Returns the CRC-32C of `data`, rotated and offset as TFRecord stores it."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def frame(payload: bytes) -> bytes:
    """Returns `payload` as one record, 16 bytes longer."""
    return b"".join(_framed(payload))


def _framed(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Returns the three parts of a record; megabytes need not be copied to be put between two."""
    length = struct.pack("<Q", len(payload))
    header = length + _FOOTER.pack(masked_crc(length))
    return header, payload, _FOOTER.pack(masked_crc(payload))


class RecordSink(abc.ABC):
    """Writes summaries as records; its children say where to."""

    @property
    @abc.abstractmethod
    def location(self) -> str:
        """The run's directory or URL."""

    @abc.abstractmethod
    def append(self, payload: bytes) -> None:
        """Appends one event as a record.

        Raises:
            OSError: if it cannot be written; nothing of the record remains then.
        """

    @abc.abstractmethod
    def flush(self) -> None:
        """Makes every record durable."""

    @abc.abstractmethod
    def close(self) -> None:
        """Flushes and ends the file. A later write starts a new one."""

    def write(
        self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None = None
    ) -> None:
        """Appends one blob sequence.

        Args:
            tag: Summary tag.
            blobs: The sequence.
            step: Global step. Steps of one tag should rise: loaders differ where they do not.
            wall_time: Seconds since the epoch, now by default.

        Raises:
            OSError: if the file cannot be made or written; nothing of the record remains then.
        """
        self.append(event_payload(blob_summary(tag, blobs), step, _or_now(wall_time)))

    def write_scalars(
        self, values: Mapping[str, float], step: int, wall_time: float | None = None
    ) -> None:
        """Appends ordinary scalars, tag to value, in one record.

        Raises:
            OSError: as `write` does.
        """
        self.append(event_payload(scalar_summary(values), step, _or_now(wall_time)))


class EventSink(RecordSink):
    """Appends records to one event file of its own, on a local file system.

    The file is made at the first write, so that a process that logs nothing leaves nothing, and
    again after a fork: two processes never share one. Thread safe.

    What is safe when: a record is handed to the operating system whole when `write` returns, which
    outlives the process (kill -9 included). `flush` and `close` also wait for the disk (fsync of
    the file, and of its directory once), which outlives the machine. A record that did not fit
    (disk full) is cut off again, so that the ones before and after it stay readable.

    Args:
        directory: Where the file goes; made if absent.

    Raises:
        ArgumentError: if `directory` is a URL or lies under something that is not a directory.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        text = os.fspath(directory)
        if "://" in text:
            raise ArgumentError(
                f"log_dir={text!r}: only local directories are written; pass a SummaryWriter that "
                "writes there instead"
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
        """The file that is open now, or None."""
        return None if self._file is None else Path(self._file.name)

    def append(self, payload: bytes) -> None:
        """Appends one event as a record.

        Raises:
            OSError: if the file cannot be made or written; nothing of the record remains then.
        """
        record = _framed(payload)
        with self._lock:
            self._append(self._opened(), record)

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

    def _opened(self) -> BinaryIO:
        if self._file is not None and self._owner == os.getpid():
            return self._file
        if self._file is not None:
            self._file.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        file, created = self._created()
        self._file, self._owner, self._is_entered = file, os.getpid(), False
        self._append(file, _framed(version_payload(created)))
        return file

    def _created(self) -> tuple[BinaryIO, float]:
        """Returns a new file that sorts after all that are there, and when it was made.

        Not before anything that was written here: the doctor compares the times of two files to
        find writers that work at once, and a clock that was set back is none.
        """
        attempts = 0
        while True:
            times = _written_times(self._directory)
            created = max(time.time(), *times.values(), 0.0)
            name = next_file_name(times, created, next(_FILE_NUMBERS))
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
            # A new file is found again after a power cut only if its directory was written too.
            directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        self._is_entered = True

    def _check_link(self, file: BinaryIO) -> None:
        """Gives up a file that was deleted; the next write makes a new one."""
        if os.path.exists(file.name):  # noqa: PTH110 - `Path.exists` raises what it cannot read
            return
        state = os.fstat(file.fileno())
        if state.st_nlink and not _is_silly_renamed(Path(file.name).parent, state.st_ino):
            return  # moved with its directory, and written on there
        self._file = None
        file.close()
        raise FileNotFoundError(
            errno.ENOENT, "the log was deleted while it was written; a new file is begun", file.name
        )

    def _append(self, file: BinaryIO, record: tuple[bytes, ...]) -> None:
        try:
            start = file.tell()
        except OSError:
            # Somebody closed the descriptor. The number must not be closed or written to once more
            # when it is another file's.
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
        """Takes a torn record back; where nothing sound is left the next write makes a new file."""
        with contextlib.suppress(OSError):
            file.truncate(start)
            file.seek(start)
            if start > 0:
                return
            Path(file.name).unlink()
        self._file = None
        file.close()


def _written_times(directory: Path) -> dict[str, float]:
    """Returns when each event file of `directory` was last written to, as far as can be read."""
    found = {}
    # A directory may take files that it does not list.
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if "tfevents" in entry.name:
                found[entry.name] = 0.0
                with contextlib.suppress(OSError):
                    found[entry.name] = entry.stat().st_mtime
    return found


def _is_silly_renamed(directory: Path, inode: int) -> bool:
    """Tells whether an NFS client keeps a deleted file for the process that has it open."""
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        return any(e.name.startswith(_SILLY_PREFIX) and e.inode() == inode for e in entries)
    return False


def write_through(writer: Any, summary: Any, step: int, wall_time: float | None = None) -> None:
    """Writes one summary through a user's own SummaryWriter.

    For writers whose directory cannot be known; its records are hashed in pure Python.

    Args:
        writer: torch's or tensorboardX's SummaryWriter, or anything that offers theirs.
        summary: Made by `summaries`.
        step: Global step.
        wall_time: Seconds since the epoch, now by default.

    Raises:
        ArgumentError: if `writer` offers neither.
    """
    make = getattr(writer, "_get_file_writer", None)
    file_writer: Any = make() if callable(make) else getattr(writer, "file_writer", None)
    if not hasattr(file_writer, "add_summary"):
        raise ArgumentError(
            f"log_dir_or_writer is a {type(writer).__name__} without a file writer: pass a "
            "directory or the SummaryWriter of torch.utils.tensorboard or tensorboardX"
        )
    if type(file_writer).__module__.partition(".")[0] == "tensorboardX":
        # It takes only its own class, whose fields are a subset; the unknown one is carried along.
        from tensorboardX.proto.summary_pb2 import Summary as OwnSummary

        own = OwnSummary()
        own.ParseFromString(summary.SerializeToString())
        summary = own
    file_writer.add_summary(summary, step, _or_now(wall_time))


def _or_now(wall_time: float | None) -> float:
    return time.time() if wall_time is None else wall_time


@dataclass(frozen=True)
class Record:
    """A record of an event file, or a stretch of it that is none.

    Attributes:
        offset: Where it starts in the file.
        payload: Its bytes; of a damaged record whatever its header frames, possibly empty.
        reason: What is wrong with it, or None.
    """

    offset: int
    payload: bytes
    reason: str | None = None


def scan_records(path: str | os.PathLike[str]) -> Iterator[Record]:
    """Yields the records of an event file in order, past any damage.

    A last record that is not complete is what a running writer looks like; it ends the scan without
    a word. Memory stays at one record plus 1 MiB, and no length is believed beyond the file's own.

    Raises:
        OSError: if the file cannot be read.
    """
    with Path(path).open("rb") as file:
        scan, offset = _Scan(file), 0
        while offset + _HEADER.size <= scan.size:
            record = scan.record_at(offset)
            if record is not None and record.reason is None:
                yield record
                offset += len(record.payload) + FRAME_BYTES
                continue
            following = scan.offset_behind(offset, record)
            if record is None and following is None and scan.is_header(offset):
                return
            end = scan.size if following is None else following
            yield record or Record(offset, b"", f"no record in {end - offset:,} bytes")
            offset = end


def record_offsets(file: BinaryIO) -> Iterator[int]:
    """Yields where the records of an event file start, ascending, without reading their payloads.

    The headers lead from one to the next; where one is damaged, the next sound record is searched.
    What is found may still be damaged: read it with `record_at`.

    Args:
        file: An event file, open for reading and seekable.

    Raises:
        OSError: if the file cannot be read.
    """
    scan, offset, before = _Scan(file), 0, 0
    while offset + FRAME_BYTES <= scan.size:
        length = scan.length_at(offset)
        if length is None or offset + FRAME_BYTES + length > scan.size:
            # Where bytes went missing, it starts before the last record should have ended.
            found = scan.search(before + 1)
            if found is None:
                return
            offset = found if found > before else scan.size
            continue
        yield offset
        before, offset = offset, offset + FRAME_BYTES + length


def record_at(file: BinaryIO, offset: int) -> Record | None:
    """Returns the record at `offset`, with a reason if its checksum is wrong; None without one.

    Raises:
        OSError: if the file cannot be read.
    """
    return _Scan(file).record_at(offset)


def stated_length(file: BinaryIO, offset: int) -> int | None:
    """Returns the length that a header with its right checksum states at `offset`, or None.

    Raises:
        OSError: if the file cannot be read.
    """
    return _Scan(file).length_at(offset)


def read_record(path: str | os.PathLike[str], offset: int) -> bytes | None:
    """Returns the payload of the sound record at `offset`, or None if there is none (any more).

    Raises:
        OSError: if the file cannot be read.
    """
    with Path(path).open("rb") as file:
        record = record_at(file, offset)
    return None if record is None or record.reason else record.payload


@dataclass(frozen=True)
class LoggedEvent:
    """One blob sequence of this plugin, or one damaged record, as found in an event file.

    Attributes:
        tag: Summary tag; None where damage hides it.
        step: Global step, 0 where damage hides it.
        wall_time: Seconds since the epoch, 0 where damage hides it.
        blobs: The sequence, None for damage.
        reason: What is wrong, or None.
        file: Where it was found.
        offset: Start of the record in `file`.
        is_restart: The run was taken up again at `step`: what was logged before for this step and
            above is void. There are no tag and no blobs then.
    """

    tag: str | None
    step: int
    wall_time: float
    blobs: tuple[bytes, ...] | None
    reason: str | None
    file: Path
    offset: int
    is_restart: bool = False


def read_events(directory: str | os.PathLike[str]) -> Iterator[LoggedEvent]:
    """Yields the blob sequences of this plugin in the event files of `directory`, in file order.

    Sub-directories are other runs and not entered. Damage is yielded with its reason, and with tag
    and step where they can still be told. What a restart makes void is yielded before it.
    """
    for path in event_files(directory):
        try:
            for record in scan_records(path):
                yield from events_of(record, path)
        except OSError as error:
            unread = f"{path.name} cannot be read ({error.strerror})"
            yield LoggedEvent(None, 0, 0.0, None, unread, path, 0)


def event_files(directory: str | os.PathLike[str]) -> list[Path]:
    """Returns the event files of one run, in the order in which TensorBoard reads them."""
    with os.scandir(directory) as entries:
        return sorted(Path(e.path) for e in entries if "tfevents" in e.name and e.is_file())


def events_of(record: Record, path: Path) -> Iterator[LoggedEvent]:
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
            continue  # it only takes the place of what a restart made void
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
        return f"{len(value.tensor.string_val)} blobs, its shape says {shape[0].size}"
    return None


class _Scan:
    """Finds records in an open file, as long as it was when the scan began."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        # Headers that overlap each other could make a search hash the same bytes for ever.
        self._patience = 4 * self.size

    def record_at(self, offset: int) -> Record | None:
        """Returns the record at `offset`, with a reason if its checksum is wrong, or None."""
        length = self.length_at(offset)
        if length is None or length > min(MAX_RECORD_BYTES, self.size - offset - FRAME_BYTES):
            return None
        body = self._file.read(length + _FOOTER.size)
        if len(body) < length + _FOOTER.size:
            return None
        payload, stated = body[:length], _FOOTER.unpack(body[length:])[0]
        if masked_crc(payload) == stated:
            return Record(offset, payload)
        return Record(offset, payload, f"the checksum of {length:,} bytes is wrong")

    def is_header(self, offset: int) -> bool:
        """Tells whether a length with its right checksum stands at `offset`."""
        return self.length_at(offset) is not None

    def offset_behind(self, offset: int, record: Record | None) -> int | None:
        """Returns where reading goes on behind damage at `offset`, or None at the file's end."""
        if record is None:
            return self.search(offset + 1)
        behind = offset + len(record.payload) + FRAME_BYTES
        if behind == self.size or self.is_header(behind):
            return behind
        # Bytes went missing from it if a sound record starts before it should have ended.
        found = self.search(offset + 1)
        return behind if found is None else min(found, behind)

    def length_at(self, offset: int) -> int | None:
        """Returns the length that the header at `offset` states, or None if it is none."""
        self._file.seek(offset)
        return _stated_length(self._file.read(_HEADER.size))

    def search(self, offset: int) -> int | None:
        """Returns the next offset at which a whole, sound record starts."""
        while offset + FRAME_BYTES <= self.size:
            self._file.seek(offset)
            chunk = self._file.read(_SEARCH_BYTES + _HEADER.size - 1)
            for match in _CANDIDATE.finditer(chunk):
                start = match.start()
                if _stated_length(chunk[start : start + _HEADER.size]) is None:
                    continue
                record = self.record_at(offset + start)
                if record is not None and record.reason is None:
                    return record.offset
                self._patience -= 0 if record is None else len(record.payload)
                if self._patience < 0:
                    return None
            offset += _SEARCH_BYTES
        return None


def _stated_length(header: bytes) -> int | None:
    """Returns the length that a record header states, or None if it is none."""
    if len(header) < _HEADER.size:
        return None
    length, crc = _HEADER.unpack(header)
    return int(length) if masked_crc(header[:8]) == crc else None
