# SPDX-License-Identifier: Apache-2.0
"""`AtlasWriter` in a Jupyter kernel: classes of `__main__`, interrupted cells, and the shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import psutil
import pytest
from nbclient.exceptions import CellExecutionError
from notebook_kernels import make_client, make_notebook, read_stream
from tiny_training import wait_until

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine

DEFINITIONS = """
import itertools, os, time
from pathlib import Path
import torch
from torch import nn
from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter

class Images(torch.utils.data.Dataset):
    classes = ["north", "east"]
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(index)), index % 2

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU())
        self.head = nn.Linear(8, 2)
    def forward(self, images):
        Path("processes").open("a").write(f"{os.getpid()}\\n")
        return self.head(self.body(images).mean((2, 3)))

torch.set_num_threads(1)
model = Model()
tiny = dict(samples=4, grids=(2,), min_count=1, neighbors=2, epochs=5)
settings = dict(layers=["body"], probe=Images())
print(os.getpid())
"""
LOGGED = """
config = AtlasConfig(icons="none", **tiny)
atlas = AtlasWriter("log", model, config=config, strict=True, **settings)
atlas.add_atlas(1)
atlas.flush()
"""
INTERRUPTED = """
for step in itertools.count(2):
    with torch.no_grad():
        model.head.weight.add_(0.01)
    atlas.add_atlas(step)
    if step == 10:
        Path("started").touch()
    time.sleep(0.01)
"""
CONTINUED = """
atlas.add_atlas(1_000_000)
atlas.flush()
print("waiting:", atlas.waiting())
"""
ENDLESS = """
from tensorboard_plugin_atlas.logs.reader import list_atlases
config = AtlasConfig(icons="inversion", icon_steps=4096, draft_seconds=0, **tiny)
endless = AtlasWriter("endless", model, config=config, strict=True, **settings)
endless.add_atlas(7)
while not (Path("endless/atlas").is_dir() and list_atlases("endless")):
    time.sleep(0.05)
print("waiting:", endless.waiting())
"""


@pytest.mark.timeout(600)
class TestWriterInKernel:
    """The model and the dataset are defined in a cell, so their classes are in `__main__`."""

    @pytest.fixture
    def client(self, tmp_path, monkeypatch):
        notebook = make_notebook(DEFINITIONS, LOGGED, INTERRUPTED, CONTINUED, ENDLESS)
        return make_client(notebook, tmp_path, monkeypatch, seconds=200)

    def test_interrupt_and_shutdown(self, client, tmp_path):
        definitions, logged, interrupted, continued, endless = client.nb.cells
        before = list_descendants()
        with client.setup_kernel():
            client.execute_cell(definitions, 0)
            client.execute_cell(logged, 1)
            self.check_that_a_worker_computed(definitions, tmp_path)
            with (
                interrupt_after(client, tmp_path / "started"),
                pytest.raises(CellExecutionError) as stopped,
            ):
                client.execute_cell(interrupted, 2)
            assert stopped.value.ename == "KeyboardInterrupt"
            client.execute_cell(continued, 3)
            assert "waiting: 0" in read_stream(continued)
            client.execute_cell(endless, 4)
            assert "waiting: 1" in read_stream(endless)
            started = list_descendants() - before
            assert len(started) >= 3  # the kernel and two workers
            client.km.shutdown_wait_time = 200  # seconds until the kernel would be killed
            zombies = start_watch(started)
        assert zombies() < 15  # seconds; 29 if nothing waits for an idle worker
        wait_until(lambda: not any(map(is_alive, started)))
        assert list_descendants() == before
        self.check_logs(tmp_path)

    @staticmethod
    def check_that_a_worker_computed(definitions, folder):
        """Fails if the model ran in the kernel alone; the constructor runs it there once."""
        kernel = int(read_stream(definitions))
        ran = {int(line) for line in (folder / "processes").read_text().split()}
        (worker,) = ran - {kernel}
        assert psutil.Process(worker).ppid() == kernel

    @staticmethod
    def check_logs(folder):
        steps = [one.step for one in read_atlases(folder / "log", on_damage="raise")]
        assert (steps[0], steps[-1]) == (1, 1_000_000)
        assert len(steps) >= 3  # at least one of the interrupted cell
        (preliminary,) = read_atlases(folder / "endless", on_damage="raise")
        assert (preliminary.step, set(preliminary.grids[0].icon_kind)) == (7, {"examples"})
        for log in ("log", "endless"):
            assert [one for one in examine(folder / log) if one.mark == PROBLEM] == []


def list_descendants():
    """Returns the processes that this one started, and theirs."""
    return set(psutil.Process().children(recursive=True))


def start_watch(processes):
    """Watches processes in a thread; the returned function ends this.

    It returns the longest time in seconds for which one of them was a zombie. That, unlike the time
    of the whole shutdown, does not depend on what else the machine does.
    """
    is_over, seconds = threading.Event(), dict.fromkeys(processes, 0.0)

    def watch():
        before = time.monotonic()
        while not is_over.wait(0.05):
            now = time.monotonic()
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.status() == psutil.STATUS_ZOMBIE:
                        seconds[process] += now - before
            before = now

    thread = threading.Thread(target=watch)
    thread.start()

    def end():
        is_over.set()
        thread.join()
        return max(seconds.values())

    return end


def is_alive(process):
    """Returns whether a process runs; one that has ended may still wait for its parent."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def interrupt_after(client, path):
    """Interrupts the kernel once a file exists, while the block waits for a cell."""

    def interrupt():
        wait_until(path.exists)
        asyncio.run(client.km.interrupt_kernel())

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        thread.join()
