# SPDX-License-Identifier: Apache-2.0
"""Two leading eigenvectors compared with a dense solver, and cases without a unique solution."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.compute.layout import eigenpairs as spectral
from tensorboard_plugin_atlas.compute.layout.eigenpairs import leading_eigenpairs


def symmetric(values, seed=0):
    """A symmetric matrix with these eigenvalues, and its eigenvectors as columns."""
    random = np.random.default_rng(seed).normal(size=(len(values), len(values)))
    vectors = np.linalg.qr(random)[0]
    return vectors @ np.diag(values) @ vectors.T, vectors


def pair_of(matrix, **options):
    found = leading_eigenpairs(lambda v: matrix @ v, len(matrix), **{"tolerance": 1e-8, **options})
    assert found is not None
    return found


def projector(vectors):
    return vectors @ vectors.T


@pytest.mark.parametrize("size", [2, 3, 12, 59, 60, 61, 300])
def test_equals_a_dense_solver(size):
    values = np.linspace(-1, 1, size) ** 3
    matrix, vectors = symmetric(values)
    found, pair = pair_of(matrix)
    np.testing.assert_allclose(found, values[::-1][:2], atol=1e-8)
    expected = vectors[:, [-1, -2]]
    signs = np.sign((expected * pair).sum(axis=0))
    np.testing.assert_allclose(pair, expected * signs, atol=1e-5)


def test_a_known_eigenvector_is_excluded():
    values = np.linspace(0, 1, 80)
    matrix, vectors = symmetric(values)
    found, pair = pair_of(matrix, known=vectors[:, -1])
    np.testing.assert_allclose(found, values[[-2, -3]], atol=1e-8)
    np.testing.assert_allclose(vectors[:, -1] @ pair, 0, atol=1e-10)


@pytest.mark.parametrize("size", [10, 200])
def test_two_vectors_span_a_double_eigenvalue(size):
    values = np.r_[np.linspace(-1, 0.8, size - 2), 1, 1]
    matrix, vectors = symmetric(values)
    found, pair = pair_of(matrix)
    np.testing.assert_allclose(found, [1, 1], atol=1e-8)
    np.testing.assert_allclose(projector(pair), projector(vectors[:, -2:]), atol=1e-6)


@pytest.mark.parametrize("gap", [0, 1e-13, 1e-7])
def test_rounding_does_not_turn_the_vectors_of_a_double_eigenvalue(gap):
    values = np.r_[np.linspace(-1, 0.8, 48), 1, 1 + gap]
    matrix, vectors = symmetric(values)
    random = np.random.default_rng(1)
    pairs = []
    for turn in (0.0, 0.3, 1.0):
        cosine, sine = np.cos(turn), np.sin(turn)
        turned = vectors.copy()
        turned[:, -2:] = vectors[:, -2:] @ np.array([[cosine, -sine], [sine, cosine]])
        other = turned @ np.diag(values) @ turned.T + 1e-15 * random.normal(size=matrix.shape)
        pairs.append(pair_of((other + other.T) / 2)[1])
    for pair in pairs[1:]:
        np.testing.assert_allclose(pair, pairs[0], atol=1e-6)


def test_if_every_vector_is_an_eigenvector_rounding_does_not_matter():
    # An orthonormal pair of the seeded start itself: the matrix only rescales, and by any factor.
    pairs = [pair_of(scale * np.eye(40))[1] for scale in (1, 1 / 3, 7.7)]
    for pair in pairs:
        np.testing.assert_allclose(pair.T @ pair, np.eye(2), atol=1e-12)
        np.testing.assert_allclose(projector(pair), projector(pairs[0]), atol=1e-12)


def test_fewer_eigenvectors_than_two():
    found, pair = pair_of(np.array([[3.0]]))
    np.testing.assert_allclose(found, [3, 0])
    np.testing.assert_allclose(pair, [[1, 0]] if pair[0, 0] > 0 else [[-1, 0]])
    found, pair = pair_of(np.array([[3.0]]), known=np.ones(1))
    assert not found.any()
    assert not pair.any()


def test_a_matrix_of_zeros():
    found, pair = pair_of(np.zeros((9, 9)))
    assert not found.any()
    np.testing.assert_allclose(pair.T @ pair, np.eye(2), atol=1e-12)


def test_global_random_state_is_neither_used_nor_changed():
    matrix, _ = symmetric(np.linspace(0, 1, 90))
    before = np.random.get_state()[1].copy()
    first = pair_of(matrix)[1]
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.normal(size=100)
    np.testing.assert_array_equal(pair_of(matrix)[1], first)


def test_missing_convergence_is_reported(monkeypatch):
    monkeypatch.setattr(spectral, "_RESTARTS", 3)
    matrix, _ = symmetric(np.linspace(0, 1, 300))
    assert leading_eigenpairs(lambda v: matrix @ v, 300, tolerance=0) is None
