# SPDX-License-Identifier: Apache-2.0
"""Lists the blob sequences of this plugin, and reads only those that have changed.

Listing is cheap: one entry for each tag, with its highest step, latest wall time, and largest
number of blobs. Reading is expensive: it creates one object for each blob of each step. So a tag is
read when its entry changes. A new record always changes the entry, since both loaders keep the
newest record. A record that was logged out of order because the clock went back, or an edited file,
may not. Therefore every tag is also read again after `RECHECK_SECONDS`, in the background, for at
most `RECHECK_STEPS` steps after each listing.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from tensorboard.data.provider import RunTagFilter

from tensorboard_plugin_atlas.log_names import PLUGIN_NAME
from tensorboard_plugin_atlas.wire.limits import MAX_BLOBS

RECHECK_SECONDS: Final = 60.0
"""After this time a tag is read again even if its entry in the listing has not changed."""

RECHECK_STEPS: Final = 2_000
"""Largest number of steps that are read again after one listing."""

_ALL_STEPS: Final = 100_000
"""`downsample` for the provider; the user's hint is not used, since 0 means "all" there."""

_T = TypeVar("_T")

RunTag: TypeAlias = tuple[str, str]
"""A run and a tag."""


@dataclass(frozen=True)
class _CachedTag(Generic[_T]):
    """Value of one tag, with the entry of the listing and the time at which it was read."""

    entry: tuple[Any, ...]
    value: _T
    steps: int
    read_at: float


class SequenceReader(Generic[_T]):
    """Caches the blob sequences of one experiment between listings. Thread safe.

    Holds one listing in memory: tags that TensorBoard no longer lists are removed, and all tags are
    removed when another experiment is requested.

    Args:
        provider: TensorBoard's data provider.
        convert: Function from run, tag, and the steps read to the value to cache.
        clock: A monotonic clock, in seconds.
        later: Runs a function in the background.
    """

    def __init__(
        self,
        provider: Any,
        convert: Callable[[str, str, Sequence[Any]], _T],
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[Callable[[], None]], object] = lambda run: run(),
    ) -> None:
        self._provider = provider
        self._convert = convert
        self._clock = clock
        self._later = later
        self._lock = threading.Lock()
        self._experiment: str | None = None
        self._known: dict[RunTag, _CachedTag[_T]] = {}
        self._values: Mapping[RunTag, _T] = {}
        self._is_rechecking = False

    def read(self, context: Any, experiment_id: str) -> Mapping[RunTag, _T]:
        """Returns the value of every tag; the same mapping object until a value changes."""
        query = {"ctx": context, "experiment_id": experiment_id, "plugin_name": PLUGIN_NAME}
        with self._lock:
            if experiment_id != self._experiment:
                self._experiment, self._known, self._values = experiment_id, {}, {}
            listed, is_whole = self._list(query)
            entries = {
                (run, tag): _entry(listed[run][tag]) for run in listed for tag in listed[run]
            }
            self._known = {at: one for at, one in self._known.items() if at in entries}
            changed = [at for at, entry in entries.items() if self._entry_of(at) != entry]
            is_first = is_whole and len(changed) == len(entries)
            self._refresh(query, changed, entries, is_first)
            self._publish()
            values = self._values
            due = [] if self._is_rechecking else self._find_stale()
            self._is_rechecking = self._is_rechecking or bool(due)
        if due:
            self._later(lambda: self._recheck(query, due))
        return values

    def _entry_of(self, key: RunTag) -> tuple[Any, ...] | None:
        found = self._known.get(key)
        return None if found is None else found.entry

    def _publish(self) -> None:
        """Replaces the mapping if a value has changed."""
        values = self._values
        if values.keys() == self._known.keys() and all(
            values[key] is one.value for key, one in self._known.items()
        ):
            return
        self._values = {key: self._known[key].value for key in sorted(self._known)}

    def _find_stale(self) -> list[RunTag]:
        """Returns the tags that are due for a recheck, oldest first, up to the limit."""
        before, steps = self._clock() - RECHECK_SECONDS, 0
        due = []
        old = [(one.read_at, at) for at, one in self._known.items() if one.read_at <= before]
        for _, key in sorted(old):
            due.append(key)
            steps += self._known[key].steps
            if steps >= RECHECK_STEPS:
                break
        return due

    def _recheck(self, query: Mapping[str, Any], keys: Sequence[RunTag]) -> None:
        """Reads tags whose entry has not changed."""
        try:
            with self._lock:
                if query["experiment_id"] == self._experiment:
                    known = [key for key in keys if key in self._known]
                    self._refresh(query, known, {at: self._known[at].entry for at in known}, False)
                    self._publish()
        finally:
            self._is_rechecking = False

    def _refresh(
        self,
        query: Mapping[str, Any],
        keys: Sequence[RunTag],
        entries: Mapping[RunTag, tuple[Any, ...]],
        is_all: bool,
    ) -> None:
        """Reads `keys` and stores them with the entries listed before the read."""
        now = self._clock()
        # The provider creates one reference for each element in the shape of a tensor.
        sane = {key for key in keys if (entries[key][-1] or 0) <= 1 + MAX_BLOBS}
        if is_all and len(sane) == len(keys):
            filters: Iterable[Any] = [None] if keys else []
        else:
            filters = _filters(sane)
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for only in filters:
            some = self._provider.read_blob_sequences(
                **query, downsample=_ALL_STEPS, run_tag_filter=only
            )
            for run, tags in some.items():
                found[run].update(tags)
        for run, tag in keys:
            data = found.get(run, {}).get(tag, ())
            value = self._convert(run, tag, data)
            before = self._known.get((run, tag))
            if before is not None and before.value == value:
                value = before.value
            entry = entries[run, tag]
            if not data and (run, tag) in sane and entry[0] is not None:
                entry = ()  # listed, but no longer or not yet readable: read it again next time
            self._known[run, tag] = _CachedTag(entry, value, len(data), now)

    def _list(self, query: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
        """Returns the listing, and whether all tags can be read in one call."""
        try:
            return self._provider.list_blob_sequences(**query), True
        except KeyError:
            # The Python loader fails at a tag whose value is damaged.
            return self._list_by_run(query), False

    def _list_by_run(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Lists each run separately, and skips runs that TensorBoard fails to list."""
        found: dict[str, Any] = {}
        context = {name: query[name] for name in ("ctx", "experiment_id")}
        for run in self._provider.list_runs(**context):
            only = RunTagFilter(runs=[run.run_name])
            with contextlib.suppress(KeyError):
                found |= self._provider.list_blob_sequences(**query, run_tag_filter=only)
        return found


def _entry(series: Any) -> tuple[Any, ...]:
    """Returns values that change when a tag changes; NaN as text, so that it is equal to itself."""
    return series.max_step, repr(series.max_wall_time), series.max_length


def _filters(keys: Iterable[RunTag]) -> list[Any]:
    """Returns filters that together select exactly `keys`; each selects runs times tags."""
    tags: dict[str, list[str]] = defaultdict(list)
    for run, tag in keys:
        tags[run].append(tag)
    runs: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for run, names in tags.items():
        runs[tuple(sorted(names))].append(run)
    return [RunTagFilter(runs=some, tags=names) for names, some in runs.items()]
