# SPDX-License-Identifier: Apache-2.0
"""The optimizer, for activations whose best images are known."""

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
    _get_ascent_direction,
    _get_energy,
    choose_settings,
    choose_tile_side,
)

FLAT = {(n, n): torch.ones(1, n, n // 2 + 1) for n in (8, 12, 16)}


def make_start(count: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((count, 1, side, side), 0.5), torch.randn(count, 1, side, side)


def invert(compute, settings, directions, starts, noise, seed=0):
    """Inverts activations in one view, (B, F), with the same targets at every size."""
    inverter = Inverter(lambda pixels, _: compute(pixels)[:, None], FLAT, settings, seed)
    targets = ViewTargets.from_vectors(directions[:, None])
    return inverter.invert({stage.shape: targets for stage in settings.stages}, starts, noise)


def pool_quarters(pixels: torch.Tensor) -> torch.Tensor:
    """Activations: the brightness of the four quarters, relative to middle gray."""
    return functional.adaptive_avg_pool2d(pixels, 2).flatten(1) - 0.5


def test_the_ascent_direction_is_the_gradient_of_dot_times_cosine_to_the_power():
    units = functional.normalize(torch.tensor([[1.0, 2.0, 0.5]]), dim=1)
    values = torch.tensor([[2.0, 1.0, 1.0]], requires_grad=True)
    cosine = functional.cosine_similarity(values, units)
    ((values * units).sum(1) * cosine**4).sum().backward()
    ascent = _get_ascent_direction(values.detach(), units, 4, 0.1)
    assert torch.allclose(values.grad / cosine.detach() ** 4, ascent, atol=1e-5)


def test_below_the_floor_the_ascent_direction_is_the_target():
    units = torch.tensor([[1.0, 0.0]])
    assert _get_ascent_direction(torch.tensor([[-1.0, 0.2]]), units, 4, 0.1).tolist() == [[1, 0]]
    assert _get_ascent_direction(torch.zeros(1, 2), units, 4, 0.1).tolist() == [[1, 0]]


def test_the_image_is_the_mean_of_the_last_steps(monkeypatch):
    steps, step = [], Inverter._step
    monkeypatch.setattr(Inverter, "_step", lambda *a: steps.append(step(*a)) or steps[-1])
    stages = (Stage((8, 8), 3), Stage((16, 16), 5))
    directions, (starts, noise) = torch.eye(4)[:2], make_start(2, 8)
    for averaged, counted in ((1, 1), (3, 3), (9, 5)):  # only those of the last size
        steps.clear()
        settings = InversionSettings(stages=stages, averaged_steps=averaged)
        images = invert(pool_quarters, settings, directions, starts, noise)
        latent = to_latent_of_coefficients(sum(steps[-counted:]) / counted, 1, (16, 16))
        assert torch.allclose(images, to_pixels(latent, torch.eye(1)), atol=1e-5)


def test_activations_point_in_the_target_directions():
    settings = InversionSettings(stages=(Stage((16, 16), 12),), jitter=0)
    directions = torch.tensor([[1.0, -1, -1, 1], [-1, 1, 1, 1], [1, 1, -1, -1]])
    images = invert(pool_quarters, settings, directions, *make_start(3, 16))
    assert functional.cosine_similarity(pool_quarters(images), directions).min() > 0.95
    assert images.min() > 0
    assert images.max() < 1


def test_stages_end_at_the_last_size_and_keep_the_result_of_earlier_ones():
    stages = (Stage((8, 8), 8), Stage((16, 16), 1))
    settings = InversionSettings(stages=stages, jitter=0, start_noise=0)
    directions = torch.tensor([[1.0, -1, -1, 1]])
    images = invert(pool_quarters, settings, directions, *make_start(1, 8))
    assert images.shape == (1, 1, 16, 16)
    assert functional.cosine_similarity(pool_quarters(images), directions) > 0.9


def test_a_warm_start_reaches_similar_targets_in_a_quarter_of_the_steps():
    settings = InversionSettings(stages=(Stage((16, 16), 16),), jitter=0)
    old, new = torch.tensor([[1.0, -1, -1, 1]]), torch.tensor([[1.0, -0.5, -1, 0.7]])
    images = invert(pool_quarters, settings, old, *make_start(1, 16))
    steps = []

    def compute(pixels, step):
        steps.append(step)
        return pool_quarters(pixels)[:, None]

    targets = {(16, 16): ViewTargets.from_vectors(new[:, None])}
    continued = Inverter(compute, FLAT, settings).continue_from(images, targets)
    before, after = (
        functional.cosine_similarity(pool_quarters(one), new) for one in (images, continued)
    )
    assert steps == [8, 10, 12, 14]
    assert before < 0.97 < 0.98 < after


def test_the_energy_never_exceeds_that_of_a_natural_image():
    settings = InversionSettings(stages=(Stage((16, 16), 30),), rate=5.0, energy_cap=0.7)
    directions = torch.tensor([[1.0, -1, -1, 1]])
    images = invert(pool_quarters, settings, directions, *make_start(1, 16))
    # `to_latent` clamps at +-3.9, which can only lower the energy.
    energy = _get_energy(to_coefficients(to_latent(images, torch.eye(1)), FLAT[16, 16]))
    assert 0.3 < float(energy) < 0.71


@pytest.mark.parametrize(
    "compute",
    [
        lambda pixels: torch.zeros(len(pixels), 4),
        lambda pixels: pool_quarters(pixels) * 0,
        lambda pixels: pool_quarters(pixels) * torch.nan,
        lambda pixels: pool_quarters(pixels.detach()),
        lambda pixels: functional.relu(pool_quarters(pixels) - 9),
    ],
    ids=["constant", "dead", "nan", "detached", "dead relu"],
)
def test_without_a_gradient_images_become_noise_of_natural_energy(compute):
    settings = InversionSettings(stages=(Stage((8, 8), 6),), start_noise=0)
    starts, directions = torch.full((2, 1, 8, 8), 0.7), torch.eye(2, 4)
    images = invert(compute, settings, directions, starts, torch.zeros(2, 1, 8, 8))
    energy = _get_energy(to_coefficients(to_latent(images, torch.eye(1)), FLAT[8, 8]))
    assert torch.equal(images[0], images[1])
    assert torch.all(energy > 0.2)
    assert torch.all(energy < 1.01)


def test_an_image_without_active_units_gets_random_steps_until_one_is_active():
    def compute(pixels):
        return functional.relu(pool_quarters(pixels)[:, :1] - 0.002)

    settings = InversionSettings(stages=(Stage((16, 16), 16),), jitter=0, start_noise=0)
    starts = torch.full((1, 1, 16, 16), 0.5)
    directions = torch.ones(1, 1)
    assert not compute(starts).any()
    images = invert(compute, settings, directions, starts, torch.zeros(1, 1, 16, 16))
    assert compute(images) > 0.1


def test_a_zero_direction_does_not_fail():
    settings = InversionSettings(stages=(Stage((8, 8), 3),))
    assert torch.isfinite(
        invert(pool_quarters, settings, torch.zeros(1, 4), *make_start(1, 8))
    ).all()


def test_the_images_of_a_batch_do_not_depend_on_each_other():
    settings = InversionSettings(stages=(Stage((12, 12), 6),))
    directions = torch.randn(4, 4)
    starts, noise = make_start(4, 12)
    together = invert(pool_quarters, settings, directions, starts, noise, seed=5)
    alone = torch.cat(
        [
            invert(
                pool_quarters, settings, directions[i : i + 1], starts[:1], noise[i : i + 1], seed=5
            )
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
def test_a_tile_holds_the_receptive_field_and_fits_stride_and_input(stride, receptive, shape, side):
    assert choose_tile_side(stride=stride, receptive_size=receptive, input_shape=shape) == side


def list_stages(**options):
    options = {"input_shape": (224, 224), "is_full_size": False, **options}
    return [(*s.shape, s.steps) for s in choose_settings(**options).stages]


def test_settings_follow_stride_and_size():
    assert list_stages(stride=2, side=16, input_shape=(32, 32)) == [(16, 16, 16)]
    assert list_stages(stride=4, side=28, input_shape=(32, 32)) == [(20, 20, 8), (28, 28, 4)]
    assert list_stages(stride=16, side=128) == [(48, 48, 9), (96, 96, 4)]
    assert list_stages(stride=8, side=64) == [(32, 32, 9), (64, 64, 4)]
    assert list_stages(stride=32, side=224) == [(64, 64, 14), (96, 96, 10), (128, 128, 6)]
    assert list_stages(stride=16, side=96, is_full_size=True) == [(224, 224, 16)]
    assert list_stages(stride=9, side=8, input_shape=(8, 9), is_full_size=True) == [(8, 9, 16)]


def test_a_tile_as_small_as_the_receptive_field_is_not_shifted():
    small = {"stride": 4, "side": 28, "input_shape": (32, 32)}
    assert choose_settings(**small, is_full_size=False).jitter == 0
    assert choose_settings(**small, is_full_size=True).jitter > 0


def test_deep_tiles_start_from_fewer_members_with_more_detail():
    middle, deep, whole = (
        choose_settings(stride=stride, side=side, input_shape=(224, 224), is_full_size=whole)
        for stride, side, whole in ((16, 128, False), (32, 224, False), (32, 224, True))
    )
    assert deep.start_members < middle.start_members == whole.start_members
    assert deep.start_detail > middle.start_detail == whole.start_detail


def test_a_warm_start_takes_at_least_three_steps_if_there_are_so_many():
    small = choose_settings(stride=4, side=28, input_shape=(32, 32), is_full_size=False)
    assert small.warm_steps == 7
    tiny = choose_settings(stride=2, side=16, input_shape=(32, 32), is_full_size=False)
    assert tiny.warm_steps == 9
    middle = choose_settings(stride=16, side=128, input_shape=(224, 224), is_full_size=False)
    assert middle.warm_steps == 4
    whole = choose_settings(stride=32, side=32, input_shape=(32, 32), is_full_size=True)
    assert whole.warm_steps == 4
    short = choose_settings(stride=4, side=28, input_shape=(32, 32), is_full_size=False, steps=4)
    assert short.warm_steps == 3
    one = choose_settings(stride=2, side=16, input_shape=(32, 32), is_full_size=False, steps=1)
    assert one.warm_steps == 1


def test_a_preview_stops_after_the_first_sizes_and_a_poster_is_larger():
    tiny = {"stride": 2, "side": 16, "input_shape": (32, 32)}
    assert list_stages(**tiny, fidelity="preview") == [(16, 16, 5)]
    assert list_stages(**tiny, fidelity="poster") == [(16, 16, 32)]
    small = {"stride": 4, "side": 28, "input_shape": (32, 32)}
    assert list_stages(**small, fidelity="preview") == [(20, 20, 4)]
    assert list_stages(**small, fidelity="poster") == [(20, 20, 12), (28, 28, 16)]
    middle = {"stride": 16, "side": 128}
    assert list_stages(**middle, fidelity="preview") == [(48, 48, 6)]
    assert list_stages(**middle, fidelity="poster") == [(64, 64, 12), (96, 96, 12), (128, 128, 16)]
    deep = {"stride": 32, "side": 224}
    assert list_stages(**deep, fidelity="preview") == [(64, 64, 8), (96, 96, 2)]
    assert list_stages(**deep, fidelity="poster") == [(64, 64, 20), (96, 96, 34), (128, 128, 18)]


@pytest.mark.parametrize("side", [16, 28, 64, 128])
@pytest.mark.parametrize("is_full_size", [False, True])
def test_a_kind_changes_sizes_and_steps_only(side, is_full_size):
    options = {"stride": 8, "side": side, "input_shape": (224, 224)}
    preview, inversion, poster = (
        choose_settings(**options, is_full_size=is_full_size, fidelity=f) for f in FIDELITIES
    )
    for other in (preview, poster):
        same = dataclasses.replace(other, stages=inversion.stages, batch=inversion.batch)
        same = dataclasses.replace(
            same, skipped_share=inversion.skipped_share, averaged_steps=inversion.averaged_steps
        )
        if is_full_size:  # which has the settings of large strides
            same = dataclasses.replace(same, finish=inversion.finish)
        assert same == inversion
    work = [
        sum(s.steps * s.shape[0] * s.shape[1] for s in settings.stages)
        for settings in (preview, inversion, poster)
    ]
    assert work[0] < 0.35 * work[1]
    assert work[2] >= 2 * work[1]


@pytest.mark.parametrize("steps", [1, 2, 5, 13, 40, 1000])
def test_a_number_of_steps_is_distributed_over_the_stages(steps):
    for options in (
        {"stride": 32, "side": 224},
        {"stride": 16, "side": 96},
        {"stride": 1, "side": 8},
    ):
        settings = choose_settings(
            **options, input_shape=(224, 224), is_full_size=False, steps=steps
        )
        default = choose_settings(**options, input_shape=(224, 224), is_full_size=False)
        assert settings.steps == steps
        assert settings.shape == default.shape
        assert all(stage.steps > 0 for stage in settings.stages)
    assert (
        choose_settings(stride=1, side=8, input_shape=(8, 8), is_full_size=True, steps=steps).steps
        == steps
    )


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        choose_settings(stride=2, side=16, input_shape=(32, 32), is_full_size=False).rate = 3
