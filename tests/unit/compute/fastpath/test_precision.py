# SPDX-License-Identifier: Apache-2.0
"""Which number format is taken, by what is measured, and whether the answers stay what they are."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.precision import (
    LEAST_GAIN,
    LEAST_SECONDS,
    faster,
    rounded,
    seconds_of,
)
from tensorboard_plugin_atlas.compute.fastpath.program import Program, compile_program

PICTURES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
_names = itertools.count()


@pytest.fixture
def name():
    """A name under which nothing has been measured."""
    return f"test {next(_names)}"


def network():
    """A net with every kind of convolution a program knows, strided depthwise included."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 3, 2, 1, groups=16),
        nn.ReLU(),
        nn.Conv2d(16, 8, 1),
    ]
    return nn.Sequential(*layers).eval().requires_grad_(False)


def timer_of(exact, other):
    """Returns a timer by which float32 takes `exact` seconds and anything else `other`."""
    calls = []

    def timer(run, inputs):
        calls.append(run)
        return exact if run is calls[0] else other

    return timer


@pytest.mark.parametrize(
    ("exact", "other", "taken"),
    [(2.0, 1.0, True), (1.0, 2.0, False), (1.0, 1.0, False), (1.0, 0.9, False)],
)
def test_the_faster_format_is_taken(name, exact, other, taken):
    found = faster(network(), PICTURES, name=name, timer=timer_of(exact, other))
    assert (found is not None) == taken


def test_a_gain_must_be_clear(name):
    one = network()
    barely = timer_of(1.0, 1.01 / LEAST_GAIN)
    clearly = timer_of(1.0, 0.99 / LEAST_GAIN)
    assert faster(one, PICTURES, name=name, timer=barely) is None
    assert faster(one, PICTURES, name=f"{name} again", timer=clearly) is not None


def test_networks_too_small_to_be_timed_stay_in_float32(name):
    quick = timer_of(0.9 * LEAST_SECONDS, 0.1 * LEAST_SECONDS)
    assert faster(network(), PICTURES, name=name, timer=quick) is None
    enough = timer_of(1.1 * LEAST_SECONDS, 0.1 * LEAST_SECONDS)
    assert faster(network(), PICTURES, name=f"{name} again", timer=enough) is not None


def test_a_disturbed_measurement_does_not_count(name):
    """Each format's quickest pass of several counts, for whatever else runs only delays."""
    times = iter([9.0, 1.0, 2.0, 30.0, 2.0, 1.0])
    assert faster(network(), PICTURES, name=name, timer=lambda run, inputs: next(times)) is not None


def pairs_timed(name, times):
    """Returns whether bfloat16 is taken, and how many pairs of passes were timed until then."""
    left = iter(times)
    found = faster(network(), PICTURES, name=name, timer=lambda run, inputs: next(left))
    return found is not None, (len(times) - len(list(left))) / 2


def test_what_is_clear_is_timed_three_times(name):
    assert pairs_timed(name, [3.0, 2.0, 1.5, 1.0, 9.0, 1.0, 2.0, 1.0]) == (True, 3)
    assert pairs_timed(f"{name} again", [1.0, 2.0] * 7) == (False, 3)


def test_what_is_not_clear_is_timed_until_it_is(name):
    close, clear, late = [1.3, 1.0], [1.5, 1.0], [3.0, 1.3]
    assert pairs_timed(name, [*2 * close, *5 * clear]) == (True, 7)
    # At first 2.3 by the middle and 1.2 by the quickest, of which one was caught in a slow spell.
    assert pairs_timed(f"{name} spell", [1.56, 1.3, *2 * late, 3.0, 2.0, *2 * clear]) == (True, 5)
    assert pairs_timed(f"{name} never", [0.99 * LEAST_GAIN, 1.0] * 7) == (False, 7)


def test_measured_once_for_each_network_and_shape(name):
    def fail(run, inputs):
        raise AssertionError("measured again")

    assert faster(network(), PICTURES, name=name, timer=timer_of(2.0, 1.0)) is not None
    assert faster(network(), PICTURES, name=name, timer=fail) is not None
    assert faster(network(), PICTURES[:2], name=name, timer=timer_of(1.0, 2.0)) is None


def test_a_format_that_fails_is_not_taken(name):
    def refuses(inputs):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no such kernel")
        return inputs * 2

    assert faster(refuses, PICTURES, name=name, timer=timer_of(2.0, 1.0)) is None


def test_a_timer_that_fails_leaves_float32(name):
    def broken(run, inputs):
        raise OSError("no clock")

    assert faster(network(), PICTURES, name=name, timer=broken) is None


def test_answers_far_from_zero_stay_in_float32(name):
    """Eight bits do not hold a difference of 1 beside 10,000."""
    far = network()
    far[-1].bias.fill_(10_000.0)
    assert faster(far, PICTURES, name=name, timer=timer_of(2.0, 1.0)) is None


def test_overflow_stays_in_float32(name):
    def grows(inputs):
        return inputs * (1e38 if not torch.is_autocast_enabled("cpu") else float("inf"))

    assert faster(grows, PICTURES, name=name, timer=timer_of(2.0, 1.0)) is None


def test_nothing_is_measured_without_gradients(name):
    with torch.no_grad():
        assert faster(network(), PICTURES, name=name, timer=timer_of(2.0, 1.0)) is None


def test_other_input_formats_are_left_alone(name):
    doubles = network().double()
    assert faster(doubles, PICTURES.double(), name=name, timer=timer_of(2.0, 1.0)) is None


def answered(run, pixels):
    """Returns the answer, where the processor has the kernels for it."""
    try:
        return run(pixels)
    except RuntimeError as error:
        if "needs the cpu support" not in str(error):
            raise
        # `faster` takes float32 then, as for any format that fails: see the test of what raises.
        pytest.skip("this processor has no bfloat16 convolutions")


@pytest.mark.parametrize("as_program", [True, False])
def test_rounded_networks_answer_alike_in_float32(as_program):
    exact = compile_program(network(), PICTURES) if as_program else network()
    assert isinstance(exact, Program) == as_program
    other = rounded(exact, torch.device("cpu"))
    found = []
    for run in (exact, other):
        pixels = PICTURES.clone().requires_grad_()
        output = answered(run, pixels)
        (slope,) = torch.autograd.grad(output.square().sum(), pixels)
        assert output.dtype == slope.dtype == torch.float32
        found.append((output.detach(), slope))
    (wanted, slope), (output, own) = found
    assert not torch.equal(output, wanted)  # it is another format
    assert torch.allclose(output, wanted, atol=0.02)
    cosine = nn.functional.cosine_similarity(own.flatten(1), slope.flatten(1))
    assert cosine.min() > 0.98


def test_rounded_program_leaves_the_exact_one_as_it_was():
    exact = compile_program(network(), PICTURES)
    before = exact.run(PICTURES)[0]
    exact.rounded()
    assert torch.equal(exact.run(PICTURES)[0], before)
    assert exact.dtype == torch.float32
    assert exact.rounded().dtype == torch.bfloat16


def test_seconds_grow_with_the_work():
    one = network()
    small, large = PICTURES[:2, :, :4, :4], torch.rand(64, 3, 96, 96)
    seconds_of(one, small)
    assert 0 < min(seconds_of(one, small) for _ in range(3)) < seconds_of(one, large)


def test_real_measurement_gives_a_usable_network(name):
    """Whatever this machine prefers."""
    found = faster(network(), PICTURES, name=name)
    if found is not None:
        assert torch.allclose(found(PICTURES), network()(PICTURES), atol=0.02)
