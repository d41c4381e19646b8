# SPDX-License-Identifier: Apache-2.0
"""Collects the events of a run from the manifests of its steps, for the event list."""

from __future__ import annotations

import heapq

from tensorboard_plugin_atlas.wire.limits import (
    MAX_HISTORY_EVENTS,
    MAX_HISTORY_IDS,
    MAX_HISTORY_TEXT,
)
from tensorboard_plugin_atlas.wire.manifest_types import AtlasManifest, EventEntry
from tensorboard_plugin_atlas.wire.response_types import HistoryEvent


class EventSummary:
    """Collects the events of a run and keeps those with the highest scores. Not thread safe."""

    def __init__(self) -> None:
        self._best: list[tuple[float, int, HistoryEvent]] = []
        self._count = 0
        self._has_concepts = False

    def add(self, step: int, fields: AtlasManifest) -> None:
        """Adds the events in the manifest of a step."""
        self._count += len(fields.events)
        self._has_concepts = self._has_concepts or fields.concepts is not None
        ranked: list[tuple[float, int, EventEntry | HistoryEvent]] = [
            *self._best,
            *((-event.score, step, event) for event in fields.events),
        ]
        best = heapq.nsmallest(MAX_HISTORY_EVENTS, ranked, key=lambda one: one[:2])
        self._best = [
            (rank, at, _shorten(at, one) if isinstance(one, EventEntry) else one)
            for rank, at, one in best
        ]

    @property
    def events(self) -> tuple[HistoryEvent, ...] | None:
        """Events with the highest scores, highest first; None if no step has concepts."""
        if not self.count and not self._has_concepts:
            return None
        return tuple(one for _, _, one in self._best)

    @property
    def count(self) -> int:
        """Number of events in all manifests."""
        return self._count


def _shorten(step: int, event: EventEntry) -> HistoryEvent:
    return HistoryEvent(
        step=step,
        kind=event.kind,
        text=event.text[:MAX_HISTORY_TEXT],
        score=event.score,
        confidence=event.confidence,
        before_step=event.before_step,
        before=event.before[:MAX_HISTORY_IDS],
        after=event.after[:MAX_HISTORY_IDS],
        cell=event.cell,
        samples=event.samples,
        classes=event.classes,
    )
