# SPDX-License-Identifier: Apache-2.0
"""Alignment of two runs: the same concepts have the same coordinates, whatever their channels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.compute.layout.align_to_run import (
    ProbeSamples,
    compute_aligned_layout,
)
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

CONFIG = AtlasConfig(samples=400, neighbors=10, epochs=100)
OTHER_PROBE = "0f" * 16


def concepts(seed, channels, count=400, kinds=8):
    """Rows of eight kinds; their directions depend on the seed, like those of another network."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(kinds, channels))
    own = rng.normal(size=(count, channels)) * 0.25
    return (directions[np.arange(count) % kinds] + own).astype(np.float32)


def make_atlas(values) -> Atlas:
    """An atlas of these rows, each with its own image and position."""
    layout = compute_layout(values, config=CONFIG)
    atlas = atlas_from_activations(values)
    samples = dataclasses.replace(
        atlas.samples, xy=layout.xy, activations=store_activations(values)
    )
    return atlas.replace(samples=samples, viewport=layout.viewport_corners, run="runs/base")


def samples_of(atlas: Atlas, chosen=slice(None), **changes) -> ProbeSamples:
    given = {
        "digest": atlas.provenance.probe,
        "image_ids": atlas.image_ids[chosen],
        "boxes": atlas.boxes[chosen],
        "labels": None if atlas.labels is None else atlas.all_labels[chosen],
        **changes,
    }
    return ProbeSamples(**given)


def apart(xy_a, xy_b):
    """Median distance between both maps of a sample, relative to that of random pairs."""
    same = np.median(np.linalg.norm(xy_a - xy_b, axis=1))
    shuffled = np.random.default_rng(0).permutation(len(xy_b))
    return same / np.median(np.linalg.norm(xy_a - xy_b[shuffled], axis=1))


class TestOneProbe:
    def test_concepts_have_the_coordinates_of_the_other_run(self):
        other = make_atlas(concepts(0, 24))
        values = concepts(1, 40)
        layout, note = compute_aligned_layout(other, samples_of(other), values, config=CONFIG)
        assert apart(other.xy, layout.xy) < 0.3
        assert apart(other.xy, compute_layout(values, config=CONFIG).xy) > 0.6
        assert layout.viewport_corners == other.viewport
        assert note == (
            f"layout: aligned to layer {other.layer!r} at step 0 of 'runs/base', by 400 of 400 "
            "samples that are in both probes"
        )

    def test_it_has_no_noise_floor(self):
        other = make_atlas(concepts(0, 24))
        layout, _ = compute_aligned_layout(other, samples_of(other), concepts(1, 24), config=CONFIG)
        assert layout.noise_floor is None

    def test_the_same_run_does_not_move(self):
        values = concepts(0, 24)
        other = make_atlas(values)
        layout, _ = compute_aligned_layout(other, samples_of(other), values, config=CONFIG)
        assert apart(other.xy, layout.xy) < 0.01

    def test_samples_lost_to_nan_in_either_run_are_not_counted(self):
        before = concepts(0, 24)
        before[:5] = np.nan
        now = concepts(1, 24)
        now[3:10] = np.inf
        other = make_atlas(before)
        layout, note = compute_aligned_layout(other, samples_of(other), now, config=CONFIG)
        assert "by 390 of 400" in note
        assert layout.invalid.sum() == 7
        assert np.isfinite(layout.xy).all()


class TestTwoProbes:
    def test_half_is_shared_and_the_other_half_is_added(self):
        other = make_atlas(concepts(0, 24))
        values = concepts(1, 40)
        ids = other.image_ids.copy()
        ids[200:] += 10_000
        samples = samples_of(other, digest=OTHER_PROBE, image_ids=ids)
        layout, note = compute_aligned_layout(other, samples, values, config=CONFIG)
        assert "by 200 of 400" in note
        assert apart(other.xy[:200], layout.xy[:200]) < 0.35
        # Rows of one kind lie together, whether the other run had them or not.
        assert apart(other.xy[200:], layout.xy[200:]) < 0.5

    def test_rows_are_matched_by_position_and_not_by_order(self):
        other = make_atlas(concepts(0, 24))
        order = np.random.default_rng(3).permutation(400)
        samples = samples_of(other, order, digest=OTHER_PROBE)
        layout, _ = compute_aligned_layout(other, samples, concepts(1, 24)[order], config=CONFIG)
        assert apart(other.xy[order], layout.xy) < 0.3

    def test_without_labels_a_note_reports_unchecked_ids(self):
        other = make_atlas(concepts(0, 24))
        samples = samples_of(other, digest=OTHER_PROBE, labels=None)
        _, note = compute_aligned_layout(other, samples, concepts(1, 24), config=CONFIG)
        assert note.endswith("; image ids were not verified, because there are no labels")

    def test_zero_rows_outside_of_the_shared_ones_have_coordinates(self):
        other = make_atlas(concepts(0, 24))
        values = concepts(1, 24)
        values[395:] = 0
        ids = other.image_ids.copy()
        ids[300:] += 10_000
        samples = samples_of(other, digest=OTHER_PROBE, image_ids=ids)
        layout, _ = compute_aligned_layout(other, samples, values, config=CONFIG)
        assert np.isfinite(layout.xy).all()

    def test_too_few_shared_samples_are_rejected(self):
        other = make_atlas(concepts(0, 24))
        ids = other.image_ids.copy()
        ids[19:] += 10_000
        samples = samples_of(other, digest=OTHER_PROBE, image_ids=ids)
        with pytest.raises(ArgumentError, match="only 19 samples have the same image and position"):
            compute_aligned_layout(other, samples, concepts(1, 24), config=CONFIG)

    def test_other_labels_mean_another_data_set(self):
        other = make_atlas(concepts(0, 24))
        labels = np.zeros(400, np.int32)
        other = other.replace(samples=dataclasses.replace(other.samples, labels=labels))
        samples = samples_of(other, digest=OTHER_PROBE, labels=labels[:, None] + 1)
        with pytest.raises(ArgumentError, match=r"100% of the images .* different datasets"):
            compute_aligned_layout(other, samples, concepts(1, 24), config=CONFIG)
