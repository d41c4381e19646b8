# SPDX-License-Identifier: Apache-2.0
"""Programs cropped to a window of their output, compared with whole programs."""

from __future__ import annotations

import pytest
import torch
from fastpath_networks import NETWORKS, Residual, SqueezeExcite, make_convolution
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath import crop as crop_module
from tensorboard_plugin_atlas.compute.fastpath.crop import Span, crop_program
from tensorboard_plugin_atlas.compute.fastpath.operations import Convolution
from tensorboard_plugin_atlas.compute.fastpath.program import compile_program


class Projected(nn.Module):
    """A residual block whose shortcut has the stride of its branch."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = make_convolution(inputs, outputs, 3, stride, 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


def chain():
    torch.manual_seed(0)
    blocks = Projected(4, 6, 2), Residual(make_convolution(6, 6, 3, 1, 1)), Projected(6, 8, 2)
    return nn.Sequential(make_convolution(3, 4, 3, 1, 1), *blocks)


ALL = {**NETWORKS, "chain": chain(), "chain after a mean": nn.Sequential(SqueezeExcite(), chain())}


def compile_network(network, side):
    network, check = network.eval().requires_grad_(False), torch.rand(2, 3, side, side)
    return compile_program(network, check, task="test")


def count_rows(program, side):
    """Rows of the output of each convolution."""
    _, saved = program.run(torch.rand(1, 3, side, side))
    pairs = zip(program.operations, saved, strict=True)
    return [more[1].shape[2] for one, more in pairs if isinstance(one, Convolution)]


def windows(count):
    """The center, each border, and the whole map."""
    center = Span((count - 1) // 2, count // 2 + 1)
    return center, Span(0, 1), Span(count - 1, count), Span(0, count)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("side", [20, 21])
def test_a_window_equals_that_of_the_whole_output(name, side, monkeypatch):
    monkeypatch.setattr(crop_module, "MAX_SHARE", 2.0)
    program = compile_network(ALL[name], side)
    inputs = torch.randn(3, 3, side, side, requires_grad=True)
    size = program(inputs).shape[2:]
    for rows, columns in zip(windows(size[0]), windows(size[1])[::-1], strict=True):
        expected = program(inputs)[:, :, rows.first : rows.end, columns.first : columns.end]
        cotangent = torch.randn_like(expected)
        (expected_gradient,) = torch.autograd.grad(expected, inputs, cotangent)
        cropped = crop_program(program, inputs.detach(), (rows, columns))
        if cropped is None:
            assert "padding" in name  # the corner depends on padding alone
            continue
        output = cropped(inputs)
        (gradient,) = torch.autograd.grad(output, inputs, cotangent)
        assert torch.allclose(output, expected, atol=1e-5)
        assert torch.allclose(gradient, expected_gradient, atol=1e-5)


def test_the_center_of_a_small_receptive_field_needs_a_part_of_each_map():
    program = compile_network(chain(), 32)
    cropped = crop_program(program, torch.rand(1, 3, 32, 32), (Span(3, 5), Span(3, 5)))
    assert cropped is not None
    whole_rows, rows = count_rows(program, 32), count_rows(cropped, 32)
    assert whole_rows == [32, 16, 16, 16, 16, 8, 8, 8]
    # From the end: two rows, four before them, then nine or ten for a stride of two.
    assert rows[-3:] == [4, 2, 2]
    assert all(some < all_ for some, all_ in zip(rows[1:], whole_rows[1:], strict=True))


def test_a_window_that_depends_on_most_of_the_input_is_not_cropped():
    program = compile_network(chain(), 8)
    like = torch.rand(1, 3, 8, 8)
    assert crop_program(program, like, (Span(0, 2), Span(0, 2))) is None


def test_an_operation_that_is_not_pointwise_needs_its_whole_input():
    program = compile_network(nn.Sequential(make_convolution(3, 4, 3, 1, 1), nn.AvgPool2d(2)), 16)
    assert crop_program(program, torch.rand(1, 3, 16, 16), (Span(3, 5), Span(3, 5))) is None


def test_the_input_span_is_a_multiple_of_the_stride():
    assert Span(3, 4).get_input_span(3, 2, 1, 1) == Span(5, 9)
    assert Span(0, 2).get_input_span(3, 1, 1, 1) == Span(-1, 3)
    assert Span(1, 3).get_input_span(1, 2, 0, 1) == Span(2, 6)
    assert Span(0, 1).get_input_span(3, 1, 2, 2) == Span(-2, 3)
