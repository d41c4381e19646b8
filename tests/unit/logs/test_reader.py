# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from atlas_strategies import find_difference
from synthetic_atlases import make_atlas, make_probe_pictures, write_log

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.log_names import PROBE_TAG, Revision, layer_tag, relayout_run
from tensorboard_plugin_atlas.logs.event_file import EventSink, read_events, scan_records
from tensorboard_plugin_atlas.logs.probe_reader import read_probe
from tensorboard_plugin_atlas.logs.reader import (
    list_atlases,
    list_records,
    read_atlases,
)
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.manifest import checksum

STEPS = (0, 10, 20)


def event_file(directory: Path) -> Path:
    return next(directory.glob("*tfevents*"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log_dir = tmp_path_factory.mktemp("written")
    write_log(log_dir, runs=("b", "a/deep"), layers=("layer2", "layer1"), steps=STEPS)
    return log_dir


@pytest.fixture
def log_dir(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "log"))


def damage(path: Path, record: int, at: int = 2000) -> None:
    """Flips a bit of a record; 0 is the version event, 1 the probe, then layer2, layer1, ..."""
    data = bytearray(path.read_bytes())
    data[list(scan_records(path))[record].offset + at] ^= 16
    path.write_bytes(data)


def test_every_atlas_comes_back_in_order(log_dir: Path) -> None:
    found = list(read_atlases(log_dir))
    assert [(a.run, a.layer, a.step) for a in found] == [
        (run, layer, step)
        for run in ("a/deep/atlas", "b/atlas")
        for layer in ("layer1", "layer2")
        for step in STEPS
    ]
    wanted = make_atlas(10, layer="layer1", sequence=2).replace(run="b/atlas")
    assert find_difference(wanted, found[7]) is None
    assert found[7].grids[0].icons.shape[1:] == (32, 32, 3)


def test_one_run_and_one_layer(log_dir: Path) -> None:
    for run in ("b", "b/atlas"):
        found = list(read_atlases(str(log_dir), run=run, layer="layer2"))
        assert [(a.run, a.layer, a.step) for a in found] == [
            ("b/atlas", "layer2", step) for step in STEPS
        ]
    assert list(read_atlases(log_dir, run="deep")) == []


def test_the_directory_of_the_run_itself_is_the_run_dot(log_dir: Path) -> None:
    assert {atlas.run for atlas in read_atlases(log_dir / "b" / "atlas")} == {"."}


def test_reading_is_lazy(log_dir: Path) -> None:
    found = read_atlases(log_dir)
    first = next(found)
    event_file(log_dir / "b" / "atlas").unlink()
    assert first.run == "a/deep/atlas"
    assert sum(1 for _ in zip(range(5), found, strict=False)) == 5
    with pytest.warns(
        UserWarning, match=r"skipped: run 'b/atlas', .*: .*tfevents.* cannot be read"
    ):
        assert list(found) == []


def test_the_last_of_a_repeated_step_counts(tmp_path: Path) -> None:
    for sequence in (1, 2):
        sink = EventSink(tmp_path)
        sink.write(layer_tag("a"), encode_atlas(make_atlas(5, layer="a", sequence=sequence)), 5)
        sink.close()
    assert [atlas.sequence for atlas in read_atlases(tmp_path)] == [2]
    assert [entry.sequence for entry in list_atlases(tmp_path)] == [2]


@pytest.mark.filterwarnings("error")
def test_a_damaged_record_costs_its_own_step(log_dir: Path) -> None:
    damage(event_file(log_dir / "b" / "atlas"), record=4)  # step 10 of layer2
    with pytest.warns(UserWarning, match=r"layer 'layer2', step 10: .*checksum") as caught:
        found = list(read_atlases(log_dir, run="b"))
    assert len(caught) == 1
    assert [(a.layer, a.step) for a in found] == [
        *[("layer1", step) for step in STEPS],
        *[("layer2", 0), ("layer2", 20)],
    ]
    assert len(list(read_atlases(log_dir, run="b", on_damage="skip"))) == 5
    with pytest.raises(DamageError, match="step 10"):
        list(read_atlases(log_dir, run="b", on_damage="raise"))


def test_damage_that_the_framing_cannot_see_is_found_by_the_manifest(tmp_path: Path) -> None:
    blobs = encode_atlas(make_atlas(5, layer="a"))
    sink = EventSink(tmp_path)
    sink.write(layer_tag("a"), [*blobs[:3], blobs[3][:-1], *blobs[4:]], 5)
    sink.close()
    with pytest.raises(DamageError, match=r"layer 'a', step 5: blob 3 \(sheet, grid 4\): .* says"):
        list(read_atlases(tmp_path, on_damage="raise"))


def test_a_newer_step_is_distinguished(tmp_path: Path) -> None:
    text = b'{"kind":"atlas","version":9}'
    sink = EventSink(tmp_path)
    sink.write(layer_tag("a"), [checksum(text).encode() + b"\n" + text], 1)
    sink.write(layer_tag("a"), encode_atlas(make_atlas(2, layer="a")), 2)
    sink.close()
    listed = list_atlases(tmp_path)
    assert [(e.step, e.status, e.samples) for e in listed] == [(1, "too_new", None), (2, "ok", 400)]
    assert "wire version 9" in (listed[0].reason or "")
    with pytest.warns(UserWarning, match="update tensorboard_plugin_atlas"):
        assert [atlas.step for atlas in read_atlases(tmp_path)] == [2]


def test_list_reports_sizes_and_damage(log_dir: Path) -> None:
    path = event_file(log_dir / "b" / "atlas")
    damage(path, record=4)
    damage(path, record=5, at=0)  # the header of step 10 of layer1: its tag and step are lost
    listed = [entry for entry in list_atlases(log_dir) if entry.run == "b/atlas"]
    assert [(e.layer, e.step, e.status) for e in listed] == [
        ("", 0, "damaged"),
        ("layer1", 0, "ok"),
        ("layer1", 20, "ok"),
        ("layer2", 0, "ok"),
        ("layer2", 10, "damaged"),
        ("layer2", 20, "ok"),
    ]
    blobs = encode_atlas(make_atlas(20, layer="layer1", sequence=3))
    assert (listed[2].bytes, listed[2].sequence, listed[2].samples) == (
        *(sum(map(len, blobs)), 3, 400),
    )
    assert listed[2].wall_time == make_atlas(20).wall_time
    assert all((entry.reason is None) == (entry.status == "ok") for entry in listed)


def test_a_truncated_tail_is_silence(log_dir: Path) -> None:
    path = event_file(log_dir / "b" / "atlas")
    path.write_bytes(path.read_bytes()[:-100])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(read_atlases(log_dir, run="b"))) == 5
    assert {entry.status for entry in list_atlases(log_dir)} == {"ok"}


