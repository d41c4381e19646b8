# SPDX-License-Identifier: Apache-2.0
"""Concepts: groups of samples followed from checkpoint to checkpoint, and what happens to them.

A concept is a group in the graph of true neighbors, not a square of the map. `ConceptTracker`
takes one atlas after the other, as a writer makes them, and can go on from an atlas that was read
back; `track_concepts` does the same over a whole run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.arguments import iterate_atlases
from tensorboard_plugin_atlas.analysis.class_series import class_atlas_of
from tensorboard_plugin_atlas.analysis.concepts.cluster_matching import (
    ClusterChange,
    ClusterMatch,
    match_clusters,
)
from tensorboard_plugin_atlas.analysis.concepts.clustering import (
    NeighborGraph,
    PreviousClusters,
    find_clusters,
)
from tensorboard_plugin_atlas.analysis.concepts.naming import describe_event, name_concept
from tensorboard_plugin_atlas.atlas import Atlas, ConceptState, Event, IntArray
from tensorboard_plugin_atlas.errors import ArgumentError

MAX_EVENTS: Final = 24
"""Events kept of one step; the rest are weaker than these."""

_IDS_PER_STEP: Final = 1_000
_WORTH: Final = 2.0
"""Least score of an event, in samples whose company changed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptStep:
    """A concept at one step.

    Attributes:
        step: Global step.
        members: Indices of its samples, ascending.
        class_mix: Share of its labeled samples of each label that occurs, largest first.
        overlap: Likeness to its members at the step before, over chance, from 0 to 1; 1 at birth.
        confidence: How surely it is the concept of the step before, from 0 to 1; 1 at birth.
    """

    step: int
    members: NDArray[np.intp]
    class_mix: Mapping[int, float]
    overlap: float
    confidence: float

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.members)


@dataclass(frozen=True, kw_only=True, eq=False)
class Concept:
    """One concept over a run.

    Attributes:
        id: Its number, the same at every step and in `Samples.concepts`.
        name: Its last name: its commonest classes and a rank among concepts of the same.
        born: First step.
        began: "first" at the first atlas, "born", "splits" or "merges" for the event that it came
            from, "" where it was there without an event.
        parents: Ids of the concepts that it came from.
        ended: First step at which it is no more, or None if it lives at the last atlas.
        end: "dies", "splits" or "merges" for the event that ended it, "" where nothing tells.
        children: Ids of the concepts that events made of it.
        steps: Where it was alive, in order.
    """

    id: int
    name: str
    born: int
    began: str
    parents: tuple[int, ...]
    ended: int | None
    end: str
    children: tuple[int, ...]
    steps: tuple[ConceptStep, ...]


@dataclass(frozen=True, kw_only=True)
class RankedEvent:
    """An event and where it stands.

    Attributes:
        run: TensorBoard run, "" for an atlas that was never logged.
        layer: Dotted module name.
        step: Step of the atlas that it was found at.
        event: The event.
    """

    run: str
    layer: str
    step: int
    event: Event


@dataclass(frozen=True, eq=False)
class _Last:
    """What must be known of an atlas to go on from it.

    Attributes:
        step: Its step.
        layer: Its layer.
        probe: Hash of its probe.
        channels: Width of its layer.
        labels: (N,) index into `states`, -1 for none.
        graph: Its neighbors.
        states: Its concepts, by id.
        places: Where each of them is on its map, by id.
        names: Names that are taken.
        next_id: First id that is free.
    """

    step: int
    layer: str
    probe: str
    channels: int
    labels: IntArray
    graph: NeighborGraph
    states: tuple[ConceptState, ...]
    places: Mapping[int, tuple[int, int, int]]
    names: frozenset[str]
    next_id: int


class ConceptTracker:
    """Follows the concepts of one layer through its atlases, one at a time.

    Args:
        previous: The last atlas that was logged, to go on from it, or None to begin. One without
            concepts begins anew.

    Examples:
        >>> tracer = ConceptTracker()
        >>> traced = [tracer.advance(a) for a in read_atlases("runs/a")]  # doctest: +SKIP
    """

    def __init__(self, previous: Atlas | None = None) -> None:
        self._older: _Last | None = None
        self._last: _Last | None = None
        if previous is not None and previous.concepts is not None:
            self._last = _recalled(previous)

    def advance(self, atlas: Atlas) -> Atlas:
        """Finds the concepts of the next atlas and what happened to them.

        An atlas of the same step takes the place of the one before. Where an atlas cannot follow
        (an earlier step, another probe, another width) concepts begin anew, and a note in its
        provenance says why.

        Returns:
            A copy with `samples.concepts`, `concepts` and `events`.
        """
        earlier = self._last
        if earlier is not None and earlier.step == atlas.step:
            earlier = self._older
        obstacle = None if earlier is None else _obstacle(earlier, atlas)
        if obstacle is not None:
            earlier = None
            notes = (*atlas.provenance.notes, f"concepts: begun anew, since {obstacle}")
            atlas = atlas.replace(provenance=dataclasses.replace(atlas.provenance, notes=notes))
        traced, last = _followed(atlas, earlier)
        self._older, self._last = earlier, last
        return traced


