# SPDX-License-Identifier: Apache-2.0
"""Matching of samples, on a few boxes."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.sample_matching import (
    label_disagreement,
    match_receptive_fields,
)


def boxes(middles, side=100, reach=4):
    """Boxes around (y, x) centers; the first extends to the end of the image and sets the scale."""
    y, x = np.array(middles).T
    found = np.stack([y - reach, x - reach, y + reach, x + reach], axis=1)
    return np.vstack([found, [side - 2 * reach, side - 2 * reach, side, side]]).astype(np.int32)


def ids(*values, last=99):
    return np.array([*values, last], np.int32)


def test_each_sample_is_matched_with_the_nearest_of_its_image():
    a = boxes([(10, 10), (50, 50), (30, 30)])
    b = boxes([(52, 50), (12, 10), (31, 30)])
    ours, theirs = match_receptive_fields(ids(1, 1, 2), a, ids(1, 1, 3), b)
    np.testing.assert_array_equal(ours, [0, 1, 3])
    np.testing.assert_array_equal(theirs, [1, 0, 3])


def test_positions_further_than_a_tenth_of_the_side_do_not_match():
    near, far = boxes([(20, 20)]), boxes([(20, 31)])
    assert 0 not in match_receptive_fields(ids(1), near, ids(1), far)[0]
    assert 0 in match_receptive_fields(ids(1), near, ids(1), boxes([(20, 29)]))[0]


def test_no_sample_is_used_twice_and_the_nearest_pair_is_first():
    ours, theirs = match_receptive_fields(
        ids(1, 1), boxes([(10, 10), (14, 10)]), ids(1), boxes([(13, 10)])
    )
    np.testing.assert_array_equal(ours, [1, 2])
    np.testing.assert_array_equal(theirs, [0, 1])


def test_positions_are_relative_to_the_input_size():
    ours, theirs = match_receptive_fields(
        ids(7), boxes([(25, 50)], side=100), ids(7), boxes([(56, 112)], side=224, reach=9)
    )
    np.testing.assert_array_equal(ours, [0, 1])
    np.testing.assert_array_equal(theirs, [0, 1])


def test_without_common_images_nothing_matches():
    ours, theirs = match_receptive_fields(
        np.zeros(2, np.int32), boxes([(1, 1)]), np.ones(2, np.int32), boxes([(1, 1)])
    )
    assert len(ours) == len(theirs) == 0


def test_many_samples_of_one_image_equal_a_brute_force_search():
    rng = np.random.default_rng(0)
    a, b = (boxes(rng.uniform(5, 95, (40, 2))) for _ in "ab")
    image_a, image_b = (rng.integers(0, 4, 41).astype(np.int32) for _ in "ab")
    ours, theirs = match_receptive_fields(image_a, a, image_b, b)
    assert len(set(ours)) == len(ours)
    assert len(set(theirs)) == len(theirs)
    np.testing.assert_array_equal(image_a[ours], image_b[theirs])
    middle_a, middle_b = ((x[:, :2] + x[:, 2:]) / 200 for x in (a, b))
    away = np.linalg.norm(middle_a[:, None] - middle_b[None], axis=2)
    away[image_a[:, None] != image_b[None]] = np.inf
    taken = []
    while (least := away.min()) <= 0.1:
        i, j = np.unravel_index(away.argmin(), away.shape)
        assert least == away[i, j]
        taken.append((i, j))
        away[i], away[:, j] = np.inf, np.inf
    assert sorted(taken) == list(zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ([[1], [2], [3], [4]], [[1], [2], [0], [4]], 0.25),
        ([[1]], None, 0),
        (None, [[1]], 0),
        (np.zeros((0, 1)), np.zeros((0, 1)), 0),
        # Several labels in another order and with other padding.
        ([[1, 2, -1], [3, -1, -1]], [[2, 1], [3, 4]], 0.5),
        ([[-1, -1]], [[-1]], 0),
        ([[5]], [[-1]], 1),
    ],
)
def test_label_disagreement(a, b, share):
    given = [None if x is None else np.array(x) for x in (a, b)]
    assert label_disagreement(*given) == share
