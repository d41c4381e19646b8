# SPDX-License-Identifier: Apache-2.0
"""Labels and errors of cells, against hand-computed numbers."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas import cell_labels
from tensorboard_plugin_atlas.analysis.cell_labels import Confusion
from tensorboard_plugin_atlas.errors import ArgumentError


def atlas_of(labels, predictions):
    """An atlas whose only grid has two cells: the first six samples, and all others."""
    plain = make_atlas(0, samples=len(labels), grids=(2,), min_count=1, tile=8)
    cell_of = (np.arange(len(labels)) >= 6).astype(np.int32)
    grid = dataclasses.replace(
        plain.grids[0],
        rows=np.array([0, 1], np.int32),
        cols=np.array([0, 1], np.int32),
        counts=np.bincount(cell_of, minlength=2).astype(np.int32),
        cell_of=cell_of,
    )
    samples = dataclasses.replace(
        plain.samples,
        labels=None if labels is None else np.array(labels, np.int32),
        predictions=None if predictions is None else np.array(predictions, np.int32),
    )
    return plain.replace(grids=(grid,), samples=samples)


def test_mix_purity_entropy_accuracy_and_confusions():
    atlas = atlas_of([3, 3, 3, 1, 1, 0, 2, 2], [3, 1, 1, 1, 0, 0, 2, 2])
    mixed, pure = cell_labels(atlas, atlas.grids[0])
    assert mixed.mix == ((3, 3), (1, 2), (0, 1))
    assert mixed.support == 6
    assert mixed.purity == 0.5
    # 1/2 + 1/3 log2 3 + 1/6 log2 6
    assert mixed.entropy == pytest.approx(0.5 + math.log2(3) / 3 + math.log2(6) / 6)
    assert mixed.accuracy == 0.5
    assert mixed.confusions == (Confusion(3, 1, 2), Confusion(1, 0, 1))
    assert (pure.purity, pure.entropy, pure.accuracy, pure.confusions) == (1, 0, 1, ())


def test_ties_are_sorted_by_class():
    atlas = atlas_of([5, 2, 5, 2, 9, 9, 0], [2, 5, 2, 5, 8, 7, 0])
    first, _ = cell_labels(atlas, atlas.grids[0])
    assert first.mix == ((2, 2), (5, 2), (9, 2))
    assert first.entropy == pytest.approx(math.log2(3))
    assert [(c.label, c.prediction) for c in first.confusions] == [(2, 5), (5, 2), (9, 7), (9, 8)]


def test_unknown_labels_are_ignored():
    atlas = atlas_of([-1, 4, 4, -100, 4, 6, -1, -1], [0, 4, -1, 2, 6, 6, 1, 1])
    known, unknown = cell_labels(atlas, atlas.grids[0])
    assert (known.support, known.predicted, known.purity) == (4, 3, 0.75)
    assert known.accuracy == pytest.approx(2 / 3)
    assert unknown.mix == ()
    assert unknown.support == 0
    assert all(map(math.isnan, (unknown.purity, unknown.entropy, unknown.accuracy)))


def test_a_sample_with_several_labels_counts_for_each():
    sets = [[0, 1], [1, -1], [2, 1], [1, -1], [-1, -1], [0, -1], [2, 0]]
    atlas = atlas_of([0] * 7, [1, 1, 0, 2, 0, 0, 2])
    samples = dataclasses.replace(atlas.samples, labels=None, label_sets=np.array(sets, np.int32))
    atlas = atlas.replace(samples=samples)
    first, second = cell_labels(atlas, atlas.grids[0])
    assert first.mix == ((1, 4), (0, 2), (2, 1))
    assert (first.support, first.purity, first.predicted) == (5, 0.8, 5)
    # Of seven labels: 4/7, 2/7, and 1/7.
    assert first.entropy == pytest.approx(
        sum(share * math.log2(1 / share) for share in (4 / 7, 2 / 7, 1 / 7))
    )
    # Predicted 1 for {0, 1} is right, 0 for {2, 1} and 2 for {1} are wrong.
    assert first.accuracy == pytest.approx(3 / 5)
    assert first.confusions == (Confusion(1, 2, 1), Confusion(2, 0, 1))
    assert (second.mix, second.accuracy) == (((0, 1), (2, 1)), 1)


def test_without_predictions_only_errors_are_unknown():
    atlas = atlas_of([1, 1, 1, 1, 1, 0, 0], None)
    first, _ = cell_labels(atlas, atlas.grids[0])
    assert first.purity == pytest.approx(5 / 6)
    assert math.isnan(first.accuracy)
    assert first.confusions == ()


def test_without_labels_the_result_is_none():
    plain = make_atlas(0, samples=40)
    bare = plain.replace(samples=dataclasses.replace(plain.samples, labels=None))
    assert cell_labels(bare, bare.grids[0]) is None


def test_an_empty_grid_has_no_cells():
    atlas = atlas_of([1] * 7, [1] * 7)
    none = np.empty(0, np.int32)
    grid = dataclasses.replace(
        atlas.grids[0], rows=none, cols=none, counts=none, cell_of=np.full(7, -1, np.int32)
    )
    assert cell_labels(atlas, grid) == ()


def test_a_size_instead_of_a_grid_is_reported_with_the_grids():
    atlas = make_atlas(0, samples=40, grids=(4, 8))
    with pytest.raises(ArgumentError) as caught:
        cell_labels(atlas, 8)
    assert str(caught.value) == (
        "grid=8: pass a Grid, one of atlas.grids[0] of size 4, atlas.grids[1] of size 8"
    )
    with pytest.raises(ArgumentError, match=r"atlas=None: pass an Atlas"):
        cell_labels(None, atlas.grids[0])
