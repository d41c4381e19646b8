# SPDX-License-Identifier: Apache-2.0
"""What became of each group between two checkpoints, and what both graphs say about it.

Groups are matched by the samples they share, over what they would share by chance. A split, a
merge, a birth or a death is believed only where the *same rows* mixed, or held together, otherwise
in the graph before than in the graph now: a change of labels alone is no news.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.clustering import (
    MIN_CLUSTER_SIZE,
    Mixing,
    NeighborGraph,
    measure_mixing,
)
from tensorboard_plugin_atlas.atlas import IntArray

_KIN: Final = 0.5
"""Share of a group, over chance, that makes another its parent or its child."""
_SAME: Final = 0.3
"""Share, over chance, that is enough to be the same group still."""
_LIKE: Final = 0.15
"""Least likeness, over chance, of a group to the one that it continues."""
_DEVIATIONS: Final = 2.0
"""Shared samples must exceed chance by this many standard deviations."""
_COHESION_CHANGE: Final = 0.3
"""Least change of cohesion of a birth or a death."""
_FOLLOWED: Final = 0.2
_KEPT: Final = 0.02
"""Where less of the grouped rows can be followed than the first, and less of the neighbors stayed
than the second, both over chance, the two checkpoints have nothing to do with each other."""


@dataclass(frozen=True)
class ClusterChange:
    """One thing that happened between two checkpoints.

    Attributes:
        kind: "born", "merges", "splits" or "dies".
        before: Groups of the checkpoint before.
        after: Groups of this checkpoint.
        confidence: From 0 to 1: how purely the samples of one side make up the other.
        contrast: From 0 to 1: how much the graph changed about them.
        rows: Samples whose company changed.
    """

    kind: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    confidence: float
    contrast: float
    rows: int


@dataclass(frozen=True, eq=False)
class ClusterMatch:
    """How the groups of two checkpoints are related.

    Attributes:
        heir: For each group of this checkpoint the one before that it continues, -1 for none.
        likeness: For each group of this checkpoint its overlap with that one, over chance.
        changes: What happened.
    """

    heir: IntArray
    likeness: NDArray[np.float64]
    changes: tuple[ClusterChange, ...]


def match_clusters(
    before: IntArray, now: IntArray, graph_before: NeighborGraph, graph_now: NeighborGraph
) -> ClusterMatch:
    """Relates the groups of two checkpoints of the same N samples.

    Args:
        before: (N,) groups of the checkpoint before, numbered from 0, -1 for none.
        now: (N,) groups of this one.
        graph_before: Its graph.
        graph_now: The graph of this checkpoint.
    """
    table = _Table(before, now, graph_before.valid & graph_now.valid)
    heir = _heirs(table)
    changes: list[ClusterChange] = []
    if table.followed() >= _FOLLOWED or _kept(graph_before, graph_now) >= _KEPT:
        witness = _Witness(before, now, graph_before, graph_now)
        changes += _splits(table, witness)
        changes += _merges(table, witness)
        changes += _births(table, witness, heir, changes)
        changes += _deaths(table, witness, heir, changes)
    has = np.maximum(heir, 0)
    likeness = (
        np.where(heir >= 0, table.likeness[has, np.arange(len(heir))], 1.0)
        if len(table.likeness)
        else np.ones(len(heir))
    )
    return ClusterMatch(heir, likeness, tuple(changes))


class _Table:
    """Samples that each group before shares with each group now, and what chance would give."""

    def __init__(self, before: IntArray, now: IntArray, shared: NDArray[np.bool_]) -> None:
        was, became = int(before.max(initial=-1)) + 1, int(now.max(initial=-1)) + 1
        both = shared & (before >= 0) & (now >= 0)
        cell = before[both].astype(np.int64) * became + now[both]
        self.count = np.bincount(cell, minlength=was * became).reshape(was, became)
        self.before = np.bincount(before[shared & (before >= 0)], minlength=was)
        self.now = np.bincount(now[shared & (now >= 0)], minlength=became)
        n = max(int(shared.sum()), 1)
        rows, cols = self.before[:, None].astype(np.float64), self.now[None, :].astype(np.float64)
        chance = rows * cols / n
        spread = np.sqrt(np.maximum(chance * (1 - rows / n) * (1 - cols / n), 1e-12))
        # Two groups that hold everything cannot help sharing it; then nothing else can be said.
        everything = (rows >= 0.999 * n) | (cols >= 0.999 * n)
        self._telling = ~everything
        self.sure = ((self.count - chance) / spread >= _DEVIATIONS) | everything
        self.forward = _over_chance(self.count, chance, rows)
        self.backward = _over_chance(self.count, chance, cols)
        self.likeness = _over_chance(self.count, chance, (rows + cols) / 2)

    def followed(self) -> float:
        """Returns the share of grouped rows that went from a group to one of its kin."""
        kin = self._telling & self.sure & ((self.forward >= _SAME) | (self.backward >= _SAME))
        total = int(self.count.sum())
        return float((self.count * kin).sum() / total) if total else 0.0


def _kept(before: NeighborGraph, now: NeighborGraph) -> float:
    """Returns the mean share of neighbors that stayed neighbors, over chance."""
    shared = np.flatnonzero(before.valid & now.valid)
    width = min(before.neighbors.shape[1], now.neighbors.shape[1])
    if width == 0 or len(shared) < 2:
        return 0.0
    was, became = before.neighbors[shared], now.neighbors[shared]
    stayed = sum((was == became[:, column, None]).any(axis=1).mean() for column in range(width))
    chance = width / (len(shared) - 1)
    return float((stayed / width - chance) / max(1 - chance, 1e-9))


def _over_chance(
    count: NDArray[np.int64], chance: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    room = size - chance
    corrected = np.where(room > 1e-9, (count - chance) / np.where(room > 1e-9, room, 1), 0.0)
    return np.where(room > 1e-9, np.clip(corrected, 0, 1), (count >= size - 1e-9) * 1.0)


def _heirs(table: _Table) -> IntArray:
    """Lets each group continue the one it shares most with, best pairs first, each used once."""
    was, became = table.count.shape
    heir = np.full(became, -1, np.int32)
    able = table.sure & ((table.forward >= _SAME) | (table.backward >= _SAME))
    likeness = np.where(able, table.likeness, -1)
    taken = np.zeros(was, bool)
    for cell in np.argsort(-likeness, axis=None, kind="stable"):
        a, b = divmod(int(cell), became)
        if likeness[a, b] < _LIKE:
            break
        if heir[b] < 0 and not taken[a]:
            heir[b] = a
            taken[a] = True
    return heir


class _Witness:
    """What the two graphs say about the same rows."""

    def __init__(
        self,
        before: IntArray,
        now: IntArray,
        graph_before: NeighborGraph,
        graph_now: NeighborGraph,
    ) -> None:
        self._was, self._became = before, now
        self._graphs = (graph_before, graph_now)

    def moved(self, a: int, b: int) -> NDArray[np.bool_]:
        """Returns which rows went from group `a` to group `b`."""
        rows: NDArray[np.bool_] = (self._was == a) & (self._became == b)
        return rows

    def group_before(self, a: int) -> NDArray[np.bool_]:
        """Returns which rows were in group `a`."""
        rows: NDArray[np.bool_] = self._was == a
        return rows

    def group_now(self, b: int) -> NDArray[np.bool_]:
        """Returns which rows are in group `b`."""
        rows: NDArray[np.bool_] = self._became == b
        return rows

    def mixing(self, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[Mixing, Mixing]:
        """Returns how well two sets of rows mixed before, and mix now."""
        labels = np.where(one, 0, np.where(other, 1, -1)).astype(np.int32)
        sizes = np.array([one.sum(), other.sum()], np.float64)
        was, now = (measure_mixing(graph.between(labels, 2), sizes) for graph in self._graphs)
        return was, now

    def cohesion(self, rows: NDArray[np.bool_]) -> tuple[float, float]:
        """Returns the share of neighbors inside a set of rows, over chance, before and now."""
        found = []
        for graph in self._graphs:
            inside = np.flatnonzero(rows & graph.valid)
            chance = len(inside) / max(int(graph.valid.sum()), 1)
            share = float(rows[graph.neighbors[inside]].mean()) if len(inside) else 0.0
            found.append(max(share - chance, 0) / max(1 - chance, 1e-9))
        return found[0], found[1]


def _splits(table: _Table, witness: _Witness) -> list[ClusterChange]:
    found = []
    for a in range(len(table.before)):
        children = np.flatnonzero(
            table.sure[a] & (table.backward[a] >= _KIN) & (table.count[a] >= MIN_CLUSTER_SIZE)
        )
        if len(children) < 2:
            continue
        parts = [witness.moved(a, int(b)) for b in children]
        kept, contrast = _contrasts(witness, parts, 0)
        children = children[kept]
        if len(children) < 2:
            continue
        count = table.count[a, children]
        coverage = count.sum() / table.before[a]
        if coverage < _KIN:
            continue
        purity = float((table.backward[a, children] * count).sum() / count.sum())
        found.append(
            ClusterChange(
                "splits",
                (a,),
                _ints(children),
                purity * float(coverage),
                contrast,
                int(count.sum() - count.max()),
            )
        )
    return found


def _merges(table: _Table, witness: _Witness) -> list[ClusterChange]:
    found = []
    for b in range(len(table.now)):
        parents = np.flatnonzero(
            table.sure[:, b]
            & (table.forward[:, b] >= _KIN)
            & (table.count[:, b] >= MIN_CLUSTER_SIZE / 2)
        )
        if len(parents) < 2:
            continue
        parts = [witness.moved(int(a), b) for a in parents]
        kept, contrast = _contrasts(witness, parts, 1)
        parents = parents[kept]
        if len(parents) < 2:
            continue
        count = table.count[parents, b]
        coverage = count.sum() / table.now[b]
        if coverage < _KIN:
            continue
        purity = float((table.forward[parents, b] * count).sum() / count.sum())
        found.append(
            ClusterChange(
                "merges",
                _ints(parents),
                (b,),
                purity * float(coverage),
                contrast,
                int(count.sum() - count.max()),
            )
        )
    return found


def _contrasts(
    witness: _Witness, parts: list[NDArray[np.bool_]], mixed: int
) -> tuple[NDArray[np.bool_], float]:
    """Compares how each part mixes with the others in the graph where they are one, and the other.

    Args:
        witness: The graphs.
        parts: Sets of rows.
        mixed: 0 where they should mix before and not now, 1 for the reverse.

    Returns:
        Which parts changed enough, and the mean change of those.
    """
    changes, kept = np.zeros(len(parts)), np.zeros(len(parts), bool)
    for i, part in enumerate(parts):
        rest = np.any([other for other in parts if other is not part], axis=0)
        pair = witness.mixing(part, rest)
        changes[i] = pair[mixed].share - pair[1 - mixed].share
        kept[i] = changes[i] >= pair[0].change_by_chance(pair[1])
    return kept, float(np.clip(changes[kept].mean(), 0, 1)) if kept.any() else 0.0


def _births(
    table: _Table, witness: _Witness, heir: IntArray, known: list[ClusterChange]
) -> list[ClusterChange]:
    told = {b for change in known for b in change.after}
    pairs = [witness.cohesion(witness.group_now(b)) for b in range(len(table.now))]
    gains = np.array([now - was for was, now in pairs])
    found = []
    for b in np.flatnonzero(heir < 0).tolist():
        if b in told or (table.sure[:, b] & (table.backward[:, b] >= _KIN)).any():
            continue
        contrast = float(gains[b] - max(np.median(gains), 0))
        if contrast >= _COHESION_CHANGE:
            found.append(ClusterChange("born", (), (b,), pairs[b][1], contrast, int(table.now[b])))
    return found


def _deaths(
    table: _Table, witness: _Witness, heir: IntArray, known: list[ClusterChange]
) -> list[ClusterChange]:
    told = {a for change in known for a in change.before} | set(heir.tolist())
    pairs = [witness.cohesion(witness.group_before(a)) for a in range(len(table.before))]
    losses = np.array([was - now for was, now in pairs])
    found = []
    for a in range(len(table.before)):
        if a in told or (table.sure[a] & (table.forward[a] >= _KIN)).any():
            continue
        contrast = float(losses[a] - max(np.median(losses), 0))
        if contrast >= _COHESION_CHANGE:
            found.append(
                ClusterChange("dies", (a,), (), pairs[a][0], contrast, int(table.before[a]))
            )
    return found


def _ints(values: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(int(v) for v in values)
