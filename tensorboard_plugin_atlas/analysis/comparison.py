# SPDX-License-Identifier: Apache-2.0
"""Comparison of two atlases: displacement, change of neighbors, and matched cells.

Any two atlases of the same probe can be compared: of two steps, runs, layers or architectures. Only
shared samples are compared; the result contains their rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import check_atlas
from tensorboard_plugin_atlas.analysis.cka import cka
from tensorboard_plugin_atlas.analysis.class_series import class_atlas_of
from tensorboard_plugin_atlas.analysis.concept_matches import ConceptDiff, match_concepts
from tensorboard_plugin_atlas.analysis.directions import finite_rows, nearest_neighbors, unit_rows
from tensorboard_plugin_atlas.analysis.partition_matches import match_partitions
from tensorboard_plugin_atlas.analysis.printable_text import shorten
from tensorboard_plugin_atlas.analysis.sample_matching import (
    MAX_LABEL_DISAGREEMENT,
    UNCHECKED_IDS,
    is_same_probe,
    label_disagreement,
    match_samples,
)
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Grid, IntArray
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.export.notebook import NotebookView

NEIGHBORS: Final = 15
"""Number of nearest neighbors that are compared."""

_RENDER_SETTINGS: Final = frozenset(
    {
        "attribution_samples",
        "icons",
        "icon_size",
        "icon_steps",
        "icon_seconds",
        "draft_seconds",
        "batch_size",
    }
)
"""Settings that change icons, precision, or computation, but not what is compared."""

_MIN_JACCARD: Final = 0.1
"""Smallest Jaccard index of matched cells."""
_MAX_SHOWN: Final = 60


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class GridDiff:
    """Comparison of one grid of both atlases; P cells are matched by shared samples.

    Attributes:
        size: Cells along each axis, S.
        cells_a: (P,) int32: index of each matched cell in the grid of `a`, best match first.
        cells_b: (P,) int32: index of the matched cell in the grid of `b`.
        jaccard: (P,) float32: samples in both cells over samples in either.
        only_a: int32: cells of `a` without a match.
        only_b: int32: cells of `b` without a match.
        density: (S, S) float32, row by column: fraction of the samples of `b` in a cell minus that
            of `a`; the sum is 0.
        mean_cosine: (P,) float32: centered cosine of the mean activations of both cells; None if
            layers or numbers of channels differ.
        attribution_rank: (P,) int32: rank in `b` of the class with the largest attribution in the
            cell of `a`; 0 if it is the same class, -1 if unknown. None without attribution to the
            same classes.
    """

    size: int
    cells_a: IntArray
    cells_b: IntArray
    jaccard: FloatArray
    only_a: IntArray
    only_b: IntArray
    density: FloatArray
    mean_cosine: FloatArray | None = None
    attribution_rank: IntArray | None = None


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class AtlasDiff:
    """Differences between two atlases, over the R shared samples with finite activations.

    Attributes:
        rows_a: (R,) rows of these samples in `a`.
        rows_b: (R,) rows of the same samples in `b`.
        displacement: (R,) float32: distance between both map coordinates, in map units.
        change: (R,) float32 from 0 to 1: fraction of the 15 nearest neighbors by cosine, among
            these samples, that differ.
        noise_floor: (R,) float32: displacement to expect from layout noise, in map units, from `b`,
            or from `a` if `b` has none; None without either, and between layers.
        moved: (R,) bool: displacement above the noise floor; None without one.
        cka: Similarity of both representations: linear CKA (Kornblith et al. 2019) without bias
            (Song et al. 2012); 1 for equal up to rotation and scale, about 0 for unrelated ones.
            None for fewer than four samples or without variance.
        grids: Comparisons of the grids that both have, coarsest first.
        concepts: Concepts that both share, and those that only one has; None if one has none.
        notes: How samples were matched, and what cannot be compared.
        atlases: The two atlases, or None.
    """

    rows_a: NDArray[np.intp]
    rows_b: NDArray[np.intp]
    displacement: FloatArray
    change: FloatArray
    noise_floor: FloatArray | None
    moved: NDArray[np.bool_] | None
    cka: float | None
    grids: tuple[GridDiff, ...]
    concepts: ConceptDiff | None = None
    notes: tuple[str, ...] = ()
    atlases: tuple[Atlas, Atlas] | None = None

    def show(self, *, height: int = 700) -> NotebookView:
        """Shows the difference in a notebook, on the map of the second atlas.

        Args:
            height: Height of the view in CSS pixels.

        Raises:
            ArgumentError: if `atlases` is None.
        """
        from tensorboard_plugin_atlas import show_comparison  # the export is above this module

        if self.atlases is None:
            raise ArgumentError(
                "this AtlasDiff has no atlases; show the result of compare_atlases(a, b)"
            )
        return show_comparison(*self.atlases, height=height)

    def _repr_html_(self) -> str | None:
        return None if self.atlases is None else self.show()._repr_html_()


def compare_atlases(a: Atlas, b: Atlas, *, strict: bool = True) -> AtlasDiff:
    """Compares two atlases sample by sample and cell by cell.

    Samples of one probe correspond row by row. With `strict=False`, samples of two probes of one
    dataset are matched by image and position. So are the samples of class atlases.

    Args:
        a: The earlier or first atlas.
        b: The later or second atlas.
        strict: Whether to reject atlases with different settings or probes.

    Returns:
        The differences, over the shared samples.

    Raises:
        ArgumentError: if settings or probe differ and `strict`; the message lists the differences.
            Also if they share no sample, or one is not an Atlas.

    Examples:
        >>> first, last = read_atlases("runs/a", layer="layer4")  # doctest: +SKIP
        >>> compare_atlases(first, last).moved.mean()  # doctest: +SKIP
        0.83
    """
    check_atlas("a", a)
    check_atlas("b", b)
    found = list_differences(a, b)
    if strict and found:
        raise ArgumentError(
            f"compare_atlases(a, b): they differ in {'; '.join(found)}; pass strict=False to "
            "compare the samples that they share"
        )
    rows_a, rows_b, notes = _match_rows(a, b)
    values_a, values_b = a.activations[rows_a], b.activations[rows_b]
    finite = finite_rows(values_a) & finite_rows(values_b)
    if not finite.any():
        raise ArgumentError(
            f"compare_atlases(a, b): {_describe_atlas(a)} and {_describe_atlas(b)} share no "
            "sample with finite activations; pass atlases of one probe"
        )
    stored = _has_activations(a, rows_a) & _has_activations(b, rows_b)
    if not stored.all():
        notes.append(
            f"{int((~stored).sum()):,} samples have no activations in the logs and were left out"
        )
    if not (finite | ~stored).all():
        notes.append(
            f"{int((stored & ~finite).sum()):,} samples hold NaN or infinity and were left out"
        )
    rows_a, rows_b = rows_a[finite], rows_b[finite]
    values_a, values_b = values_a[finite], values_b[finite]
    displacement = np.linalg.norm(a.xy[rows_a] - b.xy[rows_b], axis=1).astype(np.float32)
    floor = _select_noise_floor(a, b, rows_a, rows_b, notes)
    return AtlasDiff(
        rows_a=rows_a,
        rows_b=rows_b,
        displacement=displacement,
        change=neighbor_change(values_a, values_b),
        noise_floor=floor,
        moved=None if floor is None else displacement > floor,
        cka=cka(values_a, values_b),
        grids=_compare_grids(a, b, rows_a, rows_b),
        concepts=_compare_concepts(a, b, rows_a, rows_b),
        notes=(*found, *notes),
        atlases=(a, b),
    )


def _compare_concepts(
    a: Atlas, b: Atlas, rows_a: NDArray[np.intp], rows_b: NDArray[np.intp]
) -> ConceptDiff | None:
    ours, theirs = a.samples.concepts, b.samples.concepts
    if ours is None or theirs is None:
        return None
    return match_concepts(ours[rows_a], theirs[rows_b])


def list_differences(a: Atlas, b: Atlas) -> list[str]:
    """Lists different settings and probes of two atlases, by name and with both values."""
    ours, theirs = _collect_settings(a), _collect_settings(b)
    return [
        f"{name} ({_shorten(ours.get(name))} and {_shorten(theirs.get(name))})"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _collect_settings(atlas: Atlas) -> Mapping[str, Any]:
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in atlas.provenance.settings.items()
        if name not in _RENDER_SETTINGS
    }
    chosen = class_atlas_of(atlas.provenance)
    by_class = {} if chosen is None else {"classes of a class atlas": list(chosen[1])}
    return {**settings, **by_class, "probe": atlas.provenance.probe}


def _shorten(value: Any) -> str:
    return shorten(repr(value), _MAX_SHOWN)


def _describe_atlas(atlas: Atlas) -> str:
    run = f"run {_shorten(atlas.run)}, " if atlas.run else ""
    return f"{run}layer {_shorten(atlas.layer)}, step {atlas.step:,}"


def neighbor_change(a: NDArray[Any], b: NDArray[Any], k: int = NEIGHBORS) -> FloatArray:
    """Measures the fraction of nearest neighbors by cosine that differ between two layers.

    Args:
        a: (R, C) activations, every entry finite.
        b: (R, D) activations of the same samples.
        k: Number of neighbors; fewer if R is smaller.

    Returns:
        (R,) float32: 1 minus the fraction kept; 0 for a single row.
    """
    k = min(k, len(a) - 1)
    if k < 1:
        return np.zeros(len(a), np.float32)
    was, now = nearest_neighbors(unit_rows(a), k)[0], nearest_neighbors(unit_rows(b), k)[0]
    kept = sum((was == now[:, column, None]).any(axis=1).astype(np.float32) for column in range(k))
    return np.asarray(1 - kept / np.float32(k), np.float32)


def _match_rows(a: Atlas, b: Atlas) -> tuple[NDArray[np.intp], NDArray[np.intp], list[str]]:
    """Returns the rows of the shared samples in `a` and `b`, and notes about the matching."""
    rows_a, rows_b = match_samples(a, b)
    if is_same_probe(a, b):
        return rows_a, rows_b, []
    if not len(rows_a):
        raise ArgumentError(
            f"compare_atlases(a, b): {_describe_atlas(a)} and {_describe_atlas(b)} have no "
            "position of an image in common; pass atlases with probes of one dataset"
        )
    _check_labels(a, b, rows_a, rows_b)
    used = f"{len(rows_a):,} samples of the {len(a.samples):,} and {len(b.samples):,}"
    notes = [f"compared {used}: those with the same image and position"]
    if a.all_labels is None or b.all_labels is None:
        notes.append(UNCHECKED_IDS)
    return rows_a, rows_b, notes


def _check_labels(a: Atlas, b: Atlas, rows_a: NDArray[np.intp], rows_b: NDArray[np.intp]) -> None:
    ours, theirs = a.all_labels, b.all_labels
    wrong = label_disagreement(
        None if ours is None else ours[rows_a], None if theirs is None else theirs[rows_b]
    )
    if wrong > MAX_LABEL_DISAGREEMENT:
        raise ArgumentError(
            f"compare_atlases(a, b): {wrong:.0%} of the images with the same id in "
            f"{_describe_atlas(a)} and {_describe_atlas(b)} have different labels; their probes "
            "are of different datasets"
        )


def _select_noise_floor(
    a: Atlas, b: Atlas, rows_a: NDArray[np.intp], rows_b: NDArray[np.intp], notes: list[str]
) -> FloatArray | None:
    """Returns the noise floor of the shared samples, if both maps are of one layer."""
    if a.layer != b.layer:
        notes.append("the maps are of two layers: displacements have no meaning")
        return None
    if a.run != b.run:
        notes.append(
            "the maps are of two runs: displacements are only valid if one was aligned to the other"
        )
    if b.samples.noise_floor is not None:
        return b.samples.noise_floor[rows_b]
    return None if a.samples.noise_floor is None else a.samples.noise_floor[rows_a]


def _has_activations(atlas: Atlas, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Returns (R,) bool: whether the log holds the activations of each sample."""
    selected = atlas.samples.activations.selected
    return np.ones(len(rows), np.bool_) if selected is None else selected[rows]


