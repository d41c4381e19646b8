# SPDX-License-Identifier: Apache-2.0
"""Alignment of a new run to another run's map, so that both have one coordinate system.

Samples of both probes are laid out first, as the continuation of the other map; the remaining
samples are added then. Maps of two seeds, learning rates or architectures coincide as far as their
activations have the same neighbors.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.directions import (
    exact_cosines,
    finite_rows,
    row_blocks,
    smallest_columns,
    unit_rows,
)
from tensorboard_plugin_atlas.analysis.sample_matching import (
    MAX_LABEL_DISAGREEMENT,
    UNCHECKED_IDS,
    label_disagreement,
    match_receptive_fields,
)
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.layout import (
    QUALITY_NEIGHBORS,
    Layout,
    compute_layout,
    restore_layout,
)
from tensorboard_plugin_atlas.compute.layout.viewport import to_map
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

_MIN_SHARED = 20
"""Smallest number of shared samples."""
_SHARPNESS = 10.0
"""Inverse temperature of the weights: a cosine larger by .07 doubles the weight."""
_START_NEIGHBORS = 5
"""A sample of one run starts at the weighted mean of this number of shared neighbors."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeSamples:
    """Identity of the N samples of a new run, to match them with another run.

    Attributes:
        digest: Hash of the probe.
        image_ids: (N,) int32.
        boxes: (N, 4) int32, as `Samples.boxes`.
        labels: (N, L) int32: all labels of each sample, padded with -1, or None.
    """

    digest: str
    image_ids: IntArray
    boxes: IntArray
    labels: IntArray | None


def compute_aligned_layout(
    other: Atlas, samples: ProbeSamples, activations: FloatArray, *, config: AtlasConfig
) -> tuple[Layout, str]:
    """Computes the layout of samples aligned to the map of another run.

    Args:
        other: The atlas whose map is continued; its probe is of the same dataset.
        samples: The samples.
        activations: (N, C) of the samples; C may differ from that of `other`.
        config: The settings.

    Returns:
        The layout, in the viewport of `other`, and a note. It has no noise floor, because it does
        not continue a step of its own run.

    Raises:
        ArgumentError: if fewer than 20 finite samples are shared, or image ids do not match.
    """
    ours, theirs = keep_finite_pairs(other, activations, *_match_probes(other, samples))
    if len(ours) < _MIN_SHARED:
        raise ArgumentError(
            f"only {len(ours):,} samples have the same image and position as in its probe"
        )
    there = restore_layout(
        other.xy[theirs], other.activations[theirs], viewport=other.viewport, config=config
    )
    # Channels of another network do not correspond, even if there are as many.
    there = dataclasses.replace(there, activations=None)
    layout = extend_layout(there, ours, activations, config=config)
    note = (
        f"layout: aligned to layer {other.layer!r} at step {other.step:,} of {other.run!r}, by "
        f"{len(ours):,} of {len(activations):,} samples that are in both probes"
    )
    if other.provenance.probe != samples.digest and (
        other.all_labels is None or samples.labels is None
    ):
        note += f"; {UNCHECKED_IDS}"
    return layout, note


def keep_finite_pairs(
    other: Atlas, activations: FloatArray, ours: NDArray[np.intp], theirs: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the pairs of rows with finite activations in both.

    Args:
        other: The other atlas.
        activations: (N, C) of the new run.
        ours: (R,) rows of the new run.
        theirs: (R,) matching rows of `other`.
    """
    both = finite_rows(activations[ours]) & finite_rows(other.activations[theirs])
    return ours[both], theirs[both]


def extend_layout(
    there: Layout,
    rows: NDArray[np.intp],
    activations: FloatArray,
    *,
    config: AtlasConfig,
    is_line: bool = False,
) -> Layout:
    """Extends the layout of some samples to all samples.

    Args:
        there: Layout of R samples.
        rows: (R,) their rows among all samples, at least one.
        activations: (N, C) of all samples.
        config: The settings.
        is_line: As for `compute_layout`.

    Returns:
        The layout of all N samples, in the viewport of `there` if it fits; without noise floor.
    """
    layout = compute_layout(
        activations[rows], there, config=config, is_line=is_line, with_floor=False
    )
    if len(rows) < len(activations):
        extended = _add_samples(layout, rows, activations)
        layout = compute_layout(
            activations, extended, config=config, is_line=is_line, with_floor=False
        )
    return layout


def _match_probes(other: Atlas, samples: ProbeSamples) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the rows of the shared samples in the new run and in the other run."""
    if other.provenance.probe == samples.digest and len(other.samples) == len(samples.image_ids):
        rows = np.arange(len(samples.image_ids))
        return rows, rows
    ours, theirs = match_receptive_fields(
        samples.image_ids, samples.boxes, other.image_ids, other.boxes
    )
    wrong = label_disagreement(
        None if samples.labels is None else samples.labels[ours],
        None if other.all_labels is None else other.all_labels[theirs],
    )
    if wrong > MAX_LABEL_DISAGREEMENT:
        raise ArgumentError(
            f"{wrong:.0%} of the images with the same id have different labels: the probes are of "
            "different datasets"
        )
    return ours, theirs


def _add_samples(shared: Layout, rows: NDArray[np.intp], activations: FloatArray) -> Layout:
    """Returns a layout of all samples: others start among their nearest shared samples.

    Shared samples are marked as having kept all their neighbors, so that they hardly move.
    """
    count = len(activations)
    finite = finite_rows(activations)
    unit = unit_rows(np.where(finite[:, None], activations, 0))
    alone = finite.copy()
    alone[rows] = False
    raw = np.tile(shared.viewport.mean(axis=0), (count, 1)).astype(np.float32)
    raw[rows] = shared.raw
    raw[alone] = _interpolate(unit[alone], unit[rows], shared.raw)
    neighbors = np.full((count, min(QUALITY_NEIGHBORS, finite.sum() - 1)), -1, np.int32)
    valid = np.flatnonzero(finite)
    neighbors[valid] = valid[nearest_neighbors(unit[valid], neighbors.shape[1])[0]]
    neighbors[alone] = -1
    return Layout(
        xy=to_map(raw, shared.viewport),
        raw=raw,
        viewport=shared.viewport,
        clamped=np.zeros(count, bool),
        invalid=~finite,
        neighbors=neighbors,
    )


def _interpolate(queries: FloatArray, pool: FloatArray, coordinates: FloatArray) -> FloatArray:
    """Returns (N, 2): weighted mean coordinates of the nearest directions in `pool`.

    Nearer ones have larger weights, so that the means are distinct.
    """
    nearest = _find_nearest(queries, pool, min(_START_NEIGHBORS, len(pool)))
    cosine = np.einsum("nc,nkc->nk", queries, pool[nearest])
    weights = np.exp(_SHARPNESS * (cosine - cosine.max(axis=1, keepdims=True)))
    weights /= weights.sum(axis=1, keepdims=True)
    mean: FloatArray = np.einsum("nk,nkd->nd", weights, coordinates[nearest]).astype(np.float32)
    return mean


def _find_nearest(queries: FloatArray, pool: FloatArray, k: int) -> NDArray[np.intp]:
    """Returns (N, k): indices of the nearest directions by cosine in `pool`."""
    found = np.empty((len(queries), k), np.intp)
    for block in row_blocks(len(queries), len(pool)):
        found[block] = smallest_columns(-exact_cosines(queries[block], pool), k)
    return found
