# SPDX-License-Identifier: Apache-2.0
"""Which blob sequences TensorBoard holds for this plugin, read again only where they changed.

Listing is cheap: one entry for each tag, with its highest step, latest wall time and most blobs.
Reading is not: it makes one object for each blob of each step. So a tag is read when its entry
differs from the one it was last read under. A new record always changes its entry, since both
loaders keep the newest one; a record that was logged out of order by a clock that went back, or a
file that was edited, may not. Therefore every tag is also read again after `RECHECK_SECONDS`, in
the background, at most `RECHECK_STEPS` steps after each listing.
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

from tensorboard_plugin_atlas.metadata import PLUGIN_NAME
from tensorboard_plugin_atlas.wire.manifest import MAX_BLOBS

RECHECK_SECONDS: Final = 60.0
"""After this long a tag is read again though its entry in the listing is the same."""

RECHECK_STEPS: Final = 2_000
"""Steps that are read again after one listing at most."""

_ALL_STEPS: Final = 100_000
"""`downsample` for the provider. Not the user's hint: 0 means "all" there and "none" here."""

_T = TypeVar("_T")

Place: TypeAlias = tuple[str, str]
"""A run and a tag."""


@dataclass(frozen=True)
class _Known(Generic[_T]):
    """What was read of one tag: under which entry of the listing, when, and how many steps."""

    entry: tuple[Any, ...]
    value: _T
    steps: int
    read_at: float


class SequenceReader(Generic[_T]):
    """The blob sequences of one experiment, kept from one listing to the next. Thread safe.

    Memory is that of one listing: what TensorBoard no longer lists is dropped, and so is all when
    another experiment is requested.

    Args:
        provider: TensorBoard's data provider.
        convert: Makes what is kept of the kept steps of a run and a tag, () where none is read.
        clock: Seconds that never go back.
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
        self._known: dict[Place, _Known[_T]] = {}
        self._values: Mapping[Place, _T] = {}
        self._is_rechecking = False

    def read(self, context: Any, experiment_id: str) -> Mapping[Place, _T]:
        """Returns what is kept of every tag; the same mapping while nothing changes."""
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
            due = [] if self._is_rechecking else self._due()
            self._is_rechecking = self._is_rechecking or bool(due)
        if due:
            self._later(lambda: self._recheck(query, due))
        return values

    def _entry_of(self, place: Place) -> tuple[Any, ...] | None:
        found = self._known.get(place)
        return None if found is None else found.entry

    def _publish(self) -> None:
        """Replaces the mapping if a value in it is another than before."""
        values = self._values
        if values.keys() == self._known.keys() and all(
            values[place] is one.value for place, one in self._known.items()
        ):
            return
        self._values = {place: self._known[place].value for place in sorted(self._known)}

    def _due(self) -> list[Place]:
        """Returns the tags that were not read for long, the oldest first, up to the limit."""
        before, steps = self._clock() - RECHECK_SECONDS, 0
        due = []
        old = [(one.read_at, at) for at, one in self._known.items() if one.read_at <= before]
        for _, place in sorted(old):
            due.append(place)
            steps += self._known[place].steps
            if steps >= RECHECK_STEPS:
                break
        return due

    def _recheck(self, query: Mapping[str, Any], places: Sequence[Place]) -> None:
        """Reads tags whose entry is the same as before."""
        try:
            with self._lock:
                if query["experiment_id"] == self._experiment:
                    known = [place for place in places if place in self._known]
                    self._refresh(query, known, {at: self._known[at].entry for at in known}, False)
                    self._publish()
        finally:
            self._is_rechecking = False

    def _refresh(
        self,
        query: Mapping[str, Any],
        places: Sequence[Place],
        entries: Mapping[Place, tuple[Any, ...]],
        is_all: bool,
    ) -> None:
        """Reads `places` and keeps them under the entries of before the read."""
        now = self._clock()
        # The provider makes one reference for each element that a tensor's shape claims.
        sane = {place for place in places if (entries[place][-1] or 0) <= 1 + MAX_BLOBS}
        if is_all and len(sane) == len(places):
            filters: Iterable[Any] = [None] if places else []
        else:
            filters = _filters(sane)
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for only in filters:
            some = self._provider.read_blob_sequences(
                **query, downsample=_ALL_STEPS, run_tag_filter=only
            )
            for run, tags in some.items():
                found[run].update(tags)
        for run, tag in places:
            data = found.get(run, {}).get(tag, ())
            value = self._convert(run, tag, data)
            before = self._known.get((run, tag))
            if before is not None and before.value == value:
                value = before.value
            entry = entries[run, tag]
            if not data and (run, tag) in sane and entry[0] is not None:
                entry = ()  # It was listed and is gone, or not there yet: read it again next time.
            self._known[run, tag] = _Known(entry, value, len(data), now)

    def _list(self, query: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
        """Returns the listing, and whether a read of everything would work as well."""
        try:
            return self._provider.list_blob_sequences(**query), True
        except KeyError:
            # The Python loader knows a tag that has no value (damage hid it), and fails at it.
            return self._list_by_run(query), False

    def _list_by_run(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Lists run by run, without those that TensorBoard fails at."""
        found: dict[str, Any] = {}
        context = {name: query[name] for name in ("ctx", "experiment_id")}
        for run in self._provider.list_runs(**context):
            only = RunTagFilter(runs=[run.run_name])
            with contextlib.suppress(KeyError):
                found |= self._provider.list_blob_sequences(**query, run_tag_filter=only)
        return found


def _entry(series: Any) -> tuple[Any, ...]:
    """Returns what tells one state of a tag from another; NaN as text, to be equal to itself."""
    return series.max_step, repr(series.max_wall_time), series.max_length


def _filters(places: Iterable[Place]) -> list[Any]:
    """Returns filters that together select just `places`: a filter is runs times tags."""
    tags: dict[str, list[str]] = defaultdict(list)
    for run, tag in places:
        tags[run].append(tag)
    runs: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for run, names in tags.items():
        runs[tuple(sorted(names))].append(run)
    return [RunTagFilter(runs=some, tags=names) for names, some in runs.items()]
