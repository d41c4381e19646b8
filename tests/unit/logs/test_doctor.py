# SPDX-License-Identifier: Apache-2.0
"""Reports of `doctor` about damaged logs."""

from __future__ import annotations

import os
import shlex
import shutil
import tracemalloc
from importlib.metadata import EntryPoint, PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_damage import rewrite_manifest
from event_file_damage import find_record_offsets, flip_bit, iterate_damage, make_header, splice
from synthetic_atlases import make_atlas, make_probe_pictures, write_log
from torch.utils.tensorboard import SummaryWriter

from tensorboard_plugin_atlas import cli
from tensorboard_plugin_atlas.atlas import Quality, Samples
from tensorboard_plugin_atlas.log_names import PROBE_TAG, Revision, layer_tag
from tensorboard_plugin_atlas.logs import doctor
from tensorboard_plugin_atlas.logs import integrity as checkup
from tensorboard_plugin_atlas.logs.doctor import NOTE, OK, PROBLEM, Finding, examine
from tensorboard_plugin_atlas.logs.event_file import EventSink, frame
from tensorboard_plugin_atlas.logs.integrity import check_file
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The only event file of an intact log of four steps."""
    write_log(tmp_path, runs=("exp",), layers=("a",), steps=(0, 10, 20, 30))
    (path,) = (tmp_path / "exp" / "atlas").iterdir()
    return path


def write(directory: Path, steps: tuple[int, ...], samples: int = 20, probe: bool = True) -> None:
    sink = EventSink(directory)
    if probe:
        sink.write(PROBE_TAG, encode_probe(make_probe_pictures(samples)), 0)
    for number, step in enumerate(steps, start=1):
        atlas = make_atlas(step, layer="a", samples=samples, grids=(2,), tile=4, sequence=number)
        sink.write(layer_tag("a"), encode_atlas(atlas), step)
    sink.close()


def find_marked(log_dir: Path, mark: str) -> list[Finding]:
    return [finding for finding in examine(log_dir) if finding.mark == mark]


def only(log_dir: Path, mark: str = PROBLEM) -> Finding:
    (finding,) = find_marked(log_dir, mark)
    return finding


def test_a_sound_log_is_ok(log: Path, tmp_path: Path) -> None:
    assert {finding.mark for finding in examine(tmp_path)} == {OK}
    assert examine(tmp_path)[-1].text == "4 intact atlases of 1 layers in 1 runs, 1 event files"


def test_a_folder_whose_name_is_no_text(log: Path, tmp_path: Path, capsysbinary: Any) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    log.parent.parent.rename(folder)
    finding = only(tmp_path)
    assert finding.text.startswith("run caf\\udce9/atlas: the name of its folder is not UTF-8")
    assert "shows no run;" in finding.text
    assert finding.advice == "rename the folder to a name in UTF-8"
    assert cli.main(["doctor", str(tmp_path)]) == 1
    assert b"run caf\\udce9/atlas" in capsysbinary.readouterr().out
    folder.rename(tmp_path / "caf\u00e9")
    assert find_marked(tmp_path, PROBLEM) == []


class TestEmpty:
    def test_no_directory(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert only(tmp_path / "x").text.endswith("x does not exist")
        assert only(tmp_path / "file").text.endswith("file is a file")

    def test_no_event_files(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert "nothing was logged there" in only(tmp_path / "empty").text

    def test_the_wrong_directory(self, tmp_path: Path) -> None:
        write(tmp_path / "runs" / "exp" / "atlas", (0,))
        (tmp_path / "runs" / "other run").mkdir()
        finding = only(tmp_path / "runs" / "other run")
        assert "but some under" in finding.text
        assert finding.advice == f"tensorboard-atlas doctor {shlex.quote(str(tmp_path / 'runs'))}"

    def test_scalars_but_no_atlas(self, tmp_path: Path) -> None:
        with SummaryWriter(str(tmp_path / "exp")) as logs:
            logs.add_scalar("loss", 1.0, 0)
        finding = only(tmp_path)
        assert "1 event files" in finding.text
        assert "(runs: exp), but no atlases" in finding.text
        assert "strict=True" in str(finding.advice)

    def test_a_run_without_pictures_of_its_probe(self, tmp_path: Path) -> None:
        write(tmp_path, (0,), probe=False)
        assert "no probe images" in only(tmp_path, NOTE).text

    def test_an_empty_probe(self, tmp_path: Path) -> None:
        atlas = make_atlas(0, layer="a", grids=(2,))
        samples = {
            name: None if value is None else value[:0]
            for name, value in vars(atlas.samples).items()
            if name != "activations"
        }
        nothing = store_activations(np.zeros((0, 4), np.float32))
        sink = EventSink(tmp_path)
        sink.write(
            layer_tag("a"),
            encode_atlas(
                atlas.replace(
                    grids=(),
                    samples=Samples(**samples, activations=nothing),
                    quality=Quality(trustworthiness=None, knn_kept=None),
                )
            ),
            0,
        )
        sink.close()
        assert "its probe is empty" in only(tmp_path).text


EXPECTED = {
    "a flipped bit of data": ("data", "damaged data (layer/a at step 10). The Python loader stops"),
    "a flipped bit of a length": (
        "framing",
        "bytes without a valid record. Both loaders stop there",
    ),
    "missing bytes": ("framing", "bytes without a valid record. Both loaders stop there"),
    "random bytes in a record": (
        "framing",
        "bytes without a valid record. Both loaders stop there",
    ),
    "zeros between records": ("framing", "5,000 bytes without a valid record. Both"),
    "a record that is not an event": (
        "content",
        "a record that is not an event. The Python loader fails",
    ),
    "a huge length": ("huge", "length of 4 EiB. TensorBoard's data server exits at startup"),
    "a huge length at the end": ("huge", "length of 1 TiB. TensorBoard's data server exits"),
    "a truncated end": ("tail", "the last record is incomplete"),
}


def test_every_damage_is_named_with_its_place_and_its_price(log: Path, tmp_path: Path) -> None:
    seen, middle, size = [], find_record_offsets(log)[3], log.stat().st_size
    for name in iterate_damage(log):
        seen.append(name)
        kind, text = EXPECTED[name]
        (fault,) = check_file("exp", log).faults
        assert fault.kind == kind, name
        finding = only(tmp_path, NOTE if kind == "tail" else PROBLEM)
        assert text in finding.text, name
        if name.endswith("end"):
            continue
        assert f"exp/atlas/{log.name}, byte {middle:,}: " in finding.text
        behind = 3 if name in ("zeros between records", "a huge length") else 2
        behind = 3 if kind == "content" else behind
        assert fault.records_after == behind, name
        assert f"the {behind} records after it" in finding.text
        wanted = f"tensorboard-atlas repair {tmp_path} --output {tmp_path}-repaired"
        assert finding.advice == wanted
    assert seen == list(EXPECTED)
    assert log.stat().st_size == size


def test_what_is_advised_for_a_damaged_log_works_where_it_is_typed(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "my runs"
    damaged = home / log.relative_to(tmp_path)
    damaged.parent.mkdir(parents=True)
    log.rename(damaged)
    flip_bit(damaged, find_record_offsets(damaged)[3] + 400)
    for here, typed in ((home, "."), (home / "exp", ".."), (tmp_path, "my runs")):
        monkeypatch.chdir(here)
        advice = only(Path(typed)).advice
        assert advice is not None
        _, command, source, option, output = shlex.split(advice)
        assert (command, source, option) == ("repair", typed, "--output")
        assert Path(output).resolve() == tmp_path / "my runs-repaired"
        assert cli.main(shlex.split(advice)[1:]) == 0
        shutil.rmtree(output)
    assert advice.endswith(" --output 'my runs-repaired'")


def test_a_length_that_only_hides_the_run(log: Path, tmp_path: Path) -> None:
    splice(log, log.stat().st_size, make_header(1 << 32))
    assert "length of 4 GiB. The data server shows nothing of this run" in only(tmp_path).text


def test_several_damages_are_distinguished(log: Path, tmp_path: Path) -> None:
    places = find_record_offsets(log)
    flip_bit(log, places[1] + 400)
    flip_bit(log, places[5] + 400)
    faults = check_file("exp", log).faults
    assert [(f.offset, f.records_after) for f in faults] == [(places[1], 3), (places[5], 0)]


def test_a_ruin_does_not_print_for_pages(tmp_path: Path) -> None:
    write(tmp_path, tuple(range(60)))
    (path,) = tmp_path.iterdir()
    for at in find_record_offsets(path)[2:]:
        flip_bit(path, at + 200)
    found = find_marked(tmp_path, PROBLEM)
    assert len(found) == doctor._SHOWN
    assert "… and 40 more of this kind" in {finding.text for finding in examine(tmp_path)}


def test_damage_under_a_right_checksum_is_found(tmp_path: Path) -> None:
    blobs = encode_atlas(make_atlas(0, layer="a", samples=20, grids=(2,), tile=4))
    sink = EventSink(tmp_path)
    sink.write(layer_tag("a"), [blobs[0], blobs[1][:-1] + b"\xff", *blobs[2:]], 0)
    newer = rewrite_manifest(blobs, lambda document: document.update(version=99))
    sink.write(layer_tag("a"), newer, 1)
    sink.close()
    damaged, too_new = find_marked(tmp_path, PROBLEM)
    assert "layer a, step 0: blob 1 (map): checksum" in damaged.text
    assert "step 1: written with wire version 99" in too_new.text
    assert too_new.advice == "pip install -U tensorboard_plugin_atlas"


def test_two_writers_in_one_folder(tmp_path: Path) -> None:
    """The user's writer continues in a folder that contains a newer file of this package."""
    with SummaryWriter(str(tmp_path)) as logs:
        logs.add_scalar("loss", 1.0, 0, walltime=1000.0)
        logs.flush()
        write(tmp_path, (0,))
        (own,) = tmp_path.glob("*.atlas")
        own.rename(tmp_path / "events.out.tfevents.9999999999.atlas")
        assert find_marked(tmp_path, PROBLEM) == []
        logs.add_scalar("loss", 1.0, 1, walltime=4e9)
    finding = only(tmp_path)
    assert "The Python loader does not show the later records" in finding.text
    assert str(finding.advice).endswith("--reload_multifile=true")


