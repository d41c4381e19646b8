# SPDX-License-Identifier: Apache-2.0
"""Atlases back from a log directory, with numpy alone: no torch and no TensorBoard server.

A first pass over the event files notes where each atlas stands; an atlas is read again and decoded
when it is reached, so that memory stays at one. Damage costs the step it is in and no other.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tensorboard_plugin_atlas.atlas import Atlas, ProbePictures
from tensorboard_plugin_atlas.codec import check_place, decode_atlas, decode_probe
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError, TooNewError
from tensorboard_plugin_atlas.events import (
    LoggedEvent,
    Record,
    events_of,
    read_events,
    read_record,
)
from tensorboard_plugin_atlas.metadata import CHILD_RUN, PROBE_TAG, layer_of_tag

_ON_DAMAGE: Final = ("warn", "raise", "skip")


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


@dataclass(frozen=True)
class _Place:
    """Where an atlas stands, or what is wrong there."""

    run: str
    layer: str
    step: int
    tag: str | None
    file: Path
    offset: int
    reason: str | None


def read_atlases(
    log_dir: str | os.PathLike[str],
    *,
    run: str | None = None,
    layer: str | None = None,
    on_damage: Literal["warn", "raise", "skip"] = "warn",
) -> Iterator[Atlas]:
    """Reads atlases back, sorted by run, layer and step.

    Lazily: each is decoded when the iterator reaches it. Where a step was logged twice, the one
    written last counts; what a run that was taken up again left behind (`purge_step`) is no more.

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

    Example:
        >>> for atlas in read_atlases("runs", layer="layer4"):  # doctest: +SKIP
        ...     print(atlas.run, atlas.step, atlas.quality.trustworthiness)
    """
    if on_damage not in _ON_DAMAGE:
        raise ArgumentError(
            f"read_atlases(on_damage={on_damage!r}): pass " + " or ".join(map(repr, _ON_DAMAGE))
        )
    places = [
        place
        for place in _places(checked_directory(log_dir))
        if _is_run(place.run, run) and (layer is None or place.layer in ("", layer))
    ]
    return _decoded(places, on_damage)


def list_atlases(log_dir: str | os.PathLike[str]) -> tuple[LoggedAtlas, ...]:
    """Lists every logged atlas and every damage, sorted by run, layer and step.

    Each atlas is decoded and checked, except for the pixels of its icons.

    Raises:
        ArgumentError: if `log_dir` is no directory.
    """
    entries: dict[tuple[str, str, int, bool], LoggedAtlas] = {}
    hidden: list[LoggedAtlas] = []
    for run, event in _walk(checked_directory(log_dir)):
        if event.is_restart:
            for key in [k for k in entries if k[0] == run and k[2] >= event.step]:
                del entries[key]
            continue
        entry = _listed(run, event)
        if entry.layer:
            entries[entry.run, entry.layer, entry.step, entry.status == "ok"] = entry
        elif event.tag in (None, PROBE_TAG) and entry.status != "ok":
            hidden.append(entry)
    found = [*hidden, *entries.values()]
    return tuple(sorted(found, key=lambda e: (e.run, e.layer, e.step, e.status)))


def read_probe(log_dir: str | os.PathLike[str], run: str) -> ProbePictures:
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
        ArgumentError: if it is none.
    """
    path = Path(log_dir)
    if not path.is_dir():
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


def _places(log_dir: Path) -> list[_Place]:
    """Returns the last sound atlas of each run, layer and step, and all damage, sorted."""
    sound: dict[tuple[str, str, int], _Place] = {}
    damaged: list[_Place] = []
    for run, event in _walk(log_dir):
        if event.is_restart:
            for key in [k for k in sound if k[0] == run and k[2] >= event.step]:
                del sound[key]
            continue
        layer = None if event.tag is None else layer_of_tag(event.tag)
        place = _Place(
            run, layer or "", event.step, event.tag, event.file, event.offset, event.reason
        )
        if event.reason is not None:
            damaged.append(place)
        elif layer is not None:
            sound[run, layer, event.step] = place
    return sorted(
        [*damaged, *sound.values()], key=lambda place: (place.run, place.layer, place.step)
    )


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
    layer = (event.tag and layer_of_tag(event.tag)) or ""
    if event.blobs is not None:
        try:
            if event.tag == PROBE_TAG:
                decode_probe(event.blobs)
            else:
                atlas = decode_atlas(event.blobs)
                check_place(atlas, layer, event.step)
            status = "ok"
        except DamageError as error:
            reason = str(error)
            status = "too_new" if isinstance(error, TooNewError) else "damaged"
    return LoggedAtlas(
        run=run,
        layer=layer,
        step=event.step,
        wall_time=event.wall_time,
        bytes=sum(map(len, event.blobs or ())),
        sequence=None if atlas is None else atlas.sequence,
        samples=None if atlas is None else len(atlas.samples),
        status=status,
        reason=reason,
    )
