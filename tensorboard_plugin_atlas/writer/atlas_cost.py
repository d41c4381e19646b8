# SPDX-License-Identifier: Apache-2.0
"""Cost of atlases in time and bytes: measured, summed, and extrapolated to a long run."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tensorboard_plugin_atlas.writer.fork_safety import renew_locks_in_children

EXPENSIVE_SECONDS: Final = 60.0
"""CPU seconds of an atlas from which on a user should know its cost."""

_FORECAST_ATLASES: Final = 100
_SMALLEST_PART: Final = 0.01
"""Share of the CPU time from which on a stage is named."""


@dataclass(frozen=True)
class AtlasCost:
    """Cost of one atlas of one layer, or of an optional record such as shortcuts.

    Attributes:
        layer: Dotted module name.
        seconds: Wall time of computing and writing it.
        bytes: Size in the log.
        is_atlas: False for an optional record that is not an atlas.
        icon_seconds: CPU time of rendering its icons.
        attribution_seconds: CPU time of computing its attribution.
    """

    layer: str
    seconds: float
    bytes: int
    is_atlas: bool = True
    icon_seconds: float = 0.0
    attribution_seconds: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """Expected cost of a number of atlases, extrapolated from the mean so far.

    Attributes:
        atlases: Number of atlases, one per layer and step.
        seconds: CPU seconds.
        bytes: Size in the log.
    """

    atlases: int
    seconds: float
    bytes: float

    def __str__(self) -> str:
        return (
            f"{self.atlases:,} atlases, {format_duration(self.seconds)} of one background core, "
            f"{format_size(self.bytes)}"
        )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of an `AtlasWriter` so far.

    Attributes:
        atlases: Number of finished atlases, one per layer and step.
        seconds: Wall time of computing and writing them, including shortcuts.
        cpu_seconds: CPU time of the same.
        icon_seconds: CPU time of rendering icons, except those of class atlases.
        attribution_seconds: CPU time of computing attribution, except that of class atlases.
        bytes: Size in the log, including shortcuts.
        calls: Number of calls of `add_atlas`.
        skipped: Number of calls without atlases: the worker was busy, the budget was spent, or an
            error occurred.
        loop_seconds: Time that the training loop has spent in these calls.
        run_seconds: Time since the writer was created.
    """

    atlases: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    icon_seconds: float = 0.0
    attribution_seconds: float = 0.0
    bytes: int = 0
    calls: int = 0
    skipped: int = 0
    loop_seconds: float = 0.0
    run_seconds: float = 0.0

    @property
    def share(self) -> float:
        """Fraction of the run time spent on computing atlases, from 0 to 1."""
        return self.seconds / self.run_seconds if self.run_seconds else 0.0

    def forecast(self, atlases: int) -> Forecast:
        """Extrapolates to the cost of `atlases` more; zero before the first one is finished."""
        mean = 1 / self.atlases if self.atlases else 0.0
        return Forecast(atlases, self.cpu_seconds * mean * atlases, self.bytes * mean * atlases)

    def describe_mean(self) -> str:
        """Returns the mean cost of an atlas as text; at least one must be finished."""
        seconds, size = self.seconds / self.atlases, self.bytes / self.atlases
        return f"≈ {format_duration(seconds)} and {format_size(size)} an atlas"

    def describe_first(self, where: str) -> str:
        """Returns the cost of the first atlases as text; at least one must be finished.

        Args:
            where: Where atlases are computed, such as "in the training loop".
        """
        parts = {"icons": self.icon_seconds, "attribution": self.attribution_seconds}
        known = [
            f"{part} {format_duration(seconds)}"
            for part, seconds in parts.items()
            if seconds > _SMALLEST_PART * self.cpu_seconds
        ]
        first = "atlas" if self.atlases == 1 else f"{self.atlases:,} atlases"
        return (
            f"the first {first} took {format_duration(self.cpu_seconds)} of CPU time"
            f"{' (' + ', '.join(known) + ')' if known else ''}, {where}. At this rate: "
            f"{self.forecast(_FORECAST_ATLASES)}"
        )

    def __str__(self) -> str:
        calls = f"{self.calls:,} calls, {self.skipped:,} skipped"
        if not self.atlases:
            return f"no atlas finished yet; {calls}"
        return (
            f"{self.describe_mean()}; {self.atlases:,} atlases, {calls}, {self.share:.1%} of the "
            f"run; the loop waited {format_duration(self.loop_seconds)}"
        )


class CostMeter:
    """Sums costs and compares them with a budget. Thread safe.

    Args:
        budget: Share of the run time that atlases may take, or None for no limit.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self, budget: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.budget = budget
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._began: float | None = None
        self._steps = 0
        self._cost = Cost()
        renew_locks_in_children(self)

    def renew_locks(self) -> None:
        """Replaces the lock in a forked child, where another thread may have held it."""
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Starts the time of a step."""
        with self._lock:
            self._began = self._clock()

    def interrupt(self) -> None:
        """Stops the time of a step that has to wait, and discards it."""
        with self._lock:
            self._began = None

    def end(
        self,
        atlases: Sequence[AtlasCost] = (),
        seconds: float | None = None,
        cpu_seconds: float = 0.0,
    ) -> None:
        """Ends the time of a step and adds its cost.

        Args:
            atlases: Costs of its atlases and optional records.
            seconds: Wall time; None is the time since `begin`.
            cpu_seconds: CPU time.
        """
        with self._lock:
            seconds = self._measure_time() if seconds is None else seconds
            self._began = None
            self._steps += 1
            self._add(
                atlases=sum(atlas.is_atlas for atlas in atlases),
                seconds=seconds,
                cpu_seconds=cpu_seconds,
                icon_seconds=sum(atlas.icon_seconds for atlas in atlases),
                attribution_seconds=sum(atlas.attribution_seconds for atlas in atlases),
                bytes=sum(atlas.bytes for atlas in atlases),
            )

    def add_call(self, seconds: float) -> None:
        """Counts one call from the training loop that took `seconds`."""
        with self._lock:
            self._add(calls=1, loop_seconds=seconds)

    def count_skips(self, count: int = 1) -> None:
        """Counts skipped steps."""
        with self._lock:
            self._add(skipped=count)

    def can_afford(self, waiting: int) -> bool:
        """Returns whether one more step is within the budget.

        Args:
            waiting: Number of steps that were added and are not finished.
        """
        if self.budget is None:
            return True
        with self._lock:
            if waiting and not self._steps:
                return False
            each = self._cost.seconds / max(self._steps, 1)
            spent = self._cost.seconds + max(waiting * each, self._measure_time())
            return spent <= self.budget * (self._clock() - self._start)

    def cost(self) -> Cost:
        """Returns the sums so far."""
        with self._lock:
            return dataclasses.replace(self._cost, run_seconds=self._clock() - self._start)

    def _measure_time(self) -> float:
        return 0.0 if self._began is None else self._clock() - self._began

    def _add(self, **amounts: float) -> None:
        sums = {name: getattr(self._cost, name) + amount for name, amount in amounts.items()}
        self._cost = dataclasses.replace(self._cost, **sums)


def format_duration(seconds: float) -> str:
    """Returns seconds, minutes, or hours as text, with two digits or more."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def format_size(count: float) -> str:
    """Returns bytes as text in kB, MB, or GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"
