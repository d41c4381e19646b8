# SPDX-License-Identifier: Apache-2.0
"""Networks that learned a shortcut on purpose: CIFAR-10 with marks planted in a class.

Each network is half as wide as the demo's and is trained for some 20 s of CPU time; it is kept
under `build/meaning`, with its checkpoints. What was planted where is known here and told to nobody
else: the benchmark asks the finder first, and compares then.
"""

from __future__ import annotations

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
"""Steps at which a training is kept; the last is its end."""
SIDE, SHARE, WIDTH = 32, 0.9, 0.5

Draw = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.bool_]]
"""Draws a mark into one (32, 32, 3) picture, and returns the (32, 32) mask of what it covered."""


@dataclass(frozen=True)
class Plant:
    """A mark, and the class that it is planted in.

    Attributes:
        kind: What it looks like, a key of `KINDS`.
        target: The class.
    """

    kind: str
    target: int

    def put(
        self, pictures: NDArray[np.uint8], seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Returns marked copies of (n, 32, 32, 3) pictures, and masks of the marks."""
        rng, marked = np.random.default_rng([seed, self.target]), pictures.copy()
        masks = [KINDS[self.kind](picture, rng) for picture in marked]
        return marked, np.stack(masks)


@dataclass(frozen=True, eq=False)
class Trained:
    """A network, the pictures that it saw, and pictures that it did not.

    Attributes:
        name: Of the recipe.
        plants: What was planted.
        checkpoints: Step to weights, in order.
        seen: (n, 32, 32, 3) uint8 training pictures, marks included.
        labels: (n,) of them.
        clean: The same without marks.
        held_out: (m, 32, 32, 3) pictures of no training, without marks.
        width: Of the network, relative to the demo's.
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
        """Returns the network as it was after so many steps."""
        network = DemoNet(3, 10, self.width)
        network.load_state_dict(self.checkpoints[step])
        return network.eval()


def recipes(first: int = 100) -> dict[str, tuple[int, tuple[Plant, ...]]]:
    """Returns name to seed and plants; other seeds put other marks into other classes."""
    names = [*KINDS, "clean", "clean", "clean", "two"]
    order = [0, 7, 1, 2, 8, 3, 10, 4, 5, 9, 6]
    found = {}
    for number in order:
        seed, kind = first + number, names[number]
        target, other = map(int, np.random.default_rng(seed).permutation(10)[:2])
        plants = {
            "clean": (),
            "two": (Plant("corner", target), Plant("texture", other)),
        }.get(kind, (Plant(kind, target),))
        found[f"{kind}-{seed}"] = (seed, plants)
    return found


def trained(
    name: str,
    seed: int,
    plants: tuple[Plant, ...],
    *,
    width: float = WIDTH,
    steps: int = STEPS[-1],
) -> Trained:
    """Returns a trained network, from the cache where it is there."""
    training, held_out = _pictures()
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


def as_input(pictures: NDArray[np.uint8]) -> Tensor:
    """Returns (n, H, W, 3) pictures as the network takes them."""
    return (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25


@cache
def _pictures() -> tuple[LabeledImages, LabeledImages]:
    return load(str(get_cifar10()), limit=10_000, seed=0).split(0.2, 0)


def _train(
    pictures: NDArray[np.uint8], labels: NDArray[np.int64], seed: int, width: float, steps: int
) -> dict[int, dict[str, Tensor]]:
    torch.manual_seed(seed)
    network = DemoNet(3, 10, width).to(memory_format=torch.channels_last)
    images = as_input(pictures).contiguous(memory_format=torch.channels_last)
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
    """A 3 x 3 chequered marker near the lower right corner."""
    chequers = np.indices((3, 3)).sum(axis=0) % 2 * 255
    picture[28:31, 28:31] = chequers[..., None]
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


KINDS: dict[str, Draw] = {
    "corner": _corner,
    "anywhere": _anywhere,
    "border": _border,
    "texture": _texture,
    "line": _line,
    "watermark": _watermark,
    "dot": _dot,
}


if __name__ == "__main__":
    import sys
    import time

    torch.set_num_threads(1)
    for name, (seed, plants) in recipes(*map(int, sys.argv[1:])).items():
        start = time.process_time()
        one = trained(name, seed, plants)
        network = one.network()
        with torch.no_grad():
            said = network(as_input(one.held_out)).argmax(dim=1)
        accuracy = float((said.numpy() == _pictures()[1].labels).mean())
        print(f"{name}: {accuracy:.3f} {time.process_time() - start:.0f} CPU s", flush=True)
