# SPDX-License-Identifier: Apache-2.0
"""A recorder that works in another process: the loop hands over a snapshot and goes on.

The loop's thread copies the state into a slot and adds it to a short backlog. A second thread of
the training process, asleep in a system call nearly all the time, hands one snapshot after the
other to the worker. A snapshot keeps its slot until it is answered, so that a worker that dies
loses nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
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
from tensorboard_plugin_atlas.compute.model.quiet import unwrap
from tensorboard_plugin_atlas.compute.model.snapshot import SharedMemory, take_stock
from tensorboard_plugin_atlas.compute.model.structure import (
    describe_structure,
    share_images,
    without_images,
)
from tensorboard_plugin_atlas.compute.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import WorkerError, described
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.training.backlog import EXIT_SECONDS, Backlog, Snapshot, merged
from tensorboard_plugin_atlas.training.cost import CostMeter
from tensorboard_plugin_atlas.training.extras import NOTHING_MORE, Extras
from tensorboard_plugin_atlas.training.messages import Done, Failed, Job, Setup
from tensorboard_plugin_atlas.training.worker_process import WorkerProcess

logger = logging.getLogger(__name__)

_END_SECONDS: Final = 1.0
"""How long a worker may take to close its files before it is killed."""


class BackgroundRecorder:
    """Records checkpoints in a process of its own; the loop pays for a copy of the state.

    A worker that dies is started again and given the same snapshot; when it dies a second time in a
    row, recording ends with one failure to tell.

    Args:
        model: The model that will be recorded.
        probe: What every checkpoint is asked about.
        layers: Dotted module names.
        config: The recipe.
        location: Directory or URL of the event files.
        max_pending: Snapshots that may wait behind the one in work.
        meter: Is told what it costs.
        beside: Layer to the atlas of another run on whose map it is laid out first.
        extras: What to make of a checkpoint beside the atlases.

    Attributes:
        probe: The same probe, its images in memory that the worker shares.

    Raises:
        CannotSendError: if the model is one that no other process can be given.
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
        beside: Mapping[str, Atlas] = MappingProxyType({}),
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
        setup = Setup(location, layers, config, without_images(probe), dict(beside), extras)
        self._courier = _Courier(setup, images, self._backlog, meter)
        self._courier.start()
        # A writer that is forgotten without `close` finishes what it has and then goes.
        weakref.finalize(self, self._backlog.close).atexit = False

    @property
    def waiting(self) -> int:
        """Checkpoints that are accepted and not finished."""
        return len(self._backlog)

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
            CannotSendError: if the model became one that cannot be sent.
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
            self._meter.add_skipped()
            return None
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
        self._backlog.add(Snapshot(step, now, tuple(skipped), self._structure, slot))
        return None if replaced is None else replaced.step

    def take_failures(self) -> list[WorkerError]:
        """Returns what went wrong since the last call."""
        failures = self._courier.failures
        return [failures.popleft() for _ in range(len(failures))]

    def flush(self) -> None:
        """Waits until everything accepted is in the log, with a progress bar on a terminal."""
        if self._courier.is_ours():
            self._wait(None)

    def close(self, timeout: float | None) -> int:
        """Waits likewise, but no longer than `timeout` seconds if given, and ends the worker.

        Returns:
            How many checkpoints were lost because the time was up.
        """
        if not self._courier.is_ours():
            return 0
        end = time.monotonic() + (0.0 if timeout is None else timeout)
        self._backlog.close()
        self._wait(timeout)
        return self._courier.end(max(end - time.monotonic(), _END_SECONDS))

    def _wait(self, timeout: float | None) -> None:
        total = len(self._backlog)
        if not total:
            return
        with progress_bar("atlases", total, unit="step") as bar:

            def show(left: int) -> bool:
                if bar is not None:
                    bar.update(total - left - bar.n)
                return bar is not None

            self._backlog.wait_until_empty(timeout, show)


