# SPDX-License-Identifier: Apache-2.0
"""Going on where a log ends: what is there, and how a run is taken up again from an earlier step.

Read from the end: headers lead through a file without its payloads, and records are read backwards
until every layer's last atlas is found. Works on directories and on URLs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.logs.event_file import (
    LoggedEvent,
    Record,
    event_files,
    events_of,
    record_at,
    record_offsets,
)
from tensorboard_plugin_atlas.logs.protos import restart_payload
from tensorboard_plugin_atlas.logs.remote import is_url, open_remote, remote_event_files
from tensorboard_plugin_atlas.logs.sinks import own_sink
from tensorboard_plugin_atlas.metadata import PLUGIN_NAME, layer_of_shortcuts, layer_of_tag
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.wire.atlas_codec import check_place, decode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import decode_shortcuts

_NO_LIMIT: Final = 2**63


@dataclass(frozen=True)
class ResumePoint:
    """What a log already holds.

    Attributes:
        atlases: The last readable atlas of each layer, with `sequence` at what was reached.
        last_step: Highest step of any layer that was met, damaged ones included; None if none.
        is_empty: Nothing of this plugin is there.
        problems: What could not be read on the way, a sentence each.
    """

    atlases: Mapping[str, Atlas]
    last_step: int | None
    is_empty: bool
    problems: tuple[str, ...]


def find_last_atlases(location: str | None, layers: Sequence[str]) -> ResumePoint:
    """Finds the last readable atlas of each layer.

    Reads no further back than the oldest of them; a layer that was never logged takes the whole
    log.

    Args:
        location: The directory or URL of the run itself (`<log_dir>/atlas`); None holds nothing.
        layers: Dotted module names.

    Returns:
        What was found. Damaged atlases and unreadable files are passed by with a sentence.
    """
    search = _Search(tuple(layers))
    try:
        for event in _backwards(location):
            search.meet(event)
            if search.is_done:
                break
    except OSError as error:
        search.problems.append(f"{location} cannot be read further back ({error})")
    return search.result()


def find_last_shortcuts(location: str | None, layer: str) -> ShortcutRecord | None:
    """Finds the last readable record of the shortcuts of a layer.

    Args:
        location: The directory or URL of the run itself; None holds nothing.
        layer: Dotted module name.

    Returns:
        The record, or None where there is none. Damage and unreadable files are passed by.
    """
    before = _NO_LIMIT
    with contextlib.suppress(OSError):
        for event in _backwards(location):
            if event.is_restart:
                before = min(before, event.step)
                continue
            own = None if event.tag is None else layer_of_shortcuts(event.tag)
            if own == layer and event.step < before and event.blobs is not None:
                with contextlib.suppress(DamageError):
                    record = decode_shortcuts(event.blobs)
                    check_place(record, layer, event.step)
                    return record
    return None


def purge_steps(location: str, step: int, wall_time: float) -> None:
    """Makes everything of `step` and above void, for both of TensorBoard's loaders.

    The Python loader obeys `SessionLog START`, from the second of a run on. The data server ignores
    it, but drops what lies above a step that is repeated: so the last record below `step` is
    repeated, for every tag that has one; readers keep one of the two. A tag of ours without one
    gets a sequence without blobs at the step before, which readers leave out.

    Args:
        location: The directory or URL of the run itself.
        step: The first step that does not count any more.
        wall_time: Seconds since the epoch.

    Raises:
        OSError: if the log cannot be read or written.
    """
    last = _last_records(location, step)
    if last.is_empty:
        return
    sink = own_sink(location)
    for payload in (*[restart_payload(step, wall_time)] * 2, *last.kept):
        sink.append(payload)
    if step > -_NO_LIMIT:
        for tag in last.void_tags:
            sink.write(tag, (), step - 1, wall_time)
    sink.close()


class _Search:
    """What is known while a log is read backwards."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self._missing = set(layers)
        self._before = _NO_LIMIT
        self._damaged = dict.fromkeys(layers, 0)
        self._atlases: dict[str, Atlas] = {}
        self._last_step: int | None = None
        self._is_empty = True
        self.problems: list[str] = []

    @property
    def is_done(self) -> bool:
        return not self._missing

    def meet(self, event: LoggedEvent) -> None:
        """Takes in one event, each older than the one before."""
        self._is_empty = False
        if event.is_restart:
            self._before = min(self._before, event.step)
            return
        if event.tag is None and event.reason is not None:
            self.problems.append(event.reason)
        layer = None if event.tag is None else layer_of_tag(event.tag)
        if layer is None or event.step >= self._before:
            return
        self._last_step = max(
            event.step, -_NO_LIMIT if self._last_step is None else self._last_step
        )
        if layer in self._missing:
            self._decode(layer, event)

    def _decode(self, layer: str, event: LoggedEvent) -> None:
        try:
            if event.blobs is None:
                raise DamageError(str(event.reason))
            atlas = decode_atlas(event.blobs)
            check_place(atlas, layer, event.step)
        except DamageError as error:
            self._damaged[layer] += 1
            self.problems.append(f"layer {layer!r}, step {event.step:,}: {error}")
            return
        self._missing.remove(layer)
        self._atlases[layer] = atlas.replace(sequence=atlas.sequence + self._damaged[layer])

    def result(self) -> ResumePoint:
        return ResumePoint(self._atlases, self._last_step, self._is_empty, tuple(self.problems))


