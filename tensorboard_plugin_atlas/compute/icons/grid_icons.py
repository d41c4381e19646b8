# SPDX-License-Identifier: Apache-2.0
"""The icons of a grid while they are rendered, by one rank or by several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES, FloatArray
from tensorboard_plugin_atlas.compute.icons.cell_batches import Batch
from tensorboard_plugin_atlas.compute.icons.targets import Targets


@dataclass(frozen=True, eq=False)
class UnfinishedIcons:
    """Optimized images before post-processing, to start those of a later atlas from.

    Attributes:
        images: (M, channels, h, w) uint8.
        is_known: (M,): whether the cell has such an image.
    """

    images: NDArray[np.uint8]
    is_known: NDArray[np.bool_]

    def select(self, cells: NDArray[Any]) -> UnfinishedIcons:
        """Returns the images of some cells by index; -1 selects none."""
        if not len(self.is_known):
            empty = np.zeros((len(cells), *self.images.shape[1:]), np.uint8)
            return UnfinishedIcons(empty, cells < -1)
        is_known = (cells >= 0) & self.is_known[cells]
        return UnfinishedIcons(self.images[cells], is_known)


@dataclass(eq=False)
class GridIcons:
    """The icons of M cells while they are rendered.

    Attributes:
        targets: The cells.
        side: Side of an icon in pixels.
        unfinished: As of `Icons`.
        images: As of `Icons`.
        kinds: As of `Icons`.
        cosine: As of `Icons`.
        has_no_direction: (M,): cells that cannot be optimized.
        is_planned: Whether it is known which cells to optimize; else all keep the real patch.
        batches: The cells to optimize.
        batch_of: (M,) index of the batch of each cell.
        is_done: (M,): whether the cell was optimized.
        failed_batch: Index of the first batch that could not be optimized, or None.
        failure: Why not all batches could be optimized, or empty.
    """

    targets: Targets
    side: int
    unfinished: UnfinishedIcons | None
    images: NDArray[np.uint8] = field(init=False)
    kinds: NDArray[np.str_] = field(init=False)
    cosine: FloatArray = field(init=False)
    has_no_direction: NDArray[np.bool_] = field(init=False)
    is_planned: bool = False
    batches: list[Batch] = field(init=False, default_factory=list)
    batch_of: NDArray[np.intp] = field(init=False)
    is_done: NDArray[np.bool_] = field(init=False)
    failed_batch: int | None = None
    failure: str = ""

    def __post_init__(self) -> None:
        count, longest = len(self.targets), max(map(len, ICON_KIND_CODES))
        self.images = np.zeros((count, self.side, self.side, 3), np.uint8)
        self.kinds = np.full(count, "examples", f"<U{longest}")
        self.cosine = np.full(count, np.nan, np.float32)
        self.has_no_direction = self.targets.find_cells_without_direction()
        self.batch_of = np.zeros(count, np.intp)
        self.is_done = np.zeros(count, np.bool_)

    def set_batches(self, batches: list[Batch]) -> None:
        """Sets the cells to optimize."""
        self.is_planned, self.batches = True, batches
        for index, (cells, _) in enumerate(batches):
            self.batch_of[cells] = index

    def find_real(self) -> NDArray[np.intp]:
        """Returns the cells that keep the real patch, in the order in which they are stored."""
        if not self.is_planned:
            return np.arange(len(self.targets))
        planned = np.concatenate([np.empty(0, np.intp), *(cells for cells, _ in self.batches)])
        is_done = self.is_done[planned]
        dead = planned[is_done & self._find_dead()[planned]]
        return np.concatenate([np.flatnonzero(self.has_no_direction), dead, planned[~is_done]])

    def _find_dead(self) -> NDArray[np.bool_]:
        """Returns which cells were optimized without a gradient, (M,)."""
        return self.is_done if self.unfinished is None else self.is_done & ~self.unfinished.is_known

    def describe(self) -> tuple[str, ...]:
        """Returns notes on the cells that were to be optimized, and keep the real patch."""
        notes = []
        if self.is_planned:
            why = {_NO_DIRECTION: self.has_no_direction, _NO_GRADIENT: self._find_dead()}
            notes = [
                _describe_real_patches(int(cells.sum()), len(cells), reason)
                for reason, cells in why.items()
                if cells.any()
            ]
        return (*notes, self.failure) if self.failure else tuple(notes)

    def get_part(self, cells: NDArray[Any], *, with_unfinished: bool = True) -> GridPart:
        """Returns the icons of some cells, by index or as a mask."""
        known = self.unfinished if with_unfinished else None
        return GridPart(
            cells=np.arange(len(self.targets))[cells],
            images=self.images[cells],
            cosine=self.cosine[cells],
            unfinished=None
            if known is None
            else UnfinishedIcons(known.images[cells], known.is_known[cells]),
            failed_batch=self.failed_batch,
            failure=self.failure,
        )

    def insert(self, part: GridPart, kind: str) -> None:
        """Stores icons that any rank has rendered."""
        self.images[part.cells] = part.images
        self.cosine[part.cells] = part.cosine
        self.kinds[part.cells] = kind
        if part.unfinished is not None and self.unfinished is not None:
            self.unfinished.images[part.cells] = part.unfinished.images
            self.unfinished.is_known[part.cells] = part.unfinished.is_known
            self.is_done[part.cells] = True
        if part.failed_batch is not None and (
            self.failed_batch is None or part.failed_batch < self.failed_batch
        ):
            self.failed_batch, self.failure = part.failed_batch, part.failure

    def discard_after_failure(self) -> None:
        """Discards what a process alone would not have rendered: all after the first failure."""
        if self.failed_batch is None or self.unfinished is None:
            return
        cells = np.flatnonzero(self.is_done & (self.batch_of >= self.failed_batch))
        self.is_done[cells] = self.unfinished.is_known[cells] = False
        self.unfinished.images[cells] = 0


@dataclass(frozen=True, eq=False)
class GridPart:
    """The icons of some cells of a grid, as one rank has rendered them.

    Attributes:
        cells: (m,) indices of the cells.
        images: As of `Icons`, (m, S, S, 3).
        cosine: As of `Icons`, (m,).
        unfinished: As of `Icons`; None for real patches.
        failed_batch: As of `GridIcons`.
        failure: As of `GridIcons`.
    """

    cells: NDArray[np.intp]
    images: NDArray[np.uint8]
    cosine: FloatArray
    unfinished: UnfinishedIcons | None
    failed_batch: int | None
    failure: str


_NO_DIRECTION = "their mean equals the layer's mean, or is not finite"
_NO_GRADIENT = "the layer has no gradient for their images (dead units, or values not finite)"


def _describe_real_patches(count: int, total: int, why: str) -> str:
    return f"icons: {count} of {total} cells keep the nearest real patch: {why}"
