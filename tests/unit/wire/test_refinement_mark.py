# SPDX-License-Identifier: Apache-2.0
"""Preliminary, logged and refined atlases: which is read and served, under both loaders."""

from __future__ import annotations

import dataclasses
import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_atlases import make_atlas, make_probe_pictures
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES, Atlas
from tensorboard_plugin_atlas.log_names import PROBE_TAG, Revision, layer_tag, refined_run
from tensorboard_plugin_atlas.logs.event_file import EventSink, scan_records
from tensorboard_plugin_atlas.logs.reader import list_atlases, read_atlases
from tensorboard_plugin_atlas.logs.resume import find_last_atlases, purge_steps
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.refinement_mark import REFINES, read_refined_mark

RUN = "exp/atlas"
LAYER = "features.3"


def atlas_with(kind: str, step: int, refines: str | None = None) -> Atlas:
    """A small atlas whose icons are all of one kind."""
    atlas = make_atlas(step, layer=LAYER, samples=40, grids=(3,), tile=8)
    code = ICON_KIND_CODES.index(kind)
    grids = [
        dataclasses.replace(grid, kind_codes=np.full_like(grid.kind_codes, code))
        for grid in atlas.grids
    ]
    info = atlas.provenance.layer_info | ({} if refines is None else {REFINES: refines})
    provenance = dataclasses.replace(atlas.provenance, layer_info=info)
    return atlas.replace(grids=tuple(grids), provenance=provenance)


def write(log_dir: Path, run: str, revision: Revision, *atlases: Atlas) -> list[str]:
    """Logs atlases of one revision to a file of their own; returns their manifests' checksums."""
    sink, marks = EventSink(log_dir / run), []
    for atlas in atlases:
        blobs = encode_atlas(atlas)
        sink.write(layer_tag(LAYER, revision), blobs, atlas.step)
        marks.append(blobs[0][:8].decode())
    sink.close()
    return marks


def refine(log_dir: Path, number: int, step: int, mark: str, kind: str = "poster") -> None:
    write(log_dir, refined_run(RUN, number), Revision.REFINED, atlas_with(kind, step, mark))


def kinds(log_dir: Path) -> dict[int, str]:
    """The kind of icon at each step, as `read_atlases` gives it."""
    found = list(read_atlases(log_dir, run="exp", on_damage="raise"))
    assert {(a.run, a.layer) for a in found} <= {(RUN, LAYER)}
    return {a.step: str(a.grids[0].icon_kind[0]) for a in found}


@pytest.fixture
def marks(tmp_path: Path) -> list[str]:
    """A run of three finished atlases; the checksum of each manifest."""
    EventSink(tmp_path / RUN).close()
    atlases = [atlas_with("inversion", step) for step in (0, 10, 20)]
    marks = write(tmp_path, RUN, Revision.LOGGED, *atlases)
    probe = EventSink(tmp_path / RUN)
    probe.write(PROBE_TAG, encode_probe(make_probe_pictures(20)), 0)
    probe.close()
    return marks


