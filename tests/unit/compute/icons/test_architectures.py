# SPDX-License-Identifier: Apache-2.0
"""Icons of one real network of each family, with random weights."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from icon_inputs import make_blurred_noise
from torch import nn
from torchvision import models

from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine, Icons
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.receptive_field import measure_receptive_field
from tensorboard_plugin_atlas.compute.probe.normalize import Normalize
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig

CELLS = 2


@dataclass(frozen=True)
class Family:
    """A network of torchvision, and what its icons use.

    Attributes:
        build: Name of the function that builds it.
        layer: Name of a layer.
        side: Of the probe's images in pixels.
        is_fast: Whether the fast path supports the network.
        is_full_size: Whether its icons are whole images.
        options: Arguments of the function.
    """

    build: str
    layer: str
    side: int = 64
    is_fast: bool = False
    is_full_size: bool = False
    options: tuple[tuple[str, object], ...] = ()


_NO_INIT = (("init_weights", False),)  # initialization takes a minute

FAMILIES = {
    "resnet18": Family("resnet18", "layer3", is_fast=True),
    "resnet18 vector": Family("resnet18", "avgpool", is_fast=True, is_full_size=True),
    "mobilenet_v3_small": Family("mobilenet_v3_small", "features.8", is_fast=True),
    "efficientnet_b0": Family("efficientnet_b0", "features.4", is_fast=True),
    "convnext_tiny": Family("convnext_tiny", "features.3"),
    "densenet121": Family("densenet121", "features.denseblock2"),
    "vit": Family(
        "VisionTransformer",
        "encoder.layers.encoder_layer_1",
        is_full_size=True,
        options=(
            ("image_size", 64),
            ("patch_size", 16),
            ("num_layers", 3),
            ("num_heads", 4),
            ("hidden_dim", 64),
            ("mlp_dim", 128),
        ),
    ),
    "swin_t": Family("swin_t", "features.3"),
    "regnet_y_400mf": Family("regnet_y_400mf", "trunk_output.block3", is_fast=True),
}
LONG = {
    "vit_b_16": Family("vit_b_16", "encoder.layers.encoder_layer_5", side=224),
    "resnet18 at 224 px": Family("resnet18", "layer4", side=224, is_fast=True),
    "swin_t at 224 px": Family("swin_t", "features.5", side=224),
    "inception_v3": Family("inception_v3", "Mixed_5d", side=160, options=_NO_INIT),
    "googlenet": Family("googlenet", "inception4a", side=96, options=_NO_INIT),
}


def build_network(family: Family) -> nn.Module:
    torch.manual_seed(0)
    return getattr(models, family.build)(**dict(family.options))


def render(
    model: nn.Module, family: Family, steps: int | None
) -> tuple[IconEngine, Targets, Icons]:
    """Renders icons of the two samples whose activations differ most from the mean."""
    normalize = Normalize((0.5,), (0.25,))
    images = normalize.to_input(make_blurred_noise(12, 3, family.side))
    config = AtlasConfig(samples=12, seed=0)
    probe = build_probe(images, config=config, normalize=normalize)
    found = collect_activations(model, [family.layer], probe).layers[family.layer]
    field = measure_receptive_field(model, family.layer, probe, map_size=found.map_size)
    values = torch.from_numpy(found.values).float()
    far = (values - values.mean(0)).norm(dim=1).argsort(descending=True)[:CELLS]
    targets = Targets(
        directions=values[far],
        center=values.mean(0),
        rows=torch.from_numpy(probe.sample_image)[far, None].long(),
        centers=torch.from_numpy(field.centers(found.positions))[far, None],
        keys=np.arange(CELLS),
    )
    source = PatchSource(probe.images, normalize)
    engine = IconEngine.prepare(model, family.layer, source, field, steps=steps)
    return engine, targets, engine.render(targets)


def check(family: Family, steps: int | None) -> None:
    model = build_network(family).train()
    model.zero_grad()
    state = copy.deepcopy(model.state_dict())
    random_state = torch.get_rng_state()
    engine, targets, icons = render(model, family, steps)
    noise = np.random.default_rng(0).integers(0, 256, icons.images.shape, np.uint8)
    assert (engine.is_full_size, engine.activation.program is not None) == (
        family.is_full_size,
        family.is_fast,
    )
    assert all("whole" in note or "full size" in note for note in icons.notes)
    assert icons.kinds.tolist() == ["inversion"] * CELLS
    assert np.isfinite(icons.cosine).all()
    assert icons.images.std(axis=(1, 2)).min() > 2
    assert (icons.cosine > engine.score(noise, targets) + 0.1).all()
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FAMILIES)
def test_icons_of_each_family_beat_noise_and_do_not_change_the_model(name):
    check(FAMILIES[name], steps=6)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", LONG)
def test_icons_of_large_networks_beat_noise_and_do_not_change_the_model(name):
    check(LONG[name], steps=8)