def test_a_run_that_was_resumed_is_no_problem(tmp_path: Path) -> None:
    write(tmp_path, (0, 10, 20))
    write(tmp_path, (30,))
    purge_steps(str(tmp_path), 15, 0.0)
    write(tmp_path, (16,))
    assert find_marked(tmp_path, PROBLEM) == []


@pytest.mark.parametrize("again", [10, 20])
def test_steps_that_fall_or_repeat(again: int, tmp_path: Path) -> None:
    write(tmp_path, (0, 10, 20))
    write(tmp_path, (again,))
    finding = only(tmp_path)
    assert f"layer a: step {again} was logged after 20" in finding.text
    assert "purge_step" in str(finding.advice)


def test_more_steps_than_tensorboard_keeps(tmp_path: Path) -> None:
    write(tmp_path, tuple(range(202)))
    finding = only(tmp_path, NOTE)
    assert "202 steps were logged, and TensorBoard keeps about 200" in finding.text
    assert finding.advice == f"tensorboard --logdir {tmp_path} --atlas_samples=202"


def test_preliminary_and_stale_refined_atlases_are_reported(tmp_path: Path) -> None:
    write(tmp_path / "exp" / "atlas", (0, 10))
    for folder, revision in (("", Revision.PRELIMINARY), ("refined/0001", Revision.REFINED)):
        sink = EventSink(tmp_path / "exp" / "atlas" / folder)
        atlas = make_atlas(20, layer="a", samples=20, grids=(2,), tile=4)
        sink.write(layer_tag("a", revision), encode_atlas(atlas), 20)
        sink.close()
    assert find_marked(tmp_path, PROBLEM) == []
    preliminary, stale = find_marked(tmp_path, NOTE)
    assert preliminary.text.startswith(
        "run exp/atlas, layer a, step 20: the atlas shows real patches"
    )
    assert "to an atlas that no longer exists" in stale.text
    assert str(stale.advice).endswith("exp/atlas/refined")
    assert examine(tmp_path)[-1].text.startswith("3 intact atlases of 1 layers in 1 runs")


