# SPDX-License-Identifier: Apache-2.0
"""Cached, checked access to what TensorBoard's data provider holds for this plugin.

A series is one layer of one run. The provider answers slowly (about 40 ms a call under the fast
loader) and verifies nothing, so that listings are kept for a second and read again only where they
changed (`sequences.py`), blobs are in a cache of bounded size, and everything is compared with its
manifest before it leaves. Thread safe; identical reads that are under way are done once.
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
from tensorboard_plugin_atlas.metadata import (
    PROBE_TAG,
    Revision,
    layer_of_shortcuts,
    layer_tag,
    parse_refined_run,
    revision_of_tag,
)
from tensorboard_plugin_atlas.serving.blob_reader import PARALLEL_READS, BlobReader
from tensorboard_plugin_atlas.serving.blob_sequences import Place, SequenceReader
from tensorboard_plugin_atlas.serving.cache import ByteCache
from tensorboard_plugin_atlas.serving.event_summary import Retelling, StepFacts, facts_of
from tensorboard_plugin_atlas.wire.atlas_codec import (
    AtlasFields,
    Manifest,
    ShortcutFields,
    check_blob,
    check_place,
    checksum,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.manifest import MAX_MANIFEST_BYTES, value_count
from tensorboard_plugin_atlas.wire.revisions import refined_mark

CACHE_BYTES: Final = 64 << 20
"""Memory that blobs and manifests may take together."""

_FRESH_SECONDS: Final = 1.0
_KNOWN_SECONDS: Final = 10.0
"""How long a step that was listed is read from where it was, without a new listing."""

_VALUE_BYTES: Final = 64
"""Bytes of Python objects that a value in a manifest takes, roughly."""

_REMEMBERED_DAMAGE: Final = 4096

_Value = TypeVar("_Value")


class AbsentError(LookupError):
    """A series, step or blob that is not (or no longer) there."""


@dataclass(frozen=True)
class Request:
    """What the provider wants to know of a request: its context and experiment."""

    context: Any
    experiment_id: str


@dataclass(frozen=True)
class Datum:
    """One step of one series: where its blobs can be read.

    Attributes:
        layer: The layer, or None for the probe's pictures.
        step: Global step.
        wall_time: Seconds since the epoch.
        blob_keys: TensorBoard's names for the blobs.
        edition: How far it has come.
        draft: The draft that it replaces, or None.
        finer: Refined atlases that may replace it, the latest first; see `SeriesStore.datum`.
    """

    layer: str | None
    step: int
    wall_time: float
    blob_keys: tuple[str, ...]
    edition: Revision = Revision.LOGGED
    draft: Datum | None = None
    finer: tuple[Datum, ...] = ()

    @property
    def version(self) -> str:
        """What is another whenever another record may count for the step."""
        times = [datum.wall_time for datum in (self, *self.finer)]
        return f"{self.edition.label}-{_digest(*map(repr, times))}"


@dataclass(frozen=True)
class Series:
    """One tag of one run with every step that TensorBoard kept, ascending.

    Attributes:
        id: Opaque name for URLs.
        run: TensorBoard run.
        layer: The layer, or None for the probe's pictures.
        data: The kept steps.
        shortcuts: Where the shortcuts of the layer can be read, for the steps that have them.
    """

    id: str
    run: str
    layer: str | None
    data: tuple[Datum, ...]
    shortcuts: tuple[Datum, ...] = ()

    def at(self, step: int) -> Datum:
        """Returns the datum of `step`; AbsentError if it was not kept."""
        return _at(self.data, step)

    def shortcuts_at(self, step: int) -> Datum:
        """Returns that of the shortcuts of `step`; AbsentError if there is none."""
        return _at(self.shortcuts, step)


def _at(data: Sequence[Datum], step: int) -> Datum:
    for datum in data:
        if datum.step == step:
            return datum
    raise AbsentError(step)


@dataclass(frozen=True)
class StepSummary:
    """What the manifest of one step says, or why it cannot be believed.

    Attributes:
        datum: The step.
        edition: The edition that counts.
        facts: What the manifest says, None where it cannot be read.
        problem: What is damaged, if anything.
    """

    datum: Datum
    edition: Revision
    facts: StepFacts | None
    problem: DamageError | None


@dataclass(frozen=True)
class History:
    """What the manifests of one series say: the steps, ascending, and the events of all of them."""

    steps: list[StepSummary]
    events: Retelling


def run_id(run: str) -> str:
    """Returns the opaque id of a run."""
    return "r" + _digest(run)


def series_id(run: str, tag: str) -> str:
    """Returns the opaque id of one tag of one run."""
    return "s" + _digest(run, tag)


class SeriesStore:
    """Everything the routes read, over one data provider.

    Args:
        provider: TensorBoard's data provider.
        clock: Seconds that never go back.
        kept_limit: Steps of each tag that TensorBoard keeps, or None for all.
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
        self._sequences = SequenceReader(provider, _data, clock, self._pool.submit)
        self._arranged = _Arranged({}, {}, {})
        self._damage: dict[tuple[str, float], DamageError] = {}
        # Of large manifests only one at a time is made into objects, which take more than its text.
        # Nothing is looked up in the cache under this lock: who computes an entry may wait for it.
        self._parsing = threading.Lock()

    def all_series(self, request: Request) -> Mapping[str, Series]:
        """Returns every series under its id, ordered by run and tag, at most a second old.

        It is the same object while nothing changes, and so is each series in it.
        """
        moment = int(self._clock() / _FRESH_SECONDS)
        key = (request.experiment_id, moment)
        found = self._listings.once(key, lambda: (self._list(request), 1))
        self._latest = (*key, found)
        return found

    def series(self, request: Request, wanted: str) -> Series:
        """Returns the layer series with the id `wanted`, at most a second old.

        Raises:
            AbsentError: if there is none.
        """
        return _layer_series(self.all_series(request), wanted)

    def datum(self, request: Request, wanted: str, step: int) -> Datum:
        """Returns one step of the layer series with the id `wanted`, in the edition that counts.

        Raises:
            AbsentError: if there is none.
        """
        found = self._find(request, lambda listing: _layer_series(listing, wanted).at(step))
        return self._counting(request, found)

    def editions(self, request: Request, wanted: str, step: int) -> Iterator[Datum]:
        """Yields every edition of one step, that which counts first.

        Raises:
            AbsentError: if there is none.
        """
        found = self._find(request, lambda listing: _layer_series(listing, wanted).at(step))
        counting = self._counting(request, found)
        yield counting
        for one in (*found.finer, found, found.draft):
            if one is not None and one is not counting:
                yield one

    def _counting(self, request: Request, datum: Datum) -> Datum:
        """Returns the latest sound refinement of just this record, or the record itself."""
        if not datum.finer:
            return datum
        with contextlib.suppress(DamageError):
            mark = checksum(self.manifest(request, datum).text)
            for finer in datum.finer:
                # What is damaged or gone only leaves the icons that were there before.
                with contextlib.suppress(DamageError, NotFoundError):
                    if refined_mark(self._atlas_fields(request, finer).provenance) == mark:
                        return finer
        return datum

    def _atlas_fields(self, request: Request, datum: Datum) -> AtlasFields:
        fields = self.manifest(request, datum).fields
        if not isinstance(fields, AtlasFields):
            what = "shortcuts" if isinstance(fields, ShortcutFields) else "a probe"
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
        """Returns the latest pictures of the probe of the run with the id `wanted`.

        Raises:
            AbsentError: if there are none.
        """
        return self._find(request, lambda listing: _probe_datum(listing, wanted))

    def _find(self, request: Request, find: Callable[[Mapping[str, Series]], Datum]) -> Datum:
        """Looks in the last listing first, then in a fresh one: a listing costs 40 ms and more."""
        experiment, moment, listing = self._latest
        age = self._clock() - moment * _FRESH_SECONDS
        if experiment == request.experiment_id and age < _KNOWN_SECONDS:
            with contextlib.suppress(AbsentError):
                return find(listing)
        return find(self.all_series(request))

    def manifest(self, request: Request, datum: Datum) -> Manifest:
        """Returns the checked manifest of `datum`.

        Raises:
            DamageError: if it is damaged, or lists another number of blobs than there are.
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
                manifest.fields, (AtlasFields, ShortcutFields)
            ):
                check_place(manifest.fields, datum.layer, datum.step)
            return manifest, len(manifest.text) + _VALUE_BYTES * value_count(manifest.text)

        if not datum.blob_keys:
            raise DamageError("no blobs at all: expected a manifest first")
        key = ("manifest", datum.layer, datum.step, datum.blob_keys[0], datum.wall_time)
        return self._remembering(datum, lambda: self._cache.once(key, parse))

    def blob(self, request: Request, datum: Datum, manifest: Manifest, index: int) -> bytes:
        """Returns blob number `index` (from 1) of `datum`, checked against its manifest.

        Raises:
            DamageError: naming the blob and the number that differs.
        """

        def checked() -> bytes:
            entry = manifest.blobs[index - 1]
            data = self._read(request, datum, index, entry.size, entry.describe(index))
            check_blob(manifest, index, data)
            return data

        return self._remembering(datum, checked)

    def history(self, request: Request, series: Series) -> History:
        """Returns what the manifests of all kept steps say; they are read in parallel."""
        events = Retelling()

        def summarize(datum: Datum) -> StepSummary | None:
            problem = self._fetch(request, datum)
            if problem is not None:
                return StepSummary(datum, datum.edition, None, problem)
            return self._summary(request, datum, events)

        # The first alone: where it is refused for its size, the others are read one by one.
        first = [summarize(datum) for datum in series.data[:1]]
        read_all = map if self._blobs.is_serial else self._pool.map
        found = [*first, *read_all(summarize, series.data[1:])]
        steps = sorted((one for one in found if one is not None), key=lambda one: one.datum.step)
        return History(steps, events)

    def _fetch(self, request: Request, datum: Datum) -> DamageError | None:
        """Reads the manifests of a step into the cache, from where they are parsed one by one.

        Returns what is wrong with that of the step itself, if it cannot be read.
        """
        for one in (*datum.finer, datum):
            problem = None
            with contextlib.suppress(NotFoundError):
                try:
                    if one.blob_keys:
                        self._read(request, one, 0, MAX_MANIFEST_BYTES, "manifest")
                except DamageError as error:
                    problem = _detached(error)
        return problem

    def _summary(self, request: Request, datum: Datum, events: Retelling) -> StepSummary | None:
        """Returns None for a step that TensorBoard has dropped since it was listed."""
        edition = datum.edition
        try:
            shown = self._counting(request, datum)
            edition = shown.edition
            fields = self._atlas_fields(request, shown)
            with self._parsing:
                events.add(shown.step, fields)
            facts = facts_of(fields)
        except NotFoundError:
            return None
        except DamageError as error:
            return StepSummary(datum, edition, None, _detached(error))
        return StepSummary(datum, edition, facts, self._damage.get(_identity(shown)))

    def _remembering(self, datum: Datum, read: Callable[[], _Value]) -> _Value:
        """Keeps damage that is found while a step is opened, so that the history can tell."""
        try:
            return read()
        except DamageError as error:
            if len(self._damage) < _REMEMBERED_DAMAGE:
                self._damage[_identity(datum)] = _detached(error)
            raise

    def _read(self, request: Request, datum: Datum, index: int, most: int, name: str) -> bytes:
        """Returns a blob of at most `most` bytes, which `name` names in messages."""
        key = datum.blob_keys[index]

        def read() -> tuple[bytes, int]:
            data = self._blobs.read(request.context, key, most, name)
            return data, len(data)

        return self._cache.once(("blob", key, datum.wall_time), read)

    def _list(self, request: Request) -> Mapping[str, Series]:
        data = self._sequences.read(request.context, request.experiment_id)
        # Only `once` calls this, but for two seconds at a time where a listing takes longer.
        arranged = self._arranged
        if data is not arranged.data:
            arranged = self._arranged = _arranged(data, arranged, self._kept_limit)
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
class _Arranged:
    """A listing, with what it was made of: only what changed is updated.

    Attributes:
        data: Every run and tag.
        groups: The tags of one layer of one run, all editions, and the series that they make.
        listing: All series by id.
    """

    data: Mapping[Place, tuple[Datum, ...]]
    groups: Mapping[Place, tuple[Mapping[Place, tuple[Datum, ...]], list[Series]]]
    listing: Mapping[str, Series]


def _arranged(
    data: Mapping[Place, tuple[Datum, ...]], before: _Arranged, kept_limit: int | None
) -> _Arranged:
    parts: dict[Place, dict[Place, tuple[Datum, ...]]] = defaultdict(dict)
    for (run, tag), kept in data.items():
        parts[_group(run, tag)][run, tag] = kept
    groups = {}
    for place, part in parts.items():
        known = before.groups.get(place)
        if known is None or not _is_same(known[0], part):
            known = part, _series(part, kept_limit)
        groups[place] = known
    found = [one for _, series in groups.values() for one in series]
    found.sort(key=lambda one: (one.run, one.layer is None, one.layer or ""))
    return _Arranged(data, groups, {one.id: one for one in found})


def _group(run: str, tag: str) -> Place:
    """Returns the run and the tag of the finished atlases that `tag` belongs with."""
    layer, edition = revision_of_tag(tag) or (layer_of_shortcuts(tag), None)
    if layer is None:
        return run, tag
    home = parse_refined_run(run) if edition is Revision.REFINED else None
    return (run if home is None else home[0]), layer_tag(layer)


def _is_same(one: Mapping[Place, object], other: Mapping[Place, object]) -> bool:
    return one.keys() == other.keys() and all(one[key] is other[key] for key in one)


def _series(data: Mapping[Place, tuple[Datum, ...]], kept_limit: int | None) -> list[Series]:
    probes = [
        Series(series_id(run, tag), run, None, kept)
        for (run, tag), kept in data.items()
        if tag == PROBE_TAG
    ]
    return probes + _shelved(data, kept_limit)


@dataclass
class _Shelf:
    """What there is of one layer of one run, by step."""

    drafts: dict[int, Datum] = dataclasses.field(default_factory=dict)
    logged: dict[int, Datum] = dataclasses.field(default_factory=dict)
    shortcuts: dict[int, Datum] = dataclasses.field(default_factory=dict)
    finer: dict[int, tuple[Datum, ...]] = dataclasses.field(default_factory=dict)

    def data(self, kept_limit: int | None) -> tuple[Datum, ...]:
        """Returns the steps, each with all its editions, ascending."""
        is_sampled = kept_limit is not None and len(self.logged) >= kept_limit
        last = max(self.logged, default=-(2**63))
        drafts = {
            step: draft
            for step, draft in self.drafts.items()
            # Where TensorBoard drops steps, a draft without its atlas tells nothing.
            if step in self.logged or step > last or not is_sampled
        }
        if not drafts and not self.finer:
            return tuple(self.logged[step] for step in sorted(self.logged))
        return tuple(
            dataclasses.replace(
                self.logged.get(step) or drafts[step],
                draft=drafts.get(step) if step in self.logged else None,
                finer=self.finer.get(step, ()),
            )
            for step in sorted(drafts.keys() | self.logged.keys())
        )


def _shelved(
    data: Mapping[tuple[str, str], tuple[Datum, ...]], kept_limit: int | None
) -> list[Series]:
    """Brings the editions of each layer together, from the runs of refined atlases as well."""
    shelves: dict[tuple[str, str], _Shelf] = defaultdict(_Shelf)
    refined: list[tuple[int, str, tuple[Datum, ...]]] = []
    for (run, tag), kept in data.items():
        layer, edition = revision_of_tag(tag) or ("", None)
        home = parse_refined_run(run)
        if edition is Revision.LOGGED:
            shelves[run, layer].logged = _latest(shelves[run, layer].logged, kept)
        elif edition is Revision.PRELIMINARY:
            shelves[run, layer].drafts = _latest(shelves[run, layer].drafts, kept)
        elif edition is Revision.REFINED and home is not None:
            refined.append((home[1], home[0], kept))
    for (run, tag), kept in data.items():
        shelf = shelves.get((run, layer_of_shortcuts(tag) or ""))
        if shelf is not None and layer_of_shortcuts(tag) is not None:
            shelf.shortcuts = _latest(shelf.shortcuts, kept)
    for _, run, kept in sorted(refined, key=lambda one: one[:2]):
        for datum in kept:
            shelf = shelves.get((run, datum.layer or ""))
            if shelf is not None:
                shelf.finer[datum.step] = (datum, *shelf.finer.get(datum.step, ()))
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
    """Adds the steps of another tag of the same series; of one step the later record counts."""
    data = sorted((*known.values(), *more), key=lambda datum: datum.wall_time)
    return {datum.step: datum for datum in data}


def _data(_run: str, tag: str, data: Sequence[Any]) -> tuple[Datum, ...]:
    layer, edition = revision_of_tag(tag) or (layer_of_shortcuts(tag), Revision.LOGGED)
    return tuple(
        Datum(
            layer,
            item.step,
            # JSON has no words for NaN and infinity, and the caches no keys.
            item.wall_time if math.isfinite(item.wall_time) else 0.0,
            tuple(value.blob_key for value in item.values),
            edition,
        )
        for item in sorted(data, key=lambda item: item.step)
        if item.values  # one without blobs only takes the place of what a restart made void
    )


def _detached(error: DamageError) -> DamageError:
    """Returns the same error without its traceback, whose frames hold the bytes that were read."""
    return type(error)(str(error))


def _identity(datum: Datum) -> tuple[str, float]:
    return (datum.blob_keys[0] if datum.blob_keys else ""), datum.wall_time


def _digest(*names: str) -> str:
    # JSON keeps ("a", "bc") and ("ab", "c") apart and takes any text, lone surrogates included.
    text = json.dumps(names).encode("ascii")
    return hashlib.blake2b(text, digest_size=8).hexdigest()
