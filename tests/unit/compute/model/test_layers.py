# SPDX-License-Identifier: Apache-2.0
"""Layer names: resolving them through wrappers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torchvision import models

from tensorboard_plugin_atlas.compute.model.layers import (
    normalize_layer_name,
    resolve_layer,
)
from tensorboard_plugin_atlas.errors import LayerError


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
