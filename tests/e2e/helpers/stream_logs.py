# SPDX-License-Identifier: Apache-2.0
"""A log of a run with about 30 concepts in groups that split, merge, are born, and end.

`python tests/e2e/helpers/stream_logs.py LOGDIR` writes it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2] / "helpers"))

from synthetic_atlases import make_atlas, make_grid, make_probe_pictures

from tensorboard_plugin_atlas.atlas import (
    Atlas,
    ConceptChange,
    ConceptGroup,
    ConceptState,
    Event,
)
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

STEPS = (0, 20, 50, 100, 200, 350, 600, 1000, 1600, 2500, 4000, 6000)
RUN = "story"
SAMPLES = 1200
GRIDS = (6, 12)
THINGS = ("sky", "grass", "fur", "wheel", "water", "wing", "eye", "road")
DETAILS = ("bright", "dark", "edge", "corner", "blue", "striped", "small", "left", "round")
MARKUP = "<img src=x onerror=alert(1)>\u202e"
CHURN = 0.03
CLASSES = ("airplane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class ConceptRun:
    """Concepts of all samples of a run, changed from step to step. Deterministic.

    Attributes:
        ids: (N,) concept of each sample at the current step, -1 for none.
        group_of: Group of each concept, by id.
        born: Step at which each concept was first seen, by id.
    """

    def __init__(self) -> None:
        self._random = np.random.default_rng(3)
        groups = len(THINGS)
        weights = self._random.dirichlet(np.full(14, 2.0))
        self.ids = self._random.choice(14, SAMPLES, p=weights).astype(np.int32)
        self.ids[self._random.random(SAMPLES) < 0.02] = -1
        self.group_of = {i: i % groups for i in range(14)}
        self.born = dict.fromkeys(range(14), 0)
        self._changed: set[int] = set()

    def advance(self, number: int) -> tuple[tuple[Event, ...], ConceptChange]:
        """Goes on to step `number` of `STEPS`; returns events and amount of change."""
        before = self.ids.copy()
        self._changed.clear()
        events = list(self._split(number, 3 if number < 7 else 2))
        if number % 3 == 2:
            events += self._merge(number)
        if number in (3, 5, 8):
            events += self._give_birth(number)
        if number in (4, 7, 10):
            events += self._end(number)
        by_events = float((self.ids != before).mean())
        moved = np.flatnonzero(self._random.random(SAMPLES) < CHURN)
        after = self.ids.copy()
        for sample in moved:
            group = self.group_of.get(int(self.ids[sample]), 0)
            alive = [i for i in np.unique(self.ids).tolist() if self.group_of.get(i) == group]
            after[sample] = self._random.choice(alive) if alive else -1
        self.ids = after
        churn = float((self.ids != before).mean()) - by_events
        events.sort(key=lambda one: -one.score)
        return tuple(events), ConceptChange(
            modularity=0.7, by_events=by_events, by_churn=max(0.0, churn)
        )

    def name(self, concept: int) -> str:
        """Returns the name of a concept."""
        if concept == 5:
            return MARKUP
        thing = THINGS[self.group_of[concept]]
        return f"{thing}, {DETAILS[(concept * 5) % len(DETAILS)]} {concept}"

    def sizes(self) -> dict[int, int]:
        """Returns the size of each concept that has samples, by id."""
        ids, sizes = np.unique(self.ids[self.ids >= 0], return_counts=True)
        return dict(zip(ids.tolist(), sizes.tolist(), strict=True))

    def _find_unchanged(self) -> dict[int, int]:
        """Returns the sizes of concepts without an event at this step."""
        return {one: size for one, size in self.sizes().items() if one not in self._changed}

    def _add(self, number: int, group: int) -> int:
        new = len(self.group_of)
        self.group_of[new], self.born[new] = group, STEPS[number]
        return new

    def _split(self, number: int, parts: int) -> Iterator[Event]:
        sizes = self.sizes()
        largest = sorted(sizes, key=lambda one: -sizes[one])[: 2 * parts]
        for parent in self._random.permutation(largest)[:parts].tolist():
            rows = np.flatnonzero(self.ids == parent)
            moved = rows[self._random.random(len(rows)) < self._random.uniform(0.25, 0.5)]
            child = self._add(number, self.group_of[parent])
            self.ids[moved] = child
            text = f"{self.name(parent)} split: {self.name(child)} left it"
            yield self._event("splits", number, text, (parent,), (parent, child), len(moved))

    def _merge(self, number: int) -> Iterator[Event]:
        sizes = self._find_unchanged()
        small = min(sizes, key=lambda one: sizes[one])
        same = [i for i in sizes if i != small and self.group_of[i] == self.group_of[small]]
        if same:
            target = min(same)
            self.ids[self.ids == small] = target
            text = f"{self.name(small)} merged into {self.name(target)}"
            yield self._event("merges", number, text, (target, small), (target,), sizes[small])

    def _give_birth(self, number: int) -> Iterator[Event]:
        new = self._add(number, number % len(THINGS))
        moved = self._random.choice(SAMPLES, 50, replace=False)
        self.ids[moved] = new
        text = f"{self.name(new)} was born"
        yield self._event("born", number, text, (), (new,), len(moved))

    def _end(self, number: int) -> Iterator[Event]:
        sizes = self._find_unchanged()
        ended = sorted(sizes, key=lambda one: sizes[one])[len(sizes) // 4]
        rows = np.flatnonzero(self.ids == ended)
        others = [i for i in sizes if i != ended]
        self.ids[rows] = self._random.choice(others, len(rows))
        yield self._event("dies", number, f"{self.name(ended)} ended", (ended,), (), len(rows))

    def _find_cell(self, concept: int) -> tuple[int, int, int]:
        x, y = place_concepts(self, np.array([concept], np.int32))[0]
        return GRIDS[0], int(y * GRIDS[0]), int(x * GRIDS[0])

    def _event(
        self,
        kind: str,
        number: int,
        text: str,
        before: tuple[int, ...],
        after: tuple[int, ...],
        samples: int,
    ) -> Event:
        self._changed.update(before, after)
        return Event(
            kind=kind,
            text=text,
            score=float(samples),
            confidence=float(self._random.integers(2, 21)) / 20,
            before_step=STEPS[number - 1],
            before=before,
            after=after,
            cell=self._find_cell((after or before)[-1]),
            samples=samples,
        )


def make_stream_atlases() -> Iterator[Atlas]:
    """Yields an atlas per step of `STEPS`; concepts of a group are near each other on the map."""
    run = ConceptRun()
    random = np.random.default_rng(5)
    jitter = random.normal(0, 0.022, (SAMPLES, 2))
    for number, step in enumerate(STEPS):
        events, change = run.advance(number) if number else ((), ConceptChange(modularity=0.7))
        atlas = make_atlas(
            step, samples=SAMPLES, classes=CLASSES, grids=GRIDS, tile=16, sequence=number + 1
        )
        sizes = run.sizes()
        xy = np.clip(place_concepts(run, run.ids) + jitter, 0, 1).astype(np.float32)
        colors = np.array([run.group_of.get(int(i), 0) for i in run.ids], np.int32)
        groups = sorted({run.group_of[one] for one in sizes})
        yield atlas.replace(
            samples=dataclasses.replace(atlas.samples, xy=xy, concepts=run.ids.copy()),
            grids=tuple(make_grid(size, xy, colors, 16, 2) for size in GRIDS),
            concepts=tuple(
                ConceptState(
                    id=one,
                    name=run.name(one),
                    size=size,
                    born=run.born[one],
                    top_class=one % len(CLASSES),
                    top_share=0.4,
                    group=run.group_of[one],
                    joined=0.02,
                    left=0.01,
                )
                for one, size in sizes.items()
            ),
            concept_groups=tuple(
                ConceptGroup(
                    id=group,
                    name=THINGS[group],
                    size=sum(size for one, size in sizes.items() if run.group_of[one] == group),
                )
                for group in groups
            ),
            concept_change=change if number else None,
            events=events,
        )


def place_concepts(run: ConceptRun, ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """Returns (N, 2): a circle of groups, and in each a circle of its concepts."""
    group = np.array([run.group_of.get(int(i), 0) for i in ids])
    large, small = 2 * np.pi * group / len(THINGS), 2.4 * ids
    centers = 0.5 + 0.34 * np.stack([np.cos(large), np.sin(large)], axis=1)
    found: NDArray[np.float64] = centers + 0.09 * np.stack([np.cos(small), np.sin(small)], axis=1)
    return found


def write_stream_log(directory: Path) -> int:
    """Writes the run; returns the number of atlases."""
    sink = EventSink(directory / RUN / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures(SAMPLES, CLASSES)), step=0)
    for atlas in make_stream_atlases():
        sink.write(layer_tag("layer3"), encode_atlas(atlas), atlas.step, atlas.wall_time)
    sink.close()
    return len(STEPS)


if __name__ == "__main__":
    write_stream_log(Path(sys.argv[1]))
