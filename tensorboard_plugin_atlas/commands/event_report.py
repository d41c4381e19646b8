# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas events`: what happened in a run, found anew from the logged samples.

Events are logged with each atlas. Here they are found again with this version of the package, from
the activations alone, and held against what the log says.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tensorboard_plugin_atlas.analysis.concepts.tracker import (
    ConceptTracker,
    RankedEvent,
    rank_events,
)
from tensorboard_plugin_atlas.atlas import Atlas, Event
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.logs.reader import Original
from tensorboard_plugin_atlas.logs.selection import logged_atlases


@dataclass(frozen=True, kw_only=True)
class Found:
    """An event, where it stands and how many samples took part.

    Attributes:
        rank: 1 for the most telling of all that were found.
        run: TensorBoard run.
        layer: The layer.
        step: Step of the atlas that it was found at.
        event: The event.
        before: Samples of each of `event.before` at `event.before_step`.
        after: Samples of each of `event.after` at `step`.
    """

    rank: int
    run: str
    layer: str
    step: int
    event: Event
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How the events of one layer compare with what the log holds.

    Attributes:
        run: TensorBoard run.
        layer: The layer.
        atlases: How many could be read.
        found: Events that were found.
        logged: Events in the log; None where it holds no concepts at all.
        differ: Events that were found and are not logged so, or the other way round: of both
            numbers the larger.
        words: What is to be said besides: damage, and parts that were followed by themselves.
    """

    run: str
    layer: str
    atlases: int
    found: int
    logged: int | None
    differ: int
    words: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Says in a few words how they compare."""
        if self.logged is None:
            return "the log holds none: made before events were traced"
        if not self.differ:
            return "as logged"
        most = max(self.found, self.logged)
        reason = "steps are missing" if self.words else "made by another version"
        return f"{self.differ:,} of {most:,} differ from what the log holds: {reason}"


@dataclass(frozen=True)
class EventReport:
    """Everything that happened.

    Attributes:
        events: All events, the most telling first.
        compared: Each layer of each run.
    """

    events: tuple[Found, ...]
    compared: tuple[Compared, ...]

    def as_dict(self, limit: int | None = None, *, by_step: bool = False) -> dict[str, Any]:
        """Returns plain lists and mappings, ready for JSON; `limit` keeps the best events."""
        return {
            "events": [_plain(one) for one in self.best(limit, by_step=by_step)],
            "events_found": len(self.events),
            "layers": [
                {
                    "run": one.run,
                    "layer": one.layer,
                    "atlases": one.atlases,
                    "events": one.found,
                    "events_logged": one.logged,
                    "differ": one.differ,
                    "verdict": one.verdict,
                    "words": list(one.words),
                }
                for one in self.compared
            ],
        }

    def best(self, limit: int | None = None, *, by_step: bool = False) -> list[Found]:
        """Returns the `limit` most telling events, in that order or by run, layer and step."""
        chosen = list(self.events[:limit])
        return (
            sorted(chosen, key=lambda one: (one.run, one.layer, one.step, one.rank))
            if by_step
            else chosen
        )


@dataclass
class _Layer:
    """What is known of one layer while its atlases are followed."""

    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    found: list[RankedEvent] = field(default_factory=list)
    logged: list[tuple[int, Event]] = field(default_factory=list)
    atlases: int = 0
    has_concepts: bool = False
    words: list[str] = field(default_factory=list)


def find_events(
    log_dir: Path, *, run: str | None = None, layers: Sequence[str] | None = None
) -> EventReport:
    """Finds the events of every run and layer anew. Memory stays at two atlases.

    Args:
        log_dir: What TensorBoard would be given; it is only read.
        run: Only this run; None takes all but those that were laid out backwards, which tell of the
            same events.
        layers: Only these layers.

    Returns:
        The events and how they compare with the log. Where a layer's samples or width change
        midway, each part is followed by itself.

    Raises:
        ArgumentError: if there are no such atlases.
    """
    logged = logged_atlases(log_dir, run, layers, damaged=True)
    found: list[tuple[RankedEvent, _Layer]] = []
    compared = []
    for (name, layer), own in itertools.groupby(logged, key=lambda one: (one.run, one.layer)):
        seen = _followed(layer, own)
        found += [(event, seen) for event in seen.found]
        compared.append(_compared(name, layer, seen))
    found.sort(key=lambda one: (-one[0].event.score, one[0].run, one[0].layer, one[0].step))
    events = [_sized(rank, event, seen.sizes) for rank, (event, seen) in enumerate(found, start=1)]
    return EventReport(tuple(events), tuple(compared))


def _followed(layer: str, own: Iterable[Original]) -> _Layer:
    seen = _Layer()
    parts = itertools.groupby(_read(own, seen), key=_samples)
    for number, (_, part) in enumerate(parts):
        first = next(part)
        if number:
            seen.words.append(
                f"layer {layer!r}: its samples or its width are others from step {first.step:,} "
                "on; that part is followed by itself"
            )
        seen.found += rank_events(_traced(itertools.chain([first], part), seen))
    return seen


def _read(own: Iterable[Original], seen: _Layer) -> Iterator[Atlas]:
    for one in own:
        try:
            atlas = one.read()
        except DamageError as error:
            seen.words.append(f"left out: {error}")
            continue
        seen.atlases += 1
        seen.has_concepts |= atlas.concepts is not None
        seen.logged += [(atlas.step, event) for event in atlas.events]
        yield atlas


def _samples(atlas: Atlas) -> tuple[str, tuple[int, ...]]:
    """Returns what has to stay the same for concepts to go on."""
    return atlas.provenance.probe, atlas.activations.shape


def _traced(part: Iterable[Atlas], seen: _Layer) -> Iterator[Atlas]:
    """Does what `detect_events` does, and notes the sizes of the concepts."""
    tracer = ConceptTracker()
    for atlas in part:
        traced = tracer.advance(atlas)
        states = traced.concepts or ()
        seen.sizes.update({(traced.step, state.id): state.size for state in states})
        yield traced


def _compared(run: str, layer: str, seen: _Layer) -> Compared:
    found = Counter((one.step, one.event) for one in seen.found)
    logged = Counter(seen.logged)
    return Compared(
        run=run,
        layer=layer,
        atlases=seen.atlases,
        found=len(seen.found),
        logged=len(seen.logged) if seen.has_concepts else None,
        differ=max((found - logged).total(), (logged - found).total()),
        words=tuple(seen.words),
    )


def _sized(rank: int, one: RankedEvent, sizes: Mapping[tuple[int, int], int]) -> Found:
    event = one.event
    return Found(
        rank=rank,
        run=one.run,
        layer=one.layer,
        step=one.step,
        event=event,
        before=tuple(sizes.get((event.before_step, each), 0) for each in event.before),
        after=tuple(sizes.get((one.step, each), 0) for each in event.after),
    )


def _plain(one: Found) -> dict[str, Any]:
    event, cell = one.event, one.event.cell
    return {
        "rank": one.rank,
        "run": one.run,
        "layer": one.layer,
        "step": one.step,
        "kind": event.kind,
        "text": event.text,
        "score": float(event.score),
        "confidence": float(event.confidence),
        "before_step": event.before_step,
        "before": _groups(event.before, one.before),
        "after": _groups(event.after, one.after),
        "cell": None
        if cell is None
        else dict(zip(("grid", "row", "col"), map(int, cell), strict=True)),
    }


def _groups(ids: Sequence[int], sizes: Sequence[int]) -> list[dict[str, int]]:
    return [{"id": int(i), "samples": int(size)} for i, size in zip(ids, sizes, strict=True)]
