# SPDX-License-Identifier: Apache-2.0
"""Events and churn between two partitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tensorboard_plugin_atlas.analysis.concepts.changes import LabelEvent, describe_changes


def describe(before: list[int], after: list[int]) -> list[tuple[object, ...]]:
    changes = describe_changes(np.array(before), np.array(after))
    return [(one.kind, one.before, one.after, one.rows) for one in changes.events]


def test_equal_partitions_have_no_changes():
    changes = describe_changes(np.array([3, 3, 5]), np.array([3, 3, 5]))
    assert changes.events == ()
    assert changes.by_events == changes.by_churn == 0
    assert changes.joined == changes.left == {3: 0, 5: 0}


def test_a_split_keeps_the_label_of_the_larger_part():
    assert describe([1] * 5 + [2] * 3, [1] * 3 + [9] * 2 + [2] * 3) == [("splits", (1,), (1, 9), 2)]


def test_a_merge_keeps_the_label_of_the_larger_part():
    assert describe([1] * 5 + [2] * 3, [1] * 8) == [("merges", (1, 2), (1,), 3)]


def test_a_birth_collects_rows_of_several_labels():
    before, after = [1, 1, 1, 2, 2, 2, 3, 3, 3], [1, 1, 9, 2, 2, 9, 3, 3, 9]
    assert describe(before, after) == [("born", (), (9,), 3)]


def test_an_end_scatters_the_rows():
    before, after = [1, 1, 9, 2, 2, 9, 3, 3, 9], [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert describe(before, after) == [("dies", (9,), (), 3)]


def test_a_label_that_is_replaced_is_one_movement():
    """All rows of an ended label are in a new one: each row is counted once."""
    changes = describe_changes(np.array([1, 1, 2, 2]), np.array([1, 1, 7, 7]))
    assert [(one.kind, one.rows) for one in changes.events] == [("splits", 2), ("merges", 0)]
    assert changes.by_events == 0.5


def test_other_movement_is_churn():
    changes = describe_changes(np.array([1, 1, 1, 1, 2, 2]), np.array([1, 1, 1, 2, 2, 1]))
    assert changes.events == ()
    assert changes.by_churn == pytest.approx(2 / 6)
    assert changes.left == {1: 1 / 4, 2: 1 / 2}
    assert changes.joined == {1: 1 / 4, 2: 1 / 2}


labels = arrays.arrays(np.int32, 40, elements=st.integers(0, 9))


@given(before=labels, after=labels)
def test_every_movement_is_counted_once(before, after):
    changes = describe_changes(before, after)
    moved = (before != after).mean()
    assert changes.by_events + changes.by_churn == pytest.approx(moved)
    assert sum(one.rows for one in changes.events) == round(40 * changes.by_events)
    known, now = set(before.tolist()), set(after.tolist())
    assert {one.label for one in changes.events} == known ^ now
    assert set(changes.joined) == set(changes.left) == known & now
    for one in changes.events:
        check_event(one, known, now)


def check_event(event: LabelEvent, known: set[int], now: set[int]) -> None:
    assert set(event.before) <= known
    is_new = event.label in now
    assert (event.kind in ("born", "splits")) == is_new
    assert event.label in (event.after if is_new else event.before)
    if is_new:
        assert set(event.after) <= now


def test_nothing_has_no_changes():
    changes = describe_changes(np.array([], np.int32), np.array([], np.int32))
    assert changes.by_events == changes.by_churn == 0
