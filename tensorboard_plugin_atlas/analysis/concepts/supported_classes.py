# SPDX-License-Identifier: Apache-2.0
"""Classes that a concept supports, from the attribution of the cells of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import Atlas, IntArray

MIN_SUPPORT: Final = 0.5
"""Smallest attribution of a concept, in standard deviations over the cells, that names it."""
_MAX_CLASSES: Final = 3


@dataclass(frozen=True, eq=False)
class SupportedClasses:
    """Attribution of the cells of the finest grid that has it.

    Attributes:
        attribution: (M, K) in standard deviations of each class over the cells, 0 where unknown.
        cell_of: (N,) cell of each sample, or -1.
    """

    attribution: NDArray[np.float64]
    cell_of: IntArray

    @classmethod
    def from_atlas(cls, atlas: Atlas) -> SupportedClasses:
        """Returns the attribution of an atlas; no class is supported in one without attribution."""
        for grid in reversed(atlas.grids):
            if grid.attribution is not None and len(grid.counts):
                values = np.asarray(grid.attribution, np.float64)
                weights = grid.counts[:, None] * np.isfinite(values)
                total = np.maximum(weights.sum(axis=0), 1)
                values = np.where(np.isfinite(values), values, 0)
                values = values - (weights * values).sum(axis=0) / total
                deviation = np.sqrt((weights * values**2).sum(axis=0) / total)
                known = (weights > 0) & (deviation > 0)
                return cls(np.where(known, values / np.maximum(deviation, 1e-30), 0), grid.cell_of)
        return cls(np.empty((0, 0)), np.full(len(atlas.samples), -1, np.int32))

    def list_classes(self, rows: NDArray[np.bool_]) -> list[int]:
        """Returns up to three classes that samples support most, strongest first.

        Args:
            rows: (N,) bool: the samples.
        """
        cells = self.cell_of[rows]
        cells = cells[cells >= 0]
        if not len(cells):
            return []
        mean = self.attribution[cells].mean(axis=0)
        order = np.argsort(-mean, kind="stable")[:_MAX_CLASSES]
        return [int(index) for index in order if mean[index] >= MIN_SUPPORT]
