# SPDX-License-Identifier: Apache-2.0
"""Synthetic atlases of very many samples, as the pipeline makes them: without icons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import (
    Atlas,
    ConceptState,
    Grid,
    Provenance,
    Quality,
    Samples,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations
from tensorboard_plugin_atlas.wire.compact_samples import round_positions
from tensorboard_plugin_atlas.wire.derived_cells import bin_positions

MAP_SIDE = 14
STRIDE = 16


def make_large_atlas(
    samples: int,
    *,
    step: int = 100,
    grids: tuple[int, ...] = (10, 20, 40),
    channels: int = 16,
    classes: int = 10,
    min_count: int = 4,
    invalid: int = 0,
    seed: int = 0,
) -> Atlas:
    """Returns an atlas whose arrays can all be stored in the compact form.

    Args:
        samples: Number of samples.
        step: Global step.
        grids: Sizes of the grids.
        channels: Number of channels.
        classes: Number of classes.
        min_count: Smallest number of samples of a cell.
        invalid: Number of samples with NaN in their activations, which are in no cell.
        seed: Seed of all values but image ids and positions.
    """
    fixed, random = np.random.default_rng(3), np.random.default_rng(seed)
    xy = round_positions(np.clip(random.normal(0.5, 0.15, (samples, 2)), 0, 1).astype(np.float32))
    positions = fixed.integers(0, MAP_SIDE, (samples, 2)).astype(np.int32)
    corner = positions * STRIDE - STRIDE
    values = random.normal(0, 1, (samples, channels)).astype(np.float32)
    values[:invalid, 0] = np.nan
    is_invalid = np.arange(samples) < invalid
    labels = fixed.integers(-1, classes, samples).astype(np.int32)
    return Atlas(
        layer="layer3",
        step=step,
        wall_time=1_700_000_000.0 + step,
        classes=tuple(f"class {index}" for index in range(classes)),
        samples=Samples(
            xy=xy,
            image_ids=(np.arange(samples) // 2).astype(np.int32),
            positions=positions,
            boxes=np.concatenate([corner, corner + 3 * STRIDE], axis=1).astype(np.int32),
            clamped=(xy < 0.02).any(axis=1),
            labels=labels,
            predictions=random.integers(0, classes, samples).astype(np.int32),
            activations=store_activations(values),
            noise_floor=random.random(samples).astype(np.float16).astype(np.float32),
            concepts=random.choice(np.array([-1, 7, 70_000, 2_000_000], np.int32), samples),
            confidences=random.random(samples).astype(np.float16),
            losses=random.random(samples).astype(np.float16),
        ),
        viewport=(-1.5, -2.0, 8.5, 9.0),
        concepts=tuple(
            ConceptState(id=one, name=f"concept {one}", size=samples // 4, born=0)
            for one in (7, 70_000, 2_000_000)
        ),
        grids=tuple(
            make_large_grid(size, xy, is_invalid, min_count, classes, random) for size in grids
        ),
        quality=Quality(
            trustworthiness=0.9,
            knn_kept=0.3,
            overlap=(random.integers(0, 16, samples) / 15).astype(np.float32),
            invalid=invalid,
        ),
        provenance=Provenance(
            settings=AtlasConfig(samples=samples, grids=grids, min_count=min_count).as_dict(),
            probe="5a5a" * 8,
            model="SampleNet",
            layer_info={"channels": channels},
            notes=("synthetic: many samples",),
        ),
    )


def make_large_grid(
    size: int,
    xy: NDArray[np.float32],
    invalid: NDArray[np.bool_],
    min_count: int,
    classes: int,
    random: np.random.Generator,
) -> Grid:
    """Returns the grid of a size without icons; invalid samples are in no cell."""
    index = bin_positions(xy, size)
    flat, group, counts = np.unique(index[~invalid], return_inverse=True, return_counts=True)
    kept = counts >= min_count
    cells = int(kept.sum())
    cell_of = np.full(len(xy), -1, np.int32)
    cell_of[~invalid] = np.where(kept, np.cumsum(kept) - 1, -1)[group]
    # Multiples of a power of two, with the largest in each cell, are stored exactly.
    attribution = random.integers(-127, 128, (cells, classes)).astype(np.float32)
    attribution[:, 0] = 127
    return Grid(
        size=size,
        rows=(flat[kept] // size).astype(np.int32),
        cols=(flat[kept] % size).astype(np.int32),
        counts=counts[kept].astype(np.int32),
        cell_of=cell_of,
        kind_codes=np.zeros(cells, np.uint8),
        icon_cosine=np.full(cells, np.nan, np.float32),
        attribution=attribution,
    )
