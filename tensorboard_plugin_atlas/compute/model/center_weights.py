# SPDX-License-Identifier: Apache-2.0
"""The middle of a layer's map: where it is, and how answers are read there and around it."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from tensorboard_plugin_atlas.compute.model.outputs import OutputForm
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import Shape

NEIGHBOR_OFFSETS = tuple(
    place for place in itertools.product((-1, 0, 1), repeat=2) if place != (0, 0)
)
"""Rows and columns from a position to its eight neighbors, in reading order."""


def get_center_weights(map_size: tuple[int, int], *, separately: bool = False) -> Tensor:
    """Returns how much each place of a map counts in each view of its middle, (P, H * W) float32.

    Args:
        map_size: H and W.
        separately: One view for each of the middle places, instead of one of their mean.
    """
    weights = torch.zeros(map_size, dtype=torch.float32, device="cpu")
    weights[_middle_slices(map_size)] = 1
    flat = weights.flatten()
    if separately:
        return torch.diag(flat)[flat > 0]
    return (flat / flat.sum())[None]


def get_surround_weights(map_size: tuple[int, int]) -> Tensor | None:
    """Returns the same for the center moved to each of `NEIGHBOR_OFFSETS`, (8, H * W).

    None where the map is too small to move the center.
    """
    if any(count < 4 - count % 2 for count in map_size):
        return None
    middle = get_center_weights(map_size).view(map_size)
    moved = [torch.roll(middle, place, (0, 1)).flatten() for place in NEIGHBOR_OFFSETS]
    return torch.stack(moved)


def get_centering_shift(
    form: OutputForm, shape: Shape, receptive: ReceptiveField
) -> tuple[int, int]:
    """Returns the shift (down, right) in pixels that puts a picture's middle under the map's.

    With zero-padded stride-2 convolutions position r looks at pixel r x stride and not at the
    middle of its stride, so that the middle positions of a small tile look up and to the left.

    Args:
        form: Of the layer's output for an input of `shape`.
        shape: Height and width of the input.
        receptive: Where the layer's positions look.
    """
    if form.kind == "vector":
        return 0, 0
    down, right = (
        round(offset + stride * (positions - 1) / 2 - (pixels - 1) / 2)
        for offset, stride, positions, pixels in zip(
            receptive.offset, receptive.stride, form.map_size, shape, strict=True
        )
    )
    return down, right


def _middle_slices(map_size: tuple[int, int]) -> tuple[slice, slice]:
    rows, columns = (slice((count - 1) // 2, count // 2 + 1) for count in map_size)
    return rows, columns
