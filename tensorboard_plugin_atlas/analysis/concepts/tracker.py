# SPDX-License-Identifier: Apache-2.0
"""Concepts: clusters of samples followed over checkpoints, and their events.

A concept is a cluster in the neighbor graph, not a cell of the map. `ConceptTracker` processes one
atlas after the other, as a writer computes them, and can continue from an atlas of a log.
`track_concepts` does the same for a whole run.
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
"""Largest number of events of one step; those with the highest scores are kept."""

_IDS_PER_STEP: Final = 1_000
_MIN_SCORE: Final = 2.0
"""Smallest score of an event, in samples that changed their cluster."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptStep:
    """A concept at one step.

    Attributes:
        step: Global step.
        members: Indices of its samples, ascending.
        class_mix: Fraction of each label among its labeled samples, largest first.
        overlap: Chance-corrected overlap with its members at the previous step, from 0 to 1; 1 at
            the first step.
        confidence: Confidence that it is the same concept as at the previous step, from 0 to 1; 1
            at the first step.
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
        id: Persistent id, as in `Samples.concepts`.
        name: Its last name: its most common classes and a number.
        born: First step.
        began: "first" at the first atlas; "born", "splits" or "merges" for the event that created
            it; "" without an event.
        parents: Ids of the concepts that it was created from.
        ended: First step at which it does not exist any more, or None if it is in the last atlas.
        end: "dies", "splits" or "merges" for the event that ended it, "" without an event.
        children: Ids of the concepts that were created from it.
        steps: The concept at each step, in order.
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
    """An event with its run, layer and step.

    Attributes:
        run: TensorBoard run, "" for an atlas that was not logged.
        layer: Dotted module name.
        step: Step of the atlas with the event.
        event: The event.
    """

    run: str
    layer: str
    step: int
    event: Event


@dataclass(frozen=True, eq=False)
class _TrackerState:
    """State after an atlas, for the next one.

    Attributes:
        step: Its step.
        layer: Its layer.
        probe: Hash of its probe.
        channels: Number of channels of its layer.
        labels: (N,) index into `states`, -1 for none.
        graph: Its neighbor graph.
        states: Its concepts, by id.
        cells: Cell of each concept on the map, by id.
        names: Names in use.
        next_id: First unused id.
    """

    step: int
    layer: str
    probe: str
    channels: int
    labels: IntArray
    graph: NeighborGraph
    states: tuple[ConceptState, ...]
    cells: Mapping[int, tuple[int, int, int]]
    names: frozenset[str]
    next_id: int


class ConceptTracker:
    """Follows the concepts of one layer over its atlases.

    Args:
        previous: The last logged atlas, to continue from it, or None. An atlas without concepts is
            ignored.

    Examples:
        >>> tracker = ConceptTracker()
        >>> tracked = [tracker.advance(a) for a in read_atlases("runs/a")]  # doctest: +SKIP
    """

    def __init__(self, previous: Atlas | None = None) -> None:
        self._older: _TrackerState | None = None
        self._last: _TrackerState | None = None
        if previous is not None and previous.concepts is not None:
            self._last = _restore_state(previous)

    def advance(self, atlas: Atlas) -> Atlas:
        """Adds concepts and events to the next atlas.

        An atlas of the same step replaces the previous one. If an atlas cannot follow the previous
        one (an earlier step, another probe or number of channels), concepts start over, and a note
        in its provenance explains why.

        Returns:
            A copy with `samples.concepts`, `concepts` and `events`.
        """
        earlier = self._last
        if earlier is not None and earlier.step == atlas.step:
            earlier = self._older
        obstacle = None if earlier is None else _find_obstacle(earlier, atlas)
        if obstacle is not None:
            earlier = None
            notes = (*atlas.provenance.notes, f"concepts: started over, because {obstacle}")
            atlas = atlas.replace(provenance=dataclasses.replace(atlas.provenance, notes=notes))
        tracked, last = _track_atlas(atlas, earlier)
        self._older, self._last = earlier, last
        return tracked


def _track_atlas(atlas: Atlas, earlier: _TrackerState | None) -> tuple[Atlas, _TrackerState]:
    """Returns an atlas with its concepts, and the state for the next one."""
    graph = NeighborGraph.from_activations(atlas.activations)
    match = None
    if earlier is None:
        clusters = find_clusters(graph)
    else:
        clusters = find_clusters(graph, PreviousClusters(earlier.labels, earlier.graph))
        match = match_clusters(earlier.labels, clusters, earlier.graph, graph)
    assigner = _StateAssigner(atlas, earlier, match)
    found = [
        assigner.next(clusters == cluster) for cluster in range(int(clusters.max(initial=-1)) + 1)
    ]
    order = sorted(range(len(found)), key=lambda cluster: found[cluster].id)
    states = tuple(found[cluster] for cluster in order)
    order_of = np.full(len(order) + 1, -1, np.int32)
    order_of[order] = np.arange(len(order))
    last = _TrackerState(
        step=atlas.step,
        layer=atlas.layer,
        probe=atlas.provenance.probe,
        channels=atlas.activations.shape[1],
        labels=order_of[clusters],
        graph=graph,
        states=states,
        cells=_find_cells(atlas, states, order_of[clusters]),
        names=frozenset(assigner.names),
        next_id=assigner.next_id,
    )
    ids = np.array([state.id for state in states] + [-1], np.int32)
    tracked = atlas.replace(
        samples=dataclasses.replace(atlas.samples, concepts=ids[last.labels]),
        concepts=states,
        events=()
        if match is None or earlier is None
        else _build_events(match, order_of, earlier, last),
    )
    return tracked, last


class _StateAssigner:
    """Assigns concepts to the clusters of an atlas: existing or new ones."""

    def __init__(
        self, atlas: Atlas, earlier: _TrackerState | None, match: ClusterMatch | None
    ) -> None:
        self._atlas = atlas
        self._earlier = earlier
        self._match = match
        self._cluster = 0
        self.names = set() if earlier is None else set(earlier.names)
        free = 0 if earlier is None else earlier.next_id
        self.next_id = max(free, atlas.sequence * _IDS_PER_STEP)

    def next(self, rows: NDArray[np.bool_]) -> ConceptState:
        """Returns the concept of the next cluster, with the members `rows`."""
        atlas, before, overlap = self._atlas, None, 1.0
        if self._earlier is not None and self._match is not None:
            predecessor = int(self._match.predecessor[self._cluster])
            before = self._earlier.states[predecessor] if predecessor >= 0 else None
            overlap = float(self._match.overlap[self._cluster])
        self._cluster += 1
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
            confidence=overlap,
        )


def track_concepts(atlases: Iterable[Atlas]) -> tuple[Concept, ...]:
    """Follows the concepts of one layer over all atlases of a run.

    Args:
        atlases: Atlases of one layer of one run with rising steps, such as `read_atlases` yields;
            they are processed one at a time. Their logged concepts are ignored.

    Returns:
        The concepts, by first step, then by decreasing size.

    Raises:
        ArgumentError: if an atlas cannot follow the previous one; the message says why. Also if
            `atlases` are not atlases.

    Examples:
        >>> for line in track_concepts(read_atlases("runs/a", layer="layer4")):  # doctest: +SKIP
        ...     print(line.name, line.born, line.ended, line.end)
    """
    tracker = ConceptTracker()
    history = _ConceptHistory()
    for tracked in _track_in_order(tracker, atlases):
        history.add(tracked)
    return history.concepts()


def detect_events(atlases: Iterable[Atlas]) -> tuple[RankedEvent, ...]:
    """Computes the events of the atlases of one layer, highest score first.

    Args:
        atlases: As for `track_concepts`.

    Raises:
        ArgumentError: as for `track_concepts`.
    """
    return rank_events(_track_in_order(ConceptTracker(), atlases))


def rank_events(atlases: Iterable[Atlas]) -> tuple[RankedEvent, ...]:
    """Ranks the logged events of atlases of any runs and layers, highest score first.

    Args:
        atlases: Atlases, such as `read_atlases` yields. For atlases that were logged without
            events, use `detect_events`.

    Raises:
        ArgumentError: if they are not atlases.
    """
    more = "; detect_events(atlases) computes events"
    found = [
        RankedEvent(run=atlas.run, layer=atlas.layer, step=atlas.step, event=event)
        for atlas in iterate_atlases("atlases", atlases, more=more)
        for event in atlas.events
    ]
    return tuple(sorted(found, key=lambda one: (-one.event.score, one.run, one.layer, one.step)))


def class_mix(labels: IntArray | None, rows: NDArray[np.bool_]) -> dict[int, float]:
    """Returns the fraction of each label among the labeled samples of `rows`, largest first."""
    if labels is None:
        return {}
    held = labels[rows]
    found, count = np.unique(held[held >= 0], return_counts=True)
    order = np.argsort(-count, kind="stable")
    return {int(found[i]): float(count[i] / count.sum()) for i in order}


def _track_in_order(tracker: ConceptTracker, atlases: Iterable[Atlas]) -> Iterable[Atlas]:
    before: Atlas | None = None
    for atlas in iterate_atlases("atlases", atlases):
        if class_atlas_of(atlas.provenance) is not None:
            raise ArgumentError(
                f"track_concepts(atlases): {atlas.layer!r} is a class atlas, which has other "
                "samples at every step; pass atlases of a layer, such as "
                "read_atlases(..., layer=...)"
            )
        if before is not None:
            obstacle = _find_obstacle_between(before, atlas)
            if obstacle is not None:
                raise ArgumentError(
                    f"track_concepts(atlases): {obstacle}; pass the atlases of one layer of one "
                    "run with rising steps; pass the parts of a restarted run separately"
                )
        before = atlas
        yield tracker.advance(atlas)


def _find_obstacle_between(before: Atlas, atlas: Atlas) -> str | None:
    if before.run != atlas.run:
        return f"run {before.run!r} is followed by run {atlas.run!r}"
    if before.step == atlas.step:
        return f"step {atlas.step:,} comes twice"
    return _compare_to_previous(
        (before.step, before.layer, before.provenance.probe, *before.activations.shape), atlas
    )


def _find_obstacle(last: _TrackerState, atlas: Atlas) -> str | None:
    return _compare_to_previous(
        (last.step, last.layer, last.probe, len(last.labels), last.channels), atlas
    )


def _compare_to_previous(before: tuple[int, str, str, int, int], atlas: Atlas) -> str | None:
    """Returns why an atlas cannot follow, or None if it can."""
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


def _restore_state(atlas: Atlas) -> _TrackerState:
    """Restores the state after `atlas`."""
    states = tuple(sorted(atlas.concepts or (), key=lambda s: s.id))
    ids = np.array([s.id for s in states], np.int32)
    logged = atlas.samples.concepts
    labels = np.full(len(atlas.samples), -1, np.int32)
    if logged is not None and len(ids):
        at = np.minimum(np.searchsorted(ids, logged), len(ids) - 1)
        labels = np.where(ids[at] == logged, at, -1).astype(np.int32)
    return _TrackerState(
        step=atlas.step,
        layer=atlas.layer,
        probe=atlas.provenance.probe,
        channels=atlas.activations.shape[1],
        labels=labels,
        graph=NeighborGraph.from_activations(atlas.activations),
        states=states,
        cells=_find_cells(atlas, states, labels),
        names=frozenset(state.name for state in states),
        next_id=max((state.id for state in states), default=-1) + 1,
    )


def _find_cells(
    atlas: Atlas, states: tuple[ConceptState, ...], labels: IntArray
) -> dict[int, tuple[int, int, int]]:
    found = {state.id: _find_cell(atlas, labels == i) for i, state in enumerate(states)}
    return {identity: cell for identity, cell in found.items() if cell is not None}


def _find_cell(atlas: Atlas, rows: NDArray[np.bool_]) -> tuple[int, int, int] | None:
    """Returns the cell of a middle grid with most of `rows`, as (size, row, column)."""
    if not atlas.grids:
        return None
    grid = atlas.grids[len(atlas.grids) // 2]
    cells = grid.cell_of[rows]
    cells = cells[cells >= 0]
    if not len(cells):
        return None
    cell = int(np.bincount(cells).argmax())
    return grid.size, int(grid.rows[cell]), int(grid.cols[cell])


def _build_events(
    match: ClusterMatch, order_of: IntArray, earlier: _TrackerState, last: _TrackerState
) -> tuple[Event, ...]:
    events = []
    for change in match.changes:
        before = [earlier.states[a] for a in change.before]
        after = [last.states[order_of[b]] for b in change.after]
        before.sort(key=lambda s: -s.size)
        after.sort(key=lambda s: -s.size)
        cells_by_id = last.cells if after else earlier.cells
        score = _compute_score(change)
        if score < _MIN_SCORE:
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
                cell=cells_by_id.get((after or before)[0].id),
            )
        )
    events.sort(key=lambda e: (-e.score, e.before, e.after))
    return tuple(events[:MAX_EVENTS])


def _compute_score(change: ClusterChange) -> float:
    """Returns the number of samples that changed their cluster, weighted by certainty and size."""
    return round(change.rows * change.confidence * change.contrast, 3)


class _ConceptHistory:
    """Collects concepts over atlases."""

    def __init__(self) -> None:
        self._steps: dict[int, list[ConceptStep]] = {}
        self._names: dict[int, str] = {}
        self._origin: dict[int, tuple[str, tuple[int, ...]]] = {}
        self._end: dict[int, tuple[int, str]] = {}
        self._children: dict[int, set[int]] = {}
        self._current: set[int] = set()
        self._is_first = True

    def add(self, atlas: Atlas) -> None:
        """Adds the next atlas."""
        states = atlas.concepts or ()
        ids = atlas.samples.concepts
        current = {s.id for s in states}
        for event in atlas.events:
            self._add_event(event, current)
        for identity in self._current - current:
            self._end.setdefault(identity, (atlas.step, ""))
        for state in states:
            rows = ids == state.id
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
        self._current = current
        self._is_first = False

    def _add_event(self, event: Event, current: set[int]) -> None:
        for identity in event.after:
            if identity not in self._current:
                self._origin[identity] = (event.kind, event.before)
        for identity in event.before:
            self._children.setdefault(identity, set()).update(set(event.after) - {identity})
            if identity not in current:
                self._end[identity] = (-1, event.kind)

    def concepts(self) -> tuple[Concept, ...]:
        """Returns the collected concepts."""
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
