# SPDX-License-Identifier: Apache-2.0
"""Small images and networks with known optimal icons."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.normalize import Normalize
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource


def make_blurred_noise(
    count: int, channels: int = 3, side: int = 32, seed: int = 0
) -> torch.Tensor:
    """Returns (count, channels, side, side) in [0, 1] with more power at low frequencies."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, channels, side, side, generator=generator)
    coarse = functional.interpolate(noise[:, :, ::4, ::4], size=(side, side), mode="bilinear")
    return (0.5 + 0.18 * coarse + 0.04 * noise).clamp(0, 1)


def make_source(pixels: torch.Tensor, mean: float = 0.5, std: float = 0.25) -> PatchSource:
    normalize = Normalize((mean,), (std,))
    return PatchSource(normalize.to_input(pixels), normalize)


def make_edge_net(channels: int = 3) -> nn.Sequential:
    """Returns a network with four channels: light-to-dark edges down, up, right and left."""
    ramp = torch.tensor([1.0, 1.0, 0.0, -1.0, -1.0])
    down = ramp[:, None].expand(5, 5)
    kernels = torch.stack([down, -down, down.T, -down.T])[:, None] / (10 * channels)
    convolution = nn.Conv2d(channels, 4, 5, padding=2, bias=False)
    convolution.weight.data = kernels.expand(4, channels, 5, 5).clone()
    return nn.Sequential(convolution, nn.ReLU())


EDGE_FIELD = ReceptiveField((9, 9), (1.0, 1.0), (0.0, 0.0))


def make_targets(directions: torch.Tensor, center: torch.Tensor, source: PatchSource) -> Targets:
    """Returns cells, each with one member: the center of one of the first images."""
    count = len(directions)
    middle = torch.tensor([(side - 1) / 2 for side in source.shape])
    return Targets(
        directions=directions,
        center=center,
        rows=torch.arange(count)[:, None] % len(source.images),
        centers=middle.expand(count, 1, 2).clone(),
        keys=np.arange(count),
    )


class BatchLimit(TimeLimit):
    """A time limit that is over after a number of batches."""

    def __init__(self, batches: int) -> None:
        super().__init__(2.5)
        self.batches = batches

    def get_seconds_left(self) -> float:
        return float(self.batches)

    def choose_count(self, most: int) -> int:
        return 0 if self.is_over() else most

    def add_batch(self, count: int, seconds: float) -> None:
        self.batches -= 1
