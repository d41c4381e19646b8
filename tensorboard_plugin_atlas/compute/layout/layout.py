# SPDX-License-Identifier: Apache-2.0
"""Activations to places on the map: a pure function of the samples and the layout before.

A neighbor embedding (`descent`) of UMAP's fuzzy graph over exact cosine neighbors: from a
spectral start for a first checkpoint, and for a later one from the previous places, to which each
row is held by the neighbors that it kept (`anchoring`). Rows of the same direction share one
place: they are one row to the optimizer, so hundreds of duplicates cannot tear the neighbor graph
apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.cosine import distinct_directions, finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.layout.anchoring import (
    align_procrustes,
    compute_anchors,
    direction_similarity,
    initial_coordinates,
    neighbor_recall,
)
from tensorboard_plugin_atlas.compute.layout.fuzzy_graph import (
    approximate_neighbors,
    fuzzy_graph,
    initialize_layout,
    optimize_with_umap,
    pca_coordinates,
)
from tensorboard_plugin_atlas.compute.layout.neighbors import nearest_neighbors, overlap
from tensorboard_plugin_atlas.compute.layout.noise_floor import noise_floor
from tensorboard_plugin_atlas.compute.layout.optimizer import Anchors, optimize_layout
from tensorboard_plugin_atlas.compute.layout.viewport import (
    from_map,
    is_outside,
    to_map,
    update_viewport,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

QUALITY_NEIGHBORS: Final = 15
"""Neighbors that quality and overlap are measured on, whatever `AtlasConfig.neighbors` says."""

_EXACT_UP_TO = 100_000
"""Below it, exact neighbors cost less than compiling the approximate search, in every process."""
_FEWEST_FOR_UMAP = 5
_FEWEST_DRAWN_TO = 3
_SHARE_DRAWN_TO = 2
"""At most half of the others draw a row: drawn to all of them, few rows fall into one place."""
_STEPS_AN_EPOCH = 2
"""Our steps cost less than umap-learn's epochs: there are so many times `AtlasConfig.epochs`."""
_SMALL_START = 0.1
"""A first map begins as a tenth of a spectral one, within the reach of attraction."""
_SHAKE = 0.3
"""How far a seed displaces the start of a row that lost all neighbors, raw units: about the way to
the nearest row of a map of 2,000."""
_REPEATS = 2
"""Times a later map is laid out again, to learn what moves by chance."""
_ONE_REPEAT_FROM = 1_000
"""Rows from which one repeat tells it as well."""
_RESUMED_WIDTH = 20.0
ROOM_ON_A_LINE: Final = 0.1
"""Length of a line for each row on it, in raw units."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where N samples lie on the map, and what the next checkpoint needs to start from.

    Attributes:
        xy: (N, 2) float32 in (0, 1): x to the right, y down.
        raw: (N, 2) float32: the same places in the optimizer's own units.
        viewport: (2, 2) float32: low and high corner, (x, y) each, in raw units. Module `viewport`
            maps it to the unit square.
        clamped: (N,) bool: the place lay outside the viewport and was drawn in its rim.
        invalid: (N,) bool: the row held NaN or infinity. It keeps its previous place, or gets the
            center of the map; it took no part in the fit and must take none in means.
        neighbors: (N, k) int32: true nearest samples by cosine, nearest first, k = 15 or one less
            than the valid samples; -1 throughout an invalid row.
        noise_floor: (N,) float32, map units: how far a sample moves by chance; of such moves one in
            twenty is larger. None for a map that continues no other.
        activations: (N, C) that it was made of, or None where the next map shall not ask which of
            them turned.
        notes: Sentences about fallbacks that a reader of the map must know.
    """

    xy: FloatArray
    raw: FloatArray
    viewport: FloatArray
    clamped: NDArray[np.bool_]
    invalid: NDArray[np.bool_]
    neighbors: IntArray
    noise_floor: FloatArray | None = None
    activations: NDArray[Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def viewport_corners(self) -> tuple[float, float, float, float]:
        """The viewport as `Atlas.viewport` has it: (x0, y0, x1, y1)."""
        (x0, y0), (x1, y1) = self.viewport.tolist()
        return x0, y0, x1, y1


@dataclass(frozen=True, eq=False)
class _Directions:
    """The U distinct directions among V valid rows: what the optimizer places.

    Attributes:
        valid: (V,) indices of the valid rows.
        first: (U,) indices into `valid`: where each direction appears first.
        group: (V,) indices into `first`: the direction of each valid row.
        unit: (U, C) directions.
        graph: (U, U) fuzzy graph, or None where there are too few for one.
    """

    valid: NDArray[np.intp]
    first: NDArray[np.intp]
    group: NDArray[np.intp]
    unit: FloatArray
    graph: scipy.sparse.csr_matrix | None

    @property
    def rows(self) -> NDArray[np.intp]:
        """(U,) indices of the rows that stand for their direction."""
        return self.valid[self.first]


@dataclass(frozen=True, eq=False)
class _Plan:
    """How U directions will be placed, whatever the seed.

    Attributes:
        place: Seed to (U, 2) raw places.
        continued: Whether they continue the previous map.
        notes: What a reader must know of it.
    """

    place: Callable[[int], FloatArray]
    continued: bool
    notes: tuple[str, ...] = ()


def compute_layout(
    activations: NDArray[Any],
    previous: Layout | None = None,
    *,
    config: AtlasConfig,
    is_line: bool = False,
    with_floor: bool = True,
) -> Layout:
    """Places similar samples near each other in the unit square.

    Args:
        activations: (N, C) of any float type; row j is the same sample as in `previous`.
        previous: Layout to continue, with the viewport to keep, or None: of the last checkpoint, or
            of another run with the same probe, whose layer may have another width.
        config: `neighbors`, `min_dist`, `epochs`, `stability`, `layout` and `seed` are read.
        is_line: Along the horizontal middle line of the square only, as `previous` must be: forces
            act between places, so that what is on a line stays there.
        with_floor: Whether to measure the noise floor, which takes as long again.

    Returns:
        The layout. Equal arguments give equal bytes on one machine.

    Raises:
        ArgumentError: if `activations` is not a non-empty matrix, holds no finite row, or has
            another number of rows than `previous`.
    """
    rows = np.asarray(activations)
    finite = _checked(rows, previous)
    found, neighbors = _directions(rows, finite, config)
    kept = np.zeros(len(rows), np.float32)
    if previous is not None:
        kept = overlap(neighbors, previous.neighbors)
    plan = _plan(rows, found, neighbors, kept, previous, config, is_line)
    has_floor = plan.continued and with_floor
    places = plan.place(config.seed)

    viewport, viewport_notes = update_viewport(
        places, None if previous is None else previous.viewport
    )
    raw = (
        np.tile(viewport.mean(axis=0), (len(rows), 1)) if previous is None else previous.raw.copy()
    )
    raw[found.valid] = places[found.group]
    return Layout(
        xy=to_map(raw, viewport),
        raw=raw,
        viewport=viewport,
        clamped=is_outside(raw, viewport) & finite,
        invalid=~finite,
        neighbors=neighbors,
        noise_floor=_floor(found, plan, places, kept, viewport, config) if has_floor else None,
        activations=rows,
        notes=(*_notes(rows, found), *plan.notes, *viewport_notes),
    )


def compute_relayout(
    activations_by_step: Sequence[NDArray[Any]], config: AtlasConfig
) -> list[Layout]:
    """Lays a finished run out again, from its last checkpoint to its first.

    A map that grew forwards keeps something of the random network that it began with. Backwards,
    the last map is as good as one by itself, and decides the viewport.

    Args:
        activations_by_step: (N, C) of each checkpoint, first to last.
        config: As for `compute_layout`.

    Returns:
        Layouts, first to last. `noise_floor` is, as ever, that of the move from the layout before.

    Raises:
        ArgumentError: as `compute_layout` does.
    """
    backwards: list[Layout] = []
    for activations in reversed(activations_by_step):
        backwards.append(
            compute_layout(activations, backwards[-1] if backwards else None, config=config)
        )
    # The floor of a move belongs to where it ends, and time runs forwards again.
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
    config: AtlasConfig,
) -> Layout:
    """Rebuilds the `previous` argument of `compute_layout` from an atlas of a log.

    Args:
        xy: (N, 2) places in [0, 1].
        activations: (N, C) of the same samples, of this run or of another.
        viewport: `Atlas.viewport`: (x0, y0, x1, y1) in raw units. None in old logs: the map is then
            assumed to be twenty raw units wide, which is typical of a few thousand samples; the
            optimizer corrects the rest.
        config: The recipe that the next layout will use.

    Returns:
        A layout with the same `xy`, and the same `raw` to the rounding of a float32.
    """
    rows = np.asarray(activations)
    finite = _checked(rows, None)
    valid = np.flatnonzero(finite)
    indices, _ = _neighbors(unit_rows(rows[valid]), QUALITY_NEIGHBORS, config)
    corners = np.array(viewport or (0, 0, _RESUMED_WIDTH, _RESUMED_WIDTH), np.float32).reshape(2, 2)
    raw = from_map(np.asarray(xy, np.float32), corners)
    return Layout(
        xy=np.asarray(xy, np.float32),
        raw=raw,
        viewport=corners,
        clamped=is_outside(raw, corners) & finite,
        invalid=~finite,
        neighbors=_spread_out(indices, valid, len(rows)),
        activations=rows,
    )


