# SPDX-License-Identifier: Apache-2.0
"""`AtlasWriter`: what a training loop calls."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import math
import operator
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from types import TracebackType
from typing import Any, Final, SupportsFloat, SupportsIndex, TypeVar, cast

from torch import nn

from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.compute.class_atlas.sample_selection import check_classes
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.arguments import check_model_and_config
from tensorboard_plugin_atlas.compute.model.layers import (
    choose_layers,
    choose_middle_layer,
    normalize_layer_name,
)
from tensorboard_plugin_atlas.compute.model.logits import ReadLogits, check_output, select_logits
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.probe.probe_diff import list_probe_changes
from tensorboard_plugin_atlas.compute.shortcuts.tracker import find_incompatibility
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import (
    ArgumentError,
    AtlasError,
    CannotSendError,
    WorkerError,
    describe_error,
)
from tensorboard_plugin_atlas.logs.resume import Earlier, cut_back, last_atlases
from tensorboard_plugin_atlas.logs.sinks import sink_for
from tensorboard_plugin_atlas.writer.align_to import read_baseline
from tensorboard_plugin_atlas.writer.cost import Cost, CostMeter
from tensorboard_plugin_atlas.writer.options import Extras
from tensorboard_plugin_atlas.writer.ranks import why_silent
from tensorboard_plugin_atlas.writer.recorder_factory import (
    Recorder,
    background_recorder,
    check_worker,
    inline_recorder,
)
from tensorboard_plugin_atlas.writer.snapshot_queue import EXIT_SECONDS, NOTHING_LOST, Lost, merged

logger = logging.getLogger(__name__)

_PACKAGE: Final = __name__.partition(".")[0]
_STEPS: Final = 2**63

Method = TypeVar("Method", bound=Callable[..., None])


def _never_raises(method: Method) -> Method:
    """Keeps every failure of ours out of the training loop, which one warning tells of."""

    @functools.wraps(method)
    def guarded(self: AtlasWriter, *args: Any, **kwargs: Any) -> None:
        try:
            method(self, *args, **kwargs)
            self._raise_failures()
        except Exception as error:
            if self.strict:
                raise
            self._tell_failure(method.__name__, error)

    return cast("Method", guarded)


class AtlasWriter:
    """Logs activation atlases of a model's layers beside the run's other summaries.

    Everything that can be wrong with the arguments is found at construction. After that no call
    raises into the training loop: the step that failed, or a part of it, is missing from the log.
    The first failure is a RuntimeWarning; failures of another kind go to `logging` as warnings, and
    those that repeat themselves as information. Where the program turns warnings into errors, all
    go to `logging`. KeyboardInterrupt and SystemExit pass. In every case the model is left as it
    was: weights, buffers, mode, gradients, hooks and random states.

    Atlases are made by a process of their own, at low priority and on the CPU: a call copies the
    model's parameters and buffers and returns. What cannot be sent to another process is handled in
    the loop, as with `worker="inline"`, and a warning says why; so is everything where no process
    can be started. A process that ends later costs at most the steps it ends over twice, each of
    which the next atlas lists; it is started again after pauses of 1 s up to 5 min.

    Args:
        log_dir_or_writer: The run's directory, or the `SummaryWriter` that logs to it (torch's,
            tensorboardX's, or a logger's `.experiment`). Atlases go to its child run `atlas`.
        model: An image classifier on any device and in any mode, in DistributedDataParallel,
            torch.compile, AveragedModel and the like or without. The atlases show this very model.
            Of one that is sharded over ranks (FSDP, ZeRO stage 3), pass a copy that is not.
        layers: Dotted module names; None picks the last module of each spatial resolution and
            says which.
        probe: Dataset, DataLoader, or (images, labels), as the model takes them.
        classes: Class names; found in the data set when left out.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; found in the
            data set's transforms when left out.
        config: The recipe.
        purge_step: The run is taken up again at this step: earlier atlases of it and of later
            steps are void, and the maps continue the last one before it. Without it a log that
            already holds atlases is continued behind its last step. Where atlases go through a
            SummaryWriter whose directory is not known, give that one its own `purge_step`.
        align_to: Another run's directory or URL, as its `AtlasWriter` was given: the first map of
            each layer is laid out on the last one of that run, so that two seeds, learning rates or
            architectures can be read as one map. Its probe has to be over the same data set; the
            first atlas notes how many samples both hold. Where layers have other names there, pass
            `("runs/baseline", {"layer3": "features.7"})`. A log that is continued keeps its map.
        shortcuts: True, or the name of one of `layers`, looks at each checkpoint for small patches
            that make the model say a class, as `find_shortcuts` does, tests again what earlier
            ones had, and logs both behind the atlases. No labels are needed, but a mark that is in
            no picture of the probe cannot be found. True takes the logged layer in the middle of
            the model, of two in question the earlier: there most is found. Where the model gives no
            (images, classes) logits a warning says so, and atlases go on.
        class_atlases: Classes, by name or index, for which to log an atlas of the places that speak
            for them, and pairs of classes for one of what tells the two apart, such as
            `["cat", ("cat", "dog"), 3]`; of the last of `layers`, at each checkpoint. Each costs
            about as much as the atlas of a layer.
        output: Takes what the model returns for N images and gives (N, K) logits, such as
            `lambda out: out["class"]`. When left out they are the model's output, its `logits`, or
            the first (N, K) tensor in it; of the last a note in the atlas says where it is.
        worker: "process", or "inline" to make atlases in the loop, which stands still meanwhile;
            it also has umap-learn and numba loaded into the training process then, which may
            change its number of threads.
        max_pending: Checkpoints that may wait behind the one in work. When so many wait, the newest
            of them is skipped for the one that comes, and the next atlas tells of it.
        budget: Share of the run time that atlases may take, such as 0.02; calls beyond it are
            skipped. None makes every atlas that is asked for.
        strict: Raise instead of warning, for tests and for trying things out. What fails in the
            worker is raised by a later call, at the latest by `flush` or `close`.

    Attributes:
        layers: The layers that are logged.
        probe: The fixed images and places that every checkpoint is asked about; only rank 0 has it.
            The rank is that of the process group; before there is one, that of `RANK` and
            `WORLD_SIZE`, `SLURM_PROCID`, `OMPI_COMM_WORLD_RANK` or `PMI_RANK`. For independent runs
            that one launcher starts, set `RANK=0` and `WORLD_SIZE=1`.

    Raises:
        ArgumentError: if an argument cannot be used; the message says what to pass.
        LayerError: if a layer does not exist, never runs or gives no activations; the message
            lists close names.

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
        align_to: Any = None,
        shortcuts: bool | str = False,
        class_atlases: Sequence[Any] = (),
        output: ReadLogits | None = None,
        worker: str = "process",
        max_pending: int = 2,
        budget: float | None = None,
        strict: bool = False,
    ) -> None:
        check_worker(worker, max_pending, budget)
        self.strict = strict
        self._meter = CostMeter(budget)
        self._skipped: tuple[Skipped, ...] = ()
        self.config = check_model_and_config(model, config)
        self.model = model
        self._told: set[tuple[object, ...]] = set()
        self._has_failed = False
        self._owed_notice: tuple[str, Lost] | None = None
        self._last_step: int | None = None
        if purge_step is not None:
            purge_step = _whole("purge_step", purge_step)
        self._closed = False
        silent = why_silent()
        # Decided here for good: a process group that comes later would leave a log half written.
        self._is_silent = silent is not None
        self.layers: tuple[str, ...] = ()
        if self._is_silent:
            _log(logging.INFO, f"AtlasWriter: {silent} writes no atlases; rank 0 does")
            return
        sink = sink_for(log_dir_or_writer)
        self.probe: Probe = (
            probe
            if isinstance(probe, Probe)
            else build_probe(probe, config=self.config, classes=classes, normalize=normalize)
        )
        logits = check_output(output, self.probe.classes)
        with _explained(model), select_logits(logits):
            self.layers = self._checked_layers(layers)
            # Two images tell at once of a layer that never runs or of channels that do not fit.
            collect_activations(model, self.layers, self.probe.first(2))
        self._last_step = self._take_up(sink.location, purge_step)
        asked = align_to if self._last_step is None else None
        self._baselines = read_baseline(asked, self.layers, self.probe)
        with select_logits(logits):
            self._extras = Extras(
                shortcuts=self._watched_layer(shortcuts),
                class_atlases=self._checked_classes(class_atlases),
                logits=logits,
            )
        self._sink = sink
        self._recorder = self._background(max_pending) if worker == "process" else self._inline()

    @_never_raises
    def add_atlas(self, global_step: int, walltime: float | None = None) -> None:
        """Logs one atlas of every layer for the model as it is now.

        Args:
            global_step: Step of the checkpoint; steps must rise from call to call.
            walltime: Seconds since the epoch, now when left out.
        """
        if self._is_silent:
            return
        start = time.perf_counter()
        try:
            wall_time = None if walltime is None else _seconds("walltime", walltime)
            step = self._last_step = self._checked_step(global_step)
            if self._is_affordable(step):
                self._record(step, wall_time)
        finally:
            self._meter.add_call(time.perf_counter() - start)

    @_never_raises
    def flush(self) -> None:
        """Waits until everything that was added is on the disk, however long that takes."""
        if not self._is_silent and not self._closed:
            self._recorder.flush()

    @_never_raises
    def close(self, timeout: float | None = 300.0) -> None:
        """Flushes and closes the atlas log; a SummaryWriter that was passed in stays open.

        Args:
            timeout: Seconds to wait for atlases that are not finished; then they are lost, with a
                warning. None waits as long as it takes.
        """
        if self._is_silent or self._closed:
            return
        if timeout is not None:
            timeout = _seconds("timeout", timeout)
        self._closed = True
        lost = self._recorder.close(timeout)
        if self._owed_notice is not None:
            _log(logging.WARNING, self._owed_notice[0])
        if lost.steps:
            self._tell_failures()
            fault = self._recorder.fault
            raise WorkerError(
                f"{len(lost.steps)} checkpoints were not finished within {timeout} s and are lost; "
                "pass a longer close(timeout=...)"
                if fault is None
                else f"worker='process' is not possible: {fault}; {lost} could not be recorded; "
                "pass worker='inline' to make atlases in the training loop"
            )

    def waiting(self) -> int:
        """Returns how many checkpoints were added and are not finished."""
        return 0 if self._is_silent else self._recorder.waiting

    def cost(self) -> Cost:
        """Returns what the atlases have cost so far; printed, it is a sentence."""
        return self._meter.cost()

    def __enter__(self) -> AtlasWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Someone who is leaving by an exception or Ctrl+C should not be kept.
        if kind is None:
            self.close()
        else:
            self.close(EXIT_SECONDS)

    def __repr__(self) -> str:
        return f"AtlasWriter(layers={list(self.layers)!r}, last step {self._last_step})"

    def _background(self, max_pending: int) -> Recorder:
        try:
            return background_recorder(
                self.model,
                self.probe,
                self.layers,
                self.config,
                self._sink,
                max_pending=max_pending,
                meter=self._meter,
                baselines=self._baselines,
                extras=self._extras,
            )
        except ArgumentError as error:
            self._notice("inline", _inline_notice(error))
            return self._inline()

    def _inline(self) -> Recorder:
        return inline_recorder(
            self.probe,
            self.layers,
            self.config,
            self._sink,
            meter=self._meter,
            baselines=self._baselines,
            extras=self._extras,
        )

    def _checked_classes(self, asked: Any) -> tuple[tuple[int, ...], ...]:
        if asked is None or (isinstance(asked, Sized) and not len(asked)):
            return ()
        with _explained(self.model):
            return check_classes(self.model, self.layers[-1], self.probe, asked, self.config)

    def _is_affordable(self, step: int) -> bool:
        """Keeps to the budget by letting calls pass."""
        if self._meter.affords_another(self._recorder.waiting):
            return True
        self._meter.add_skipped()
        self._skipped = merged(self._skipped, (Skipped(step, "budget"),))
        self._notice(
            "budget",
            f"AtlasWriter: step {step} is skipped to keep to budget={self._meter.budget}; further "
            f"steps will be, whenever it is spent ({self._meter.cost()})",
        )
        return False

    def _record(self, step: int, wall_time: float | None) -> None:
        try:
            replaced = self._hand_over(step, wall_time)
        except BaseException:
            self._meter.add_skipped()
            self._skipped = merged(self._skipped, (Skipped(step, "failed"),))
            raise
        self._skipped = ()
        self._give_owed_notice()
        if replaced is not None:
            self._notice(
                "busy",
                f"AtlasWriter: step {replaced} is skipped, since {self._recorder.waiting} others "
                "are not finished; further ones may be. Log less often, make atlases cheaper "
                "(AtlasConfig: samples, icons), or raise max_pending",
            )

    def _hand_over(self, step: int, wall_time: float | None) -> int | None:
        """Has a checkpoint recorded, in the loop where that turns out to be the only way."""
        if self._recorder.fault is not None:
            self._fall_back(self._recorder.fault)
        try:
            return self._recorder.record(self.model, step, wall_time, self._skipped)
        except CannotSendError as error:
            self._fall_back(error)
            return self._recorder.record(self.model, step, wall_time, self._skipped)

    def _fall_back(self, reason: object) -> None:
        """Goes on in the loop when the model turns out to be one that cannot be sent."""
        lost = self._recorder.close(EXIT_SECONDS)
        self._tell_failures()
        self._recorder = self._inline()
        self._skipped = merged(lost.skipped, self._skipped)
        # Said when it has worked: where it does not, the failure is what has to be told.
        self._owed_notice = _inline_notice(reason, lost), lost

    def _give_owed_notice(self) -> None:
        if self._owed_notice is not None:
            notice, self._owed_notice = self._owed_notice, None
            self._report_fault(*notice)

    def _report_fault(self, notice: str, lost: Lost) -> None:
        """Says that there is no worker, which is a failure under `strict` if steps were lost.

        Raises:
            WorkerError: if that is the case.
        """
        if self.strict and lost.steps:
            raise WorkerError(notice.removeprefix("AtlasWriter: "))
        self._notice("inline", notice)

    def _raise_failures(self) -> None:
        """Raises the last thing that went wrong in the worker, and tells of those before it."""
        if self._is_silent:
            return
        if self._recorder.fault is not None and not self._closed:
            # Found after the last step was added; nothing is to be recorded now.
            self._fall_back(self._recorder.fault)
            self._give_owed_notice()
        last = self._tell_failures(but_the_last=True)
        if last is not None:
            raise last

    def _tell_failures(self, *, but_the_last: bool = False) -> WorkerError | None:
        """Reports the failures of the worker, and returns the one left to the caller."""
        failures = self._recorder.take_failures()
        last = failures.pop() if failures and but_the_last else None
        for failure in failures:
            self._tell_failure("add_atlas", failure)
        return last

    def _checked_step(self, global_step: object) -> int:
        """Returns the step as an int; TensorBoard's loaders drop or mix up steps that fall."""
        if self._closed:
            raise ArgumentError("add_atlas was called after close(); make a new AtlasWriter")
        step = _whole("global_step", global_step)
        if self._last_step is not None and step <= self._last_step:
            raise ArgumentError(
                f"global_step={step} does not rise above {self._last_step}, the last one; it is "
                "not logged, since TensorBoard keeps rising steps only"
            )
        return step

    def _take_up(self, location: str | None, purge_step: int | None) -> int | None:
        """Goes on where a log ends; returns its last step that counts."""
        if location is not None and purge_step is not None:
            try:
                cut_back(location, purge_step, time.time())
            except OSError as error:
                if self.strict:
                    raise
                self._tell_failure(f"purge_step={purge_step}", error)
        earlier = last_atlases(location, self.layers)
        for sentence in _cautions(earlier, self.probe):
            _warn(sentence)
        return earlier.last_step

    def _checked_layers(self, layers: Sequence[str] | None) -> tuple[str, ...]:
        if layers is None:
            chosen = choose_layers(self.model, self.probe)
            logger.warning("layers: chose %s; pass layers=[...] to choose", ", ".join(chosen))
            return chosen
        if isinstance(layers, str) or not isinstance(layers, Iterable):
            raise ArgumentError(f"layers={layers!r}: pass a list, such as [{str(layers)!r}]")
        names = tuple(dict.fromkeys(normalize_layer_name(self.model, name) for name in layers))
        if not names:
            raise ArgumentError(
                "layers=[]: name at least one layer, or pass None to have some chosen"
            )
        return names

    def _watched_layer(self, shortcuts: object) -> str | None:
        """Returns the layer in which shortcuts are looked for, or None."""
        if isinstance(shortcuts, str):
            wanted = normalize_layer_name(self.model, shortcuts)
            if wanted not in self.layers:
                raise ArgumentError(
                    f"shortcuts={shortcuts!r}: pass True, or one of layers={list(self.layers)}"
                )
        elif isinstance(shortcuts, bool):
            wanted = choose_middle_layer(self.model, self.layers)
        else:
            raise ArgumentError(
                f"shortcuts={shortcuts!r:.40}: pass True, False or one of the layers' names"
            )
        reason = find_incompatibility(self.model, self.probe) if shortcuts else None
        if reason is not None:
            self._notice(
                "shortcuts",
                f"AtlasWriter: shortcuts={shortcuts!r} is not possible: {reason}; atlases are "
                "logged without them",
            )
        return wanted if shortcuts and reason is None else None

    def _tell_failure(self, call: str, error: Exception) -> None:
        """Warns of the first failure and logs all others, repeated ones quietly."""
        place: tuple[object, ...]
        if isinstance(error, WorkerError):
            message, place = f"AtlasWriter: {error}", ("worker", error.location)
        else:
            message = f"AtlasWriter: {call} failed: {describe_error(error)}"
            place = (type(error), *_place_of(error))
        if place in self._told:
            _log(logging.INFO, message)
        elif self._has_failed:
            _log(logging.WARNING, message)
        else:
            _warn(message)
        self._told.add(place)
        self._has_failed = True

    def _notice(self, about: str, sentence: str) -> None:
        """Says once how the writer goes on, which is no failure even under `strict`."""
        if (about,) not in self._told:
            self._told.add((about,))
            _warn(sentence)