class TestReading:
    def test_a_refined_atlas_stands_in_place_of_its_original(
        self, tmp_path: Path, marks: list[str]
    ) -> None:
        refine(tmp_path, 1, 10, marks[1])
        assert kinds(tmp_path) == {0: "inversion", 10: "poster", 20: "inversion"}
        listed = [(e.run, e.step, e.status, e.revision) for e in list_atlases(tmp_path)]
        assert listed == [
            (RUN, 0, "ok", "logged"),
            (RUN, 10, "ok", "refined"),
            (RUN, 20, "ok", "logged"),
        ]

    def test_steps_are_refined_in_any_order_and_the_latest_counts(
        self, tmp_path: Path, marks: list[str]
    ) -> None:
        refine(tmp_path, 1, 20, marks[2])
        refine(tmp_path, 2, 0, marks[0])
        refine(tmp_path, 3, 20, marks[2], "preview")
        assert kinds(tmp_path) == {0: "poster", 10: "inversion", 20: "preview"}

    def test_numbers_are_compared_as_numbers(self, tmp_path: Path, marks: list[str]) -> None:
        refine(tmp_path, 10_000, 0, marks[0], "poster")
        refine(tmp_path, 9_999, 0, marks[0], "preview")
        assert kinds(tmp_path)[0] == "poster"

    def test_one_of_another_record_is_stale(self, tmp_path: Path, marks: list[str]) -> None:
        refine(tmp_path, 1, 10, marks[0])
        refine(tmp_path, 2, 99, marks[0])
        refine(tmp_path, 3, 20, marks[2])
        write(tmp_path, refined_run(RUN, 4), Revision.REFINED, atlas_with("poster", 0))
        assert kinds(tmp_path) == {0: "inversion", 10: "inversion", 20: "poster"}
        stale = [e.step for e in list_atlases(tmp_path) if e.revision == "stale"]
        assert stale == [0, 10, 99]

    def test_an_atlas_that_was_logged_again_is_shown(
        self, tmp_path: Path, marks: list[str]
    ) -> None:
        refine(tmp_path, 1, 20, marks[2])
        again = atlas_with("inversion", 20).replace(sequence=7)
        time.sleep(1.1)  # files of one second are ordered by number, of two by time
        write(tmp_path, RUN, Revision.LOGGED, again)
        assert kinds(tmp_path)[20] == "inversion"

    def test_a_preliminary_atlas_counts_until_the_atlas_is_there(self, tmp_path: Path) -> None:
        early = [atlas_with("examples", step) for step in (0, 10)]
        write(tmp_path, RUN, Revision.PRELIMINARY, *early)
        assert kinds(tmp_path) == {0: "examples", 10: "examples"}
        assert [e.revision for e in list_atlases(tmp_path)] == ["preliminary", "preliminary"]
        write(tmp_path, RUN, Revision.LOGGED, atlas_with("inversion", 0))
        assert kinds(tmp_path) == {0: "inversion", 10: "examples"}
        assert [e.revision for e in list_atlases(tmp_path)] == ["logged", "preliminary"]

    def test_a_preliminary_atlas_can_be_refined(self, tmp_path: Path) -> None:
        (mark,) = write(tmp_path, RUN, Revision.PRELIMINARY, atlas_with("examples", 10))
        refine(tmp_path, 1, 10, mark)
        assert kinds(tmp_path) == {10: "poster"}
        write(tmp_path, RUN, Revision.LOGGED, atlas_with("inversion", 10))
        assert kinds(tmp_path) == {10: "inversion"}

    def test_what_a_restart_makes_void_stays_so(self, tmp_path: Path, marks: list[str]) -> None:
        write(tmp_path, RUN, Revision.PRELIMINARY, atlas_with("examples", 30))
        refine(tmp_path, 1, 20, marks[2])
        time.sleep(1.1)
        purge_steps(str(tmp_path / RUN), 20, 1e9)
        assert kinds(tmp_path) == {0: "inversion", 10: "inversion"}

    def test_a_damaged_refinement_leaves_the_original(
        self, tmp_path: Path, marks: list[str]
    ) -> None:
        refine(tmp_path, 1, 10, marks[1])
        (path,) = (tmp_path / refined_run(RUN, 1)).iterdir()
        data = bytearray(path.read_bytes())
        data[list(scan_records(path))[1].offset + 900] ^= 1
        path.write_bytes(data)
        found = list(read_atlases(tmp_path, on_damage="skip"))
        assert [str(a.grids[0].icon_kind[0]) for a in found] == ["inversion"] * 3
        damaged = [e for e in list_atlases(tmp_path) if e.status == "damaged"]
        assert [(e.run, e.step, e.revision) for e in damaged] == [(RUN, 10, "refined")]

    def test_the_folder_of_the_atlases_itself(self, tmp_path: Path, marks: list[str]) -> None:
        refine(tmp_path, 1, 10, marks[1])
        found = {a.step: a for a in read_atlases(tmp_path / RUN)}
        assert {a.run for a in found.values()} == {"."}
        assert found[10].grids[0].icon_kind[0] == "poster"

    def test_a_writer_goes_on_from_finished_atlases_only(
        self, tmp_path: Path, marks: list[str]
    ) -> None:
        write(tmp_path, RUN, Revision.PRELIMINARY, atlas_with("examples", 30))
        earlier = find_last_atlases(str(tmp_path / RUN), [LAYER])
        assert (earlier.last_step, earlier.atlases[LAYER].step) == (20, 20)

    def test_a_mark_that_is_no_text_is_none(self) -> None:
        assert read_refined_mark({REFINES: ["0a1b2c3d"]}) is None


Index = dict[str, Any]


def index_of(url: str) -> Index:
    status, _, body = get(url + "data/plugin/atlas/index")
    return json.loads(body) if status == 200 else {"runs": []}


