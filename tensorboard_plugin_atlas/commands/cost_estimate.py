# SPDX-License-Identifier: Apache-2.0
"""What atlases of a model will cost, from one real atlas of each layer."""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tensorboard_plugin_atlas.compute.model.layers import choose_layers, normalize_layer_name
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.demo.data import LabeledImages, load
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.sinks import own_sink
from tensorboard_plugin_atlas.writer.checkpoint_logger import CheckpointLogger
from tensorboard_plugin_atlas.writer.cost import AtlasCost, Cost, CostMeter

LARGEST_SIDE = 224
"""Images are brought to squares of at most this many pixels unless a side is given."""

_HOW = "pass module:callable, such as torchvision.models:resnet18"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What was measured.

    Attributes:
        layers: The atlas of each layer.
        total: All of them together.
    """

    layers: tuple[AtlasCost, ...]
    total: Cost


def estimate(
    factory: str,
    source: str,
    *,
    layers: Sequence[str] | None = None,
    side: int | None = None,
    normalize: tuple[Sequence[float], Sequence[float]] | None = None,
    config: AtlasConfig | None = None,
) -> Estimate:
    """Builds a model, makes one atlas of each layer on one thread and throws them away.

    Args:
        factory: `module:callable` that returns the model; the working directory is looked in too.
        source: Images as for the demo: a folder or `.zip` of `class/image.ext`, or "digits".
        layers: Dotted module names; None chooses as `AtlasWriter` does.
        side: Pixels along a side of the images as the model takes them; all are resized to it.
            None leaves those that are smaller than 224 as they are.
        normalize: (mean, std) as for `AtlasWriter`.
        config: The recipe.

    Raises:
        ArgumentError: if an argument cannot be used.
        LayerError: if a layer does not exist.
    """
    model = build_model(factory)
    recipe = AtlasConfig() if config is None else config
    found = load(source, limit=recipe.samples, seed=0, largest_side=LARGEST_SIDE, side=side)
    scale = ((0.0,), (1.0,)) if normalize is None else normalize
    probe = build_probe(picture_tensors(found, scale), config=recipe, normalize=scale)
    names = (
        choose_layers(model, probe)
        if layers is None
        else tuple(normalize_layer_name(model, name) for name in layers)
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the worker
    try:
        # What is compiled and loaded once in a run is no part of an atlas.
        warming_up = AtlasConfig(samples=16, grids=(2,), epochs=2, icons="none")
        small = build_probe((probe.images[:16],), config=warming_up, normalize=scale)
        list(AtlasPipeline(small, names[:1], warming_up).atlases(model, 0, None))
        meter = CostMeter()
        with tempfile.TemporaryDirectory() as folder:
            pipeline = AtlasPipeline(probe, names, recipe)
            recorder = CheckpointLogger(pipeline, own_sink(folder))
            meter.begin()
            start = time.process_time()
            costs = recorder.record(model, 0, None)
            meter.end(costs, cpu_seconds=time.process_time() - start)
            recorder.close()
    finally:
        torch.set_num_threads(threads)
    return Estimate(layers=costs, total=meter.cost())


def build_model(factory: str) -> nn.Module:
    """Calls the factory named `module:callable`.

    Raises:
        ArgumentError: if there is none, or it returns no model.
    """
    model = called(factory, "--model", _HOW)
    if not isinstance(model, nn.Module):
        raise ArgumentError(
            f"--model {factory!r} returns a {type(model).__name__}; pass a callable that takes "
            "nothing and returns a torch.nn.Module"
        )
    return model


def called(factory: str, option: str, how: str) -> Any:
    """Returns what the callable named `module:callable` returns.

    Args:
        factory: The name; the working directory is looked in too.
        option: Where it was given, for messages.
        how: What to pass, for messages.

    Raises:
        ArgumentError: if there is none, or it fails.
    """
    module, colon, name = factory.partition(":")
    if not (module and colon and name):
        raise ArgumentError(f"{option} {factory!r}: {how}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), name)()
    except Exception as error:  # it is the user's code, and can raise anything
        raise ArgumentError(
            f"{option} {factory!r}: {type(error).__name__}: {error!s:.200}; {how}"
        ) from error


def picture_tensors(
    found: LabeledImages, scale: tuple[Sequence[float], Sequence[float]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns images as a model takes them, (n, C, H, W) float32, and their labels."""
    pixels = torch.from_numpy(found.images).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in scale)
    return (pixels - mean) / std, torch.from_numpy(found.labels)
