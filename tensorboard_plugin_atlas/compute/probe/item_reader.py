# SPDX-License-Identifier: Apache-2.0
"""Reads single items of map-style datasets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cloudpickle
from torch.utils.data import DataLoader, default_collate, default_convert

from tensorboard_plugin_atlas.compute.probe.item_parser import Entry, Item, make_item, split_entry


@dataclass(frozen=True, eq=False)
class ItemReader:
    """Reads one item of a map-style dataset.

    Attributes:
        data: The dataset.
        collate: The collate_fn of its DataLoader, or None for one that only stacks items.
    """

    data: Any
    collate: Callable[[list[Any]], Any] | None = None

    def __call__(self, index: int) -> Item:
        """Returns the item at an index of the dataset.

        Raises:
            ArgumentError: if it holds no image.
        """
        if self.collate is None:
            return make_item(split_entry(self.data[index]), index)
        (entry,) = split_batch(split_entry(self.collate([self.data[index]])), 1)
        return make_item(entry, index)

    def __reduce__(self) -> tuple[Any, ...]:
        # By value where needed, since the class of the dataset may be defined in a script.
        return _unpickle, (cloudpickle.dumps((self.data, self.collate)),)


def _unpickle(data: bytes) -> ItemReader:
    """Returns a reader; `data` must come from a trusted process."""
    return ItemReader(*cloudpickle.loads(data))


def make_reader(source: object, data: Any) -> ItemReader:
    """Returns the reader of a dataset, with the collate_fn if `source` is its DataLoader."""
    collate = source.collate_fn if isinstance(source, DataLoader) else default_collate
    is_default = collate in (default_collate, default_convert)
    return ItemReader(data, None if is_default else collate)


def split_batch(batch: Entry, count: int) -> Iterator[Entry]:
    """Yields the first `count` items of a batch."""
    labels = itertools.repeat(None) if batch.label is None else batch.label
    for image, label in zip(batch.image[:count], labels, strict=False):
        yield Entry(image, label, batch.notes)
