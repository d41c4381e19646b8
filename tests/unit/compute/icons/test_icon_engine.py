# SPDX-License-Identifier: Apache-2.0
"""Icons of networks whose best images are known, and the guarantees of the engine."""

from __future__ import annotations

import copy
import dataclasses
import random

import numpy as np
import pytest
import torch
from icon_inputs import (
    EDGE_FIELD,
    BatchLimit,
    make_blurred_noise,
    make_edge_net,
    make_source,
    make_targets,
)
from torch import nn

from tensorboard_plugin_atlas.compute.icons.icon_engine import KINDS, IconEngine
from tensorboard_plugin_atlas.compute.icons.icon_network import IconNetwork
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.errors import ArgumentError


def make_edge_engine(channels: int = 3, **options) -> tuple[IconEngine, Targets]:
    source = make_source(make_blurred_noise(30, channels))
    engine = IconEngine.prepare(make_edge_net(channels), "1", source, EDGE_FIELD, **options)
    center = torch.full((4,), 0.2)
    return engine, make_targets(center + torch.eye(4), center, source)


def measure_slope(icon: np.ndarray) -> tuple[float, float]:
    """Decrease in brightness downward and rightward across the center of an icon."""
    gray = icon.astype(float).mean(axis=2)
    middle = len(gray) // 2
    core = gray[middle - 4 : middle + 4, middle - 4 : middle + 4]
    return core[:4].mean() - core[4:].mean(), core[:, :4].mean() - core[:, 4:].mean()


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_each_edge_channel_gets_an_edge_of_its_direction(channels):
    engine, targets = make_edge_engine(channels)
    icons = engine.render(targets)
    assert icons.images.shape == (4, 12, 12, 3)
    assert icons.images.dtype == np.uint8
    assert (icons.kind, icons.steps) == ("inversion", 16)
    down, up, right, left = (measure_slope(icon) for icon in icons.images)
    assert down[0] > 20 > abs(down[1])
    assert up[0] < -20 < -abs(up[1])
    assert right[1] > 20 > abs(right[0])
    assert left[1] < -20 < -abs(left[0])


def test_the_cosine_is_far_above_that_of_real_and_random_images():
    engine, targets = make_edge_engine()
    icons, examples = engine.render(targets), engine.render(targets, "examples")
    noise = np.random.default_rng(0).integers(0, 256, icons.images.shape, np.uint8)
    assert icons.cosine.dtype == np.float32
    assert icons.cosine.min() > 0.9
    assert icons.cosine.min() > examples.cosine.max() + 0.2
    assert icons.cosine.min() > engine.score(noise, targets).max() + 0.2


def test_the_score_of_the_stored_image_is_its_cosine():
    engine, targets = make_edge_engine()
    icons = engine.render(targets)
    assert np.allclose(engine.score(icons.images, targets), icons.cosine, atol=0.02)
    swapped = engine.score(icons.images[[1, 0, 3, 2]], targets)
    assert swapped.max() < 0.5


def test_icons_of_another_size_are_scored_at_the_optimized_size():
    engine, targets = make_edge_engine(size=48)
    icons = engine.render(targets)
    assert icons.images.shape == (4, 48, 48, 3)
    assert np.allclose(engine.score(icons.images, targets), icons.cosine, atol=0.05)


def test_the_score_is_nan_where_the_image_lost_channels():
    engine, targets = make_edge_engine(5)
    icons = engine.render(targets)
    assert np.isnan(engine.score(icons.images, targets)).all()
    assert icons.cosine.min() > 0.8


def test_examples_show_the_patch_of_the_nearest_member():
    pixels = make_blurred_noise(3)
    pixels[1, :, 10:22, 8:20] = torch.rand(3, 12, 12)
    source = make_source(pixels)
    engine = IconEngine.prepare(make_edge_net(), "1", source, EDGE_FIELD)
    targets = Targets(
        directions=torch.rand(1, 4),
        center=torch.zeros(4),
        rows=torch.tensor([[1, 0]]),
        centers=torch.tensor([[[15.5, 13.5], [3.0, 3.0]]]),
        keys=np.array([0]),
    )
    icons = engine.render(targets, "examples")
    planted = (pixels[1, :, 10:22, 8:20] * 255).round().permute(1, 2, 0)
    assert np.abs(icons.images[0].astype(int) - planted.numpy()).max() <= 1
    assert (icons.kind, icons.steps) == ("examples", 0)
    assert np.allclose(engine.score(icons.images, targets, "examples"), icons.cosine, atol=0.01)