def _followed(atlas: Atlas, earlier: _Last | None) -> tuple[Atlas, _Last]:
    """Returns an atlas with its concepts, and what the next one needs to know of it."""
    graph = NeighborGraph.of(atlas.activations)
    kinship = None
    if earlier is None:
        groups = find_clusters(graph)
    else:
        groups = find_clusters(graph, PreviousClusters(earlier.labels, earlier.graph))
        kinship = match_clusters(earlier.labels, groups, earlier.graph, graph)
    named = _States(atlas, earlier, kinship)
    found = [named.next(groups == group) for group in range(int(groups.max(initial=-1)) + 1)]
    order = sorted(range(len(found)), key=lambda group: found[group].id)
    states = tuple(found[group] for group in order)
    place = np.full(len(order) + 1, -1, np.int32)
    place[order] = np.arange(len(order))
    last = _Last(
        step=atlas.step,
        layer=atlas.layer,
        probe=atlas.provenance.probe,
        channels=atlas.activations.shape[1],
        labels=place[groups],
        graph=graph,
        states=states,
        places=_places(atlas, states, place[groups]),
        names=frozenset(named.names),
        next_id=named.next_id,
    )
    ids = np.array([state.id for state in states] + [-1], np.int32)
    traced = atlas.replace(
        samples=dataclasses.replace(atlas.samples, concepts=ids[last.labels]),
        concepts=states,
        events=() if kinship is None or earlier is None else _events(kinship, place, earlier, last),
    )
    return traced, last


class _States:
    """Gives each group of an atlas its concept: that of its heir, or a new one."""

    def __init__(self, atlas: Atlas, earlier: _Last | None, kinship: ClusterMatch | None) -> None:
        self._atlas = atlas
        self._earlier = earlier
        self._kinship = kinship
        self._group = 0
        self.names = set() if earlier is None else set(earlier.names)
        free = 0 if earlier is None else earlier.next_id
        self.next_id = max(free, atlas.sequence * _IDS_PER_STEP)

    def next(self, rows: NDArray[np.bool_]) -> ConceptState:
        """Returns the concept of the next group, whose members are `rows`."""
        atlas, before, likeness = self._atlas, None, 1.0
        if self._earlier is not None and self._kinship is not None:
            heir = int(self._kinship.heir[self._group])
            before = self._earlier.states[heir] if heir >= 0 else None
            likeness = float(self._kinship.likeness[self._group])
        self._group += 1
        if before is None:
            identity, born, name = self.next_id, atlas.step, None
            self.next_id += 1
        else:
            identity, born, name = before.id, before.born, before.name
        mix = class_mix(atlas.labels, rows)
        top = next(iter(mix), None)
        name = name_concept(identity, name, atlas.labels, rows, atlas.classes, self.names)
        self.names.add(name)
        return ConceptState(
            id=identity,
            name=name,
            size=int(rows.sum()),
            top_class=top,
            top_share=0.0 if top is None else mix[top],
            born=born,
            confidence=likeness,
        )


def track_concepts(atlases: Iterable[Atlas]) -> tuple[Concept, ...]:
    """Follows groups of samples through the atlases of one layer.

    Args:
        atlases: Atlases of one layer of one run at rising steps, such as `read_atlases` yields;
            they are taken one at a time. Concepts that they were logged with are found anew.

    Returns:
        The concepts by first step, then by falling size.

    Raises:
        ArgumentError: if an atlas cannot follow the one before; the message says why. Also if
            `atlases` are no atlases.

    Examples:
        >>> for line in track_concepts(read_atlases("runs/a", layer="layer4")):  # doctest: +SKIP
        ...     print(line.name, line.born, line.ended, line.end)
    """
    tracer = ConceptTracker()
    chronicle = _Chronicle()
    for traced in _strictly(tracer, atlases):
        chronicle.add(traced)
    return chronicle.concepts()


