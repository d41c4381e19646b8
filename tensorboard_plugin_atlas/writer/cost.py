# SPDX-License-Identifier: Apache-2.0
"""What atlases cost: measured one by one, added up, and foretold for a long run."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tensorboard_plugin_atlas.writer.fork_lock import renew_locks_in_children


@dataclass(frozen=True)
class AtlasCost:
    """What the atlas of one layer at one step cost, or what was asked for beside it.

    Attributes:
        layer: Dotted module name.
        seconds: Wall time of computing and writing it.
        bytes: Size in the log.
        is_atlas: False for what was asked for beside the atlases, such as shortcuts.
    """

    layer: str
    seconds: float
    bytes: int
    is_atlas: bool = True


@dataclass(frozen=True)
class Forecast:
    """What a number of atlases will cost if they are like the ones so far.

    Attributes:
        atlases: How many, counted per layer and step.
        seconds: Time of one core.
        bytes: Size in the log.
    """

    atlases: int
    seconds: float
    bytes: float

    def __str__(self) -> str:
        return (
            f"{self.atlases:,} atlases, {_duration(self.seconds)} of one background core, "
            f"{_size(self.bytes)}"
        )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What an `AtlasWriter` has cost so far.

    Attributes:
        atlases: Atlases finished, counted per layer and step.
        seconds: Time that computing and writing them took, shortcuts included.
        cpu_seconds: Processor time of it.
        bytes: Their size in the log, with that of shortcuts.
        calls: Calls of `add_atlas`.
        skipped: Calls whose atlases are not made: the worker was busy, the budget spent, or it
            failed.
        loop_seconds: Time that the training loop has spent inside these calls.
        run_seconds: Time since the writer was made.
    """

    atlases: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes: int = 0
    calls: int = 0
    skipped: int = 0
    loop_seconds: float = 0.0
    run_seconds: float = 0.0

    @property
    def share(self) -> float:
        """Share of the run time during which an atlas was being made."""
        return self.seconds / self.run_seconds if self.run_seconds else 0.0

    def forecast(self, atlases: int) -> Forecast:
        """Foretells the cost of `atlases` more; all zero before the first one is finished."""
        mean = 1 / self.atlases if self.atlases else 0.0
        return Forecast(atlases, self.cpu_seconds * mean * atlases, self.bytes * mean * atlases)

    def each(self) -> str:
        """Returns the mean cost of an atlas in words; there must be one."""
        seconds, size = self.seconds / self.atlases, self.bytes / self.atlases
        return f"≈ {_duration(seconds)} and {_size(size)} an atlas"

    def __str__(self) -> str:
        calls = f"{self.calls:,} calls, {self.skipped:,} skipped"
        if not self.atlases:
            return f"no atlas finished yet; {calls}"
        return (
            f"{self.each()}; {self.atlases:,} atlases, {calls}, {self.share:.1%} of the run; "
            f"the loop waited {_duration(self.loop_seconds)}"
        )


class CostMeter:
    """Adds up costs and keeps a budget; thread safe.

    Args:
        budget: Share of the run time that atlases may take, or None for no bound.
        clock: Returns seconds that only rise.
    """

    def __init__(
        self, budget: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.budget = budget
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._began: float | None = None
        self._checkpoints = 0
        self._cost = Cost()
        renew_locks_in_children(self)

    def renew_locks(self) -> None:
        """Lets a forked child count, whatever the other threads were doing at the fork."""
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Says that a checkpoint is being worked on from now on."""
        with self._lock:
            self._began = self._clock()

    def interrupt(self) -> None:
        """Says that the work on a checkpoint has to wait; its time so far is not counted."""
        with self._lock:
            self._began = None

    def end(
        self,
        atlases: Sequence[AtlasCost] = (),
        seconds: float | None = None,
        cpu_seconds: float = 0.0,
    ) -> None:
        """Says that this work is over, and what came of it.

        Args:
            atlases: The atlases that were made, and what was made beside them; only its seconds
                and bytes count.
            seconds: How long it took, where the time since `begin` holds more than that.
            cpu_seconds: Processor time.
        """
        with self._lock:
            seconds = self._running() if seconds is None else seconds
            self._began = None
            self._checkpoints += 1
            self._add(
                atlases=sum(atlas.is_atlas for atlas in atlases),
                seconds=seconds,
                cpu_seconds=cpu_seconds,
                bytes=sum(atlas.bytes for atlas in atlases),
            )

    def add_call(self, seconds: float) -> None:
        """Counts one call of the loop, which took `seconds` of its time."""
        with self._lock:
            self._add(calls=1, loop_seconds=seconds)

    def add_skipped(self, count: int = 1) -> None:
        """Counts checkpoints that are not worked on."""
        with self._lock:
            self._add(skipped=count)

    def affords_another(self, waiting: int) -> bool:
        """Tells whether one more checkpoint is within the budget.

        Args:
            waiting: Checkpoints that are accepted and not finished.
        """
        if self.budget is None:
            return True
        with self._lock:
            if waiting and not self._checkpoints:
                return False
            each = self._cost.seconds / max(self._checkpoints, 1)
            spent = self._cost.seconds + max(waiting * each, self._running())
            return spent <= self.budget * (self._clock() - self._start)

    def cost(self) -> Cost:
        """Returns what was added up so far."""
        with self._lock:
            return dataclasses.replace(self._cost, run_seconds=self._clock() - self._start)

    def _running(self) -> float:
        return 0.0 if self._began is None else self._clock() - self._began

    def _add(self, **amounts: float) -> None:
        sums = {name: getattr(self._cost, name) + amount for name, amount in amounts.items()}
        self._cost = dataclasses.replace(self._cost, **sums)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _size(count: float) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"