def test_the_cosine_is_the_centered_cosine_of_the_activation_at_the_center():
    engine, targets = make_edge_engine()
    field = ReceptiveField((9, 9), (1, 1), (0.5, 0.5))
    activation = dataclasses.replace(engine.activation, receptive=field)
    engine = dataclasses.replace(engine, activation=activation)
    examples = engine.render(targets, "examples")
    patches = engine.activation.source.crop(targets.rows[:, 0], targets.centers[:, 0], (12, 12))
    with torch.no_grad():
        output = make_edge_net()(engine.activation.source.normalize.to_input(patches))
    expected = nn.functional.cosine_similarity(
        output[:, :, 5:7, 5:7].mean((2, 3)) - targets.center, targets.directions - targets.center
    )
    # The center of the receptive field is half a pixel off, which rounds to no shift.
    assert np.allclose(examples.cosine, expected, atol=1e-5)


def test_an_icon_does_not_depend_on_the_other_cells_of_its_batch():
    engine, targets = make_edge_engine()
    order = [2, 0, 3, 1]
    shuffled = Targets(
        directions=targets.directions[order],
        center=targets.center,
        rows=targets.rows[order],
        centers=targets.centers[order],
        keys=targets.keys[order],
    )
    narrow = dataclasses.replace(engine, settings=dataclasses.replace(engine.settings, batch=3))
    images, other = engine.render(targets).images[order], narrow.render(shuffled).images
    assert np.abs(images.astype(int) - other.astype(int)).max() <= 1
    again = engine.render(targets).images[order]
    assert np.array_equal(images, again)


def test_another_seed_gives_other_noise():
    first, targets = make_edge_engine(seed=1)
    second, _ = make_edge_engine(seed=2)
    assert not np.array_equal(first.render(targets).images, second.render(targets).images)


@pytest.mark.parametrize("kind", KINDS)
def test_without_cells_there_are_no_icons(kind):
    engine, targets = make_edge_engine()
    empty = Targets(
        directions=targets.directions[:0],
        center=targets.center,
        rows=targets.rows[:0],
        centers=targets.centers[:0],
        keys=targets.keys[:0],
    )
    icons = engine.render(empty, kind)
    assert icons.images.shape == (0, 12, 12, 3)
    assert engine.score(icons.images, empty, kind).shape == (0,)


def test_progress_counts_every_cell_once():
    engine, targets = make_edge_engine()
    engine = dataclasses.replace(engine, settings=dataclasses.replace(engine.settings, batch=3))
    counts: list[int] = []
    engine.render(targets, progress=counts.append)
    assert counts == [3, 1]


def test_more_work_gives_a_higher_cosine():
    engine, targets = make_edge_engine()
    rendered = [engine.render(targets, kind) for kind in KINDS]
    assert [icons.steps for icons in rendered] == [0, 5, 16, 32]
    assert [set(icons.kinds) for icons in rendered] == [{kind} for kind in KINDS]
    examples, preview, inversion, poster = (icons.cosine.mean() for icons in rendered)
    assert examples + 0.2 < preview
    assert preview + 0.01 < inversion
    assert poster > inversion - 0.001  # neither can be much higher


def test_a_preview_has_the_size_of_an_inversion_and_a_poster_is_larger():
    source = make_source(make_blurred_noise(4, side=160))
    net = nn.Sequential(nn.Conv2d(3, 4, 16, 16), nn.ReLU())
    field = ReceptiveField((128, 128), (16.0, 16.0), (7.5, 7.5))
    engine = IconEngine.prepare(net, "1", source, field, steps=1)
    targets = make_targets(torch.eye(2, 4), torch.zeros(4), source)
    sides = [engine.render(targets, kind).images.shape[1] for kind in KINDS]
    assert sides == [96, 96, 96, 128]
    fixed = dataclasses.replace(engine, size=40)
    assert {fixed.render(targets, kind).images.shape[1] for kind in KINDS} == {40}


