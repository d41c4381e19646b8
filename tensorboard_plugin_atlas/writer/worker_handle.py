# SPDX-License-Identifier: Apache-2.0
"""Starts a worker process, sends it jobs, ends it, and reports how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.writer.channel import Channel
from tensorboard_plugin_atlas.writer.fork_safety import delay_forks
from tensorboard_plugin_atlas.writer.model_pickle import Structure
from tensorboard_plugin_atlas.writer.worker_messages import Done, Failed, Job, Ready, Setup

_WORKER: Final = "tensorboard_plugin_atlas.writer.worker"
_MAX_REPLY_BYTES: Final = 1 << 20
_LAST_BYTES: Final = 16_384
_FIRST_LINES: Final = 6
_LAST_LINES: Final = 6
_READY_SECONDS: Final = 600.0
"""How long a worker may take to import torch; beside a busy training loop it gets 1 % of a core."""

_KILL_SECONDS: Final = 10.0
"""How long to wait for the end of a killed worker; one that waits for a failed disk never ends."""

_THREADS: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_MALLOC: Final = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
_KEPT_BYTES: Final = 1 << 30
"""glibc keeps freed memory below this size; otherwise rendering would allocate it at each step."""


@dataclass(frozen=True)
class ExitStatus:
    """How a worker ended.

    Attributes:
        code: Exit status, a negative signal number, or None if it has not ended yet.
        was_killed: Whether the training process killed it.
        output: The first and last lines of its output.
    """

    code: int | None
    was_killed: bool
    output: str

    @property
    def was_ended_externally(self) -> bool:
        """Whether the kernel, a batch system, or a user ended it."""
        return not self.was_killed and self.code in (-signal.SIGKILL, -signal.SIGTERM)

    def __str__(self) -> str:
        if self.code is None:
            how = "was killed but has not ended yet"
        elif self.was_killed and self.code == -signal.SIGKILL:
            how = "was killed by the training process"
        elif self.code >= 0:
            how = f"ended with status {self.code}"
        else:
            how = f"was ended by {_signal_name(-self.code)}"
        return f"{how}{self.output}"


class WorkerProcess:
    """A running worker.

    Must be created in a thread that lives as long as the worker: Linux ends the worker with it.

    Args:
        setup: First message to the worker.
        images: File descriptor of the probe's images.

    Attributes:
        is_ready: Whether the worker has imported torch and read its setup.

    Raises:
        OSError: if no process can be started.
    """

    def __init__(self, setup: Setup, images: int) -> None:
        _KILLED[:] = [process for process in _KILLED if process.poll() is None]
        self.is_ready = False
        self._setup, self._images = setup, images
        self._sent: Structure | None = None
        self._is_stopped = False
        self._pidfd = -1
        with contextlib.ExitStack() as on_failure:
            self._output = on_failure.enter_context(tempfile.TemporaryFile(mode="a+b"))
            with delay_forks():
                ours, theirs = socket.socketpair()
                on_failure.enter_context(ours)
                with theirs:
                    self._process = _spawn(theirs, self._output.fileno(), setup.hardware.threads)
                self._channel = Channel(ours, self)
                _RUNNING.add(self)
            on_failure.pop_all()  # from here on `end` closes them
        with contextlib.suppress(AttributeError, OSError):  # not Linux, or an old one
            self._pidfd = os.pidfd_open(self._process.pid)
        _reap_at_exit(self._process)  # last: its id may belong to another process afterwards

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Returns whether the process is running and was not killed."""
        return not self._is_stopped and self._process.poll() is None

    def fileno(self) -> int:
        """Returns a descriptor that becomes readable when the process ends, or -1."""
        return self._pidfd

    def run_job(self, job: Job, structure: Structure, slot: int) -> Done | Failed:
        """Sends a job and waits for the reply as long as the worker runs.

        Args:
            job: The job, without a structure.
            structure: The model without its state; sent if this worker does not have it.
            slot: File descriptor of the state.

        Raises:
            EOFError, OSError: if the worker ends before it replies, or is not ready in time.
            Exception: of any kind, if the reply is invalid.
        """
        if not self.is_ready:
            self._set_up()
        is_known = structure is self._sent
        self._channel.send(job if is_known else dataclasses.replace(job, structure=structure))
        self._channel.send_file(slot)
        self._sent = structure
        reply = self._channel.receive(max_bytes=_MAX_REPLY_BYTES)
        if not isinstance(reply, (Done, Failed)):
            raise TypeError(f"received {type(reply).__name__} instead of a reply")
        return reply

    def raise_priority(self) -> None:
        """Gives all threads the priority of this process, where the system permits that."""
        if not self.is_running():
            return
        with contextlib.suppress(OSError):  # no privileges, not Linux, or it has just ended
            own = os.getpriority(os.PRIO_PROCESS, 0)
            for thread in Path(f"/proc/{self.pid}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(thread.name), own)

    def kill(self) -> None:
        """Kills the process; a thread that waits for its reply gets an EOFError."""
        self._is_stopped = True
        with contextlib.suppress(OSError):
            self._process.kill()

    def end(self, timeout: float, *, is_ending: bool = False) -> ExitStatus:
        """Requests that the process exits, kills it after the timeout, and waits at most 10 s more.

        Args:
            timeout: Seconds to wait.
            is_ending: Whether the socket was closed at the other end. The kernel closes it some
                time before it reports how the process ended.
        """
        with contextlib.suppress(OSError):
            self._channel.finish()
        # A worker that is not ready has no job to finish, and may still be importing.
        if not _is_over(self._process, timeout if self.is_ready or is_ending else 0):
            self.kill()
            if not _is_over(self._process, _KILL_SECONDS):
                _KILLED.append(self._process)
        self.close_channel()
        _RUNNING.discard(self)
        with self._output as output:
            output.seek(max(output.seek(0, os.SEEK_END) - _LAST_BYTES, 0))
            lines = output.read().decode(errors="replace").strip().splitlines()
        return ExitStatus(self._process.returncode, self._is_stopped, _shorten_output(lines))

    def close_channel(self) -> None:
        """Closes the socket in this process, which may be a fork of the owner."""
        self._channel.close()
        pidfd, self._pidfd = self._pidfd, -1
        if pidfd >= 0:
            os.close(pidfd)

    def _set_up(self) -> None:
        self._channel.send(self._setup)
        self._channel.send_file(self._images)
        reply = self._channel.receive(max_bytes=_MAX_REPLY_BYTES, timeout=_READY_SECONDS)
        if not isinstance(reply, Ready):
            raise TypeError(f"received {type(reply).__name__} instead of Ready")
        self.is_ready = True


_RUNNING: Final[weakref.WeakSet[WorkerProcess]] = weakref.WeakSet()
_KILLED: Final[list[subprocess.Popen[bytes]]] = []
"""Workers that were killed but have not ended yet."""


def _close_channels_in_child() -> None:
    for worker in list(_RUNNING):
        # Other code may have closed its descriptors; the sockets of all others must be closed, too.
        with contextlib.suppress(Exception):
            worker.close_channel()


# Otherwise data loader processes hold the socket open, and the worker does not see its owner exit.
os.register_at_fork(after_in_child=_close_channels_in_child)


def _spawn(socket_end: socket.socket, output: int, threads: int) -> subprocess.Popen[bytes]:
    """Starts the worker with the socket as its standard input.

    With these arguments, above all `close_fds=False`, Python calls posix_spawn. Otherwise it forks
    and waits for the end of a pipe, which a data loader that is forked at the same time keeps open
    as long as it lives. The worker itself closes inherited files.
    """
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", _WORKER, str(os.getpid())],
        stdin=socket_end.fileno(),
        stdout=output,
        stderr=output,
        env=_environment(threads),
        close_fds=False,
    )


