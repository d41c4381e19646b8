# SPDX-License-Identifier: Apache-2.0
"""Training of the demo network on CIFAR-10, for benchmarks that render it at several steps."""

from __future__ import annotations

import copy

import torch
from fetch_data import get_cifar10
from torch import Tensor, nn

from tensorboard_plugin_atlas.demo.data import LabeledImages, load
from tensorboard_plugin_atlas.demo.network import DemoNet


class Training:
    """Training of the demo network on CIFAR-10."""

    def __init__(self) -> None:
        training, held_out = load(str(get_cifar10()), limit=12_000, seed=0).split(0.2, 0)
        self._images, self._labels = _to_tensors(training)
        self.held_out = _to_tensors(held_out)
        torch.manual_seed(0)
        self.network = DemoNet(3, 10)

    def copy(self) -> Training:
        """Returns a copy that can be trained separately."""
        other = copy.copy(self)
        other.network = copy.deepcopy(self.network)
        return other

    def run(self, steps: int) -> None:
        """Trains for some steps."""
        self.network.train()
        optimizer = torch.optim.SGD(self.network.parameters(), lr=0.05, momentum=0.9, nesterov=True)
        for _ in range(steps):
            batch = torch.randint(len(self._images), (128,))
            logits = self.network(self._images[batch])
            loss = nn.functional.cross_entropy(logits, self._labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.network.eval()


def _to_tensors(data: LabeledImages) -> tuple[Tensor, Tensor]:
    """Returns images as normalized input of the network, and their labels."""
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    return (pixels - 0.5) / 0.25, torch.from_numpy(data.labels)
