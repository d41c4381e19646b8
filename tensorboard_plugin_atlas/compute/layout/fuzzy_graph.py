# SPDX-License-Identifier: Apache-2.0
"""The UMAP objective from a neighbor list: fuzzy graph, start and optimization.

`umap.UMAP().fit` spends ten times as long compiling as it takes to lay out two thousand samples, in
every fresh process. So the fuzzy graph and the start are computed here in numpy and scipy. What
umap-learn (McInnes, Healy and Melville 2018) does best is borrowed: its optimizer, as the reference
that our own is measured by, and its approximate neighbors for very many rows.
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

from tensorboard_plugin_atlas.analysis.cosine import to_integers
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.spectral_init import leading_eigenpairs

_SEARCH_STEPS = 64
_SEARCH_TOLERANCE = 1e-5
_WIDTH_FLOOR = 1e-3
_START_SIZE = 10.0
_START_NOISE = 1e-4
_NEGATIVES = 5.0
_FEWEST_FOR_SPECTRAL = 12
_EIGEN_TOLERANCE = 1e-4
_NO_AXIS = 1e-12
"""Variance along an axis, as a share of that along the first, that rounding makes of none."""
_FEWEST_EPOCHS_TO_TRIM = 10


@contextmanager
def import_umap() -> Iterator[Any]:
    """Yields the module `umap.umap_` and leaves the process as it was found.

    Importing and running it warns about optional parts, sets the numeric locale, and its threading
    layer can change the number of threads that torch uses; none of it is the user's concern.
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

    Each row's weights fall off exponentially beyond its nearest neighbor, at the width for which
    they sum to log2 of the neighbor count; both directions join by a + b - ab.

    Args:
        indices: (N, k) neighbors without the row itself, nearest first, k >= 1.
        distances: (N, k) float32, not negative.

    Returns:
        (N, N) symmetric sparse matrix of weights in (0, 1].
    """
    n, k = indices.shape
    positive = np.where(distances > 0, distances, np.inf).min(axis=1)
    closest = np.where(np.isfinite(positive), positive, 0)[:, None]
    beyond = np.maximum(distances.astype(np.float64) - closest, 0)
    weights = np.exp(-beyond / _widths(beyond, distances, closest[:, 0] > 0)[:, None])
    rows = np.repeat(np.arange(n), k)
    one_way = scipy.sparse.csr_matrix((weights.ravel(), (rows, indices.ravel())), shape=(n, n))
    other_way = one_way.T.tocsr()
    return (one_way + other_way - one_way.multiply(other_way)).tocsr()


def _widths(
    beyond: NDArray[np.float64], distances: FloatArray, spread: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Bisects for the (N,) widths; umap-learn counts the row itself in its k and in its means."""
    n, k = beyond.shape
    target = np.log2(k + 1)
    low, width, high = np.zeros(n), np.ones(n), np.full(n, np.inf)
    for _ in range(_SEARCH_STEPS):
        excess = np.exp(-beyond / width[:, None]).sum(axis=1) - target
        if (np.abs(excess) < _SEARCH_TOLERANCE).all():
            break
        # umap-learn's own rule for when to stop, row by row: its widths, to rounding.
        high = np.where(excess >= _SEARCH_TOLERANCE, width, high)
        low = np.where(excess <= -_SEARCH_TOLERANCE, width, low)
        middle = np.where(np.isfinite(high), (low + np.minimum(high, 1e30)) / 2, width * 2)
        width = np.where(np.abs(excess) < _SEARCH_TOLERANCE, width, middle)
    row_means = distances.sum(axis=1) / (k + 1)
    floor = _WIDTH_FLOOR * np.where(spread, row_means, row_means.mean())
    widths: NDArray[np.float64] = np.maximum(np.maximum(width, floor), np.finfo(np.float32).tiny)
    return widths


def initialize_layout(
    unit: FloatArray, graph: scipy.sparse.csr_matrix, seed: int
) -> tuple[FloatArray, str | None]:
    """Chooses where a first layout starts: spectral, or PCA where that is undefined.

    Args:
        unit: (N, C) directions, N >= 2.
        graph: (N, N) fuzzy graph of the same rows.
        seed: Seeds the tiny noise that keeps places apart.

    Returns:
        (N, 2) float32 start, longest half-axis 10; and a note when PCA took over, else None.
    """
    random = np.random.RandomState(seed)
    pieces = connected_components(graph, directed=False, return_labels=False)
    note = None
    if pieces > 1:
        note = f"layout: started from PCA, the neighbor graph falls into {pieces} pieces"
    elif len(unit) >= _FEWEST_FOR_SPECTRAL:
        places = _spectral(graph)
        if places is not None:
            return _scaled(places, random), None
        note = "layout: started from PCA, the spectral start did not converge"
    return _scaled(pca_coordinates(unit), random), note


