# SPDX-License-Identifier: Apache-2.0
"""Log directories for the browser tests: valid, trained, damaged and growing runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from synthetic_atlases import CLASSES, make_atlas, make_probe_pictures
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import checksum, encode_atlas, encode_probe

STEPS = (0, 50, 100, 200, 400, 800, 1600, 3200)
COLD_STEPS = (0, 100, 1000)
GRIDS = (10, 20, 40)
SAMPLES = {"layer3": 600, "layer4": 480}
REAL_STEPS = (0, 20, 60)

FLAW_STEPS = (0, 100, 200, 300, 400, 500)
MARKUP = "<img src=x onerror=alert(1)>"
REVERSED = "\u202egnp.exe\u202c"
LONG_NAME = "x" * 10_000
UNTRUSTED_LAYERS = (MARKUP, REVERSED, "nul\0inside", LONG_NAME)
UNTRUSTED_CLASSES = (MARKUP, REVERSED, "nul\0inside", LONG_NAME, "", "</script><b>bold</b>")
LONG_RUN = 300
KEPT_STEPS = 201
"""The first step has its own tag."""

BlobChange = Callable[[list[bytes]], list[bytes]]


def make_valid_atlas(layer: str, step: int, sequence: int = 1) -> Atlas:
    """Returns an atlas of `write_valid_log`."""
    return make_atlas(
        step,
        layer=layer,
        samples=SAMPLES[layer],
        grids=GRIDS,
        tile=16,
        min_count=1,
        sequence=sequence,
        images=400,
    )


def write_valid_log(directory: Path) -> int:
    """Writes two synthetic runs of two layers and a trained run; returns the number of atlases."""
    for run, steps in (("warm", STEPS), ("cold", COLD_STEPS)):
        write_synthetic_run(directory / run, steps)
    write_digits_run(directory / "digits")
    return 2 * (len(STEPS) + len(COLD_STEPS)) + len(REAL_STEPS)


def write_synthetic_run(directory: Path, steps: Sequence[int]) -> None:
    """Writes atlases of two layers, a probe, and a scalar."""
    with_probe = EventSink(directory / CHILD_RUN)
    with_probe.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    for number, step in enumerate(steps, start=1):
        for layer in SAMPLES:
            atlas = make_valid_atlas(layer, step, number)
            with_probe.write(layer_tag(layer), encode_atlas(atlas), step, atlas.wall_time)
    with_probe.close()
    scalars = EventSink(directory)
    for step in steps:
        scalars.write_scalars({"loss": 1 / (1 + step)}, step)
    scalars.close()


def write_digits_run(directory: Path) -> None:
    """Trains a small network on scikit-learn's digits and logs one layer at three steps."""
    images, labels = load_digits(return_X_y=True)
    pixels = torch.tensor(images[:400], dtype=torch.float32).view(-1, 1, 8, 8) / 16
    targets = torch.tensor(labels[:400])
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    writer = AtlasWriter(
        directory,
        model,
        layers=["3"],
        probe=(pixels, targets),
        normalize=((0.0,), (1.0,)),
        config=AtlasConfig(samples=200, grids=(4, 8), min_count=1, epochs=50, icon_steps=4),
        strict=True,
        worker="inline",
    )
    with writer:
        for step in range(max(REAL_STEPS) + 1):
            if step in REAL_STEPS:
                writer.add_atlas(step)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(pixels), targets).backward()
            optimizer.step()


def write_damaged_log(directory: Path) -> int:
    """Writes damaged, newer, untrusted and long runs; returns the number of listed atlases."""
    flaws: dict[int, BlobChange] = {
        100: lambda blobs: flip_bit(blobs, 1),
        200: lambda blobs: flip_bit(blobs, 0),
        300: lambda _: make_newer_manifest(),
        500: lambda blobs: flip_bit(blobs, 3),
    }
    sink = EventSink(directory / "flaws" / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    for number, step in enumerate(FLAW_STEPS, start=1):
        blobs = encode_atlas(make_small_atlas(step, "layer3", number))
        sink.write(layer_tag("layer3"), flaws.get(step, list)(blobs), step)
    for step in (0, 100):
        blobs = encode_atlas(make_small_atlas(step, "ruined"))
        sink.write(layer_tag("ruined"), flip_bit(blobs, 1), step)
    sink.close()
    return len(FLAW_STEPS) + 2 + _write_untrusted(directory) + _write_long(directory)


def append_steps(directory: Path, steps: tuple[int, ...], before: int = 0) -> None:
    """Adds steps to a run, as a running training loop does."""
    sink = EventSink(directory / "growing" / CHILD_RUN)
    for number, step in enumerate(steps, start=before + 1):
        blobs = encode_atlas(make_small_atlas(step, "layer3", number))
        sink.write(layer_tag("layer3"), blobs, step)
    sink.close()


def make_small_atlas(
    step: int, layer: str, sequence: int = 1, classes: tuple[str, ...] = CLASSES
) -> Atlas:
    return make_atlas(
        step, layer=layer, samples=200, grids=(5, 10), tile=8, sequence=sequence, classes=classes
    )


def flip_bit(blobs: list[bytes], index: int) -> list[bytes]:
    """Returns `blobs` with one flipped bit in one of them."""
    blob = bytearray(blobs[index])
    blob[len(blob) // 2] ^= 1
    return [*blobs[:index], bytes(blob), *blobs[index + 1 :]]


def make_newer_manifest() -> list[bytes]:
    """Returns a manifest of a newer version."""
    text = b'{"kind":"atlas","version":9}'
    return [checksum(text).encode() + b"\n" + text]


def _write_untrusted(directory: Path) -> int:
    sink = EventSink(directory / MARKUP / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    for layer in UNTRUSTED_LAYERS:
        blobs = encode_atlas(make_small_atlas(7, layer, classes=UNTRUSTED_CLASSES))
        sink.write(layer_tag(layer), blobs, 7)
    sink.close()
    return len(UNTRUSTED_LAYERS)


def _write_long(directory: Path) -> int:
    sink = EventSink(directory / "long" / CHILD_RUN)
    for step in range(LONG_RUN):
        atlas = make_atlas(step, layer="layer3", samples=24, grids=(2,), tile=4, sequence=step + 1)
        sink.write(layer_tag("layer3", sequence=step + 1), encode_atlas(atlas), step)
    sink.close()
    return KEPT_STEPS
