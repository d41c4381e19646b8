# SPDX-License-Identifier: Apache-2.0
"""Describes the layers of a model that `AtlasWriter` chooses from."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.layer_choice import find_layers
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.model_interface import call_model
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    preserve_model_state,
    unwrap,
)
from tensorboard_plugin_atlas.compute.model.receptive_field import measure_receptive_field
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig

_IMAGES = 8
_PASSES = 3


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """A layer that can be chosen.

    Attributes:
        name: Dotted module name.
        is_chosen: Whether `AtlasWriter` logs it if no layers are named.
        shape: Shape of its output for one image.
        map_size: Height and width of its map.
        field: Height and width of the receptive field of one position, in pixels.
        cost: CPU time until the layer returns, as a fraction of the whole forward pass. Icons and
            activations of a layer need the network only up to the layer.
    """

    name: str
    is_chosen: bool
    shape: tuple[int, ...]
    map_size: tuple[int, int]
    field: tuple[int, int]
    cost: float


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """The layers of a model.

    Attributes:
        rows: From shallow to deep.
        reason: Why the chosen ones are chosen.
    """

    rows: tuple[LayerRow, ...]
    reason: str


def report_layers(model: nn.Module, size: tuple[int, int], channels: int = 3) -> LayerReport:
    """Returns the candidates of the choice of layers, measured on noise images.

    Args:
        model: The model; it does not change.
        size: Height and width of the images.
        channels: Number of channels of the images.

    Raises:
        ArgumentError: if the model does not take such images.
        LayerError: if no module returns a map.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((_IMAGES, channels, *size), generator=generator)
    probe = build_probe(images, config=AtlasConfig(samples=_IMAGES))
    choice = find_layers(model, probe)
    names = [one.name for one in choice.candidates]
    costs = _measure_costs(model, names, images)
    rows = tuple(
        LayerRow(
            name=one.name,
            is_chosen=one.name in choice.names,
            shape=one.shape,
            map_size=one.map_size,
            field=measure_receptive_field(model, one.name, probe, map_size=one.map_size).size,
            cost=cost,
        )
        for one, cost in zip(choice.candidates, costs, strict=True)
    )
    return LayerReport(rows=rows, reason=choice.reason)


def _measure_costs(model: nn.Module, names: list[str], images: Tensor) -> list[float]:
    """Returns the fraction of the CPU time of a forward pass until each layer returns."""
    inner = unwrap(model)
    modules = {name: resolve_layer(model, name) for name in names}
    passes = []
    for _ in range(_PASSES):
        ends: dict[str, float] = {}

        def on_output(name: str, _output: object, ends: dict[str, float] = ends) -> None:
            ends[name] = time.process_time()

        with preserve_model_state(model), torch.no_grad(), add_forward_hooks(modules, on_output):
            start = time.process_time()
            call_model(inner, as_input(images, inner))
            whole = max(time.process_time() - start, 1e-9)
        passes.append([(ends[name] - start) / whole for name in names])
    return [float(value) for value in np.median(np.array(passes), axis=0)]
