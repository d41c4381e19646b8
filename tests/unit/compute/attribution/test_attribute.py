# SPDX-License-Identifier: Apache-2.0
"""Attribution: hand-computed values, brute force, captum, and models without derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradientXActivation
from torch import nn

from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import LayerError


def probe_of(images, each=1):
    return build_probe(
        images, config=AtlasConfig(samples=len(images) * each, positions_per_image=each)
    )


class Convolved(nn.Module):
    """Two convolutions around a rectifier, pooled to `classes` logits."""

    def __init__(self, classes=4, pool=None):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 6, 3, 2, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.deep = nn.Conv2d(6, 8, 3, 2, padding=1)
        self.pool = pool or nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8, classes)

    def forward(self, x):
        x = self.act(self.stem(x))
        return self.head(self.pool(torch.tanh(self.deep(x))).flatten(1))


class Attending(nn.Module):
    """Patches of 4 px and a class token through one encoder block."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patch = nn.Conv2d(3, 8, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.mix = nn.Identity()
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = self.mix(torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1))
        return self.head(self.block(x)[:, 0])


def brute_force(model, layer, probe):
    """One backward pass for each class of each sample."""
    model.eval()
    module, kept, rows = model.get_submodule(layer), [], []
    handle = module.register_forward_hook(lambda _m, _i, out: kept.append(out))
    for sample, image in enumerate(probe.sample_image):
        kept.clear()
        logits = model(probe.images[image : image + 1])[0]
        output = kept[-1]
        if output.ndim == 4:
            row, col = probe.map_positions(*output.shape[2:])[sample]
            here = (0, slice(None), row, col)
        else:
            side = int((output.shape[1] - 1) ** 0.5)
            row, col = probe.map_positions(side, side)[sample]
            here = (0, 1 + row * side + col)
        gradients = [torch.autograd.grad(one, output, retain_graph=True)[0] for one in logits]
        rows.append([float((g[here] * output[here].detach()).sum()) for g in gradients])
    handle.remove()
    return np.array(rows, np.float32)


def test_a_linear_head_matches_hand_computed_values():
    model = nn.Sequential(nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    model[3].weight.data = torch.tensor([[1.0, 0.0, -2.0], [0.0, 3.0, 0.0]])
    images = torch.zeros(1, 3, 4, 4)
    images[0, :] = torch.tensor([0.4, 0.2, 0.1])[:, None, None]
    found = compute_attribution(model, "0", probe_of(images)).values
    # One of 16 pixels: (0.4 - 2 * 0.1) / 16 and 3 * 0.2 / 16.
    np.testing.assert_allclose(found, [[0.0125, 0.0375]], rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "layer"),
    [
        (Convolved(), "stem"),
        (Convolved(), "deep"),
        (Convolved(classes=30, pool=nn.AdaptiveMaxPool2d(1)), "act"),
        (Attending(), "mix"),
    ],
    ids=["convolution", "deep", "in place", "tokens"],
)
@pytest.mark.parametrize("batch_size", [3, 100])
def test_all_classes_at_once_equal_one_backward_pass_per_class(model, layer, batch_size):
    probe = probe_of(torch.rand(5, 3, 16, 16), each=2)
    wanted = brute_force(model, layer, probe)
    found = compute_attribution(model, layer, probe, batch_size=batch_size)
    assert found.notes == ()
    np.testing.assert_allclose(found.values, wanted, rtol=1e-4, atol=1e-6 * np.abs(wanted).max())


def test_captum_gives_the_same_attribution():
    model, probe = Convolved().eval(), probe_of(torch.rand(6, 3, 16, 16))
    found = compute_attribution(model, "deep", probe).values
    method = LayerGradientXActivation(model, model.deep)
    rows, cols = probe.map_positions(4, 4).T
    for label in range(4):
        product = method.attribute(probe.images[:], target=label).detach().sum(1)
        theirs = product[torch.arange(6), torch.from_numpy(rows), torch.from_numpy(cols)]
        np.testing.assert_allclose(found[:, label], theirs.numpy(), rtol=1e-4, atol=1e-7)


