# SPDX-License-Identifier: Apache-2.0
"""Networks with every operation that the fast path supports."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """Adds a branch to its input, optionally in place."""

    def __init__(self, branch, in_place=False):
        super().__init__()
        self.branch, self.in_place = branch, in_place

    def forward(self, x):
        branch = self.branch(x)
        return branch.add_(x) if self.in_place else x + branch


class AsymmetricPad(nn.Module):
    """Pads one side more than the other, as TensorFlow's SAME padding does at stride 2."""

    def __init__(self, left, right, top, bottom):
        super().__init__()
        self.pad = nn.ZeroPad2d((left, right, top, bottom))
        self.convolution = nn.Conv2d(4, 6, 3, 2)

    def forward(self, x):
        return functional.relu6(self.convolution(self.pad(x)) * 4)


class SqueezeExcite(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x.mean((2, 3), keepdim=True))


def make_convolution(*arguments, **options):
    return nn.Sequential(nn.Conv2d(*arguments, **options), nn.ReLU6())


NETWORKS = {
    "rectifiers": nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU6()),
    "no bias, stride": nn.Conv2d(3, 8, 5, 2, 2, bias=False),
    "one pixel of each stride": nn.Conv2d(3, 8, 1, (2, 3), bias=False),
    "depthwise": nn.Sequential(
        make_convolution(3, 8, 1), make_convolution(8, 8, 3, 1, 1, groups=8)
    ),
    "grouped": nn.Sequential(make_convolution(3, 8, 1), make_convolution(8, 8, 3, 1, 1, groups=2)),
    "dilated": make_convolution(3, 4, 3, padding=2, dilation=2),
    "more padding than kernel": make_convolution(3, 4, 2, padding=3),
    "residual": nn.Sequential(make_convolution(3, 4, 1), Residual(make_convolution(4, 4, 3, 1, 1))),
    "residual in place": nn.Sequential(
        make_convolution(3, 4, 1), Residual(nn.Conv2d(4, 4, 1), in_place=True), nn.ReLU()
    ),
    "pooled": nn.Sequential(make_convolution(3, 4, 3), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)),
    "excited": nn.Sequential(make_convolution(3, 4, 3), SqueezeExcite(), nn.SiLU(), nn.GELU()),
    "padded to the right": nn.Sequential(nn.Conv2d(3, 4, 1), AsymmetricPad(0, 1, 0, 1)),
    "padded to the left": nn.Sequential(nn.Conv2d(3, 4, 1), AsymmetricPad(2, 1, 1, 0)),
    "padded evenly": nn.Sequential(nn.Conv2d(3, 4, 1), AsymmetricPad(1, 1, 2, 2)),
}
