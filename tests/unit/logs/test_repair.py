# SPDX-License-Identifier: Apache-2.0
"""Records that are saved from damaged logs; both TensorBoard loaders read all of them."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from event_file_damage import find_record_offsets, flip_bit, iterate_damage, make_header, splice
from synthetic_atlases import write_log
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard_server import get, start_tensorboard
from torch.utils.tensorboard import SummaryWriter

from tensorboard_plugin_atlas import cli, read_atlases
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs import repair as repair_module
from tensorboard_plugin_atlas.logs.doctor import OK, examine
from tensorboard_plugin_atlas.logs.event_file import frame, read_record, scan_records
from tensorboard_plugin_atlas.logs.repair import repair

STEPS = [0, 10, 20, 30]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A log of one atlas run of four steps, next to scalars of the user."""
    write_log(tmp_path / "runs", runs=("exp",), layers=("a",), steps=tuple(STEPS))
    with SummaryWriter(str(tmp_path / "runs" / "exp")) as logs:
        for step in STEPS:
            logs.add_scalar("loss", step / 2, step)
    return tmp_path / "runs"


def log_of(runs: Path) -> Path:
    (path,) = (runs / "exp" / "atlas").iterdir()
    return path


def tree(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_sound_log_comes_out_as_it_was(runs: Path, tmp_path: Path) -> None:
    before = tree(runs)
    files = repair(runs, tmp_path / "out")
    assert tree(tmp_path / "out") == tree(runs) == before
    assert {(file.lost, file.lost_bytes) for file in files} == {(0, 0)}
    assert sorted(file.kept for file in files) == [5, 6]


def test_every_damage_costs_the_record_it_is_in(runs: Path, tmp_path: Path) -> None:
    log, sound = log_of(runs), list(scan_records(log_of(runs)))
    middle = find_record_offsets(log)[3]
    for number, name in enumerate(iterate_damage(log)):
        before, out = tree(runs), tmp_path / f"out {number}"
        files = {file.path.parent.name: file for file in repair(runs, out)}
        assert tree(runs) == before, name
        kept = [record.payload for record in scan_records(log_of(out))]
        between = name in (
            *("zeros between records", "a record that is not an event"),
            *("a huge length", "a huge length at the end"),
        )
        lost = middle if name != "a truncated end" else sound[-1].offset
        wanted = [r.payload for r in sound if between or r.offset != sound_at(sound, lost)]
        assert kept == wanted, name
        assert (files["atlas"].kept, files["exp"].lost) == (len(wanted), 0), name
        assert files["atlas"].lost == (0 if name.endswith("end") else 1), name
        assert files["atlas"].lost_bytes > 0, name
        assert {finding.mark for finding in examine(out)} == {OK}, name
    assert number == 8


def sound_at(sound: list[Any], offset: int) -> int:
    return max(record.offset for record in sound if record.offset <= offset)


def test_records_of_others_are_kept(runs: Path, tmp_path: Path) -> None:
    (scalars,) = (p for p in (runs / "exp").iterdir() if p.is_file())
    flip_bit(scalars, find_record_offsets(scalars)[2] + 14)
    repair(runs, tmp_path / "out")
    found = EventAccumulator(str(tmp_path / "out" / "exp")).Reload().Scalars("loss")
    assert [(event.step, event.value) for event in found] == [(0, 0.0), (20, 10.0), (30, 15.0)]


def test_a_file_that_lost_its_version_gets_one(runs: Path, tmp_path: Path) -> None:
    log = log_of(runs)
    splice(log, 0, b"\xff" * 16, removed=16)
    repair(runs, tmp_path / "out")
    first = read_record(log_of(tmp_path / "out"), 0)
    assert first is not None
    assert b"brain.Event:2" in first
    assert [a.step for a in read_atlases(tmp_path / "out")] == STEPS


def test_a_file_of_nothing_is_left_out(runs: Path, tmp_path: Path) -> None:
    log_of(runs).write_bytes(bytes(5000))
    files = repair(runs, tmp_path / "out")
    assert [path.split("/")[0:2] for path in tree(tmp_path / "out")] == [
        ["exp", next(p.name for p in (runs / "exp").iterdir() if p.is_file())]
    ]
    assert {(f.kept, f.lost, f.lost_bytes) for f in files} == {(5, 0, 0), (0, 1, 5000)}


@pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
def test_both_loaders_read_it_to_its_end(fast: bool, runs: Path, tmp_path: Path) -> None:
    log = log_of(runs)
    places = find_record_offsets(log)
    splice(log, log.stat().st_size, make_header(1 << 40))
    splice(log, places[5], frame(b"\xff\xff\xff"))
    flip_bit(log, places[4] + 1)
    (scalars,) = (p for p in (runs / "exp").iterdir() if p.is_file())
    flip_bit(scalars, find_record_offsets(scalars)[2] + 14)
    repair(runs, tmp_path / "out")
    with start_tensorboard(tmp_path / "out", fast) as url:
        deadline, steps, points = time.monotonic() + 120, [], []
        while (steps, points) != ([[0, 10, 30]], [0, 20, 30]):
            assert time.monotonic() < deadline, (steps, points)
            index = json.loads(get(url + "data/plugin/atlas/index")[2])
            steps = [s["steps"] for run in index["runs"] for s in run["series"]]
            response = get(url + "data/plugin/scalars/scalars?run=exp&tag=loss")
            points = [p[1] for p in json.loads(response[2])] if response[0] == 200 else []
            time.sleep(0.1)
        series = index["runs"][0]["series"][0]["id"]
        history = json.loads(get(f"{url}data/plugin/atlas/history?id={series}")[2])
        assert [one["status"] for one in history["steps"]] == ["ok"] * 3


class TestRefusals:
    def test_a_log_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match="does not exist; pass the directory of the runs"):
            repair(tmp_path / "none", tmp_path / "out")

    @pytest.mark.parametrize("inside", [".", "out", "exp/out", "../runs/out", "exp/../out"])
    def test_an_output_inside_the_log(self, inside: str, runs: Path) -> None:
        before = tree(runs)
        with pytest.raises(ArgumentError, match="is inside the log; pass a directory outside"):
            repair(runs, runs / inside)
        assert tree(runs) == before

    def test_an_output_behind_a_link_into_the_log(self, runs: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(runs)
        with pytest.raises(ArgumentError, match="is inside"):
            repair(runs, tmp_path / "link" / "out")

    @pytest.mark.parametrize("kind", ["file", "directory"])
    def test_an_output_that_is_there(self, kind: str, runs: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        if kind == "directory":
            out.mkdir()
            (out / "mine").write_text("mine")
        else:
            out.write_text("mine")
        with pytest.raises(ArgumentError, match="not empty; pass a new directory, since no files"):
            repair(runs, out)
        assert (out / "mine" if kind == "directory" else out).read_text() == "mine"

    def test_an_empty_output_is_welcome(self, runs: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        assert len(repair(runs, tmp_path / "out")) == 2

    def test_a_full_disk_is_reported(
        self, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(repair_module, "frame", full)
        with pytest.raises(ArgumentError, match=r"No space left on device.*on another disk"):
            repair(runs, tmp_path / "out")


def test_the_command_says_what_was_kept_and_left_out(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip_bit(log_of(runs), find_record_offsets(log_of(runs))[3] + 900)
    out = tmp_path / "out"
    assert cli.main(["repair", str(runs), "--output", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" bytes)")
    assert "copied 5 records, skipped 1 damaged section (" in lines[0]
    assert lines[1] == f"10 records of 2 event files copied to {out}, 1 damaged section skipped"
    assert lines[2] == f"next: tensorboard --logdir {out}"
    assert cli.main(["repair", str(runs), "--output", str(out)]) == 2
    assert "no files are overwritten" in capsys.readouterr().err
