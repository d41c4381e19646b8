# SPDX-License-Identifier: Apache-2.0
"""A run with many samples continues from its log as it would have without being stopped."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from atlas_strategies import find_difference
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, read_atlases, sample_subset
from tensorboard_plugin_atlas.compute import atlas_grids
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

SAMPLES = 600
STORED = 300
LAYER = "0"
CONFIG = AtlasConfig(
    samples=SAMPLES, grids=(2, 4, 8), min_count=3, epochs=60, icons="none", attribution_samples=40
)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", STORED)


@pytest.fixture(scope="module")
def probe():
    random_state = torch.Generator().manual_seed(0)
    labels = torch.arange(SAMPLES) % 6
    images = torch.rand(SAMPLES, 3, 12, 12, generator=random_state) * 0.4
    images[torch.arange(SAMPLES), labels % 3] += 0.1 * labels[:, None, None]
    return build_probe((images, labels), config=CONFIG)


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        features = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU())
        return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 6))


def train(model):
    changed = copy.deepcopy(model)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(2)
        for parameter in changed.parameters():
            parameter += 0.4 * parameter.std() * torch.randn_like(parameter)
    return changed


def make_pipeline(probe):
    return AtlasPipeline(probe, (LAYER,), CONFIG, progress=False)


def compute(pipeline, model, step):
    (atlas,) = pipeline.atlases(model, step, 1.0)
    return atlas


def distance(a, b):
    return float(np.linalg.norm(a.xy - b.xy, axis=1).mean())


@pytest.fixture
def running(probe, model):
    """A pipeline after one step, its atlas, and a pipeline that continues from the log."""
    pipeline = make_pipeline(probe)
    first = compute(pipeline, model, 0)
    resumed = make_pipeline(probe)
    resumed.continue_from(decode_atlas(encode_atlas(first)))
    return pipeline, first, resumed


def test_a_log_holds_the_atlas_to_the_bit(running):
    _, first, _ = running
    logged = decode_atlas(encode_atlas(first))
    for name in ("samples", "concepts", "quality", "viewport"):
        assert find_difference(getattr(logged, name), getattr(first, name)) is None, name
    for before, after in zip(first.grids, logged.grids, strict=True):
        np.testing.assert_array_equal(after.cell_of, before.cell_of)
    assert "activations: those of 300 of the 600 samples are stored" in first.provenance.notes


def test_a_resumed_run_has_the_coordinates_of_the_running_one(running):
    pipeline, _, resumed = running
    own, other = (one._states[LAYER].layout for one in (pipeline, resumed))
    for name in ("xy", "raw", "viewport", "clamped"):
        assert getattr(own, name).tobytes() == getattr(other, name).tobytes(), name
    assert not other.invalid.any()
    assert other.known.sum() == STORED


def test_the_next_map_is_nearly_the_same(probe, model, running):
    pipeline, first, resumed = running
    later = train(model)
    expected, found = compute(pipeline, later, 1), compute(resumed, later, 1)
    alone = compute(make_pipeline(probe), later, 1)
    moved = distance(expected, first)
    print(
        f"moved {moved:.4f}, resumed differs by {distance(found, expected):.4f}, "
        f"an independent map by {distance(alone, expected):.4f}"
    )
    assert distance(found, expected) < max(moved, 0.02)
    assert distance(found, expected) < 0.2 * distance(alone, expected)
    assert found.sequence == 2
    np.testing.assert_array_equal(found.samples.boxes, expected.samples.boxes)
    decode_atlas(encode_atlas(found))


def test_overlap_is_measured_for_the_stored_samples_and_estimated_for_others(model, running):
    pipeline, _, resumed = running
    later = train(model)
    selected = resumed._states[LAYER].layout.known
    expected, found = (compute(one, later, 1).quality.overlap for one in (pipeline, resumed))
    assert ((found >= 0) & (found <= 1)).all()
    assert abs(found[selected].mean() - expected.mean()) < 0.15
    assert abs(found[~selected].mean() - expected.mean()) < 0.15
    assert len(np.unique(found[selected])) <= 16 < len(np.unique(found[~selected]))


def test_a_note_states_what_is_estimated(model, running):
    atlas = compute(running[2], model, 1)
    (note,) = (one for one in atlas.provenance.notes if "the log holds" in one)
    assert note == (
        "layout: continues a map of which the log holds the activations of 300 of 600 samples; the "
        "neighbors that samples kept are measured among these, and estimated for the others"
    )


def test_the_second_step_after_a_restart_is_measured_for_all_samples(model, running):
    resumed = running[2]
    compute(resumed, model, 1)
    third = compute(resumed, train(model), 2)
    assert len(np.unique(third.quality.overlap)) <= 16
    assert not any("estimated" in note for note in third.provenance.notes)


def test_attribution_of_fine_grids_is_left_out_with_a_note(probe, model, monkeypatch):
    monkeypatch.setattr(atlas_grids, "count_grids_that_fit", lambda _cells, _classes: 1)
    atlas = compute(make_pipeline(probe), model, 0)
    assert [grid.attribution is None for grid in atlas.grids] == [False, True, True]
    assert (
        "attribution: left out for the grids of 4 x 4, 8 x 8; a log holds 8 MB of it for an atlas "
        "of more than 100,000 samples"
    ) in atlas.provenance.notes


def test_a_writer_that_is_opened_again_continues_the_map(tmp_path, probe, model):
    for step, weights in enumerate((model, train(model))):
        with AtlasWriter(
            tmp_path, weights, [LAYER], probe=probe, config=CONFIG, worker="inline", strict=True
        ) as writer:
            writer.add_atlas(step)
    first, second = read_atlases(tmp_path)
    assert (first.sequence, second.sequence) == (1, 2)
    assert any("the log holds the activations" in note for note in second.provenance.notes)
    assert second.samples.noise_floor is not None
    assert 0 < distance(first, second) < 0.15
    pipeline = make_pipeline(probe)
    compute(pipeline, model, 0)
    running = compute(pipeline, train(model), 1)
    assert distance(second, running) < distance(first, second)
