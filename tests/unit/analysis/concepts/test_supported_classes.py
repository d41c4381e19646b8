# SPDX-License-Identifier: Apache-2.0
"""Classes that a concept supports."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.analysis.concepts.supported_classes import SupportedClasses
from tensorboard_plugin_atlas.atlas import Atlas


def atlas_with_attribution(change: dict[tuple[int, int], float] | None = None) -> Atlas:
    """Returns an atlas whose cell i of the finest grid supports class i % 3."""
    atlas = make_atlas(0, samples=200, grids=(2, 5))
    grid = atlas.grids[-1]
    cells = len(grid.counts)
    attribution = np.zeros((cells, 3), np.float32)
    attribution[np.arange(cells), np.arange(cells) % 3] = 5
    for place, value in (change or {}).items():
        attribution[place] = value
    return atlas.replace(grids=(atlas.grids[0], dataclasses.replace(grid, attribution=attribution)))


@pytest.mark.parametrize("label", [0, 1, 2])
def test_samples_support_the_class_of_their_cells(label):
    atlas = atlas_with_attribution()
    cell_of = atlas.grids[-1].cell_of
    rows = (cell_of >= 0) & (cell_of % 3 == label)
    assert SupportedClasses.from_atlas(atlas).list_classes(rows) == [label]


def test_all_samples_together_support_no_class():
    atlas = atlas_with_attribution()
    rows = atlas.grids[-1].cell_of >= 0
    assert SupportedClasses.from_atlas(atlas).list_classes(rows) == []


def test_the_scale_of_a_class_does_not_matter():
    atlas = atlas_with_attribution()
    grid = atlas.grids[-1]
    scaled = dataclasses.replace(grid, attribution=grid.attribution * [1, 1000, 0.001] + [7, 0, -3])
    rows = grid.cell_of % 3 == 2
    found = SupportedClasses.from_atlas(atlas.replace(grids=(scaled,)))
    assert found.list_classes(rows & (grid.cell_of >= 0)) == [2]


def test_unknown_attribution_is_left_out():
    atlas = atlas_with_attribution({(0, 0): np.nan, (1, 1): np.inf})
    support = SupportedClasses.from_atlas(atlas)
    assert np.isfinite(support.attribution).all()
    assert support.attribution[0, 0] == support.attribution[1, 1] == 0
    constant = atlas_with_attribution()
    grid = dataclasses.replace(
        constant.grids[-1], attribution=np.ones_like(constant.grids[-1].attribution)
    )
    support = SupportedClasses.from_atlas(constant.replace(grids=(grid,)))
    assert not support.attribution.any()


def test_without_attribution_or_cells_no_class_is_supported():
    atlas = make_atlas(0, samples=50)
    rows = np.ones(50, bool)
    assert SupportedClasses.from_atlas(atlas).list_classes(rows) == []
    assert SupportedClasses.from_atlas(atlas.replace(grids=())).list_classes(rows) == []
    alone = atlas_with_attribution()
    assert SupportedClasses.from_atlas(alone).list_classes(alone.grids[-1].cell_of < 0) == []
