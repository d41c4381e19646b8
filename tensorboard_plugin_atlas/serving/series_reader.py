# SPDX-License-Identifier: Apache-2.0
"""Reads the steps of each layer and run from TensorBoard's data provider, cached and verified.

A series is one layer of one run. The provider is slow (about 40 ms per call with the data server)
and verifies nothing. So listings are cached for a second and read again only if they changed (see
`blob_sequence_reader`), blobs are cached up to a total size, and all data are compared with their
manifest. Thread safe; concurrent identical reads are done once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tensorboard.errors import NotFoundError

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.log_names import (
    PROBE_TAG,
    Revision,
    layer_of_shortcuts,
    layer_tag,
    parse_refined_run,
    revision_of_tag,
)
from tensorboard_plugin_atlas.serving.blob_reader import PARALLEL_READS, BlobReader
from tensorboard_plugin_atlas.serving.blob_sequence_reader import RunTag, SequenceReader
from tensorboard_plugin_atlas.serving.cache import ByteCache
from tensorboard_plugin_atlas.serving.concept_summary import ConceptSummary
from tensorboard_plugin_atlas.serving.event_summary import EventSummary
from tensorboard_plugin_atlas.serving.step_facts import StepFacts, extract_facts
from tensorboard_plugin_atlas.wire.atlas_codec import (
    AtlasManifest,
    Manifest,
    ShortcutsManifest,
    check_blob,
    check_place,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.limits import MAX_MANIFEST_BYTES
from tensorboard_plugin_atlas.wire.manifest import value_count
from tensorboard_plugin_atlas.wire.refinement_mark import read_refined_mark

CACHE_BYTES: Final = 64 << 20
"""Largest total size of cached blobs and manifests."""

_FRESH_SECONDS: Final = 1.0
_KNOWN_SECONDS: Final = 10.0
"""How long listed steps are read without a new listing."""

_VALUE_BYTES: Final = 64
"""Approximate size of the Python objects for one value in a manifest."""

_REMEMBERED_DAMAGE: Final = 4096

_Value = TypeVar("_Value")


class AbsentError(LookupError):
    """A series, step, or blob does not exist."""


@dataclass(frozen=True)
class Request:
    """Context and experiment of a request, for the data provider."""

    context: Any
    experiment_id: str


@dataclass(frozen=True)
class Datum:
    """Blob keys of one step of one series.

    Attributes:
        layer: The layer, or None for probe images.
        step: Global step.
        wall_time: Seconds since the epoch.
        blob_keys: TensorBoard's keys of the blobs.
        revision: Revision of the atlas.
        preliminary: The preliminary atlas that it replaces, or None.
        refinements: Refined atlases that may replace it, latest first; see `SeriesReader.datum`.
    """

    layer: str | None
    step: int
    wall_time: float
    blob_keys: tuple[str, ...]
    revision: Revision = Revision.LOGGED
    preliminary: Datum | None = None
    refinements: tuple[Datum, ...] = ()

    @property
    def version(self) -> str:
        """Text that changes whenever another record may be the current one of the step."""
        times = [datum.wall_time for datum in (self, *self.refinements)]
        return f"{self.revision.label}-{_digest(*map(repr, times))}"


@dataclass(frozen=True)
class Series:
    """One layer of one run, with all steps that TensorBoard kept, ascending.

    Attributes:
        id: Opaque id for URLs.
        run: TensorBoard run.
        layer: The layer, or None for probe images.
        data: The kept steps.
        shortcuts: Shortcut records of the layer, for the steps that have them.
    """

    id: str
    run: str
    layer: str | None
    data: tuple[Datum, ...]
    shortcuts: tuple[Datum, ...] = ()

    def at(self, step: int) -> Datum:
        """Returns the datum of `step`; raises AbsentError if it was not kept."""
        return _at(self.data, step)

    def shortcuts_at(self, step: int) -> Datum:
        """Returns the shortcut record of `step`; raises AbsentError if there is none."""
        return _at(self.shortcuts, step)


def _at(data: Sequence[Datum], step: int) -> Datum:
    for datum in data:
        if datum.step == step:
            return datum
    raise AbsentError(step)


@dataclass(frozen=True)
class StepSummary:
    """Summary of one step.

    Attributes:
        datum: The step.
        revision: The current revision.
        facts: Values of the manifest, None if it cannot be read.
        problem: Damage, or None.
    """

    datum: Datum
    revision: Revision
    facts: StepFacts | None
    problem: DamageError | None


@dataclass(frozen=True)
class History:
    """Steps, events and concepts of one series; the steps are ascending."""

    steps: list[StepSummary]
    events: EventSummary
    concepts: ConceptSummary


def run_id(run: str) -> str:
    """Returns the opaque id of a run."""
    return "r" + _digest(run)


def series_id(run: str, tag: str) -> str:
    """Returns the opaque id of one tag of one run."""
    return "s" + _digest(run, tag)


class SeriesReader:
    """Reads all data for the routes from one data provider.

    Args:
        provider: TensorBoard's data provider.
        clock: A monotonic clock, in seconds.
        kept_limit: Number of steps of each tag that TensorBoard keeps, or None for all.
    """

    def __init__(
        self,
        provider: Any,
        clock: Callable[[], float] = time.monotonic,
        kept_limit: int | None = None,
    ) -> None:
        self._kept_limit = kept_limit
        self._clock = clock
        self._cache = ByteCache(CACHE_BYTES)
        self._listings = ByteCache(0)
        self._latest: tuple[str | None, int, Mapping[str, Series]] = (None, 0, {})
        self._pool = ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="atlas-read")
        self._blobs = BlobReader(provider)
        self._sequences = SequenceReader(provider, _parse_records, clock, self._pool.submit)
        self._group_listing = _GroupedListing({}, {}, {})
        self._damage: dict[tuple[str, float], DamageError] = {}
        # One large manifest is parsed at a time, since its objects take more memory than its text.
        # The cache is not used while this lock is held: a thread that computes an entry may wait
        # for the lock.
        self._parsing = threading.Lock()

    def all_series(self, request: Request) -> Mapping[str, Series]:
        """Returns all series by id, ordered by run and tag; at most a second old.

        The mapping and each series in it are the same objects until they change.
        """
        moment = int(self._clock() / _FRESH_SECONDS)
        key = (request.experiment_id, moment)
        found = self._listings.get_or_compute(key, lambda: (self._list(request), 1))
        self._latest = (*key, found)
        return found

    def series(self, request: Request, wanted: str) -> Series:
        """Returns the layer series with the id `wanted`, at most a second old.

        Raises:
            AbsentError: if there is none.
        """
        return _layer_series(self.all_series(request), wanted)

    def datum(self, request: Request, wanted: str, step: int) -> Datum:
        """Returns one step of the layer series with the id `wanted`, in its current revision.

        Raises:
            AbsentError: if there is none.
        """
        found = self._find(request, lambda listing: _layer_series(listing, wanted).at(step))
        return self._find_current(request, found)

    def revisions(self, request: Request, wanted: str, step: int) -> Iterator[Datum]:
        """Yields all revisions of one step, the current one first.

        Raises:
            AbsentError: if there is none.
        """
        found = self._find(request, lambda listing: _layer_series(listing, wanted).at(step))
        counting = self._find_current(request, found)
        yield counting
        for one in (*found.refinements, found, found.preliminary):
            if one is not None and one is not counting:
                yield one

    def _find_current(self, request: Request, datum: Datum) -> Datum:
        """Returns the latest intact refinement of this record, or the record itself."""
        if not datum.refinements:
            return datum
        with contextlib.suppress(DamageError):
            mark = self.manifest(request, datum).mark
            for refined in datum.refinements:
                # If a refinement is damaged or missing, an earlier revision is shown.
                with contextlib.suppress(DamageError, NotFoundError):
                    origin = self._atlas_fields(request, refined).provenance
                    if read_refined_mark(origin.layer_info) == mark:
                        return refined
        return datum

    def _atlas_fields(self, request: Request, datum: Datum) -> AtlasManifest:
        fields = self.manifest(request, datum).fields
        if not isinstance(fields, AtlasManifest):
            what = "shortcuts" if isinstance(fields, ShortcutsManifest) else "a probe"
            raise DamageError(f"{what} where an atlas should be")
        return fields

    def shortcuts(self, request: Request, wanted: str, step: int) -> Datum:
        """Returns the shortcuts of one step of the layer series with the id `wanted`.

        Raises:
            AbsentError: if there are none.
        """
        return self._find(
            request, lambda listing: _layer_series(listing, wanted).shortcuts_at(step)
        )

    def probe(self, request: Request, wanted: str) -> Datum:
        """Returns the latest probe images of the run with the id `wanted`.

        Raises:
            AbsentError: if there are none.
        """
        return self._find(request, lambda listing: _probe_datum(listing, wanted))

    def _find(self, request: Request, find: Callable[[Mapping[str, Series]], Datum]) -> Datum:
        """Searches the last listing first and then a new one, which takes 40 ms or more."""
        experiment, moment, listing = self._latest
        age = self._clock() - moment * _FRESH_SECONDS
        if experiment == request.experiment_id and age < _KNOWN_SECONDS:
            with contextlib.suppress(AbsentError):
                return find(listing)
        return find(self.all_series(request))

    def manifest(self, request: Request, datum: Datum) -> Manifest:
        """Returns the checked manifest of `datum`.

        Raises:
            DamageError: if it is damaged, or the number of blobs differs from its list.
        """

        def parse() -> tuple[Manifest, int]:
            blob = self._read(request, datum, 0, MAX_MANIFEST_BYTES, "manifest")
            with self._parsing:
                manifest = read_manifest(blob)
            if len(datum.blob_keys) != 1 + len(manifest.blobs):
                raise DamageError(
                    f"{len(datum.blob_keys) - 1} blobs behind the manifest, "
                    f"it lists {len(manifest.blobs)}"
                )
            if datum.layer is not None and isinstance(
                manifest.fields, (AtlasManifest, ShortcutsManifest)
            ):
                check_place(manifest.fields, datum.layer, datum.step)
            return manifest, len(manifest.text) + _VALUE_BYTES * value_count(manifest.text)

        if not datum.blob_keys:
            raise DamageError("no blobs at all: expected a manifest first")
        key = ("manifest", datum.layer, datum.step, datum.blob_keys[0], datum.wall_time)
        return self.remember_damage(datum, lambda: self._cache.get_or_compute(key, parse))

    def blob(
        self, request: Request, datum: Datum, manifest: Manifest, index: int, is_kept: bool = True
    ) -> bytes:
        """Returns blob number `index` (from 1) of `datum`, checked against its manifest.

        With `is_kept`, the blob is cached.

        Raises:
            DamageError: if they differ; the message names the blob and the difference.
        """

        def read_and_check() -> bytes:
            entry = manifest.blobs[index - 1]
            name = entry.describe(index)
            data = self._read(request, datum, index, entry.bytes, name, is_kept)
            check_blob(manifest, index, data)
            return data

        return self.remember_damage(datum, read_and_check)

    def history(self, request: Request, series: Series) -> History:
        """Returns the summaries of all kept steps; their manifests are read in parallel."""
        events, concepts = EventSummary(), ConceptSummary()

        def add(step: int, fields: AtlasManifest) -> None:
            with self._parsing:
                events.add(step, fields)
                concepts.add(step, fields)

        def summarize(datum: Datum) -> StepSummary | None:
            problem = self._fetch(request, datum)
            if problem is not None:
                return StepSummary(datum, datum.revision, None, problem)
            return self._summarize_step(request, datum, add)

        # The first one is read alone: if it is too large, the others are read one by one.
        first = [summarize(datum) for datum in series.data[:1]]
        read_all = map if self._blobs.is_serial else self._pool.map
        found = [*first, *read_all(summarize, series.data[1:])]
        steps = sorted((one for one in found if one is not None), key=lambda one: one.datum.step)
        return History(steps, events, concepts)

    def _fetch(self, request: Request, datum: Datum) -> DamageError | None:
        """Reads the manifests of a step into the cache; they are parsed later, one by one.

        Returns:
            The damage of the step's own manifest, or None.
        """
        for one in (*datum.refinements, datum):
            problem = None
            with contextlib.suppress(NotFoundError):
                try:
                    if one.blob_keys:
                        self._read(request, one, 0, MAX_MANIFEST_BYTES, "manifest")
                except DamageError as error:
                    problem = _without_traceback(error)
        return problem

    def _summarize_step(
        self, request: Request, datum: Datum, add: Callable[[int, AtlasManifest], None]
    ) -> StepSummary | None:
        """Summarizes a step; returns None if TensorBoard has removed it since the listing."""
        revision = datum.revision
        try:
            shown = self._find_current(request, datum)
            revision = shown.revision
            add(shown.step, fields := self._atlas_fields(request, shown))
        except NotFoundError:
            return None
        except DamageError as error:
            return StepSummary(datum, revision, None, _without_traceback(error))
        facts, damage = extract_facts(fields), self._damage.get(_identity(shown))
        return StepSummary(datum, revision, facts, damage)

    def remember_damage(self, datum: Datum, read: Callable[[], _Value]) -> _Value:
        """Stores damage that is found while a step is read, for the history."""
        try:
            return read()
        except DamageError as error:
            if len(self._damage) < _REMEMBERED_DAMAGE:
                self._damage[_identity(datum)] = _without_traceback(error)
            raise

    def _read(
        self, request: Request, datum: Datum, index: int, most: int, name: str, is_kept: bool = True
    ) -> bytes:
        """Returns a blob of at most `most` bytes; `name` is its name in messages."""
        key = datum.blob_keys[index]

        def read() -> tuple[bytes, int]:
            data = self._blobs.read(request.context, key, most, name)
            return data, len(data)

        cached = ("blob", key, datum.wall_time)
        return self._cache.get_or_compute(cached, read) if is_kept else read()[0]

    def _list(self, request: Request) -> Mapping[str, Series]:
        data = self._sequences.read(request.context, request.experiment_id)
        # Called by `get_or_compute` only, but for two moments at a time if a listing is slow.
        arranged = self._group_listing
        if data is not arranged.data:
            arranged = self._group_listing = _group_listing(data, arranged, self._kept_limit)
        return arranged.listing


def _layer_series(listing: Mapping[str, Series], wanted: str) -> Series:
    found = listing.get(wanted)
    if found is None or found.layer is None:
        raise AbsentError(wanted)
    return found


def _probe_datum(listing: Mapping[str, Series], wanted: str) -> Datum:
    for series in listing.values():
        if series.layer is None and series.data and run_id(series.run) == wanted:
            return series.data[-1]
    raise AbsentError(wanted)


@dataclass(frozen=True)
class _GroupedListing:
    """A listing and the data it was built from, so that only changed series are built again.

    Attributes:
        data: The steps of every run and tag.
        groups: The tags of all revisions of one layer of one run, and the series built from them.
        listing: All series by id.
    """

    data: Mapping[RunTag, tuple[Datum, ...]]
    groups: Mapping[RunTag, tuple[Mapping[RunTag, tuple[Datum, ...]], list[Series]]]
    listing: Mapping[str, Series]


def _group_listing(
    data: Mapping[RunTag, tuple[Datum, ...]], before: _GroupedListing, kept_limit: int | None
) -> _GroupedListing:
    parts: dict[RunTag, dict[RunTag, tuple[Datum, ...]]] = defaultdict(dict)
    for (run, tag), kept in data.items():
        parts[_group(run, tag)][run, tag] = kept
    groups = {}
    for group, part in parts.items():
        known = before.groups.get(group)
        if known is None or not _is_same(known[0], part):
            known = part, _series(part, kept_limit)
        groups[group] = known
    found = [one for _, series in groups.values() for one in series]
    found.sort(key=lambda one: (one.run, one.layer is None, one.layer or ""))
    return _GroupedListing(data, groups, {one.id: one for one in found})


def _group(run: str, tag: str) -> RunTag:
    """Returns the run and the tag of the logged atlases to which `tag` belongs."""
    layer, revision = revision_of_tag(tag) or (layer_of_shortcuts(tag), None)
    if layer is None:
        return run, tag
    home = parse_refined_run(run) if revision is Revision.REFINED else None
    return (run if home is None else home[0]), layer_tag(layer)


def _is_same(one: Mapping[RunTag, object], other: Mapping[RunTag, object]) -> bool:
    return one.keys() == other.keys() and all(one[key] is other[key] for key in one)


def _series(data: Mapping[RunTag, tuple[Datum, ...]], kept_limit: int | None) -> list[Series]:
    probes = [
        Series(series_id(run, tag), run, None, kept)
        for (run, tag), kept in data.items()
        if tag == PROBE_TAG
    ]
    return probes + _make_layer_series(data, kept_limit)


@dataclass
class _LayerSteps:
    """Records of one layer of one run by step, for each revision."""

    preliminary: dict[int, Datum] = dataclasses.field(default_factory=dict)
    logged: dict[int, Datum] = dataclasses.field(default_factory=dict)
    shortcuts: dict[int, Datum] = dataclasses.field(default_factory=dict)
    refinements: dict[int, tuple[Datum, ...]] = dataclasses.field(default_factory=dict)

    def data(self, kept_limit: int | None) -> tuple[Datum, ...]:
        """Returns the steps in ascending order, each with all its revisions."""
        is_sampled = kept_limit is not None and len(self.logged) >= kept_limit
        last = max(self.logged, default=-(2**63))
        preliminary = {
            step: preliminary
            for step, preliminary in self.preliminary.items()
            # TensorBoard may not have kept the final revision of an earlier preliminary atlas.
            if step in self.logged or step > last or not is_sampled
        }
        if not preliminary and not self.refinements:
            return tuple(self.logged[step] for step in sorted(self.logged))
        return tuple(
            dataclasses.replace(
                self.logged.get(step) or preliminary[step],
                preliminary=preliminary.get(step) if step in self.logged else None,
                refinements=self.refinements.get(step, ()),
            )
            for step in sorted(preliminary.keys() | self.logged.keys())
        )


def _make_layer_series(
    data: Mapping[tuple[str, str], tuple[Datum, ...]], kept_limit: int | None
) -> list[Series]:
    """Combines the revisions of each layer, including those in runs of refined atlases."""
    shelves: dict[tuple[str, str], _LayerSteps] = defaultdict(_LayerSteps)
    refined: list[tuple[int, str, tuple[Datum, ...]]] = []
    for (run, tag), kept in data.items():
        layer, revision = revision_of_tag(tag) or ("", None)
        home = parse_refined_run(run)
        if revision is Revision.LOGGED:
            shelves[run, layer].logged = _latest(shelves[run, layer].logged, kept)
        elif revision is Revision.PRELIMINARY:
            shelves[run, layer].preliminary = _latest(shelves[run, layer].preliminary, kept)
        elif revision is Revision.REFINED and home is not None:
            refined.append((home[1], home[0], kept))
    for (run, tag), kept in data.items():
        shelf = shelves.get((run, layer_of_shortcuts(tag) or ""))
        if shelf is not None and layer_of_shortcuts(tag) is not None:
            shelf.shortcuts = _latest(shelf.shortcuts, kept)
    for _, run, kept in sorted(refined, key=lambda one: one[:2]):
        for datum in kept:
            shelf = shelves.get((run, datum.layer or ""))
            if shelf is not None:
                shelf.refinements[datum.step] = (datum, *shelf.refinements.get(datum.step, ()))
    return [
        Series(
            series_id(run, layer_tag(layer)),
            run,
            layer,
            shelf.data(kept_limit),
            tuple(shelf.shortcuts[step] for step in sorted(shelf.shortcuts)),
        )
        for (run, layer), shelf in shelves.items()
    ]


def _latest(known: Mapping[int, Datum], more: Sequence[Datum]) -> dict[int, Datum]:
    """Adds the steps of another tag of the series; of two records of a step, the later is kept."""
    data = sorted((*known.values(), *more), key=lambda datum: datum.wall_time)
    return {datum.step: datum for datum in data}


def _parse_records(_run: str, tag: str, data: Sequence[Any]) -> tuple[Datum, ...]:
    layer, revision = revision_of_tag(tag) or (layer_of_shortcuts(tag), Revision.LOGGED)
    return tuple(
        Datum(
            layer,
            item.step,
            # NaN and infinity can be neither written as JSON nor used in cache keys.
            item.wall_time if math.isfinite(item.wall_time) else 0.0,
            tuple(value.blob_key for value in item.values),
            revision,
        )
        for item in sorted(data, key=lambda item: item.step)
        if item.values  # an empty sequence replaces records that a restart made void
    )


def _without_traceback(error: DamageError) -> DamageError:
    """Returns the error without its traceback, whose frames refer to the bytes that were read."""
    return type(error)(str(error))


def _identity(datum: Datum) -> tuple[str, float]:
    return (datum.blob_keys[0] if datum.blob_keys else ""), datum.wall_time


def _digest(*names: str) -> str:
    # As JSON, ("a", "bc") and ("ab", "c") differ, and lone surrogates are allowed.
    text = json.dumps(names).encode("ascii")
    return hashlib.blake2b(text, digest_size=8).hexdigest()
