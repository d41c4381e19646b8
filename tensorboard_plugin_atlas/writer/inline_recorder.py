# SPDX-License-Identifier: Apache-2.0
"""A recorder that works in the training loop itself, which waits until each atlas is in the log."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.errors import WorkerError
from tensorboard_plugin_atlas.writer.checkpoint_logger import CheckpointLogger
from tensorboard_plugin_atlas.writer.cost import CostMeter
from tensorboard_plugin_atlas.writer.snapshot_queue import NOTHING_LOST, Lost


@contextlib.contextmanager
def _own_settings() -> Iterator[None]:
    """Lets go of what the loop has set for its own sake.

    It may have numpy raise, where NaN and infinity are what has to be shown, and be in the middle
    of a block under autocast.
    """
    with np.errstate(all="ignore"), torch.autocast("cpu", enabled=False):
        yield


class InlineRecorder:
    """Records checkpoints where it is called; the same surface as `BackgroundRecorder`.

    Args:
        recorder: Does the work.
        meter: Is told what it costs.
    """

    waiting = 0
    fault = None

    def __init__(self, recorder: CheckpointLogger, meter: CostMeter) -> None:
        self._recorder = recorder
        self._meter = meter

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped] = ()
    ) -> None:
        """Logs the atlases of a checkpoint; whatever goes wrong with them is raised."""
        self._meter.begin()
        cpu = time.process_time()
        try:
            with _own_settings():
                costs = self._recorder.record(model, step, wall_time, skipped)
        except BaseException:
            self._meter.end()
            raise
        self._meter.end(costs, cpu_seconds=time.process_time() - cpu)

    def take_failures(self) -> list[WorkerError]:
        """Returns what went wrong beside the atlases, for which `record` raises at once."""
        return self._recorder.take_failures()

    def flush(self) -> None:
        """Makes everything recorded durable."""
        self._recorder.flush()

    def close(self, timeout: float | None) -> Lost:
        """Flushes and closes the log; nothing can be lost."""
        self._recorder.close()
        return NOTHING_LOST
