# SPDX-License-Identifier: Apache-2.0
"""Plans the atlases of a training run: cost, skipped steps, and cheaper settings."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tensorboard_plugin_atlas.writer.atlas_cost import Forecast, format_duration, format_size

MAX_PENDING: Final = 2
"""Default of `AtlasWriter(max_pending=...)`."""

_CHEAPER_ICONS: Final = {
    "poster": {"inversion": 0.5, "preview": 0.125, "examples": 0.0},
    "inversion": {"preview": 0.25, "examples": 0.0},
    "preview": {"examples": 0.0},
}
"""Kind of icons -> cheaper kinds, with upper bounds of their time relative to it."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training run.

    Attributes:
        steps: Number of steps, which count from 0.
        steps_per_second: Steps of the training loop per second.
    """

    steps: int
    steps_per_second: float

    @property
    def seconds(self) -> float:
        """Duration of the run."""
        return self.steps / self.steps_per_second


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """Cost of the atlases of all layers at one step.

    Attributes:
        atlases: Their number.
        seconds: CPU seconds.
        icon_seconds: CPU seconds of rendering icons.
        bytes: Size in the log.
    """

    atlases: int
    seconds: float
    icon_seconds: float
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What atlases may cost.

    Attributes:
        seconds: CPU seconds, or None for no limit.
        bytes: Size of the log, or None for no limit.
    """

    seconds: float | None = None
    bytes: float | None = None

    def most_steps(self, cost: StepCost) -> float:
        """Returns the largest number of steps with atlases."""
        limits = [
            limit / each
            for limit, each in ((self.seconds, cost.seconds), (self.bytes, cost.bytes))
            if limit is not None and each
        ]
        return min(limits, default=math.inf)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The atlases of a run.

    Attributes:
        due: The steps at which atlases are requested.
        skipped: Those that are not logged, since the queue of the worker is full.
        cost: Cost of one step.
        training: The run.
    """

    due: tuple[int, ...]
    skipped: tuple[int, ...]
    cost: StepCost
    training: Training

    @property
    def logged(self) -> int:
        """Number of steps with atlases."""
        return len(self.due) - len(self.skipped)

    @property
    def forecast(self) -> Forecast:
        """Cost of all atlases."""
        count, each = self.logged, self.cost
        return Forecast(count * each.atlases, count * each.seconds, count * each.bytes)

    @property
    def shortest_interval(self) -> float:
        """Shortest time between two due steps in seconds; infinity for a single one."""
        pairs = zip(self.due, self.due[1:], strict=False)
        steps = min((after - before for before, after in pairs), default=math.inf)
        return steps / self.training.steps_per_second

    def fits(self, budget: Budget) -> bool:
        """Returns whether all due steps are logged and the cost is within the budget."""
        return not self.skipped and self.logged <= budget.most_steps(self.cost)


@dataclass(frozen=True)
class Change:
    """A change of settings, and the plan that results.

    Attributes:
        text: The setting.
        plan: The plan with it.
    """

    text: str
    plan: Plan


def make_plan(due: Sequence[int], training: Training, cost: StepCost) -> Plan:
    """Plans the atlases of a run.

    Args:
        due: The steps at which atlases are requested, ascending.
        training: The run.
        cost: Cost of one step.
    """
    times = [step / training.steps_per_second for step in due]
    skipped = tuple(due[index] for index in _find_skipped(times, cost.seconds))
    return Plan(due=tuple(due), skipped=skipped, cost=cost, training=training)


def _find_skipped(times: Sequence[float], seconds: float) -> list[int]:
    """Simulates the queue of the worker; returns the indices of the snapshots that it skips.

    As in `SnapshotQueue`, a snapshot that finds the queue full replaces the newest one in it.

    Args:
        times: When snapshots are added, in seconds, ascending.
        seconds: How long the worker is busy with each.
    """
    skipped: list[int] = []
    pending: deque[int] = deque()
    free_at = -math.inf
    for index, now in enumerate(times):
        while pending and free_at <= now:
            pending.popleft()
            free_at += seconds
        if free_at <= now:
            free_at = now + seconds
            continue
        if len(pending) == MAX_PENDING:
            skipped.append(pending.pop())
        pending.append(index)
    return skipped


def find_changes(plan: Plan, budget: Budget, icons: str) -> Iterator[Change]:
    """Yields changes of one setting, each of which is enough: all steps are logged, in the budget.

    Args:
        plan: The plan to change.
        budget: What atlases may cost.
        icons: Kind of icons in the plan.
    """
    interval = find_interval(plan.training, plan.cost, budget)
    if interval is not None:
        due = range(0, plan.training.steps, interval)
        yield Change(f"every {interval:,} steps", make_plan(due, plan.training, plan.cost))
    for kind, share in _CHEAPER_ICONS.get(icons, {}).items():
        saved = (1 - share) * plan.cost.icon_seconds
        cost = dataclasses.replace(plan.cost, seconds=plan.cost.seconds - saved)
        cheaper = make_plan(plan.due, plan.training, cost)
        if cheaper.fits(budget):
            yield Change(f'icons="{kind}"', cheaper)


def find_interval(training: Training, cost: StepCost, budget: Budget) -> int | None:
    """Returns the smallest round number of steps between atlases at which a plan fits.

    Args:
        training: The run.
        cost: Cost of one step.
        budget: What atlases may cost.

    Returns:
        The interval, rounded up to two digits; None if the budget is less than two steps cost.
    """
    most = budget.most_steps(cost)
    if most < 2:
        return None
    last = training.steps - 1
    by_budget = 1 if math.isinf(most) else last // math.floor(most) + 1
    by_worker = math.ceil(cost.seconds * training.steps_per_second)
    interval = max(by_budget, by_worker, 1)
    unit = int(10 ** max(len(str(interval)) - 2, 0))
    return -(-interval // unit) * unit


def describe_plan(plan: Plan, budget: Budget, icons: str) -> list[str]:
    """Returns lines that describe a plan, and what to change if it does not fit.

    Args:
        plan: The plan.
        budget: What atlases may cost.
        icons: Kind of icons in the plan.
    """
    forecast, run = plan.forecast, plan.training.seconds
    share = forecast.seconds / run
    lines = [
        f"plan: atlases at {plan.logged:,} of {plan.training.steps:,} steps: {forecast}",
        f"time: {share:.1%} of the {format_duration(run)} of training, on another core",
        f"worker: {_describe_worker(plan)}",
        *_describe_budget(forecast, budget),
    ]
    if not plan.fits(budget):
        lines += _describe_changes(plan, budget, icons)
    return lines


def _describe_worker(plan: Plan) -> str:
    seconds = format_duration(plan.cost.seconds)
    if not plan.skipped:
        return f"keeps up; it takes {seconds} a step"
    return (
        f"skips {len(plan.skipped):,} of {len(plan.due):,} steps, the last at step "
        f"{plan.skipped[-1]:,}; it takes {seconds} a step, and the next one is due after "
        f"{format_duration(plan.shortest_interval)}"
    )


def _describe_budget(forecast: Forecast, budget: Budget) -> Iterator[str]:
    if budget.seconds is not None:
        used, limit = format_duration(forecast.seconds), format_duration(budget.seconds)
        yield _mark_excess(f"budget: {used} of {limit}", forecast.seconds > budget.seconds)
    if budget.bytes is not None:
        used, limit = format_size(forecast.bytes), format_size(budget.bytes)
        yield _mark_excess(f"budget: {used} of {limit}", forecast.bytes > budget.bytes)


def _mark_excess(text: str, is_exceeded: bool) -> str:
    return f"{text}, exceeded" if is_exceeded else text


def _describe_changes(plan: Plan, budget: Budget, icons: str) -> Iterator[str]:
    yield "change one of these:"
    for change in find_changes(plan, budget, icons):
        yield f"  {change.text:22} {change.plan.logged:,} steps: {change.plan.forecast}"
    yield f"  {'fewer samples':22} to measure them, run this command with another --samples"
