# SPDX-License-Identifier: Apache-2.0
"""Shortcuts read from a log, and all commands on a log that contains shortcuts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from synthetic_shortcuts import STEPS, make_shortcuts, write_shortcuts

from tensorboard_plugin_atlas import cli, read_atlases, read_shortcuts
from tensorboard_plugin_atlas.commands.map_relayout import relayout
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.doctor import OK, PROBLEM, examine
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.logs.repair import repair
from tensorboard_plugin_atlas.logs.resume import find_last_shortcuts, purge_steps
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

RUN = f"exp/{CHILD_RUN}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write_shortcuts(tmp_path)
    return tmp_path


def steps_of(log_dir: Path, **more: str) -> list[int]:
    return [record.step for record in read_shortcuts(log_dir, on_damage="raise", **more)]


def damage(log_dir: Path, step: int) -> None:
    """Writes a record with a flipped bit in its patches and a valid checksum of the frame."""
    blobs = encode_shortcuts(make_shortcuts(step))
    broken = bytearray(blobs[1])
    broken[len(broken) // 2] ^= 1
    sink = EventSink(log_dir / RUN)
    sink.write(shortcuts_tag("layer3"), [blobs[0], bytes(broken)], step)
    sink.close()


class TestReading:
    def test_records_come_in_order_with_their_run(self, log: Path) -> None:
        write_shortcuts(log, run="a")
        found = [(record.run, record.layer, record.step) for record in read_shortcuts(log)]
        assert found == [
            (f"{run}/atlas", "layer3", step) for run in ["a", "exp"] for step in STEPS[1:]
        ]
        assert next(read_shortcuts(log)).found == make_shortcuts(50).found

    def test_only_the_run_and_layer_that_are_requested(self, log: Path) -> None:
        assert steps_of(log, run="exp") == steps_of(log, layer="layer3") == [50, 100, 200]
        assert steps_of(log, run="other") == steps_of(log, layer="layer4") == []

    def test_a_step_that_was_logged_twice_counts_once(self, log: Path) -> None:
        sink = EventSink(log / RUN)
        again = make_shortcuts(100, found=1)
        sink.write(shortcuts_tag("layer3"), encode_shortcuts(again), 100)
        sink.close()
        assert [len(record.found) for record in read_shortcuts(log)] == [3, 1, 3]

    def test_what_a_purge_made_void_is_gone(self, log: Path) -> None:
        purge_steps(str(log / RUN), 100, 5.0)
        assert steps_of(log) == [50]
        known = find_last_shortcuts(str(log / RUN), "layer3")
        assert known is not None
        assert (known.step, known.found) == (50, make_shortcuts(50).found)
        assert [atlas.step for atlas in read_atlases(log, layer="layer3")] == [0, 50]

    def test_damage_costs_its_own_step(self, log: Path) -> None:
        damage(log, 300)
        with pytest.warns(UserWarning, match=r"layer 'layer3', step 300: blob 1 \(patches\)"):
            assert [record.step for record in read_shortcuts(log)] == [50, 100, 200]
        with pytest.raises(DamageError, match="step 300"):
            steps_of(log)
        assert len(list(read_shortcuts(log, on_damage="skip"))) == 3
        known = find_last_shortcuts(str(log / RUN), "layer3")
        assert known is not None
        assert known.step == 200

    def test_wrong_arguments_are_refused(self, log: Path) -> None:
        with pytest.raises(ArgumentError, match="on_damage='no'"):
            read_shortcuts(log, on_damage="no")  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="nowhere"):
            read_shortcuts(log / "nowhere")

    def test_a_log_without_any_has_none(self, tmp_path: Path) -> None:
        assert list(read_shortcuts(tmp_path)) == []
        assert find_last_shortcuts(None, "layer3") is None
        assert find_last_shortcuts(str(tmp_path / "nowhere"), "layer3") is None

    def test_it_needs_numpy_alone(self, log: Path) -> None:
        code = (
            "import sys\nfrom tensorboard_plugin_atlas import read_shortcuts\n"
            f"print(len(list(read_shortcuts({str(log)!r}))), 'torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.split() == ["3", "False"]


class TestTools:
    def test_the_list_of_atlases_holds_atlases_alone(self, log: Path) -> None:
        entries = list_atlases(log)
        assert len(entries) == 2 * len(STEPS)
        assert {entry.status for entry in entries} == {"ok"}
        assert cli.main(["inspect", str(log)]) == 0

    def test_damage_is_listed_and_reported_by_the_doctor(self, log: Path) -> None:
        assert {finding.mark for finding in examine(log)} == {OK}
        damage(log, 300)
        (entry,) = [entry for entry in list_atlases(log) if entry.status != "ok"]
        assert (entry.layer, entry.step, entry.revision) == ("layer3", 300, "shortcuts")
        (finding,) = [finding for finding in examine(log) if finding.mark == PROBLEM]
        assert "layer layer3, step 300: blob 1 (patches)" in finding.text
        assert finding.text.endswith("the tab shows no shortcuts there")
        assert cli.main(["inspect", str(log)]) == 1

    def test_damage_that_a_purge_made_void_is_not_reported(self, log: Path) -> None:
        damage(log, 300)
        purge_steps(str(log / RUN), 300, 5.0)
        assert {entry.status for entry in list_atlases(log)} == {"ok"}

    def test_a_record_under_the_tag_of_an_atlas_is_damage_of_that_atlas(self, log: Path) -> None:
        sink = EventSink(log / RUN)
        sink.write(layer_tag("layer3"), encode_shortcuts(make_shortcuts(300)), 300)
        sink.close()
        (entry,) = [entry for entry in list_atlases(log) if entry.status != "ok"]
        assert "its kind is shortcuts" in str(entry.reason)

    def test_a_repaired_log_has_them(self, log: Path, tmp_path: Path) -> None:
        repair(log / "exp", tmp_path / "mended", progress=False)
        assert steps_of(tmp_path / "mended") == [50, 100, 200]

    def test_a_run_laid_out_backwards_has_them_too(self, log: Path) -> None:
        relayout(log, progress=False)
        again = list(read_shortcuts(log, run=f"{RUN}/backwards"))
        assert [record.step for record in again] == [50, 100, 200]
        assert [record.found for record in again] == [make_shortcuts(s).found for s in STEPS[1:]]
        relayout(log, progress=False)
        assert steps_of(log, run=f"{RUN}/backwards") == [50, 100, 200]
