# SPDX-License-Identifier: Apache-2.0
"""Atlases that would not fit in the log are refused before anything is computed."""

from __future__ import annotations

import dataclasses
import re
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from synthetic_atlases import CLASSES, make_atlas
from torch import nn
from torch.utils.data import Dataset

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, StreamedProbe
from tensorboard_plugin_atlas.compute import log_size_check
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.sample_subset import is_many
from tensorboard_plugin_atlas.wire.array_types import MAP_ARRAYS, array_specs
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.atlas_size import AtlasDimensions
from tensorboard_plugin_atlas.wire.limits import MAX_ACTIVATIONS, MAX_SEQUENCE_BYTES
from tensorboard_plugin_atlas.wire.tensors import count_bytes


def make_dimensions(**more):
    settings = {
        "samples": 400,
        "channels": 16,
        "classes": len(CLASSES),
        "grids": (4, 8, 16),
        "min_count": 1,
        "count_icon_bytes": lambda _cells: 0,
    }
    return AtlasDimensions(**{**settings, **more})


def test_bytes_are_those_of_arrays_worked_out_by_hand():
    # xy 8, ids 4, positions 8, boxes 16, clamped 1, five arrays of 4 bytes, two of 2.
    assert count_bytes(array_specs(MAP_ARRAYS, {"N": 10})) == 10 * (8 + 4 + 8 + 16 + 1 + 5 * 4 + 4)


@pytest.mark.parametrize("samples", [60, 400, 3000])
@pytest.mark.parametrize("channels", [4, 700])
def test_a_real_atlas_is_no_larger_than_its_dimensions_allow(samples, channels):
    atlas = make_atlas(0, samples=samples, channels=channels)
    icons = sum(len(page) for grid in atlas.grids for page in grid.sheets.pages)
    size = make_dimensions(
        samples=samples, channels=channels, count_icon_bytes=lambda _cells: icons
    ).count_bytes()
    stored = sum(map(len, encode_atlas(atlas)[1:]))
    assert stored <= size <= 1.5 * stored + 200_000


FIVE_GRIDS = (10, 20, 40, 80, 160)


def test_a_million_samples_of_112_channels_with_five_grids_fit():
    large = make_dimensions(
        samples=1_000_000,
        channels=112,
        classes=10,
        grids=FIVE_GRIDS,
        min_count=4,
        count_icon_bytes=lambda _cells: 24_000_000,
    )
    assert large.cells == 34_100
    assert large.find_obstacle() is None
    # 24 bytes a sample and bits, the activations of 100,000 samples, 17 bytes a cell, the
    # attribution and its spread with two scales, the icons, and tables and headers.
    cells = large.cells
    attribution = 2 * 10 * cells + 10 * cells + 10 * cells + 8 * cells
    worked_out = 24_250_000 + 11_200_896 + 125_000 + 17 * cells + attribution + 24_000_000
    assert worked_out <= large.count_bytes() <= worked_out + 3_100_000
    many_classes = dataclasses.replace(large, classes=1000)
    assert many_classes.count_bytes() - large.count_bytes() < 8_000_000


def test_samples_on_a_map_of_many_positions_take_more():
    few, many = (
        make_dimensions(samples=1_000_000, positions=side**2).count_bytes() for side in (14, 300)
    )
    assert many - few == 22_000_000 - 24 * 14**2


@pytest.mark.parametrize(("icons", "is_compact"), [(45_000_000, True), (57_000_000, False)])
def test_the_largest_number_of_samples_fits_and_one_more_does_not(icons, is_compact):
    large = make_dimensions(
        samples=1_000_000, channels=112, grids=FIVE_GRIDS, count_icon_bytes=lambda _cells: icons
    )
    assert "MB" in large.find_obstacle()
    most = large.find_largest_samples()
    assert is_compact == is_many(most)
    fitting, next_one = (dataclasses.replace(large, samples=n) for n in (most, most + 1))
    assert fitting.find_obstacle() is None
    assert fitting.count_bytes() <= MAX_SEQUENCE_BYTES < next_one.count_bytes()


def test_the_number_of_activations_is_limited():
    wide = make_dimensions(samples=200_000, channels=2048)
    assert wide.find_largest_samples() == MAX_ACTIVATIONS // 2048
    assert make_dimensions(channels=2 * MAX_ACTIVATIONS).find_largest_samples() == 0


class Wide(nn.Module):
    """Returns a vector of many channels, and counts the images it has seen."""

    def __init__(self, channels):
        super().__init__()
        self.layer = nn.Identity()
        self.channels, self.seen = channels, 0

    def forward(self, images):
        self.seen += len(images)
        found = self.layer(images.mean((1, 2, 3))[:, None].expand(-1, self.channels))
        return found[:, :4]


def make_images(count):
    return torch.rand(count, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def test_too_many_activations_are_refused_after_two_images(tmp_path):
    model = Wide(300_000)
    config = AtlasConfig(samples=600, icons="none")
    with pytest.raises(ArgumentError) as caught:
        AtlasWriter(tmp_path, model, ["layer"], probe=make_images(600), config=config)
    message = str(caught.value)
    assert message.startswith("samples=600: the atlas of layer 'layer' has 300,000 channels, and")
    most = int(re.search(r"pass AtlasConfig\(samples=(\d+)\) or less", message)[1])
    assert most == MAX_ACTIVATIONS // 300_000
    assert model.seen <= 6


def test_too_many_labels_per_image_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(log_size_check, "MAX_LABELS", 50)
    labels = torch.ones(20, 3)
    for samples, message in ((16, None), (17, r"17 samples with up to 3 labels .*\(samples=16\)")):
        config = AtlasConfig(samples=samples, icons="none")
        expected = pytest.raises(ArgumentError, match=message) if message else nullcontext()
        with expected:
            probe = (make_images(20), labels)
            AtlasWriter(tmp_path / str(samples), Wide(3), ["layer"], probe=probe, config=config)


class Unread(Dataset):
    """A million images, none of which may be read."""

    targets = np.zeros(1_000_000, np.int64)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        raise AssertionError(f"image {index} is read")


def test_a_million_streamed_images_are_not_too_many(tmp_path):
    probe, config = StreamedProbe(Unread()), AtlasConfig(samples=1_000_000)
    with pytest.raises(ArgumentError, match="cannot be read"):
        AtlasWriter(tmp_path, Wide(8), ["layer"], probe=probe, config=config)


def test_too_many_icons_for_the_log_are_refused_at_construction(tmp_path):
    model = Wide(8)
    config = AtlasConfig(samples=1_000_000, positions_per_image=10_000, grids=(160, 320))
    message = (
        r"samples=1,000,000: .* would take up to 8\d\.\d MB, and an atlas in the log has at most "
        r"67\.1 MB; pass AtlasConfig\(samples=\d{6}\) or less, fewer or smaller grids than "
        r"\(160, 320\), or attribution=False"
    )
    with pytest.raises(ArgumentError, match=message):
        AtlasWriter(tmp_path, model, ["layer"], probe=make_images(100), config=config)
    assert not list(tmp_path.rglob("*tfevents*"))
    assert model.seen <= 6
