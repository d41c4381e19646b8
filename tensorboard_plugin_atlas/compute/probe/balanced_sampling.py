# SPDX-License-Identifier: Apache-2.0
"""Class-balanced sampling, from known labels or from a stream of items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

_LABEL_ATTRIBUTES: Final = ("targets", "labels", "_labels", "y")


def choose_evenly(labels: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Chooses `count` indices with an equal number per class, as far as possible.

    If a class is too small, the other classes get its share. Numbers per class differ by at most
    one, except for exhausted classes.

    Args:
        labels: (L,) class of each item, L at least 1.
        count: Number of indices; all indices are returned if there are fewer.
        rng: Random generator of the choice.

    Returns:
        Indices, ascending.
    """
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(sizes[order], kind="stable")]
    left, chosen = min(count, len(codes)), []
    for rank, code in enumerate(order):
        share = min(int(sizes[code]), left // (len(order) - rank))
        chosen.append(rng.choice(np.flatnonzero(codes == code), share, replace=False))
        left -= share
    return np.sort(np.concatenate(chosen))


@dataclass
class BalancedReservoir(Generic[T]):
    """Keeps a class-balanced random subset of a stream of items.

    Within a class, all items have the same probability: those with the smallest random keys stay.
    If the reservoir is full, an item of the largest class is removed.

    Attributes:
        capacity: Largest number of items.
        rng: Random generator of the keys.
    """

    capacity: int
    rng: np.random.Generator
    _by_class: dict[int, list[tuple[float, int, T]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _size: int = 0

    def add(self, index: int, label: int, item: T) -> None:
        """Adds an item; `index` is its index in the source."""
        self._by_class[label].append((float(self.rng.random()), index, item))
        self._size += 1
        if self._size > self.capacity:
            largest = max(self._by_class.values(), key=len)
            largest.pop(max(range(len(largest)), key=lambda position: largest[position][0]))
            self._size -= 1

    def items(self) -> list[tuple[int, T]]:
        """Returns the kept items as (index, item), in the order of the source."""
        kept = [(index, item) for entries in self._by_class.values() for _, index, item in entries]
        return sorted(kept, key=lambda entry: entry[0])


def find_labels(data: object) -> NDArray[np.int64] | None:
    """Returns the labels of a dataset without reading images, (L,) int64, or None.

    Looks for `targets` or `labels`, also in `Subset`, `ConcatDataset`, `TensorDataset` and wrappers
    with an inner `dataset`. A `target_transform` is not applied: the labels are only used to group
    items.
    """
    try:
        length = len(data)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None
    for candidate in _candidates(data):
        labels = _as_labels(candidate, length)
        if labels is not None:
            return labels
    return None


def _candidates(data: object) -> Iterator[object]:
    for name in _LABEL_ATTRIBUTES:
        yield getattr(data, name, None)
    tensors = getattr(data, "tensors", None)
    if isinstance(tensors, (list, tuple)) and len(tensors) > 1:
        yield tensors[1]
    parts = getattr(data, "datasets", None)
    if isinstance(parts, (list, tuple)) and parts:
        found = [find_labels(part) for part in parts]
        known = [labels for labels in found if labels is not None]
        yield np.concatenate(known) if len(known) == len(found) else None
    inner = getattr(data, "dataset", None)
    if inner is not None and inner is not data:
        labels, indices = find_labels(inner), getattr(data, "indices", None)
        yield labels if labels is None or indices is None else labels[np.asarray(indices)]


def _as_labels(value: object, length: int) -> NDArray[np.int64] | None:
    if value is None or callable(value):
        return None
    try:
        labels = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    if labels.shape != (length,) or labels.dtype.kind not in "iub":
        return None
    return labels.astype(np.int64)
