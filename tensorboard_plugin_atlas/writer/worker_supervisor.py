# SPDX-License-Identifier: Apache-2.0
"""Keeps a worker running: restarts it when it ends, with pauses that double each time.

The kernel kills a worker if memory runs out, and the next one works when there is memory again. A
run of a week must continue to log after a short problem, and a machine with a lasting problem must
not be kept busy with starting workers.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Callable
from typing import Final

from tensorboard_plugin_atlas.errors import WorkerError, describe_error
from tensorboard_plugin_atlas.writer.model_pickle import Structure
from tensorboard_plugin_atlas.writer.worker_handle import ExitStatus, WorkerProcess
from tensorboard_plugin_atlas.writer.worker_messages import Done, Failed, Job

logger = logging.getLogger(__name__)

END_SECONDS: Final = 1.0
"""How long a worker may take to close its files before it is killed."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
"""Pause in seconds after the second failure in a row; doubled after each further one."""

_TRIES: Final = 2
"""Number of attempts at a job, and number of failed first starts before giving up."""


class CannotStartError(WorkerError):
    """No worker could be started, and further attempts would fail, too."""


class WorkerSupervisor:
    """Runs jobs in a worker and restarts it. Not thread safe, except for `kill`.

    Args:
        make: Starts a worker.
        pause: Waits for a number of seconds, or less if another thread waits for a job.
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
        """Starts the first worker before the first job.

        Raises:
            CannotStartError: if no process can be started.
        """
        while self._worker is None:
            try:
                self._worker = self._start_worker()
            except Exception as error:
                self._handle_failure(error)

    def run_job(self, job: Job, structure: Structure, slot: int) -> Done | Failed:
        """Runs a job, in a second worker if the first one ends during it.

        Args:
            job: The job, without a structure.
            structure: The model without its state.
            slot: File descriptor of the state.

        Raises:
            CannotStartError: if no worker could ever be started.
            WorkerError: if the second worker ended, too, or `kill` was called.
        """
        how = "is stopped"
        self._handle_idle_exit()
        for _ in range(_TRIES):
            if self._is_killed:
                break
            try:
                reply = self._get_worker().run_job(job, structure, slot)
            except Exception as error:
                how = self._handle_failure(error)
                _log(logging.INFO, f"step {job.step}: the background process {how}")
            else:
                self._was_ready = True
                self._failures = self._failed_starts = 0
                return reply
        raise WorkerError(
            f"step {job.step}: the background process {how}\n"
            "This was the second time in a row, so the step is not logged. The process is "
            "restarted for the next step; worker='inline' shows where it fails",
            location=how.partition("\n")[0],
        )

    def raise_priority(self) -> None:
        """Raises the priority of the worker, where the system permits that; in any thread."""
        worker = self._worker
        if worker is not None:
            worker.raise_priority()

    def kill(self) -> None:
        """Kills the worker and any later one; may be called in any thread."""
        self._is_killed = True
        worker = self._worker
        if worker is not None:
            worker.kill()

    def end(self) -> None:
        """Requests that the worker exits, and kills it after 1 s."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(END_SECONDS)

    def _get_worker(self) -> WorkerProcess:
        """Returns the worker; if there is none, starts one after a pause."""
        if self._worker is None:
            rest = self._next_start - time.monotonic()
            if rest > 0:
                self._pause(rest)
            self._worker = self._start_worker()
        return self._worker

    def _start_worker(self) -> WorkerProcess:
        worker = self._make()
        if self._is_killed:
            worker.kill()
        return worker

    def _handle_idle_exit(self) -> None:
        """Discards a worker that ended while it was idle, which does not count as a failed job."""
        worker = self._worker
        if worker is None or worker.is_running():
            return
        if worker.is_ready:
            self._worker = None
            status = worker.end(0)
            _log(logging.INFO, f"the background process {status} while it was idle")
            self._report_oom_kill(status)
        else:
            self._handle_failure(EOFError())

    def _handle_failure(self, error: Exception) -> str:
        """Ends a worker that did not reply or could not be started.

        Returns:
            How it ended, and its last output.

        Raises:
            CannotStartError: if starting another worker would fail, too.
        """
        worker, self._worker = self._worker, None
        is_start, was_ended_externally = True, False
        if worker is None:
            how = f"could not be started ({describe_error(error)})"
        else:
            is_ending = isinstance(error, EOFError | ConnectionError)
            status = worker.end(END_SECONDS, is_ending=is_ending)
            self._report_oom_kill(status)
            is_start, was_ended_externally = not worker.is_ready, status.was_ended_externally
            how = str(status)
            if not is_ending:
                how = f"sent no valid reply ({describe_error(error)}) and {how}"
        self._was_ready |= not is_start
        self._failed_starts += is_start and not was_ended_externally
        if self._failed_starts >= _TRIES and not self._was_ready and not self._is_killed:
            raise CannotStartError(f"the background process {how}") from error
        self._failures += 1
        pause = FIRST_PAUSE * 2.0 ** min(self._failures - 2, 20) if self._failures > 1 else 0.0
        self._next_start = time.monotonic() + min(pause, LONGEST_PAUSE)
        return how

    def _report_oom_kill(self, status: ExitStatus) -> None:
        """Logs a probable out-of-memory kill, the first time as a warning."""
        if status.was_ended_externally and status.code == -signal.SIGKILL:
            _log(
                self._oom_level,
                "the background process of AtlasWriter was ended by SIGKILL, probably by the "
                "kernel's out-of-memory killer. It is killed before the training process, which "
                "continues; the background process is restarted for the next step",
            )
            self._oom_level = logging.INFO


def _log(level: int, message: str) -> None:
    with contextlib.suppress(Exception):  # from one of the user's log handlers
        logger.log(level, "%s", message)