def test_the_probe_comes_back(log_dir: Path) -> None:
    for run in ("b", "b/atlas"):
        assert find_difference(make_probe_pictures(), read_probe(log_dir, run)) is None


def test_a_run_without_a_probe_and_a_damaged_one(log_dir: Path) -> None:
    with pytest.raises(ArgumentError, match=r"read_probe\(run='c'\): .* no probe images"):
        read_probe(log_dir, "c")
    damage(event_file(log_dir / "b" / "atlas"), record=1)
    with pytest.raises(DamageError, match=r"probe of 'b': .*checksum"):
        read_probe(log_dir, "b")
    assert [e.status for e in list_atlases(log_dir) if not e.layer] == ["damaged"]


def test_a_forged_probe_is_listed_as_damage(tmp_path: Path) -> None:
    blobs = encode_probe(make_probe_pictures(5))
    sink = EventSink(tmp_path)
    sink.write(PROBE_TAG, blobs[:-1], 0)
    sink.close()
    assert [(e.layer, e.status) for e in list_atlases(tmp_path)] == [("", "damaged")]


def test_files_that_are_no_logs_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a log")
    (tmp_path / "a.tfevents").mkdir()
    assert list(read_atlases(tmp_path)) == []
    assert list_atlases(tmp_path) == ()


