# SPDX-License-Identifier: Apache-2.0
"""Each concept of a run with its steps, its origin, and its end, collected from tracked atlases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import Atlas, Event, IntArray
from tensorboard_plugin_atlas.short_repr import short_repr


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptStep:
    """A concept at one step.

    Attributes:
        step: Global step.
        members: Indices of its samples, ascending.
        class_mix: Fraction of each label among its labeled samples, largest first.
        overlap: Chance-corrected overlap with its members at the previous step, from 0 to 1; 1 at
            the first step.
        confidence: Confidence that it is the same concept as at the previous step, from 0 to 1; 1
            at the first step.
    """

    step: int
    members: NDArray[np.intp]
    class_mix: Mapping[int, float]
    overlap: float
    confidence: float

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.members)


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class Concept:
    """One concept over a run.

    Attributes:
        id: Persistent id, as in `Samples.concepts`.
        name: Its last name: its most common classes and a number.
        born: First step.
        began: "first" at the first atlas; "born", "splits" or "merges" for the event that created
            it; "" without an event.
        parents: Ids of the concepts that it was created from.
        ended: First step at which it does not exist any more, or None if it is in the last atlas.
        end: "dies", "splits" or "merges" for the event that ended it, "" without an event.
        children: Ids of the concepts that were created from it.
        steps: The concept at each step, in order.
    """

    id: int
    name: str
    born: int
    began: str
    parents: tuple[int, ...]
    ended: int | None
    end: str
    children: tuple[int, ...]
    steps: tuple[ConceptStep, ...]


class ConceptHistory:
    """Collects the concepts of tracked atlases, added in the order of their steps."""

    def __init__(self) -> None:
        self._steps: dict[int, list[ConceptStep]] = {}
        self._names: dict[int, str] = {}
        self._origin: dict[int, tuple[str, tuple[int, ...]]] = {}
        self._end: dict[int, tuple[int, str]] = {}
        self._children: dict[int, set[int]] = {}
        self._current: set[int] = set()
        self._is_first = True

    def add(self, atlas: Atlas) -> None:
        """Adds the next atlas."""
        states = atlas.concepts or ()
        ids = atlas.samples.concepts
        current = {s.id for s in states}
        for event in atlas.events:
            self._add_event(event, current)
        for identity in self._current - current:
            self._end.setdefault(identity, (atlas.step, ""))
        for state in states:
            rows = ids == state.id
            self._names[state.id] = state.name
            if state.id not in self._steps:
                self._origin.setdefault(state.id, ("first" if self._is_first else "", ()))
            self._steps.setdefault(state.id, []).append(
                ConceptStep(
                    step=atlas.step,
                    members=np.flatnonzero(rows),
                    class_mix=class_mix(atlas.all_labels, np.asarray(rows)),
                    overlap=state.confidence,
                    confidence=state.confidence,
                )
            )
        for identity, (step, _) in list(self._end.items()):
            if step == -1:
                self._end[identity] = (atlas.step, self._end[identity][1])
        self._current = current
        self._is_first = False

    def _add_event(self, event: Event, current: set[int]) -> None:
        for identity in event.after:
            if identity not in self._current:
                self._origin[identity] = (event.kind, event.before)
        for identity in event.before:
            self._children.setdefault(identity, set()).update(set(event.after) - {identity})
            if identity not in current:
                self._end[identity] = (-1, event.kind)

    def concepts(self) -> tuple[Concept, ...]:
        """Returns the collected concepts."""
        found = []
        for identity, steps in self._steps.items():
            began, parents = self._origin[identity]
            ended, end = self._end.get(identity, (None, ""))
            found.append(
                Concept(
                    id=identity,
                    name=self._names[identity],
                    born=steps[0].step,
                    began=began,
                    parents=parents,
                    ended=ended,
                    end=end,
                    children=tuple(sorted(self._children.get(identity, ()))),
                    steps=tuple(steps),
                )
            )
        return tuple(sorted(found, key=lambda one: (one.born, -one.steps[0].size, one.id)))


def class_mix(labels: IntArray | None, rows: NDArray[np.bool_]) -> dict[int, float]:
    """Returns the fraction of the labeled samples of `rows` with each label, largest first.

    Args:
        labels: (N, L) labels of all samples, padded with -1, or None.
        rows: (N,) bool.
    """
    if labels is None:
        return {}
    held = labels[rows]
    found, count = np.unique(held[held >= 0], return_counts=True)
    labeled = np.count_nonzero((held >= 0).any(axis=1))
    order = np.argsort(-count, kind="stable")
    return {int(found[i]): float(count[i] / labeled) for i in order}
