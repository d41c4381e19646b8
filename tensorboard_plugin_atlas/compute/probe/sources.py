# SPDX-License-Identifier: Apache-2.0
"""Drawing probe images from whatever a training script has: tensors, a data set or a loader."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, default_collate, default_convert

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.probe.balanced_sampling import (
    BalancedReservoir,
    choose_balanced,
    find_labels,
)
from tensorboard_plugin_atlas.errors import ArgumentError

READ_AHEAD: Final = 4
"""Items read for each image wanted where labels are only found by reading."""

_IMAGE_KEYS: Final = ("image", "images", "pixel_values", "img", "input", "inputs", "x")
_LABEL_KEYS: Final = ("label", "labels", "target", "targets", "class", "y")
_ADVICE: Final = "pass a Dataset, a DataLoader, or a tuple (images, labels) of tensors"


@dataclass(frozen=True, eq=False)
class SourceImages:
    """Images drawn from a source.

    Attributes:
        images: (I, C, H, W) float32 on the CPU, as the model takes them.
        labels: (I,) int32, or None where not every item carries one.
        image_ids: (I,) int32, ascending: index of each image in the source.
        notes: What a reader should know about the choice.
    """

    images: Tensor
    labels: IntArray | None
    image_ids: IntArray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Item:
    image: Tensor
    label: int | None
    index: int


def select_images(source: object, count: int, rng: np.random.Generator) -> SourceImages:
    """Draws up to `count` images, an equal share from each class as far as the source has them.

    Labels are looked up in the source's `targets` or `labels`, through `Subset`, `ConcatDataset`
    and the like. Where they are only found inside the items, `READ_AHEAD * count` items are read
    (at random, or the first ones of a source that can only be iterated) and the choice is made
    among those.

    Args:
        source: A map-style or iterable data set, a DataLoader, a pair (images, labels) of tensors
            or arrays, or (L, C, H, W) images alone.
        count: Images wanted, at least 1.
        rng: Makes the choice.

    Raises:
        ArgumentError: if the source is empty, or does not yield float images of one size.
    """
    arrays = _as_arrays(source)
    if arrays is not None:
        return _draw_from_arrays(*arrays, count, rng)
    data = underlying_dataset(source)
    if _is_indexed(data):
        return _draw_from_indexed(data, _reader(source, data), count, rng)
    if isinstance(source, Iterable) and not isinstance(source, (str, bytes, Mapping)):
        return _choose(itertools.islice(_stream(source), READ_AHEAD * count), count, rng)
    raise ArgumentError(f"probe={_short(source)}: {_ADVICE}")


def underlying_dataset(source: object) -> Any:
    """Returns the data set behind a DataLoader, cut to the loader's own subset, or `source`."""
    if not isinstance(source, DataLoader):
        return source
    indices = getattr(source.sampler, "indices", None)
    if indices is None or not _is_indexed(source.dataset):
        return source.dataset
    return Subset(source.dataset, list(indices))


def _is_indexed(data: object) -> bool:
    if isinstance(data, (IterableDataset, str, bytes, Mapping)):
        return False
    return hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _draw_from_indexed(
    data: Any, read: Callable[[int], _Item], count: int, rng: np.random.Generator
) -> SourceImages:
    length = len(data)
    labels = find_labels(data)
    if length and labels is None and read(0).label is None:
        labels = np.zeros(length, np.int64)  # no classes to balance
    if labels is not None and length:
        chosen = choose_balanced(labels, count, rng)
        return _assemble([read(int(index)) for index in chosen])
    some = rng.permutation(length)[: READ_AHEAD * count]
    return _choose((read(int(index)) for index in some), count, rng)


def _choose(items: Iterable[_Item], count: int, rng: np.random.Generator) -> SourceImages:
    reservoir: BalancedReservoir[_Item] = BalancedReservoir(count, rng)
    for item in items:
        reservoir.add(item.index, -1 if item.label is None else item.label, item)
    return _assemble([item for _, item in reservoir.items()])


def _assemble(items: Sequence[_Item]) -> SourceImages:
    if not items:
        raise ArgumentError("probe is empty: pass a data set with at least one image")
    first = items[0]
    odd = next((item for item in items if item.image.shape != first.image.shape), None)
    if odd is not None:
        raise ArgumentError(
            f"probe: image {odd.index} has shape {tuple(odd.image.shape)}, image {first.index} has "
            f"{tuple(first.image.shape)}; add a Resize or CenterCrop to the transforms so that all "
            "have one size"
        )
    labels = [item.label for item in items if item.label is not None]
    missing = len(items) - len(labels)
    notes: tuple[str, ...] = ()
    if 0 < missing < len(items):
        notes = (f"labels: left out, {missing} of {len(items)} probe images have none",)
    return SourceImages(
        images=torch.stack([item.image for item in items]),
        labels=None if missing else np.asarray(labels, np.int32),
        image_ids=np.asarray([item.index for item in items], np.int32),
        notes=notes,
    )