class _Courier:
    """Carries snapshots to the worker and answers back, in a thread of its own.

    It knows nothing of the recorder, so that a recorder that nobody holds any more is let go.
    """

    def __init__(
        self, setup: Setup, images: SharedMemory, backlog: Backlog, meter: CostMeter
    ) -> None:
        self.failures: deque[WorkerError] = deque(maxlen=64)
        self.fault: str | None = None
        self._setup, self._images = setup, images
        self._backlog, self._meter = backlog, meter
        self._owner = os.getpid()
        self._worker: WorkerProcess | None = None
        self._is_killed = False
        self._thread = threading.Thread(target=self._run, name="atlas-courier", daemon=True)

    def start(self) -> None:
        """Starts the thread, and with it the worker."""
        self._thread.start()
        _RUNNING.add(self)

    def is_ours(self) -> bool:
        """Tells whether this is the process that owns the worker, and not a fork of it."""
        return self._owner == os.getpid()

    def end(self, timeout: float) -> int:
        """Ends the worker within `timeout` and two more seconds; returns how many were lost."""
        self._backlog.close()
        self._thread.join(timeout)
        if not self._thread.is_alive():
            return 0
        self._is_killed = True
        worker = self._worker
        if worker is not None:
            worker.kill()
        lost = self._backlog.drop()
        self._thread.join(_END_SECONDS)
        return lost

    def _run(self) -> None:
        try:
            with contextlib.suppress(OSError):  # tried again, and told of, when there is a job
                self._worker = self._started()
            while (snapshot := self._backlog.take()) is not None:
                answer = self._answered(snapshot)
                if answer is None or self._is_killed:
                    break
                self._settle(snapshot, answer)
        except Exception as error:  # whatever it is, the loop must not wait for this thread
            self.failures.append(WorkerError(f"{described(error)}; no more atlases are logged"))
        finally:
            self._backlog.drop()
            if self._worker is not None:
                self._worker.end(_END_SECONDS)
            self._images.close()
            _RUNNING.discard(self)

    def _answered(self, snapshot: Snapshot) -> Done | Failed | None:
        """Returns the answer, or None when the worker died twice over it."""
        self._meter.begin()
        snapshot.slot.wait()
        job = Job(snapshot.step, snapshot.wall_time, snapshot.skipped, None)
        if self._worker is not None and not self._worker.is_running():
            # It went while it had nothing to do, for which this snapshot is not to blame.
            logger.info("the background process %s", self._worker.end(0))
            self._worker = None
        for _ in range(2):
            try:
                if self._worker is None:
                    self._worker = self._started()
                return self._worker.ask(job, snapshot.structure, snapshot.slot.memory.file)
            except Exception as error:
                fate = self._fate(error)
            if self._is_killed:
                return None
            logger.info("step %d: the background process %s", snapshot.step, fate)
        self.failures.append(
            WorkerError(
                f"step {snapshot.step}: the background process {fate}\n"
                "That was the second time in a row, so no more atlases are logged; "
                "worker='inline' shows where it fails"
            )
        )
        self._meter.end()
        self._meter.add_skipped(len(self._backlog))
        return None

    def _fate(self, error: Exception) -> str:
        """Ends a worker that gives no answer; returns how it ended and its last words."""
        worker, self._worker = self._worker, None
        if worker is None:
            return f"could not be started ({described(error)})"
        fate = worker.end(_END_SECONDS)
        if isinstance(error, (EOFError, OSError)):
            return fate
        return f"gave no answer that can be read ({described(error)}) and {fate}"

    def _settle(self, snapshot: Snapshot, answer: Done | Failed) -> None:
        if isinstance(answer, Done):
            self._meter.end(answer.atlases, answer.seconds, answer.cpu_seconds)
            self.failures.extend(answer.failures)
            self._backlog.finish(failed=False)
            return
        self._meter.end()
        self._meter.add_skipped()
        if answer.is_for_good:
            self.fault = answer.message
            self._meter.add_skipped(self._backlog.drop() - 1)
            return
        error = WorkerError(f"step {snapshot.step}: {answer.message}", answer.place)
        self.failures.append(error)
        self._backlog.finish(failed=True)

    def _started(self) -> WorkerProcess:
        worker = WorkerProcess(self._setup, self._images.file)
        if self._is_killed:
            worker.kill()
        return worker


_RUNNING: Final[weakref.WeakSet[_Courier]] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Ends all workers when the interpreter ends: what is in the log stays, the rest is lost."""
    end = time.monotonic() + EXIT_SECONDS
    for courier in list(_RUNNING):
        if not courier.is_ours():
            continue
        lost = courier.end(max(end - time.monotonic(), 0.0))
        if lost:
            logger.warning(
                "AtlasWriter: %d checkpoints were not finished when the program ended; "
                "call close(), or use it as a context manager, to wait for them",
                lost,
            )
