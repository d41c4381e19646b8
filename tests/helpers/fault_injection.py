# SPDX-License-Identifier: Apache-2.0
"""A training for faults to strike, and the ways to strike that several tables share."""

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

DRAWN = AtlasConfig(**{**TINY.as_dict(), "icons": "inversion", "icon_steps": 2})
PICTURED = AtlasConfig(**{**TINY.as_dict(), "icons": "examples"})
INLINE, PROCESS = ("inline",), ("process",)
BOTH = INLINE + PROCESS


class Moody(Net):
    """Trains like any other, but does what `mood` says when it is looked at, in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.home = os.getpid()
        self.mood = None

    def forward(self, x):
        return self.answer(x) if self.training or self.mood is None else self.mood(self, x)

    def answer(self, x):
        return super().forward(x)


class Evidence:
    """Remembers that something happened, in whatever process it did."""

    def __init__(self, path):
        self.path = path

    def __call__(self):
        with self.path.open("ab") as file:
            file.write(b".")

    def __len__(self):
        return self.path.stat().st_size if self.path.exists() else 0


@dataclass
class Scene:
    """A training with a writer, or without one, for a fault to strike.

    Attributes:
        model: What is trained.
        directory: Of the run.
        patch: Undone when the training is over.
        stack: Left when the training is over.
        evidence: Called by what goes wrong without the writer having anything to say.
        atlas: The writer, None in the training without one.
        around: Entered around every call of the writer.
        step_of: What is passed as the step, given the real one.
        walltime: What is passed as the wall time.
        timeout: What is passed to `close`.
        afterwards: Further calls when everything is closed, name and arguments.
    """

    model: Moody
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


def every_step(step, at):
    return True


def only_before(step, at):
    return step < at


def all_but_one(step, at):
    return step != at


def only_after(step, at):
    return step > at


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        strike: Makes it go wrong, from now on.
        told: Pattern of the one warning; None where there is nothing to tell.
        kept: Says whether an atlas of `step` is in the log when it struck before step `at`.
        moments: Steps before which it may strike; -1 is before the writer is made.
        workers: Where atlases are made.
        ends: How the writer is closed: by a call, or by leaving its block.
        logged: Pattern of what must be in `logging`.
        config: The recipe.
        target: Makes what is logged to, given a directory.
        probe: Makes what is passed as the probe.
    """

    strike: Callable[[Scene], object]
    told: str | None = None
    kept: Callable[[int, int], bool] = every_step
    moments: tuple[int, ...] = (0, 2)
    workers: tuple[str, ...] = INLINE
    ends: tuple[str, ...] = ("close", "with")
    logged: str | None = None
    config: AtlasConfig = TINY
    target: Callable[[Path], Any] = str
    probe: Callable[[], Any] = make_images


def lost(strike, told, **more):
    """A fault for which no atlas can be made while it lasts."""
    return Fault(strike, told, only_before, **more)


def raising(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def patched(owner, name, error):
    """Has a function of ours, or of Python's, raise."""
    return lambda scene: scene.patch.setattr(owner, name, raising(error))


def os_error(number):
    return OSError(number, os.strerror(number))


class FailingFile:
    """An open file of which some methods fail; it is closed all the same, as by Linux."""

    def __init__(self, file, methods, error):
        self._file, self._methods, self._error = file, methods, error

    def __getattr__(self, name):
        if name == "close":
            self._file.close()
        return raising(self._error) if name in self._methods else getattr(self._file, name)


def on_disk(number, *methods):
    """Has the log's file fail."""

    def strike(scene):
        opened = EventSink._opened
        error = os_error(number)
        scene.patch.setattr(
            EventSink, "_opened", lambda sink: FailingFile(opened(sink), methods, error)
        )

    return strike


def descriptor_in(directory, process=None):
    """Returns the descriptor of the log that is being written."""
    (file,) = [f for f in psutil.Process(process).open_files() if str(directory) in f.path]
    return file.fd


def looked_at(mood, *arguments):
    """Gives the model a mood."""

    def strike(scene):
        scene.model.mood = functools.partial(mood, *arguments)

    return strike


def raises(error, _model, _x):
    raise error


def both(*strikes):
    def strike(scene):
        for one in strikes:
            one(scene)

    return strike


fail_when_looked_at = looked_at(raises, RuntimeError("a forward that fails"))
