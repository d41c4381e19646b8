# SPDX-License-Identifier: Apache-2.0
"""`build_atlases`: makes the atlases of a finished run from its checkpoints."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.checkpoints.build_plan import BuildPlan, plan_build
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
from tensorboard_plugin_atlas.compute.log_size_check import build_loggable_probe
from tensorboard_plugin_atlas.compute.model.model_interface import (
    Forward,
    ModelInterface,
    check_interface,
    use_interface,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import ReadOutput
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.process_group import join_group
from tensorboard_plugin_atlas.compute.ranks import Ranks
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError, describe_error
from tensorboard_plugin_atlas.log_names import Revision, layer_tag
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.logs.sinks import NullSink, Sink, find_child_run, make_event_sink
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.writer.atlas_cost import Cost, CostMeter
from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger
from tensorboard_plugin_atlas.writer.inline_recorder import InlineRecorder, use_default_settings
from tensorboard_plugin_atlas.writer.layer_arguments import choose_layers
from tensorboard_plugin_atlas.writer.record_options import RecordOptions
from tensorboard_plugin_atlas.writer.worker_device import check_hardware

_PRELIMINARY_NOTE: Final = (
    "layout: preliminary, of this checkpoint alone; it is replaced when the checkpoints before it "
    "are logged"
)


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
    last_first: bool = False,
    output: ReadOutput | Literal[False] | None = None,
    forward: Forward | None = None,
    prototypes: Tensor | NDArray[Any] | str | None = None,
    threads: int = 1,
    progress: bool = True,
    process_group: Any = None,
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
        probe: As for `AtlasWriter`.
        classes: As for `AtlasWriter`.
        normalize: As for `AtlasWriter`.
        config: Settings of the atlases.
        weights: "model" for the weights that were trained, "ema" for their moving average, or the
            key of a state dict in the checkpoints.
        step_pattern: Regular expression that finds the step in the path of a checkpoint, such as
            "epoch([0-9]+)". None uses the step that all checkpoints state, or else the number in
            their names, or else the epoch that they state.
        force: Hide all atlases that the log already has, and make them again.
        last_first: Log a preliminary atlas of the last checkpoint before all others. It shows real
            patches in place of icons. Its map is computed from this checkpoint alone; the
            final one continues the map of the checkpoint before. Other preliminary atlases
            (`AtlasConfig.draft_seconds`) are not logged then.
        output: As for `AtlasWriter`.
        forward: As for `AtlasWriter`.
        prototypes: As for `AtlasWriter`; "labels" uses the first checkpoint.
        threads: Number of CPU threads.
        progress: Whether to show a progress bar on a terminal.
        process_group: Ranks that compute the atlases together, as for `compute_atlas`; rank 0
            reads and writes the log. Each rank reads the checkpoints and the images.

    Returns:
        The steps that were built and those that were skipped.

    Raises:
        ArgumentError: if an argument or a checkpoint cannot be used, or if the log was made with
            another probe, other settings, or other layers. What was logged before stays.
        LayerError: if a layer does not exist, never runs, or does not output activations.
        RankError: as `compute_atlas`.

    Examples:
        >>> build_atlases("ckpts/*.pt", model, "runs/exp1", ["layer3"], probe=val_set)
        ...                                                                   # doctest: +SKIP
    """
    ranks = join_group(process_group)
    with ranks.fail_together(), _use_threads(threads):
        config = check_model_and_config(model, config)
        location = _find_location(log_dir)
        found = find_checkpoints(checkpoints, step_pattern)
        # The first of all, so that a build that goes on later has the same prototypes.
        load_weights(model, found[0].path, label=found[0].label, weights=weights)
        probe = build_loggable_probe(probe, config=config, classes=classes, normalize=normalize)
        with explain_model_errors(model):
            interface = check_interface(
                model, probe, output=output, forward=forward, prototypes=prototypes
            )
            names = choose_layers(model, layers, probe, interface, config)
        progress = progress and ranks.rank == 0
        build = _Build(model, weights, probe, names, config, interface, progress, last_first, ranks)
        meter = CostMeter()
        with _explain_log_errors(location):
            plan = _start_log(build, location, found, force)
            _record_checkpoints(build, location, plan.todo, meter)
    return BuildResult(
        location=location,
        layers=names,
        built=tuple(one.step for one in plan.todo),
        logged=tuple(one.step for one in plan.logged),
        cost=meter.cost(),
    )


