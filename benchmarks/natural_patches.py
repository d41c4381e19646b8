# SPDX-License-Identifier: Apache-2.0
"""Patches of photographs on photographs: the experiment of the Activation Atlas article.

    python benchmarks/natural_patches.py

Carter et al. (2019), "Activation Atlas", paste a patch on images of one class and count how many
are then predicted as another one: a locomotive turns snorkels into scuba divers, a baseball gray
whales into great white sharks, and noodles frying pans into woks. Here the network is
EfficientNet-Lite0. The 500 photographs of `fetch_data.py` hold no snorkel, gray whale, frying pan,
baseball or noodles. So the patches are crops of the most similar photographs, and they are pasted
on photographs of all classes: on up to 200 for the best size and position, and on 200 others for
the rates that are printed.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from efficientnet_lite import MEAN, SIDE, STD, load_lite, load_pictures

from tensorboard_plugin_atlas import patch_test

PAIRS = (
    ("steam locomotive", 820, "scuba diver", 983),
    ("golf ball", 574, "great white shark", 2),
    ("volleyball", 890, "great white shark", 2),
    ("tennis ball", 852, "great white shark", 2),
    ("basketball", 430, "great white shark", 2),
    ("spaghetti squash", 940, "wok", 909),
    ("hot pot", 926, "wok", 909),
)
PATCH = 88
SIZES = (0.5, 1, 1.5)


def main() -> None:
    """Prints a line for each pair."""
    torch.set_num_threads(1)
    images, labels = load_pictures()
    inputs, network = (images - MEAN) / STD, load_lite(0)
    low = (SIDE - PATCH) // 2
    print("patch of, target: best size and position, flips, noise, others, interval, CPU s")
    for source, index, name, target in PAIRS:
        start = time.process_time()
        (row,) = torch.nonzero(labels == index)[0].tolist()
        patch = inputs[row, :, low : low + PATCH, low : low + PATCH]
        normalize = ([MEAN] * 3, [STD] * 3)
        found = patch_test(network, patch, inputs, target, sizes=SIZES, normalize=normalize)
        bounds = ", ".join(f"{bound:+.3f}" for bound in found.interval)
        print(
            f"{source}, {name}: x {found.size:g} {found.position}, {found.flip_rate:.3f}, "
            f"{found.noise_flip_rate:.3f}, {found.other_flip_rate:.3f}, [{bounds}], "
            f"{time.process_time() - start:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
