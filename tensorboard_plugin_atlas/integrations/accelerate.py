# SPDX-License-Identifier: Apache-2.0
"""`make_atlas_writer` for training loops with Hugging Face Accelerate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelerate import Accelerator
from torch import nn

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.writer.atlas_writer import AtlasWriter


def make_atlas_writer(
    accelerator: Accelerator,
    model: nn.Module,
    layers: Sequence[str] | None = None,
    *,
    probe: Any,
    log_dir: Any = None,
    **options: Any,
) -> AtlasWriter:
    """Returns an `AtlasWriter` for a prepared model, to be called on every process.

    The model can be wrapped for distributed training, compilation, or mixed precision. Its atlases
    are computed in the precision of the parameters.

    Args:
        accelerator: The accelerator that prepared the model.
        model: The prepared model.
        layers: Dotted module names. None chooses them.
        probe: The images of the atlases, as for `AtlasWriter`.
        log_dir: Directory of the run. None uses that of the accelerator's "tensorboard" tracker, or
            else its logging directory.
        options: Other arguments of `AtlasWriter`, such as `schedule` and `classes`.

    Raises:
        ArgumentError: if there is no directory to log to, or an argument cannot be used.

    Examples:
        >>> atlas = make_atlas_writer(accelerator, model, probe=val_set)       # doctest: +SKIP
        >>> atlas.step(step)                                                   # doctest: +SKIP
    """
    if log_dir is None:
        log_dir = _find_log_dir(accelerator)
    return AtlasWriter(log_dir, accelerator.unwrap_model(model), layers, probe=probe, **options)


def _find_log_dir(accelerator: Accelerator) -> Any:
    for tracker in accelerator.trackers:
        # On other processes than the first, a tracker has no writer, and none is needed.
        if tracker.name == "tensorboard":
            return getattr(tracker, "writer", tracker.logging_dir_param)
    folder = accelerator.project_configuration.logging_dir
    if folder is None:
        raise ArgumentError(
            'log_dir=None: there is no tracker; pass log_dir="runs/exp1", or create '
            'Accelerator(log_with="tensorboard", project_dir="runs") and call init_trackers first'
        )
    return folder