def test_a_file_that_cannot_be_read(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: Any) -> None:
        raise PermissionError(13, "Permission deny")

    monkeypatch.setattr(doctor, "check_file", deny)
    assert "cannot be read: Permission deny" in only(tmp_path).text


class TestInstallation:
    def versions(self, monkeypatch: pytest.MonkeyPatch, **found: str | None) -> None:
        def version(name: str) -> str:
            version = found.get(name.replace("-", "_"), "2.21.0")
            if version is None:
                raise PackageNotFoundError(name)
            return version

        monkeypatch.setattr(doctor, "version", version)

    def points(self, monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
        points = [EntryPoint("atlas", value, "tensorboard_plugins") for value in values]
        monkeypatch.setattr(doctor, "entry_points", lambda group: points)

    def test_no_tensorboard(self, log: Path, tmp_path: Path, monkeypatch: Any) -> None:
        self.versions(monkeypatch, tensorboard=None)
        assert only(tmp_path) == Finding(
            PROBLEM, "TensorBoard is not installed here", "pip install 'tensorboard>=2.21'"
        )

    @pytest.mark.parametrize("old", ["2.20.1", "1.15.0", "2.9"])
    def test_an_old_tensorboard(
        self, old: str, log: Path, tmp_path: Path, monkeypatch: Any
    ) -> None:
        self.versions(monkeypatch, tensorboard=old)
        assert only(tmp_path).text == f"TensorBoard {old} is too old for the Atlas tab"

    def test_no_entry_point(self, log: Path, tmp_path: Path, monkeypatch: Any) -> None:
        self.points(monkeypatch)
        assert "its entry point is not installed" in only(tmp_path).text

    def test_an_entry_point_that_is_shadowed(
        self, log: Path, tmp_path: Path, monkeypatch: Any
    ) -> None:
        self.points(monkeypatch, doctor._LOADER, "mapmaker.plugin:Loader")
        finding = only(tmp_path)
        assert "another package (mapmaker) also has a plugin 'atlas'" in finding.text
        assert finding.advice == "pip uninstall mapmaker"

    def test_no_data_server(self, log: Path, tmp_path: Path, monkeypatch: Any) -> None:
        self.versions(monkeypatch, tensorboard_data_server=None)
        assert "data server is not installed" in only(tmp_path, NOTE).text


class TestCommand:
    def test_a_sound_log_is_0(self, log: Path, tmp_path: Path, capsys: Any) -> None:
        assert cli.main(["doctor", str(tmp_path)]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "0 problems"

    def test_a_problem_is_1_and_says_what_to_type(
        self, log: Path, tmp_path: Path, capsys: Any
    ) -> None:
        flip_bit(log, find_record_offsets(log)[2] + 400)
        assert cli.main(["doctor", str(tmp_path)]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[1].startswith("problem  exp/atlas/events.out.tfevents.")
        assert lines[2].startswith("         → tensorboard-atlas repair ")
        assert lines[-1] == "1 problem"

    def test_names_from_a_log_cannot_steer_the_terminal(self, tmp_path: Path, capsys: Any) -> None:
        sink = EventSink(tmp_path)
        for step in (1, 0):
            atlas = make_atlas(step, layer="\x1b[2J", samples=20, grids=(2,), tile=4)
            sink.write(layer_tag("\x1b[2J"), encode_atlas(atlas), step)
        sink.close()
        assert cli.main(["doctor", str(tmp_path)]) == 1
        assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("size", [0, 7, 20])
def test_a_file_without_any_whole_record(size: int, log: Path, tmp_path: Path) -> None:
    (log.parent / "events.out.tfevents.0.a.atlas").write_bytes(log.read_bytes()[:size])
    assert find_marked(tmp_path, PROBLEM) == []
    notes = [finding.text for finding in find_marked(tmp_path, NOTE)]
    assert ["incomplete" in text for text in notes] == [True] * (size > 0)


def test_a_record_of_nothing_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(frame(b"") * 3)
    assert check_file("", path).faults == ()


def test_memory_does_not_grow_with_the_records(tmp_path: Path) -> None:
    """Scalars of a long run: at 200 bytes each, ten million of them would need gigabytes."""
    peaks = []
    for count in (500, 4000):
        sink = EventSink(tmp_path / str(count))
        for step in range(count):
            sink.write_scalars({"loss": 1.0}, step)
        sink.close()
        (path,) = (tmp_path / str(count)).iterdir()
        tracemalloc.start()
        assert check_file(".", path).sound == count + 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 3500 * 40


def test_faults_without_end_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = EventSink(tmp_path)
    for step in range(12):
        sink.write_scalars({"loss": 1.0}, step)
    sink.close()
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    for offset in find_record_offsets(path)[1:11]:
        data[offset + 14] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(checkup, "MAX_FAULTS", 4)
    found = check_file(".", path)
    assert (found.sound, len(found.faults), found.other_faults) == (3, 4, 6)
    assert [fault.records_after for fault in found.faults] == [2] * 4
    assert any("6 more damaged sections after these" in f.text for f in examine(tmp_path))
