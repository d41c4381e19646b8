# SPDX-License-Identifier: Apache-2.0
"""Synthetic runs with known merges and splits, and atlases of them, without a model.

The samples of a run are divided into *units*, which never separate. In each phase, units form
clusters: the samples of a cluster scatter around one common direction, and each sample outside all
clusters scatters around a direction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray
from synthetic_atlases import make_grid

from tensorboard_plugin_atlas.atlas import Atlas, Event, Provenance, Quality, Samples
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

Cluster = frozenset[int]
"""The units of a cluster."""


@dataclass(frozen=True)
class PlantedEvent:
    """A merge or a split that a run contains.

    Attributes:
        kind: "merges" or "splits".
        first: Step at which it starts.
        last: Step at which it is complete.
        parts: The clusters that merge into one, or into which one splits.
    """

    kind: str
    first: int
    last: int
    parts: tuple[Cluster, ...]


@dataclass(frozen=True, eq=False)
class SyntheticRun:
    """Activations of one run, and its merges and splits.

    Attributes:
        activations: One (N, C) array for each step.
        unit: (N,) unit of each sample, -1 for none.
        planted: All merges and splits.
    """

    activations: list[NDArray[np.float64]]
    unit: NDArray[np.int64]
    planted: tuple[PlantedEvent, ...]


def simulate_run(
    sizes: Sequence[int],
    phases: Sequence[Iterable[Iterable[int]]],
    *,
    channels: int = 64,
    noise: float = 1.0,
    noise_renewal: float = 0.4,
    ramp: int = 1,
    hold: int = 2,
    outliers: int = 0,
    drift: float = 0.0,
    rectified: bool = False,
    seed: int = 0,
) -> SyntheticRun:
    """Simulates a run that passes through several phases.

    Args:
        sizes: Number of samples of each unit.
        phases: The clusters of each phase, as sets of units. Other units are scattered.
        channels: C.
        noise: Length of a sample's own component; the direction of a cluster has length one.
        noise_renewal: Share of that component that is sampled again at each step, from 0 to 1.
        ramp: Number of steps over which a phase changes into the next.
        hold: Number of further steps during which a phase does not change.
        outliers: Number of samples that belong to no unit.
        drift: Length by which each direction turns at every step.
        rectified: Whether to apply a ReLU, as most layers do; all samples then share a large mean.
        seed: Seed of all random numbers.
    """
    random = np.random.default_rng(seed)
    clusters = [[frozenset(cluster) for cluster in phase] for phase in phases]
    direction = {
        cluster: _normalize(random.normal(size=channels))
        for cluster in sorted(set().union(*clusters), key=str)
    }
    unit = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), np.full(outliers, -1)])
    own = random.normal(size=(len(unit), channels)) / np.sqrt(channels)
    lone = 1.5 * random.normal(size=(len(unit), channels)) / np.sqrt(channels)
    activations = []
    for before, after, share in _steps(clusters, ramp, hold):
        for cluster in direction:
            turned = direction[cluster] + drift * random.normal(size=channels) / np.sqrt(channels)
            direction[cluster] = _normalize(turned)
        start, end = (_centers(phase, direction, unit, lone) for phase in (before, after))
        center = _interpolate(start, end, share)
        new = random.normal(size=own.shape) / np.sqrt(channels)
        rows = center + noise * (np.sqrt(1 - noise_renewal**2) * own + noise_renewal * new)
        activations.append(np.maximum(rows, 0) if rectified else rows)
    return SyntheticRun(activations, unit, tuple(_find_events(clusters, ramp, hold)))


def _normalize(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)


def _interpolate(
    start: NDArray[np.float64], end: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Interpolates directions linearly and lengths separately, so that no row becomes shorter."""
    length, to = (np.linalg.norm(rows, axis=1, keepdims=True) for rows in (start, end))
    straight = (1 - share) * start + share * end
    now = np.linalg.norm(straight, axis=1, keepdims=True)
    return straight * ((1 - share) * length + share * to) / now


def _steps(
    clusters: list[list[Cluster]], ramp: int, hold: int
) -> Iterable[tuple[list[Cluster], list[Cluster], float]]:
    yield from [(clusters[0], clusters[0], 0.0)] * hold
    for before, after in pairwise(clusters):
        yield from [(before, after, (i + 1) / ramp) for i in range(ramp)]
        yield from [(after, after, 0.0)] * hold


