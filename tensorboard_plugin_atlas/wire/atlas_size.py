# SPDX-License-Identifier: Apache-2.0
"""The largest size of an atlas in the log, from its dimensions alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tensorboard_plugin_atlas.sample_subset import is_many
from tensorboard_plugin_atlas.wire import activation_quantization, attribution_quantization
from tensorboard_plugin_atlas.wire.array_types import GRID_ARRAYS, MAP_ARRAYS, array_specs
from tensorboard_plugin_atlas.wire.compact_samples import TABLE_ROWS, TABLES
from tensorboard_plugin_atlas.wire.limits import (
    MAX_ACTIVATIONS,
    MAX_ARRAY_HEADER_BYTES,
    MAX_SEQUENCE_BYTES,
)
from tensorboard_plugin_atlas.wire.tensors import count_bit_bytes, count_bytes

_PLACE_BYTES: Final = 24
"""Position and box."""
_COMPACT_BYTES: Final = 22
"""Of one sample in the compact form, without its position and box: 4 for coordinates and for the
image id; 2 each for label, prediction, overlap, concept, noise floor, confidence and loss."""


@dataclass(frozen=True, kw_only=True)
class AtlasDimensions:
    """What the size of an atlas in the log depends on.

    Attributes:
        samples: N.
        channels: C.
        classes: K of the attribution, 0 without attribution.
        grids: Sizes of the grids.
        min_count: Smallest number of samples of a cell.
        count_icon_bytes: Returns the expected bytes of the icons of a number of cells.
        positions: Number of positions on the feature map.
    """

    samples: int
    channels: int
    classes: int
    grids: tuple[int, ...]
    min_count: int
    count_icon_bytes: Callable[[int], int]
    positions: int = TABLE_ROWS

    @property
    def cells(self) -> int:
        """Largest number of cells of all grids."""
        return sum(min(size * size, self.samples // self.min_count) for size in self.grids)

    def count_bytes(self) -> int:
        """Returns the largest number of bytes, of which those of icons are expected ones."""
        per_cell = count_bytes(array_specs(GRID_ARRAYS, {"M": self.cells}))
        return (
            self._count_sample_bytes()
            + per_cell
            + activation_quantization.count_largest_bytes(self.samples, self.channels)
            + self._count_attribution_bytes()
            + self.count_icon_bytes(self.cells)
            + 2 * MAX_ARRAY_HEADER_BYTES
        )

    def _count_sample_bytes(self) -> int:
        """Returns the bytes of the arrays of the map that have an entry for each sample."""
        if not is_many(self.samples):
            per_sample = count_bytes(array_specs(MAP_ARRAYS, {"N": self.samples}))
            per_grid = count_bytes(array_specs(GRID_ARRAYS, {"N": self.samples}))
            return per_sample + len(self.grids) * per_grid
        has_table = self.positions <= TABLE_ROWS
        place, table = (2, _PLACE_BYTES * self.positions) if has_table else (_PLACE_BYTES, 0)
        bits = 2 * count_bit_bytes(self.samples)
        return self.samples * (_COMPACT_BYTES + place) + bits + table + 4 * len(TABLES) * TABLE_ROWS

    def _count_attribution_bytes(self) -> int:
        size = attribution_quantization.count_largest_bytes(self.cells, self.classes)
        return min(size, attribution_quantization.MANY_BYTES) if is_many(self.samples) else size

    def find_obstacle(self) -> str | None:
        """Returns why such an atlas does not fit in the log, or None if it does."""
        if self.samples * self.channels > MAX_ACTIVATIONS:
            return (
                f"has {self.channels:,} channels, and an atlas holds at most {MAX_ACTIVATIONS:,} "
                "activations (samples x channels)"
            )
        size = self.count_bytes()
        if size > MAX_SEQUENCE_BYTES:
            return (
                f"would take up to {size / 1e6:,.1f} MB, and an atlas in the log has at most "
                f"{MAX_SEQUENCE_BYTES / 1e6:,.1f} MB"
            )
        return None

    def find_largest_samples(self) -> int:
        """Returns the largest number of samples that fits, 0 if none does."""
        low, high = 0, self.samples
        while low < high:
            middle = (low + high + 1) // 2
            if dataclasses.replace(self, samples=middle).find_obstacle() is None:
                low = middle
            else:
                high = middle - 1
        return low
