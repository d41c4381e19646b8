# SPDX-License-Identifier: Apache-2.0
"""Icons of many kinds of networks whose best images are known.

The layer correlates the image with four waves: dark at the top and light at the bottom, the
reverse, dark at the left, and its reverse. Whatever else the network does, the best image of a
channel is its wave. A wave also gives the negative activation in the channel of its reverse, so the
largest cosine with one channel is 1 / sqrt(2) for a linear layer, and 1 after a ReLU.
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

from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine, Icons
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.errors import LayerError

WAVE = 8
MIN_CORRELATION = 0.75
LINEAR_COSINE = 1 / math.sqrt(2)


def make_waves(side: int = WAVE, color: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Tensor:
    """Four waves of one period and length 1, (4, C, side, side)."""
    wave = torch.sin(2 * math.pi * (torch.arange(side) + 0.5) / side)
    down = wave[:, None].expand(side, side)
    planes = torch.stack([down, -down, down.T, -down.T])
    kernels = planes[:, None] * torch.tensor(color)[:, None, None]
    return kernels / kernels.flatten(1).norm(dim=1)[:, None, None, None]


def make_wave_layer(
    side: int = WAVE, color: tuple[float, ...] = (1.0, 1.0, 1.0), bias: float = 0.0
):
    """A convolution with the waves as kernels, whose patches do not overlap."""
    layer = nn.Conv2d(len(color), 4, side, side)
    layer.weight.data = make_waves(side, color)
    nn.init.constant_(layer.bias, bias)
    return layer


def make_field(side: int) -> ReceptiveField:
    middle = (side - 1) / 2
    return ReceptiveField((side, side), (float(side), float(side)), (middle, middle))


def make_engine(model, layer, *, side=WAVE, channels=3, image=None, images=8, **options):
    source = make_source(make_blurred_noise(images, channels, image or 5 * side))
    return IconEngine.prepare(model, layer, source, make_field(side), **options)


def render(model, layer, **options) -> Icons:
    engine = make_engine(model, layer, **options)
    return engine.render(make_targets(torch.eye(4), torch.zeros(4), engine.activation.source))


def correlate(icons: Icons, patterns: Tensor) -> np.ndarray:
    """Pearson correlation of the center of every icon with every pattern, (M, patterns)."""
    height, width = patterns.shape[2:]
    images = torch.from_numpy(icons.images).permute(0, 3, 1, 2).float()
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    centers = images[:, :, top : top + height, left : left + width]
    if patterns.shape[1] < 3:
        centers, patterns = centers.mean(1, keepdim=True), patterns.mean(1, keepdim=True)
    both = torch.cat([centers.flatten(1), patterns[:, :3].flatten(1)])
    return np.corrcoef(both.numpy())[: len(icons.images), len(icons.images) :]


def assert_waves(icons: Icons, patterns: Tensor | None = None, cells=(0, 1, 2, 3)) -> None:
    """Each icon shows its own wave, and none of the other orientation."""
    found = correlate(icons, make_waves() if patterns is None else patterns)
    assert found[cells, cells].min() > MIN_CORRELATION
    across = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]], bool)
    assert np.abs(found[list(cells)][across[list(cells)]]).max() < 0.3


# Strides and input sizes.


@pytest.mark.parametrize(
    ("side", "image"), [(4, 32), (8, 32), (8, 64), (16, 64), (16, 224), (32, 160), (32, 512)]
)
def test_the_icon_of_a_linear_layer_is_its_kernel_at_every_stride_and_input_size(side, image):
    icons = render(nn.Sequential(make_wave_layer(side)), "0", side=side, image=image)
    assert icons.notes == ()
    assert_waves(icons, make_waves(side))
    assert icons.cosine == pytest.approx(np.full(4, LINEAR_COSINE), abs=0.01)


# ReLUs and normalization.


@pytest.mark.parametrize(
    "activation",
    [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.GELU(), nn.SiLU(), nn.LeakyReLU(0.1)],
    ids=str,
)
def test_a_monotone_activation_function_does_not_change_the_icon(activation):
    layer = make_wave_layer()
    layer.weight.data /= 4  # so that ReLU6 does not saturate
    icons = render(nn.Sequential(layer, activation), "1")
    assert icons.notes == ()
    assert_waves(icons)
    assert icons.cosine.min() > 0.95


def make_batch_norm(channels: int, weight: list[float]) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels)
    norm.weight.data = torch.tensor(weight)
    norm.running_mean.copy_(torch.linspace(-0.5, 0.5, channels))
    norm.running_var.copy_(torch.linspace(0.5, 2, channels))
    return norm


def test_a_folded_batch_norm_that_negates_a_channel_inverts_its_icon():
    signs = torch.tensor([1.0, 1.0, -1.0, -1.0])
    norm = make_batch_norm(4, signs.tolist())
    engine = make_engine(nn.Sequential(make_wave_layer(), norm), "1")
    assert engine.activation.network.folded == 1
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.activation.source)
    assert_waves(engine.render(targets), make_waves() * signs[:, None, None, None])


def test_a_batch_norm_before_the_layer_inverts_the_colors_that_it_negates():
    norm = make_batch_norm(3, [1.0, -1.0, 1.0])
    engine = make_engine(nn.Sequential(norm, make_wave_layer()), "1")
    assert engine.activation.network.folded == 0
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.activation.source)
    gain = norm.weight / norm.running_var.sqrt()
    assert_waves(engine.render(targets), (make_waves() * gain[:, None, None]).detach())


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
def test_a_normalization_by_the_image_keeps_the_pattern(norm):
    icons = render(nn.Sequential(make_wave_layer(), norm), "1")
    assert icons.notes == ()
    assert_waves(icons)


# Tokens, vectors, channels.


class Tokens(nn.Module):
    """A class token and one token for each wave-sized patch, with fixed position embeddings."""

    def __init__(self, patches: int):
        super().__init__()
        self.patch = make_wave_layer()
        self.position = nn.Parameter(
            torch.linspace(-1, 1, patches + 1)[None, :, None] * torch.ones(4)
        )
        self.block = nn.Identity()

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([torch.zeros(len(x), 1, 4), tokens], dim=1)
        return self.block(tokens + self.position)[:, 0]


def test_the_icons_of_tokens_with_fixed_positions_are_whole_images_with_a_centered_wave():
    icons = render(Tokens(25), "block", image=40)
    assert icons.images.shape == (4, 40, 40, 3)
    assert len(icons.notes) == 1
    assert (
        "does not run on 24 x 24 px (RuntimeError), so icons are optimized at full"
        in (icons.notes[0])
    )
    assert_waves(icons)


@pytest.mark.parametrize("side", [24, 128])
def test_the_icon_of_a_vector_is_the_whole_image_of_its_weights(side):
    layer = nn.Linear(3 * side * side, 4, bias=False)
    layer.weight.data = make_waves(side).flatten(1)
    icons = render(nn.Sequential(nn.Flatten(), layer), "1", side=side, image=side)
    assert icons.notes == ("icons: the layer has no map, so its icons are whole images",)
    assert_waves(icons, make_waves(side))
    assert icons.cosine == pytest.approx(np.full(4, LINEAR_COSINE), abs=0.01)


def test_the_icon_of_a_pooled_map_is_full_of_waves():
    network = nn.Sequential(make_wave_layer(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    icons = render(network, "3", image=32)
    assert icons.cosine.min() > 0.9
    found = correlate(icons, make_waves().repeat(1, 1, 4, 4))
    own = np.diag(found).copy()
    np.fill_diagonal(found, -1)
    assert own.min() > 0.4
    assert (own > found.max(axis=1) + 0.3).all()


def test_full_size_icons_start_small_where_the_network_accepts_it():
    pooled = nn.Sequential(make_wave_layer(), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    engine = make_engine(pooled, "2", image=160)
    assert [stage.shape[0] for stage in engine.settings.stages] == [80, 112, 160]
    assert engine.is_full_size
    picky = nn.Sequential(Picky(WAVE, least=150), *pooled[1:])
    assert [s.shape[0] for s in make_engine(picky, "2", image=160).settings.stages] == [160]
    fixed = make_engine(pooled, "2", image=160, steps=7)
    assert fixed.settings.steps == 7
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.activation.source)
    icons = engine.render(targets)
    assert icons.steps == 18
    assert icons.cosine.min() > 0.8


@pytest.mark.parametrize(
    "color",
    [(1.0,), (1.0, 1.0), (1.0, -1.0, 0.0), (1.0, 1.0, -2.0), (1.0, -1.0, 0.5, 2.0, 1.0)],
    ids=["gray", "two channels", "red-green", "blue-yellow", "five channels"],
)
def test_the_icon_has_the_colors_of_the_kernel(color):
    icons = render(nn.Sequential(make_wave_layer(WAVE, color)), "0", channels=len(color))
    assert icons.notes == ()
    assert_waves(icons, make_waves(WAVE, color))


# Control flow.


class Flow(nn.Module):
    """A wave layer with something unusual around it."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind
        self.waves = make_wave_layer()
        self.back = nn.Conv2d(4, 4, 1, bias=False)
        self.back.weight.data = -torch.eye(4)[:, :, None, None]
        self.mark = nn.Identity()

    def forward(self, x):
        return getattr(self, f"_forward_{self.kind}")(x)

    def _forward_branch(self, x):
        first = self.waves(x)
        return self.mark(first) if float(x.detach().sum()) > 0 else self.mark(first * 1)

    def _forward_leave(self, x):
        found = self.waves(x)
        return found if float(found.detach().abs().mean()) < 1e-3 else self.mark(found)

    def _forward_twice(self, x):
        return self.mark(self.back(self.back(self.waves(x))))

    def _forward_loop(self, x):
        found = self.waves(x)
        for _ in range(found.shape[-1]):  # more iterations for larger images
            found = self.mark(found)
        return found

    def _forward_catch(self, x):
        found = self.waves(x)
        try:
            return self.mark(found)
        except Exception:
            return found * 0

    def _forward_checkpoint(self, x):
        return self.mark(checkpoint(self.waves, x, use_reentrant=False))

    def _forward_overwrite(self, x):
        x.mul_(-1).add_(0.1)
        return self.mark(self.waves(x.neg_()))

    def _forward_even(self, x):
        return self.mark(self.waves(x.view(2, -1, *x.shape[1:]).flatten(0, 1)))

    def _forward_fixed_batch(self, x):
        return self.mark(self.waves(x.view(2, *x.shape[1:])))

    def _forward_dropout(self, x):
        return self.mark(functional.dropout(self.waves(x), 0.3, training=True))

    def _forward_depth(self, x):
        return self.mark(self.waves(x) * (torch.rand(len(x), 1, 1, 1) < 0.7))

    def _forward_shy(self, x):
        found = self.waves(x)
        return found if x.requires_grad else self.mark(found)

    def _forward_cut(self, x):
        with torch.no_grad():
            found = self.waves(x)
        return self.mark(found)


