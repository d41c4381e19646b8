# SPDX-License-Identifier: Apache-2.0
"""Reads atlases from a log directory; needs no torch and no TensorBoard server.

A first pass over the event files collects the location of each atlas. Each atlas is read and
decoded when the iterator reaches it, so that memory holds one. Damage affects one step only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError, TooNewError
from tensorboard_plugin_atlas.log_names import (
    CHILD_RUN,
    PROBE_TAG,
    Revision,
    layer_of_shortcuts,
    parse_refined_run,
    revision_of_tag,
    source_of_relayout,
)
from tensorboard_plugin_atlas.logs.event_file import (
    LoggedEvent,
    Record,
    parse_events,
    read_events,
    read_record,
)
from tensorboard_plugin_atlas.logs.log_files import (
    LogPath,
    LogPathLike,
    check_directory,
    run_directories,
)
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.wire.atlas_codec import (
    AtlasManifest,
    check_place,
    decode_atlas,
    decode_probe,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.refinement_mark import read_refined_mark
from tensorboard_plugin_atlas.wire.shortcut_codec import decode_shortcuts

_ON_DAMAGE: Final = ("warn", "raise", "skip")
_StepKey = tuple[str, str, int]

SHORTCUTS: Final = "shortcuts"
"""Value of `LoggedAtlas.revision` for a damaged record of shortcuts."""


@dataclass(frozen=True, kw_only=True)
class LoggedAtlas:
    """Summary of one logged atlas, or of one damaged record.

    Attributes:
        run: TensorBoard run.
        layer: The layer; "" if unknown because of damage.
        step: Global step; 0 if unknown because of damage.
        wall_time: Seconds since the epoch.
        bytes: Size of all its blobs.
        sequence: Number of the atlas in the series of its layer, from 1; None for damage.
        samples: Number of samples, None for damage.
        status: "ok", "damaged", or "too_new".
        reason: Why the status is not "ok", or None.
        revision: "logged"; "preliminary" if the icons were never finished; "refined" if icons were
            rendered again later; "stale" for a refined atlas whose original no longer exists; or
            "shortcuts" for a damaged record of shortcuts.
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
    revision: str = "logged"


@dataclass(frozen=True)
class _RecordLocation:
    """Location of a record in an event file.

    Attributes:
        run: The run that shows it; for a refined atlas, the run of the original.
        layer: The layer; "" if unknown because of damage.
        step: Global step.
        tag: Summary tag; None if unknown because of damage.
        file: The event file.
        offset: Start of the record in bytes.
        reason: Description of the damage, or None.
        revision: Revision of the atlas; None for other records.
        number: Number of the refined run of `run` that holds it, 0 for none.
        checksum: Checksum of its manifest; for a refined atlas, that of the original's manifest.
    """

    run: str
    layer: str
    step: int
    tag: str | None
    file: LogPath
    offset: int
    reason: str | None
    revision: Revision | None = None
    number: int = 0
    checksum: str | None = None


def read_atlases(
    log_dir: str | os.PathLike[str],
    *,
    run: str | None = None,
    layer: str | None = None,
    on_damage: Literal["warn", "raise", "skip"] = "warn",
) -> Iterator[Atlas]:
    """Reads atlases, sorted by run, layer, and step.

    Each atlas is decoded when the iterator reaches it. If a step was logged twice, the record
    written last is used. Records that `purge_step` made void are skipped. A refined atlas
    (`tensorboard-atlas refine`) replaces its original. A preliminary atlas is returned only if its
    icons were never finished. Runs that `tensorboard-atlas relayout` wrote show the same
    steps on other maps; they are returned only if `run` names them.

    Args:
        log_dir: Log directory, as passed to TensorBoard, or its URL in an object store, such as
            "s3://bucket/runs".
        run: Only this run; "exp1" also finds "exp1/atlas", to which `AtlasWriter` writes.
        layer: Only this layer.
        on_damage: How to handle damaged records: "warn" and skip them, "skip" them silently, or
            "raise" a DamageError.

    Returns:
        An iterator over the atlases.

    Raises:
        ArgumentError: if `log_dir` is not a directory, its store cannot be read, or `on_damage` is
            none of the three.

    Examples:
        >>> for atlas in read_atlases("runs", layer="layer4"):  # doctest: +SKIP
        ...     print(atlas.run, atlas.step, atlas.quality.trustworthiness)
    """
    _check_on_damage("read_atlases", on_damage)
    locations = [
        location
        for location in _select_locations(check_directory(log_dir))
        if _is_selected(location.run, run) and (layer is None or location.layer in ("", layer))
    ]
    return _decode_all(locations, on_damage)


