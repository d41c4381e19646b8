# SPDX-License-Identifier: Apache-2.0
"""Activations with planted births, ends, splits and merges of overlapping concepts that drift."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PLAN = {2: ("splits", "merges"), 3: ("born", "dies"), 5: ("splits", "merges", "born", "dies")}
"""The events of each step; all other steps have none."""

_MIN_SIZE = 40
_BORN_SIZE = 50
_MAX_NEW = 40


@dataclass(frozen=True)
class PlantedChange:
    """An event of a synthetic run.

    Attributes:
        step: Index of the first activations after it.
        kind: "splits", "merges", "born" or "dies".
        rows: Samples of all concepts that it changes.
    """

    step: int
    kind: str
    rows: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ConceptRun:
    """A synthetic run.

    Attributes:
        activations: (T, N, C) float16.
        planted: Its events.
        concepts: (T, N) planted concept of each sample, -1 for samples between concepts.
    """

    activations: NDArray[np.float16]
    planted: tuple[PlantedChange, ...]
    concepts: NDArray[np.int64]


@dataclass(eq=False)
class _Scene:
    """The planted concepts of one step."""

    random: np.random.Generator
    concepts: NDArray[np.int64]
    centers: NDArray[np.float64]
    next_concept: int
    used: set[int] = field(default_factory=set)

    def alive(self) -> list[int]:
        return list(np.unique(self.concepts[self.concepts >= 0]).tolist())

    def candidates(self) -> list[int]:
        """Returns concepts that are large enough and had no event yet."""
        return [
            one
            for one in self.alive()
            if one not in self.used and (self.concepts == one).sum() >= _MIN_SIZE
        ]

    def plant(self, kind: str) -> NDArray[np.intp]:
        """Applies an event; returns the samples of the concepts that it changes."""
        return getattr(self, f"_plant_{kind}")()

    def _add(self, rows: NDArray[np.intp]) -> None:
        new = self.next_concept
        self.concepts[rows] = new
        self.centers[new] = self.random.standard_normal(self.centers.shape[1])
        self.used.add(new)
        self.next_concept += 1

    def _plant_splits(self) -> NDArray[np.intp]:
        chosen = int(self.random.choice(self.candidates()))
        rows = np.flatnonzero(self.concepts == chosen)
        self.used.add(chosen)
        self._add(self.random.permutation(rows)[: len(rows) // 2])
        return rows

    def _plant_merges(self) -> NDArray[np.intp]:
        ids = self.candidates()
        _, a, b = min(
            (float(np.linalg.norm(self.centers[a] - self.centers[b])), a, b)
            for a in ids
            for b in ids
            if a < b
        )
        rows = np.flatnonzero(np.isin(self.concepts, (a, b)))
        self.concepts[rows] = a
        self.used |= {a, b}
        return rows

    def _plant_born(self) -> NDArray[np.intp]:
        free = np.isin(self.concepts, [-1, *(set(self.alive()) - self.used)])
        rows = self.random.choice(np.flatnonzero(free), _BORN_SIZE, replace=False)
        self._add(rows)
        return rows

    def _plant_dies(self) -> NDArray[np.intp]:
        chosen = int(self.random.choice(self.candidates()))
        rows = np.flatnonzero(self.concepts == chosen)
        self.concepts[rows] = -1
        self.used.add(chosen)
        return rows


def simulate_concepts(
    seed: int,
    *,
    samples: int = 2000,
    concepts: int = 30,
    dimensions: int = 8,
    channels: int = 64,
    steps: int = 7,
    spread: float = 0.375,
    drift: float = 0.25,
    renewal: float = 0.25,
    loose: float = 0.15,
) -> ConceptRun:
    """Simulates concepts that overlap, on a continuum that drifts from step to step.

    Args:
        seed: Seed of all random numbers.
        samples: N.
        concepts: Number of concepts at the first step.
        dimensions: Dimensions of the space that the concepts lie in.
        channels: C.
        steps: T.
        spread: Standard deviation of the samples of a concept in each dimension.
        drift: How far centers and loose samples move at each step.
        renewal: Share of a sample's own deviation that is sampled again at each step.
        loose: Fraction of the samples that belong to no concept.
    """
    random = np.random.default_rng(seed)
    member = random.integers(0, concepts, samples)
    member[random.random(samples) < loose] = -1
    centers = random.standard_normal((concepts + _MAX_NEW, dimensions))
    scene = _Scene(random, member, centers, concepts)
    own = random.standard_normal((samples, dimensions))
    between = random.standard_normal((samples, dimensions)) * 1.1
    lift = random.standard_normal((dimensions, channels)) / np.sqrt(dimensions)
    mixing = random.standard_normal((channels, channels)) / np.sqrt(channels)
    activations, planted, members = [], [], []
    for step in range(steps):
        if step:
            scene.centers += 0.5 * drift * random.standard_normal(centers.shape)
            scene.centers /= np.sqrt(1 + 0.25 * drift**2)
            new = random.standard_normal(own.shape)
            own = np.sqrt(1 - renewal**2) * own + renewal * new
            between = np.sqrt(1 - drift**2) * between + drift * random.standard_normal(own.shape)
            turn = random.standard_normal(mixing.shape) / np.sqrt(channels)
            mixing = mixing + 0.25 * drift * turn
            for kind in PLAN.get(step, ()):
                planted.append(PlantedChange(step, kind, scene.plant(kind)))
        inside = scene.centers[np.maximum(scene.concepts, 0)] + spread * own
        position = np.where(scene.concepts[:, None] >= 0, inside, between)
        hidden = np.maximum(position @ lift, 0) @ mixing
        noise = 0.02 * random.standard_normal(hidden.shape)
        activations.append(np.maximum(hidden, 0) + noise)
        members.append(scene.concepts.copy())
    return ConceptRun(np.stack(activations).astype(np.float16), tuple(planted), np.stack(members))
