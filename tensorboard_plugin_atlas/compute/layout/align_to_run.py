# SPDX-License-Identifier: Apache-2.0
"""Another run's last atlas as what a new map continues, so that both can be read as one map.

Samples that both probes hold are laid out first, as the continuation of the other map; the rest
then join them. Two seeds, two learning rates or two architectures come to lie on one map as far as
they see the same things alike.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.cosine import (
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
from tensorboard_plugin_atlas.compute.layout.layout import (
    QUALITY_NEIGHBORS,
    Layout,
    compute_layout,
    restore_layout,
)
from tensorboard_plugin_atlas.compute.layout.neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.viewport import to_map
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

_FEWEST_SHARED = 20
"""Below so many shared samples a map has nothing to be laid onto."""
_SHARPNESS = 10.0
"""Of two of them, one that is nearer by a cosine of .07 counts twice as much."""
_JOINED = 5
"""A sample that only one run has begins amid so many of its nearest that both have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeSamples:
    """What the N samples of a new run are, to be found again in another run.

    Attributes:
        digest: Hash of the probe.
        image_ids: (N,) int32.
        boxes: (N, 4) int32, as `Samples.boxes`.
        labels: (N,) int32, or None.
    """

    digest: str
    image_ids: IntArray
    boxes: IntArray
    labels: IntArray | None


def compute_aligned_layout(
    other: Atlas, asked: ProbeSamples, activations: FloatArray, *, config: AtlasConfig
) -> tuple[Layout, str]:
    """Lays samples out on the map of another run.

    Args:
        other: The atlas whose map is continued: of any layer width, over the same data set.
        asked: The samples.
        activations: (N, C) of them.
        config: The recipe.

    Returns:
        The layout, in the viewport of `other`, and a sentence on how it came about. It continues no
        checkpoint of its own run, so it has no noise floor.

    Raises:
        ArgumentError: if fewer than 20 finite samples are shared, or ids mean other images.
    """
    ours, theirs = keep_finite_pairs(other, activations, *_shared(other, asked))
    if len(ours) < _FEWEST_SHARED:
        raise ArgumentError(
            f"only {len(ours):,} samples are at the same spot of the same image as in its probe"
        )
    there = restore_layout(
        other.xy[theirs], other.activations[theirs], viewport=other.viewport, config=config
    )
    # The channels of another network, even of as many, are others.
    there = dataclasses.replace(there, activations=None)
    layout = extend_layout(there, ours, activations, config=config)
    note = (
        f"layout: on the map of layer {other.layer!r} at step {other.step:,} of {other.run!r}, "
        f"by the {len(ours):,} of {len(activations):,} samples that both probes hold"
    )
    if other.provenance.probe != asked.digest and (other.labels is None or asked.labels is None):
        note += f"; {UNCHECKED_IDS}"
    # It has no noise floor, for it moved from nowhere: what it continues is not of its own run.
    return layout, note


def keep_finite_pairs(
    other: Atlas, activations: FloatArray, ours: NDArray[np.intp], theirs: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns those of (R,) our rows and their rows whose activations are finite in both."""
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
    """Lays samples out on a map that holds some of them.

    Args:
        there: Layout of the R samples that are on that map.
        rows: (R,) which of ours they are, at least one.
        activations: (N, C) of all of ours.
        config: The recipe.
        is_line: As for `compute_layout`.

    Returns:
        The layout of all N, in the viewport of `there` as long as it fits; without a noise floor.
    """
    layout = compute_layout(
        activations[rows], there, config=config, is_line=is_line, with_floor=False
    )
    if len(rows) < len(activations):
        joined = _joined(layout, rows, activations)
        layout = compute_layout(
            activations, joined, config=config, is_line=is_line, with_floor=False
        )
    return layout


def _shared(other: Atlas, asked: ProbeSamples) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns our rows and theirs that are the same samples."""
    if other.provenance.probe == asked.digest and len(other.samples) == len(asked.image_ids):
        rows = np.arange(len(asked.image_ids))
        return rows, rows
    ours, theirs = match_receptive_fields(
        asked.image_ids, asked.boxes, other.image_ids, other.boxes
    )
    wrong = label_disagreement(
        None if asked.labels is None else asked.labels[ours],
        None if other.labels is None else other.labels[theirs],
    )
    if wrong > MAX_LABEL_DISAGREEMENT:
        raise ArgumentError(
            f"{wrong:.0%} of the images that both have under one id carry other labels: the probes "
            "come from two data sets"
        )
    return ours, theirs


def _joined(shared: Layout, rows: NDArray[np.intp], activations: FloatArray) -> Layout:
    """Returns a layout of all samples: the shared ones in place, the others amid their nearest.

    The shared ones count as having kept all their neighbors, so that they stay where they are.
    """
    count = len(activations)
    finite = finite_rows(activations)
    unit = unit_rows(np.where(finite[:, None], activations, 0))
    alone = finite.copy()
    alone[rows] = False
    raw = np.tile(shared.viewport.mean(axis=0), (count, 1)).astype(np.float32)
    raw[rows] = shared.raw
    raw[alone] = _amid(unit[alone], unit[rows], shared.raw)
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


def _amid(asked: FloatArray, pool: FloatArray, places: FloatArray) -> FloatArray:
    """Returns (N, 2): the place of each direction amid its nearest in `pool`.

    The nearer they are the more they count, so that many that join a few do not share one place.
    """
    nearest_ones = _closest(asked, pool, min(_JOINED, len(pool)))
    closeness = np.einsum("nc,nkc->nk", asked, pool[nearest_ones])
    weights = np.exp(_SHARPNESS * (closeness - closeness.max(axis=1, keepdims=True)))
    weights /= weights.sum(axis=1, keepdims=True)
    amid: FloatArray = np.einsum("nk,nkd->nd", weights, places[nearest_ones]).astype(np.float32)
    return amid


def _closest(asked: FloatArray, pool: FloatArray, k: int) -> NDArray[np.intp]:
    """Returns (N, k): for each direction the indices of its nearest by cosine in `pool`."""
    found = np.empty((len(asked), k), np.intp)
    for block in row_blocks(len(asked), len(pool)):
        found[block] = smallest_columns(-exact_cosines(asked[block], pool), k)
    return found
