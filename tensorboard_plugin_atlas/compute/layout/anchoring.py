# SPDX-License-Identifier: Apache-2.0
"""How firmly each row is held to its place on the previous map: by what it kept, and was worth.

Motion should be information. A row whose true neighbors are those of the checkpoint before has no
reason to move; one that lost them, or whose own activation turned, has none to stay. And a place
that was wrong, because the neighbors that the row has now were not drawn around it, is not worth
holding on to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tensorboard_plugin_atlas.analysis.cosine import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.neighbors import share_among
from tensorboard_plugin_atlas.compute.layout.optimizer import Anchors

_HOLD = 28.0
"""The hold at a `stability` of 1, on a row that kept half of its neighbors."""
_STEEP = 1.5
"""How much faster than what it kept the hold on a row grows."""
_REACH = 5.0
"""Where the hold is half, raw units; the radius of a map of 2,000 rows is about 10."""
_EASE = 0.25
"""Lets nearly every row move at nearly full pace, and none that kept all: a hold makes motion tell
of change at less cost in fit than slowness does."""
_FIRM = 0.05
"""Keeps the hold of an unchanged row finite."""
_AROUND = 3
"""A place is faithful to those neighbors that are among three times as many nearest on the map."""
_STAY = 0.5
"""Overlap from which a row starts at its previous place; below it, nearer to its new neighbors."""
_STRANGER = 0.02
"""What a neighbor that kept nothing counts, when the new place of a row is guessed from others."""


def neighbor_recall(places: FloatArray, neighbors: IntArray) -> FloatArray:
    """Measures how right each row's previous place is for its neighbors of today.

    Args:
        places: (N, 2) previous places.
        neighbors: (N, k) int32 true neighbors now.

    Returns:
        (N,) float32 from 0 to 1: share of them among the row's 3 k nearest on the previous map.
    """
    k = min(_AROUND * neighbors.shape[1] + 1, len(places))
    around = cKDTree(places).query(places, k)[1].astype(np.int32)
    return share_among(neighbors, around.reshape(len(places), -1))


def direction_similarity(now: NDArray[Any], before: NDArray[Any] | None) -> FloatArray:
    """Measures how far each row still points where it pointed.

    Args:
        now: (N, C) activations, every entry finite.
        before: (N, D) of the same samples at the checkpoint before, or None.

    Returns:
        (N,) float32 from 0 to 1: the cosine of both, 0 where it is negative or there is none; 1
        throughout where nothing can be compared: D is not C, or `before` is None.
    """
    if before is None or before.shape[1] != now.shape[1]:
        return np.ones(len(now), np.float32)
    known = finite_rows(before)
    width = now.shape[1]  # an extra column would only tell zero rows apart
    units = unit_rows(now)[:, :width], unit_rows(np.where(known[:, None], before, 0))[:, :width]
    cosine: FloatArray = np.clip(np.einsum("nc,nc->n", *units), 0, 1)
    return cosine


def initial_coordinates(
    places: FloatArray, graph: scipy.sparse.csr_matrix, overlap: FloatArray
) -> FloatArray:
    """Returns where (N, 2) rows start: where they were, or among the neighbors they have now.

    Args:
        places: (N, 2) float32 previous places.
        graph: (N, N) fuzzy graph of today.
        overlap: (N,) share of each row's true neighbors that it kept.
    """
    weights = graph @ scipy.sparse.diags(overlap + _STRANGER)
    among = (weights @ places) / np.asarray(weights.sum(axis=1))
    stay = np.clip(overlap / _STAY, 0, 1)[:, None]
    start: FloatArray = (stay * places + (1 - stay) * among).astype(np.float32)
    return start


def compute_anchors(
    places: FloatArray,
    overlap: FloatArray,
    faith: FloatArray,
    constant: FloatArray,
    stability: float,
) -> Anchors:
    """Weighs the hold on each row.

    Args:
        places: (N, 2) float32 previous places.
        overlap: (N,) share of each row's true neighbors that it kept.
        faith: (N,) from `neighbor_recall`.
        constant: (N,) from `direction_similarity`.
        stability: `AtlasConfig.stability`.
    """
    worth = np.where(overlap >= 1, 1, constant * faith**2)
    holds = _HOLD * stability * worth * (overlap / (1 - overlap + _FIRM)) ** _STEEP
    mobility = (1 - overlap) ** _EASE
    return Anchors(places, holds.astype(np.float32), mobility.astype(np.float32), _REACH)


def align_procrustes(places: FloatArray, previous: FloatArray) -> FloatArray:
    """Turns, mirrors and shifts places so that they lie nearest to the previous ones.

    Orthogonal Procrustes (Schoenemann 1966) without scaling: between maps that share little, the
    best scale is far too small.
    """
    centered = places - places.mean(axis=0)
    center = previous.mean(axis=0)
    # By einsum: the sums of a BLAS over many rows differ with its threads.
    left, _, right = np.linalg.svd(np.einsum("ni,nj->ij", centered, previous - center))
    turn = left @ right
    turned: FloatArray = (np.einsum("ni,ij->nj", centered, turn) + center).astype(np.float32)
    return turned
