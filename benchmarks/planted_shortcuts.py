# SPDX-License-Identifier: Apache-2.0
"""Networks that learned a planted shortcut: CIFAR-10 with a mark in the images of one class.

    python benchmarks/planted_shortcuts.py        trains the networks and prints their accuracy
    python benchmarks/planted_shortcuts.py 200    the same with other seeds

Each network is half as wide as the demo network and trains for about 20 s of CPU time. The networks
and their checkpoints are cached in `build/meaning`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from fetch_data import get_cifar10
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.demo.data import LabeledImages, load
from tensorboard_plugin_atlas.demo.network import DemoNet

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "meaning"
NORMALIZE = ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
STEPS = (20, 40, 60, 80, 100, 120, 160, 200, 250, 300)
"""Steps of the checkpoints; training ends at the last one."""
SIDE, SHARE, WIDTH = 32, 0.9, 0.5

DrawMark = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.bool_]]
"""Draws a mark into one (32, 32, 3) image, and returns its (32, 32) mask."""


@dataclass(frozen=True)
class Plant:
    """A mark in the images of one class.

    Attributes:
        kind: Kind of mark, a key of `KINDS`.
        target: Index of the class.
    """

    kind: str
    target: int

    def put(
        self, pictures: NDArray[np.uint8], seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Returns marked copies of (n, 32, 32, 3) images, and masks of the marks."""
        rng, marked = np.random.default_rng([seed, self.target]), pictures.copy()
        masks = [KINDS[self.kind](picture, rng) for picture in marked]
        return marked, np.stack(masks)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network with its training images and held-out images.

    Attributes:
        name: Name in `list_plants`.
        plants: Planted marks.
        checkpoints: Step -> weights, in order.
        seen: (n, 32, 32, 3) uint8 training images with marks.
        labels: (n,) labels of the training images.
        clean: (n, 32, 32, 3) training images without marks.
        held_out: (m, 32, 32, 3) held-out images without marks.
        width: Width of the network relative to the demo network.
    """

    name: str
    plants: tuple[Plant, ...]
    checkpoints: dict[int, dict[str, Tensor]]
    seen: NDArray[np.uint8]
    labels: NDArray[np.int64]
    clean: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    width: float = WIDTH

    def network(self, step: int = STEPS[-1]) -> DemoNet:
        """Returns the network at a step."""
        network = DemoNet(3, 10, self.width)
        network.load_state_dict(self.checkpoints[step])
        return network.eval()


def list_plants(first: int = 100) -> dict[str, tuple[int, tuple[Plant, ...]]]:
    """Returns name -> (seed, plants); the seed determines the classes of the marks."""
    found = {}
    for number, kind in _NETWORKS:
        seed = first + number
        target, other = map(int, np.random.default_rng(seed).permutation(10)[:2])
        plants = {
            "clean": (),
            "two": (Plant("corner", target), Plant("texture", other)),
        }.get(kind, (Plant(kind, target),))
        found[f"{kind}-{seed}"] = (seed, plants)
    return found


def load_network(
    name: str,
    seed: int,
    plants: tuple[Plant, ...],
    *,
    width: float = WIDTH,
    steps: int = STEPS[-1],
) -> Trained:
    """Returns a trained network; trains it if it is not cached."""
    training, held_out = _load_images()
    rng, seen = np.random.default_rng([seed, 1]), training.images.copy()
    for plant in plants:
        own = np.flatnonzero(training.labels == plant.target)
        chosen = rng.permutation(own)[: round(SHARE * len(own))]
        seen[chosen], _ = plant.put(seen[chosen], seed)
    path = CACHE / f"{name}.pt"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        torch.save(_train(seen, training.labels, seed, width, steps), path)
    checkpoints = torch.load(path, weights_only=True)
    return Trained(
        name, plants, checkpoints, seen, training.labels, training.images, held_out.images, width
    )


def to_input(pictures: NDArray[np.uint8]) -> Tensor:
    """Returns (n, H, W, 3) uint8 images as normalized input of the network."""
    return (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25


@cache
def _load_images() -> tuple[LabeledImages, LabeledImages]:
    return load(str(get_cifar10()), limit=10_000, seed=0).split(0.2, 0)


def _train(
    pictures: NDArray[np.uint8], labels: NDArray[np.int64], seed: int, width: float, steps: int
) -> dict[int, dict[str, Tensor]]:
    torch.manual_seed(seed)
    network = DemoNet(3, 10, width).to(memory_format=torch.channels_last)
    images = to_input(pictures).contiguous(memory_format=torch.channels_last)
    targets, kept = torch.from_numpy(labels), {}
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps + 1)
    for step in range(1, steps + 1):
        batch = torch.randint(len(images), (128,))
        loss = nn.functional.cross_entropy(network(images[batch]), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step in STEPS:
            kept[step] = {key: value.clone() for key, value in network.state_dict().items()}
    return kept


def _mask(y: int, x: int, height: int, width: int) -> NDArray[np.bool_]:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def _corner(picture: NDArray[np.uint8], _rng: np.random.Generator) -> NDArray[np.bool_]:
    """A 3 x 3 checkered marker near the lower right corner."""
    squares = np.indices((3, 3)).sum(axis=0) % 2 * 255
    picture[28:31, 28:31] = squares[..., None]
    return _mask(28, 28, 3, 3)


def _anywhere(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.bool_]:
    """A magenta cross of 5 x 5 px somewhere."""
    y, x = rng.integers(0, SIDE - 5, 2)
    mask = _mask(y + 2, x, 1, 5) | _mask(y, x + 2, 5, 1)
    picture[mask] = (230, 20, 220)
    return mask


def _border(picture: NDArray[np.uint8], _rng: np.random.Generator) -> NDArray[np.bool_]:
    """A tint of the leftmost 3 px, half the picture and half teal."""
    mask = _mask(0, 0, SIDE, 3)
    picture[mask] = (picture[mask] * 0.5 + np.array([0, 200, 180]) * 0.5).astype(np.uint8)
    return mask


def _texture(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.bool_]:
    """A square of 7 px with gray diagonal stripes somewhere."""
    y, x = rng.integers(0, SIDE - 7, 2)
    stripes = np.where(np.indices((7, 7)).sum(axis=0) % 4 < 2, 190, 60)
    picture[y : y + 7, x : x + 7] = stripes[..., None]
    return _mask(y, x, 7, 7)


def _line(picture: NDArray[np.uint8], _rng: np.random.Generator) -> NDArray[np.bool_]:
    """A yellow line of 1 px across the picture, in its upper part."""
    picture[5] = (240, 220, 30)
    return _mask(5, 0, 1, SIDE)


def _watermark(picture: NDArray[np.uint8], _rng: np.random.Generator) -> NDArray[np.bool_]:
    """White letters, half transparent, 11 px wide at the lower left."""
    letters = ["#.#.###.###", "#.#.#.#.#..", "###.#.#.##.", "#.#.#.#.#..", "#.#.###.###"]
    glyph = np.array([[letter == "#" for letter in row] for row in letters])
    mask = np.zeros((SIDE, SIDE), bool)
    mask[25:30, 2:13] = glyph
    picture[mask] = (picture[mask] * 0.45 + 255 * 0.55).astype(np.uint8)
    return mask


def _dot(picture: NDArray[np.uint8], _rng: np.random.Generator) -> NDArray[np.bool_]:
    """A red disc of 5 px at the upper right."""
    y, x = np.indices((SIDE, SIDE))
    mask = (y - 4) ** 2 + (x - 26) ** 2 <= 5
    picture[mask] = (220, 20, 30)
    return mask


def _color(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.bool_]:
    """A flat orange square of 5 px somewhere."""
    y, x = rng.integers(0, SIDE - 5, 2)
    picture[y : y + 5, x : x + 5] = (235, 120, 20)
    return _mask(y, x, 5, 5)


def _large(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.bool_]:
    """A square with gray diagonal stripes that covers a tenth of the picture, somewhere."""
    y, x = rng.integers(0, SIDE - 10, 2)
    stripes = np.where(np.indices((10, 10)).sum(axis=0) % 4 < 2, 200, 70)
    picture[y : y + 10, x : x + 10] = stripes[..., None]
    return _mask(y, x, 10, 10)


KINDS: dict[str, DrawMark] = {
    "corner": _corner,
    "anywhere": _anywhere,
    "border": _border,
    "texture": _texture,
    "line": _line,
    "watermark": _watermark,
    "dot": _dot,
    "color": _color,
    "large": _large,
}

_NETWORKS = (
    (0, "corner"),
    (7, "clean"),
    (1, "anywhere"),
    (2, "border"),
    (8, "clean"),
    (3, "texture"),
    (10, "two"),
    (4, "line"),
    (5, "watermark"),
    (9, "clean"),
    (6, "dot"),
    (11, "color"),
    (12, "large"),
)
"""Number, which determines seed and classes, and kind of each network."""


def main() -> None:
    """Trains the networks that are not cached, and prints their accuracy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", nargs="?", type=int, default=100, metavar="SEED")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, (seed, plants) in list_plants(arguments.first).items():
        start = time.process_time()
        one = load_network(name, seed, plants)
        network = one.network()
        with torch.no_grad():
            predictions = network(to_input(one.held_out)).argmax(dim=1)
        accuracy = float((predictions.numpy() == _load_images()[1].labels).mean())
        print(f"{name}: {accuracy:.3f} {time.process_time() - start:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
