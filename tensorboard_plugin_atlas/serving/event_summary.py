# SPDX-License-Identifier: Apache-2.0
"""Collects the events of a run from the manifests of its steps, for the event list."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.atlas import Event, Skipped
from tensorboard_plugin_atlas.wire.atlas_codec import AtlasFields

MAX_EVENTS: Final = 500
"""Largest number of events of a run that are returned; the others are counted."""

MAX_TEXT: Final = 400
"""Largest number of characters of an event's text."""

MAX_IDS: Final = 200
"""Largest number of concepts of an event on each side."""


@dataclass(frozen=True)
class StepFacts:
    """The values of a manifest that a history keeps, since whole manifests can be large."""

    sequence: int
    samples: int
    trustworthiness: float | None
    knn_kept: float | None
    skipped: tuple[Skipped, ...]


def extract_facts(fields: AtlasFields) -> StepFacts:
    """Returns the values of a manifest that a history keeps."""
    quality = fields.quality
    return StepFacts(
        sequence=fields.sequence,
        samples=fields.samples,
        trustworthiness=quality.trustworthiness,
        knn_kept=quality.knn_kept,
        skipped=fields.skipped,
    )


class EventSummary:
    """Collects the events of a run and keeps those with the highest scores. Not thread safe."""

    def __init__(self) -> None:
        self._best: list[tuple[float, int, dict[str, Any]]] = []
        self._count = 0
        self._is_traced = False

    def add(self, step: int, fields: AtlasFields) -> None:
        """Adds the events in the manifest of a step."""
        self._count += len(fields.events)
        self._is_traced = self._is_traced or fields.concepts is not None
        ranked: list[tuple[float, int, Event | dict[str, Any]]] = [
            *self._best,
            *((-event.score, step, event) for event in fields.events),
        ]
        best = heapq.nsmallest(MAX_EVENTS, ranked, key=lambda one: one[:2])
        self._best = [
            (rank, at, _event_to_json(at, one) if isinstance(one, Event) else one)
            for rank, at, one in best
        ]

    def body(self) -> dict[str, Any]:
        """Returns the events with the highest scores, and the number of all events.

        Returns:
            `events`, highest score first, or None if no step has concepts; and `events_found`.
        """
        if not self._count and not self._is_traced:
            return {"events": None, "events_found": 0}
        return {"events": [one for _, _, one in self._best], "events_found": self._count}


def summarize_events(steps: Iterable[tuple[int, AtlasFields]]) -> dict[str, Any]:
    """Returns `EventSummary.body` of all atlases, given as steps and manifests."""
    summary = EventSummary()
    for step, fields in steps:
        summary.add(step, fields)
    return summary.body()


def _event_to_json(step: int, event: Event) -> dict[str, Any]:
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
