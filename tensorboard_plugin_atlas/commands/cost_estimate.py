# SPDX-License-Identifier: Apache-2.0
"""Measures the cost of atlases of a model: computes one of each layer."""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tensorboard_plugin_atlas.compute.model.layer_choice import choose_layers
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.model_interface import get_interface
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.image_files import ImageFiles
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.probe.streamed_probe import StreamedProbe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.demo.data import LabeledImages, load
from tensorboard_plugin_atlas.errors import ArgumentError, describe_error
from tensorboard_plugin_atlas.logs.sinks import make_event_sink
from tensorboard_plugin_atlas.writer.atlas_cost import AtlasCost, Cost, CostMeter
from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger
from tensorboard_plugin_atlas.writer.record_options import RecordOptions

LARGEST_SIDE = 224
"""Largest side of images in pixels if none is given; larger images are reduced."""

_MODEL_ADVICE = "pass module:callable, such as torchvision.models:resnet18"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Measured cost.

    Attributes:
        layers: Cost of the atlas of each layer.
        total: Cost of all of them.
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
    """Builds a model, and computes one atlas of each layer on one thread without keeping it.

    Args:
        factory: `module:callable` that returns the model; may be in the working directory.
        source: Images: a folder or `.zip` of `class/image.ext`, or "digits".
        layers: Dotted module names; None chooses as `AtlasWriter` does.
        side: Side of the model's input images in pixels, to which all are resized. None only
            reduces images larger than 224.
        normalize: (mean, std) as for `AtlasWriter`.
        config: Settings of the atlases.

    Raises:
        ArgumentError: if an argument cannot be used.
        LayerError: if a layer does not exist.
    """
    model = build_model(factory)
    recipe = AtlasConfig() if config is None else config
    found = load(source, limit=recipe.samples, seed=0, largest_side=LARGEST_SIDE, side=side)
    scale = ((0.0,), (1.0,)) if normalize is None else normalize
    probe = build_probe(make_image_tensors(found, scale), config=recipe, normalize=scale)
    names = (
        choose_layers(model, probe)
        if layers is None
        else tuple(normalize_layer_name(model, name) for name in layers)
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the worker
    try:
        # Warm-up: compilation and imports happen once in a run and are not counted.
        warm_up = AtlasConfig(samples=16, grids=(2,), epochs=2, icons="none")
        small = build_probe((probe.images[:16],), config=warm_up, normalize=scale)
        list(AtlasPipeline(small, names[:1], warm_up).atlases(model, 0, None))
        meter = CostMeter()
        with tempfile.TemporaryDirectory() as folder:
            pipeline = AtlasPipeline(probe, names, recipe)
            records = RecordOptions(interface=get_interface())
            recorder = AtlasLogger(pipeline, make_event_sink(folder), records)
            meter.begin()
            start = time.process_time()
            costs = recorder.record(model, 0, None)
            meter.end(costs, cpu_seconds=time.process_time() - start)
            recorder.close()
    finally:
        torch.set_num_threads(threads)
    return Estimate(layers=costs, total=meter.cost())


def build_model(factory: str) -> nn.Module:
    """Calls the factory named `module:callable`, which must return a model.

    Raises:
        ArgumentError: if it does not exist, fails, or does not return a `torch.nn.Module`.
    """
    model = call_factory(factory, "--model", _MODEL_ADVICE)
    if not isinstance(model, nn.Module):
        raise ArgumentError(
            f"--model {factory!r} returns a {type(model).__name__}; pass a callable without "
            "arguments that returns a torch.nn.Module"
        )
    return model


def move_to_device(model: nn.Module, device: str) -> nn.Module:
    """Returns the model on the device that `--device` names.

    Raises:
        ArgumentError: if the device cannot be used.
    """
    try:
        return model.to(torch.device(device))
    except Exception as error:  # the type depends on the device
        raise ArgumentError(
            f"--device {device!r} cannot be used ({describe_error(error):.200}); pass cpu"
        ) from error


def call_factory(factory: str, option: str, advice: str) -> Any:
    """Calls the factory named `module:callable` and returns its result.

    Args:
        factory: As for `import_callable`.
        option: Command-line option, for messages.
        advice: What to pass, for messages.

    Raises:
        ArgumentError: if it does not exist, or fails.
    """
    make = import_callable(factory, option, advice)
    with _explain_errors(factory, option, advice):
        return make()


def import_callable(path: str, option: str, advice: str) -> Callable[..., Any]:
    """Returns the callable named `module:callable`.

    Args:
        path: The name; the module may be in the working directory.
        option: Command-line option, for messages.
        advice: What to pass, for messages.

    Raises:
        ArgumentError: if it does not exist.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise ArgumentError(f"{option} {path!r}: {advice}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    with _explain_errors(path, option, advice):
        found = getattr(importlib.import_module(module), name)
        if not callable(found):
            raise TypeError(f"{name} is no function ({type(found).__name__})")
        return found  # type: ignore[no-any-return]


@contextlib.contextmanager
def _explain_errors(path: str, option: str, advice: str) -> Iterator[None]:
    """Turns errors of the user's code into errors that name the option.

    Raises:
        ArgumentError: in place of any exception.
    """
    try:
        yield
    except Exception as error:
        raise ArgumentError(
            f"{option} {path!r}: {type(error).__name__}: {error!s:.200}; {advice}"
        ) from error


def load_probe_source(
    data: str,
    *,
    samples: int,
    side: int | None,
    normalize: tuple[Sequence[float], Sequence[float]] | None,
    num_workers: int | None = None,
) -> tuple[Any, tuple[str, ...] | None]:
    """Loads the images that a command samples.

    Args:
        data: `module:callable` that returns a probe as for `AtlasWriter`, or a folder or `.zip` of
            `class/image.ext`, or "digits".
        samples: Largest number of images from files.
        side: Side of images from files in pixels. None only reduces images larger than 224, and
            keeps the size of images that are not in memory.
        normalize: (mean, std) of the model's inputs; None for inputs from 0 to 1.
        num_workers: Number of processes of a `StreamedProbe`, or None to keep images in memory.

    Returns:
        A source of `build_probe`, and the names of the classes if they are not those of a dataset.

    Raises:
        ArgumentError: if the data cannot be used.
    """
    if ":" in data and not Path(data).exists():
        source = call_factory(data, "--data", "such as my_code:make_probe")
        return source if num_workers is None else StreamedProbe(source, num_workers), None
    if num_workers is not None:
        files = ImageFiles(data, side=side, normalize=normalize)
        return StreamedProbe(files, num_workers), None
    found = load(data, limit=samples, seed=0, largest_side=LARGEST_SIDE, side=side)
    scale = ((0.0,), (1.0,)) if normalize is None else normalize
    return make_image_tensors(found, scale), found.classes


def make_image_tensors(
    found: LabeledImages, scale: tuple[Sequence[float], Sequence[float]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns normalized images, (n, C, H, W) float32, and their labels, (n,) int64."""
    pixels = torch.from_numpy(found.images).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in scale)
    return (pixels - mean) / std, torch.from_numpy(found.labels)
