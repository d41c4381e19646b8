# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import msgspec
import pytest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.serving.concept_summary import ConceptSummary, summarize_concepts
from tensorboard_plugin_atlas.serving.step_facts import extract_facts
from tensorboard_plugin_atlas.wire.atlas_codec import AtlasManifest, encode_atlas, read_manifest
from tensorboard_plugin_atlas.wire.limits import (
    MAX_HISTORY_CONCEPTS,
    MAX_HISTORY_NAME,
    MAX_HISTORY_NAMES,
)
from tensorboard_plugin_atlas.wire.manifest_types import (
    ConceptChangeEntry,
    ConceptEntry,
    ConceptGroupEntry,
)


def concept(number: int, size: int = 5, name: str = "cat 1", group: int | None = 0) -> ConceptEntry:
    return ConceptEntry(
        id=number,
        name=name,
        size=size,
        top_class=None,
        top_share=0.5,
        born=0,
        confidence=1.0,
        group=group,
        joined=None,
        left=None,
    )


def group(number: int, name: str = "cat") -> ConceptGroupEntry:
    return ConceptGroupEntry(id=number, name=name, size=10)


def fields(
    concepts: tuple[ConceptEntry, ...] | None,
    groups: tuple[ConceptGroupEntry, ...] | None = None,
    change: ConceptChangeEntry | None = None,
) -> AtlasManifest:
    found = read_manifest(encode_atlas(make_atlas(10, samples=40, grids=(2,)))[0]).fields
    assert isinstance(found, AtlasManifest)
    return msgspec.structs.replace(found, concepts=concepts, groups=groups, concept_change=change)


def built(value: Any) -> Any:
    return msgspec.to_builtins(value)


def test_a_step_lists_its_concepts_by_size_and_id() -> None:
    change = ConceptChangeEntry(modularity=0.4, by_events=0.25, by_churn=0.5)
    found = fields((concept(2, 5), concept(3, 9), concept(7, 5)), change=change)
    wanted = {"ids": (3, 2, 7), "sizes": (9, 5, 5), "by_events": 0.25, "by_churn": 0.5}
    assert built(summarize_concepts(found)) == wanted
    assert built(extract_facts(found).concepts) == wanted


@pytest.mark.parametrize(
    ("concepts", "wanted"),
    [(None, None), ((), {"ids": (), "sizes": (), "by_events": None, "by_churn": None})],
    ids=["not tracked", "none at this step"],
)
def test_no_concepts_is_not_the_same_as_not_tracked(concepts: Any, wanted: Any) -> None:
    assert built(summarize_concepts(fields(concepts))) == wanted
    summary = ConceptSummary()
    summary.add(0, fields(concepts))
    assert summary.concepts == concepts
    assert summary.groups is None


def test_a_step_lists_the_largest_concepts_only() -> None:
    many = tuple(concept(i, size=i) for i in range(MAX_HISTORY_CONCEPTS + 20))
    found = summarize_concepts(fields(many))
    assert found is not None
    assert len(found.ids) == len(found.sizes) == MAX_HISTORY_CONCEPTS
    assert (found.sizes[0], found.sizes[-1]) == (MAX_HISTORY_CONCEPTS + 19, 20)


@pytest.mark.parametrize("order", [(0, 10, 20), (20, 10, 0), (10, 20, 0)])
def test_the_last_name_and_group_count_in_any_order_of_reading(order: tuple[int, ...]) -> None:
    steps = {
        0: fields((concept(1, name="old", group=4), concept(2, name="gone")), (group(4, "old"),)),
        10: fields((concept(1, name="new", group=5),), (group(4, "birds"), group(5, "ships"))),
        20: fields(None),
    }
    summary = ConceptSummary()
    for step in order:
        summary.add(step, steps[step])
    assert built(summary.concepts) == (
        {"id": 1, "name": "new", "group": 5},
        {"id": 2, "name": "gone", "group": 0},
    )
    assert built(summary.groups) == ({"id": 4, "name": "birds"}, {"id": 5, "name": "ships"})


def test_names_are_cut() -> None:
    summary = ConceptSummary()
    long = "x" * (MAX_HISTORY_NAME + 1)
    summary.add(0, fields((concept(1, name=long),), (group(0, name=long),)))
    assert summary.concepts is not None
    assert summary.groups is not None
    assert len(summary.concepts[0].name) == len(summary.groups[0].name) == MAX_HISTORY_NAME


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_many_concepts_those_of_the_last_steps_are_listed(is_reversed: bool) -> None:
    of_step, steps = 1000, 3 * MAX_HISTORY_NAMES // 1000
    plain = fields(())
    summary = ConceptSummary()
    order = range(steps)
    for step in reversed(order) if is_reversed else order:
        own = tuple(concept(step * of_step + i) for i in range(of_step))
        summary.add(step, msgspec.structs.replace(plain, concepts=own))
    found = summary.concepts
    assert found is not None
    assert [one.id for one in found] == list(range(2 * MAX_HISTORY_NAMES, 3 * MAX_HISTORY_NAMES))
