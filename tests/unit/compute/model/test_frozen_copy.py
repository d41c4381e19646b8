# SPDX-License-Identifier: Apache-2.0
"""A copy that is asked in a model's stead answers as the model does, or is not used."""

import copy
import threading

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference


class Network(nn.Module):
    """Two blocks whose normalizations have seen data, and a head."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 8, 3),
        )
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.norm(self.body(x)).mean((2, 3)))


class Locked(Network):
    """Cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class RandomNoise(Network):
    """Draws a random number even in evaluation mode."""

    def forward(self, x):
        return super().forward(x) + torch.rand(())


def trained(kind=Network):
    torch.manual_seed(0)
    model = kind()
    for _ in range(4):
        model(torch.randn(16, 3, 12, 12) + 0.5)
    return model


def folded(network):
    return sum(isinstance(module, nn.Identity) for module in network.modules())


@pytest.fixture
def images():
    return torch.randn(20, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def test_the_copy_is_folded_and_answers_the_same(images):
    model = trained()
    wanted = copy.deepcopy(model).eval()(images)
    with optimize_for_inference(model, images) as quick:
        assert quick is not model
        assert folded(quick) == 2
        torch.testing.assert_close(quick(images), wanted, rtol=1e-4, atol=1e-5)
        assert not any(p.requires_grad for p in quick.parameters())


def test_the_model_is_left_as_it_was(images):
    model = trained()
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    with optimize_for_inference(model, images) as quick:
        quick(images)
    assert model.training
    assert model.body[2].inplace
    assert all(p.requires_grad for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("kind", [Locked, RandomNoise])
def test_where_no_copy_answers_the_same_the_model_itself_is_asked(kind, images):
    model = trained(kind)
    with optimize_for_inference(model, images) as asked:
        assert asked is model
        assert not model.training
    assert model.training


def test_a_layer_whose_end_folding_moves_is_asked_in_the_model_itself(images):
    model = trained()
    with optimize_for_inference(model, images, "body") as asked:
        assert asked is model


@pytest.mark.parametrize("layer", ["body.1", "body.2", "norm"])
def test_a_layer_behind_what_is_folded_answers_the_same(layer, images):
    model = trained()
    heard = []
    with optimize_for_inference(model, images, layer) as quick:
        assert quick is not model
        for network in (model, quick):
            hook = network.get_submodule(layer).register_forward_hook(
                lambda _m, _i, output: heard.append(output.clone())
            )
            network(images)
            hook.remove()
    torch.testing.assert_close(heard[0], heard[1], rtol=1e-4, atol=1e-5)


def test_a_layer_that_is_not_there_is_left_to_the_model(images):
    model = trained()
    with optimize_for_inference(model, images, "nowhere") as asked:
        assert asked is model
