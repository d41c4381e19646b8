# SPDX-License-Identifier: Apache-2.0
"""Attribution of some of the samples: how many, which, and what cells without any have."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.compute import pipeline as pipeline_module
from tensorboard_plugin_atlas.compute.attribution import attributed_samples
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.attribution.attributed_samples import (
    MAX_SECONDS,
    MIN_SAMPLES,
    choose_samples,
    fit_count,
)
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

SAMPLES = 240
LAYER = "1"


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def make_pipeline(**settings):
    config = AtlasConfig(
        samples=SAMPLES, grids=(3, 9), min_count=2, epochs=10, neighbors=8, icons="none", **settings
    )
    images = torch.rand(SAMPLES, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    probe = build_probe((images, torch.arange(SAMPLES) % 3), config=config)
    return AtlasPipeline(probe, (LAYER,), config, progress=False)


def compute(pipeline, model, step=0):
    (atlas,) = pipeline.atlases(model, step, 5.0)
    return atlas


def find_note(atlas):
    return [note for note in atlas.provenance.notes if note.startswith("attribution: of")]


def test_the_number_fits_the_time():
    assert fit_count(2000, MAX_SECONDS / 100) == 2000
    assert fit_count(2000, MAX_SECONDS / 4) == 4 * MIN_SAMPLES
    assert fit_count(2000, 10 * MAX_SECONDS) == MIN_SAMPLES
    assert fit_count(2000, 0.0) == 2000


@pytest.mark.parametrize(("total", "count"), [(2000, 200), (2000, 1999), (7, 3), (5, 9), (4, 1)])
def test_samples_are_spread_evenly(total, count):
    rows = choose_samples(total, count)
    assert len(rows) == min(total, count)
    assert (np.diff(rows) >= total // count).all()
    assert rows.min() >= 0
    assert rows.max() < total


def test_cells_have_the_mean_of_their_samples_with_attribution(model):
    pipeline = make_pipeline(attribution_samples=40)
    atlas = compute(pipeline, model)
    values = compute_attribution(model, LAYER, pipeline.probe).values
    rows = choose_samples(SAMPLES, 40)
    without = 0
    for grid in atlas.grids:
        for cell in range(len(grid.counts)):
            inside = rows[grid.cell_of[rows] == cell]
            without += not len(inside)
            expected = values[inside].mean(0) if len(inside) else np.full(3, np.nan)
            np.testing.assert_allclose(grid.attribution[cell], expected, rtol=1e-3, atol=1e-6)
            # The standard error is that of the samples with attribution; of one it is unknown.
            error = grid.attribution_spread[cell] / np.sqrt(grid.counts[cell])
            is_known = len(inside) > 1 or grid.counts[cell] == len(inside) == 1
            own = values[inside].std(0) / np.sqrt(len(inside)) if is_known else np.full(3, np.nan)
            np.testing.assert_allclose(error, own, rtol=1e-3, atol=1e-6)
    assert without  # the test would not see cells without samples
    assert find_note(atlas) == [
        "attribution: of 40 of 240 samples; pass AtlasConfig(attribution_samples=240) for all"
    ]
    logged = decode_atlas(encode_atlas(atlas))
    for before, after in zip(atlas.grids, logged.grids, strict=True):
        np.testing.assert_allclose(after.attribution, before.attribution, rtol=2e-3, atol=1e-4)


def test_all_samples_have_attribution_where_it_is_cheap(model):
    atlas = compute(make_pipeline(), model)
    every = compute(make_pipeline(attribution_samples=SAMPLES), model)
    for own, wanted in zip(atlas.grids, every.grids, strict=True):
        np.testing.assert_array_equal(own.attribution, wanted.attribution)
    assert not find_note(atlas)


def test_the_number_is_measured_once_and_kept_over_steps_and_logs(model, monkeypatch):
    measured = []

    def measure(total, seconds):
        measured.append((total, seconds > 0))
        return 220

    monkeypatch.setattr(pipeline_module, "fit_count", measure)
    pipeline = make_pipeline()
    first, second = (compute(pipeline, model, step) for step in (0, 1))
    assert measured == [(SAMPLES, True)]
    assert find_note(first) == find_note(second)
    assert "of 220 of 240" in find_note(first)[0]
    resumed = make_pipeline()
    resumed.continue_from(decode_atlas(encode_atlas(second)))
    third = compute(resumed, model, 2)
    assert len(measured) == 1
    assert find_note(third) == find_note(first)


def test_few_samples_are_enough_where_attribution_is_expensive(model, monkeypatch):
    monkeypatch.setattr(attributed_samples, "MAX_SECONDS", 0.0)
    calls = []
    compute_once = pipeline_module.compute_attribution
    monkeypatch.setattr(
        pipeline_module,
        "compute_attribution",
        lambda *arguments, **options: calls.append(1) or compute_once(*arguments, **options),
    )
    atlas = compute(make_pipeline(), model)
    assert f"of {MIN_SAMPLES} of {SAMPLES}" in find_note(atlas)[0]
    assert len(calls) == 1  # what was measured is used


@pytest.mark.parametrize("value", [-1, 0, "9", 1.5, SAMPLES, None, [3]])
def test_a_wrong_number_in_a_log_is_ignored(model, value):
    atlas = compute(make_pipeline(attribution_samples=40), model)
    info = {**atlas.provenance.layer_info, pipeline_module.ATTRIBUTION_SAMPLES: value}
    changed = atlas.replace(provenance=dataclasses.replace(atlas.provenance, layer_info=info))
    resumed = make_pipeline()
    resumed.continue_from(changed)
    assert resumed._states[LAYER].attribution_samples is None
