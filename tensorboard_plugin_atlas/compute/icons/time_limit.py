# SPDX-License-Identifier: Apache-2.0
"""A limit on the time for the icons of an atlas."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class TimeLimit:
    """A limit on seconds, counted from its creation.

    Attributes:
        seconds: The limit, or None for none.
        clock: A monotonic clock, in seconds.
        was_reached: Whether a check found that the time was over.
    """

    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    was_reached: bool = False
    _start: float = field(init=False)
    _seconds_each: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._start = self.clock()

    def get_seconds_left(self) -> float:
        """Returns the seconds left, infinity without a limit; below 0 after it."""
        if self.seconds is None:
            return math.inf
        return self.seconds - (self.clock() - self._start)

    def is_over(self) -> bool:
        """Returns whether the time is over."""
        self.was_reached = self.was_reached or self.get_seconds_left() <= 0
        return self.was_reached

    def choose_count(self, most: int) -> int:
        """Returns how many items fit the time left, at most `most`; 0 if the time is over.

        It is 1 until `add_batch` has reported how long an item takes.
        """
        if self.seconds is None:
            return most
        if self.is_over():
            return 0
        if self._seconds_each is None:
            return 1
        count = min(most, int(self.get_seconds_left() / max(self._seconds_each, 1e-9)))
        self.was_reached = count == 0
        return count

    def add_batch(self, count: int, seconds: float) -> None:
        """Reports that the last `count` items took `seconds`."""
        self._seconds_each = seconds / count
