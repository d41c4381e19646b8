# SPDX-License-Identifier: Apache-2.0
"""Layout optimizer: gradient descent with all pairwise forces and anchors.

Samples attract their neighbors and repel all samples, as in t-SNE (van der Maaten and Hinton 2008).
The affinities are UMAP's fuzzy graph, normalized to sum 1; similarity on the map is 1 / (1 + d^2);
gradient descent uses momentum and gains. Attraction is a quarter stronger than in t-SNE, which
gives the best maps here on the spectrum from t-SNE to UMAP (Boehm, Berens and Kobak 2022). It is
several times stronger at first, so that samples can pass each other.

UMAP samples the repulsive forces at random, which moves samples that have no reason to move. Here,
all pairs are evaluated at every step, so that displacement is not noise. Up to several thousand
samples, this is also faster, because the loop is vectorized.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.layout.grid_repulsion import GridRepulsion

ATTRACTION: Final = 1.25
"""Attraction relative to t-SNE."""
_EXAGGERATED_STEPS: Final = 0.2
"""Fraction of the steps with early exaggeration."""
_EXAGGERATION: Final = 4.0
_MOMENTA: Final = (0.5, 0.8)
"""Momentum during early exaggeration, and after it."""
_EXACT_UP_TO: Final = 4_000
"""Largest number of samples with exact pairwise forces; above, `grid_repulsion` is faster."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """Anchors of N samples during optimization.

    Attributes:
        coordinates: (N, 2) float32: anchor of each sample, raw units.
        strengths: (N,) float32 >= 0; 0 means no anchor, 1 halves the distance at each step.
        mobility: (N,) float32 in [0, 1]: factor on the steps of each sample.
        radius: Distance from the anchor at which its strength is halved, raw units.
    """

    coordinates: FloatArray
    strengths: FloatArray
    mobility: FloatArray
    radius: float

    @classmethod
    def none(cls, rows: int) -> Anchors:
        """Returns anchors without effect for `rows` samples."""
        zeros = np.zeros(rows, np.float32)
        return cls(np.zeros((rows, 2), np.float32), zeros, zeros + 1, 1.0)


def optimize_layout(
    start: FloatArray,
    graph: scipy.sparse.csr_matrix,
    *,
    steps: int,
    anchors: Anchors | None = None,
) -> FloatArray:
    """Optimizes map coordinates, on one thread.

    Args:
        start: (N, 2) float32.
        graph: (N, N) symmetric fuzzy graph.
        steps: Gradient steps.
        anchors: Anchors of the samples, or None.

    Returns:
        (N, 2) float32. Equal arguments give equal bytes on one machine.
    """
    rows = len(start)
    used = Anchors.none(rows) if anchors is None else anchors
    is_exaggerated = np.arange(steps) < round(_EXAGGERATED_STEPS * steps)
    starts, tails = graph.indptr.astype(np.uint32), graph.indices.astype(np.uint32)
    weights = (graph.data / graph.data.sum()).astype(np.float32)
    places = np.ascontiguousarray(used.coordinates, np.float32)
    strengths = np.ascontiguousarray(used.strengths, np.float32)
    radius = float(used.radius)
    mobility = np.ascontiguousarray(used.mobility, np.float32)
    attractions = np.where(is_exaggerated, _EXAGGERATION, ATTRACTION).astype(np.float32)
    momenta = np.where(is_exaggerated, *_MOMENTA).astype(np.float32)
    x, y = np.array(start.T, np.float32, order="C")
    if rows > _EXACT_UP_TO:
        minimize = _descend_on_grid
    else:
        from tensorboard_plugin_atlas.compute.layout.numba_kernels import gradient_descent

        minimize = gradient_descent
    minimize(
        x,
        y,
        starts,
        tails,
        weights,
        places,
        strengths,
        radius,
        mobility,
        attractions,
        momenta,
        rows / 2,
    )
    return np.stack([x, y], axis=1)


def _descend_on_grid(
    x: FloatArray,
    y: FloatArray,
    starts: NDArray[np.uint32],
    tails: NDArray[np.uint32],
    weights: FloatArray,
    anchors: FloatArray,
    strengths: FloatArray,
    radius: float,
    mobility: FloatArray,
    attractions: FloatArray,
    momenta: FloatArray,
    rate: float,
) -> None:
    """Does what `numba_kernels.gradient_descent` does, with repulsion computed on a grid."""
    from tensorboard_plugin_atlas.compute.layout.numba_kernels import step_with_forces

    repel = GridRepulsion()
    away, towards = np.empty((2, len(x)), np.float32), np.empty((2, len(x)), np.float32)
    speed, gain = np.zeros((2, len(x)), np.float32), np.ones((2, len(x)), np.float32)
    is_line = bool(y.min() == y.max())
    for attraction, momentum in zip(attractions.tolist(), momenta.tolist(), strict=True):
        total = repel(x, y, away[0], away[1])
        step_with_forces(
            x,
            y,
            starts,
            tails,
            weights,
            anchors,
            strengths,
            radius,
            mobility,
            away,
            total,
            towards,
            speed,
            gain,
            attraction,
            momentum,
            rate,
            is_line,
        )
