# SPDX-License-Identifier: Apache-2.0
"""Comparison of two atlases, against hand-computed numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_atlases import make_atlas, make_grid
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas.analysis import comparison as evolution
from tensorboard_plugin_atlas.analysis.comparison import (
    compare_atlases,
    match_cells,
    neighbor_change,
)
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations


def with_samples(atlas: Atlas, **changes) -> Atlas:
    return atlas.replace(samples=dataclasses.replace(atlas.samples, **changes))


def with_provenance(atlas: Atlas, **changes) -> Atlas:
    return atlas.replace(provenance=dataclasses.replace(atlas.provenance, **changes))


def rows(count: int = 60, channels: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, channels))


def some_of(atlas: Atlas, chosen: np.ndarray) -> Atlas:
    """Returns the atlas with only the rows `chosen` and another probe."""
    samples = atlas.samples
    taken = with_samples(
        atlas,
        xy=samples.xy[chosen],
        image_ids=samples.image_ids[chosen],
        positions=samples.positions[chosen],
        boxes=samples.boxes[chosen],
        clamped=samples.clamped[chosen],
        labels=None if samples.labels is None else samples.labels[chosen],
        predictions=None if samples.predictions is None else samples.predictions[chosen],
        concepts=None,
        noise_floor=None,
        activations=store_activations(atlas.activations[chosen].astype(np.float32)),
    )
    grids = tuple(
        make_grid(g.size, samples.xy[chosen], np.zeros(len(chosen), np.int32), 8, 1)
        for g in atlas.grids
    )
    return with_provenance(taken.replace(grids=grids), probe="0f0f" * 8)


class TestTheSame:
    def test_an_atlas_does_not_differ_from_itself(self):
        atlas = make_atlas(200)
        diff = compare_atlases(atlas, atlas)
        assert len(diff.rows_a) == len(diff.rows_b) == 400
        assert diff.displacement.max() == 0
        assert diff.change.max() == 0
        assert diff.cka == pytest.approx(1)
        assert not diff.moved.any()
        assert diff.notes == ()
        for level, grid in zip(diff.grids, atlas.grids, strict=True):
            assert level.size == grid.size
            assert len(level.cells_a) == len(grid.rows)
            np.testing.assert_array_equal(level.cells_a, level.cells_b)
            np.testing.assert_array_equal(level.jaccard, 1)
            np.testing.assert_allclose(level.mean_cosine, 1, atol=1e-6)
            np.testing.assert_array_equal(level.density, 0)
            assert len(level.only_a) == len(level.only_b) == 0

    @pytest.mark.parametrize("count", range(1, 21))
    def test_few_samples_compare(self, count):
        atlas = atlas_from_activations(rows(count))
        diff = compare_atlases(atlas, atlas.replace(step=10))
        assert len(diff.rows_a) == count
        assert diff.change.max() == 0
        assert (diff.cka is None) == (count < 4)

    def test_equal_rows_compare(self):
        atlas = atlas_from_activations(np.ones((50, 4)))
        diff = compare_atlases(atlas, atlas.replace(step=10))
        assert diff.cka is None
        assert diff.change.max() == 0


class TestMotion:
    def test_displacement_is_the_distance_on_the_map(self):
        a = atlas_from_activations(rows(3))
        b = a.replace(step=10)
        a = with_samples(a, xy=np.array([[0, 0], [0.5, 0.5], [1, 0]], np.float32))
        b = with_samples(b, xy=np.array([[0.3, 0.4], [0.5, 0.5], [1, 1]], np.float32))
        np.testing.assert_allclose(compare_atlases(a, b).displacement, [0.5, 0, 1], atol=1e-7)

    def test_only_what_exceeds_the_floor_of_the_later_atlas_moved(self):
        a = atlas_from_activations(rows(3))
        b = with_samples(
            a.replace(step=10),
            xy=a.xy + np.array([[0.1, 0], [0.1, 0], [0, 0]], np.float32),
            noise_floor=np.array([0.05, 0.2, 0], np.float32),
        )
        diff = compare_atlases(a, b)
        np.testing.assert_array_equal(diff.moved, [True, False, False])
        np.testing.assert_array_equal(diff.noise_floor, b.samples.noise_floor)
        # The earlier atlas's floor serves where the later one has none.
        back = compare_atlases(b, a)
        np.testing.assert_array_equal(back.noise_floor, b.samples.noise_floor)

    def test_without_a_floor_moved_is_none(self):
        diff = compare_atlases(
            atlas_from_activations(rows()), atlas_from_activations(rows(), step=10)
        )
        assert diff.noise_floor is None
        assert diff.moved is None

    def test_hand_computed_neighbor_change(self):
        angles = np.deg2rad([0, 10, 30, 65])
        a = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        # Row 3 comes to lie beside row 0: rows 0 and 3 become each other's nearest.
        angles = np.deg2rad([0, 10, 30, -1])
        b = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        np.testing.assert_array_equal(neighbor_change(a, b, 1), [1, 0, 0, 1])
        np.testing.assert_array_equal(neighbor_change(a, b, 2), [0.5, 0.5, 0, 0.5])

    def test_neighbor_change_is_measured_among_shared_rows_and_blocks_agree(self, monkeypatch):
        a, b = rows(80), rows(80, 5, seed=1)
        whole = neighbor_change(a, b)
        monkeypatch.setattr("tensorboard_plugin_atlas.analysis.directions._BLOCK_ENTRIES", 100)
        np.testing.assert_array_equal(neighbor_change(a, b), whole)


class TestCells:
    def test_cells_are_matched_by_the_samples_they_share(self):
        a = np.array([0, 0, 0, 0, 1, 1, 2, -1], np.int32)
        b = np.array([1, 1, 1, 0, 0, 0, -1, 2], np.int32)
        cells_a, cells_b, jaccard = match_cells(a, b)
        # 0 and 1 share three of four; 1 and 0 two of three; 2 of each shares nothing.
        assert cells_a.tolist() == [0, 1]
        assert cells_b.tolist() == [1, 0]
        np.testing.assert_allclose(jaccard, [3 / 4, 2 / 3])

    def test_cells_with_few_shared_samples_do_not_match(self):
        a = np.zeros(40, np.int32)
        b = np.arange(40, dtype=np.int32)
        assert len(match_cells(a, b)[0]) == 0

    def test_no_cells_match_no_cells(self):
        nothing = np.full(5, -1, np.int32)
        assert [len(part) for part in match_cells(nothing, nothing)] == [0, 0, 0]

    def two_by_two(self) -> tuple[Atlas, Atlas]:
        """Four samples stay at the top left; four move from the bottom right to the top right."""
        values = np.repeat([[1.0, 0], [0, 1]], 4, axis=0)
        a = atlas_from_activations(values)
        left = [0.1, 0.1]
        xy_a = np.array([left] * 4 + [[0.9, 0.9]] * 4, np.float32)
        xy_b = np.array([left] * 4 + [[0.9, 0.1]] * 4, np.float32)
        b = with_samples(atlas_from_activations(values[::-1]), xy=xy_b).replace(step=10)
        grid = make_grid(2, xy_a, np.zeros(8, np.int32), 8, 1)
        other = make_grid(2, xy_b, np.zeros(8, np.int32), 8, 1)
        return with_samples(a, xy=xy_a).replace(grids=(grid,)), b.replace(grids=(other,))

    def test_hand_computed_density_and_means(self):
        (level,) = compare_atlases(*self.two_by_two()).grids
        np.testing.assert_array_equal(level.density, [[0, 0.5], [0, -0.5]])
        assert level.cells_a.tolist() == level.cells_b.tolist() == [0, 1]
        # Relative to the layer's mean, both cells turned round.
        np.testing.assert_allclose(level.mean_cosine, [-1, -1], atol=1e-6)
        assert level.attribution_rank is None

    def test_attribution_rank_of_the_first_class(self):
        a, b = self.two_by_two()
        was = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]], np.float32)
        now = np.array([[0.5, 0.4, 0.6], [0.1, 0.2, 0.9]], np.float32)
        a = a.replace(grids=(dataclasses.replace(a.grids[0], attribution=was),))
        b = b.replace(grids=(dataclasses.replace(b.grids[0], attribution=now),))
        (level,) = compare_atlases(a, b).grids
        assert level.attribution_rank.tolist() == [1, 0]

    @pytest.mark.parametrize("side", [0, 1])
    def test_unknown_attribution_has_no_rank(self, side):
        said = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]], np.float32)
        unknown = np.where([[True], [False]], np.nan, said).astype(np.float32)
        given = [said, said]
        given[side] = unknown
        a, b = (
            one.replace(grids=(dataclasses.replace(one.grids[0], attribution=values),))
            for one, values in zip(self.two_by_two(), given, strict=True)
        )
        assert compare_atlases(a, b).grids[0].attribution_rank.tolist() == [-1, 0]

    def test_attribution_to_other_classes_is_not_compared(self):
        a, b = self.two_by_two()
        a = a.replace(grids=(dataclasses.replace(a.grids[0], attribution=np.ones((2, 3))),))
        b = b.replace(grids=(dataclasses.replace(b.grids[0], attribution=np.ones((2, 4))),))
        assert compare_atlases(a, b).grids[0].attribution_rank is None

    def test_cells_that_only_one_atlas_has(self):
        values = rows(24)
        gathered = np.full((24, 2), 0.1, np.float32)
        spread = np.stack([np.arange(24) / 24, np.arange(24) / 24], axis=1).astype(np.float32)
        labels = np.zeros(24, np.int32)
        a = with_samples(atlas_from_activations(values), xy=gathered)
        a = a.replace(grids=(make_grid(24, gathered, labels, 8, 1),))
        b = with_samples(atlas_from_activations(values, step=1), xy=spread)
        b = b.replace(grids=(make_grid(24, spread, labels, 8, 1),))
        (level,) = compare_atlases(a, b).grids
        assert len(level.cells_a) == 0
        assert level.only_a.tolist() == [0]
        assert level.only_b.tolist() == list(range(24))
        assert level.mean_cosine.shape == (0,)

    def test_grids_of_one_atlas_only_are_left_out(self):
        a, b = make_atlas(0, grids=(4, 8)), make_atlas(50, grids=(8, 16))
        assert [level.size for level in compare_atlases(a, b, strict=False).grids] == [8]


class TestOthers:
    def test_two_layers_of_other_widths_compare_row_by_row(self):
        a, b = make_atlas(100), make_atlas(100, layer="layer4", channels=24)
        diff = compare_atlases(a, b)
        assert len(diff.rows_a) == 400
        assert diff.cka is not None
        assert all(level.mean_cosine is None for level in diff.grids)
        assert diff.moved is None
        assert diff.notes == ("the maps are of two layers: displacements have no meaning",)

    def test_two_runs_compare_with_a_note(self):
        diff = compare_atlases(make_atlas(0).replace(run="a"), make_atlas(50).replace(run="b"))
        assert len(diff.rows_a) == 400
        assert "only valid if one was aligned" in diff.notes[0]

    def test_a_note_reports_the_number_of_shared_samples(self):
        whole = atlas_from_activations(rows(60))
        first, second = some_of(whole, np.arange(40)), some_of(whole, np.arange(20, 60))
        second = with_provenance(second, probe="1e1e" * 8)
        diff = compare_atlases(first, second, strict=False)
        np.testing.assert_array_equal(diff.rows_a, np.arange(20, 40))
        np.testing.assert_array_equal(diff.rows_b, np.arange(20))
        assert diff.cka == pytest.approx(1)
        assert diff.change.max() == 0
        assert "compared 20 samples of the 40 and 40" in diff.notes[-2]
        assert diff.notes[-1].startswith("image ids were not verified")

    def test_samples_of_one_image_are_matched_by_position(self):
        whole = atlas_from_activations(rows(12))
        corner = np.array([[8 * (i // 3), 0] for i in range(12)], np.int32)
        whole = with_samples(
            whole,
            image_ids=np.array([0, 1, 2] * 4, np.int32),
            boxes=np.hstack([corner, corner + 8]),
        )
        turned = some_of(whole, np.arange(12)[::-1])
        diff = compare_atlases(whole, turned, strict=False)
        np.testing.assert_array_equal(diff.rows_b, np.arange(12)[::-1])

    def test_other_positions_of_an_image_are_other_samples(self):
        a = some_of(atlas_from_activations(rows(20)), np.arange(20))
        boxes = a.boxes.copy()
        boxes[5] += [24, 24, 24, 24]
        a = with_samples(a, boxes=boxes)
        b = with_provenance(with_samples(a, boxes=np.roll(boxes, 10, axis=0)), probe="1e")
        diff = compare_atlases(a, b, strict=False)
        assert sorted(set(range(20)) - set(diff.rows_a.tolist())) == [5, 15]

    def test_ids_of_other_images_are_rejected(self):
        a = make_atlas(0)
        b = with_samples(make_atlas(50), labels=(a.labels + 1) % 6)
        b = with_provenance(b, probe="0f" * 16)
        with pytest.raises(ArgumentError, match=r"100% of the images .* have different labels"):
            compare_atlases(a, b, strict=False)

    def test_atlases_without_shared_samples_are_rejected(self):
        a = atlas_from_activations(rows(10))
        b = with_provenance(with_samples(a, image_ids=a.image_ids + 100), probe="0f" * 16)
        with pytest.raises(ArgumentError, match="have no position of an image"):
            compare_atlases(a, b, strict=False)


class TestRefusals:
    def test_different_settings_are_listed_with_both_values(self):
        a, b = make_atlas(0), make_atlas(50, min_count=3, grids=(4, 8))
        b = with_provenance(b, probe="0f" * 16)
        with pytest.raises(ArgumentError) as caught:
            compare_atlases(a, b)
        message = str(caught.value)
        assert "grids ([4, 8, 16] and [4, 8])" in message
        assert "min_count (2 and 3)" in message
        assert f"probe ({'5a5a' * 8!r} and {'0f' * 16!r})" in message
        assert "pass strict=False" in message
        notes = compare_atlases(a, b, strict=False).notes
        assert any(note.startswith("grids (") for note in notes)

    def test_icon_settings_are_ignored(self):
        a, b = make_atlas(0), make_atlas(50)
        settings = {**b.provenance.settings, "icons": "none", "icon_size": 64}
        compare_atlases(a, with_provenance(b, settings=settings))

    def test_a_missing_setting_counts_as_different(self):
        a, b = make_atlas(0), make_atlas(50)
        settings = {**b.provenance.settings, "stability": 0.5, "wild": "x" * 1_000}
        del settings["seed"]
        with pytest.raises(ArgumentError, match=r"seed \(0 and None\)") as caught:
            compare_atlases(a, with_provenance(b, settings=settings))
        assert len(str(caught.value)) < 1_000

    def test_invalid_rows_are_excluded_and_counted(self):
        values = rows(30)
        broken = values.copy()
        broken[::3] = np.nan
        diff = compare_atlases(
            atlas_from_activations(values), atlas_from_activations(broken, step=10)
        )
        np.testing.assert_array_equal(diff.rows_a, np.setdiff1d(np.arange(30), np.arange(0, 30, 3)))
        assert diff.change.max() == 0
        assert diff.notes == ("10 samples hold NaN or infinity and were left out",)

    def test_a_path_is_reported_with_advice(self):
        atlas = make_atlas(0)
        with pytest.raises(ArgumentError, match=r"^a='runs/a': .* read_atlases\('runs/a'\)"):
            compare_atlases("runs/a", atlas)
        with pytest.raises(ArgumentError, match=r"^b='runs/b': .* read_atlases\('runs/b'\)"):
            compare_atlases(atlas, "runs/b")

    def test_atlases_without_finite_samples_are_rejected(self):
        with pytest.raises(ArgumentError, match="no sample with finite activations"):
            compare_atlases(
                atlas_from_activations(rows(5)),
                atlas_from_activations(np.full((5, 8), np.inf), step=1),
            )


def test_comparison_only_imports_numpy():
    names = {name for name in vars(evolution) if name in ("torch", "scipy", "umap", "numba")}
    assert not names
