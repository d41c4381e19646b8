# SPDX-License-Identifier: Apache-2.0
"""The change of icons: by hand, and for networks that learn or do not."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.analysis.layer_scalars import ICON_CHANGE, health_scalars
from tensorboard_plugin_atlas.compute.icons.icon_change import SAMPLED, compute_image_distance
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

SIDE = 16


def make_image(*rows, channels=1):
    return np.array([[rows] * channels], np.uint8)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        (make_image((0, 10)), make_image((0, 10)), 0.0),
        # Brighter and with more contrast, yet the same image.
        (make_image((0, 10)), make_image((100, 180)), 0.0),
        (make_image((0, 10)), make_image((10, 0)), 2.0),
        # The deviations (-1, 1, -1, 1) and (-1, -1, 1, 1) are orthogonal.
        (make_image((9, 11, 9, 11)), make_image((9, 9, 11, 11)), 1.0),
        # (-1, 1, 0, 0) and (-1, 0, 1, 0) have a cosine of one half.
        (make_image((9, 11, 10, 10)), make_image((9, 10, 11, 10)), 0.5),
        (make_image((7, 7)), make_image((9, 9)), 0.0),
        (make_image((7, 7)), make_image((9, 10)), 1.0),
    ],
)
def test_distances_by_hand(a, b, distance):
    assert compute_image_distance(a, b) == pytest.approx([distance])


def test_each_channel_is_relative_to_its_own_mean():
    reddish = np.array([[[[200, 210]], [[0, 10]]]], np.uint8)
    bluish = np.array([[[[0, 10]], [[200, 210]]]], np.uint8)
    assert compute_image_distance(reddish, bluish) == pytest.approx([0.0])


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(8, 4))


def make_pipeline(icons="inversion", **more):
    settings = {"grids": (2, 4), "min_count": 2, "neighbors": 8, "epochs": 20, "icon_steps": 8}
    config = AtlasConfig(samples=80, icons=icons, **settings, **more)
    images = torch.rand(80, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    probe = build_probe((images, torch.arange(80) % 4), config=config)
    return AtlasPipeline(probe, ("1",), config, progress=False)


def compute_changes(pipe, *models):
    """The atlas of each model, one after the other, and its icon changes."""
    atlases = [next(pipe.atlases(one, step, None)) for step, one in enumerate(models)]
    return atlases, [a.provenance.layer_info.get(ICON_CHANGE) for a in atlases]


def test_without_learning_icons_change_by_about_the_noise_floor(model):
    _, (first, second) = compute_changes(make_pipeline(), model, model)
    assert first is None
    assert [one["size"] for one in second] == [2, 4]
    for one in second:
        assert one["cells"] >= one["sampled"] > 0
        assert one["sampled"] <= SAMPLED
        assert 0 < one["floor"] < 1
        assert one["change"] < 3 * one["floor"]


def test_a_network_that_learns_changes_its_icons_more(model):
    other = copy.deepcopy(model)
    with torch.no_grad():
        for value in other.parameters():
            value += 0.12 * torch.randn(value.shape, generator=torch.Generator().manual_seed(3))
    _, (_, stays) = compute_changes(make_pipeline(), model, model)
    _, (_, learns) = compute_changes(make_pipeline(), model, other)
    for still, moved in zip(stays, learns, strict=True):
        assert moved["change"] > 1.2 * still["change"]
        assert moved["change"] > moved["floor"]


def test_icons_without_a_warm_start_have_no_change(model):
    torch.manual_seed(9)
    other = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), *list(model)[2:])
    for icons in ("examples", "none"):
        assert compute_changes(make_pipeline(icons), model, model)[1] == [None, None]
    _, (_, found) = compute_changes(make_pipeline(icon_seconds=0), model, other)
    assert found is None


def test_the_change_is_logged_in_the_atlas_and_as_a_scalar(model):
    (_, atlas), (_, found) = compute_changes(make_pipeline(), model, model)
    logged = decode_atlas(encode_atlas(atlas)).provenance.layer_info[ICON_CHANGE]
    assert [dict(one) for one in logged] == found
    scalars = health_scalars(atlas, seconds=1.0, size=1)
    assert scalars["atlas/1/icon_change"] == found[-1]["change"]
    assert scalars["atlas/1/icon_change_floor"] == found[-1]["floor"]


def test_measuring_the_change_does_not_change_the_icons(model, monkeypatch):
    from tensorboard_plugin_atlas.compute.icons import atlas_icons

    (_, measured), _ = compute_changes(make_pipeline(), model, model)
    monkeypatch.setattr(atlas_icons, "measure_icon_changes", lambda *_: ())
    (_, plain), _ = compute_changes(make_pipeline(), model, model)
    for a, b in zip(measured.grids, plain.grids, strict=True):
        np.testing.assert_array_equal(a.icons, b.icons)
