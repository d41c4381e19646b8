# SPDX-License-Identifier: Apache-2.0
"""Layout of samples: activations to 2-D coordinates, a pure function of its arguments.

A neighbor embedding (`optimizer`) of UMAP's fuzzy graph over cosine neighbors, which are exact up
to 20,000 samples. A first map starts from a spectral embedding, or from PCA if there are more. A
later map starts from the previous one, and each sample is pulled to its previous coordinates
according to the neighbors that it kept (`anchoring`). Samples with the same direction are a single
point to the optimizer, so that duplicates do not dominate the neighbor graph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.directions import (
    distinct_directions,
    finite_rows,
    hashed_directions,
    unit_rows,
)
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.anchoring import (
    align_procrustes,
    compute_anchors,
    direction_similarity,
    initial_coordinates,
    neighbor_recall,
)
from tensorboard_plugin_atlas.compute.layout.approximate_neighbors import (
    approximate_neighbors,
    measure_recall,
)
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.fuzzy_graph import fuzzy_graph
from tensorboard_plugin_atlas.compute.layout.imputation import fill_unknown
from tensorboard_plugin_atlas.compute.layout.initial_layout import (
    find_start,
    pca_coordinates,
    scale_start,
)
from tensorboard_plugin_atlas.compute.layout.neighbor_overlap import overlap
from tensorboard_plugin_atlas.compute.layout.noise_floor import noise_floor
from tensorboard_plugin_atlas.compute.layout.optimizer import Anchors, optimize_layout
from tensorboard_plugin_atlas.compute.layout.umap_optimizer import optimize_with_umap
from tensorboard_plugin_atlas.compute.layout.viewport import (
    from_map,
    is_outside,
    place_on_map,
    to_map,
    update_viewport,
)
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.sample_subset import is_many

QUALITY_NEIGHBORS: Final = 15
"""Neighbors for quality measures and overlap, independent of `AtlasConfig.neighbors`."""

_EXACT_UP_TO = 20_000
"""Largest number of samples with exact neighbors, whose time is quadratic."""
_MIN_FOR_GRAPH = 5
_MIN_ATTRACTED_TO = 3
_ATTRACTED_TO_FRACTION = 2
"""A sample is attracted to at most half of the others; otherwise, small maps collapse."""
_STEPS_PER_EPOCH = 2
"""Gradient steps per epoch of `AtlasConfig.epochs`: they are faster than umap-learn's epochs."""
_START_SCALE = 0.1
"""Scale of the spectral start of a first map, so that attraction acts on all samples."""
_PERTURBATION = 0.3
"""Standard deviation of the random start displacement of a sample that lost all neighbors, in raw
units: about the distance to the nearest point of a map of 2,000 samples."""
_REPEATS = 2
"""Repeated layouts with other seeds for the noise floor of a small map."""
_ONE_REPEAT_FROM = 1_000
"""Smallest number of samples for which one repeated layout is enough."""
_DEFAULT_WIDTH = 20.0
LINE_LENGTH_PER_SAMPLE: Final = 0.1
"""Length of a line per sample on it, in raw units."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Coordinates of N samples, and the state that the next step starts from.

    Attributes:
        xy: (N, 2) float32 in (0, 1): x to the right, y down.
        raw: (N, 2) float32: the same coordinates in raw units, those of the optimizer.
        viewport: (2, 2) float32: low and high corner, (x, y) each, in raw units. Module `viewport`
            maps it to the unit square.
        clamped: (N,) bool: the sample is outside of the viewport and shown at its edge.
        invalid: (N,) bool: the activation has NaN or infinity. The sample keeps its previous
            coordinates or gets the center of the map; it must not be part of any mean.
        neighbors: (N, k) int32: nearest samples by cosine, nearest first, k = 15 or one less than
            the number of valid samples; -1 in invalid rows.
        noise_floor: (N,) float32, map units: displacement to expect from layout noise; about 5 % of
            random displacements are larger. None for a map that does not continue another.
        activations: (N, C) activations of the layout, or None if the next layout must not compare
            them with its own.
        known: (N,) bool: samples whose neighbors and activations are known, if a log holds those of
            some samples. Their neighbors are the nearest known samples. None if all are known.
        overlap: (N,) float32: fraction of the neighbors kept since the previous layout, if that has
            `known`, else None. Those of other samples are estimates.
        notes: Notes about fallbacks.
    """

    xy: FloatArray
    raw: FloatArray
    viewport: FloatArray
    clamped: NDArray[np.bool_]
    invalid: NDArray[np.bool_]
    neighbors: IntArray
    noise_floor: FloatArray | None = None
    activations: NDArray[Any] | None = None
    known: NDArray[np.bool_] | None = None
    overlap: FloatArray | None = None
    notes: tuple[str, ...] = ()

    @property
    def viewport_corners(self) -> tuple[float, float, float, float]:
        """The viewport in the form of `Atlas.viewport`: (x0, y0, x1, y1)."""
        (x0, y0), (x1, y1) = self.viewport.tolist()
        return x0, y0, x1, y1


