# SPDX-License-Identifier: Apache-2.0
"""Types of the messages between the training process and its worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import WorkerError
from tensorboard_plugin_atlas.writer.atlas_cost import AtlasCost
from tensorboard_plugin_atlas.writer.model_pickle import Structure
from tensorboard_plugin_atlas.writer.record_options import RecordOptions
from tensorboard_plugin_atlas.writer.worker_device import Hardware


@dataclass(frozen=True)
class Setup:
    """First message to a worker; the file descriptor of the probe's images follows.

    Attributes:
        location: Directory or URL of the event files.
        layers: Dotted module names.
        config: Settings of the atlases.
        probe: The probe without its images.
        baselines: Atlas of another run for each layer; the first map is aligned with it.
        records: Optional records of each step, and how the model is called.
        hardware: What the worker computes on.
    """

    location: str
    layers: tuple[str, ...]
    config: AtlasConfig
    probe: Probe
    baselines: Mapping[str, Atlas]
    records: RecordOptions
    hardware: Hardware = Hardware()


@dataclass(frozen=True)
class Ready:
    """Reply to `Setup`: the worker has imported its modules; no model has run in it yet."""


@dataclass(frozen=True)
class Job:
    """One step to compute atlases of; the file descriptor of its slot follows.

    Attributes:
        step: Global step.
        wall_time: Seconds since the epoch.
        skipped: Steps that were skipped since the last atlas.
        structure: The model, or None if it is the one that was sent last.
        is_urgent: Whether the training process waits for it, so that it runs at normal priority.
    """

    step: int
    wall_time: float
    skipped: tuple[Skipped, ...]
    structure: Structure | None
    is_urgent: bool = False


@dataclass(frozen=True)
class Done:
    """Reply to a completed job.

    Attributes:
        atlases: Cost of each atlas.
        seconds: Wall time of the whole job.
        cpu_seconds: CPU time of the whole job.
        failures: Errors in optional records.
    """

    atlases: tuple[AtlasCost, ...]
    seconds: float
    cpu_seconds: float
    failures: tuple[WorkerError, ...] = ()


@dataclass(frozen=True)
class Failed:
    """Reply to a job that raised an exception.

    Attributes:
        message: Type and text of the exception.
        place: File and line where it was raised.
        is_permanent: Whether the worker cannot rebuild the model, so that other jobs fail, too.
    """

    message: str
    place: str
    is_permanent: bool
