# SPDX-License-Identifier: Apache-2.0
"""The optimizer of umap-learn (McInnes, Healy and Melville 2018), as a reference."""

from __future__ import annotations

import locale
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse

from tensorboard_plugin_atlas.atlas import FloatArray

_NEGATIVES = 5.0
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
