# SPDX-License-Identifier: Apache-2.0
"""Checks an event file in one pass: counts intact records and describes damaged sections.

Behavior of the loaders, measured with TensorBoard 2.21: the data server does not verify checksums
of data and stops at a damaged header; the Python loader stops at the first damaged record.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from tensorboard_plugin_atlas.log_names import PROBE_TAG, layer_of_tag
from tensorboard_plugin_atlas.logs.event_file import (
    FRAME_BYTES,
    MAX_RECORD_BYTES,
    LoggedEvent,
    Record,
    parse_events,
    read_length,
    scan_records,
)
from tensorboard_plugin_atlas.logs.log_files import LogPath

ABORT_BYTES: Final = 1 << 40
"""TensorBoard's data server exits at startup if a header has this length or more."""

MAX_FAULTS: Final = 1000
"""Largest number of faults of one file that are described; the others are counted."""

DATA, FRAMING, CONTENT, HUGE, TAIL = "data", "framing", "content", "huge", "tail"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A damaged section of an event file.

    Attributes:
        kind: "data" (the payload's checksum is wrong), "framing" (no valid header), "content" (an
            intact record that is not an event), "huge" (a valid header with a length that no reader
            accepts), or "tail" (the last record is incomplete).
        offset: Start in bytes.
        size: Size in bytes; for "huge", the length in the header.
        what: Tag and step if known, else "".
        records_after: Number of intact records after it in this file.
    """

    kind: str
    offset: int
    size: int
    what: str
    records_after: int


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """Report on one event file.

    Attributes:
        run: TensorBoard run.
        path: The file.
        sound: Number of intact records.
        faults: Damaged sections: the first `MAX_FAULTS`, and an incomplete end of the file.
        other_faults: Number of further damaged sections.
        atlases: Layer and step of each intact atlas in the order of the file. The layer is None
            for a restart at that step.
        has_probe: Whether the file holds probe images.
        first: Wall time of the first event, 0 if there is none.
        last: Latest wall time of any event.
    """

    run: str
    path: LogPath
    sound: int
    faults: tuple[Fault, ...]
    other_faults: int
    atlases: tuple[tuple[str | None, int], ...]
    has_probe: bool
    first: float
    last: float


def check_file(run: str, path: LogPath) -> FileReport:
    """Reads and checks a whole event file.

    Holds one record in memory, plus about 100 bytes for each atlas, plus the described faults.

    Raises:
        OSError: if it cannot be read.
    """
    scan = _FileScan()
    for record in scan_records(path):
        scan.take(record, list(parse_events(record, path)))
    with path.open("rb") as file:
        faults = tuple(_faults(file, scan))
    return FileReport(
        run=run,
        path=path,
        sound=scan.sound,
        faults=faults,
        other_faults=scan.broken_count - len(scan.broken),
        atlases=tuple(scan.atlases),
        has_probe=scan.has_probe,
        first=scan.first_time,
        last=scan.last_time,
    )


@dataclass(frozen=True)
class _Item:
    """A record without its payload, or a section without a record (`end` is 0).

    It `is_intact` if its checksum is correct; it `is_sound` if it is also an event.
    """

    offset: int
    end: int
    is_sound: bool
    is_intact: bool
    what: str


@dataclass(frozen=True)
class _Broken:
    """A damaged section, the offset of the next record, and the number of intact records before."""

    item: _Item
    following: int
    sound_before: int


class _FileScan:
    """Collects the report on a file while it is read."""

    def __init__(self) -> None:
        self.sound = self.broken_count = 0
        self.last: _Item | None = None
        self.broken: list[_Broken] = []
        self.atlases: list[tuple[str | None, int]] = []
        self.has_probe = False
        self.first_time = self.last_time = 0.0

    def take(self, record: Record, events: list[LoggedEvent]) -> None:
        """Adds one record and the events of this plugin in it."""
        if not record.payload and record.reason and self.last and not self.last.is_intact:
            # Foreign bytes inside a record result in two sections, which count as one fault.
            self.last = dataclasses.replace(self.last, end=0)
            return
        is_event = not any(e.reason is not None and e.tag is None for e in events)
        is_sound = record.reason is None and is_event
        named = next((f"{e.tag} at step {e.step:,}" for e in events if e.tag is not None), "")
        end = record.offset + len(record.payload) + FRAME_BYTES if record.payload else 0
        self.finish(record.offset)
        self.last = _Item(record.offset, end, is_sound, record.reason is None, named)
        if is_sound:
            self.sound += 1
            self._take_sound(record, events)

    def finish(self, following: int) -> None:
        """Stores the last item if it is damaged; `following` is the offset of the next one."""
        if self.last is None or self.last.is_sound:
            return
        self.broken_count += 1
        if len(self.broken) < MAX_FAULTS:
            self.broken.append(_Broken(self.last, following, self.sound))

    def _take_sound(self, record: Record, events: list[LoggedEvent]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        time = float(Event.FromString(record.payload).wall_time)
        self.first_time, self.last_time = self.first_time or time, max(self.last_time, time)
        for event in events:
            layer = None if event.tag is None else layer_of_tag(event.tag)
            self.has_probe |= event.tag == PROBE_TAG
            if event.is_restart or layer is not None:
                self.atlases.append((layer and sys.intern(layer), event.step))


def _faults(file: BinaryIO, scan: _FileScan) -> Iterator[Fault]:
    size = file.seek(0, os.SEEK_END)
    scan.finish(size)
    for broken in scan.broken:
        yield _make_fault(file, broken.item, broken.following, scan.sound - broken.sound_before)
    end = 0 if scan.last is None else scan.last.end or size
    if end < size:
        claimed = read_length(file, end)
        if claimed is not None and claimed > MAX_RECORD_BYTES:
            yield Fault(kind=HUGE, offset=end, size=claimed, what="", records_after=0)
        else:
            yield Fault(kind=TAIL, offset=end, size=size - end, what="", records_after=0)


def _make_fault(file: BinaryIO, item: _Item, following: int, records_after: int) -> Fault:
    kind, size = FRAMING, following - item.offset
    claimed = read_length(file, item.offset)
    if claimed is not None and claimed > MAX_RECORD_BYTES:
        kind, size = HUGE, claimed
    elif item.end == following:
        kind = CONTENT if item.is_intact else DATA
    return Fault(
        kind=kind, offset=item.offset, size=size, what=item.what, records_after=records_after
    )
