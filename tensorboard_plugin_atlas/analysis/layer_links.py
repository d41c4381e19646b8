# SPDX-License-Identifier: Apache-2.0
"""Which cells of one layer feed which cells of another, and what becomes one on the way.

Two layers of one network are read against each other through the samples that both hold: the same
spot of the same image. "Sand" and "water" of one layer that become "sandbar" in the next are the
example of Carter et al. (2019), "Activation Atlas", who found it by eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.arguments import check_atlas
from tensorboard_plugin_atlas.analysis.cosine import finite_rows
from tensorboard_plugin_atlas.analysis.sample_matching import match_samples
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Grid, IntArray
from tensorboard_plugin_atlas.errors import ArgumentError

_FEWEST: Final = 3
"""Shared samples below which two cells are not linked."""
_DEVIATIONS: Final = 3.0
"""A link holds more samples than chance, by this many standard deviations."""
_PART: Final = 0.2
"""Share of a cell that a part of a merge has to bring."""
_ALIKE: Final = 0.5
"""Cells of the first layer whose means are closer in angle than this cosine are one thing there."""
_MOST_MERGES: Final = 50


@dataclass(frozen=True, kw_only=True)
class CellMerge:
    """Things that the first layer tells apart and the second takes for one.

    Attributes:
        cell: Index of the cell of `b`.
        parts: Cells of `a` that it is made of, the largest first.
        shares: Share of its samples that each of them brings.
        cosine: Greatest cosine between the mean activations of two parts, relative to the layer's
            mean: how alike the first layer takes them for.
        top_class: Commonest label in the cell, None without labels.
        purity: Share of its samples with that label.
        part_purity: Greatest share of it in any of the parts; below `purity` where the class is
            the cell's own, and of none of its parts.
        score: What it is ranked by: samples brought by the parts other than the first, times how
            far the parts lie apart, times the gain in purity.
    """

    cell: int
    parts: tuple[int, ...]
    shares: tuple[float, ...]
    cosine: float
    top_class: int | None
    purity: float
    part_purity: float
    score: float


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerLinks:
    """E links between cells of two layers, strongest first.

    Attributes:
        size_a: Cells along each axis of the level of `a`.
        size_b: Of the level of `b`.
        samples: Samples that both layers hold.
        cells_a: (E,) int32: index of the cell in the level of `a`.
        cells_b: (E,) int32: index of the cell in the level of `b`.
        shared: (E,) int32: samples in both.
        feeds: (E,) float32: share of the cell of `a` that goes to the cell of `b`.
        fed: (E,) float32: share of the cell of `b` that comes from the cell of `a`.
        lift: (E,) float32: shared samples over what chance would give.
        merges: Things that become one between `a` and `b`, most telling first.
    """

    size_a: int
    size_b: int
    samples: int
    cells_a: IntArray
    cells_b: IntArray
    shared: IntArray
    feeds: FloatArray
    fed: FloatArray
    lift: FloatArray
    merges: tuple[CellMerge, ...] = ()


def link_layers(a: Atlas, b: Atlas, *, size: int | None = None) -> LayerLinks:
    """Links the cells of two layers of one network by the samples that both hold.

    Args:
        a: Atlas of the earlier layer.
        b: Atlas of the later layer, at the same step, of the same probe or one over the same data.
        size: Grid level to read, one that both atlases have; the second coarsest by default.

    Returns:
        Links that hold at least three samples and more than chance, and the merges among them.

    Raises:
        ArgumentError: if one is no Atlas, they share no sample, or a level is not there.

    Examples:
        >>> a, b = (next(read_atlases("runs/a", layer=n)) for n in ("layer3", "layer4"))
        ...                                                                   # doctest: +SKIP
        >>> link_layers(a, b).merges[0].parts                                 # doctest: +SKIP
        (12, 47)
    """
    check_atlas("a", a)
    check_atlas("b", b)
    level_a, level_b = _levels(a, b, size)
    rows_a, rows_b = match_samples(a, b)
    in_a, in_b = level_a.cell_of[rows_a], level_b.cell_of[rows_b]
    both = (in_a >= 0) & (in_b >= 0)
    if not both.any():
        raise ArgumentError(
            f"link_layers(a, b): layers {a.layer!r} and {b.layer!r} share no sample that lies in a "
            "cell of both; pass atlases of one probe, or a coarser size"
        )
    rows_a, rows_b, in_a, in_b = rows_a[both], rows_b[both], in_a[both], in_b[both]
    table = np.zeros((len(level_a.rows), len(level_b.rows)), np.int32)
    np.add.at(table, (in_a, in_b), 1)
    total, of_a, of_b = len(in_a), table.sum(axis=1), table.sum(axis=0)
    chance = np.outer(of_a, of_b) / total
    spread = np.sqrt(np.maximum(chance * (1 - of_b / total), 1e-9))
    held = (table >= _FEWEST) & ((table - chance) / spread >= _DEVIATIONS)
    cells_a, cells_b = np.nonzero(held)
    shared = table[cells_a, cells_b]
    order = np.argsort(-shared, kind="stable")
    cells_a, cells_b, shared = cells_a[order], cells_b[order], shared[order]
    return LayerLinks(
        size_a=level_a.size,
        size_b=level_b.size,
        samples=total,
        cells_a=cells_a.astype(np.int32),
        cells_b=cells_b.astype(np.int32),
        shared=shared.astype(np.int32),
        feeds=(shared / of_a[cells_a]).astype(np.float32),
        fed=(shared / of_b[cells_b]).astype(np.float32),
        lift=(shared / chance[cells_a, cells_b]).astype(np.float32),
        merges=_merges(
            np.where(held, table, 0),
            of_b,
            _directions(a, rows_a, in_a),
            _Mix(b, rows_b, in_b, in_a),
        ),
    )


def _levels(a: Atlas, b: Atlas, size: int | None) -> tuple[Grid, Grid]:
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


def _directions(atlas: Atlas, rows: NDArray[np.intp], cells: IntArray) -> NDArray[np.float64]:
    """Returns (M, C): unit mean activation of each cell relative to the layer's; zero if unused."""
    values = atlas.activations[rows].astype(np.float64)
    finite = finite_rows(values)
    values, cells = values[finite], cells[finite]
    values -= values.mean(axis=0)
    sums = np.zeros((int(cells.max(initial=0)) + 1, values.shape[1]))
    np.add.at(sums, cells, values)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.where(length > 0, length, 1)


