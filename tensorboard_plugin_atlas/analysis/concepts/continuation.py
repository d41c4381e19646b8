# SPDX-License-Identifier: Apache-2.0
"""Continues the partition of a step at the next one, by events and by single rows.

A change of many rows at once is an event only if the rows themselves changed: what it adds to
modularity in the new graph must exceed what it would have added in the earlier graph, by more than
is usual at this step. This is tested before any row moves. All other rows move one by one,
against the inertia of their earlier label (see `modularity`); that is churn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.analysis.concepts.candidates import (
    Candidate,
    CandidateKind,
    propose_candidates,
)
from tensorboard_plugin_atlas.analysis.concepts.modularity import (
    INERTIA,
    MIN_GAIN,
    Objective,
    dissolve_small,
)
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import Labels, NeighborGraph
from tensorboard_plugin_atlas.analysis.concepts.random_halves import HALVES, draw_halves

MIN_CONTRAST: Final = 0.15
"""Smallest excess of the gain in the new graph, as a fraction of a row's neighborhood."""
MIN_DEVIATIONS: Final = 3.0
"""Smallest excess in standard errors of the mean over the rows."""
MAX_SHARE: Final = 0.15
"""A larger concept is split where a candidate proposes it, whether its rows changed or not."""
_MIN_HALVES: Final = 5
_ROWS_OF_HALVES: Final = 400_000
"""Rows of all halves: above 20,000 rows, an event is tested on fewer halves."""

_MAX_TURNS: Final = 60


@dataclass(frozen=True, eq=False)
class Evidence:
    """How a candidate differs between two graphs.

    Attributes:
        candidate: The candidate.
        gain: What it adds to the objective in the new graph.
        contrast: Mean over its rows of the gain in modularity in the new graph minus the gain in
            the earlier graph, as a fraction of the neighborhood of a row.
        error: Standard error of `contrast`.
        labels: Labels that the candidate involves.
    """

    candidate: Candidate
    gain: float
    contrast: float
    error: float
    labels: frozenset[int]

    def is_significant(self, usual: float) -> bool:
        """Whether the contrast exceeds the one that is usual for its kind at this step."""
        if self.candidate.kind == "moves":
            return self.contrast > INERTIA
        return self.contrast - usual > max(MIN_CONTRAST, MIN_DEVIATIONS * self.error)


@dataclass(frozen=True, eq=False)
class AcceptedChange:
    """An accepted candidate, with what is needed to test it again.

    Attributes:
        candidate: The candidate with its final labels.
        before: (N,) the partition that it changed.
        usual: Usual contrast of its kind.
    """

    candidate: Candidate
    before: Labels
    usual: float