def _reader(source: object, data: Any) -> Callable[[int], _Item]:
    """Returns how one item of a map-style data set is read: through the loader's own collate."""
    collate = source.collate_fn if isinstance(source, DataLoader) else default_collate
    # Neither default changes what an item holds, they only stack.
    if collate in (default_collate, default_convert):
        return lambda index: _parse(data[index], index)

    def read(index: int) -> _Item:
        batch = collate([data[index]])
        image, label = _split(batch)
        return _item(image[0], None if label is None else label[0], index)

    return read


def _stream(source: Iterable[Any]) -> Iterator[_Item]:
    """Yields the items of a source that can only be iterated, taking batches apart."""
    index = itertools.count()
    for entry in source:
        image, label = _split(entry)
        batched = _is_array(image) and image.ndim == 4
        images: Iterable[Any] = image if batched else (image,)
        labels: Iterable[Any] = (label,) if not batched else label
        if batched and label is None:
            labels = itertools.repeat(None)
        for one, of_one in zip(images, labels, strict=False):
            yield _item(one, of_one, next(index))


def _parse(entry: object, index: int) -> _Item:
    return _item(*_split(entry), index)


def _split(entry: Any) -> tuple[Any, Any]:
    """Takes an item or a batch apart into image and label, None where there is no label."""
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


def _item(image: Any, label: Any, index: int) -> _Item:
    return _Item(_as_image(image, index), _as_label(label), index)


def _as_image(value: Any, index: int) -> Tensor:
    if not _is_array(value):
        hint = "yield (image, label) with the image as a float tensor"
        if hasattr(value, "convert") and hasattr(value, "mode"):
            hint = "add ToTensor() to the data set's transforms"
        raise ArgumentError(f"probe: image {index} is a {type(value).__name__}; {hint}")
    image = _as_tensor(value)
    if image.ndim != 3:
        raise ArgumentError(
            f"probe: image {index} has shape {tuple(image.shape)}; images are (channels, height, "
            "width), so give a picture without channels one by unsqueeze(0)"
        )
    return _as_float(image).clone()


def _as_tensor(value: Any) -> Tensor:
    """Returns a tensor where it is, and an array as one on the CPU."""
    return value if isinstance(value, Tensor) else torch.from_numpy(value)


def _as_float(images: Tensor) -> Tensor:
    if not images.is_floating_point():
        raise ArgumentError(
            f"probe images are {str(images.dtype).removeprefix('torch.')}; pass them as the model "
            "takes them: images.float() / 255, then normalized as in training"
        )
    return images.detach().to("cpu", torch.float32)


def _as_label(value: Any) -> int | None:
    """Returns a class index, or None for anything that is not one whole number."""
    if value is None or isinstance(value, (str, bytes)):
        return None
    array = np.asarray(value.cpu() if isinstance(value, Tensor) else value)
    if array.size != 1 or array.dtype.kind not in "iub":
        return None
    return int(array.reshape(()))


def _is_array(value: object) -> bool:
    return isinstance(value, (Tensor, np.ndarray))


def _as_arrays(source: Any) -> tuple[Any, Any] | None:
    """Returns (images, labels or None) where the source is a pair of arrays or one array."""
    if _is_array(source):
        return source, None
    if not isinstance(source, (tuple, list)) or len(source) not in (1, 2):
        return None
    if not _is_array(source[0]) or source[0].ndim != 4:
        return None
    return source[0], source[1] if len(source) == 2 else None


def _draw_from_arrays(
    images: Any, labels: Any, count: int, rng: np.random.Generator
) -> SourceImages:
    if images.ndim != 4:
        raise ArgumentError(
            f"probe: images have shape {tuple(images.shape)}; pass them as (images, channels, "
            "height, width)"
        )
    if not len(images):
        raise ArgumentError("probe is empty: pass at least one image")
    known = None if labels is None else _checked_labels(labels, len(images))
    groups = np.zeros(len(images), np.int64) if known is None else known
    chosen = choose_balanced(groups, count, rng)
    return SourceImages(
        images=_as_float(_as_tensor(images)[torch.from_numpy(chosen)]),
        labels=None if known is None else known[chosen].astype(np.int32),
        image_ids=chosen.astype(np.int32),
    )


def _checked_labels(labels: Any, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    array = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if array.shape != (count,) or array.dtype.kind not in "iub":
        raise ArgumentError(
            f"probe: labels are {array.dtype} {array.shape} for {count} images; pass one class "
            f"index per image as whole numbers of shape ({count},)"
        )
    return array.astype(np.int64)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