def _compare_grids(
    a: Atlas, b: Atlas, rows_a: NDArray[np.intp], rows_b: NDArray[np.intp]
) -> tuple[GridDiff, ...]:
    theirs = {grid.size: grid for grid in b.grids}
    comparable = a.layer == b.layer and a.activations.shape[1] == b.activations.shape[1]
    means = (_center(a, rows_a), _center(b, rows_b)) if comparable else None
    return tuple(
        _compare_grid(
            grid, theirs[grid.size], (a.xy[rows_a], b.xy[rows_b]), (rows_a, rows_b), means
        )
        for grid in a.grids
        if grid.size in theirs
    )


def _center(atlas: Atlas, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    values = atlas.activations[rows].astype(np.float64)
    centered: NDArray[np.float64] = values - values.mean(axis=0)
    return centered


def _compare_grid(
    grid_a: Grid,
    grid_b: Grid,
    xy: tuple[FloatArray, FloatArray],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    values: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> GridDiff:
    in_a, in_b = grid_a.cell_of[rows[0]], grid_b.cell_of[rows[1]]
    cells_a, cells_b, jaccard = match_cells(in_a, in_b)
    density = _measure_density(xy[1], grid_a.size) - _measure_density(xy[0], grid_a.size)
    return GridDiff(
        size=grid_a.size,
        cells_a=cells_a,
        cells_b=cells_b,
        jaccard=jaccard,
        only_a=np.setdiff1d(in_a[in_a >= 0], cells_a).astype(np.int32),
        only_b=np.setdiff1d(in_b[in_b >= 0], cells_b).astype(np.int32),
        density=density,
        mean_cosine=None
        if values is None
        else _measure_cosines(
            _average_by_cell(values[0], in_a, cells_a), _average_by_cell(values[1], in_b, cells_b)
        ),
        attribution_rank=_rank_attribution(grid_a, grid_b, cells_a, cells_b),
    )


def match_cells(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Matches cells by shared samples: the best pairs first, each cell at most once.

    Args:
        a: (R,) cell of each sample in one grid, -1 for none.
        b: (R,) its cell in the other grid.

    Returns:
        Cells of `a`, cells of `b` and their Jaccard indices, (P,) each, best first. Pairs with an
        index below 0.1 do not match.
    """
    return match_partitions(a, b, _MIN_JACCARD)


def _measure_density(xy: FloatArray, size: int) -> FloatArray:
    cell = np.minimum((np.clip(xy, 0, 1) * size).astype(np.int64), size - 1)
    count = np.bincount(cell[:, 1] * size + cell[:, 0], minlength=size * size)
    return (count.reshape(size, size) / len(xy)).astype(np.float32)


def _average_by_cell(
    values: NDArray[np.float64], cell_of: IntArray, cells: IntArray
) -> NDArray[np.float64]:
    """Returns (P, C): the mean of the rows in each of `cells`."""
    index = np.full(int(cell_of.max(initial=-1)) + 2, -1, np.int64)
    index[cells] = np.arange(len(cells))
    group = index[cell_of]
    held = np.flatnonzero(group >= 0)
    held = held[np.argsort(group[held], kind="stable")]
    if not len(held):
        return np.zeros((0, values.shape[1]))
    starts = np.searchsorted(group[held], np.arange(len(cells)))
    sums: NDArray[np.float64] = np.add.reduceat(values[held], starts, axis=0)
    return sums / np.bincount(group[held], minlength=len(cells))[:, None]


def _measure_cosines(a: NDArray[np.float64], b: NDArray[np.float64]) -> FloatArray:
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    dot = np.einsum("pc,pc->p", a, b)
    # A mean that equals the mean of the layer has no direction.
    cosine = np.where(length > 0, dot / np.where(length > 0, length, 1), np.nan)
    return np.clip(cosine, -1, 1).astype(np.float32)


def _rank_attribution(a: Grid, b: Grid, cells_a: IntArray, cells_b: IntArray) -> IntArray | None:
    ours, theirs = a.attribution, b.attribution
    if ours is None or theirs is None or ours.shape[1:] != theirs.shape[1:] or not ours.shape[1]:
        return None
    before, now = ours[cells_a], theirs[cells_b]
    known = finite_rows(before) & finite_rows(now)
    first = np.nan_to_num(before, nan=-np.inf).argmax(axis=1)
    own = np.take_along_axis(now, first[:, None], axis=1)
    return np.where(known, (now > own).sum(axis=1), -1).astype(np.int32)
