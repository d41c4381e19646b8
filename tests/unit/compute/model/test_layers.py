# SPDX-License-Identifier: Apache-2.0
"""Layer names: resolving them through wrappers, and choosing them."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torchvision import models

from tensorboard_plugin_atlas.compute.model.layers import (
    choose_layers,
    normalize_layer_name,
    resolve_layer,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import LayerError


def make_probe(size, channels=3):
    return build_probe(torch.rand(2, channels, size, size), config=AtlasConfig(samples=2))


def make_small_net(stride=1):
    """Maps of side 16, 16, 8, 4 and 1 for an image of side 16 and a stride of 1."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride, 1),
        nn.ReLU(),
        nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU()),
        nn.Dropout(),
        nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


@pytest.fixture(scope="module")
def resnet():
    return models.resnet18(weights=None).eval()


def test_names_resolve_through_wrappers(resnet):
    expected = resnet.layer3[1].conv2
    for model in (
        resnet,
        nn.DataParallel(resnet),
        torch.compile(resnet, backend="eager"),
        nn.DataParallel(torch.compile(resnet, backend="eager")),
    ):
        for prefix in ("", "module.", "_orig_mod.", "module._orig_mod."):
            assert resolve_layer(model, f"{prefix}layer3.1.conv2") is expected
            assert normalize_layer_name(model, f"{prefix}layer3.1.conv2") == "layer3.1.conv2"


def test_prefixes_of_wrappers_inside_the_model_are_optional():
    inner = nn.Sequential(nn.Linear(2, 2))
    model = nn.Sequential(nn.DataParallel(torch.compile(inner, backend="eager")))
    assert resolve_layer(model, "0") is inner
    for name in ("0.0", "0.module.0", "0.module._orig_mod.0"):
        assert resolve_layer(model, name) is inner[0]
        assert normalize_layer_name(model, name) == "0.0"


def test_a_child_that_is_called_module_keeps_its_name():
    model = nn.Sequential()
    model.module = nn.Sequential(nn.Linear(1, 1))
    model.add_module("0", nn.Linear(2, 2))
    assert resolve_layer(model, "0").in_features == 2
    assert resolve_layer(model, "module.0").in_features == 1
    assert normalize_layer_name(model, "module.0") != normalize_layer_name(model, "0")


@pytest.mark.parametrize("first", ["module", "0"])
def test_two_layers_never_share_a_name(first):
    """A name resolves to its own layer, whichever of the two was added first."""
    parts = {"module": nn.Sequential(nn.Linear(1, 1)), "0": nn.Linear(2, 2)}
    model = nn.Module()
    for name in (first, *(name for name in parts if name != first)):
        model.add_module(name, parts[name])
    names = {name: normalize_layer_name(model, name) for name in ("0", "module.0", "module")}
    assert names == {"0": "0", "module.0": "module.0", "module": "module"}
    assert resolve_layer(model, "0") is parts["0"]
    assert resolve_layer(model, "module.0") is parts["module"][0]


def test_an_ambiguous_short_name_raises():
    model = nn.Module()
    model.module = nn.Module()
    model.module.body = nn.Linear(1, 1)
    model._orig_mod = nn.Module()
    model._orig_mod.body = nn.Linear(2, 2)
    with pytest.raises(
        LayerError, match=r"ambiguous: pass one of 'module\.body', '_orig_mod\.body'"
    ):
        resolve_layer(model, "body")
    assert normalize_layer_name(model, "module.body") == "module.body"
    assert resolve_layer(model, "_orig_mod.body").in_features == 2


def test_a_layer_inside_a_checkpoint_wrapper_needs_no_prefix():
    model = nn.Sequential(checkpoint_wrapper(nn.Sequential(nn.Linear(2, 2))))
    for name in ("0.0", "0._checkpoint_wrapped_module.0"):
        assert normalize_layer_name(model, name) == "0.0"
        assert resolve_layer(model, name).in_features == 2


@pytest.mark.parametrize("name", ["layer33", "", "module"])
def test_the_error_for_an_unknown_name_lists_three_close_names(resnet, name):
    with pytest.raises(LayerError) as caught:
        resolve_layer(resnet, name)
    assert repr(name) in str(caught.value)
    close = str(caught.value).partition("closest: ")[2].split(", ")
    assert len(close) == 3
    if name == "layer33":
        assert close[0] == "'layer3'"


@pytest.mark.parametrize(
    ("make", "size", "names"),
    [
        (models.resnet18, 64, ("layer1", "layer2", "layer3", "layer4")),
        (models.vgg11, 64, ("features.9", "features.14", "features.19", "features")),
        (models.mobilenet_v2, 96, ("features.3", "features.6", "features.13", "features")),
        (models.convnext_tiny, 64, ("features.1", "features.3", "features.5", "features")),
        (models.swin_t, 64, ("features.1", "features.3", "features.5", "features")),
        (models.vit_b_32, 224, ("encoder",)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_last_block_of_each_resolution_is_chosen(make, size, names):
    assert choose_layers(make(weights=None), make_probe(size)) == names


def test_the_choice_is_logged_and_limited(caplog):
    with caplog.at_level(logging.INFO):
        assert choose_layers(make_small_net(), make_probe(16), limit=1) == ("4",)
    assert "chose 4" in caplog.text


def test_the_resolution_of_the_input_is_skipped_unless_it_is_the_only_one():
    assert choose_layers(make_small_net(stride=1), make_probe(16)) == ("2", "4")
    assert choose_layers(make_small_net(stride=2), make_probe(32)) == ("1", "2", "4")
    flat = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert choose_layers(flat, make_probe(8)) == ("1",)


def test_chosen_names_have_no_prefixes_of_wrappers():
    model = make_small_net()
    model[4] = torch.compile(model[4], backend="eager")
    assert choose_layers(nn.DataParallel(model), make_probe(16)) == ("2", "4")


def test_a_network_without_maps_raises():
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.ReLU(), nn.Linear(8, 2))
    with pytest.raises(LayerError, match=r"pass layers=\[\.\.\.\]"):
        choose_layers(model, make_probe(4))
