# SPDX-License-Identifier: Apache-2.0
"""A log with three layers of one network and known links between their cells."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from synthetic_atlases import make_atlas, make_grid, make_probe_pictures

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

STEPS = (0, 100)
LAYERS = ("stage1", "stage2", "stage3")
GRIDS = (4, 8)
SAMPLES_PER_GROUP = 30
HALF = SAMPLES_PER_GROUP // 2
OTHERS = np.repeat(np.arange(4, 16), SAMPLES_PER_GROUP)
RUNS = ("net", "mirrored", "apart", "foreign")

BEFORE = np.concatenate([np.repeat([0, 1], SAMPLES_PER_GROUP), OTHERS])
"""Group of every sample in `stage1`: each lies in the 4 x 4 cell of its number."""
MERGED = np.concatenate([np.repeat([0, 3], HALF), np.repeat([1, 3], HALF), OTHERS])
"""In `stage2`, half of group 0 and half of group 1 form one group."""
SCATTERED = np.where(np.arange(len(BEFORE)) % 3 == 0, (MERGED * 7 + 5) % 16, (MERGED * 3 + 2) % 16)
"""In `stage3`, every group is split into two, one with twice as many samples."""
GROUPS = dict(zip(LAYERS, (BEFORE, MERGED, SCATTERED), strict=True))
LABELS = np.where(MERGED == 3, 2, np.where(BEFORE < 2, BEFORE, 3 + BEFORE % 3)).astype(np.int32)


def make_layer_atlas(run: str, layer: str, step: int, sequence: int = 1) -> Atlas:
    """Returns an atlas of `write_layer_log`."""
    groups = GROUPS[layer]
    if run == "mirrored":
        groups = 15 - groups
    atlas = make_atlas(
        step, layer=layer, samples=len(groups), grids=GRIDS, tile=16, min_count=1, sequence=sequence
    )
    random = np.random.default_rng([step, LAYERS.index(layer)])
    xy = np.stack([groups % 4, groups // 4], axis=1) / 4 + 0.125
    xy = (xy + random.uniform(-0.1, 0.1, xy.shape)).astype(np.float32)
    values = np.eye(16)[groups] + random.normal(0, 0.02, (len(groups), 16))
    settings = atlas.provenance.settings
    if run == "apart":
        settings = {**settings, "neighbors": 15, "seed": 1}
    return atlas.replace(
        viewport=(-2.0, -2.0, 7.5, 9.0) if run == "apart" else atlas.viewport,
        samples=dataclasses.replace(
            atlas.samples,
            xy=xy,
            labels=LABELS,
            concepts=None,
            activations=store_activations(values.astype(np.float32)),
        ),
        concepts=None,
        events=(),
        grids=tuple(make_grid(size, xy, _icon_labels(groups), 16, 1) for size in GRIDS),
        provenance=dataclasses.replace(
            atlas.provenance,
            settings=settings,
            probe="0f0f" * 8 if run == "foreign" else atlas.provenance.probe,
        ),
    )


def _icon_labels(groups: NDArray[np.int_]) -> NDArray[np.int32]:
    """Returns labels that set the colors of the icons."""
    return (groups % 6).astype(np.int32)


def write_layer_log(directory: Path) -> int:
    """Writes all runs; returns the number of atlases."""
    for run in RUNS:
        sink = EventSink(directory / run / CHILD_RUN)
        sink.write(PROBE_TAG, encode_probe(make_probe_pictures(len(BEFORE))), step=0)
        for layer in LAYERS:
            for number, step in enumerate(STEPS, start=1):
                atlas = make_layer_atlas(run, layer, step, number)
                sink.write(layer_tag(layer), encode_atlas(atlas), step)
        sink.close()
    return len(RUNS) * len(LAYERS) * len(STEPS)