def read_shortcuts(
    log_dir: str | os.PathLike[str],
    *,
    run: str | None = None,
    layer: str | None = None,
    on_damage: Literal["warn", "raise", "skip"] = "warn",
) -> Iterator[ShortcutRecord]:
    """Reads the records of `AtlasWriter(shortcuts=...)`, sorted by run, layer, and step.

    If a step was logged twice, the record written last is used. Records that `purge_step` made void
    are skipped.

    Args:
        log_dir: As for `read_atlases`.
        run: As for `read_atlases`.
        layer: Only this layer.
        on_damage: As for `read_atlases`.

    Raises:
        ArgumentError: as `read_atlases` does.

    Examples:
        >>> for record in read_shortcuts("runs"):  # doctest: +SKIP
        ...     for one, patch in zip(record.found, record.patches):
        ...         print(record.step, one.target, one.flip_rate, one.since, patch.shape)
    """
    _check_on_damage("read_shortcuts", on_damage)
    found: dict[_StepKey, LoggedEvent] = {}
    for name, event in walk_events(check_directory(log_dir)):
        if event.is_restart:
            for key in [s for s in found if s[0] == name and s[2] >= event.step]:
                del found[key]
            continue
        own = None if event.tag is None else layer_of_shortcuts(event.tag)
        if own is not None and _is_selected(name, run) and layer in (None, own):
            found[name, own, event.step] = event
    return _decode_shortcut_records(found, on_damage)


