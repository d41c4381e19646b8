# SPDX-License-Identifier: Apache-2.0
"""Links between cells of two layers, and cells that merge between them.

Cells of two layers of a network are linked by the samples in both: the same image and position. An
example by Carter et al. (2019, "Activation Atlas"), found by hand, is "sand" and "water" in one
layer, which become "sandbar" in the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import check_atlas
from tensorboard_plugin_atlas.analysis.directions import finite_rows
from tensorboard_plugin_atlas.analysis.sample_matching import match_samples
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Grid, IntArray
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr

_MIN_SHARED: Final = 3
"""Smallest number of shared samples of a link."""
_DEVIATIONS: Final = 3.0
"""Smallest excess of shared samples over chance, in standard deviations."""
_MIN_PART: Final = 0.2
"""Smallest fraction of a cell that comes from a part of a merge."""
_MAX_COSINE: Final = 0.5
"""Cells of the first layer with a larger cosine of their means are not distinct."""
_MAX_MERGES: Final = 50


@dataclass(frozen=True, kw_only=True)
class CellMerge:
    """Distinct cells of the first layer that merge into one cell of the second layer.

    Attributes:
        cell: Index of the cell of `b`.
        parts: Cells of `a` that its samples come from, largest first.
        shares: Fraction of its samples that comes from each part.
        cosine: Largest centered cosine between the mean activations of two parts.
        top_class: Most common label in the cell, None without labels.
        purity: Fraction of its samples with that label.
        part_purity: Largest fraction of that label in any part; below `purity` if the class only
            becomes separate in the cell.
        score: Rank of the merge: samples from parts other than the first, times (1 - `cosine`),
            times the gain in purity.
    """

    cell: int
    parts: tuple[int, ...]
    shares: tuple[float, ...]
    cosine: float
    top_class: int | None
    purity: float
    part_purity: float
    score: float


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class LayerLinks:
    """E links between cells of two layers, strongest first.

    Attributes:
        size_a: Cells along each axis of the grid of `a`.
        size_b: Cells along each axis of the grid of `b`.
        samples: Number of samples in cells of both layers.
        cells_a: (E,) int32: index of the cell in the grid of `a`.
        cells_b: (E,) int32: index of the cell in the grid of `b`.
        shared: (E,) int32: number of samples in both cells.
        share_of_a: (E,) float32: fraction of the cell of `a` that is in the cell of `b`.
        share_of_b: (E,) float32: fraction of the cell of `b` that is in the cell of `a`.
        lift: (E,) float32: shared samples relative to the number expected by chance.
        merges: Merges of cells between `a` and `b`, highest score first.
    """

    size_a: int
    size_b: int
    samples: int
    cells_a: IntArray
    cells_b: IntArray
    shared: IntArray
    share_of_a: FloatArray
    share_of_b: FloatArray
    lift: FloatArray
    merges: tuple[CellMerge, ...] = ()


def link_layers(a: Atlas, b: Atlas, *, size: int | None = None) -> LayerLinks:
    """Links the cells of two layers of a network by their shared samples.

    Args:
        a: Atlas of the earlier layer.
        b: Atlas of the later layer, at the same step, of the same probe or one over the same data.
        size: Size of the grids, which both atlases must have; the second coarsest by default.

    Returns:
        Links with at least three samples and significantly more than by chance, and the merges.

    Raises:
        ArgumentError: if one is not an Atlas, they share no sample, or a grid does not exist.

    Examples:
        >>> a, b = (next(read_atlases("runs/a", layer=n)) for n in ("layer3", "layer4"))
        ...                                                                   # doctest: +SKIP
        >>> link_layers(a, b).merges[0].parts                                 # doctest: +SKIP
        (12, 47)
    """
    check_atlas("a", a)
    check_atlas("b", b)
    grid_a, grid_b = _select_grids(a, b, size)
    rows_a, rows_b = match_samples(a, b)
    in_a, in_b = grid_a.cell_of[rows_a], grid_b.cell_of[rows_b]
    both = (in_a >= 0) & (in_b >= 0)
    if not both.any():
        raise ArgumentError(
            f"link_layers(a, b): layers {a.layer!r} and {b.layer!r} have no sample in cells of "
            "both; pass atlases of one probe, or a coarser size"
        )
    rows_a, rows_b, in_a, in_b = rows_a[both], rows_b[both], in_a[both], in_b[both]
    table = np.zeros((len(grid_a.rows), len(grid_b.rows)), np.int32)
    np.add.at(table, (in_a, in_b), 1)
    total, of_a, of_b = len(in_a), table.sum(axis=1), table.sum(axis=0)
    chance = np.outer(of_a, of_b) / total
    spread = np.sqrt(np.maximum(chance * (1 - of_b / total), 1e-9))
    held = (table >= _MIN_SHARED) & ((table - chance) / spread >= _DEVIATIONS)
    cells_a, cells_b = np.nonzero(held)
    shared = table[cells_a, cells_b]
    order = np.argsort(-shared, kind="stable")
    cells_a, cells_b, shared = cells_a[order], cells_b[order], shared[order]
    return LayerLinks(
        size_a=grid_a.size,
        size_b=grid_b.size,
        samples=total,
        cells_a=cells_a.astype(np.int32),
        cells_b=cells_b.astype(np.int32),
        shared=shared.astype(np.int32),
        share_of_a=(shared / of_a[cells_a]).astype(np.float32),
        share_of_b=(shared / of_b[cells_b]).astype(np.float32),
        lift=(shared / chance[cells_a, cells_b]).astype(np.float32),
        merges=_find_merges(
            np.where(held, table, 0),
            of_b,
            _mean_directions(a, rows_a, in_a),
            _SharedLabels(b, rows_b, in_b, in_a),
        ),
    )


def _select_grids(a: Atlas, b: Atlas, size: int | None) -> tuple[Grid, Grid]:
    ours, theirs = ({grid.size: grid for grid in atlas.grids} for atlas in (a, b))
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        raise ArgumentError(
            f"link_layers(a, b): {a.layer!r} has grids {sorted(ours)}, {b.layer!r} {sorted(theirs)}"
            ", none in common; log both with the same AtlasConfig(grids=...)"
        )
    if size is None:
        size = common[min(1, len(common) - 1)]
    if size not in common:
        raise ArgumentError(f"size={size!r}: pass one of {', '.join(map(str, common))}")
    return ours[size], theirs[size]


def _mean_directions(atlas: Atlas, rows: NDArray[np.intp], cells: IntArray) -> NDArray[np.float64]:
    """Returns (M, C): direction of the centered mean activation of each cell; zero if unused."""
    values = atlas.activations[rows].astype(np.float64)
    finite = finite_rows(values)
    values, cells = values[finite], cells[finite]
    values -= values.mean(axis=0)
    sums = np.zeros((int(cells.max(initial=0)) + 1, values.shape[1]))
    np.add.at(sums, cells, values)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.where(length > 0, length, 1)


class _SharedLabels:
    """Labels of the shared samples by cell of either layer."""

    def __init__(self, b: Atlas, rows_b: NDArray[np.intp], in_b: IntArray, in_a: IntArray) -> None:
        labels = b.all_labels
        self._labels = None if labels is None else labels[rows_b]
        self._in_b, self._in_a = in_b, in_a

    def top(self, cell: int) -> tuple[int | None, float]:
        """Returns the most common label of a cell of `b`, and its fraction of labeled samples."""
        if self._labels is None:
            return None, 0.0
        held = _select_labeled(self._labels, self._in_b == cell)
        if not len(held):
            return None, 0.0
        found, count = np.unique(held[held >= 0], return_counts=True)
        best = int(count.argmax())
        return int(found[best]), float(count[best] / len(held))

    def share(self, label: int | None, part: int) -> float:
        """Returns the fraction of labeled samples of a cell of `a` with a label."""
        if self._labels is None or label is None:
            return 0.0
        held = _select_labeled(self._labels, self._in_a == part)
        return float((held == label).any(axis=1).mean()) if len(held) else 0.0


def _select_labeled(labels: IntArray, rows: NDArray[np.bool_]) -> IntArray:
    """Returns the labels of some samples, (n, L), of those with any."""
    return labels[rows & (labels >= 0).any(axis=1)]


def _find_merges(
    table: IntArray, of_b: NDArray[np.intp], means: NDArray[np.float64], labels: _SharedLabels
) -> tuple[CellMerge, ...]:
    found = []
    for cell in range(table.shape[1]):
        shared = table[:, cell]
        parts = [
            int(p)
            for p in np.argsort(-shared, kind="stable")
            if shared[p] >= _MIN_PART * of_b[cell] > 0
        ]
        parts = _keep_distinct(parts, means)
        if len(parts) < 2:
            continue
        cosine = max(float(means[p] @ means[q]) for i, p in enumerate(parts) for q in parts[:i])
        label, purity = labels.top(cell)
        part_purity = max(labels.share(label, part) for part in parts)
        gain = max(purity - part_purity, 0.0) if label is not None else 1.0
        rest = int(shared[parts[1:]].sum())
        found.append(
            CellMerge(
                cell=cell,
                parts=tuple(parts),
                shares=tuple(float(shared[p] / of_b[cell]) for p in parts),
                cosine=cosine,
                top_class=label,
                purity=purity,
                part_purity=part_purity,
                score=rest * (1 - cosine) * gain,
            )
        )
    found.sort(key=lambda one: (-one.score, one.cell))
    return tuple(found[:_MAX_MERGES])


def _keep_distinct(parts: list[int], means: NDArray[np.float64]) -> list[int]:
    """Keeps parts with distinct mean activations, the largest first."""
    kept: list[int] = []
    for part in parts:
        if all(float(means[part] @ means[other]) < _MAX_COSINE for other in kept):
            kept.append(part)
    return kept
