# SPDX-License-Identifier: Apache-2.0
"""Sentences about events, such as "cat/dog 1 (420) split into cat 2 (210) and dog 1 (180)"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tensorboard_plugin_atlas.analysis.concepts.confidence_changes import ConfidenceChange
from tensorboard_plugin_atlas.analysis.concepts.naming import format_class_name
from tensorboard_plugin_atlas.analysis.concepts.prediction_changes import PredictionChange
from tensorboard_plugin_atlas.atlas import ConceptState

_MAX_LISTED: Final = 4
"""Largest number of concepts that a sentence lists; others are counted."""


def describe_event(kind: str, before: Sequence[ConceptState], after: Sequence[ConceptState]) -> str:
    """Returns a sentence about an event, such as "cat/dog 1 (420) split into cat 2 (210) …"."""
    if kind == "splits":
        return f"{_join_names(before)} split into {_join_names(after)}"
    if kind == "merges":
        return f"{_join_names(before)} merged into {_join_names(after)}"
    if kind == "born":
        return f"{_join_names(after)} {'was' if len(after) == 1 else 'were'} born"
    return f"{_join_names(before)} ended"


def describe_prediction_change(change: PredictionChange, classes: Sequence[str] | None) -> str:
    """Returns a sentence, such as "41 images of dog are now predicted as cat (6 the other way)"."""
    label, before, now = (
        format_class_name(index, classes) for index in (change.label, change.before, change.now)
    )
    if change.now == change.label:
        text = f"{change.images:,} images of {label}, predicted as {before} before, are now "
        text += "predicted correctly"
    else:
        text = f"{change.images:,} images of {label} are now predicted as {now}"
    return f"{text} ({change.back:,} the other way)" if change.back else text


def describe_confidence_change(change: ConfidenceChange, classes: Sequence[str] | None) -> str:
    """Returns a sentence, such as "confidence on 100 images of dog fell from 81% to 52% (…)"."""
    label = format_class_name(change.label, classes)
    verb = "rose" if change.now > change.before else "fell"
    return (
        f"confidence on {change.images:,} images of {label} {verb} from {change.before:.0%} to "
        f"{change.now:.0%} (other images: {change.others_before:.0%} to {change.others_now:.0%})"
    )


def _join_names(states: Sequence[ConceptState]) -> str:
    names = [f"{state.name} ({state.size:,})" for state in states[:_MAX_LISTED]]
    if len(states) > _MAX_LISTED:
        names.append(f"{len(states) - _MAX_LISTED:,} more")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
