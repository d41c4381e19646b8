# SPDX-License-Identifier: Apache-2.0
"""JVPs of the part of a network after a layer, compared with autograd's forward mode."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from fastpath_networks import NETWORKS
from torch import nn

from tensorboard_plugin_atlas.compute.attribution import attribute as attribute_module
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.fastpath.traced_head import TracedHead, trace_head
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.preserve_state import limit_batch_size
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import PatchEvaluator
from tensorboard_plugin_atlas.config import AtlasConfig

ROWS = np.array([0, 2, 1, 2, 0])


def frozen(network):
    return network.eval().requires_grad_(requires_grad=False)


@pytest.fixture(autouse=True)
def ignore_forward_mode_warnings():
    with attribute_module._enable_all_derivatives():  # torch warns when it loads its forward mode
        yield


def compute_jvp(network, outputs, directions):
    return torch.func.jvp(network, (outputs,), (directions,))[1]


class Head(nn.Module):
    """Pooling and a classifier, for any number of channels."""

    def __init__(self):
        super().__init__()
        self.pool, self.classes = nn.AdaptiveAvgPool2d(1), nn.LazyLinear(5)

    def forward(self, x):
        return self.classes(self.pool(x).flatten(1))


@pytest.mark.parametrize("name", NETWORKS)
def test_jvps_equal_those_of_forward_mode(name):
    torch.manual_seed(1)
    network = nn.Sequential(NETWORKS[name], Head())
    outputs, directions = torch.randn(3, 3, 14, 14), torch.randn(5, 3, 14, 14)
    network(outputs)
    head = trace_head(frozen(network), outputs[ROWS], task="test")
    assert head is not None
    expected = compute_jvp(network, outputs[ROWS], directions)
    assert expected.abs().max() > 0
    assert torch.allclose(head.jvp(outputs, ROWS, directions), expected, atol=1e-6)
    # Fewer directions than it was traced with, and other images.
    other = torch.randn(3, 3, 14, 14)
    found = head.jvp(other, ROWS[:2], directions[:2])
    assert torch.allclose(found, compute_jvp(network, other[ROWS[:2]], directions[:2]), atol=1e-6)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (nn.Sequential(nn.LayerNorm([3, 14, 14]), Head()), "no supported operation with a map"),
        (nn.Sequential(nn.ReLU(), Head()), "no supported convolution follows the layer"),
    ],
    ids=["layer norm", "no convolution"],
)
def test_an_unsupported_head_is_not_traced_and_the_reason_is_logged(network, reason, caplog):
    outputs = torch.randn(2, 3, 14, 14)
    network(outputs)
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        assert trace_head(frozen(network), outputs, task="attribution") is None
    (record,) = caplog.records
    assert record.message.startswith("attribution: plain autograd runs instead of the fast path")
    assert reason in record.message


class SkipConnection(nn.Module):
    """Multiplies values from before its layer with values from after it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layer = nn.Conv2d(4, 4, 3, padding=1)
        self.after = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        before = torch.relu(self.stem(x))
        mixed = torch.relu(self.after(torch.relu(self.layer(before))) * before)
        return self.head(mixed.mean((2, 3)))


class Plain(SkipConnection):
    """Has no skip connection."""

    def forward(self, x):
        mixed = torch.relu(self.after(torch.relu(self.layer(torch.relu(self.stem(x))))))
        return self.head(mixed.mean((2, 3)))


class Branching(SkipConnection):
    """Chooses its operations by its values."""

    def forward(self, x):
        inner = torch.relu(self.layer(torch.relu(self.stem(x))))
        mixed = self.after(inner * 2 if inner.mean() > 100 else inner)
        return self.head(torch.relu(mixed).mean((2, 3)))


def make_probe():
    generator = torch.Generator().manual_seed(0)
    config = AtlasConfig(samples=60, positions_per_image=3)
    return build_probe(torch.rand(20, 3, 16, 16, generator=generator), config=config)


@pytest.mark.parametrize(
    ("kind", "is_used"), [(Plain, True), (SkipConnection, False), (Branching, False)]
)
def test_attribution_uses_traced_jvps_where_they_are_right(kind, is_used, monkeypatch, caplog):
    torch.manual_seed(0)
    network, probe = kind().eval(), make_probe()
    results = []
    own = attribute_module._compute_by_traced_jvp
    monkeypatch.setattr(
        attribute_module,
        "_compute_by_traced_jvp",
        lambda *a: results.append(own(*a)) or results[-1],
    )
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        found = compute_attribution(network, "layer", probe).values
    assert (results[0] is not None) == is_used
    assert ("attribution of layer 'layer': plain autograd runs" in caplog.text) != is_used
    monkeypatch.setattr(attribute_module, "_compute_by_traced_jvp", lambda *_: None)
    np.testing.assert_allclose(
        found, compute_attribution(network, "layer", probe).values, atol=1e-6
    )
    assert np.abs(found).max() > 0


def test_a_wrong_trace_is_detected(monkeypatch, caplog):
    network, probe = Plain().eval(), make_probe()
    expected = compute_attribution(network, "layer", probe).values
    jvp = TracedHead.jvp
    monkeypatch.setattr(TracedHead, "jvp", lambda *arguments: 1.5 * jvp(*arguments))
    with monkeypatch.context() as patch:
        patch.setattr(attribute_module, "_are_close", lambda *_: True)
        unchecked = compute_attribution(network, "layer", probe).values
    np.testing.assert_allclose(unchecked, 1.5 * expected, rtol=1e-5)
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        found = compute_attribution(network, "layer", probe).values
    assert "the JVPs differ from those of forward mode" in caplog.text
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_every_pass_is_limited_to_a_few_large_images():
    passes = []

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head = nn.Conv2d(3, 2, 1, 32), nn.Linear(2, 3)

        def forward(self, x):
            passes.append(len(x))
            return self.head(torch.relu(self.layer(x)).mean((2, 3)))

    network, images = Counting().eval(), torch.rand(12, 3, 224, 224)
    probe = build_probe(images, config=AtlasConfig(samples=12))
    collect_activations(network, ["layer"], probe)
    assert passes == [5, 5, 2]
    passes.clear()
    attribute_module.find_class_positions(network, "layer", probe, [0, 1], most=3)
    assert passes == [2, 5, 5, 2]  # the first pass counts the calls of the layer
    passes.clear()
    PatchEvaluator.prepare(network, images)
    assert passes == [5, 5, 2]


def test_the_batch_size_is_limited_by_pixels_on_the_cpu():
    network = nn.Conv2d(3, 4, 1)
    assert limit_batch_size(128, torch.empty(1, 3, 32, 32), network) == 128
    assert limit_batch_size(128, torch.empty(1, 3, 224, 224), network) == 5
    assert limit_batch_size(2, torch.empty(1, 3, 224, 224), network) == 2
    assert limit_batch_size(128, torch.empty(1, 3, 2000, 2000), network) == 1
    on_meta = nn.Conv2d(3, 4, 1, device="meta")
    assert limit_batch_size(128, torch.empty(1, 3, 224, 224), on_meta) == 128
