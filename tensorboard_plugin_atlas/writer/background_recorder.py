# SPDX-License-Identifier: Apache-2.0
"""A recorder that works in another process: the loop hands over a snapshot and goes on.

The loop's thread copies the state into a slot and adds it to a short backlog. A second thread of
the training process, asleep in a system call nearly all the time, hands one snapshot after the
other to the worker. A snapshot keeps its slot until it is answered, so that a worker that dies
loses nothing.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
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
from tensorboard_plugin_atlas.writer.cost import CostMeter
from tensorboard_plugin_atlas.writer.ipc import Done, Failed, Job, Setup
from tensorboard_plugin_atlas.writer.model_structure import (
    describe_structure,
    share_images,
    without_images,
)
from tensorboard_plugin_atlas.writer.options import NOTHING_MORE, Extras
from tensorboard_plugin_atlas.writer.shared_state import SharedMemory, take_stock
from tensorboard_plugin_atlas.writer.snapshot_queue import (
    EXIT_SECONDS,
    NOTHING_LOST,
    Backlog,
    Lost,
    Snapshot,
    merged,
)
from tensorboard_plugin_atlas.writer.worker_process import WorkerProcess
from tensorboard_plugin_atlas.writer.worker_supervisor import (
    END_SECONDS,
    CannotStartError,
    WorkerSupervisor,
)

logger = logging.getLogger(__name__)

_START_SECONDS: Final = 10.0
"""How long the constructor waits for a process to be started, which takes milliseconds."""

_LOOK_SECONDS: Final = 5.0
"""How often a wait for the worker checks that the thread which serves it is alive."""


class BackgroundRecorder:
    """Records checkpoints in a process of its own; the loop pays for a copy of the state.

    A worker that dies is started again and given the same snapshot. When it dies over that a second
    time, the step is lost, which `take_failures` reports, and the next worker is started after a
    pause. Where no worker comes up at all, `fault` says why.

    Args:
        model: The model that will be recorded.
        probe: What every checkpoint is asked about.
        layers: Dotted module names.
        config: The recipe.
        location: Directory or URL of the event files.
        max_pending: Snapshots that may wait behind the one in work.
        meter: Is told what it costs.
        baselines: Layer to the atlas of another run on whose map it is laid out first.
        extras: What to make of a checkpoint beside the atlases.

    Attributes:
        probe: The same probe, its images in memory that the worker shares.

    Raises:
        CannotSendError: if the model is one that no other process can be given.
        ArgumentError: if no process can be started.
        OSError: if there is not enough memory.
    """

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
        extras: Extras = NOTHING_MORE,
    ) -> None:
        inner = unwrap(model)
        stock = take_stock(inner)
        self._structure = describe_structure(inner, stock.tensors)
        self._contents = stock.contents
        self._meter = meter
        self._backlog = Backlog(max_pending)
        self._backlog.prepare(self._structure.layout)
        self.probe, images = share_images(probe)
        setup = Setup(location, layers, config, without_images(probe), dict(baselines), extras)
        self._courier = _Courier(setup, images, self._backlog, meter)
        # A writer that is forgotten without `close` finishes what it has and then goes.
        weakref.finalize(self, self._backlog.close).atexit = False
        self._courier.start()

    @property
    def waiting(self) -> int:
        """Checkpoints that are accepted and not finished; none in a fork of this process."""
        return len(self._backlog) if self._courier.is_ours() else 0

    @property
    def fault(self) -> str | None:
        """Why no model like this can be recorded here, once that is known."""
        return self._courier.fault

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped] = ()
    ) -> int | None:
        """Takes a snapshot.

        Args:
            model: The model as it is now.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            skipped: Checkpoints asked for since the last one and not computed.

        Returns:
            The step that is skipped for this one, or None.

        Raises:
            CannotSendError: if the model became one that cannot be sent, or is found to be one.
            WorkerError: if recording ended meanwhile, so that this step is lost.
            OSError: if there is not enough memory.
        """
        if not self._courier.is_ours():
            return None
        inner = unwrap(model)
        stock = take_stock(inner, self._contents)
        if stock.contents is not self._contents:
            self._structure = describe_structure(inner, stock.tensors)
            self._contents = stock.contents
        claimed = self._backlog.claim(self._structure.layout)
        if claimed is None:
            raise self._refusal(step)
        slot, replaced = claimed
        try:
            slot.take(stock.tensors)
        except BaseException:
            self._backlog.give_back(slot, replaced)
            self._meter.add_skipped(replaced is not None)
            raise
        now = time.time() if wall_time is None else wall_time
        if replaced is not None:
            self._meter.add_skipped()
            skipped = merged(replaced.skipped, (Skipped(replaced.step, "busy"),), skipped)
        if not self._backlog.add(Snapshot(step, now, tuple(skipped), self._structure, slot)):
            self._backlog.give_back(slot, replaced)
            raise self._refusal(step)
        return None if replaced is None else replaced.step

    def take_failures(self) -> list[WorkerError]:
        """Returns what went wrong since the last call."""
        failures = self._courier.failures
        return [failures.popleft() for _ in range(len(failures))]

    def flush(self) -> None:
        """Waits until everything accepted is in the log, with a progress bar on a terminal."""
        if self._courier.is_ours():
            self._wait(None)

    def close(self, timeout: float | None) -> Lost:
        """Waits likewise, but no longer than `timeout` seconds if given, and ends the worker.

        Returns:
            What was lost because the time was up, or because of `fault`.
        """
        if not self._courier.is_ours():
            return NOTHING_LOST
        end = time.monotonic() + (0.0 if timeout is None else timeout)
        self._backlog.close()
        self._wait(timeout)
        return self._courier.end(max(end - time.monotonic(), END_SECONDS))

    def _refusal(self, step: int) -> AtlasError:
        if self.fault is not None:
            return CannotSendError(self.fault)
        return WorkerError(f"step {step} is lost: the writer was closed meanwhile")

    def _wait(self, timeout: float | None) -> None:
        end = math.inf if timeout is None else time.monotonic() + timeout
        total = len(self._backlog)
        if not total:
            return
        with progress_bar("atlases", total, unit="step") as bar:

            def show(left: int) -> bool:
                if bar is not None:
                    bar.update(total - left - bar.n)
                return bar is not None

            while (rest := end - time.monotonic()) > 0 and self._courier.is_alive():
                if self._backlog.wait_until_empty(min(rest, _LOOK_SECONDS), show):
                    break


class _Courier:
    """Carries snapshots to the worker and answers back, in a thread of its own.

    It knows nothing of the recorder, so that a recorder that nobody holds any more is let go.
    """

    def __init__(
        self, setup: Setup, images: SharedMemory, backlog: Backlog, meter: CostMeter
    ) -> None:
        self.failures: deque[WorkerError] = deque(maxlen=64)
        self.fault: str | None = None
        self._images = images
        self._backlog, self._meter = backlog, meter
        self._owner = os.getpid()
        self._supervisor = WorkerSupervisor(lambda: WorkerProcess(setup, images.file), self._pause)
        self._is_killed = False
        self._is_started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="atlas-courier", daemon=True)

    def start(self) -> None:
        """Starts the thread and waits some milliseconds for it to start the worker.

        Raises:
            ArgumentError: if no worker can be started.
        """
        _RUNNING.add(self)
        try:
            self._thread.start()
        except BaseException:
            _RUNNING.discard(self)
            self._drop()
            self._images.close()
            raise
        self._is_started.wait(_START_SECONDS)
        if self.fault is not None:
            raise ArgumentError(self.fault)

    def is_ours(self) -> bool:
        """Tells whether this is the process that owns the worker, and not a fork of it."""
        return self._owner == os.getpid()

    def is_alive(self) -> bool:
        """Tells whether someone takes what is in the backlog."""
        return self._thread.is_alive()

    def end(self, timeout: float) -> Lost:
        """Ends the worker within `timeout` and two more seconds; returns what was lost."""
        self._backlog.close()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._is_killed = True
            self._supervisor.kill()
            self._drop()
            self._thread.join(END_SECONDS)
        return self._backlog.lost

    def _run(self) -> None:
        try:
            self._supervisor.start()
            self._is_started.set()
            while not self._is_killed and (snapshot := self._backlog.take()) is not None:
                self._record(snapshot)
        except CannotStartError as error:
            self.fault = str(error)
        except Exception as error:  # whatever it is, the loop must not wait for this thread
            self.fault = describe_error(error)
        finally:
            # The fault comes first: whoever is woken by the rest looks at it.
            self._drop()
            self._is_started.set()
            self._supervisor.end()
            self._images.close()
            _RUNNING.discard(self)

    def _record(self, snapshot: Snapshot) -> None:
        """Has one snapshot recorded; its failure is that of its step alone.

        Raises:
            CannotStartError: if there is no worker, and will be none.
        """
        self._meter.begin()
        try:
            snapshot.slot.wait()
            job = Job(snapshot.step, snapshot.wall_time, snapshot.skipped, None)
            answer = self._supervisor.ask(job, snapshot.structure, snapshot.slot.memory.file)
        except CannotStartError:
            self._meter.end()
            raise
        except Exception as error:
            if self._is_killed:
                return
            if not isinstance(error, WorkerError):
                error = WorkerError(f"step {snapshot.step}: {describe_error(error)}")
            self._lose(error)
        else:
            self._settle(snapshot, answer)

    def _settle(self, snapshot: Snapshot, answer: Done | Failed) -> None:
        if isinstance(answer, Done):
            self._meter.end(answer.atlases, answer.seconds, answer.cpu_seconds)
            self.failures.extend(answer.failures)
            self._backlog.finish(failed=False)
        elif answer.is_for_good:
            self._meter.end()
            self.fault = answer.message
            self._drop()
        else:
            self._lose(WorkerError(f"step {snapshot.step}: {answer.message}", answer.place))

    def _lose(self, error: WorkerError) -> None:
        """Goes on without the step in work."""
        self._meter.end()
        self._meter.add_skipped()
        self.failures.append(error)
        self._backlog.finish(failed=True)

    def _drop(self) -> None:
        self._meter.add_skipped(self._backlog.drop())

    def _pause(self, seconds: float) -> None:
        self._meter.interrupt()
        self._backlog.pause(seconds)
        self._meter.begin()


_RUNNING: Final[weakref.WeakSet[_Courier]] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Ends all workers when the interpreter ends: what is in the log stays, the rest is lost."""
    end = time.monotonic() + EXIT_SECONDS
    for courier in list(_RUNNING):
        if not courier.is_ours():
            continue
        lost = courier.end(max(end - time.monotonic(), 0.0))
        if lost.steps:
            logger.warning(
                "AtlasWriter: %d checkpoints were not finished when the program ended; "
                "call close(), or use it as a context manager, to wait for them",
                len(lost.steps),
            )
