# SPDX-License-Identifier: Apache-2.0
"""Two atlases held against each other: what moved, what changed, and how far chance would go.

Any two with the same probe compare: two steps, two runs, two layers, two architectures of other
widths. Only what both hold is compared, and the result says how many samples that were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.arguments import check_atlas
from tensorboard_plugin_atlas.analysis.cka import cka
from tensorboard_plugin_atlas.analysis.class_series import class_atlas_of
from tensorboard_plugin_atlas.analysis.cosine import finite_rows, nearest_neighbors, unit_rows
from tensorboard_plugin_atlas.analysis.sample_matching import (
    MAX_LABEL_DISAGREEMENT,
    UNCHECKED_IDS,
    is_same_probe,
    label_disagreement,
    match_samples,
)
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Grid, IntArray
from tensorboard_plugin_atlas.errors import ArgumentError

NEIGHBORS: Final = 15
"""True neighbors that are counted as kept or lost."""

_PICTURES: Final = frozenset(
    {"icons", "icon_size", "icon_steps", "icon_seconds", "draft_seconds", "batch_size"}
)
"""Settings that change how an atlas is drawn or made, but not what is compared."""

_LEAST_JACCARD: Final = 0.1
"""Cells that share less than this are not the same cell."""
_SHOWN: Final = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class GridDiff:
    """One zoom level of both atlases; P cells are matched by the samples they share.

    Attributes:
        size: Cells along each axis, S.
        cells_a: (P,) int32: index of each matched cell in the level of `a`, best match first.
        cells_b: (P,) int32: its partner in `b`.
        jaccard: (P,) float32: samples in both over samples in either.
        only_a: int32: cells of `a` whose samples no cell of `b` gathers.
        only_b: int32: cells of `b` whose samples no cell of `a` gathers.
        density: (S, S) float32, row by column: share of the samples that `b` has there less that of
            `a`, so that all sum to 0.
        mean_cosine: (P,) float32: cosine of the mean activations of both cells, each relative to
            its layer's mean; None where layers or widths differ: channels do not correspond.
        attribution_rank: (P,) int32: rank in `b` of the class that the cell of `a` speaks for most:
            0 while it still is the first, -1 where either is not known. None without attribution
            toward the same classes.
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


@dataclass(frozen=True, kw_only=True, eq=False)
class AtlasDiff:
    """What differs between two atlases, over the R samples that both hold and that are finite.

    Attributes:
        rows_a: (R,) rows of these samples in `a`.
        rows_b: (R,) rows of the same samples in `b`.
        displacement: (R,) float32: distance between both places on the map, in map units.
        change: (R,) float32 from 0 to 1: share of the 15 nearest by cosine, among these samples,
            that are no longer so.
        noise_floor: (R,) float32: how far chance would have moved each, in map units, from `b`, or
            from `a` if `b` has none; None without either, and between layers.
        moved: (R,) bool: displacement above the floor; None without a floor.
        cka: Likeness of both representations: linear CKA (Kornblith et al. 2019) without bias (Song
            et al. 2012); 1 for the same up to rotation and scale, about 0 for unrelated ones, and
            None for fewer than four samples or where nothing varies.
        levels: The zoom levels that both have, coarsest first.
        notes: What a reader must know: how samples were matched, and what cannot be compared.
    """

    rows_a: NDArray[np.intp]
    rows_b: NDArray[np.intp]
    displacement: FloatArray
    change: FloatArray
    noise_floor: FloatArray | None
    moved: NDArray[np.bool_] | None
    cka: float | None
    levels: tuple[GridDiff, ...]
    notes: tuple[str, ...] = ()


