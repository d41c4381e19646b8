# SPDX-License-Identifier: Apache-2.0
"""The center of maps, tokens and vectors, and its receptive field."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.icons.image_operations import shift_images
from tensorboard_plugin_atlas.compute.model.center_weights import (
    NEIGHBOR_OFFSETS,
    get_center_weights,
    get_centering_shift,
    get_surround_weights,
)
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField


def read_center(output: torch.Tensor, form: OutputForm) -> torch.Tensor:
    """(B, C): activations at the center of a map."""
    return (form.as_map(output).flatten(2) @ get_center_weights(form.map_size).T)[:, :, 0]


def make_numbered_maps(rows: int, columns: int) -> torch.Tensor:
    """(2, 1, rows, columns) with value row x 10 + column, and 100 more in the second image."""
    plane = 10.0 * torch.arange(rows)[:, None] + torch.arange(columns)
    return torch.stack([plane, plane + 100])[:, None]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"), [(3, 3, 11), (4, 4, 16.5), (3, 4, 11.5), (1, 1, 0), (2, 1, 5)]
)
def test_the_center_of_a_map_is_the_mean_of_its_center_positions(rows, columns, expected):
    form = OutputForm("map", (rows, columns))
    activations = read_center(make_numbered_maps(rows, columns), form)
    assert activations.tolist() == [[expected], [expected + 100]]


def test_the_center_of_tokens_ignores_tokens_before_the_patches():
    grid = make_numbered_maps(3, 3).flatten(2).transpose(1, 2)
    tokens = torch.cat([torch.full((2, 2, 1), 999.0), grid], dim=1)
    assert read_center(tokens, OutputForm("tokens", (3, 3), prefix=2)).tolist() == [[11], [111]]
    transposed = OutputForm("tokens", (3, 3), prefix=2, sequence_first=True)
    assert read_center(tokens.transpose(0, 1), transposed).tolist() == [[11], [111]]


def test_a_vector_is_its_own_center():
    vector = torch.rand(3, 5)
    assert torch.equal(read_center(vector, OutputForm("vector", (1, 1))), vector)


@pytest.mark.parametrize(("map_size", "center"), [((3, 3), 11), ((4, 4), 16.5), ((5, 4), 21.5)])
def test_surround_weights_are_center_weights_moved_by_one_position(map_size, center):
    plane = make_numbered_maps(*map_size)[0].flatten()
    assert center == float(get_center_weights(map_size) @ plane)
    found = (get_surround_weights(map_size) @ plane).tolist()
    assert found == [center + 10 * down + right for down, right in NEIGHBOR_OFFSETS]


@pytest.mark.parametrize("map_size", [(1, 1), (2, 5), (3, 2)])
def test_a_small_map_has_no_surround(map_size):
    assert get_surround_weights(map_size) is None


def test_center_positions_can_be_separate_views():
    plane = make_numbered_maps(4, 3)[0].flatten()
    assert (get_center_weights((4, 3), separately=True) @ plane).tolist() == [11, 21]


def test_the_shift_is_zero_where_fields_are_centered_on_their_stride():
    field = ReceptiveField((9, 9), (4.0, 4.0), (1.5, 1.5))
    assert get_centering_shift(OutputForm("map", (4, 4)), (16, 16), field) == (0, 0)
    assert get_centering_shift(OutputForm("vector", (1, 1)), (16, 16), field) == (0, 0)


def test_the_shift_moves_the_center_pixel_to_the_fields_of_padded_convolutions():
    # Two padded convolutions of stride 2: position r is centered on pixel 4 r, so the center of the
    # four positions of a 16 px tile is centered on pixel 6 and not on 7.5.
    net = nn.Sequential(*(nn.Conv2d(1, 1, 3, 2, 1, bias=False) for _ in range(2)))
    for layer in net:
        nn.init.constant_(layer.weight, 1.0)
    field = ReceptiveField((7, 7), (4.0, 4.0), (0.0, 0.0))
    form = OutputForm("map", (4, 4))
    shift = get_centering_shift(form, (16, 16), field)
    assert shift in {(-1, -1), (-2, -2)}
    image = torch.zeros(1, 1, 16, 16, requires_grad=True)
    read_center(net(shift_images(image, *shift)), form).sum().backward()
    weight = image.grad[0, 0].sum(0)
    mean = (weight * torch.arange(16)).sum() / weight.sum()
    assert abs(float(mean) - 7.5) <= 0.75
