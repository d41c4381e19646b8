# SPDX-License-Identifier: Apache-2.0
"""The data provider over event files: which records count, and what damage does."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from event_file_damage import find_record_offsets, flip_bit
from exported_pages import STEPS, make_tiny_atlas, parse_page, write_small_log

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.export import html_export
from tensorboard_plugin_atlas.export.event_provider import EventProvider, LogContents, scan_log
from tensorboard_plugin_atlas.export.html_export import export_html
from tensorboard_plugin_atlas.log_names import CHILD_RUN, Revision, layer_tag, refined_run
from tensorboard_plugin_atlas.logs import reader
from tensorboard_plugin_atlas.logs.event_file import (
    EventSink,
    LoggedEvent,
    read_events,
)
from tensorboard_plugin_atlas.logs.log_files import list_event_files
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.refinement_mark import REFINES


def steps_of(log: LogContents, tag: str = "layer/layer3", run: str = "exp/atlas") -> list[int]:
    return [one.step for one in log.records[run, tag]]


def read_step(log: LogContents, run: str, tag: str, step: int) -> list[bytes]:
    """Returns the blobs of one record as the routes read them."""
    provider = EventProvider(log)
    (found,) = (one for one in provider.read_blob_sequences()[run][tag] if one.step == step)
    return [provider.read_blob(blob_key=value.blob_key) for value in found.values]


def test_it_finds_all_records(tmp_path: Path) -> None:
    write_small_log(tmp_path)
    log = scan_log(tmp_path)
    assert {tag for _, tag in log.records} == {
        "probe",
        *(f"{first}layer/layer{number}" for first in ("first/", "") for number in (3, 4)),
        "shortcuts/layer3",
    }
    assert steps_of(log) == list(STEPS[1:])
    assert steps_of(log, "first/layer/layer3") == [0]
    assert log.count_atlases() == 2 * len(STEPS)
    assert log.damaged == 0


def test_it_reads_the_blobs_that_were_written(tmp_path: Path) -> None:
    write_small_log(tmp_path)
    blobs = encode_atlas(make_tiny_atlas(20, "layer4", 3))
    assert read_step(scan_log(tmp_path), "exp/atlas", "layer/layer4", 20) == blobs
    assert read_step(scan_log(tmp_path), "exp/atlas", "layer/layer3", 20) != blobs


def test_threads_read_their_own_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The routes read the manifests of a history in parallel."""
    write_small_log(tmp_path)
    provider = EventProvider(scan_log(tmp_path))
    keys = [
        one.values[0].blob_key
        for tags in provider.read_blob_sequences().values()
        for found in tags.values()
        for one in found
    ]
    expected = {key: provider.read_blob(blob_key=key) for key in keys}
    assert len(set(expected.values())) == len(keys) > 10

    def switch(frame: FrameType, _event: str, _value: object) -> Any:
        """Lets other threads run between two lines."""
        if frame.f_code is not EventProvider.read_blob.__code__:
            return None
        time.sleep(1e-5)
        return switch

    before = threading.gettrace()
    threading.settrace(switch)
    try:
        with ThreadPoolExecutor(4) as pool:
            read = pool.map(lambda key: (key, provider.read_blob(blob_key=key)), keys * 20)
            assert all(expected[key] == blob for key, blob in read)
    finally:
        threading.settrace(before)  # type: ignore[arg-type]


def test_a_directory_that_is_deleted_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_log(tmp_path, "a")
    write_small_log(tmp_path, "b")

    def read_and_delete(directory: Path) -> Iterator[LoggedEvent]:
        if directory.parent.name == "a":
            shutil.rmtree(directory)
        return read_events(directory)

    monkeypatch.setattr(reader, "read_events", read_and_delete)
    log = scan_log(tmp_path)
    assert {run for run, _ in log.records} == {"b/atlas"}


def test_it_lists_and_filters_as_tensorboard_does(tmp_path: Path) -> None:
    write_small_log(tmp_path, "a")
    write_small_log(tmp_path, "b", (0, 10))
    provider = EventProvider(scan_log(tmp_path))
    listed = provider.list_blob_sequences()
    assert set(listed) == {"a/atlas", "b/atlas"}
    found = listed["a/atlas"]["layer/layer3"]
    assert (found.max_step, found.max_wall_time) == (40, 40.0)
    assert found.max_length == len(encode_atlas(make_tiny_atlas(40)))

    class Filter:
        runs = ("b/atlas",)
        tags = ("layer/layer3",)

    only = provider.read_blob_sequences(run_tag_filter=Filter())
    assert {run: list(tags) for run, tags in only.items()} == {"b/atlas": ["layer/layer3"]}


