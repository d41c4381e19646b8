# SPDX-License-Identifier: Apache-2.0
"""Workers that cannot be started or die repeatedly, and the steps that are skipped."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import sys
import threading
import time
import types
import warnings
from pathlib import Path

import psutil
import pytest
from background_writers import close_all, make_writer, read_steps  # noqa: F401 - a fixture
from tiny_training import FailsInWorker, Net, find_workers, wait_for_worker, wait_until

import tensorboard_plugin_atlas.writer.worker_handle as process_room
import tensorboard_plugin_atlas.writer.worker_supervisor as supervisor_room
from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.errors import WorkerError
from tensorboard_plugin_atlas.writer.shared_state import StateSlot
from tensorboard_plugin_atlas.writer.worker_handle import ExitStatus
from tensorboard_plugin_atlas.writer.worker_messages import Done, Job
from tensorboard_plugin_atlas.writer.worker_supervisor import CannotStartError, WorkerSupervisor

pytestmark = pytest.mark.sampled(2)

DONE = Done((), 0.0, 0.0)


@contextlib.contextmanager
def all_warnings():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def leave():
    os._exit(3)


def raising(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def make_failed(*steps):
    return tuple(Skipped(step, "failed") for step in steps)


def program(tmp_path, line):
    """Returns an executable that runs one line and ignores its arguments."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return str(path)


class Gate:
    """Blocks a program until it is opened, so that it ends after the call under test."""

    def __init__(self, tmp_path):
        self.path = tmp_path / "opened"
        self.wait = f'until [ -e "{self.path}" ]; do sleep 0.01; done'

    def open(self):
        self.path.touch()


def no_process(patch):
    error = BlockingIOError(11, "Resource temporarily unavailable")
    patch.setattr("subprocess.Popen", raising(error))


def no_python(patch):
    patch.setattr(sys, "executable", "/nowhere/python")


def no_environment(patch):
    patch.setattr(process_room, "_environment", raising(TypeError("what is this")))


def no_thread(patch):
    patch.setattr(threading.Thread, "start", raising(RuntimeError("can't start new thread")))


def frozen(patch):
    patch.setattr(sys, "frozen", True, raising=False)