def test_after_the_time_limit_the_other_cells_keep_real_patches():
    engine, targets = make_edge_engine()
    engine = dataclasses.replace(engine, settings=dataclasses.replace(engine.settings, batch=3))
    counts = []
    icons = engine.render(targets, progress=counts.append, limit=BatchLimit(1))
    whole, real = engine.render(targets), engine.render(targets, "examples")
    assert icons.kinds.tolist() == ["inversion"] * 3 + ["examples"]
    assert icons.kind == "inversion"
    assert counts == [3, 1]
    assert np.array_equal(icons.images[:3], whole.images[:3])
    assert np.array_equal(icons.images[3], real.images[3])
    # There was no time to measure the cosine of the patch.
    np.testing.assert_allclose(icons.cosine, [*whole.cosine[:3], np.nan], atol=1e-6)
    # The stored images are scored by their own kinds.
    scored = engine.score(icons.images, targets, icons.kinds)
    np.testing.assert_allclose(scored, [*whole.cosine[:3], real.cosine[3]], atol=0.02)


def test_a_batch_is_interrupted_when_the_time_is_over():
    engine, targets = make_edge_engine()
    clock = iter(range(1000))
    limit = TimeLimit(8.0, clock=lambda: next(clock))
    icons = engine.render(targets, limit=limit)
    assert set(icons.kinds) == {"examples"}
    assert limit.was_reached
    assert next(clock) < 15  # of more than 100 questions for all cells


def test_without_time_there_are_only_real_patches():
    engine, targets = make_edge_engine()
    icons = engine.render(targets, limit=TimeLimit(0.0))
    assert set(icons.kinds) == {"examples"}
    assert np.array_equal(icons.images, engine.render(targets, "examples").images)


@pytest.mark.parametrize("direction", [0.0, float("nan")])
def test_a_cell_without_a_direction_keeps_its_real_patch_and_changes_no_other(direction):
    engine, targets = make_edge_engine()
    directions = targets.directions.clone()
    directions[1] = targets.center + direction
    odd = engine.render(dataclasses.replace(targets, directions=directions))
    assert odd.kinds.tolist() == ["inversion", "examples", "inversion", "inversion"]
    assert np.isnan(odd.cosine).tolist() == [False, True, False, False]
    assert np.array_equal(odd.images[1], engine.render(targets, "examples").images[1])
    others = [0, 2, 3]
    usual = engine.render(targets).images[others].astype(int)
    assert np.abs(odd.images[others] - usual).max() <= 1


def test_a_cell_at_the_border_starts_from_a_mirrored_patch():
    engine, targets = make_edge_engine()
    corners = torch.tensor([[0.0, 0], [0, 31], [31, 0], [31, 31]])[:, None]
    icons = engine.render(dataclasses.replace(targets, centers=corners))
    assert icons.cosine.min() > 0.9


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_models_of_other_dtypes_have_the_same_cosines(dtype):
    plain, targets = make_edge_engine()
    source = plain.activation.source
    engine = IconEngine.prepare(make_edge_net().to(dtype), "1", source, EDGE_FIELD)
    icons = engine.render(targets)
    assert icons.cosine.dtype == np.float32
    np.testing.assert_allclose(icons.cosine, plain.render(targets).cosine, atol=0.03)


def test_an_unknown_kind_raises():
    engine, targets = make_edge_engine()
    with pytest.raises(ArgumentError, match="kind='sketch': pass one of 'examples', 'preview'"):
        engine.render(targets, "sketch")


@pytest.mark.parametrize("bias", [-100.0, float("nan")])
def test_a_dead_or_broken_layer_still_has_icons(bias):
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    nn.init.constant_(net[0].bias, bias)
    source = make_source(make_blurred_noise(4))
    engine = IconEngine.prepare(net, "1", source, EDGE_FIELD)
    icons = engine.render(make_targets(torch.rand(3, 4), torch.zeros(4), source))
    assert icons.kind == "inversion"
    assert icons.images.std() > 1
    assert not (icons.cosine > 0).any()


def test_a_cell_that_equals_the_mean_of_the_layer_has_no_cosine():
    engine, targets = make_edge_engine()
    same = dataclasses.replace(targets, directions=targets.center.expand(4, 4).clone())
    assert np.isnan(engine.render(same).cosine).all()


