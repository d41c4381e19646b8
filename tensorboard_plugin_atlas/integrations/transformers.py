# SPDX-License-Identifier: Apache-2.0
"""`AtlasCallback` for the `Trainer` of Hugging Face Transformers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerState, TrainingArguments

from tensorboard_plugin_atlas.integrations.training_session import TrainingSession, make_timing
from tensorboard_plugin_atlas.log_names import CHILD_RUN
from tensorboard_plugin_atlas.schedule import Schedule


class AtlasCallback(TrainerCallback):  # type: ignore[misc]
    """Logs activation atlases next to the scalars that `Trainer` logs to TensorBoard.

    Class names come from `model.config.id2label`, and the normalization from the image processor,
    if it was passed to `Trainer(processing_class=...)`.

    Args:
        layers: Dotted module names. None chooses them.
        probe: The images of the atlases, such as the trainer's `eval_dataset`; see `AtlasWriter`.
        every_n_steps: Log at every n-th `state.global_step`.
        every_n_epochs: Log at the end of every n-th epoch.
        at_checkpoints: Log whenever `Trainer` saves a checkpoint.
        schedule: Log at these steps. By default, `Schedule.log_spaced()`.
        log_dir: Directory of the run. None uses that of the trainer's TensorBoard callback.
        options: Other arguments of `AtlasWriter`, such as `config`.

    Raises:
        ArgumentError: if more than one of the arguments for when to log is passed, or the schedule
            needs the loss, which `Trainer` does not pass to callbacks.
    """

    def __init__(
        self,
        layers: Sequence[str] | None = None,
        *,
        probe: Any,
        every_n_steps: int | None = None,
        every_n_epochs: int | None = None,
        at_checkpoints: bool = False,
        schedule: Schedule | None = None,
        log_dir: Any = None,
        **options: Any,
    ) -> None:
        timing = make_timing(
            every_n_steps, every_n_epochs, at_checkpoints, schedule, has_loss=False
        )
        self._session = TrainingSession(timing, {"layers": layers, "probe": probe, **options})
        self._log_dir = log_dir

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, *_: Any, **objects: Any
    ) -> None:
        """Creates the writer and logs the initial state."""
        model = objects.get("model")
        if model is not None:
            self._session.start(
                _find_log_dir(args) if self._log_dir is None else self._log_dir,
                model,
                state.global_step,
                classes=_find_classes(model),
                normalize=_find_normalize(objects),
            )

    def on_step_end(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
        """Logs an atlas if it is due after this step."""
        self._session.end_step(state.global_step)

    def on_epoch_end(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
        """Logs an atlas if it is due after this epoch."""
        self._session.end_epoch(round(state.epoch or 0), state.global_step)

    def on_save(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
        """Logs an atlas if atlases are logged with checkpoints."""
        self._session.save_checkpoint(state.global_step)

    def on_train_end(self, args: Any, state: TrainerState, *_: Any, **__: Any) -> None:
        """Logs the final state and closes the writer."""
        self._session.finish(state.global_step)


def _find_log_dir(args: TrainingArguments) -> str:
    """Returns the directory of the event file that the trainer's callback just created.

    Without that callback, a new directory: the newest one may be that of an earlier run.
    """
    given = getattr(args, "logging_dir", None) or os.environ.get("TENSORBOARD_LOGGING_DIR")
    if given:  # version 4, or the environment variable of version 5
        return os.path.expanduser(given)  # noqa: PTH111 - may be a URL
    runs = Path(args.output_dir, "runs")
    if "tensorboard" not in (args.report_to or ()):
        return str(runs / time.strftime("%b%d_%H-%M-%S"))
    files = [file for file in runs.rglob("events.out.tfevents.*") if file.parent.name != CHILD_RUN]
    newest = max(files, key=lambda file: file.stat().st_mtime, default=None)
    return str(runs if newest is None else newest.parent)


def _find_classes(model: nn.Module) -> list[str] | None:
    names = getattr(getattr(model, "config", None), "id2label", None)
    if not names or all(str(name).startswith("LABEL_") for name in names.values()):
        return None  # the default names of a configuration without names
    return [str(names[index]) for index in sorted(names, key=int)]


def _find_normalize(objects: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Returns the mean and standard deviation of the image processor, if there is one."""
    for name in ("processing_class", "image_processor", "tokenizer"):
        processor = objects.get(name)
        processor = getattr(processor, "image_processor", processor)  # of a multimodal processor
        if processor is not None and getattr(processor, "do_normalize", False):
            return processor.image_mean, processor.image_std
    return None
