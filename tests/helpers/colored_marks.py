# SPDX-License-Identifier: Apache-2.0
"""Pictures whose class is decided by one colored mark, and a network that knows it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE, CELL = 24, 4
CELLS = SIDE // CELL
CLASSES = ("red", "green", "blue")


class MarkNet(nn.Module):
    """Each channel answers to one color in a square of 4 px; a class is the mean of its channel.

    The attribution of a place toward a class is the answer of its channel there over the number of
    places, exactly. With more than three classes, the others hear a little of no color at all.
    """

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 4, CELL, CELL)
        self.act = nn.ReLU()
        self.head = nn.Linear(4, classes)
        with torch.no_grad():
            color = torch.full((4, 3), -1.0)
            color[:3] = 2 * torch.eye(3) - 1  # gray answers with less than nothing
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
        counts: Images of each class; one class more than there are colors has no mark.
        seed: Places the marks, edges and corners included.
    """
    random = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.full((len(labels), 3, SIDE, SIDE), 0.3)
    images += 0.05 * torch.rand(images.shape, generator=random)
    places = torch.randint(CELLS, (len(labels), 2), generator=random)
    for image, label, (row, column) in zip(images, labels.tolist(), places.tolist(), strict=True):
        if label < 3:
            square = image[:, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
            shade = 0.1 * torch.rand(3, 1, 1, generator=random)
            square.copy_(shade.expand_as(square))
            square[label] = 0.75 + 0.25 * torch.rand((), generator=random)
    return images, labels, places
