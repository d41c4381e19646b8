# SPDX-License-Identifier: Apache-2.0
"""Plans of training runs, with numbers that were computed by hand."""

from __future__ import annotations

import dataclasses
import inspect
import math
import random

import pytest
import torch

from tensorboard_plugin_atlas import AtlasWriter
from tensorboard_plugin_atlas.commands.logging_plan import (
    MAX_PENDING,
    Budget,
    StepCost,
    Training,
    describe_plan,
    find_changes,
    find_interval,
    make_plan,
)
from tensorboard_plugin_atlas.writer.shared_state import compute_state_layout
from tensorboard_plugin_atlas.writer.snapshot_queue import Snapshot, SnapshotQueue

RUN = Training(steps=1000, steps_per_second=10)
"""A run of 100 s."""
COST = StepCost(atlases=2, seconds=4.0, icon_seconds=3.0, bytes=1_000_000)
SLOW = dataclasses.replace(COST, seconds=25.0)
DUE = range(0, 1000, 100)
"""One step every 10 s."""


class TestPlan:
    def test_cost_is_that_of_all_due_steps(self) -> None:
        plan = make_plan(DUE, RUN, COST)
        assert (plan.skipped, plan.logged, plan.shortest_interval) == ((), 10, 10.0)
        assert (plan.forecast.atlases, plan.forecast.seconds) == (20, 40.0)
        assert plan.forecast.bytes == 10_000_000

    def test_a_busy_worker_skips_the_newest_pending_step(self) -> None:
        # Busy until 25, 50, 75, 100 s with steps 0, 100, 200, 400; the queue holds two more.
        plan = make_plan(DUE, RUN, SLOW)
        assert plan.skipped == (300, 500, 600, 800)
        assert plan.forecast.seconds == 6 * 25.0

    def test_a_worker_that_is_done_just_in_time_keeps_up(self) -> None:
        assert make_plan(DUE, RUN, dataclasses.replace(COST, seconds=10.0)).skipped == ()

    @pytest.mark.parametrize("seed", range(5))
    def test_the_queue_of_the_writer_skips_the_same_steps(self, seed: int) -> None:
        rng = random.Random(seed)  # no cryptography
        steps = sorted(rng.sample(range(1000), 60))
        cost = dataclasses.replace(COST, seconds=rng.choice((0.5, 2.0, 3.3, 7.0)))
        times = [step / RUN.steps_per_second for step in steps]
        skipped = [steps[index] for index in find_skips_of_queue(times, cost.seconds)]
        assert list(make_plan(steps, RUN, cost).skipped) == skipped

    def test_the_queue_has_the_default_size(self) -> None:
        default = inspect.signature(AtlasWriter).parameters["max_pending"].default
        assert default == MAX_PENDING

    def test_one_step_or_none(self) -> None:
        assert make_plan([5], RUN, SLOW).shortest_interval == math.inf
        assert make_plan([], RUN, SLOW).forecast.atlases == 0


def find_skips_of_queue(times: list[float], seconds: float) -> list[int]:
    """Returns the indices of the snapshots that the real queue replaces."""
    layout = compute_state_layout([torch.zeros(1)])
    queue = SnapshotQueue(MAX_PENDING)
    queue.prepare(layout)
    skipped, busy_until = [], -math.inf
    for index, now in enumerate(times):
        while len(queue) and busy_until <= now:
            queue.finish(failed=False)
            busy_until += seconds
        slot, replaced = queue.claim(layout) or pytest.fail("the queue is closed")
        queue.add(Snapshot(index, 0.0, (), None, slot))  # type: ignore[arg-type]
        skipped += [] if replaced is None else [replaced.step]
        if len(queue) == 1:
            busy_until = now + seconds
    queue.discard()
    return skipped


class TestInterval:
    @pytest.mark.parametrize(
        ("budget", "interval"),
        [
            (Budget(), 40),  # the worker takes 4 s, which are 40 steps
            (Budget(seconds=20), 200),  # 5 steps
            (Budget(bytes=3.5e6), 340),  # 3 steps; 334 is rounded up
            (Budget(seconds=20, bytes=3.5e6), 340),
            (Budget(seconds=7.9), None),  # less than two steps
        ],
    )
    def test_it_is_the_smallest_that_fits(self, budget: Budget, interval: int | None) -> None:
        assert find_interval(RUN, COST, budget) == interval
        if interval is not None:
            assert make_plan(range(0, RUN.steps, interval), RUN, COST).fits(budget)

    def test_every_budget_is_kept(self) -> None:
        for seconds in range(8, 4000, 7):
            interval = find_interval(RUN, COST, Budget(seconds=seconds))
            assert interval is not None
            plan = make_plan(range(0, RUN.steps, interval), RUN, COST)
            assert plan.fits(Budget(seconds=seconds))


class TestChanges:
    def test_each_is_enough_alone(self) -> None:
        plan = make_plan(DUE, RUN, COST)
        changes = find_changes(plan, Budget(seconds=20), "inversion")
        found = {change.text: change.plan.forecast.seconds for change in changes}
        assert found == {
            "every 200 steps": 20.0,
            'icons="preview"': 17.5,  # 10 steps of 4 s less three quarters of 3 s
            'icons="examples"': 10.0,
        }

    def test_icons_that_save_too_little_are_left_out(self) -> None:
        plan = make_plan(DUE, RUN, COST)
        texts = [c.text for c in find_changes(plan, Budget(seconds=12), "inversion")]
        assert texts == ["every 340 steps", 'icons="examples"']
        assert list(find_changes(plan, Budget(bytes=1.5e6), "none")) == []

    def test_a_worker_that_cannot_keep_up(self) -> None:
        plan = make_plan(DUE, RUN, dataclasses.replace(SLOW, icon_seconds=20.0))
        found = {c.text: c.plan.cost.seconds for c in find_changes(plan, Budget(), "inversion")}
        assert found == {
            "every 250 steps": 25.0,
            'icons="preview"': 10.0,
            'icons="examples"': 5.0,
        }


class TestText:
    def test_a_plan_that_fits(self) -> None:
        plan = make_plan(DUE, RUN, COST)
        assert describe_plan(plan, Budget(seconds=60, bytes=20e6), "inversion") == [
            "plan: atlases at 10 of 1,000 steps: 20 atlases, 40 s of one background core, 10.0 MB",
            "time: 40.0% of the 100 s of training, on another core",
            "worker: keeps up; it takes 4 s a step",
            "budget: 40 s of 60 s",
            "budget: 10.0 MB of 20.0 MB",
        ]
        assert len(describe_plan(plan, Budget(), "inversion")) == 3

    def test_a_plan_that_does_not_fit(self) -> None:
        plan = make_plan(DUE, RUN, SLOW)
        assert describe_plan(plan, Budget(seconds=60), "inversion") == [
            "plan: atlases at 6 of 1,000 steps: 12 atlases, 2 min of one background core, 6.0 MB",
            "time: 150.0% of the 100 s of training, on another core",
            "worker: skips 4 of 10 steps, the last at step 800; it takes 25 s a step, and the next "
            "one is due after 10 s",
            "budget: 2 min of 60 s, exceeded",
            "change one of these:",
            "  every 500 steps        2 steps: 4 atlases, 50 s of one background core, 2.0 MB",
            "  fewer samples          to measure them, run this command with another --samples",
        ]
