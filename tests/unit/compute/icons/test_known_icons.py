# SPDX-License-Identifier: Apache-2.0
"""Icons of every kind of network, each with an answer worked out by hand.

The network under study answers with how much a picture looks like each of four waves: dark above
and light below, the reverse, dark at the left, and its reverse. Whatever a network does around
that, the picture that a wave's channel answers to is the wave. The reverse of a wave is answered
with the negative of its channel, so that the best answer along one channel of a linear layer has
cosine 1 / sqrt(2) with it, and behind a rectifier 1.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import threading

import numpy as np
import pytest
import torch
from icon_inputs import make_blurred_noise, make_source, make_targets
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from tensorboard_plugin_atlas.compute.icons.engine import IconEngine, Icons
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.errors import LayerError

WAVE = 8
ALIKE = 0.75
LINEAR_COSINE = 1 / math.sqrt(2)


def waves(side: int = WAVE, color: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Tensor:
    """Four waves of one period and length 1, (4, C, side, side)."""
    wave = torch.sin(2 * math.pi * (torch.arange(side) + 0.5) / side)
    down = wave[:, None].expand(side, side)
    planes = torch.stack([down, -down, down.T, -down.T])
    kernels = planes[:, None] * torch.tensor(color)[:, None, None]
    return kernels / kernels.flatten(1).norm(dim=1)[:, None, None, None]


def wave_layer(side: int = WAVE, color: tuple[float, ...] = (1.0, 1.0, 1.0), bias: float = 0.0):
    """A convolution with the waves as kernels, side by side and without overlap."""
    layer = nn.Conv2d(len(color), 4, side, side)
    layer.weight.data = waves(side, color)
    nn.init.constant_(layer.bias, bias)
    return layer


def field_of(side: int) -> ReceptiveField:
    middle = (side - 1) / 2
    return ReceptiveField((side, side), (float(side), float(side)), (middle, middle))


def engine_of(model, layer, *, side=WAVE, channels=3, image=None, pictures=8, **options):
    source = make_source(make_blurred_noise(pictures, channels, image or 5 * side))
    return IconEngine.prepare(model, layer, source, field_of(side), **options)


def drawn(model, layer, **options) -> Icons:
    engine = engine_of(model, layer, **options)
    return engine.render(make_targets(torch.eye(4), torch.zeros(4), engine.objective.source))


def likeness(icons: Icons, patterns: Tensor) -> np.ndarray:
    """Pearson correlation of the middle of every icon with every pattern, (M, patterns)."""
    height, width = patterns.shape[2:]
    pictures = torch.from_numpy(icons.images).permute(0, 3, 1, 2).float()
    top, left = (pictures.shape[2] - height) // 2, (pictures.shape[3] - width) // 2
    middles = pictures[:, :, top : top + height, left : left + width]
    if patterns.shape[1] < 3:
        middles, patterns = middles.mean(1, keepdim=True), patterns.mean(1, keepdim=True)
    both = torch.cat([middles.flatten(1), patterns[:, :3].flatten(1)])
    return np.corrcoef(both.numpy())[: len(icons.images), len(icons.images) :]


def assert_waves(icons: Icons, patterns: Tensor | None = None, cells=(0, 1, 2, 3)) -> None:
    """Each icon shows its own wave, and neither of those across it."""
    found = likeness(icons, waves() if patterns is None else patterns)
    assert found[cells, cells].min() > ALIKE
    across = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]], bool)
    assert np.abs(found[list(cells)][across[list(cells)]]).max() < 0.3


# Strides and input sizes.


@pytest.mark.parametrize(
    ("side", "image"), [(4, 32), (8, 32), (8, 64), (16, 64), (16, 224), (32, 160), (32, 512)]
)
def test_a_linear_layer_sees_its_own_kernel_at_every_stride_and_input_size(side, image):
    icons = drawn(nn.Sequential(wave_layer(side)), "0", side=side, image=image)
    assert icons.notes == ()
    assert_waves(icons, waves(side))
    assert icons.cosine == pytest.approx(np.full(4, LINEAR_COSINE), abs=0.01)


# Rectifiers and normalizations.


@pytest.mark.parametrize(
    "rectifier",
    [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.GELU(), nn.SiLU(), nn.LeakyReLU(0.1)],
    ids=str,
)
def test_a_monotone_rectifier_changes_nothing_about_the_picture(rectifier):
    layer = wave_layer()
    layer.weight.data /= 4  # so that ReLU6 has room
    icons = drawn(nn.Sequential(layer, rectifier), "1")
    assert icons.notes == ()
    assert_waves(icons)
    assert icons.cosine.min() > 0.95


def batch_norm(channels: int, weight: list[float]) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels)
    norm.weight.data = torch.tensor(weight)
    norm.running_mean.copy_(torch.linspace(-0.5, 0.5, channels))
    norm.running_var.copy_(torch.linspace(0.5, 2, channels))
    return norm


def test_a_folded_batch_norm_that_turns_a_channel_round_turns_its_picture_round():
    turned = torch.tensor([1.0, 1.0, -1.0, -1.0])
    norm = batch_norm(4, turned.tolist())
    engine = engine_of(nn.Sequential(wave_layer(), norm), "1")
    assert engine.objective.network.folded == 1
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.objective.source)
    assert_waves(engine.render(targets), waves() * turned[:, None, None, None])


def test_a_batch_norm_in_front_turns_the_colors_that_it_turns():
    norm = batch_norm(3, [1.0, -1.0, 1.0])
    engine = engine_of(nn.Sequential(norm, wave_layer()), "1")
    assert engine.objective.network.folded == 0
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.objective.source)
    gain = norm.weight / norm.running_var.sqrt()
    assert_waves(engine.render(targets), (waves() * gain[:, None, None]).detach())


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of a map, as in ConvNeXt."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(4)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    "norm", [nn.GroupNorm(1, 4), nn.GroupNorm(2, 4), ChannelNorm(), nn.InstanceNorm2d(4)], ids=str
)
def test_a_normalisation_by_the_picture_itself_leaves_the_pattern(norm):
    icons = drawn(nn.Sequential(wave_layer(), norm), "1")
    assert icons.notes == ()
    assert_waves(icons)


# Tokens, vectors, channels.


class Tokens(nn.Module):
    """A class token and one token for each wave-sized patch, with fixed position embeddings."""

    def __init__(self, patches: int):
        super().__init__()
        self.patch = wave_layer()
        self.place = nn.Parameter(torch.linspace(-1, 1, patches + 1)[None, :, None] * torch.ones(4))
        self.block = nn.Identity()

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([torch.zeros(len(x), 1, 4), tokens], dim=1)
        return self.block(tokens + self.place)[:, 0]


def test_tokens_with_fixed_places_are_drawn_as_whole_pictures_with_the_wave_in_the_middle():
    icons = drawn(Tokens(25), "block", image=40)
    assert icons.images.shape == (4, 40, 40, 3)
    assert len(icons.notes) == 1
    assert (
        "does not run on 24 x 24 px (RuntimeError), so icons are optimized at full"
        in (icons.notes[0])
    )
    assert_waves(icons)


@pytest.mark.parametrize("side", [24, 128])
def test_a_vector_is_drawn_as_the_whole_picture_that_it_weighs(side):
    layer = nn.Linear(3 * side * side, 4, bias=False)
    layer.weight.data = waves(side).flatten(1)
    icons = drawn(nn.Sequential(nn.Flatten(), layer), "1", side=side, image=side)
    assert icons.notes == ("icons: the layer has no map, so its icons are whole pictures",)
    assert_waves(icons, waves(side))
    assert icons.cosine == pytest.approx(np.full(4, LINEAR_COSINE), abs=0.01)


def test_a_vector_of_a_pooled_map_is_a_picture_full_of_waves():
    network = nn.Sequential(wave_layer(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    icons = drawn(network, "3", image=32)
    assert icons.cosine.min() > 0.9
    found = likeness(icons, waves().repeat(1, 1, 4, 4))
    own = np.diag(found).copy()
    np.fill_diagonal(found, -1)
    assert own.min() > 0.4
    assert (own > found.max(axis=1) + 0.3).all()


def test_a_pooled_layer_of_a_large_picture_begins_small_where_the_network_takes_it():
    pooled = nn.Sequential(wave_layer(), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    engine = engine_of(pooled, "2", image=160)
    assert [stage.shape[0] for stage in engine.settings.stages] == [80, 112, 160]
    assert engine.whole
    picky = nn.Sequential(Picky(WAVE, least=150), *pooled[1:])
    assert [s.shape[0] for s in engine_of(picky, "2", image=160).settings.stages] == [160]
    fixed = engine_of(pooled, "2", image=160, steps=7)
    assert fixed.settings.steps == 7
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.objective.source)
    icons = engine.render(targets)
    assert icons.steps == 18
    assert icons.cosine.min() > 0.8


@pytest.mark.parametrize(
    "color",
    [(1.0,), (1.0, 1.0), (1.0, -1.0, 0.0), (1.0, 1.0, -2.0), (1.0, -1.0, 0.5, 2.0, 1.0)],
    ids=["gray", "two channels", "red-green", "blue-yellow", "five channels"],
)
def test_colors_of_the_kernel_are_those_of_the_picture(color):
    icons = drawn(nn.Sequential(wave_layer(WAVE, color)), "0", channels=len(color))
    assert icons.notes == ()
    assert_waves(icons, waves(WAVE, color))


# Control flow.


class Flow(nn.Module):
    """A wave layer with something unusual around it."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind
        self.waves = wave_layer()
        self.back = nn.Conv2d(4, 4, 1, bias=False)
        self.back.weight.data = -torch.eye(4)[:, :, None, None]
        self.mark = nn.Identity()

    def forward(self, x):
        return getattr(self, f"_{self.kind}")(x)

    def _branch(self, x):
        first = self.waves(x)
        return self.mark(first) if float(x.detach().sum()) > 0 else self.mark(first * 1)

    def _leave(self, x):
        found = self.waves(x)
        return found if float(found.detach().abs().mean()) < 1e-3 else self.mark(found)

    def _twice(self, x):
        return self.mark(self.back(self.back(self.waves(x))))

    def _loop(self, x):
        found = self.waves(x)
        for _ in range(found.shape[-1]):  # more often on larger pictures
            found = self.mark(found)
        return found

    def _catch(self, x):
        found = self.waves(x)
        try:
            return self.mark(found)
        except Exception:
            return found * 0

    def _checkpoint(self, x):
        return self.mark(checkpoint(self.waves, x, use_reentrant=False))

    def _overwrite(self, x):
        x.mul_(-1).add_(0.1)
        return self.mark(self.waves(x.neg_()))

    def _even(self, x):
        return self.mark(self.waves(x.view(2, -1, *x.shape[1:]).flatten(0, 1)))

    def _fixed(self, x):
        return self.mark(self.waves(x.view(2, *x.shape[1:])))

    def _dropout(self, x):
        return self.mark(functional.dropout(self.waves(x), 0.3, training=True))

    def _depth(self, x):
        return self.mark(self.waves(x) * (torch.rand(len(x), 1, 1, 1) < 0.7))

    def _shy(self, x):
        found = self.waves(x)
        return found if x.requires_grad else self.mark(found)

    def _cut(self, x):
        with torch.no_grad():
            found = self.waves(x)
        return self.mark(found)


