# SPDX-License-Identifier: Apache-2.0
"""Logs for tab.py: full grids, and a large number of samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from large_atlases import make_large_atlas
from synthetic_atlases import make_atlas, make_grid, make_probe_pictures

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

LAYER = "layer3"
SPARE_SHARE = 0.6
"""Additional samples relative to the number of cells, so that cells differ in size."""


def full_atlas(
    step: int, side: int, tiles: dict[int, int], *, layer: str = LAYER, sequence: int = 1
) -> Atlas:
    """Returns an atlas that fills a grid of `side` x `side` cells.

    Args:
        step: Step; samples move between steps.
        side: Number of cells along each axis; each has a sample at every step.
        tiles: Grid size -> side of its icons in pixels.
        layer: Layer.
        sequence: Sequence number in the log.
    """
    count = side * side
    samples = round(count * (1 + SPARE_SHARE))
    fixed, moving = np.random.default_rng(5), np.random.default_rng(step)
    cell = fixed.permutation(
        np.concatenate([np.arange(count), fixed.integers(0, count, samples - count)])
    )
    corner = np.stack([cell % side, cell // side], axis=1)
    xy = ((corner + moving.uniform(0.05, 0.95, corner.shape)) / side).astype(np.float32)
    base = make_atlas(
        step, layer=layer, samples=samples, grids=(2,), tile=8, sequence=sequence, images=400
    )
    labels = base.samples.labels
    assert labels is not None
    return dataclasses.replace(
        base,
        samples=dataclasses.replace(base.samples, xy=xy, clamped=np.zeros(samples, bool)),
        quality=dataclasses.replace(base.quality, clamped=0),
        grids=tuple(make_grid(size, xy, labels, tile, 1) for size, tile in tiles.items()),
    )


def many_samples_atlas(samples: int) -> Atlas:
    """Returns an atlas of very many samples, with icons in grids of up to 160 x 160 cells."""
    base = make_large_atlas(samples, grids=(10,))
    labels = base.samples.labels
    assert labels is not None
    tiles = {10: 96, 20: 64, 40: 48, 80: 48, 160: 32}
    grids = (make_grid(size, base.samples.xy, labels, tile, 1) for size, tile in tiles.items())
    return dataclasses.replace(base, layer=LAYER, grids=tuple(grids))


def write_run(folder: Path, atlases: list[Atlas]) -> None:
    """Writes the images of a probe, then atlases, and scalars into the parent run."""
    sink = EventSink(folder / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    for atlas in atlases:
        sink.write(layer_tag(atlas.layer), encode_atlas(atlas), atlas.step, atlas.wall_time)
    sink.close()
    scalars = EventSink(folder)
    for step in range(100):
        scalars.write_scalars({"loss": 1 / (1 + step), "accuracy": step / 100}, step)
    scalars.close()
