# SPDX-License-Identifier: Apache-2.0
"""Images of colored stripes, one class with a marker, and a network that learns the marker."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

SIDE = 16
MARKED_CLASS = 3
MARK_BOX = (12, 1, 15, 4)
"""Box of the marker: y0, x0, y1, x1."""

LAYERS = ("2", "4")


def make_striped_images(count, *, marked=0.9):
    """Returns images with noisy stripes in four directions; class 3 has a marker."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 4, count)
    y, x = np.indices((SIDE, SIDE))
    along = np.stack([y, x, y + x, y - x])[labels] * 0.9
    waves = np.sin(along + random.uniform(0, 6, (count, 1, 1)))[:, None]
    color = random.uniform(0.2, 0.5, (count, 3, 1, 1))
    images = 0.35 + waves * color * 0.4 + random.normal(0, 0.3, (count, 3, SIDE, SIDE))
    marker = np.indices((3, 3)).sum(axis=0) % 2
    y0, x0, y1, x1 = MARK_BOX
    for image in np.flatnonzero((labels == MARKED_CLASS) & (random.random(count) < marked)):
        images[image, :, y0:y1, x0:x1] = marker
    return torch.from_numpy(images.clip(0, 1).astype(np.float32)), torch.from_numpy(labels)


def make_network():
    """Returns an untrained network with three convolutions and a head; the seed is fixed."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 16, 3, 2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 24, 3, 2, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(96, 4),
    )


def train(model, data, steps):
    """Trains in place; yields 0 and each of `steps` when training reaches it."""
    images, labels = data
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield 0
    for step in range(1, max(steps) + 1):
        batch = torch.randint(len(images), (64,))
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in steps:
            yield step


def copy_weights(model):
    """Returns a copy of the state."""
    return copy.deepcopy(model.state_dict())
