# SPDX-License-Identifier: Apache-2.0
"""Atlases back from a log directory, with numpy alone: no torch and no TensorBoard server.

A first pass over the event files notes where each atlas stands; an atlas is read again and decoded
when it is reached, so that memory stays at one. Damage costs the step it is in and no other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tensorboard_plugin_atlas.atlas import Atlas, ProbeThumbnails
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError, TooNewError
from tensorboard_plugin_atlas.logs.event_file import (
    LoggedEvent,
    Record,
    events_of,
    read_events,
    read_record,
)
from tensorboard_plugin_atlas.logs.remote import is_url
from tensorboard_plugin_atlas.metadata import (
    CHILD_RUN,
    PROBE_TAG,
    Revision,
    layer_of_shortcuts,
    parse_refined_run,
    revision_of_tag,
    source_of_relayout,
)
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.wire.atlas_codec import (
    AtlasFields,
    check_place,
    decode_atlas,
    decode_probe,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.revisions import refined_mark
from tensorboard_plugin_atlas.wire.shortcut_codec import decode_shortcuts

_ON_DAMAGE: Final = ("warn", "raise", "skip")
_Spot = tuple[str, str, int]

SHORTCUTS: Final = "shortcuts"
"""In place of an edition: the entry is of a damaged record of shortcuts."""


@dataclass(frozen=True, kw_only=True)
class LoggedAtlas:
    """One line about one logged atlas, or about damage in a log.

    Attributes:
        run: TensorBoard run.
        layer: The layer; "" where damage hides it.
        step: Global step; 0 where damage hides it.
        wall_time: Seconds since the epoch.
        bytes: Size of all its blobs.
        sequence: Its running number among those logged for the layer, None for damage.
        samples: Its samples, None for damage.
        status: "ok", "damaged" or "too_new".
        reason: Why it is not "ok", or None.
        edition: "logged", "draft" where its icons were never finished, "refined" where finer ones
            were drawn later, or "stale" for a refined atlas whose original is no longer there;
            "shortcuts" for a record of shortcuts that is damaged.
    """

    run: str
    layer: str
    step: int
    wall_time: float
    bytes: int
    sequence: int | None
    samples: int | None
    status: str
    reason: str | None
    edition: str = "logged"


@dataclass(frozen=True)
class _Place:
    """Where an atlas stands, or what is wrong there.

    Attributes:
        run: The run that it is shown in; of a refined atlas that of its original.
        layer: The layer, "" where damage hides it.
        step: Global step.
        tag: Summary tag, None where damage hides it.
        file: The event file.
        offset: Start of the record.
        reason: What is wrong, or None.
        edition: How far the atlas has come; None for what is no atlas.
        number: Which run of refined atlases of `run` it is in, 0 for none.
        mark: Checksum that its manifest states; of a refined atlas that of its original's.
    """

    run: str
    layer: str
    step: int
    tag: str | None
    file: Path
    offset: int
    reason: str | None
    edition: Revision | None = None
    number: int = 0
    mark: str | None = None


def read_atlases(
    log_dir: str | os.PathLike[str],
    *,
    run: str | None = None,
    layer: str | None = None,
    on_damage: Literal["warn", "raise", "skip"] = "warn",
) -> Iterator[Atlas]:
    """Reads atlases back, sorted by run, layer and step.

    Each atlas is decoded when the iterator reaches it. If a step was logged twice, the record
    written last is used. Records that `purge_step` made void are skipped. A refined atlas
    (`tensorboard-atlas refine`) replaces its original. A draft is returned only if its atlas was
    never finished. Runs that `tensorboard-atlas relayout` wrote show the same checkpoints on other
    maps; they are returned only if `run` names them.

    Args:
        log_dir: Directory that TensorBoard would be given.
        run: Only this run; "exp1" also finds "exp1/atlas", where the writer puts its atlases.
        layer: Only this layer.
        on_damage: What to do about bytes that are not what they claim: "warn" and go on, "skip"
            in silence, or "raise" a DamageError.

    Returns:
        An iterator over the atlases.

    Raises:
        ArgumentError: if `log_dir` is no directory or `on_damage` is none of the three.

    Examples:
        >>> for atlas in read_atlases("runs", layer="layer4"):  # doctest: +SKIP
        ...     print(atlas.run, atlas.step, atlas.quality.trustworthiness)
    """
    _check_on_damage("read_atlases", on_damage)
    places = [
        place
        for place in _places(checked_directory(log_dir))
        if _is_told_by(place.run, run) and (layer is None or place.layer in ("", layer))
    ]
    return _decoded(places, on_damage)


def read_shortcuts(
    log_dir: str | os.PathLike[str],
    *,
    run: str | None = None,
    layer: str | None = None,
    on_damage: Literal["warn", "raise", "skip"] = "warn",
) -> Iterator[ShortcutRecord]:
    """Reads what `AtlasWriter(shortcuts=...)` has logged, sorted by run, layer and step.

    Where a step was logged twice, the record written last counts; what a run that was taken up
    again left behind (`purge_step`) is no more.

    Args:
        log_dir: As for `read_atlases`.
        run: As for `read_atlases`.
        layer: Only this layer.
        on_damage: As for `read_atlases`.

    Raises:
        ArgumentError: if `log_dir` is no directory or `on_damage` is none of the three.

    Examples:
        >>> for record in read_shortcuts("runs"):  # doctest: +SKIP
        ...     for one, patch in zip(record.found, record.patches):
        ...         print(record.step, one.target, one.flip_rate, one.since, patch.shape)
    """
    _check_on_damage("read_shortcuts", on_damage)
    found: dict[_Spot, LoggedEvent] = {}
    for name, event in _walk(checked_directory(log_dir)):
        if event.is_restart:
            for spot in [s for s in found if s[0] == name and s[2] >= event.step]:
                del found[spot]
            continue
        own = None if event.tag is None else layer_of_shortcuts(event.tag)
        if own is not None and _is_told_by(name, run) and layer in (None, own):
            found[name, own, event.step] = event
    return _decoded_shortcuts(found, on_damage)


def _decoded_shortcuts(
    found: Mapping[_Spot, LoggedEvent], on_damage: str
) -> Iterator[ShortcutRecord]:
    for (run, layer, step), event in sorted(found.items(), key=lambda item: item[0]):
        try:
            if event.blobs is None:
                raise DamageError(str(event.reason))
            record = decode_shortcuts(event.blobs, run=run)
            check_place(record, layer, step)
        except DamageError as error:
            name = f"shortcuts of run {run!r}, layer {layer!r}, step {step:,}"
            if on_damage == "raise":
                raise type(error)(f"{name}: {error}") from error
            if on_damage == "warn":
                warnings.warn(f"skipped: {name}: {error}", stacklevel=2)
            continue
        yield record


def _check_on_damage(call: str, on_damage: str) -> None:
    if on_damage not in _ON_DAMAGE:
        raise ArgumentError(
            f"{call}(on_damage={on_damage!r}): pass " + " or ".join(map(repr, _ON_DAMAGE))
        )


@dataclass(frozen=True)
class Original:
    """An atlas as it was first logged, or its draft: what finer icons can be drawn for.

    Attributes:
        run: TensorBoard run.
        layer: The layer.
        step: Global step.
        mark: Checksum of its manifest, "" where damage hides it.
    """

    run: str
    layer: str
    step: int
    mark: str
    _place: _Place
    _shown: _Place

    def read(self) -> Atlas:
        """Reads the atlas.

        Raises:
            DamageError: if it is damaged.
        """
        return _decode(self._place)

    def read_shown(self) -> Atlas:
        """Reads what the tab shows of it: with finer icons, if they were drawn and are sound.

        Raises:
            DamageError: if the atlas itself is damaged.
        """
        if self._shown != self._place:
            with contextlib.suppress(DamageError):
                return _decode(self._shown)
        return self.read()


def originals(
    log_dir: str | os.PathLike[str], *, run: str | None = None, damaged: bool = False
) -> list[Original]:
    """Returns every atlas as it was first logged, sorted by run, layer and step.

    Runs that `tensorboard-atlas relayout` wrote show the same checkpoints again; they are returned
    only if `run` names them.

    Args:
        log_dir: Directory that TensorBoard would be given.
        run: Only this run, as for `read_atlases`.
        damaged: Whether to return what is damaged as well, where nothing sound takes its place:
            `read` raises what is wrong. The layer is "" where damage hides what it is of.

    Raises:
        ArgumentError: if `log_dir` is no directory.
    """
    shelf, hidden = _shelved(checked_directory(log_dir))
    shown = {
        (place.run, place.layer, place.step): place
        for place, edition in shelf.places()
        if place.reason is None and edition != "stale"
    }
    found = [
        Original(*spot, place.mark, place, shown.get(spot, place))
        for spot, place in (shelf.drafts | shelf.logged).items()
        if place.mark is not None
    ]
    if damaged:
        sound = {(one.run, one.layer, one.step) for one in found}
        broken = [p for (_, e, _), p in shelf.damaged.items() if e is not Revision.REFINED]
        found += [
            Original(p.run, p.layer, p.step, "", p, p)
            for p in (*hidden, *broken)
            if (p.run, p.layer, p.step) not in sound
        ]
    return sorted(
        (one for one in found if _is_told_by(one.run, run)),
        key=lambda one: (one.run, one.layer, one.step),
    )


def _is_told_by(found: str, wanted: str | None) -> bool:
    return _is_run(found, wanted) and (wanted is not None or source_of_relayout(found) is None)


def list_atlases(log_dir: str | os.PathLike[str]) -> tuple[LoggedAtlas, ...]:
    """Lists every logged atlas and every damage, sorted by run, layer and step.

    Each atlas is decoded and checked, except for the pixels of its icons; the pictures of the probe
    and shortcuts are too, and are listed where they are damaged.

    Raises:
        ArgumentError: if `log_dir` is no directory.
    """
    shelf = _Shelf()
    entries: dict[tuple[Path, int, str], LoggedAtlas] = {}
    hidden: list[LoggedAtlas] = []
    for run, event in _walk(checked_directory(log_dir)):
        if event.is_restart:
            shelf.restart(run, event.step)
            hidden = [one for one in hidden if not _is_void(one, run, event.step)]
            continue
        place = _place(run, event)
        entry = _listed(place.run, event)
        entries[event.file, event.offset, event.tag or ""] = entry
        if place.edition is not None:
            shelf.add(dataclasses.replace(place, reason=entry.reason))
        elif entry.status != "ok" and _is_ours(event.tag):
            hidden.append(entry)
    found = hidden + [
        dataclasses.replace(entries[place.file, place.offset, place.tag or ""], edition=edition)
        for place, edition in shelf.places()
    ]
    return tuple(sorted(found, key=lambda e: (e.run, e.layer, e.step, e.status)))


def _is_ours(tag: str | None) -> bool:
    """Tells whether damage under a tag that is no atlas's is worth listing."""
    return tag in (None, PROBE_TAG) or layer_of_shortcuts(str(tag)) is not None


