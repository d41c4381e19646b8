# SPDX-License-Identifier: Apache-2.0
"""Input gradients by phases, against PyTorch's own."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.program import compile_program
from tensorboard_plugin_atlas.compute.fastpath.subpixel_grad import Phases


def torch_gradient(slope, pixels, weight, stride, padding):
    found = torch.ops.aten.convolution_backward(
        slope, pixels, weight, None, stride, padding, (1, 1), False, (0, 0), 1, [True, False, False]
    )
    return found[0]


def compared(shape, weight, stride, padding):
    """Returns the gradient by phases and PyTorch's for a random slope of a convolution."""
    pixels = torch.randn(2, weight.shape[1], *shape)
    output = nn.functional.conv2d(pixels, weight, None, stride, padding)
    slope = torch.randn_like(output).contiguous(memory_format=torch.channels_last)
    phases = Phases.of(weight, stride, padding)
    assert phases.fit(pixels)
    own = phases.gradient(slope, pixels)
    return own, torch_gradient(slope, pixels, weight, stride, padding)


CHANNELS = (1, 3, 4)
KERNELS = ((1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (7, 7), (8, 1))
STRIDES = ((1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (1, 3))
PADDINGS = ((0, 0), (1, 1), (3, 3), (0, 2))


def convolutions():
    """Returns all combinations; those that every pair of values needs at least once run always."""
    found = []
    for numbers in itertools.product(*map(range, map(len, (CHANNELS, KERNELS, STRIDES, PADDINGS)))):
        channels, kernel, stride, padding = numbers
        # The sum takes 12 values, so 3 and 4 values of it in turn meet each other and all others.
        is_needed = channels == (kernel + stride) % 3 and padding == (kernel + stride) % 4
        values = (CHANNELS[channels], KERNELS[kernel], STRIDES[stride], PADDINGS[padding])
        found.append(pytest.param(*values, marks=() if is_needed else pytest.mark.long))
    return found


@pytest.mark.parametrize(("channels", "kernel", "stride", "padding"), convolutions())
def test_gradient_is_that_of_torch(channels, kernel, stride, padding):
    torch.manual_seed(0)
    weight = torch.randn(6, channels, *kernel)
    own, wanted = compared((12, 24), weight, stride, padding)
    assert own.shape == wanted.shape
    assert torch.allclose(own, wanted, atol=1e-4)


@pytest.mark.parametrize("size", [8, 9, 15, 21])
def test_odd_sizes_are_right_at_odd_strides(size):
    shape = (3 * size, size)
    own, wanted = compared(shape, torch.randn(5, 3, 3, 3), (3, 1), (1, 1))
    assert torch.allclose(own, wanted, atol=1e-4)


def test_pixels_that_no_output_sees_have_no_gradient():
    own, wanted = compared((8, 8), torch.randn(5, 3, 1, 1), (4, 4), (0, 0))
    assert torch.allclose(own, wanted, atol=1e-5)
    assert (own != 0).any(1).sum() == 2 * 4  # 2 x 2 positions of two pictures


def test_gradient_of_a_known_convolution():
    """One output pixel every other input pixel, with weights 1, 2, 3 around it."""
    weight = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    phases = Phases.of(weight, (1, 2), (0, 1))
    slope = torch.tensor([[[[1.0, 10.0]]]]).contiguous(memory_format=torch.channels_last)
    # Output 0 reads pixels -1, 0, 1 and output 1 pixels 1, 2, 3.
    found = phases.gradient(slope, torch.zeros(1, 1, 1, 4))
    assert found.flatten().tolist() == [2, 3 + 10, 20, 30]


def test_zeros_around_a_kernel_cost_nothing():
    """SAME padding of stride 2 is read as a kernel with a row and column of zeros in front."""
    kernel = nn.functional.pad(torch.randn(4, 3, 3, 3), (1, 0, 1, 0))
    plain = Phases.of(kernel[:, :, 1:, 1:], (2, 2), (0, 0))
    padded = Phases.of(kernel, (2, 2), (1, 1))
    assert padded.weight.shape == plain.weight.shape == (12, 4, 2, 2)
    own, wanted = compared((12, 12), kernel, (2, 2), (1, 1))
    assert torch.allclose(own, wanted, atol=1e-4)


def test_kernel_of_zeros():
    own, _ = compared((8, 8), torch.zeros(4, 3, 3, 3), (2, 2), (1, 1))
    assert own.shape == (2, 3, 8, 8)
    assert (own == 0).all()


def test_sizes_with_uneven_phases_do_not_fit():
    phases = Phases.of(torch.randn(4, 3, 3, 3), (2, 2), (1, 1))
    assert phases.fit(torch.zeros(1, 3, 8, 6))
    assert not phases.fit(torch.zeros(1, 3, 9, 6))
    assert not phases.fit(torch.zeros(1, 3, 8, 7))


@pytest.mark.parametrize("shape", [(16, 16), (17, 16), (16, 19), (15, 21)])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_programs_have_the_gradient_of_autograd_at_any_width(shape, padding):
    network = nn.Sequential(nn.Conv2d(3, 8, 3, 2, padding), nn.ReLU6(), nn.Conv2d(8, 4, 1)).eval()
    network.requires_grad_(False)
    program = compile_program(network, torch.randn(2, 3, 16, 16))
    assert program is not None
    pixels = torch.randn(2, 3, *shape, requires_grad=True)
    (own,) = torch.autograd.grad(program(pixels).square().sum(), pixels)
    (wanted,) = torch.autograd.grad(network(pixels).square().sum(), pixels)
    assert torch.allclose(own, wanted, atol=1e-4)
