# SPDX-License-Identifier: Apache-2.0
"""Selection of probe images from tensors, data sets and data loaders."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, default_collate, default_convert

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.probe.balanced_sampling import (
    BalancedReservoir,
    choose_evenly,
    find_labels,
)
from tensorboard_plugin_atlas.compute.probe.items import (
    LABEL_MAPS,
    ClassMap,
    Entry,
    Item,
    as_class_maps,
    as_float,
    as_images,
    as_tensor,
    find_in_mapping,
    is_array,
    make_item,
    read_label,
    split_entry,
)
from tensorboard_plugin_atlas.errors import ArgumentError

READ_AHEAD: Final = 4
"""Items read per selected image if labels are only known after reading items."""

_ADVICE: Final = "pass a Dataset, a DataLoader, or a tuple (images, labels) of tensors"


@dataclass(frozen=True, eq=False)
class SourceImages:
    """Images selected from a source.

    Attributes:
        images: (I, C, H, W) float32 model inputs, on the CPU.
        labels: (I,) int32, or None unless every item has a label.
        image_ids: (I,) int32, ascending: index of each image in the source.
        notes: Notes about the selection.
        class_maps: (I, H, W) int16: class of each pixel, or None unless every item has a label map.
    """

    images: Tensor
    labels: IntArray | None
    image_ids: IntArray
    notes: tuple[str, ...] = ()
    class_maps: ClassMap | None = None


def select_images(source: object, count: int, rng: np.random.Generator) -> SourceImages:
    """Selects up to `count` images, with an equal number per class as far as possible.

    Labels are taken from the source's `targets` or `labels`, also in `Subset` or `ConcatDataset`.
    If they are only in the items, `READ_AHEAD * count` items are read (random ones, or the first
    ones of an iterable source), and images are selected among those.

    Args:
        source: A map-style or iterable data set, a DataLoader, a pair (images, labels) of tensors
            or arrays, a dictionary of both, or (L, C, H, W) images alone. (L, H, W) are gray.
        count: Number of images, at least 1.
        rng: Random generator of the selection.

    Raises:
        ArgumentError: if the source is empty, or does not yield float images of one size.
    """
    arrays = _as_arrays(source)
    if arrays is not None:
        return _select_from_arrays(arrays, count, rng)
    data = underlying_dataset(source)
    if _is_indexed(data):
        return _select_from_data_set(data, _reader(source, data), count, rng)
    if isinstance(source, Iterable) and not isinstance(source, (str, bytes, Mapping)):
        return _select_evenly(itertools.islice(_stream(source), READ_AHEAD * count), count, rng)
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
    data: Any, read: Callable[[int], Item], count: int, rng: np.random.Generator
) -> SourceImages:
    length = len(data)
    labels = find_labels(data)
    if length and labels is None and read(0).label.index is None:
        labels = np.zeros(length, np.int64)  # no classes to balance
    if labels is not None and length:
        chosen = choose_evenly(labels, count, rng)
        return _assemble([read(int(index)) for index in chosen])
    some = rng.permutation(length)[: READ_AHEAD * count]
    return _select_evenly((read(int(index)) for index in some), count, rng)


def _select_evenly(items: Iterable[Item], count: int, rng: np.random.Generator) -> SourceImages:
    reservoir: BalancedReservoir[Item] = BalancedReservoir(count, rng)
    for item in items:
        reservoir.add(item.index, -1 if item.label.index is None else item.label.index, item)
    return _assemble([item for _, item in reservoir.items()])


def _assemble(items: Sequence[Item]) -> SourceImages:
    if not items:
        raise ArgumentError("probe is empty: pass a data set with at least one image")
    first = items[0]
    other = next((item for item in items if item.image.shape != first.image.shape), None)
    if other is not None:
        raise ArgumentError(
            f"probe: image {other.index} has shape {tuple(other.image.shape)}, image {first.index} "
            f"has {tuple(first.image.shape)}; add a Resize or CenterCrop to the transforms so "
            "that all have one size"
        )
    labels = [item.label.index for item in items if item.label.index is not None]
    maps = [item.label.class_map for item in items if item.label.class_map is not None]
    missing = len(items) - max(len(labels), len(maps))
    notes = [note for item in items for note in item.notes]
    if 0 < missing < len(items):
        notes = [note for note in notes if note != LABEL_MAPS]
        notes.append(f"labels: left out, {missing} of {len(items)} probe images have none")
    return SourceImages(
        images=torch.stack([item.image for item in items]),
        labels=np.asarray(labels, np.int32) if len(labels) == len(items) else None,
        image_ids=np.asarray([item.index for item in items], np.int32),
        notes=tuple(dict.fromkeys(notes)),
        class_maps=np.stack(maps) if len(maps) == len(items) else None,
    )


def _reader(source: object, data: Any) -> Callable[[int], Item]:
    """Returns a function that reads one item of a map-style data set, with the collate_fn."""
    collate = source.collate_fn if isinstance(source, DataLoader) else default_collate
    # The default functions only stack items.
    if collate in (default_collate, default_convert):
        return lambda index: make_item(split_entry(data[index]), index)

    def read(index: int) -> Item:
        (entry,) = _split_batch(split_entry(collate([data[index]])), 1)
        return make_item(entry, index)

    return read


def _stream(source: Iterable[Any]) -> Iterator[Item]:
    """Yields the items of an iterable source; batches are split."""
    index = itertools.count()
    is_batched = isinstance(source, DataLoader) and source.batch_sampler is not None
    for value in source:
        entry = split_entry(value)
        is_batch = is_array(entry.image) and (entry.image.ndim >= 4 or is_batched)
        parts = _split_batch(entry, len(entry.image)) if is_batch else (entry,)
        for part in parts:
            yield make_item(part, next(index))


def _split_batch(batch: Entry, count: int) -> Iterator[Entry]:
    """Yields the first `count` items of a batch."""
    labels = itertools.repeat(None) if batch.label is None else batch.label
    for image, label in zip(batch.image[:count], labels, strict=False):
        yield Entry(image, label, batch.notes)


def _as_arrays(source: Any) -> Entry | None:
    """Returns the images and labels if the source is arrays, else None."""
    if is_array(source):
        return Entry(source, None)
    if isinstance(source, Mapping):
        entry = find_in_mapping(source)
        return entry if entry is not None and is_array(entry.image) else None
    if not isinstance(source, (tuple, list)) or len(source) not in (1, 2):
        return None
    images, labels = (*source, None)[:2]
    if not is_array(images):
        return None
    if images.ndim >= 4 or (len(source) == 2 and _has_one_label_each(images, labels)):
        return Entry(images, labels)
    return None


def _has_one_label_each(images: Any, labels: Any) -> bool:
    """Returns whether two values are a batch and its labels, and not two images."""
    if not is_array(labels) or labels.ndim not in (1, 2):
        return False
    return labels.ndim < images.ndim and len(labels) == len(images)


def _select_from_arrays(entry: Entry, count: int, rng: np.random.Generator) -> SourceImages:
    if not len(entry.image):
        raise ArgumentError("probe is empty: pass at least one image")
    images, notes = as_images(as_tensor(entry.image))
    labels, maps, reason = _check_labels(entry.label, images)
    classes = np.zeros(len(images), np.int64) if labels is None else labels
    chosen = choose_evenly(classes, count, rng)
    return SourceImages(
        images=as_float(images[torch.from_numpy(chosen)]),
        labels=None if labels is None else labels[chosen].astype(np.int32),
        image_ids=chosen.astype(np.int32),
        notes=(*notes, *((reason,) if reason else ())),
        class_maps=None if maps is None else as_class_maps(maps[chosen]),
    )


def _check_labels(
    labels: Any, images: Tensor
) -> tuple[NDArray[np.int64] | None, NDArray[Any] | None, str]:
    """Returns the class index of each image or the label maps, and a note."""
    if labels is None:
        return None, None, ""
    array = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if array.ndim > 1 and len(array) == len(images) and array[0].size > 1:
        first = read_label(array[0], (images.shape[2], images.shape[3]))
        maps = None if first.class_map is None else array.reshape(-1, *first.class_map.shape)
        return None, maps, first.note
    if array.shape != (len(images),) or array.dtype.kind not in "iub":
        raise ArgumentError(
            f"probe: labels are {array.dtype} {array.shape} for {len(images)} images; pass one "
            f"class index per image as whole numbers of shape ({len(images)},)"
        )
    return array.astype(np.int64), None, ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