@pytest.mark.parametrize("kind", ["branch", "leave", "twice", "catch", "checkpoint", "overwrite"])
def test_control_flow_does_not_matter(kind):
    icons = render(Flow(kind), "mark")
    assert icons.notes == ()
    assert_waves(icons)


def test_the_last_of_two_calls_is_used():
    icons = render(Flow("twice"), "back")
    assert_waves(icons)


def test_a_layer_that_runs_more_often_on_larger_images_is_optimized_at_full_size():
    icons = render(Flow("loop"), "mark")
    assert icons.images.shape == (4, 40, 40, 3)
    assert "does not run on 24 x 24 px (LayerError)" in icons.notes[0]
    assert_waves(icons)


@pytest.mark.parametrize("kind", ["even", "fixed_batch"])
def test_a_network_for_two_images_gets_two_at_a_time_with_a_note(kind):
    engine = make_engine(Flow(kind), "mark")
    targets = make_targets(torch.eye(4)[:3], torch.zeros(4), engine.activation.source)
    icons = engine.render(targets)
    assert icons.notes == (
        "icons: the network does not take one image or three, so it gets two at a time",
    )
    assert correlate(icons, make_waves())[range(3), range(3)].min() > MIN_CORRELATION


@pytest.mark.parametrize("kind", ["dropout", "depth"])
def test_a_network_that_draws_random_numbers_gets_a_note_and_the_same_icons_again(kind):
    icons = render(Flow(kind), "mark")
    assert "draws random numbers in eval mode" in icons.notes[0]
    assert_waves(icons)
    torch.rand(3)
    assert np.array_equal(icons.images, render(Flow(kind), "mark").images)


