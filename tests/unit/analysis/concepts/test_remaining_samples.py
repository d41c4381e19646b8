# SPDX-License-Identifier: Apache-2.0
"""Concepts of sets with more samples than the neighbor graph holds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score
from synthetic_concepts import simulate_concepts
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas.analysis.concepts import step_concepts, tracker
from tensorboard_plugin_atlas.analysis.concepts.remaining_samples import assign_remaining
from tensorboard_plugin_atlas.analysis.concepts.step_concepts import (
    choose_samples,
    find_concepts,
)
from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker

LIMIT = 1500


@pytest.fixture
def small_graph(monkeypatch):
    monkeypatch.setattr(step_concepts, "MAX_IN_GRAPH", LIMIT)
    monkeypatch.setattr(tracker, "MAX_IN_GRAPH", LIMIT)


@pytest.fixture(scope="module")
def run():
    return simulate_concepts(7, samples=4000)


def test_all_samples_are_chosen_up_to_the_limit(small_graph):
    assert choose_samples(LIMIT).all()
    chosen = choose_samples(LIMIT + 1)
    assert chosen.sum() == LIMIT
    np.testing.assert_array_equal(chosen, choose_samples(LIMIT + 1))


def test_samples_outside_the_graph_get_the_planted_concepts(small_graph, run):
    found = find_concepts(run.activations[0])
    assert len(found.graph) == LIMIT
    assert (found.concepts >= 0).all()
    assert (found.groups >= 0).all()
    others = ~choose_samples(len(found.concepts)) & (run.concepts[0] >= 0)
    score = adjusted_mutual_info_score(run.concepts[0][others], found.concepts[others])
    assert score >= 0.9
    pairs = np.unique(np.stack([found.concepts, found.groups]), axis=1)
    assert len(pairs.T) == len(np.unique(found.concepts)), "a concept is in one group"


def test_the_same_rows_keep_their_concepts(small_graph, run):
    first = find_concepts(run.activations[0])
    second = find_concepts(run.activations[0], first)
    np.testing.assert_array_equal(first.concepts, second.concepts)
    assert second.changes.events == ()
    assert second.changes.by_churn == 0


def test_planted_merges_are_found_among_all_samples(small_graph, run):
    found = []
    for rows in run.activations[:3]:
        found.append(find_concepts(rows, found[-1] if found else None))
    assert len(found[1].changes.events) <= 1
    merged = np.concatenate(
        [one.rows for one in run.planted if (one.step, one.kind) == (2, "merges")]
    )
    (event,) = (event for event in found[2].changes.events if event.kind == "merges")
    assert np.isin(found[1].concepts[merged], event.before).mean() >= 0.8
    changes = found[2].changes
    moved = (found[2].concepts != found[1].concepts).mean()
    assert changes.by_churn + changes.by_events == pytest.approx(moved, abs=0.01)


def test_rows_without_a_direction_have_no_concept(small_graph, run):
    rows = run.activations[0].astype(np.float32)
    outside = np.flatnonzero(~choose_samples(len(rows)))[:3]
    rows[outside] = np.nan
    found = find_concepts(rows)
    assert (found.concepts == -1).nonzero()[0].tolist() == outside.tolist()
    assert (found.groups[outside] == -1).all()


def test_rows_that_are_all_alike_have_no_concept(small_graph):
    assert (find_concepts(np.ones((LIMIT + 100, 4))).concepts == -1).all()


def test_a_sample_stays_in_its_concept_when_its_neighbors_are_divided():
    """Seven of 15 neighbors are enough with the inertia of the earlier label, not without."""
    angle = np.linspace(-0.01, 0.01, 16)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    labels = np.array([0] * 8 + [1] * 7 + [-1])
    for previous, expected in ((-1, 0), (1, 1), (0, 0)):
        before = np.full(16, -1)
        before[-1] = previous
        assert assign_remaining(unit, labels, before, resolution=0.0)[-1] == expected


def test_a_tracker_continues_from_a_log(small_graph, run):
    atlases = [
        atlas_from_activations(rows, step=step, sequence=step + 1)
        for step, rows in enumerate(run.activations[:2])
    ]
    running = ConceptTracker()
    first, expected = (running.advance(atlas) for atlas in atlases)
    continued = ConceptTracker(first).advance(atlases[1])
    np.testing.assert_array_equal(continued.samples.concepts, expected.samples.concepts)
    assert continued.provenance.notes == (
        "concepts: found in 1,500 of the 4,000 samples; each of the others has the concept of its "
        "nearest neighbors",
    )