@dataclass(eq=False)
class Continuation:
    """Continues one partition on a new graph.

    Attributes:
        objective: The objective on the new graph; its `previous` is the partition to continue.
        earlier: The graph that this partition was found in.
        fresh: (N,) a partition of the new graph without history.
        min_rows: Smallest number of rows of a label.
        accepted: The accepted candidates, after `run`.
    """

    objective: Objective
    earlier: NeighborGraph
    fresh: Labels
    min_rows: int
    accepted: list[AcceptedChange] = field(default_factory=list)

    def run(self) -> Labels:
        """Returns the new partition; labels above those of the previous one are new.

        Events and moves of single rows alternate until neither increases the objective.
        """
        labels = self._find_start()
        next_label = int(labels.max()) + 1
        usual: dict[CandidateKind, float] | None = None
        touched: frozenset[int] = frozenset()
        is_settled = False
        for turn in range(_MAX_TURNS):
            found = self._examine(labels, next_label, touched, first=usual is None, turn=turn)
            if usual is None:
                usual = _measure_usual(found)
            labels, touched, added = self._accept(found, labels, next_label, usual)
            next_label += added
            if is_settled and not touched:
                break
            is_settled = not touched
            if is_settled:
                labels = self._settle(labels)
                usual = None
        return self._settle(labels)

    def _find_start(self) -> Labels:
        """Returns the earlier partition; unlabeled rows get the main label of their neighbors."""
        labels: Labels = self.objective.previous.copy()
        unknown = np.flatnonzero(labels < 0)
        if len(unknown):
            count = int(labels.max()) + 1
            links = self.objective.graph.weights_to(np.where(labels < 0, count, labels), count + 1)
            labels[unknown] = links[unknown, :count].argmax(axis=1)
        return labels

    def _settle(self, labels: Labels) -> Labels:
        return dissolve_small(self.objective, self.objective.improve(labels), self.min_rows)

    def _examine(
        self, labels: Labels, new_label: int, touched: frozenset[int], *, first: bool, turn: int
    ) -> list[Evidence]:
        """Measures the candidates; later, only those that involve labels that just changed."""
        found = []
        for candidate in propose_candidates(
            self.objective, labels, self.fresh, new_label, self.min_rows, with_moves=turn > 0
        ):
            involved = candidate.find_labels(labels, new_label)
            if not first and not involved & touched:
                continue
            changed = candidate.apply(labels)
            gain = self.objective.measure_gain(labels, changed, candidate.rows)
            # The usual contrast is over all candidates, with or without a gain.
            if gain > MIN_GAIN or first or candidate.kind == "splits":
                contrast, error = measure_contrast(
                    self.objective.graph, self.earlier, candidate, labels, self.objective.resolution
                )
                found.append(Evidence(candidate, gain, contrast, error, involved))
        return found

    def _accept(
        self,
        found: Sequence[Evidence],
        labels: Labels,
        next_label: int,
        usual: dict[CandidateKind, float],
    ) -> tuple[Labels, frozenset[int], int]:
        """Applies significant candidates, best first, at most one for each label.

        Returns:
            The partition, the labels that changed, and the number of new labels.
        """
        graph = self.objective.graph
        share = np.bincount(labels, graph.masses, next_label)
        touched: set[int] = set()
        added = 0
        for one in sorted(found, key=lambda one: -one.gain):
            candidate, usual_contrast = one.candidate, usual.get(one.candidate.kind, 0.0)
            if one.labels & touched:
                continue
            is_event = one.gain > MIN_GAIN and one.is_significant(usual_contrast)
            is_too_large = share[labels[candidate.rows[0]]] > MAX_SHARE
            if not is_event and not (candidate.kind == "splits" and is_too_large):
                continue
            if candidate.has_new_label:
                final = np.full(len(candidate.rows), next_label + added)
                candidate = Candidate(candidate.kind, candidate.rows, final)
                added += 1
            self.accepted.append(AcceptedChange(candidate, labels, usual_contrast))
            labels = candidate.apply(labels)
            touched |= one.labels | {int(candidate.labels[0])}
        return labels, frozenset(touched), added

    def measure_certainty(self) -> dict[int, float]:
        """Tests the accepted events on random halves of the rows.

        Returns:
            For every label that an accepted event added or removed: the fraction of the halves in
            which the event is significant as well.
        """
        events = [one for one in self.accepted if one.candidate.kind != "moves"]
        if not events:
            return {}
        count = np.zeros(len(events))
        halves = max(_MIN_HALVES, min(HALVES, _ROWS_OF_HALVES // len(self.fresh)))
        for half in draw_halves(len(self.fresh), halves):
            now, earlier = self.objective.graph.restrict(half), self.earlier.restrict(half)
            count += [self._is_significant_in(one, half, now, earlier) for one in events]
        found: dict[int, float] = {}
        for one, share in zip(events, (count / halves).tolist(), strict=True):
            for label in _find_added_and_removed(one):
                found[label] = max(share, found.get(label, 0.0))
        return found

    def _is_significant_in(
        self, one: AcceptedChange, half: np.ndarray, now: NeighborGraph, earlier: NeighborGraph
    ) -> bool:
        kept = half[one.candidate.rows]
        if kept.sum() < 2:
            return False
        rows, labels = one.candidate.rows[kept], one.candidate.labels[kept]
        part = Candidate(one.candidate.kind, rows, labels)
        resolution = self.objective.resolution
        contrast, error = measure_contrast(now, earlier, part, one.before, resolution)
        return Evidence(part, 0.0, contrast, error, frozenset()).is_significant(one.usual)


def measure_contrast(
    graph: NeighborGraph,
    earlier: NeighborGraph,
    candidate: Candidate,
    labels: Labels,
    resolution: float,
) -> tuple[float, float]:
    """Returns the contrast of a candidate and its standard error; see `Evidence`."""
    changed = candidate.apply(labels)
    now, before = (
        Objective.without_history(one, resolution).measure_row_gains(
            labels, changed, candidate.rows
        )
        for one in (graph, earlier)
    )
    connected = max(int((graph.masses > 0).sum()), 1)
    # A gain of one whole neighborhood of a row is 2 / N.
    change = (now - before) * connected / 2
    return float(change.mean()), float(change.std() / np.sqrt(len(change)))


def _measure_usual(found: Sequence[Evidence]) -> dict[CandidateKind, float]:
    """Returns the median contrast of the candidates of each kind, at least 0."""
    by_kind: dict[CandidateKind, list[float]] = {}
    for one in found:
        by_kind.setdefault(one.candidate.kind, []).append(one.contrast)
    return {kind: max(0.0, float(np.median(values))) for kind, values in by_kind.items()}


def _find_added_and_removed(one: AcceptedChange) -> tuple[int, ...]:
    candidate = one.candidate
    if candidate.has_new_label:
        return (int(candidate.labels[0]),)
    return (int(one.before[candidate.rows[0]]),)