class _Cubed(torch.autograd.Function):
    """Has a backward pass and no forward-mode derivative."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        return gradient * 3 * x**2


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Identity()

    def forward(self, x):
        return _Cubed.apply(self.first(x)).sum((2, 3))


def test_an_operation_without_a_forward_derivative_is_differentiated_by_two_backward_passes():
    images = torch.full((2, 3, 4, 4), 0.5)
    found = compute_attribution(Custom(), "first", probe_of(images))
    # h * 3 h^2 = 3 * 0.125, to the class of its own channel alone.
    np.testing.assert_allclose(found.values, np.full((2, 3), 0.375), rtol=1e-6)


class Detached(Convolved):
    def forward(self, x):
        return super().forward(x).detach()


class Features(Convolved):
    def forward(self, x):
        return self.deep(self.act(self.stem(x)))


class UnusedLayer(Convolved):
    """Its stem runs, but its output is not used."""

    def forward(self, x):
        self.stem(x)
        return self.head(x.mean((2, 3)).repeat(1, 3)[:, :8])


class _WithoutMessage(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise RuntimeError


class WithoutMessage(Convolved):
    """Fails in the backward pass, without a message."""

    def forward(self, x):
        return _WithoutMessage.apply(super().forward(x))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (WithoutMessage(), "no derivative after layer stem (RuntimeError)"),
        (Features(), "the model returns a tensor of shape"),
        (UnusedLayer(), "the logits do not depend on layer 'stem'"),
        (Detached(), "the logits do not depend on layer 'stem'"),
    ],
    ids=["no message", "no logits", "unused layer", "detached"],
)
def test_a_note_explains_missing_attribution(model, reason):
    found = compute_attribution(model, "stem", probe_of(torch.rand(2, 3, 16, 16)))
    assert found.values is None
    assert found.notes[0].startswith(f"attribution: left out, {reason}")


def test_a_layer_that_never_runs_is_named():
    model = Convolved()
    model.spare = nn.Identity()
    with pytest.raises(LayerError, match="'spare' did not run"):
        compute_attribution(model, "spare", probe_of(torch.rand(2, 3, 16, 16)))


class Twice(nn.Module):
    """Its layer runs twice; the second output is the one that is sampled."""

    def __init__(self):
        super().__init__()
        self.step = nn.Conv2d(3, 3, 1, bias=False)
        self.step.weight.data = torch.eye(3).view(3, 3, 1, 1) / 2

    def forward(self, x):
        return self.step(self.step(x)).sum((2, 3))


def test_the_last_output_of_a_layer_is_used():
    found = compute_attribution(Twice(), "step", probe_of(torch.full((1, 3, 4, 4), 0.8))).values
    np.testing.assert_allclose(found, [[0.2, 0.2, 0.2]], rtol=1e-6)


class Packed(nn.Module):
    """Its layer returns a mapping with a tuple inside."""

    class Inner(nn.Module):
        def forward(self, x):
            return {"name": "x", "maps": (None, x, x + 1)}

    def __init__(self):
        super().__init__()
        self.inner = self.Inner()

    def forward(self, x):
        return self.inner(x)["maps"][1].sum((2, 3))


def test_a_nested_tensor_is_found_and_replaced():
    found = compute_attribution(Packed(), "inner", probe_of(torch.full((1, 3, 4, 4), 0.5))).values
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.5]])


def test_the_model_is_left_as_it_was():
    model = Convolved().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    probe = probe_of(torch.rand(4, 3, 16, 16))
    state = torch.get_rng_state()
    compute_attribution(model, "deep", probe)
    assert model.training
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.deep._forward_hooks
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.mha.get_fastpath_enabled()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
