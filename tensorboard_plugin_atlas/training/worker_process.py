# SPDX-License-Identifier: Apache-2.0
"""The worker as the training process sees it: started, asked, listened to when it dies, ended."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.compute.model.structure import Structure
from tensorboard_plugin_atlas.training.messages import Channel, Done, Failed, Job, Setup

_WORKER: Final = "tensorboard_plugin_atlas.training.worker"
_LONGEST_ANSWER: Final = 1 << 20
_LAST_BYTES: Final = 16_384
_FIRST_LINES: Final = 6
_LAST_LINES: Final = 6
_THREADS: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_MALLOC: Final = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
_KEPT_BYTES: Final = 1 << 30
"""Below this glibc keeps freed memory, which drawing would have to ask for again at every step."""


class WorkerProcess:
    """A running worker.

    To be made in a thread that lives as long as it: Linux ends the worker with that thread.

    Args:
        setup: What it is told first.
        images: Descriptor of the probe's images.

    Raises:
        OSError: if no process can be started.
    """

    def __init__(self, setup: Setup, images: int) -> None:
        self._sent: Structure | None = None
        ours, theirs = multiprocessing.Pipe()
        with theirs, contextlib.ExitStack() as on_failure:
            self._channel = on_failure.enter_context(contextlib.closing(Channel(ours)))
            self._output = on_failure.enter_context(tempfile.TemporaryFile(mode="a+b"))
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", _WORKER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                env=_environment(),
                pass_fds=(theirs.fileno(),),
            )
            on_failure.pop_all()  # from here on `end` closes them
        _RUNNING.add(self)
        try:
            # The socket's buffer takes both, so this does not wait for the worker to come up.
            self._channel.send(setup)
            self._channel.send_file(images)
        except BaseException:
            self.end(0)
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tells whether it lives."""
        return self._process.poll() is None

    def ask(self, job: Job, structure: Structure, slot: int) -> Done | Failed:
        """Hands over a job and waits for the answer.

        Args:
            job: The job, without a structure.
            structure: The model's; it is sent if this worker does not have it.
            slot: Descriptor of the state.

        Raises:
            EOFError, OSError: if it dies before it has answered.
            Exception: of any kind, if what comes back is no answer.
        """
        is_known = structure is self._sent
        self._channel.send(job if is_known else dataclasses.replace(job, structure=structure))
        self._channel.send_file(slot)
        self._sent = structure
        answer = self._channel.receive(_LONGEST_ANSWER)
        if not isinstance(answer, (Done, Failed)):
            raise TypeError(f"{type(answer).__name__} instead of an answer")
        return answer

    def kill(self) -> None:
        """Ends it now; whoever waits for its answer is told."""
        self._process.kill()

    def end(self, timeout: float) -> str:
        """Lets it end by itself, or kills it when the time is up.

        Args:
            timeout: Seconds to wait.

        Returns:
            How it ended and its last words.
        """
        with contextlib.suppress(OSError):
            self._channel.send(None)
        try:
            # One that was never asked has nothing to finish, and may still be importing.
            self._process.wait(0 if self._sent is None else timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._channel.close()
        _RUNNING.discard(self)
        with self._output as output:
            output.seek(max(output.seek(0, os.SEEK_END) - _LAST_BYTES, 0))
            words = output.read().decode(errors="replace").strip().splitlines()
        return f"{_fate(self._process.returncode)}{_quoted(words)}"

    def abandon(self) -> None:
        """Lets go of the socket, in a process that was forked from the one that owns the worker."""
        self._channel.close()


_RUNNING: Final[weakref.WeakSet[WorkerProcess]] = weakref.WeakSet()


def _abandon_all() -> None:
    for worker in _RUNNING:
        worker.abandon()


# Loader processes would otherwise hold the socket open, and the worker not see its owner go.
os.register_at_fork(after_in_child=_abandon_all)


def _environment() -> dict[str, str]:
    """Returns the environment of the worker: the same modules, one thread, no warnings."""
    return {
        **dict.fromkeys(_MALLOC, str(_KEPT_BYTES)),
        **os.environ,
        **dict.fromkeys(_THREADS, "1"),
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
        "TQDM_DISABLE": "1",
    }


def _fate(code: int) -> str:
    if code >= 0:
        return f"ended with status {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _quoted(lines: Sequence[str]) -> str:
    """Returns the first and the last lines: a traceback tells at its end, a crash at its start."""
    shown = list(lines)
    if len(shown) > _FIRST_LINES + _LAST_LINES:
        shown[_FIRST_LINES:-_LAST_LINES] = ["…"]
    return "".join(f"\n  | {line[:200]}" for line in shown)
