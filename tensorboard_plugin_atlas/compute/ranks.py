# SPDX-License-Identifier: Apache-2.0
"""Ranks: processes that compute one atlas together.

All ranks make the same calls in the same order. Each computes a part of the batches, and gets the
results of the others. What depends on a clock is decided by rank 0 for all. So the results do not
depend on the number of ranks. `process_group` connects the processes; this module needs no torch.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import numpy as np

from tensorboard_plugin_atlas.errors import ArgumentError

T = TypeVar("T")
R = TypeVar("R")


class Exchange(Protocol):
    """Exchanges the results of the ranks."""

    def run(self, compute: Callable[[], Any] | None) -> list[Any]:
        """Returns the results of all ranks, None for a rank without a function."""

    def fail_together(self) -> contextlib.AbstractContextManager[None]:
        """If the block fails on one rank, it fails on all ranks."""


@dataclass(frozen=True, eq=False)
class Ranks:
    """The processes that compute an atlas together; by default only this one.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
    """

    rank: int = 0
    size: int = 1
    _exchange: Exchange | None = None

    def gather(self, compute: Callable[[], T]) -> list[T]:
        """Returns the results of a function on all ranks, in the order of the ranks.

        Args:
            compute: Computes the part of this rank. Arrays in it are sent without a copy.

        Raises:
            AtlasError: if it failed on a rank: on all ranks the same error, of the lowest rank that
                failed. An error that is not of this package becomes a RankError.
            RankError: if a rank has ended.
        """
        if self._exchange is None:
            return [compute()]
        return self._exchange.run(compute)

    def decide(self, compute: Callable[[], T]) -> T:
        """Returns the result of a function on rank 0, which is not called on the others.

        Raises:
            AtlasError: as `gather`.
        """
        if self._exchange is None:
            return compute()
        result: T = self._exchange.run(compute if self.rank == 0 else None)[0]
        return result

    def compute_all(self, compute: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Returns the results of a function for all items, in order; each rank computes some.

        Args:
            compute: The function.
            items: The same on all ranks. Successive items go to different ranks.

        Raises:
            AtlasError: as `gather`.
        """
        if self._exchange is None:
            return [compute(item) for item in items]
        parts = self.gather(lambda: [compute(item) for item in items[self.rank :: self.size]])
        return [parts[index % self.size][index // self.size] for index in range(len(items))]

    def choose_part(self, count: int) -> range:
        """Returns which of `count` successive items are those of this rank; maybe none."""
        first, last = (count * rank // self.size for rank in (self.rank, self.rank + 1))
        return range(first, last)

    def gather_rows(self, compute: Callable[[range], Sequence[Any]], count: int) -> list[Any]:
        """Returns arrays of `count` rows, of which each rank computes successive ones.

        Args:
            compute: Returns some rows of each array.
            count: Number of rows.

        Raises:
            AtlasError: as `gather`.
        """
        own = self.choose_part(count)
        if self._exchange is None:
            return [*compute(own)]
        parts = self.gather(lambda: compute(own))
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def check_equal(self, **values: object) -> None:
        """Checks that values are equal on all ranks.

        Args:
            values: By the name of the argument from which they come.

        Raises:
            ArgumentError: naming the argument and a rank whose value differs from that of rank 0.
        """
        different = self.find_difference(values)
        if different is not None:
            name, rank = different
            raise ArgumentError(
                f"{name}: rank {rank} has another one than rank 0; pass the same on all ranks"
            )

    def find_difference(self, values: Mapping[str, object]) -> tuple[str, int] | None:
        """Returns the first name whose value differs from that of rank 0, and a rank; or None.

        Args:
            values: By name. A rank may have other names.

        Raises:
            AtlasError: as `gather`.
        """
        found = self.gather(lambda: values)
        for rank, own in enumerate(found):
            for name in itertools.chain(found[0], own):
                if own.get(name) != found[0].get(name):
                    return name, rank
        return None

    def is_own(self, index: int) -> bool:
        """Returns whether this rank computes the item with this index, as in `compute_all`."""
        return index % self.size == self.rank

    @contextlib.contextmanager
    def fail_together(self) -> Iterator[None]:
        """If the block fails on one rank, it fails on all ranks.

        Raises:
            AtlasError: as `gather`.
        """
        if self._exchange is None:
            yield
            return
        with self._exchange.fail_together():
            yield


ALONE: Final = Ranks()
"""This process alone."""