def detect_events(atlases: Iterable[Atlas]) -> tuple[RankedEvent, ...]:
    """Finds what happened in the atlases of one layer anew, the most telling first.

    Raises:
        ArgumentError: as `track_concepts`.
    """
    return rank_events(_strictly(ConceptTracker(), atlases))


def rank_events(atlases: Iterable[Atlas]) -> tuple[RankedEvent, ...]:
    """Ranks the events that atlases carry, of any runs and layers, the most telling first.

    Args:
        atlases: Atlases as `read_atlases` yields them. For those that were logged without events
            there is `detect_events`.

    Raises:
        ArgumentError: if they are no atlases.
    """
    more = "; detect_events(atlases) finds events anew"
    found = [
        RankedEvent(run=atlas.run, layer=atlas.layer, step=atlas.step, event=event)
        for atlas in iterate_atlases("atlases", atlases, more=more)
        for event in atlas.events
    ]
    return tuple(sorted(found, key=lambda one: (-one.event.score, one.run, one.layer, one.step)))


def class_mix(labels: IntArray | None, rows: NDArray[np.bool_]) -> dict[int, float]:
    """Returns the share of each label among the labeled samples of `rows`, largest first."""
    if labels is None:
        return {}
    held = labels[rows]
    found, count = np.unique(held[held >= 0], return_counts=True)
    order = np.argsort(-count, kind="stable")
    return {int(found[i]): float(count[i] / count.sum()) for i in order}


def _strictly(tracer: ConceptTracker, atlases: Iterable[Atlas]) -> Iterable[Atlas]:
    before: Atlas | None = None
    for atlas in iterate_atlases("atlases", atlases):
        if class_atlas_of(atlas.provenance) is not None:
            raise ArgumentError(
                f"track_concepts(atlases): {atlas.layer!r} is an atlas of a class, which chooses "
                "its samples anew at every step: there is nothing to follow; pass atlases of a "
                "layer, such as read_atlases(..., layer=...)"
            )
        if before is not None:
            obstacle = _obstacle_between(before, atlas)
            if obstacle is not None:
                raise ArgumentError(
                    f"track_concepts(atlases): {obstacle}; pass the atlases of one layer of one "
                    "run by rising step, each part of the run for itself"
                )
        before = atlas
        yield tracer.advance(atlas)


def _obstacle_between(before: Atlas, atlas: Atlas) -> str | None:
    if before.run != atlas.run:
        return f"run {before.run!r} is followed by run {atlas.run!r}"
    if before.step == atlas.step:
        return f"step {atlas.step:,} comes twice"
    return _differs(
        (before.step, before.layer, before.provenance.probe, *before.activations.shape), atlas
    )


def _obstacle(last: _Last, atlas: Atlas) -> str | None:
    return _differs((last.step, last.layer, last.probe, len(last.labels), last.channels), atlas)


def _differs(before: tuple[int, str, str, int, int], atlas: Atlas) -> str | None:
    """Says why an atlas cannot follow, or None if it can."""
    step, layer, probe, samples, channels = before
    if layer != atlas.layer:
        return f"layer {layer!r} is followed by layer {atlas.layer!r}"
    if atlas.step < step:
        return f"step {atlas.step:,} comes after step {step:,}"
    if probe != atlas.provenance.probe:
        return (
            f"the probe changed between step {step:,} ({probe[:12]!r}) and step {atlas.step:,} "
            f"({atlas.provenance.probe[:12]!r})"
        )
    if samples != len(atlas.samples):
        now = len(atlas.samples)
        return f"step {step:,} has {samples:,} samples and step {atlas.step:,} {now:,}"
    if channels != atlas.activations.shape[1]:
        return (
            f"the layer has {channels:,} channels at step {step:,} and "
            f"{atlas.activations.shape[1]:,} at step {atlas.step:,}"
        )
    return None


def _recalled(atlas: Atlas) -> _Last:
    """Rebuilds what a tracer knew when it had made `atlas`."""
    states = tuple(sorted(atlas.concepts or (), key=lambda s: s.id))
    ids = np.array([s.id for s in states], np.int32)
    written = atlas.samples.concepts
    labels = np.full(len(atlas.samples), -1, np.int32)
    if written is not None and len(ids):
        at = np.minimum(np.searchsorted(ids, written), len(ids) - 1)
        labels = np.where(ids[at] == written, at, -1).astype(np.int32)
    return _Last(
        step=atlas.step,
        layer=atlas.layer,
        probe=atlas.provenance.probe,
        channels=atlas.activations.shape[1],
        labels=labels,
        graph=NeighborGraph.of(atlas.activations),
        states=states,
        places=_places(atlas, states, labels),
        names=frozenset(state.name for state in states),
        next_id=max((state.id for state in states), default=-1) + 1,
    )


