# SPDX-License-Identifier: Apache-2.0
"""Networks compiled into programs, compared with autograd."""

from __future__ import annotations

import logging

import pytest
import torch
from fastpath_networks import NETWORKS, Residual, make_convolution
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath import Fallback, Program
from tensorboard_plugin_atlas.compute.fastpath import program as program_module
from tensorboard_plugin_atlas.compute.fastpath.program import compile_program


def compile_network(network, check, **options):
    """The program of a network that the fast path supports."""
    program = compile_program(network, check, task="test", **options)
    assert isinstance(program, Program), program
    return program


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [14, 15])
def test_output_and_gradient_equal_those_of_autograd(name, side):
    network = NETWORKS[name].eval().requires_grad_(requires_grad=False)
    program = compile_network(network, torch.rand(2, 3, 16, 16))
    inputs = torch.randn(5, 3, side, side, requires_grad=True)
    cotangent = torch.randn_like(network(inputs))
    (expected,) = torch.autograd.grad(network(inputs), inputs, cotangent)
    (gradient,) = torch.autograd.grad(program(inputs), inputs, cotangent)
    assert torch.allclose(program(inputs), network(inputs), atol=1e-5)
    assert torch.allclose(gradient, expected, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_gradient_nothing_is_saved_and_the_output_is_the_same(name):
    program = compile_network(NETWORKS[name].eval(), torch.rand(2, 3, 16, 16))
    inputs = torch.randn(3, 3, 14, 14)
    output, saved = program.run(inputs, save=False)
    assert saved == []
    assert torch.equal(output, program.run(inputs)[0])
    assert torch.equal(output, program(inputs))
    assert not program(inputs).requires_grad


def test_a_relu_is_fused_into_its_convolution():
    program = compile_network(NETWORKS["rectifiers"], torch.rand(2, 3, 16, 16))
    assert len(program.operations) == 2


def test_damping_scales_only_the_gradient_through_the_branch():
    branch = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.dirac_(branch.weight)
    check = torch.rand(2, 3, 4, 4)
    program = compile_network(Residual(branch), check, damping=0.25)
    check.requires_grad_()
    output = program(check)
    assert torch.allclose(output, 2 * check)
    output.sum().backward()
    assert torch.allclose(check.grad, torch.full_like(check, 1.25))


class DependsOnBatchSize(nn.Module):
    """Multiplies by the batch size, which tracing turns into a constant."""

    def forward(self, x):
        return x * len(x)


class AddsConstant(nn.Module):
    """Adds a tensor that does not depend on the input."""

    def __init__(self):
        super().__init__()
        self.register_buffer("constant", torch.ones(1, 3, 1, 1))

    def forward(self, x):
        return x + self.constant


def fail(_):
    raise OSError(f"no file at {id(object())}")


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(4 * 64, 5)),
            "operation aten.view.default",
        ),
        (
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.LayerNorm([4, 8, 8])),
            "operation aten.native_layer_norm.default",
        ),
        (nn.ConvTranspose2d(3, 4, 2), "a transposed convolution"),
        (DependsOnBatchSize(), "the output differs from that of the network"),
        (
            AddsConstant(),
            "operation aten.add.Tensor reads a tensor that does not depend on the input",
        ),
        (fail, "OSError"),
    ],
    ids=["vector", "layer norm", "transposed", "batch size", "constant", "exception"],
)
def test_an_unsupported_network_falls_back_to_autograd_and_the_reason_is_logged(
    network, reason, caplog
):
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        found = compile_program(network, torch.rand(2, 3, 8, 8), task="icons of layer 'act'")
    assert found == Fallback(reason)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("tensorboard_plugin_atlas", logging.INFO)
    assert record.message.startswith("icons of layer 'act': plain autograd runs instead")
    assert reason in record.message


@pytest.mark.parametrize(("error", "is_supported"), [(3e-3, True), (5e-2, False), (1.0, False)])
def test_the_gradient_may_differ_by_a_few_units_at_the_kink_of_their_relu(
    monkeypatch, error, is_supported
):
    vjp = program_module.Program.vjp

    def compute_distorted(program, grad_output, saved):
        gradient = vjp(program, grad_output, saved)
        first = torch.zeros_like(gradient)
        first[0, 0, 0, 0] = error * gradient.norm()
        return gradient + first

    monkeypatch.setattr(program_module.Program, "vjp", compute_distorted)
    found = compile_program(make_convolution(3, 4, 3), torch.rand(2, 3, 16, 16), task="test")
    assert isinstance(found, Program) == is_supported
    if not is_supported:
        assert found.reason == "the input gradient differs from that of autograd"


def test_the_text_of_an_exception_is_logged_but_not_returned(caplog):
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        found = compile_program(fail, torch.rand(2, 3, 8, 8), task="test")
    assert found == Fallback("OSError")
    assert "OSError: no file at" in caplog.text


def test_a_model_on_another_device_falls_back():
    found = compile_program(nn.Identity(), torch.rand(2, 3, 8, 8, device="meta"), task="test")
    assert found == Fallback("the model is on meta, and the fast path needs the CPU")


def test_without_onednn_every_network_falls_back(monkeypatch):
    monkeypatch.setattr(program_module.torch.backends.mkldnn, "is_available", lambda: False)
    found = compile_program(chain(), torch.rand(2, 3, 8, 8), task="test")
    assert found == Fallback("this build of PyTorch has no oneDNN")


def test_a_supported_network_logs_nothing(caplog):
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        compile_network(chain(), torch.rand(2, 3, 9, 9))
    assert not caplog.records


def chain():
    torch.manual_seed(0)
    blocks = [Residual(make_convolution(4, 4, 3, 1, 1)) for _ in range(3)]
    return nn.Sequential(make_convolution(3, 4, 3, 2), *blocks, nn.Conv2d(4, 5, 1)).requires_grad_(
        False
    )


@pytest.mark.parametrize("skip", [(0,), (2,), (0, 2), (0, 1, 2)])
def test_a_skipped_branch_adds_nothing_to_output_or_gradient(skip):
    network = chain()
    inputs = torch.randn(2, 3, 9, 9).requires_grad_()
    program = compile_network(network, inputs.detach())
    assert len(program.branches) == 3
    kept = [part for i, part in enumerate(network) if i - 1 not in skip]
    expected = nn.Sequential(*kept)(inputs)
    cotangent = torch.randn_like(expected)
    (expected_gradient,) = torch.autograd.grad(expected, inputs, cotangent)
    output = program(inputs, skip)
    assert torch.allclose(output, expected, atol=1e-5)
    (gradient,) = torch.autograd.grad(output, inputs, cotangent)
    assert torch.allclose(gradient, expected_gradient, atol=1e-5)
    assert not torch.allclose(output, program(inputs), atol=1e-3)


def test_only_a_branch_with_an_identity_shortcut_can_be_skipped():
    class Projected(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch, self.shortcut = make_convolution(4, 4, 3, 1, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return self.shortcut(x) + self.branch(x)

    network = nn.Sequential(nn.Conv2d(3, 4, 1), Projected()).requires_grad_(False)
    assert compile_network(network, torch.randn(2, 3, 8, 8)).branches == ()
