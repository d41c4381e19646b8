# SPDX-License-Identifier: Apache-2.0
"""Anchors of samples, against hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from tensorboard_plugin_atlas.compute.layout.anchoring import (
    align_procrustes,
    compute_anchors,
    direction_similarity,
    initial_coordinates,
    neighbor_recall,
)


def test_recall_counts_neighbors_among_the_nearest_points_of_the_map():
    # k = 1, so the three nearest points count: 0 has 1, 2, 3 around it and not 5.
    coordinates = np.stack([np.arange(6.0), np.zeros(6)], axis=1)
    neighbors = np.array([[3], [5], [3], [0], [3], [-1]], np.int32)
    assert neighbor_recall(coordinates, neighbors).tolist() == [1, 0, 1, 0, 1, 0]


def test_a_sample_starts_at_its_previous_coordinates_or_among_its_neighbors():
    coordinates = np.array([[0, 0], [4, 0], [0, 8]], np.float32)
    graph = scipy.sparse.csr_matrix(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], np.float64))
    start = initial_coordinates(coordinates, graph, np.array([0.25, 0.5, 0.0]))
    # Row 0 is half way to its neighbors' mean, weighted by what they kept: .52 and .02 of .54.
    among = np.array([4 * 0.52, 8 * 0.02]) / 0.54
    np.testing.assert_allclose(start, [among / 2, [4, 0], [0, 0]], atol=1e-6)
    assert start.dtype == np.float32


def test_strength_grows_with_overlap_recall_and_similarity():
    overlap = np.array([0, 0.5, 0.5, 0.5, 1], np.float32)
    recall = np.array([1, 1, 0.5, 1, 0], np.float32)
    similarity = np.array([1, 1, 1, 0.5, 0], np.float32)
    anchors = compute_anchors(np.zeros((5, 2), np.float32), overlap, recall, similarity, 2)
    full = 28 * 2 * (0.5 / 0.55) ** 1.5
    np.testing.assert_allclose(
        anchors.strengths, [0, full, full / 4, full / 2, 28 * 2 / 0.05**1.5], rtol=1e-5
    )
    half = 0.5**0.25
    np.testing.assert_allclose(anchors.mobility, [1, half, half, half, 0], rtol=1e-6)


def test_direction_similarity_is_a_clipped_cosine():
    before = np.array([[1, 0], [1, 0], [1, 0], [0, 0], [np.nan, 1], [6e4, 0]], np.float16)
    now = np.array([[3, 0], [1, 1], [-1, 0], [1, 0], [1, 1], [6e4, 6e4]], np.float16)
    half = 0.5**0.5
    np.testing.assert_allclose(
        direction_similarity(now, before), [1, half, 0, 0, 0, half], atol=1e-6
    )
    assert (
        direction_similarity(now, before[:, :1]).tolist()
        == direction_similarity(now, None).tolist()
        == [1] * 6
    )


@pytest.mark.parametrize("mirror", [1, -1])
def test_procrustes_inverts_rotation_reflection_and_translation(mirror):
    coordinates = np.random.default_rng(0).normal(size=(50, 2)) * [3, 1]
    sine, cosine = np.sin(2), np.cos(2)
    rotated = coordinates @ np.array([[cosine, sine], [-sine, cosine]]) * [mirror, 1] + [7, -2]
    np.testing.assert_allclose(align_procrustes(rotated, coordinates), coordinates, atol=1e-5)


def test_procrustes_does_not_scale():
    coordinates = np.random.default_rng(0).normal(size=(50, 2))
    aligned = align_procrustes(coordinates * 5, coordinates)
    np.testing.assert_allclose(
        aligned - aligned.mean(axis=0), 5 * (coordinates - coordinates.mean(axis=0)), atol=1e-4
    )
