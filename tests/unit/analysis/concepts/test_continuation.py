# SPDX-License-Identifier: Apache-2.0
"""Events and moves of single rows between two steps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from synthetic_concepts import ConceptRun, simulate_concepts

from tensorboard_plugin_atlas.analysis.concepts.continuation import MAX_SHARE
from tensorboard_plugin_atlas.analysis.concepts.step_concepts import (
    StepConcepts,
    find_concepts,
)


def follow(run: ConceptRun) -> list[StepConcepts]:
    found: list[StepConcepts] = []
    for rows in run.activations:
        found.append(find_concepts(rows, found[-1] if found else None))
    return found


def match(run: ConceptRun, found: list[StepConcepts]) -> tuple[int, int, int]:
    """Returns the planted events, the certain events found, and those that agree.

    An event agrees with a planted one of the same step if at least half of the rows of the smaller
    of both are in the other.
    """
    planted = hits = events = 0
    for step, (before, now) in enumerate(itertools.pairwise(found), start=1):
        waiting = [set(one.rows.tolist()) for one in run.planted if one.step == step]
        planted += len(waiting)
        for event in now.changes.events:
            if now.certainty.get(event.label, 0) < 0.75:
                continue
            events += 1
            rows = set(
                np.flatnonzero(
                    np.isin(before.concepts, event.before) | np.isin(now.concepts, event.after)
                ).tolist()
            )
            for one in waiting:
                if len(rows & one) >= 0.5 * min(len(rows), len(one)):
                    waiting.remove(one)
                    hits += 1
                    break
    return planted, events, hits


def test_most_planted_events_are_found_and_few_others():
    planted = events = hits = 0
    for seed in range(3):
        run = simulate_concepts(100 + seed)
        counts = match(run, follow(run))
        planted, events, hits = planted + counts[0], events + counts[1], hits + counts[2]
    assert planted == 24
    assert hits / planted >= 0.8
    assert hits / events >= 0.8


def test_concepts_are_the_planted_ones():
    run = simulate_concepts(110)
    for step, found in enumerate(follow(run)):
        inside = run.concepts[step] >= 0
        pairs = np.unique(
            np.stack([run.concepts[step][inside], found.concepts[inside]]),
            axis=1,
            return_counts=True,
        )[1]
        assert pairs[pairs >= 12].sum() >= 0.85 * inside.sum()


@pytest.mark.parametrize("level", [0.0, 0.01])
def test_noise_moves_few_samples_and_is_no_event(level):
    rows = simulate_concepts(111).activations[0].astype(np.float32)
    random = np.random.default_rng(0)
    first = find_concepts(rows)
    second = find_concepts(rows + level * rows.std() * random.normal(size=rows.shape), first)
    assert (first.concepts != second.concepts).mean() <= 2 * level
    assert second.changes.events == ()


def test_a_large_concept_is_split():
    """Rows of one direction become two halves of a continuum, with a concept over all of them."""
    rows = np.random.default_rng(0).normal(size=(600, 4))
    whole = StepConcepts(
        graph=find_concepts(rows).graph,
        concepts=np.zeros(600, np.int32),
        groups=np.zeros(600, np.int32),
        next_concept=1,
        next_group=1,
    )
    found = find_concepts(rows, whole)
    assert np.bincount(found.concepts).max() / 600 <= MAX_SHARE


def test_certain_events_are_confirmed_by_halves_of_the_samples():
    run = simulate_concepts(0)
    step = follow(run)[5]
    shares = [step.certainty.get(event.label, 0.0) for event in step.changes.events]
    assert len(shares) == 4
    assert min(shares) >= 0.5


def test_ids_continue_from_the_first_free_one():
    run = simulate_concepts(0)
    first = find_concepts(run.activations[1], first_id=40)
    assert first.concepts.min() == 40
    second = find_concepts(run.activations[2], first, first_id=500)
    new = set(second.concepts.tolist()) - set(first.concepts.tolist())
    assert new
    assert min(new) == 500
    assert second.next_concept == max(new) + 1