def _checked(rows: NDArray[Any], previous: Layout | None) -> NDArray[np.bool_]:
    """Returns which rows are finite, or raises what `compute_layout` documents."""
    if rows.ndim != 2 or 0 in rows.shape or not np.issubdtype(rows.dtype, np.floating):
        raise ArgumentError(
            f"activations={rows.dtype} array of shape {rows.shape}: "
            "pass floats of shape (samples, channels) with at least one of each"
        )
    finite = finite_rows(rows)
    if not finite.any():
        raise ArgumentError(
            f"activations: all {len(rows):,} samples hold NaN or infinity, so there is no map to "
            "draw; check that the loss is finite, or log an earlier step"
        )
    if previous is not None and len(previous.raw) != len(rows):
        raise ArgumentError(
            f"previous: a layout of {len(previous.raw):,} samples, but activations holds "
            f"{len(rows):,}; pass the layout of the same probe, or previous=None to start afresh"
        )
    return finite


def _notes(rows: NDArray[Any], found: _Directions) -> list[str]:
    valid, directions = found.valid, len(found.first)
    notes = []
    broken = len(rows) - len(valid)
    if broken:
        notes.append(f"layout: {broken:,} samples hold NaN or infinity; placed, never averaged")
    zero = int((~rows[valid].any(axis=1)).sum())
    if zero:
        notes.append(f"layout: {zero:,} samples are all zero; they share one place")
    if len(valid) > 1 and directions == 1:
        notes.append("layout: all samples point the same way; they share one place")
    elif directions + zero < 0.9 * len(valid):
        notes.append(f"layout: {len(valid):,} samples point in only {directions:,} directions")
    return notes


