# SPDX-License-Identifier: Apache-2.0
"""The worker has the lowest priority, except for jobs that the training process waits for."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from background_writers import close_all, make_writer
from tiny_training import Net, find_workers, wait_until

from tensorboard_plugin_atlas.writer.worker_handle import WorkerProcess

__all__ = ["close_all"]


class RecordsPriority(Net):
    """Writes the niceness at which it runs in another process to a file, step by step."""

    def __init__(self, path, gate):
        super().__init__()
        self.home, self.path, self.gate = os.getpid(), str(path), str(gate)

    def forward(self, x):
        if os.getpid() != self.home:
            while not Path(self.gate).exists():
                time.sleep(0.01)
            nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            with Path(self.path).open("a", encoding="ascii") as file:
                file.write(f"{nice}\n")
        return super().forward(x)


@pytest.fixture
def no_privileges(monkeypatch):
    """The system does not permit to raise a priority, as for most users."""
    monkeypatch.setattr(WorkerProcess, "raise_priority", lambda self: None)


def read(path):
    return path.read_text(encoding="ascii").split() if path.exists() else []


def test_jobs_have_normal_priority_while_the_loop_waits_for_them(tmp_path, no_privileges):
    path, gate = tmp_path / "niceness", tmp_path / "gate"
    writer = make_writer(tmp_path / "run", RecordsPriority(path, gate))
    own = str(os.getpriority(os.PRIO_PROCESS, 0))
    writer.add_atlas(1)
    writer.add_atlas(2)
    flusher = threading.Thread(target=writer.flush)
    flusher.start()
    wait_until(lambda: writer._recorder._worker_thread._is_urgent)
    gate.touch()
    flusher.join(240)  # long, since the first job has the lowest priority
    during = read(path)
    assert during[-1] == own
    path.unlink()
    writer.add_atlas(3)
    wait_until(lambda: not writer.waiting())
    assert set(read(path)) == {"19"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may raise a priority")
def test_a_running_job_gets_normal_priority_where_that_is_permitted(tmp_path):
    path, gate = tmp_path / "niceness", tmp_path / "gate"
    writer = make_writer(tmp_path / "run", RecordsPriority(path, gate))
    writer.add_atlas(1)
    (worker,) = wait_until(find_workers)
    wait_until(lambda: worker.nice() == 19)
    flusher = threading.Thread(target=writer.flush)
    flusher.start()
    wait_until(lambda: worker.nice() == os.getpriority(os.PRIO_PROCESS, 0))
    gate.touch()
    flusher.join(240)  # long, since the first job has the lowest priority
    path.unlink()
    writer.add_atlas(2)
    wait_until(lambda: not writer.waiting())
    assert set(read(path)) == {"19"}


def test_a_worker_that_has_ended_has_no_priority_to_raise(tmp_path):
    writer = make_writer(tmp_path / "run")
    worker = writer._recorder._worker_thread._supervisor._worker
    worker.kill()
    wait_until(lambda: not worker.is_running())
    worker.raise_priority()
