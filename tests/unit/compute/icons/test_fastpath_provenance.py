# SPDX-License-Identifier: Apache-2.0
"""`layer_info["fastpath"]` of an atlas: whether its icons used the fast path, and why not."""

from __future__ import annotations

import logging

import pytest
import torch
from icon_inputs import make_blurred_noise, make_edge_net
from torch import nn

from tensorboard_plugin_atlas.compute.icons.render_levels import FASTPATH
from tensorboard_plugin_atlas.compute.icons.rerendered_icons import (
    compute_activations,
    refine_icons,
)
from tensorboard_plugin_atlas.compute.pipeline import compute_atlas
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

IMAGES = make_blurred_noise(12)


def make_config(icons="examples"):
    return AtlasConfig(samples=12, grids=(2,), min_count=1, icons=icons, attribution=False)


def make_network(*unsupported):
    return nn.Sequential(make_edge_net()[0], *unsupported, nn.ReLU())


def compute_info(network, layer, icons="examples"):
    """`layer_info` of the atlas of a layer, after a round trip through the wire format."""
    atlas = compute_atlas(network, layer, IMAGES, config=make_config(icons))
    return decode_atlas(encode_atlas(atlas)).provenance.layer_info


@pytest.mark.parametrize("icons", ["examples", "preview"])
def test_a_supported_network_is_reported(icons):
    assert compute_info(make_network(), "1", icons)[FASTPATH] == {"used": True, "reason": None}


@pytest.mark.parametrize("icons", ["examples", "preview"])
def test_an_unsupported_operation_is_reported_and_logged(icons, caplog):
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        info = compute_info(make_network(nn.Softplus()), "2", icons)
    assert info[FASTPATH] == {"used": False, "reason": "operation aten.softplus.default"}
    assert (
        "icons of layer '2': plain autograd runs instead of the fast path "
        "(operation aten.softplus.default)"
    ) in caplog.messages


def test_an_atlas_without_icons_reports_nothing():
    assert FASTPATH not in compute_info(make_network(), "1", "none")


def test_refined_icons_replace_the_report():
    network, config = make_network(), make_config()
    atlas = compute_atlas(network, "1", IMAGES, config=config)
    network.add_module("1", nn.Softplus())
    probe = build_probe(IMAGES, config=config)
    with torch.no_grad():
        activations = compute_activations(network, ["1"], probe, config)["1"]
    refined = refine_icons(
        network, atlas, probe, activations, kind="preview", config=config, progress=False
    )
    expected = {"used": False, "reason": "operation aten.softplus.default"}
    assert refined.provenance.layer_info[FASTPATH] == expected
    assert atlas.provenance.layer_info[FASTPATH] == {"used": True, "reason": None}
