# SPDX-License-Identifier: Apache-2.0
"""Cached, checked access to what TensorBoard's data provider holds for this plugin.

A series is one layer of one run. The provider answers slowly (about 40 ms a call under the fast
loader) and verifies nothing, so that listings are kept for a second, blobs in a cache of bounded
size, and everything is compared with its manifest before it leaves. Thread safe; identical reads
that are under way are done once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tensorboard.data.provider import RunTagFilter
from tensorboard.errors import InvalidArgumentError, NotFoundError

from tensorboard_plugin_atlas.codec import (
    AtlasFields,
    Manifest,
    ShortcutFields,
    check_blob,
    check_place,
    checksum,
    read_manifest,
)
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.metadata import (
    PLUGIN_NAME,
    PROBE_TAG,
    Edition,
    edition_of_tag,
    home_of_run,
    layer_of_shortcuts,
    layer_tag,
)
from tensorboard_plugin_atlas.serving.cache import ByteCache
from tensorboard_plugin_atlas.wire.editions import refined_mark
from tensorboard_plugin_atlas.wire.manifest import MAX_BLOBS

CACHE_BYTES: Final = 64 << 20
"""Memory that blobs and manifests may take together."""

_FRESH_SECONDS: Final = 1.0
_KNOWN_SECONDS: Final = 10.0
"""How long a step that was listed is read from where it was, without a new listing."""

_ALL_STEPS: Final = 100_000
"""`downsample` for the provider. Not the user's hint: 0 means "all" there and "none" here."""

_PARALLEL_READS: Final = 8
_PARSED_FACTOR: Final = 4
"""Bytes of Python objects that a byte of manifest takes, roughly."""

_REMEMBERED_DAMAGE: Final = 4096

