# SPDX-License-Identifier: Apache-2.0
"""Concepts: clusters of samples followed over checkpoints, and their events.

A concept is a community in the neighbor graph of the activations, not a cell of the map.
`ConceptTracker` processes one atlas after the other, as a writer computes them, and can continue
from an atlas of a log. `track_concepts` does the same for a whole run. The method is in
`concept_partition`, `continuation` and `partition`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.arguments import iterate_atlases
from tensorboard_plugin_atlas.analysis.class_series import class_atlas_of
from tensorboard_plugin_atlas.analysis.concepts.changes import LabelEvent
from tensorboard_plugin_atlas.analysis.concepts.concept_history import (
    Concept,
    ConceptHistory,
    class_mix,
)
from tensorboard_plugin_atlas.analysis.concepts.concept_partition import (
    ConceptPartition,
    find_concepts,
)
from tensorboard_plugin_atlas.analysis.concepts.event_cells import (
    choose_cell,
    find_cell,
    find_cells,
)
from tensorboard_plugin_atlas.analysis.concepts.naming import (
    describe_event,
    describe_prediction_change,
    name_concept,
)
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import NeighborGraph
from tensorboard_plugin_atlas.analysis.concepts.prediction_changes import (
    ImagePredictions,
    PredictionChange,
    find_prediction_changes,
)
from tensorboard_plugin_atlas.analysis.concepts.support import SupportedClasses
from tensorboard_plugin_atlas.atlas import (
    Atlas,
    ConceptChange,
    ConceptGroup,
    ConceptState,
    Event,
)
from tensorboard_plugin_atlas.errors import ArgumentError

MAX_EVENTS: Final = 24
"""Largest number of concept events of one step; those with the highest scores are kept."""
MAX_FLIPS: Final = 8
"""Largest number of changes of predictions of one step."""

_IDS_PER_STEP: Final = 1_000


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
        partition: Its concepts as numbers.
        concepts: Its concepts.
        groups: Its groups of concepts.
        cells: Cell of each concept on the map, by id.
        names: Names of concepts that were used so far, so that none is used twice.
        predictions: Labels and predictions of its samples, None if one is unknown.
    """

    step: int
    layer: str
    probe: str
    channels: int
    partition: ConceptPartition
    concepts: tuple[ConceptState, ...]
    groups: tuple[ConceptGroup, ...]
    cells: Mapping[int, tuple[int, int, int]]
    names: frozenset[str]
    predictions: ImagePredictions | None

    @classmethod
    def after(
        cls,
        atlas: Atlas,
        partition: ConceptPartition,
        concepts: tuple[ConceptState, ...],
        groups: tuple[ConceptGroup, ...],
        earlier_names: frozenset[str] = frozenset(),
    ) -> _TrackerState:
        """Returns the state after an atlas with these concepts."""
        return cls(
            step=atlas.step,
            layer=atlas.layer,
            probe=atlas.provenance.probe,
            channels=atlas.samples.activations.channels,
            partition=partition,
            concepts=concepts,
            groups=groups,
            cells=find_cells(atlas, partition.concepts),
            names=earlier_names | {one.name for one in concepts},
            predictions=ImagePredictions.from_atlas(atlas),
        )


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

    def advance(self, atlas: Atlas, activations: NDArray[Any] | None = None) -> Atlas:
        """Adds concepts and events to the next atlas.

        An atlas of the same step replaces the previous one. If an atlas cannot follow the previous
        one (an earlier step, another probe or number of channels), concepts start over, and a note
        in its provenance explains why.

        Args:
            atlas: The atlas.
            activations: (N, C) exact activations of its samples; by default those that the atlas
                stores, which keep fewer neighbors.

        Returns:
            A copy with `samples.concepts`, `concepts`, `concept_groups`, `concept_change` and
            `events`.
        """
        earlier = self._last
        if earlier is not None and earlier.step == atlas.step:
            earlier = self._older
        obstacle = None if earlier is None else _find_obstacle(earlier, atlas)
        if obstacle is not None:
            earlier = None
            notes = (*atlas.provenance.notes, f"concepts: started over, because {obstacle}")
            atlas = atlas.replace(provenance=dataclasses.replace(atlas.provenance, notes=notes))
        values = atlas.activations if activations is None else activations
        tracked, last = _track_atlas(atlas, values, earlier)
        self._older, self._last = earlier, last
        return tracked


