# SPDX-License-Identifier: Apache-2.0
"""Changes of predictions between two steps, with hand-computed numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.analysis.concepts.event_sentences import describe_prediction_change
from tensorboard_plugin_atlas.analysis.concepts.naming import MAX_CLASS_NAME
from tensorboard_plugin_atlas.analysis.concepts.prediction_changes import (
    ImagePredictions,
    PredictionChange,
    find_prediction_changes,
)

CAT, DOG, SHIP = range(3)
NAMES = ("cat", "dog", "ship")

Groups = list[tuple[int, int, int, int]]
"""Groups of images: their number, label, prediction before, and prediction now."""

QUIET: Groups = [(100, CAT, CAT, CAT), (100, DOG, DOG, DOG), (100, SHIP, SHIP, SHIP)]


def make_sides(
    groups: Groups, per_image: int | NDArray[np.int64] = 1, seed: int = 0
) -> tuple[ImagePredictions, ImagePredictions]:
    """Returns the predictions before and now; the samples are in random order.

    Args:
        groups: The images.
        per_image: Samples of each image.
        seed: Of the order.
    """
    table = np.repeat([one[1:] for one in groups], [one[0] for one in groups], axis=0)
    images = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(table)), per_image))
    label, before, now = table[images].T.astype(np.int32)
    ids = (7 * images + 3).astype(np.int32)
    return (ImagePredictions(ids, label, before), ImagePredictions(ids, label, now))


def find(groups: Groups, per_image: int | NDArray[np.int64] = 1) -> list[PredictionChange]:
    return list(find_prediction_changes(*make_sides(groups, per_image)))


def classes_of(found: list[PredictionChange]) -> list[tuple[int, int, int]]:
    return [(one.label, one.before, one.now) for one in found]


def test_images_of_dog_that_are_now_predicted_as_cat() -> None:
    (change,) = find([*QUIET, (41, DOG, DOG, CAT), (6, DOG, CAT, DOG)])
    assert classes_of([change]) == [(DOG, DOG, CAT)]
    assert (change.images, change.back, change.samples) == (41, 6, 41)
    assert change.confidence == 1
    assert change.score == 41
    text = "41 images of dog are now predicted as cat (6 the other way)"
    assert describe_prediction_change(change, NAMES) == text


def test_images_of_cat_that_are_now_predicted_correctly() -> None:
    (change,) = find([*QUIET, (38, CAT, DOG, CAT)])
    assert classes_of([change]) == [(CAT, DOG, CAT)]
    text = "38 images of cat, predicted as dog before, are now predicted correctly"
    assert describe_prediction_change(change, NAMES) == text


def test_images_are_counted_once_however_many_samples_they_have() -> None:
    groups = [*QUIET, (30, DOG, DOG, CAT)]
    per_image = np.random.default_rng(1).integers(1, 9, 330)
    before, now = make_sides(groups, per_image)
    (change,) = find_prediction_changes(before, now)
    assert change.images == 30
    assert change.samples == per_image[300:].sum()
    assert change.score == change.samples * change.confidence
    np.testing.assert_array_equal(
        change.rows, (now.labels == DOG) & (before.predictions == DOG) & (now.predictions == CAT)
    )
    # Many samples of few images are no evidence.
    assert find([*QUIET, (4, DOG, DOG, CAT)], per_image=50) == []


@pytest.mark.parametrize(
    ("there", "back", "is_found"),
    [
        (8, 0, False),  # z = 2.83
        (9, 0, True),  # z = 3
        (4, 0, False),
        (30, 10, True),  # z = 3.16
        (30, 12, False),  # z = 2.78
        (50, 50, False),
        (400, 330, False),  # z = 2.59
        (400, 310, True),  # z = 3.38
    ],
)
def test_a_change_needs_three_deviations(there: int, back: int, is_found: bool) -> None:
    found = find([*QUIET, (there, DOG, DOG, CAT), (back, DOG, CAT, DOG)])
    assert classes_of(found) == [(DOG, DOG, CAT)] * is_found
    # The other direction is as significant.
    found = find([*QUIET, (there, DOG, CAT, DOG), (back, DOG, DOG, CAT)])
    assert classes_of(found) == [(DOG, CAT, DOG)] * is_found


def test_the_opposite_change_is_that_of_the_same_label() -> None:
    """Cats that are predicted as dogs do not outweigh dogs that are predicted as cats."""
    found = find([*QUIET, (30, DOG, DOG, CAT), (20, CAT, CAT, DOG)])
    assert classes_of(found) == [(DOG, DOG, CAT), (CAT, CAT, DOG)]
    assert [one.back for one in found] == [0, 0]


def test_changes_between_wrong_predictions_are_not_counted() -> None:
    assert find([*QUIET, (80, DOG, CAT, SHIP)]) == []


@pytest.mark.parametrize("column", ["label", "before", "now"])
def test_unknown_labels_and_predictions_are_not_counted(column: str) -> None:
    group = {"label": DOG, "before": DOG, "now": CAT} | {column: -1}
    groups = [*QUIET, (80, group["label"], group["before"], group["now"])]
    assert find(groups) == []


def test_a_label_that_changed_is_not_counted() -> None:
    before, now = make_sides([*QUIET, (30, DOG, DOG, CAT)])
    labels = np.where(now.predictions == CAT, CAT, now.labels)
    assert find_prediction_changes(before, ImagePredictions(now.image_ids, labels, labels)) == ()


def test_without_predictions_or_with_other_images_there_are_no_changes() -> None:
    before, now = make_sides([*QUIET, (30, DOG, DOG, CAT)])
    assert len(find_prediction_changes(before, now)) == 1
    assert find_prediction_changes(None, now) == ()
    assert find_prediction_changes(before, None) == ()
    others = ImagePredictions(now.image_ids + 1, now.labels, now.predictions)
    assert find_prediction_changes(before, others) == ()
    empty = ImagePredictions(*[np.zeros(0, np.int32)] * 3)
    assert find_prediction_changes(empty, empty) == ()
    assert find(QUIET) == []


def test_random_halves_confirm_large_changes_more_often() -> None:
    small, large = (find([*QUIET, (n, DOG, DOG, CAT)])[0].confidence for n in (9, 40))
    assert 0.4 < small < 1
    assert large == 1
    (narrow,) = find([*QUIET, (400, DOG, DOG, CAT), (315, DOG, CAT, DOG)])
    assert 0.2 < narrow.confidence < 0.9


def test_the_result_is_reproducible_and_ranked_by_score() -> None:
    groups = [*QUIET, (12, DOG, DOG, CAT), (9, SHIP, SHIP, CAT), (60, CAT, SHIP, CAT)]
    found = find(groups)
    assert classes_of(found) == [(CAT, SHIP, CAT), (DOG, DOG, CAT), (SHIP, SHIP, CAT)]
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert [one.confidence for one in find(groups)] == [one.confidence for one in found]


def test_random_flips_are_rarely_significant() -> None:
    """Each image is predicted as one of two classes at random, at 200 pairs of steps."""
    random = np.random.default_rng(0)
    labels = np.repeat([CAT, DOG], 200)
    ids = np.arange(400)
    found = 0
    for _ in range(200):
        before, now = random.integers(0, 2, (2, 400))
        found += len(
            find_prediction_changes(
                ImagePredictions(ids, labels, before), ImagePredictions(ids, labels, now)
            )
        )
    assert found <= 4


def test_class_names_are_untrusted() -> None:
    (change,) = find([*QUIET, (30, DOG, DOG, CAT)])
    names = ("\x1b[2Jcat\n", "d" * 500, "ship")
    text = describe_prediction_change(change, names)
    assert text.isprintable()
    assert len(text) < 60 + 2 * MAX_CLASS_NAME
    assert describe_prediction_change(change, None) == (
        "30 images of class 1 are now predicted as class 0"
    )
    assert "class 1 " in describe_prediction_change(change, ("cat",))


@pytest.mark.parametrize("differing", ["labels", "predictions", "confidences", None])
def test_samples_of_one_image_with_several_predictions_have_no_image_predictions(
    differing: str | None,
) -> None:
    """As those of dense logits; what an image predicts is then not known."""
    atlas = make_atlas(0, samples=60)
    image_ids = np.repeat(np.arange(30, dtype=np.int32), 2)
    shared: dict[str, NDArray[Any]] = {
        "labels": np.ones(60, np.int32),
        "predictions": np.ones(60, np.int32),
        "confidences": np.full(60, 0.5, np.float16),
    }
    if differing is not None:
        shared[differing][1] = 0
    samples = dataclasses.replace(atlas.samples, image_ids=image_ids, **shared)
    found = ImagePredictions.from_atlas(dataclasses.replace(atlas, samples=samples))
    assert (found is None) == (differing is not None)
