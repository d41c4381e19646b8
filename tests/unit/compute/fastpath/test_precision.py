# SPDX-License-Identifier: Apache-2.0
"""The choice of float32 or bfloat16 by measured speed, and the outputs in bfloat16."""

from __future__ import annotations

import itertools
import logging

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.precision import (
    MAX_SECONDS,
    MIN_SECONDS,
    MIN_SPEEDUP,
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


class TimedNetwork:
    """A network whose passes take given seconds on a clock of its own.

    Args:
        exact: Seconds of a pass of one image in float32, or of all images one pass after the other.
        other: The same in bfloat16.
    """

    def __init__(self, exact, other):
        self.network = network()
        self.seconds = {False: exact, True: other}
        self.now = 0.0
        self.batches = []

    def __call__(self, inputs):
        is_bfloat16 = torch.is_autocast_enabled("cpu")
        seconds = self.seconds[is_bfloat16]
        seconds = seconds() if callable(seconds) else seconds * len(inputs)
        self.batches.append(len(inputs))
        for _ in range(20):
            self.now += seconds / 20
            inputs = inputs * 1.0  # an operation, before which a trial can be interrupted
        return self.network(inputs)

    def clock(self):
        return self.now

    def is_faster_in_bfloat16(self, name):
        return try_bfloat16(self, IMAGES, name=name, clock=self.clock) is not None


def make_passes(*seconds, warm_up=0.01):
    """Seconds of the passes: of two and of all images to select kernels, then those timed."""
    left = iter([warm_up, warm_up, *seconds])
    return lambda: next(left)


@pytest.mark.parametrize(
    ("exact", "other", "is_used"),
    [(0.02, 0.01, True), (0.01, 0.02, False), (0.01, 0.01, False), (0.01, 0.009, False)],
)
def test_the_faster_format_is_used(name, exact, other, is_used):
    assert TimedNetwork(exact, other).is_faster_in_bfloat16(name) == is_used


def test_a_small_speedup_is_not_enough(name):
    barely = TimedNetwork(0.01, 0.0101 / MIN_SPEEDUP)
    clearly = TimedNetwork(0.01, 0.0099 / MIN_SPEEDUP)
    assert not barely.is_faster_in_bfloat16(name)
    assert clearly.is_faster_in_bfloat16(f"{name} again")


def test_networks_too_small_to_time_stay_in_float32(name):
    short = TimedNetwork(0.9 * MIN_SECONDS / len(IMAGES), 0.1 * MIN_SECONDS / len(IMAGES))
    assert not short.is_faster_in_bfloat16(name)
    long = TimedNetwork(1.1 * MIN_SECONDS / len(IMAGES), 0.1 * MIN_SECONDS / len(IMAGES))
    assert long.is_faster_in_bfloat16(f"{name} again")


def test_a_slow_outlier_does_not_count(name):
    """The fastest of several passes counts, since other work can only slow a pass down."""
    exact, other = make_passes(0.03, 0.02, 0.02), make_passes(0.019, 0.3, 0.01)
    assert TimedNetwork(exact, other).is_faster_in_bfloat16(name)


def run_timed(name, exact, other):
    """Returns whether bfloat16 is used, and how many pairs of passes were timed."""
    timed = TimedNetwork(make_passes(*exact), make_passes(*other))
    is_used = timed.is_faster_in_bfloat16(name)
    return is_used, len(timed.batches) // 2 - 2


def test_an_obvious_result_is_timed_once(name):
    assert run_timed(name, [0.02], [0.01]) == (True, 1)
    assert run_timed(f"{name} again", [0.01], [0.02]) == (False, 1)


def test_a_slow_pass_of_a_small_network_is_timed_again(name):
    exact, other = [0.019, 0.004, 0.004], [0.004] * 3
    assert run_timed(name, exact, other) == (False, 3)


def test_a_clear_result_is_timed_three_times(name):
    assert run_timed(name, [0.015] * 3, [0.01] * 3) == (True, 3)
    assert run_timed(f"{name} again", [0.01] * 3, [0.01] * 3) == (False, 3)


def test_an_unclear_result_is_timed_up_to_seven_times(name):
    close, clear = [0.013, 0.013], [0.015] * 5
    assert run_timed(name, [*close, *clear], [0.01] * 7) == (True, 7)
    # At first the median is 1.5, and the fastest passes give 1.2: one of them was slowed down.
    exact, other = [0.0156, 0.03, 0.03, 0.02], [0.013, 0.02, 0.02, 0.01]
    assert run_timed(f"{name} spell", exact, other) == (True, 4)
    never = [0.0099 * MIN_SPEEDUP] * 7
    assert run_timed(f"{name} never", never, [0.01] * 7) == (False, 7)


@pytest.mark.parametrize("exact", [0.001, 0.01, 0.05, 0.1, 0.15, 0.2, 0.5])
@pytest.mark.parametrize("speedup", [0.1, 0.3, 1.3, 2.0])
def test_a_trial_takes_at_most_one_second(name, exact, speedup):
    timed = TimedNetwork(exact, exact / speedup)
    timed.is_faster_in_bfloat16(name)
    assert timed.now <= 1.2 * MAX_SECONDS


def test_the_limit_of_a_trial_can_be_shorter(name):
    timed = TimedNetwork(0.1, 0.05)
    assert try_bfloat16(timed, IMAGES, name=name, max_seconds=0.1, clock=timed.clock) is None
    assert timed.now <= 0.12
    timed = TimedNetwork(0.5, 0.05)
    assert (
        try_bfloat16(timed, IMAGES, name=f"{name} again", max_seconds=9, clock=timed.clock) is None
    )
    assert timed.now <= 1.2 * MAX_SECONDS


def test_long_passes_are_tried_on_fewer_images(name):
    timed = TimedNetwork(0.1, 0.05)
    assert timed.is_faster_in_bfloat16(name)
    assert timed.batches == [2, 2, 2, 2]
    timed = TimedNetwork(0.05, 0.025)
    assert timed.is_faster_in_bfloat16(f"{name} again")
    assert timed.batches == [2, 2, 4, 4, 4, 4]


def test_one_pair_decides_where_there_is_no_time_for_another(name):
    timed = TimedNetwork(0.2, 0.1)
    assert timed.is_faster_in_bfloat16(name)
    assert timed.batches == [2, 2]


def test_float32_is_used_where_the_trial_would_take_too_long(name, caplog):
    timed = TimedNetwork(0.4, 0.2)
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        assert not timed.is_faster_in_bfloat16(name)
    assert timed.batches == [2, 2]
    assert "a trial of bfloat16 takes too long" in caplog.text


def test_the_speed_is_measured_once_per_network_and_shape(name):
    def fail():
        raise AssertionError("measured again")

    assert TimedNetwork(0.02, 0.01).is_faster_in_bfloat16(name)
    assert try_bfloat16(network(), IMAGES, name=name, clock=fail) is not None
    other = TimedNetwork(0.01, 0.02)
    assert try_bfloat16(other, IMAGES[:2], name=name, clock=other.clock) is None


def test_a_format_that_raises_is_not_used_and_the_exception_is_logged(name, caplog):
    def reject_bfloat16(inputs):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no such kernel")
        return inputs * 2

    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        found = try_bfloat16(reject_bfloat16, IMAGES, name=name)
    assert found is None
    assert "icons stay in float32 (RuntimeError in bfloat16)" in caplog.text


def test_a_clock_that_raises_keeps_float32(name):
    def broken():
        raise OSError("no clock")

    assert try_bfloat16(network(), IMAGES, name=name, clock=broken) is None


def test_outputs_far_from_zero_stay_in_float32(name):
    """Eight bits cannot represent a difference of 1 at 10,000."""
    far = TimedNetwork(0.02, 0.01)
    far.network[-1].bias.fill_(10_000.0)
    assert not far.is_faster_in_bfloat16(name)


def test_overflow_stays_in_float32(name):
    def overflow(inputs):
        return inputs * (1e38 if not torch.is_autocast_enabled("cpu") else float("inf"))

    timed = TimedNetwork(0.02, 0.01)
    timed.network = overflow
    assert not timed.is_faster_in_bfloat16(name)


def test_float32_is_used_without_gradients(name):
    with torch.no_grad():
        assert not TimedNetwork(0.02, 0.01).is_faster_in_bfloat16(name)


def test_other_input_dtypes_do_not_change(name):
    doubles = TimedNetwork(0.02, 0.01)
    doubles.network.double()
    assert try_bfloat16(doubles, IMAGES.double(), name=name, clock=doubles.clock) is None


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


def test_a_real_measurement_returns_a_usable_network(name):
    """Whichever format is faster on this machine."""
    found = try_bfloat16(network(), IMAGES, name=name)
    if found is not None:
        assert torch.allclose(found(IMAGES), network()(IMAGES), atol=0.02)