@pytest.mark.parametrize("kind", ["branch", "leave", "twice", "catch", "checkpoint", "overwrite"])
def test_control_flow_does_not_matter(kind):
    icons = drawn(Flow(kind), "mark")
    assert icons.notes == ()
    assert_waves(icons)


def test_the_last_of_two_calls_is_drawn():
    icons = drawn(Flow("twice"), "back")
    assert_waves(icons)


def test_a_layer_that_runs_more_often_on_larger_pictures_is_drawn_on_whole_ones():
    icons = drawn(Flow("loop"), "mark")
    assert icons.images.shape == (4, 40, 40, 3)
    assert "does not run on 24 x 24 px (LayerError)" in icons.notes[0]
    assert_waves(icons)


@pytest.mark.parametrize("kind", ["even", "fixed"])
def test_a_network_for_two_images_sees_two_at_a_time_and_says_so(kind):
    engine = engine_of(Flow(kind), "mark")
    targets = make_targets(torch.eye(4)[:3], torch.zeros(4), engine.objective.source)
    icons = engine.render(targets)
    assert icons.notes == (
        "icons: the network does not take one image or three, so it saw two at a time",
    )
    assert likeness(icons, waves())[range(3), range(3)].min() > ALIKE


@pytest.mark.parametrize("kind", ["dropout", "depth"])
def test_a_network_that_draws_random_numbers_says_so_and_draws_the_same_again(kind):
    icons = drawn(Flow(kind), "mark")
    assert "draws random numbers in eval mode" in icons.notes[0]
    assert_waves(icons)
    torch.rand(3)
    assert np.array_equal(icons.images, drawn(Flow(kind), "mark").images)


