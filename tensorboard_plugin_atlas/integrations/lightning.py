# SPDX-License-Identifier: Apache-2.0
"""`AtlasCallback` for the `Trainer` of PyTorch Lightning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorboard_plugin_atlas.compute.random_state import preserve_random_state
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error
from tensorboard_plugin_atlas.integrations.training_session import TrainingSession, make_timing
from tensorboard_plugin_atlas.schedule import Schedule

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError:
    from pytorch_lightning import Callback, LightningModule, Trainer


class AtlasCallback(Callback):  # type: ignore[misc]
    """Logs activation atlases next to the scalars of a `TensorBoardLogger`.

    The `forward` of the module must accept a batch of images; otherwise, pass `forward=`. A run
    that is resumed from a checkpoint continues its maps. A `fast_dev_run` is not logged.

    Args:
        layers: Dotted module names, such as `["backbone.layer3"]`. None chooses them.
        probe: The images of the atlases, as for `AtlasWriter`. None uses the validation set.
        every_n_steps: Log at every n-th `trainer.global_step`.
        every_n_epochs: Log at the end of every n-th epoch.
        at_checkpoints: Log whenever Lightning saves a checkpoint.
        schedule: Log at these steps. By default, `Schedule.log_spaced()`.
        weights: "model", or "ema" for those of a callback such as `EMAWeightAveraging`.
        log_dir: Directory of the run. None uses that of the `TensorBoardLogger`.
        options: Other arguments of `AtlasWriter`, such as `config` and `classes`.

    Raises:
        ArgumentError: if more than one of the arguments for when to log is passed.
    """

    def __init__(
        self,
        layers: Sequence[str] | None = None,
        probe: Any = None,
        *,
        every_n_steps: int | None = None,
        every_n_epochs: int | None = None,
        at_checkpoints: bool = False,
        schedule: Schedule | None = None,
        weights: str = "model",
        log_dir: Any = None,
        **options: Any,
    ) -> None:
        if weights not in ("model", "ema"):
            raise ArgumentError(f"weights={weights!r:.40}: pass 'model' or 'ema'")
        timing = make_timing(every_n_steps, every_n_epochs, at_checkpoints, schedule)
        self._session = TrainingSession(timing, {"layers": layers, **options})
        self._probe, self._weights, self._log_dir = probe, weights, log_dir
        self._loss: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Creates the writer; a `fast_dev_run` is not logged."""
        if getattr(trainer, "fast_dev_run", False):
            self._session.skip("fast_dev_run")
            return
        model = pl_module if self._weights == "model" else _find_average(trainer)
        probe = _find_validation_set(trainer, pl_module) if self._probe is None else self._probe
        log_dir = _find_log_dir(trainer) if self._log_dir is None else self._log_dir
        self._session.start(log_dir, model, trainer.global_step, probe=probe)

    def on_train_batch_end(self, trainer: Trainer, _: Any, outputs: Any, *__: Any) -> None:
        """Keeps the loss."""
        self._loss = outputs.get("loss") if isinstance(outputs, dict) else outputs

    def on_train_batch_start(self, trainer: Trainer, _: Any, batch: Any, batch_idx: int) -> None:
        """Logs an atlas if it was due after the last step, when all weights are averaged."""
        if batch_idx == 0 and trainer.current_epoch:
            self._session.end_epoch(trainer.current_epoch, trainer.global_step)
        self._session.end_step(trainer.global_step, self._loss)

    def on_save_checkpoint(self, trainer: Trainer, *_: Any) -> None:
        """Logs an atlas if atlases are logged with checkpoints."""
        self._session.save_checkpoint(trainer.global_step)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Logs the final state and closes the writer."""
        self._session.finish(trainer.global_step)

    def on_exception(self, *_: Any) -> None:
        """Closes the writer soon."""
        self._session.abort()


def _find_log_dir(trainer: Trainer) -> str:
    # By name, since the packages lightning and pytorch_lightning have a class each.
    loggers = [one for one in trainer.loggers if type(one).__name__ == "TensorBoardLogger"]
    return str(loggers[0].log_dir if loggers else trainer.log_dir or trainer.default_root_dir)


def _find_average(trainer: Trainer) -> Any:
    for callback in trainer.callbacks:
        if getattr(callback, "_average_model", None) is not None:
            return callback._average_model
    missing = "weights='ema': the trainer has no callback that averages weights"
    raise ArgumentError(f"{missing}; add EMAWeightAveraging(), or pass weights='model'")


def _find_validation_set(trainer: Trainer, module: LightningModule) -> Any:
    found = trainer.val_dataloaders
    if found is None:  # no validation has run yet
        try:
            with preserve_random_state():
                found = (trainer.datamodule or module).val_dataloader()
        except Exception as error:  # Lightning's own class, if there is none
            missing = f"probe=None: there is no validation set ({summarize_error(error)})"
            raise ArgumentError(f"{missing}; pass probe=val_set") from error
    while isinstance(found, (list, tuple, dict)):
        found = next(iter(found.values() if isinstance(found, dict) else found))
    return found
