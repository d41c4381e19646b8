# SPDX-License-Identifier: Apache-2.0
"""What all integrations share: one writer for one training run, and when it logs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.number_arguments import to_int
from tensorboard_plugin_atlas.schedule import Schedule, StepTimer
from tensorboard_plugin_atlas.writer.atlas_writer import AtlasWriter
from tensorboard_plugin_atlas.writer.snapshot_queue import EXIT_SECONDS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """When a trainer's callback logs atlases: by steps, by epochs, or with its checkpoints.

    Attributes:
        schedule: Steps, or None if atlases are not logged by steps.
        every_n_epochs: Interval in epochs, or None.
        at_checkpoints: Whether to log whenever the trainer saves a checkpoint.
    """

    schedule: Schedule | None
    every_n_epochs: int | None
    at_checkpoints: bool


def make_timing(
    every_n_steps: int | None = None,
    every_n_epochs: int | None = None,
    at_checkpoints: bool = False,
    schedule: Schedule | None = None,
    *,
    has_loss: bool = True,
) -> Timing:
    """Returns when to log; by default, at the steps of `Schedule.log_spaced()`.

    Args:
        every_n_steps: Interval in steps.
        every_n_epochs: Interval in epochs.
        at_checkpoints: Whether to log whenever the trainer saves a checkpoint.
        schedule: Steps to log at.
        has_loss: Whether the trainer passes the loss to its callbacks.

    Raises:
        ArgumentError: if more than one argument is given, one is out of range, or the schedule
            needs a loss that the trainer does not pass.
    """
    given = {
        "every_n_steps": every_n_steps,
        "every_n_epochs": every_n_epochs,
        "at_checkpoints": at_checkpoints or None,
        "schedule": schedule,
    }
    names = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ArgumentError(f"{' and '.join(names)}: pass one of them")
    if every_n_steps is not None:
        if to_int("every_n_steps", every_n_steps) < 1:
            raise ArgumentError(f"every_n_steps={every_n_steps}: pass at least 1")
        schedule = Schedule.every(every_n_steps)
    elif every_n_epochs is not None:
        if to_int("every_n_epochs", every_n_epochs) < 1:
            raise ArgumentError(f"every_n_epochs={every_n_epochs}: pass at least 1")
    elif not at_checkpoints and schedule is None:
        schedule = Schedule.log_spaced()
    if schedule is not None and schedule.needs_loss and not has_loss:
        raise ArgumentError(
            f"schedule={schedule}: the trainer does not pass the loss to callbacks; pass "
            "Schedule.every(...) or another schedule whose steps are known in advance"
        )
    return Timing(schedule, every_n_epochs, bool(at_checkpoints))


class TrainingSession:
    """Logs the atlases of one training run; a trainer's callback passes its events on to it.

    The writer is created when training starts, so that wrong arguments stop a run at its beginning.
    The initial and the final state are logged with every timing, except with a schedule of steps
    that leaves out step 0, and except for a run that ends with an exception.

    Args:
        timing: When to log.
        options: Keyword arguments of `AtlasWriter`; they replace what `start` finds.
    """

    def __init__(self, timing: Timing, options: Mapping[str, Any]) -> None:
        self._timing = timing
        self._options = dict(options)
        self._writer: AtlasWriter | None = None
        self._timer: StepTimer | None = None
        self._ended_step: int | None = None
        self._logged_step: int | None = None

    def skip(self, kind: str) -> None:
        """Says that a run of this kind is not logged; without `start`, other calls do nothing."""
        logger.info("%s logs no atlases", kind)

    def start(self, log_dir: Any, model: nn.Module, step: int, **found: Any) -> None:
        """Creates the writer and logs the initial state.

        Args:
            log_dir: Directory of the run, or its `SummaryWriter`.
            model: The model to log.
            step: 0, or the step of the checkpoint from which training is resumed. Logged atlases of
                later steps become void; those up to it are continued.
            found: Arguments of `AtlasWriter` that the trainer knows, such as `classes`.
        """
        purge_step = step + 1 if step else 0
        schedule = self._timing.schedule
        options = {"purge_step": purge_step, "schedule": schedule, **found, **self._options}
        self._writer = AtlasWriter(log_dir, model, **options)
        self._timer = None if schedule is None else schedule.make_timer()
        self._ended_step, self._logged_step = step, step if step else None
        is_due = not step
        if self._timer is not None and schedule is not None and not schedule.needs_loss:
            is_due = self._timer.is_due(step)
        if is_due:
            self.log(step)

    def end_step(self, step: int, loss: Any = None) -> None:
        """Logs an atlas if it is due by the schedule. Calls that repeat a step are ignored."""
        if self._writer is None or self._timer is None or step == self._ended_step:
            return
        self._ended_step = step
        try:
            is_due = self._timer.is_due(step, loss, is_busy=self._writer.is_busy())
        except ArgumentError as error:  # training goes on
            self._timer = None
            logger.warning("no more atlases are logged by the schedule: %s", error)
        else:
            if is_due:
                self.log(step)

    def end_epoch(self, epochs: int, step: int) -> None:
        """Logs an atlas if it is due after this number of epochs."""
        every = self._timing.every_n_epochs
        if every is not None and epochs % every == 0:
            self.log(step)

    def save_checkpoint(self, step: int) -> None:
        """Logs an atlas if atlases are logged with checkpoints."""
        if self._timing.at_checkpoints:
            self.log(step)

    def log(self, step: int) -> None:
        """Logs an atlas, once for each step."""
        if self._writer is not None and step != self._logged_step:
            self._writer.add_atlas(step)
            self._logged_step = step

    def finish(self, step: int) -> None:
        """Logs the final state, waits for unfinished atlases, and closes the writer."""
        if self._writer is not None:
            self._writer.wait_for_room()
            self.log(step)
            self._writer.close()
        self._writer = self._timer = None

    def abort(self) -> None:
        """Closes the writer soon, after an exception."""
        if self._writer is not None:
            self._writer.close(EXIT_SECONDS)
        self._writer = self._timer = None
