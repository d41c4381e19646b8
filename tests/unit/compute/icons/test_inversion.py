# SPDX-License-Identifier: Apache-2.0
"""The optimizer against answers whose best pictures are known."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from tensorboard_plugin_atlas.compute.icons.fourier_image import (
    to_coefficients,
    to_latent,
    to_latent_of_coefficients,
    to_pixels,
)
from tensorboard_plugin_atlas.compute.icons.inversion import (
    FIDELITIES,
    InversionSettings,
    Inverter,
    Stage,
    ViewTargets,
    _ascent,
    _energy,
    choose_settings,
    choose_tile_side,
)

FLAT = {(n, n): torch.ones(1, n, n // 2 + 1) for n in (8, 12, 16)}


def start(count: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((count, 1, side, side), 0.5), torch.randn(count, 1, side, side)


def invert(answer, settings, wanted, begin, noise, seed=0):
    """Inverts answers of one view, (B, F), that are the same at every size."""
    inverter = Inverter(lambda pixels, _: answer(pixels)[:, None], FLAT, settings, seed)
    wish = ViewTargets.along(wanted[:, None])
    return inverter.invert({stage.shape: wish for stage in settings.stages}, begin, noise)


def pooled(pixels: torch.Tensor) -> torch.Tensor:
    """Answers with the brightness of the four quarters, relative to middle gray."""
    return functional.adaptive_avg_pool2d(pixels, 2).flatten(1) - 0.5


def test_ascent_is_the_gradient_of_dot_times_cosine_to_the_power():
    units = functional.normalize(torch.tensor([[1.0, 2.0, 0.5]]), dim=1)
    answers = torch.tensor([[2.0, 1.0, 1.0]], requires_grad=True)
    cosine = functional.cosine_similarity(answers, units)
    ((answers * units).sum(1) * cosine**4).sum().backward()
    ascent = _ascent(answers.detach(), units, 4, 0.1)
    assert torch.allclose(answers.grad / cosine.detach() ** 4, ascent, atol=1e-5)


def test_below_the_floor_the_ascent_is_the_target_itself():
    units = torch.tensor([[1.0, 0.0]])
    assert _ascent(torch.tensor([[-1.0, 0.2]]), units, 4, 0.1).tolist() == [[1, 0]]
    assert _ascent(torch.zeros(1, 2), units, 4, 0.1).tolist() == [[1, 0]]


def test_the_mean_of_the_last_steps_is_the_picture(monkeypatch):
    steps, step = [], Inverter._step
    monkeypatch.setattr(Inverter, "_step", lambda *a: steps.append(step(*a)) or steps[-1])
    stages = (Stage((8, 8), 3), Stage((16, 16), 5))
    wanted, (begin, noise) = torch.eye(4)[:2], start(2, 8)
    for averaged, counted in ((1, 1), (3, 3), (9, 5)):  # none of those that were smaller
        steps.clear()
        settings = InversionSettings(stages=stages, averaged=averaged)
        pictures = invert(pooled, settings, wanted, begin, noise)
        latent = to_latent_of_coefficients(sum(steps[-counted:]) / counted, 1, (16, 16))
        assert torch.allclose(pictures, to_pixels(latent, torch.eye(1)), atol=1e-5)


def test_pictures_turn_toward_their_directions():
    settings = InversionSettings(stages=(Stage((16, 16), 12),), jitter=0)
    wanted = torch.tensor([[1.0, -1, -1, 1], [-1, 1, 1, 1], [1, 1, -1, -1]])
    pictures = invert(pooled, settings, wanted, *start(3, 16))
    assert functional.cosine_similarity(pooled(pictures), wanted).min() > 0.95
    assert pictures.min() > 0
    assert pictures.max() < 1


def test_growing_stages_end_at_the_last_size_and_keep_what_was_found():
    stages = (Stage((8, 8), 8), Stage((16, 16), 1))
    settings = InversionSettings(stages=stages, jitter=0, start_noise=0)
    wanted = torch.tensor([[1.0, -1, -1, 1]])
    pictures = invert(pooled, settings, wanted, *start(1, 8))
    assert pictures.shape == (1, 1, 16, 16)
    assert functional.cosine_similarity(pooled(pictures), wanted) > 0.9


def test_a_touch_up_turns_pictures_to_wishes_nearby_in_a_quarter_of_the_steps():
    settings = InversionSettings(stages=(Stage((16, 16), 16),), jitter=0)
    before, now = torch.tensor([[1.0, -1, -1, 1]]), torch.tensor([[1.0, -0.5, -1, 0.7]])
    pictures = invert(pooled, settings, before, *start(1, 16))
    seen = []

    def answer(pixels, step):
        seen.append(step)
        return pooled(pixels)[:, None]

    wish = {(16, 16): ViewTargets.along(now[:, None])}
    touched = Inverter(answer, FLAT, settings).touch_up(wish, pictures)
    was, is_now = (functional.cosine_similarity(pooled(p), now) for p in (pictures, touched))
    assert seen == [8, 10, 12, 14]
    assert is_now > was
    assert was < 0.97 < 0.98 < is_now


def test_energy_never_exceeds_that_of_a_natural_picture():
    settings = InversionSettings(stages=(Stage((16, 16), 30),), rate=5.0, energy_cap=0.7)
    wanted = torch.tensor([[1.0, -1, -1, 1]])
    pictures = invert(pooled, settings, wanted, *start(1, 16))
    # The latent is clamped at +-3.9 on the way back, which can only lower the energy.
    energy = _energy(to_coefficients(to_latent(pictures, torch.eye(1)), FLAT[16, 16]))
    assert 0.3 < float(energy) < 0.71


@pytest.mark.parametrize(
    "answer",
    [
        lambda pixels: torch.zeros(len(pixels), 4),
        lambda pixels: pooled(pixels) * 0,
        lambda pixels: pooled(pixels) * torch.nan,
        lambda pixels: pooled(pixels.detach()),
        lambda pixels: functional.relu(pooled(pixels) - 9),
    ],
    ids=["constant", "dead", "nan", "detached", "dead relu"],
)
def test_without_a_gradient_pictures_are_noise_of_natural_energy(answer):
    settings = InversionSettings(stages=(Stage((8, 8), 6),), start_noise=0)
    begin, wanted = torch.full((2, 1, 8, 8), 0.7), torch.eye(2, 4)
    pictures = invert(answer, settings, wanted, begin, torch.zeros(2, 1, 8, 8))
    energy = _energy(to_coefficients(to_latent(pictures, torch.eye(1)), FLAT[8, 8]))
    assert torch.equal(pictures[0], pictures[1])
    assert torch.all(energy > 0.2)
    assert torch.all(energy < 1.01)


def test_a_picture_that_wakes_nothing_is_shaken_until_it_does():
    def answer(pixels):
        return functional.relu(pooled(pixels)[:, :1] - 0.002)

    settings = InversionSettings(stages=(Stage((16, 16), 16),), jitter=0, start_noise=0)
    begin = torch.full((1, 1, 16, 16), 0.5)
    wanted = torch.ones(1, 1)
    assert not answer(begin).any()
    pictures = invert(answer, settings, wanted, begin, torch.zeros(1, 1, 16, 16))
    assert answer(pictures) > 0.1


def test_a_direction_of_zero_is_no_reason_to_fail():
    settings = InversionSettings(stages=(Stage((8, 8), 3),))
    assert torch.isfinite(invert(pooled, settings, torch.zeros(1, 4), *start(1, 8))).all()


def test_pictures_of_a_batch_do_not_know_of_each_other():
    settings = InversionSettings(stages=(Stage((12, 12), 6),))
    wanted = torch.randn(4, 4)
    begin, noise = start(4, 12)
    together = invert(pooled, settings, wanted, begin, noise, seed=5)
    alone = torch.cat(
        [
            invert(pooled, settings, wanted[i : i + 1], begin[:1], noise[i : i + 1], seed=5)
            for i in range(4)
        ]
    )
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("stride", "receptive", "shape", "side"),
    [
        (2, 12, (32, 32), 16),
        (4, 17, (32, 32), 24),
        (1, 3, (28, 28), 8),
        (16, 90, (224, 224), 96),
        (32, 150, (224, 224), 160),
        (32, 300, (230, 400), 224),
        (8, 30, (6, 9), 6),
    ],
)
def test_tile_holds_the_field_and_fits_stride_and_input(stride, receptive, shape, side):
    assert choose_tile_side(stride=stride, receptive_size=receptive, input_shape=shape) == side


def stages_for(**options):
    options = {"input_shape": (224, 224), "whole": False, **options}
    return [(*s.shape, s.steps) for s in choose_settings(**options).stages]


def test_settings_follow_stride_and_size():
    assert stages_for(stride=2, side=16, input_shape=(32, 32)) == [(16, 16, 16)]
    assert stages_for(stride=4, side=28, input_shape=(32, 32)) == [(20, 20, 8), (28, 28, 4)]
    assert stages_for(stride=16, side=128) == [(48, 48, 9), (96, 96, 4)]
    assert stages_for(stride=8, side=64) == [(32, 32, 9), (64, 64, 4)]
    assert stages_for(stride=32, side=224) == [(64, 64, 14), (96, 96, 10), (128, 128, 6)]
    assert stages_for(stride=16, side=96, whole=True) == [(224, 224, 16)]
    assert stages_for(stride=9, side=8, input_shape=(8, 9), whole=True) == [(8, 9, 16)]


def test_a_tile_that_holds_no_more_than_the_layer_sees_is_not_shifted():
    small = {"stride": 4, "side": 28, "input_shape": (32, 32)}
    assert choose_settings(**small, whole=False).jitter == 0
    assert choose_settings(**small, whole=True).jitter > 0


def test_deep_tiles_start_from_fewer_members_and_more_of_their_detail():
    middle, deep, whole = (
        choose_settings(stride=stride, side=side, input_shape=(224, 224), whole=whole)
        for stride, side, whole in ((16, 128, False), (32, 224, False), (32, 224, True))
    )
    assert deep.start_members < middle.start_members == whole.start_members
    assert deep.start_detail > middle.start_detail == whole.start_detail


def test_no_fewer_than_three_steps_bring_a_picture_up_to_date():
    small = choose_settings(stride=4, side=28, input_shape=(32, 32), whole=False)
    assert small.touches == 7
    tiny = choose_settings(stride=2, side=16, input_shape=(32, 32), whole=False)
    assert tiny.touches == 9
    middle = choose_settings(stride=16, side=128, input_shape=(224, 224), whole=False)
    assert middle.touches == 4
    whole = choose_settings(stride=32, side=32, input_shape=(32, 32), whole=True)
    assert whole.touches == 4
    short = choose_settings(stride=4, side=28, input_shape=(32, 32), whole=False, steps=4)
    assert short.touches == 3
    one = choose_settings(stride=2, side=16, input_shape=(32, 32), whole=False, steps=1)
    assert one.touches == 1


def test_a_preview_is_left_at_the_first_sizes_and_a_poster_is_drawn_larger():
    tiny = {"stride": 2, "side": 16, "input_shape": (32, 32)}
    assert stages_for(**tiny, fidelity="preview") == [(16, 16, 5)]
    assert stages_for(**tiny, fidelity="poster") == [(16, 16, 32)]
    small = {"stride": 4, "side": 28, "input_shape": (32, 32)}
    assert stages_for(**small, fidelity="preview") == [(20, 20, 4)]
    assert stages_for(**small, fidelity="poster") == [(20, 20, 12), (28, 28, 16)]
    middle = {"stride": 16, "side": 128}
    assert stages_for(**middle, fidelity="preview") == [(48, 48, 6)]
    assert stages_for(**middle, fidelity="poster") == [(64, 64, 12), (96, 96, 12), (128, 128, 16)]
    deep = {"stride": 32, "side": 224}
    assert stages_for(**deep, fidelity="preview") == [(64, 64, 8), (96, 96, 2)]
    assert stages_for(**deep, fidelity="poster") == [(64, 64, 20), (96, 96, 34), (128, 128, 18)]


@pytest.mark.parametrize("side", [16, 28, 64, 128])
@pytest.mark.parametrize("whole", [False, True])
def test_a_kind_changes_sizes_and_steps_and_nothing_else(side, whole):
    options = {"stride": 8, "side": side, "input_shape": (224, 224), "whole": whole}
    preview, inversion, poster = (choose_settings(**options, fidelity=f) for f in FIDELITIES)
    for other in (preview, poster):
        same = dataclasses.replace(other, stages=inversion.stages, batch=inversion.batch)
        same = dataclasses.replace(same, left_out=inversion.left_out, averaged=inversion.averaged)
        if whole:  # as of layers of large strides
            same = dataclasses.replace(same, finish=inversion.finish)
        assert same == inversion
    work = [
        sum(s.steps * s.shape[0] * s.shape[1] for s in settings.stages)
        for settings in (preview, inversion, poster)
    ]
    assert work[0] < 0.35 * work[1]
    assert work[2] >= 2 * work[1]


@pytest.mark.parametrize("steps", [1, 2, 5, 13, 40, 1000])
def test_asked_steps_are_spread_over_the_stages(steps):
    for options in (
        {"stride": 32, "side": 224},
        {"stride": 16, "side": 96},
        {"stride": 1, "side": 8},
    ):
        settings = choose_settings(**options, input_shape=(224, 224), whole=False, steps=steps)
        default = choose_settings(**options, input_shape=(224, 224), whole=False)
        assert settings.steps == steps
        assert settings.shape == default.shape
        assert all(stage.steps > 0 for stage in settings.stages)
    assert (
        choose_settings(stride=1, side=8, input_shape=(8, 8), whole=True, steps=steps).steps
        == steps
    )


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        choose_settings(stride=2, side=16, input_shape=(32, 32), whole=False).rate = 3
