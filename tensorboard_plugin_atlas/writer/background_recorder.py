# SPDX-License-Identifier: Apache-2.0
"""A recorder that computes atlases in a worker process.

The thread of the training loop copies the model's state into a slot of shared memory and adds the
snapshot to a short queue. A second thread of the training process sends one snapshot after the
other to the worker; it sleeps in a system call nearly all the time. A snapshot keeps its slot until
the worker has replied, so that it can be sent again if the worker dies.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from torch import nn

from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import (
    ArgumentError,
    AtlasError,
    CannotSendError,
    WorkerError,
    describe_error,
)
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.writer.atlas_cost import CostMeter
from tensorboard_plugin_atlas.writer.model_pickle import pickle_structure
from tensorboard_plugin_atlas.writer.probe_transfer import share_images, without_images
from tensorboard_plugin_atlas.writer.record_options import DEFAULT_RECORD_OPTIONS, RecordOptions
from tensorboard_plugin_atlas.writer.shared_state import SharedMemory, list_model_state
from tensorboard_plugin_atlas.writer.snapshot_queue import (
    EXIT_SECONDS,
    NO_UNFINISHED_STEPS,
    Snapshot,
    SnapshotQueue,
    UnfinishedSteps,
    join_skips,
)
from tensorboard_plugin_atlas.writer.worker_device import Hardware
from tensorboard_plugin_atlas.writer.worker_handle import WorkerProcess
from tensorboard_plugin_atlas.writer.worker_messages import Done, Failed, Job, Setup
from tensorboard_plugin_atlas.writer.worker_supervisor import (
    END_SECONDS,
    CannotStartError,
    WorkerSupervisor,
)

logger = logging.getLogger(__name__)

_START_SECONDS: Final = 10.0
"""How long the constructor waits for a process to start, which takes milliseconds."""

_CHECK_SECONDS: Final = 5.0
"""How often a wait for the worker checks that the worker thread is alive."""


class BackgroundRecorder:
    """Records steps in a worker process; the loop only waits for a copy of the state.

    A worker that dies is restarted and gets the same snapshot again. If it dies at that a second
    time, the step is not logged, `pop_failures` reports it, and the next worker is started after a
    pause. If no worker can be started at all, `fault` holds the reason.

    Args:
        model: The model to record.
        probe: The images and positions to sample at every logged step.
        layers: Dotted module names.
        config: Settings of the atlases.
        location: Directory or URL of the event files.
        max_pending: Largest number of snapshots that wait behind the current one.
        meter: Adds up the cost.
        baselines: Atlas of another run for each layer; the first map is aligned with it.
        records: Optional records of each step, and how the model is called.
        hardware: What the worker computes on.

    Attributes:
        probe: The same probe, with its images in memory that the worker shares.

    Raises:
        CannotSendError: if the model cannot be sent to another process.
        ArgumentError: if no process can be started.
        OSError: if there is not enough memory.
    """

    where = "in a background process with low priority"

    def __init__(
        self,
        model: nn.Module,
        probe: Probe,
        layers: tuple[str, ...],
        config: AtlasConfig,
        location: str,
        *,
        max_pending: int,
        meter: CostMeter,
        baselines: Mapping[str, Atlas] = MappingProxyType({}),
        records: RecordOptions = DEFAULT_RECORD_OPTIONS,
        hardware: Hardware = Hardware(),  # noqa: B008 - frozen
    ) -> None:
        inner = unwrap(model)
        state = list_model_state(inner)
        self._structure = pickle_structure(inner, state.tensors)
        self._contents = state.contents
        self._meter = meter
        self._queue = SnapshotQueue(max_pending)
        self._queue.prepare(self._structure.layout)
        self.probe, images = share_images(probe)
        setup = Setup(
            location, layers, config, without_images(probe), dict(baselines), records, hardware
        )
        self._worker_thread = _WorkerThread(setup, images, self._queue, meter)
        # If a writer is garbage collected without `close`, the worker finishes the queue and exits.
        weakref.finalize(self, self._queue.close).atexit = False
        self._worker_thread.start()

    @property
    def waiting(self) -> int:
        """Number of steps that were added and are not finished; 0 in a forked process."""
        return len(self._queue) if self._worker_thread.is_ours() else 0

    @property
    def fault(self) -> str | None:
        """Why steps cannot be recorded in another process, or None."""
        return self._worker_thread.fault

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped] = ()
    ) -> int | None:
        """Takes a snapshot and adds it to the queue.

        Args:
            model: The model in its current state.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            skipped: Steps that were skipped since the last atlas.

        Returns:
            The step that this one replaced in the queue, or None.

        Raises:
            CannotSendError: if the model cannot be sent to another process.
            WorkerError: if the recorder was closed in the meantime, so that the step is not logged.
            OSError: if there is not enough memory.
        """
        if not self._worker_thread.is_ours():
            return None
        inner = unwrap(model)
        state = list_model_state(inner, self._contents)
        if state.contents is not self._contents:
            self._structure = pickle_structure(inner, state.tensors)
            self._contents = state.contents
        claimed = self._queue.claim(self._structure.layout)
        if claimed is None:
            raise self._make_closed_error(step)
        slot, replaced = claimed
        try:
            slot.take(state.tensors)
        except BaseException:
            self._queue.give_back(slot, replaced)
            self._meter.count_skips(replaced is not None)
            raise
        now = time.time() if wall_time is None else wall_time
        if replaced is not None:
            self._meter.count_skips()
            skipped = join_skips(replaced.skipped, (Skipped(replaced.step, "busy"),), skipped)
        if not self._queue.add(Snapshot(step, now, tuple(skipped), self._structure, slot)):
            self._queue.give_back(slot, replaced)
            raise self._make_closed_error(step)
        return None if replaced is None else replaced.step

    def pop_failures(self) -> list[WorkerError]:
        """Returns the errors since the last call."""
        failures = self._worker_thread.failures
        return [failures.popleft() for _ in range(len(failures))]

    def flush(self) -> None:
        """Waits until all added steps are logged, with a progress bar on a terminal."""
        if self._worker_thread.is_ours():
            self._wait(None)

    def close(self, timeout: float | None) -> UnfinishedSteps:
        """Waits as `flush` does, for at most `timeout` seconds, and ends the worker.

        Returns:
            The steps that were not logged, because of the timeout or because of `fault`.
        """
        if not self._worker_thread.is_ours():
            return NO_UNFINISHED_STEPS
        end = time.monotonic() + (0.0 if timeout is None else timeout)
        self._queue.close()
        self._wait(timeout)
        return self._worker_thread.end(max(end - time.monotonic(), END_SECONDS))

    def _make_closed_error(self, step: int) -> AtlasError:
        if self.fault is not None:
            return CannotSendError(self.fault)
        return WorkerError(f"step {step} is not logged: the writer was closed while it was added")

    def _wait(self, timeout: float | None) -> None:
        end = math.inf if timeout is None else time.monotonic() + timeout
        total = len(self._queue)
        if not total:
            return
        with self._worker_thread.urgency(), progress_bar("atlases", total, unit="step") as bar:

            def show(left: int) -> bool:
                if bar is not None:
                    bar.update(total - left - bar.n)
                return bar is not None

            while (rest := end - time.monotonic()) > 0 and self._worker_thread.is_alive():
                if self._queue.wait_until_empty(min(rest, _CHECK_SECONDS), show):
                    break


class _WorkerThread:
    """Sends snapshots to the worker and handles its replies, in a separate thread.

    It holds no reference to the recorder, so that an unused recorder is garbage collected.
    """

    def __init__(
        self, setup: Setup, images: SharedMemory, queue: SnapshotQueue, meter: CostMeter
    ) -> None:
        self.failures: deque[WorkerError] = deque(maxlen=64)
        self.fault: str | None = None
        self._images = images
        self._queue, self._meter = queue, meter
        self._owner = os.getpid()
        self._supervisor = WorkerSupervisor(lambda: WorkerProcess(setup, images.file), self._pause)
        self._is_killed = self._is_urgent = False
        self._is_started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="atlas-worker_thread", daemon=True)

    def start(self) -> None:
        """Starts the thread, and waits some milliseconds until it has started the worker.

        Raises:
            ArgumentError: if no worker can be started.
        """
        _RUNNING.add(self)
        try:
            self._thread.start()
        except BaseException:
            _RUNNING.discard(self)
            self._discard_all()
            self._images.close()
            raise
        self._is_started.wait(_START_SECONDS)
        if self.fault is not None:
            raise ArgumentError(self.fault)

    def is_ours(self) -> bool:
        """Returns whether this process owns the worker; False in a fork of it."""
        return self._owner == os.getpid()

    @contextlib.contextmanager
    def urgency(self) -> Iterator[None]:
        """Raises the priority of the jobs that are sent inside the block.

        The current job is only faster where the system permits to raise a priority.
        """
        self._is_urgent = True
        self._supervisor.raise_priority()
        try:
            yield
        finally:
            self._is_urgent = False

    def is_alive(self) -> bool:
        """Returns whether the thread still handles the queue."""
        return self._thread.is_alive()

    def end(self, timeout: float) -> UnfinishedSteps:
        """Ends the worker within `timeout` plus 2 s; returns the steps that were not logged."""
        self._queue.close()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._is_killed = True
            self._supervisor.kill()
            self._discard_all()
            self._thread.join(END_SECONDS)
        return self._queue.unfinished

    def _run(self) -> None:
        try:
            self._supervisor.start()
            self._is_started.set()
            while not self._is_killed and (snapshot := self._queue.take()) is not None:
                self._record(snapshot)
        except CannotStartError as error:
            self.fault = str(error)
        except Exception as error:  # in any case, the loop must not wait for this thread
            self.fault = describe_error(error)
        finally:
            # `fault` is set before this: threads that are woken here read it.
            self._discard_all()
            self._is_started.set()
            self._supervisor.end()
            self._images.close()
            _RUNNING.discard(self)

    def _record(self, snapshot: Snapshot) -> None:
        """Has the worker record one snapshot; an error affects this step only.

        Raises:
            CannotStartError: if no worker can be started.
        """
        self._meter.begin()
        try:
            snapshot.slot.wait()
            job = Job(snapshot.step, snapshot.wall_time, snapshot.skipped, None, self._is_urgent)
            reply = self._supervisor.run_job(job, snapshot.structure, snapshot.slot.memory.file)
        except CannotStartError:
            self._meter.end()
            raise
        except Exception as error:
            if self._is_killed:
                return
            if not isinstance(error, WorkerError):
                error = WorkerError(f"step {snapshot.step}: {describe_error(error)}")
            self._fail(error)
        else:
            self._handle_reply(snapshot, reply)

    def _handle_reply(self, snapshot: Snapshot, reply: Done | Failed) -> None:
        if isinstance(reply, Done):
            self._meter.end(reply.atlases, reply.seconds, reply.cpu_seconds)
            self.failures.extend(reply.failures)
            self._queue.finish(failed=False)
        elif reply.is_permanent:
            self._meter.end()
            self.fault = reply.message
            self._discard_all()
        else:
            self._fail(WorkerError(f"step {snapshot.step}: {reply.message}", reply.place))

    def _fail(self, error: WorkerError) -> None:
        """Records an error and goes to the next snapshot."""
        self._meter.end()
        self._meter.count_skips()
        self.failures.append(error)
        self._queue.finish(failed=True)

    def _discard_all(self) -> None:
        self._meter.count_skips(self._queue.discard())

    def _pause(self, seconds: float) -> None:
        self._meter.interrupt()
        self._queue.pause(seconds)
        self._meter.begin()


_RUNNING: Final[weakref.WeakSet[_WorkerThread]] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Ends all workers when the interpreter exits; unfinished steps are not logged."""
    end = time.monotonic() + EXIT_SECONDS
    for worker_thread in list(_RUNNING):
        if not worker_thread.is_ours():
            continue
        unfinished = worker_thread.end(max(end - time.monotonic(), 0.0))
        if unfinished.steps:
            logger.warning(
                "AtlasWriter: not finished when the program ended: %s. Call close(), or use "
                "AtlasWriter as a context manager, to wait for all atlases",
                unfinished,
            )
