# SPDX-License-Identifier: Apache-2.0
"""Reading of the items and batches of data sets: images and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from tensorboard_plugin_atlas.errors import ArgumentError

_IMAGE_KEYS: Final = ("image", "images", "pixel_values", "img", "input", "inputs", "x")
_LABEL_KEYS: Final = ("label", "labels", "target", "targets", "class", "y")


@dataclass(frozen=True, eq=False)
class Item:
    """One image of a source.

    Attributes:
        image: (C, H, W) float32, on the CPU.
        label: Index of its class, or None.
        index: Index in the source.
    """

    image: Tensor
    label: int | None
    index: int


def split_entry(entry: Any) -> tuple[Any, Any]:
    """Splits an item or a batch into image and label; None if there is no label."""
    if isinstance(entry, Mapping):
        image = next((entry[key] for key in _IMAGE_KEYS if key in entry), None)
        if image is None:
            raise ArgumentError(
                f"probe items are dictionaries with the keys {sorted(map(str, entry))}; name the "
                "image 'image' or 'pixel_values' and the class index 'label'"
            )
        return image, next((entry[key] for key in _LABEL_KEYS if key in entry), None)
    if isinstance(entry, (tuple, list)):
        if not entry:
            raise ArgumentError("probe items are empty tuples; yield (image, label)")
        return entry[0], entry[1] if len(entry) > 1 else None
    return entry, None


def make_item(image: Any, label: Any, index: int) -> Item:
    """Returns an item of an image and a label as a source holds them.

    Raises:
        ArgumentError: if the image is no (C, H, W) array of floats.
    """
    return Item(_as_image(image, index), _as_label(label), index)


def _as_image(value: Any, index: int) -> Tensor:
    if not is_array(value):
        hint = "yield (image, label) with the image as a float tensor"
        if hasattr(value, "convert") and hasattr(value, "mode"):
            hint = "add ToTensor() to the data set's transforms"
        raise ArgumentError(f"probe: image {index} is a {type(value).__name__}; {hint}")
    image = as_tensor(value)
    if image.ndim != 3:
        raise ArgumentError(
            f"probe: image {index} has shape {tuple(image.shape)}; images are (channels, height, "
            "width), so add a channel to an image without channels by unsqueeze(0)"
        )
    return as_float(image).clone()


def as_tensor(value: Any) -> Tensor:
    """Returns a tensor unchanged, and an array as a tensor on the CPU."""
    return value if isinstance(value, Tensor) else torch.from_numpy(value)


def as_float(images: Tensor) -> Tensor:
    """Returns images as float32 on the CPU.

    Raises:
        ArgumentError: if they are integers.
    """
    if not images.is_floating_point():
        raise ArgumentError(
            f"probe images are {str(images.dtype).removeprefix('torch.')}; pass model inputs: "
            "images.float() / 255, normalized as in training"
        )
    return images.detach().to("cpu", torch.float32)


def _as_label(value: Any) -> int | None:
    """Returns a class index, or None if the value is not a single integer."""
    if value is None or isinstance(value, (str, bytes)):
        return None
    array = np.asarray(value.cpu() if isinstance(value, Tensor) else value)
    if array.size != 1 or array.dtype.kind not in "iub":
        return None
    return int(array.reshape(()))


def is_array(value: object) -> bool:
    """Returns whether a value is a tensor or a NumPy array."""
    return isinstance(value, (Tensor, np.ndarray))
