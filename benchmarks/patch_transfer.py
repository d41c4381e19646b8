# SPDX-License-Identifier: Apache-2.0
"""Patch test of Carter et al. on planted marks: `python benchmarks/patch_transfer.py`.

Carter et al. (2019, "Activation Atlas") pasted pieces of pictures on others at several sizes, in
the corners, and counted how many a network took for another class, beside a piece of noise. Here
the networks are those of `planted.py`, the piece is what the mark covers in one training picture
with `MARGIN` pixels around it, and it is pasted on held-out pictures that the network has never
seen. For each size the best corner is told, found on one half of the pictures; the best of all, and
its controls, are measured on the other half.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import planted_shortcuts
import torch
from numpy.typing import NDArray
from planted_shortcuts import Plant, Trained, as_input

from tensorboard_plugin_atlas import PatchTest, patch_test

MARGIN = 1
SIZES = (0.5, 1.0, 1.5, 2.0)


def main() -> None:
    """Prints a line for each mark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=100, help="first seed; 100 is reported")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    sizes = "".join(f"{f'x{size:g}':>6}" for size in SIZES)
    controls = f"{'flips':>6}{'noise':>7}{'others':>8}{'same':>6}"
    print(f"{'mark':<12}{'px':>7}{sizes}  {'best':<20}{controls}")
    for name, (seed, plants) in planted_shortcuts.recipes(asked.first).items():
        one = planted_shortcuts.trained(name, seed, plants)
        for plant in plants:
            patch = piece(one, plant)
            print(line(plant.kind, patch, test(one, plant, patch)), flush=True)


def piece(one: Trained, plant: Plant) -> NDArray[np.uint8]:
    """Returns the mark with a little of what is around it, cut from a picture of its class."""
    picture = one.clean[one.labels == plant.target][:1]
    (marked,), (mask,) = plant.put(picture, seed=2)
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, x0 = max(rows[0] - MARGIN, 0), max(cols[0] - MARGIN, 0)
    return np.asarray(marked[y0 : rows[-1] + 1 + MARGIN, x0 : cols[-1] + 1 + MARGIN])


def test(one: Trained, plant: Plant, patch: NDArray[np.uint8]) -> PatchTest:
    """Pastes it in every corner and in the middle, at all sizes that fit in."""
    largest = planted_shortcuts.SIDE / max(patch.shape[:2])
    return patch_test(
        one.network(),
        patch,
        as_input(one.held_out),
        plant.target,
        sizes=[size for size in SIZES if size <= largest],
        normalize=planted_shortcuts.NORMALIZE,
    )


def line(kind: str, patch: NDArray[np.uint8], found: PatchTest) -> str:
    """Returns one row of the table."""
    best = dict(zip(found.sizes, found.rates.max(axis=1), strict=True))
    cells = "".join(f"{best[size]:6.2f}" if size in best else f"{'-':>6}" for size in SIZES)
    place = f"x{found.size:g} {found.place}"
    pixels = f"{patch.shape[0]}x{patch.shape[1]}"
    return (
        f"{kind:<12}{pixels:>7}{cells}  {place:<20}{found.flip_rate:6.2f}"
        f"{found.noise_flip_rate:7.2f}{found.other_flip_rate:8.2f}{found.same_flip_rate:6.2f}"
    )


if __name__ == "__main__":
    main()
