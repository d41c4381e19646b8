# SPDX-License-Identifier: Apache-2.0
"""The worker starts while a `DataLoader` forks, and its end is always noticed."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_training import (
    TINY,
    Net,
    find_workers,
    make_images,
    start_script,
    wait_for_worker,
    wait_until,
)
from torch.utils.data import DataLoader, TensorDataset

import tensorboard_plugin_atlas.writer.channel as channel_room
import tensorboard_plugin_atlas.writer.fork_safety as forking
import tensorboard_plugin_atlas.writer.worker_handle as process_room
from tensorboard_plugin_atlas import AtlasWriter, read_atlases
from tensorboard_plugin_atlas.writer.record_options import DEFAULT_RECORD_OPTIONS
from tensorboard_plugin_atlas.writer.shared_state import SharedMemory
from tensorboard_plugin_atlas.writer.worker_handle import WorkerProcess
from tensorboard_plugin_atlas.writer.worker_messages import Job, Setup

WORKER = "tensorboard_plugin_atlas.writer.worker"
START_SECONDS = 120
"""Bound for what takes milliseconds on a quiet machine."""


def sockets(pid):
    """Returns the sockets that a process holds."""
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(file.readlink()))
    return {name for name in found if name.startswith("socket:")}


@dataclass(frozen=True)
class Start:
    """How a loader and a writer start at the same time.

    Attributes:
        context: How the loader starts its processes.
        workers: Number of processes.
        persistent: Whether the processes are kept for the next epoch.
        thread: Whether the writer is made in another thread, while the loader forks.
    """

    context: str
    workers: int
    persistent: bool
    thread: bool

    def loader(self):
        data = TensorDataset(*make_images(64))
        return DataLoader(
            data,
            batch_size=8,
            num_workers=self.workers,
            persistent_workers=self.persistent,
            multiprocessing_context=self.context,
        )


def starts(count, others):
    """Yields starts, `others` of them with each context that does not fork this process."""
    rng = random.Random(count)
    for number in range(count - 2 * others):
        workers = 8 if number % 8 == 7 else 2
        yield Start("fork", workers, rng.random() < 0.5, number % 2 == 0)
    for number in range(2 * others):
        workers = 8 if number >= 8 else 2
        yield Start(("forkserver", "spawn")[number % 2], workers, number % 4 < 2, number % 3 == 0)


def start_both(start, log_dir, monkeypatch):
    """Makes a writer and starts a loader, at the same time if the writer has its own thread."""
    begins, made = threading.Event(), []
    popen = subprocess.Popen

    def announce(*args, **kwargs):
        begins.set()
        return popen(*args, **kwargs)

    def make():
        made.append(AtlasWriter(log_dir, Net(), ["body"], probe=make_images(), config=TINY))

    loader = start.loader()
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", announce)
        if start.thread:
            maker = threading.Thread(target=make)
            maker.start()
            assert begins.wait(START_SECONDS)
            iterator = iter(loader)
            maker.join(START_SECONDS)
        else:
            make()
            iterator = iter(loader)
        assert begins.wait(START_SECONDS)
    return made[0], iterator


def check_start(start, log_dir, monkeypatch):
    before = sockets(os.getpid())
    atlas, iterator = start_both(start, log_dir, monkeypatch)
    try:
        worker = wait_for_worker(seconds=START_SECONDS)
        # A new worker still has sockets that C libraries opened before, and so has the loader.
        ours = (sockets(os.getpid()) | sockets(worker.pid)) - before
        assert ours
        for loader_process in iterator._workers:
            # Wait: a forked process closes its copies when it first runs.
            wait_until(
                lambda pid=loader_process.pid: not ours & sockets(pid),
                START_SECONDS,
                "a process of the loader still holds a socket",
            )
        atlas.add_atlas(1)
        worker.kill()
        wait_until(
            lambda: [w for w in find_workers() if w.pid != worker.pid],
            START_SECONDS,
            "no other worker was started",
        )
    finally:
        atlas._recorder._worker_thread.end(0)
        iterator._shutdown_workers()


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("count", "others"), [(30, 1), pytest.param(400, 10, marks=pytest.mark.long)]
)
def test_a_loader_and_a_worker_start_beside_one_another(tmp_path, monkeypatch, count, others):
    torch.multiprocessing.set_sharing_strategy("file_system")  # without sockets of torch
    failed = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork in a process with threads
        warnings.filterwarnings("ignore", "This DataLoader will create 8")
        for number, start in enumerate(starts(count, others)):
            try:
                check_start(start, tmp_path / str(number), monkeypatch)
            except AssertionError as error:
                failed[number] = start, str(error)
                if len(failed) == 5:
                    break
    assert not failed


README = """
    import sys, time
    import torch
    from torch.utils.data import DataLoader, TensorDataset
    from tiny_training import TINY, Net, make_images
    from tensorboard_plugin_atlas import AtlasWriter

    data, model = TensorDataset(*make_images(64)), Net()
    loader = DataLoader(data, batch_size=8, num_workers=2, persistent_workers=True)
    atlas = AtlasWriter(sys.argv[1], model, layers=["body"], probe=data, config=TINY)
    for epoch in range(2):
        for number, batch in enumerate(loader):
            model(batch[0])
            if number % 4 == 0:
                atlas.add_atlas(8 * epoch + number)
        atlas.flush()
        print("flushed", flush=True)
    atlas.close()