@dataclass(frozen=True)
class _LastRecords:
    """What stands before a step from which on nothing counts any more.

    Attributes:
        kept: The last record before it of every tag that also has later ones, oldest first.
        void_tags: Tags of ours that have later ones only.
        is_empty: There is nothing at all.
    """

    kept: tuple[bytes, ...]
    void_tags: tuple[str, ...]
    is_empty: bool


def _last_records(location: str, step: int) -> _LastRecords:
    """Finds the last record before `step` of every tag, reading from the end."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    late: set[str] = set()
    ours: set[str] = set()
    kept: dict[str, bytes] = {}
    is_empty = True
    for record, _ in _records_backwards(location):
        if record.reason is not None:
            continue
        try:
            event = Event.FromString(record.payload)
        except DecodeError:
            continue
        tags = {value.tag for value in event.summary.value}
        is_empty &= not tags
        ours |= {v.tag for v in event.summary.value if _is_ours(v)}
        if event.step >= step:
            late |= tags
        else:
            kept |= dict.fromkeys(tags - kept.keys(), record.payload)
            if tags and late <= kept.keys():
                break
    chosen = {payload: None for tag, payload in kept.items() if tag in late}
    void = sorted((late & ours) - kept.keys())
    return _LastRecords(tuple(reversed(chosen)), tuple(void), is_empty)


def _is_ours(value: Any) -> bool:
    return bool(value.metadata.plugin_data.plugin_name == PLUGIN_NAME)


def _backwards(location: str | None) -> Iterator[LoggedEvent]:
    """Yields what `read_events` yields, the other way round; nothing where there is nothing."""
    for record, name in _records_backwards(location):
        yield from reversed(list(events_of(record, Path(name))))


def _records_backwards(location: str | None) -> Iterator[tuple[Record, str]]:
    """Yields each record and the name of its file, the last one first."""
    if location is None:
        return
    for name in reversed(_files(location)):
        with _opened(name) as file:
            for offset in reversed(list(record_offsets(file))):
                record = record_at(file, offset)
                if record is not None:
                    yield record, name


def _files(location: str) -> list[str]:
    if is_url(location):
        return remote_event_files(location)
    if not Path(location).is_dir():
        return []
    return [str(path) for path in event_files(location)]


def _opened(name: str) -> BinaryIO:
    return open_remote(name) if is_url(name) else Path(name).open("rb")
