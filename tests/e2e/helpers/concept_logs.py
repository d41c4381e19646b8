# SPDX-License-Identifier: Apache-2.0
"""A log with concepts, known displacements and known events."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from synthetic_atlases import CLASSES, make_atlas, make_concepts, make_grid, make_probe_pictures

from tensorboard_plugin_atlas.atlas import Atlas, Event, Grid, Samples, StoredActivations
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

STEPS = (0, 100, 200, 400)
RUNS = ("moving", "still", "bare", "untrusted", "other", "turning", "flipping")
SAMPLES = 400
GRIDS = (4, 8)
MOVED_AT = 200
SHIFT = 0.25
"""Displacement to the right of every sample of the first class at `MOVED_AT`."""
FLOOR = 0.1
MARKUP = "<img src=x onerror=alert(1)>\u202e"

BORN = Event(
    kind="born", text="birds came up", score=2.0, confidence=0.4, before_step=0, after=(1,)
)
SPLIT = Event(
    kind="splits",
    text="airplanes split from birds",
    score=9.0,
    confidence=0.9,
    before_step=100,
    before=(1,),
    after=(0, 1),
    cell=(4, 1, 2),
)
DIES = Event(
    kind="dies",
    text="frogs are gone",
    score=4.0,
    confidence=0.5,
    before_step=200,
    before=(4,),
    cell=(4, 2, 1),
)
FLIPS = Event(
    kind="flips",
    text="41 images of airplane are now predicted as bird (6 the other way)",
    score=41.0,
    confidence=1.0,
    before_step=100,
    cell=(4, 1, 2),
    samples=41,
    classes=(0, 0, 1),
    images=41,
)
EVENTS_BY_STEP: dict[int, tuple[Event, ...]] = {100: (BORN,), 200: (SPLIT,), 400: (DIES,)}


def make_concept_atlas(run: str, step: int, sequence: int) -> Atlas:
    """Returns one step of one run; only the first class moves, from step 200 on."""
    atlas = make_atlas(60, samples=SAMPLES, grids=GRIDS, tile=16, min_count=1, sequence=sequence)
    samples, labels = atlas.samples, atlas.samples.labels
    assert labels is not None
    xy = samples.xy.copy()
    if run == "moving" and step >= MOVED_AT:
        xy[labels == 0, 0] = np.minimum(1, xy[labels == 0, 0] + SHIFT)
    tracked = run != "bare"
    provenance = atlas.provenance
    if run == "other" and step >= MOVED_AT:
        provenance = dataclasses.replace(provenance, probe="0f0f" * 8)
    is_reversed = run == "turning" and step >= MOVED_AT
    grids = tuple(make_grid(size, xy, labels, 16, 1) for size in GRIDS)
    if run == "turning":
        grids = tuple(add_attribution(grid, labels, is_reversed) for grid in grids)
    return atlas.replace(
        step=step,
        provenance=provenance,
        grids=grids,
        samples=dataclasses.replace(
            samples,
            xy=xy,
            noise_floor=np.full(SAMPLES, FLOOR, np.float32) if step and tracked else None,
            concepts=labels if tracked else None,
            activations=reverse_activations(samples, labels == 0)
            if is_reversed
            else samples.activations,
        ),
        concepts=tuple(make_concepts(labels, CLASSES)) if tracked else None,
        events=events_of(run, step),
    )


def reverse_activations(samples: Samples, which: NDArray[np.bool_]) -> StoredActivations:
    """Returns the activations of `samples`, with opposite signs where `which` is true."""
    values = samples.activations.values().astype(np.float32)
    return store_activations(np.where(which[:, None], -values, values))


def add_attribution(grid: Grid, labels: NDArray[np.int32], is_reversed: bool) -> Grid:
    """Adds attribution for the classes of a cell's samples, or against the first class."""
    cells = len(grid.counts)
    share = np.zeros((cells, len(CLASSES)), np.float32)
    np.add.at(share, (grid.cell_of, labels), 1)
    attribution = share / share.sum(axis=1, keepdims=True)
    if is_reversed:
        attribution[attribution.argmax(axis=1) == 0] *= -1
    return dataclasses.replace(
        grid, attribution=attribution, attribution_spread=np.full_like(attribution, 0.01)
    )


def events_of(run: str, step: int) -> tuple[Event, ...]:
    if run == "untrusted" and step:
        return (dataclasses.replace(BORN, text=MARKUP * 60),)
    if run == "flipping" and step == MOVED_AT:
        return (FLIPS, SPLIT)
    return EVENTS_BY_STEP.get(step, ()) if run == "moving" else ()


def write_concept_log(directory: Path) -> int:
    """Writes all runs; returns the number of atlases."""
    for run in RUNS:
        sink = EventSink(directory / run / CHILD_RUN)
        sink.write(PROBE_TAG, encode_probe(make_probe_pictures(SAMPLES)), step=0)
        for number, step in enumerate(STEPS, start=1):
            atlas = make_concept_atlas(run, step, number)
            sink.write(layer_tag("layer3"), encode_atlas(atlas), step)
        sink.close()
    return len(RUNS) * len(STEPS)
