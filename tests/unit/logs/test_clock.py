# SPDX-License-Identifier: Apache-2.0
"""Clocks that were set back: files keep their order, in both loaders and in this package."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from synthetic_atlases import make_atlas
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs import event_file as events
from tensorboard_plugin_atlas.logs import remote_sink
from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine
from tensorboard_plugin_atlas.logs.event_file import EventSink, read_events
from tensorboard_plugin_atlas.logs.file_names import make_file_name, make_next_file_name
from tensorboard_plugin_atlas.logs.log_files import list_event_files
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.logs.remote_path import RemotePath
from tensorboard_plugin_atlas.logs.remote_sink import RemoteSink
from tensorboard_plugin_atlas.logs.repair import repair
from tensorboard_plugin_atlas.logs.resume import find_last_atlases, purge_steps
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

HOUR = 3600.0
YEARS = 50 * 365 * 24 * HOUR
LOADERS = pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])


@contextmanager
def clock(ahead: float, directory: Path | None = None) -> Iterator[None]:
    """Sets the clock of written files and records `ahead` seconds ahead.

    At the end, the times of the files in `directory` are also set to that clock.
    """
    with pytest.MonkeyPatch.context() as patch:
        other = SimpleNamespace(time=lambda: time.time() + ahead)
        patch.setattr(events, "time", other)
        patch.setattr(remote_sink, "time", other)
        yield
    for path in list_event_files(directory) if directory is not None else ():
        written = max(path.stat().st_mtime, time.time() + ahead)
        os.utime(path, (written, written))


def log(directory: Path, steps: tuple[int, ...], sequence: int = 1) -> None:
    sink = EventSink(directory)
    for number, step in enumerate(steps, start=sequence):
        atlas = make_atlas(step, layer="a", samples=30, grids=(3,), sequence=number)
        sink.write(layer_tag("a"), encode_atlas(atlas), step)
        sink.write_scalars({"seconds": float(step)}, step)
    sink.close()


def found_by_all(log_dir: Path, run: Path, wanted: list[int]) -> None:
    """Checks every reader of this package, also on the copy that `repair` makes."""
    assert [atlas.step for atlas in read_atlases(log_dir, on_damage="raise")] == wanted
    assert [(e.step, e.status) for e in list_atlases(log_dir)] == [(s, "ok") for s in wanted]
    earlier = find_last_atlases(str(run), ("a",))
    assert (earlier.last_step, earlier.atlases["a"].sequence) == (wanted[-1], len(wanted))
    assert [f.text for f in examine(log_dir) if f.mark == PROBLEM] == []
    copy = log_dir.parent / "copy"
    repair(log_dir, copy, progress=False)
    assert [atlas.step for atlas in read_atlases(copy, on_damage="raise")] == wanted


def wait_for(url: str, wanted: list[int]) -> None:
    """Waits until the tab and the scalars of TensorBoard have these steps."""
    deadline, steps, scalars = time.monotonic() + 120, None, None
    while time.monotonic() < deadline:
        runs = json.loads(get(url + "data/plugin/atlas/index")[2])["runs"]
        steps = [series["steps"] for run in runs for series in run["series"]]
        status, _, body = get(url + "data/plugin/scalars/scalars?run=atlas&tag=seconds")
        scalars = sorted({point[1] for point in json.loads(body)}) if status == 200 else []
        if steps == [wanted] and scalars == wanted:
            return
        time.sleep(0.2)
    raise AssertionError((steps, scalars))


STANDARD = "events.out.tfevents.1700000000.zz.9.000000.atlas"


class TestNames:
    def test_the_clock_is_right_when_it_goes_forward(self) -> None:
        assert make_next_file_name([STANDARD], 1700000001.9, 3) == make_file_name(1700000001.9, 3)
        assert make_next_file_name([], 5.0, 0).startswith("events.out.tfevents.0000000005.")

    @pytest.mark.parametrize(
        ("there", "start"),
        [
            ([STANDARD], "events.out.tfevents.1700000001."),
            (["events.out.tfevents.4102444800.x"], "events.out.tfevents.4102444801."),
            (["events.out.tfevents.9999999999.x"], "events.out.tfevents.9999999999.x~000001"),
            (["events.out.tfevents.99.x", STANDARD], "events.out.tfevents.99.x~000001"),
            ([STANDARD, "zz.tfevents.old"], "zz.tfevents.old~000001"),
            (["x.tfevents~000009", "zzz.png"], "x.tfevents~000010"),
            (["😀.tfevents"], "😀.tfevents~000001"),
        ],
    )
    def test_a_new_file_sorts_after_all(self, there: list[str], start: str) -> None:
        names = list(there)
        for _ in range(30):
            new = make_next_file_name(names, 1600000000.0, 0)
            assert "tfevents" in new
            assert all(new > name for name in names if "tfevents" in name)
            assert len(new) <= 80
            names.append(new)
        assert names[len(there)].startswith(start)

    def test_a_name_that_would_be_too_long_is_the_clocks(self) -> None:
        assert make_next_file_name(["z" * 240 + ".tfevents"], 7.0, 1) == make_file_name(7.0, 1)

    def test_another_process_of_the_same_second(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "gethostname", lambda: "zz")
        log(tmp_path, (0, 10))
        monkeypatch.setattr(socket, "gethostname", lambda: "aa")
        log(tmp_path, (20,), 3)
        assert [e.step for e in read_events(tmp_path)] == [0, 10, 20]

    def test_a_name_that_another_process_takes_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = iter(["a.tfevents", "a.tfevents", "b.tfevents"])
        monkeypatch.setattr(events, "make_next_file_name", lambda *_: next(names))
        for step in (0, 10):
            log(tmp_path, (step,))
        assert [path.name for path in list_event_files(tmp_path)] == ["a.tfevents", "b.tfevents"]


class TestStores:
    def test_a_clock_that_went_back(self) -> None:
        url = "memory://clock/back"
        with clock(HOUR):
            for step in (0, 10):
                sink = RemoteSink(url)
                sink.write("layer/a", [b"x"], step)
                sink.flush()
        before = list_event_files(RemotePath(url))
        sink = RemoteSink(url)
        for step in (20, 30):
            sink.write("layer/a", [b"x"], step)
            sink.flush()
        assert list_event_files(RemotePath(url))[:2] == before
        assert len(list_event_files(RemotePath(url))) == 4

    def test_no_sink_of_a_process_overwrites_a_file_of_another(self) -> None:
        url = "memory://clock/same-second"
        sinks = [RemoteSink(url) for _ in range(3)]
        for step, sink in enumerate(sinks):
            sink.write("layer/a", [b"x"], step)
            sink.close()
        assert len(list_event_files(RemotePath(url))) == 3


@pytest.mark.parametrize("back", [HOUR, YEARS], ids=["an hour", "to 1970"])
class TestAClockThatWasSetBack:
    def test_our_readers_go_on(self, back: float, tmp_path: Path) -> None:
        run = tmp_path / "logs" / "atlas"
        with clock(0.0, run):
            log(run, (0, 10, 20, 30))
        with clock(-back):
            log(run, (40,), 5)
            log(run, (50,), 6)
        found_by_all(run.parent, run, [0, 10, 20, 30, 40, 50])

    def test_our_readers_take_up_again(self, back: float, tmp_path: Path) -> None:
        run = tmp_path / "logs" / "atlas"
        with clock(0.0, run):
            log(run, (0, 10, 20, 30))
        with clock(-back):
            purge_steps(str(run), 15, time.time() - back)
            log(run, (18, 25), 3)
            purge_steps(str(run), 20, time.time() - back)
            log(run, (22,), 4)
        found_by_all(run.parent, run, [0, 10, 18, 22])

    @pytest.mark.sampled(8)
    @LOADERS
    @pytest.mark.parametrize("purge", [False, True], ids=["goes on", "purge_step"])
    def test_tensorboard_follows(
        self, purge: bool, fast: bool, back: float, tmp_path: Path
    ) -> None:
        run = tmp_path / "atlas"
        log(run, (0, 10, 20, 30))
        with start_tensorboard(tmp_path, fast) as url:
            wait_for(url, [0, 10, 20, 30])
            with clock(-back):
                if purge:
                    purge_steps(str(run), 15, time.time() - back)
                    log(run, (18,), 3)
                    log(run, (25,), 4)
                else:
                    log(run, (40,), 5)
                    log(run, (50,), 6)
            wanted = [0, 10, 18, 25] if purge else [0, 10, 20, 30, 40, 50]
            wait_for(url, wanted)
        with start_tensorboard(tmp_path, fast) as url:
            wait_for(url, wanted)


def test_the_doctor_takes_no_clock_for_a_second_writer(tmp_path: Path) -> None:
    """The file was created an hour before its last event; the clock was set back half an hour."""
    run = tmp_path / "atlas"
    with clock(HOUR, run):
        log(run, (0,))
        sink = EventSink(run)
        sink.write(layer_tag("a"), encode_atlas(make_atlas(10, layer="a", sequence=2)), 10)
    with clock(2 * HOUR, run):
        sink.write(layer_tag("a"), encode_atlas(make_atlas(20, layer="a", sequence=3)), 20)
        sink.close()
    with clock(1.5 * HOUR):
        log(run, (30,), 4)
    assert [atlas.step for atlas in read_atlases(tmp_path)] == [0, 10, 20, 30]
    assert [f.text for f in examine(tmp_path) if f.mark == PROBLEM] == []
