# SPDX-License-Identifier: Apache-2.0
"""Schedules: the steps of a training run at which atlases are logged."""

from __future__ import annotations

import bisect
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, SupportsFloat

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.number_arguments import to_int

_LOSS_INTERVAL: Final = 10
"""The loss is read at every tenth call: on a GPU, reading it waits for the step."""
_LOSS_WEIGHT: Final = 0.2
"""Weight of the newest loss in the running mean."""


class Schedule(ABC):
    """The steps at which atlases are logged; pass one to `AtlasWriter(schedule=...)`.

    Networks learn most in early training. `log_spaced`, the default, therefore logs often at
    first, and then at intervals that grow with the step. While the writer is busy, its due
    atlases wait for a later step, so that none is skipped; so do those of `when_loss_falls`.

    Examples:
        >>> Schedule.log_spaced().steps(200)
        (0, 10, 15, 22, 34, 51, 76, 114, 171)
        >>> Schedule.every(500, start=100).steps(1_200)
        (100, 600, 1100)
        >>> Schedule.at([0, 50, 1000]).steps(1_200)
        (0, 50, 1000)
    """

    @staticmethod
    def log_spaced(start: int = 10, factor: float = 1.5) -> Schedule:
        """Returns step 0, `start`, and then each step `factor` times as large as the one before.

        Args:
            start: The first step after 0.
            factor: Ratio of two consecutive steps, larger than 1. With 1.5, there are about six
                atlases in each power of ten.

        Raises:
            ArgumentError: if an argument is out of range.
        """
        if to_int("start", start) < 1:
            raise ArgumentError(f"start={start}: pass a step of at least 1")
        if not isinstance(factor, SupportsFloat) or not 1 < float(factor) <= 1e6:
            raise ArgumentError(f"factor={factor!r:.40}: pass a number above 1, such as 1.5")
        return _LogSpaced(start, float(factor))

    @staticmethod
    def every(n: int, start: int = 0) -> Schedule:
        """Returns every `n`-th step from `start` on.

        Raises:
            ArgumentError: if `n` is less than 1 or `start` is negative.
        """
        if to_int("n", n) < 1:
            raise ArgumentError(f"n={n}: pass a number of steps of at least 1")
        if to_int("start", start) < 0:
            raise ArgumentError(f"start={start}: pass a step of at least 0")
        return _Every(n, start)

    @staticmethod
    def at(steps: Iterable[int]) -> Schedule:
        """Returns the given steps, such as the milestones of a learning rate schedule.

        Raises:
            ArgumentError: if there are none, or one is not an integer of at least 0.
        """
        if not isinstance(steps, Iterable) or isinstance(steps, (str, bytes)):
            raise ArgumentError(f"steps={steps!r:.40}: pass a list of steps, such as [0, 100]")
        chosen = tuple(sorted({to_int("steps", step) for step in steps}))
        if not chosen or chosen[0] < 0:
            raise ArgumentError(f"steps={chosen!r:.40}: pass one or more steps of at least 0")
        return _At(chosen)

    @staticmethod
    def when_loss_falls(by: float = 0.1) -> Schedule:
        """Logs the first step, and again whenever the loss has fallen by this share since then.

        The loss is passed to `AtlasWriter.step(step, loss)`. It is read at every tenth call, and a
        running mean of it is compared.

        Args:
            by: Share of the loss at the last atlas, in (0, 1).

        Raises:
            ArgumentError: if `by` is out of range.
        """
        if not isinstance(by, SupportsFloat) or not 0 < float(by) < 1:
            raise ArgumentError(f"by={by!r:.40}: pass a share between 0 and 1, such as 0.1")
        return _WhenLossFalls(float(by))

    @property
    @abstractmethod
    def needs_loss(self) -> bool:
        """Whether the steps depend on the loss."""

    @property
    @abstractmethod
    def can_wait(self) -> bool:
        """Whether a due atlas is logged later if the writer is busy, instead of being skipped."""

    @abstractmethod
    def steps(self, last: int) -> tuple[int, ...]:
        """Returns all steps of the schedule up to and including `last`.

        Raises:
            ArgumentError: if they depend on the loss.
        """

    @abstractmethod
    def make_timer(self) -> StepTimer:
        """Returns an object that decides at each step of one training run."""


def check_schedule(schedule: object, is_sharded: bool) -> Schedule:
    """Returns the schedule of a writer; None is the default.

    Args:
        schedule: The user's argument.
        is_sharded: Whether all ranks of a sharded model must log the same steps.

    Raises:
        ArgumentError: if it is not a schedule, or cannot be used with a sharded model.
    """
    if schedule is None:
        return Schedule.log_spaced()
    if not isinstance(schedule, Schedule):
        raise ArgumentError(
            f"schedule={schedule!r:.80}: pass a Schedule, such as Schedule.every(500)"
        )
    if schedule.needs_loss and is_sharded:
        raise ArgumentError(
            f"schedule={schedule!r}: the ranks of a sharded model have different losses, and must "
            "log the same steps; pass Schedule.every(500) or another schedule of steps"
        )
    return schedule