@dataclass(frozen=True, eq=False)
class _Directions:
    """The U distinct directions among V valid rows: the points of the optimizer.

    Attributes:
        valid: (V,) indices of the valid rows.
        first: (U,) indices into `valid`: where each direction appears first.
        group: (V,) indices into `first`: the direction of each valid row.
        unit: (U, C) directions.
        graph: (U, U) fuzzy graph, or None if there are too few directions.
        recall: Which fraction of the nearest neighbors was found, or None if all were.
    """

    valid: NDArray[np.intp]
    first: NDArray[np.intp]
    group: NDArray[np.intp]
    unit: FloatArray
    graph: scipy.sparse.csr_matrix | None
    recall: float | None

    @property
    def rows(self) -> NDArray[np.intp]:
        """(U,) indices of one row per direction."""
        return self.valid[self.first]


@dataclass(frozen=True, eq=False)
class _Plan:
    """The method for the layout of U directions, independent of the seed.

    Attributes:
        compute: Maps a seed to (U, 2) raw coordinates.
        continued: Whether they continue the previous map.
        notes: Notes for the layout.
    """

    compute: Callable[[int], FloatArray]
    continued: bool
    notes: tuple[str, ...] = ()


def compute_layout(
    activations: NDArray[Any],
    previous: Layout | None = None,
    *,
    config: AtlasConfig,
    is_line: bool = False,
    with_floor: bool = True,
    ranks: Ranks = ALONE,
) -> Layout:
    """Computes the layout: similar samples get nearby coordinates in the unit square.

    Args:
        activations: (N, C) of any float type; row j is the same sample as in `previous`.
        previous: Layout to continue, with the viewport to keep, or None: of the last step, or
            of another run with the same probe; the number of channels may differ.
        config: `neighbors`, `min_dist`, `epochs`, `stability`, `layout` and `seed` are used.
        is_line: Whether to compute a layout along the horizontal line through the center.
            `previous` must be such a layout, too.
        with_floor: Whether to measure the noise floor, which doubles the time.
        ranks: They share the search of neighbors, and the repeated layouts for the noise floor.

    Returns:
        The layout. Equal arguments give equal bytes on one machine.

    Raises:
        ArgumentError: if `activations` is not a non-empty matrix, has no finite row, or a different
            number of rows than `previous`.
    """
    rows = np.asarray(activations)
    finite = _check_activations(rows, previous)
    found, neighbors = _find_directions(rows, finite, config, ranks)
    kept = _measure_kept(rows, neighbors, finite, previous, ranks)
    plan = _plan(rows, found, neighbors, kept, previous, config, is_line)
    repeats = _count_repeats(found) if plan.continued and with_floor else 0
    coordinates, *repeated = ranks.compute_all(
        plan.compute, range(config.seed, config.seed + 1 + repeats)
    )
    viewport, viewport_notes = update_viewport(
        coordinates, None if previous is None else previous.viewport
    )
    raw = (
        np.tile(viewport.mean(axis=0), (len(rows), 1)) if previous is None else previous.raw.copy()
    )
    raw[found.valid] = coordinates[found.group]
    xy, raw = place_on_map(raw, viewport)
    return Layout(
        xy=xy,
        raw=raw,
        viewport=viewport,
        clamped=is_outside(raw, viewport) & finite,
        invalid=~finite,
        neighbors=neighbors,
        noise_floor=_measure_noise_floor(found, (coordinates, *repeated), kept, viewport)
        if repeated
        else None,
        activations=rows,
        overlap=None if previous is None or previous.known is None else kept,
        notes=(
            *_describe_samples(rows, found),
            *_describe_known(previous),
            *plan.notes,
            *viewport_notes,
        ),
    )


