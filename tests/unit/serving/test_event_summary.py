# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.atlas import Event
from tensorboard_plugin_atlas.serving.event_summary import (
    MAX_EVENTS,
    MAX_IDS,
    MAX_TEXT,
    summarize_events,
)
from tensorboard_plugin_atlas.wire.atlas_codec import AtlasFields, encode_atlas, read_manifest


def fields(**change: Any) -> AtlasFields:
    found = read_manifest(encode_atlas(make_atlas(10, samples=40, grids=(2,)))[0]).fields
    assert isinstance(found, AtlasFields)
    return dataclasses.replace(found, **change)


def event(score: float, **change: Any) -> Event:
    plain = Event(kind="born", text=f"worth {score}", score=score, confidence=0.5, before_step=0)
    return dataclasses.replace(plain, **change)


def test_ranks_the_events_of_all_steps_and_ties_by_step() -> None:
    steps = [
        (30, fields(events=(event(2.0), event(1.0)))),
        (10, fields(events=(event(2.0), event(5.0)))),
    ]
    told = summarize_events(steps)
    assert [(one["step"], one["score"]) for one in told["events"]] == [
        (10, 5.0),
        (10, 2.0),
        (30, 2.0),
        (30, 1.0),
    ]
    assert told["events_found"] == 4


def test_tells_all_that_a_list_needs() -> None:
    one = event(1.5, kind="merges", before_step=4, before=(3, 8), after=(9,), cell=(4, 1, 2))
    assert summarize_events([(10, fields(events=(one,)))])["events"] == [
        {
            "step": 10,
            "kind": "merges",
            "text": "worth 1.5",
            "score": 1.5,
            "confidence": 0.5,
            "before_step": 4,
            "before": (3, 8),
            "after": (9,),
            "cell": {"grid": 4, "row": 1, "col": 2},
        }
    ]


@pytest.mark.parametrize(
    ("concepts", "events"), [(None, None), ((), [])], ids=["not traced", "nothing happened"]
)
def test_no_events_is_not_the_same_as_none_recorded(concepts: Any, events: Any) -> None:
    assert summarize_events([(10, fields(concepts=concepts, events=()))]) == {
        "events": events,
        "events_found": 0,
    }
    assert summarize_events([]) == {"events": None, "events_found": 0}


def test_what_is_told_is_bounded() -> None:
    ids = tuple(range(MAX_IDS + 1))
    long = event(9.0, text="x" * (MAX_TEXT + 1), before=ids, after=ids)
    steps = [(step, fields(events=(long,) * 200)) for step in range(3)]
    told = summarize_events(steps)
    assert (len(told["events"]), told["events_found"]) == (MAX_EVENTS, 600)
    assert len(told["events"][0]["text"]) == MAX_TEXT
    assert len(told["events"][0]["before"]) == len(told["events"][0]["after"]) == MAX_IDS
