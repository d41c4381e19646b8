# SPDX-License-Identifier: Apache-2.0
"""What the training process and its worker say to each other, over a socket that only they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import WorkerError
from tensorboard_plugin_atlas.writer.cost import AtlasCost
from tensorboard_plugin_atlas.writer.model_structure import Structure
from tensorboard_plugin_atlas.writer.options import Extras


@dataclass(frozen=True)
class Setup:
    """What a worker is told first; the descriptor of the probe's images follows.

    Attributes:
        location: Directory or URL of the event files.
        layers: Dotted module names.
        config: The recipe.
        probe: The probe, its images left out.
        baselines: Layer to the atlas of another run on whose map it is laid out first.
        extras: What to make of a checkpoint beside the atlases.
    """

    location: str
    layers: tuple[str, ...]
    config: AtlasConfig
    probe: Probe
    baselines: Mapping[str, Atlas]
    extras: Extras


@dataclass(frozen=True)
class Ready:
    """The worker has imported what it needs and read its setup; no model has run in it yet."""


@dataclass(frozen=True)
class Job:
    """One checkpoint to make atlases of; the descriptor of its slot follows.

    Attributes:
        step: Global step.
        wall_time: Seconds since the epoch.
        skipped: Checkpoints asked for since the last one and not computed.
        structure: The model, where it is not the one that was sent last.
    """

    step: int
    wall_time: float
    skipped: tuple[Skipped, ...]
    structure: Structure | None


@dataclass(frozen=True)
class Done:
    """The answer to a job whose atlases are in the log.

    Attributes:
        atlases: What each of them cost.
        seconds: Wall time of the whole job.
        cpu_seconds: Processor time of it.
        failures: What was asked for beside the atlases and went wrong.
    """

    atlases: tuple[AtlasCost, ...]
    seconds: float
    cpu_seconds: float
    failures: tuple[WorkerError, ...] = ()


@dataclass(frozen=True)
class Failed:
    """The answer to a job that raised.

    Attributes:
        message: Type and text of the exception.
        place: File and line where it was raised.
        is_for_good: No model like this one can be rebuilt in the worker.
    """

    message: str
    place: str
    is_for_good: bool
