# SPDX-License-Identifier: Apache-2.0
"""What happened over a whole run, gathered from the manifests of its steps for the event list."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.atlas import Event, Skipped
from tensorboard_plugin_atlas.wire.atlas_codec import AtlasFields

MAX_TOLD: Final = 500
"""Events of a run that are told; the rest is counted."""

MAX_TEXT: Final = 400
"""Characters of an event's sentence that are told."""

MAX_IDS: Final = 200
"""Concepts of an event that are told on each side."""


@dataclass(frozen=True)
class StepFacts:
    """The few values of a manifest that a history keeps: a manifest can be large."""

    sequence: int
    samples: int
    trustworthiness: float | None
    knn_kept: float | None
    skipped: tuple[Skipped, ...]


def facts_of(fields: AtlasFields) -> StepFacts:
    """Returns what a history keeps of a manifest."""
    quality = fields.quality
    return StepFacts(
        sequence=fields.sequence,
        samples=fields.samples,
        trustworthiness=quality.trustworthiness,
        knn_kept=quality.knn_kept,
        skipped=fields.skipped,
    )


class Retelling:
    """Gathers the events of a run, step by step, and keeps those worth reading most.

    Not thread safe.
    """

    def __init__(self) -> None:
        self._best: list[tuple[float, int, dict[str, Any]]] = []
        self._count = 0
        self._is_traced = False

    def add(self, step: int, fields: AtlasFields) -> None:
        """Adds the events of a step, whose manifest can be read."""
        self._count += len(fields.events)
        self._is_traced = self._is_traced or fields.concepts is not None
        ranked: list[tuple[float, int, Event | dict[str, Any]]] = [
            *self._best,
            *((-event.score, step, event) for event in fields.events),
        ]
        best = heapq.nsmallest(MAX_TOLD, ranked, key=lambda one: one[:2])
        self._best = [
            (rank, at, _told(at, one) if isinstance(one, Event) else one) for rank, at, one in best
        ]

    def body(self) -> dict[str, Any]:
        """Returns the events worth reading most, best first, and how many there are.

        Returns:
            `events`, None where no step traced its concepts, and `events_found`.
        """
        if not self._count and not self._is_traced:
            return {"events": None, "events_found": 0}
        return {"events": [one for _, _, one in self._best], "events_found": self._count}


def retell(steps: Iterable[tuple[int, AtlasFields]]) -> dict[str, Any]:
    """Returns `Retelling.body` of all `steps`: step and manifest of every atlas."""
    told = Retelling()
    for step, fields in steps:
        told.add(step, fields)
    return told.body()


def _told(step: int, event: Event) -> dict[str, Any]:
    cell = event.cell
    return {
        "step": step,
        "kind": event.kind,
        "text": event.text[:MAX_TEXT],
        "score": event.score,
        "confidence": event.confidence,
        "before_step": event.before_step,
        "before": event.before[:MAX_IDS],
        "after": event.after[:MAX_IDS],
        "cell": None if cell is None else dict(zip(("grid", "row", "col"), cell, strict=True)),
    }