def test_a_note_names_batch_statistics_that_make_icons_depend_on_each_other():
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    icons = render(nn.Sequential(make_wave_layer(), norm), "1")
    assert "the images of a batch change each other's activations" in icons.notes[0]
    assert_waves(icons)


def test_a_model_that_cannot_be_copied_runs_itself_with_a_note_and_does_not_change():
    model = nn.Sequential(make_wave_layer(), nn.BatchNorm2d(4)).train()
    model.lock = threading.Lock()
    state = copy.deepcopy(model.state_dict())
    icons = render(model, "1")
    assert icons.notes == (
        "icons: the model cannot be copied (TypeError), so icons use the model itself",
    )
    assert_waves(icons)
    assert model.training
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


# Dtypes.


class Casting(nn.Module):
    """Casts to its own dtype, so that a float32 copy does not run."""

    def __init__(self, dtype):
        super().__init__()
        self.waves, self.dtype = make_wave_layer().to(dtype), dtype

    def forward(self, x):
        return self.waves(x.to(self.dtype))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("casting", [False, True])
def test_models_of_other_dtypes_have_icons(dtype, casting):
    model = Casting(dtype) if casting else nn.Sequential(make_wave_layer()).to(dtype)
    icons = render(model, "waves" if casting else "0")
    assert icons.notes == ()
    assert_waves(icons)
    assert all(p.dtype == dtype for p in model.parameters())


