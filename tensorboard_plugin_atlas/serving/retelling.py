# SPDX-License-Identifier: Apache-2.0
"""What happened over a whole run, gathered from the manifests of its steps for the event list."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any, Final

from tensorboard_plugin_atlas.atlas import Event
from tensorboard_plugin_atlas.codec import AtlasFields

MAX_TOLD: Final = 500
"""Events of a run that are told; the rest is counted."""

MAX_TEXT: Final = 400
"""Characters of an event's sentence that are told."""

MAX_IDS: Final = 200
"""Lifelines of an event that are told on each side."""


def retell(steps: Sequence[tuple[int, AtlasFields]]) -> dict[str, Any]:
    """Returns the events of all `steps` worth reading most, best first, and how many there are.

    Args:
        steps: Step and manifest of every atlas that can be read.

    Returns:
        `events`, None where no step traced its lifelines, and `events_found`.
    """
    told = [(step, event) for step, fields in steps for event in fields.events]
    if not told and all(fields.lifelines is None for _, fields in steps):
        return {"events": None, "events_found": 0}
    best = heapq.nsmallest(MAX_TOLD, told, key=lambda one: (-one[1].score, one[0]))
    return {"events": [_told(*one) for one in best], "events_found": len(told)}


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
