# SPDX-License-Identifier: Apache-2.0
"""Activations to places on the map: a pure function of the samples and the layout before.

UMAP's objective over exact cosine neighbours (umap-learn's optimiser), spectral start for a first
checkpoint, the previous places for a later one, then the 1st to 99th percentile frame to [0, 1]^2.
Rows of the same direction share one place: they are one row to the optimiser, so hundreds of
duplicates cannot tear the neighbour graph apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.cosine import (
    distinct_directions,
    finite_rows,
    nearest,
    unit_rows,
)
from tensorboard_plugin_atlas.compute.umap_pieces import (
    first_start,
    fuzzy_graph,
    nearest_approximate,
    optimise,
    principal_places,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

QUALITY_NEIGHBORS: Final = 15
"""Neighbours that quality and overlap are measured on, whatever `AtlasConfig.neighbors` says."""

_EXACT_UP_TO = 40_000
"""Below it, exact neighbours cost less than compiling the approximate search, in every process."""
_FEWEST_FOR_UMAP = 5
_PERCENTILES = (1.0, 99.0)
_MARGIN = 0.075
_STRAYED_LIMIT = 0.02
_SHRUNK_LIMIT = 0.5
_RESUMED_WIDTH = 20.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where N samples lie on the map, and what the next checkpoint needs to start from.

    Attributes:
        xy: (N, 2) float32 in [0, 1]: x to the right, y down.
        raw: (N, 2) float32: the same places in the optimiser's own units.
        frame: (2, 2) float32: low corner (x, y) and high corner (x, y) in raw units; it becomes
            the unit square.
        clamped: (N,) bool: the place lay outside the frame and was moved to its rim.
        invalid: (N,) bool: the row held NaN or infinity. It keeps its previous place, or gets the
            centre of the map; it took no part in the fit and must take none in means.
        neighbours: (N, k) int32: true nearest samples by cosine, nearest first, k = 15 or one less
            than the valid samples; -1 throughout an invalid row.
        notes: Sentences about fallbacks that a reader of the map must know.
    """

    xy: FloatArray
    raw: FloatArray
    frame: FloatArray
    clamped: NDArray[np.bool_]
    invalid: NDArray[np.bool_]
    neighbours: IntArray
    notes: tuple[str, ...] = ()


def lay_out(
    activations: NDArray[Any], previous: Layout | None = None, *, config: AtlasConfig
) -> Layout:
    """Places similar samples near each other in the unit square.

    Args:
        activations: (N, C) of any float type; row j is the same sample as in `previous`.
        previous: Layout of the checkpoint before, to start from and whose frame to keep, or None.
        config: `neighbors`, `min_dist`, `epochs` and `seed` are read.

    Returns:
        The layout. Equal arguments give equal bytes on one machine.

    Raises:
        ArgumentError: if `activations` is not a non-empty matrix, holds no finite row, or has
            another number of rows than `previous`.
    """
    rows = np.asarray(activations)
    finite = _checked(rows, previous)
    valid = np.flatnonzero(finite)
    unit = unit_rows(rows[valid])
    first, group = distinct_directions(unit)
    notes = _notes(rows, valid, len(first))

    indices, distances = _neighbours(unit, max(QUALITY_NEIGHBORS, config.neighbors - 1), config)
    neighbours = _spread_out(indices[:, :QUALITY_NEIGHBORS], valid, len(rows))
    if len(first) < len(unit):
        unit = unit[first]
        indices, distances = _neighbours(unit, config.neighbors - 1, config)
    start = None if previous is None else previous.raw[valid[first]]
    k = config.neighbors - 1
    places, fit_notes = _fit(unit, indices[:, :k], distances[:, :k], start, config)

    frame, frame_note = _frame(places, None if previous is None else previous.frame)
    raw = np.tile(frame.mean(axis=0), (len(rows), 1)) if previous is None else previous.raw.copy()
    raw[valid] = places[group]
    return Layout(
        xy=np.clip((raw - frame[0]) / (frame[1] - frame[0]), 0, 1).astype(np.float32),
        raw=raw,
        frame=frame,
        clamped=_outside(raw, frame) & finite,
        invalid=~finite,
        neighbours=neighbours,
        notes=(*notes, *fit_notes, *frame_note),
    )


