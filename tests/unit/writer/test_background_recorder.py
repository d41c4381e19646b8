# SPDX-License-Identifier: Apache-2.0
"""`AtlasWriter` with a real worker: log and training are the same as without, despite errors."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import signal
import sys
import threading
import types
import warnings

import numpy as np
import pytest
import torch
from background_writers import OPEN_WRITERS, close_all, make_writer, read_steps  # noqa: F401
from tiny_training import (
    CLASSES,
    TINY,
    FailsInWorker,
    Net,
    find_workers,
    make_images,
    start_script,
    wait_for_worker,
    wait_until,
)
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

from tensorboard_plugin_atlas import AtlasConfig, compute_atlas, read_atlases
from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.errors import ArgumentError, WorkerError
from tensorboard_plugin_atlas.log_names import layer_of_tag
from tensorboard_plugin_atlas.logs.event_file import read_events
from tensorboard_plugin_atlas.writer.model_pickle import ModelCopy, pickle_structure
from tensorboard_plugin_atlas.writer.shared_state import StateSlot, list_model_state

pytestmark = pytest.mark.sampled(2)

FULL = AtlasConfig(
    samples=24,
    grids=(2, 4),
    min_count=2,
    neighbors=5,
    epochs=10,
    icons="inversion",
    icon_steps=2,
    draft_seconds=None,
)


GROWTH = """
    import gc, json, sys
    import psutil
    from tiny_training import TINY, Net, make_images, wait_for_worker
    from tensorboard_plugin_atlas import AtlasWriter

    def sizes():
        gc.collect()
        process = psutil.Process()
        return process.memory_info().rss, wait_for_worker().memory_info().rss, process.num_fds()

    if __name__ == "__main__":
        probe = make_images()
        atlas = AtlasWriter(sys.argv[1], Net(), ["body"], probe=probe, config=TINY, max_pending=1)
        for step in range(int(sys.argv[2])):
            atlas.add_atlas(step)
            atlas.flush()
            if step == 30:
                before = sizes()
        print(json.dumps([now - then for now, then in zip(sizes(), before)]))
        atlas.close()