def _places(
    atlas: Atlas, states: tuple[ConceptState, ...], labels: IntArray
) -> dict[int, tuple[int, int, int]]:
    found = {state.id: _place(atlas, labels == i) for i, state in enumerate(states)}
    return {identity: place for identity, place in found.items() if place is not None}


def _place(atlas: Atlas, rows: NDArray[np.bool_]) -> tuple[int, int, int] | None:
    """Returns the cell of a middle grid that holds most of `rows`, as (size, row, column)."""
    if not atlas.grids:
        return None
    grid = atlas.grids[len(atlas.grids) // 2]
    cells = grid.cell_of[rows]
    cells = cells[cells >= 0]
    if not len(cells):
        return None
    cell = int(np.bincount(cells).argmax())
    return grid.size, int(grid.rows[cell]), int(grid.cols[cell])


def _events(
    kinship: ClusterMatch, place: IntArray, earlier: _Last, last: _Last
) -> tuple[Event, ...]:
    events = []
    for change in kinship.changes:
        before = [earlier.states[a] for a in change.before]
        after = [last.states[place[b]] for b in change.after]
        before.sort(key=lambda s: -s.size)
        after.sort(key=lambda s: -s.size)
        places = last.places if after else earlier.places
        score = _score(change)
        if score < _WORTH:
            continue
        events.append(
            Event(
                kind=change.kind,
                text=describe_event(change.kind, before, after),
                score=score,
                confidence=change.confidence,
                before_step=earlier.step,
                before=tuple(s.id for s in before),
                after=tuple(s.id for s in after),
                cell=places.get((after or before)[0].id),
            )
        )
    events.sort(key=lambda e: (-e.score, e.before, e.after))
    return tuple(events[:MAX_EVENTS])


def _score(change: ClusterChange) -> float:
    """Samples whose company changed, weighed by how surely and by how much."""
    return round(change.rows * change.confidence * change.contrast, 3)


class _Chronicle:
    """Collects traced atlases into concepts."""

    def __init__(self) -> None:
        self._steps: dict[int, list[ConceptStep]] = {}
        self._names: dict[int, str] = {}
        self._origin: dict[int, tuple[str, tuple[int, ...]]] = {}
        self._end: dict[int, tuple[int, str]] = {}
        self._children: dict[int, set[int]] = {}
        self._alive: set[int] = set()
        self._is_first = True

    def add(self, atlas: Atlas) -> None:
        """Takes in the next traced atlas."""
        states = atlas.concepts or ()
        written = atlas.samples.concepts
        alive = {s.id for s in states}
        for event in atlas.events:
            self._note(event, alive)
        for identity in self._alive - alive:
            self._end.setdefault(identity, (atlas.step, ""))
        for state in states:
            rows = written == state.id
            self._names[state.id] = state.name
            if state.id not in self._steps:
                self._origin.setdefault(state.id, ("first" if self._is_first else "", ()))
            self._steps.setdefault(state.id, []).append(
                ConceptStep(
                    step=atlas.step,
                    members=np.flatnonzero(rows),
                    class_mix=class_mix(atlas.labels, np.asarray(rows)),
                    overlap=state.confidence,
                    confidence=state.confidence,
                )
            )
        for identity, (step, _) in list(self._end.items()):
            if step == -1:
                self._end[identity] = (atlas.step, self._end[identity][1])
        self._alive = alive
        self._is_first = False

    def _note(self, event: Event, alive: set[int]) -> None:
        for identity in event.after:
            if identity not in self._alive:
                self._origin[identity] = (event.kind, event.before)
        for identity in event.before:
            self._children.setdefault(identity, set()).update(set(event.after) - {identity})
            if identity not in alive:
                self._end[identity] = (-1, event.kind)

    def concepts(self) -> tuple[Concept, ...]:
        """Returns what was collected."""
        found = []
        for identity, steps in self._steps.items():
            began, parents = self._origin[identity]
            ended, end = self._end.get(identity, (None, ""))
            found.append(
                Concept(
                    id=identity,
                    name=self._names[identity],
                    born=steps[0].step,
                    began=began,
                    parents=parents,
                    ended=ended,
                    end=end,
                    children=tuple(sorted(self._children.get(identity, ()))),
                    steps=tuple(steps),
                )
            )
        return tuple(sorted(found, key=lambda one: (one.born, -one.steps[0].size, one.id)))
