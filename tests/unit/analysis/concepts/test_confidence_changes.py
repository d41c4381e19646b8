# SPDX-License-Identifier: Apache-2.0
"""Changes of confidence between two steps, with known numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.confidence_changes import (
    MIN_CHANGE,
    ConfidenceChange,
    find_confidence_changes,
)
from tensorboard_plugin_atlas.analysis.concepts.event_sentences import describe_confidence_change
from tensorboard_plugin_atlas.analysis.concepts.naming import MAX_CLASS_NAME
from tensorboard_plugin_atlas.analysis.concepts.prediction_changes import ImagePredictions

CAT, DOG, SHIP = range(3)
NAMES = ("cat", "dog", "ship")

Means = dict[int, tuple[float, float]]
"""Label -> mean confidence of its images before and now."""

QUIET: Means = {CAT: (0.7, 0.72), SHIP: (0.7, 0.72)}


def make_sides(
    means: Means, images: int = 100, per_image: int = 2, spread: float = 0.1, seed: int = 0
) -> tuple[ImagePredictions, ImagePredictions]:
    """Returns both sides of `images` images of each label, with samples in random order.

    The confidences of the images of a label have exactly these means.
    """
    random = np.random.default_rng(seed)
    label = np.repeat(list(means), images)
    noise = random.normal(0, spread, (2, len(means), images))
    noise -= noise.mean(axis=2, keepdims=True)
    centers = np.reshape(list(means.values()), (-1, 2)).T[:, :, None]
    values = (centers + noise).reshape(2, -1)
    order = random.permutation(np.repeat(np.arange(len(label)), per_image))
    before, now = (
        ImagePredictions(
            image_ids=(3 * order + 1).astype(np.int32),
            labels=label[order].astype(np.int32),
            predictions=label[order].astype(np.int32),
            confidences=side[order],
        )
        for side in values
    )
    return before, now


def find(means: Means, **options: float) -> tuple[ConfidenceChange, ...]:
    return find_confidence_changes(*make_sides(means, **options))  # type: ignore[arg-type]


def test_confidence_that_falls_on_one_class() -> None:
    (change,) = find(QUIET | {DOG: (0.81, 0.52)})
    assert (change.label, change.images, change.samples) == (DOG, 100, 200)
    assert (change.before, change.now) == pytest.approx((0.81, 0.52))
    assert (change.others_before, change.others_now) == pytest.approx((0.7, 0.72))
    assert change.confidence == 1
    assert change.score == pytest.approx(200 * 0.29)
    assert describe_confidence_change(change, NAMES) == (
        "confidence on 100 images of dog fell from 81% to 52% (other images: 70% to 72%)"
    )


def test_confidence_that_rises_on_one_class() -> None:
    (change,) = find(QUIET | {DOG: (0.4, 0.65)})
    assert describe_confidence_change(change, NAMES).startswith(
        "confidence on 100 images of dog rose from 40% to 65% "
    )


def test_the_largest_change_comes_first() -> None:
    many = dict.fromkeys(range(3, 12), (0.6, 0.61))
    found = find(many | {CAT: (0.8, 0.6), DOG: (0.8, 0.4)})
    assert [one.label for one in found] == [DOG, CAT]


@pytest.mark.parametrize(
    "means",
    [
        pytest.param({CAT: (0.4, 0.7), DOG: (0.4, 0.7), SHIP: (0.4, 0.7)}, id="all classes"),
        pytest.param({CAT: (0.5, 0.8), DOG: (0.5, 0.53), SHIP: (0.5, 0.8)}, id="all but one"),
        pytest.param(QUIET | {DOG: (0.7, 0.72 + 0.9 * MIN_CHANGE)}, id="too little"),
        pytest.param({DOG: (0.8, 0.4)}, id="one class"),
        pytest.param({}, id="no images"),
    ],
)
def test_no_change_is_found(means: Means) -> None:
    assert not [one for one in find(means) if one.label == DOG]


@pytest.mark.parametrize(("images", "found"), [(3, 0), (4, 0), (40, 1)])
def test_a_change_needs_enough_images(images: int, found: int) -> None:
    assert len(find(QUIET | {DOG: (0.9, 0.3)}, images=images, spread=0.05)) == found


def test_an_equal_change_of_all_images_of_a_class_is_found() -> None:
    (change,) = find(QUIET | {DOG: (0.9, 0.5)}, spread=0.0)
    assert change.confidence == 1


def test_the_same_network_has_no_change() -> None:
    before, _ = make_sides(QUIET)
    assert find_confidence_changes(before, before) == ()


def test_random_differences_are_not_significant() -> None:
    found = sum(
        len(find({CAT: (0.5, 0.5), DOG: (0.5, 0.5)}, images=20, spread=0.3, seed=seed))
        for seed in range(200)
    )
    assert found == 0


def random_shift(seed: int) -> tuple[ImagePredictions, ImagePredictions]:
    """Returns sides whose differences are random, with random means."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10), 40).astype(np.int32)
    ids = np.arange(400, dtype=np.int32)

    def side() -> ImagePredictions:
        return ImagePredictions(ids, labels, labels, random.beta(1, 1, 400))

    return side(), side()


def test_false_alarms_are_rare() -> None:
    """The confidence of each image is drawn again: at most one class of 1,000 is found."""
    assert sum(len(find_confidence_changes(*random_shift(seed))) for seed in range(200)) <= 2


def lacking(side: ImagePredictions, **fields: NDArray[np.int32] | None) -> ImagePredictions:
    return dataclasses.replace(side, **fields)  # type: ignore[arg-type]


def test_sides_that_cannot_be_compared() -> None:
    before, now = make_sides(QUIET | {DOG: (0.81, 0.52)})
    assert find_confidence_changes(None, now) == ()
    assert find_confidence_changes(before, None) == ()
    assert find_confidence_changes(lacking(before, confidences=None), now) == ()
    assert find_confidence_changes(before, lacking(now, confidences=None)) == ()
    assert find_confidence_changes(before, lacking(now, image_ids=now.image_ids + 1)) == ()


def test_images_without_a_label_are_not_counted() -> None:
    before, now = make_sides(QUIET | {DOG: (0.81, 0.52)})
    hidden = now.image_ids % 2 == 0
    labels = np.where(hidden, -1, now.labels).astype(np.int32)
    (change,) = find_confidence_changes(lacking(before, labels=labels), lacking(now, labels=labels))
    assert change.images == len(np.unique(now.image_ids[~hidden & (now.labels == DOG)]))
    assert not change.rows[hidden].any()


def test_class_names_are_untrusted() -> None:
    (change,) = find(QUIET | {DOG: (0.81, 0.52)})
    text = describe_confidence_change(change, ("cat", "\x1b[2J\n" + "d" * 500, "ship"))
    assert text.isprintable()
    assert len(text) < 100 + MAX_CLASS_NAME
    assert "100 images of class 1 fell" in describe_confidence_change(change, None)
