# SPDX-License-Identifier: Apache-2.0
"""The fuzzy graph compared with umap-learn, initialization, and the import of umap."""

from __future__ import annotations

import locale
import warnings

import numpy as np
import pytest
import scipy.sparse
import torch

from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.compute.layout import eigenpairs as spectral
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.fuzzy_graph import fuzzy_graph
from tensorboard_plugin_atlas.compute.layout.initial_layout import (
    find_start,
    pca_coordinates,
    scale_start,
)
from tensorboard_plugin_atlas.compute.layout.umap_optimizer import import_umap


@pytest.fixture(scope="module")
def unit():
    return unit_rows(np.random.default_rng(0).normal(size=(60, 6)))


def test_fuzzy_graph_equals_umap_learn(unit):
    indices, distances = nearest_neighbors(unit, 7)
    own = np.arange(len(unit))[:, None]
    full_indices = np.hstack([own, indices])
    full_distances = np.hstack([np.zeros_like(own), distances]).astype(np.float32)
    with import_umap() as umap:  # py_func: the same code without seconds of compilation
        widths, nearest_distance = umap.smooth_knn_dist.py_func(full_distances, 8.0)
        rows, columns, values, _ = umap.compute_membership_strengths.py_func(
            full_indices, full_distances, widths, nearest_distance
        )
    one_way = scipy.sparse.coo_matrix((values, (rows, columns)), shape=(60, 60)).toarray()
    expected = one_way + one_way.T - one_way * one_way.T
    np.testing.assert_allclose(fuzzy_graph(indices, distances).toarray(), expected, atol=1e-5)


def test_hand_computed_fuzzy_graph():
    # k = 3 with the row itself counted as umap does: one-way weights sum to log2(4) = 2, the
    # nearest has weight 1, so two equally far others share the rest: 1/2 each.
    indices = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]], np.int32)
    distances = np.array([[0.1, 0.3, 0.3]] * 4, np.float32)
    graph = fuzzy_graph(indices, distances).toarray()
    assert graph[0, 1] == pytest.approx(1)  # 1 + 1 - 1
    assert graph[0, 2] == pytest.approx(1)  # 1/2 + 1 - 1/2
    assert graph[2, 3] == pytest.approx(0.75, abs=1e-5)  # 1/2 + 1/2 - 1/4
    np.testing.assert_array_equal(graph, graph.T)


def test_a_connected_graph_starts_from_a_spectral_embedding_others_from_pca(unit):
    start, note = find_start(unit, fuzzy_graph(*nearest_neighbors(unit, 7)))
    assert note is None
    assert np.abs(scale_start(start, 0)).max() == pytest.approx(10, abs=0.01)

    islands = np.vstack([np.eye(2)[[0] * 20], np.eye(2)[[1] * 20]])
    islands = unit_rows(islands + np.random.default_rng(1).normal(scale=0.01, size=(40, 2)))
    start, note = find_start(islands, fuzzy_graph(*nearest_neighbors(islands, 5)))
    assert "PCA" in note
    assert "2 components" in note
    assert start[:20, 0].max() < start[20:, 0].min() or start[:20, 0].min() > start[20:, 0].max()


@pytest.mark.parametrize("shape", [(30, 5), (4, 9), (3, 1)])
def test_pca_coordinates_keep_the_two_largest_variances(shape):
    rows = np.random.default_rng(0).normal(size=shape)
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)[:2]
    coordinates = pca_coordinates(rows.astype(np.float32))
    expected = np.zeros(2)
    expected[: len(values)] = values
    np.testing.assert_allclose(np.linalg.norm(coordinates, axis=0), expected, rtol=1e-4)


def test_rows_on_a_line_have_no_second_axis():
    coordinates = pca_coordinates(unit_rows(np.array([[1, 0, 0], [1, 2, 3]], np.float32)))
    assert coordinates[0, 0] == -coordinates[1, 0] != 0
    assert (coordinates[:, 1] == 0).all()
    assert (pca_coordinates(np.full((7, 3), 0.1, np.float32)) == 0).all()


def test_importing_umap_restores_the_process():
    threads, numeric = torch.get_num_threads(), locale.setlocale(locale.LC_NUMERIC)
    try:
        with import_umap():
            torch.set_num_threads(threads + 1)
            locale.setlocale(locale.LC_NUMERIC, "C")
            warnings.warn("not for the user", stacklevel=1)
        assert torch.get_num_threads() == threads
        assert locale.setlocale(locale.LC_NUMERIC) == numeric
    finally:
        torch.set_num_threads(threads)


def test_a_spectral_start_that_does_not_converge_becomes_pca(monkeypatch, unit):
    graph = fuzzy_graph(*nearest_neighbors(unit, 7))
    monkeypatch.setattr(spectral, "_RESTARTS", 0)
    start, note = find_start(unit, graph)
    assert "did not converge" in note
    assert np.isfinite(start).all()
