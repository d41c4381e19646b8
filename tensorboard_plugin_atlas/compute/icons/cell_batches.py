# SPDX-License-Identifier: Apache-2.0
"""Batches of cells whose icons are optimized together, as many as fit a time limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit

Batch: TypeAlias = tuple[NDArray[np.intp], NDArray[np.uint8] | None]
"""Cells, and images of them to start from."""


@dataclass(eq=False)
class CellBatches:
    """Cells to optimize. Iteration removes each batch after the caller has processed it.

    Attributes:
        batches: The batches; the last batches before the limit are smaller.
        limit: The time limit.
    """

    batches: list[Batch]
    limit: TimeLimit

    def __iter__(self) -> Iterator[Batch]:
        """Yields batches until none is left or no further cell fits the time limit."""
        while self.batches:
            cells, start = self.batches[0]
            count = self.limit.choose_count(len(cells))
            if not count:
                return
            began = self.limit.clock()
            yield cells[:count], None if start is None else start[:count]
            self.limit.add_batch(count, self.limit.clock() - began)
            rest = cells[count:], None if start is None else start[count:]
            self.batches[:1] = [rest] if len(rest[0]) else []

    def get_cells_left(self) -> NDArray[np.intp]:
        """Returns the cells that were not processed."""
        return np.concatenate([np.empty(0, np.intp), *(cells for cells, _ in self.batches)])


def split(cells: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    """Yields `size` cells after the other; the last ones may be fewer."""
    return (cells[first : first + size] for first in range(0, len(cells), size))