def _reap_at_exit(process: subprocess.Popen[bytes]) -> None:
    """Waits in a thread of its own for the end of a process, so that it is never a zombie.

    At its shutdown, a Jupyter kernel ends its child processes, and waits 29 s for zombies.
    """
    with contextlib.suppress(RuntimeError):  # no thread can be started
        threading.Thread(target=process.wait, name="atlas-worker-exit", daemon=True).start()


def _is_over(process: subprocess.Popen[bytes], timeout: float) -> bool:
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def _environment(threads: int) -> dict[str, str]:
    """Returns environment variables for the worker: same import path, threads, no warnings."""
    return {
        **dict.fromkeys(_MALLOC, str(_KEPT_BYTES)),
        "MALLOC_ARENA_MAX": "1",  # both threads of the worker use the same freed memory
        **os.environ,
        **dict.fromkeys(_THREADS, str(threads)),
        "PYTHONPATH": os.pathsep.join(_import_path()),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
        "TQDM_DISABLE": "1",
    }


def _import_path() -> Iterator[str]:
    """Yields the entries of `sys.path` that Python can use, and skips all others."""
    for path in sys.path:
        if not isinstance(path, str) or "\0" in path:
            continue
        with contextlib.suppress(OSError, UnicodeError):  # no working directory; not a file name
            os.fsencode(path)
            yield path or str(Path.cwd())


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _shorten_output(lines: Sequence[str]) -> str:
    """Returns the first and last lines: a traceback ends with its cause, a crash starts with it."""
    shown = list(lines)
    if len(shown) > _FIRST_LINES + _LAST_LINES:
        shown[_FIRST_LINES:-_LAST_LINES] = ["…"]
    return "".join(f"\n  | {line[:200]}" for line in shown)
