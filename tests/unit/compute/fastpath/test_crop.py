# SPDX-License-Identifier: Apache-2.0
"""Programs cut down to a few places of their output, against the whole."""

from __future__ import annotations

import pytest
import torch
from fastpath_networks import NETWORKS, Residual, SqueezeExcite, make_convolution
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath import crop as narrowing
from tensorboard_plugin_atlas.compute.fastpath.crop import Span, narrowed
from tensorboard_plugin_atlas.compute.fastpath.operations import Convolution
from tensorboard_plugin_atlas.compute.fastpath.program import compile_program


class Projected(nn.Module):
    """A residual block whose shortcut strides as its branch does."""

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


ALL = {**NETWORKS, "chain": chain(), "chain behind a mean": nn.Sequential(SqueezeExcite(), chain())}


def program_of(network, side):
    return compile_program(network.eval().requires_grad_(False), torch.rand(2, 3, side, side))


def rows_of(program, side):
    """Rows of what each convolution gives."""
    _, kept = program.run(torch.rand(1, 3, side, side))
    pairs = zip(program.operations, kept, strict=True)
    return [more[1].shape[2] for one, more in pairs if isinstance(one, Convolution)]


def windows(count):
    """The middle, each edge, and all."""
    middle = Span((count - 1) // 2, count // 2 + 1)
    return middle, Span(0, 1), Span(count - 1, count), Span(0, count)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("side", [20, 21])
def test_the_part_is_what_it_is_in_the_whole(name, side, monkeypatch):
    monkeypatch.setattr(narrowing, "LARGEST_SHARE", 2.0)
    program = program_of(ALL[name], side)
    inputs = torch.randn(3, 3, side, side, requires_grad=True)
    size = program(inputs).shape[2:]
    for rows, columns in zip(windows(size[0]), windows(size[1])[::-1], strict=True):
        wanted = program(inputs)[:, :, rows.first : rows.end, columns.first : columns.end]
        cotangent = torch.randn_like(wanted)
        (slope,) = torch.autograd.grad(wanted, inputs, cotangent)
        narrow = narrowed(program, inputs.detach(), (rows, columns))
        if narrow is None:
            assert "padding" in name  # where the corner lies in the padding alone
            continue
        found = narrow(inputs)
        (own,) = torch.autograd.grad(found, inputs, cotangent)
        assert torch.allclose(found, wanted, atol=1e-5)
        assert torch.allclose(own, slope, atol=1e-5)


def test_the_middle_of_a_small_field_costs_a_part():
    program = program_of(chain(), 32)
    narrow = narrowed(program, torch.rand(1, 3, 32, 32), (Span(3, 5), Span(3, 5)))
    assert narrow is not None
    whole_rows, rows = rows_of(program, 32), rows_of(narrow, 32)
    assert whole_rows == [32, 16, 16, 16, 16, 8, 8, 8]
    # From the end: two places, four before them, then nine or ten for a stride of two.
    assert rows[-3:] == [4, 2, 2]
    assert all(some < all_ for some, all_ in zip(rows[1:], whole_rows[1:], strict=True))


def test_where_most_is_seen_the_whole_program_stays():
    program = program_of(chain(), 8)
    like = torch.rand(1, 3, 8, 8)
    assert narrowed(program, like, (Span(0, 2), Span(0, 2))) is None


def test_an_answer_that_is_made_of_all_costs_all():
    network = nn.Sequential(make_convolution(3, 4, 3, 1, 1), nn.AvgPool2d(2))
    assert (
        narrowed(program_of(network, 16), torch.rand(1, 3, 16, 16), (Span(3, 5), Span(3, 5)))
        is None
    )


def test_a_stride_that_divides_what_is_read_keeps_the_quick_gradient():
    assert Span(3, 4).seen(3, 2, 1, 1) == Span(5, 9)
    assert Span(0, 2).seen(3, 1, 1, 1) == Span(-1, 3)
    assert Span(1, 3).seen(1, 2, 0, 1) == Span(2, 6)
    assert Span(0, 1).seen(3, 1, 2, 2) == Span(-2, 3)
