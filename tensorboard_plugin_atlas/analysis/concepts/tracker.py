# SPDX-License-Identifier: Apache-2.0
"""Concepts: clusters of samples followed from step to step, and their events.

A concept is a community in the neighbor graph of the activations, not a cell of the map.
`ConceptTracker` processes one atlas after the other, as a writer computes them, and can continue
from an atlas of a log. `track_concepts` does the same for a whole run. The method is in
`step_concepts`, `continuation`, and `modularity`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import iterate_atlases
from tensorboard_plugin_atlas.analysis.class_series import class_atlas_of
from tensorboard_plugin_atlas.analysis.concepts.atlas_events import build_events
from tensorboard_plugin_atlas.analysis.concepts.concept_history import (
    Concept,
    ConceptHistory,
    class_mix,
)
from tensorboard_plugin_atlas.analysis.concepts.naming import name_concept
from tensorboard_plugin_atlas.analysis.concepts.step_concepts import (
    MAX_IN_GRAPH,
    StepConcepts,
    find_concepts,
)
from tensorboard_plugin_atlas.analysis.concepts.supported_classes import SupportedClasses
from tensorboard_plugin_atlas.analysis.concepts.tracker_state import TrackerState, restore_state
from tensorboard_plugin_atlas.atlas import (
    Atlas,
    ConceptChange,
    ConceptGroup,
    ConceptState,
    Event,
)
from tensorboard_plugin_atlas.errors import ArgumentError

_IDS_PER_STEP: Final = 1_000
"""The tab chooses colors by it (`concept_colors.ts`)."""


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
        self._older: TrackerState | None = None
        self._last: TrackerState | None = None
        if previous is not None and previous.concepts is not None:
            self._last = restore_state(previous)

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
            atlas = atlas.with_notes(f"concepts: started over, because {obstacle}")
        if len(atlas.samples) > MAX_IN_GRAPH:
            atlas = atlas.with_notes(
                f"concepts: found in {MAX_IN_GRAPH:,} of the {len(atlas.samples):,} samples; each "
                "of the others has the concept of its nearest neighbors",
            )
        values = atlas.activations if activations is None else activations
        tracked, last = _track_atlas(atlas, values, earlier)
        self._older, self._last = earlier, last
        return tracked


def _track_atlas(
    atlas: Atlas, activations: NDArray[Any], earlier: TrackerState | None
) -> tuple[Atlas, TrackerState]:
    """Returns an atlas with its concepts, and the state for the next one."""
    partition = find_concepts(
        activations,
        None if earlier is None else earlier.partition,
        first_id=atlas.sequence * _IDS_PER_STEP,
    )
    concepts = _describe_concepts(atlas, partition, earlier)
    groups = _describe_groups(atlas, partition, earlier)
    last = TrackerState.after(
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
        events=() if earlier is None else build_events(atlas, earlier, last),
    )
    return tracked, last


def _describe_concepts(
    atlas: Atlas, partition: StepConcepts, earlier: TrackerState | None
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
        mix = class_mix(atlas.all_labels, rows)
        top = next(iter(mix), None)
        name = name_concept(
            identity,
            None if before is None else before.name,
            atlas.all_labels,
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
    atlas: Atlas, partition: StepConcepts, earlier: TrackerState | None
) -> tuple[ConceptGroup, ...]:
    """Returns the groups of an atlas by ascending id."""
    known = {} if earlier is None else {one.id: one.name for one in earlier.groups}
    taken = set(known.values())
    groups = []
    for identity in np.unique(partition.groups[partition.groups >= 0]).tolist():
        rows = partition.groups == identity
        name = name_concept(
            identity,
            known.get(identity),
            atlas.all_labels,
            rows,
            atlas.classes,
            taken,
            max_classes=3,
        )
        taken.add(name)
        groups.append(ConceptGroup(id=identity, name=name, size=int(rows.sum())))
    return tuple(groups)


def _measure_overlap(identity: int, rows: NDArray[np.bool_], earlier: TrackerState | None) -> float:
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


def _find_obstacle(last: TrackerState, atlas: Atlas) -> str | None:
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