def test_batch_statistics_are_named_as_what_makes_icons_depend_on_each_other():
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    icons = drawn(nn.Sequential(wave_layer(), norm), "1")
    assert "the pictures of a batch change each other's answers" in icons.notes[0]
    assert_waves(icons)


def test_a_model_that_cannot_be_copied_runs_itself_says_so_and_stays_as_it_was():
    model = nn.Sequential(wave_layer(), nn.BatchNorm2d(4)).train()
    model.lock = threading.Lock()
    state = copy.deepcopy(model.state_dict())
    icons = drawn(model, "1")
    assert icons.notes == ("icons: the model cannot be copied (TypeError), so it ran itself",)
    assert_waves(icons)
    assert model.training
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


# Types.


class Casting(nn.Module):
    """Insists on its own type, so that a copy in single precision would not run."""

    def __init__(self, dtype):
        super().__init__()
        self.waves, self.dtype = wave_layer().to(dtype), dtype

    def forward(self, x):
        return self.waves(x.to(self.dtype))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("casting", [False, True])
def test_models_of_other_types_are_drawn(dtype, casting):
    model = Casting(dtype) if casting else nn.Sequential(wave_layer()).to(dtype)
    icons = drawn(model, "waves" if casting else "0")
    assert icons.notes == ()
    assert_waves(icons)
    assert all(p.dtype == dtype for p in model.parameters())


