# SPDX-License-Identifier: Apache-2.0
"""The middle of a layer's map: where it is, and what the layer answers there."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from tensorboard_plugin_atlas.compute.outputs import OutputForm
from tensorboard_plugin_atlas.compute.patches import Shape
from tensorboard_plugin_atlas.compute.receptive import ReceptiveField


def middle_of(output: Tensor, form: OutputForm) -> Tensor:
    """Returns a layer's mean answer at the middle one or two rows and columns of its map, (B, C).

    Args:
        output: What the layer gave for B images.
        form: How to read it.
    """
    count = output.shape[1] if form.sequence_first else output.shape[0]
    images = torch.arange(count, device=output.device)
    answers = [
        form.gather(output, images, torch.tensor(place, device=output.device).expand(count, 2))
        for place in itertools.product(*map(_middle, form.map_size))
    ]
    return torch.stack(answers).mean(dim=0)


def aim_of(form: OutputForm, shape: Shape, receptive: ReceptiveField) -> tuple[int, int]:
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


def _middle(positions: int) -> range:
    return range((positions - 1) // 2, positions // 2 + 1)