def read_served(url: str, series: str, step: int) -> tuple[dict[str, Any], bytes]:
    """Manifest of an atlas and the bytes of its first sheet."""
    body = get(f"{url}data/plugin/atlas/atlas?id={series}&step={step}")[2]
    (length,) = struct.unpack_from("<I", body)
    manifest = json.loads(body[4 : 4 + length])
    crc = manifest["blobs"][2]["crc32c"]
    sheet = get(f"{url}data/plugin/atlas/sheet?id={series}&step={step}&blob=3&v={crc}")
    assert sheet[0] == 200
    return manifest, sheet[2]


def wait(url: str, wanted: list[int], versions: int = 0) -> dict[str, Any]:
    """Waits until the one series has these steps and this many other versions than before."""
    deadline = time.monotonic() + 120
    while True:
        runs = index_of(url)["runs"]
        if [run["run"] for run in runs] == [RUN] and runs[0]["series"]:
            (series,) = runs[0]["series"]
            if series["steps"] == wanted and len(set(series["versions"])) >= versions:
                return dict(series)
        assert time.monotonic() < deadline, runs
        time.sleep(0.1)


@pytest.fixture(params=[True, False], ids=["data-server", "python-loader"])
def url(request: pytest.FixtureRequest, tmp_path: Path, marks: list[str]) -> Iterator[str]:
    with start_tensorboard(tmp_path, request.param) as url:
        yield url


def test_revisions_replace_each_other_while_tensorboard_runs(
    url: str, tmp_path: Path, marks: list[str]
) -> None:
    before = wait(url, [0, 10, 20])
    id_ = before["id"]
    manifest, _ = read_served(url, id_, 10)
    old_crc = manifest["blobs"][2]["crc32c"]
    # An atlas with other pictures, so that its sheet differs.
    finer = make_atlas(10, layer=LAYER, samples=40, grids=(3,), tile=16)
    info = {**finer.provenance.layer_info, REFINES: marks[1]}
    finer = finer.replace(provenance=dataclasses.replace(finer.provenance, layer_info=info))
    write(tmp_path, refined_run(RUN, 1), Revision.REFINED, finer)
    write(tmp_path, refined_run(RUN, 2), Revision.REFINED, atlas_with("poster", 0, marks[2]))
    after = before
    while after["versions"][1] == before["versions"][1]:
        after = wait(url, [0, 10, 20])
    assert after["wall_times"] == before["wall_times"]
    assert after["versions"][2] == before["versions"][2]
    manifest, sheet = read_served(url, id_, 10)
    assert (manifest["grids"][0]["tile"], manifest["provenance"]["layer_info"][REFINES]) == (
        16,
        marks[1],
    )
    # Clients that still show the old icons can fetch them.
    query = f"id={id_}&step=10&blob=3&v="
    status, _, old = get(f"{url}data/plugin/atlas/sheet?{query}{old_crc}")
    assert (status, old == sheet) == (200, False)
    assert get(f"{url}data/plugin/atlas/sheet?{query}00000000")[0] == 404
    # A refinement of something else is there, and does not count.
    assert read_served(url, id_, 0)[0]["grids"][0]["tile"] == 8
    history = json.loads(get(f"{url}data/plugin/atlas/history?id={id_}")[2])
    assert [one["revision"] for one in history["steps"]] == ["logged", "refined", "logged"]


@pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
def test_a_preliminary_atlas_is_shown_until_its_atlas_is_logged(fast: bool, tmp_path: Path) -> None:
    sink = EventSink(tmp_path / RUN)
    sink.write(layer_tag(LAYER, Revision.PRELIMINARY), encode_atlas(atlas_with("examples", 5)), 5)
    sink.flush()
    with start_tensorboard(tmp_path, fast) as url:
        series = wait(url, [5])
        early, _ = read_served(url, series["id"], 5)
        finished = make_atlas(5, layer=LAYER, samples=40, grids=(3,), tile=16)
        sink.write(layer_tag(LAYER), encode_atlas(finished), 5)
        # A preliminary atlas of the next step is in the same file, with rising steps in its tag.
        sink.write(
            layer_tag(LAYER, Revision.PRELIMINARY), encode_atlas(atlas_with("examples", 6)), 6
        )
        sink.close()
        series = wait(url, [5, 6])
        assert [v.partition("-")[0] for v in series["versions"]] == [
            "logged",
            Revision.PRELIMINARY.label,
        ]
        assert early["grids"][0]["tile"] == 8
        assert read_served(url, series["id"], 5)[0]["grids"][0]["tile"] == 16
        assert read_served(url, series["id"], 6)[0]["grids"][0]["tile"] == 8
