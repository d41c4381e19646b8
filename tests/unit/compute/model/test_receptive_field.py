# SPDX-License-Identifier: Apache-2.0
"""The receptive field: against fields that can be worked out by hand."""

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


def probe_of(size=(32, 32), count=8):
    torch.manual_seed(0)
    return build_probe(torch.rand(count, 3, *size), config=AtlasConfig(samples=count))


def conv(size, stride=1, padding=0, inside=3, weight=None):
    layer = nn.Conv2d(inside, 3, size, stride, padding, bias=False)
    if weight is not None:
        nn.init.constant_(layer.weight, weight)
    return layer


def measure(model, size=(32, 32), layer=None, smallest=1, **more):
    torch.manual_seed(1)
    probe = probe_of(size)
    name = layer or str(len(model) - 1)
    with torch.no_grad():
        output = nn.Sequential(*model[: int(name) + 1])(probe.images)
    return measure_receptive_field(
        model, name, probe, map_size=tuple(output.shape[2:]), smallest=smallest, **more
    )


def test_one_pixel_sees_itself():
    field = measure(nn.Sequential(conv(1, weight=1.0)))
    assert field == ReceptiveField((1, 1), (1.0, 1.0), (0.0, 0.0))


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_stride_and_offset_of_picked_pixels(stride):
    field = measure(nn.Sequential(conv(1, stride, weight=1.0)))
    assert field.stride == (stride, stride)
    assert field.offset == pytest.approx((0.0, 0.0), abs=1e-6)
    assert field.size == (stride, stride)


@pytest.mark.parametrize("side", [2, 4, 8])
def test_patches_look_at_their_own_middle(side):
    field = measure(nn.Sequential(conv(side, side, weight=1.0)))
    assert field.size == (side, side)
    assert field.offset == pytest.approx(((side - 1) / 2,) * 2, abs=1e-6)
    boxes = field.boxes(np.array([[0, 0], [1, 3]]), (32, 32))
    assert boxes.tolist() == [[0, 0, side, side], [side, 3 * side, 2 * side, 4 * side][:4]]


def test_padded_halving_shifts_the_middle_as_worked_out():
    # 3x3, stride 2, padding 1: position r is centered on pixel 2r, not on the middle of two pixels.
    model = nn.Sequential(*(conv(3, 2, 1, weight=1.0) for _ in range(2)))
    field = measure(model)
    assert field.stride == (4.0, 4.0)
    assert field.offset == pytest.approx((0.0, 0.0), abs=0.2)


def test_unpadded_convolutions_have_a_stride_that_the_size_does_not_tell():
    field = measure(nn.Sequential(conv(3, 2, weight=1.0)))  # a map of 15, 32 / 15 = 2.13
    assert field.stride == pytest.approx((2.0, 2.0), abs=1e-6)
    assert field.offset == pytest.approx((1.0, 1.0), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_never_larger_than_the_theoretical_field(seed):
    torch.manual_seed(seed)
    stack = nn.Sequential(conv(3, padding=1), nn.ReLU(), conv(3, padding=1))
    field = measure(stack)
    assert 3 <= field.size[0] <= 5
    assert field.offset == pytest.approx((0.0, 0.0), abs=1.0)


def test_holds_ninety_percent():
    # Triangle weights 1 2 3 2 1 on both axes: the middle 3 of 5 hold (7/9)^2 = 60 %, 5 hold all.
    stack = nn.Sequential(conv(3, padding=1, weight=1.0), conv(3, padding=1, weight=1.0))
    assert measure(stack).size == (5, 5)
    # Mostly the middle pixel: 0.95 of the mass.
    layer = conv(3, padding=1, weight=0.05 / 8)
    layer.weight.data[:, :, 1, 1] = 0.95
    assert measure(nn.Sequential(layer)).size == (1, 1)


def test_limits_are_eight_pixels_and_the_image():
    assert measure(nn.Sequential(conv(3, padding=1)), smallest=8).size == (8, 8)
    wide = nn.Sequential(conv(31, padding=15, weight=1.0), conv(31, padding=15, weight=1.0))
    assert measure(wide, (16, 32)).size[0] == 16


def test_oblong_pictures_keep_rows_and_columns_apart():
    layer = nn.Conv2d(3, 3, (2, 4), (2, 4), bias=False)
    nn.init.constant_(layer.weight, 1.0)
    field = measure(nn.Sequential(layer), (16, 64))
    assert field.stride == (2.0, 4.0)
    assert field.offset == pytest.approx((0.5, 1.5), abs=1e-6)


def test_vectors_see_the_whole_picture():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 12, 4))
    field = measure_receptive_field(model, "1", probe_of((8, 12)), map_size=(1, 1))
    assert field.boxes(np.zeros((1, 2), np.int32), (8, 12)).tolist() == [[0, 0, 8, 12]]


