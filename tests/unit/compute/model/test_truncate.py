# SPDX-License-Identifier: Apache-2.0
"""Truncated, folded copies: equal to the model up to the layer, which does not change."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm

from tensorboard_plugin_atlas.compute.model.preserve_state import preserve_model_state
from tensorboard_plugin_atlas.compute.model.truncate import truncate
from tensorboard_plugin_atlas.errors import LayerError


def randomize_norms(model: nn.Module) -> nn.Module:
    """Gives every batch norm statistics and weights that are not the identity."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def compute_output(model: nn.Module, layer: str, inputs: torch.Tensor) -> torch.Tensor:
    """The output of the layer in the model, in eval mode."""
    outputs = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda *a: outputs.append(a[2].clone())
    )
    with preserve_model_state(model), torch.no_grad():
        model(inputs)
    handle.remove()
    return outputs[-1]


def make_small(**options) -> nn.Sequential:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 4, 3, stride=2),
        nn.BatchNorm2d(4, **options),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.LazyLinear(3),
    )
    net(torch.zeros(2, 3, 12, 12))
    return randomize_norms(net)


class Branching(nn.Module):
    """Control flow that cannot be traced, a ReLU that runs twice, and a layer that never runs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU()
        self.unused = nn.Conv2d(3, 3, 1)
        self.reached = 0

    def forward(self, x):
        x = self.act(x)
        if float(x.mean()) > -1:
            x = self.act(self.norm(self.conv(x)))
        self.reached += 1
        return x.mean((2, 3))


@pytest.mark.parametrize("layer", ["0", "1", "2", "3", "4", "5", "7"])
def test_a_folded_copy_has_the_output_of_the_model_at_every_layer(layer):
    model, inputs = make_small().train(), torch.randn(4, 3, 12, 12)
    network = truncate(model, layer, inputs)
    assert network.is_copy
    assert network.folded == sum(int(layer) >= norm for norm in (1, 4))
    assert torch.allclose(network(inputs), compute_output(model, layer, inputs), atol=1e-5)


@pytest.mark.parametrize("layer", ["layer2", "layer4.0.bn2", "layer4.1.relu", "fc"])
def test_a_folded_resnet_has_the_same_output(layer):
    model = randomize_norms(torchvision.models.resnet18(weights=None))
    inputs = torch.randn(2, 3, 64, 64)
    network = truncate(model, layer, inputs)
    expected = compute_output(model, layer, inputs)
    assert network.folded >= 10
    assert torch.allclose(network(inputs), expected, atol=1e-3 * float(expected.abs().max()))


def test_the_last_of_several_calls_counts_and_the_pass_ends_there():
    model, inputs = randomize_norms(Branching()), torch.rand(2, 3, 8, 8)
    network = truncate(model, "act", inputs)
    assert (network.calls, network.folded) == (2, 1)
    before = network.network.reached
    assert torch.allclose(network(inputs), compute_output(model, "act", inputs), atol=1e-5)
    assert network.network.reached == before


def test_only_the_input_has_a_gradient():
    model, inputs = make_small(), torch.randn(2, 3, 12, 12, requires_grad=True)
    network = truncate(model, "5", inputs.detach())
    network(inputs).sum().backward()
    assert inputs.grad.abs().sum() > 0
    assert all(p.grad is None for p in network.network.parameters())


def test_an_in_place_relu_at_the_start_does_not_stop_the_gradient():
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 2, 3))
    inputs = torch.rand(1, 3, 8, 8, requires_grad=True)
    truncate(model, "1", inputs.detach())(inputs).sum().backward()
    assert inputs.grad.abs().sum() > 0


def test_the_model_does_not_change():
    model = make_small().train()
    model[2].training = False
    calls = []
    model[3].register_forward_hook(lambda *_: calls.append(1))
    model(torch.randn(2, 3, 12, 12)).sum().backward()
    calls.clear()
    state = copy.deepcopy(model.state_dict())
    gradients = [p.grad.clone() for p in model.parameters()]
    modes = [m.training for m in model.modules()]
    hooks = [len(m._forward_hooks) for m in model.modules()]
    random_state = torch.get_rng_state()
    network = truncate(model, "4", torch.randn(2, 3, 12, 12, generator=torch.Generator()))
    network(torch.zeros(1, 3, 30, 30))
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert all(torch.equal(a, p.grad) for a, p in zip(gradients, model.parameters(), strict=True))
    assert all(p.requires_grad for p in model.parameters())
    assert modes == [m.training for m in model.modules()]
    assert hooks == [len(m._forward_hooks) for m in model.modules()]
    assert model[2].inplace
    assert not calls
    assert torch.equal(random_state, torch.get_rng_state())


def test_later_training_does_not_change_the_copy():
    model, inputs = make_small(), torch.randn(2, 3, 12, 12)
    network = truncate(model, "5", inputs)
    before = network(inputs)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert torch.equal(network(inputs), before)


def test_batch_norm_without_statistics_is_not_folded():
    model = make_small(track_running_stats=False)
    assert truncate(model, "5", torch.randn(4, 3, 12, 12)).folded == 1


def test_a_subclass_that_does_more_than_normalize_is_not_folded():
    class NormAndActivate(nn.BatchNorm2d):
        def forward(self, x):
            return super().forward(x).clamp(min=0)

    model = nn.Sequential(nn.Conv2d(3, 4, 3), NormAndActivate(4), nn.Conv2d(4, 2, 1))
    inputs = torch.randn(2, 3, 8, 8)
    network = truncate(model, "2", inputs)
    assert network.folded == 0
    assert torch.allclose(network(inputs), compute_output(model, "2", inputs), atol=1e-6)


def test_a_convolution_that_changes_its_weight_is_not_folded():
    class Standardized(nn.Conv2d):
        def forward(self, x):
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            return self._conv_forward(x, weight / weight.std(), self.bias)

    model = randomize_norms(nn.Sequential(Standardized(3, 4, 3), nn.BatchNorm2d(4)))
    inputs = torch.randn(2, 3, 8, 8)
    network = truncate(model, "1", inputs)
    assert network.folded == 0
    assert torch.allclose(network(inputs), compute_output(model, "1", inputs), atol=1e-6)


@pytest.mark.parametrize(
    "wrap", [parametrizations.weight_norm, parametrizations.spectral_norm, spectral_norm]
)
def test_weights_that_torch_recomputes_are_not_folded(wrap):
    model = randomize_norms(nn.Sequential(wrap(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)))
    model(torch.randn(2, 3, 8, 8))
    inputs = torch.randn(2, 3, 8, 8)
    network = truncate(model, "1", inputs)
    assert network.folded == 0
    with preserve_model_state(network.network):
        found = network(inputs)
    assert torch.allclose(found, compute_output(model, "1", inputs), atol=1e-5)


def test_a_half_precision_model_is_copied_in_float32():
    model, inputs = make_small().bfloat16(), torch.randn(2, 3, 12, 12)
    out = truncate(model, "5", inputs)(inputs)
    assert out.dtype == torch.float32
    assert torch.allclose(out, compute_output(model.float(), "5", inputs), atol=1e-4)


def test_a_model_that_cannot_be_copied_runs_itself_with_a_note():
    model = make_small().train()
    model.lock = threading.Lock()
    inputs = torch.randn(2, 3, 12, 12)
    state = copy.deepcopy(model.state_dict())
    network = truncate(model, "5", inputs)
    assert network.network is model
    assert "cannot be copied" in network.notes[0]
    with preserve_model_state(model):
        out = network(inputs)
    assert torch.allclose(out, compute_output(model, "5", inputs), atol=1e-6)
    assert model.training
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert not model[5]._forward_hooks


def test_a_hook_that_cannot_be_copied_is_ignored():
    model = make_small()
    lock = threading.Lock()
    model[0].register_forward_hook(type("Hook", (), {"l": lock, "__call__": lambda *_: None})())
    assert truncate(model, "5", torch.randn(2, 3, 12, 12)).is_copy


def test_hooks_are_removed_when_the_network_raises():
    network = truncate(make_small(), "7", torch.randn(2, 3, 12, 12))
    with pytest.raises(RuntimeError):
        network(torch.randn(2, 3, 40, 40))
    assert not any(m._forward_hooks for m in network.network.modules())


def test_a_layer_that_does_not_run_raises():
    with pytest.raises(LayerError, match="'unused' did not run"):
        truncate(Branching(), "unused", torch.rand(1, 3, 8, 8))(torch.rand(1, 3, 8, 8))


def test_a_layer_without_a_tensor_raises():
    class Odd(nn.Module):
        def forward(self, x):
            return {"nothing": None}

    with pytest.raises(LayerError, match="'0' returns no tensor"):
        truncate(nn.Sequential(Odd()), "0", torch.rand(1, 3, 8, 8))(torch.rand(1, 3, 8, 8))
