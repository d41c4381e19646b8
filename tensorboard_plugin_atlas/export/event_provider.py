# SPDX-License-Identifier: Apache-2.0
"""A data provider over event files: the routes read a log without TensorBoard's loaders.

It implements the part of `tensorboard.data.provider.DataProvider` that the routes use. One pass
over the files collects the locations of the records; a record is read when one of its blobs is.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tensorboard.errors import NotFoundError

from tensorboard_plugin_atlas.log_names import PROBE_TAG, Revision, revision_of_tag
from tensorboard_plugin_atlas.logs.event_file import (
    LoggedEvent,
    Record,
    parse_events,
    read_record,
)
from tensorboard_plugin_atlas.logs.log_files import LogPath
from tensorboard_plugin_atlas.logs.reader import walk_events

RunTag: TypeAlias = tuple[str, str]
"""A run and a tag."""


class ChangedFileError(NotFoundError):  # type: ignore[misc]
    """An event file has changed since its records were located.

    Attributes:
        file: The file.
    """

    def __init__(self, file: LogPath) -> None:
        super().__init__(f"{file.name} changed while it was read")
        self.file = file


@dataclass(frozen=True)
class RecordLocation:
    """Location of one blob sequence in an event file.

    Attributes:
        step: Global step.
        wall_time: Seconds since the epoch.
        blobs: Number of its blobs.
        tag: Its tag.
        file: The event file.
        offset: Start of the record in bytes.
    """

    step: int
    wall_time: float
    blobs: int
    tag: str
    file: LogPath
    offset: int

    def read(self) -> tuple[bytes, ...]:
        """Reads the blobs.

        Raises:
            ChangedFileError: if the file has changed.
        """
        try:
            payload = read_record(self.file, self.offset)
        except OSError:
            payload = None
        if payload is not None:
            for event in parse_events(Record(self.offset, payload), self.file):
                if (event.tag, event.step) == (self.tag, self.step) and event.blobs is not None:
                    return event.blobs
        raise ChangedFileError(self.file)


@dataclass(frozen=True, eq=False)
class MemoryRecord:
    """One blob sequence in memory.

    Attributes:
        step: Global step.
        wall_time: Seconds since the epoch.
        data: The blobs.
    """

    step: int
    wall_time: float
    data: tuple[bytes, ...]

    @property
    def blobs(self) -> int:
        """Number of blobs."""
        return len(self.data)

    def read(self) -> tuple[bytes, ...]:
        """Returns the blobs."""
        return self.data


StoredRecord: TypeAlias = RecordLocation | MemoryRecord


@dataclass(frozen=True)
class LogContents:
    """All records of a log, or where they are.

    Attributes:
        records: The records of each run and tag, in the order of the files.
        damaged: Number of records that cannot be read.
    """

    records: Mapping[RunTag, tuple[StoredRecord, ...]]
    damaged: int = 0

    def filter(self, is_kept: Callable[[str, str, int], bool]) -> LogContents:
        """Returns the records for whose run, tag, and step `is_kept` returns True."""
        kept = {
            (run, tag): tuple(one for one in found if is_kept(run, tag, one.step))
            for (run, tag), found in self.records.items()
        }
        return dataclasses.replace(self, records={at: found for at, found in kept.items() if found})

    def has_images(self) -> bool:
        """Returns whether the images of a probe were logged."""
        return any(tag == PROBE_TAG for _, tag in self.records)

    def count_atlases(self) -> int:
        """Returns the number of atlases; several revisions of one atlas count once."""
        found: set[tuple[str, str | None, int]] = set()
        for (run, tag), records in self.records.items():
            layer, revision = revision_of_tag(tag) or (None, Revision.REFINED)
            if revision is not Revision.REFINED:
                found.update((run, layer, one.step) for one in records)
        return len(found)


def scan_log(log_dir: LogPath) -> LogContents:
    """Returns the locations of all records of this plugin under `log_dir`."""
    records: dict[RunTag, list[RecordLocation]] = defaultdict(list)
    damaged = 0
    for run, event in walk_events(log_dir):
        if event.is_restart:
            for at in [at for at in records if at[0] == run]:
                records[at] = [one for one in records[at] if one.step < event.step]
        elif event.blobs is None or event.tag is None:
            damaged += 1
        else:
            records[run, event.tag].append(_locate(event, event.tag, len(event.blobs)))
    return LogContents({at: tuple(found) for at, found in records.items() if found}, damaged)


def _locate(event: LoggedEvent, tag: str, blobs: int) -> RecordLocation:
    return RecordLocation(event.step, event.wall_time, blobs, tag, event.file, event.offset)


@dataclass(frozen=True)
class _Listed:
    """A tag in a listing, as `tensorboard.data.provider.BlobSequenceTimeSeries`."""

    max_step: int
    max_wall_time: float
    max_length: int


@dataclass(frozen=True)
class _BlobReference:
    blob_key: str


@dataclass(frozen=True)
class _Step:
    """A step of a tag, as `tensorboard.data.provider.BlobSequenceDatum`."""

    step: int
    wall_time: float
    values: tuple[_BlobReference, ...]


class EventProvider:
    """Data provider for the records of a log. Keeps the blobs of one record in memory.

    Args:
        contents: The records.
    """

    def __init__(self, contents: LogContents) -> None:
        self._records = contents.records
        self._stored = [one for found in contents.records.values() for one in found]
        self._numbers = {one: number for number, one in enumerate(self._stored)}
        self._latest: tuple[int, tuple[bytes, ...]] = (-1, ())

    def list_blob_sequences(
        self, *, run_tag_filter: Any = None, **_query: Any
    ) -> dict[str, dict[str, _Listed]]:
        """Returns the latest step, latest time, and number of blobs of each run and tag."""
        listed: dict[str, dict[str, _Listed]] = defaultdict(dict)
        for (run, tag), found in self._select(run_tag_filter):
            listed[run][tag] = _Listed(
                max(one.step for one in found),
                max(one.wall_time for one in found),
                max(one.blobs for one in found),
            )
        return listed

    def read_blob_sequences(
        self, *, run_tag_filter: Any = None, **_query: Any
    ) -> dict[str, dict[str, list[_Step]]]:
        """Returns the steps of each run and tag, with the keys of their blobs."""
        steps: dict[str, dict[str, list[_Step]]] = defaultdict(dict)
        for (run, tag), found in self._select(run_tag_filter):
            steps[run][tag] = [
                _Step(
                    one.step,
                    one.wall_time,
                    tuple(
                        _BlobReference(f"{self._numbers[one]}/{index}")
                        for index in range(one.blobs)
                    ),
                )
                for one in found
            ]
        return steps

    def read_blob(self, *, blob_key: str, **_query: Any) -> bytes:
        """Returns one blob.

        Raises:
            ChangedFileError: if its file has changed.
        """
        number, index = map(int, blob_key.split("/"))
        latest = self._latest  # another thread may replace it
        if latest[0] != number:
            latest = self._latest = number, self._stored[number].read()
        return latest[1][index]

    def _select(self, run_tag_filter: Any) -> Iterable[tuple[RunTag, tuple[StoredRecord, ...]]]:
        runs = None if run_tag_filter is None else run_tag_filter.runs
        tags = None if run_tag_filter is None else run_tag_filter.tags
        for (run, tag), found in self._records.items():
            if (runs is None or run in runs) and (tags is None or tag in tags):
                yield (run, tag), found
