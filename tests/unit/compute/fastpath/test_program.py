# SPDX-License-Identifier: Apache-2.0
"""Networks read as lists of operations, against autograd."""

from __future__ import annotations

import pytest
import torch
from fastpath_networks import NETWORKS, Residual, make_convolution
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.program import compile_program


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [14, 15])
def test_output_and_gradient_are_those_of_autograd(name, side):
    network = NETWORKS[name].eval().requires_grad_(requires_grad=False)
    program = compile_program(network, torch.rand(2, 3, 16, 16))
    assert program is not None
    inputs = torch.randn(5, 3, side, side, requires_grad=True)
    cotangent = torch.randn_like(network(inputs))
    (wanted,) = torch.autograd.grad(network(inputs), inputs, cotangent)
    (found,) = torch.autograd.grad(program(inputs), inputs, cotangent)
    assert torch.allclose(program(inputs), network(inputs), atol=1e-5)
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_gradient_nothing_is_kept_and_all_is_the_same(name):
    program = compile_program(NETWORKS[name].eval(), torch.rand(2, 3, 16, 16))
    inputs = torch.randn(3, 3, 14, 14)
    output, kept = program.run(inputs, keep=False)
    assert kept == []
    assert torch.equal(output, program.run(inputs)[0])
    assert torch.equal(output, program(inputs))
    assert not program(inputs).requires_grad


def test_a_rectifier_goes_into_its_convolution():
    program = compile_program(NETWORKS["rectifiers"], torch.rand(2, 3, 16, 16))
    assert len(program.operations) == 2


def test_damping_scales_what_comes_back_through_the_branch_only():
    branch = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.dirac_(branch.weight)
    check = torch.rand(2, 3, 4, 4)
    program = compile_program(Residual(branch), check, damping=0.25)
    check.requires_grad_()
    output = program(check)
    assert torch.allclose(output, 2 * check)
    output.sum().backward()
    assert torch.allclose(check.grad, torch.full_like(check, 1.25))


class Counts(nn.Module):
    """Does something else for another batch."""

    def forward(self, x):
        return x * len(x)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(4 * 64, 5)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.LayerNorm([4, 8, 8])),
        nn.ConvTranspose2d(3, 4, 2),
        Counts(),
    ],
    ids=["vector", "normalized", "transposed", "batch size"],
)
def test_what_is_not_listed_is_left_to_autograd(network):
    assert compile_program(network, torch.rand(2, 3, 8, 8)) is None


def test_a_network_that_fails_is_left_to_autograd():
    def fails(_):
        raise KeyError("no")

    assert compile_program(fails, torch.rand(2, 3, 8, 8)) is None


def chain():
    torch.manual_seed(0)
    blocks = [Residual(make_convolution(4, 4, 3, 1, 1)) for _ in range(3)]
    return nn.Sequential(make_convolution(3, 4, 3, 2), *blocks, nn.Conv2d(4, 5, 1)).requires_grad_(
        False
    )


@pytest.mark.parametrize("left_out", [(0,), (2,), (0, 2), (0, 1, 2)])
def test_a_branch_that_is_left_out_adds_nothing_forward_or_back(left_out):
    network = chain()
    inputs = torch.randn(2, 3, 9, 9).requires_grad_()
    program = compile_program(network, inputs.detach())
    assert len(program.branches) == 3
    kept = [part for i, part in enumerate(network) if i - 1 not in left_out]
    wanted = nn.Sequential(*kept)(inputs)
    slope = torch.randn_like(wanted)
    (gradient,) = torch.autograd.grad(wanted, inputs, slope)
    found = program(inputs, left_out)
    assert torch.allclose(found, wanted, atol=1e-5)
    (own,) = torch.autograd.grad(found, inputs, slope)
    assert torch.allclose(own, gradient, atol=1e-5)
    assert not torch.allclose(found, program(inputs), atol=1e-3)


def test_only_a_branch_beside_an_untouched_input_can_be_left_out():
    class Projected(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch, self.shortcut = make_convolution(4, 4, 3, 1, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return self.shortcut(x) + self.branch(x)

    network = nn.Sequential(nn.Conv2d(3, 4, 1), Projected()).requires_grad_(False)
    program = compile_program(network, torch.randn(2, 3, 8, 8))
    assert program is not None
    assert program.branches == ()
