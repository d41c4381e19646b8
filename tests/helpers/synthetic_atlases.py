# SPDX-License-Identifier: Apache-2.0
"""Small valid atlases of synthetic data, for tests that need no model.

`python tests/helpers/synthetic_atlases.py LOGDIR` writes two runs of two layers at eight steps.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import (
    Atlas,
    ConceptChange,
    ConceptGroup,
    ConceptState,
    Event,
    Grid,
    ProbeThumbnails,
    Provenance,
    Quality,
    Samples,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.sprite_sheets import pack
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

CLASSES = ("airplane", "bird", "cat", "deer", "frog", "ship")
INPUT_SIDE = 32
THUMB_SIDE = 32
PALETTE = np.array(
    [
        [86, 150, 214],
        [232, 178, 66],
        [196, 86, 74],
        [142, 106, 72],
        [92, 168, 88],
        [110, 98, 178],
    ],
    np.uint8,
)


def make_atlas(
    step: int,
    *,
    layer: str = "layer3",
    samples: int = 400,
    classes: tuple[str, ...] = CLASSES,
    channels: int = 16,
    grids: tuple[int, ...] = (4, 8, 16),
    tile: int = 32,
    min_count: int = 2,
    sequence: int = 1,
    images: int | None = None,
    with_flips: bool = False,
) -> Atlas:
    """Returns an atlas whose classes separate as `step` grows.

    With `with_flips`, the last event is a change of predictions from the first to the second class.
    """
    random = np.random.default_rng(7)
    images = samples if images is None else images
    image_ids = (np.arange(samples) % images).astype(np.int32)
    labels = (image_ids % len(classes)).astype(np.int32)
    separation = 1 - math.exp(-(step + 1) / 300)
    angle = 2 * np.pi * labels / len(classes)
    centers = 0.5 + 0.34 * separation * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    spread = 0.16 - 0.09 * separation
    xy = np.clip(centers + random.normal(0, spread, (samples, 2)), 0, 1).astype(np.float32)
    wrong = random.random(samples) > 0.2 + 0.7 * separation
    predictions = np.where(wrong, (labels + 1) % len(classes), labels).astype(np.int32)
    positions = random.integers(0, 8, (samples, 2)).astype(np.int32)
    corner = np.clip(positions * 4 - 4, 0, INPUT_SIDE - 12)
    values = np.concatenate([xy, random.normal(0, 1, (samples, channels - 2))], axis=1)
    overlap = random.random(samples).astype(np.float32) if step else None
    return Atlas(
        layer=layer,
        step=step,
        wall_time=1_700_000_000.0 + step,
        sequence=sequence,
        classes=classes,
        samples=Samples(
            xy=xy,
            image_ids=image_ids,
            positions=positions,
            boxes=np.concatenate([corner, corner + 12], axis=1).astype(np.int32),
            clamped=((xy == 0) | (xy == 1)).any(axis=1),
            labels=labels,
            predictions=predictions,
            activations=store_activations(values.astype(np.float32)),
            noise_floor=np.full(samples, 0.02, np.float32) if step else None,
            concepts=labels,
            confidences=np.where(wrong, 0.5, 0.5 + 0.5 * separation).astype(np.float16),
            losses=np.where(wrong, 2, 1 - separation).astype(np.float16),
        ),
        viewport=(-1.5, -2.0, 8.5, 9.0),
        concepts=tuple(make_concepts(labels, classes)),
        concept_groups=(ConceptGroup(id=0, name="everything 1", size=samples),),
        concept_change=ConceptChange(modularity=0.75, by_events=0.25 if step else 0.0),
        events=make_events(labels, classes, step)
        + (make_flips(labels, predictions, classes) if step and with_flips else ()),
        grids=tuple(make_grid(size, xy, labels, tile, min_count) for size in grids),
        quality=Quality(
            trustworthiness=0.8 + 0.15 * separation,
            knn_kept=0.2 + 0.2 * separation,
            overlap=overlap,
            clamped=int(((xy == 0) | (xy == 1)).any(axis=1).sum()),
        ),
        provenance=Provenance(
            settings=AtlasConfig(samples=samples, grids=grids, min_count=min_count).as_dict(),
            probe="5a5a" * 8,
            model="SampleNet",
            versions={"numpy": np.__version__},
            layer_info={"channels": channels, "map": (8, 8), "stride": 4, "receptive_field": 12},
            notes=("synthetic: made by tests/helpers/synthetic_atlases.py",),
        ),
    )


def make_concepts(labels: NDArray[np.int32], classes: tuple[str, ...]) -> Iterator[ConceptState]:
    """Yields one concept for each class that occurs, with the class index as its id."""
    for label in np.unique(labels).tolist():
        size = int((labels == label).sum())
        yield ConceptState(
            id=label,
            name=classes[label][:60],
            size=size,
            born=0,
            top_class=label,
            top_share=1.0,
            group=0,
            joined=0.0,
            left=0.0,
        )


def make_events(
    labels: NDArray[np.int32], classes: tuple[str, ...], step: int
) -> tuple[Event, ...]:
    """Returns one split of the first class into the first two; none at step 0."""
    alive = np.unique(labels).tolist()[:2]
    if not step or len(alive) < 2:
        return ()
    first, second = (classes[label][:60] for label in alive)
    return (
        Event(
            kind="splits",
            text=f"{first} split into {first} and {second}",
            score=12.5,
            confidence=0.8,
            before_step=0,
            before=(alive[0],),
            after=tuple(alive),
            cell=(4, 1, 2),
            samples=int((labels == alive[1]).sum()),
        ),
    )


def make_flips(
    labels: NDArray[np.int32], predictions: NDArray[np.int32], classes: tuple[str, ...]
) -> tuple[Event]:
    """Returns a change of predictions: samples of the first class are now predicted as the second.

    Its samples are all that have this label and this prediction.
    """
    first, second = (name[:24] for name in classes[:2])
    count = int(((labels == 0) & (predictions == 1)).sum())  # one sample per image
    return (
        Event(
            kind="flips",
            text=f"{count:,} images of {first} are now predicted as {second}",
            score=float(count),
            confidence=1.0,
            before_step=0,
            cell=(4, 2, 1),
            samples=count,
            classes=(0, 0, 1),
            images=count,
        ),
    )


def make_grid(
    size: int, xy: NDArray[np.float32], labels: NDArray[np.int32], tile: int, min_count: int
) -> Grid:
    """Returns the grid of `size` over `xy`, with one colored icon per cell."""
    position = np.minimum((xy * size).astype(np.int64), size - 1)
    flat, inverse, counts = np.unique(
        position[:, 1] * size + position[:, 0], return_inverse=True, return_counts=True
    )
    kept = counts >= min_count
    index = np.where(kept, np.cumsum(kept) - 1, -1)
    cell_of = index[inverse].astype(np.int32)
    cells = int(kept.sum())
    icons = np.stack([make_icon(labels[cell_of == i], tile, i) for i in range(cells)])
    return Grid(
        size=size,
        rows=(flat[kept] // size).astype(np.int32),
        cols=(flat[kept] % size).astype(np.int32),
        counts=counts[kept].astype(np.int32),
        cell_of=cell_of,
        kind_codes=np.full(cells, 3, np.uint8),
        icon_cosine=np.linspace(0.5, 0.95, cells, dtype=np.float32),
        sheets=pack(icons),
    )


def make_icon(labels: NDArray[np.int32], tile: int, seed: int) -> NDArray[np.uint8]:
    """Returns a striped image in the mean color of its members' classes."""
    color = PALETTE[labels % len(PALETTE)].mean(axis=0)
    y, x = np.mgrid[:tile, :tile] / tile
    waves = np.sin(2 * np.pi * (x * (1 + seed % 3) + y * (1 + seed % 2)))
    return np.clip(color * (0.8 + 0.2 * waves[..., None]), 0, 255).astype(np.uint8)


