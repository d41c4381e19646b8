# SPDX-License-Identifier: Apache-2.0
"""Sub-pixel input gradients, compared with PyTorch's."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.program import Program, compile_program
from tensorboard_plugin_atlas.compute.fastpath.subpixel_gradient import SubpixelGradient


def torch_gradient(grad_output, pixels, weight, stride, padding):
    found = torch.ops.aten.convolution_backward(
        grad_output,
        pixels,
        weight,
        None,
        stride,
        padding,
        (1, 1),
        False,
        (0, 0),
        1,
        [True, False, False],
    )
    return found[0]


def compute_both(shape, weight, stride, padding):
    """Returns our input gradient and PyTorch's, for a random gradient of the output."""
    pixels = torch.randn(2, weight.shape[1], *shape)
    output = nn.functional.conv2d(pixels, weight, None, stride, padding)
    grad_output = torch.randn_like(output).contiguous(memory_format=torch.channels_last)
    subpixel = SubpixelGradient.from_weight(weight, stride, padding)
    assert subpixel.supports(pixels)
    found = subpixel.compute(grad_output, pixels)
    return found, torch_gradient(grad_output, pixels, weight, stride, padding)


CHANNELS = (1, 3, 4)
KERNELS = ((1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (7, 7), (8, 1))
STRIDES = ((1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (1, 3))
PADDINGS = ((0, 0), (1, 1), (3, 3), (0, 2))


def convolutions():
    """Returns all combinations; a part with every pair of values runs without --long."""
    found = []
    for numbers in itertools.product(*map(range, map(len, (CHANNELS, KERNELS, STRIDES, PADDINGS)))):
        channels, kernel, stride, padding = numbers
        # The sum has 12 values, so its residues modulo 3 and 4 occur in all pairs.
        is_needed = channels == (kernel + stride) % 3 and padding == (kernel + stride) % 4
        values = (CHANNELS[channels], KERNELS[kernel], STRIDES[stride], PADDINGS[padding])
        found.append(pytest.param(*values, marks=() if is_needed else pytest.mark.long))
    return found


@pytest.mark.parametrize(("channels", "kernel", "stride", "padding"), convolutions())
def test_gradient_equals_that_of_torch(channels, kernel, stride, padding):
    torch.manual_seed(0)
    weight = torch.randn(6, channels, *kernel)
    found, expected = compute_both((12, 24), weight, stride, padding)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("size", [8, 9, 15, 21])
def test_odd_sizes_with_odd_strides(size):
    shape = (3 * size, size)
    found, expected = compute_both(shape, torch.randn(5, 3, 3, 3), (3, 1), (1, 1))
    assert torch.allclose(found, expected, atol=1e-4)


def test_pixels_that_no_output_reads_have_no_gradient():
    found, expected = compute_both((8, 8), torch.randn(5, 3, 1, 1), (4, 4), (0, 0))
    assert torch.allclose(found, expected, atol=1e-5)
    assert (found != 0).any(1).sum() == 2 * 4  # 2 x 2 positions of two images


def test_gradient_of_a_known_convolution():
    """One output pixel every other input pixel, with weights 1, 2, 3 around it."""
    weight = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    subpixel = SubpixelGradient.from_weight(weight, (1, 2), (0, 1))
    grad_output = torch.tensor([[[[1.0, 10.0]]]]).contiguous(memory_format=torch.channels_last)
    # Output 0 reads pixels -1, 0, 1 and output 1 pixels 1, 2, 3.
    found = subpixel.compute(grad_output, torch.zeros(1, 1, 1, 4))
    assert found.flatten().tolist() == [2, 3 + 10, 20, 30]


def test_rows_and_columns_of_zeros_are_removed():
    """SAME padding of stride 2 is read as a kernel that starts with a row and column of zeros."""
    kernel = nn.functional.pad(torch.randn(4, 3, 3, 3), (1, 0, 1, 0))
    plain = SubpixelGradient.from_weight(kernel[:, :, 1:, 1:], (2, 2), (0, 0))
    padded = SubpixelGradient.from_weight(kernel, (2, 2), (1, 1))
    assert padded.weight.shape == plain.weight.shape == (12, 4, 2, 2)
    found, expected = compute_both((12, 12), kernel, (2, 2), (1, 1))
    assert torch.allclose(found, expected, atol=1e-4)


def test_kernel_of_zeros():
    found, _ = compute_both((8, 8), torch.zeros(4, 3, 3, 3), (2, 2), (1, 1))
    assert found.shape == (2, 3, 8, 8)
    assert (found == 0).all()


def test_sizes_with_uneven_phases_are_not_supported():
    subpixel = SubpixelGradient.from_weight(torch.randn(4, 3, 3, 3), (2, 2), (1, 1))
    assert subpixel.supports(torch.zeros(1, 3, 8, 6))
    assert not subpixel.supports(torch.zeros(1, 3, 9, 6))
    assert not subpixel.supports(torch.zeros(1, 3, 8, 7))


@pytest.mark.parametrize("shape", [(16, 16), (17, 16), (16, 19), (15, 21)])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_programs_have_the_gradient_of_autograd_for_any_shape(shape, padding):
    network = nn.Sequential(nn.Conv2d(3, 8, 3, 2, padding), nn.ReLU6(), nn.Conv2d(8, 4, 1)).eval()
    network.requires_grad_(False)
    program = compile_program(network, torch.randn(2, 3, 16, 16), task="test")
    assert isinstance(program, Program)
    pixels = torch.randn(2, 3, *shape, requires_grad=True)
    (found,) = torch.autograd.grad(program(pixels).square().sum(), pixels)
    (expected,) = torch.autograd.grad(network(pixels).square().sum(), pixels)
    assert torch.allclose(found, expected, atol=1e-4)