def compare_atlases(a: Atlas, b: Atlas, *, strict: bool = True) -> AtlasDiff:
    """Compares two atlases sample by sample and cell by cell.

    Samples of one probe correspond row by row. With `strict=False` those of two probes over one
    data set do where image and spot are the same. So do the samples of two atlases of a class.

    Args:
        a: The earlier, or the first.
        b: The later, or the second.
        strict: Whether to refuse atlases of other recipes or other probes.

    Returns:
        What differs, over the samples that both hold.

    Raises:
        ArgumentError: if recipe or probe differ and `strict`; the message lists all that differs.
            Also if they share no sample, or one is no Atlas.

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
    rows_a, rows_b, notes = _match(a, b)
    values_a, values_b = a.activations[rows_a], b.activations[rows_b]
    finite = finite_rows(values_a) & finite_rows(values_b)
    if not finite.any():
        raise ArgumentError(
            f"compare_atlases(a, b): {_name(a)} and {_name(b)} share no sample with finite "
            "activations; pass atlases of one probe"
        )
    if not finite.all():
        notes.append(f"{int((~finite).sum()):,} samples hold NaN or infinity and were left out")
    rows_a, rows_b = rows_a[finite], rows_b[finite]
    values_a, values_b = values_a[finite], values_b[finite]
    displacement = np.linalg.norm(a.xy[rows_a] - b.xy[rows_b], axis=1).astype(np.float32)
    floor = _floor(a, b, rows_a, rows_b, notes)
    return AtlasDiff(
        rows_a=rows_a,
        rows_b=rows_b,
        displacement=displacement,
        change=neighbor_change(values_a, values_b),
        noise_floor=floor,
        moved=None if floor is None else displacement > floor,
        cka=cka(values_a, values_b),
        levels=_levels(a, b, rows_a, rows_b),
        notes=(*found, *notes),
    )


def list_differences(a: Atlas, b: Atlas) -> list[str]:
    """Lists what keeps two atlases from a silent comparison, by name and with both values."""
    ours, theirs = _recipe(a), _recipe(b)
    return [
        f"{name} ({_shown(ours.get(name))} and {_shown(theirs.get(name))})"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _recipe(atlas: Atlas) -> Mapping[str, Any]:
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in atlas.provenance.settings.items()
        if name not in _PICTURES
    }
    chosen = class_atlas_of(atlas.provenance)
    by_class = {} if chosen is None else {"classes of a class atlas": list(chosen[1])}
    return {**settings, **by_class, "probe": atlas.provenance.probe}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _name(atlas: Atlas) -> str:
    run = f"run {_shown(atlas.run)}, " if atlas.run else ""
    return f"{run}layer {_shown(atlas.layer)}, step {atlas.step:,}"


def neighbor_change(a: NDArray[Any], b: NDArray[Any], k: int = NEIGHBORS) -> FloatArray:
    """Measures how many of each row's nearest neighbors by cosine differ between two layers.

    Args:
        a: (R, C) activations, every entry finite.
        b: (R, D) activations of the same samples.
        k: Neighbors; fewer where R is smaller.

    Returns:
        (R,) float32: 1 less the share kept; 0 where there is no other row.
    """
    k = min(k, len(a) - 1)
    if k < 1:
        return np.zeros(len(a), np.float32)
    was, now = nearest_neighbors(unit_rows(a), k)[0], nearest_neighbors(unit_rows(b), k)[0]
    kept = sum((was == now[:, column, None]).any(axis=1).astype(np.float32) for column in range(k))
    return np.asarray(1 - kept / np.float32(k), np.float32)


def _match(a: Atlas, b: Atlas) -> tuple[NDArray[np.intp], NDArray[np.intp], list[str]]:
    """Returns the rows of `a` and of `b` that are the same samples, and how they were matched."""
    rows_a, rows_b = match_samples(a, b)
    if is_same_probe(a, b):
        return rows_a, rows_b, []
    if not len(rows_a):
        raise ArgumentError(
            f"compare_atlases(a, b): {_name(a)} and {_name(b)} share no spot of any image; pass "
            "atlases whose probes were drawn from one data set"
        )
    _check_labels(a, b, rows_a, rows_b)
    used = f"{len(rows_a):,} samples of the {len(a.samples):,} and {len(b.samples):,}"
    notes = [f"compared {used}: those at the same spot of the same image"]
    if a.labels is None or b.labels is None:
        notes.append(UNCHECKED_IDS)
    return rows_a, rows_b, notes


def _check_labels(a: Atlas, b: Atlas, rows_a: NDArray[np.intp], rows_b: NDArray[np.intp]) -> None:
    wrong = label_disagreement(
        None if a.labels is None else a.labels[rows_a],
        None if b.labels is None else b.labels[rows_b],
    )
    if wrong > MAX_LABEL_DISAGREEMENT:
        raise ArgumentError(
            f"compare_atlases(a, b): {wrong:.0%} of the images that {_name(a)} and {_name(b)} have "
            "under one id carry other labels; their probes come from two data sets"
        )


def _floor(
    a: Atlas, b: Atlas, rows_a: NDArray[np.intp], rows_b: NDArray[np.intp], notes: list[str]
) -> FloatArray | None:
    """Returns the noise floor of the shared samples, where both maps are one map continued."""
    if a.layer != b.layer:
        notes.append("the maps are of two layers: what moved between them tells nothing")
        return None
    if a.run != b.run:
        notes.append(
            "the maps are of two runs: places compare only where one was aligned to the other"
        )
    if b.samples.noise_floor is not None:
        return b.samples.noise_floor[rows_b]
    return None if a.samples.noise_floor is None else a.samples.noise_floor[rows_a]


def _levels(
    a: Atlas, b: Atlas, rows_a: NDArray[np.intp], rows_b: NDArray[np.intp]
) -> tuple[GridDiff, ...]:
    theirs = {grid.size: grid for grid in b.grids}
    comparable = a.layer == b.layer and a.activations.shape[1] == b.activations.shape[1]
    means = (_centered(a, rows_a), _centered(b, rows_b)) if comparable else None
    return tuple(
        _level(grid, theirs[grid.size], (a.xy[rows_a], b.xy[rows_b]), (rows_a, rows_b), means)
        for grid in a.grids
        if grid.size in theirs
    )


def _centered(atlas: Atlas, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    values = atlas.activations[rows].astype(np.float64)
    centered: NDArray[np.float64] = values - values.mean(axis=0)
    return centered


def _level(
    grid_a: Grid,
    grid_b: Grid,
    xy: tuple[FloatArray, FloatArray],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    values: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> GridDiff:
    in_a, in_b = grid_a.cell_of[rows[0]], grid_b.cell_of[rows[1]]
    cells_a, cells_b, jaccard = match_cells(in_a, in_b)
    density = _density(xy[1], grid_a.size) - _density(xy[0], grid_a.size)
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
        else _cosines(_means(values[0], in_a, cells_a), _means(values[1], in_b, cells_b)),
        attribution_rank=_attribution_rank(grid_a, grid_b, cells_a, cells_b),
    )


def match_cells(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Matches cells by the samples they share: the best pairs first, each cell once.

    Args:
        a: (R,) cell of each sample in one level, -1 for none.
        b: (R,) its cell in the other.

    Returns:
        Cells of `a`, cells of `b` and their Jaccard indices, (P,) each, best first. Pairs below
        0.1 are no match.
    """
    both = (a >= 0) & (b >= 0)
    width = int(b.max(initial=-1)) + 1
    key, shared = np.unique(a[both].astype(np.int64) * width + b[both], return_counts=True)
    in_a, in_b = np.divmod(key, max(width, 1))
    sizes_a = np.bincount(a[a >= 0], minlength=1)
    sizes_b = np.bincount(b[b >= 0], minlength=1)
    jaccard = shared / (sizes_a[in_a] + sizes_b[in_b] - shared)
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    found = []
    for i in np.argsort(-jaccard, kind="stable"):
        if jaccard[i] < _LEAST_JACCARD:
            break
        cell_a, cell_b = int(in_a[i]), int(in_b[i])
        if cell_a not in taken_a and cell_b not in taken_b:
            taken_a.add(cell_a)
            taken_b.add(cell_b)
            found.append(i)
    chosen = np.array(found, np.intp)
    return (
        in_a[chosen].astype(np.int32),
        in_b[chosen].astype(np.int32),
        jaccard[chosen].astype(np.float32),
    )


