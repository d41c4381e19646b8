# SPDX-License-Identifier: Apache-2.0
"""Cropping, shifting, resizing and post-processing, against hand-computed pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from icon_inputs import make_blurred_noise, make_source

from tensorboard_plugin_atlas.compute.icons.image_operations import (
    resize_images,
    shift_images,
    to_rgb,
)
from tensorboard_plugin_atlas.compute.icons.post_processing import PostProcessing, post_process
from tensorboard_plugin_atlas.compute.probe.patches import crop_patches


def ramp(side: int = 5) -> torch.Tensor:
    """(1, 1, side, side) with value row x 10 + column."""
    line = torch.arange(side, dtype=torch.float32)
    return (10 * line[:, None] + line)[None, None]


def crop(center, shape, picture=None):
    picture = ramp() if picture is None else picture
    return crop_patches(picture, torch.tensor([0]), torch.tensor([center]), shape)[0, 0].tolist()


def test_odd_patch_is_centered_on_its_pixel():
    assert crop((2.0, 3.0), (3, 3)) == [[12, 13, 14], [22, 23, 24], [32, 33, 34]]


def test_even_patch_is_centered_between_pixels():
    assert crop((1.5, 1.5), (2, 2)) == [[11, 12], [21, 22]]


def test_the_image_is_reflected_at_its_end_pixels():
    assert crop((0.0, 4.0), (3, 3)) == [[13, 14, 13], [3, 4, 3], [13, 14, 13]]


def test_a_patch_larger_than_the_image_is_reflected_repeatedly():
    assert crop((0.0, 1.0), (1, 7), ramp(3)) == [[2, 1, 0, 1, 2, 1, 0]]


def test_one_pixel_is_repeated():
    assert crop((0.0, 0.0), (2, 2), torch.full((1, 1, 1, 1), 7.0)) == [[7, 7], [7, 7]]


def test_each_patch_comes_from_its_own_row_with_all_channels():
    pictures = torch.arange(4 * 2).reshape(4, 2, 1, 1).float().expand(4, 2, 6, 6)
    patches = crop_patches(pictures, torch.tensor([3, 1]), torch.zeros(2, 2), (2, 2))
    assert patches[:, :, 0, 0].tolist() == [[6, 7], [2, 3]]


def test_the_source_returns_pixels():
    pixels = make_blurred_noise(2, side=8)
    patch = make_source(pixels).crop(torch.tensor([1]), torch.tensor([[3.5, 3.5]]), (8, 8))
    assert torch.allclose(patch[0], pixels[1], atol=1e-6)


@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [
        (1, 0, [[10, 11, 12], [0, 1, 2], [10, 11, 12]]),
        (-1, 0, [[10, 11, 12], [20, 21, 22], [10, 11, 12]]),
        (0, 2, [[2, 1, 0], [12, 11, 10], [22, 21, 20]]),
        (0, -1, [[1, 2, 1], [11, 12, 11], [21, 22, 21]]),
        (9, 0, [[20, 21, 22], [10, 11, 12], [0, 1, 2]]),
    ],
)
def test_shift_moves_content_with_reflection_padding(down, right, expected):
    assert shift_images(ramp(3), down, right)[0, 0].tolist() == expected


def test_a_shift_of_zero_returns_the_same_tensor():
    pictures = ramp()
    assert shift_images(pictures, 0, 0) is pictures


def test_resizing_keeps_flat_images_and_stays_in_range():
    assert torch.allclose(resize_images(torch.full((1, 3, 8, 8), 0.3), (20, 20)), torch.tensor(0.3))
    checker = (torch.arange(8)[:, None] + torch.arange(8)).remainder(2).float()[None, None]
    big = resize_images(checker, (31, 31))
    assert big.min() >= 0
    assert big.max() <= 1


@pytest.mark.parametrize(("before", "after"), [(0.05, 0.08), (0.15, 0.18), (0.24, 0.216)])
def test_post_processing_moves_contrast_toward_the_target(before, after):
    # A checkerboard's deviation is half of its range; the gain is held between 0.9 and 1.6.
    checker = (torch.arange(8)[:, None] + torch.arange(8)).remainder(2).float() * 2 - 1
    picture = (0.5 + before * checker)[None, None]
    result = post_process(picture, PostProcessing(sharpen=0))
    assert float(result.std(correction=0)) == pytest.approx(after, rel=0.01)
    assert float(result.mean()) == pytest.approx(0.5)


def test_post_processing_increases_chroma_and_keeps_hue():
    reddish = torch.tensor([0.6, 0.5, 0.5])[None, :, None, None].expand(1, 3, 8, 8)
    result = post_process(reddish, PostProcessing(sharpen=0, exposure=0, most_gain=1, chroma=1.4))
    difference = result[0, 0, 0, 0] - result[0, 1, 0, 0]
    assert float(difference) == pytest.approx(0.14, rel=1e-4)
    assert torch.allclose(result[0, 1], result[0, 2])


def test_post_processing_does_not_amplify_a_flat_image():
    faint = 0.5 + 0.001 * (make_blurred_noise(1) - 0.5)
    assert (post_process(faint, PostProcessing()) - 0.5).abs().max() < 0.01


def test_identity_post_processing_changes_nothing():
    pictures = make_blurred_noise(3)
    same = PostProcessing(least_gain=1, most_gain=1, chroma=1, sharpen=0, exposure=0)
    assert torch.allclose(post_process(pictures, same), pictures, atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "expected"), [(1, [34] * 3), (2, [51] * 3), (3, [34, 68, 102]), (5, [34, 68, 102])]
)
def test_any_number_of_channels_becomes_rgb(channels, expected):
    pixels = torch.arange(1, channels + 1)[None, :, None, None].expand(1, -1, 2, 2) * 2 / 15
    shown = to_rgb(pixels)
    assert shown.dtype == torch.uint8
    assert shown.shape == (1, 2, 2, 3)
    assert shown[0, 1, 1].tolist() == expected


def test_values_outside_of_the_range_are_clipped():
    shown = to_rgb(torch.tensor([np.nan, -3.0, 9.0]).reshape(1, 3, 1, 1))
    assert shown.flatten().tolist() == [0, 0, 255]
