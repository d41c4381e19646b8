# SPDX-License-Identifier: Apache-2.0
"""The cosine of an icon is that of the returned image, computed here without the icon engine."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, compute_atlas, render_icons
from tensorboard_plugin_atlas.compute.class_atlas.pipeline import ClassPipeline
from tensorboard_plugin_atlas.compute.icons.rerendered_icons import (
    compute_activations,
    refine_icons,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

LAYER = "3"
SIDE = 24
KINDS = ("examples", "preview", "inversion", "poster")
NORMALIZE = ((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
TOLERANCE = 0.002


@pytest.fixture(scope="module")
def model():
    """Convolutions without stride, so that the center of a map is that of its image."""
    torch.manual_seed(3)
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU())
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3))
    return nn.Sequential(*layers, *head).eval()


def make_config(kind, **changes):
    quick = {"samples": 60, "grids": (2, 4), "min_count": 2, "neighbors": 8, "epochs": 20}
    return AtlasConfig(**{**quick, "icons": kind, "icon_steps": 3, **changes})


def make_images(seed=0):
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.rand(60, 3, 6, 6, generator=generator)
    pixels = nn.functional.interpolate(pixels, SIDE, mode="bilinear")
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in NORMALIZE)
    return (pixels - mean) / std, torch.arange(60) % 3


@torch.no_grad()
def compute_center_activations(model, images):
    """Returns the activation of the layer at the center of decoded images, (M, C)."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in NORMALIZE)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    maps = model[: int(LAYER) + 1]((pixels - mean) / std)
    half, odd = divmod(maps.shape[-1], 2)
    middle = slice(half, half + 1) if odd else slice(half - 1, half + 1)
    return maps[:, :, middle, middle].mean((2, 3)).numpy()


@torch.no_grad()
def compute_sample_activations(model, atlas, probe):
    rows, columns = atlas.positions.T
    images = np.searchsorted(probe.image_ids, atlas.image_ids)
    return model[: int(LAYER) + 1](probe.images[:]).numpy()[images, :, rows, columns]


def compute_cosines(values, directions, center):
    a, b = values - center, directions - center
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def check_cosines(model, atlas, probe, *, tolerance=TOLERANCE):
    """Checks the cosine under each icon of an atlas against that of the decoded image."""
    activations = compute_sample_activations(model, atlas, probe)
    checked = 0
    for grid in atlas.grids:
        means = [activations[grid.cell_of == cell].mean(0) for cell in range(len(grid.counts))]
        found = compute_cosines(
            compute_center_activations(model, grid.icons), np.array(means), activations.mean(0)
        )
        np.testing.assert_allclose(grid.icon_cosine, found, atol=tolerance)
        checked += len(found)
    assert checked > 4


@pytest.mark.parametrize("kind", KINDS)
def test_of_an_atlas_and_of_its_log(model, kind):
    config = make_config(kind)
    probe = build_probe(make_images(), config=config, normalize=NORMALIZE)
    atlas = compute_atlas(model, LAYER, make_images(), config=config, normalize=NORMALIZE)
    check_cosines(model, atlas, probe)
    check_cosines(model, decode_atlas(encode_atlas(atlas)), probe)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_of_refined_icons(model, kind):
    config = make_config("preview")
    probe = build_probe(make_images(), config=config, normalize=NORMALIZE)
    atlas = compute_atlas(model, LAYER, make_images(), config=config, normalize=NORMALIZE)
    activations = compute_activations(model, [LAYER], probe, config)[LAYER]
    for onward in (False, True):
        refined = refine_icons(
            model,
            atlas,
            probe,
            activations,
            kind=kind,
            config=dataclasses.replace(config, icons=kind),
            onward=onward,
            progress=False,
        )
        check_cosines(model, refined, probe)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [(0,), (1, 2)])
def test_of_class_atlases(model, kind, classes):
    config = make_config(kind)
    probe = build_probe(make_images(), config=config, normalize=NORMALIZE, classes=["a", "b", "c"])
    pipeline = ClassPipeline(probe, (LAYER,), config, False, classes=(classes,))
    pipeline.choose(model)
    (series,) = pipeline.series
    check_cosines(model, pipeline.atlas(model, series, 0, 5.0), probe)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4)
@given(seed=st.integers(0, 999), channel=st.integers(0, 11))
def test_of_render_icons(model, kind, seed, channel):
    images, _ = make_images(seed)
    rendered = render_icons(
        model, LAYER, [channel], images, kind=kind, steps=2, normalize=NORMALIZE
    )
    config = AtlasConfig(samples=2000, positions_per_image=4)
    probe = build_probe(images, config=config, normalize=NORMALIZE)
    rows, columns = probe.map_positions(SIDE, SIDE).T
    maps = model[: int(LAYER) + 1](images).detach().numpy()
    center = maps[probe.image_ids[probe.sample_image], :, rows, columns].mean(0)
    found = compute_cosines(
        compute_center_activations(model, rendered.images),
        center + np.eye(12, dtype=np.float32)[[channel]],
        center,
    )
    np.testing.assert_allclose(rendered.cosine, found, atol=TOLERANCE)
