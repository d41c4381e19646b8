# SPDX-License-Identifier: Apache-2.0
"""Collects sizes and names of the concepts of a run from its manifests, for the stream graph."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import TypeVar

from tensorboard_plugin_atlas.wire.limits import (
    MAX_HISTORY_CONCEPTS,
    MAX_HISTORY_NAME,
    MAX_HISTORY_NAMES,
)
from tensorboard_plugin_atlas.wire.manifest_types import (
    AtlasManifest,
    ConceptEntry,
    ConceptGroupEntry,
)
from tensorboard_plugin_atlas.wire.response_types import (
    HistoryConcept,
    HistoryGroup,
    HistoryStepConcepts,
)

_Named = TypeVar("_Named", HistoryConcept, HistoryGroup)


def summarize_concepts(fields: AtlasManifest) -> HistoryStepConcepts | None:
    """Returns the largest concepts of a manifest; None if concepts were not tracked."""
    if fields.concepts is None:
        return None
    largest = heapq.nsmallest(
        MAX_HISTORY_CONCEPTS, fields.concepts, key=lambda one: (-one.size, one.id)
    )
    change = fields.concept_change
    return HistoryStepConcepts(
        ids=tuple(one.id for one in largest),
        sizes=tuple(one.size for one in largest),
        by_events=None if change is None else change.by_events,
        by_churn=None if change is None else change.by_churn,
    )


class ConceptSummary:
    """Collects the last name of each concept and group of a run. Not thread safe."""

    def __init__(self) -> None:
        self._concepts: dict[int, tuple[int, HistoryConcept]] | None = None
        self._groups: dict[int, tuple[int, HistoryGroup]] | None = None

    def add(self, step: int, fields: AtlasManifest) -> None:
        """Adds the concepts and groups in the manifest of a step."""
        if fields.concepts is not None:
            concepts = [_shorten_concept(one) for one in fields.concepts]
            self._concepts = _keep_latest(self._concepts or {}, step, concepts)
        if fields.groups is not None:
            groups = [_shorten_group(one) for one in fields.groups]
            self._groups = _keep_latest(self._groups or {}, step, groups)

    @property
    def concepts(self) -> tuple[HistoryConcept, ...] | None:
        """Concepts of all steps by ascending id; None if no step has concepts."""
        return None if self._concepts is None else _list_latest(self._concepts)

    @property
    def groups(self) -> tuple[HistoryGroup, ...] | None:
        """Groups of all steps by ascending id; None if no step has groups."""
        return None if self._groups is None else _list_latest(self._groups)


def _keep_latest(
    known: dict[int, tuple[int, _Named]], step: int, more: Iterable[_Named]
) -> dict[int, tuple[int, _Named]]:
    """Adds the entries of a step; of more than twice the limit, those of early steps are removed.

    An entry among the last `MAX_HISTORY_NAMES` of the run is never removed: at no time are there as
    many that are later.
    """
    for one in more:
        if one.id not in known or known[one.id][0] <= step:
            known[one.id] = (step, one)
    return known if len(known) <= 2 * MAX_HISTORY_NAMES else dict(_select_latest(known))


def _list_latest(known: dict[int, tuple[int, _Named]]) -> tuple[_Named, ...]:
    return tuple(one for _, (_, one) in sorted(_select_latest(known)))


def _select_latest(known: dict[int, tuple[int, _Named]]) -> list[tuple[int, tuple[int, _Named]]]:
    return heapq.nlargest(MAX_HISTORY_NAMES, known.items(), key=lambda item: (item[1][0], -item[0]))


def _shorten_concept(one: ConceptEntry) -> HistoryConcept:
    return HistoryConcept(id=one.id, name=one.name[:MAX_HISTORY_NAME], group=one.group)


def _shorten_group(one: ConceptGroupEntry) -> HistoryGroup:
    return HistoryGroup(id=one.id, name=one.name[:MAX_HISTORY_NAME])
