# SPDX-License-Identifier: Apache-2.0
"""Builds the events of an atlas from the changes of its concepts and predictions."""

from __future__ import annotations

from typing import Final

from tensorboard_plugin_atlas.analysis.concepts.changes import LabelEvent
from tensorboard_plugin_atlas.analysis.concepts.confidence_changes import (
    ConfidenceChange,
    find_confidence_changes,
)
from tensorboard_plugin_atlas.analysis.concepts.event_cells import choose_cell, find_cell
from tensorboard_plugin_atlas.analysis.concepts.event_sentences import (
    describe_confidence_change,
    describe_event,
    describe_prediction_change,
)
from tensorboard_plugin_atlas.analysis.concepts.prediction_changes import (
    PredictionChange,
    find_prediction_changes,
)
from tensorboard_plugin_atlas.analysis.concepts.tracker_state import TrackerState
from tensorboard_plugin_atlas.atlas import Atlas, Event

MAX_EVENTS: Final = 24
"""Largest number of concept events of one step; those with the highest scores are kept."""
MAX_PREDICTION_EVENTS: Final = 8
"""Largest number of changes of predictions and of confidence of one step."""


def build_events(atlas: Atlas, earlier: TrackerState, last: TrackerState) -> tuple[Event, ...]:
    """Returns the events of an atlas, highest score first."""
    changes, certainty = last.partition.changes, last.partition.certainty
    events = (
        []
        if changes is None
        else [
            _build_event(one, certainty.get(one.label, 0.0), earlier, last)
            for one in changes.events
        ]
    )
    events.sort(key=lambda e: (-e.score, e.before, e.after))
    events = [*events[:MAX_EVENTS], *_build_prediction_events(atlas, earlier, last)]
    return tuple(sorted(events, key=lambda e: -e.score))


def _build_prediction_events(
    atlas: Atlas, earlier: TrackerState, last: TrackerState
) -> list[Event]:
    """Returns the events of predictions and of their confidence, highest score first."""
    sides = earlier.predictions, last.predictions
    changes: list[PredictionChange | ConfidenceChange] = [
        *find_prediction_changes(*sides),
        *find_confidence_changes(*sides),
    ]
    events = [_build_prediction_event(one, atlas, earlier) for one in changes]
    return sorted(events, key=lambda e: -e.score)[:MAX_PREDICTION_EVENTS]


def _build_prediction_event(
    change: PredictionChange | ConfidenceChange, atlas: Atlas, earlier: TrackerState
) -> Event:
    """Returns the event of a change of predictions or of their confidence."""
    classes: tuple[int, ...]
    if isinstance(change, PredictionChange):
        kind, text = "flips", describe_prediction_change(change, atlas.classes)
        classes = (change.label, change.before, change.now)
    else:
        kind, text = "confidence", describe_confidence_change(change, atlas.classes)
        classes = (change.label,)
    return Event(
        kind=kind,
        text=text,
        score=change.score,
        confidence=change.confidence,
        before_step=earlier.step,
        cell=find_cell(atlas, change.rows),
        samples=change.samples,
        classes=classes,
        images=change.images,
    )


def _build_event(
    change: LabelEvent, confidence: float, earlier: TrackerState, last: TrackerState
) -> Event:
    """Returns the event of a change; its score is the number of samples that surely moved."""
    known = {one.id: one for one in earlier.concepts}
    now = {one.id: one for one in last.concepts}
    before = sorted((known[one] for one in change.before), key=lambda one: -one.size)
    after = sorted((now[one] for one in change.after), key=lambda one: -one.size)
    ids = (tuple(one.id for one in before), tuple(one.id for one in after))
    return Event(
        kind=change.kind,
        text=describe_event(change.kind, before, after),
        score=round(change.rows * confidence, 3),
        confidence=confidence,
        before_step=earlier.step,
        before=ids[0],
        after=ids[1],
        cell=choose_cell(*ids, earlier.cells, last.cells),
        samples=change.rows,
    )
