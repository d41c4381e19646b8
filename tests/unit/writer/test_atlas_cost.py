# SPDX-License-Identifier: Apache-2.0
"""Costs with known sums, and the budget, with a clock that the test advances."""

from __future__ import annotations

import pytest

from tensorboard_plugin_atlas.writer.atlas_cost import AtlasCost, Cost, CostMeter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def spend(meter, clock, seconds, size=1000):
    meter.begin()
    clock.now += seconds
    meter.end([AtlasCost("a", seconds / 2, size), AtlasCost("b", seconds / 2, size)])


def test_what_is_added_up(clock):
    meter = CostMeter(clock=clock)
    for _ in range(3):
        meter.add_call(0.5)
    meter.count_skips()
    spend(meter, clock, 8)
    meter.begin()
    clock.now += 50
    meter.end([AtlasCost("a", 2, 600)], seconds=2, cpu_seconds=1.5)  # the rest is startup time
    clock.now += 42
    assert meter.cost() == Cost(
        atlases=3,
        seconds=10,
        cpu_seconds=1.5,
        bytes=2600,
        calls=3,
        skipped=1,
        loop_seconds=1.5,
        run_seconds=100,
    )
    assert meter.cost().share == 0.1


def test_the_cost_of_the_first_atlases(clock):
    meter = CostMeter(clock=clock)
    one = AtlasCost("a", 50, 900_000, icon_seconds=30.0, attribution_seconds=8.0)
    meter.end([one], seconds=50, cpu_seconds=42.0)
    assert meter.cost().describe_first("in a background process with low priority") == (
        "the first atlas took 42 s of CPU time (icons 30 s, attribution 8 s), in a background "
        "process with low priority. At this rate: 100 atlases, 70 min of one background core, "
        "90.0 MB"
    )
    meter.end([one, AtlasCost("shortcuts", 1, 0, is_atlas=False)], seconds=50, cpu_seconds=42.0)
    assert meter.cost().describe_first("here").startswith("the first 2 atlases took 84 s of CPU")
    plain = CostMeter(clock=clock)
    plain.end([AtlasCost("a", 2, 600)], seconds=2, cpu_seconds=1.5)
    assert "took 1.5 s of CPU time, here." in plain.cost().describe_first("here")


def test_the_sentence():
    cost = Cost(
        atlases=4,
        seconds=160,
        cpu_seconds=160,
        bytes=8_400_000,
        calls=3,
        skipped=1,
        loop_seconds=0.0123,
        run_seconds=1600,
    )
    assert str(cost) == (
        "≈ 40 s and 2.1 MB an atlas; 4 atlases, 3 calls, 1 skipped, 10.0% of the run; "
        "the loop waited 0.012 s"
    )
    assert str(cost.forecast(300)) == "300 atlases, 3.3 h of one background core, 630.0 MB"
    assert str(Cost(calls=2)) == "no atlas finished yet; 2 calls, 0 skipped"
    assert Cost().share == 0
    assert Cost().forecast(7).seconds == 0


class TestBudget:
    def test_without_one_everything_is_afforded(self, clock):
        meter = CostMeter(clock=clock)
        spend(meter, clock, 1e6)
        assert meter.can_afford(9)

    def test_the_first_is_always_afforded_and_the_next_when_its_share_has_passed(self, clock):
        meter = CostMeter(0.1, clock)
        assert meter.can_afford(0)
        spend(meter, clock, 10)
        clock.now += 89
        assert not meter.can_afford(0)
        clock.now += 1
        assert meter.can_afford(0)

    def test_nothing_is_afforded_while_the_first_is_under_way(self, clock):
        meter = CostMeter(1.0, clock)
        assert not meter.can_afford(1)
        meter.begin()
        clock.now += 1000
        assert not meter.can_afford(1)

    def test_those_that_wait_count_as_much_as_the_mean(self, clock):
        meter = CostMeter(0.5, clock)
        spend(meter, clock, 10)
        clock.now += 40
        assert meter.can_afford(1)  # 10 + 10 of 25
        assert not meter.can_afford(2)  # 10 + 20 of 25

    def test_one_that_takes_longer_than_usual_counts_as_long_as_it_takes(self, clock):
        meter = CostMeter(0.5, clock)
        spend(meter, clock, 10)
        clock.now += 30
        meter.begin()
        clock.now += 60
        assert not meter.can_afford(1)  # 10 + 60 of 50

    @pytest.mark.parametrize("budget", [0.02, 0.1, 0.5])
    def test_a_long_run_ends_near_its_budget(self, clock, budget):
        meter = CostMeter(budget, clock)
        for _ in range(20_000):
            clock.now += 1
            if meter.can_afford(0):
                spend(meter, clock, 3)
        assert meter.cost().share == pytest.approx(budget, rel=0.02)
