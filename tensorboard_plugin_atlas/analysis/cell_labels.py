# SPDX-License-Identifier: Apache-2.0
"""Labels and predictions of the samples in each cell."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import check_atlas
from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.errors import ArgumentError


@dataclass(frozen=True)
class Confusion:
    """Samples of one class whose images are predicted as another class.

    Attributes:
        label: Their class, the rarest one if images have several labels.
        prediction: The predicted class.
        count: Number of samples.
    """

    label: int
    prediction: int
    count: int


@dataclass(frozen=True)
class CellLabels:
    """Labels and prediction errors of one cell. Check `support` before using fractions.

    Attributes:
        mix: (class, samples) of each class in the cell, most common first; ties by class index. A
            sample with several labels counts for each.
        predicted: Number of labeled samples with a prediction.
        confusions: Wrong predictions by pairs of classes, most common first. A prediction is wrong
            if it is none of the sample's labels.
        support: Number of samples with a label.
    """

    mix: tuple[tuple[int, int], ...]
    predicted: int
    confusions: tuple[Confusion, ...]
    support: int

    @property
    def purity(self) -> float:
        """Fraction of samples with the most common class; NaN without labeled samples."""
        return self.mix[0][1] / self.support if self.mix else math.nan

    @property
    def entropy(self) -> float:
        """Entropy of the distribution of labels in bits; NaN without labeled samples.

        It is 0 for a single class, 1 for two equally common classes, and 2 for four.
        """
        if not self.mix:
            return math.nan
        total = sum(count for _, count in self.mix)
        shares = [count / total for _, count in self.mix]
        return abs(sum(share * math.log2(share) for share in shares))

    @property
    def accuracy(self) -> float:
        """Fraction of samples with a correct prediction; NaN without predictions."""
        if not self.predicted:
            return math.nan
        return 1 - sum(one.count for one in self.confusions) / self.predicted


def cell_labels(atlas: Atlas, grid: Grid) -> tuple[CellLabels, ...] | None:
    """Returns labels and errors of the M cells of a grid, or None if the probe has no labels.

    Negative labels and predictions mean "unknown", as in torch's `ignore_index`.

    Args:
        atlas: The atlas.
        grid: One of its grids.

    Raises:
        ArgumentError: if `atlas` is not an Atlas or `grid` not a Grid.

    Examples:
        >>> atlas = next(iter(read_atlases("runs")))                   # doctest: +SKIP
        >>> [cell.purity for cell in cell_labels(atlas, atlas.grids[0])]   # doctest: +SKIP
    """
    check_atlas("atlas", atlas)
    _check_grid(grid, atlas)
    labels, predictions = atlas.all_labels, atlas.predictions
    if labels is None:
        return None
    if predictions is None:
        predictions = np.full(len(labels), -1, np.int32)
    rows = (grid.members(cell) for cell in range(len(grid.rows)))
    return tuple(_count_labels(labels[one], predictions[one]) for one in rows)


def _check_grid(grid: object, atlas: Atlas) -> None:
    if isinstance(grid, Grid):
        return
    known = [f"atlas.grids[{index}] of size {one.size}" for index, one in enumerate(atlas.grids)]
    raise ArgumentError(
        f"grid={grid!r:.80}: pass a Grid, one of {', '.join(known) or 'atlas.grids (it has none)'}"
    )


def _count_labels(labels: NDArray[np.int32], predictions: NDArray[np.int32]) -> CellLabels:
    """Counts the labels, (n, L), and the predictions, (n,), of the n samples of a cell."""
    mix = Counter(labels[labels >= 0].tolist())
    labeled = (labels >= 0).any(axis=1)
    both = labeled & (predictions >= 0)
    wrong = both & (labels != predictions[:, None]).all(axis=1)
    pairs = Counter(zip(labels[wrong, 0].tolist(), predictions[wrong].tolist(), strict=True))
    return CellLabels(
        mix=tuple(sorted(mix.items(), key=lambda item: (-item[1], item[0]))),
        predicted=int(both.sum()),
        confusions=tuple(
            Confusion(*pair, count)
            for pair, count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
        ),
        support=int(labeled.sum()),
    )
