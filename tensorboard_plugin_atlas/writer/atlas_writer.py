# SPDX-License-Identifier: Apache-2.0
"""`AtlasWriter`: what a training loop calls."""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Callable, Sequence, Sized
from types import TracebackType
from typing import Any, Literal, TypeVar, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.compute.argument_checks import check_config, explain_model_errors
from tensorboard_plugin_atlas.compute.class_atlas.sample_selection import check_classes
from tensorboard_plugin_atlas.compute.log_size_check import build_loggable_probe
from tensorboard_plugin_atlas.compute.model.model_interface import (
    Forward,
    check_interface,
    use_interface,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import ReadOutput
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import (
    ArgumentError,
    CannotSendError,
    WorkerError,
)
from tensorboard_plugin_atlas.logs.activation_files import check_activations_dir
from tensorboard_plugin_atlas.logs.resume import find_last_atlases, purge_steps
from tensorboard_plugin_atlas.logs.sinks import make_sink
from tensorboard_plugin_atlas.number_arguments import to_int, to_seconds
from tensorboard_plugin_atlas.schedule import Schedule, check_schedule
from tensorboard_plugin_atlas.writer.atlas_cost import EXPENSIVE_SECONDS, Cost, CostMeter
from tensorboard_plugin_atlas.writer.baseline_atlases import read_baselines
from tensorboard_plugin_atlas.writer.layer_arguments import choose_layers, choose_shortcut_layer
from tensorboard_plugin_atlas.writer.messages.failures import (
    FailureReporter,
    describe_inline_fallback,
    log,
    warn,
)
from tensorboard_plugin_atlas.writer.messages.resume import (
    describe_used_log,
    list_resume_warnings,
)
from tensorboard_plugin_atlas.writer.ranks import find_silent_rank
from tensorboard_plugin_atlas.writer.record_options import RecordOptions
from tensorboard_plugin_atlas.writer.recorder_factory import (
    Recorder,
    check_worker,
    make_background_recorder,
    make_inline_recorder,
)
from tensorboard_plugin_atlas.writer.sharding.model_source import make_model_source
from tensorboard_plugin_atlas.writer.snapshot_queue import (
    EXIT_SECONDS,
    UnfinishedSteps,
    join_skips,
)
from tensorboard_plugin_atlas.writer.worker_device import check_hardware

Method = TypeVar("Method", bound=Callable[..., None])


def _catch_errors(method: Method) -> Method:
    """Wraps a method so that its exceptions become warnings, except with `strict`."""

    @functools.wraps(method)
    def wrapper(self: AtlasWriter, *args: Any, **kwargs: Any) -> None:
        try:
            method(self, *args, **kwargs)
            self._report_first_cost()
            self._raise_failures()
        except Exception as error:
            if self.strict:
                raise
            self._reporter.report(method.__name__, error)

    return cast("Method", wrapper)


class AtlasWriter:
    """Logs activation atlases of a model's layers next to the run's other summaries.

    The constructor validates all arguments and raises if one cannot be used. After that, no method
    raises into the training loop: if a step fails, it is missing from the log, in whole or in part.
    The first failure is shown as a RuntimeWarning. Other kinds of failures are logged as warnings
    through `logging`, and repeated ones at level INFO. If warnings are turned into errors, all
    failures go to `logging`. KeyboardInterrupt and SystemExit are not caught. The model is always
    left unchanged: weights, buffers, mode, gradients, hooks, and random states.

    A background process with low priority computes the atlases on the CPU. A call copies the
    model's parameters and buffers and returns. If the model cannot be sent to another process, or
    no process can be started, a warning gives the reason and atlases are computed in the training
    loop, as with `worker="inline"`. If the background process ends, it is restarted with the same
    snapshot, after a pause of 1 s to 5 min if it keeps failing. If it fails twice at a step, that
    step is skipped and listed as skipped in the next atlas.

    Args:
        log_dir_or_writer: The run's directory, or the `SummaryWriter` that logs to it (torch's,
            tensorboardX's, or a logger's `.experiment`). Atlases go to its child run `atlas`.
        model: An image classifier on any device, in training or evaluation mode. It may be wrapped
            in DistributedDataParallel, torch.compile, or AveragedModel. If its parameters are
            sharded over ranks (fully_shard, FullyShardedDataParallel, tensor parallelism), create
            the writer and call `add_atlas` on all ranks: they are gathered on the CPU of rank 0. If
            a rank does not call within 60 s, the step is skipped with a warning.
        layers: Dotted module names. "blocks.11:cls" is the class token of "blocks.11". None chooses
            the last block at each spatial resolution, or four blocks of a transformer at evenly
            spaced depths, and logs the choice.
        probe: Dataset, DataLoader, or (images, labels), as the model takes them; or a
            `StreamedProbe` of images that do not fit in memory.
        classes: Class names. None reads them from the dataset.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std. None reads them
            from the dataset's transforms.
        config: Settings of the atlases.
        purge_step: Resume the run at this step. Logged atlases of this step and later ones become
            void, and the maps continue the last atlas before it. If None and the log holds atlases,
            logging continues after its last step. If atlases go through a SummaryWriter whose
            directory is not known, pass `purge_step` to that writer, too.
        restart: Hide all atlases that the log already has, and start over, as `purge_step=0` does.
            By default, the log is continued with later steps.
        align_to: Directory or URL of another run, as passed to its `AtlasWriter`. The first map of
            each layer is aligned with the last map of that run, so that two seeds, learning rates,
            or architectures can be compared on one map. Both probes must come from the same
            dataset; the first atlas notes how many samples they share. If layers have other names
            there, pass `("runs/baseline", {"layer3": "features.7"})`. Ignored if the log already
            holds atlases.
        shortcuts: True, or the name of one of `layers`. At each logged step, searches for small
            patches that flip predictions to a class, as `find_shortcuts` does, tests the known ones
            again, and logs both. Needs no labels. Only patches that occur in probe images can be
            found. True uses the middle one of `layers`, or the earlier one of the two in the
            middle, where most shortcuts are found. If the model does not return (N, K) logits, a
            warning is shown and only atlases are logged.
        class_atlases: Classes, by name or index, and pairs of classes, such as
            `["cat", ("cat", "dog"), 3]`. At each logged step, logs an atlas of the samples with the
            highest attribution for each class, or for each pair an atlas of what separates the two,
            at the last of `layers`. Each costs about as much as the atlas of a layer.
        activations_dir: Local directory for the activations of all samples: one file
            `<layer>/step-<step>.safetensors` for each atlas with an array "activations", (N, C),
            whose rows are the atlas's samples, in float16, or in float32 if a value does not fit.
            None writes none. A log has those of at most 100,000 samples in lower precision.
        output: Function from the model's output for N images to (N, K) logits, such as
            `lambda out: out["class"]`. False states that there are none. None uses the output
            itself, its `logits`, or the first (N, K) tensor in it; in the last case a note in the
            atlas names the tensor. A tensor with many more columns than classes or labels is taken
            for an embedding, not for logits. Dense logits (N, K, H, W) are used if K is the number
            of classes, or if this function returns them: a prediction is that at the position of
            its sample, and attribution is that of the mean over positions.
        forward: Function from a model and a batch of images to the model's output, such as
            `lambda model, images: model(pixel_values=images)`, for models that take more or other
            inputs than one batch of images. The model is `model` without wrappers, or a copy of it.
            None calls the model with the images.
        prototypes: (K, D) tensor or array with one embedding for each class, such as embeddings of
            texts, for models that return an (N, D) embedding. The logits are 100 times the cosines
            of the embedding with the prototypes, as in CLIP. "labels" uses the mean of the
            normalized embeddings of each label's images in the probe. They are computed once, at
            construction, so that predictions at all steps refer to the same prototypes. The
            embedding is what `output` returns, or the output itself, its `image_embeds` or
            `pooler_output`, or the first (N, D) tensor in it.
        model_factory: For sharded models only: function without arguments that builds the model as
            it was before it was sharded, with any values; the writer keeps and changes the result.
            None rebuilds it from `model`.
        worker: "process", or "inline" to compute atlases in the training loop, which then waits for
            them. "inline" also imports umap-learn and numba into the training process, which may
            change its number of threads.
        device: Device of the background process, such as "cuda:1": on a GPU it uses at most a fifth
            of the memory. If that is too little, a step is skipped with a warning, and later ones
            are computed on the CPU.
        threads: Number of CPU threads of the background process.
        max_pending: Largest number of snapshots in the queue, from 1 to 64. If the queue is full, a
            new snapshot replaces the newest one in it. The next atlas lists the skipped step.
        schedule: The steps at which `step` logs an atlas. None is `Schedule.log_spaced()`: 0, 10,
            15, 22, 34, and so on.
        budget: Share of the run time that computing atlases may take, in (0, 1], such as 0.02.
            Calls beyond it are skipped. None computes every atlas.
        strict: Raise exceptions instead of showing warnings, for tests and interactive use. Errors
            in the background process are raised by a later call, at the latest by `flush` or
            `close`.

    Attributes:
        layers: Names of the layers that are logged.
        probe: The fixed images and positions that are sampled at every logged step; set on rank 0
            only. The rank is that of the process group, or else given by `RANK` and `WORLD_SIZE`,
            `SLURM_PROCID`, `OMPI_COMM_WORLD_RANK`, or `PMI_RANK`. If one launcher starts several
            independent runs, set `RANK=0` and `WORLD_SIZE=1` for each.

    Raises:
        ArgumentError: if an argument cannot be used; the message says what to pass.
        LayerError: if a layer does not exist, never runs, or does not output activations; the
            message lists similar names.

    Examples:
        >>> atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
        ...                                                                   # doctest: +SKIP
        >>> atlas.add_atlas(step)                                             # doctest: +SKIP
    """

    def __init__(
        self,
        log_dir_or_writer: Any,
        model: nn.Module,
        layers: Sequence[str] | None = None,
        *,
        probe: Any,
        classes: Sequence[str] | None = None,
        normalize: Any = None,
        config: AtlasConfig | None = None,
        purge_step: int | None = None,
        restart: bool = False,
        align_to: Any = None,
        shortcuts: bool | str = False,
        class_atlases: Sequence[Any] = (),
        activations_dir: str | os.PathLike[str] | None = None,
        output: ReadOutput | Literal[False] | None = None,
        forward: Forward | None = None,
        prototypes: Tensor | NDArray[Any] | str | None = None,
        model_factory: Callable[[], nn.Module] | None = None,
        worker: str = "process",
        device: str | torch.device = "cpu",
        threads: int = 1,
        max_pending: int = 2,
        schedule: Schedule | None = None,
        budget: float | None = None,
        strict: bool = False,
    ) -> None:
        check_worker(worker, max_pending, budget)
        self._max_pending = max_pending
        self._hardware = check_hardware(device, threads, worker)
        self.strict = strict
        self._meter = CostMeter(budget)
        self._skipped: tuple[Skipped, ...] = ()
        self.config = check_config(config)
        self._source = make_model_source(model, model_factory)
        self._timer = check_schedule(schedule, self._source.is_sharded).make_timer()
        self.model = model
        self._reporter = FailureReporter()
        self._has_reported_cost = False
        self._pending_warning: tuple[str, UnfinishedSteps] | None = None
        self._last_step: int | None = None
        self._unlogged_step: int | None = None  # of the last call of `step`
        purge_step = _choose_purge_step(purge_step, restart)
        self._closed = False
        silent_rank = find_silent_rank()
        # Never checked again: a process group that is created later must not stop a started log.
        self._is_silent = silent_rank is not None
        self.layers: tuple[str, ...] = ()
        if self._is_silent:
            log(logging.INFO, f"AtlasWriter: {silent_rank} writes no atlases; rank 0 writes them")
            self._source.follow_construction()
            return
        with self._source.construct(forward) as model:
            self.model = model
            sink = make_sink(log_dir_or_writer)
            self.probe: Probe = build_loggable_probe(
                probe, config=self.config, classes=classes, normalize=normalize
            )
            with explain_model_errors(model):
                interface = check_interface(
                    model, self.probe, output=output, forward=forward, prototypes=prototypes
                )
                self.layers = choose_layers(model, layers, self.probe, interface, self.config)
            self._last_step = self._resume_log(sink.location, purge_step)
            baseline = align_to if self._last_step is None else None
            self._baselines = read_baselines(baseline, self.layers, self.probe)
            with use_interface(interface):
                self._records = RecordOptions(
                    shortcuts=choose_shortcut_layer(
                        model, self.layers, self.probe, shortcuts, self._reporter
                    ),
                    class_atlases=self._check_classes(class_atlases),
                    activations_dir=check_activations_dir(activations_dir),
                    interface=interface,
                )
            self._sink = sink
            is_inline = worker == "inline"
            self._recorder = self._make_inline_recorder() if is_inline else self._start(max_pending)
            self.probe = self._recorder.probe  # shares its images with the worker

    @_catch_errors
    def add_atlas(self, global_step: int, walltime: float | None = None) -> None:
        """Logs one atlas of every layer for the current state of the model.

        Args:
            global_step: The step; must be larger than in the previous call.
            walltime: Seconds since the epoch; None is now.
        """
        self._add_atlas(global_step, walltime)

    @_catch_errors
    def step(
        self, global_step: int, loss: Tensor | float | None = None, walltime: float | None = None
    ) -> None:
        """Calls `add_atlas` if an atlas is due by the schedule; to be called at every step.

        If this is called less often, an atlas is due at the first call at or after each step of the
        schedule. With the default schedule and that of the loss, it waits while the writer is busy.
        At the end of a `with` block, the final state is logged in any case.

        Args:
            global_step: Step of the training loop; must be larger than in the previous call.
            loss: The current loss, for `Schedule.when_loss_falls`.
            walltime: Seconds since the epoch; None is now.
        """
        step = self._unlogged_step = to_int("global_step", global_step)
        if self._timer.is_due(step, loss, is_busy=self.is_busy()):
            self._unlogged_step = None
            self._add_atlas(step, walltime)

    def every(self, n: int, start: int = 0) -> AtlasWriter:
        """Sets the schedule of `step` to every `n`-th step from `start` on.

        Returns:
            The writer itself, so that a `with` statement can close it.

        Raises:
            ArgumentError: if `n` is less than 1 or `start` is negative.

        Examples:
            >>> with atlas.every(500, start=100):                            # doctest: +SKIP
            ...     for step, batch in enumerate(loader):
            ...         ...  # your training step
            ...         atlas.step(step)
        """
        self._timer = Schedule.every(n, start).make_timer()
        return self

    def _add_atlas(self, global_step: int, walltime: float | None) -> None:
        if self._is_silent:
            self._source.follow_call(global_step)
            return
        start = time.perf_counter()
        try:
            with self._source.call(global_step):
                wall_time = None if walltime is None else to_seconds("walltime", walltime)
                step = self._last_step = self._check_step(global_step)
                if self._is_within_budget(step):
                    self._record(step, wall_time)
        finally:
            self._meter.add_call(time.perf_counter() - start)

    @_catch_errors
    def flush(self) -> None:
        """Waits until all added atlases are on disk, without a time limit."""
        if not self._is_silent and not self._closed:
            self._recorder.flush()

    @_catch_errors
    def close(self, timeout: float | None = 300.0) -> None:
        """Flushes and closes the atlas log. A SummaryWriter that was passed in stays open.

        Args:
            timeout: Seconds to wait for unfinished atlases. Steps that are not finished in time
                are skipped, with a warning. None waits without a limit.
        """
        if self._is_silent or self._closed:
            return
        if timeout is not None:
            timeout = to_seconds("timeout", timeout)
        self._closed = True
        unfinished = self._recorder.close(timeout)
        if self._pending_warning is not None:
            log(logging.WARNING, self._pending_warning[0])
        if unfinished.steps:
            self._report_failures()
            fault = self._recorder.fault
            raise WorkerError(
                f"not finished within {timeout} s: {unfinished}; pass a longer close(timeout=...)"
                if fault is None
                else f"worker='process' is not possible: {fault}; {unfinished} could not be "
                "logged. Pass worker='inline' to compute atlases in the training loop"
            )

    def is_busy(self) -> bool:
        """Returns whether the queue is full, so that a new step would replace one in it.

        Always False for a sharded model, since all ranks must log the same steps.
        """
        return not self._source.is_sharded and self.waiting() > self._max_pending

    def wait_for_room(self, timeout: float = 300.0) -> None:
        """Waits until the queue is not full, or `timeout` seconds have passed."""
        end = time.monotonic() + timeout
        while self.is_busy() and time.monotonic() < end:
            time.sleep(0.05)

    def waiting(self) -> int:
        """Returns the number of steps that were added and are not finished."""
        return 0 if self._is_silent else self._recorder.waiting

    def cost(self) -> Cost:
        """Returns the cost of the atlases so far; `str` of it is a readable summary."""
        return self._meter.cost()

    def __enter__(self) -> AtlasWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After an exception or Ctrl+C, the program should end soon.
        if kind is None:
            self._add_final()
            self.close()
        else:
            self.close(EXIT_SECONDS)

    @_catch_errors
    def _add_final(self) -> None:
        """Logs the state after the last call of `step`, if that call did not."""
        if self._unlogged_step is not None and not self._closed:
            self.wait_for_room()
            self._add_atlas(self._unlogged_step, None)

    def __repr__(self) -> str:
        return f"AtlasWriter(layers={list(self.layers)!r}, last step {self._last_step})"

    def _start(self, max_pending: int) -> Recorder:
        """Starts a background recorder; returns an inline one, with a warning, if that fails."""
        try:
            return make_background_recorder(
                self.model,
                self.probe,
                self.layers,
                self.config,
                self._sink,
                max_pending=max_pending,
                meter=self._meter,
                baselines=self._baselines,
                records=self._records,
                hardware=self._hardware,
            )
        except ArgumentError as error:
            self._reporter.warn_once("inline", describe_inline_fallback(error))
            return self._make_inline_recorder()

    def _make_inline_recorder(self) -> Recorder:
        return make_inline_recorder(
            self.probe,
            self.layers,
            self.config,
            self._sink,
            meter=self._meter,
            baselines=self._baselines,
            records=self._records,
        )

    def _check_classes(self, classes: Any) -> tuple[tuple[int, ...], ...]:
        if classes is None or (isinstance(classes, Sized) and not len(classes)):
            return ()
        with explain_model_errors(self.model):
            return check_classes(self.model, self.layers[-1], self.probe, classes, self.config)

    def _is_within_budget(self, step: int) -> bool:
        """Returns False, with a warning the first time, if the budget is spent."""
        if self._meter.can_afford(self._recorder.waiting):
            return True
        self._meter.count_skips()
        self._skipped = join_skips(self._skipped, (Skipped(step, "budget"),))
        self._reporter.warn_once(
            "budget",
            f"AtlasWriter: step {step} is skipped to keep to budget={self._meter.budget}. Later "
            f"steps are skipped whenever the budget is spent; cost so far: {self._meter.cost()}",
        )
        return False

    def _record(self, step: int, wall_time: float | None) -> None:
        try:
            replaced = self._submit(step, wall_time)
        except BaseException:
            self._meter.count_skips()
            self._skipped = join_skips(self._skipped, (Skipped(step, "failed"),))
            raise
        self._skipped = ()
        self._show_pending_warning()
        if replaced is not None:
            self._reporter.warn_once(
                "busy",
                f"AtlasWriter: step {replaced} is skipped, since {self._recorder.waiting} others "
                "are not finished. To skip fewer steps, log less often, make atlases cheaper "
                "(AtlasConfig: samples, icons), or raise max_pending",
            )

    def _submit(self, step: int, wall_time: float | None) -> int | None:
        """Passes a step to the recorder; falls back to an inline recorder if necessary."""
        if self._recorder.fault is not None:
            self._fall_back_inline(self._recorder.fault)
        with self._source.gather(step, self.model) as model:
            try:
                return self._recorder.record(model, step, wall_time, self._skipped)
            except CannotSendError as error:
                self._fall_back_inline(error)
                return self._recorder.record(model, step, wall_time, self._skipped)

    def _fall_back_inline(self, reason: object) -> None:
        """Replaces the background recorder by an inline one."""
        unfinished = self._recorder.close(EXIT_SECONDS)
        self._report_failures()
        self._recorder = self._make_inline_recorder()
        self._skipped = join_skips(unfinished.skipped, self._skipped)
        # Shown after the inline recorder has worked once: if it fails, its error is shown instead.
        self._pending_warning = describe_inline_fallback(reason, unfinished), unfinished

    def _show_pending_warning(self) -> None:
        if self._pending_warning is not None:
            (message, unfinished), self._pending_warning = self._pending_warning, None
            self._report_fallback(message, unfinished)

    def _report_fallback(self, message: str, unfinished: UnfinishedSteps) -> None:
        """Warns that atlases are computed in the loop.

        Raises:
            WorkerError: if steps are unfinished and `strict` is set.
        """
        if self.strict and unfinished.steps:
            raise WorkerError(message.removeprefix("AtlasWriter: "))
        self._reporter.warn_once("inline", message)

    def _report_first_cost(self) -> None:
        """Logs the cost of the first atlases once, as a warning if it is high."""
        cost = self._meter.cost()
        if not self._has_reported_cost and cost.atlases:
            self._has_reported_cost = True
            is_high = cost.cpu_seconds > EXPENSIVE_SECONDS * cost.atlases
            text = cost.describe_first(self._recorder.where)
            log(logging.WARNING if is_high else logging.INFO, f"AtlasWriter: {text}")

    def _raise_failures(self) -> None:
        """Raises the last error of the worker, and reports those before it."""
        if self._is_silent:
            return
        if self._recorder.fault is not None and not self._closed:
            # Detected after the last step was added, so there is nothing to record now.
            self._fall_back_inline(self._recorder.fault)
            self._show_pending_warning()
        last = self._report_failures(except_last=True)
        if last is not None:
            raise last

    def _report_failures(self, *, except_last: bool = False) -> WorkerError | None:
        """Reports the errors of the worker; returns the last one unreported if `except_last`."""
        failures = self._recorder.pop_failures()
        last = failures.pop() if failures and except_last else None
        for failure in failures:
            self._reporter.report("add_atlas", failure)
        return last

    def _check_step(self, global_step: object) -> int:
        """Returns the step as an int; TensorBoard's loaders need steps that increase."""
        if self._closed:
            raise ArgumentError("add_atlas was called after close(); create a new AtlasWriter")
        step = to_int("global_step", global_step)
        if self._last_step is not None and step <= self._last_step:
            raise ArgumentError(
                f"global_step={step} is not larger than {self._last_step}, the last step; it is "
                "not logged, since TensorBoard needs increasing steps. To resume from an earlier "
                "step, pass purge_step"
            )
        return step

    def _resume_log(self, location: str | None, purge_step: int | None) -> int | None:
        """Reads the end of an existing log; returns its last valid step."""
        if location is not None and purge_step is not None:
            try:
                purge_steps(location, purge_step, time.time())
            except OSError as error:
                if self.strict:
                    raise
                self._reporter.report(f"purge_step={purge_step}", error)
        resume_point = find_last_atlases(location, self.layers)
        for message in list_resume_warnings(resume_point, self.probe):
            warn(message)
        used = describe_used_log(resume_point)
        if used is not None and purge_step is None:
            log(logging.WARNING, used)
        return resume_point.last_step


def _choose_purge_step(purge_step: object, restart: object) -> int | None:
    """Returns the step from which on logged atlases are hidden, or None to keep all."""
    if not isinstance(restart, bool):
        raise ArgumentError(f"restart={restart!r:.80}: pass True or False")
    if purge_step is None:
        return 0 if restart else None
    if restart:
        raise ArgumentError(
            f"restart=True hides all logged atlases; omit it to keep those before "
            f"purge_step={purge_step!r:.80}, or omit purge_step"
        )
    return to_int("purge_step", purge_step)
