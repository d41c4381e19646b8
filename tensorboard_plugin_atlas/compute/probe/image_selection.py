# SPDX-License-Identifier: Apache-2.0
"""Selection of probe images from tensors, datasets and data loaders."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.probe.balanced_sampling import (
    BalancedReservoir,
    choose_evenly,
    find_labels,
)
from tensorboard_plugin_atlas.compute.probe.item_parser import (
    LABEL_MAPS,
    LABEL_SETS,
    ClassMap,
    Entry,
    Item,
    Label,
    as_float,
    as_images,
    as_tensor,
    find_in_mapping,
    is_array,
    make_item,
    read_label,
    split_entry,
)
from tensorboard_plugin_atlas.compute.probe.item_reader import ItemReader, make_reader, split_batch
from tensorboard_plugin_atlas.compute.probe.label_sets import join_label_sets
from tensorboard_plugin_atlas.compute.probe.normalize import IDENTITY, Normalize
from tensorboard_plugin_atlas.compute.probe.pixel_summary import PixelSummary, summarize_pixels
from tensorboard_plugin_atlas.compute.probe.probe_images import (
    ImageCollector,
    ImageEncoder,
    ProbeImages,
)
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.progress import progress_bar

T = TypeVar("T")

READ_AHEAD: Final = 4
"""Items read per selected image if labels are only known after reading items."""

_DELAY: Final = 3.0
"""Seconds after which a progress bar is shown."""

_ADVICE: Final = "pass a Dataset, a DataLoader, or a tuple (images, labels) of tensors"


@dataclass(frozen=True, eq=False)
class SourceImages:
    """Images selected from a source.

    Attributes:
        images: I model inputs.
        pixels: Their range and hash.
        image_ids: (I,) int32, ascending: index of each image in the source.
        labels: (I,) int32, or None unless every item has a label.
        notes: Notes about the selection.
        class_maps: (I, H, W) int16: class of each pixel, or None unless every item has a label map.
        label_sets: (I, L) int32: see `join_label_sets`; None unless every item may have several.
    """

    images: ProbeImages
    pixels: PixelSummary
    image_ids: IntArray
    labels: IntArray | None = None
    notes: tuple[str, ...] = ()
    class_maps: ClassMap | None = None
    label_sets: IntArray | None = None


def select_images(
    source: object, count: int, rng: np.random.Generator, normalize: Normalize = IDENTITY
) -> SourceImages:
    """Selects up to `count` images, with an equal number per class as far as possible.

    Labels are taken from the source's `targets` or `labels`, also in `Subset` or `ConcatDataset`.
    If they are only in the items, `READ_AHEAD * count` items are read (random ones, or the first
    ones of an iterable source), and images are selected among those.

    Args:
        source: A map-style or iterable dataset, a DataLoader, a pair (images, labels) of tensors
            or arrays, a dictionary of both, or (L, C, H, W) images alone. (L, H, W) are gray.
        count: Number of images, at least 1.
        rng: Random generator of the selection.
        normalize: Normalization from pixels to images, if it is known; see `ImageEncoder`.

    Raises:
        ArgumentError: if the source is empty, or does not yield float images of one size.
    """
    encoder = ImageEncoder(normalize)
    arrays = _as_arrays(source)
    if arrays is not None:
        return _select_from_arrays(arrays, count, rng, encoder)
    data = underlying_dataset(source)
    if is_indexed(data):
        return _select_from_data_set(data, make_reader(source, data), count, rng, encoder)
    if isinstance(source, Iterable) and not isinstance(source, (str, bytes, Mapping)):
        some = itertools.islice(_stream(source), READ_AHEAD * count)
        return _select_evenly(some, count, rng, encoder)
    raise ArgumentError(f"probe={_short(source)}: {_ADVICE}")


def underlying_dataset(source: object) -> Any:
    """Returns the dataset of a DataLoader, or the subset of its sampler; otherwise `source`."""
    if not isinstance(source, DataLoader):
        return source
    indices = getattr(source.sampler, "indices", None)
    if indices is None or not is_indexed(source.dataset):
        return source.dataset
    return Subset(source.dataset, list(indices))


def is_indexed(data: object) -> bool:
    """Returns whether items of a dataset are read by their index."""
    if isinstance(data, (IterableDataset, str, bytes, Mapping)):
        return False
    return hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _select_from_data_set(
    data: Any,
    read: ItemReader,
    count: int,
    rng: np.random.Generator,
    encoder: ImageEncoder,
) -> SourceImages:
    length = len(data)
    labels = find_classes(data, lambda: read(0)) if length else None
    if labels is not None:
        chosen = choose_evenly(labels, count, rng)
        items = (read(int(index)) for index in chosen)
        return _assemble(show_progress(items, len(chosen)), len(chosen), encoder)
    some = rng.permutation(length)[: READ_AHEAD * count]
    return _select_evenly((read(int(index)) for index in some), count, rng, encoder)


def _select_evenly(
    items: Iterable[Item], count: int, rng: np.random.Generator, encoder: ImageEncoder
) -> SourceImages:
    reservoir: BalancedReservoir[Item] = BalancedReservoir(count, rng)
    for item in show_progress(items, READ_AHEAD * count):
        encoded = encoder.encode(item.image)
        kept = item if encoded is None else dataclasses.replace(item, image=encoded)
        reservoir.add(item.index, -1 if item.label.index is None else item.label.index, kept)
    chosen = [item for _, item in reservoir.items()]
    del reservoir
    chosen.reverse()
    return _assemble((chosen.pop() for _ in range(len(chosen))), len(chosen), encoder)


def find_classes(data: Any, read_first: Callable[[], Item]) -> NDArray[np.int64] | None:
    """Returns the class of each item of a dataset, (L,) int64; None if items must be read for that.

    Args:
        data: A map-style dataset.
        read_first: Reads its first item, if that is necessary.
    """
    labels = find_labels(data)
    if labels is None and read_first().label.index is None:
        return np.zeros(len(data), np.int64)  # no classes to balance
    return labels


def show_progress(
    parts: Iterable[T], total: int, count: Callable[[T], int] = lambda _: 1
) -> Iterator[T]:
    """Yields items or batches, with a progress bar if it takes long.

    Args:
        parts: Items or batches.
        total: Number of items.
        count: Returns the number of items of a part.
    """
    with progress_bar("images of the probe", total, unit="image", delay=_DELAY) as bar:
        for part in parts:
            yield part
            if bar is not None:
                bar.update(count(part))


def _assemble(items: Iterable[Item], count: int, encoder: ImageEncoder) -> SourceImages:
    """Collects items, at most `count`; the iterator should hold no image that it has yielded."""
    collector = ImageCollector(count, encoder)
    ids: list[int] = []
    found: list[Label] = []
    notes: dict[str, None] = {}
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
        found.append(item.label)
        notes.update(dict.fromkeys(item.notes))
    if not ids:
        raise ArgumentError("probe is empty: pass a dataset with at least one image")
    images = collector.finish()
    return join_labels(
        SourceImages(images, summarize_pixels(images), np.asarray(ids, np.int32)), found, notes
    )


def join_labels(
    selected: SourceImages, found: Sequence[Label], notes: Iterable[str]
) -> SourceImages:
    """Returns selected images with their labels, if each has one, and with notes.

    Args:
        selected: I images without labels.
        found: I labels.
        notes: Notes about the items.
    """
    found = _read_one_hot(found)
    labels = [label.index for label in found if label.index is not None]
    maps = [label.class_map for label in found if label.class_map is not None]
    sets = [label.classes for label in found if label.classes is not None]
    count, kept = len(found), dict.fromkeys(notes)
    missing = count - max(len(labels), len(maps), len(sets))
    label_sets = join_label_sets(sets) if len(sets) == count else None
    if len(maps) < count:
        kept.pop(LABEL_MAPS, None)
    if label_sets is None:
        kept.pop(LABEL_SETS, None)
    if 0 < missing < count:
        kept[f"labels: left out, {missing} of {count} probe images have none"] = None
    return dataclasses.replace(
        selected,
        labels=np.asarray(labels, np.int32) if len(labels) == count else None,
        notes=tuple(kept),
        class_maps=np.stack(maps) if len(maps) == count else None,
        label_sets=label_sets,
    )


def _read_one_hot(found: Sequence[Label]) -> Sequence[Label]:
    """Returns labels as indices of classes if all images have one of several; else unchanged."""
    if not all(label.classes is not None and len(label.classes) == 1 for label in found):
        return found
    return [Label(label.classes[0]) for label in found if label.classes]


def _stream(source: Iterable[Any]) -> Iterator[Item]:
    """Yields the items of an iterable source; batches are split."""
    index = itertools.count()
    is_batched = isinstance(source, DataLoader) and source.batch_sampler is not None
    for value in source:
        entry = split_entry(value)
        is_batch = is_array(entry.image) and (entry.image.ndim >= 4 or is_batched)
        parts = split_batch(entry, len(entry.image)) if is_batch else (entry,)
        for part in parts:
            yield make_item(part, next(index))


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


def _select_from_arrays(
    entry: Entry, count: int, rng: np.random.Generator, encoder: ImageEncoder
) -> SourceImages:
    if not len(entry.image):
        raise ArgumentError("probe is empty: pass at least one image")
    images, notes = as_images(as_tensor(entry.image))
    labels = _as_label_array(entry.label, len(images))
    has_classes = labels is not None and labels.ndim == 1
    classes = np.asarray(labels) if has_classes else np.zeros(len(images), np.int64)
    chosen = choose_evenly(classes, count, rng)
    collector = ImageCollector(len(chosen), encoder)
    for index in chosen:
        collector.add(as_float(images[int(index)]))
    kept = collector.finish()
    size = (images.shape[2], images.shape[3])
    found = [Label() if labels is None else read_label(labels[i], size) for i in chosen]
    return join_labels(
        SourceImages(kept, summarize_pixels(kept), chosen.astype(np.int32)),
        found,
        (*notes, *(label.note for label in found if label.note)),
    )


def _as_label_array(labels: Any, images: int) -> NDArray[Any] | None:
    """Returns labels as an array with an entry or a row for each image.

    Raises:
        ArgumentError: if there are more or fewer, or they are single numbers that are not whole.
    """
    if labels is None:
        return None
    array = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if array.ndim > 1 and len(array) == images and array[0].size > 1:
        return array
    if array.shape != (images,) or array.dtype.kind not in "iub":
        raise ArgumentError(
            f"probe: labels are {array.dtype} {array.shape} for {images} images; pass one "
            f"class index per image as whole numbers of shape ({images},), or multi-hot labels "
            f"of shape ({images}, classes)"
        )
    return array.astype(np.int64)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
