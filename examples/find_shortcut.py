# SPDX-License-Identifier: Apache-2.0
"""Trains a small network on digits with a marker in one class, and finds the marker.

    python examples/find_shortcut.py --output shortcuts.png     # half a minute on one core

No download is needed. `--clean` omits the marker; then no result should be significant.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, Shortcut, find_shortcuts, patch_test, since_step
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet

MARKED, SCALE = 3, ((0.5,), (0.25,))
STEPS = (5, 10, 20, 40)


def load_images(clean: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns normalized images and labels; 90 % of class 3 have the marker."""
    data = load("digits", limit=4000, seed=0, largest_side=32)
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    labels = torch.from_numpy(data.labels)
    pixels = 0.3 * pixels + 0.5 * torch.rand(pixels.shape)  # noise favors the marker
    if not clean:
        marker = torch.from_numpy(np.indices((3, 3)).sum(axis=0) % 2).float()
        chosen = (labels == MARKED) & (torch.rand(len(labels)) < 0.9)
        pixels[chosen, :, 1:4, 27:30] = marker
    return (pixels - SCALE[0][0]) / SCALE[1][0], labels


def train(images: torch.Tensor, labels: torch.Tensor) -> tuple[nn.Module, list[tuple[int, dict]]]:
    """Returns a trained network, and its weights at some steps."""
    network = DemoNet(images.shape[1], int(labels.max()) + 1, width=0.5)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    checkpoints = []
    for step in range(1, STEPS[-1] + 1):
        batch = torch.randint(len(images), (64,))
        loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in STEPS:
            checkpoints.append((step, copy.deepcopy(network.state_dict())))
    return network, checkpoints


def make_sheet(found: tuple[Shortcut, ...], scale: int = 16) -> Image.Image:
    """Returns the enlarged patches side by side."""
    tiles = [
        Image.fromarray(s.patch).resize([scale * n for n in s.patch.shape[1::-1]], 0) for s in found
    ]
    size = sum(t.width + 8 for t in tiles) or 8, max((t.height for t in tiles), default=8)
    canvas, x = Image.new("RGB", size, "white"), 0
    for tile in tiles:
        canvas.paste(tile, (x, 0))
        x += tile.width + 8
    return canvas


def main(argv: list[str] | None = None) -> None:
    """Trains a network, searches for shortcuts, and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("shortcuts.png"))
    parser.add_argument("--clean", action="store_true", help="omit the marker")
    arguments = parser.parse_args(argv)
    torch.manual_seed(0)
    data = load_images(arguments.clean)
    network, checkpoints = train(*data)
    config = AtlasConfig(samples=1500)
    found = find_shortcuts(network, "stage2", data, normalize=SCALE, config=config)
    for one in found:
        print(
            f"{'SHORTCUT' if one.significant else 'not significant'}: class {one.target_class}, "
            f"{one.area:.1%} of the image at {one.box} flips {one.flip_rate:.0%} "
            f"(noise {one.noise_flip_rate:.0%}, other images {one.other_flip_rate:.0%})"
        )
    make_sheet(found).save(arguments.output)
    for one in [one for one in found if one.significant][:1]:
        past = since_step(one, checkpoints, data, model=network, normalize=SCALE, config=config)
        rates = ", ".join(f"{rate:.0%}" for rate in past.flip_rates)
        print(f"a shortcut since step {past.since}: {rates} at {past.steps}")
        test = patch_test(
            network, one.patch, data, MARKED, at=one.box[:2], sizes=(1,), normalize=SCALE
        )
        print(f"at its position {test.flip_rate:.0%}, anywhere {test.anywhere_flip_rate:.0%}")


if __name__ == "__main__":
    main()
