# SPDX-License-Identifier: Apache-2.0
"""Concepts of synthetic runs with and without merges and splits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_runs import (
    EventScore,
    SyntheticRun,
    atlas_from_activations,
    make_atlases,
    score_events,
    simulate_run,
)

from tensorboard_plugin_atlas.analysis.concepts.tracker import (
    MAX_EVENTS,
    ConceptTracker,
    detect_events,
    rank_events,
    track_concepts,
)
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

APART = [{0}, {1}, {2}, {3}, {4}, {5}]
REPORTED = (
    APART,
    [{0, 1}, {2}, {3}, {4}, {5}],
    APART,
    [{0, 1}, {2, 3}, {4}, {5}],
    [{0}, {1}, {2, 3}, {4, 5}],
    APART,
)
SIZES = {"equal": [90] * 6, "uneven": [300, 20, 100, 40, 120, 60], "small": [20] * 6}


def track(atlases) -> list[Atlas]:
    tracker = ConceptTracker()
    return [tracker.advance(atlas) for atlas in atlases]


def events(atlases) -> list[str]:
    return [event.text for atlas in track(atlases) for event in atlas.events]


@pytest.mark.parametrize("ramp", [1, 3])
@pytest.mark.parametrize("rectified", [False, True])
def test_planted_merges_and_splits_are_found_and_no_others(ramp, rectified):
    score = EventScore()
    for seed, sizes in enumerate(SIZES.values()):
        for channels, noise in ((16, 0.5), (64, 1.0)):
            history = simulate_run(
                sizes,
                REPORTED,
                channels=channels,
                noise=noise,
                ramp=ramp,
                rectified=rectified,
                seed=seed,
                hold=1,
            )
            score_events(history, track(make_atlases(history)), score)
    assert score.planted == 6 * 8
    assert score.recall >= 0.9
    assert score.precision >= 0.9


def test_a_split_of_twenty_from_three_hundred_samples_is_found():
    history = simulate_run([300, 20, 100], ([{0, 1}, {2}], [{0}, {1}, {2}]), seed=4)
    split = [event for atlas in track(make_atlases(history)) for event in atlas.events]
    assert [event.kind for event in split] == ["splits"]
    assert len(split[0].after) == 2


QUIET = {
    "constant": {"noise_renewal": 0.0},
    "small noise": {"noise_renewal": 0.15},
    "drifting": {"noise_renewal": 0.15, "drift": 0.3},
    "with strays": {"noise_renewal": 0.15, "outliers": 100},
    "rectified": {"noise_renewal": 0.15, "rectified": True},
}


@pytest.mark.parametrize("kind", QUIET)
@pytest.mark.parametrize("sizes", SIZES)
def test_runs_without_changes_have_no_events(kind, sizes):
    history = simulate_run(SIZES[sizes], [APART], hold=4, noise=0.8, **QUIET[kind])
    assert events(make_atlases(history)) == []


def test_equal_atlases_have_equal_concepts():
    rows = simulate_run([60, 80, 100], [[{0}, {1}, {2}]], hold=1).activations[0]
    run = track(make_atlases([rows] * 4))
    for atlas in run[1:]:
        assert atlas.events == ()
        assert [s.id for s in atlas.concepts] == [s.id for s in run[0].concepts]
        np.testing.assert_array_equal(atlas.samples.concepts, run[0].samples.concepts)
        assert all(state.confidence == pytest.approx(1) for state in atlas.concepts)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("strays", [0, 80])
def test_shuffled_rows_have_no_events(sizes, strays):
    history = simulate_run(SIZES[sizes], [APART], hold=4, outliers=strays)
    random = np.random.default_rng(1)
    shuffled = [rows[random.permutation(len(rows))] for rows in history.activations]
    run = track(make_atlases(shuffled))
    assert [event.text for atlas in run for event in atlas.events] == []


@pytest.mark.parametrize("channels", [3, 8, 64])
def test_random_neighbors_have_no_events(channels):
    random = np.random.default_rng(0)
    assert events(make_atlases([random.normal(size=(400, channels)) for _ in range(5)])) == []


def test_a_cloud_without_clusters_has_no_events():
    random = np.random.default_rng(2)
    cloud = random.normal(size=(500, 6))
    steps = [cloud + 0.1 * random.normal(size=cloud.shape) for _ in range(5)]
    assert events(make_atlases(steps)) == []


def test_birth_and_end_with_their_samples():
    # Twenty rows leave each of four groups and come together, and at last go back to them.
    at_home = [{0, 4}, {1, 5}, {2, 6}, {3, 7}]
    history = simulate_run(
        [80] * 4 + [20] * 4, (at_home, [{0}, {1}, {2}, {3}, {4, 5, 6, 7}], at_home)
    )
    run = track(make_atlases(history))
    found = [(atlas.step, event) for atlas in run for event in atlas.events]
    assert [(step, event.kind) for step, event in found] == [(200, "born"), (500, "dies")]
    born, dies = (event for _, event in found)
    assert born.before == dies.after == ()
    assert born.after == dies.before
    for atlas, event in ((run[2], born), (run[4], dies)):
        members = np.isin(atlas.samples.concepts, event.before + event.after)
        assert (members & (history.unit >= 4)).sum() >= 0.9 * (members | (history.unit >= 4)).sum()
        assert event.cell is not None


def split_run() -> tuple[SyntheticRun, list[Atlas]]:
    history = simulate_run([120, 80, 100], ([{0, 1}, {2}], [{0}, {1}, {2}]), seed=1)
    names = ("cat", "dog", "ship")
    return history, make_atlases(history, labels=history.unit, classes=names)


def test_the_history_of_a_concept():
    history, atlases = split_run()
    lines = track_concepts(atlases)
    pets, ship, dog = lines
    assert (pets.name, ship.name, dog.name) == ("cat/dog 1", "ship 1", "dog 1")
    assert (pets.born, ship.born, dog.born) == (0, 0, 200)
    assert (pets.began, dog.began, dog.parents) == ("first", "splits", (pets.id,))
    assert pets.children == (dog.id,)
    assert [line.ended for line in lines] == [None, None, None]
    assert [step.size for step in pets.steps] == [200, 200, 120, 120, 120]
    np.testing.assert_array_equal(dog.steps[0].members, np.flatnonzero(history.unit == 1))
    assert pets.steps[0].class_mix == {0: 0.6, 1: 0.4}
    assert dog.steps[0].class_mix == {1: 1.0}
    assert dog.steps[0].overlap == 1
    # 120 of 200 and 120 of 120 are shared; chance gives 200 * 120 / 300 = 80 of a mean of 160.
    assert pets.steps[2].overlap == pytest.approx((120 - 80) / (160 - 80))


def test_a_merge_ends_the_smaller_concept():
    history = simulate_run([120, 80, 100], ([{0}, {1}, {2}], [{0, 1}, {2}]), seed=1)
    big, _, small = track_concepts(make_atlases(history))
    assert (small.ended, small.end, small.children) == (200, "merges", (big.id,))
    assert (big.ended, big.end) == (None, "")


def test_the_event_of_a_split():
    _, atlases = split_run()
    (event,) = (event for atlas in track(atlases) for event in atlas.events)
    assert event.text == "cat/dog 1 (200) split into cat/dog 1 (120) and dog 1 (80)"
    assert event.before_step == 100
    assert event.confidence == pytest.approx(1, abs=0.01)
    # 80 samples changed company; how well the two mixed before and mix now is the contrast.
    assert 0.8 * 80 < event.score <= 80
    assert event.cell[0] == 4


def test_without_labels_a_name_is_a_number():
    history = simulate_run([60, 60], [[{0}, {1}]], hold=1)
    (atlas,) = track(make_atlases(history))
    assert [state.name for state in atlas.concepts] == ["concept 1000", "concept 1001"]
    assert [state.top_class for state in atlas.concepts] == [None, None]


def test_a_tracker_continues_from_an_atlas_of_a_log():
    _, atlases = split_run()
    whole = track(atlases)
    for stop in (1, 2, 3):
        read = decode_atlas(encode_atlas(whole[stop - 1]))
        tracker = ConceptTracker(read)
        for atlas, expected in zip(atlases[stop:], whole[stop:], strict=True):
            resumed = tracker.advance(atlas)
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
    tracker = ConceptTracker(atlases[0])
    first = tracker.advance(atlases[1])
    assert first.events == ()
    assert {state.born for state in first.concepts} == {100}


def test_unknown_ids_of_a_previous_atlas_are_ignored():
    _, atlases = split_run()
    earlier = track(atlases[:1])[0]
    wild = np.full(300, 7, np.int32)
    wild[:50] = earlier.concepts[0].id
    samples = dataclasses.replace(earlier.samples, concepts=wild)
    resumed = ConceptTracker(earlier.replace(samples=samples)).advance(atlases[1])
    # Fifty of two hundred samples do not identify the cluster, and the other clusters are new.
    assert resumed.events == ()
    assert 7 not in resumed.samples.concepts


def test_a_repeated_step_replaces_the_first():
    _, atlases = split_run()
    once = track(atlases)
    twice = track([atlases[0], atlases[1], atlases[2], atlases[2], atlases[3]])
    assert twice[3].events == once[2].events
    np.testing.assert_array_equal(twice[4].samples.concepts > 0, once[3].samples.concepts > 0)
    assert len(twice[4].concepts) == 3


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
    "300 samples and step 200 40": lambda atlas: atlas_from_activations(
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
    history = simulate_run([60, 80, 100], [[{0}, {1}, {2}]], hold=4)
    steps = [rows.copy() for rows in history.activations]
    steps[1][::5] = np.nan
    run = track(make_atlases(steps))
    assert (run[1].samples.concepts[::5] == -1).all()
    assert [event.text for atlas in run for event in atlas.events] == []
    ids = [[state.id for state in atlas.concepts] for atlas in run]
    assert ids == [ids[0]] * 4


def test_a_step_of_nan_alone_has_no_concepts():
    history = simulate_run([60, 80], [[{0}, {1}]], hold=3)
    steps = [rows.copy() for rows in history.activations]
    steps[1][:] = np.nan
    run = track(make_atlases(steps))
    assert [len(atlas.concepts) for atlas in run] == [2, 0, 2]
    assert [event.text for atlas in run for event in atlas.events] == []


@pytest.mark.parametrize("rows", range(1, 21))
def test_few_samples_are_one_cluster_or_none(rows):
    random = np.random.default_rng(rows)
    base = random.normal(size=(rows, 8)) + 3
    steps = [base + 0.01 * random.normal(size=base.shape) for _ in range(3)]
    for atlas in track(make_atlases(steps)):
        assert len(atlas.concepts) == (1 if rows >= 12 else 0)
        assert atlas.events == ()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_rows_have_no_events(value):
    run = track(make_atlases([np.full((100, 8), value)] * 3))
    assert [event.text for atlas in run for event in atlas.events] == []
    for atlas in run[1:]:
        np.testing.assert_array_equal(atlas.samples.concepts, run[0].samples.concepts)


def test_events_of_a_run_are_ranked_over_all_steps():
    history = simulate_run(
        [100, 60, 30, 100], ([{0, 1, 2}, {3}], [{0, 2}, {1}, {3}], [{0}, {1}, {2}, {3}])
    )
    ranked = detect_events(make_atlases(history))
    assert [(one.step, one.event.kind) for one in ranked] == [(200, "splits"), (500, "splits")]
    assert ranked[0].event.score > ranked[1].event.score
    assert ranked == rank_events(track(make_atlases(history)))


def test_a_step_keeps_a_bounded_number_of_events():
    scene = [{2 * i, 2 * i + 1} for i in range(30)]
    parted = [{i} for i in range(60)]
    history = simulate_run([20] * 60, (scene, parted), channels=128, noise=0.6, hold=1)
    counts = [len(atlas.events) for atlas in track(make_atlases(history))]
    assert max(counts) == MAX_EVENTS == 24


def test_ids_are_not_reused():
    scenes = ([{0, 1}, {2}], [{0}, {1}, {2}], [{0, 1}, {2}], [{0}, {1}, {2}])
    history = simulate_run([120, 80, 100], scenes)
    lines = track_concepts(make_atlases(history))
    assert len(lines) == 4
    assert len({line.id for line in lines}) == 4
    assert len({line.name for line in lines}) == 4
