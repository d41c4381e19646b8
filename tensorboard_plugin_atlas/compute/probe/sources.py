# SPDX-License-Identifier: Apache-2.0
"""Selection of probe images from tensors, data sets and data loaders."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, default_collate, default_convert

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.probe.balanced_sampling import (
    BalancedReservoir,
    choose_evenly,
    find_labels,
)
from tensorboard_plugin_atlas.compute.probe.normalize import IDENTITY, Normalize
from tensorboard_plugin_atlas.compute.probe.probe_images import (
    ImageCollector,
    ImageEncoder,
    ProbeImages,
)
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.progress import progress_bar

READ_AHEAD: Final = 4
"""Items read per selected image if labels are only known after reading items."""

_DELAY: Final = 3.0
"""Seconds after which a progress bar is shown."""

_IMAGE_KEYS: Final = ("image", "images", "pixel_values", "img", "input", "inputs", "x")
_LABEL_KEYS: Final = ("label", "labels", "target", "targets", "class", "y")
_ADVICE: Final = "pass a Dataset, a DataLoader, or a tuple (images, labels) of tensors"


@dataclass(frozen=True, eq=False)
class SourceImages:
    """Images selected from a source.

    Attributes:
        images: I model inputs.
        labels: (I,) int32, or None unless every item has a label.
        image_ids: (I,) int32, ascending: index of each image in the source.
        notes: Notes about the selection.
    """

    images: ProbeImages
    labels: IntArray | None
    image_ids: IntArray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Item:
    image: Tensor
    label: int | None
    index: int


def select_images(
    source: object, count: int, rng: np.random.Generator, normalize: Normalize = IDENTITY
) -> SourceImages:
    """Selects up to `count` images, with an equal number per class as far as possible.

    Labels are taken from the source's `targets` or `labels`, also in `Subset` or `ConcatDataset`.
    If they are only in the items, `READ_AHEAD * count` items are read (random ones, or the first
    ones of an iterable source), and images are selected among those.

    Args:
        source: A map-style or iterable data set, a DataLoader, a pair (images, labels) of tensors
            or arrays, or (L, C, H, W) images alone.
        count: Number of images, at least 1.
        rng: Random generator of the selection.
        normalize: Normalization from pixels to images, if it is known; see `ImageEncoder`.

    Raises:
        ArgumentError: if the source is empty, or does not yield float images of one size.
    """
    encoder = ImageEncoder(normalize)
    arrays = _as_arrays(source)
    if arrays is not None:
        return _select_from_arrays(*arrays, count, rng, encoder)
    data = underlying_dataset(source)
    if _is_indexed(data):
        return _select_from_data_set(data, _reader(source, data), count, rng, encoder)
    if isinstance(source, Iterable) and not isinstance(source, (str, bytes, Mapping)):
        some = itertools.islice(_stream(source), READ_AHEAD * count)
        return _select_evenly(some, count, rng, encoder)
    raise ArgumentError(f"probe={_short(source)}: {_ADVICE}")


def underlying_dataset(source: object) -> Any:
    """Returns the data set of a DataLoader, or the subset of its sampler; otherwise `source`."""
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


def _select_from_data_set(
    data: Any,
    read: Callable[[int], _Item],
    count: int,
    rng: np.random.Generator,
    encoder: ImageEncoder,
) -> SourceImages:
    length = len(data)
    labels = find_labels(data)
    if length and labels is None and read(0).label is None:
        labels = np.zeros(length, np.int64)  # no classes to balance
    if labels is not None and length:
        chosen = choose_evenly(labels, count, rng)
        items = (read(int(index)) for index in chosen)
        return _assemble(_show_progress(items, len(chosen)), len(chosen), encoder)
    some = rng.permutation(length)[: READ_AHEAD * count]
    return _select_evenly((read(int(index)) for index in some), count, rng, encoder)


def _select_evenly(
    items: Iterable[_Item], count: int, rng: np.random.Generator, encoder: ImageEncoder
) -> SourceImages:
    reservoir: BalancedReservoir[_Item] = BalancedReservoir(count, rng)
    for item in _show_progress(items, READ_AHEAD * count):
        encoded = encoder.encode(item.image)
        kept = item if encoded is None else dataclasses.replace(item, image=encoded)
        reservoir.add(item.index, -1 if item.label is None else item.label, kept)
    chosen = [item for _, item in reservoir.items()]
    del reservoir
    chosen.reverse()
    return _assemble((chosen.pop() for _ in range(len(chosen))), len(chosen), encoder)


def _show_progress(items: Iterable[_Item], total: int) -> Iterator[_Item]:
    with progress_bar("images of the probe", total, unit="image", delay=_DELAY) as bar:
        for item in items:
            yield item
            if bar is not None:
                bar.update()


def _assemble(items: Iterable[_Item], count: int, encoder: ImageEncoder) -> SourceImages:
    """Collects items, at most `count`; the iterator should hold no image that it has yielded."""
    collector = ImageCollector(count, encoder)
    ids: list[int] = []
    labels: list[int | None] = []
    shape: torch.Size | None = None
    for item in items:
        if shape is not None and item.image.shape != shape:
            raise ArgumentError(
                f"probe: image {item.index} has shape {tuple(item.image.shape)}, image {ids[0]} "
                f"has {tuple(shape)}; add a Resize or CenterCrop to the transforms so "
                "that all have one size"
            )
        shape = item.image.shape
        collector.add(item.image)
        ids.append(item.index)
        labels.append(item.label)
    if not ids:
        raise ArgumentError("probe is empty: pass a data set with at least one image")
    known = [label for label in labels if label is not None]
    missing = len(labels) - len(known)
    notes: tuple[str, ...] = ()
    if 0 < missing < len(labels):
        notes = (f"labels: left out, {missing} of {len(labels)} probe images have none",)
    return SourceImages(
        images=collector.finish(),
        labels=None if missing else np.asarray(known, np.int32),
        image_ids=np.asarray(ids, np.int32),
        notes=notes,
    )


def _reader(source: object, data: Any) -> Callable[[int], _Item]:
    """Returns a function that reads one item of a map-style data set, with the collate_fn."""
    collate = source.collate_fn if isinstance(source, DataLoader) else default_collate
    # The default functions only stack items.
    if collate in (default_collate, default_convert):
        return lambda index: _parse(data[index], index)

    def read(index: int) -> _Item:
        batch = collate([data[index]])
        image, label = _split(batch)
        return _item(image[0], None if label is None else label[0], index)

    return read


def _stream(source: Iterable[Any]) -> Iterator[_Item]:
    """Yields the items of an iterable source; batches are split."""
    index = itertools.count()
    for entry in source:
        image, label = _split(entry)
        is_batch = _is_array(image) and image.ndim == 4
        images: Iterable[Any] = image if is_batch else (image,)
        labels: Iterable[Any] = (label,) if not is_batch else label
        if is_batch and label is None:
            labels = itertools.repeat(None)
        for one, of_one in zip(images, labels, strict=False):
            yield _item(one, of_one, next(index))


def _parse(entry: object, index: int) -> _Item:
    return _item(*_split(entry), index)


def _split(entry: Any) -> tuple[Any, Any]:
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
            "width), so add a channel to an image without channels by unsqueeze(0)"
        )
    return _as_float(image).clone()


def _as_tensor(value: Any) -> Tensor:
    """Returns a tensor unchanged, and an array as a tensor on the CPU."""
    return value if isinstance(value, Tensor) else torch.from_numpy(value)


def _as_float(images: Tensor) -> Tensor:
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


def _is_array(value: object) -> bool:
    return isinstance(value, (Tensor, np.ndarray))


def _as_arrays(source: Any) -> tuple[Any, Any] | None:
    """Returns (images, labels or None) if the source is an array or a pair of arrays, else None."""
    if _is_array(source):
        return source, None
    if not isinstance(source, (tuple, list)) or len(source) not in (1, 2):
        return None
    if not _is_array(source[0]) or source[0].ndim != 4:
        return None
    return source[0], source[1] if len(source) == 2 else None


def _select_from_arrays(
    images: Any, labels: Any, count: int, rng: np.random.Generator, encoder: ImageEncoder
) -> SourceImages:
    if images.ndim != 4:
        raise ArgumentError(
            f"probe: images have shape {tuple(images.shape)}; pass them as (images, channels, "
            "height, width)"
        )
    if not len(images):
        raise ArgumentError("probe is empty: pass at least one image")
    known = None if labels is None else _check_labels(labels, len(images))
    classes = np.zeros(len(images), np.int64) if known is None else known
    chosen = choose_evenly(classes, count, rng)
    collector = ImageCollector(len(chosen), encoder)
    tensor = _as_tensor(images)
    for index in chosen:
        collector.add(_as_float(tensor[int(index)]))
    return SourceImages(
        images=collector.finish(),
        labels=None if known is None else known[chosen].astype(np.int32),
        image_ids=chosen.astype(np.int32),
    )


def _check_labels(labels: Any, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
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
