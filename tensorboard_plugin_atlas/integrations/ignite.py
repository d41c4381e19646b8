# SPDX-License-Identifier: Apache-2.0
"""`AtlasHandler` for the engines of PyTorch Ignite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from tensorboard_plugin_atlas.integrations.training_session import TrainingSession, make_timing
from tensorboard_plugin_atlas.schedule import Schedule


class AtlasHandler:
    """Logs activation atlases of a model while an engine trains it.

    Steps are those of `engine.state.iteration`. To log averaged weights, pass the `ema_model` of
    Ignite's `EMAHandler` as `model`.

    Args:
        log_dir_or_logger: Directory of the run, or Ignite's `TensorboardLogger`.
        model: The model; it may be wrapped in DistributedDataParallel.
        layers: Dotted module names. None chooses them.
        probe: The images of the atlases, as for `AtlasWriter`.
        every_n_steps: Log at every n-th iteration.
        every_n_epochs: Log at the end of every n-th epoch.
        schedule: Log at these iterations. By default, `Schedule.log_spaced()`.
        options: Other arguments of `AtlasWriter`, such as `config` and `classes`.

    Raises:
        ArgumentError: if more than one of the arguments for when to log is passed.

    Examples:
        >>> AtlasHandler(tb_logger, model, probe=val_set).attach(trainer)      # doctest: +SKIP
    """

    def __init__(
        self,
        log_dir_or_logger: Any,
        model: nn.Module,
        layers: Sequence[str] | None = None,
        *,
        probe: Any,
        every_n_steps: int | None = None,
        every_n_epochs: int | None = None,
        schedule: Schedule | None = None,
        **options: Any,
    ) -> None:
        timing = make_timing(every_n_steps, every_n_epochs, schedule=schedule)
        self._session = TrainingSession(timing, {"layers": layers, "probe": probe, **options})
        self._log_dir = getattr(log_dir_or_logger, "writer", log_dir_or_logger)
        self._model = model

    def attach(self, trainer: Engine) -> None:
        """Adds the handlers to an engine that trains the model.

        Args:
            trainer: The engine. Its `output` must be the loss for `Schedule.when_loss_falls`.
        """
        # There is no handler of EXCEPTION_RAISED: with one, Ignite no longer raises the exception.
        trainer.add_event_handler(Events.STARTED, self._start)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._end_step)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)
        trainer.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Logs an atlas now; add this object to any event, such as one that saves a checkpoint."""
        self._session.log(engine.state.iteration)

    def close(self) -> None:
        """Closes the writer of a run that ended with an exception."""
        self._session.abort()

    def _start(self, engine: Engine) -> None:
        self._session.start(self._log_dir, self._model, engine.state.iteration)

    def _end_step(self, engine: Engine) -> None:
        self._session.end_step(engine.state.iteration, engine.state.output)

    def _end_epoch(self, engine: Engine) -> None:
        self._session.end_epoch(engine.state.epoch, engine.state.iteration)

    def _finish(self, engine: Engine) -> None:
        self._session.finish(engine.state.iteration)
