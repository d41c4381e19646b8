# SPDX-License-Identifier: Apache-2.0
"""How firmly each row is held to its place on the previous map: by what it kept, and was worth.

Motion should be information. A row whose true neighbours are those of the checkpoint before has no
reason to move; one that lost them has none to stay. And a place that was wrong, because the
neighbours that the row has now were not drawn around it, is not worth holding on to.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.maps.descent import Tether
from tensorboard_plugin_atlas.compute.maps.neighbours import share_among

_HOLD = 3.0
"""The hold at a `stability` of 1."""
_EASE = 0.25
"""Lets nearly every row move at nearly full pace, and none that kept all: a hold makes motion tell
of change at less cost in fit than slowness does."""
_FIRM = 0.05
"""Keeps the hold of an unchanged row finite: _HOLD / _FIRM times its `stability`."""
_AROUND = 3
"""A place is faithful to those neighbours that are among three times as many nearest on the map."""
_STAY = 0.3
"""Overlap from which a row starts at its previous place; below it, nearer to its new neighbours."""
_STRANGER = 0.02
"""What a neighbour that kept nothing counts, when the new place of a row is guessed from others."""


def faithfulness(places: FloatArray, neighbours: IntArray) -> FloatArray:
    """Measures how right each row's previous place is for its neighbours of today.

    Args:
        places: (N, 2) previous places.
        neighbours: (N, k) int32 true neighbours now.

    Returns:
        (N,) float32 from 0 to 1: share of them among the row's 3 k nearest on the previous map.
    """
    k = min(_AROUND * neighbours.shape[1] + 1, len(places))
    around = cKDTree(places).query(places, k)[1].astype(np.int32)
    return share_among(neighbours, around.reshape(len(places), -1))


def moved_start(
    places: FloatArray, graph: scipy.sparse.csr_matrix, overlap: FloatArray
) -> FloatArray:
    """Returns where (N, 2) rows start: where they were, or among the neighbours they have now.

    Args:
        places: (N, 2) float32 previous places.
        graph: (N, N) fuzzy graph of today.
        overlap: (N,) share of each row's true neighbours that it kept.
    """
    weights = graph @ scipy.sparse.diags(overlap + _STRANGER)
    among = (weights @ places) / np.asarray(weights.sum(axis=1))
    stay = np.clip(overlap / _STAY, 0, 1)[:, None]
    start: FloatArray = (stay * places + (1 - stay) * among).astype(np.float32)
    return start


def tether_to(
    places: FloatArray, overlap: FloatArray, faith: FloatArray, stability: float
) -> Tether:
    """Weighs the hold on each row.

    Args:
        places: (N, 2) float32 previous places.
        overlap: (N,) share of each row's true neighbours that it kept.
        faith: (N,) from `faithfulness`.
        stability: `AtlasConfig.stability`.
    """
    trusted = np.where(overlap >= 1, 1, faith**2)
    holds = _HOLD * stability * trusted * overlap / (1 - overlap + _FIRM)
    mobility = (1 - overlap) ** _EASE
    return Tether(places, holds.astype(np.float32), mobility.astype(np.float32))


def turned_onto(places: FloatArray, previous: FloatArray) -> FloatArray:
    """Turns, mirrors and shifts places so that they lie nearest to the previous ones.

    Orthogonal Procrustes (Schoenemann 1966) without scaling: between maps that share little, the
    best scale is far too small.
    """
    centred = places - places.mean(axis=0)
    centre = previous.mean(axis=0)
    left, _, right = np.linalg.svd(centred.T @ (previous - centre))
    turned: FloatArray = (centred @ (left @ right) + centre).astype(np.float32)
    return turned
