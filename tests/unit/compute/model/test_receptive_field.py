# SPDX-License-Identifier: Apache-2.0
"""Receptive fields that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.checkpoint import checkpoint

from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig


def make_probe(size=(32, 32), count=8):
    torch.manual_seed(0)
    return build_probe(torch.rand(count, 3, *size), config=AtlasConfig(samples=count))


def make_conv(size, stride=1, padding=0, inside=3, weight=None):
    layer = nn.Conv2d(inside, 3, size, stride, padding, bias=False)
    if weight is not None:
        nn.init.constant_(layer.weight, weight)
    return layer


def measure(model, size=(32, 32), layer=None, smallest=1, **more):
    torch.manual_seed(1)
    probe = make_probe(size)
    name = layer or str(len(model) - 1)
    with torch.no_grad():
        output = nn.Sequential(*model[: int(name) + 1])(probe.images[:])
    return measure_receptive_field(
        model, name, probe, map_size=tuple(output.shape[2:]), smallest=smallest, **more
    )


def test_the_field_of_a_1x1_convolution_is_one_pixel():
    field = measure(nn.Sequential(make_conv(1, weight=1.0)))
    assert field == ReceptiveField((1, 1), (1.0, 1.0), (0.0, 0.0))


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_stride_and_offset_of_strided_1x1_convolutions(stride):
    field = measure(nn.Sequential(make_conv(1, stride, weight=1.0)))
    assert field.stride == (stride, stride)
    assert field.offset == pytest.approx((0.0, 0.0), abs=1e-6)
    assert field.size == (stride, stride)


@pytest.mark.parametrize("side", [2, 4, 8])
def test_the_fields_of_patches_are_centered_on_them(side):
    field = measure(nn.Sequential(make_conv(side, side, weight=1.0)))
    assert field.size == (side, side)
    assert field.offset == pytest.approx(((side - 1) / 2,) * 2, abs=1e-6)
    boxes = field.boxes(np.array([[0, 0], [1, 3]]), (32, 32))
    assert boxes.tolist() == [[0, 0, side, side], [side, 3 * side, 2 * side, 4 * side][:4]]


def test_padded_strided_convolutions_have_shifted_fields():
    # 3x3, stride 2, padding 1: position r is centered on pixel 2r, not between two pixels.
    model = nn.Sequential(*(make_conv(3, 2, 1, weight=1.0) for _ in range(2)))
    field = measure(model)
    assert field.stride == (4.0, 4.0)
    assert field.offset == pytest.approx((0.0, 0.0), abs=0.2)


def test_the_stride_of_unpadded_convolutions_is_not_the_ratio_of_sizes():
    field = measure(nn.Sequential(make_conv(3, 2, weight=1.0)))  # a map of 15, 32 / 15 = 2.13
    assert field.stride == pytest.approx((2.0, 2.0), abs=1e-6)
    assert field.offset == pytest.approx((1.0, 1.0), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_field_is_never_larger_than_the_theoretical_one(seed):
    torch.manual_seed(seed)
    stack = nn.Sequential(make_conv(3, padding=1), nn.ReLU(), make_conv(3, padding=1))
    field = measure(stack)
    assert 3 <= field.size[0] <= 5
    assert field.offset == pytest.approx((0.0, 0.0), abs=1.0)


def test_the_field_holds_ninety_percent():
    # Triangle weights 1 2 3 2 1 on both axes: the central 3 hold (7/9)^2 = 60 %, all 5 hold 100 %.
    stack = nn.Sequential(make_conv(3, padding=1, weight=1.0), make_conv(3, padding=1, weight=1.0))
    assert measure(stack).size == (5, 5)
    # The center pixel has 0.95 of the mass.
    layer = make_conv(3, padding=1, weight=0.05 / 8)
    layer.weight.data[:, :, 1, 1] = 0.95
    assert measure(nn.Sequential(layer)).size == (1, 1)


def test_the_size_is_limited_by_the_smallest_side_and_the_image():
    assert measure(nn.Sequential(make_conv(3, padding=1)), smallest=8).size == (8, 8)
    wide = nn.Sequential(
        make_conv(31, padding=15, weight=1.0), make_conv(31, padding=15, weight=1.0)
    )
    assert measure(wide, (16, 32)).size[0] == 16


def test_stride_and_offset_differ_per_axis_for_oblong_images():
    layer = nn.Conv2d(3, 3, (2, 4), (2, 4), bias=False)
    nn.init.constant_(layer.weight, 1.0)
    field = measure(nn.Sequential(layer), (16, 64))
    assert field.stride == (2.0, 4.0)
    assert field.offset == pytest.approx((0.5, 1.5), abs=1e-6)


def test_the_field_of_a_vector_is_the_whole_image():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 12, 4))
    field = measure_receptive_field(model, "1", make_probe((8, 12)), map_size=(1, 1))
    assert field.boxes(np.zeros((1, 2), np.int32), (8, 12)).tolist() == [[0, 0, 8, 12]]


class MixTokens(nn.Module):
    """Each token is its 4 px patch plus `share` of the mean of all."""

    def __init__(self, share):
        super().__init__()
        self.patch, self.share, self.tokens = nn.Conv2d(3, 8, 4, 4), share, nn.Identity()

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        return self.tokens(tokens + self.share * tokens.mean(dim=1, keepdim=True)).mean(dim=1)


@pytest.mark.parametrize(("share", "side"), [(0.0, 4), (64.0, 12)])
def test_the_field_of_a_token_has_at_most_its_neighbors(share, side):
    field = measure_receptive_field(
        MixTokens(share), "tokens", make_probe(), map_size=(8, 8), smallest=1
    )
    assert field.size == (side, side)
    assert field.stride == (4.0, 4.0)
    assert field.offset == (1.5, 1.5)


class NoGradient(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.body, self.how = nn.Conv2d(3, 3, 4, 4), how

    def forward(self, x):
        if self.how == "detached":
            return self.body(x.detach()).requires_grad_()
        if self.how == "dead":
            return self.body(x * 0.0).mean()
        return checkpoint(self.body, x, use_reentrant=True).mean()


@pytest.mark.parametrize("how", ["detached", "dead", "reentrant"])
def test_without_a_gradient_the_field_follows_from_the_map_size(how):
    model = NoGradient(how).requires_grad_(how != "detached")
    field = measure_receptive_field(model, "body", make_probe(), map_size=(8, 8))
    assert not field.measured
    assert field == ReceptiveField((12, 12), (4.0, 4.0), (1.5, 1.5), measured=False)


def test_the_model_does_not_change():
    model = nn.Sequential(make_conv(3), nn.BatchNorm2d(3), nn.Dropout(), make_conv(3))
    model[1].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    random_state = torch.get_rng_state()
    probe = make_probe()
    torch.set_rng_state(random_state)
    images = probe.images[:].clone()
    with torch.inference_mode():
        measure_receptive_field(model, "3", probe, map_size=(28, 28))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert model[3].weight.grad is None
    assert [part.training for part in model] == [True, False, True, True]
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(probe.images[:], images)
    assert not any(part._forward_hooks for part in model)


@given(
    size=st.integers(1, 90),
    stride=st.floats(0.5, 40),
    offset=st.floats(-20, 60),
    row=st.integers(0, 60),
    column=st.integers(0, 60),
)
def test_boxes_are_inside_the_image_and_never_empty(size, stride, offset, row, column):
    field = ReceptiveField((size, size), (stride, stride), (offset, offset))
    y0, x0, y1, x1 = field.boxes(np.array([[row, column]]), (32, 48))[0]
    assert 0 <= y0 < y1 <= 32
    assert 0 <= x0 < x1 <= 48
    assert max(y1 - y0, x1 - x0) <= size


def test_boxes_are_centered_and_clipped():
    field = ReceptiveField((5, 4), (8.0, 8.0), (0.0, 0.5))
    assert field.centers(np.array([[1, 2]])).tolist() == [[8.0, 16.5]]
    boxes = field.boxes(np.array([[0, 0], [1, 2], [4, 4]]), (32, 32))
    assert boxes.tolist() == [[0, 0, 3, 3], [6, 15, 11, 19], [30, 31, 32, 32]]
