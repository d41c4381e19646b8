# SPDX-License-Identifier: Apache-2.0
"""Changes of predictions as events of a tracker, a log, and a new map."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_atlases import make_grid, write_atlases
from synthetic_concepts import simulate_concepts
from synthetic_runs import make_atlases

from tensorboard_plugin_atlas.analysis.concepts import atlas_events
from tensorboard_plugin_atlas.analysis.concepts.event_cells import relocate_events
from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker, track_concepts
from tensorboard_plugin_atlas.atlas import Atlas, Event
from tensorboard_plugin_atlas.commands.run_events import find_events
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

NAMES = ("cat", "dog", "ship")
IMAGES = 1000
"""Each image has two samples."""


def make_predictions() -> tuple[NDArray[np.int32], list[NDArray[np.int32]]]:
    """Returns labels of images and predictions at three steps.

    All predictions are correct at first, then 60 dogs are predicted as cats, then 50 are correct
    again.
    """
    labels = (np.arange(IMAGES) % 3).astype(np.int32)
    dogs = np.flatnonzero(labels == 1)
    wrong, few = labels.copy(), labels.copy()
    wrong[dogs[:60]] = 0
    few[dogs[:10]] = 0
    return labels, [labels, wrong, few]


def make_run(name: str | None = None) -> list[Atlas]:
    """Returns atlases without concepts; `name` is what is not known at the second step."""
    labels, predictions = make_predictions()
    image = np.arange(2 * IMAGES, dtype=np.int32) // 2
    atlases = make_atlases(simulate_concepts(0).activations[:3], classes=NAMES)
    run = []
    for atlas, predicted in zip(atlases, predictions, strict=True):
        samples = dataclasses.replace(
            atlas.samples, image_ids=image, labels=labels[image], predictions=predicted[image]
        )
        if name is not None and atlas is atlases[1]:
            samples = dataclasses.replace(samples, **{name: None})
        run.append(atlas.replace(samples=samples))
    return run


def track(atlases: list[Atlas]) -> list[Atlas]:
    following = ConceptTracker()
    return [following.advance(atlas) for atlas in atlases]


def flips(atlas: Atlas) -> list[Event]:
    return [event for event in atlas.events if event.kind == "flips"]


@pytest.fixture(scope="module")
def tracked() -> list[Atlas]:
    return track(make_run())


def test_changes_of_predictions_are_events(tracked: list[Atlas]) -> None:
    assert flips(tracked[0]) == []
    (wrong,), (right,) = flips(tracked[1]), flips(tracked[2])
    assert wrong.text == "60 images of dog are now predicted as cat"
    assert right.text == "50 images of dog, predicted as cat before, are now predicted correctly"
    assert (wrong.classes, right.classes) == ((1, 1, 0), (1, 0, 1))
    assert (wrong.images, wrong.samples, wrong.confidence) == (60, 120, 1)
    assert (wrong.before, wrong.after, wrong.before_step) == ((), (), 0)


def test_the_cell_holds_most_of_the_samples(tracked: list[Atlas]) -> None:
    (event,) = flips(tracked[1])
    grid = tracked[1].grids[0]
    assert event.cell is not None
    (cell,) = np.flatnonzero((grid.rows == event.cell[1]) & (grid.cols == event.cell[2]))
    is_changed = tracked[1].predictions != tracked[0].predictions
    counts = np.bincount(grid.cell_of[is_changed], minlength=len(grid.rows))
    assert counts[cell] == counts.max() > 0


@pytest.mark.parametrize("name", ["labels", "predictions"])
def test_nothing_is_found_without_labels_or_predictions(name: str) -> None:
    assert [flips(atlas) for atlas in track(make_run(name))] == [[], [], []]


def test_concepts_and_their_events_stay_the_same(tracked: list[Atlas]) -> None:
    plain = track(
        [
            atlas.replace(samples=dataclasses.replace(atlas.samples, predictions=None))
            for atlas in make_run()
        ]
    )
    for atlas, other in zip(tracked, plain, strict=True):
        assert tuple(one for one in atlas.events if one.kind != "flips") == other.events
        assert atlas.concepts == other.concepts
        assert atlas.concept_change == other.concept_change
    ends = [(one.began, one.end) for one in track_concepts(make_run())]
    assert not {"flips"} & set(itertools.chain(*ends))


def test_a_tracker_continues_from_an_atlas_of_a_log(tracked: list[Atlas]) -> None:
    atlases = make_run()
    for stop in (1, 2):
        resumed = ConceptTracker(decode_atlas(encode_atlas(tracked[stop - 1])))
        for atlas, expected in zip(atlases[stop:], tracked[stop:], strict=True):
            assert resumed.advance(atlas).events == expected.events


def test_a_repeated_step_is_compared_to_the_step_before_it() -> None:
    first, second, third = make_run()
    twice = track([first, second, second, third])
    assert flips(twice[1]) == flips(twice[2])
    assert len(flips(twice[2])) == len(flips(twice[3])) == 1


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_events_of_concepts_and_predictions_have_limits_of_their_own(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = track(make_run())
    assert sorted(one.kind for one in everything[2].events) == ["born", "flips"]
    assert everything[2].events[0].kind == "flips"
    monkeypatch.setattr(atlas_events, "MAX_PREDICTION_EVENTS", limit)
    for atlas, whole in zip(track(make_run()), everything, strict=True):
        of_concepts = [one for one in whole.events if one.kind != "flips"]
        expected = [*of_concepts, *flips(whole)[:limit]]
        assert sorted(one.text for one in atlas.events) == sorted(one.text for one in expected)


def test_events_are_ranked_by_score(tracked: list[Atlas]) -> None:
    for atlas in tracked:
        scores = [one.score for one in atlas.events]
        assert scores == sorted(scores, reverse=True)


def move(atlas: Atlas) -> Atlas:
    """Returns an atlas with another map."""
    xy = np.random.default_rng(9).random(atlas.xy.shape).astype(np.float32)
    is_changed = (atlas.labels == 1) & (atlas.predictions == 0)
    xy[is_changed] = 0.9
    grid = make_grid(5, xy, np.zeros(len(xy), np.int32), 8, 1)
    return atlas.replace(samples=dataclasses.replace(atlas.samples, xy=xy), grids=(grid,))


def test_events_keep_a_valid_cell_on_a_new_map(tracked: list[Atlas]) -> None:
    moved = [move(atlas) for atlas in tracked]
    assert relocate_events(tracked[1], tracked[0]).events == tracked[1].events
    for previous in (moved[0], None):
        again = relocate_events(moved[1], previous)
        (event,) = flips(again)
        assert event.cell == (5, 4, 4)
        assert dataclasses.replace(event, cell=None) == dataclasses.replace(
            flips(tracked[1])[0], cell=None
        )
    samples = dataclasses.replace(moved[1].samples, predictions=None)
    (event,) = flips(relocate_events(moved[1].replace(samples=samples), moved[0]))
    assert event.cell is None


def test_the_events_of_a_log(tracked: list[Atlas], tmp_path: Path) -> None:
    write_atlases(tmp_path / "a", tracked)
    report = find_events(tmp_path)
    found = [one for one in report.as_dict()["events"] if one["kind"] == "flips"]
    assert [(one["step"], one["classes"], one["images"]) for one in found] == [
        (100, [1, 1, 0], 60),
        (200, [1, 0, 1], 50),
    ]
    assert found[0]["before"] == found[0]["after"] == []
    assert found[0]["text"] == "60 images of dog are now predicted as cat"


@pytest.fixture(scope="module")
def less_confident() -> list[Atlas]:
    """Returns tracked atlases; the confidence on dogs falls at the third step."""
    run = []
    for number, atlas in enumerate(make_run()):
        image = atlas.image_ids
        confidences = 0.7 + 0.1 * np.random.default_rng(number).random(IMAGES)
        if number == 2:
            confidences[atlas.labels[::2] == 1] -= 0.4
        samples = dataclasses.replace(
            atlas.samples,
            predictions=atlas.labels,
            confidences=confidences[image].astype(np.float16),
        )
        run.append(atlas.replace(samples=samples))
    return track(run)


def of_confidence(atlas: Atlas) -> list[Event]:
    return [event for event in atlas.events if event.kind == "confidence"]


def test_changes_of_confidence_are_events(less_confident: list[Atlas]) -> None:
    assert [len(of_confidence(atlas)) for atlas in less_confident] == [0, 0, 1]
    (event,) = of_confidence(less_confident[2])
    dogs = int((less_confident[2].labels == 1).sum())
    assert event.classes == (1,)
    assert (event.images, event.samples, event.confidence) == (dogs // 2, dogs, 1)
    assert event.text.startswith(f"confidence on {dogs // 2} images of dog fell from 75% to 35% (")
    assert event.score == pytest.approx(dogs * 0.4, rel=0.02)
    assert (event.before, event.after) == ((), ())


def test_a_change_of_confidence_is_found_after_a_restart(less_confident: list[Atlas]) -> None:
    resumed = ConceptTracker(decode_atlas(encode_atlas(less_confident[1])))
    again = resumed.advance(decode_atlas(encode_atlas(less_confident[2])))
    assert of_confidence(again) == of_confidence(less_confident[2])


def test_a_change_of_confidence_has_a_cell_on_a_new_map(less_confident: list[Atlas]) -> None:
    (event,) = of_confidence(relocate_events(less_confident[2], less_confident[1]))
    assert event == of_confidence(less_confident[2])[0]
    samples = dataclasses.replace(less_confident[2].samples, labels=None)
    (event,) = of_confidence(relocate_events(less_confident[2].replace(samples=samples), None))
    assert event.cell is None


@pytest.mark.parametrize(
    ("kind", "kinds"), [("predictions", {"confidence"}), ("concepts", {"born", "splits", "merges"})]
)
def test_events_of_one_kind(
    kind: Literal["predictions", "concepts"],
    kinds: set[str],
    less_confident: list[Atlas],
    tmp_path: Path,
) -> None:
    write_atlases(tmp_path / "a", less_confident)
    found = {one.event.kind for one in find_events(tmp_path).filter(kind).events}
    assert found
    assert found <= kinds
