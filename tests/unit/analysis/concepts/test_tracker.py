# SPDX-License-Identifier: Apache-2.0
"""Concepts of synthetic runs with and without merges and splits."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from synthetic_concepts import simulate_concepts
from synthetic_runs import (
    EventScore,
    SyntheticRun,
    atlas_from_activations,
    make_atlases,
    score_events,
    simulate_run,
)

from tensorboard_plugin_atlas.analysis.concepts import atlas_events
from tensorboard_plugin_atlas.analysis.concepts.tracker import (
    ConceptTracker,
    detect_events,
    rank_events,
    track_concepts,
)
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

COUNT = 24
"""Units of the synthetic runs: a concept holds at most a sixth of all samples."""


def phase(*merged: set[int], without: set[int] = frozenset()) -> list[set[int]]:
    """Returns a phase in which each unit is a cluster, except that those of a set are one."""
    together = set().union(*merged) | without
    return [*merged, *({unit} for unit in range(COUNT) if unit not in together)]


APART = phase()
SIZES = {
    "equal": [60] * COUNT,
    "uneven": [110, 20, 100, 40, 90, 60] * 4,
    "small": [25] * COUNT,
}


def track(atlases) -> list[Atlas]:
    following = ConceptTracker()
    return [following.advance(atlas) for atlas in atlases]


def events(atlases) -> list[str]:
    return [event.text for atlas in track(atlases) for event in atlas.events]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("rectified", [False, True])
def test_planted_merges_and_splits_are_found_and_no_others(rectified):
    score = EventScore()
    phases = (
        APART,
        phase({0, 1}),
        APART,
        phase({2, 3}, {4, 5}),
        phase({4, 5}, {6, 7}),
        APART,
    )
    for seed, sizes in enumerate(SIZES.values()):
        history = simulate_run(sizes, phases, noise=0.8, rectified=rectified, seed=seed, hold=1)
        score_events(history, track(make_atlases(history)), score)
    assert score.planted == 3 * 8
    assert score.recall >= 0.9
    assert score.precision >= 0.9


QUIET = {
    "constant": {"noise_renewal": 0.0},
    "small noise": {"noise_renewal": 0.15},
    "drifting": {"noise_renewal": 0.15, "drift": 0.3},
    "with outliers": {"noise_renewal": 0.15, "outliers": 100},
    "rectified": {"noise_renewal": 0.15, "rectified": True},
}


@pytest.mark.parametrize("kind", QUIET)
@pytest.mark.parametrize("sizes", SIZES)
def test_runs_without_changes_have_no_events(kind, sizes):
    history = simulate_run(SIZES[sizes], [APART], hold=3, noise=0.8, **QUIET[kind])
    assert events(make_atlases(history)) == []


@pytest.mark.parametrize("rows", ["clusters", "cloud"])
def test_equal_atlases_have_equal_concepts(rows):
    """The previous partition of the same activations is a fixed point, whatever they are."""
    values = simulate_run([60] * COUNT, [APART], hold=1, noise=1.5).activations[0]
    if rows == "cloud":
        values = np.random.default_rng(1).normal(size=(700, 6))
    moved = values + 0.3 * np.random.default_rng(2).normal(size=values.shape)
    run = track(make_atlases([values, moved, moved, moved]))
    assert run[1].concept_change.by_churn > 0
    for atlas in run[2:]:
        assert atlas.events == ()
        assert atlas.concept_change.by_churn == atlas.concept_change.by_events == 0
        assert atlas.concept_groups == run[1].concept_groups
        np.testing.assert_array_equal(atlas.samples.concepts, run[1].samples.concepts)
        assert all(state.confidence == 1 for state in atlas.concepts)
        assert all(state.joined == state.left == 0 for state in atlas.concepts)


@pytest.mark.parametrize("channels", [3, 8, 64])
def test_random_neighbors_have_no_certain_events(channels):
    """Concepts may end because they became too small, but halves of the samples confirm none."""
    random = np.random.default_rng(0)
    run = track(make_atlases([random.normal(size=(400, channels)) for _ in range(5)]))
    assert max(event.confidence for atlas in run for event in atlas.events) < 0.5
    assert min(atlas.concept_change.by_churn for atlas in run[1:]) > 0.3


def test_a_cloud_without_clusters_has_no_events():
    random = np.random.default_rng(2)
    cloud = random.normal(size=(500, 6))
    steps = [cloud + 0.05 * random.normal(size=cloud.shape) for _ in range(5)]
    assert events(make_atlases(steps)) == []


def test_birth_and_end_with_their_samples():
    # A third of each of three clusters leaves it for a new one, and at last they go back.
    sizes = [60] * COUNT + [30] * 3
    at_home = [{unit} | ({COUNT + unit} if unit < 3 else set()) for unit in range(COUNT)]
    away = [*({unit} for unit in range(COUNT)), {COUNT, COUNT + 1, COUNT + 2}]
    history = simulate_run(sizes, (at_home, away, at_home))
    run = track(make_atlases(history))
    found = [(atlas.step, event) for atlas in run for event in atlas.events]
    assert [(step, event.kind) for step, event in found] == [(200, "born"), (500, "dies")]
    born, dies = (event for _, event in found)
    assert born.before == dies.after == ()
    assert born.after == dies.before
    assert born.samples == dies.samples == 90
    for atlas, event in ((run[2], born), (run[4], dies)):
        members = np.isin(atlas.samples.concepts, event.before + event.after)
        joining = history.unit >= COUNT
        assert (members & joining).sum() >= 0.9 * (members | joining).sum()
        assert event.cell is not None


def split_run() -> tuple[SyntheticRun, list[Atlas]]:
    """Returns a run in which unit 1 leaves unit 0; the classes are "cat", "dog" and "ship"."""
    sizes = [80, 60, *[60] * (COUNT - 2)]
    history = simulate_run(sizes, (phase({0, 1}), APART), seed=1)
    names = ("cat", "dog", "ship")
    return history, make_atlases(history, labels=np.minimum(history.unit, 2), classes=names)


def test_the_history_of_a_concept():
    history, atlases = split_run()
    lines = track_concepts(atlases)
    pets, dog = (line for line in lines if line.name in ("cat/dog 1", "dog 1"))
    assert len(lines) == COUNT
    assert (pets.born, dog.born) == (0, 200)
    assert (pets.began, dog.began, dog.parents) == ("first", "splits", (pets.id,))
    assert pets.children == (dog.id,)
    assert {line.ended for line in lines} == {None}
    assert [step.size for step in pets.steps] == [140, 140, 80, 80, 80]
    np.testing.assert_array_equal(dog.steps[0].members, np.flatnonzero(history.unit == 1))
    assert pets.steps[0].class_mix == {0: 80 / 140, 1: 60 / 140}
    assert dog.steps[0].class_mix == {1: 1.0}
    assert dog.steps[0].overlap == 1
    assert pets.steps[2].overlap == pytest.approx(80 / 140)


def test_a_merge_ends_the_smaller_concept():
    sizes = [80, 60, *[60] * (COUNT - 2)]
    history = simulate_run(sizes, (APART, phase({0, 1})), seed=1)
    lines = track_concepts(make_atlases(history))
    (small,) = (line for line in lines if line.end)
    assert (small.ended, small.end, small.steps[0].size) == (200, "merges", 60)
    (big,) = (line for line in lines if line.id in small.children)
    assert (big.ended, big.end, big.steps[-1].size) == (None, "", 140)


def test_the_event_of_a_split():
    _, atlases = split_run()
    (event,) = (event for atlas in track(atlases) for event in atlas.events)
    assert event.text == "cat/dog 1 (140) split into cat/dog 1 (80) and dog 1 (60)"
    assert event.before_step == 100
    assert event.confidence == 1
    assert event.samples == event.score == 60
    assert event.cell[0] == 4


@pytest.mark.sampled(2)
def test_events_and_churn_are_all_movement():
    for seed in range(3):
        history = simulate_concepts(seed)
        run = track(make_atlases(history.activations))
        for before, atlas in itertools.pairwise(run):
            change = atlas.concept_change
            moved = (before.samples.concepts != atlas.samples.concepts).mean()
            assert change.by_events + change.by_churn == pytest.approx(moved)
            assert sum(one.samples for one in atlas.events) == round(change.by_events * 2000)
            left = sum(one.left * one.size for one in before.concepts if one.left is not None)
            assert left >= 0


def test_every_concept_is_in_one_group():
    history = simulate_concepts(4)
    for atlas in track(make_atlases(history.activations)):
        sizes = {one.id: one.size for one in atlas.concept_groups}
        assert set(sizes) == {one.group for one in atlas.concepts}
        for group, size in sizes.items():
            assert size == sum(one.size for one in atlas.concepts if one.group == group)


def test_most_groups_persist():
    run = track(make_atlases(simulate_concepts(5).activations))
    for before, atlas in itertools.pairwise(run):
        known = {one.id for one in before.concept_groups}
        assert len(known & {one.id for one in atlas.concept_groups}) >= 0.8 * len(known)


def test_without_labels_a_name_is_a_number():
    history = simulate_run([60] * COUNT, [APART], hold=1)
    (atlas,) = track(make_atlases(history))
    assert [state.name for state in atlas.concepts[:2]] == ["concept 1000", "concept 1001"]
    assert {state.top_class for state in atlas.concepts} == {None}


def test_a_tracker_continues_from_an_atlas_of_a_log():
    _, atlases = split_run()
    whole = track(atlases)
    for stop in (1, 2, 3):
        read = decode_atlas(encode_atlas(whole[stop - 1]))
        following = ConceptTracker(read)
        for atlas, expected in zip(atlases[stop:], whole[stop:], strict=True):
            resumed = following.advance(atlas)
            np.testing.assert_array_equal(resumed.samples.concepts, expected.samples.concepts)
            assert resumed.events == expected.events
            assert resumed.concepts == expected.concepts


def test_concepts_are_encoded_and_decoded():
    _, atlases = split_run()
    for atlas in track(atlases):
        read = decode_atlas(encode_atlas(atlas))
        assert read.concepts == atlas.concepts
        assert read.events == atlas.events
        np.testing.assert_array_equal(read.samples.concepts, atlas.samples.concepts)


def test_a_previous_atlas_without_concepts_is_ignored():
    _, atlases = split_run()
    first = ConceptTracker(atlases[0]).advance(atlases[1])
    assert first.events == ()
    assert {state.born for state in first.concepts} == {100}


def test_unknown_ids_of_a_previous_atlas_are_ignored():
    _, atlases = split_run()
    earlier = track(atlases[:1])[0]
    unknown = earlier.samples.concepts.copy()
    unknown[:50] = 7
    samples = dataclasses.replace(earlier.samples, concepts=unknown)
    resumed = ConceptTracker(earlier.replace(samples=samples)).advance(atlases[1])
    assert 7 not in {state.id for state in resumed.concepts}
    assert 7 not in resumed.samples.concepts
    np.testing.assert_array_equal(resumed.samples.concepts, earlier.samples.concepts)


def test_a_repeated_step_replaces_the_first():
    _, atlases = split_run()
    once = track(atlases)
    twice = track([atlases[0], atlases[1], atlases[2], atlases[2], atlases[3]])
    assert twice[3].events == once[2].events
    np.testing.assert_array_equal(twice[4].samples.concepts, once[3].samples.concepts)


def other_width(atlas: Atlas) -> Atlas:
    values = np.hstack([atlas.activations, atlas.activations]).astype(np.float32)
    samples = dataclasses.replace(atlas.samples, activations=store_activations(values))
    return atlas.replace(samples=samples)


def other_probe(atlas: Atlas) -> Atlas:
    return atlas.replace(provenance=dataclasses.replace(atlas.provenance, probe="0f" * 16))


MISFITS = {
    "comes after step 100": lambda atlas: atlas.replace(step=50),
    "step 100 comes twice": lambda atlas: atlas.replace(step=100),
    "the probe changed between step 100 ('5a5a5a5a5a5a') and step 200": other_probe,
    "64 channels at step 100 and 128 at step 200": other_width,
    "layer 'layer3' is followed by layer 'head'": lambda atlas: atlas.replace(layer="head"),
    "run '' is followed by run 'b'": lambda atlas: atlas.replace(run="b"),
    "1,460 samples and step 200 40": lambda atlas: atlas_from_activations(
        atlas.activations[:40].astype(np.float32), step=200
    ),
}


@pytest.mark.parametrize("word", MISFITS)
def test_atlases_that_cannot_follow_are_rejected(word):
    _, atlases = split_run()
    run = [atlases[0], atlases[1], MISFITS[word](atlases[2])]
    with pytest.raises(ArgumentError) as caught:
        track_concepts(run)
    assert word in str(caught.value)
    with pytest.raises(ArgumentError):
        detect_events(run)


def test_concepts_are_rejected_by_rank_events():
    _, atlases = split_run()
    with pytest.raises(ArgumentError, match=r"number 0 is Concept\(.*detect_events\(atlases\)"):
        rank_events(track_concepts(atlases))


@pytest.mark.parametrize("trace", [track_concepts, detect_events])
def test_a_path_is_reported_with_advice(trace):
    with pytest.raises(ArgumentError, match=r"read_atlases\('runs/a'\)"):
        trace("runs/a")


@pytest.mark.parametrize("word", [w for w in MISFITS if "twice" not in w and "run" not in w])
def test_a_tracker_starts_over_with_a_note(word):
    _, atlases = split_run()
    last = track([atlases[0], atlases[1], MISFITS[word](atlases[2])])[-1]
    assert last.events == ()
    assert all(state.born == last.step for state in last.concepts)
    (note,) = last.provenance.notes
    assert note.startswith("concepts: started over, because ")
    assert word in note


def test_rows_with_nan_at_one_step_have_no_concept_and_end_none():
    history = simulate_run([60] * COUNT, [APART], hold=4)
    steps = [rows.copy() for rows in history.activations]
    steps[1][::5] = np.nan
    run = track(make_atlases(steps))
    assert (run[1].samples.concepts[::5] == -1).all()
    assert [event.text for atlas in run for event in atlas.events] == []
    ids = [[state.id for state in atlas.concepts] for atlas in run]
    assert ids == [ids[0]] * 4
    np.testing.assert_array_equal(run[2].samples.concepts, run[0].samples.concepts)


def test_after_a_step_of_nan_alone_concepts_are_new():
    history = simulate_run([60] * COUNT, [APART], hold=3)
    steps = [rows.copy() for rows in history.activations]
    steps[1][:] = np.nan
    run = track(make_atlases(steps))
    assert [len(atlas.concepts) for atlas in run] == [COUNT, 0, COUNT]
    assert [event.text for atlas in run for event in atlas.events] == []
    ids = [{state.id for state in atlas.concepts} for atlas in run]
    assert not ids[0] & ids[2]


@pytest.mark.parametrize("rows", range(1, 21))
def test_few_samples_have_concepts_and_no_events(rows):
    random = np.random.default_rng(rows)
    base = random.normal(size=(rows, 8)) + 3
    steps = [base, base + 0.001 * random.normal(size=base.shape)]
    for atlas in track(make_atlases(steps)):
        assert (len(atlas.concepts) > 0) == (rows > 1)
        assert atlas.events == ()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_rows_have_no_events(value):
    run = track(make_atlases([np.full((100, 8), value)] * 3))
    assert [event.text for atlas in run for event in atlas.events] == []
    for atlas in run[1:]:
        np.testing.assert_array_equal(atlas.samples.concepts, run[0].samples.concepts)


def test_events_of_a_run_are_ranked_over_all_steps():
    sizes = [80, 60, 40, *[60] * (COUNT - 3)]
    history = simulate_run(sizes, (phase({0, 1, 2}), phase({0, 2}), APART))
    ranked = detect_events(make_atlases(history))
    assert [(one.step, one.event.kind) for one in ranked] == [(200, "splits"), (500, "splits")]
    assert ranked[0].event.score > ranked[1].event.score
    assert ranked == rank_events(track(make_atlases(history)))


def test_a_step_keeps_the_events_with_the_highest_scores(monkeypatch):
    history = simulate_concepts(0)
    everything = track(make_atlases(history.activations))[5].events
    assert len(everything) == 4
    monkeypatch.setattr(atlas_events, "MAX_EVENTS", 2)
    assert track(make_atlases(history.activations))[5].events == everything[:2]
    assert everything[1].score >= everything[2].score


def test_ids_are_not_reused():
    apart_and_merged = (phase({0, 1}), APART, phase({0, 1}), APART)
    history = simulate_run([60] * COUNT, apart_and_merged, hold=1)
    lines = track_concepts(make_atlases(history))
    assert len(lines) == COUNT + 1
    assert len({line.id for line in lines}) == COUNT + 1
    assert len({line.name for line in lines}) == COUNT + 1


def test_the_name_of_an_ended_concept_is_not_used_again():
    sizes = [80, 60, *[60] * (COUNT - 2)]
    history = simulate_run(sizes, (APART, phase({0, 1}), APART), hold=1, seed=1)
    labels = np.minimum(history.unit, 2)
    run = track(make_atlases(history, labels=labels, classes=("cat", "dog", "ship")))
    names = [{one.name for one in atlas.concepts if one.name[:3] != "shi"} for atlas in run]
    assert "dog 1" in names[0]
    assert "dog 1" not in names[2]
    assert "dog 2" in names[-1]


def test_exact_activations_replace_the_stored_ones():
    history = simulate_run([60] * COUNT, [APART], hold=1)
    atlas = make_atlases(history)[0]
    noise = np.random.default_rng(0).normal(size=atlas.activations.shape).astype(np.float32)
    samples = dataclasses.replace(atlas.samples, activations=store_activations(noise))
    tracked = ConceptTracker().advance(atlas.replace(samples=samples), history.activations[0])
    assert len(tracked.concepts) == COUNT