def compute_relayout(
    activations_by_step: Sequence[NDArray[Any]], config: AtlasConfig
) -> list[Layout]:
    """Computes the layouts of a finished run again, from the last step to the first.

    Maps computed during training keep traces of the random initial network. In reverse order, the
    last map is as good as an independent one; it also sets the viewport.

    Args:
        activations_by_step: (N, C) of each step, first to last.
        config: As for `compute_layout`.

    Returns:
        Layouts, first to last. `noise_floor` refers to the displacement from the previous one.

    Raises:
        ArgumentError: as for `compute_layout`.
    """
    backwards: list[Layout] = []
    for activations in reversed(activations_by_step):
        backwards.append(
            compute_layout(activations, backwards[-1] if backwards else None, config=config)
        )
    # A noise floor belongs to the later of two layouts, now in order of time.
    floors = [*(layout.noise_floor for layout in backwards[1:]), None]
    return [
        dataclasses.replace(layout, noise_floor=floor)
        for layout, floor in zip(backwards[::-1], floors[::-1], strict=False)
    ]


def restore_layout(
    xy: FloatArray,
    activations: NDArray[Any],
    *,
    viewport: Sequence[float] | None = None,
    known: NDArray[np.bool_] | None = None,
    config: AtlasConfig,
    ranks: Ranks = ALONE,
) -> Layout:
    """Rebuilds the `previous` argument of `compute_layout` from an atlas of a log.

    Args:
        xy: (N, 2) coordinates in [0, 1].
        activations: (N, C) of the same samples.
        viewport: `Atlas.viewport`: (x0, y0, x1, y1) in raw units. None in old logs: the map is then
            assumed to be twenty raw units wide, which is typical of a few thousand samples; the
            optimizer corrects the rest.
        known: (N,) bool: samples whose activations the log holds, None for all; see `Layout.known`.
        config: Settings of the next layout.
        ranks: They share the search of neighbors.

    Returns:
        A layout with the same `xy`, and the same `raw` to the rounding of a float32.
    """
    rows = np.asarray(activations)
    finite = _check_activations(rows, None)
    valid = np.flatnonzero(finite)
    invalid = ~finite if known is None else known & ~finite
    corners = np.array(viewport or (0, 0, _DEFAULT_WIDTH, _DEFAULT_WIDTH), np.float32).reshape(2, 2)
    raw = from_map(np.asarray(xy, np.float32), corners)
    return Layout(
        xy=np.asarray(xy, np.float32),
        raw=raw,
        viewport=corners,
        clamped=is_outside(raw, corners) & ~invalid,
        invalid=invalid,
        neighbors=_expand_neighbors(_find_row_neighbors(rows[valid], ranks), valid, len(rows)),
        activations=rows,
        known=None if known is None else known & finite,
    )


def _find_row_neighbors(rows: NDArray[Any], ranks: Ranks) -> NDArray[np.integer]:
    """Returns (V, k): nearest rows of each finite row by cosine; duplicates are searched once."""
    unit = unit_rows(rows)
    if _is_exact(unit):
        return _find_neighbors(unit, QUALITY_NEIGHBORS, ranks)[0]
    first, group = hashed_directions(unit)
    nearest = _find_neighbors(unit[first], QUALITY_NEIGHBORS, ranks)[0]
    found: NDArray[np.integer] = first[nearest][group]
    return found


