# SPDX-License-Identifier: Apache-2.0
"""The concepts and groups of one step, which continue the previous ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.changes import LabelChanges, describe_changes
from tensorboard_plugin_atlas.analysis.concepts.continuation import Continuation
from tensorboard_plugin_atlas.analysis.concepts.groups import find_groups
from tensorboard_plugin_atlas.analysis.concepts.modularity import (
    Objective,
    dissolve_small,
    find_partition,
)
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import (
    Labels,
    NeighborGraph,
    find_directions,
)
from tensorboard_plugin_atlas.analysis.concepts.remaining_samples import assign_remaining
from tensorboard_plugin_atlas.analysis.concepts.spherical_kmeans import find_micro_clusters
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.sample_subset import MANY_SAMPLES, choose_first

RESOLUTION: Final = 6.0
"""Resolution of concepts: 30 to 40 of 2,000 samples."""
MIN_ROWS: Final = 12
"""Smallest number of samples of a concept, or `1 / MAX_CONCEPTS` of the samples if this is more."""
MAX_CONCEPTS: Final = 400
MAX_IN_GRAPH: Final = MANY_SAMPLES
"""Largest number of samples that concepts are found in; the others join those they are near."""

_FRESH_FACTOR: Final = 1.3
"""Events are proposed from a partition of this higher resolution, which shows splits."""
_START_CLUSTERS: Final = 200
_ROWS_PER_START: Final = 4


@dataclass(frozen=True, eq=False)
class StepConcepts:
    """The concepts of N samples at one step.

    Attributes:
        graph: Neighbor graph of the samples that concepts are found in; see `choose_samples`.
        concepts: (N,) int32 id of the concept of each sample; -1 for samples without neighbors.
        groups: (N,) int32 id of the group of that concept, or -1.
        next_concept: First unused id of a concept.
        next_group: First unused id of a group.
        modularity: Modularity of the concepts.
        changes: Changes since the previous step; None if there is none to compare with.
            Samples without a concept at either step are not counted.
        certainty: Concept id -> fraction of random halves of the samples that confirm the event
            that added or ended the concept.
    """

    graph: NeighborGraph
    concepts: IntArray
    groups: IntArray
    next_concept: int
    next_group: int
    modularity: float = 0.0
    changes: LabelChanges | None = None
    certainty: Mapping[int, float] = field(default_factory=dict)


def choose_samples(count: int) -> NDArray[np.bool_]:
    """Returns (count,) bool: the samples that concepts are found in, the same at every step.

    All of them up to `MAX_IN_GRAPH`; a random selection of more samples shows the same concepts.
    """
    return choose_first(count, MAX_IN_GRAPH)


def build_graph(activations: NDArray[Any]) -> NeighborGraph:
    """Builds the graph of a `StepConcepts` from (N, C) activations."""
    chosen = choose_samples(len(activations))
    rows, unit = find_directions(activations)
    return NeighborGraph.from_directions(*_select(rows, unit, chosen), int(chosen.sum()))


def find_concepts(
    activations: NDArray[Any], previous: StepConcepts | None = None, first_id: int = 0
) -> StepConcepts:
    """Finds the concepts of a step.

    Args:
        activations: (N, C), any float type.
        previous: The concepts of the same samples at the previous step, or None.
        first_id: Smallest id of a new concept.
    """
    chosen = choose_samples(len(activations))
    rows, unit = find_directions(activations)
    earlier = previous
    if previous is not None:
        earlier = dataclasses.replace(
            previous, concepts=previous.concepts[chosen], groups=previous.groups[chosen]
        )
    found = _find_in_graph(*_select(rows, unit, chosen), int(chosen.sum()), earlier, first_id)
    return found if chosen.all() else _assign_others(found, rows, unit, chosen, previous)


def _select(
    rows: NDArray[np.intp], unit: FloatArray, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], FloatArray]:
    """Returns the directions of the chosen samples, and their index among these."""
    if chosen.all():
        return rows, unit
    inside = chosen[rows]
    return (np.cumsum(chosen) - 1)[rows[inside]], unit[inside]


def _assign_others(
    found: StepConcepts,
    rows: NDArray[np.intp],
    unit: FloatArray,
    chosen: NDArray[np.bool_],
    previous: StepConcepts | None,
) -> StepConcepts:
    """Returns the concepts of all samples, given those of the chosen ones."""
    used, dense = _number(found.concepts)
    labels, before = np.full(len(chosen), -1, np.intp), np.full(len(chosen), -1, np.intp)
    labels[chosen] = dense
    if previous is not None:
        index = np.searchsorted(used, previous.concepts)
        before = np.where(np.isin(previous.concepts, used), index, -1)
    labels[rows] = assign_remaining(unit, labels[rows], before[rows], RESOLUTION)
    group_of = np.full(len(used), -1, np.int32)
    group_of[dense[dense >= 0]] = found.groups[dense >= 0]
    concepts = _look_up(used.astype(np.int32), labels)
    return dataclasses.replace(
        found,
        concepts=concepts,
        groups=_look_up(group_of, labels),
        changes=None if found.changes is None else _compare(previous, concepts),
    )


def _compare(previous: StepConcepts | None, concepts: IntArray) -> LabelChanges | None:
    """Returns the changes since the previous step, or None if it has no concepts."""
    if previous is None or previous.concepts.max(initial=-1) < 0:
        return None
    followed = (previous.concepts >= 0) & (concepts >= 0)
    return describe_changes(previous.concepts[followed], concepts[followed])


def _find_in_graph(
    rows: NDArray[np.intp],
    unit: FloatArray,
    count: int,
    previous: StepConcepts | None,
    first_id: int,
) -> StepConcepts:
    """Finds the concepts of `count` samples; `rows` (R,) have the directions `unit` (R, C)."""
    graph = NeighborGraph.from_directions(rows, unit, count)
    if previous is None:
        nothing = np.full(len(graph), -1, np.int32)
        previous = StepConcepts(graph, nothing, nothing, first_id, 0)
    known, before = _number(previous.concepts)
    start = _find_start(rows, unit, len(graph))
    fresh = find_partition(graph, RESOLUTION * (_FRESH_FACTOR if len(known) else 1), start)
    min_rows = _min_rows(graph)
    certainty: Mapping[int, float] = {}
    if len(known):
        objective = Objective(graph, RESOLUTION, before)
        continuation = Continuation(objective, previous.graph, fresh, min_rows)
        labels = continuation.run()
        certainty = continuation.measure_certainty()
    else:
        labels = dissolve_small(Objective.without_history(graph, RESOLUTION), fresh, min_rows)
    first_id = max(first_id, previous.next_concept)
    used, dense = _number(np.where(graph.masses > 0, labels, -1))
    ids = _assign_ids(used, known, first_id)
    concepts = _look_up(ids, dense)
    groups, next_group = _find_group_ids(graph, dense, previous)
    id_of_label = dict(enumerate(known.tolist())) | dict(
        zip(used.tolist(), ids.tolist(), strict=True)
    )
    return StepConcepts(
        graph=graph,
        concepts=concepts,
        groups=groups,
        next_concept=max(first_id, int(ids.max(initial=-1)) + 1),
        next_group=next_group,
        modularity=Objective.without_history(graph, RESOLUTION).measure_modularity(labels),
        changes=_compare(previous, concepts),
        certainty={
            id_of_label[label]: share for label, share in certainty.items() if label in id_of_label
        },
    )


def _find_start(rows: NDArray[np.intp], unit: FloatArray, count: int) -> Labels:
    """Returns small clusters of `count` rows; those without a direction are in the first."""
    start = np.zeros(count, np.intp)
    if len(rows):
        clusters = min(_START_CLUSTERS, max(1, len(rows) // _ROWS_PER_START))
        start[rows] = find_micro_clusters(unit, clusters).labels
    return start


def _min_rows(graph: NeighborGraph) -> int:
    """Returns the smallest number of samples of a concept."""
    return max(MIN_ROWS, int((graph.masses > 0).sum()) // MAX_CONCEPTS)


def _find_group_ids(
    graph: NeighborGraph, dense: Labels, previous: StepConcepts
) -> tuple[IntArray, int]:
    """Returns the (N,) group ids of the samples, and the first unused group id.

    Args:
        graph: Neighbor graph of the samples.
        dense: (N,) concept of each sample from 0 without gaps, or -1.
        previous: The previous step.
    """
    count = int(dense.max(initial=-1)) + 1
    if not count:
        return np.full(len(dense), -1, np.int32), previous.next_group
    known, before = _number(previous.groups)
    votes = np.zeros((count, len(known) + 1))
    np.add.at(votes, (dense[dense >= 0], before[dense >= 0]), 1)
    votes[:, -1] = 0.5  # the last column is for index -1: no group
    majority = votes.argmax(axis=1)
    majority[majority == len(known)] = -1
    found = find_groups(graph.contract(np.maximum(dense, 0)), majority)
    used, group = _number(found)
    ids = _assign_ids(used, known, previous.next_group)
    groups = _look_up(ids[group], dense)
    return groups, max(previous.next_group, int(ids.max()) + 1)


def _number(values: NDArray[np.integer]) -> tuple[NDArray[np.intp], Labels]:
    """Returns the distinct values from 0, ascending, and (N,) index of each value; -1 stays."""
    used = np.unique(values[values >= 0]).astype(np.intp)
    index = np.searchsorted(used, values)
    return used, np.where(values >= 0, index, -1).astype(np.intp)


def _assign_ids(labels: Labels, known: NDArray[np.intp], first_id: int) -> IntArray:
    """Returns the ids of ascending labels: index into `known`, or a new id if it is larger."""
    is_new = labels >= len(known)
    new = first_id + np.arange(int(is_new.sum()))
    ids: IntArray = np.r_[known[labels[~is_new]], new].astype(np.int32)
    return ids


def _look_up(ids: IntArray, index: Labels) -> IntArray:
    """Returns `ids[index]`, and -1 where the index is -1."""
    found: IntArray = np.append(ids, np.int32(-1))[index]
    return found
