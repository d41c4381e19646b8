# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import msgspec
import pytest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.serving.event_summary import EventSummary
from tensorboard_plugin_atlas.wire.atlas_codec import AtlasManifest, encode_atlas, read_manifest
from tensorboard_plugin_atlas.wire.limits import (
    MAX_HISTORY_EVENTS,
    MAX_HISTORY_IDS,
    MAX_HISTORY_TEXT,
)
from tensorboard_plugin_atlas.wire.manifest_types import CellEntry, EventEntry


def fields(**change: Any) -> AtlasManifest:
    found = read_manifest(encode_atlas(make_atlas(10, samples=40, grids=(2,)))[0]).fields
    assert isinstance(found, AtlasManifest)
    return msgspec.structs.replace(found, **change)


def event(score: float, **change: Any) -> EventEntry:
    plain = EventEntry(
        kind="born",
        text=f"worth {score}",
        score=score,
        confidence=0.5,
        before_step=0,
        before=(),
        after=(),
        cell=None,
        samples=None,
        classes=None,
        images=None,
    )
    return msgspec.structs.replace(plain, **change)


def summarize(steps: list[tuple[int, AtlasManifest]]) -> dict[str, Any]:
    """Returns events and their count as in the response of `history`."""
    summary = EventSummary()
    for step, one in steps:
        summary.add(step, one)
    return {
        "events": msgspec.json.decode(msgspec.json.encode(summary.events)),
        "events_found": summary.count,
    }


def test_ranks_the_events_of_all_steps_and_ties_by_step() -> None:
    steps = [
        (30, fields(events=(event(2.0), event(1.0)))),
        (10, fields(events=(event(2.0), event(5.0)))),
    ]
    found = summarize(steps)
    assert [(one["step"], one["score"]) for one in found["events"]] == [
        (10, 5.0),
        (10, 2.0),
        (30, 2.0),
        (30, 1.0),
    ]
    assert found["events_found"] == 4


def test_events_hold_all_that_a_list_needs() -> None:
    one = event(
        1.5,
        kind="merges",
        before_step=4,
        before=(3, 8),
        after=(9,),
        cell=CellEntry(grid=4, row=1, col=2),
        samples=31,
    )
    assert summarize([(10, fields(events=(one,)))])["events"] == [
        {
            "step": 10,
            "kind": "merges",
            "text": "worth 1.5",
            "score": 1.5,
            "confidence": 0.5,
            "before_step": 4,
            "before": [3, 8],
            "after": [9],
            "cell": {"grid": 4, "row": 1, "col": 2},
            "samples": 31,
            "classes": None,
        }
    ]


def test_changes_of_predictions_are_listed_with_their_classes() -> None:
    flips = event(3.0, kind="flips", classes=(2, 2, 5), images=41)
    (found,) = summarize([(10, fields(events=(flips,)))])["events"]
    assert (found["kind"], found["classes"]) == ("flips", [2, 2, 5])
    assert (found["before"], found["after"]) == ([], [])


@pytest.mark.parametrize(
    ("concepts", "events"), [(None, None), ((), [])], ids=["not traced", "nothing happened"]
)
def test_no_events_is_not_the_same_as_none_recorded(concepts: Any, events: Any) -> None:
    assert summarize([(10, fields(concepts=concepts, events=()))]) == {
        "events": events,
        "events_found": 0,
    }
    assert summarize([]) == {"events": None, "events_found": 0}


def test_the_events_are_bounded() -> None:
    ids = tuple(range(MAX_HISTORY_IDS + 1))
    long = event(9.0, text="x" * (MAX_HISTORY_TEXT + 1), before=ids, after=ids)
    steps = [(step, fields(events=(long,) * 200)) for step in range(3)]
    found = summarize(steps)
    assert (len(found["events"]), found["events_found"]) == (MAX_HISTORY_EVENTS, 600)
    assert len(found["events"][0]["text"]) == MAX_HISTORY_TEXT
    assert len(found["events"][0]["before"]) == len(found["events"][0]["after"]) == MAX_HISTORY_IDS
