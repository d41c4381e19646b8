# SPDX-License-Identifier: Apache-2.0
"""Creates recorders, which compute atlases in a worker process or in the training loop."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from torch import nn

from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import (
    ArgumentError,
    WorkerError,
    describe_error,
)
from tensorboard_plugin_atlas.logs.sinks import Sink
from tensorboard_plugin_atlas.writer.atlas_cost import CostMeter
from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger
from tensorboard_plugin_atlas.writer.inline_recorder import InlineRecorder
from tensorboard_plugin_atlas.writer.record_options import RecordOptions
from tensorboard_plugin_atlas.writer.snapshot_queue import UnfinishedSteps
from tensorboard_plugin_atlas.writer.worker_device import Hardware

WORKERS: Final = ("process", "inline")


class Recorder(Protocol):
    """Interface of `BackgroundRecorder` and `InlineRecorder`.

    Attributes:
        where: Where atlases are computed, for messages.
        probe: The images and positions that are sampled at every logged step.
    """

    where: str
    probe: Probe

    @property
    def waiting(self) -> int:
        """Number of steps that were added and are not finished."""

    @property
    def fault(self) -> str | None:
        """Why this recorder cannot record any step, or None."""

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped] = ()
    ) -> int | None:
        """Records a step; returns the step that it replaced in the queue, or None."""

    def pop_failures(self) -> list[WorkerError]:
        """Returns the errors since the last call that `record` did not raise."""

    def flush(self) -> None:
        """Waits until all added steps are on disk."""

    def close(self, timeout: float | None) -> UnfinishedSteps:
        """Flushes for at most `timeout` seconds and closes; returns the steps not logged."""


def check_worker(worker: object, max_pending: object, budget: object) -> None:
    """Checks the arguments `worker`, `max_pending`, and `budget`.

    Raises:
        ArgumentError: if one of them cannot be used.
    """
    if worker not in WORKERS:
        raise ArgumentError(f"worker={worker!r:.40}: pass 'process' or 'inline'")
    if not isinstance(max_pending, int) or not 1 <= max_pending <= 64:
        raise ArgumentError(f"max_pending={max_pending!r:.40}: pass an integer from 1 to 64")
    if budget is not None and not (isinstance(budget, (int, float)) and 0 < budget <= 1):
        raise ArgumentError(
            f"budget={budget!r:.40}: pass a share of the run time above 0 and up to 1, such as 0.02"
        )


def make_background_recorder(
    model: nn.Module,
    probe: Probe,
    layers: tuple[str, ...],
    config: AtlasConfig,
    sink: Sink,
    *,
    max_pending: int,
    meter: CostMeter,
    baselines: Mapping[str, Atlas],
    records: RecordOptions,
    hardware: Hardware,
) -> Recorder:
    """Returns a recorder that computes atlases in a worker process.

    Raises:
        ArgumentError: if the model, the log, or the platform does not support it; the message
            gives the reason.
    """
    location = sink.location
    if location is None:
        raise ArgumentError("the SummaryWriter does not reveal its log directory")
    if location.startswith("memory:"):
        raise ArgumentError(f"{location} can be written by this process only")
    if os.name != "posix":
        raise ArgumentError("this platform does not support POSIX shared memory")
    if not sys.executable or getattr(sys, "frozen", False):
        raise ArgumentError("this program contains its own Python, which cannot be run separately")
    pickle.dumps(records)  # the user's functions may not allow it
    # Imported here, since platforms without fork and file descriptors cannot import it.
    from tensorboard_plugin_atlas.writer.background_recorder import BackgroundRecorder

    where = location if "://" in location else os.path.abspath(location)  # noqa: PTH100 - text
    try:
        return BackgroundRecorder(
            model,
            probe,
            layers,
            config,
            where,
            max_pending=max_pending,
            meter=meter,
            baselines=baselines,
            records=records,
            hardware=hardware,
        )
    except ArgumentError:
        raise
    except OSError as error:
        raise ArgumentError(f"there is no memory for a copy of the model ({error})") from error
    except Exception as error:  # for example, no thread can be started
        raise ArgumentError(f"no process can be used ({describe_error(error)})") from error


def make_inline_recorder(
    probe: Probe,
    layers: tuple[str, ...],
    config: AtlasConfig,
    sink: Sink,
    *,
    meter: CostMeter,
    baselines: Mapping[str, Atlas],
    records: RecordOptions,
) -> Recorder:
    """Returns a recorder that computes atlases in the training loop."""
    pipeline = AtlasPipeline(probe, layers, config, baselines=baselines)
    return InlineRecorder(AtlasLogger(pipeline, sink, records), meter)
