# SPDX-License-Identifier: Apache-2.0
"""What changed between two partitions of the same samples: events and churn.

Every sample that changed its label is counted once: by an event if its old label ended or its new
label is new, and as churn otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

EventKind = Literal["born", "splits", "merges", "dies"]

MIN_PURITY: Final = 0.5
"""A new label is a split, and an ended one a merge, if this fraction is from or in one label."""


@dataclass(frozen=True)
class LabelEvent:
    """An event that accounts for one label that is new or ended.

    Attributes:
        kind: "born", "splits", "merges" or "dies".
        before: Labels before the event.
        after: Labels after it. In a split or merge, the larger concept keeps its label.
        label: The label that is new or ended.
        rows: Number of rows that changed their label by the event.
    """

    kind: EventKind
    before: tuple[int, ...]
    after: tuple[int, ...]
    label: int
    rows: int


@dataclass(frozen=True, eq=False)
class LabelChanges:
    """The changes between two partitions of N rows.

    Attributes:
        events: The events.
        joined: Label -> fraction of its rows now that joined it otherwise.
        left: Label -> fraction of its rows before that left it otherwise.
        by_events: Fraction of all rows that changed their label by an event.
        by_churn: Fraction of all rows that changed it otherwise.
    """

    events: tuple[LabelEvent, ...]
    joined: dict[int, float]
    left: dict[int, float]
    by_events: float
    by_churn: float


def describe_changes(before: NDArray[np.integer], after: NDArray[np.integer]) -> LabelChanges:
    """Returns the changes between two partitions.

    Args:
        before: (N,) labels, at least 0.
        after: (N,) labels of the same rows.
    """
    labels, flat = np.unique(np.r_[before, after], return_inverse=True)
    count = len(labels)
    pairs = flat[: len(before)] * count + flat[len(before) :]
    table = np.bincount(pairs, minlength=count * count).reshape(count, count)
    old, new = table.sum(axis=1), table.sum(axis=0)
    names = labels.tolist()
    in_events = np.zeros((count, count), np.bool_)
    events = []
    for column in np.flatnonzero(old == 0):
        source = int(table[:, column].argmax())
        in_events[:, column] = True
        is_split = table[source, column] >= MIN_PURITY * new[column]
        is_alive = bool(new[source])
        events.append(
            LabelEvent(
                kind="splits" if is_split else "born",
                before=(names[source],) if is_split else (),
                after=(names[source], names[column]) if is_split and is_alive else (names[column],),
                label=names[column],
                rows=int(new[column]),
            )
        )
    for row in np.flatnonzero(new == 0):
        target = int(table[row].argmax())
        is_merge = table[row, target] >= MIN_PURITY * old[row]
        # Rows of an ended label in a new one are counted with the new one.
        counted = int(table[row][~in_events[row]].sum())
        in_events[row] = True
        others = (names[target],) if old[target] else ()
        events.append(
            LabelEvent(
                kind="merges" if is_merge else "dies",
                before=(*others, names[row]) if is_merge else (names[row],),
                after=(names[target],) if is_merge else (),
                label=names[row],
                rows=counted,
            )
        )
    moved = table.copy()
    np.fill_diagonal(moved, 0)
    churn = np.where(in_events, 0, moved)
    stayed = [i for i in range(count) if old[i] and new[i]]
    total = max(len(before), 1)
    return LabelChanges(
        events=tuple(events),
        joined={names[i]: float(churn[:, i].sum() / new[i]) for i in stayed},
        left={names[i]: float(churn[i].sum() / old[i]) for i in stayed},
        by_events=float((moved.sum() - churn.sum()) / total),
        by_churn=float(churn.sum() / total),
    )