def _is_void(entry: LoggedAtlas, run: str, step: int) -> bool:
    return entry.edition == SHORTCUTS and entry.run == run and entry.step >= step


def read_probe(log_dir: str | os.PathLike[str], run: str) -> ProbeThumbnails:
    """Reads the probe's pictures of one run; "exp1" also finds "exp1/atlas".

    Raises:
        ArgumentError: if `log_dir` is no directory or the run has logged no pictures.
        DamageError: if they are damaged.
    """
    latest = None
    for name, event in _walk(checked_directory(log_dir)):
        if _is_run(name, run) and event.tag == PROBE_TAG:
            latest = event
    if latest is None:
        raise ArgumentError(
            f"read_probe(run={run!r}): no pictures of a probe in that run of {os.fspath(log_dir)!r}"
        )
    if latest.blobs is None:
        raise DamageError(f"probe of {run!r}: {latest.reason}")
    return decode_probe(latest.blobs)


def checked_directory(log_dir: str | os.PathLike[str]) -> Path:
    """Returns the directory as a path.

    Raises:
        ArgumentError: if it is none, or a URL.
    """
    path = Path(log_dir)
    if not path.is_dir():
        if is_url(os.fspath(log_dir)):
            raise ArgumentError(
                f"log_dir={os.fspath(log_dir)!r} is a URL, and only local directories are read; "
                "copy it to one first, and pass that"
            )
        state = "is a file" if path.exists() else "does not exist"
        raise ArgumentError(f"log_dir={str(path)!r} {state}; pass the directory of the runs")
    return path


