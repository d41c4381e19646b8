# SPDX-License-Identifier: Apache-2.0
"""An optimized copy has the same outputs as the model, or is not used."""

import copy
import threading

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference


class Network(nn.Module):
    """Two convolutions with batch norms, and a head."""

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


def train(kind=Network):
    torch.manual_seed(0)
    model = kind()
    for _ in range(4):
        model(torch.randn(16, 3, 12, 12) + 0.5)
    return model


def count_folded(network):
    return sum(isinstance(module, nn.Identity) for module in network.modules())


@pytest.fixture
def images():
    return torch.randn(20, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def test_the_copy_is_folded_and_has_the_same_logits(images):
    model = train()
    expected = copy.deepcopy(model).eval()(images)
    with optimize_for_inference(model, images) as fast:
        assert fast is not model
        assert count_folded(fast) == 2
        torch.testing.assert_close(fast(images), expected, rtol=1e-4, atol=1e-5)
        assert not any(p.requires_grad for p in fast.parameters())


def test_the_model_does_not_change(images):
    model = train()
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    with optimize_for_inference(model, images) as fast:
        fast(images)
    assert model.training
    assert model.body[2].inplace
    assert all(p.requires_grad for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("kind", [Locked, RandomNoise])
def test_without_an_equal_copy_the_model_itself_is_used(kind, images):
    model = train(kind)
    with optimize_for_inference(model, images) as used:
        assert used is model
        assert not model.training
    assert model.training


def test_a_layer_whose_output_folding_changes_needs_the_model_itself(images):
    model = train()
    with optimize_for_inference(model, images, "body") as used:
        assert used is model


@pytest.mark.parametrize("layer", ["body.1", "body.2", "norm"])
def test_a_layer_after_a_folded_batch_norm_has_the_same_output(layer, images):
    model = train()
    outputs = []
    with optimize_for_inference(model, images, layer) as fast:
        assert fast is not model
        for network in (model, fast):
            hook = network.get_submodule(layer).register_forward_hook(
                lambda _m, _i, output: outputs.append(output.clone())
            )
            network(images)
            hook.remove()
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)


def test_with_an_unknown_layer_the_model_itself_is_used(images):
    model = train()
    with optimize_for_inference(model, images, "nowhere") as used:
        assert used is model
