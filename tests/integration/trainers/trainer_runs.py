# SPDX-License-Identifier: Apache-2.0
"""A tiny model, data, and settings for runs of real trainers."""

from __future__ import annotations

import torch
from tiny_training import CLASSES, Net
from torch.utils.data import Dataset

from tensorboard_plugin_atlas import AtlasConfig, Schedule, read_atlases

CONFIG = AtlasConfig(
    samples=6,
    grids=(2,),
    min_count=1,
    neighbors=2,
    epochs=5,
    icons="none",
    attribution=False,
)
OPTIONS = {"config": CONFIG, "strict": True, "worker": "inline"}
LAYER = "body"

TIMINGS = [
    ({"every_n_steps": 3}, [0, 3, 6, 8]),
    ({"every_n_epochs": 1}, [0, 4, 8]),
    ({"schedule": Schedule.at([5])}, [5, 8]),
    ({"schedule": Schedule.when_loss_falls(by=0.9)}, [0, 1, 8]),
]
"""Options of an integration, and the steps that a run of two epochs of four steps logs."""


class Images(Dataset):
    """Random images with classes that a dataset of torchvision would have."""

    classes = CLASSES

    def __init__(self, count=16):
        generator = torch.Generator().manual_seed(5)
        self.images = torch.rand(count, 3, 12, 12, generator=generator)
        self.labels = [index % len(CLASSES) for index in range(count)]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def make_model():
    torch.manual_seed(0)
    return Net()


def read_steps(folder, layer=LAYER):
    """Returns {run: steps} of the logged atlases of a layer."""
    found = {}
    for atlas in read_atlases(folder, layer=layer):
        found.setdefault(atlas.run, []).append(atlas.step)
    return found