def _measure_kept(
    rows: NDArray[Any],
    neighbors: IntArray,
    finite: NDArray[np.bool_],
    previous: Layout | None,
    ranks: Ranks,
) -> FloatArray:
    """Returns the (N,) fraction of neighbors kept since the previous layout, 0 without one.

    Of a layout of which only some samples are known, it is measured among these and estimated for
    the others.
    """
    if previous is None:
        return np.zeros(len(rows), np.float32)
    if previous.known is None:
        return overlap(neighbors, previous.neighbors)
    measured = np.full(len(rows), np.nan, np.float32)
    numbers = np.flatnonzero(previous.known & finite).astype(np.int32)
    if len(numbers):
        now = numbers[_find_row_neighbors(rows[numbers], ranks)]
        measured[numbers] = overlap(now, previous.neighbors[numbers])
    return fill_unknown(measured, previous.raw)


def _describe_known(previous: Layout | None) -> tuple[str, ...]:
    if previous is None or previous.known is None:
        return ()
    return (
        f"layout: continues a map of which the log holds the activations of "
        f"{int(previous.known.sum()):,} of {len(previous.known):,} samples; the neighbors that "
        "samples kept are measured among these, and estimated for the others",
    )


def _check_activations(rows: NDArray[Any], previous: Layout | None) -> NDArray[np.bool_]:
    """Returns which rows are finite; raises the errors that `compute_layout` documents."""
    if rows.ndim != 2 or 0 in rows.shape or not np.issubdtype(rows.dtype, np.floating):
        raise ArgumentError(
            f"activations={rows.dtype} array of shape {rows.shape}: "
            "pass floats of shape (samples, channels) with at least one of each"
        )
    finite = finite_rows(rows)
    if not finite.any():
        raise ArgumentError(
            f"activations: all {len(rows):,} samples hold NaN or infinity, so there is no map; "
            "check that the loss is finite, or log an earlier step"
        )
    if previous is not None and len(previous.raw) != len(rows):
        raise ArgumentError(
            f"previous: a layout of {len(previous.raw):,} samples, but activations holds "
            f"{len(rows):,}; pass the layout of the same probe, or previous=None to start over"
        )
    return finite


def _describe_samples(rows: NDArray[Any], found: _Directions) -> list[str]:
    valid, directions = found.valid, len(found.first)
    notes = []
    broken = len(rows) - len(valid)
    if found.recall is not None:
        notes.append(
            f"layout: nearest neighbors are approximate above {_EXACT_UP_TO:,} samples; "
            f"{found.recall:.1%} of the {QUALITY_NEIGHBORS} nearest were found"
        )
    if broken:
        notes.append(f"layout: {broken:,} samples hold NaN or infinity; they are not in any mean")
    zero = int((~rows[valid].any(axis=1)).sum())
    if zero:
        notes.append(f"layout: {zero:,} samples are all zero; they share one position")
    if len(valid) > 1 and directions == 1:
        notes.append("layout: all samples have the same direction; they share one position")
    elif directions + zero < 0.9 * len(valid):
        notes.append(f"layout: {len(valid):,} samples have only {directions:,} distinct directions")
    return notes


def _find_neighbors(unit: FloatArray, k: int, ranks: Ranks) -> tuple[IntArray, FloatArray]:
    search = nearest_neighbors if _is_exact(unit) else approximate_neighbors
    return search(unit, min(k, len(unit) - 1), ranks)


def _is_exact(unit: FloatArray) -> bool:
    """Returns whether the neighbors of `unit` are exact."""
    return len(unit) <= _EXACT_UP_TO


def _expand_neighbors(indices: NDArray[np.integer], valid: NDArray[np.intp], rows: int) -> IntArray:
    """Converts neighbors among the valid rows to neighbors among all rows."""
    everywhere = np.full((rows, indices.shape[1]), -1, np.int32)
    everywhere[valid] = valid[indices]
    return everywhere


