# SPDX-License-Identifier: Apache-2.0
"""What a concept tracker keeps of an atlas for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tensorboard_plugin_atlas.analysis.concepts.event_cells import find_cells
from tensorboard_plugin_atlas.analysis.concepts.prediction_changes import ImagePredictions
from tensorboard_plugin_atlas.analysis.concepts.step_concepts import (
    StepConcepts,
    build_graph,
)
from tensorboard_plugin_atlas.atlas import Atlas, ConceptGroup, ConceptState


@dataclass(frozen=True, eq=False)
class TrackerState:
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
    partition: StepConcepts
    concepts: tuple[ConceptState, ...]
    groups: tuple[ConceptGroup, ...]
    cells: Mapping[int, tuple[int, int, int]]
    names: frozenset[str]
    predictions: ImagePredictions | None

    @classmethod
    def after(
        cls,
        atlas: Atlas,
        partition: StepConcepts,
        concepts: tuple[ConceptState, ...],
        groups: tuple[ConceptGroup, ...],
        earlier_names: frozenset[str] = frozenset(),
    ) -> TrackerState:
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


def restore_state(atlas: Atlas) -> TrackerState:
    """Restores the state after `atlas` from what it stores."""
    states = tuple(sorted(atlas.concepts or (), key=lambda one: one.id))
    logged = atlas.samples.concepts
    concepts = np.full(len(atlas.samples), -1, np.int32)
    if logged is not None:
        concepts = np.where(np.isin(logged, [one.id for one in states]), logged, concepts)
    group_of = {one.id: one.group for one in states if one.group is not None}
    groups = np.array([group_of.get(one, -1) for one in concepts.tolist()], np.int32)
    partition = StepConcepts(
        graph=build_graph(atlas.activations),
        concepts=concepts,
        groups=groups,
        next_concept=max((one.id for one in states), default=-1) + 1,
        next_group=max((one.id for one in atlas.concept_groups or ()), default=-1) + 1,
    )
    return TrackerState.after(atlas, partition, states, atlas.concept_groups or ())