def resume(xy: FloatArray, activations: NDArray[Any], *, config: AtlasConfig) -> Layout:
    """Rebuilds what `lay_out` needs as `previous` from an atlas that was read back from a log.

    The frame is not logged, so the map is taken to be twenty raw units wide, about what UMAP makes
    of a few thousand samples; the optimiser corrects the rest.

    Args:
        xy: (N, 2) places in [0, 1].
        activations: (N, C) of the same samples.
        config: The recipe that the next layout will use.

    Returns:
        A layout with the same `xy`.
    """
    rows = np.asarray(activations)
    finite = _checked(rows, None)
    valid = np.flatnonzero(finite)
    indices, _ = _neighbours(unit_rows(rows[valid]), QUALITY_NEIGHBORS, config)
    places = np.asarray(xy, np.float32)
    return Layout(
        xy=places,
        raw=places * np.float32(_RESUMED_WIDTH),
        frame=np.array([[0, 0], [_RESUMED_WIDTH, _RESUMED_WIDTH]], np.float32),
        clamped=((places <= 0) | (places >= 1)).any(axis=1) & finite,
        invalid=~finite,
        neighbours=_spread_out(indices, valid, len(rows)),
    )


def _checked(rows: NDArray[Any], previous: Layout | None) -> NDArray[np.bool_]:
    """Returns which rows are finite, or raises what `lay_out` documents."""
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


def _notes(rows: NDArray[Any], valid: NDArray[np.intp], directions: int) -> list[str]:
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


def _neighbours(unit: FloatArray, k: int, config: AtlasConfig) -> tuple[IntArray, FloatArray]:
    k = min(k, len(unit) - 1)
    if len(unit) <= _EXACT_UP_TO:
        return nearest(unit, k)
    return nearest_approximate(unit, k, config.seed)


def _spread_out(indices: IntArray, valid: NDArray[np.intp], rows: int) -> IntArray:
    """Turns neighbours among the valid rows into neighbours among all `rows`."""
    everywhere = np.full((rows, indices.shape[1]), -1, np.int32)
    everywhere[valid] = valid[indices]
    return everywhere


def _fit(
    unit: FloatArray,
    indices: IntArray,
    distances: FloatArray,
    start: FloatArray | None,
    config: AtlasConfig,
) -> tuple[FloatArray, tuple[str, ...]]:
    """Places U distinct directions; returns (U, 2) raw places and notes."""
    if len(unit) < _FEWEST_FOR_UMAP:
        return principal_places(unit), ()
    graph = fuzzy_graph(indices, distances)
    notes: tuple[str, ...] = ()
    if start is None or _collapsed(start):
        fresh, note = first_start(unit, graph, config.seed)
        notes = (note,) if note else ()
        if start is not None:
            notes = ("layout: started afresh, the previous map held too few places", *notes)
        start = fresh
    else:
        start = _apart(start, config.seed)
    places = optimise(
        start, graph, min_dist=config.min_dist, epochs=config.epochs, seed=config.seed
    )
    return places, notes


def _collapsed(start: FloatArray) -> bool:
    """Tells whether fewer than half of the previous places differ."""
    return 2 * len(np.unique(start, axis=0)) < len(start)


def _apart(start: FloatArray, seed: int) -> FloatArray:
    """Moves rows that shared a place a thousandth of the map apart: the optimiser cannot."""
    _, group, counts = np.unique(start, axis=0, return_inverse=True, return_counts=True)
    shared = counts[group.ravel()] > 1
    step = 1e-3 * np.ptp(start, axis=0).max()
    noise = np.random.RandomState(seed).normal(scale=step, size=start.shape)
    return np.where(shared[:, None], start + noise, start).astype(np.float32)


def _frame(places: FloatArray, previous: FloatArray | None) -> tuple[FloatArray, tuple[str, ...]]:
    """Chooses the (2, 2) frame: the previous one while it fits, so that still samples stay still.

    It fits unless over 2 % more of the places fall outside it than outside their own percentile
    frame, or they fill less than half of one of its sides.
    """
    low, high = np.percentile(places, _PERCENTILES, axis=0)
    span = high - low
    span = np.where(span > 1e-3 * span.max(), span, span.max() or 1.0)
    reach = span * (0.5 + _MARGIN)
    own = np.stack([(low + high) / 2 - reach, (low + high) / 2 + reach]).astype(np.float32)
    if previous is None:
        return own, ()
    strayed = _outside(places, previous).mean() - _outside(places, own).mean()
    shrunk = ((own[1] - own[0]) < _SHRUNK_LIMIT * (previous[1] - previous[0])).any()
    if strayed <= _STRAYED_LIMIT and not shrunk:
        return previous, ()
    return own, ("layout: the frame changed, motion since the last step includes its move",)


def _outside(places: FloatArray, frame: FloatArray) -> NDArray[np.bool_]:
    outside: NDArray[np.bool_] = ((places < frame[0]) | (places > frame[1])).any(axis=1)
    return outside
