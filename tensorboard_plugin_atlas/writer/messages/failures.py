# SPDX-License-Identifier: Apache-2.0
"""Reports failures of the writer as warnings and log records, without ever raising."""

from __future__ import annotations

import contextlib
import inspect
import logging
import warnings
from typing import Final

from tensorboard_plugin_atlas.errors import WorkerError, describe_error, find_location
from tensorboard_plugin_atlas.writer.snapshot_queue import NO_UNFINISHED_STEPS, UnfinishedSteps

logger = logging.getLogger(__name__)

_PACKAGE: Final = __name__.partition(".")[0]


class FailureReporter:
    """Shows the first failure as a warning, and each later kind of failure once in the log."""

    def __init__(self) -> None:
        self._reported: set[tuple[object, ...]] = set()
        self._has_failed = False

    def report(self, call: str, error: Exception) -> None:
        """Warns about the first failure; logs later ones, repeated ones at level INFO.

        Args:
            call: Name of the method that failed.
            error: What it raised, or what a worker process reported.
        """
        source: tuple[object, ...]
        if isinstance(error, WorkerError):
            message, source = f"AtlasWriter: {error}", ("worker", error.location)
        else:
            message = f"AtlasWriter: {call} failed: {describe_error(error)}"
            source = (type(error), find_location(error))
        if source in self._reported:
            log(logging.INFO, message)
        elif self._has_failed:
            log(logging.WARNING, message)
        else:
            warn(f"{message}. Training is not affected; pass strict=True to raise such errors")
        self._reported.add(source)
        self._has_failed = True

    def warn_once(self, topic: str, message: str) -> None:
        """Shows one warning per topic, for events that are not errors even with `strict`."""
        if (topic,) not in self._reported:
            self._reported.add((topic,))
            warn(message)


def warn(message: str) -> None:
    """Warns at the line of user code that called this package; logs if warnings raise."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=level)
    except Exception:  # a filter turned it into an error, or there is no stderr
        log(logging.WARNING, message)


def log(level: int, message: str) -> None:
    """Logs a message; what the user's log handlers raise is ignored."""
    with contextlib.suppress(Exception):
        logger.log(level, message)


def describe_inline_fallback(
    reason: object, unfinished: UnfinishedSteps = NO_UNFINISHED_STEPS
) -> str:
    """Returns the warning that atlases are computed in the training loop.

    Args:
        reason: Why no worker process can be used.
        unfinished: Steps that could not be logged.
    """
    skipped_text = f"; {unfinished} could not be logged" if unfinished.steps else ""
    return (
        f"AtlasWriter: worker='process' is not possible: {reason}{skipped_text}. Atlases are "
        "computed in the training loop instead, which waits for each, often for a minute; pass "
        "worker='inline' to silence this warning"
    )