@dataclass(frozen=True, eq=False)
class _Build:
    """What the atlases of all checkpoints have in common.

    Attributes:
        model: The model; the weights of each checkpoint are loaded into it.
        weights: Which weights, see `build_atlases`.
        probe: The probe.
        layers: Dotted module names.
        config: The settings.
        interface: How the model is called and its output is read.
        progress: Whether to show progress bars on a terminal.
        last_first: Whether a preliminary atlas of the last checkpoint is logged first.
        ranks: The processes that compute the atlases together.
    """

    model: nn.Module
    weights: str
    probe: Probe
    layers: tuple[str, ...]
    config: AtlasConfig
    interface: ModelInterface
    progress: bool
    last_first: bool
    ranks: Ranks

    def make_pipeline(self, config: AtlasConfig, *, progress: bool | None = None) -> AtlasPipeline:
        """Returns a pipeline for all checkpoints."""
        shown = self.progress if progress is None else progress
        return AtlasPipeline(self.probe, self.layers, config, shown, ranks=self.ranks)


def _find_location(log_dir: object) -> str:
    """Returns the directory or URL of the atlases of a run.

    Raises:
        ArgumentError: if `log_dir` is not the path of a directory.
    """
    if not isinstance(log_dir, (str, os.PathLike)):
        raise ArgumentError(f"log_dir={log_dir!r:.80}: pass the directory of a run")
    return str(find_child_run(log_dir))


def _start_log(
    build: _Build, location: str, found: Sequence[CheckpointFile], force: bool
) -> BuildPlan:
    """Decides what remains to be done, and makes records void that are to be made again.

    Only rank 0 reads and changes the log; the other ranks get its plan.

    Raises:
        ArgumentError: if the log cannot be continued, read, or written.
    """
    build.ranks.check_equal(
        layers=build.layers,
        probe=build.probe.digest,
        config=build.config.as_dict(),
        checkpoints=[one.step for one in found],
    )

    def start() -> BuildPlan:
        with _explain_log_errors(location):
            plan = plan_build(location, found, build.layers, build.probe, build.config, force=force)
            if plan.purge_step is not None:
                purge_steps(location, plan.purge_step, time.time())
        return plan

    plan = build.ranks.decide(start)
    # With the paths of this rank, which may have the checkpoints on a disk of its own.
    own = {one.step: one for one in found}
    return replace(
        plan,
        todo=tuple(own[one.step] for one in plan.todo),
        logged=tuple(own[one.step] for one in plan.logged),
    )


def _record_checkpoints(
    build: _Build, location: str, checkpoints: Sequence[CheckpointFile], meter: CostMeter
) -> None:
    """Logs the atlases of checkpoints.

    Raises:
        ArgumentError: if a checkpoint cannot be used; the atlases of those before it are logged.
        OSError: if the log cannot be written.
    """
    sink: Sink = make_event_sink(location) if build.ranks.rank == 0 else NullSink()
    pipeline = build.make_pipeline(build.config)
    records = RecordOptions(interface=build.interface)
    logger = AtlasLogger(pipeline, sink, records, is_preliminary_logged=not build.last_first)
    recorder = InlineRecorder(logger, meter)
    with (
        contextlib.closing(sink),
        progress_bar(
            "checkpoints", len(checkpoints), unit="checkpoint", shown=build.progress
        ) as bar,
    ):
        if build.last_first and len(checkpoints) > 1:
            _log_preliminary(build, sink, checkpoints[-1])
        for one in checkpoints:
            load_weights(build.model, one.path, label=one.label, weights=build.weights)
            with _explain_checkpoint_errors(one):
                recorder.record(build.model, one.step, one.wall_time)
            if bar is not None:
                bar.update()


def _log_preliminary(build: _Build, sink: Sink, checkpoint: CheckpointFile) -> None:
    """Logs atlases of a later checkpoint with real patches for icons, until it is its turn.

    TensorBoard needs increasing steps for each tag; preliminary atlases have tags of their own.

    Raises:
        ArgumentError: if the checkpoint cannot be used.
        OSError: if the log cannot be written.
    """
    icons = "none" if build.config.icons == "none" else "examples"
    pipeline = build.make_pipeline(replace(build.config, icons=icons), progress=False)
    load_weights(build.model, checkpoint.path, label=checkpoint.label, weights=build.weights)
    with (
        _explain_checkpoint_errors(checkpoint),
        use_default_settings(),
        use_interface(build.interface),
    ):
        for atlas in pipeline.atlases(build.model, checkpoint.step, checkpoint.wall_time):
            tag = layer_tag(atlas.layer, Revision.PRELIMINARY)
            marked = encode_atlas(atlas.with_notes(_PRELIMINARY_NOTE))
            sink.write(tag, marked, atlas.step, atlas.wall_time)
    sink.flush()


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
def _explain_log_errors(location: str) -> Iterator[None]:
    """Turns errors of the file system into errors that name the log.

    Raises:
        ArgumentError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise ArgumentError(
            f"{location!r} cannot be written ({error.strerror or error}); check "
            "its permissions and the free disk space"
        ) from error


@contextlib.contextmanager
def _use_threads(count: int) -> Iterator[None]:
    """Sets the number of CPU threads inside the block; the worker of `AtlasWriter` uses one.

    Raises:
        ArgumentError: if it is not a number of threads.
    """
    count = check_hardware("cpu", count, "process").threads
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
