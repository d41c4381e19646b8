# SPDX-License-Identifier: Apache-2.0
"""The demo's network in training on CIFAR-10, for the benchmarks that draw it on the way."""

from __future__ import annotations

import copy

import torch
from fetch_data import get_cifar10
from torch import Tensor, nn

from tensorboard_plugin_atlas.demo.data import LabeledImages, load
from tensorboard_plugin_atlas.demo.network import DemoNet


class Training:
    """The demo's network on CIFAR-10, trained as far as wanted."""

    def __init__(self) -> None:
        training, held_out = load(str(get_cifar10()), limit=12_000, seed=0).split(0.2, 0)
        self._images, self._labels = _tensors(training)
        self.held_out = _tensors(held_out)
        torch.manual_seed(0)
        self.network = DemoNet(3, 10)

    def copied(self) -> Training:
        """Returns the same training, to be gone on with by itself."""
        other = copy.copy(self)
        other.network = copy.deepcopy(self.network)
        return other

    def run(self, steps: int) -> None:
        """Trains for so many steps."""
        self.network.train()
        optimizer = torch.optim.SGD(self.network.parameters(), lr=0.05, momentum=0.9, nesterov=True)
        for _ in range(steps):
            batch = torch.randint(len(self._images), (128,))
            answers = self.network(self._images[batch])
            loss = nn.functional.cross_entropy(answers, self._labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.network.eval()


def _tensors(data: LabeledImages) -> tuple[Tensor, Tensor]:
    """Returns images as the network takes them, and their labels."""
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    return (pixels - 0.5) / 0.25, torch.from_numpy(data.labels)