class Attending(nn.Module):
    """Each token holds its 4 px patch plus `share` of the mean of all."""

    def __init__(self, share):
        super().__init__()
        self.patch, self.share, self.tokens = nn.Conv2d(3, 8, 4, 4), share, nn.Identity()

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        return self.tokens(tokens + self.share * tokens.mean(dim=1, keepdim=True)).mean(dim=1)


@pytest.mark.parametrize(("share", "side"), [(0.0, 4), (64.0, 12)])
def test_tokens_are_shown_with_at_most_their_neighbors(share, side):
    field = measure_receptive_field(
        Attending(share), "tokens", probe_of(), map_size=(8, 8), smallest=1
    )
    assert field.size == (side, side)
    assert field.stride == (4.0, 4.0)
    assert field.offset == (1.5, 1.5)


class Cut(nn.Module):
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
def test_without_a_gradient_the_size_of_the_map_must_do(how):
    model = Cut(how).requires_grad_(how != "detached")
    field = measure_receptive_field(model, "body", probe_of(), map_size=(8, 8))
    assert not field.measured
    assert field == ReceptiveField((12, 12), (4.0, 4.0), (1.5, 1.5), measured=False)


def test_no_trace_is_left():
    model = nn.Sequential(conv(3), nn.BatchNorm2d(3), nn.Dropout(), conv(3))
    model[1].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    random_state = torch.get_rng_state()
    probe = probe_of()
    torch.set_rng_state(random_state)
    images = probe.images.clone()
    with torch.inference_mode():
        measure_receptive_field(model, "3", probe, map_size=(28, 28))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert model[3].weight.grad is None
    assert [part.training for part in model] == [True, False, True, True]
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(probe.images, images)
    assert not probe.images.requires_grad
    assert not any(part._forward_hooks for part in model)


@given(
    size=st.integers(1, 90),
    stride=st.floats(0.5, 40),
    offset=st.floats(-20, 60),
    row=st.integers(0, 60),
    column=st.integers(0, 60),
)
def test_boxes_lie_in_the_picture_and_are_never_empty(size, stride, offset, row, column):
    field = ReceptiveField((size, size), (stride, stride), (offset, offset))
    y0, x0, y1, x1 = field.boxes(np.array([[row, column]]), (32, 48))[0]
    assert 0 <= y0 < y1 <= 32
    assert 0 <= x0 < x1 <= 48
    assert max(y1 - y0, x1 - x0) <= size


def test_boxes_are_centered_and_cut():
    field = ReceptiveField((5, 4), (8.0, 8.0), (0.0, 0.5))
    assert field.centers(np.array([[1, 2]])).tolist() == [[8.0, 16.5]]
    boxes = field.boxes(np.array([[0, 0], [1, 2], [4, 4]]), (32, 32))
    assert boxes.tolist() == [[0, 0, 3, 3], [6, 15, 11, 19], [30, 31, 32, 32]]