class StepTimer(ABC):
    """Decides for each step of a training run whether an atlas is due.

    Args:
        can_wait: As in the schedule.
    """

    def __init__(self, can_wait: bool) -> None:
        self._can_wait = can_wait
        self._is_waiting = False

    def is_due(self, step: int, loss: object = None, *, is_busy: bool = False) -> bool:
        """Returns whether to log an atlas now.

        Args:
            step: Current step, larger than in the last call.
            loss: Current loss, a number or a tensor with one element.
            is_busy: Whether the writer would have to skip an atlas.

        Raises:
            ArgumentError: if the schedule needs a loss and gets none.
        """
        self._is_waiting |= self._reaches(step, loss)
        if not self._is_waiting or (is_busy and self._can_wait):
            return False
        self._is_waiting = False
        return True

    @abstractmethod
    def _reaches(self, step: int, loss: object) -> bool:
        """Returns whether a step of the schedule was reached since the last call."""


class _StepSchedule(Schedule):
    """A schedule of steps that are known in advance."""

    needs_loss = False
    can_wait = False

    @abstractmethod
    def next_after(self, step: int) -> int | None:
        """Returns the first step of the schedule after `step`, or None if there is none."""

    def steps(self, last: int) -> tuple[int, ...]:
        found, step = [], self.next_after(-1)
        while step is not None and step <= last:
            found.append(step)
            step = self.next_after(step)
        return tuple(found)

    def make_timer(self) -> StepTimer:
        return _StepScheduleTimer(self)


@dataclass(frozen=True)
class _LogSpaced(_StepSchedule):
    start: int
    factor: float

    can_wait = True

    def next_after(self, step: int) -> int | None:
        if step < 0:
            return 0
        exact, found = float(self.start), self.start
        while found <= step:
            exact *= self.factor
            found = max(found + 1, round(exact))
        return found


@dataclass(frozen=True)
class _Every(_StepSchedule):
    n: int
    start: int

    def next_after(self, step: int) -> int | None:
        return self.start + max((step - self.start) // self.n + 1, 0) * self.n


@dataclass(frozen=True)
class _At(_StepSchedule):
    chosen: tuple[int, ...]

    def next_after(self, step: int) -> int | None:
        index = bisect.bisect_right(self.chosen, step)
        return self.chosen[index] if index < len(self.chosen) else None


@dataclass(frozen=True)
class _WhenLossFalls(Schedule):
    by: float

    needs_loss = True
    can_wait = True

    def steps(self, last: int) -> tuple[int, ...]:
        raise ArgumentError(
            f"schedule={self}: its steps depend on the loss; pass Schedule.every(...) or another "
            "schedule whose steps are known in advance"
        )

    def make_timer(self) -> StepTimer:
        return _LossTimer(self.by)


class _StepScheduleTimer(StepTimer):
    """Compares steps with those of a schedule.

    In a loop that calls at every third step, the first call at or after each step is due.
    """

    def __init__(self, schedule: _StepSchedule) -> None:
        super().__init__(schedule.can_wait)
        self._schedule = schedule
        self._next: int | None = None
        self._is_started = False

    def _reaches(self, step: int, loss: object) -> bool:
        del loss
        if not self._is_started:  # a resumed run begins later; steps before it are not due
            self._is_started, self._next = True, self._schedule.next_after(step - 1)
        if self._next is None or step < self._next:
            return False
        self._next = self._schedule.next_after(step)
        return True


class _LossTimer(StepTimer):
    """Compares a running mean of the loss with its value at the last atlas."""

    def __init__(self, by: float) -> None:
        super().__init__(can_wait=True)
        self._by = by
        self._calls = 0
        self._mean: float | None = None
        self._at_last_atlas: float | None = None

    def _reaches(self, step: int, loss: object) -> bool:
        if not isinstance(loss, SupportsFloat):
            raise ArgumentError(
                f"loss={loss!r:.40}: Schedule.when_loss_falls needs the loss; pass "
                "atlas.step(step, loss)"
            )
        self._calls += 1
        if self._calls % _LOSS_INTERVAL != 1:
            return False
        value = _to_float(loss)
        if not math.isfinite(value):
            return False
        mean = value if self._mean is None else self._mean + _LOSS_WEIGHT * (value - self._mean)
        self._mean = mean
        last = self._at_last_atlas
        if last is not None and mean > last - self._by * abs(last):
            return False
        self._at_last_atlas = mean
        return True


def _to_float(loss: SupportsFloat) -> float:
    """Converts a loss; a tensor with a gradient is detached, since torch warns otherwise."""
    detach = getattr(loss, "detach", None)
    return float(loss if detach is None else detach())