# Sizes that are not accepted.


class Picky(nn.Module):
    def __init__(self, side: int, *, multiple: int = 1, least: int = 1):
        super().__init__()
        self.waves, self.multiple, self.least = make_wave_layer(side), multiple, least

    def forward(self, x):
        if x.shape[-1] % self.multiple or x.shape[-1] < self.least:
            raise ValueError(f"{x.shape[-1]} px")
        return self.waves(x)


def test_a_network_that_refuses_tiles_gets_full_size_images_with_a_note():
    icons = render(Picky(WAVE, multiple=40), "waves")
    assert icons.images.shape == (4, 40, 40, 3)
    assert "the network does not run on 24 x 24 px (ValueError)" in icons.notes[0]
    assert_waves(icons)


def test_a_network_that_refuses_the_first_sizes_gets_the_last_with_a_note():
    icons = render(Picky(32, least=96), "waves", side=32)
    assert icons.images.shape == (4, 96, 96, 3)
    assert icons.notes == (
        "icons: the network does not run on 64 x 64 px, so they have 96 x 96 px from the start",
    )
    assert not make_engine(Picky(32, least=96), "waves", side=32).is_full_size
    assert_waves(icons, make_waves(32))


def test_a_network_that_accepts_no_size_raises_its_own_error():
    with pytest.raises(ValueError, match="40 px"):
        render(Picky(WAVE, least=64), "waves")


# Odd targets.


