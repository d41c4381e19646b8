# SPDX-License-Identifier: Apache-2.0
"""Start of a first layout: a spectral embedding of the neighbor graph, or PCA."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from tensorboard_plugin_atlas.analysis.directions import to_integers
from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.layout.eigenpairs import leading_eigenpairs

_START_SIZE = 10.0
_START_NOISE = 1e-4
_MIN_FOR_SPECTRAL = 12
_SPECTRAL_UP_TO = 20_000
_EIGEN_TOLERANCE = 1e-4
_ZERO_VARIANCE = 1e-12
"""Variance along an axis, relative to the first axis, that is zero up to rounding."""


def find_start(unit: FloatArray, graph: scipy.sparse.csr_matrix) -> tuple[NDArray[Any], str | None]:
    """Returns the coordinates from which a first layout starts, of any scale.

    A spectral embedding takes more than quadratic time. From 20,000 samples on, maps that start
    from PCA are as good: see `benchmarks/scale.py`.

    Args:
        unit: (N, C) directions, N >= 2.
        graph: (N, N) fuzzy graph of the same rows.

    Returns:
        (N, 2) coordinates, spectral or by PCA, and a note if the spectral ones are undefined.
    """
    if len(unit) > _SPECTRAL_UP_TO:
        return pca_coordinates(unit), None
    components = connected_components(graph, directed=False, return_labels=False)
    note = None
    if components > 1:
        note = f"layout: started from PCA, the neighbor graph has {components} components"
    elif len(unit) >= _MIN_FOR_SPECTRAL:
        coordinates = _embed_spectral(graph)
        if coordinates is not None:
            return coordinates, None
        note = "layout: started from PCA, the spectral start did not converge"
    return pca_coordinates(unit), note


def _embed_spectral(graph: scipy.sparse.csr_matrix) -> NDArray[np.float64] | None:
    """Returns the spectral embedding of a connected graph, or None without convergence."""
    degrees = np.asarray(graph.sum(axis=0)).ravel()
    inverse = scipy.sparse.diags(1 / np.sqrt(degrees))
    # The largest eigenvalues of the identity minus the normalized Laplacian. The first is 1, with
    # a trivial eigenvector.
    similar = (inverse @ graph @ inverse).tocsr()
    found = leading_eigenpairs(
        lambda vector: similar @ vector,
        len(degrees),
        known=np.sqrt(degrees / degrees.sum()),
        tolerance=_EIGEN_TOLERANCE,
    )
    return None if found is None else found[1]


def pca_coordinates(unit: FloatArray) -> FloatArray:
    """Returns (N, 2) float32 scores on the two leading principal axes, 0 for a missing axis."""
    coordinates = np.zeros((len(unit), 2), np.float32)
    centered = unit.astype(np.float64)
    centered -= centered.mean(axis=0)
    peak = np.abs(centered).max()
    if peak == 0:
        return coordinates
    # The smaller Gram matrix: N or C may be tens of thousands, but not both.
    is_tall = len(unit) > unit.shape[1]
    whole = to_integers(centered / peak, max(unit.shape))
    gram = whole.T @ whole if is_tall else whole @ whole.T
    found = leading_eigenpairs(
        lambda vector: np.einsum("ij,j->i", gram, vector), len(gram), tolerance=_EIGEN_TOLERANCE
    )
    if found is None:
        return coordinates
    values, vectors = found
    scores = (
        np.einsum("nc,cd->nd", whole, vectors) if is_tall else vectors * np.sqrt(values.clip(0))
    )
    kept = values > _ZERO_VARIANCE * values[0]
    coordinates[:, kept] = scores[:, kept] * (peak / np.abs(whole).max())
    return coordinates


def scale_start(coordinates: NDArray[Any], seed: int) -> FloatArray:
    """Scales a start to a half width of 10, with a small noise that separates equal coordinates.

    Args:
        coordinates: (N, 2) from `find_start`.
        seed: Seed of the noise.

    Returns:
        (N, 2) float32.
    """
    largest = float(np.abs(coordinates).max())
    scaled = coordinates * (_START_SIZE / largest if largest > 0 else 1.0)
    noise = np.random.RandomState(seed).normal(scale=_START_NOISE, size=coordinates.shape)
    return (scaled + noise).astype(np.float32)