class TestNoWorkerAtAll:
    @pytest.mark.parametrize("odd", [Path("src"), None, b"src", 7, "a\0b", "\ud800"], ids=repr)
    def test_an_odd_entry_of_the_import_path_is_passed_over(self, monkeypatch, odd):
        monkeypatch.setattr(sys, "path", [*sys.path, odd, "/last"])
        paths = process_room._environment(1)["PYTHONPATH"].split(os.pathsep)
        assert paths == [path or str(Path.cwd()) for path in sys.path if path is not odd]

    def test_the_worker_works_beside_an_odd_import_path(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sys, "path", [*sys.path, Path("src"), None])
        with make_writer(tmp_path) as atlas:
            atlas.add_atlas(1)
            assert find_workers()
        assert read_steps(tmp_path) == [(1, ())]

    @pytest.mark.parametrize("strict", [False, True])
    @pytest.mark.parametrize(
        ("prevent", "reason"),
        [
            (no_process, "could not be started.*Resource temporarily"),
            (no_python, "could not be started.*/nowhere/python"),
            (no_environment, "could not be started.*TypeError: what is this"),
            (no_thread, "can't start new thread"),
            (frozen, "its own Python"),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_what_is_found_at_once_costs_no_step(
        self, tmp_path, monkeypatch, prevent, reason, strict
    ):
        with all_warnings() as caught:
            with monkeypatch.context() as patch:
                prevent(patch)
                atlas = make_writer(tmp_path, strict=strict)
            for step in (1, 2):
                atlas.add_atlas(step)
            atlas.close()
        (warning,) = caught
        assert re.search(f"'process' is not possible.*{reason}", str(warning.message))
        assert "in the training loop instead" in str(warning.message)
        assert warning.filename.endswith("background_writers.py")  # where `make_writer` calls it
        assert read_steps(tmp_path) == [(1, ()), (2, ())]
        assert not [t for t in threading.enumerate() if t.name == "atlas-worker_thread"]

    @pytest.mark.parametrize("call", ["flush", "add_atlas"])
    def test_one_that_never_comes_up_costs_the_step_that_waited(self, tmp_path, monkeypatch, call):
        gate = Gate(tmp_path)
        fail = f"{gate.wait}; echo no torch >&2; exit 5"
        with all_warnings() as caught:
            with monkeypatch.context() as patch:
                patch.setattr(sys, "executable", program(tmp_path, fail))
                atlas = make_writer(tmp_path)
                atlas.add_atlas(1)
                gate.open()
                wait_until(lambda: atlas._recorder.fault)
            if call == "flush":
                atlas.flush()
                assert len(caught) == 1
            for step in (2, 3):
                atlas.add_atlas(step)
            atlas.close()
        (warning,) = caught
        text = str(warning.message)
        assert "the background process ended with status 5\n  | no torch" in text
        assert "; step 1 could not be logged" in text
        assert warning.filename == __file__
        assert read_steps(tmp_path) == [(2, make_failed(1)), (3, ())]
        assert (atlas.cost().calls, atlas.cost().skipped) == (3, 1)

    @pytest.mark.parametrize("strict", [False, True])
    def test_what_is_unfinished_is_reported_by_close(self, tmp_path, monkeypatch, strict):
        gate = Gate(tmp_path)
        monkeypatch.setattr(sys, "executable", program(tmp_path, f"{gate.wait}; exit 5"))
        atlas = make_writer(tmp_path, strict=strict)
        for step in (1, 2):
            atlas.add_atlas(step)
        gate.open()
        message = "'process' is not possible.*status 5; steps 1, 2 could not be logged"
        with (
            pytest.raises(WorkerError, match=message)
            if strict
            else pytest.warns(RuntimeWarning, match=message) as caught
        ):
            atlas.close()
        assert strict or len(caught) == 1
        assert atlas.waiting() == 0

    def test_strict_raises_what_is_unfinished(self, tmp_path, monkeypatch):
        gate = Gate(tmp_path)
        monkeypatch.setattr(sys, "executable", program(tmp_path, f"{gate.wait}; exit 5"))
        atlas = make_writer(tmp_path, strict=True)
        atlas.add_atlas(1)
        gate.open()
        with pytest.raises(WorkerError, match=r"status 5.*step 1 could not be logged"):
            atlas.flush()
        atlas.add_atlas(2)
        atlas.close()
        assert read_steps(tmp_path) == [(2, make_failed(1))]

    @pytest.mark.parametrize("before", ["", "exec 0<&-; sleep 0.3;"], ids=["at once", "late"])
    def test_one_that_is_killed_while_it_comes_up_comes_back(self, tmp_path, monkeypatch, before):
        # The training loop must not compute the atlas if the machine has too little memory. On a
        # busy machine, the socket is closed some time before the end of the process is reported.
        gate = Gate(tmp_path)
        with monkeypatch.context() as patch:
            line = f"{gate.wait}; {before} kill -9 $$"
            patch.setattr(sys, "executable", program(tmp_path, line))
            atlas = make_writer(tmp_path)
            atlas.add_atlas(1)
            gate.open()
            with pytest.warns(RuntimeWarning, match="step 1: .* was ended by SIGKILL"):
                atlas.flush()
        assert atlas._recorder.fault is None
        atlas.add_atlas(2)
        atlas.close()
        assert read_steps(tmp_path) == [(2, make_failed(1))]


class Local(Net):
    """Cannot be imported by a worker after its module is removed."""


class TestTooLate:
    """Snapshots that are being copied when recording ends."""

    def slow_copy(self, monkeypatch, meanwhile):
        take = StateSlot.take

        def slow(slot, tensors):
            take(slot, tensors)
            meanwhile()

        monkeypatch.setattr(StateSlot, "take", slow)

    def test_it_is_unfinished_when_the_writer_is_closed_meanwhile(self, tmp_path, monkeypatch):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(1)
        closer = threading.Thread(target=atlas.close)

        def meanwhile():
            closer.start()
            closer.join(120)

        self.slow_copy(monkeypatch, meanwhile)
        with pytest.warns(
            RuntimeWarning, match="step 2 is not logged: the writer was closed while it was added"
        ):
            atlas.add_atlas(2)
        start = time.monotonic()
        assert atlas.waiting() == 0
        atlas._recorder.flush()
        assert atlas._recorder.close(300).steps == ()
        assert time.monotonic() - start < 100
        assert atlas.cost().skipped == 1
        assert read_steps(tmp_path) == [(1, ())]

    def test_it_is_recorded_in_the_loop_when_there_is_no_worker(self, tmp_path, monkeypatch):
        module = types.ModuleType("made_at_run_time")
        exec("from tiny_training import Net\nclass Local(Net): pass", module.__dict__)
        monkeypatch.setitem(sys.modules, "made_at_run_time", module)
        atlas = make_writer(tmp_path, module.Local())
        atlas.add_atlas(1)
        self.slow_copy(monkeypatch, lambda: wait_until(lambda: atlas._recorder.fault))
        with pytest.warns(RuntimeWarning, match="made_at_run.*step 1 could not be") as caught:
            atlas.add_atlas(2)
        atlas.add_atlas(3)
        atlas.close()
        assert len(caught) == 1
        assert read_steps(tmp_path) == [(2, make_failed(1)), (3, ())]

    def test_what_an_unfinished_one_replaced_is_listed(self, tmp_path, monkeypatch):
        atlas = make_writer(tmp_path, max_pending=1)
        atlas.add_atlas(0)
        atlas.flush()
        wait_for_worker().suspend()
        for step in (1, 2):
            atlas.add_atlas(step)
        recorder = atlas._recorder
        self.slow_copy(monkeypatch, lambda: recorder.close(0))
        with pytest.warns(RuntimeWarning, match="step 3 is not logged"):
            atlas.add_atlas(3)
        unfinished = recorder._queue.unfinished
        assert unfinished.steps == (1,)
        assert unfinished.skipped == (Skipped(1, "failed"), Skipped(2, "busy"))


class TestComingBack:
    def test_a_step_that_two_workers_die_over_is_skipped_and_logging_goes_on(
        self, tmp_path, caplog
    ):
        model = FailsInWorker(list)
        atlas = make_writer(tmp_path, model)
        with all_warnings() as caught, caplog.at_level(logging.INFO):
            atlas.add_atlas(0)
            atlas.flush()
            model.failure = leave
            for step in (1, 2):
                atlas.add_atlas(step)
                atlas.flush()
            model.failure = list
            for step in (3, 4):
                atlas.add_atlas(step)
            atlas.close()
        (warning,) = caught
        assert "step 1: the background process ended with status 3" in str(warning.message)
        assert "restarted for the next step" in str(warning.message)
        assert warning.filename == __file__
        assert "AtlasWriter: step 2: the background process ended with status 3" in caplog.text
        assert read_steps(tmp_path) == [(0, ()), (3, make_failed(1, 2)), (4, ())]
        assert atlas.cost().skipped == 2

    def test_a_pause_ends_when_someone_waits(self, tmp_path, monkeypatch):
        monkeypatch.setattr(supervisor_room, "FIRST_PAUSE", 200.0)
        model = FailsInWorker(leave)
        atlas = make_writer(tmp_path, model)
        atlas.add_atlas(1)
        wait_until(lambda: atlas.waiting() == 0, 150)
        model.failure = list
        with pytest.warns(RuntimeWarning, match="step 1"):
            atlas.add_atlas(2)
        time.sleep(0.5)
        assert find_workers() == []
        atlas.flush()
        assert read_steps(tmp_path) == [(2, make_failed(1))]

    def test_close_within_a_pause_has_its_bound(self, tmp_path, monkeypatch, caplog):
        monkeypatch.setattr(supervisor_room, "FIRST_PAUSE", 200.0)
        atlas = make_writer(tmp_path, FailsInWorker(leave))
        atlas.add_atlas(1)
        wait_until(lambda: atlas.waiting() == 0, 150)
        with pytest.warns(RuntimeWarning, match="step 1"):
            atlas.add_atlas(2)
        start = time.monotonic()
        atlas.close(0.1)
        assert "not finished within 0.1 s: step 2;" in caplog.text
        assert time.monotonic() - start < 100

    def test_a_killed_worker_is_reported_as_killed_before_training(self, tmp_path, caplog):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(1)
        atlas.flush()
        for step in (2, 3):
            worker = wait_for_worker()
            assert Path(f"/proc/{worker.pid}/oom_score_adj").read_text() == "1000\n"
            worker.kill()
            wait_until(lambda worker=worker: not psutil.pid_exists(worker.pid))
            with caplog.at_level(logging.INFO):
                atlas.add_atlas(step)
                atlas.flush()
        levels = [r.levelname for r in caplog.records if "out-of-memory killer" in r.message]
        assert levels == ["WARNING", "INFO"]
        assert [step for step, _ in read_steps(tmp_path)] == [1, 2, 3]

    def test_an_idle_one_that_ends_is_not_a_zombie(self, tmp_path):
        with make_writer(tmp_path) as atlas:
            atlas.add_atlas(1)
            atlas.flush()
            worker = wait_for_worker()
            worker.terminate()
            wait_until(lambda: not psutil.pid_exists(worker.pid))
            atlas.add_atlas(2)
        assert read_steps(tmp_path) == [(1, ()), (2, ())]

    def test_a_copy_that_never_completes_costs_its_step(self, tmp_path, monkeypatch):
        errors = [RuntimeError("CUDA error: an illegal memory access")]
        monkeypatch.setattr(
            StateSlot, "wait", lambda _: raising(errors.pop())() if errors else None
        )
        atlas = make_writer(tmp_path)
        with pytest.warns(RuntimeWarning, match="step 1: RuntimeError: CUDA error"):
            atlas.add_atlas(1)
            atlas.flush()
        atlas.add_atlas(2)
        atlas.close()
        assert read_steps(tmp_path) == [(2, make_failed(1))]

    def test_a_thread_that_fails_leaves_the_work_to_the_loop(self, tmp_path, monkeypatch):
        atlas = make_writer(tmp_path)
        monkeypatch.setattr(atlas._recorder._queue, "finish", raising(KeyError("ours")))
        atlas.add_atlas(1)
        with pytest.warns(RuntimeWarning, match="not possible: KeyError: 'ours'.*step 1 could"):
            atlas.flush()
        atlas.add_atlas(2)
        atlas.close()
        assert [step for step, _ in read_steps(tmp_path)][-1] == 2


class FakeWorker:
    """Replaces a worker; ends with a given outcome."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.is_ready = outcome != "import"

    def is_running(self):
        return self.outcome != "idle"

    def run_job(self, *_):
        if self.outcome == "done":
            return DONE
        raise EOFError

    def kill(self):
        pass

    def end(self, timeout, *, is_ending=False):
        return ExitStatus(-signal.SIGKILL if self.outcome in ("oom", "idle") else 1, False, "")


class TestPauses:
    def supervisor(self, *outcomes):
        """Returns a supervisor of workers with these outcomes, and its list of pauses."""
        rest, pauses, clock = iter(outcomes), [], [0.0]

        def pause(seconds):
            pauses.append(seconds)
            clock[0] += seconds

        self.patch.setattr(supervisor_room.time, "monotonic", lambda: clock[0])
        return WorkerSupervisor(lambda: FakeWorker(next(rest)), pause), pauses

    @pytest.fixture(autouse=True)
    def patched(self, monkeypatch):
        self.patch = monkeypatch
        monkeypatch.setattr(supervisor_room, "time", types.SimpleNamespace(monotonic=None))

    def run_job(self, supervisor):
        return supervisor.run_job(Job(1, 0.0, (), None), None, 0)

    def test_they_double_up_to_five_minutes_and_start_again_after_a_reply(self):
        supervisor, pauses = self.supervisor(*["crash"] * 26, "done", "crash", "crash", "done")
        supervisor.start()
        for _ in range(13):
            with pytest.raises(WorkerError, match="second time in a row"):
                self.run_job(supervisor)
        doubled = [float(2**n) for n in range(9)]
        assert pauses == [*doubled, *[300.0] * 15]
        assert self.run_job(supervisor) is DONE
        supervisor.end()
        pauses.clear()
        with pytest.raises(WorkerError):
            self.run_job(supervisor)
        assert pauses == []
        assert self.run_job(supervisor) is DONE
        assert pauses == [1.0]

    def test_one_that_goes_while_idle_is_replaced_at_once(self):
        supervisor, pauses = self.supervisor("idle", "done")
        supervisor.start()
        assert self.run_job(supervisor) is DONE
        assert pauses == []

    def test_two_that_do_not_come_up_are_enough(self):
        supervisor, _ = self.supervisor("import", "import")
        supervisor.start()
        with pytest.raises(CannotStartError, match="ended with status 1"):
            self.run_job(supervisor)

    def test_after_one_that_came_up_no_start_is_the_last(self):
        supervisor, _ = self.supervisor("done", *["import"] * 6, "done")
        supervisor.start()
        assert self.run_job(supervisor) is DONE
        supervisor.end()
        for _ in range(3):
            with pytest.raises(WorkerError) as caught:
                self.run_job(supervisor)
            assert not isinstance(caught.value, CannotStartError)
        assert self.run_job(supervisor) is DONE
