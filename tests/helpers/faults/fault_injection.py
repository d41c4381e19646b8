# SPDX-License-Identifier: Apache-2.0
"""A training run with injected faults, and the faults that several tables share."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from tiny_training import TINY, Net, make_images

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter
from tensorboard_plugin_atlas.logs.event_file import EventSink

WITH_INVERSION = AtlasConfig(**{**TINY.as_dict(), "icons": "inversion", "icon_steps": 2})
WITH_EXAMPLES = AtlasConfig(**{**TINY.as_dict(), "icons": "examples"})
INLINE, PROCESS = ("inline",), ("process",)
BOTH = INLINE + PROCESS


class FaultyNet(Net):
    """Trains as usual, but calls `fault` as its forward pass in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.home = os.getpid()
        self.fault = None

    def forward(self, x):
        return self.compute(x) if self.training or self.fault is None else self.fault(self, x)

    def compute(self, x):
        return super().forward(x)


class Evidence:
    """Counts events in a file, so that every process can add to it."""

    def __init__(self, path):
        self.path = path

    def __call__(self):
        with self.path.open("ab") as file:
            file.write(b".")

    def __len__(self):
        return self.path.stat().st_size if self.path.exists() else 0


@dataclass
class TrainingRun:
    """A training run, with or without a writer, into which a fault is injected.

    Attributes:
        model: Model under training.
        directory: Directory of the run.
        patch: Patches, undone after the run.
        stack: Contexts, left after the run.
        evidence: Called by faults that the writer does not report.
        atlas: The writer, or None.
        around: Returns a context for each call of the writer.
        step_of: Returns the step to pass, given the real one.
        walltime: Wall time to pass.
        timeout: Timeout to pass to `close`.
        afterwards: Names and arguments of further calls after the writer was closed.
    """

    model: FaultyNet
    directory: Path
    patch: pytest.MonkeyPatch
    stack: contextlib.ExitStack
    evidence: Evidence
    atlas: AtlasWriter | None = None
    around: Callable[[], Any] = contextlib.nullcontext
    step_of: Callable[[int], Any] = int
    walltime: Any = None
    timeout: Any = 30.0
    afterwards: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)


def has_every_step(step, at):
    return True


def has_steps_before(step, at):
    return step < at


def has_all_but_one(step, at):
    return step != at


def has_steps_after(step, at):
    return step > at


@dataclass(frozen=True)
class Fault:
    """A fault to inject, and its expected effects.

    Attributes:
        inject: Injects the fault into a run.
        warning: Pattern of the only warning, or None if there is none.
        has_step: Whether the log has an atlas of `step` if the fault was injected before step `at`.
        moments: Steps before which the fault is injected; -1 is before the writer is created.
        workers: Values of `worker` to test.
        ends: Ways to close the writer: by a call, or by leaving its `with` block.
        logged: Pattern of a message in `logging`.
        config: Configuration of the writer.
        target: Returns the log target, given a directory.
        probe: Returns the probe.
    """

    inject: Callable[[TrainingRun], object]
    warning: str | None = None
    has_step: Callable[[int, int], bool] = has_every_step
    moments: tuple[int, ...] = (0, 2)
    workers: tuple[str, ...] = INLINE
    ends: tuple[str, ...] = ("close", "with")
    logged: str | None = None
    config: AtlasConfig = TINY
    target: Callable[[Path], Any] = str
    probe: Callable[[], Any] = make_images


def make_blocking_fault(inject, warning, **more):
    """Returns a fault during which no atlas can be computed."""
    return Fault(inject, warning, has_steps_before, **more)


def make_raiser(error):
    """Returns a function that raises `error` with any arguments."""

    def fail(*_args, **_kwargs):
        raise error

    return fail


def raise_from(owner, name, error):
    """Returns an injector that replaces a function with one that raises `error`."""
    return lambda run: run.patch.setattr(owner, name, make_raiser(error))


def make_os_error(number):
    return OSError(number, os.strerror(number))


class FailingFile:
    """An open file with methods that fail. A failing `close` still closes it, as on Linux."""

    def __init__(self, file, methods, error):
        self._file, self._methods, self._error = file, methods, error

    def __getattr__(self, name):
        if name == "close":
            self._file.close()
        return make_raiser(self._error) if name in self._methods else getattr(self._file, name)


def fail_on_disk(number, *methods):
    """Returns an injector that makes methods of the log file fail."""

    def inject(run):
        opened = EventSink._open
        error = make_os_error(number)
        run.patch.setattr(
            EventSink, "_open", lambda sink: FailingFile(opened(sink), methods, error)
        )

    return inject


def find_descriptor(directory, process=None):
    """Returns the file descriptor of the log that a process writes to."""
    (file,) = [f for f in psutil.Process(process).open_files() if str(directory) in f.path]
    return file.fd


def fail_in_forward(fault, *arguments):
    """Returns an injector that makes `fault` the model's forward pass in evaluation mode."""

    def inject(run):
        run.model.fault = functools.partial(fault, *arguments)

    return inject


def raise_error(error, _model, _x):
    raise error


def combine(*injectors):
    """Returns an injector that calls others in turn."""

    def inject(run):
        for one in injectors:
            one(run)

    return inject


raise_in_forward = fail_in_forward(raise_error, RuntimeError("a forward that fails"))
