# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from tensorboard_plugin_atlas import AtlasError, Schedule
from tensorboard_plugin_atlas.schedule import check_schedule


def due_steps(schedule, calls, losses=None):
    timer = schedule.make_timer()
    losses = [None] * len(calls) if losses is None else losses
    return [step for step, loss in zip(calls, losses, strict=True) if timer.is_due(step, loss)]


SCHEDULES = [
    Schedule.log_spaced(),
    Schedule.log_spaced(start=1, factor=1.01),
    Schedule.log_spaced(start=3, factor=10),
    Schedule.every(1),
    Schedule.every(500, start=100),
    Schedule.at([7, 0, 300]),
]


def test_steps_worked_out_by_hand():
    assert Schedule.log_spaced(start=8, factor=2).steps(100) == (0, 8, 16, 32, 64)
    assert Schedule.log_spaced(start=1, factor=1.25).steps(6) == (0, 1, 2, 3, 4, 5, 6)
    assert Schedule.every(500, start=100).steps(1_100) == (100, 600, 1_100)
    assert Schedule.every(3).steps(8) == (0, 3, 6)
    assert Schedule.at([50, 0, 50]).steps(60) == (0, 50)
    assert Schedule.at([50, 0]).steps(49) == (0,)


def test_a_power_of_ten_has_about_six_atlases():
    steps = Schedule.log_spaced().steps(100_000)
    assert len(steps) == 24
    assert len([step for step in steps if 1_000 < step <= 10_000]) in (5, 6)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_loop_that_calls_at_every_step_gets_the_steps_of_the_schedule(schedule):
    assert due_steps(schedule, range(701)) == list(schedule.steps(700))
    assert not schedule.needs_loss


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_loop_with_gaps_is_due_at_the_first_call_after_each_step(schedule):
    steps = schedule.steps(700)
    calls = range(0, 701, 7)
    assert due_steps(schedule, calls) == [
        call for call in calls if any(call - 7 < step <= call for step in steps)
    ]


def test_atlases_wait_for_a_busy_writer_or_not():
    busy = {10, 11, 12, 15}
    calls = range(24)
    for schedule, expected in (
        (Schedule.log_spaced(), [0, 13, 16, 22]),
        (Schedule.every(5), [0, 5, 10, 15, 20]),
        (Schedule.at([11, 12]), [11, 12]),
    ):
        timer = schedule.make_timer()
        assert [step for step in calls if timer.is_due(step, is_busy=step in busy)] == expected
    timer = Schedule.when_loss_falls().make_timer()
    assert [step for step in calls if timer.is_due(step, 0.5**step, is_busy=step < 3)] == [
        3,
        10,
        20,
    ]


def test_a_resumed_run_does_not_make_up_for_steps_before_it():
    assert due_steps(Schedule.every(500), range(751, 1_501)) == [1_000, 1_500]
    assert due_steps(Schedule.every(1), [10**15, 10**15 + 1]) == [10**15, 10**15 + 1]


def test_an_atlas_is_due_whenever_the_loss_has_fallen():
    # Read at calls 0, 10, 20, ...; the mean moves by a fifth of the difference each time.
    losses = [4.0] * 11 + [2.0] * 200
    due = due_steps(Schedule.when_loss_falls(by=0.25), range(len(losses)), losses)
    # 4, 4, then 3.6, 3.28, 3.024, 2.819 at 20, 30, 40, 50: below 3 at step 50; below 2.114 at 150.
    means = [2 + 2 * 0.8**k for k in range(1, 20)]
    first = next(k for k, mean in enumerate(means, 1) if mean <= 3.0)
    second = next(k for k, mean in enumerate(means, 1) if mean <= 0.75 * means[first - 1])
    assert due == [0, 10 + 10 * first, 10 + 10 * second]
    assert (first, second) == (4, 13)


def test_losses_that_are_not_finite_are_left_out():
    schedule = Schedule.when_loss_falls()
    assert due_steps(schedule, range(3), [math.nan] * 3) == []
    losses = [1.0] * 10 + [math.inf] * 5 + [-math.inf] * 5 + [1.0] * 30
    assert due_steps(schedule, range(50), losses) == [0]


def test_a_negative_loss_falls_below_zero():
    losses = [-1.0] * 10 + [-5.0] * 20
    assert due_steps(Schedule.when_loss_falls(by=0.5), range(30), losses) == [0, 10]


def test_the_loss_may_be_a_tensor_that_needs_a_gradient():
    loss = torch.ones((), requires_grad=True) * 2
    assert due_steps(Schedule.when_loss_falls(), [0], [loss]) == [0]


def test_steps_that_depend_on_the_loss_are_not_listed():
    schedule = Schedule.when_loss_falls()
    assert schedule.needs_loss
    with pytest.raises(AtlasError, match=r"depend on the loss; pass Schedule\.every"):
        schedule.steps(100)
    with pytest.raises(AtlasError, match=r"loss=None.*pass atlas\.step\(step, loss\)"):
        schedule.make_timer().is_due(0)


def test_the_loss_does_not_decide_for_a_sharded_model():
    with pytest.raises(AtlasError, match=r"ranks of a sharded model.*pass Schedule\.every"):
        check_schedule(Schedule.when_loss_falls(), is_sharded=True)
    assert check_schedule(None, is_sharded=True).steps(12) == (0, 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule.log_spaced(start=0), "start=0: pass a step of at least 1"),
        (lambda: Schedule.log_spaced(factor=1), "factor=1: pass a number above 1"),
        (lambda: Schedule.log_spaced(factor="2"), "factor='2': pass a number above 1"),
        (lambda: Schedule.log_spaced(factor=math.nan), "factor=nan: pass a number above 1"),
        (lambda: Schedule.every(0), "n=0: pass a number of steps of at least 1"),
        (lambda: Schedule.every(2.5), "n=2.5: pass an integer"),
        (lambda: Schedule.every(5, start=-1), "start=-1: pass a step of at least 0"),
        (lambda: Schedule.at("12"), "steps='12': pass a list of steps"),
        (lambda: Schedule.at(3), "steps=3: pass a list of steps"),
        (lambda: Schedule.at([]), "pass one or more steps"),
        (lambda: Schedule.at([-1]), "pass one or more steps of at least 0"),
        (lambda: Schedule.when_loss_falls(by=1), "by=1: pass a share between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(AtlasError, match=message):
        make()