class TestOriginals:
    def test_sorted_and_read_one_by_one(self, log_dir: Path) -> None:
        found = list_records(log_dir, run="b")
        assert [(one.run, one.layer, one.step) for one in found] == [
            ("b/atlas", layer, step) for layer in ("layer1", "layer2") for step in STEPS
        ]
        atlas = found[4].read()
        assert (atlas.run, atlas.layer, atlas.step) == ("b/atlas", "layer2", 10)
        assert find_difference(atlas, found[4].read_latest()) is None

    def test_what_was_laid_out_again_counts_only_where_it_is_named(self, log_dir: Path) -> None:
        again = relayout_run("b/atlas")
        shutil.copytree(log_dir / "b/atlas", log_dir / again)
        assert {one.run for one in list_records(log_dir)} == {"a/deep/atlas", "b/atlas"}
        assert {one.run for one in list_records(log_dir, run="b")} == {"b/atlas"}
        assert {one.run for one in list_records(log_dir, run=again)} == {again}
        assert {one.run for one in read_atlases(log_dir)} == {"a/deep/atlas", "b/atlas"}
        assert {one.run for one in read_atlases(log_dir, run=again)} == {again}
        assert {entry.run for entry in list_atlases(log_dir)} == {"a/deep/atlas", "b/atlas", again}

    def test_damage_is_returned_on_request(self, log_dir: Path) -> None:
        damage(event_file(log_dir / "b/atlas"), 5)
        assert len(list_records(log_dir, run="b")) == 5
        (broken,) = (
            one for one in list_records(log_dir, run="b", include_damaged=True) if not one.checksum
        )
        assert (broken.layer, broken.step) == ("layer1", 10)
        with pytest.raises(DamageError, match=r"run 'b/atlas'.*checksum"):
            broken.read()

    def test_damage_that_was_made_good_is_none(self, log_dir: Path) -> None:
        damage(event_file(log_dir / "b/atlas"), 5)
        sink = EventSink(log_dir / "b/atlas")
        atlas = make_atlas(10, layer="layer1", sequence=2)
        sink.write(layer_tag("layer1"), encode_atlas(atlas), 10)
        sink.close()
        found = list_records(log_dir, run="b", include_damaged=True)
        assert [one.checksum for one in found if one.layer == "layer1" and not one.checksum] == []

    def test_finer_icons_are_shown_unless_damaged(self, log_dir: Path) -> None:
        (one,) = (o for o in list_records(log_dir, run="b") if (o.layer, o.step) == ("layer1", 20))
        atlas = one.read()
        info = {**atlas.provenance.layer_info, "refines": one.checksum}
        provenance = dataclasses.replace(atlas.provenance, layer_info=info, notes=("finer",))
        sink = EventSink(log_dir / "b/atlas/refined/0001")
        blobs = encode_atlas(atlas.replace(provenance=provenance))
        sink.write(layer_tag("layer1", Revision.REFINED), blobs, 20)
        sink.close()
        (one,) = (o for o in list_records(log_dir, run="b") if (o.layer, o.step) == ("layer1", 20))
        assert one.read_latest().provenance.notes == ("finer",)
        assert one.read().provenance.notes == atlas.provenance.notes
        event_file(log_dir / "b/atlas/refined/0001").unlink()
        assert one.read_latest().provenance.notes == atlas.provenance.notes


def test_links_in_a_circle_are_walked_once(log_dir: Path) -> None:
    (log_dir / "b" / "atlas" / "loop").symlink_to(log_dir, target_is_directory=True)
    assert len(list(read_atlases(log_dir))) == 12


def test_bad_arguments_are_rejected_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="is a file; pass the directory of the runs"):
        read_atlases(tmp_path / "file")
    with pytest.raises(ArgumentError, match="does not exist"):
        list_atlases(tmp_path / "none")
    with pytest.raises(ArgumentError, match=r"on_damage='no'.*'warn' or 'raise' or 'skip'"):
        read_atlases(tmp_path, on_damage="no")  # type: ignore[arg-type]


def test_reading_needs_neither_torch_nor_a_server(log_dir: Path) -> None:
    script = (
        "import sys\n"
        "from tensorboard_plugin_atlas import read_atlases\n"
        f"assert len(list(read_atlases({str(log_dir)!r}))) == 12\n"
        "heavy = {'torch', 'umap', 'numba', 'PIL', 'tensorboard.backend.application', 'grpc'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_events_are_those_of_the_sample_log(log_dir: Path) -> None:
    tags = [event.tag for event in read_events(log_dir / "b" / "atlas")]
    assert tags == ["probe", *["layer/layer2", "layer/layer1"] * 3]
