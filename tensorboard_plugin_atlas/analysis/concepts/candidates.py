# SPDX-License-Identifier: Apache-2.0
"""Changes of a partition that may have happened between two steps.

The candidates come from a partition without history of the new graph, and from the labels that the
rows of a label are most similar to. `continuation` decides which of them are events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.modularity import Objective, count_rows
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import Labels

CandidateKind = Literal["born", "splits", "merges", "dies", "moves"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """Rows that may change their label together.

    Attributes:
        kind: "born": rows of several labels get a new one. "splits": a part of a label gets a new
            one. "merges": all rows of a label get another one. "dies": all rows of a label get
            several others. "moves": a part of a label gets another existing label.
        rows: (R,) the rows, ascending.
        labels: (R,) their labels after the change; the first unused label is a new one.
    """

    kind: CandidateKind
    rows: NDArray[np.intp]
    labels: Labels

    @property
    def has_new_label(self) -> bool:
        """Whether the change adds a label."""
        return self.kind in ("born", "splits")

    def apply(self, labels: Labels) -> Labels:
        """Returns a partition after the change."""
        changed: Labels = labels.copy()
        changed[self.rows] = self.labels
        return changed

    def find_labels(self, labels: Labels, new_label: int) -> frozenset[int]:
        """Returns the labels of a partition that the change involves, without the new one."""
        involved = np.union1d(labels[self.rows], self.labels)
        return frozenset(involved.tolist()) - {new_label}


def propose_candidates(
    objective: Objective,
    labels: Labels,
    fresh: Labels,
    new_label: int,
    min_rows: int,
    *,
    with_moves: bool,
) -> Iterator[Candidate]:
    """Yields the changes that a partition without history suggests.

    Args:
        objective: The objective on the new graph.
        labels: (N,) the partition to change.
        fresh: (N,) a partition of the same graph without history.
        new_label: A label larger than all labels.
        min_rows: Smallest number of rows of a label.
        with_moves: Whether to yield candidates of kind "moves".
    """
    overlap = _count_overlap(objective, labels, fresh, new_label)
    order = np.argsort(labels, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(labels, minlength=new_label))[:-1])
    yield from _propose_new_labels(labels, fresh, overlap, members, new_label, min_rows)
    links = objective.graph.weights_to(labels, new_label)
    alive = np.flatnonzero(count_rows(objective.graph, labels))
    values = {
        c: objective.measure_alternatives(labels, links, members[c], c) for c in alive.tolist()
    }
    if len(values) < 2:
        return
    yield from _propose_merges(values, members)
    for label, value in values.items():
        rows = members[label]
        yield Candidate("dies", rows, value.argmax(axis=1))
        if with_moves:
            part = (overlap[:, label] >= min_rows // 2) & (overlap[:, label] < len(rows))
            for other in np.flatnonzero(part):
                moved = fresh[rows] == other
                target = value[moved].sum(axis=0).argmax()
                yield Candidate("moves", rows[moved], np.full(moved.sum(), target))


def _count_overlap(
    objective: Objective, labels: Labels, fresh: Labels, count: int
) -> NDArray[np.intp]:
    """Returns (fresh labels, labels): number of rows with edges of each pair of labels."""
    connected = objective.graph.masses > 0
    pair = fresh[connected] * count + labels[connected]
    return np.bincount(pair, minlength=(int(fresh.max()) + 1) * count).reshape(-1, count)


def _propose_new_labels(
    labels: Labels,
    fresh: Labels,
    overlap: NDArray[np.intp],
    members: list[NDArray[np.intp]],
    new_label: int,
    min_rows: int,
) -> Iterator[Candidate]:
    sizes = overlap.sum(axis=0)
    for other in range(len(overlap)):
        if overlap[other].sum() >= min_rows:
            rows = np.flatnonzero(fresh == other)
            yield Candidate("born", rows, np.full(len(rows), new_label))
        for label in np.flatnonzero(overlap[other] >= min_rows).tolist():
            # The larger part keeps the label.
            is_minor = 2 * overlap[other, label] <= sizes[label]
            rows = members[label]
            rows = rows[(fresh[rows] == other) == is_minor]
            if min_rows <= len(rows) < sizes[label]:
                yield Candidate("splits", rows, np.full(len(rows), new_label))


def _propose_merges(
    values: dict[int, NDArray[np.float64]], members: list[NDArray[np.intp]]
) -> Iterator[Candidate]:
    pairs = set()
    for label, value in values.items():
        nearest = int(value.sum(axis=0).argmax())
        pairs.add(tuple(sorted((label, nearest), key=lambda one: (len(members[one]), one))))
    for small, large in sorted(pairs):
        rows = members[small]
        yield Candidate("merges", rows, np.full(len(rows), large))
