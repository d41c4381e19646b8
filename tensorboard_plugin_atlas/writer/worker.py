# SPDX-License-Identifier: Apache-2.0
"""Main module of the worker: `python -m tensorboard_plugin_atlas.writer.worker OWNER`.

OWNER is the process id of the training process; standard input is the socket to it. The worker
rebuilds the model once, then loads one snapshot after the other and logs its atlases. It ends
together with the training process, even if that is killed.

The main thread has the lowest priority. No process can raise its priority again without privileges,
so a second thread keeps the normal one. It runs the jobs that the training process waits for, in
`flush` or `close`.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import faulthandler
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.compute.probe.probe import Probe
    from tensorboard_plugin_atlas.errors import WorkerError
    from tensorboard_plugin_atlas.writer.atlas_cost import AtlasCost
    from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger
    from tensorboard_plugin_atlas.writer.channel import Channel
    from tensorboard_plugin_atlas.writer.model_pickle import ModelCopy, Structure
    from tensorboard_plugin_atlas.writer.worker_messages import Done, Failed, Job, Setup

NICENESS: Final = 19
"""The lowest priority: beside a training loop on every core, the worker gets about 1 % of one."""
_PR_SET_PDEATHSIG: Final = 1
_MAX_OOM_SCORE: Final = "1000"
"""The highest `oom_score_adj`: if memory runs out, the kernel kills this process first."""

_OWNER_SECONDS: Final = 5
"""Interval at which the worker checks for its owner, on systems without PR_SET_PDEATHSIG."""


def main() -> None:
    """Serves the training process at the other end of the socket."""
    end = _take_socket()  # open until this process ends
    try:
        _serve_owner(end)
        status = 0
    except SystemExit as request:  # from the model
        status = _get_status(request)
    except BaseException:
        traceback.print_exc()
        status = 1
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    # A regular exit of the interpreter closes the socket early and then takes another second or, at
    # this priority, many. The training process would have to kill this process and report that.
    os._exit(status)


def _serve_owner(end: socket.socket) -> None:
    # Before large imports, so that the worker cannot outlive its owner during them.
    _end_with_owner(end.fileno(), int(sys.argv[1]))
    urgent = ThreadPoolExecutor(max_workers=1)
    urgent.submit(os.getpid).result()  # a new thread has the priority of the thread that starts it
    _give_way()
    import torch

    from tensorboard_plugin_atlas.writer.channel import Channel
    from tensorboard_plugin_atlas.writer.worker_messages import Ready

    torch.set_num_threads(1)
    channel = Channel(end)
    worker = _Worker(channel, urgent)
    with contextlib.suppress(EOFError, ConnectionError), contextlib.closing(worker) as it:
        channel.send(Ready())
        it.serve()


def _get_status(request: SystemExit) -> int:
    """Returns the exit status that Python defines for a call of `sys.exit`."""
    if request.code is None or isinstance(request.code, int):
        return request.code or 0
    print(request.code, file=sys.stderr)
    return 1


class _Worker:
    """Runs jobs until the training process closes the channel."""

    def __init__(self, channel: Channel, urgent: ThreadPoolExecutor) -> None:
        self._channel, self._urgent = channel, urgent
        self._setup: Setup = channel.receive()
        self._hardware = self._setup.hardware
        self._hardware.prepare()
        self._images = channel.receive_file()
        self._copy: ModelCopy | None = None
        self._probe: Probe | None = None
        self._logger: AtlasLogger | None = None

    def serve(self) -> None:
        """Runs every job and sends its reply, until it receives None."""
        while (job := self._channel.receive()) is not None:
            slot = self._channel.receive_file()
            try:
                if job.is_urgent:
                    reply = self._urgent.submit(self._run_job, job, slot).result()
                else:
                    _lower_priority()  # the training process may have raised it
                    reply = self._run_job(job, slot)
            finally:
                os.close(slot)
            self._channel.send(reply)
            _truncate_output()

    def close(self) -> None:
        """Closes the log."""
        if self._logger is not None:
            self._logger.close()

    def _run_job(self, job: Job, slot: int) -> Done | Failed:
        from tensorboard_plugin_atlas.writer.worker_messages import Done

        wall, cpu = time.perf_counter(), time.process_time()
        if job.structure is not None:
            self._copy = None
            try:
                self._copy = _rebuild_model(job.structure)
            except Exception as error:
                return _describe_failure(error, is_permanent=True)
        if self._probe is None:
            try:
                self._probe = _load_probe(self._setup, self._images)
            except Exception as error:  # from the user's dataset
                return _describe_failure(error, is_permanent=True)
        try:
            costs, failures = self._record(job, slot)
        except Exception as error:
            return self._handle_failure(error)
        return Done(costs, time.perf_counter() - wall, time.process_time() - cpu, failures)

    def _handle_failure(self, error: Exception) -> Failed:
        """Describes why a job failed; a device without enough memory is given up for the CPU."""
        import torch

        from tensorboard_plugin_atlas.writer.worker_device import Hardware

        failed = _describe_failure(error, is_permanent=False)
        if self._hardware.kind == "cpu" or not isinstance(error, torch.OutOfMemoryError):
            return failed
        self._hardware.release_memory()
        device, self._hardware = self._hardware.device, Hardware(threads=self._hardware.threads)
        note = f"device={device!r} has too little free memory, so later steps use the CPU"
        return dataclasses.replace(failed, message=f"{note} ({failed.message})")

    def _record(self, job: Job, slot: int) -> tuple[tuple[AtlasCost, ...], tuple[WorkerError, ...]]:
        if self._copy is None or self._probe is None:
            raise RuntimeError("the model was never rebuilt")
        if self._logger is None:
            self._logger = _make_logger(self._setup, self._probe)
        self._copy.load(slot)
        model = self._hardware.place(self._copy.model)
        costs = self._logger.record(model, job.step, job.wall_time, job.skipped)
        self._hardware.release_memory()
        return costs, tuple(self._logger.pop_failures())


def _rebuild_model(structure: Structure) -> ModelCopy:
    from tensorboard_plugin_atlas.writer.model_pickle import ModelCopy

    return ModelCopy(structure)


def _load_probe(setup: Setup, images: int) -> Probe:
    from tensorboard_plugin_atlas.writer.probe_transfer import with_images

    return with_images(setup.probe, images)


def _make_logger(setup: Setup, probe: Probe) -> AtlasLogger:
    from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
    from tensorboard_plugin_atlas.logs.sinks import make_event_sink
    from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger

    pipeline = AtlasPipeline(
        probe, setup.layers, setup.config, progress=False, baselines=setup.baselines
    )
    return AtlasLogger(pipeline, make_event_sink(setup.location), setup.records)


def _describe_failure(error: Exception, *, is_permanent: bool) -> Failed:
    from tensorboard_plugin_atlas.errors import describe_error, find_location
    from tensorboard_plugin_atlas.writer.worker_messages import Failed

    return Failed(describe_error(error), find_location(error), is_permanent)


def _take_socket() -> socket.socket:
    """Returns the socket at standard input, and closes all other inherited files."""
    taken = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    listing = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    for file in map(int, os.listdir(listing)):  # noqa: PTH208 - numbers
        with contextlib.suppress(OSError):  # the descriptor of the listing is closed by now
            # Files opened by this process are not inheritable; inherited ones are.
            if file > 2 and os.get_inheritable(file):
                os.close(file)
    return socket.socket(fileno=taken)


def _end_with_owner(end: int, owner: int) -> None:
    """Ends this process as soon as the training process ends, even by `kill -9`."""
    if sys.platform == "linux":
        # The kernel does this even while compiled code holds the GIL.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != owner:  # the owner ended before that call
        os._exit(1)
    threading.Thread(target=_watch, args=(end, owner), daemon=True).start()


def _watch(end: int, owner: int) -> None:
    """Exits when the socket hangs up or, if another process holds it open, the owner has ended."""
    poll = select.poll()
    poll.register(end, 0)  # a hang-up is always reported
    while os.getppid() == owner:
        if poll.poll(1000 * _OWNER_SECONDS):
            break
    os._exit(1)


def _lower_priority() -> None:
    """Lowers the CPU priority of this thread; on other systems than Linux, of the process."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def _give_way() -> None:
    """Lowers CPU priority, sets the highest OOM score, and ignores Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    _lower_priority()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_MAX_OOM_SCORE, encoding="ascii")


def _truncate_output() -> None:
    """Empties the output file, which a model that prints would fill in a long run."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os.ftruncate(2, 0)


if __name__ == "__main__":
    main()
