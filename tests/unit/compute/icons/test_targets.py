# SPDX-License-Identifier: Apache-2.0
"""What cells hand to the renderer, with numbers worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from icon_inputs import make_source

from tensorboard_plugin_atlas.compute.icons.targets import NEAREST, build_targets
from tensorboard_plugin_atlas.compute.layout.grid import GridCells


def cells_of(cell_of, activations, size=4) -> GridCells:
    cell_of = np.asarray(cell_of, np.int32)
    count = cell_of.max(initial=-1) + 1
    means = [activations[cell_of == i].mean(axis=0) for i in range(count)]
    return GridCells(
        size=size,
        rows=np.arange(count, dtype=np.int32),
        cols=np.full(count, 2, np.int32),
        counts=np.bincount(cell_of[cell_of >= 0], minlength=count).astype(np.int32),
        cell_of=cell_of,
        means=np.asarray(means, np.float32).reshape(count, activations.shape[1]),
    )


ACTIVATIONS = np.array([[1, 0], [3, 0], [0, 2], [0, 4], [0, 6]], np.float32)
PICTURES = np.array([7, 8, 5, 5, 6], np.int32)
CENTERS = np.arange(10, dtype=np.float32).reshape(5, 2)


def targets():
    return build_targets(cells_of([0, 0, 1, 1, -1], ACTIVATIONS), ACTIVATIONS, PICTURES, CENTERS)


def test_means_and_center_are_those_of_cells_and_of_all_samples():
    made = targets()
    assert len(made) == 2
    assert made.directions.tolist() == [[2, 0], [0, 3]]
    assert torch.allclose(made.center, torch.tensor([0.8, 2.4]))
    assert torch.allclose(made.centered(), torch.tensor([[1.2, -2.4], [-0.8, 0.6]]))


def test_members_come_nearest_first_with_their_places_and_padding():
    # Centered on (0.8, 2.4), sample 1 points (2.2, -2.4) and sample 0 (0.2, -2.4); the mean of the
    # cell points (1.2, -2.4): cosine .96 against .93.
    made = targets()
    assert made.rows.shape == (2, NEAREST)
    assert made.rows[0].tolist() == [8, 7, -1, -1, -1, -1]
    assert made.centers[0, :2].tolist() == [[2, 3], [0, 1]]


def test_samples_that_are_not_finite_count_nowhere():
    broken = np.concatenate([ACTIVATIONS, [[np.nan, 1], [np.inf, 0]]]).astype(np.float32)
    made = build_targets(
        cells_of([0, 0, 1, 1, -1, -1, -1], broken),
        broken,
        np.r_[PICTURES, 1, 2].astype(np.int32),
        np.r_[CENTERS, CENTERS[:2]],
    )
    assert torch.allclose(made.center, targets().center)
    assert torch.equal(made.rows, targets().rows)


def test_no_cells_and_no_finite_samples_give_empty_targets():
    nothing = np.full((3, 2), np.nan, np.float32)
    made = build_targets(
        cells_of([-1] * 3, nothing), nothing, np.arange(3, dtype=np.int32), CENTERS[:3]
    )
    assert len(made) == 0
    assert made.centered().shape == (0, 2)
    assert made.mean_patches(make_source(torch.rand(1, 3, 8, 8)), (4, 4)).shape[0] == 0
    assert made.noise((3, 4, 4), 0).shape == (0, 3, 4, 4)


def test_a_cell_that_equals_the_layer_has_no_direction():
    made = targets()
    same = dataclasses.replace(made, directions=made.center.expand(2, 2) * (1 + 1e-7))
    assert same.centered().abs().max() == 0


def test_cells_without_a_direction_are_known():
    made = targets()
    assert made.aimless().tolist() == [False, False]
    directions = torch.stack([made.center, torch.tensor([1.0, torch.nan])])
    assert dataclasses.replace(made, directions=directions).aimless().tolist() == [True, True]


def test_some_cells_are_those_cells_in_that_order():
    around = torch.arange(32.0).reshape(2, 8, 2)
    made = dataclasses.replace(targets(), surround=around)
    swapped = made.only(np.array([1, 0]))
    assert swapped.directions.tolist() == [[0, 3], [2, 0]]
    assert swapped.rows.tolist() == made.rows.tolist()[::-1]
    assert swapped.centers.tolist() == made.centers.tolist()[::-1]
    assert swapped.keys.tolist() == made.keys.tolist()[::-1]
    assert torch.equal(swapped.surround, around.flip(0))
    assert len(made.only(np.array([], np.intp))) == 0


def test_mean_patch_averages_the_present_members_only():
    levels = torch.tensor([0.2, 0.6, 0.9])[:, None, None, None].expand(3, 1, 8, 8)
    made = dataclasses.replace(
        targets(),
        rows=torch.tensor([[0, 1, -1], [-1, -1, -1]]),
        centers=torch.full((2, 3, 2), 3.5),
    )
    patches = made.mean_patches(make_source(levels), (4, 4))
    assert torch.allclose(patches[0], torch.tensor(0.4), atol=1e-6)
    assert torch.allclose(patches[1], torch.tensor(0.5))
    nearest = made.mean_patches(make_source(levels), (4, 4), members=1)
    assert torch.equal(
        nearest[0], make_source(levels).cut(made.rows[:1, 0], made.centers[:1, 0], (4, 4))[0]
    )
    assert not torch.allclose(nearest[0], patches[0])


def test_noise_is_named_by_cell_and_seed_alone():
    made = targets()
    assert made.keys.tolist() == [2, 6]
    both = made.noise((1, 40, 40), seed=3)
    assert torch.equal(both[1:], made.only(np.array([1])).noise((1, 40, 40), seed=3))
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(both, made.noise((1, 40, 40), seed=4))
    assert abs(float(both.mean())) < 0.1
    assert 0.9 < float(both.std()) < 1.1