def _neighbors(unit: FloatArray, k: int, config: AtlasConfig) -> tuple[IntArray, FloatArray]:
    k = min(k, len(unit) - 1)
    if len(unit) <= _EXACT_UP_TO:
        return nearest_neighbors(unit, k)
    return approximate_neighbors(unit, k, config.seed)


def _spread_out(indices: IntArray, valid: NDArray[np.intp], rows: int) -> IntArray:
    """Turns neighbors among the valid rows into neighbors among all `rows`."""
    everywhere = np.full((rows, indices.shape[1]), -1, np.int32)
    everywhere[valid] = valid[indices]
    return everywhere


def _directions(
    rows: NDArray[Any], finite: NDArray[np.bool_], config: AtlasConfig
) -> tuple[_Directions, IntArray]:
    """Returns the distinct directions with their graph, and the (N, k) neighbors of all rows."""
    valid = np.flatnonzero(finite)
    unit = unit_rows(rows[valid])
    first, group = distinct_directions(unit)
    asked = config.neighbors - 1
    indices, distances = _neighbors(unit, max(QUALITY_NEIGHBORS, asked), config)
    neighbors = _spread_out(indices[:, :QUALITY_NEIGHBORS], valid, len(rows))
    if len(first) < len(unit):
        unit = unit[first]
        indices, distances = _neighbors(unit, asked, config)
    graph = None
    if len(unit) >= _FEWEST_FOR_UMAP:
        k = min(asked, max(_FEWEST_DRAWN_TO, (len(unit) - 1) // _SHARE_DRAWN_TO))
        graph = fuzzy_graph(indices[:, :k], distances[:, :k])
    return _Directions(valid, first, group, unit, graph), neighbors


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
        return _by_itself(found, None, config, is_line)
    before = previous.raw[found.rows]
    if found.graph is None:
        return _by_itself(found, before, config, is_line)
    if _collapsed(before):
        afresh = "layout: started afresh, the previous map held too few places"
        plan = _by_itself(found, None, config, is_line)
        return dataclasses.replace(plan, notes=(afresh, *plan.notes))
    if config.layout == "umap":
        return _by_umap(found.graph, _apart(before, config.seed, is_line), config)
    if config.stability == 0:
        return _by_itself(found, before, config, is_line)
    before = _apart(before, config.seed, is_line)
    kept = kept[found.rows]
    faith = neighbor_recall(previous.raw, neighbors)[found.rows]
    was = None if previous.activations is None else previous.activations[found.rows]
    constant = direction_similarity(rows[found.rows], was)
    tether = compute_anchors(before, kept, faith, constant, config.stability)
    start = initial_coordinates(before, found.graph, kept)
    return _anchored(found.graph, start, tether, config, is_line)


def _by_itself(
    found: _Directions, before: FloatArray | None, config: AtlasConfig, is_line: bool
) -> _Plan:
    """Plans an independent map, turned onto the places `before` if there are any."""
    graph = found.graph
    note = None if graph is None else initialize_layout(found.unit, graph, config.seed)[1]

    def place(seed: int) -> FloatArray:
        if graph is None:
            places = pca_coordinates(found.unit)
        elif config.layout == "umap":
            start, _ = initialize_layout(found.unit, graph, seed)
            places = _by_umap(graph, start, config).place(seed)
        else:
            start, _ = initialize_layout(found.unit, graph, seed)
            places = optimize_layout(_SMALL_START * start, graph, steps=_steps(config))
        if is_line:
            places = _on_a_line(places, graph, config, seed)
        return places if before is None else align_procrustes(places, before)

    return _Plan(place, before is not None, () if note is None else (note,))


def _on_a_line(
    places: FloatArray, graph: scipy.sparse.csr_matrix | None, config: AtlasConfig, seed: int
) -> FloatArray:
    """Unrolls a map: its longest axis, with room for every row, then optimized on that line.

    On a line rows cannot pass each other but through each other. Given room they do: on two layers
    of a CIFAR-10 network 2,000 rows reach a trustworthiness of .91 to .96, where the axis as it is
    has .72 to .81, and a line that starts as a spectral embedding .58 to .61.
    """
    centered = places - places.mean(axis=0)
    # By einsum: the sums of a BLAS over many rows differ with its threads.
    longest = np.linalg.eigh(np.einsum("ni,nj->ij", centered, centered))[1][:, -1]
    along = np.einsum("ni,i->n", centered, longest)
    # An axis has no direction of its own; one that rounding decides would turn maps about.
    along *= 1 if along[np.abs(along).argmax()] >= 0 else -1
    width = float(np.ptp(along))
    if width > 0:
        along *= max(1.0, ROOM_ON_A_LINE * len(along) / width)
    start = np.zeros((len(along), 2), np.float32)
    start[:, 0] = along
    if graph is None:
        return start
    return optimize_layout(start, graph, steps=_steps(config))


def _by_umap(graph: scipy.sparse.csr_matrix, start: FloatArray, config: AtlasConfig) -> _Plan:
    """Plans a map by umap-learn's own optimizer, from `start`."""
    return _Plan(
        lambda seed: optimize_with_umap(
            start, graph, min_dist=config.min_dist, epochs=config.epochs, seed=seed
        ),
        True,
    )


def _anchored(
    graph: scipy.sparse.csr_matrix,
    start: FloatArray,
    tether: Anchors,
    config: AtlasConfig,
    is_line: bool,
) -> _Plan:
    """Plans a map whose rows are held to where they were."""

    def place(seed: int) -> FloatArray:
        shaken = _shaken(start, tether.mobility, seed, is_line)
        return optimize_layout(shaken, graph, steps=_steps(config), tether=tether)

    return _Plan(place, True)


def _shaken(start: FloatArray, mobility: FloatArray, seed: int, is_line: bool) -> FloatArray:
    """Returns a start a little beside: what may move must not hang on the very spot it was at."""
    noise = _noise(start.shape, _SHAKE, seed, is_line)
    shaken: FloatArray = (start + mobility[:, None] * noise).astype(np.float32)
    return shaken


def _steps(config: AtlasConfig) -> int:
    return config.epochs * _STEPS_AN_EPOCH


def _floor(
    found: _Directions,
    plan: _Plan,
    places: FloatArray,
    kept: FloatArray,
    viewport: FloatArray,
    config: AtlasConfig,
) -> FloatArray:
    """Lays the same rows out again with other seeds; returns the (N,) noise floor."""
    repeats = _REPEATS if len(places) < _ONE_REPEAT_FROM else 1
    maps = [to_map(plan.place(config.seed + r), viewport) for r in range(1, repeats + 1)]
    floor = np.zeros(len(kept), np.float32)
    again = [drawn[found.group] for drawn in (to_map(places, viewport), *maps)]
    floor[found.valid] = noise_floor(again, kept[found.valid])
    return floor


def _collapsed(start: FloatArray) -> bool:
    """Tells whether fewer than half of the previous places differ."""
    return 2 * len(np.unique(start, axis=0)) < len(start)


def _apart(start: FloatArray, seed: int, is_line: bool) -> FloatArray:
    """Moves rows that shared a place a thousandth of the map apart: the optimizer cannot."""
    _, group, counts = np.unique(start, axis=0, return_inverse=True, return_counts=True)
    shared = counts[group.ravel()] > 1
    step = 1e-3 * np.ptp(start, axis=0).max()
    noise = _noise(start.shape, step, seed, is_line)
    return np.where(shared[:, None], start + noise, start).astype(np.float32)


def _noise(shape: tuple[int, ...], scale: float, seed: int, is_line: bool) -> NDArray[np.float64]:
    """Returns (N, 2) normal displacements, on a line along it only."""
    noise = np.random.RandomState(seed).normal(scale=scale, size=shape)
    if is_line:
        noise[:, 1] = 0
    return noise
