# SPDX-License-Identifier: Apache-2.0
"""Keeps a worker running: starts it, starts it again when it ends, and pauses longer each time.

A worker is ended from outside when memory is short, and it comes back when there is some again. A
run of a week has to go on logging after a bad minute, and a machine in trouble must not be kept
busy with starting workers.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Callable
from typing import Final

from tensorboard_plugin_atlas.errors import WorkerError, describe_error
from tensorboard_plugin_atlas.writer.ipc import Done, Failed, Job
from tensorboard_plugin_atlas.writer.model_structure import Structure
from tensorboard_plugin_atlas.writer.worker_process import Fate, WorkerProcess

logger = logging.getLogger(__name__)

END_SECONDS: Final = 1.0
"""How long a worker may take to close its files before it is killed."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
"""Seconds between the second failure in a row and the next start, doubled with each one more."""

_TRIES: Final = 2
"""Workers that a job is given to, and first starts that fail before there is no further one."""


class CannotStartError(WorkerError):
    """No worker has ever come up here, and there is no reason to think that another one will."""


class WorkerSupervisor:
    """Has jobs done by a worker, whatever becomes of it. For one thread, except for `kill`.

    Args:
        make: Starts a worker.
        pause: Waits for so many seconds, or less where someone waits for a job.
    """

    def __init__(self, make: Callable[[], WorkerProcess], pause: Callable[[float], None]) -> None:
        self._make, self._pause = make, pause
        self._worker: WorkerProcess | None = None
        self._is_killed = False
        self._was_ready = False
        self._failed_starts = 0
        self._failures = 0
        self._next_start = 0.0
        self._oom_level = logging.WARNING

    def start(self) -> None:
        """Starts the first worker ahead of the first job.

        Raises:
            CannotStartError: if no process can be started.
        """
        while self._worker is None:
            try:
                self._worker = self._started()
            except Exception as error:
                self._end_failed(error)

    def ask(self, job: Job, structure: Structure, slot: int) -> Done | Failed:
        """Has a job done, by a second worker if the first one ends over it.

        Args:
            job: The job, without a structure.
            structure: The model's.
            slot: Descriptor of the state.

        Raises:
            CannotStartError: if no worker has ever come up.
            WorkerError: if the second one ended, too, or `kill` was called.
        """
        how = "is stopped"
        self._notice_idle_end()
        for _ in range(_TRIES):
            if self._is_killed:
                break
            try:
                answer = self._running().ask(job, structure, slot)
            except Exception as error:
                how = self._end_failed(error)
                _log(logging.INFO, f"step {job.step}: the background process {how}")
            else:
                self._was_ready = True
                self._failures = self._failed_starts = 0
                return answer
        raise WorkerError(
            f"step {job.step}: the background process {how}\n"
            "That was the second time in a row, so this step is not logged; the process is started "
            "again for the next one. worker='inline' shows where it fails",
            location=how.partition("\n")[0],
        )

    def kill(self) -> None:
        """Ends the worker now, and every one to come; may be called in any thread."""
        self._is_killed = True
        worker = self._worker
        if worker is not None:
            worker.kill()

    def end(self) -> None:
        """Lets the worker end by itself, if it does so soon."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(END_SECONDS)

    def _running(self) -> WorkerProcess:
        """Returns the worker, after a pause and a start if there is none."""
        if self._worker is None:
            rest = self._next_start - time.monotonic()
            if rest > 0:
                self._pause(rest)
            self._worker = self._started()
        return self._worker

    def _started(self) -> WorkerProcess:
        worker = self._make()
        if self._is_killed:
            worker.kill()
        return worker

    def _notice_idle_end(self) -> None:
        """Forgets a worker that ended while it had nothing to do: no job is to blame for that."""
        worker = self._worker
        if worker is None or worker.is_running():
            return
        if worker.is_ready:
            self._worker = None
            fate = worker.end(0)
            _log(logging.INFO, f"the background process {fate} while it had nothing to do")
            self._report_memory(fate)
        else:
            self._end_failed(EOFError())

    def _end_failed(self, error: Exception) -> str:
        """Ends a worker that gives no answer, or could not be started.

        Returns:
            How it ended and its last words.

        Raises:
            CannotStartError: if there is no use in starting another one.
        """
        worker, self._worker = self._worker, None
        is_start, is_from_outside = True, False
        if worker is None:
            how = f"could not be started ({describe_error(error)})"
        else:
            fate = worker.end(END_SECONDS)
            self._report_memory(fate)
            is_start, is_from_outside = not worker.is_ready, fate.is_from_outside
            how = str(fate)
            if not isinstance(error, EOFError | ConnectionError):
                how = f"gave no answer that can be read ({describe_error(error)}) and {how}"
        self._was_ready |= not is_start
        self._failed_starts += is_start and not is_from_outside
        if self._failed_starts >= _TRIES and not self._was_ready and not self._is_killed:
            raise CannotStartError(f"the background process {how}") from error
        self._failures += 1
        pause = FIRST_PAUSE * 2.0 ** min(self._failures - 2, 20) if self._failures > 1 else 0.0
        self._next_start = time.monotonic() + min(pause, LONGEST_PAUSE)
        return how

    def _report_memory(self, fate: Fate) -> None:
        """Says what SIGKILL from outside most often means, as a warning the first time."""
        if fate.is_from_outside and fate.code == -signal.SIGKILL:
            _log(
                self._oom_level,
                "the background process of the atlases was ended by SIGKILL, probably by the "
                "kernel's out-of-memory killer. The process makes itself the first choice of that "
                "killer, so that training goes on; it is started again for the next step",
            )
            self._oom_level = logging.INFO


def _log(level: int, message: str) -> None:
    with contextlib.suppress(Exception):  # of a handler of the user's
        logger.log(level, "%s", message)
