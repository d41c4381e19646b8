# SPDX-License-Identifier: Apache-2.0
"""Synthetic runs whose merges and splits are known, and atlases made of them without a model.

A run is a play of *troupes*: sets of rows that never part. At each step the troupes stand in
blocks; rows of one block scatter around one direction, rows of no block around their own.
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

Block = frozenset[int]


@dataclass(frozen=True)
class Planted:
    """A merge or a split that a run really holds.

    Attributes:
        kind: "merges" or "splits".
        first: Step at which it begins.
        last: Step at which it is complete.
        parts: The blocks that become one, or that one becomes.
    """

    kind: str
    first: int
    last: int
    parts: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class History:
    """Activations of one run and what is planted in it.

    Attributes:
        activations: (C-wide rows) one (N, C) array for each step.
        troupe: (N,) the troupe of each row, -1 for none.
        planted: What really happens.
    """

    activations: list[NDArray[np.float64]]
    troupe: NDArray[np.int64]
    planted: tuple[Planted, ...]


def play(
    sizes: Sequence[int],
    scenes: Sequence[Iterable[Iterable[int]]],
    *,
    channels: int = 64,
    noise: float = 1.0,
    fresh: float = 0.4,
    ramp: int = 1,
    hold: int = 2,
    strays: int = 0,
    drift: float = 0.0,
    rectified: bool = False,
    seed: int = 0,
) -> History:
    """Plays scenes one after the other.

    Args:
        sizes: Rows of each troupe.
        scenes: The blocks of each scene: sets of troupes; troupes in no block are scattered.
        channels: C.
        noise: Length of a row's own part, where the block's direction has length one.
        fresh: Share of that part that is drawn anew at each step, from 0 to 1.
        ramp: Steps over which a scene turns into the next.
        hold: Steps that a scene is held besides.
        strays: Rows that belong to no troupe at all.
        drift: Length by which each direction turns at every step.
        rectified: Whether rows pass a ReLU, as most layers' do: then all share a large mean.
        seed: Seeds everything.
    """
    random = np.random.default_rng(seed)
    cast = [[frozenset(block) for block in scene] for scene in scenes]
    direction = {
        block: _unit(random.normal(size=channels)) for block in sorted(set().union(*cast), key=str)
    }
    troupe = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), np.full(strays, -1)])
    own = random.normal(size=(len(troupe), channels)) / np.sqrt(channels)
    lone = 1.5 * random.normal(size=(len(troupe), channels)) / np.sqrt(channels)
    activations = []
    for before, after, share in _steps(cast, ramp, hold):
        for block in direction:
            turned = direction[block] + drift * random.normal(size=channels) / np.sqrt(channels)
            direction[block] = _unit(turned)
        start, end = (_centers(scene, direction, troupe, lone) for scene in (before, after))
        center = _between(start, end, share)
        new = random.normal(size=own.shape) / np.sqrt(channels)
        rows = center + noise * (np.sqrt(1 - fresh**2) * own + fresh * new)
        activations.append(np.maximum(rows, 0) if rectified else rows)
    return History(activations, troupe, tuple(_planted(cast, ramp, hold)))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)


def _between(
    start: NDArray[np.float64], end: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Goes straight from one to the other without growing shorter on the way."""
    length, to = (np.linalg.norm(rows, axis=1, keepdims=True) for rows in (start, end))
    straight = (1 - share) * start + share * end
    now = np.linalg.norm(straight, axis=1, keepdims=True)
    return straight * ((1 - share) * length + share * to) / now


def _steps(
    cast: list[list[Block]], ramp: int, hold: int
) -> Iterable[tuple[list[Block], list[Block], float]]:
    yield from [(cast[0], cast[0], 0.0)] * hold
    for before, after in pairwise(cast):
        yield from [(before, after, (i + 1) / ramp) for i in range(ramp)]
        yield from [(after, after, 0.0)] * hold


def _centers(
    scene: list[Block],
    direction: dict[Block, NDArray[np.float64]],
    troupe: NDArray[np.int64],
    lone: NDArray[np.float64],
) -> NDArray[np.float64]:
    center = lone.copy()
    for block in scene:
        center[np.isin(troupe, list(block))] = direction[block]
    return center


def _planted(cast: list[list[Block]], ramp: int, hold: int) -> Iterable[Planted]:
    for scene, (before, after) in enumerate(pairwise(cast)):
        first = hold + scene * (ramp + hold)
        for kind, whole, pieces in (("merges", after, before), ("splits", before, after)):
            for block in whole:
                parts = tuple(piece for piece in pieces if piece < block)
                if len(parts) > 1 and frozenset().union(*parts) == block:
                    yield Planted(kind, first, first + ramp - 1, parts)


def atlases_of(
    history: History | Sequence[NDArray[np.float64]],
    *,
    labels: NDArray[np.int64] | None = None,
    classes: tuple[str, ...] | None = None,
    every: int = 100,
    layer: str = "layer3",
) -> list[Atlas]:
    """Makes an atlas of each step; its map is arbitrary, since concepts do not look at it."""
    steps = history.activations if isinstance(history, History) else history
    return [
        atlas_of(rows, step=i * every, sequence=i + 1, labels=labels, classes=classes, layer=layer)
        for i, rows in enumerate(steps)
    ]


def atlas_of(
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
        provenance=Provenance(settings=AtlasConfig().as_dict(), probe=probe, model="Played"),
    )


@dataclass
class Score:
    """How many planted merges and splits were found, and how many found ones were planted."""

    planted: int = 0
    found: int = 0
    hits: int = 0

    @property
    def precision(self) -> float:
        return self.hits / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.hits / self.planted if self.planted else 1.0


def judge(history: History, traced: Sequence[Atlas], score: Score, every: int = 100) -> None:
    """Counts the merges and splits of traced atlases against the planted ones.

    One is a hit where its kind and step are right, and each part is one of its concepts: at least
    half of the samples of both are the same.
    """
    waiting = list(history.planted)
    score.planted += len(waiting)
    for before, atlas in pairwise(traced):
        for event in atlas.events:
            if event.kind not in ("merges", "splits"):
                continue
            score.found += 1
            step = atlas.step // every
            for planted in waiting:
                right = planted.kind == event.kind and planted.first <= step <= planted.last
                if right and _same_parts(planted, event, before, atlas, history.troupe):
                    waiting.remove(planted)
                    score.hits += 1
                    break


def _same_parts(
    planted: Planted, event: Event, before: Atlas, atlas: Atlas, troupe: NDArray[np.int64]
) -> bool:
    side, ids = (before, event.before) if planted.kind == "merges" else (atlas, event.after)
    found = [side.samples.concepts == identity for identity in ids]
    wanted = [np.isin(troupe, list(part)) for part in planted.parts]
    return len(found) == len(wanted) and any(
        all((a & b).sum() >= 0.5 * (a | b).sum() for a, b in zip(order, wanted, strict=True))
        for order in permutations(found)
    )