def test_the_icons_of_a_vector_layer_are_whole_images():
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(6 * 80, 5), nn.Tanh()
    )
    source = make_source(make_blurred_noise(9, 1, 10)[:, :, :, :8])
    field = ReceptiveField((10, 8), (10.0, 8.0), (4.5, 3.5))
    engine = IconEngine.prepare(net, "4", source, field)
    icons = engine.render(make_targets(torch.eye(5), torch.zeros(5), source))
    assert icons.images.shape == (5, 10, 10, 3)
    assert icons.notes == ("icons: the layer has no map, so its icons are whole images",)
    assert (icons.images[..., 0] == icons.images[..., 2]).all()
    assert (
        icons.cosine.mean()
        > engine.render(
            make_targets(torch.eye(5), torch.zeros(5), source), "examples"
        ).cosine.mean()
    )


class TinyTransformer(nn.Module):
    """Patches of 4 px, a class token and fixed position embeddings: runs at 16 px only."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.position = nn.Parameter(torch.randn(1, 17, 16) * 0.1)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.5, batch_first=True)

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([torch.zeros(len(x), 1, 16), tokens], dim=1)
        return self.block(tokens + self.position).mean(1)


def test_the_icons_of_a_fixed_size_token_layer_are_optimized_at_full_size():
    source = make_source(make_blurred_noise(6, side=16))
    field = ReceptiveField((8, 8), (4.0, 4.0), (1.5, 1.5))
    engine = IconEngine.prepare(TinyTransformer(), "block", source, field)
    targets = make_targets(torch.randn(6, 16), torch.zeros(16), source)
    icons = engine.render(targets)
    assert engine.settings.shape == (16, 16)
    assert "does not run on 12 x 12 px (RuntimeError)" in icons.notes[0]
    assert (icons.cosine > engine.render(targets, "examples").cosine + 0.3).all()


class Raising(nn.Module):
    """Runs a number of passes, with noise from every random state, and then raises."""

    def __init__(self, passes: int):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.register_buffer("passes", torch.tensor(passes))

    def forward(self, x):
        self.passes -= 1
        if self.passes < 0:
            raise KeyError("enough")
        noise = torch.rand(1) + random.random() + np.random.rand()
        return self.body(x + 1e-6 * noise)


@pytest.mark.parametrize("passes", [0, 2, 7, 1000])
def test_model_and_random_states_do_not_change_even_after_an_error(passes):
    model = Raising(passes).train()
    seen: list[int] = []
    model.body[0].register_forward_hook(lambda *_: seen.append(1))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    state = copy.deepcopy(model.state_dict())
    randoms = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist())
    source = make_source(make_blurred_noise(4))
    targets = make_targets(torch.eye(2, 4), torch.zeros(4), source)
    failed = False
    try:
        engine = IconEngine.prepare(model, "body", source, EDGE_FIELD)
        engine.render(targets)
    except KeyError:
        failed = True
    assert failed == (passes < 1000)
    after = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist())
    assert after == randoms
    assert all(module.training for module in model.modules())
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert all((parameter.grad == 1).all() for parameter in model.parameters())
    assert len(model.body[0]._forward_hooks) == 1
    assert not seen


def test_rendering_inside_no_grad_and_inference_mode_works():
    engine, targets = make_edge_engine()
    expected = engine.render(targets).images
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            assert np.array_equal(engine.render(targets).images, expected)


def test_a_warm_start_takes_fewer_steps(monkeypatch):
    engine, targets = make_edge_engine()
    first = engine.render(targets)
    assert first.unfinished.is_known.all()
    seen: list[int] = []
    compute = IconNetwork.compute_views
    monkeypatch.setattr(
        IconNetwork, "compute_views", lambda *a: seen.append(a[1].requires_grad) or compute(*a)
    )
    again = engine.render(targets, warm_start=first.unfinished.select(np.array([0, 1, -1, 3])))
    assert sum(seen) == 9 + 16  # three cells with a warm start in one batch, one cell without
    assert again.cosine.min() > 0.9
    assert np.array_equal(again.images[2], first.images[2])
    assert not np.array_equal(again.images[3], first.images[3])


def test_unfinished_icons_of_another_size_or_of_no_cell_are_ignored():
    engine, targets = make_edge_engine()
    unfinished = engine.render(targets).unfinished
    expected = engine.render(targets).images
    larger = dataclasses.replace(unfinished, images=np.zeros((4, 3, 16, 16), np.uint8))
    empty = dataclasses.replace(
        unfinished, images=unfinished.images[:0], is_known=unfinished.is_known[:0]
    )
    for other in (larger, empty.select(np.array([-1, -1, -1, -1]))):
        assert np.array_equal(engine.render(targets, warm_start=other).images, expected)