def make_probe_pictures(images: int = 400, classes: tuple[str, ...] = CLASSES) -> ProbeThumbnails:
    """Returns thumbnails that match `make_atlas(..., images=images)`."""
    labels = (np.arange(images) % len(classes)).astype(np.int32)
    icons = [make_icon(labels[i : i + 1], THUMB_SIDE, i) for i in range(images)]
    return ProbeThumbnails(
        digest="5a5a" * 8,
        image_ids=np.arange(images, dtype=np.int32),
        labels=labels,
        input_size=(INPUT_SIDE, INPUT_SIDE),
        thumb_size=(THUMB_SIDE, THUMB_SIDE),
        sheets=pack(np.stack(icons)),
        classes=classes,
    )


def write_log(
    log_dir: Path,
    *,
    runs: tuple[str, ...] = ("warm", "cold"),
    layers: tuple[str, ...] = ("layer3", "layer4"),
    steps: tuple[int, ...] = (0, 50, 100, 200, 400, 800, 1600, 3200),
) -> None:
    """Writes for each run the probe once, and every layer at every step."""
    for run in runs:
        sink = EventSink(log_dir / run / CHILD_RUN)
        sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
        for number, step in enumerate(steps, start=1):
            for layer in layers:
                atlas = make_atlas(step, layer=layer, sequence=number)
                sink.write(layer_tag(layer), encode_atlas(atlas), step, atlas.wall_time)
        sink.close()


def write_atlases(folder: Path, atlases: Iterable[Atlas], *, probe: bool = True) -> None:
    """Writes atlases into one run, after the images of a probe."""
    sink = EventSink(folder)
    if probe:
        sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    for atlas in atlases:
        sink.write(layer_tag(atlas.layer), encode_atlas(atlas), atlas.step, atlas.wall_time)
    sink.close()


if __name__ == "__main__":
    write_log(Path(sys.argv[1]))