def _warn(message: str) -> None:
    """Warns at the line of the user's code that called us, or logs it where warnings raise."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=level)
    except Exception:  # a filter made an error of it, or there is no stderr to show it on
        _log(logging.WARNING, message)


def _log(level: int, message: str) -> None:
    with contextlib.suppress(Exception):  # of a handler of the user's
        logger.log(level, message)


def _place_of(error: BaseException) -> tuple[str, int]:
    """Returns the file and line where an exception was raised."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_filename, line


def _seconds(name: str, value: object) -> float:
    """Returns `value` as a float, or raises an ArgumentError about the argument `name`."""
    if not isinstance(value, SupportsFloat) or not math.isfinite(value):
        raise ArgumentError(f"{name}={value!r:.80}: pass a number of seconds")
    return float(value)


def _whole(name: str, value: object) -> int:
    """Returns `value` as an int, or raises an ArgumentError about the argument `name`."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ArgumentError(f"{name}={value!r:.80}: pass a whole number")
    number = operator.index(value)
    if not -_STEPS <= number < _STEPS:
        raise ArgumentError(f"{name}={number!s:.80}: pass a whole number that 64 bits can hold")
    return number


def _cautions(earlier: Earlier, probe: Probe) -> Iterator[str]:
    """Yields what a person should know before a log is continued."""
    if earlier.problems:
        yield (
            f"AtlasWriter: the log ends with {len(earlier.problems)} unreadable records, which are "
            f"passed by: {earlier.problems[0]}; `tensorboard-atlas doctor` says more"
        )
    changes = {change for a in earlier.atlases.values() for change in list_probe_changes(a, probe)}
    if changes:
        yield (
            "AtlasWriter: the maps start afresh, since the log was made with another probe: "
            f"{', '.join(sorted(changes))}; pass the same images, samples and seed to continue it"
        )


def _inline_notice(reason: object, lost: Lost = NOTHING_LOST) -> str:
    gone = f"; {lost} could not be recorded any more" if lost.steps else ""
    return (
        f"AtlasWriter: worker='process' is not possible: {reason}. Atlases are made in the "
        "training loop instead, which stands still meanwhile, often for a minute; pass "
        f"worker='inline' to be asked no more{gone}"
    )


@contextlib.contextmanager
def _explained(model: nn.Module) -> Iterator[None]:
    """Says which argument to look at when the user's own forward pass fails.

    Raises:
        ArgumentError: in place of any exception that is not ours.
    """
    try:
        yield
    except AtlasError:
        raise
    except Exception as error:
        raise ArgumentError(
            f"model={type(unwrap(model)).__name__} fails on the probe's images "
            f"({type(error).__name__}: {error!s:.200}); pass probe images as the model takes them"
        ) from error