# Sizes that are refused.


class Picky(nn.Module):
    def __init__(self, side: int, *, multiple: int = 1, least: int = 1):
        super().__init__()
        self.waves, self.multiple, self.least = wave_layer(side), multiple, least

    def forward(self, x):
        if x.shape[-1] % self.multiple or x.shape[-1] < self.least:
            raise ValueError(f"{x.shape[-1]} px")
        return self.waves(x)


def test_a_network_that_refuses_tiles_sees_full_size_pictures_and_says_so():
    icons = drawn(Picky(WAVE, multiple=40), "waves")
    assert icons.images.shape == (4, 40, 40, 3)
    assert "the network does not run on 24 x 24 px (ValueError)" in icons.notes[0]
    assert_waves(icons)


def test_a_network_that_refuses_the_first_sizes_only_sees_the_last_and_says_so():
    icons = drawn(Picky(32, least=96), "waves", side=32)
    assert icons.images.shape == (4, 96, 96, 3)
    assert icons.notes == (
        "icons: the network does not run on 64 x 64 px, so they have 96 x 96 px from the first "
        "step on",
    )
    assert not engine_of(Picky(32, least=96), "waves", side=32).whole
    assert_waves(icons, waves(32))


def test_a_network_that_runs_nowhere_raises_its_own_error():
    with pytest.raises(ValueError, match="40 px"):
        drawn(Picky(WAVE, least=64), "waves")


# Odd targets.


