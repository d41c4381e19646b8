# SPDX-License-Identifier: Apache-2.0
"""Concepts that two atlases share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from synthetic_concepts import simulate_concepts
from synthetic_runs import make_atlases

from tensorboard_plugin_atlas import ConceptTracker, compare_atlases, compare_runs
from tensorboard_plugin_atlas.analysis.concept_matches import MIN_JACCARD, match_concepts
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError


def track(seed: int, *, noise: float = 0.0, run: str = "") -> Atlas:
    """Returns an atlas of synthetic concepts, with noise on the activations."""
    rows = simulate_concepts(seed, steps=1).activations[0].astype(np.float32)
    rows += noise * rows.std() * np.random.default_rng(9).normal(size=rows.shape)
    (atlas,) = make_atlases([rows])
    return ConceptTracker().advance(atlas).replace(run=run)


def test_by_hand():
    a = np.array([0] * 6 + [1] * 4 + [2] * 3 + [-1])
    b = np.array([7] * 5 + [8] * 5 + [9] * 3 + [9])
    diff = match_concepts(a, b)
    assert [one.jaccard for one in diff.shared] == [5 / 6, 4 / 5, 3 / 4]
    assert (diff.shared[0].size_a, diff.shared[0].size_b, diff.shared[0].both) == (6, 5, 5)
    assert {(one.a, one.b) for one in diff.shared} == {(0, 7), (1, 8), (2, 9)}
    assert diff.agreement == 12 / 14
    assert diff.only_a == diff.only_b == {}


def test_concepts_without_a_match_are_listed_with_their_sizes():
    a = np.array([0] * 10 + [1] * 10)
    b = np.array([5] * 10 + [6, 7, 8, 9, 10] * 2)
    diff = match_concepts(a, b)
    (first, second) = diff.shared
    assert (first.a, first.b, first.jaccard) == (0, 5, 1.0)
    assert (second.a, second.jaccard) == (1, MIN_JACCARD)
    assert set(diff.only_b.values()) == {2}
    none = match_concepts(a, np.full(20, -1))
    assert (none.shared, none.only_a, none.only_b) == ((), {0: 10, 1: 10}, {})
    assert none.agreement == 0


ids = arrays.arrays(np.int32, 30, elements=st.integers(-1, 6))


@given(a=ids, b=ids)
def test_every_concept_is_matched_once_or_listed(a, b):
    diff = match_concepts(a, b)
    for side, rest in (("a", diff.only_a), ("b", diff.only_b)):
        values = {"a": a, "b": b}[side]
        matched = [getattr(one, side) for one in diff.shared]
        assert len(matched) == len(set(matched))
        assert set(matched) | set(rest) == set(values[values >= 0].tolist())
        assert not set(matched) & set(rest)
    assert all(one.jaccard >= MIN_JACCARD for one in diff.shared)
    assert 0 <= diff.agreement <= 1


def test_similar_runs_share_more_concepts_than_unrelated_ones():
    first, similar, other = track(0), track(0, noise=0.1), track(1)
    near, far = (compare_atlases(first, one).concepts for one in (similar, other))
    assert near is not None
    assert far is not None
    assert near.agreement > 0.8
    assert far.agreement < 0.1
    assert len(near.shared) > 20


def test_atlases_without_concepts_share_none():
    atlas = track(0)
    (plain,) = make_atlases([np.asarray(atlas.activations, np.float32)])
    assert compare_atlases(atlas, plain).concepts is None


def test_a_matrix_of_runs():
    matrix = compare_runs([track(0, run="a"), track(0, noise=0.1, run="b"), track(1, run="c")])
    assert matrix.names == ("a layer3 0", "b layer3 0", "c layer3 0")
    for values in (matrix.cka, matrix.shared_concepts):
        np.testing.assert_array_equal(values, values.T)
        assert values.diagonal().tolist() == [1, 1, 1]
        assert values[0, 1] > values[0, 2]
    assert str(matrix).splitlines()[0] == "CKA"
    assert "b layer3 0" in str(matrix)


def test_a_matrix_needs_two_atlases():
    with pytest.raises(ArgumentError, match="has 1 atlases; pass at least two"):
        compare_runs([track(0)])
    with pytest.raises(ArgumentError, match="read_atlases"):
        compare_runs("runs/a")
