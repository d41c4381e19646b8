# SPDX-License-Identifier: Apache-2.0
"""Class atlases: their samples, their axis and their continuation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from colored_marks import CELLS, CLASSES, MarkNet, make_marked_images
from torch import nn

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.analysis.class_series import CLASS_ATLAS
from tensorboard_plugin_atlas.analysis.sample_matching import match_positions
from tensorboard_plugin_atlas.compute.attribution.attribute import (
    DUPLICATE_COSINE,
    POSITIONS_PER_IMAGE,
    compute_attribution,
    find_class_positions,
)
from tensorboard_plugin_atlas.compute.class_atlas.pipeline import ClassPipeline
from tensorboard_plugin_atlas.compute.class_atlas.sample_selection import (
    MIN_WINNERS,
    check_classes,
    combine_selections,
    select_class_samples,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas
from tensorboard_plugin_atlas.wire.compact_samples import round_positions

CONFIG = AtlasConfig(samples=300, grids=(4, 8), min_count=2, neighbors=8, epochs=30, icons="none")


def probe_of(images, labels=None, classes=None, config=CONFIG):
    source = (images,) if labels is None else (images, labels)
    return build_probe(source, config=config, classes=classes)


def pipeline_of(probe, layer, *classes, config=CONFIG):
    return ClassPipeline(probe, (layer,), config, classes=classes)


def atlases_of(pipeline, model, step=0):
    pipeline.choose(model)
    return [pipeline.atlas(model, series, step) for series in pipeline.series]


class Convolved(nn.Module):
    """A small network in which no two attributions are equal."""

    def __init__(self, classes=5, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, padding=1), nn.ReLU())
        self.deep = nn.Sequential(nn.Conv2d(8, 12, 3, 2, padding=1), nn.Tanh())
        self.aside = nn.Linear(3, 3)
        self.head = nn.Linear(12, classes)

    def forward(self, x):
        self.aside(x.mean((2, 3)))
        return self.head(self.deep(self.stem(x)).mean((2, 3)))


def noise(count, side=24, seed=3):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("layer", ["stem", "deep"])
def test_strongest_positions_agree_with_the_attribution_of_all_positions(layer):
    model, probe = Convolved(), probe_of(noise(20))
    found = find_class_positions(model, layer, probe, [0, 3], most=1000, batch_size=7)
    height, width = found[0].map_size
    rows = np.repeat(np.arange(20, dtype=np.int32), height * width)
    grid = np.stack(np.meshgrid(range(height), range(width), indexing="ij"), -1).reshape(-1, 2)
    attribution = compute_attribution(
        model, layer, probe.at(rows, np.tile(grid, (20, 1)), (height, width))
    ).values
    for index, places in found.items():
        strengths = (attribution[:, index] - attribution.mean(axis=1)).reshape(20, height, width)
        assert (np.diff(places.strengths) <= 0).all()
        there = strengths[places.images, places.positions[:, 0], places.positions[:, 1]]
        np.testing.assert_allclose(places.strengths, there, atol=1e-6)
        assert (places.strengths > 0).all()
        for image in range(20):
            own = places.images == image
            assert own.sum() <= POSITIONS_PER_IMAGE
            if strengths[image].max() > 0:
                first = places.positions[own][0]
                assert tuple(first) == np.unravel_index(strengths[image].argmax(), (height, width))
            apart = np.abs(places.positions[own][:, None] - places.positions[own]).max(axis=-1)
            assert (apart[~np.eye(own.sum(), dtype=bool)] > 1).all()
        # Positions at the edges are included.
        assert (places.positions == 0).any()
        assert (places.positions == [height - 1, width - 1]).any()


def test_duplicate_positions_of_an_image_are_removed():
    images = noise(4)
    images[:, :, :, 12:] = images[:, :, :, :12]  # every position twice, eleven columns apart
    model, probe = Convolved(), probe_of(images)
    places = find_class_positions(model, "stem", probe, [1], most=100)[1]
    center = model.stem(images).mean((0, 2, 3)).detach().numpy()
    for image in range(4):
        away = places.activations[places.images == image] - center
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        cosines = (away @ away.T)[~np.eye(len(away), dtype=bool)]
        assert (cosines <= DUPLICATE_COSINE + 0.01).all()


def test_the_strongest_positions_do_not_depend_on_the_batch_size():
    model, probe = Convolved(), probe_of(noise(40))
    few = find_class_positions(model, "deep", probe, [2], most=10, batch_size=40)[2]
    many = find_class_positions(model, "deep", probe, [2], most=1000, batch_size=40)[2]
    assert len(few) == 10
    np.testing.assert_array_equal(few.images, many.images[:10])
    np.testing.assert_array_equal(few.positions, many.positions[:10])


def test_a_class_decided_by_a_mark_has_exactly_the_marks_as_samples():
    images, labels, places = make_marked_images((70, 60, 55, 65))
    probe = probe_of(images, labels, (*CLASSES, "none"))
    model = MarkNet(classes=4)
    pipeline = pipeline_of(probe, "act", (0,), (1,), (2,))
    assert list(pipeline.series) == ["act · red", "act · green", "act · blue"]
    at = {int(i): tuple(places[i].tolist()) for i in range(len(places))}
    for index, atlas in enumerate(atlases_of(pipeline, model)):
        assert atlas.layer == f"act · {CLASSES[index]}"
        assert len(atlas.samples) == (70, 60, 55)[index]
        assert (atlas.labels == index).all()
        assert (atlas.predictions == index).all()
        assert [at[int(i)] for i in atlas.image_ids] == list(map(tuple, atlas.positions.tolist()))
        assert (atlas.positions == 0).any()
        assert (atlas.positions == CELLS - 1).any()
        stated = atlas.provenance.layer_info[CLASS_ATLAS]
        assert stated == {
            "layer": "act",
            "classes": [index],
            "names": [CLASSES[index]],
            "rule": "winner",
            "axis": None,
        }
        for grid in atlas.grids:
            assert (grid.attribution.argmax(axis=1) == index).all()
        assert atlas.provenance.probe == probe.digest
        assert (atlas.quality.overlap, atlas.samples.noise_floor, atlas.concepts) == (None,) * 3


def test_the_probe_and_the_model_are_unchanged():
    images, labels, _ = make_marked_images((60, 60, 60))
    probe, model = probe_of(images, labels, CLASSES), MarkNet().train()
    pipeline = pipeline_of(probe, "act", (0,), (0, 1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    atlases_of(pipeline, model)
    assert pipeline.probe is probe
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_two_classes_are_separated_left_and_right():
    images, labels, _ = make_marked_images((80, 70, 50))
    probe = probe_of(images, labels, CLASSES)
    pipeline = pipeline_of(probe, "act", (0, 1))
    assert list(pipeline.series) == ["act · red / green"]
    (atlas,) = atlases_of(pipeline, MarkNet())
    assert sorted(np.bincount(atlas.labels).tolist()) == [70, 80]
    x = atlas.xy[:, 0]
    assert (x[atlas.labels == 0] > 0.5).all()
    assert (x[atlas.labels == 1] < 0.5).all()
    axis = atlas.provenance.layer_info[CLASS_ATLAS]["axis"]
    assert (axis["left"], axis["right"]) == (1, 0)
    # The difference of two channels over the 36 positions.
    activations = atlas.activations.astype(np.float64)
    difference = (activations[:, 0] - activations[:, 1]) / CELLS**2
    assert axis["reach"] == pytest.approx(np.percentile(np.abs(difference), 99), rel=1e-3)
    inside = np.abs(difference) < axis["reach"] * 0.999
    np.testing.assert_allclose(x[inside], 0.5 + difference[inside] / axis["reach"] / 2, atol=1e-3)
    assert atlas.samples.clamped.sum() >= 1
    beyond = np.abs(difference) > axis["reach"] * 1.001
    assert atlas.samples.clamped[beyond].all()
    assert set(x[beyond].tolist()) <= {0.0, 1.0}
    assert atlas.viewport[0] == pytest.approx(-axis["reach"])
    assert atlas.viewport[2] == pytest.approx(axis["reach"])


def test_a_position_of_both_classes_is_one_sample():
    model, probe = Convolved(), probe_of(noise(60))
    chosen = select_class_samples(model, "deep", probe, [0, 1], most=300)
    both = combine_selections(chosen, (0, 1), 300)
    keys = set(zip(both.images.tolist(), *both.positions.T.tolist(), strict=True))
    assert len(keys) == len(both)
    assert (np.diff(both.images) >= 0).all()
    capped = combine_selections(chosen, (0, 1), 20)
    assert len(capped) <= 20
    wide = {index: len(chosen[index]) for index in chosen}
    assert min(wide.values()) >= 10, wide
    half = combine_selections(chosen, (0, 1), 2 * max(wide.values()))
    assert len(half) == len(both)


@pytest.mark.parametrize("marks", [1, 2, 3])
def test_a_class_with_few_positions_has_a_small_atlas(marks):
    images, labels, _ = make_marked_images((marks, 100, 90))
    probe = probe_of(images, labels, CLASSES)
    pipeline = pipeline_of(probe, "act", (0,), (0, 1))
    alone, pair = atlases_of(pipeline, MarkNet())
    assert len(alone.samples) == marks
    assert (alone.labels == 0).all()
    assert len(alone.grids[0].rows) >= 1
    assert alone.grids[0].counts.sum() == marks
    assert len(pair.samples) == marks + 100


def test_with_few_winners_the_strongest_other_positions_are_added():
    images, labels, _ = make_marked_images((12, 100, 90))
    model = MarkNet()
    with torch.no_grad():
        model.head.weight[0, 2] = (
            0.8  # a blue mark has attribution to red, too, but less than to blue
        )
    probe = probe_of(images, labels, CLASSES)
    pipeline = pipeline_of(probe, "act", (0,))
    (atlas,) = atlases_of(pipeline, model)
    assert atlas.provenance.layer_info[CLASS_ATLAS]["rule"] == "top"
    assert len(atlas.samples) == MIN_WINNERS
    assert np.bincount(atlas.labels, minlength=3).tolist() == [12, 0, MIN_WINNERS - 12]
    (note,) = [n for n in atlas.provenance.notes if n.startswith("class:")]
    assert note.startswith("class: only 12 positions have their largest attribution")


def test_a_class_without_attribution_is_reported():
    images, labels, _ = make_marked_images((0, 60, 60))
    probe = probe_of(images, labels, CLASSES)
    pipeline = pipeline_of(probe, "act", (0,), (1,))
    model = MarkNet()
    pipeline.choose(model)
    with pytest.raises(ArgumentError, match=r"class 'red' has no attribution at any .* 120 images"):
        pipeline.atlas(model, "act · red", 7)
    assert len(pipeline.atlas(model, "act · green", 7).samples) == 60


def test_a_thousand_classes_without_names():
    images, _, _ = make_marked_images((60, 60, 60))
    probe, model = probe_of(images), MarkNet(classes=1000)
    assert check_classes(model, "act", probe, [2, (0, 999)], CONFIG) == ((2,), (0, 999))
    pipeline = pipeline_of(probe, "act", (2,))
    assert list(pipeline.series) == ["act · 2"]
    (atlas,) = atlases_of(pipeline, model)
    assert atlas.labels is None
    assert atlas.grids[0].attribution.shape[1] == 1000
    assert (atlas.grids[0].attribution.argmax(axis=1) == 2).all()
    assert set((atlas.image_ids // 60).tolist()) == {2}


def test_unusable_arguments_are_reported():
    model, probe = Convolved(), probe_of(noise(10))
    with pytest.raises(
        ArgumentError, match=r"layer 'aside' has no attribution: attribution: left out"
    ):
        check_classes(model, "aside", probe, [0], CONFIG)
    with pytest.raises(LayerError, match="nowhere"):
        check_classes(model, "nowhere", probe, [0], CONFIG)
    without = AtlasConfig(samples=10, attribution=False)
    with pytest.raises(ArgumentError, match=r"attribution=True"):
        check_classes(model, "deep", probe, [0], without)
    with pytest.raises(ArgumentError, match=r"has 5 classes, and 5 is not one"):
        find_class_positions(model, "deep", probe, [5], most=3)
    pooled = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    with pytest.raises(ArgumentError, match=r"not \(images, classes\)"):
        check_classes(pooled, "0", probe, [0], CONFIG)


def train(model, images, labels, steps, rate=0.05):
    """Trains the model for some steps."""
    optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9)
    for step in range(steps):
        rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(step))[:64]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()


def test_a_map_stays_readable_while_its_samples_change():
    images, labels, _ = make_marked_images((150, 150, 150))
    images = (images + 0.15 * noise(450, seed=1)).clamp(0, 1)
    probe = probe_of(images, labels, CLASSES)
    model = Convolved(classes=3)
    pipeline = pipeline_of(probe, "deep", (0,), (0, 1))
    train(model, images, labels, 10)
    before = atlases_of(pipeline, model, 60)
    train(model, images, labels, 10)
    after = atlases_of(pipeline, model, 80)
    independent = atlases_of(pipeline_of(probe, "deep", (0,), (0, 1)), model, 80)
    for was, now, new in zip(before, after, independent, strict=True):
        old, rows = match_positions(was.image_ids, was.positions, now.image_ids, now.positions)
        assert len(rows) >= 30
        assert max(len(was.samples), len(now.samples)) - len(rows) > 5, "some samples differ"
        shuffled = np.random.default_rng(0).permutation(old)
        y = slice(1, 2) if len(now.provenance.layer_info[CLASS_ATLAS]["classes"]) == 2 else slice(2)
        move = np.linalg.norm((now.xy[rows] - was.xy[old])[:, y], axis=1).mean()
        chance = np.linalg.norm((now.xy[rows] - was.xy[shuffled])[:, y], axis=1).mean()
        again = np.linalg.norm((new.xy[rows] - was.xy[old])[:, y], axis=1).mean()
        assert move < 0.5 * chance
        assert move < again
        (note,) = [n for n in now.provenance.notes if n.startswith("layout: continues step 60")]
        assert f"by its {len(was.samples)} samples; {len(rows)} of them" in note
        assert (was.sequence, now.sequence) == (1, 2)
        assert now.quality.trustworthiness > new.quality.trustworthiness - 0.1


@pytest.mark.parametrize("many", [sample_subset.MANY_SAMPLES, 50])
def test_a_map_continues_from_a_log_as_from_memory(many, monkeypatch):
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", many)
    images, labels, _ = make_marked_images((80, 80, 80))
    probe, model = probe_of(images, labels, CLASSES), Convolved(classes=3)
    pipeline = pipeline_of(probe, "deep", (1,), (1, 2))
    before = atlases_of(pipeline, model, 1)
    train(model, images, labels, 5)
    after = atlases_of(pipeline, model, 2)
    other = pipeline_of(probe, "deep", (1,), (1, 2))
    for atlas in before:
        other.continue_from(decode_atlas(encode_atlas(atlas)))
        is_rounded = np.array_equal(round_positions(atlas.xy), atlas.xy)
        assert is_rounded == sample_subset.is_many(len(atlas.samples))
    for now, again in zip(after, atlases_of(other, model, 2), strict=True):
        np.testing.assert_array_equal(now.xy, again.xy)
        assert (now.sequence, now.viewport) == (again.sequence, again.viewport)


def test_another_probe_or_feature_map_starts_over():
    images, labels, _ = make_marked_images((60, 60, 60))
    model = MarkNet()
    pipeline = pipeline_of(probe_of(images, labels, CLASSES), "act", (1,))
    (before,) = atlases_of(pipeline, model, 1)
    other = pipeline_of(
        probe_of(*make_marked_images((60, 60, 60), seed=9)[:2], CLASSES), "act", (1,)
    )
    other.continue_from(before)
    (after,) = atlases_of(other, model, 2)
    assert "layout: started over after step 1, with another probe" in after.provenance.notes
    assert after.sequence == 2
    far = dataclasses.replace(before.samples, positions=before.positions + 90)
    pipeline.continue_from(before.replace(samples=far))
    (again,) = atlases_of(pipeline, model, 3)
    assert not any("continues" in note for note in again.provenance.notes)


def test_icons_are_rendered_and_continued_by_similar_cells():
    images, labels, _ = make_marked_images((60, 60, 60))
    config = AtlasConfig(
        samples=180, grids=(3,), min_count=2, neighbors=8, epochs=20, icons="preview", icon_steps=2
    )
    pipeline = pipeline_of(probe_of(images, labels, CLASSES), "act", (0,), (0, 1), config=config)
    model = MarkNet()
    for atlas in atlases_of(pipeline, model, 1):
        (grid,) = atlas.grids
        assert grid.icons.shape[0] == len(grid.rows) > 0
        assert set(grid.icon_kind) == {"preview"}
        assert "icon_change" not in atlas.provenance.layer_info
    for atlas in atlases_of(pipeline, model, 2):
        (change,) = atlas.provenance.layer_info["icon_change"]
        assert change["cells"] == len(atlas.grids[0].rows)