class _Mix:
    """Labels of the shared samples, asked for by cell of either layer."""

    def __init__(self, b: Atlas, rows_b: NDArray[np.intp], in_b: IntArray, in_a: IntArray) -> None:
        self._labels = None if b.labels is None else b.labels[rows_b]
        self._in_b, self._in_a = in_b, in_a

    def top(self, cell: int) -> tuple[int | None, float]:
        """Returns the commonest label of a cell of `b`, and its share of the labeled samples."""
        if self._labels is None:
            return None, 0.0
        held = self._labels[(self._in_b == cell) & (self._labels >= 0)]
        if not len(held):
            return None, 0.0
        found, count = np.unique(held, return_counts=True)
        best = int(count.argmax())
        return int(found[best]), float(count[best] / len(held))

    def share(self, label: int | None, part: int) -> float:
        """Returns the share of a label in a cell of `a`."""
        if self._labels is None or label is None:
            return 0.0
        held = self._labels[(self._in_a == part) & (self._labels >= 0)]
        return float((held == label).mean()) if len(held) else 0.0


def _merges(
    table: IntArray, of_b: NDArray[np.intp], means: NDArray[np.float64], mix: _Mix
) -> tuple[CellMerge, ...]:
    found = []
    for cell in range(table.shape[1]):
        brought = table[:, cell]
        parts = [
            int(p)
            for p in np.argsort(-brought, kind="stable")
            if brought[p] >= _PART * of_b[cell] > 0
        ]
        parts = _told_apart(parts, means)
        if len(parts) < 2:
            continue
        cosine = max(float(means[p] @ means[q]) for i, p in enumerate(parts) for q in parts[:i])
        label, purity = mix.top(cell)
        part_purity = max(mix.share(label, part) for part in parts)
        gain = max(purity - part_purity, 0.0) if label is not None else 1.0
        rest = int(brought[parts[1:]].sum())
        found.append(
            CellMerge(
                cell=cell,
                parts=tuple(parts),
                shares=tuple(float(brought[p] / of_b[cell]) for p in parts),
                cosine=cosine,
                top_class=label,
                purity=purity,
                part_purity=part_purity,
                score=rest * (1 - cosine) * gain,
            )
        )
    found.sort(key=lambda one: (-one.score, one.cell))
    return tuple(found[:_MOST_MERGES])


def _told_apart(parts: list[int], means: NDArray[np.float64]) -> list[int]:
    """Keeps of parts that the first layer takes for one thing the one that brings most."""
    kept: list[int] = []
    for part in parts:
        if all(float(means[part] @ means[other]) < _ALIKE for other in kept):
            kept.append(part)
    return kept
