# SPDX-License-Identifier: Apache-2.0
"""Choosing where atlases are made: in a process of their own, or in the loop where that fails."""

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
    summarize_error,
)
from tensorboard_plugin_atlas.logs.sinks import Sink
from tensorboard_plugin_atlas.writer.checkpoint_logger import CheckpointLogger
from tensorboard_plugin_atlas.writer.cost import CostMeter
from tensorboard_plugin_atlas.writer.inline_recorder import InlineRecorder
from tensorboard_plugin_atlas.writer.options import Extras
from tensorboard_plugin_atlas.writer.snapshot_queue import Lost

WORKERS: Final = ("process", "inline")


class Recorder(Protocol):
    """What the writer asks of a recorder, wherever it works."""

    @property
    def waiting(self) -> int:
        """Checkpoints that are accepted and not finished."""

    @property
    def fault(self) -> str | None:
        """Why no model like this can be recorded here, once that is known."""

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped] = ()
    ) -> int | None:
        """Records a checkpoint; returns the step that is skipped for it, or None."""

    def take_failures(self) -> list[WorkerError]:
        """Returns what went wrong elsewhere since the last call."""

    def flush(self) -> None:
        """Waits until everything recorded is durable."""

    def close(self, timeout: float | None) -> Lost:
        """Flushes within `timeout` seconds, if given, and ends; returns what was lost."""


def check_worker(worker: object, max_pending: object, budget: object) -> None:
    """Checks the arguments that say where and how much is worked.

    Raises:
        ArgumentError: if one of them cannot be used.
    """
    if worker not in WORKERS:
        raise ArgumentError(f"worker={worker!r:.40}: pass 'process' or 'inline'")
    if not isinstance(max_pending, int) or not 1 <= max_pending <= 64:
        raise ArgumentError(f"max_pending={max_pending!r:.40}: pass a whole number from 1 to 64")
    if budget is not None and not (isinstance(budget, (int, float)) and 0 < budget <= 1):
        raise ArgumentError(
            f"budget={budget!r:.40}: pass a share of the run time above 0 and up to 1, such as 0.02"
        )


def background_recorder(
    model: nn.Module,
    probe: Probe,
    layers: tuple[str, ...],
    config: AtlasConfig,
    sink: Sink,
    *,
    max_pending: int,
    meter: CostMeter,
    baselines: Mapping[str, Atlas],
    extras: Extras,
) -> Recorder:
    """Returns a recorder with a process of its own.

    Raises:
        ArgumentError: if this model, log or platform does not allow it; the message says why.
    """
    location = sink.location
    if location is None:
        raise ArgumentError("the SummaryWriter does not say where it writes")
    if location.startswith("memory:"):
        raise ArgumentError(f"what is written to {location} stays in this process")
    if os.name != "posix":
        raise ArgumentError("this platform does not let two processes share memory as we need it")
    if not sys.executable or getattr(sys, "frozen", False):
        raise ArgumentError("this program holds its own Python, which no other process can run")
    try:
        pickle.dumps(extras)
    except Exception as error:  # of whatever the user's function holds
        raise ArgumentError(f"output cannot be sent there ({summarize_error(error)})") from error
    # Only here, since a platform without fork and file descriptors could not even import it.
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
            extras=extras,
        )
    except ArgumentError:
        raise
    except OSError as error:
        raise ArgumentError(f"there is no room for a copy of the model ({error})") from error
    except Exception as error:  # no thread can be started, say
        raise ArgumentError(f"no process can be used ({describe_error(error)})") from error


def inline_recorder(
    probe: Probe,
    layers: tuple[str, ...],
    config: AtlasConfig,
    sink: Sink,
    *,
    meter: CostMeter,
    baselines: Mapping[str, Atlas],
    extras: Extras,
) -> Recorder:
    """Returns a recorder that works in the loop."""
    pipeline = AtlasPipeline(probe, layers, config, baselines=baselines)
    return InlineRecorder(CheckpointLogger(pipeline, sink, extras), meter)
