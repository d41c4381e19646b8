# SPDX-License-Identifier: Apache-2.0
"""UMAP's optimisation as our own loop, which can hold rows to where they were.

Differences to umap-learn's loop (McInnes, Healy and Melville 2018, appendix C):

- attraction moves the head of an edge only, as in AlignedUMAP, and repulsion counts four times, by
  twice as many negatives of twice the strength: both raise the trustworthiness of a map;
- a map that continues another begins with two negatives, so that rows can pass one another, and
  ends with ten;
- the learning rate falls faster;
- the negatives of an edge at an epoch are a hash of the seed, its ends and the epoch, so a row
  whose neighbourhood did not change is pushed by the same rows as last time;
- a `Tether` holds each row to its previous place, and slows those whose neighbourhood did not
  change;
- gradients are read from a table over the squared distance, to a part in 256, instead of two powers
  a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray

NEGATIVES: Final = 10
OPENING: Final = 2
"""Negatives in the first epoch of a map that continues another: strong repulsion locks rows in."""
_REPULSION = 2.0
_SHIFT = 16
"""Bits of a float32 that the tables ignore: sign and exponent stay, and 7 bits of the mantissa."""
_NEAR = 0.001
_FEWEST_EPOCHS_TO_TRIM = 10
_CURVE_POINTS = 300


@dataclass(frozen=True, eq=False)
class Tether:
    """What holds N rows while they are optimised.

    Attributes:
        anchors: (N, 2) float32: the places that they are held to.
        holds: (N,) float32 >= 0: how firmly; 0 lets go, 1 takes half the way back at full rate.
        mobility: (N,) float32 in [0, 1]: the share of its steps that a row takes.
    """

    anchors: FloatArray
    holds: FloatArray
    mobility: FloatArray

    @classmethod
    def loose(cls, rows: int) -> Tether:
        """Returns the tether that holds nothing."""
        free = np.zeros(rows, np.float32)
        return cls(np.zeros((rows, 2), np.float32), free, free + 1)


def descend(
    start: FloatArray,
    graph: scipy.sparse.csr_matrix,
    *,
    min_dist: float,
    epochs: int,
    seed: int,
    tether: Tether | None = None,
) -> FloatArray:
    """Optimises places on the map, on one thread.

    Args:
        start: (N, 2) float32.
        graph: (N, N) symmetric fuzzy graph.
        min_dist: UMAP's `min_dist`, with its `spread` of 1.
        epochs: Passes over the edges; an edge of weight w is drawn in a share w / max(w) of them.
        seed: Seeds the negative samples.
        tether: What holds the rows, or None.

    Returns:
        (N, 2) float32. Equal arguments give equal bytes on one machine.
    """
    from tensorboard_plugin_atlas.compute.maps import kernels

    held = Tether.loose(len(start)) if tether is None else tether
    edges = graph.copy()
    strongest = edges.data.max()
    edges.data[edges.data < strongest / max(epochs, _FEWEST_EPOCHS_TO_TRIM)] = 0
    edges.eliminate_zeros()
    pull, push = _gradients(*curve(min_dist))
    places = np.array(start, np.float32, order="C")
    kernels.descend(
        places,
        edges.indptr.astype(np.int32),
        edges.indices.astype(np.int32),
        (strongest / edges.data).astype(np.float32),
        pull,
        push,
        _SHIFT,
        *(
            np.ascontiguousarray(part, np.float32)
            for part in (held.anchors, held.holds, held.mobility)
        ),
        epochs,
        NEGATIVES if tether is None else OPENING,
        NEGATIVES,
        seed,
    )
    return places


@cache
def curve(min_dist: float, spread: float = 1.0) -> tuple[float, float]:
    """Fits the a and b of UMAP's similarity 1 / (1 + a d^2b) on the map.

    The similarity wanted is 1 up to `min_dist` and falls off exponentially by `spread` beyond it
    (section 3.2 of the paper); the fit is umap-learn's, by least squares.
    """
    from scipy.optimize import curve_fit

    distance = np.linspace(0, 3 * spread, _CURVE_POINTS)
    wanted = np.exp(-np.maximum(distance - min_dist, 0) / spread)
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), distance, wanted)
    return float(a), float(b)


@cache
def _gradients(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """Tabulates both gradients, each divided by the distance, at the middle of every step."""
    bits = (np.arange(1 << (31 - _SHIFT), dtype=np.int64) << _SHIFT) + (1 << (_SHIFT - 1))
    largest = np.finfo(np.float32).max
    with np.errstate(invalid="ignore"):  # the bits of infinities and of what is no number
        values = np.nan_to_num(bits.astype(np.int32).view(np.float32), nan=largest)
    squared: NDArray[np.float64] = values.astype(np.float64)
    grown = a * squared**b
    pull = -2 * a * b * squared ** (b - 1) / (1 + grown)
    push = _REPULSION * 2 * b / ((_NEAR + squared) * (1 + grown))
    pull[0] = push[0] = 0  # the same place: there is no direction to go
    return pull.astype(np.float32), push.astype(np.float32)