def _is_run(found: str, wanted: str | None) -> bool:
    return wanted is None or found in (wanted, f"{wanted}/{CHILD_RUN}")


def run_directories(log_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yields every directory under `log_dir`, itself included, with TensorBoard's name for it."""
    visited = set()
    for directory, names, _ in os.walk(log_dir, followlinks=True):
        real = os.path.realpath(directory)
        if real in visited:
            # A link to a directory above itself would be walked for ever.
            names.clear()
            continue
        visited.add(real)
        names.sort()
        yield Path(directory).relative_to(log_dir).as_posix(), Path(directory)


def _walk(log_dir: Path) -> Iterator[tuple[str, LoggedEvent]]:
    """Yields run and event of everything of ours under `log_dir`, run names as TensorBoard's."""
    for run, directory in run_directories(log_dir):
        try:
            for event in read_events(directory):
                yield run, event
        except FileNotFoundError:
            continue


@dataclass
class _Shelf:
    """What was found of each run, layer and step; the last record of each edition counts."""

    logged: dict[_Spot, _Place] = field(default_factory=dict)
    drafts: dict[_Spot, _Place] = field(default_factory=dict)
    refined: dict[_Spot, dict[int, _Place]] = field(default_factory=lambda: defaultdict(dict))
    damaged: dict[tuple[_Spot, Revision | None, int], _Place] = field(default_factory=dict)

    def add(self, place: _Place) -> None:
        """Puts an atlas, or the damage where one was, in its place."""
        spot = (place.run, place.layer, place.step)
        if place.reason is not None:
            self.damaged[spot, place.edition, place.number] = place
        elif place.edition is Revision.REFINED:
            self.refined[spot][place.number] = place
        else:
            is_draft = place.edition is Revision.PRELIMINARY
            (self.drafts if is_draft else self.logged)[spot] = place

    def restart(self, run: str, step: int) -> None:
        """Forgets what a run that was taken up again at `step` had logged from there on."""
        for sound in (self.logged, self.drafts):
            for spot in [s for s in sound if s[0] == run and s[2] >= step]:
                del sound[spot]
        for key in [k for k in self.damaged if k[0][0] == run and k[0][2] >= step]:
            del self.damaged[key]

    def places(self) -> Iterator[tuple[_Place, str]]:
        """Yields the record that counts for each spot with its edition, what is stale and damage.

        The edition of a refined atlas whose original is no longer there is "stale".
        """
        originals = self.drafts | self.logged
        for spot, original in originals.items():
            own = {n: p for n, p in self.refined.get(spot, {}).items() if p.mark == original.mark}
            counting = own[max(own)] if own else original
            yield counting, _name(counting.edition)
        for spot, numbered in self.refined.items():
            mark = originals[spot].mark if spot in originals else None
            yield from ((p, "stale") for p in numbered.values() if p.mark != mark or mark is None)
        yield from ((place, _name(place.edition)) for place in self.damaged.values())


def _name(edition: Revision | None) -> str:
    return (edition or Revision.LOGGED).label


def _place(run: str, event: LoggedEvent) -> _Place:
    layer, edition = (event.tag and revision_of_tag(event.tag)) or ("", None)
    number, mark = 0, None
    if edition is Revision.REFINED:
        home = parse_refined_run(run)
        if home is None:  # elsewhere such a tag is not ours
            layer, edition = "", None
        else:
            run, number = home
        mark = _mark_of(event.blobs[0]) if event.blobs else None
    elif event.blobs:
        mark = event.blobs[0][:8].decode("ascii", "replace")
    place = (run, layer, event.step, event.tag, event.file, event.offset, event.reason)
    return _Place(*place, edition, number, mark)


def _mark_of(manifest: bytes) -> str | None:
    """Returns which manifest a refined atlas stands for, None where its own cannot be read."""
    try:
        fields = read_manifest(manifest).fields
    except DamageError:
        return None
    return refined_mark(fields.provenance) if isinstance(fields, AtlasFields) else None


def _places(log_dir: Path) -> list[_Place]:
    """Returns the record that counts for each run, layer and step, and all damage, sorted."""
    shelf, hidden = _shelved(log_dir)
    found = [*hidden, *(place for place, edition in shelf.places() if edition != "stale")]
    return sorted(found, key=lambda place: (place.run, place.layer, place.step))


def _shelved(log_dir: Path) -> tuple[_Shelf, list[_Place]]:
    """Returns what was found, and damage that hides what it was."""
    shelf = _Shelf()
    hidden: list[_Place] = []
    for run, event in _walk(log_dir):
        if event.is_restart:
            shelf.restart(run, event.step)
            continue
        place = _place(run, event)
        if place.edition is not None:
            shelf.add(place)
        elif place.reason is not None:
            hidden.append(place)
    return shelf, hidden


def _decoded(places: list[_Place], on_damage: str) -> Iterator[Atlas]:
    for place in places:
        try:
            yield _decode(place)
        except DamageError as error:
            if on_damage == "raise":
                raise
            if on_damage == "warn":
                warnings.warn(f"skipped: {error}", stacklevel=2)


def _decode(place: _Place) -> Atlas:
    """Reads and decodes the atlas at `place`.

    Raises:
        DamageError: naming run, layer and step, if it cannot be.
    """
    name = f"run {place.run!r}, layer {place.layer!r}, step {place.step:,}"
    if place.reason is not None:
        raise DamageError(f"{name}: {place.reason}")
    try:
        payload = read_record(place.file, place.offset)
    except OSError as error:
        raise DamageError(f"{name}: {place.file.name} is gone ({error.strerror})") from error
    if payload is not None:
        for event in events_of(Record(place.offset, payload), place.file):
            if event.tag == place.tag and event.step == place.step and event.blobs is not None:
                try:
                    atlas = decode_atlas(event.blobs, run=place.run)
                    check_place(atlas, place.layer, place.step)
                    return atlas
                except DamageError as error:
                    raise type(error)(f"{name}: {error}") from error
    raise DamageError(f"{name}: {place.file.name} was changed while it was read")


def _listed(run: str, event: LoggedEvent) -> LoggedAtlas:
    atlas, reason, status = None, event.reason, "damaged"
    layer, edition = (event.tag and revision_of_tag(event.tag)) or ("", None)
    watched = None if event.tag is None else layer_of_shortcuts(event.tag)
    if event.blobs is not None:
        try:
            if event.tag == PROBE_TAG:
                decode_probe(event.blobs)
            elif watched is not None:
                check_place(decode_shortcuts(event.blobs), watched, event.step)
            else:
                atlas = decode_atlas(event.blobs)
                check_place(atlas, layer, event.step)
            status = "ok"
        except DamageError as error:
            reason = str(error)
            status = "too_new" if isinstance(error, TooNewError) else "damaged"
    return LoggedAtlas(
        run=run,
        layer=layer if watched is None else watched,
        step=event.step,
        wall_time=event.wall_time,
        bytes=sum(map(len, event.blobs or ())),
        sequence=None if atlas is None else atlas.sequence,
        samples=None if atlas is None else len(atlas.samples),
        status=status,
        reason=reason,
        edition=_name(edition) if watched is None else SHORTCUTS,
    )
