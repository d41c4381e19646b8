# SPDX-License-Identifier: Apache-2.0
"""Images of a probe that are read from the dataset whenever they are needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.probe.item_batches import (
    ItemBatch,
    describe_item,
    read_batch,
    read_batches,
)
from tensorboard_plugin_atlas.compute.probe.item_reader import ItemReader
from tensorboard_plugin_atlas.compute.probe.probe_images import AT_ONCE, ProbeImages, Rows
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr


@short_repr
@dataclass(frozen=True, eq=False)
class StreamedImages(ProbeImages):
    """Images that are read again each time; each must be the same every time.

    Attributes:
        read: Reads an item of the dataset.
        image_ids: (I,) int32: index of each image in the dataset.
        checksums: (I,) uint32: CRC-32 of each image, as in `ItemBatch`.
        image_shape: (C, H, W) of each image.
        num_workers: Number of processes that read images when all are read in order.
        seed: Seed of the dataset's random transforms.
    """

    read: ItemReader
    image_ids: IntArray
    checksums: NDArray[np.uint32]
    image_shape: tuple[int, int, int]
    num_workers: int
    seed: int

    @property
    def shape(self) -> torch.Size:
        """(I, C, H, W)."""
        return torch.Size((len(self.image_ids), *self.image_shape))

    def __getitem__(self, rows: Rows) -> Tensor:
        """Reads images in this process, each of them once.

        Raises:
            ArgumentError: if an image cannot be read, or has changed.
        """
        chosen, which = np.unique(self._as_indices(rows), return_inverse=True)
        batch = read_batch(self.read, self.image_ids[chosen], self.seed, self.image_shape)
        self._check(batch, chosen)
        is_ordered = np.array_equal(which, np.arange(len(chosen)))
        return batch.images if is_ordered else batch.images[torch.from_numpy(which)]

    def select(self, rows: Rows) -> StreamedImages:
        """Returns some of the images; none is read."""
        chosen = self._as_indices(rows)
        return dataclasses.replace(
            self, image_ids=self.image_ids[chosen], checksums=self.checksums[chosen]
        )

    def iterate(self, size: int = AT_ONCE) -> Iterator[Tensor]:
        """Yields all images in order, at most `size` at a time; workers read ahead.

        Raises:
            ArgumentError: if an image cannot be read, or has changed.
        """
        first = 0
        for batch in read_batches(
            self.read,
            self.image_ids,
            size=size,
            num_workers=self.num_workers,
            seed=self.seed,
            shape=self.image_shape,
        ):
            last = first + len(batch)
            self._check(batch, np.arange(first, last))
            yield batch.images
            first = last

    def without_data(self) -> StreamedImages:
        """Returns zero images of the same shape, without the dataset."""
        return dataclasses.replace(self.select(slice(0)), read=ItemReader(None))

    def _as_indices(self, rows: Rows) -> NDArray[np.intp]:
        return np.arange(len(self))[rows if isinstance(rows, slice) else np.asarray(rows)]

    def _check(self, batch: ItemBatch, rows: NDArray[np.intp]) -> None:
        """Checks that images are those of the time when the probe was built.

        Raises:
            ArgumentError: naming the first image that is not.
        """
        changed = np.flatnonzero(batch.checksums != self.checksums[rows])
        if len(changed):
            index = int(self.image_ids[rows[changed[0]]])
            raise ArgumentError(
                f"probe: {describe_item(self.read.data, index)} has changed since the probe was "
                "built; restore it, or start a new log. If the dataset has random transforms that "
                "ignore torch.manual_seed, remove them"
            )
