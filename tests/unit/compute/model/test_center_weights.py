# SPDX-License-Identifier: Apache-2.0
"""The middle of maps, tokens and vectors, and where it looks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.model.center_weights import (
    NEIGHBOR_OFFSETS,
    get_center_weights,
    get_centering_shift,
    get_surround_weights,
)
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import shift_images


def middle_of(output: torch.Tensor, form: OutputForm) -> torch.Tensor:
    """(B, C): what a layer answers in the middle of its map."""
    return (form.as_map(output).flatten(2) @ get_center_weights(form.map_size).T)[:, :, 0]


def numbered(rows: int, columns: int) -> torch.Tensor:
    """(2, 1, rows, columns) with value row x 10 + column, and 100 more in the second image."""
    plane = 10.0 * torch.arange(rows)[:, None] + torch.arange(columns)
    return torch.stack([plane, plane + 100])[:, None]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"), [(3, 3, 11), (4, 4, 16.5), (3, 4, 11.5), (1, 1, 0), (2, 1, 5)]
)
def test_middle_of_a_map_is_the_mean_of_its_middle_positions(rows, columns, expected):
    form = OutputForm("map", (rows, columns))
    answers = middle_of(numbered(rows, columns), form)
    assert answers.tolist() == [[expected], [expected + 100]]


def test_middle_of_tokens_leaves_out_what_precedes_the_grid():
    grid = numbered(3, 3).flatten(2).transpose(1, 2)
    tokens = torch.cat([torch.full((2, 2, 1), 999.0), grid], dim=1)
    assert middle_of(tokens, OutputForm("tokens", (3, 3), prefix=2)).tolist() == [[11], [111]]
    turned = OutputForm("tokens", (3, 3), prefix=2, sequence_first=True)
    assert middle_of(tokens.transpose(0, 1), turned).tolist() == [[11], [111]]


def test_vector_is_its_own_middle():
    vector = torch.rand(3, 5)
    assert torch.equal(middle_of(vector, OutputForm("vector", (1, 1))), vector)


@pytest.mark.parametrize(("map_size", "middle"), [((3, 3), 11), ((4, 4), 16.5), ((5, 4), 21.5)])
def test_weights_around_the_middle_look_one_place_further_each_way(map_size, middle):
    plane = numbered(*map_size)[0].flatten()
    assert middle == float(get_center_weights(map_size) @ plane)
    found = (get_surround_weights(map_size) @ plane).tolist()
    assert found == [middle + 10 * down + right for down, right in NEIGHBOR_OFFSETS]


@pytest.mark.parametrize("map_size", [(1, 1), (2, 5), (3, 2)])
def test_a_map_without_room_has_nothing_around_its_middle(map_size):
    assert get_surround_weights(map_size) is None


def test_middle_places_can_have_a_say_each():
    plane = numbered(4, 3)[0].flatten()
    assert (get_center_weights((4, 3), separately=True) @ plane).tolist() == [11, 21]


def test_aim_is_zero_where_positions_look_at_the_middle_of_their_stride():
    field = ReceptiveField((9, 9), (4.0, 4.0), (1.5, 1.5))
    assert get_centering_shift(OutputForm("map", (4, 4)), (16, 16), field) == (0, 0)
    assert get_centering_shift(OutputForm("vector", (1, 1)), (16, 16), field) == (0, 0)


def test_aim_brings_the_middle_pixel_under_a_padded_strided_convolution():
    # Stride 4 by two padded convolutions: position r looks at pixel 4 r, so that the middle of the
    # four positions of a 16 px tile looks at 6 and not at 7.5.
    net = nn.Sequential(*(nn.Conv2d(1, 1, 3, 2, 1, bias=False) for _ in range(2)))
    for layer in net:
        nn.init.constant_(layer.weight, 1.0)
    field = ReceptiveField((7, 7), (4.0, 4.0), (0.0, 0.0))
    form = OutputForm("map", (4, 4))
    aim = get_centering_shift(form, (16, 16), field)
    assert aim in {(-1, -1), (-2, -2)}
    spot = torch.zeros(1, 1, 16, 16, requires_grad=True)
    middle_of(net(shift_images(spot, *aim)), form).sum().backward()
    weight = spot.grad[0, 0].sum(0)
    center = (weight * torch.arange(16)).sum() / weight.sum()
    assert abs(float(center) - 7.5) <= 0.75