def test_an_invalid_target_changes_no_other():
    engine = make_engine(nn.Sequential(make_wave_layer()), "0")
    directions = torch.eye(4)
    directions[0], directions[1] = torch.nan, 0
    icons = engine.render(make_targets(directions, torch.zeros(4), engine.activation.source))
    assert np.isnan(icons.cosine).tolist() == [True, True, False, False]
    assert icons.kinds.tolist() == ["examples", "examples", "inversion", "inversion"]
    assert icons.notes == (
        "icons: 2 of 4 cells keep the nearest real patch: their mean equals the layer's mean, or "
        "is not finite",
    )
    assert_waves(icons, cells=(2, 3))


def test_one_member_at_the_border_is_enough():
    engine = make_engine(nn.Sequential(make_wave_layer()), "0", images=1)
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.activation.source)
    corners = torch.tensor([[0.0, 0.0], [39.0, 39.0], [-3.0, 20.0], [20.0, 45.0]])
    icons = engine.render(dataclasses.replace(targets, centers=corners[:, None]))
    assert icons.notes == ()
    assert_waves(icons)


def test_a_cell_without_members_starts_from_gray():
    engine = make_engine(nn.Sequential(make_wave_layer()), "0")
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.activation.source)
    assert_waves(engine.render(dataclasses.replace(targets, rows=torch.full((4, 1), -1))))


# Dead units.


def test_a_dead_unit_becomes_active():
    # The activation of a wave is 12, and that of the starts at most 4.
    engine = make_engine(nn.Sequential(make_wave_layer(bias=-4.0), nn.ReLU()), "1")
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.activation.source)
    starts = targets.average_patches(engine.activation.source, (24, 24)) * 0.35 + 0.65 * 0.5
    assert not engine.activation.compute_center(starts).any()
    icons = engine.render(targets)
    assert icons.notes == ()
    assert icons.cosine.min() > 0.95
    assert_waves(icons)


@pytest.mark.parametrize("bias", [-100.0, float("nan")])
def test_units_that_are_always_dead_keep_real_patches_with_a_note(bias):
    network = nn.Sequential(make_wave_layer(), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.ReLU())
    nn.init.constant_(network[2].bias, bias)
    engine = make_engine(network, "3")
    targets = make_targets(torch.eye(4), torch.zeros(4), engine.activation.source)
    counts: list[int] = []
    icons = engine.render(targets, progress=counts.append)
    assert icons.kinds.tolist() == ["examples"] * 4
    assert icons.notes == (
        "icons: 4 of 4 cells keep the nearest real patch: the layer has no gradient for their "
        "images (dead units, or values not finite)",
    )
    assert np.array_equal(icons.images, engine.render(targets, "examples").images)
    assert not (icons.cosine > 0).any()
    assert sum(counts) == 4


def test_a_forward_pass_without_autograd_gets_a_note():
    icons = render(Flow("cut"), "mark")
    assert icons.kinds.tolist() == ["examples"] * 4
    assert len(icons.notes) == 1
    assert "autograd cannot follow the network to the layer" in icons.notes[0]


# The fast path and autograd.


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.SiLU()], ids=str)
def test_a_program_renders_the_same_icons_as_autograd(activation):
    network = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), activation, nn.Conv2d(6, 4, 3, 2, 1))
    engine = make_engine(network, "2", side=2, image=40)
    assert engine.activation.program is not None
    slow = dataclasses.replace(
        engine, activation=dataclasses.replace(engine.activation, program=None)
    )
    targets = make_targets(torch.randn(6, 4), torch.zeros(4), engine.activation.source)
    fast_icons, slow_icons = engine.render(targets), slow.render(targets)
    difference = np.abs(fast_icons.images.astype(int) - slow_icons.images)
    assert difference.mean() < 0.5
    assert difference.max() <= 4
    assert np.allclose(fast_icons.cosine, slow_icons.cosine, atol=1e-3)


def test_a_layer_that_does_not_run_for_every_image_raises():
    with pytest.raises(LayerError, match="'mark' did not run in the forward pass; pick one that"):
        render(Flow("shy"), "mark")
