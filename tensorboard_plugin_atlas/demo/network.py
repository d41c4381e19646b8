# SPDX-License-Identifier: Apache-2.0
"""A small residual network, which learns CIFAR-10 on two CPU cores in about two minutes."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _conv(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2016, basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _conv(inputs, outputs, stride)
        self.second = _conv(outputs, outputs, 1)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class DemoNet(nn.Module):
    """Stem and three stages; the demo logs atlases of `stage2` and `stage3`."""

    def __init__(self, channels: int, classes: int, width: float = 1.0) -> None:
        super().__init__()
        narrow, low, middle, high = (round(width * n) for n in (24, 32, 64, 128))
        self.stem = nn.Sequential(_conv(channels, narrow, 1), nn.ReLU())
        self.stage1 = Block(narrow, low, 2)
        self.stage2 = Block(low, middle, 1)
        self.stage3 = Block(middle, high, 2)
        self.head = nn.Linear(high, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) to logits (N, classes)."""
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits
