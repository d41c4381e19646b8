# SPDX-License-Identifier: Apache-2.0
"""The worker as the training process sees it: started, asked, listened to when it dies, ended."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.writer.channel import Channel
from tensorboard_plugin_atlas.writer.fork_lock import forks_delayed
from tensorboard_plugin_atlas.writer.ipc import Done, Failed, Job, Ready, Setup
from tensorboard_plugin_atlas.writer.model_structure import Structure

_WORKER: Final = "tensorboard_plugin_atlas.writer.worker"
_LONGEST_ANSWER: Final = 1 << 20
_LAST_BYTES: Final = 16_384
_FIRST_LINES: Final = 6
_LAST_LINES: Final = 6
_READY_SECONDS: Final = 600.0
"""How long a worker may take to import torch; beside a loop on every core it has 1 % of one."""

_KILL_SECONDS: Final = 10.0
"""How long a killed worker may take to be gone; one that waits for a dead disk never is."""

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


@dataclass(frozen=True)
class Fate:
    """How a worker ended.

    Attributes:
        code: Exit status, the negative number of a signal, or None if it is not gone yet.
        was_stopped: Whether the training process killed it.
        words: Its last words.
    """

    code: int | None
    was_stopped: bool
    words: str

    @property
    def is_from_outside(self) -> bool:
        """Whether somebody else ended it: the kernel, a batch system, a person."""
        return not self.was_stopped and self.code in (-signal.SIGKILL, -signal.SIGTERM)

    def __str__(self) -> str:
        if self.code is None:
            how = "was killed and is not gone yet"
        elif self.code >= 0:
            how = f"ended with status {self.code}"
        else:
            how = f"was ended by {_signal_name(-self.code)}"
        return f"{how}{self.words}"


class WorkerProcess:
    """A running worker.

    To be made in a thread that lives as long as it: Linux ends the worker with that thread.

    Args:
        setup: What it is told first.
        images: Descriptor of the probe's images.

    Attributes:
        is_ready: Whether it has come up: it has imported torch and read its setup.

    Raises:
        OSError: if no process can be started.
    """

    def __init__(self, setup: Setup, images: int) -> None:
        _LEFT[:] = [process for process in _LEFT if process.poll() is None]
        self.is_ready = False
        self._setup, self._images = setup, images
        self._sent: Structure | None = None
        self._is_stopped = False
        self._pidfd = -1
        with contextlib.ExitStack() as on_failure:
            self._output = on_failure.enter_context(tempfile.TemporaryFile(mode="a+b"))
            with forks_delayed():
                ours, theirs = socket.socketpair()
                on_failure.enter_context(ours)
                with theirs:
                    self._process = _spawn(theirs, self._output.fileno())
                self._channel = Channel(ours, self)
                _RUNNING.add(self)
            on_failure.pop_all()  # from here on `end` closes them
        with contextlib.suppress(AttributeError, OSError):  # not Linux, or an old one
            self._pidfd = os.pidfd_open(self._process.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tells whether it lives and was not killed."""
        return not self._is_stopped and self._process.poll() is None

    def fileno(self) -> int:
        """Returns a descriptor that becomes readable when it ends, or -1 where there is none."""
        return self._pidfd

    def ask(self, job: Job, structure: Structure, slot: int) -> Done | Failed:
        """Hands over a job and waits for the answer, as long as the worker runs.

        Args:
            job: The job, without a structure.
            structure: The model's; it is sent if this worker does not have it.
            slot: Descriptor of the state.

        Raises:
            EOFError, OSError: if it dies before it has answered, or does not come up in time.
            Exception: of any kind, if what comes back is no answer.
        """
        if not self.is_ready:
            self._set_up()
        is_known = structure is self._sent
        self._channel.send(job if is_known else dataclasses.replace(job, structure=structure))
        self._channel.send_file(slot)
        self._sent = structure
        answer = self._channel.receive(max_bytes=_LONGEST_ANSWER)
        if not isinstance(answer, (Done, Failed)):
            raise TypeError(f"{type(answer).__name__} instead of an answer")
        return answer

    def kill(self) -> None:
        """Ends it now; whoever waits for its answer is told."""
        self._is_stopped = True
        with contextlib.suppress(OSError):
            self._process.kill()

    def end(self, timeout: float) -> Fate:
        """Lets it end by itself, or kills it when the time is up; waits 10 s more at most.

        Args:
            timeout: Seconds to wait.
        """
        with contextlib.suppress(OSError):
            self._channel.finish()
        # One that is not ready has nothing to finish, and may still be importing.
        if not _is_over(self._process, timeout if self.is_ready else 0):
            self.kill()
            if not _is_over(self._process, _KILL_SECONDS):
                _LEFT.append(self._process)
        self.abandon()
        _RUNNING.discard(self)
        with self._output as output:
            output.seek(max(output.seek(0, os.SEEK_END) - _LAST_BYTES, 0))
            words = output.read().decode(errors="replace").strip().splitlines()
        return Fate(self._process.returncode, self._is_stopped, _quoted(words))

    def abandon(self) -> None:
        """Lets go of the socket, also in a process that was forked from the one that owns it."""
        self._channel.close()
        pidfd, self._pidfd = self._pidfd, -1
        if pidfd >= 0:
            os.close(pidfd)

    def _set_up(self) -> None:
        self._channel.send(self._setup)
        self._channel.send_file(self._images)
        answer = self._channel.receive(max_bytes=_LONGEST_ANSWER, timeout=_READY_SECONDS)
        if not isinstance(answer, Ready):
            raise TypeError(f"{type(answer).__name__} instead of a greeting")
        self.is_ready = True


_RUNNING: Final[weakref.WeakSet[WorkerProcess]] = weakref.WeakSet()
_LEFT: Final[list[subprocess.Popen[bytes]]] = []
"""Workers that were killed and are not gone yet."""


def _abandon_all() -> None:
    for worker in list(_RUNNING):
        worker.abandon()


# Loader processes would otherwise hold the socket open, and the worker not see its owner go.
os.register_at_fork(after_in_child=_abandon_all)


def _spawn(socket_end: socket.socket, output: int) -> subprocess.Popen[bytes]:
    """Starts the worker with the socket as its standard input.

    With these arguments, `close_fds=False` above all, Python calls posix_spawn. Otherwise it would
    fork and wait for the end of a pipe, which a loader that is forked meanwhile keeps open for as
    long as it lives. The worker closes by itself what it inherits.
    """
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", _WORKER, str(os.getpid())],
        stdin=socket_end.fileno(),
        stdout=output,
        stderr=output,
        env=_environment(),
        close_fds=False,
    )


def _is_over(process: subprocess.Popen[bytes], timeout: float) -> bool:
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def _environment() -> dict[str, str]:
    """Returns the environment of the worker: the same modules, one thread, no warnings."""
    return {
        **dict.fromkeys(_MALLOC, str(_KEPT_BYTES)),
        **os.environ,
        **dict.fromkeys(_THREADS, "1"),
        "PYTHONPATH": os.pathsep.join(_import_path()),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
        "TQDM_DISABLE": "1",
    }


def _import_path() -> Iterator[str]:
    """Yields the entries of `sys.path` that Python itself can use; it passes over all others."""
    for path in sys.path:
        if not isinstance(path, str) or "\0" in path:
            continue
        with contextlib.suppress(OSError, UnicodeError):  # no working directory; no file's name
            os.fsencode(path)
            yield path or str(Path.cwd())


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _quoted(lines: Sequence[str]) -> str:
    """Returns the first and the last lines: a traceback tells at its end, a crash at its start."""
    shown = list(lines)
    if len(shown) > _FIRST_LINES + _LAST_LINES:
        shown[_FIRST_LINES:-_LAST_LINES] = ["…"]
    return "".join(f"\n  | {line[:200]}" for line in shown)