def _track_atlas(
    atlas: Atlas, activations: NDArray[Any], earlier: _TrackerState | None
) -> tuple[Atlas, _TrackerState]:
    """Returns an atlas with its concepts, and the state for the next one."""
    partition = find_concepts(
        activations,
        None if earlier is None else earlier.partition,
        first_id=atlas.sequence * _IDS_PER_STEP,
    )
    concepts = _describe_concepts(atlas, partition, earlier)
    groups = _describe_groups(atlas, partition, earlier)
    last = _TrackerState.after(
        atlas, partition, concepts, groups, frozenset() if earlier is None else earlier.names
    )
    changes = partition.changes
    tracked = atlas.replace(
        samples=dataclasses.replace(atlas.samples, concepts=partition.concepts),
        concepts=concepts,
        concept_groups=last.groups,
        concept_change=ConceptChange(
            modularity=partition.modularity,
            by_events=0.0 if changes is None else changes.by_events,
            by_churn=0.0 if changes is None else changes.by_churn,
        ),
        events=() if earlier is None else _build_events(atlas, earlier, last),
    )
    return tracked, last


def _describe_concepts(
    atlas: Atlas, partition: ConceptPartition, earlier: _TrackerState | None
) -> tuple[ConceptState, ...]:
    """Returns the concepts of an atlas by ascending id."""
    known = {} if earlier is None else {one.id: one for one in earlier.concepts}
    taken = set() if earlier is None else set(earlier.names)
    support = SupportedClasses.from_atlas(atlas)
    changes = partition.changes
    states = []
    for identity in np.unique(partition.concepts[partition.concepts >= 0]).tolist():
        rows = partition.concepts == identity
        before = known.get(identity)
        mix = class_mix(atlas.labels, rows)
        top = next(iter(mix), None)
        name = name_concept(
            identity,
            None if before is None else before.name,
            atlas.labels,
            rows,
            atlas.classes,
            taken,
            supported=support.list_classes(rows),
        )
        taken.add(name)
        states.append(
            ConceptState(
                id=identity,
                name=name,
                size=int(rows.sum()),
                top_class=top,
                top_share=0.0 if top is None else mix[top],
                born=atlas.step if before is None else before.born,
                confidence=_measure_overlap(identity, rows, earlier),
                group=int(partition.groups[rows.argmax()]),
                joined=None if changes is None else changes.joined.get(identity),
                left=None if changes is None else changes.left.get(identity),
            )
        )
    return tuple(states)


def _describe_groups(
    atlas: Atlas, partition: ConceptPartition, earlier: _TrackerState | None
) -> tuple[ConceptGroup, ...]:
    """Returns the groups of an atlas by ascending id."""
    known = {} if earlier is None else {one.id: one.name for one in earlier.groups}
    taken = set(known.values())
    groups = []
    for identity in np.unique(partition.groups[partition.groups >= 0]).tolist():
        rows = partition.groups == identity
        name = name_concept(
            identity, known.get(identity), atlas.labels, rows, atlas.classes, taken, max_classes=3
        )
        taken.add(name)
        groups.append(ConceptGroup(id=identity, name=name, size=int(rows.sum())))
    return tuple(groups)


