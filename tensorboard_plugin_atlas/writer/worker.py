# SPDX-License-Identifier: Apache-2.0
"""The background process: `python -m tensorboard_plugin_atlas.writer.worker OWNER`.

OWNER is the process id of the training process; standard input is the socket to it. The worker
rebuilds the model once, then takes one snapshot after the other and logs its atlases. It gives
way to everything else on the machine, and it ends with the training process, however that ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.errors import WorkerError
    from tensorboard_plugin_atlas.writer.channel import Channel
    from tensorboard_plugin_atlas.writer.checkpoint_logger import CheckpointLogger
    from tensorboard_plugin_atlas.writer.cost import AtlasCost
    from tensorboard_plugin_atlas.writer.ipc import Done, Failed, Job, Setup
    from tensorboard_plugin_atlas.writer.model_structure import ModelCopy, Structure

NICENESS: Final = 19
"""The lowest: a loop on every core leaves the worker little more than 1 % of one."""
_PR_SET_PDEATHSIG: Final = 1
_FIRST_VICTIM: Final = "1000"
"""The highest `oom_score_adj`: when memory is short, the kernel ends this process before any."""

_OWNER_SECONDS: Final = 5
"""How often the worker looks whether its owner is there, where the kernel does not see to it."""


def main() -> None:
    """Serves the training process at the other end of the socket."""
    end = _taken_socket()
    # Before anything heavy is imported: from here on no orphan is left behind.
    _end_with_owner(end.fileno(), int(sys.argv[1]))
    _step_back()
    import torch

    from tensorboard_plugin_atlas.writer.channel import Channel
    from tensorboard_plugin_atlas.writer.ipc import Ready

    torch.set_num_threads(1)
    channel = Channel(end)
    with contextlib.suppress(EOFError, ConnectionError), contextlib.closing(_Worker(channel)) as it:
        channel.send(Ready())
        it.serve()
    # Everything is closed; taking the interpreter down would keep the one who waits for a second.
    os._exit(0)


class _Worker:
    """Answers jobs until there are no more."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._setup: Setup = channel.receive()
        self._images = channel.receive_file()
        self._copy: ModelCopy | None = None
        self._recorder: CheckpointLogger | None = None

    def serve(self) -> None:
        """Answers every job; None instead of a job ends it."""
        while (job := self._channel.receive()) is not None:
            slot = self._channel.receive_file()
            try:
                answer = self._answer(job, slot)
            finally:
                os.close(slot)
            self._channel.send(answer)
            _forget_output()

    def close(self) -> None:
        """Closes the log."""
        if self._recorder is not None:
            self._recorder.close()

    def _answer(self, job: Job, slot: int) -> Done | Failed:
        from tensorboard_plugin_atlas.writer.ipc import Done

        wall, cpu = time.perf_counter(), time.process_time()
        if job.structure is not None:
            self._copy = None
            try:
                self._copy = _rebuilt(job.structure)
            except Exception as error:
                return _failed(error, is_for_good=True)
        try:
            costs, failures = self._recorded(job, slot)
        except Exception as error:
            return _failed(error, is_for_good=False)
        return Done(costs, time.perf_counter() - wall, time.process_time() - cpu, failures)

    def _recorded(
        self, job: Job, slot: int
    ) -> tuple[tuple[AtlasCost, ...], tuple[WorkerError, ...]]:
        if self._copy is None:
            raise RuntimeError("the model was never rebuilt")
        if self._recorder is None:
            self._recorder = _recorder(self._setup, self._images)
        self._copy.load(slot)
        costs = self._recorder.record(self._copy.model, job.step, job.wall_time, job.skipped)
        return costs, tuple(self._recorder.take_failures())


def _rebuilt(structure: Structure) -> ModelCopy:
    from tensorboard_plugin_atlas.writer.model_structure import ModelCopy

    return ModelCopy(structure)


def _recorder(setup: Setup, images: int) -> CheckpointLogger:
    from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
    from tensorboard_plugin_atlas.logs.sinks import own_sink
    from tensorboard_plugin_atlas.writer.checkpoint_logger import CheckpointLogger
    from tensorboard_plugin_atlas.writer.model_structure import with_images

    probe = with_images(setup.probe, images)
    pipeline = AtlasPipeline(
        probe, setup.layers, setup.config, progress=False, baselines=setup.baselines
    )
    return CheckpointLogger(pipeline, own_sink(setup.location), setup.extras)


def _failed(error: Exception, *, is_for_good: bool) -> Failed:
    from tensorboard_plugin_atlas.errors import describe_error
    from tensorboard_plugin_atlas.writer.ipc import Failed

    last = traceback.extract_tb(error.__traceback__)[-1]
    return Failed(describe_error(error), f"{last.filename}:{last.lineno}", is_for_good)


def _taken_socket() -> socket.socket:
    """Takes the socket from standard input, and closes what else was inherited."""
    taken = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    listing = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    for file in map(int, os.listdir(listing)):  # noqa: PTH208 - numbers
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            # What was opened here is not inheritable; what came through exec is.
            if file > 2 and os.get_inheritable(file):
                os.close(file)
    return socket.socket(fileno=taken)


def _end_with_owner(end: int, owner: int) -> None:
    """Ends this process at once when the training process is gone, even by `kill -9`."""
    if sys.platform == "linux":
        # The kernel sees to it even while compiled code keeps every Python thread waiting.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != owner:  # it was gone before that
        os._exit(1)
    threading.Thread(target=_watch, args=(end, owner), daemon=True).start()


def _watch(end: int, owner: int) -> None:
    """Waits for a hang-up; where a stray process holds the socket there is none, so looks too."""
    poll = select.poll()
    poll.register(end, 0)  # nothing is asked for, and a hang-up is always reported
    while os.getppid() == owner:
        if poll.poll(1000 * _OWNER_SECONDS):
            break
    os._exit(1)


def _step_back() -> None:
    """Makes this the process that waits, that is killed first, and that Ctrl+C does not reach."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_VICTIM, encoding="ascii")


def _forget_output() -> None:
    """Empties the file that takes our output, which a talkative model could fill for weeks."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os.ftruncate(2, 0)


if __name__ == "__main__":
    main()