def _centers(
    phase: list[Cluster],
    direction: dict[Cluster, NDArray[np.float64]],
    unit: NDArray[np.int64],
    lone: NDArray[np.float64],
) -> NDArray[np.float64]:
    center = lone.copy()
    for cluster in phase:
        center[np.isin(unit, list(cluster))] = direction[cluster]
    return center


def _find_events(clusters: list[list[Cluster]], ramp: int, hold: int) -> Iterable[PlantedEvent]:
    for phase, (before, after) in enumerate(pairwise(clusters)):
        first = hold + phase * (ramp + hold)
        for kind, whole, pieces in (("merges", after, before), ("splits", before, after)):
            for cluster in whole:
                parts = tuple(piece for piece in pieces if piece < cluster)
                if len(parts) > 1 and frozenset().union(*parts) == cluster:
                    yield PlantedEvent(kind, first, first + ramp - 1, parts)


def make_atlases(
    history: SyntheticRun | Sequence[NDArray[np.float64]],
    *,
    labels: NDArray[np.int64] | None = None,
    classes: tuple[str, ...] | None = None,
    every: int = 100,
    layer: str = "layer3",
) -> list[Atlas]:
    """Makes an atlas of each step. The map is arbitrary: concepts do not depend on it."""
    steps = history.activations if isinstance(history, SyntheticRun) else history
    return [
        atlas_from_activations(
            rows, step=i * every, sequence=i + 1, labels=labels, classes=classes, layer=layer
        )
        for i, rows in enumerate(steps)
    ]


def atlas_from_activations(
    rows: NDArray[np.floating],
    *,
    step: int = 0,
    sequence: int = 1,
    labels: NDArray[np.int64] | None = None,
    classes: tuple[str, ...] | None = None,
    layer: str = "layer3",
    probe: str = "5a5a" * 8,
) -> Atlas:
    """Makes an atlas of (N, C) activations."""
    n = len(rows)
    xy = np.random.default_rng(3).random((n, 2)).astype(np.float32)
    labels = None if labels is None else labels.astype(np.int32)
    corner = np.zeros((n, 2), np.int32)
    return Atlas(
        layer=layer,
        step=step,
        wall_time=1_700_000_000.0 + step,
        sequence=sequence,
        classes=classes,
        samples=Samples(
            xy=xy,
            image_ids=np.arange(n, dtype=np.int32),
            positions=corner,
            boxes=np.concatenate([corner, corner + 8], axis=1),
            clamped=np.zeros(n, bool),
            labels=labels,
            activations=store_activations(np.asarray(rows, np.float32)),
        ),
        grids=(make_grid(4, xy, np.zeros(n, np.int32), 8, 1),) if n else (),
        quality=Quality(trustworthiness=None, knn_kept=None),
        provenance=Provenance(settings=AtlasConfig().as_dict(), probe=probe, model="Simulated"),
    )


@dataclass
class EventScore:
    """Counts of planted and detected merges and splits, and of those that agree."""

    planted: int = 0
    found: int = 0
    hits: int = 0

    @property
    def precision(self) -> float:
        return self.hits / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.hits / self.planted if self.planted else 1.0


def score_events(
    history: SyntheticRun, tracked: Sequence[Atlas], score: EventScore, every: int = 100
) -> None:
    """Adds the detected merges and splits of tracked atlases to a score.

    An event is a hit if its kind and step are right and each part corresponds to one of its
    concepts, with an intersection over union of at least 0.5.
    """
    waiting = list(history.planted)
    score.planted += len(waiting)
    for before, atlas in pairwise(tracked):
        for event in atlas.events:
            if event.kind not in ("merges", "splits"):
                continue
            score.found += 1
            step = atlas.step // every
            for planted in waiting:
                right = planted.kind == event.kind and planted.first <= step <= planted.last
                if right and _same_parts(planted, event, before, atlas, history.unit):
                    waiting.remove(planted)
                    score.hits += 1
                    break


def _same_parts(
    planted: PlantedEvent, event: Event, before: Atlas, atlas: Atlas, unit: NDArray[np.int64]
) -> bool:
    side, ids = (before, event.before) if planted.kind == "merges" else (atlas, event.after)
    found = [side.samples.concepts == identity for identity in ids]
    wanted = [np.isin(unit, list(part)) for part in planted.parts]
    return len(found) == len(wanted) and any(
        all((a & b).sum() >= 0.5 * (a | b).sum() for a, b in zip(order, wanted, strict=True))
        for order in permutations(found)
    )
