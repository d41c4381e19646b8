# SPDX-License-Identifier: Apache-2.0
"""Activations of a layer under a patch, against hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.shortcuts.patch_activations import (
    MAX_NEAREST,
    PatchActivations,
    nearest_samples,
)


class Blocks(nn.Module):
    """Means of 4 x 4 blocks, and a head."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.body = nn.AvgPool2d(4)
        self.factor = factor

    def forward(self, x):
        return self.body(x * self.factor).mean((2, 3))


def test_the_activation_is_where_the_patch_changes_the_map_most():
    images = torch.zeros(5, 3, 16, 16)
    images[:, 1] = 0.5
    patch = torch.ones(3, 3, 3)
    # Rows 7 to 9 and columns 9 to 11: one row of block (1, 2), and two of block (2, 2).
    activation = PatchActivations(Blocks(), "body").measure(images, patch, (7, 9))
    # Six of the sixteen pixels are 1, the others are unchanged.
    np.testing.assert_allclose(activation, [6 / 16, (6 + 10 * 0.5) / 16, 6 / 16])


def test_it_is_the_mean_over_the_images():
    images = torch.rand(7, 3, 16, 16)
    patch = torch.full((3, 8, 8), 2.0)
    activation = PatchActivations(Blocks(), "body").measure(images, patch, (0, 0))
    np.testing.assert_allclose(activation, [2, 2, 2])


def test_the_images_are_unchanged():
    images = torch.rand(3, 3, 16, 16)
    before = images.clone()
    PatchActivations(Blocks(), "body").measure(images, torch.ones(3, 4, 4), (2, 2))
    assert torch.equal(images, before)


def test_an_activation_that_is_not_finite_is_none():
    images = torch.ones(2, 3, 16, 16)
    patched = PatchActivations(Blocks(float("inf")), "body")
    assert patched.measure(images, torch.ones(3, 4, 4), (0, 0)) is None


def test_a_layer_of_tokens_has_a_map_too():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Identity()

        def forward(self, x):
            tokens = self.body(nn.functional.avg_pool2d(x, 4).flatten(2).transpose(1, 2))
            return tokens.mean(1)

    images = torch.zeros(2, 3, 16, 16)
    activation = PatchActivations(Tokens(), "body").measure(images, torch.ones(3, 4, 4), (4, 8))
    np.testing.assert_allclose(activation, [1, 1, 1])


def test_the_nearest_samples_by_centered_cosine():
    # Centered on (1, 1): right, up, left, down.
    activations = np.array([[2, 1], [1, 2], [0, 1], [1, 0]], np.float16)
    rows, similarity = nearest_samples(activations, np.array([3.0, 1.5], np.float32))
    assert rows == (0,)
    assert similarity == pytest.approx(2 / np.hypot(2, 0.5))


def test_only_samples_nearly_as_near_as_the_nearest_are_returned():
    """Eight directions, and an activation in the direction of the first."""
    angles = np.deg2rad([0, 30, 45, 90, 180, 210, 225, 270])
    activations = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float16)
    rows, similarity = nearest_samples(activations, np.array([1.0, 0.0], np.float32))
    # cos 30 degrees is .87 and cos 45 degrees is .71.
    assert rows == (0, 1)
    assert similarity == pytest.approx(1, abs=1e-3)


def test_samples_that_are_not_finite_are_ignored():
    activations = np.array([[np.nan, 0], [1, 0], [np.inf, 1], [0, 1]], np.float16)
    rows, similarity = nearest_samples(activations, np.array([1.0, 0.0], np.float32))
    assert rows == (1,)
    assert similarity == pytest.approx(1)


@pytest.mark.parametrize(
    "activations",
    [np.zeros((0, 2)), np.ones((5, 2)), np.full((3, 2), np.nan)],
    ids=["none", "all equal", "all invalid"],
)
def test_without_distinct_samples_nothing_is_returned(activations):
    direction = np.array([1.0, 0.0], np.float32)
    assert nearest_samples(activations.astype(np.float16), direction) == ((), None)


def test_an_activation_at_the_mean_has_no_nearest_samples():
    activations = np.array([[1, 0], [-1, 0]], np.float16)
    assert nearest_samples(activations, np.zeros(2, np.float32)) == ((), None)


def test_the_number_of_samples_is_limited():
    activations = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float16)
    rows, _ = nearest_samples(activations, np.array([1e9, 0, 0], np.float32))
    assert len(rows) == len(set(rows)) == MAX_NEAREST
