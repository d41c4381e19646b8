# SPDX-License-Identifier: Apache-2.0
"""Images that are stored as uint8 where that is exact, and as float32 elsewhere."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from tensorboard_plugin_atlas.compute.probe.normalize import IDENTITY, Normalize
from tensorboard_plugin_atlas.compute.probe.patches import crop_patches
from tensorboard_plugin_atlas.compute.probe.pixel_summary import summarize_pixels
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.probe.probe_images import (
    ImageCollector,
    ImageEncoder,
    StoredImages,
)
from tensorboard_plugin_atlas.config import AtlasConfig

IMAGENET = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def make_pixels(count=6, side=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8)


def divide_and_subtract(pixels):
    """As torchvision's ToTensor and Normalize."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (IMAGENET.mean, IMAGENET.std))
    return pixels.float().div(255).sub(mean).div(std)


def scale_at_once(pixels):
    """As a dataset that folds both into one multiplication, with other rounding."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (IMAGENET.mean, IMAGENET.std))
    return pixels.float() * (1 / (255 * std)) - mean / std


def take_root(pixels):
    """Distinct bright pixels become values that are closer than a level."""
    return (pixels.float() / 255).sqrt()


def collect(images, normalize=IMAGENET):
    collector = ImageCollector(len(images), ImageEncoder(normalize))
    for image in images:
        collector.add(image)
    return collector.finish()


def have_equal_bits(first, second):
    return np.array_equal(first.numpy().view(np.int32), second.numpy().view(np.int32))


@pytest.mark.parametrize("scale", [divide_and_subtract, scale_at_once])
def test_images_of_8_bits_take_a_quarter_of_the_memory_and_have_the_same_bits(scale):
    images = scale(make_pixels())
    kept = collect(images)
    assert kept.dtype == torch.uint8
    assert kept.shape == images.shape
    assert have_equal_bits(kept[:], images)
    assert have_equal_bits(kept[2:5], images[2:5])
    rows = torch.tensor([4, 0, 4])
    assert have_equal_bits(kept[rows], images[rows])
    assert have_equal_bits(kept.select(rows)[:], images[rows])
    assert have_equal_bits(torch.cat(list(kept.iterate())), images)
    pixels = summarize_pixels(kept)
    assert torch.equal(pixels.low, images.amin((0, 2, 3)))
    assert torch.equal(pixels.high, images.amax((0, 2, 3)))


@pytest.mark.parametrize(
    "change", [1e-6, 1e-3, 5.0, float("nan"), float("inf")], ids=lambda value: f"{value}"
)
@pytest.mark.parametrize("row", [0, 3, 5])
def test_one_other_value_keeps_all_images_as_float32(change, row):
    images = divide_and_subtract(make_pixels())
    images[row, 1, 2, 3] += change
    kept = collect(images)
    assert kept.dtype == torch.float32
    assert have_equal_bits(kept[:], images)
    assert summarize_pixels(kept).not_finite == ([] if np.isfinite(change) else [row])


def test_the_two_zeros_are_not_one_value():
    images = torch.zeros(2, 1, 4, 4)
    images[1] *= -1
    kept = collect(images, IDENTITY)
    assert have_equal_bits(kept[:], images)


def test_a_wrong_normalization_changes_no_bits():
    images = divide_and_subtract(make_pixels())
    kept = collect(images, IDENTITY)
    assert kept.dtype == torch.float32
    assert have_equal_bits(kept[:], images)


@given(
    st.lists(st.floats(-1.0, 2.0, width=32), min_size=4, max_size=4),
    st.floats(0.05, 2.0),
    st.floats(-0.5, 0.5),
)
def test_any_image_has_the_same_bits(values, std, mean):
    images = torch.tensor(values, dtype=torch.float32).view(2, 1, 1, 2)
    assert have_equal_bits(collect(images, Normalize((mean,), (std,)))[:], images)


def test_patches_of_stored_images_are_those_of_the_images():
    images = divide_and_subtract(make_pixels())
    rows, centers = torch.tensor([3, 0]), torch.tensor([[5.0, 1.0], [0.0, 11.0]])
    expected = crop_patches(images, rows, centers, (8, 6))
    assert have_equal_bits(crop_patches(collect(images), rows, centers, (8, 6)), expected)
    assert have_equal_bits(crop_patches(StoredImages(images), rows, centers, (8, 6)), expected)


class Photographs(Dataset):
    """Without labels outside of its items, so that more are read than kept."""

    def __init__(self, scale, count=40):
        self.images = scale(make_pixels(count, seed=3))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], index % 4


@pytest.mark.parametrize("scale", [divide_and_subtract, take_root])
@pytest.mark.parametrize("as_arrays", [True, False])
def test_the_digest_is_that_of_the_float32_images(scale, as_arrays):
    data = Photographs(scale)
    source = (data.images, torch.arange(40) % 4) if as_arrays else data
    normalize = IMAGENET if scale is divide_and_subtract else IDENTITY
    probe = build_probe(source, config=AtlasConfig(samples=12), normalize=normalize)
    images = data.images[torch.from_numpy(probe.image_ids).long()]
    assert have_equal_bits(probe.images[:], images)
    assert (probe.images.dtype == torch.uint8) == (scale is divide_and_subtract)
    digest = hashlib.sha256(repr(tuple(images.shape)).encode())
    for array in (images.numpy(), probe.labels, probe.sample_image, probe.relative_positions):
        digest.update(np.ascontiguousarray(array).data)
    assert probe.digest == digest.hexdigest()
