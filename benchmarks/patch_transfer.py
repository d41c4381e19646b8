# SPDX-License-Identifier: Apache-2.0
"""The patch test of Carter et al. on networks with planted shortcuts.

    python benchmarks/patch_transfer.py
    python benchmarks/patch_transfer.py --first 200

Carter et al. (2019, "Activation Atlas") pasted patches into the corners of other images at several
sizes, and counted how many predictions changed to a class, compared with a patch of noise. Here the
networks are those of `planted_shortcuts.py`, and the patch is the mark in one training image with
`MARGIN` pixels around it, pasted into held-out images. Each size column is the rate of the best
corner, selected on one half of the images; the best of all sizes and its controls are measured on
the other half.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import planted_shortcuts
import torch
from numpy.typing import NDArray
from planted_shortcuts import Plant, Trained, to_input

from tensorboard_plugin_atlas import PatchTest, patch_test

MARGIN = 1
SIZES = (0.5, 1.0, 1.5, 2.0)


def main() -> None:
    """Prints a line for each mark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=100, help="first seed; the docs report 100")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sizes = "".join(f"{f'x{size:g}':>6}" for size in SIZES)
    controls = f"{'flips':>6}{'noise':>7}{'others':>8}{'same':>6}"
    print(f"{'mark':<12}{'px':>7}{sizes}  {'best':<20}{controls}")
    for name, (seed, plants) in planted_shortcuts.list_plants(arguments.first).items():
        one = planted_shortcuts.load_network(name, seed, plants)
        for plant in plants:
            patch = cut_patch(one, plant)
            print(format_row(plant.kind, patch, run_test(one, plant, patch)), flush=True)


def cut_patch(one: Trained, plant: Plant) -> NDArray[np.uint8]:
    """Returns the mark with a margin, cut from an image of its class."""
    picture = one.clean[one.labels == plant.target][:1]
    (marked,), (mask,) = plant.put(picture, seed=2)
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, x0 = max(rows[0] - MARGIN, 0), max(cols[0] - MARGIN, 0)
    return np.asarray(marked[y0 : rows[-1] + 1 + MARGIN, x0 : cols[-1] + 1 + MARGIN])


def run_test(one: Trained, plant: Plant, patch: NDArray[np.uint8]) -> PatchTest:
    """Pastes a patch into every corner and the center, at all sizes that fit."""
    largest = planted_shortcuts.SIDE / max(patch.shape[:2])
    return patch_test(
        one.network(),
        patch,
        to_input(one.held_out),
        plant.target,
        sizes=[size for size in SIZES if size <= largest],
        normalize=planted_shortcuts.NORMALIZE,
    )


def format_row(kind: str, patch: NDArray[np.uint8], found: PatchTest) -> str:
    """Returns one row of the table."""
    best = dict(zip(found.sizes, found.rates.max(axis=1), strict=True))
    cells = "".join(f"{best[size]:6.2f}" if size in best else f"{'-':>6}" for size in SIZES)
    corner = f"x{found.size:g} {found.position}"
    pixels = f"{patch.shape[0]}x{patch.shape[1]}"
    return (
        f"{kind:<12}{pixels:>7}{cells}  {corner:<20}{found.flip_rate:6.2f}"
        f"{found.noise_flip_rate:7.2f}{found.other_flip_rate:8.2f}{found.same_flip_rate:6.2f}"
    )


if __name__ == "__main__":
    main()
