# SPDX-License-Identifier: Apache-2.0
"""The pipeline from a step to an atlas, on small networks."""

from __future__ import annotations

import copy
import dataclasses
import random

import numpy as np
import pytest
import torch
from icon_inputs import BatchLimit
from torch import nn

import tensorboard_plugin_atlas.compute.icons.render_levels as drawing_module
from tensorboard_plugin_atlas import Atlas, AtlasConfig, __version__, compute_atlas
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.icons import atlas_icons
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.targets import build_targets
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.receptive_field import measure_receptive_field
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

SIDE = 16
CLASSES = ("bright", "dark", "red", "blue")
QUICK = {"grids": (2, 4), "min_count": 2, "neighbors": 8, "epochs": 30, "icon_steps": 3}


def config(icons="none", samples=60, **more):
    return AtlasConfig(**{**QUICK, "icons": icons, "samples": samples, **more})


class Net(nn.Module):
    """Two convolutions, a dropout and a batch norm, whose state must not change."""

    def __init__(self, channels=3):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU())
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Sequential(nn.Conv2d(8, 12, 3, 2, padding=1), nn.ReLU())
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(12, len(CLASSES))

    def forward(self, x):
        return self.head(self.drop(self.second(self.norm(self.first(x)))).mean((2, 3)))