def _decode_shortcut_records(
    found: Mapping[_StepKey, LoggedEvent], on_damage: str
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
class AtlasRecord:
    """Record of an atlas in a log: the logged atlas, or a preliminary one if there is no other.

    Attributes:
        run: TensorBoard run.
        layer: The layer.
        step: Global step.
        checksum: Checksum of its manifest; "" if unknown because of damage.
    """

    run: str
    layer: str
    step: int
    checksum: str
    _location: _RecordLocation
    _latest: _RecordLocation

    def read(self) -> Atlas:
        """Reads the atlas.

        Raises:
            DamageError: if it is damaged.
        """
        return _decode(self._location)

    def read_latest(self) -> Atlas:
        """Reads the latest revision, which the tab shows: refined if that exists and is intact.

        Raises:
            DamageError: if the atlas itself is damaged.
        """
        if self._latest != self._location:
            with contextlib.suppress(DamageError):
                return _decode(self._latest)
        return self.read()


def list_records(
    log_dir: str | os.PathLike[str], *, run: str | None = None, include_damaged: bool = False
) -> list[AtlasRecord]:
    """Returns the records of all atlases, sorted by run, layer, and step.

    Runs that `tensorboard-atlas relayout` wrote show the same steps again; they are returned
    only if `run` names them.

    Args:
        log_dir: Log directory, as passed to TensorBoard, or its URL in an object store, such as
            "s3://bucket/runs".
        run: Only this run, as for `read_atlases`.
        include_damaged: Whether to return damaged records, too, unless an intact record of the same
            step exists; their `read` raises. The layer is "" if unknown because of damage.

    Raises:
        ArgumentError: if `log_dir` is not a directory, or its store cannot be read.
    """
    records, hidden = _collect_records(check_directory(log_dir))
    shown = {
        (location.run, location.layer, location.step): location
        for location, revision in records.locations()
        if location.reason is None and revision != "stale"
    }
    found = [
        AtlasRecord(*key, location.checksum, location, shown.get(key, location))
        for key, location in (records.preliminary | records.logged).items()
        if location.checksum is not None
    ]
    if include_damaged:
        intact = {(one.run, one.layer, one.step) for one in found}
        broken = [p for (_, e, _), p in records.damaged.items() if e is not Revision.REFINED]
        found += [
            AtlasRecord(p.run, p.layer, p.step, "", p, p)
            for p in (*hidden, *broken)
            if (p.run, p.layer, p.step) not in intact
        ]
    return sorted(
        (one for one in found if _is_selected(one.run, run)),
        key=lambda one: (one.run, one.layer, one.step),
    )


def _is_selected(found: str, wanted: str | None) -> bool:
    return matches_run(found, wanted) and (wanted is not None or source_of_relayout(found) is None)


def list_atlases(log_dir: LogPathLike) -> tuple[LoggedAtlas, ...]:
    """Lists all atlases and all damaged records, sorted by run, layer, and step.

    Each atlas is decoded and checked, except for the pixels of its icons. Probe images and
    shortcuts are checked, too, and listed if they are damaged.

    Raises:
        ArgumentError: if `log_dir` is not a directory, or its store cannot be read.
    """
    records = _StepRecords()
    entries: dict[tuple[LogPath, int, str], LoggedAtlas] = {}
    hidden: list[LoggedAtlas] = []
    for run, event in walk_events(check_directory(log_dir)):
        if event.is_restart:
            records.restart(run, event.step)
            hidden = [one for one in hidden if not _is_void(one, run, event.step)]
            continue
        location = _locate(run, event)
        entry = _make_entry(location.run, event)
        entries[event.file, event.offset, event.tag or ""] = entry
        if location.revision is not None:
            records.add(dataclasses.replace(location, reason=entry.reason))
        elif entry.status != "ok" and _is_listed(event.tag):
            hidden.append(entry)
    found = hidden + [
        dataclasses.replace(entries[at.file, at.offset, at.tag or ""], revision=revision)
        for at, revision in records.locations()
    ]
    return tuple(sorted(found, key=lambda e: (e.run, e.layer, e.step, e.status)))


def _is_listed(tag: str | None) -> bool:
    """Returns whether a damaged record is listed whose tag is not an atlas tag."""
    return tag in (None, PROBE_TAG) or layer_of_shortcuts(str(tag)) is not None


def _is_void(entry: LoggedAtlas, run: str, step: int) -> bool:
    return entry.revision == SHORTCUTS and entry.run == run and entry.step >= step


def matches_run(found: str, wanted: str | None) -> bool:
    """Returns whether a run is the wanted one, or the one that `AtlasWriter` adds to it."""
    return wanted is None or found in (wanted, f"{wanted}/{CHILD_RUN}")


def walk_events(log_dir: LogPath) -> Iterator[tuple[str, LoggedEvent]]:
    """Yields the TensorBoard run and the event of all records of this plugin under `log_dir`.

    Raises:
        ArgumentError: if a directory cannot be read.
    """
    for run, directory in run_directories(log_dir):
        try:
            for event in read_events(directory):
                yield run, event
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ArgumentError(
                f"{str(directory)!r} cannot be read ({error.strerror or error})"
            ) from error


@dataclass
class _StepRecords:
    """Locations of the records of each run, layer, and step: the last one of each revision."""

    logged: dict[_StepKey, _RecordLocation] = field(default_factory=dict)
    preliminary: dict[_StepKey, _RecordLocation] = field(default_factory=dict)
    refined: dict[_StepKey, dict[int, _RecordLocation]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    damaged: dict[tuple[_StepKey, Revision | None, int], _RecordLocation] = field(
        default_factory=dict
    )

    def add(self, location: _RecordLocation) -> None:
        """Adds a record of an atlas, which may be damaged."""
        key = (location.run, location.layer, location.step)
        if location.reason is not None:
            self.damaged[key, location.revision, location.number] = location
        elif location.revision is Revision.REFINED:
            self.refined[key][location.number] = location
        else:
            is_preliminary = location.revision is Revision.PRELIMINARY
            (self.preliminary if is_preliminary else self.logged)[key] = location

    def restart(self, run: str, step: int) -> None:
        """Removes the records that became void when a run was resumed at `step`."""
        for intact in (self.logged, self.preliminary):
            for key in [s for s in intact if s[0] == run and s[2] >= step]:
                del intact[key]
        for damaged in [k for k in self.damaged if k[0][0] == run and k[0][2] >= step]:
            del self.damaged[damaged]

    def locations(self) -> Iterator[tuple[_RecordLocation, str]]:
        """Yields the current record of each step with its revision, then stale and damaged ones.

        The revision of a refined atlas whose original no longer exists is "stale".
        """
        originals = self.preliminary | self.logged
        for key, original in originals.items():
            own = {
                n: p
                for n, p in self.refined.get(key, {}).items()
                if p.checksum == original.checksum
            }
            current = own[max(own)] if own else original
            yield current, _revision_name(current.revision)
        for key, numbered in self.refined.items():
            checksum = originals[key].checksum if key in originals else None
            stale = (p for p in numbered.values() if checksum is None or p.checksum != checksum)
            yield from ((one, "stale") for one in stale)
        yield from ((at, _revision_name(at.revision)) for at in self.damaged.values())


def _revision_name(revision: Revision | None) -> str:
    return (revision or Revision.LOGGED).label


def _locate(run: str, event: LoggedEvent) -> _RecordLocation:
    layer, revision = (event.tag and revision_of_tag(event.tag)) or ("", None)
    number, checksum = 0, None
    if revision is Revision.REFINED:
        source = parse_refined_run(run)
        if source is None:  # in any other run, the tag is not valid
            layer, revision = "", None
        else:
            run, number = source
        checksum = _read_base_checksum(event.blobs[0]) if event.blobs else None
    elif event.blobs:
        checksum = event.blobs[0][:8].decode("ascii", "replace")
    location = (run, layer, event.step, event.tag, event.file, event.offset, event.reason)
    return _RecordLocation(*location, revision, number, checksum)


def _read_base_checksum(manifest: bytes) -> str | None:
    """Returns the checksum of the manifest that a refined atlas replaces; None if damaged."""
    try:
        fields = read_manifest(manifest).fields
    except DamageError:
        return None
    return (
        read_refined_mark(fields.provenance.layer_info)
        if isinstance(fields, AtlasManifest)
        else None
    )


def _select_locations(log_dir: LogPath) -> list[_RecordLocation]:
    """Returns the current record of each run, layer, and step, and all damaged ones, sorted."""
    records, hidden = _collect_records(log_dir)
    found = [
        *hidden,
        *(location for location, revision in records.locations() if revision != "stale"),
    ]
    return sorted(found, key=lambda location: (location.run, location.layer, location.step))


def _collect_records(log_dir: LogPath) -> tuple[_StepRecords, list[_RecordLocation]]:
    """Returns the records of atlases, and damaged records whose tag is unknown."""
    records = _StepRecords()
    hidden: list[_RecordLocation] = []
    for run, event in walk_events(log_dir):
        if event.is_restart:
            records.restart(run, event.step)
            continue
        location = _locate(run, event)
        if location.revision is not None:
            records.add(location)
        elif location.reason is not None:
            hidden.append(location)
    return records, hidden


def _decode_all(locations: list[_RecordLocation], on_damage: str) -> Iterator[Atlas]:
    for location in locations:
        try:
            yield _decode(location)
        except DamageError as error:
            if on_damage == "raise":
                raise
            if on_damage == "warn":
                warnings.warn(f"skipped: {error}", stacklevel=2)


def _decode(location: _RecordLocation) -> Atlas:
    """Reads and decodes the atlas at `location`.

    Raises:
        DamageError: if it is damaged; the message names run, layer, and step.
    """
    name = f"run {location.run!r}, layer {location.layer!r}, step {location.step:,}"
    if location.reason is not None:
        raise DamageError(f"{name}: {location.reason}")
    try:
        payload = read_record(location.file, location.offset)
    except OSError as error:
        raise DamageError(
            f"{name}: {location.file.name} cannot be read ({error.strerror})"
        ) from error
    if payload is not None:
        for event in parse_events(Record(location.offset, payload), location.file):
            if (
                event.tag == location.tag
                and event.step == location.step
                and event.blobs is not None
            ):
                try:
                    atlas = decode_atlas(event.blobs, run=location.run)
                    check_place(atlas, location.layer, location.step)
                    return atlas
                except DamageError as error:
                    raise type(error)(f"{name}: {error}") from error
    raise DamageError(f"{name}: {location.file.name} changed while it was read")


def _make_entry(run: str, event: LoggedEvent) -> LoggedAtlas:
    atlas, reason, status = None, event.reason, "damaged"
    layer, revision = (event.tag and revision_of_tag(event.tag)) or ("", None)
    shortcut_layer = None if event.tag is None else layer_of_shortcuts(event.tag)
    if event.blobs is not None:
        try:
            if event.tag == PROBE_TAG:
                decode_probe(event.blobs)
            elif shortcut_layer is not None:
                check_place(decode_shortcuts(event.blobs), shortcut_layer, event.step)
            else:
                atlas = decode_atlas(event.blobs)
                check_place(atlas, layer, event.step)
            status = "ok"
        except DamageError as error:
            reason = str(error)
            status = "too_new" if isinstance(error, TooNewError) else "damaged"
    return LoggedAtlas(
        run=run,
        layer=layer if shortcut_layer is None else shortcut_layer,
        step=event.step,
        wall_time=event.wall_time,
        bytes=sum(map(len, event.blobs or ())),
        sequence=None if atlas is None else atlas.sequence,
        samples=None if atlas is None else len(atlas.samples),
        status=status,
        reason=reason,
        revision=_revision_name(revision) if shortcut_layer is None else SHORTCUTS,
    )