_UNREADABLE_NAME: Final = (
    "TensorBoard's data server cannot read it, as where a run's name holds a quotation mark, a "
    "backslash or a control character; rename the run's folder, or start TensorBoard with "
    "--load_fast=false"
)

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
    edition: Edition = Edition.LOGGED
    draft: Datum | None = None
    finer: tuple[Datum, ...] = ()

    @property
    def version(self) -> str:
        """What is another whenever another record may count for the step."""
        times = [datum.wall_time for datum in (self, *self.finer)]
        return f"{self.edition.name.lower()}-{_digest(*map(repr, times))}"


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
    """What the manifest of one step says, or why it cannot be believed."""

    datum: Datum
    edition: Edition
    fields: AtlasFields | None
    problem: DamageError | None


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
        self._provider = provider
        self._kept_limit = kept_limit
        self._clock = clock
        self._cache = ByteCache(CACHE_BYTES)
        self._listings = ByteCache(0)
        self._latest: tuple[str | None, int, Mapping[str, Series]] = (None, 0, {})
        self._pool = ThreadPoolExecutor(_PARALLEL_READS, thread_name_prefix="atlas-read")
        self._damage: dict[tuple[str, float], DamageError] = {}

    def all_series(self, request: Request) -> Mapping[str, Series]:
        """Returns every series under its id, ordered by run and tag, at most a second old."""
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
            manifest = read_manifest(self._read(request, datum, 0))
            if len(datum.blob_keys) != 1 + len(manifest.blobs):
                raise DamageError(
                    f"{len(datum.blob_keys) - 1} blobs behind the manifest, "
                    f"it lists {len(manifest.blobs)}"
                )
            if datum.layer is not None and isinstance(
                manifest.fields, (AtlasFields, ShortcutFields)
            ):
                check_place(manifest.fields, datum.layer, datum.step)
            return manifest, _PARSED_FACTOR * len(manifest.text)

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
            data = self._read(request, datum, index)
            check_blob(manifest, index, data)
            return data

        return self._remembering(datum, checked)

    def history(self, request: Request, series: Series) -> list[StepSummary]:
        """Returns what the manifests of all kept steps say, ascending, read in parallel."""

        def summarise(data: Sequence[Datum]) -> list[StepSummary | None]:
            return [self._summary(request, datum) for datum in data]

        shares = [series.data[start::_PARALLEL_READS] for start in range(_PARALLEL_READS)]
        found = itertools.chain.from_iterable(self._pool.map(summarise, shares))
        return sorted((one for one in found if one is not None), key=lambda one: one.datum.step)

    def _summary(self, request: Request, datum: Datum) -> StepSummary | None:
        """Returns None for a step that TensorBoard has dropped since it was listed."""
        edition = datum.edition
        try:
            shown = self._counting(request, datum)
            edition = shown.edition
            fields = self._atlas_fields(request, shown)
        except NotFoundError:
            return None
        except DamageError as error:
            return StepSummary(datum, edition, None, error)
        return StepSummary(datum, edition, fields, self._damage.get(_identity(shown)))

    def _remembering(self, datum: Datum, read: Callable[[], _Value]) -> _Value:
        """Keeps damage that is found while a step is opened, so that the history can tell."""
        try:
            return read()
        except DamageError as error:
            if len(self._damage) < _REMEMBERED_DAMAGE:
                self._damage[_identity(datum)] = error
            raise

    def _read(self, request: Request, datum: Datum, index: int) -> bytes:
        def read() -> tuple[bytes, int]:
            try:
                data = self._provider.read_blob(
                    ctx=request.context, blob_key=datum.blob_keys[index]
                )
            except (IndexError, TypeError, ValueError) as error:
                raise DamageError(f"blob {index}: TensorBoard cannot read it") from error
            except InvalidArgumentError as error:
                # The data server does not understand its own keys where a name in them is escaped.
                raise DamageError(f"blob {index}: {_UNREADABLE_NAME}") from error
            # The Python loader hands out object arrays for tensors of another rank; `bytes()` of
            # one would be the process's own pointers.
            if not isinstance(data, bytes):
                raise DamageError(f"blob {index}: not bytes")
            return bytes(data), len(data)

        return self._cache.once(("blob", datum.blob_keys[index], datum.wall_time), read)

    def _list(self, request: Request) -> dict[str, Series]:
        asked = {
            "ctx": request.context,
            "experiment_id": request.experiment_id,
            "plugin_name": PLUGIN_NAME,
        }
        try:
            listed, is_whole = self._provider.list_blob_sequences(**asked), True
        except KeyError:
            # The Python loader knows a tag that has no value (damage hid it), and fails at it.
            listed, is_whole = self._list_by_run(asked), False
        tags = [(run, tag) for run in sorted(listed) for tag in sorted(listed[run])]
        if is_whole and all(
            (listed[run][tag].max_length or 0) <= 1 + MAX_BLOBS for run, tag in tags
        ):
            found = self._provider.read_blob_sequences(**asked, downsample=_ALL_STEPS)
        else:
            found = self._read_sane(asked, listed)
        data = {(run, tag): _data(found, run, tag) for run, tag in tags}
        series = [
            Series(series_id(run, tag), run, None, kept)
            for (run, tag), kept in data.items()
            if tag == PROBE_TAG
        ]
        series += _shelved(data, self._kept_limit)
        series.sort(key=lambda one: (one.run, one.layer is None, one.layer or ""))
        return {one.id: one for one in series}

    def _list_by_run(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Lists run by run, without those that TensorBoard fails at."""
        found: dict[str, Any] = {}
        context = {name: asked[name] for name in ("ctx", "experiment_id")}
        for run in self._provider.list_runs(**context):
            only = RunTagFilter(runs=[run.run_name])
            with contextlib.suppress(KeyError):
                found |= self._provider.list_blob_sequences(**asked, run_tag_filter=only)
        return found

    def _read_sane(self, asked: Mapping[str, Any], listed: Mapping[str, Any]) -> dict[str, Any]:
        """Reads series by series, without those whose lengths no writer of ours has stated.

        The provider makes one reference for each element that a tensor's shape claims.
        """
        found: dict[str, Any] = {}
        for run, tags in listed.items():
            sane = [tag for tag in tags if (tags[tag].max_length or 0) <= 1 + MAX_BLOBS]
            if sane:
                only = RunTagFilter(runs=[run], tags=sane)
                found |= self._provider.read_blob_sequences(
                    **asked, downsample=_ALL_STEPS, run_tag_filter=only
                )
        return found


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
        layer, edition = edition_of_tag(tag) or ("", None)
        home = home_of_run(run)
        if edition is Edition.LOGGED:
            shelves[run, layer].logged = _latest(shelves[run, layer].logged, kept)
        elif edition is Edition.DRAFT:
            shelves[run, layer].drafts = _latest(shelves[run, layer].drafts, kept)
        elif edition is Edition.REFINED and home is not None:
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


def _data(
    found: Mapping[str, Mapping[str, Sequence[Any]]], run: str, tag: str
) -> tuple[Datum, ...]:
    data = found.get(run, {}).get(tag, ())
    layer, edition = edition_of_tag(tag) or (layer_of_shortcuts(tag), Edition.LOGGED)
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


def _identity(datum: Datum) -> tuple[str, float]:
    return (datum.blob_keys[0] if datum.blob_keys else ""), datum.wall_time


def _digest(*names: str) -> str:
    # JSON keeps ("a", "bc") and ("ab", "c") apart and takes any text, lone surrogates included.
    text = json.dumps(names).encode("ascii")
    return hashlib.blake2b(text, digest_size=8).hexdigest()
