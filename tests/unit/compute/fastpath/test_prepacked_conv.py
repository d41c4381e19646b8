# SPDX-License-Identifier: Apache-2.0
"""Convolutions with prepacked weights, compared with PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from tensorboard_plugin_atlas.compute.fastpath import operations, program
from tensorboard_plugin_atlas.compute.fastpath import prepacked_conv as module
from tensorboard_plugin_atlas.compute.fastpath.prepacked_conv import RELU6, PrepackedConv2d


def pixels(count: int, side: int, channels: int = 8) -> torch.Tensor:
    made = torch.linspace(-3, 3, count * channels * side * side).view(count, channels, side, side)
    return made.sin().contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("groups", [1, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_output_equals_that_of_pytorch_for_every_shape(groups: int, dtype: torch.dtype) -> None:
    if dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("no bfloat16 kernels for this processor; icons are then optimized in float32")
    weight = torch.linspace(-1, 1, 8 * (8 // groups) * 9).view(8, 8 // groups, 3, 3).cos()
    bias = torch.linspace(-1, 1, 8)
    convolution = PrepackedConv2d(weight.to(dtype), stride=(2, 1), padding=(1, 0), groups=groups)
    for count, side in [(1, 5), (3, 5), (2, 12), (1, 5), (16, 4)]:
        inputs = pixels(count, side).to(dtype)
        found = convolution(inputs, bias.to(dtype), RELU6)
        expected = functional.relu6(
            functional.conv2d(inputs, weight.to(dtype), bias.to(dtype), (2, 1), (1, 0), 1, groups)
        )
        tolerance = 1e-5 if dtype == torch.float32 else 0.05
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_weights_are_reordered_once_per_shape_and_kept_for_a_few_shapes() -> None:
    convolution = PrepackedConv2d(torch.ones(8, 8, 1, 1))
    first = convolution(pixels(2, 3))
    kept = dict(convolution._packed)
    assert torch.equal(convolution(pixels(2, 3)), first)
    assert {shape: id(w) for shape, w in convolution._packed.items()} == {
        shape: id(w) for shape, w in kept.items()
    }
    for count in range(1, 4 * module._MAX_FORMATS):
        convolution(pixels(count, 3))
        assert len(convolution._packed) <= module._MAX_FORMATS


def test_a_gradient_larger_than_the_cache_is_computed_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    depthwise = torch.nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8).requires_grad_(False)
    compiled = program.compile_program(depthwise, pixels(2, 8), task="test")
    assert isinstance(compiled, program.Program)
    inputs = pixels(5, 8)
    output, saved = compiled.run(inputs)
    whole = compiled.vjp(output, saved)
    sizes: list[int] = []
    backward = operations.aten.convolution_backward

    def record_size(gradient: torch.Tensor, *more: object) -> object:
        sizes.append(len(gradient))
        return backward(gradient, *more)

    monkeypatch.setattr(operations.aten, "convolution_backward", record_size)
    monkeypatch.setattr(operations, "_CACHED_VALUES", 2 * 8 * 8 * 8)
    output, saved = compiled.run(inputs)
    assert torch.equal(compiled.vjp(output, saved), whole)
    assert sizes == [2, 2, 1]