def _find_directions(
    rows: NDArray[Any], finite: NDArray[np.bool_], config: AtlasConfig, ranks: Ranks
) -> tuple[_Directions, IntArray]:
    """Returns the distinct directions with their graph, and the (N, k) neighbors of all rows."""
    valid = np.flatnonzero(finite)
    unit = unit_rows(rows[valid])
    count = config.neighbors - 1
    if _is_exact(unit):
        first, group = distinct_directions(unit)
        indices, distances = _find_neighbors(unit, max(QUALITY_NEIGHBORS, count), ranks)
        neighbors = _expand_neighbors(indices[:, :QUALITY_NEIGHBORS], valid, len(rows))
        if len(first) < len(unit):
            unit = unit[first]
            indices, distances = _find_neighbors(unit, count, ranks)
    else:
        # One search, among distinct directions: many equal rows would take quadratic time.
        first, group = hashed_directions(unit)
        unit = unit[first] if len(first) < len(unit) else unit
        indices, distances = _find_neighbors(unit, max(QUALITY_NEIGHBORS, count), ranks)
        nearest = first[indices[:, :QUALITY_NEIGHBORS]][group]
        neighbors = _expand_neighbors(nearest, valid, len(rows))
    graph = None
    if len(unit) >= _MIN_FOR_GRAPH:
        k = min(count, max(_MIN_ATTRACTED_TO, (len(unit) - 1) // _ATTRACTED_TO_FRACTION))
        graph = fuzzy_graph(indices[:, :k], distances[:, :k])
    recall = None if _is_exact(unit) else measure_recall(unit, indices[:, :QUALITY_NEIGHBORS])
    return _Directions(valid, first, group, unit, graph, recall), neighbors


def _plan(
    rows: NDArray[Any],
    found: _Directions,
    neighbors: IntArray,
    kept: FloatArray,
    previous: Layout | None,
    config: AtlasConfig,
    is_line: bool,
) -> _Plan:
    if previous is None:
        return _plan_independent(found, None, config, is_line)
    before = previous.raw[found.rows]
    if found.graph is None:
        return _plan_independent(found, before, config, is_line)
    if _has_collapsed(before):
        note = "layout: started over, the previous map had too few distinct positions"
        plan = _plan_independent(found, None, config, is_line)
        return dataclasses.replace(plan, notes=(note, *plan.notes))
    if config.layout == "umap":
        return _plan_umap(found.graph, _separate(before, config.seed, is_line), config)
    if config.stability == 0:
        return _plan_independent(found, before, config, is_line)
    before = _separate(before, config.seed, is_line)
    kept = kept[found.rows]
    recall = neighbor_recall(previous.raw, neighbors)[found.rows]
    was = None if previous.activations is None else previous.activations[found.rows]
    similarity = direction_similarity(rows[found.rows], was)
    if previous.known is not None:
        unknown = ~previous.known[found.rows]
        similarity = fill_unknown(np.where(unknown, np.float32(np.nan), similarity), before)
    anchors = compute_anchors(before, kept, recall, similarity, config.stability)
    start = initial_coordinates(before, found.graph, kept)
    return _plan_with_anchors(found.graph, start, anchors, config, is_line)


def _plan_independent(
    found: _Directions, before: FloatArray | None, config: AtlasConfig, is_line: bool
) -> _Plan:
    """Plans an independent map, aligned to the coordinates `before` if given."""
    graph = found.graph
    start, note = (None, None) if graph is None else find_start(found.unit, graph)

    def compute(seed: int) -> FloatArray:
        if graph is None or start is None:
            coordinates = pca_coordinates(found.unit)
        elif config.layout == "umap":
            coordinates = _plan_umap(graph, scale_start(start, seed), config).compute(seed)
        else:
            small = _START_SCALE * scale_start(start, seed)
            coordinates = optimize_layout(small, graph, steps=_count_steps(config))
        if is_line:
            coordinates = _project_to_line(coordinates, graph, config, seed)
        return coordinates if before is None else align_procrustes(coordinates, before)

    return _Plan(compute, before is not None, () if note is None else (note,))


def _project_to_line(
    coordinates: FloatArray, graph: scipy.sparse.csr_matrix | None, config: AtlasConfig, seed: int
) -> FloatArray:
    """Projects a map on its longest axis, stretches it, and optimizes it along that line.

    Samples on a line have to pass through each other, which needs space. On two layers of a
    CIFAR-10 network, 2,000 samples reach a trustworthiness of .91 to .96; the projection alone has
    .72 to .81, and a line that starts from a spectral embedding .58 to .61.
    """
    centered = coordinates - coordinates.mean(axis=0)
    # einsum, because the sums of a BLAS depend on its number of threads.
    longest = np.linalg.eigh(np.einsum("ni,nj->ij", centered, centered))[1][:, -1]
    along = np.einsum("ni,i->n", centered, longest)
    # The sign of an axis is arbitrary; choose one that does not depend on rounding.
    along *= 1 if along[np.abs(along).argmax()] >= 0 else -1
    width = float(np.ptp(along))
    if width > 0:
        along *= max(1.0, LINE_LENGTH_PER_SAMPLE * len(along) / width)
    start = np.zeros((len(along), 2), np.float32)
    start[:, 0] = along
    if graph is None:
        return start
    return optimize_layout(start, graph, steps=_count_steps(config))


def _plan_umap(graph: scipy.sparse.csr_matrix, start: FloatArray, config: AtlasConfig) -> _Plan:
    """Plans a map by umap-learn's optimizer, from `start`."""
    return _Plan(
        lambda seed: optimize_with_umap(
            start, graph, min_dist=config.min_dist, epochs=config.epochs, seed=seed
        ),
        True,
    )


def _plan_with_anchors(
    graph: scipy.sparse.csr_matrix,
    start: FloatArray,
    anchors: Anchors,
    config: AtlasConfig,
    is_line: bool,
) -> _Plan:
    """Plans a map with samples anchored to their previous coordinates."""

    def compute(seed: int) -> FloatArray:
        perturbed = _perturb(start, anchors.mobility, seed, is_line)
        return optimize_layout(perturbed, graph, steps=_count_steps(config), anchors=anchors)

    return _Plan(compute, True)


def _perturb(start: FloatArray, mobility: FloatArray, seed: int, is_line: bool) -> FloatArray:
    """Adds noise to the start: the layout must not depend on the exact previous coordinates."""
    noise = _noise(start.shape, _PERTURBATION, seed, is_line)
    perturbed: FloatArray = (start + mobility[:, None] * noise).astype(np.float32)
    return perturbed


def _count_steps(config: AtlasConfig) -> int:
    return config.epochs * _STEPS_PER_EPOCH


def _count_repeats(found: _Directions) -> int:
    """Returns the number of repeated layouts for the noise floor."""
    return _REPEATS if len(found.first) < _ONE_REPEAT_FROM else 1


def _measure_noise_floor(
    found: _Directions, repeated: Sequence[FloatArray], kept: FloatArray, viewport: FloatArray
) -> FloatArray:
    """Returns the (N,) noise floor, from layouts with several seeds."""
    floor = np.zeros(len(kept), np.float32)
    maps = [to_map(coordinates, viewport)[found.group] for coordinates in repeated]
    floor[found.valid] = noise_floor(maps, kept[found.valid])
    # Logs of many samples store half precision.
    return floor.astype(np.float16).astype(np.float32) if is_many(len(floor)) else floor


def _has_collapsed(start: FloatArray) -> bool:
    """Returns whether less than half of the coordinates are distinct."""
    return 2 * len(np.unique(start, axis=0)) < len(start)


def _separate(start: FloatArray, seed: int, is_line: bool) -> FloatArray:
    """Separates equal coordinates by a thousandth of the map; the optimizer cannot do that."""
    _, group, counts = np.unique(start, axis=0, return_inverse=True, return_counts=True)
    shared = counts[group.ravel()] > 1
    step = 1e-3 * np.ptp(start, axis=0).max()
    noise = _noise(start.shape, step, seed, is_line)
    return np.where(shared[:, None], start + noise, start).astype(np.float32)


def _noise(shape: tuple[int, ...], scale: float, seed: int, is_line: bool) -> NDArray[np.float64]:
    """Returns (N, 2) normal displacements; on a line, along it only."""
    noise = np.random.RandomState(seed).normal(scale=scale, size=shape)
    if is_line:
        noise[:, 1] = 0
    return noise