def _spectral(graph: scipy.sparse.csr_matrix) -> NDArray[np.float64] | None:
    """Returns the two slowest waves of a connected graph, or None where they do not converge."""
    degrees = np.asarray(graph.sum(axis=0)).ravel()
    inverse = scipy.sparse.diags(1 / np.sqrt(degrees))
    # The largest eigenvalues of what the normalized Laplacian takes from the identity. The first
    # is 1, and its vector says nothing.
    similar = (inverse @ graph @ inverse).tocsr()
    found = leading_eigenpairs(
        lambda vector: similar @ vector,
        len(degrees),
        known=np.sqrt(degrees / degrees.sum()),
        tolerance=_EIGEN_TOLERANCE,
    )
    return None if found is None else found[1]


def pca_coordinates(unit: FloatArray) -> FloatArray:
    """Returns (N, 2) float32: rows on their two leading principal axes, 0 where an axis lacks."""
    places = np.zeros((len(unit), 2), np.float32)
    centered = unit.astype(np.float64)
    centered -= centered.mean(axis=0)
    peak = np.abs(centered).max()
    if peak == 0:
        return places
    # The smaller Gram matrix: N or C may be in the tens of thousands, never both.
    is_tall = len(unit) > unit.shape[1]
    whole = to_integers(centered / peak, max(unit.shape))
    gram = whole.T @ whole if is_tall else whole @ whole.T
    found = leading_eigenpairs(
        lambda vector: np.einsum("ij,j->i", gram, vector), len(gram), tolerance=_EIGEN_TOLERANCE
    )
    if found is None:
        return places
    values, vectors = found
    scores = (
        np.einsum("nc,cd->nd", whole, vectors) if is_tall else vectors * np.sqrt(values.clip(0))
    )
    kept = values > _NO_AXIS * values[0]
    places[:, kept] = scores[:, kept] * (peak / np.abs(whole).max())
    return places


def _scaled(places: NDArray[Any], random: np.random.RandomState) -> FloatArray:
    largest = float(np.abs(places).max())
    grown = places * (_START_SIZE / largest if largest > 0 else 1.0)
    noise = random.normal(scale=_START_NOISE, size=places.shape)
    return (grown + noise).astype(np.float32)


def optimize_with_umap(
    start: FloatArray,
    graph: scipy.sparse.csr_matrix,
    *,
    min_dist: float,
    epochs: int,
    seed: int,
) -> FloatArray:
    """Minimizes UMAP's cross entropy by umap-learn's stochastic gradient descent, on one thread.

    Args:
        start: (N, 2) float32 start.
        graph: (N, N) fuzzy graph.
        min_dist: UMAP's `min_dist`, with its `spread` of 1.
        epochs: Passes over the edges; an edge of weight w is drawn in a share w / max(w) of them.
        seed: Seeds the negative samples.

    Returns:
        (N, 2) float32. Equal arguments give equal bytes on one machine.
    """
    edges = graph.tocoo()
    kept = edges.data >= edges.data.max() / max(epochs, _FEWEST_EPOCHS_TO_TRIM)
    limits = np.iinfo(np.int32)
    random = np.random.RandomState(seed)
    state = random.randint(limits.min + 1, limits.max - 1, 3).astype(np.int64)
    places = np.array(start, np.float32, order="C")
    with import_umap() as umap:
        a, b = umap.find_ab_params(1.0, min_dist)
        moved: FloatArray = umap.optimize_layout_euclidean(
            places,
            places,
            edges.row[kept],
            edges.col[kept],
            epochs,
            len(places),
            umap.make_epochs_per_sample(edges.data[kept], epochs),
            a,
            b,
            state,
            negative_sample_rate=_NEGATIVES,
            move_other=True,
        )
    return moved


def approximate_neighbors(unit: FloatArray, k: int, seed: int) -> tuple[IntArray, FloatArray]:
    """Returns about the `k` nearest other rows by cosine, by nearest-neighbor descent.

    Args:
        unit: (N, C) from `unit_rows`, N in the tens of thousands or more.
        k: Neighbors wanted.
        seed: Seeds the descent.

    Returns:
        Indices (N, k) int32 and cosine distances (N, k) float32, nearest first.
    """
    with import_umap() as umap:
        random = np.random.RandomState(seed)
        indices, distances, _ = umap.nearest_neighbors(unit, k + 1, "cosine", {}, True, random)
    if (indices < 0).any():  # the descent found fewer than k for some row
        return nearest_neighbors(unit, k)
    # The row itself comes first, save among exact ties; drop it wherever it is.
    own = indices == np.arange(len(unit))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(unit), k)
    return (
        indices[~own].reshape(shape).astype(np.int32),
        np.maximum(distances[~own].reshape(shape), 0).astype(np.float32),
    )