def test_a_restart_voids_later_steps(tmp_path: Path) -> None:
    folder = write_small_log(tmp_path)
    purge_steps(str(folder), 20, 50.0)
    sink = EventSink(folder)
    sink.write(layer_tag("layer3"), encode_atlas(make_tiny_atlas(25, sequence=3)), 25)
    sink.close()
    log = scan_log(tmp_path)
    assert set(steps_of(log)) == {10, 25}
    assert set(steps_of(log, "layer/layer4")) == {10}
    # `purge_steps` writes the last record before the restart once more.
    assert log.count_atlases() == 5
    export_html(tmp_path, tmp_path / "page.html")
    page = parse_page(tmp_path / "page.html")
    assert page.steps("layer3") == [0, 10, 25]
    assert page.steps("layer4") == [0, 10]
    assert len(page.of_route("atlas")) == 5


def test_revisions_count_as_one_atlas(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "exp" / CHILD_RUN)
    logged = encode_atlas(make_tiny_atlas(0))
    sink.write(layer_tag("layer3", Revision.PRELIMINARY, 1), logged, 0, 1.0)
    sink.write(layer_tag("layer3", sequence=1), logged, 0, 2.0)
    sink.write(layer_tag("layer3", Revision.PRELIMINARY), logged, 5, 3.0)  # never finished
    sink.close()
    atlas = make_tiny_atlas(0, tile=16)
    origin = atlas.provenance
    mark = {**origin.layer_info, REFINES: logged[0][:8].decode()}
    refined = atlas.replace(provenance=dataclasses.replace(origin, layer_info=mark))
    sink = EventSink(tmp_path / refined_run("exp/atlas", 1))
    sink.write(layer_tag("layer3", Revision.REFINED), encode_atlas(refined), 0, 4.0)
    sink.close()
    log = scan_log(tmp_path)
    assert log.count_atlases() == 2
    result = export_html(tmp_path, tmp_path / "page.html")
    page = parse_page(tmp_path / "page.html")
    assert result.atlases == 2
    assert page.layers == {("exp/atlas", "layer3")}
    history = next(iter(page.of_route("history").values()))[1]
    assert b'"revision":"refined"' in history
    assert b'"revision":"preliminary"' in history


def test_damaged_records_are_counted_and_the_others_read(tmp_path: Path) -> None:
    folder = write_small_log(tmp_path)
    (file,) = list_event_files(folder)
    offsets = find_record_offsets(file)
    flip_bit(file, offsets[4] + 900)
    flip_bit(file, offsets[-1] + 900)
    log = scan_log(tmp_path)
    assert log.damaged == 2
    assert log.count_atlases() == 2 * len(STEPS) - 2
    result = export_html(tmp_path, tmp_path / "page.html")
    assert result.damaged == 2
    assert result.omitted == ("2 damaged records of the log are left out.",)
    flip_bit(file, offsets[4] + 900)
    (sentence,) = export_html(tmp_path, tmp_path / "page.html", force=True).omitted
    assert sentence == "1 damaged record of the log is left out."


def test_a_record_that_is_being_written_is_not_damage(tmp_path: Path) -> None:
    """A run can be exported while it is training."""
    folder = write_small_log(tmp_path)
    (file,) = list_event_files(folder)
    file.write_bytes(file.read_bytes()[:-700])
    result = export_html(tmp_path, tmp_path / "page.html")
    assert (result.atlases, result.damaged, result.omitted) == (2 * len(STEPS) - 1, 0, ())
    page = parse_page(tmp_path / "page.html")
    assert (page.steps("layer3"), page.steps("layer4")) == (list(STEPS), list(STEPS[:-1]))


def test_other_event_files_are_ignored(tmp_path: Path) -> None:
    write_small_log(tmp_path)
    scalars = EventSink(tmp_path / "exp")
    scalars.write_scalars({"loss": 1.0}, 3)
    scalars.close()
    (tmp_path / "exp" / "notes.txt").write_text("no events")
    log = scan_log(tmp_path)
    assert {run for run, _ in log.records} == {"exp/atlas"}
    assert log.damaged == 0


@pytest.mark.parametrize("change", ["shorter", "gone", "another step"])
def test_a_file_that_changes_while_it_is_read(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files change after the scan; the page is not written."""
    folder = write_small_log(tmp_path / "log")

    def scan_and_change(log_dir: Path) -> LogContents:
        found = scan_log(log_dir)
        (file,) = list_event_files(folder)
        if change == "shorter":
            file.write_bytes(file.read_bytes()[:5000])
        else:
            file.unlink()
        if change == "another step":
            other = write_small_log(tmp_path / "other", steps=(1, 11, 21, 31, 41))
            list_event_files(other)[0].rename(file)
        return found

    monkeypatch.setattr(html_export, "scan_log", scan_and_change)
    (file,) = list_event_files(folder)
    output = tmp_path / "page.html"
    with pytest.raises(DamageError) as raised:
        export_html(tmp_path / "log", output)
    assert str(raised.value) == f"{file.name} changed while it was read; export it again"
    assert list(tmp_path.glob("*.html")) == []
    assert list(tmp_path.glob(".*")) == []