def _density(xy: FloatArray, size: int) -> FloatArray:
    cell = np.minimum((np.clip(xy, 0, 1) * size).astype(np.int64), size - 1)
    count = np.bincount(cell[:, 1] * size + cell[:, 0], minlength=size * size)
    return (count.reshape(size, size) / len(xy)).astype(np.float32)


def _means(values: NDArray[np.float64], cell_of: IntArray, cells: IntArray) -> NDArray[np.float64]:
    """Returns (P, C): the mean of the rows in each of `cells`."""
    place = np.full(int(cell_of.max(initial=-1)) + 2, -1, np.int64)
    place[cells] = np.arange(len(cells))
    group = place[cell_of]
    held = np.flatnonzero(group >= 0)
    held = held[np.argsort(group[held], kind="stable")]
    if not len(held):
        return np.zeros((0, values.shape[1]))
    starts = np.searchsorted(group[held], np.arange(len(cells)))
    sums: NDArray[np.float64] = np.add.reduceat(values[held], starts, axis=0)
    return sums / np.bincount(group[held], minlength=len(cells))[:, None]


def _cosines(a: NDArray[np.float64], b: NDArray[np.float64]) -> FloatArray:
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    dot = np.einsum("pc,pc->p", a, b)
    # A mean that is the layer's own mean has no direction.
    cosine = np.where(length > 0, dot / np.where(length > 0, length, 1), np.nan)
    return np.clip(cosine, -1, 1).astype(np.float32)


def _attribution_rank(a: Grid, b: Grid, cells_a: IntArray, cells_b: IntArray) -> IntArray | None:
    ours, theirs = a.attribution, b.attribution
    if ours is None or theirs is None or ours.shape[1:] != theirs.shape[1:] or not ours.shape[1]:
        return None
    before, now = ours[cells_a], theirs[cells_b]
    known = finite_rows(before) & finite_rows(now)
    first = np.nan_to_num(before, nan=-np.inf).argmax(axis=1)
    own = np.take_along_axis(now, first[:, None], axis=1)
    return np.where(known, (now > own).sum(axis=1), -1).astype(np.int32)
