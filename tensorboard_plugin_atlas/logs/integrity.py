# SPDX-License-Identifier: Apache-2.0
"""One pass over an event file: how many records are sound, what is not, and what each loader loses.

What the loaders do was measured with TensorBoard 2.21: the data server checks no checksum of data
and cannot pass a damaged header, the Python loader stops at the first record that is damaged.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from tensorboard_plugin_atlas.logs.event_file import (
    FRAME_BYTES,
    MAX_RECORD_BYTES,
    LoggedEvent,
    Record,
    events_of,
    scan_records,
    stated_length,
)
from tensorboard_plugin_atlas.metadata import PROBE_TAG, layer_of_tag

ABORT_BYTES: Final = 1 << 40
"""A header that claims this much ends TensorBoard's data server as soon as it starts."""

MAX_FAULTS: Final = 1000
"""Faults of one file that are described; the others are counted."""

DATA, FRAMING, CONTENT, HUGE, TAIL = "data", "framing", "content", "huge", "tail"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something in an event file that is not a sound record.

    Attributes:
        kind: "data" (its checksum is wrong, the frame is whole), "framing" (no record can be told
            there), "content" (sound bytes that are no event), "huge" (a sound header that claims
            more than any reader takes) or "tail" (the last record is not complete).
        offset: Where it is.
        size: Bytes that it spans; what the header claims of a huge one.
        what: Tag and step, where they can still be told.
        behind: Sound records behind it in this file.
    """

    kind: str
    offset: int
    size: int
    what: str
    behind: int


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """What one event file holds.

    Attributes:
        run: TensorBoard run.
        path: The file.
        sound: Records that are whole.
        faults: What is not: the first `MAX_FAULTS`, and the end of the file.
        more_faults: How many others there are.
        atlases: Layer and step of each atlas in the order of the file, damaged ones left out;
            layer None where the run was taken up again at that step.
        has_probe: The probe's pictures are there.
        first: Wall time of the first event, 0 without any.
        last: Latest wall time of any event.
    """

    run: str
    path: Path
    sound: int
    faults: tuple[Fault, ...]
    more_faults: int
    atlases: tuple[tuple[str | None, int], ...]
    has_probe: bool
    first: float
    last: float


def check_file(run: str, path: Path) -> Checkup:
    """Reads an event file from end to end.

    Memory stays at one record, some 100 bytes for each atlas, and the faults that are described.

    Raises:
        OSError: if it cannot be read.
    """
    notes = _Notes()
    for record in scan_records(path):
        notes.take(record, list(events_of(record, path)))
    with path.open("rb") as file:
        faults = tuple(_faults(file, notes))
    return Checkup(
        run=run,
        path=path,
        sound=notes.sound,
        faults=faults,
        more_faults=notes.broken_count - len(notes.broken),
        atlases=tuple(notes.atlases),
        has_probe=notes.has_probe,
        first=notes.first_time,
        last=notes.last_time,
    )


@dataclass(frozen=True)
class _Item:
    """A record without its payload, or a stretch that is none (`end` is 0).

    Its checksum is right where it `is_intact`; it is an event too where it `is_sound`.
    """

    offset: int
    end: int
    is_sound: bool
    is_intact: bool
    what: str


@dataclass(frozen=True)
class _Broken:
    """What is no sound record, where the next one starts, and the sound ones before it."""

    item: _Item
    following: int
    sound_before: int


class _Notes:
    """What is known of a file while it is read."""

    def __init__(self) -> None:
        self.sound = self.broken_count = 0
        self.last: _Item | None = None
        self.broken: list[_Broken] = []
        self.atlases: list[tuple[str | None, int]] = []
        self.has_probe = False
        self.first_time = self.last_time = 0.0

    def take(self, record: Record, events: list[LoggedEvent]) -> None:
        """Takes in one record and what of ours is in it."""
        if not record.payload and record.reason and self.last and not self.last.is_intact:
            # Strange bytes inside a record leave two stretches; no reader tells them apart.
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
        """Keeps the last item if it is broken; `following` is where the next one starts."""
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


def _faults(file: BinaryIO, notes: _Notes) -> Iterator[Fault]:
    size = file.seek(0, os.SEEK_END)
    notes.finish(size)
    for broken in notes.broken:
        yield _fault(file, broken.item, broken.following, notes.sound - broken.sound_before)
    end = 0 if notes.last is None else notes.last.end or size
    if end < size:
        claimed = stated_length(file, end)
        if claimed is not None and claimed > MAX_RECORD_BYTES:
            yield Fault(kind=HUGE, offset=end, size=claimed, what="", behind=0)
        else:
            yield Fault(kind=TAIL, offset=end, size=size - end, what="", behind=0)


def _fault(file: BinaryIO, item: _Item, following: int, behind: int) -> Fault:
    kind, size = FRAMING, following - item.offset
    claimed = stated_length(file, item.offset)
    if claimed is not None and claimed > MAX_RECORD_BYTES:
        kind, size = HUGE, claimed
    elif item.end == following:
        kind = CONTENT if item.is_intact else DATA
    return Fault(kind=kind, offset=item.offset, size=size, what=item.what, behind=behind)
