# SPDX-License-Identifier: Apache-2.0
"""`build_atlases`: makes the atlases of a finished run from its checkpoints."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.checkpoints.build_plan import plan_build
from tensorboard_plugin_atlas.checkpoints.checkpoint_files import (
    CheckpointFile,
    PathLike,
    find_checkpoints,
)
from tensorboard_plugin_atlas.checkpoints.model_weights import MODEL_WEIGHTS, load_weights
from tensorboard_plugin_atlas.compute.argument_checks import (
    check_model_and_config,
    explain_model_errors,
)
from tensorboard_plugin_atlas.compute.model.interface import (
    Forward,
    ModelInterface,
    check_interface,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import ReadOutput
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError, describe_error
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.logs.sinks import Sink, make_sink
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.writer.checkpoint_logger import CheckpointLogger
from tensorboard_plugin_atlas.writer.cost import Cost, CostMeter
from tensorboard_plugin_atlas.writer.extra_records import ExtraRecords
from tensorboard_plugin_atlas.writer.hardware import check_hardware
from tensorboard_plugin_atlas.writer.inline_recorder import InlineRecorder
from tensorboard_plugin_atlas.writer.layer_arguments import choose_layers


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """Result of `build_atlases`.

    Attributes:
        location: Directory of the atlases, `<log_dir>/atlas`.
        layers: Dotted module names.
        built: Steps whose atlases were made by this call.
        logged: Steps whose atlases were in the log before.
        cost: Cost of the new atlases.
    """

    location: str
    layers: tuple[str, ...]
    built: tuple[int, ...]
    logged: tuple[int, ...]
    cost: Cost


def build_atlases(
    checkpoints: PathLike | Iterable[PathLike],
    model: nn.Module,
    log_dir: PathLike,
    layers: Sequence[str] | None = None,
    *,
    probe: Any,
    classes: Sequence[str] | None = None,
    normalize: Any = None,
    config: AtlasConfig | None = None,
    weights: str = MODEL_WEIGHTS,
    step_pattern: str | None = None,
    force: bool = False,
    output: ReadOutput | Literal[False] | None = None,
    forward: Forward | None = None,
    prototypes: Tensor | NDArray[Any] | str | None = None,
    threads: int = 1,
    progress: bool = True,
) -> BuildResult:
    """Logs the atlases of a finished run from its checkpoints.

    The log is the one that an `AtlasWriter` with the same arguments would have written during
    training. If this call is interrupted, call it again: checkpoints that are in the log are
    skipped.

    Checkpoints may be files of `torch.save` (a state dict, alone or under a key such as "model" or
    "state_dict", also of Lightning and timm) or safetensors, folders of Hugging Face
    ("checkpoint-500"), or folders of `torch.distributed.checkpoint`. Only tensors and plain values
    are unpickled. A prefix that all names share, such as "module.", is removed.

    Args:
        checkpoints: Paths or glob patterns, such as "ckpts/*.pt".
        model: The model, on the device to compute on. The weights of each checkpoint are loaded
            into it, so that it has those of the last one afterwards.
        log_dir: The run's directory. Atlases go to its child run `atlas`.
        layers: Dotted module names, as for `AtlasWriter`.
        probe: Dataset, DataLoader, or (images, labels), as the model takes them.
        classes: As for `AtlasWriter`.
        normalize: As for `AtlasWriter`.
        config: Settings of the atlases.
        weights: "model" for the weights that were trained, "ema" for their moving average, or the
            key of a state dict in the checkpoints.
        step_pattern: Regular expression that finds the step in the path of a checkpoint, such as
            "epoch([0-9]+)". None uses the step that all checkpoints state, or else the number in
            their names, or else the epoch that they state.
        force: Hide all atlases that the log already has, and make them again.
        output: As for `AtlasWriter`.
        forward: As for `AtlasWriter`.
        prototypes: As for `AtlasWriter`; "labels" uses the first checkpoint.
        threads: Number of CPU threads.
        progress: Whether to show a progress bar on a terminal.

    Returns:
        The steps that were built and those that were skipped.

    Raises:
        ArgumentError: if an argument or a checkpoint cannot be used, or if the log was made with
            another probe, other settings, or other layers. What was logged before stays.
        LayerError: if a layer does not exist, never runs, or does not output activations.

    Examples:
        >>> build_atlases("ckpts/*.pt", model, "runs/exp1", ["layer3"], probe=val_set)
        ...                                                                   # doctest: +SKIP
    """
    config = check_model_and_config(model, config)
    hardware = check_hardware("cpu", threads, "process")
    found = find_checkpoints(checkpoints, step_pattern)
    with _use_threads(hardware.threads):
        # The first checkpoint of all, so that a build that goes on later has the same prototypes.
        load_weights(model, found[0].path, label=found[0].label, weights=weights)
        if not isinstance(probe, Probe):
            probe = build_probe(probe, config=config, classes=classes, normalize=normalize)
        with explain_model_errors(model):
            interface = check_interface(
                model, probe, output=output, forward=forward, prototypes=prototypes
            )
            names = choose_layers(model, layers, probe, interface)
        with _explain_log_errors(log_dir):
            sink = make_sink(log_dir)
            plan = plan_build(sink.location, found, names, probe, config, force=force)
            if sink.location is not None and plan.purge_step is not None:
                purge_steps(sink.location, plan.purge_step, time.time())
            meter = CostMeter()
            pipeline = AtlasPipeline(probe, names, config, progress)
            recorder = _make_recorder(pipeline, sink, interface, meter)
            _record_checkpoints(recorder, model, plan.todo, weights=weights, progress=progress)
    return BuildResult(
        location=str(sink.location),
        layers=names,
        built=tuple(one.step for one in plan.todo),
        logged=tuple(one.step for one in plan.logged),
        cost=meter.cost(),
    )


def _make_recorder(
    pipeline: AtlasPipeline, sink: Sink, interface: ModelInterface, meter: CostMeter
) -> InlineRecorder:
    """Returns a recorder that continues the log of the sink."""
    return InlineRecorder(
        CheckpointLogger(pipeline, sink, ExtraRecords(interface=interface)), meter
    )


def _record_checkpoints(
    recorder: InlineRecorder,
    model: nn.Module,
    checkpoints: Sequence[CheckpointFile],
    *,
    weights: str,
    progress: bool,
) -> None:
    """Logs the atlases of checkpoints, and closes the log.

    Raises:
        ArgumentError: if a checkpoint cannot be used; the atlases of those before it are logged.
        OSError: if the log cannot be written.
    """
    try:
        with progress_bar(
            "checkpoints", len(checkpoints), unit="checkpoint", shown=progress
        ) as bar:
            for one in checkpoints:
                load_weights(model, one.path, label=one.label, weights=weights)
                with _explain_checkpoint_errors(one):
                    recorder.record(model, one.step, one.wall_time)
                if bar is not None:
                    bar.update()
    finally:
        recorder.close(None)


@contextlib.contextmanager
def _explain_checkpoint_errors(checkpoint: CheckpointFile) -> Iterator[None]:
    """Turns errors of an atlas into errors that name the checkpoint.

    Raises:
        ArgumentError: in place of any exception that is not an OSError.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # the user's code runs in the forward and backward pass
        reason = str(error) if isinstance(error, AtlasError) else describe_error(error)
        raise ArgumentError(
            f"{checkpoint.label} (step {checkpoint.step:,}): {reason:.500}. The checkpoints before "
            "it are in the log; to continue after it, leave it out"
        ) from error


@contextlib.contextmanager
def _explain_log_errors(log_dir: PathLike) -> Iterator[None]:
    """Turns errors of the file system into errors that name the log.

    Raises:
        ArgumentError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise ArgumentError(
            f"log_dir={os.fspath(log_dir)!r} cannot be written ({error.strerror or error}); check "
            "its permissions and the free disk space"
        ) from error


@contextlib.contextmanager
def _use_threads(count: int) -> Iterator[None]:
    """Sets the number of CPU threads inside the block; the worker of `AtlasWriter` uses one."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
