# SPDX-License-Identifier: Apache-2.0
"""Reads the end of a log to continue it, and makes steps void to resume from an earlier one.

Files are read from the end: offsets are found from the headers alone, and records are read in
reverse order until the last atlas of every layer is found. Works with directories and URLs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.analysis.layer_scalars import cost_tag
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.log_names import PLUGIN_NAME, layer_of_shortcuts, layer_of_tag
from tensorboard_plugin_atlas.logs.event_file import (
    LoggedEvent,
    Record,
    find_record_offsets,
    parse_events,
    read_record_at,
)
from tensorboard_plugin_atlas.logs.log_files import LogPath, list_event_files, parse_log_path
from tensorboard_plugin_atlas.logs.protos import make_restart_payload
from tensorboard_plugin_atlas.logs.sinks import make_event_sink
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.wire.atlas_codec import check_place, decode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import decode_shortcuts

_NO_LIMIT: Final = 2**63


@dataclass(frozen=True)
class ResumePoint:
    """The end of a log, at which a writer continues.

    Attributes:
        atlases: The last readable atlas of each layer; its `sequence` also counts damaged atlases
            after it.
        last_step: Highest step found for any layer, including damaged atlases; None if there is
            none.
        is_empty: Whether the log holds no records of this plugin.
        problems: One message for each record or file that could not be read.
    """

    atlases: Mapping[str, Atlas]
    last_step: int | None
    is_empty: bool
    problems: tuple[str, ...]


def find_last_atlases(location: str | None, layers: Sequence[str]) -> ResumePoint:
    """Finds the last readable atlas of each layer.

    Reads back to the oldest of them, or the whole log if a layer was never logged.

    Args:
        location: Directory or URL of the run (`<log_dir>/atlas`); None for an unknown one, which
            counts as empty.
        layers: Dotted module names.

    Returns:
        The end of the log. Damaged atlases and unreadable files are skipped, with a message.
    """
    search = _Search(tuple(layers))
    try:
        for event in _read_backward(location):
            search.add(event)
            if search.is_done:
                break
    except OSError as error:
        search.problems.append(f"{location} cannot be read further back ({error})")
    return search.result()


def list_complete_steps(location: str) -> dict[str, set[int]]:
    """Returns the steps at which a layer has an intact atlas and its scalars, for each layer.

    Reads the whole log. A layer without any complete step has an empty set.

    Args:
        location: Directory or URL of the run.

    Raises:
        OSError: if the log cannot be read.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    before = _NO_LIMIT
    atlases: dict[str, set[int]] = {}
    scalars: set[tuple[int, str]] = set()
    for record, _ in _read_records_backward(location):
        try:
            event = Event.FromString(b"" if record.reason else record.payload)
        except DecodeError:
            continue
        if event.session_log.status == SessionLog.START:
            before = min(before, event.step)
        if event.step >= before:
            continue
        for value in event.summary.value:
            layer = layer_of_tag(value.tag) if _is_ours(value) else None
            if layer is not None and value.tensor.string_val:
                atlases.setdefault(layer, set()).add(event.step)
            elif not _is_ours(value):
                scalars.add((event.step, value.tag))
    return {
        layer: {step for step in steps if (step, cost_tag(layer)) in scalars}
        for layer, steps in atlases.items()
    }


def find_last_shortcuts(location: str | None, layer: str) -> ShortcutRecord | None:
    """Finds the last readable record of the shortcuts of a layer.

    Args:
        location: Directory or URL of the run; None for an unknown one.
        layer: Dotted module name.

    Returns:
        The record, or None if there is none. Damaged records and unreadable files are skipped.
    """
    before = _NO_LIMIT
    with contextlib.suppress(OSError):
        for event in _read_backward(location):
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
    """Makes all records of `step` and later steps void, for both of TensorBoard's loaders.

    The Python loader handles `SessionLog START`, except the first one of a run. The data server
    ignores it, but hides records above a step that is repeated. So for every tag, the last record
    before `step` is written again; readers keep one of the two. If a tag of this plugin has no such
    record, a sequence without blobs is written at the step before, which readers skip.

    Args:
        location: Directory or URL of the run.
        step: The first step that becomes void.
        wall_time: Seconds since the epoch.

    Raises:
        OSError: if the log cannot be read or written.
    """
    last = _find_last_records(location, step)
    if last.is_empty:
        return
    sink = make_event_sink(location)
    for payload in (*[make_restart_payload(step, wall_time)] * 2, *last.kept):
        sink.append(payload)
    if step > -_NO_LIMIT:
        for tag in last.void_tags:
            sink.write(tag, (), step - 1, wall_time)
    sink.close()


class _Search:
    """Collects the last atlas of each layer while a log is read in reverse order."""

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

    def add(self, event: LoggedEvent) -> None:
        """Adds one event, which is older than the one before."""
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
    """The records to write again after all records of later steps became void.

    Attributes:
        kept: For each tag with void records, the last record before the step, oldest first.
        void_tags: Tags of this plugin with void records only.
        is_empty: Whether the log is empty.
    """

    kept: tuple[bytes, ...]
    void_tags: tuple[str, ...]
    is_empty: bool


def _find_last_records(location: str, step: int) -> _LastRecords:
    """Finds the last record of every tag before `step`, reading from the end."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    late: set[str] = set()
    ours: set[str] = set()
    kept: dict[str, bytes] = {}
    is_empty = True
    for record, _ in _read_records_backward(location):
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


def _read_backward(location: str | None) -> Iterator[LoggedEvent]:
    """Yields the events of a run in reverse order; nothing if it does not exist."""
    for record, file in _read_records_backward(location):
        yield from reversed(list(parse_events(record, file)))


def _read_records_backward(location: str | None) -> Iterator[tuple[Record, LogPath]]:
    """Yields each record and its file, in reverse order."""
    directory = None if location is None else parse_log_path(location)
    if directory is None or not directory.is_dir():
        return
    for path in reversed(list_event_files(directory)):
        with path.open("rb") as file:
            for offset in reversed(list(find_record_offsets(file))):
                record = read_record_at(file, offset)
                if record is not None:
                    yield record, path
