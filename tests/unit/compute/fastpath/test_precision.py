# SPDX-License-Identifier: Apache-2.0
"""The choice of float32 or bfloat16 by measured speed, and the outputs in bfloat16."""

from __future__ import annotations

import itertools
import logging

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.precision import (
    MIN_SECONDS,
    MIN_SPEEDUP,
    measure_seconds,
    to_bfloat16,
    try_bfloat16,
)
from tensorboard_plugin_atlas.compute.fastpath.program import Program, compile_program

IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
_names = itertools.count()


@pytest.fixture
def name():
    """A name for which nothing was measured yet."""
    return f"test {next(_names)}"


def network():
    """A network with every kind of convolution of a program, strided depthwise included."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 3, 2, 1, groups=16),
        nn.ReLU(),
        nn.Conv2d(16, 8, 1),
    ]
    return nn.Sequential(*layers).eval().requires_grad_(False)


def make_timer(exact, other):
    """A timer that returns `exact` seconds for float32 and `other` for bfloat16."""
    calls = []

    def timer(run, inputs):
        calls.append(run)
        return exact if run is calls[0] else other

    return timer


@pytest.mark.parametrize(
    ("exact", "other", "is_used"),
    [(2.0, 1.0, True), (1.0, 2.0, False), (1.0, 1.0, False), (1.0, 0.9, False)],
)
def test_the_faster_format_is_used(name, exact, other, is_used):
    found = try_bfloat16(network(), IMAGES, name=name, timer=make_timer(exact, other))
    assert (found is not None) == is_used


def test_a_small_speedup_is_not_enough(name):
    one = network()
    barely = make_timer(1.0, 1.01 / MIN_SPEEDUP)
    clearly = make_timer(1.0, 0.99 / MIN_SPEEDUP)
    assert try_bfloat16(one, IMAGES, name=name, timer=barely) is None
    assert try_bfloat16(one, IMAGES, name=f"{name} again", timer=clearly) is not None


def test_networks_too_small_to_time_stay_in_float32(name):
    short = make_timer(0.9 * MIN_SECONDS, 0.1 * MIN_SECONDS)
    assert try_bfloat16(network(), IMAGES, name=name, timer=short) is None
    long = make_timer(1.1 * MIN_SECONDS, 0.1 * MIN_SECONDS)
    assert try_bfloat16(network(), IMAGES, name=f"{name} again", timer=long) is not None


def test_a_slow_outlier_does_not_count(name):
    """The fastest of several passes counts, since other work can only slow a pass down."""
    times = iter([9.0, 1.0, 2.0, 30.0, 2.0, 1.0])
    assert (
        try_bfloat16(network(), IMAGES, name=name, timer=lambda run, inputs: next(times))
        is not None
    )


def run_timed(name, times):
    """Returns whether bfloat16 is used, and how many pairs of passes were timed."""
    left = iter(times)
    found = try_bfloat16(network(), IMAGES, name=name, timer=lambda run, inputs: next(left))
    return found is not None, (len(times) - len(list(left))) / 2


def test_a_clear_result_is_timed_three_times(name):
    assert run_timed(name, [3.0, 2.0, 1.5, 1.0, 9.0, 1.0, 2.0, 1.0]) == (True, 3)
    assert run_timed(f"{name} again", [1.0, 2.0] * 7) == (False, 3)


def test_an_unclear_result_is_timed_up_to_seven_times(name):
    close, clear, late = [1.3, 1.0], [1.5, 1.0], [3.0, 1.3]
    assert run_timed(name, [*2 * close, *5 * clear]) == (True, 7)
    # At first the median is 2.3, and the fastest passes give 1.2: one of them was slowed down.
    assert run_timed(f"{name} spell", [1.56, 1.3, *2 * late, 3.0, 2.0, *2 * clear]) == (True, 5)
    assert run_timed(f"{name} never", [0.99 * MIN_SPEEDUP, 1.0] * 7) == (False, 7)


def test_the_speed_is_measured_once_per_network_and_shape(name):
    def fail(run, inputs):
        raise AssertionError("measured again")

    assert try_bfloat16(network(), IMAGES, name=name, timer=make_timer(2.0, 1.0)) is not None
    assert try_bfloat16(network(), IMAGES, name=name, timer=fail) is not None
    assert try_bfloat16(network(), IMAGES[:2], name=name, timer=make_timer(1.0, 2.0)) is None


def test_a_format_that_raises_is_not_used_and_the_exception_is_logged(name, caplog):
    def reject_bfloat16(inputs):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no such kernel")
        return inputs * 2

    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        found = try_bfloat16(reject_bfloat16, IMAGES, name=name, timer=make_timer(2.0, 1.0))
    assert found is None
    assert "icons stay in float32 (RuntimeError in bfloat16)" in caplog.text


def test_a_timer_that_raises_keeps_float32(name):
    def broken(run, inputs):
        raise OSError("no clock")

    assert try_bfloat16(network(), IMAGES, name=name, timer=broken) is None


def test_outputs_far_from_zero_stay_in_float32(name):
    """Eight bits cannot represent a difference of 1 at 10,000."""
    far = network()
    far[-1].bias.fill_(10_000.0)
    assert try_bfloat16(far, IMAGES, name=name, timer=make_timer(2.0, 1.0)) is None


def test_overflow_stays_in_float32(name):
    def overflow(inputs):
        return inputs * (1e38 if not torch.is_autocast_enabled("cpu") else float("inf"))

    assert try_bfloat16(overflow, IMAGES, name=name, timer=make_timer(2.0, 1.0)) is None


def test_float32_is_used_without_gradients(name):
    with torch.no_grad():
        assert try_bfloat16(network(), IMAGES, name=name, timer=make_timer(2.0, 1.0)) is None


def test_other_input_dtypes_do_not_change(name):
    doubles = network().double()
    assert try_bfloat16(doubles, IMAGES.double(), name=name, timer=make_timer(2.0, 1.0)) is None


def run_or_skip(run, pixels):
    """Returns the output; skips the test where the processor lacks the kernels."""
    try:
        return run(pixels)
    except RuntimeError as error:
        if "needs the cpu support" not in str(error):
            raise
        # `try_bfloat16` uses float32 then, as for any format that raises.
        pytest.skip("this processor has no bfloat16 convolutions")


@pytest.mark.parametrize("as_program", [True, False])
def test_bfloat16_networks_have_about_the_same_output(as_program):
    exact = compile_program(network(), IMAGES, task="test") if as_program else network()
    assert isinstance(exact, Program) == as_program
    other = to_bfloat16(exact, torch.device("cpu"))
    found = []
    for run in (exact, other):
        pixels = IMAGES.clone().requires_grad_()
        output = run_or_skip(run, pixels)
        (gradient,) = torch.autograd.grad(output.square().sum(), pixels)
        assert output.dtype == gradient.dtype == torch.float32
        found.append((output.detach(), gradient))
    (expected, expected_gradient), (output, gradient) = found
    assert not torch.equal(output, expected)  # it is in bfloat16
    assert torch.allclose(output, expected, atol=0.02)
    cosine = nn.functional.cosine_similarity(gradient.flatten(1), expected_gradient.flatten(1))
    assert cosine.min() > 0.98


def test_converting_a_program_does_not_change_the_original():
    exact = compile_program(network(), IMAGES, task="test")
    before = exact.run(IMAGES)[0]
    exact.to_bfloat16()
    assert torch.equal(exact.run(IMAGES)[0], before)
    assert exact.dtype == torch.float32
    assert exact.to_bfloat16().dtype == torch.bfloat16


def test_larger_inputs_take_more_seconds():
    one = network()
    small, large = IMAGES[:2, :, :4, :4], torch.rand(64, 3, 96, 96)
    measure_seconds(one, small)
    assert 0 < min(measure_seconds(one, small) for _ in range(3)) < measure_seconds(one, large)


def test_a_real_measurement_returns_a_usable_network(name):
    """Whichever format is faster on this machine."""
    found = try_bfloat16(network(), IMAGES, name=name)
    if found is not None:
        assert torch.allclose(found(IMAGES), network()(IMAGES), atol=0.02)