def _measure_overlap(
    identity: int, rows: NDArray[np.bool_], earlier: _TrackerState | None
) -> float:
    """Returns the Jaccard index of the members of a concept at two steps; 1 for a new concept."""
    if earlier is None:
        return 1.0
    before = earlier.partition.concepts == identity
    return float((before & rows).sum() / (before | rows).sum()) if before.any() else 1.0


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
    history = ConceptHistory()
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
        (
            *(before.step, before.layer, before.provenance.probe, len(before.samples)),
            before.samples.activations.channels,
        ),
        atlas,
    )


def _find_obstacle(last: _TrackerState, atlas: Atlas) -> str | None:
    return _compare_to_previous(
        (last.step, last.layer, last.probe, len(last.partition.concepts), last.channels), atlas
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
    now_channels = atlas.samples.activations.channels
    if channels != now_channels:
        return (
            f"the layer has {channels:,} channels at step {step:,} and {now_channels:,} at step "
            f"{atlas.step:,}"
        )
    return None


def _restore_state(atlas: Atlas) -> _TrackerState:
    """Restores the state after `atlas` from what it stores."""
    states = tuple(sorted(atlas.concepts or (), key=lambda one: one.id))
    logged = atlas.samples.concepts
    concepts = np.full(len(atlas.samples), -1, np.int32)
    if logged is not None:
        concepts = np.where(np.isin(logged, [one.id for one in states]), logged, concepts)
    group_of = {one.id: one.group for one in states if one.group is not None}
    groups = np.array([group_of.get(one, -1) for one in concepts.tolist()], np.int32)
    partition = ConceptPartition(
        graph=NeighborGraph.from_activations(atlas.activations),
        concepts=concepts,
        groups=groups,
        next_concept=max((one.id for one in states), default=-1) + 1,
        next_group=max((one.id for one in atlas.concept_groups or ()), default=-1) + 1,
    )
    return _TrackerState.after(atlas, partition, states, atlas.concept_groups or ())


def _build_events(atlas: Atlas, earlier: _TrackerState, last: _TrackerState) -> tuple[Event, ...]:
    """Returns the events of an atlas, highest score first."""
    changes, certainty = last.partition.changes, last.partition.certainty
    events = (
        []
        if changes is None
        else [
            _build_event(one, certainty.get(one.label, 0.0), earlier, last)
            for one in changes.events
        ]
    )
    events.sort(key=lambda e: (-e.score, e.before, e.after))
    flips = [
        _build_flips(one, atlas, earlier)
        for one in find_prediction_changes(earlier.predictions, last.predictions)
    ]
    kept = [*events[:MAX_EVENTS], *flips[:MAX_FLIPS]]
    return tuple(sorted(kept, key=lambda e: -e.score))


def _build_flips(change: PredictionChange, atlas: Atlas, earlier: _TrackerState) -> Event:
    """Returns the event of a change of predictions."""
    return Event(
        kind="flips",
        text=describe_prediction_change(change, atlas.classes),
        score=change.score,
        confidence=change.confidence,
        before_step=earlier.step,
        cell=find_cell(atlas, change.rows),
        samples=change.samples,
        classes=(change.label, change.before, change.now),
        images=change.images,
    )


def _build_event(
    change: LabelEvent, confidence: float, earlier: _TrackerState, last: _TrackerState
) -> Event:
    """Returns the event of a change; its score is the number of samples that surely moved."""
    known = {one.id: one for one in earlier.concepts}
    now = {one.id: one for one in last.concepts}
    before = sorted((known[one] for one in change.before), key=lambda one: -one.size)
    after = sorted((now[one] for one in change.after), key=lambda one: -one.size)
    ids = (tuple(one.id for one in before), tuple(one.id for one in after))
    return Event(
        kind=change.kind,
        text=describe_event(change.kind, before, after),
        score=round(change.rows * confidence, 3),
        confidence=confidence,
        before_step=earlier.step,
        before=ids[0],
        after=ids[1],
        cell=choose_cell(*ids, earlier.cells, last.cells),
        samples=change.rows,
    )