class Tokens(nn.Module):
    """A stem of 4 x 4 patches and one encoder layer: 16 tokens of 8 channels."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.mix = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, len(CLASSES))

    def forward(self, x):
        return self.head(self.mix(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


def pictures(count=60, channels=3, seed=0):
    """Images of four classes that differ by a bright quarter, with noise."""
    random_state = torch.Generator().manual_seed(seed)
    images = torch.rand(count, channels, SIDE, SIDE, generator=random_state) * 0.5
    labels = torch.arange(count) % len(CLASSES)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = divmod(label, 2)
        image[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 0.5
    return images, labels


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Net()


@pytest.fixture(scope="module")
def drawn(model):
    """An atlas with inversions, for several tests."""
    return compute_atlas(
        model, "second", pictures(), step=7, classes=CLASSES, config=config("inversion")
    )


def test_every_array_has_its_documented_shape_and_type(drawn):
    assert isinstance(drawn, Atlas)
    assert (drawn.layer, drawn.step, drawn.run, drawn.sequence) == ("second", 7, "", 1)
    assert drawn.classes == CLASSES
    expected = {
        "xy": ((60, 2), np.float32),
        "activations": ((60, 12), np.float16),
        "image_ids": ((60,), np.int32),
        "labels": ((60,), np.int32),
        "predictions": ((60,), np.int32),
        "positions": ((60, 2), np.int32),
        "boxes": ((60, 4), np.int32),
    }
    for name, (shape, kind) in expected.items():
        array = getattr(drawn, name)
        assert (array.shape, array.dtype) == (shape, kind), name
    assert (drawn.xy >= 0).all()
    assert (drawn.xy <= 1).all()
    assert (drawn.labels == drawn.image_ids % 4).all()


def test_boxes_contain_their_position_and_are_inside_the_image(drawn):
    y0, x0, y1, x1 = drawn.boxes.T
    assert (y0 >= 0).all()
    assert (y0 < y1).all()
    assert (y1 <= SIDE).all()
    assert (x0 >= 0).all()
    assert (x0 < x1).all()
    assert (x1 <= SIDE).all()
    # The layer's stride is 2, so row r looks at the input rows around 2r.
    assert (y0 <= 2 * drawn.positions[:, 0]).all()
    assert (2 * drawn.positions[:, 0] < y1).all()


def test_grids_are_coarsest_first_and_samples_are_in_their_cells(drawn):
    assert [grid.size for grid in drawn.grids] == [2, 4]
    for grid in drawn.grids:
        place = np.minimum((drawn.xy * grid.size).astype(int), grid.size - 1)
        inside = grid.cell_of >= 0
        assert inside.any()
        assert (grid.cols[grid.cell_of[inside]] == place[inside, 0]).all()
        assert (grid.rows[grid.cell_of[inside]] == place[inside, 1]).all()
        assert (np.bincount(grid.cell_of[inside], minlength=len(grid.rows)) == grid.counts).all()
        assert (grid.counts >= 2).all()
        flat = place[:, 1] * grid.size + place[:, 0]
        crowd = np.bincount(flat)[flat]
        assert (inside == (crowd >= 2)).all()


def test_every_cell_has_an_icon_and_a_cosine(drawn):
    for grid in drawn.grids:
        assert set(grid.icon_kind) == {"inversion"}
        assert grid.icons.dtype == np.uint8
        assert len(grid.icons) == len(grid.rows)
        assert grid.icons.std() > 1
        assert np.isfinite(grid.icon_cosine).all()
        assert (np.abs(grid.icon_cosine) <= 1 + 1e-6).all()


@pytest.mark.parametrize("kind", ["examples", "preview", "inversion", "poster"])
def test_the_cosine_is_that_of_the_stored_icon(model, kind):
    recipe = config(kind)
    atlas = compute_atlas(model, "second", pictures(), config=recipe)
    # Once more by hand, from the decoded pictures.
    probe = build_probe(pictures(), config=recipe)
    layer = collect_activations(model, ["second"], probe).layers["second"]
    receptive = measure_receptive_field(model, "second", probe, map_size=layer.map_size)
    engine = IconEngine.prepare(
        model, "second", PatchSource(probe.images, probe.normalize), receptive, steps=3
    )
    levels, _ = bin_grids(compute_layout(layer.values, config=recipe), layer.values, config=recipe)
    for grid, cells in zip(atlas.grids, levels, strict=True):
        centers = receptive.centers(layer.positions)
        targets = build_targets(cells, layer.values, probe.sample_image, centers)
        again = engine.score(grid.icons, targets, kind)
        np.testing.assert_allclose(grid.icon_cosine, again, atol=1e-6)


def test_more_steps_give_larger_cosines(model):
    one, many = (
        compute_atlas(model, "second", pictures(), config=config("inversion", icon_steps=steps))
        for steps in (1, 10)
    )
    for first, last in zip(one.grids, many.grids, strict=True):
        assert last.icon_cosine.mean() > first.icon_cosine.mean() + 0.03


def test_an_atlas_is_complete_when_the_time_limit_is_reached(model, monkeypatch):
    recipe = config("inversion", icon_seconds=2.5)
    monkeypatch.setattr(atlas_icons, "TimeLimit", lambda seconds: BatchLimit(3))
    monkeypatch.setattr(atlas_icons.IconEngine, "prepare", in_batches_of(2))
    atlas = compute_atlas(model, "second", pictures(), config=recipe)
    monkeypatch.undo()
    real = compute_atlas(model, "second", pictures(), config=config("examples"))
    kinds = np.concatenate([grid.icon_kind for grid in atlas.grids])
    # Three batches were in time; the last of a level is smaller where its cells are odd in number.
    batches = [
        min(2, len(g.rows) - start) for g in atlas.grids for start in range(0, len(g.rows), 2)
    ]
    done = sum(batches[:3])
    assert kinds.tolist() == ["inversion"] * done + ["examples"] * (len(kinds) - done)
    assert (
        f"icons: icon_seconds=2.5 were over, so {len(kinds) - done} of {len(kinds)} cells keep the "
        "nearest real patch; cells without a cosine were not measured in time"
    ) in atlas.provenance.notes
    finest, finest_real = atlas.grids[-1], real.grids[-1]
    kept = finest.icon_kind == "examples"
    # A sheet is encoded whole, so its other pictures show in these a little.
    own, wanted = (grid.icons[kept].astype(int) for grid in (finest, finest_real))
    assert np.abs(own - wanted).mean() < 5
    assert np.isnan(finest.icon_cosine[kept]).all()
    assert np.isfinite(finest_real.icon_cosine).all()


def in_batches_of(count):
    prepare = IconEngine.prepare

    def prepare_in_batches(*arguments, **options):
        engine = prepare(*arguments, **options)
        return dataclasses.replace(
            engine, settings=dataclasses.replace(engine.settings, batch=count)
        )

    return prepare_in_batches


def test_without_a_limit_or_within_it_every_icon_is_rendered(model):
    for seconds in (None, 600):
        atlas = compute_atlas(
            model, "second", pictures(), config=config("preview", icon_seconds=seconds)
        )
        assert {kind for grid in atlas.grids for kind in grid.icon_kind} == {"preview"}
        assert not any("icon_seconds" in note for note in atlas.provenance.notes)


def test_examples_are_patches_of_the_probe(model):
    atlas = compute_atlas(model, "second", pictures(), config=config("examples"))
    images = pictures()[0]
    for grid in atlas.grids:
        assert set(grid.icon_kind) == {"examples"}
        assert np.isfinite(grid.icon_cosine).all()
        darkest, lightest = float(images.min()) * 255, float(images.max()) * 255
        assert grid.icons.min() >= darkest - 8
        assert grid.icons.max() <= lightest + 8


def test_without_icons_nothing_is_rendered(model, monkeypatch):
    monkeypatch.setattr(atlas_icons.IconEngine, "prepare", None)
    atlas = compute_atlas(model, "second", pictures(), config=config("none"))
    for grid in atlas.grids:
        assert grid.sheets is None
        assert grid.icons is None
        assert set(grid.icon_kind) == {"none"}
        assert np.isnan(grid.icon_cosine).all()


def test_provenance_has_all_settings(drawn):
    provenance = drawn.provenance
    recipe = config("inversion")
    assert provenance.settings == recipe.as_dict()
    assert provenance.probe == build_probe(pictures(), config=recipe).digest
    assert provenance.model == "Net"
    assert provenance.versions["tensorboard_plugin_atlas"] == __version__
    assert provenance.versions["torch"] == torch.__version__
    assert set(provenance.versions) >= {"umap-learn", "numpy", "pillow"}
    # Convolutions of 3 with stride 1 and 2 see 5 pixels; a field is shown with at least 8.
    assert provenance.layer_info == {
        "kind": "map",
        "channels": 12,
        "map_size": [8, 8],
        "receptive_field": [8, 8],
        "stride": [2.0, 2.0],
        "input_size": [16, 16],
        "normalize": [[0.0], [1.0]],
        # The batch norm follows a ReLU, so it is not folded into a convolution.
        "fastpath": {"used": False, "reason": "operation aten.native_batch_norm.default"},
    }


def test_the_same_call_gives_the_same_bytes(model):
    once, twice = (
        compute_atlas(model, "second", pictures(), config=config("inversion")) for _ in range(2)
    )
    assert once.xy.tobytes() == twice.xy.tobytes()
    assert once.activations.tobytes() == twice.activations.tobytes()
    for a, b in zip(once.grids, twice.grids, strict=True):
        assert a.sheets.pages == b.sheets.pages
        assert a.icon_cosine.tobytes() == b.icon_cosine.tobytes()


def perturb(model, amount=0.02):
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(amount * torch.randn(parameter.shape))
    return other


def test_a_map_continues_the_one_before(model):
    recipe = config(samples=120, positions_per_image=2)
    before = compute_atlas(model, "second", pictures(), step=1, config=recipe)
    later = perturb(model)
    following = compute_atlas(later, "second", pictures(), step=2, previous=[before], config=recipe)
    # The same probe with a layout of its own: another seed of the layout, not of the places.
    fresh = AtlasPipeline(build_probe(pictures(), config=recipe), ("second",), config(seed=5))
    independent = next(fresh.atlases(later, 2, None))

    def motion(atlas):
        return np.median(np.linalg.norm(atlas.xy - before.xy, axis=1))

    assert motion(following) < 0.5 * motion(independent)
    assert following.sequence == before.sequence + 1
    assert before.quality.overlap is None
    assert independent.quality.overlap is None
    assert following.quality.overlap.shape == (120,)
    assert following.quality.overlap.mean() > 0.5


def test_concepts_continue_from_the_previous_atlas(model):
    later = copy.deepcopy(model)
    later.second[0].weight.data.mul_(-1)
    recipe = config(samples=80)
    first = compute_atlas(model, "second", pictures(80), step=0, classes=CLASSES, config=recipe)
    assert {state.born for state in first.concepts} == {0}
    assert set(first.samples.concepts.tolist()) <= {-1, *(state.id for state in first.concepts)}
    again = compute_atlas(
        model, "second", pictures(80), step=1, classes=CLASSES, previous=[first], config=recipe
    )
    assert [state.id for state in again.concepts] == [state.id for state in first.concepts]
    assert np.array_equal(again.samples.concepts, first.samples.concepts)
    assert again.events == ()
    alone = compute_atlas(later, "second", pictures(80), step=1, classes=CLASSES, config=recipe)
    assert {state.born for state in alone.concepts} == {1}


def test_a_pipeline_continues_like_previous(model):
    recipe = config()
    line = AtlasPipeline(build_probe(pictures(), config=recipe), ("first", "second"), recipe)
    first = list(line.atlases(model, 10, 5.0))
    second = list(line.atlases(perturb(model), 20, None))
    assert [(a.layer, a.step, a.sequence) for a in (*first, *second)] == [
        ("first", 10, 1),
        ("second", 10, 1),
        ("first", 20, 2),
        ("second", 20, 2),
    ]
    assert {a.wall_time for a in first} == {5.0}
    assert all(a.quality.overlap is not None for a in second)
    for a, b in zip(first, second, strict=True):
        assert (a.boxes == b.boxes).all()


def test_another_probe_is_not_continued(model):
    before = compute_atlas(model, "second", pictures(), step=3, config=config())
    with pytest.raises(ArgumentError, match=r"previous: .*'second' at step 3 .*another probe"):
        compute_atlas(model, "second", pictures(seed=1), previous=[before], config=config())


def test_another_layer_is_not_continued(model):
    before = compute_atlas(model, "first", pictures(), step=3, config=config())
    with pytest.raises(
        ArgumentError, match=r"previous: .*step 3 is of layer 'first', not 'second'"
    ):
        compute_atlas(model, "second", pictures(), previous=[before], config=config())
    with pytest.raises(ArgumentError, match=r"pass a list, such as previous=\[atlas\]"):
        compute_atlas(model, "first", pictures(), previous=before, config=config())


def test_layers_have_the_same_samples(model):
    recipe = config()
    line = AtlasPipeline(build_probe(pictures(), config=recipe), ("first", "second"), recipe)
    wide, narrow = line.atlases(model, 0, None)
    assert (wide.image_ids == narrow.image_ids).all()
    assert (wide.labels == narrow.labels).all()
    assert (wide.predictions == narrow.predictions).all()
    assert wide.provenance.layer_info["map_size"] == [16, 16]
    assert narrow.provenance.layer_info["map_size"] == [8, 8]
    # The same position of the image: cell r of 16 lies in cell r // 2 of 8.
    assert (wide.positions // 2 == narrow.positions).all()
    assert len(np.unique(wide.positions, axis=0)) > 20


def test_attribution_of_a_cell_is_the_mean_of_its_samples(model):
    probe = build_probe(pictures(), config=config(samples=60))
    atlas = compute_atlas(model, "second", probe, config=config(samples=60))
    said = compute_attribution(model, "second", probe).values
    for grid in atlas.grids:
        assert grid.attribution.shape == (len(grid.rows), len(CLASSES))
        for cell, row in enumerate(grid.attribution):
            np.testing.assert_allclose(row, said[grid.members(cell)].mean(axis=0), rtol=1e-4)
            spread = said[grid.members(cell)].std(axis=0)
            np.testing.assert_allclose(grid.attribution_spread[cell], spread, rtol=1e-4, atol=1e-7)


def test_attribution_can_be_disabled_and_a_note_explains_missing_attribution(model):
    atlas = compute_atlas(model, "second", pictures(), config=config(attribution=False))
    assert all(grid.attribution is None for grid in atlas.grids)
    assert not any(note.startswith("attribution") for note in atlas.provenance.notes)
    atlas = compute_atlas(model.second, "0", torch.rand(60, 8, 8, 8), config=config())
    assert all(grid.attribution is None for grid in atlas.grids)
    assert any(note.startswith("attribution: left out") for note in atlas.provenance.notes)


def test_labels_may_be_missing(model):
    atlas = compute_atlas(model, "second", pictures()[0], config=config())
    assert atlas.labels is None
    assert atlas.classes is None
    assert atlas.predictions.shape == (60,)


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize("icons", ["examples", "inversion"])
def test_few_samples_make_a_small_atlas(model, count, icons):
    images, labels = pictures(count)
    atlas = compute_atlas(model, "second", (images, labels), config=config(icons, min_count=1))
    assert len(atlas.samples) == count
    assert np.isfinite(atlas.xy).all()
    for grid in atlas.grids:
        assert grid.counts.sum() == count
        assert len(grid.icons) == len(grid.rows)


def test_without_full_cells_only_the_coarsest_grid_has_cells(model):
    atlas = compute_atlas(model, "second", pictures(3), config=config("examples", min_count=50))
    coarse, fine = atlas.grids
    assert coarse.counts.sum() == 3
    assert (len(fine.rows), len(fine.icons)) == (0, 0)
    assert (fine.cell_of == -1).all()
    assert any("pass more samples" in note for note in atlas.provenance.notes)


def test_weights_of_nan_are_reported(model):
    broken = copy.deepcopy(model)
    nn.init.constant_(broken.second[0].weight, torch.nan)
    with pytest.raises(ArgumentError, match="all 60 samples hold NaN or infinity"):
        compute_atlas(broken, "second", pictures(), config=config())


class SometimesInfinite(Net):
    """Overflows for bright images only, as in half precision."""

    def forward(self, x):
        loud = torch.where(x.mean((1, 2, 3), keepdim=True) > 0.376, torch.inf, 1.0)
        return super().forward(x * loud)


def test_invalid_samples_have_coordinates_and_are_in_no_mean():
    torch.manual_seed(1)
    atlas = compute_atlas(
        SometimesInfinite(), "second", pictures(), config=config("examples", min_count=1)
    )
    broken = ~np.isfinite(atlas.activations).all(axis=1)
    assert 0 < broken.sum() < 60
    assert atlas.quality.invalid == broken.sum()
    assert np.isfinite(atlas.xy).all()
    for grid in atlas.grids:
        assert (grid.cell_of[broken] == -1).all()
        assert grid.counts.sum() == 60 - broken.sum()
        assert np.isfinite(grid.icon_cosine).any()
    assert any("NaN or infinity" in note for note in atlas.provenance.notes)


def test_one_channel_is_enough():
    torch.manual_seed(1)
    images, labels = pictures(channels=1)
    atlas = compute_atlas(Net(1), "second", (images, labels), config=config("inversion"))
    for grid in atlas.grids:
        assert (grid.icons[..., 0] == grid.icons[..., 2]).mean() > 0.5
        assert np.isfinite(grid.icon_cosine).all()


@pytest.mark.parametrize("icons", ["examples", "inversion"])
def test_tokens_and_vectors_are_layers_too(icons):
    torch.manual_seed(1)
    model = Tokens()
    tokens = compute_atlas(model, "mix", pictures(), config=config(icons))
    assert tokens.provenance.layer_info["kind"] == "tokens"
    assert tokens.provenance.layer_info["map_size"] == [4, 4]
    vectors = compute_atlas(model, "head", pictures(), config=config(icons))
    assert vectors.provenance.layer_info["kind"] == "vector"
    assert (vectors.positions == 0).all()
    assert (vectors.boxes == [0, 0, SIDE, SIDE]).all()
    for grid in (*tokens.grids, *vectors.grids):
        assert np.isfinite(grid.icon_cosine).all()


def state_of(model):
    return {
        "modes": [module.training for module in model.modules()],
        "hooks": [
            (
                len(module._forward_hooks),
                len(module._forward_pre_hooks),
                len(module._backward_hooks),
            )
            for module in model.modules()
        ],
        "wanted": [parameter.requires_grad for parameter in model.parameters()],
        "grads": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "values": {name: value.clone() for name, value in model.state_dict().items()},
        "random": (random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()),
        "enabled": torch.is_grad_enabled(),
    }


def assert_same(before, after):
    if isinstance(before, torch.Tensor):
        assert torch.equal(before, after)
    elif isinstance(before, np.ndarray):
        assert (before == after).all()
    elif isinstance(before, dict):
        assert before.keys() == after.keys()
        for name in before:
            assert_same(before[name], after[name])
    elif isinstance(before, (list, tuple)):
        assert len(before) == len(after)
        for one, other in zip(before, after, strict=True):
            assert_same(one, other)
    else:
        assert before == after


@pytest.mark.parametrize("icons", ["none", "examples", "inversion"])
def test_the_model_is_unchanged(icons):
    torch.manual_seed(3)
    model = Net()
    images, labels = pictures()
    nn.functional.cross_entropy(model(images), labels).backward()
    model.first.eval()
    model.norm.weight.requires_grad_(False)
    before = state_of(model)
    compute_atlas(model, "second", (images, labels), config=config(icons))
    assert_same(before, state_of(model))


def test_unusable_arguments_are_reported(model):
    with pytest.raises(LayerError, match=r"layer 'secnd' .*closest: 'second'"):
        compute_atlas(model, "secnd", pictures(), config=config())
    with pytest.raises(ArgumentError, match=r"layer=12: pass the module's dotted name"):
        compute_atlas(model, 12, pictures(), config=config())
    with pytest.raises(ArgumentError, match=r"model='resnet18': pass a torch.nn.Module"):
        compute_atlas("resnet18", "second", pictures())
    with pytest.raises(ArgumentError, match=r"config=\{'samples': 60\}: pass an AtlasConfig"):
        compute_atlas(model, "second", pictures(), config={"samples": 60})
    with pytest.raises(ArgumentError, match="images have 1 channels"):
        compute_atlas(model, "second", pictures(channels=1), config=config())


def test_a_wrapped_model_has_the_same_layer_names(model):
    atlas = compute_atlas(nn.DataParallel(model), "module.second", pictures(), config=config())
    assert atlas.layer == "second"
    assert atlas.provenance.model == "Net"


def test_large_icons_are_stored_at_a_lower_quality_with_a_note(model, monkeypatch):
    noise = torch.rand(60, 3, SIDE, SIDE)
    recipe = config("examples", icon_size=64)

    def weight(atlas):
        return sum(len(page) for grid in atlas.grids for page in grid.sheets.pages)

    light = compute_atlas(model, "second", noise, config=recipe)
    assert not any("WebP" in note for note in light.provenance.notes)
    budget = weight(light) * 3 // 4
    monkeypatch.setattr(drawing_module, "get_sheet_limit", lambda _icons: budget)
    heavy = compute_atlas(model, "second", noise, config=recipe)
    assert weight(heavy) <= budget
    (note,) = (note for note in heavy.provenance.notes if "WebP" in note)
    assert note.startswith("icons: stored at WebP quality ")
    assert int(note.split()[5]) < 82
    monkeypatch.setattr(drawing_module, "get_sheet_limit", lambda _icons: 10)
    smallest = compute_atlas(model, "second", noise, config=recipe)
    assert any("WebP quality 30" in note for note in smallest.provenance.notes)
