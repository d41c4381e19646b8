# SPDX-License-Identifier: Apache-2.0
"""What the samples of each cell are of, and what the network takes them for."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.arguments import check_atlas
from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.errors import ArgumentError


@dataclass(frozen=True)
class Confusion:
    """Samples of one class whose images the network takes for another.

    Attributes:
        label: The class that they are of.
        prediction: The class that they are taken for.
        count: How many.
    """

    label: int
    prediction: int
    count: int


@dataclass(frozen=True)
class CellLabels:
    """Labels and errors of one cell. Shares of a few samples are no news: see `support`.

    Attributes:
        mix: (class, samples) of each class in the cell, the commonest first, of equals the lower.
        predicted: Labeled samples whose image the network took for some class.
        confusions: Those of them that it took for another, by pairs, the commonest first.
    """

    mix: tuple[tuple[int, int], ...]
    predicted: int
    confusions: tuple[Confusion, ...]

    @property
    def support(self) -> int:
        """Samples with a label."""
        return sum(count for _, count in self.mix)

    @property
    def purity(self) -> float:
        """Share of the commonest class; NaN without labeled samples."""
        return self.mix[0][1] / self.support if self.mix else math.nan

    @property
    def entropy(self) -> float:
        """Entropy of the class mix in bits: 0 where it is one class; NaN without labeled samples.

        Two classes that are equally common have 1 bit, four have 2.
        """
        if not self.mix:
            return math.nan
        shares = [count / self.support for _, count in self.mix]
        return abs(sum(share * math.log2(share) for share in shares))

    @property
    def accuracy(self) -> float:
        """Share of samples whose image is taken for what it is; NaN where that is not known."""
        if not self.predicted:
            return math.nan
        return 1 - sum(one.count for one in self.confusions) / self.predicted


def cell_labels(atlas: Atlas, grid: Grid) -> tuple[CellLabels, ...] | None:
    """Returns labels and errors of the M cells of a grid, or None where the probe has no labels.

    Negative labels and predictions mean "unknown", as in torch's `ignore_index`.

    Args:
        atlas: The atlas.
        grid: One of its grids.

    Raises:
        ArgumentError: if `atlas` is no Atlas or `grid` no Grid.

    Examples:
        >>> atlas = next(iter(read_atlases("runs")))                   # doctest: +SKIP
        >>> [cell.purity for cell in cell_labels(atlas, atlas.grids[0])]   # doctest: +SKIP
    """
    check_atlas("atlas", atlas)
    _check_grid(grid, atlas)
    labels, predictions = atlas.labels, atlas.predictions
    if labels is None:
        return None
    if predictions is None:
        predictions = np.full_like(labels, -1)
    rows = (grid.members(cell) for cell in range(len(grid.rows)))
    return tuple(_described(labels[one], predictions[one]) for one in rows)


def _check_grid(grid: object, atlas: Atlas) -> None:
    if isinstance(grid, Grid):
        return
    # Elsewhere a level goes by its size, so that may be what was given.
    known = [f"atlas.grids[{place}] of size {one.size}" for place, one in enumerate(atlas.grids)]
    raise ArgumentError(
        f"grid={grid!r:.80}: pass a Grid, one of {', '.join(known) or 'atlas.grids (it has none)'}"
    )


def _described(labels: NDArray[np.int32], predictions: NDArray[np.int32]) -> CellLabels:
    mix = Counter(labels[labels >= 0].tolist())
    both = (labels >= 0) & (predictions >= 0)
    wrong = both & (labels != predictions)
    pairs = Counter(zip(labels[wrong].tolist(), predictions[wrong].tolist(), strict=True))
    return CellLabels(
        mix=tuple(sorted(mix.items(), key=lambda item: (-item[1], item[0]))),
        predicted=int(both.sum()),
        confusions=tuple(
            Confusion(*pair, count)
            for pair, count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
        ),
    )