def test_a_broken_target_spoils_no_other():
    engine = engine_of(nn.Sequential(wave_layer()), "0")
    directions = torch.eye(4)
    directions[0], directions[1] = torch.nan, 0
    icons = engine.render(make_targets(directions, torch.zeros(4), engine.objective.source))
    assert np.isnan(icons.cosine).tolist() == [True, True, False, False]
    assert icons.kinds.tolist() == ["examples", "examples", "inversion", "inversion"]
    assert icons.notes == (
        "icons: 2 of 4 cells keep the nearest real patch, for their mean is the layer's own, or no "
        "number",
    )
    assert_waves(icons, cells=(2, 3))


def test_a_single_member_at_the_border_is_enough():
    engine = engine_of(nn.Sequential(wave_layer()), "0", pictures=1)
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.objective.source)
    corners = torch.tensor([[0.0, 0.0], [39.0, 39.0], [-3.0, 20.0], [20.0, 45.0]])
    icons = engine.render(dataclasses.replace(targets, centers=corners[:, None]))
    assert icons.notes == ()
    assert_waves(icons)


def test_a_cell_without_members_is_drawn_from_gray():
    engine = engine_of(nn.Sequential(wave_layer()), "0")
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.objective.source)
    assert_waves(engine.render(dataclasses.replace(targets, rows=torch.full((4, 1), -1))))


# Dead units.


def test_a_dead_unit_is_shaken_awake():
    # A picture of a wave is answered with 12, and nothing in the starts with more than 4.
    engine = engine_of(nn.Sequential(wave_layer(bias=-4.0), nn.ReLU()), "1")
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.objective.source)
    starts = targets.mean_patches(engine.objective.source, (24, 24)) * 0.35 + 0.65 * 0.5
    assert not engine.objective.compute_center(starts).any()
    icons = engine.render(targets)
    assert icons.notes == ()
    assert icons.cosine.min() > 0.95
    assert_waves(icons)


@pytest.mark.parametrize("bias", [-100.0, float("nan")])
def test_units_that_nothing_wakes_are_shown_as_real_patches_and_told_of(bias):
    network = nn.Sequential(wave_layer(), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.ReLU())
    nn.init.constant_(network[2].bias, bias)
    engine = engine_of(network, "3")
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.objective.source)
    counts: list[int] = []
    icons = engine.render(targets, progress=counts.append)
    assert icons.kinds.tolist() == ["examples"] * 4
    assert icons.notes == (
        "icons: 4 of 4 cells keep the nearest real patch, for no gradient of the layer reaches a "
        "picture (dead units, or no finite values)",
    )
    assert np.array_equal(icons.images, engine.render(targets, "examples").images)
    assert not (icons.cosine > 0).any()
    assert sum(counts) == 4


def test_a_forward_pass_without_autograd_is_told_of():
    icons = drawn(Flow("cut"), "mark")
    assert icons.kinds.tolist() == ["examples"] * 4
    assert len(icons.notes) == 1
    assert "autograd cannot follow the network to the layer" in icons.notes[0]


# Two ways to a gradient.


@pytest.mark.parametrize("rectifier", [nn.ReLU(), nn.SiLU()], ids=str)
def test_a_program_draws_what_autograd_draws(rectifier):
    network = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), rectifier, nn.Conv2d(6, 4, 3, 2, 1))
    engine = engine_of(network, "2", side=2, image=40)
    assert engine.objective.program is not None
    slow = dataclasses.replace(
        engine, objective=dataclasses.replace(engine.objective, program=None)
    )
    targets = make_targets(torch.randn(6, 4), torch.zeros(4), engine.objective.source)
    fast_icons, slow_icons = engine.render(targets), slow.render(targets)
    difference = np.abs(fast_icons.images.astype(int) - slow_icons.images)
    assert difference.mean() < 0.5
    assert difference.max() <= 4
    assert np.allclose(fast_icons.cosine, slow_icons.cosine, atol=1e-3)


def test_a_layer_that_does_not_run_for_every_picture_is_named():
    with pytest.raises(LayerError, match="'mark' did not run in the forward pass; pick one that"):
        drawn(Flow("shy"), "mark")
