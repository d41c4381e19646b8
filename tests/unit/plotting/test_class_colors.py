# SPDX-License-Identifier: Apache-2.0
"""Colors of classes: those of the tab, and which classes have one."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from commands import ROOT
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.plotting.class_colors import (
    MUTED,
    OKABE_ITO,
    OTHER,
    assign_class_colors,
    describe_class_colors,
)

NAMES = tuple(f"class{i}" for i in range(40))


def assign(labels: list[int], classes: int | None) -> Any:
    plain = make_atlas(0, samples=len(labels), grids=(2,), min_count=1, tile=8)
    samples = type(plain.samples)(**{**vars(plain.samples), "labels": np.array(labels, np.int32)})
    names = None if classes is None else NAMES[:classes]
    return assign_class_colors([plain.replace(samples=samples, classes=names)], "labels")


@pytest.mark.parametrize(
    ("name", "palette"), [("OKABE_ITO", OKABE_ITO), ("MUTED", MUTED), ("OTHER", (OTHER,))]
)
def test_colors_are_those_of_the_tab(name: str, palette: tuple[str, ...]) -> None:
    source = (ROOT / "frontend/src/domain/map_colors.ts").read_text("utf-8")
    found = re.search(rf"const {name} =\s*'([^']+)'", source)
    assert found is not None
    assert tuple(found[1].split()) == palette


def test_few_classes_have_a_color_each_even_if_they_do_not_occur() -> None:
    colors = assign([3, 3, 1, -1], 8)
    assert [colors.color_of(index) for index in range(8)] == list(OKABE_ITO)
    assert colors.color_of(-1) == OTHER
    assert [assign([0], 9).color_of(index) for index in range(9)] == list(MUTED[:9])


def test_of_many_classes_the_most_frequent_have_a_color() -> None:
    labels = [i for i in range(20) for _ in range(1 + i % 5)]
    colors = assign([*labels, 39, 39, 39, 39, 39], 40)
    # Five samples: 4, 9, 14, 19, 39. Four samples: 3, 8, 13, 18. Colors follow the class index.
    assert dict(colors.named) == dict(zip((3, 4, 8, 9, 13, 14, 18, 19, 39), MUTED, strict=False))
    assert colors.color_of(0) == OTHER


def test_without_names_the_classes_that_occur_count() -> None:
    assert dict(assign([70, 70, 5, -1], None).named) == {5: OKABE_ITO[0], 70: OKABE_ITO[1]}


def test_the_legend_counts_other_classes_and_keeps_equal_names() -> None:
    labels = [i for i in range(12) for _ in range(12 - i)]
    colors = assign(labels, 40)
    entries = describe_class_colors([0, 0, 10, 11, -1, 8], colors, NAMES)
    assert entries == (
        ("class0", MUTED[0]),
        ("class8", MUTED[8]),
        ("unknown", OTHER),
        ("2 other", OTHER),
    )
    colors = assign([0, 1], 2)
    entries = describe_class_colors([1, 0, -1], colors, ("same", "same"))
    assert entries == (("same", OKABE_ITO[0]), ("same", OKABE_ITO[1]), ("unknown", OTHER))