"""


def test_three_lines_around_a_loader_that_stays(tmp_path):
    with start_script(tmp_path / "train.py", README, tmp_path / "log") as script:
        out, errors = script.communicate(timeout=200)
    assert (out, script.returncode) == ("flushed\n" * 2, 0), errors
    assert [atlas.step for atlas in read_atlases(tmp_path / "log")] == [0, 4, 8, 12]


def sleeper(tmp_path):
    """Returns an executable that ignores its input."""
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\nexec sleep 100\n")
    path.chmod(0o755)
    return str(path)


def setup(size=0):
    """Returns a setup of `size` bytes; the workers of these tests never read it."""
    return Setup("x" * size, (), TINY, None, {}, DEFAULT_RECORD_OPTIONS)


@pytest.fixture
def images_file():
    memory = SharedMemory(64)
    yield memory.file
    memory.close()


@pytest.fixture
def asleep(tmp_path, monkeypatch, images_file):
    """Yields a function that starts a worker that never reads or replies."""
    monkeypatch.setattr(sys, "executable", sleeper(tmp_path))
    made = []

    def start(size=0):
        made.append(WorkerProcess(setup(size), images_file))
        return made[-1]

    yield start
    for worker in made:
        with contextlib.suppress(ValueError):  # it has already ended
            worker.end(0)


def start_job(worker):
    """Runs a job in a thread; returns a function that waits for the error and measures the time."""
    errors = []

    def run():
        try:
            worker.run_job(Job(1, 0.0, (), None), None, 0)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def outcome():
        start = time.monotonic()
        thread.join(START_SECONDS)
        assert not thread.is_alive()
        return errors[0], time.monotonic() - start

    return outcome


class TestWaiting:
    """A wait for a process ends when the process ends."""

    @pytest.mark.parametrize("has_pidfd", [True, False])
    @pytest.mark.parametrize("size", [0, 10_000_000], ids=["its reply", "room in the socket"])
    def test_the_end_of_a_worker_whose_socket_someone_holds(
        self, asleep, monkeypatch, has_pidfd, size
    ):
        strays, spawn = [], process_room._spawn

        def share(end, output, threads):
            strays.append(os.dup(end.fileno()))
            return spawn(end, output, threads)

        monkeypatch.setattr(process_room, "_spawn", share)
        if not has_pidfd:
            monkeypatch.setattr(os, "pidfd_open", lambda _: os.open("/nowhere", 0))
        worker = asleep(size)
        outcome = start_job(worker)
        time.sleep(0.2)
        os.kill(worker.pid, signal.SIGKILL)
        error, seconds = outcome()
        assert isinstance(error, EOFError)
        assert seconds < START_SECONDS / 2
        assert str(worker.end(0)) == "was ended by SIGKILL"
        os.close(strays[0])

    def test_a_worker_that_reads_nothing(self, asleep, monkeypatch):
        monkeypatch.setattr(channel_room, "_STALL_SECONDS", 0.3)
        error, seconds = start_job(asleep(10_000_000))()
        assert isinstance(error, TimeoutError)
        assert seconds < START_SECONDS / 2

    def test_a_worker_that_never_comes_up(self, asleep, monkeypatch):
        monkeypatch.setattr(process_room, "_READY_SECONDS", 0.3)
        error, _ = start_job(asleep())()
        assert "did not reply for 0 s" in str(error)

    def test_one_that_cannot_be_killed_is_left(self, asleep, monkeypatch):
        worker = asleep()
        with monkeypatch.context() as patch:
            patch.setattr(subprocess.Popen, "kill", lambda _: None)
            patch.setattr(process_room, "_KILL_SECONDS", 0.2)
            outcome = start_job(worker)
            fate = worker.end(0)
            outcome()
        assert str(fate) == "was killed but has not ended yet"
        (left,) = process_room._KILLED
        left.kill()
        left.wait()
        asleep()
        assert process_room._KILLED == []

    def test_a_program_that_lets_sigpipe_end_it(self, tmp_path, images_file):
        text = f"""
            import os, signal, sys, time
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from test_worker_start import setup, Job, SharedMemory, WorkerProcess
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            worker = WorkerProcess(setup(), SharedMemory(64).file)
            os.kill(worker.pid, signal.SIGKILL)
            worker._process.wait()
            worker.is_running = lambda: True
            try:
                worker.run_job(Job(1, 0.0, (), None), None, 0)
            except OSError as error:
                print(type(error).__name__)
        """
        with start_script(tmp_path / "train.py", text) as script:
            out, errors = script.communicate(timeout=100)
        assert (out, script.returncode) == ("BrokenPipeError\n", 0), errors


class TestTheWorker:
    def test_it_is_started_without_a_fork(self, asleep, monkeypatch):
        if not subprocess._USE_POSIX_SPAWN:
            pytest.skip("no posix_spawn that reports errors")
        monkeypatch.setattr(subprocess, "_fork_exec", None)
        assert asleep().is_running()

    def test_it_lets_go_of_what_it_inherits(self, tmp_path):
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        with AtlasWriter(tmp_path, Net(), ["body"], probe=make_images(), config=TINY) as atlas:
            os.close(writer)
            assert os.read(reader, 1) == b""  # end of file while the worker is running
            assert wait_for_worker().is_running()
            assert Path(f"/proc/{wait_for_worker().pid}/fd/0").readlink() == Path(os.devnull)
            atlas.add_atlas(1)
        os.close(reader)

    def test_it_does_not_outlive_an_owner_that_is_gone_already(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            done = subprocess.run(
                [sys.executable, "-m", WORKER, "1"], stdin=theirs.fileno(), timeout=60, check=False
            )
        assert done.returncode == 1


class TestForks:
    def test_a_fork_waits_for_a_start_and_not_for_ever(self, monkeypatch):
        times = {}

        def fork(name):
            start = time.monotonic()
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
            times[name] = time.monotonic() - start

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            with forking.delay_forks():
                fork("same thread")
                thread = threading.Thread(target=fork, args=["other thread"])
                thread.start()
                time.sleep(0.5)
            thread.join()
            monkeypatch.setattr(forking, "_MAX_WAIT", 0.1)
            with forking.delay_forks():
                thread = threading.Thread(target=fork, args=["late"])
                thread.start()
                thread.join(START_SECONDS)
        assert times["other thread"] > 0.4
        assert times.keys() == {"same thread", "other thread", "late"}

    def test_a_child_closes_all_sockets_although_the_descriptors_of_a_worker_are_gone(
        self, tmp_path, monkeypatch
    ):
        """Other code closed them in this process."""
        with AtlasWriter(tmp_path, Net(), ["body"], probe=make_images(), config=TINY):
            worker = wait_until(lambda: next(iter(process_room._RUNNING), None), START_SECONDS)
            broken = copy.copy(worker)
            broken._channel, broken._pidfd = SimpleNamespace(close=lambda: None), 10**6
            held = f"socket:[{os.fstat(worker._channel._end.fileno()).st_ino}]"
            assert held in sockets(os.getpid())
            with monkeypatch.context() as patch, warnings.catch_warnings():
                patch.setattr(process_room, "_RUNNING", [broken, worker])
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
                if child == 0:
                    os._exit(held in sockets(os.getpid()))
            _, status = os.waitpid(child, 0)
            assert status == 0

    def test_a_child_waits_for_no_lock_of_another_thread(self, tmp_path):
        with AtlasWriter(tmp_path, Net(), ["body"], probe=make_images(), config=TINY) as atlas:
            recorder = atlas._recorder
            is_held, is_over = threading.Event(), threading.Event()

            def hold():
                with recorder._queue._changed, atlas._meter._lock:
                    is_held.set()
                    is_over.wait(120)

            holder = threading.Thread(target=hold)
            holder.start()
            is_held.wait()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                signal.alarm(START_SECONDS)
                code = 1
                try:
                    atlas.add_atlas(1)
                    assert (atlas.waiting(), len(recorder._queue)) == (0, 0)
                    assert atlas.cost().calls == 1
                    recorder._queue.close()  # like a finalizer
                    atlas.flush()
                    atlas.close()
                    code = 0
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            is_over.set()
            holder.join()
            assert status == 0
