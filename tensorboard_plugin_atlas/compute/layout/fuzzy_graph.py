# SPDX-License-Identifier: Apache-2.0
"""UMAP from a neighbor list: fuzzy graph, initialization and optimization.

In every new process, `umap.UMAP().fit` compiles for ten times as long as it takes to lay out two
thousand samples. So the fuzzy graph and the start are computed here in numpy and scipy. umap-learn
(McInnes, Healy and Melville 2018) is used for its optimizer, as a reference.
"""

from __future__ import annotations

import locale
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from tensorboard_plugin_atlas.analysis.directions import to_integers
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.eigenpairs import leading_eigenpairs

_SEARCH_STEPS = 64
_SEARCH_TOLERANCE = 1e-5
_WIDTH_FLOOR = 1e-3
_START_SIZE = 10.0
_START_NOISE = 1e-4
_NEGATIVES = 5.0
_MIN_FOR_SPECTRAL = 12
_SPECTRAL_UP_TO = 20_000
_EIGEN_TOLERANCE = 1e-4
_ZERO_VARIANCE = 1e-12
"""Variance along an axis, relative to the first axis, that is zero up to rounding."""
_MIN_EPOCHS_TO_TRIM = 10


@contextmanager
def import_umap() -> Iterator[Any]:
    """Imports `umap.umap_` and restores the state of the process after the block.

    Importing and running umap-learn warns about optional dependencies and sets the numeric locale;
    its threading layer can change torch's number of threads.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch is not None else 0
    numeric = locale.setlocale(locale.LC_NUMERIC)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import umap.umap_

            yield umap.umap_
    finally:
        locale.setlocale(locale.LC_NUMERIC, numeric)
        if torch is not None and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def fuzzy_graph(indices: IntArray, distances: FloatArray) -> scipy.sparse.csr_matrix:
    """Builds UMAP's symmetric fuzzy neighbor graph (section 3.1 of the paper).

    The weights of each row decrease exponentially beyond its nearest neighbor, with the width for
    which they sum to log2 of the neighbor count. Both directions are combined by a + b - ab.

    Args:
        indices: (N, k) neighbors without the row itself, nearest first, k >= 1.
        distances: (N, k) float32 >= 0.

    Returns:
        (N, N) symmetric sparse matrix of weights in (0, 1].
    """
    n, k = indices.shape
    positive = np.where(distances > 0, distances, np.inf).min(axis=1)
    closest = np.where(np.isfinite(positive), positive, 0)[:, None]
    beyond = np.maximum(distances.astype(np.float64) - closest, 0)
    weights = np.exp(-beyond / _find_widths(beyond, distances, closest[:, 0] > 0)[:, None])
    rows = np.repeat(np.arange(n), k)
    one_way = scipy.sparse.csr_matrix((weights.ravel(), (rows, indices.ravel())), shape=(n, n))
    other_way = one_way.T.tocsr()
    return (one_way + other_way - one_way.multiply(other_way)).tocsr()


def _find_widths(
    beyond: NDArray[np.float64], distances: FloatArray, spread: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Returns (N,) widths by bisection; k and means include the row itself, as in umap-learn."""
    n, k = beyond.shape
    target = np.log2(k + 1)
    low, width, high = np.zeros(n), np.ones(n), np.full(n, np.inf)
    for _ in range(_SEARCH_STEPS):
        excess = np.exp(-beyond / width[:, None]).sum(axis=1) - target
        if (np.abs(excess) < _SEARCH_TOLERANCE).all():
            break
        # The stopping rule of umap-learn for each row, so that widths are equal up to rounding.
        high = np.where(excess >= _SEARCH_TOLERANCE, width, high)
        low = np.where(excess <= -_SEARCH_TOLERANCE, width, low)
        middle = np.where(np.isfinite(high), (low + np.minimum(high, 1e30)) / 2, width * 2)
        width = np.where(np.abs(excess) < _SEARCH_TOLERANCE, width, middle)
    row_means = distances.sum(axis=1) / (k + 1)
    floor = _WIDTH_FLOOR * np.where(spread, row_means, row_means.mean())
    widths: NDArray[np.float64] = np.maximum(np.maximum(width, floor), np.finfo(np.float32).tiny)
    return widths


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


def optimize_with_umap(
    start: FloatArray,
    graph: scipy.sparse.csr_matrix,
    *,
    min_dist: float,
    epochs: int,
    seed: int,
) -> FloatArray:
    """Minimizes UMAP's cross entropy with umap-learn's optimizer, on one thread.

    Args:
        start: (N, 2) float32 start.
        graph: (N, N) fuzzy graph.
        min_dist: UMAP's `min_dist`, with its `spread` of 1.
        epochs: Passes over the edges; an edge of weight w is used in a fraction w / max(w) of them.
        seed: Seed of the negative samples.

    Returns:
        (N, 2) float32. Equal arguments give equal bytes on one machine.
    """
    edges = graph.tocoo()
    kept = edges.data >= edges.data.max() / max(epochs, _MIN_EPOCHS_TO_TRIM)
    limits = np.iinfo(np.int32)
    random = np.random.RandomState(seed)
    state = random.randint(limits.min + 1, limits.max - 1, 3).astype(np.int64)
    coordinates = np.array(start, np.float32, order="C")
    with import_umap() as umap:
        a, b = umap.find_ab_params(1.0, min_dist)
        optimized: FloatArray = umap.optimize_layout_euclidean(
            coordinates,
            coordinates,
            edges.row[kept],
            edges.col[kept],
            epochs,
            len(coordinates),
            umap.make_epochs_per_sample(edges.data[kept], epochs),
            a,
            b,
            state,
            negative_sample_rate=_NEGATIVES,
            move_other=True,
        )
    return optimized
