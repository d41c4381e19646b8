# SPDX-License-Identifier: Apache-2.0
"""Reads batches of items of map-style datasets, in this process or by DataLoader workers.

An item does not depend on the process that reads it, the batch, or the items before it: the random
states of Python, NumPy and torch are seeded for each item.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from tensorboard_plugin_atlas.compute.probe.item_parser import Item, Label
from tensorboard_plugin_atlas.compute.probe.item_reader import ItemReader
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state, seed_random_state
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error

T = TypeVar("T")
ImageShape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class ItemBatch:
    """Consecutive items.

    Attributes:
        images: (n, C, H, W) float32, on the CPU.
        labels: n labels.
        checksums: (n,) uint32: CRC-32 of the float32 values of each image.
        notes: What was assumed or left out.
    """

    images: Tensor
    labels: tuple[Label, ...]
    checksums: NDArray[np.uint32]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


def read_batch(
    read: ItemReader, indices: Sequence[int] | NDArray[Any], seed: int, shape: ImageShape
) -> ItemBatch:
    """Reads items in this process; global random states are restored.

    Args:
        read: Reads an item.
        indices: (n,) indices in the dataset.
        seed: Seed of random transforms.
        shape: (C, H, W) of each image.

    Raises:
        ArgumentError: if an item cannot be read, or an image has another shape; the message names
            the item.
    """
    images = torch.empty(len(indices), *shape, dtype=torch.float32, device="cpu")
    labels, notes = [], {}
    with preserve_random_state():
        for row, index in enumerate(map(int, indices)):
            item = read_item(read, index, seed)
            if tuple(item.image.shape) != shape:
                raise ArgumentError(
                    f"probe: {describe_item(read.data, index)} has shape "
                    f"{tuple(item.image.shape)}, the first image has {shape}; add a Resize or "
                    "CenterCrop to the transforms, or pass ImageFiles(..., side=...), so that all "
                    "have one size"
                )
            images[row] = item.image
            labels.append(item.label)
            notes.update(dict.fromkeys(item.notes))
    checksums = np.array([zlib.crc32(one.numpy().data) for one in images], np.uint32)
    return ItemBatch(images, tuple(labels), checksums, tuple(notes))


def read_item(read: ItemReader, index: int, seed: int) -> Item:
    """Reads one item after seeding the global random states; the caller preserves them.

    Raises:
        ArgumentError: if it cannot be read; the message names the item.
    """
    # Mixed with the index, so that the items of a dataset have different seeds.
    seed_random_state(int(np.random.SeedSequence([seed, index]).generate_state(1)[0]))
    try:
        return read(index)
    except ArgumentError:
        raise
    except Exception as error:  # from the user's dataset
        raise ArgumentError(
            f"probe: {describe_item(read.data, index)} cannot be read ({summarize_error(error)}); "
            "repair it, or leave it out of the dataset"
        ) from error


def read_batches(
    read: ItemReader,
    indices: NDArray[Any],
    *,
    size: int,
    num_workers: int,
    seed: int,
    shape: ImageShape,
) -> Iterator[ItemBatch]:
    """Yields all items in order, at most `size` at a time.

    Args:
        read: As for `read_batch`.
        indices: (n,) indices in the dataset.
        size: Number of items in a batch.
        num_workers: Number of processes that read ahead; 0 reads in this process.
        seed: As for `read_batch`.
        shape: As for `read_batch`.

    Raises:
        ArgumentError: as `read_batch`, or if a worker ends.
    """
    batches = [indices[first : first + size] for first in range(0, len(indices), size)]
    if not num_workers or len(batches) < 2:
        for some in batches:
            yield read_batch(read, some, seed, shape)
        return
    loader: DataLoader[Any] = DataLoader(
        _Batches(read, seed, shape),
        batch_size=None,
        sampler=batches,
        collate_fn=_keep,
        num_workers=min(num_workers, len(batches)),
        generator=torch.Generator().manual_seed(seed),  # otherwise it draws from the global one
    )
    for found in _explain_lost_workers(loader):
        if isinstance(found, ArgumentError):
            raise found
        yield found


def describe_item(data: Any, index: int) -> str:
    """Returns "image 17", followed by its file if the dataset has the names of its files.

    These are `names` of `ImageFiles`, or `samples` of torchvision's datasets of folders.
    """
    inner, number = data, index
    while isinstance(inner, Subset):
        number = int(inner.indices[number])
        inner = inner.dataset
    for attribute in ("names", "samples"):
        names = getattr(inner, attribute, None)
        if isinstance(names, (list, tuple)) and number < len(names):
            name = names[number]
            return f"image {index} ({name[0] if isinstance(name, tuple) else name})"
    return f"image {index}"


class _Batches(Dataset[Any]):
    """A dataset of batches, for a DataLoader whose workers read whole batches."""

    def __init__(self, read: ItemReader, seed: int, shape: ImageShape) -> None:
        self._read, self._seed, self._shape = read, seed, shape

    def __getitem__(self, indices: NDArray[Any]) -> ItemBatch | ArgumentError:
        # An exception in a worker would reach the main process as the text of a traceback.
        try:
            return read_batch(self._read, indices, self._seed, self._shape)
        except ArgumentError as error:
            return ArgumentError(str(error))


def _keep(batch: T) -> T:
    return batch


def _explain_lost_workers(loader: DataLoader[Any]) -> Iterator[Any]:
    """Yields from a loader.

    Raises:
        ArgumentError: if its processes cannot be started, or if one of them was killed.
    """
    try:
        batches = iter(loader)
    except Exception as error:  # from user code: where processes are not forked, it is pickled
        raise ArgumentError(
            f"probe: no processes that read images can be started ({summarize_error(error)}); pass "
            "num_workers=0 to read them without other processes"
        ) from error
    while True:
        try:
            found = next(batches, None)
        except RuntimeError as error:
            raise ArgumentError(
                f"probe: a process that reads images has ended ({summarize_error(error)}); pass a "
                "smaller num_workers, or 0 to read them without other processes"
            ) from error
        if found is None:
            return
        yield found
