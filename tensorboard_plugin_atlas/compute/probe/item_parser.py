# SPDX-License-Identifier: Apache-2.0
"""Parses what a dataset yields into images and labels, and rejects data of other kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tensorboard_plugin_atlas.errors import ArgumentError

_IMAGE_KEYS: Final = ("image", "images", "pixel_values", "img", "input", "inputs", "x")
_LABEL_KEYS: Final = ("label", "labels", "target", "targets", "class", "y")


_VIEWS: Final = "images: each item holds several, such as two views; the first one is used"
LABEL_MAPS: Final = "labels: read from label maps, at the positions of the samples"
LABEL_SETS: Final = "labels: images may have several, so their shares may add up to more than 100%"
_GRAY: Final = "images: (height, width) without channels, read as gray"
_MAX_CHANNELS: Final = 4
"""Largest number of channels of a single image; a gray batch has more images."""
_MAX_WAVES: Final = 2
"""Largest number of channels of audio; an image has more rows."""
_MIN_WAVE: Final = 64
"""Smallest number of values in an audio wave or a text."""

ClassMap: TypeAlias = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Entry:
    """An item or a batch as a source holds it.

    Attributes:
        image: The image or the images.
        label: The label or the labels, or None.
        notes: What was left out.
    """

    image: Any
    label: Any
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Label:
    """The label of an image.

    Attributes:
        index: Index of its class, or None.
        class_map: (H, W) int16: class of each pixel, or None.
        classes: Indices of its classes, for multi-hot labels, or None.
        note: What was assumed or left out, or "".
    """

    index: int | None = None
    class_map: ClassMap | None = None
    classes: tuple[int, ...] | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Item:
    """One image of a source.

    Attributes:
        image: (C, H, W) float32, on the CPU.
        label: Its label.
        index: Index in the source.
        notes: What was assumed or left out.
    """

    image: Tensor
    label: Label
    index: int
    notes: tuple[str, ...] = ()


def split_entry(entry: Any) -> Entry:
    """Splits an item or a batch into image and label; None if there is no label.

    Of several views, as contrastive learning uses them, the first one is the image.

    Raises:
        ArgumentError: if there is no image.
    """
    if isinstance(entry, Mapping):
        found = find_in_mapping(entry)
        if found is None:
            raise ArgumentError(
                f"probe items are dictionaries with the keys {sorted(map(str, entry))}; name the "
                "image 'image' or 'pixel_values' and the class index 'label'"
            )
        return _select_view(found)
    if isinstance(entry, (tuple, list)):
        if not entry:
            raise ArgumentError("probe items are empty tuples; yield (image, label)")
        first, *others = entry
        if others and is_array(first) and _is_view_of(first, others[0]):
            return Entry(first, others[1] if len(others) > 1 else None, (_VIEWS,))
        return _select_view(Entry(first, others[0] if others else None))
    return Entry(entry, None)


def find_in_mapping(entry: Mapping[Any, Any]) -> Entry | None:
    """Returns the image and the label of a mapping by their usual names; None without an image."""
    image, label = (
        next((entry[key] for key in keys if key in entry), None)
        for keys in (_IMAGE_KEYS, _LABEL_KEYS)
    )
    return None if image is None else Entry(image, label)


def make_item(entry: Entry, index: int) -> Item:
    """Returns an item of a source.

    Args:
        entry: One image and its label.
        index: Index in the source.

    Raises:
        ArgumentError: if the image is no (C, H, W) or (H, W) array of floats.
    """
    image, is_gray = _as_image(entry.image, index)
    label = read_label(entry.label, (image.shape[1], image.shape[2]))
    found = (*entry.notes, _GRAY if is_gray else "", label.note)
    return Item(image, label, index, tuple(filter(None, found)))


def as_images(images: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    """Returns a batch as (N, C, H, W), and notes.

    Raises:
        ArgumentError: if it holds no images, or is (N, H, W) with so few images that it may be a
            single one.
    """
    if images.ndim == 4:
        return images, ()
    _reject_other_data(images[0] if images.ndim and len(images) else images)
    if images.ndim == 3 and len(images) > _MAX_CHANNELS:
        return images[:, None], (_GRAY,)
    raise ArgumentError(
        f"probe: images have shape {tuple(images.shape)}; pass them as (images, channels, "
        "height, width)"
    )


def read_label(value: Any, size: tuple[int, int]) -> Label:
    """Returns the label of an image, with a note if it is not one class index.

    Args:
        value: A class index, a label map, a multi-hot vector, or anything else.
        size: Height and width of the image.
    """
    if value is None or isinstance(value, (str, bytes)):
        return Label()
    try:
        array = np.asarray(value.cpu() if isinstance(value, Tensor) else value)
    except ValueError:  # a ragged list
        return Label(note=_note_labels("lists of several lengths"))
    is_integer = array.dtype.kind in "iub"
    if array.size == 1 and is_integer:
        return Label(int(array.reshape(())))
    if is_integer and array.shape in (size, (1, *size)):
        return Label(class_map=as_class_maps(array.reshape(size)), note=LABEL_MAPS)
    if array.ndim == 1 and array.size > 1 and _is_multi_hot(array):
        return Label(classes=tuple(np.flatnonzero(array).tolist()), note=LABEL_SETS)
    return Label(note=_note_labels(_describe_kind(array)))


def _is_multi_hot(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iubf" and bool(np.isin(array, (0, 1)).all())


def as_class_maps(labels: NDArray[Any]) -> ClassMap:
    """Returns classes of pixels as int16; no segmentation has more classes than that."""
    limits = np.iinfo(np.int16)
    maps: ClassMap = np.clip(labels, limits.min, limits.max).astype(np.int16)
    return maps


def _note_labels(kind: str) -> str:
    """Returns a note that labels of a kind are left out."""
    return f"labels: left out, they are {kind}, not class indices or multi-hot"


def _describe_kind(array: NDArray[Any]) -> str:
    if array.dtype.kind not in "iubf":
        return "no numbers"
    return f"{array.dtype} of shape {array.shape}"


def _select_view(entry: Entry) -> Entry:
    """Returns the entry with the first of several views."""
    views = entry.image
    is_several = isinstance(views, (tuple, list)) and len(views) > 1 and all(map(is_array, views))
    return Entry(views[0], entry.label, (_VIEWS,)) if is_several else entry


def _is_view_of(first: Any, second: Any) -> bool:
    """Returns whether two arrays can be views of one image, or of a batch of images."""
    return is_array(second) and first.ndim >= 3 and first.shape == second.shape


def _as_image(value: Any, index: int) -> tuple[Tensor, bool]:
    """Returns an image (C, H, W), and whether it had no channels."""
    if not is_array(value):
        hint = "yield (image, label) with the image as a float tensor"
        if hasattr(value, "convert") and hasattr(value, "mode"):
            hint = "add ToTensor() to the dataset's transforms"
        raise ArgumentError(f"probe: image {index} is a {type(value).__name__}; {hint}")
    image = as_tensor(value)
    _reject_other_data(image)
    is_gray = image.ndim == 2
    return as_float(image[None] if is_gray else image).clone(), is_gray


def _reject_other_data(item: Tensor) -> None:
    """Checks that an item can be an image.

    Raises:
        ArgumentError: if it cannot; the message names what it is.
    """
    shape = tuple(item.shape)
    is_wave = len(shape) == 2 and shape[0] <= _MAX_WAVES and shape[1] >= _MIN_WAVE
    if len(shape) in (2, 3) and not is_wave:
        return
    if len(shape) > 3:
        kind = "video clips (frames, channels, height, width)"
    elif not item.is_floating_point():
        kind = "text tokens (integers)"
    else:
        kind = "audio waves or feature vectors"
    raise ArgumentError(
        f"probe: items of shape {shape} and dtype {str(item.dtype).removeprefix('torch.')} are "
        f"{kind}, not images; activation atlases are of models of images, so pass images "
        "(channels, height, width)"
    )


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


def is_array(value: object) -> bool:
    """Returns whether a value is a tensor or a NumPy array."""
    return isinstance(value, (Tensor, np.ndarray))
