# SPDX-License-Identifier: Apache-2.0
"""Collects the events of a run: those in the log, or computed for logs of an older version."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tensorboard_plugin_atlas.analysis.concepts.tracker import (
    ConceptTracker,
    RankedEvent,
    rank_events,
)
from tensorboard_plugin_atlas.atlas import Atlas, Event
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.logs.reader import AtlasRecord
from tensorboard_plugin_atlas.logs.record_selection import select_records


@dataclass(frozen=True, kw_only=True)
class ListedEvent:
    """An event with its rank, its step, and the sizes of its concepts.

    Attributes:
        rank: 1 for the highest score.
        run: TensorBoard run.
        layer: The layer.
        step: Step of the atlas at which it was found.
        event: The event.
        before: Number of samples of each concept in `event.before`, at `event.before_step`.
        after: Number of samples of each concept in `event.after`, at `step`.
    """

    rank: int
    run: str
    layer: str
    step: int
    event: Event
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """Where the events of one layer come from.

    Attributes:
        run: TensorBoard run.
        layer: The layer.
        atlases: Number of atlases that could be read.
        found: Number of events.
        source: "logged", or "computed" from the stored activations if the log was written by a
            version with other concepts, or none.
        messages: Damaged atlases, and steps at which concepts start again.
    """

    run: str
    layer: str
    atlases: int
    found: int
    source: Literal["logged", "computed"]
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventReport:
    """All events of a log.

    Attributes:
        events: All events, highest score first.
        layers: Report on each layer of each run.
    """

    events: tuple[ListedEvent, ...]
    layers: tuple[LayerReport, ...]

    def filter(self, kind: Literal["concepts", "predictions", "all"]) -> EventReport:
        """Returns the events of one kind, ranked among themselves."""
        if kind == "all":
            return self
        chosen = [one for one in self.events if (one.event.classes is None) == (kind == "concepts")]
        events = [replace(one, rank=rank) for rank, one in enumerate(chosen, start=1)]
        count = Counter((one.run, one.layer) for one in events)
        layers = [replace(one, found=count[one.run, one.layer]) for one in self.layers]
        return EventReport(tuple(events), tuple(layers))

    def as_dict(self, limit: int | None = None, *, by_step: bool = False) -> dict[str, Any]:
        """Returns lists and dictionaries for JSON, with the `limit` highest-scored events."""
        return {
            "events": [_event_to_dict(one) for one in self.select(limit, by_step=by_step)],
            "events_found": len(self.events),
            "layers": [
                {
                    "run": one.run,
                    "layer": one.layer,
                    "atlases": one.atlases,
                    "events": one.found,
                    "source": one.source,
                    "messages": list(one.messages),
                }
                for one in self.layers
            ],
        }

    def select(self, limit: int | None = None, *, by_step: bool = False) -> list[ListedEvent]:
        """Returns the `limit` highest-scored events, sorted by score or by run, layer, step."""
        chosen = list(self.events[:limit])
        return (
            sorted(chosen, key=lambda one: (one.run, one.layer, one.step, one.rank))
            if by_step
            else chosen
        )


@dataclass
class _LayerEvents:
    """Collects the events of one layer while its atlases are read."""

    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    found: list[RankedEvent] = field(default_factory=list)
    atlases: int = 0
    source: Literal["logged", "computed"] = "logged"
    messages: list[str] = field(default_factory=list)


def find_events(
    log_dir: str | os.PathLike[str], *, run: str | None = None, layers: Sequence[str] | None = None
) -> EventReport:
    """Returns the events of all runs and layers; holds two atlases in memory.

    Args:
        log_dir: Log directory or URL, as passed to TensorBoard; it is only read.
        run: Only this run; None for all except those written by `relayout`, which have the same
            events.
        layers: Only these layers.

    Returns:
        The events. If they are computed, and the samples or the channels of a layer change,
        concepts start again at that step.

    Raises:
        ArgumentError: if there are no such atlases.
    """
    logged = select_records(log_dir, run, layers, include_damaged=True)
    found: list[tuple[RankedEvent, _LayerEvents]] = []
    layers_found = []
    for (name, layer), own in itertools.groupby(logged, key=lambda one: (one.run, one.layer)):
        layer_events = _collect_layer(layer, own)
        found += [(event, layer_events) for event in layer_events.found]
        layers_found.append(_report(name, layer, layer_events))
    found.sort(key=lambda one: (-one[0].event.score, one[0].run, one[0].layer, one[0].step))
    events = [
        _make_listed_event(rank, event, layer_events.sizes)
        for rank, (event, layer_events) in enumerate(found, start=1)
    ]
    return EventReport(tuple(events), tuple(layers_found))


def _collect_layer(layer: str, own: Iterable[AtlasRecord]) -> _LayerEvents:
    layer_events = _LayerEvents()
    atlases = _read(own, layer_events)
    first = next(atlases, None)
    if first is None:
        return layer_events
    atlases = itertools.chain([first], atlases)
    # Only the current version logs groups; later atlases are never of an older one.
    if first.concept_groups is not None:
        layer_events.found += rank_events(_store_sizes(atlases, layer_events))
        return layer_events
    layer_events.source = "computed"
    for number, (_, part) in enumerate(itertools.groupby(atlases, key=_get_signature)):
        start = next(part)
        if number:
            layer_events.messages.append(
                f"layer {layer!r}: its samples or channels change at step {start.step:,}; concepts "
                "start again there"
            )
        tracker = ConceptTracker()
        tracked = map(tracker.advance, itertools.chain([start], part))
        layer_events.found += rank_events(_store_sizes(tracked, layer_events))
    return layer_events


def _read(own: Iterable[AtlasRecord], layer_events: _LayerEvents) -> Iterator[Atlas]:
    for one in own:
        try:
            atlas = one.read()
        except DamageError as error:
            layer_events.messages.append(f"skipped: {error}")
            continue
        layer_events.atlases += 1
        yield atlas


def _get_signature(atlas: Atlas) -> tuple[str, tuple[int, ...]]:
    """Returns the values that must stay equal for concepts to continue."""
    return atlas.provenance.probe, (len(atlas.samples), atlas.samples.activations.channels)


def _store_sizes(atlases: Iterable[Atlas], layer_events: _LayerEvents) -> Iterator[Atlas]:
    """Yields the atlases and stores the sizes of their concepts."""
    for atlas in atlases:
        for one in atlas.concepts or ():
            layer_events.sizes[atlas.step, one.id] = one.size
        yield atlas


def _report(run: str, layer: str, layer_events: _LayerEvents) -> LayerReport:
    return LayerReport(
        run=run,
        layer=layer,
        atlases=layer_events.atlases,
        found=len(layer_events.found),
        source=layer_events.source,
        messages=tuple(layer_events.messages),
    )


def _make_listed_event(
    rank: int, one: RankedEvent, sizes: Mapping[tuple[int, int], int]
) -> ListedEvent:
    event = one.event
    return ListedEvent(
        rank=rank,
        run=one.run,
        layer=one.layer,
        step=one.step,
        event=event,
        before=tuple(sizes.get((event.before_step, each), 0) for each in event.before),
        after=tuple(sizes.get((one.step, each), 0) for each in event.after),
    )


def _event_to_dict(one: ListedEvent) -> dict[str, Any]:
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
        "before": _concepts_to_dicts(event.before, one.before),
        "after": _concepts_to_dicts(event.after, one.after),
        "classes": None if event.classes is None else list(map(int, event.classes)),
        "images": event.images,
        "cell": None
        if cell is None
        else dict(zip(("grid", "row", "col"), map(int, cell), strict=True)),
    }


def _concepts_to_dicts(ids: Sequence[int], sizes: Sequence[int]) -> list[dict[str, int]]:
    return [{"id": int(i), "samples": int(size)} for i, size in zip(ids, sizes, strict=True)]
