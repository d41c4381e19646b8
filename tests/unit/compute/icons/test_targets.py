# SPDX-License-Identifier: Apache-2.0
"""The targets of icons, with numbers computed by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from icon_inputs import make_source

from tensorboard_plugin_atlas.compute.icons.targets import NEAREST, build_targets
from tensorboard_plugin_atlas.compute.layout.grid import GridCells


def make_cells(cell_of, activations, size=4) -> GridCells:
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
IMAGES = np.array([7, 8, 5, 5, 6], np.int32)
CENTERS = np.arange(10, dtype=np.float32).reshape(5, 2)


def make_targets():
    return build_targets(make_cells([0, 0, 1, 1, -1], ACTIVATIONS), ACTIVATIONS, IMAGES, CENTERS)


def test_directions_are_cell_means_and_the_center_is_the_mean_of_all_samples():
    targets = make_targets()
    assert len(targets) == 2
    assert targets.directions.tolist() == [[2, 0], [0, 3]]
    assert torch.allclose(targets.center, torch.tensor([0.8, 2.4]))
    assert torch.allclose(
        targets.get_relative_directions(), torch.tensor([[1.2, -2.4], [-0.8, 0.6]])
    )


def test_members_are_ordered_by_cosine_and_padded():
    # Centered on (0.8, 2.4), sample 1 points (2.2, -2.4) and sample 0 (0.2, -2.4); the mean of the
    # cell points (1.2, -2.4): cosine .96 against .93.
    targets = make_targets()
    assert targets.rows.shape == (2, NEAREST)
    assert targets.rows[0].tolist() == [8, 7, -1, -1, -1, -1]
    assert targets.centers[0, :2].tolist() == [[2, 3], [0, 1]]


def test_samples_that_are_not_finite_are_ignored():
    broken = np.concatenate([ACTIVATIONS, [[np.nan, 1], [np.inf, 0]]]).astype(np.float32)
    targets = build_targets(
        make_cells([0, 0, 1, 1, -1, -1, -1], broken),
        broken,
        np.r_[IMAGES, 1, 2].astype(np.int32),
        np.r_[CENTERS, CENTERS[:2]],
    )
    assert torch.allclose(targets.center, make_targets().center)
    assert torch.equal(targets.rows, make_targets().rows)


def test_without_cells_and_finite_samples_the_targets_are_empty():
    nothing = np.full((3, 2), np.nan, np.float32)
    targets = build_targets(
        make_cells([-1] * 3, nothing), nothing, np.arange(3, dtype=np.int32), CENTERS[:3]
    )
    assert len(targets) == 0
    assert targets.get_relative_directions().shape == (0, 2)
    assert targets.average_patches(make_source(torch.rand(1, 3, 8, 8)), (4, 4)).shape[0] == 0
    assert targets.make_noise((3, 4, 4), 0).shape == (0, 3, 4, 4)


def test_a_cell_that_equals_the_mean_of_the_layer_has_no_direction():
    targets = make_targets()
    same = dataclasses.replace(targets, directions=targets.center.expand(2, 2) * (1 + 1e-7))
    assert same.get_relative_directions().abs().max() == 0


def test_cells_without_a_direction_are_found():
    targets = make_targets()
    assert targets.find_cells_without_direction().tolist() == [False, False]
    directions = torch.stack([targets.center, torch.tensor([1.0, torch.nan])])
    assert dataclasses.replace(
        targets, directions=directions
    ).find_cells_without_direction().tolist() == [
        True,
        True,
    ]


def test_selected_cells_are_in_the_given_order():
    around = torch.arange(32.0).reshape(2, 8, 2)
    targets = dataclasses.replace(make_targets(), surround=around)
    swapped = targets.select(np.array([1, 0]))
    assert swapped.directions.tolist() == [[0, 3], [2, 0]]
    assert swapped.rows.tolist() == targets.rows.tolist()[::-1]
    assert swapped.centers.tolist() == targets.centers.tolist()[::-1]
    assert swapped.keys.tolist() == targets.keys.tolist()[::-1]
    assert torch.equal(swapped.surround, around.flip(0))
    assert len(targets.select(np.array([], np.intp))) == 0


def test_the_mean_patch_averages_only_members_that_exist():
    levels = torch.tensor([0.2, 0.6, 0.9])[:, None, None, None].expand(3, 1, 8, 8)
    targets = dataclasses.replace(
        make_targets(),
        rows=torch.tensor([[0, 1, -1], [-1, -1, -1]]),
        centers=torch.full((2, 3, 2), 3.5),
    )
    patches = targets.average_patches(make_source(levels), (4, 4))
    assert torch.allclose(patches[0], torch.tensor(0.4), atol=1e-6)
    assert torch.allclose(patches[1], torch.tensor(0.5))
    nearest = targets.average_patches(make_source(levels), (4, 4), members=1)
    assert torch.equal(
        nearest[0], make_source(levels).crop(targets.rows[:1, 0], targets.centers[:1, 0], (4, 4))[0]
    )
    assert not torch.allclose(nearest[0], patches[0])


def test_the_noise_depends_on_cell_and_seed_only():
    targets = make_targets()
    assert targets.keys.tolist() == [2, 6]
    both = targets.make_noise((1, 40, 40), seed=3)
    assert torch.equal(both[1:], targets.select(np.array([1])).make_noise((1, 40, 40), seed=3))
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(both, targets.make_noise((1, 40, 40), seed=4))
    assert abs(float(both.mean())) < 0.1
    assert 0.9 < float(both.std()) < 1.1
