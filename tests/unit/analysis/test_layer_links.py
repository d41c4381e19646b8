# SPDX-License-Identifier: Apache-2.0
"""Links and merges between cells of two layers, with known links."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_atlases import make_grid
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas.analysis.layer_links import link_layers
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError

EACH = 30
KINDS = ("sand", "water", "sandbar", "tree")


def layer(clusters: np.ndarray, name: str, *, labels: np.ndarray | None = None, seed=0) -> Atlas:
    """A layer with distinct `clusters`: each has its own direction and cell of a 4 x 4 grid."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    values = directions[clusters] + 0.02 * rng.normal(size=(len(clusters), 16))
    atlas = atlas_from_activations(values)
    xy = np.stack([(clusters % 4 + 0.5) / 4, (clusters // 4 + 0.5) / 4], axis=1).astype(np.float32)
    grid = make_grid(4, xy, np.zeros(len(xy), np.int32), 8, 1)
    samples = dataclasses.replace(
        atlas.samples, xy=xy, labels=None if labels is None else labels.astype(np.int32)
    )
    return atlas.replace(layer=name, samples=samples, grids=(grid,))


def cell_of(atlas: Atlas, group: int) -> int:
    grid = atlas.grids[0]
    return int(np.flatnonzero((grid.rows == group // 4) & (grid.cols == group % 4))[0])


def shore(**more) -> tuple[Atlas, Atlas]:
    """Sand and water in the first layer; half of each merges in the second."""
    half = EACH // 2
    before = np.repeat([0, 1, 2], EACH)
    after = np.concatenate([np.repeat([0, 3], half), np.repeat([1, 3], half), np.repeat(2, EACH)])
    # Labels: where sand and water meet, the picture shows a sandbar.
    labels = np.where(after == 3, 2, np.where(after == 2, 3, before))
    return layer(before, "mid", labels=labels, **more), layer(after, "late", labels=labels, seed=1)


class TestLinks:
    def test_cells_are_linked_by_shared_samples(self):
        a, b = shore()
        links = link_layers(a, b)
        found = {
            (int(x), int(y)): (int(n), float(feeds), float(fed))
            for x, y, n, feeds, fed in zip(
                links.cells_a,
                links.cells_b,
                links.shared,
                links.share_of_a,
                links.share_of_b,
                strict=True,
            )
        }
        sand, water, tree = (cell_of(a, group) for group in (0, 1, 2))
        assert found[sand, cell_of(b, 0)] == (15, 0.5, 1.0)
        assert found[tree, cell_of(b, 2)] == (30, 1.0, 1.0)
        # Half of the new cell is sand, where chance gives a third: not sure enough.
        assert set(found) >= {(sand, cell_of(b, 0)), (water, cell_of(b, 1)), (tree, cell_of(b, 2))}
        assert links.samples == 90
        assert links.lift[0] == pytest.approx(3)
        assert list(links.shared) == sorted(links.shared, reverse=True)

    def test_unrelated_layers_are_not_linked(self):
        rng = np.random.default_rng(0)
        a, b = (layer(rng.integers(0, 16, 800), name) for name in ("mid", "late"))
        links = link_layers(a, b)
        # Of 256 pairs chance alone links about one in a thousand twice over.
        assert len(links.shared) <= 4
        assert links.merges == ()

    def test_samples_of_other_probes_are_matched_by_position(self):
        a, b = shore()
        order = np.random.default_rng(1).permutation(90)
        samples = b.samples
        moved = dataclasses.replace(
            samples,
            xy=samples.xy[order],
            image_ids=samples.image_ids[order],
            boxes=samples.boxes[order],
            labels=samples.labels[order],
        )
        grid = dataclasses.replace(b.grids[0], cell_of=b.grids[0].cell_of[order])
        other = dataclasses.replace(b.provenance, probe="0f" * 16)
        shuffled = b.replace(samples=moved, grids=(grid,), provenance=other)
        same, mixed = link_layers(a, b), link_layers(a, shuffled)
        np.testing.assert_array_equal(same.shared, mixed.shared)
        np.testing.assert_array_equal(same.cells_b, mixed.cells_b)


def many_shores() -> tuple[Atlas, Atlas]:
    """Like `shore`, with twelve other clusters that do not change."""
    half = EACH // 2
    others = np.repeat(np.arange(4, 16), EACH)
    before = np.concatenate([np.repeat([0, 1], EACH), others])
    after = np.concatenate([np.repeat([0, 3], half), np.repeat([1, 3], half), others])
    labels = np.where(after == 3, 2, before)
    return layer(before, "mid", labels=labels), layer(after, "late", labels=labels, seed=1)


class TestMerges:
    def test_sand_and_water_become_a_sandbar(self):
        a, b = many_shores()
        (merge,) = link_layers(a, b).merges
        assert merge.cell == cell_of(b, 3)
        assert set(merge.parts) == {cell_of(a, 0), cell_of(a, 1)}
        assert merge.shares == (0.5, 0.5)
        assert merge.cosine < 0.2
        assert (merge.top_class, merge.purity, merge.part_purity) == (2, 1.0, 0.5)
        assert merge.score == pytest.approx(15 * (1 - merge.cosine) * 0.5)

    def test_without_labels_a_merge_is_still_found(self):
        a, b = (
            one.replace(samples=dataclasses.replace(one.samples, labels=None))
            for one in many_shores()
        )
        (merge,) = link_layers(a, b).merges
        assert (merge.top_class, merge.purity) == (None, 0.0)
        assert merge.score > 0

    def test_cells_with_similar_means_do_not_merge(self):
        # The first layer holds one thing in two cells: alike to it, so that nothing merges.
        a, b = many_shores()
        values = a.activations.astype(np.float32)
        values[30:60] = values[:30]
        from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

        alike = dataclasses.replace(a.samples, activations=store_activations(values))
        assert link_layers(a.replace(samples=alike), b).merges == ()

    def test_a_layer_and_itself_have_no_merges(self):
        a, _ = many_shores()
        links = link_layers(a, a)
        assert links.merges == ()
        assert set(links.share_of_a.tolist()) == {1.0}


class TestRefusals:
    def test_a_missing_grid(self):
        a, b = shore()
        with pytest.raises(ArgumentError, match="size=7: pass one of 4"):
            link_layers(a, b, size=7)

    def test_no_common_grid(self):
        a, b = shore()
        grid = dataclasses.replace(b.grids[0], size=5)
        with pytest.raises(ArgumentError, match=r"'mid' has grids \[4\], 'late' \[5\]"):
            link_layers(a, b.replace(grids=(grid,)))

    def test_no_common_sample(self):
        a, b = shore()
        strange = dataclasses.replace(b.samples, image_ids=b.image_ids + 1000)
        with pytest.raises(ArgumentError, match="have no sample in cells"):
            link_layers(a, b.replace(samples=strange))

    def test_other_values_than_atlases(self):
        a, b = shore()
        with pytest.raises(ArgumentError, match=r"^b=None: pass an Atlas"):
            link_layers(a, None)
        with pytest.raises(ArgumentError, match=r"^a='runs/a': pass an Atlas"):
            link_layers("runs/a", b)
