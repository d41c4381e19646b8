# SPDX-License-Identifier: Apache-2.0
"""Images whose class is the color of one mark, and a network that classifies them exactly."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE, CELL = 24, 4
CELLS = SIDE // CELL
CLASSES = ("red", "green", "blue")


class MarkNet(nn.Module):
    """Each channel detects one color in a square of 4 px; a logit is the mean of its channel.

    The attribution of a position to a class is exactly the activation of its channel at that
    position, divided by the number of positions. Classes beyond the third have a small weight on
    a channel that responds to brightness.
    """

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 4, CELL, CELL)
        self.act = nn.ReLU()
        self.head = nn.Linear(4, classes)
        with torch.no_grad():
            color = torch.full((4, 3), -1.0)
            color[:3] = 2 * torch.eye(3) - 1  # gray gives a negative activation
            color[3] = 0.1
            self.patch.weight.copy_((color / CELL**2)[:, :, None, None].expand(-1, -1, CELL, CELL))
            self.patch.bias.zero_()
            weights = torch.zeros(classes, 4)
            weights[:3, :3] = torch.eye(3)
            weights[3:, 3] = torch.linspace(0.1, 0.2, max(classes - 3, 0))
            self.head.weight.copy_(weights)
            self.head.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.patch(x)).mean((2, 3)))


def make_marked_images(counts: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Returns images with one mark each, their labels, and the (row, column) of each mark.

    Args:
        counts: Number of images of each class. Classes beyond the three colors have no mark.
        seed: Seed of the positions, which include edges and corners.
    """
    random = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.full((len(labels), 3, SIDE, SIDE), 0.3)
    images += 0.05 * torch.rand(images.shape, generator=random)
    positions = torch.randint(CELLS, (len(labels), 2), generator=random)
    for image, label, (row, column) in zip(
        images, labels.tolist(), positions.tolist(), strict=True
    ):
        if label < 3:
            square = image[:, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
            shade = 0.1 * torch.rand(3, 1, 1, generator=random)
            square.copy_(shade.expand_as(square))
            square[label] = 0.75 + 0.25 * torch.rand((), generator=random)
    return images, labels, positions
