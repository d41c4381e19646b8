# SPDX-License-Identifier: Apache-2.0
"""A recorder that computes atlases in the training loop, which waits until they are logged."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.errors import WorkerError
from tensorboard_plugin_atlas.writer.atlas_cost import CostMeter
from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger
from tensorboard_plugin_atlas.writer.snapshot_queue import NO_UNFINISHED_STEPS, UnfinishedSteps


@contextlib.contextmanager
def use_default_settings() -> Iterator[None]:
    """Disables settings of the training loop: numpy's error handling and autocast.

    If the loop has numpy raise on NaN or infinity, activations with such values could not be shown.
    """
    with np.errstate(all="ignore"), torch.autocast("cpu", enabled=False):
        yield


class InlineRecorder:
    """Records steps in the calling thread; same interface as `BackgroundRecorder`.

    Args:
        atlas_logger: Computes and writes the atlases.
        meter: Adds up the cost.
    """

    waiting = 0
    fault = None
    where = "in the training loop, which waits for it"

    def __init__(self, atlas_logger: AtlasLogger, meter: CostMeter) -> None:
        self._logger = atlas_logger
        self.probe = atlas_logger.probe
        self._meter = meter

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped] = ()
    ) -> None:
        """Logs the atlases of a step; any error in them is raised."""
        self._meter.begin()
        cpu = time.process_time()
        try:
            with use_default_settings():
                costs = self._logger.record(model, step, wall_time, skipped)
        except BaseException:
            self._meter.end()
            raise
        self._meter.end(costs, cpu_seconds=time.process_time() - cpu)

    def pop_failures(self) -> list[WorkerError]:
        """Returns the errors in optional records; `record` raises those in atlases."""
        return self._logger.pop_failures()

    def flush(self) -> None:
        """Flushes all records to disk."""
        self._logger.flush()

    def close(self, timeout: float | None) -> UnfinishedSteps:
        """Flushes and closes the log; no step is left unfinished."""
        self._logger.close()
        return NO_UNFINISHED_STEPS