"""
"""Prints the growth of a loop and its worker in bytes, and of the loop in descriptors."""


def atlases_in(directory):
    """Returns the logged atlases in the order of the file."""
    events = read_events(directory / "atlas")
    return [(e.tag, e.step, e.wall_time, e.blobs) for e in events if layer_of_tag(e.tag or "")]


class TestTheLog:
    def test_it_is_what_the_loop_itself_would_have_written(self, tmp_path):
        for worker in ("process", "inline"):
            torch.manual_seed(3)
            model = Net()
            more = {"config": FULL, "probe": make_images(24), "classes": CLASSES}
            with make_writer(
                tmp_path / worker, model, ["stem", "body"], worker=worker, **more
            ) as atlas:
                for step in (1, 5, 9):
                    atlas.add_atlas(step, walltime=1000.0 + step)
                    with torch.no_grad():
                        model.stem[0].weight.mul_(0.9)
        written = atlases_in(tmp_path / "process")
        assert [(tag.rpartition("/")[2], step) for tag, step, *_ in written] == [
            (layer, step) for step in (1, 5, 9) for layer in ("stem", "body")
        ]
        assert written == atlases_in(tmp_path / "inline")

    def test_a_model_that_changes_is_sent_again(self, tmp_path):
        model = Net()
        with make_writer(tmp_path, model) as atlas:
            atlas.add_atlas(1)
            model.body[1] = nn.Conv2d(6, 11, 3, 2, padding=1)
            model.head = nn.Linear(11, 4)
            atlas.add_atlas(2)
            model.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.Tanh())
            atlas.add_atlas(3)
            atlas.flush()
            wanted = compute_atlas(model, "body", make_images(), config=TINY)
        found = list(read_atlases(tmp_path))
        assert [a.activations.shape[1] for a in found] == [8, 11, 11]
        np.testing.assert_array_equal(found[2].activations, wanted.activations)

    def test_the_snapshot_is_of_the_moment_of_the_call(self, tmp_path):
        model = Net()
        with make_writer(tmp_path, model) as atlas:
            wanted = compute_atlas(model, "body", make_images(), config=TINY).activations
            atlas.add_atlas(1)
            for parameter in model.parameters():
                parameter.data.zero_()
        (found,) = read_atlases(tmp_path)
        np.testing.assert_array_equal(found.activations, wanted)

    def test_a_path_is_that_of_construction(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with make_writer("run") as atlas:
            (tmp_path / "elsewhere").mkdir()
            monkeypatch.chdir(tmp_path / "elsewhere")
            atlas.add_atlas(1)
        assert read_steps(tmp_path / "run") == [(1, ())]


class TestBusy:
    def test_the_newest_that_waits_is_skipped_and_listed(self, tmp_path):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(0)
        atlas.flush()
        worker = wait_for_worker()
        worker.suspend()
        with pytest.warns(RuntimeWarning, match="step 3 is skipped, since 3 others") as caught:
            for step in range(1, 7):
                atlas.add_atlas(step)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        worker.resume()
        atlas.close()
        busy = tuple(Skipped(step, "busy") for step in (3, 4, 5))
        assert read_steps(tmp_path) == [(0, ()), (1, ()), (2, ()), (6, busy)]
        cost = atlas.cost()
        assert (cost.calls, cost.skipped, cost.atlases) == (7, 3, 4)
        assert 0 < cost.loop_seconds < cost.run_seconds
        assert cost.bytes > 1000

    def test_more_may_wait(self, tmp_path):
        with make_writer(tmp_path, max_pending=9) as atlas:
            for step in range(10):
                atlas.add_atlas(step)
        assert [step for step, _ in read_steps(tmp_path)] == list(range(10))

    def test_a_budget_thins_the_schedule_and_says_so_once(self, tmp_path):
        atlas = make_writer(tmp_path, budget=1e-6)
        atlas.add_atlas(1)
        with pytest.warns(
            RuntimeWarning, match="step 2 is skipped to keep to budget=1e-06"
        ) as caught:
            for step in (2, 3):
                atlas.add_atlas(step)
        assert len(caught) == 1
        atlas.flush()
        atlas._meter.budget = None
        atlas.add_atlas(4)
        atlas.close()
        thinned = (Skipped(2, "budget"), Skipped(3, "budget"))
        assert read_steps(tmp_path) == [(1, ()), (4, thinned)]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"worker": "thread"}, r"worker='thread': pass 'process' or 'inline'"),
            ({"max_pending": 0}, r"max_pending=0: pass an integer from 1 to 64"),
            ({"budget": 2}, r"budget=2: pass a share of the run time above 0"),
        ],
    )
    def test_wrong_arguments_are_named(self, tmp_path, change, message):
        with pytest.raises(ArgumentError, match=message):
            make_writer(tmp_path, **change)


def fail():
    raise ValueError("a forward that fails\nin two lines")


def interrupt():
    raise MemoryError


class TestDeath:
    def test_a_worker_that_dies_once_is_started_again_for_the_same_step(self, tmp_path, caplog):
        atlas = make_writer(tmp_path, layers=["stem", "body"])
        atlas.add_atlas(1)
        atlas.flush()
        first = wait_for_worker()
        first.suspend()
        with caplog.at_level(logging.INFO):
            for step in (2, 3):
                atlas.add_atlas(step)
            first.kill()
            atlas.flush()
        assert "step 2: the background process was ended by SIGKILL" in caplog.text
        assert wait_for_worker().pid != first.pid
        atlas.add_atlas(4)
        atlas.close()
        assert [step for step, _ in read_steps(tmp_path)] == [1, 2, 3, 4]
        for layer in ("stem", "body"):
            found = list(read_atlases(tmp_path, layer=layer))
            assert [a.sequence for a in found] == [1, 2, 3, 4]

    @pytest.mark.parametrize("mischief", [fail, interrupt], ids=lambda f: f.__name__)
    def test_a_failure_is_reported_once_and_listed_in_the_next_atlas(self, tmp_path, mischief):
        model = FailsInWorker(mischief)
        atlas = make_writer(tmp_path, model)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step in (1, 2, 3):
                atlas.add_atlas(step)
                atlas.flush()
            model.failure = list
            atlas.add_atlas(4)
            atlas.close()
        (warning,) = caught
        name = "ValueError: a forward" if mischief is fail else "MemoryError"
        assert f"AtlasWriter: step 1: {name}" in str(warning.message)
        assert warning.filename == __file__
        failed = tuple(Skipped(step, "failed") for step in (1, 2, 3))
        assert read_steps(tmp_path) == [(4, failed)]

    def test_strict_raises_it_at_a_later_call(self, tmp_path):
        atlas = make_writer(tmp_path, FailsInWorker(fail), strict=True)
        atlas.add_atlas(1)
        with pytest.raises(WorkerError, match="step 1: ValueError: a forward that fails"):
            atlas.flush()
        atlas.flush()

    def test_close_has_a_bound(self, tmp_path, caplog):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(1)
        atlas.flush()
        worker = wait_for_worker()
        worker.suspend()
        for step in (2, 3):
            atlas.add_atlas(step)
        with pytest.warns(RuntimeWarning, match=r"not finished within 0.2 s: steps 2, 3; pass"):
            atlas.close(0.2)
        wait_until(lambda: not worker.is_running())
        assert read_steps(tmp_path) == [(1, ())]
        atlas.add_atlas(4)
        assert "after close()" in caplog.text

    def test_waiting_shows_a_bar_on_a_terminal_only(self, tmp_path, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        atlas = make_writer(tmp_path)
        for shown in (True, False):
            atlas.add_atlas(int(shown) if shown else 2)
            screen = Terminal() if shown else io.StringIO()
            monkeypatch.setattr(sys, "stderr", screen)
            atlas.flush()
            assert ("atlases:" in screen.getvalue()) == shown


class TestFallingBack:
    def test_a_model_that_cannot_be_sent_is_recorded_in_the_loop(self, tmp_path):
        model = Net()
        model.lock = threading.Lock()
        with pytest.warns(RuntimeWarning, match=r"'process' is not possible: .*lock") as caught:
            atlas = make_writer(tmp_path, model)
        (warning,) = caught
        assert "in the training loop instead, which waits for each" in str(warning.message)
        assert warning.filename.endswith("background_writers.py")  # where `make_writer` calls it
        atlas.add_atlas(1)
        assert read_steps(tmp_path) == [(1, ())]
        assert find_workers() == []

    def test_a_model_that_cannot_be_sent_any_more_changes_over(self, tmp_path):
        model = Net()
        atlas = make_writer(tmp_path, model)
        atlas.add_atlas(1)
        atlas.flush()
        lock = threading.Lock()
        model.register_forward_hook(lambda *_: lock.locked() and None)
        with pytest.warns(RuntimeWarning, match="not possible") as caught:
            for step in (2, 3):
                atlas.add_atlas(step)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        atlas.close()
        assert [a.sequence for a in read_atlases(tmp_path)] == [1, 2, 3]

    def test_a_class_that_the_worker_cannot_import_changes_over(self, tmp_path, monkeypatch):
        module = types.ModuleType("made_at_run_time")
        exec("from tiny_training import Net\nclass Local(Net): pass", module.__dict__)
        monkeypatch.setitem(sys.modules, "made_at_run_time", module)
        atlas = make_writer(tmp_path, module.Local())
        message = "not possible: ModuleNotFoundError.*made_at_run.*step 1 could not be logged"
        with pytest.warns(RuntimeWarning, match=message) as caught:
            atlas.add_atlas(1)
            atlas.flush()
            atlas.add_atlas(2)
        assert len(caught) == 1
        atlas.close()
        assert read_steps(tmp_path) == [(2, (Skipped(1, "failed"),))]

    def test_a_writer_that_does_not_say_where_it_writes(self, tmp_path):
        class Hidden:
            def __init__(self, logs):
                self._get_file_writer, self.flush = logs._get_file_writer, logs.flush

        with SummaryWriter(str(tmp_path)) as logs:
            with pytest.warns(RuntimeWarning, match="does not reveal its log directory"):
                atlas = make_writer(Hidden(logs))
            atlas.add_atlas(1)
            atlas.close()
        assert [a.step for a in read_atlases(tmp_path)] == [1]


def plain(model):
    return model


def compile_model(model):
    return torch.compile(model, backend="eager")


def channels_last(model):
    return model.to(memory_format=torch.channels_last)


def half(model):
    return model.to(torch.bfloat16)


WRAPPERS = [plain, nn.DataParallel, compile_model, channels_last, half, AveragedModel]


class TestWrappers:
    @pytest.mark.parametrize("wrap", WRAPPERS, ids=lambda wrap: wrap.__name__)
    def test_the_copy_computes_the_same_as_the_model(self, wrap):
        model = wrap(Net())
        inner = unwrap(model)
        state = list_model_state(inner)
        structure = pickle_structure(inner, state.tensors)
        slot = StateSlot(structure.layout)
        slot.take(state.tensors)
        copy = ModelCopy(structure)
        copy.load(slot.memory.file)
        layer = "module.body" if wrap is AveragedModel else "body"
        probe = build_probe(make_images(), config=TINY)
        ours, theirs = (
            collect_activations(m, [layer], probe).layers[layer] for m in (model, copy.model)
        )
        np.testing.assert_array_equal(ours.values, theirs.values)
        slot.close()

    def test_ddp(self, tmp_path):
        store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
        try:
            model = nn.parallel.DistributedDataParallel(Net())
            with make_writer(tmp_path / "run", model) as atlas:
                model(make_images()[0]).sum().backward()
                atlas.add_atlas(1)
        finally:
            torch.distributed.destroy_process_group()
        assert read_steps(tmp_path / "run") == [(1, ())]


class Checkpointed(Net):
    def forward(self, x):
        x = torch.utils.checkpoint.checkpoint(self.stem, x, use_reentrant=False)
        return self.head(self.drop(self.body(x)).mean((2, 3)))


def train(log_dir, *, watched, kind=Net):
    """Trains with loader processes and autocast; returns losses, weights and draws."""
    torch.manual_seed(11)
    np.random.seed(11)
    model = kind()
    loader = DataLoader(TensorDataset(*make_images(64)), batch_size=8, shuffle=True, num_workers=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    atlas = make_writer(log_dir, model, ["stem", "body"], max_pending=9) if watched else None
    losses = []
    for epoch in range(2):
        for number, (inputs, labels) in enumerate(loader):
            with torch.autocast("cpu", torch.bfloat16):
                loss = nn.functional.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            if atlas is not None and number % 3 == 0:
                atlas.add_atlas(epoch * 10 + number)  # while the model has gradients
            optimizer.step()
            losses.append(loss.item())
    if atlas is not None:
        atlas.close()
    weights = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
    return losses, weights, torch.rand(3).tolist(), np.random.rand(3).tolist()


class TestTraining:
    @pytest.mark.parametrize("kind", [Net, Checkpointed], ids=lambda kind: kind.__name__)
    def test_it_is_the_same_to_the_last_bit(self, tmp_path, kind):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork in a process with threads
            alone = train(tmp_path / "alone", watched=False, kind=kind)
            watched = train(tmp_path / "watched", watched=True, kind=kind)
        assert watched == alone
        assert [step for step, _ in read_steps(tmp_path / "watched")] == [0, 3, 6, 10, 13, 16]

    def test_threads_of_the_loop_stay_as_they_were(self, tmp_path):
        before = torch.get_num_threads()
        with make_writer(tmp_path) as atlas:
            atlas.add_atlas(1)
        assert torch.get_num_threads() == before

    def test_a_fork_leaves_the_worker_alone(self, tmp_path):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            code = 1
            try:
                atlas.add_atlas(2)
                atlas.flush()
                atlas.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        atlas.add_atlas(3)
        atlas.close()
        assert read_steps(tmp_path) == [(1, ()), (3, ())]

    def test_other_ranks_start_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
        with make_writer(tmp_path / "run", probe=None) as atlas:
            atlas.add_atlas(1)
            assert find_workers() == []
        assert atlas.cost().calls == 0
        assert not (tmp_path / "run").exists()


class TestRoom:
    def test_a_forgotten_writer_finishes_and_ends_its_worker(self, tmp_path):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(1)
        assert wait_for_worker()
        OPEN_WRITERS.clear()
        del atlas
        gc.collect()
        wait_until(lambda: find_workers() == [], 120)
        assert read_steps(tmp_path) == [(1, ())]

    @pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.long)])
    def test_memory_and_descriptors_do_not_grow(self, tmp_path, count):
        # In a separate process: leftovers of earlier tests in this one vary by more than a leak.
        with start_script(tmp_path / "train.py", GROWTH, tmp_path / "log", count) as script:
            printed, errors = script.communicate(timeout=600)
        assert script.returncode == 0, errors
        trained, worker, descriptors = json.loads(printed)
        assert trained <= 5e6
        assert worker <= 20e6
        assert descriptors <= 0
        assert len(read_steps(tmp_path / "log")) == count

    def test_signals_of_the_terminal_do_not_reach_the_worker(self, tmp_path):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(1)
        atlas.flush()
        worker = wait_for_worker()
        assert worker.nice() == 19
        worker.send_signal(signal.SIGINT)
        atlas.add_atlas(2)
        atlas.flush()
        assert wait_for_worker().pid == worker.pid
        assert [step for step, _ in read_steps(tmp_path)] == [1, 2]


def test_a_writer_reports_how_many_wait(tmp_path):
    atlas = make_writer(tmp_path)
    atlas.add_atlas(1)
    atlas.flush()
    worker = wait_for_worker()
    worker.suspend()
    atlas.add_atlas(2)
    atlas.add_atlas(3)
    assert atlas.waiting() == 2
    worker.resume()
    atlas.flush()
    assert atlas.waiting() == 0
