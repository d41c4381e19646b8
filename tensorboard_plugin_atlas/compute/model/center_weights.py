# SPDX-License-Identifier: Apache-2.0
"""The center of a layer's map: weights of its positions and of those around it."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from tensorboard_plugin_atlas.compute.model.outputs import OutputForm
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import Shape

NEIGHBOR_OFFSETS = tuple(
    offset for offset in itertools.product((-1, 0, 1), repeat=2) if offset != (0, 0)
)
"""Offsets (row, column) from a position to its eight neighbors, row by row."""


def get_center_weights(map_size: tuple[int, int], *, separately: bool = False) -> Tensor:
    """Returns the weight of each position of a map in each view of its center, (P, H * W) float32.

    Args:
        map_size: H and W.
        separately: Whether each of the one to four center positions is a view, or their mean is the
            only view.
    """
    weights = torch.zeros(map_size, dtype=torch.float32, device="cpu")
    weights[_get_center_slices(map_size)] = 1
    flat = weights.flatten()
    if separately:
        return torch.diag(flat)[flat > 0]
    return (flat / flat.sum())[None]


def get_surround_weights(map_size: tuple[int, int]) -> Tensor | None:
    """Returns the weights of the center shifted by each of `NEIGHBOR_OFFSETS`, (8, H * W).

    None if the map is too small to shift the center.
    """
    if any(count < 4 - count % 2 for count in map_size):
        return None
    center = get_center_weights(map_size).view(map_size)
    moved = [torch.roll(center, offset, (0, 1)).flatten() for offset in NEIGHBOR_OFFSETS]
    return torch.stack(moved)


def get_centering_shift(
    form: OutputForm, shape: Shape, receptive: ReceptiveField
) -> tuple[int, int]:
    """Returns the shift (down, right) in pixels that aligns an image's center with the map's.

    The receptive field of position r in zero-padded stride-2 convolutions is centered on pixel
    r x stride rather than on the center of its stride. So the center positions of a small tile see
    a part that is up and to the left of its center.

    Args:
        form: Of the layer's output for an input of `shape`.
        shape: Height and width of the input.
        receptive: Receptive fields of the layer's positions.
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


def _get_center_slices(map_size: tuple[int, int]) -> tuple[slice, slice]:
    rows, columns = (slice((count - 1) // 2, count // 2 + 1) for count in map_size)
    return rows, columns
