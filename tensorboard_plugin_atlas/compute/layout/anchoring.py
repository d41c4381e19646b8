# SPDX-License-Identifier: Apache-2.0
"""Anchoring of samples to the previous map, so that displacement indicates change.

A sample that kept its nearest neighbors should not move. A sample that lost them, or whose own
activation changed direction, should be free to move. The previous coordinates are also less useful
if the current neighbors of the sample are not near them on the previous map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tensorboard_plugin_atlas.analysis.directions import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.neighbor_overlap import share_among
from tensorboard_plugin_atlas.compute.layout.optimizer import Anchors

_STRENGTH = 28.0
"""Anchor strength at `stability=1` for a sample that kept half of its neighbors."""
_STRENGTH_EXPONENT = 1.5
"""Exponent of the strength as a function of kept over lost neighbors."""
_RADIUS = 5.0
"""Distance at which the strength is halved, raw units; a map of 2,000 has a radius of about 10."""
_MOBILITY_EXPONENT = 0.25
"""Exponent of the mobility: nearly 1 unless all neighbors were kept, because anchors reduce motion
at a lower cost in map quality than small steps."""
_STRENGTH_LIMIT = 0.05
"""Keeps the strength of an unchanged sample finite."""
_RECALL_FACTOR = 3
"""Recall is measured among this many times k nearest points of the map."""
_STAY_OVERLAP = 0.5
"""Smallest overlap at which a sample starts at its previous coordinates."""
_MIN_NEIGHBOR_WEIGHT = 0.02
"""Weight of a neighbor that kept no neighbors itself, in the start of other samples."""


def neighbor_recall(coordinates: FloatArray, neighbors: IntArray) -> FloatArray:
    """Measures how near the current neighbors of each sample are on the previous map.

    Args:
        coordinates: (N, 2) previous coordinates.
        neighbors: (N, k) int32 current nearest neighbors by cosine.

    Returns:
        (N,) float32 from 0 to 1: fraction of them among the 3 k nearest points of the map.
    """
    k = min(_RECALL_FACTOR * neighbors.shape[1] + 1, len(coordinates))
    on_map = cKDTree(coordinates).query(coordinates, k)[1].astype(np.int32)
    return share_among(neighbors, on_map.reshape(len(coordinates), -1))


def direction_similarity(now: NDArray[Any], before: NDArray[Any] | None) -> FloatArray:
    """Measures how similar the direction of each activation is to the previous one.

    Args:
        now: (N, C) activations, every entry finite.
        before: (N, D) of the same samples at the step before, or None.

    Returns:
        (N,) float32 from 0 to 1: cosine of both, 0 if it is negative or `before` is not finite. All
        are 1 if `before` is None or D is not C.
    """
    if before is None or before.shape[1] != now.shape[1]:
        return np.ones(len(now), np.float32)
    known = finite_rows(before)
    width = now.shape[1]  # without the extra column for zero rows
    units = unit_rows(now)[:, :width], unit_rows(np.where(known[:, None], before, 0))[:, :width]
    cosine: FloatArray = np.clip(np.einsum("nc,nc->n", *units), 0, 1)
    return cosine


def initial_coordinates(
    coordinates: FloatArray, graph: scipy.sparse.csr_matrix, overlap: FloatArray
) -> FloatArray:
    """Returns (N, 2) start coordinates: the previous ones, or the mean of current neighbors.

    Args:
        coordinates: (N, 2) float32 previous coordinates.
        graph: (N, N) current fuzzy graph.
        overlap: (N,) fraction of each sample's nearest neighbors that it kept.
    """
    weights = graph @ scipy.sparse.diags(overlap + _MIN_NEIGHBOR_WEIGHT)
    mean = (weights @ coordinates) / np.asarray(weights.sum(axis=1))
    stay = np.clip(overlap / _STAY_OVERLAP, 0, 1)[:, None]
    start: FloatArray = (stay * coordinates + (1 - stay) * mean).astype(np.float32)
    return start


def compute_anchors(
    coordinates: FloatArray,
    overlap: FloatArray,
    recall: FloatArray,
    similarity: FloatArray,
    stability: float,
) -> Anchors:
    """Computes the anchors of all samples.

    Args:
        coordinates: (N, 2) float32 previous coordinates.
        overlap: (N,) fraction of each sample's nearest neighbors that it kept.
        recall: (N,) from `neighbor_recall`.
        similarity: (N,) from `direction_similarity`.
        stability: `AtlasConfig.stability`.
    """
    weight = np.where(overlap >= 1, 1, similarity * recall**2)
    strengths = (
        _STRENGTH
        * stability
        * weight
        * (overlap / (1 - overlap + _STRENGTH_LIMIT)) ** _STRENGTH_EXPONENT
    )
    mobility = (1 - overlap) ** _MOBILITY_EXPONENT
    return Anchors(coordinates, strengths.astype(np.float32), mobility.astype(np.float32), _RADIUS)


def align_procrustes(coordinates: FloatArray, previous: FloatArray) -> FloatArray:
    """Rotates, reflects and translates coordinates to fit the previous ones best.

    Orthogonal Procrustes (Schoenemann 1966) without scaling: for dissimilar maps, the optimal scale
    is far too small.

    Args:
        coordinates: (N, 2) float32 coordinates.
        previous: (N, 2) float32 coordinates of the same samples.
    """
    centered = coordinates - coordinates.mean(axis=0)
    center = previous.mean(axis=0)
    # einsum, because the sums of a BLAS depend on its number of threads.
    left, _, right = np.linalg.svd(np.einsum("ni,nj->ij", centered, previous - center))
    rotation = left @ right
    aligned: FloatArray = (np.einsum("ni,ij->nj", centered, rotation) + center).astype(np.float32)
    return aligned
