# SPDX-License-Identifier: Apache-2.0
"""Directions pushed through what comes behind a layer, against autograd's forward mode."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fastpath_networks import NETWORKS
from torch import nn

from tensorboard_plugin_atlas.compute.attribution import attribute as room
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.fastpath.jvp import trace_head
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.preserve_state import limit_batch_size
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import PatchEvaluator
from tensorboard_plugin_atlas.config import AtlasConfig

ROWS = np.array([0, 2, 1, 2, 0])


def frozen(network):
    return network.eval().requires_grad_(requires_grad=False)


@pytest.fixture(autouse=True)
def quiet_forward_mode():
    with room._differentiable():  # torch warns when it loads its forward mode
        yield


def derived(network, outputs, directions):
    return torch.func.jvp(network, (outputs,), (directions,))[1]


class Head(nn.Module):
    """Pooling and a classifier, of any number of channels."""

    def __init__(self):
        super().__init__()
        self.pool, self.classes = nn.AdaptiveAvgPool2d(1), nn.LazyLinear(5)

    def forward(self, x):
        return self.classes(self.pool(x).flatten(1))


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_pushed_is_what_forward_mode_gives(name):
    torch.manual_seed(1)
    network = nn.Sequential(NETWORKS[name], Head())
    outputs, directions = torch.randn(3, 3, 14, 14), torch.randn(5, 3, 14, 14)
    network(outputs)
    behind = trace_head(frozen(network), outputs[ROWS])
    assert behind is not None
    wanted = derived(network, outputs[ROWS], directions)
    assert wanted.abs().max() > 0
    assert torch.allclose(behind.jvp(outputs, ROWS, directions), wanted, atol=1e-6)
    # Fewer than it was read for, and other pictures.
    other = torch.randn(3, 3, 14, 14)
    found = behind.jvp(other, ROWS[:2], directions[:2])
    assert torch.allclose(found, derived(network, other[ROWS[:2]], directions[:2]), atol=1e-6)


class Beside(nn.Module):
    """Joins what comes before its layer to what comes behind."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layer = nn.Conv2d(4, 4, 3, padding=1)
        self.behind = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        before = torch.relu(self.stem(x))
        mixed = torch.relu(self.behind(torch.relu(self.layer(before))) * before)
        return self.head(mixed.mean((2, 3)))


class Plain(Beside):
    """Does not."""

    def forward(self, x):
        mixed = torch.relu(self.behind(torch.relu(self.layer(torch.relu(self.stem(x))))))
        return self.head(mixed.mean((2, 3)))


class Branching(Beside):
    """Looks at its numbers to choose what it does."""

    def forward(self, x):
        inner = torch.relu(self.layer(torch.relu(self.stem(x))))
        mixed = self.behind(inner * 2 if inner.mean() > 100 else inner)
        return self.head(torch.relu(mixed).mean((2, 3)))


def probe_of():
    generator = torch.Generator().manual_seed(0)
    config = AtlasConfig(samples=60, positions_per_image=3)
    return build_probe(torch.rand(20, 3, 16, 16, generator=generator), config=config)


@pytest.mark.parametrize(("kind", "taken"), [(Plain, True), (Beside, False), (Branching, False)])
def test_attribution_is_the_same_and_pushed_where_that_is_right(kind, taken, monkeypatch):
    torch.manual_seed(0)
    network, probe = kind().eval(), probe_of()
    said = []
    own = room._pushed
    monkeypatch.setattr(room, "_pushed", lambda *a: said.append(own(*a)) or said[-1])
    found = compute_attribution(network, "layer", probe).values
    assert (said[0] is not None) == taken
    monkeypatch.setattr(room, "_pushed", lambda *_: None)
    np.testing.assert_allclose(
        found, compute_attribution(network, "layer", probe).values, atol=1e-6
    )
    assert np.abs(found).max() > 0


def test_what_was_read_wrongly_is_found_out(monkeypatch):
    network, probe = Plain().eval(), probe_of()
    wanted = compute_attribution(network, "layer", probe).values
    own = room.Intervention.trace_head

    def other_weights(asked, rows):
        behind = own(asked, rows)
        with torch.no_grad():
            asked.model.behind.weight.mul_(1.5)  # what was read stays as it was read
        return behind

    monkeypatch.setattr(room.Intervention, "trace_head", other_weights)
    with monkeypatch.context() as patch:
        patch.setattr(room, "_agree", lambda *_: True)
        assert not np.allclose(
            compute_attribution(network, "layer", probe).values, 1.5 * wanted, rtol=0.01
        )
    found = compute_attribution(network, "layer", probe).values
    assert not np.allclose(found, wanted, rtol=0.01)  # forward mode, of the weights of now


def test_nobody_passes_many_large_images_at_once():
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
    room.find_class_positions(network, "layer", probe, [0, 1], most=3)
    assert passes == [2, 5, 5, 2]  # the first two tell how often the layer runs
    passes.clear()
    PatchEvaluator.prepare(network, images)
    assert passes == [5, 5, 2]


def test_few_large_images_share_a_pass_on_the_cpu():
    network = nn.Conv2d(3, 4, 1)
    assert limit_batch_size(128, torch.empty(1, 3, 32, 32), network) == 128
    assert limit_batch_size(128, torch.empty(1, 3, 224, 224), network) == 5
    assert limit_batch_size(2, torch.empty(1, 3, 224, 224), network) == 2
    assert limit_batch_size(128, torch.empty(1, 3, 2000, 2000), network) == 1
    on_meta = nn.Conv2d(3, 4, 1, device="meta")
    assert limit_batch_size(128, torch.empty(1, 3, 224, 224), on_meta) == 128
