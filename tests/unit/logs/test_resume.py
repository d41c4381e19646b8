# SPDX-License-Identifier: Apache-2.0
"""Resumed runs: find the last step, void later steps for both loaders, continue the maps."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from synthetic_atlases import make_atlas
from tensorboard_server import get, start_tensorboard
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, compute_atlas, read_atlases
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs import event_file as events
from tensorboard_plugin_atlas.logs.event_file import EventSink, find_record_offsets, scan_records
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.logs.remote_sink import RemoteSink
from tensorboard_plugin_atlas.logs.resume import find_last_atlases, purge_steps
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

LOADERS = pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])


def log(
    sink: Any, steps: tuple[int, ...], layers: tuple[str, ...] = ("a", "b"), sequence: int = 1
) -> None:
    for number, step in enumerate(steps, start=sequence):
        for layer in layers:
            atlas = make_atlas(step, layer=layer, samples=30, grids=(3,), sequence=number)
            sink.write(layer_tag(layer), encode_atlas(atlas), step)
            sink.write_scalars({f"atlas/{layer}/seconds": float(step)}, step)
    sink.close()


def steps_of(log_dir: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for atlas in read_atlases(log_dir, on_damage="raise"):
        found.setdefault(atlas.layer, []).append(atlas.step)
    return found


def flip(path: Path, record: int, at: int = 500) -> None:
    data = bytearray(path.read_bytes())
    data[[r.offset for r in scan_records(path)][record] + at] ^= 1
    path.write_bytes(data)


class TestLastAtlases:
    def test_the_last_of_each_layer(self, tmp_path: Path) -> None:
        log(EventSink(tmp_path), (0, 10, 20))
        log(EventSink(tmp_path), (30,), ("a",), 4)
        earlier = find_last_atlases(str(tmp_path), ("a", "b", "c"))
        assert {n: (a.step, a.sequence) for n, a in earlier.atlases.items()} == {
            "a": (30, 4),
            "b": (20, 3),
        }
        assert (earlier.last_step, earlier.is_empty, earlier.problems) == (30, False, ())

    def test_a_store_is_read_too(self) -> None:
        url = "memory://resuming/atlas"
        log(RemoteSink(url), (0, 10, 20))
        assert {a.step for a in find_last_atlases(url, ("a", "b")).atlases.values()} == {20}

    @pytest.mark.parametrize("location", [None, "nowhere", "memory://nothing/here"])
    def test_nothing_is_there(self, location: str | None, tmp_path: Path) -> None:
        place = str(tmp_path / location) if location == "nowhere" else location
        earlier = find_last_atlases(place, ("a",))
        assert (earlier.atlases, earlier.last_step, earlier.is_empty) == ({}, None, True)

    def test_damaged_atlases_are_passed_by_and_counted(self, tmp_path: Path) -> None:
        log(EventSink(tmp_path), (0, 10, 20), ("a",))
        (path,) = tmp_path.iterdir()
        flip(path, 5)
        flip(path, 3)
        earlier = find_last_atlases(str(tmp_path), ("a",))
        assert (earlier.atlases["a"].step, earlier.atlases["a"].sequence) == (0, 3)
        assert earlier.last_step == 20
        assert [problem.partition(":")[0] for problem in earlier.problems] == [
            "layer 'a', step 20",
            "layer 'a', step 10",
        ]

    def test_a_torn_end_is_no_problem(self, tmp_path: Path) -> None:
        log(EventSink(tmp_path), (0, 10, 20), ("a",))
        (path,) = tmp_path.iterdir()
        offsets = [r.offset for r in scan_records(path)]
        path.write_bytes(path.read_bytes()[: offsets[5] + 700])
        earlier = find_last_atlases(str(tmp_path), ("a",))
        assert (earlier.last_step, earlier.problems) == (10, ())

    def test_a_long_log_is_not_read_through(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log(EventSink(tmp_path), tuple(range(40)))
        read = []
        whole = events._Scan.read_record_at
        monkeypatch.setattr(
            events._Scan, "read_record_at", lambda self, o: read.append(o) or whole(self, o)
        )
        assert len(find_last_atlases(str(tmp_path), ("a", "b")).atlases) == 2
        assert len(read) <= 4  # of 161 records: two atlases and their scalars

    def test_headers_lead_past_damage(self, tmp_path: Path) -> None:
        log(EventSink(tmp_path), tuple(range(5)), ("a",))
        (path,) = tmp_path.iterdir()
        offsets = [r.offset for r in scan_records(path)]
        with path.open("rb") as file:
            assert list(find_record_offsets(file)) == offsets
        whole = path.read_bytes()
        cut, header = offsets[3] + 300, bytearray(whole)
        header[offsets[3] + 2] ^= 1
        for damaged, lost in ((whole[:cut] + whole[cut + 90 :], -90), (bytes(header), 0)):
            path.write_bytes(damaged)
            with path.open("rb") as file:
                found = list(find_record_offsets(file))
            assert found[:3] == offsets[:3]
            assert found[-5:] == [offset + lost for offset in offsets[-5:]]


class TestCutBack:
    def test_readers_no_longer_see_what_is_void(self, tmp_path: Path) -> None:
        log(EventSink(tmp_path), (0, 10, 20, 30))
        purge_steps(str(tmp_path), 15, 1.0)
        assert steps_of(tmp_path) == {"a": [0, 10], "b": [0, 10]}
        assert [e.step for e in list_atlases(tmp_path)] == [0, 10, 0, 10]
        earlier = find_last_atlases(str(tmp_path), ("a", "b"))
        assert ({a.step for a in earlier.atlases.values()}, earlier.last_step) == ({10}, 10)
        log(EventSink(tmp_path), (12, 25), sequence=3)
        assert steps_of(tmp_path) == {"a": [0, 10, 12, 25], "b": [0, 10, 12, 25]}

    def test_only_the_last_record_of_each_tag_is_repeated(self, tmp_path: Path) -> None:
        log(EventSink(tmp_path), (0, 10, 20))
        log(EventSink(tmp_path), (30,), ("a",), 4)
        purge_steps(str(tmp_path), 21, 1.0)
        last = sorted(tmp_path.iterdir())[-1]
        tags = [e.tag for r in scan_records(last) for e in events.parse_events(r, last)]
        assert tags == [None, None, layer_tag("a")]  # b has no later record

    def test_an_empty_log_stays_empty(self, tmp_path: Path) -> None:
        purge_steps(str(tmp_path / "new"), 5, 1.0)
        assert list(tmp_path.iterdir()) == []

    @LOADERS
    def test_both_loaders_hide_void_records(self, fast: bool, tmp_path: Path) -> None:
        log(EventSink(tmp_path / "atlas"), (0, 10, 20, 30))
        purge_steps(str(tmp_path / "atlas"), 15, time.time())
        with start_tensorboard(tmp_path, fast) as url:
            assert wait_for_steps(url, [0, 10])
        log(EventSink(tmp_path / "atlas"), (25,), sequence=3)
        with start_tensorboard(tmp_path, fast) as url:
            assert wait_for_steps(url, [0, 10, 25])


def wait_for_steps(url: str, wanted: list[int]) -> bool:
    """Returns whether atlases and scalars settle at these steps."""
    deadline = time.monotonic() + 120
    steps: list[list[int]] = []
    while time.monotonic() < deadline:
        index = json.loads(get(url + "data/plugin/atlas/index")[2])
        steps = [s["steps"] for run in index["runs"] for s in run["series"]]
        response = get(url + "data/plugin/scalars/scalars?run=atlas&tag=atlas/a/seconds")
        scalars = sorted({p[1] for p in json.loads(response[2])}) if response[0] == 200 else []
        if steps == [wanted, wanted] and scalars == wanted:
            return True
        time.sleep(0.2)
    raise AssertionError((steps, scalars))


CONFIG = AtlasConfig(samples=40, grids=(3,), min_count=1, neighbors=5, epochs=20, icons="none")


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    )


def images(count: int = 40, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = torch.rand(count, 3, 12, 12, generator=torch.Generator().manual_seed(seed))
    return pixels, torch.arange(count) % 4


def write(log_dir: Path, steps: tuple[int, ...], **more: Any) -> None:
    settings = {"probe": images(), "config": CONFIG, "strict": True, "worker": "inline", **more}
    with AtlasWriter(log_dir, network(), ["1"], **settings) as atlas:
        for step in steps:
            atlas.add_atlas(step)


class TestWriter:
    def test_a_run_goes_on_where_its_log_ends(self, tmp_path: Path) -> None:
        write(tmp_path, (0, 10))
        write(tmp_path, (20, 30))
        found = list(read_atlases(tmp_path))
        assert [(a.step, a.sequence) for a in found] == [(0, 1), (10, 2), (20, 3), (30, 4)]
        again = compute_atlas(network(), "1", images(), previous=[found[1]], config=CONFIG)
        np.testing.assert_array_equal(found[2].xy, again.xy)
        assert found[2].quality.overlap is not None
        assert found[2].quality.overlap.mean() > 0.95  # the weights are the same
        probes = [
            event.step
            for path in sorted((tmp_path / "atlas").iterdir())
            for record in scan_records(path)
            for event in events.parse_events(record, path)
            if event.tag == PROBE_TAG
        ]
        assert probes == [0, 20]

    def test_a_worker_process_goes_on_too(self, tmp_path: Path) -> None:
        write(tmp_path, (0, 10, 20))
        write(tmp_path, (15,), purge_step=11, worker="process")
        found = list(read_atlases(tmp_path))
        assert [(a.step, a.sequence) for a in found] == [(0, 1), (10, 2), (15, 3)]
        again = compute_atlas(network(), "1", images(), previous=[found[1]], config=CONFIG)
        np.testing.assert_array_equal(found[2].xy, again.xy)

    def test_steps_that_do_not_rise_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path, (0, 10))
        with pytest.raises(ArgumentError, match="global_step=10 is not larger than 10, the last"):
            write(tmp_path, (10,))

    def test_a_run_is_taken_up_again(self, tmp_path: Path) -> None:
        write(tmp_path, (0, 10, 20, 30))
        write(tmp_path, (20, 40), purge_step=11)
        found = list(read_atlases(tmp_path))
        assert [(a.step, a.sequence) for a in found] == [(0, 1), (10, 2), (20, 3), (40, 4)]
        assert found[2].quality.overlap is not None

    def test_a_run_is_started_over(self, tmp_path: Path) -> None:
        write(tmp_path, (0, 10))
        write(tmp_path, (0, 5), purge_step=0)
        found = list(read_atlases(tmp_path))
        assert [(a.step, a.sequence) for a in found] == [(0, 1), (5, 2)]
        assert found[0].quality.overlap is None

    @pytest.mark.parametrize(
        ("probe", "change"),
        [
            (images(50), "40 samples, 30 before"),
            (images(40, seed=3), "other images of the dataset|pixels or the sampled positions"),
            ((images()[0], 3 - images()[1]), "other (labels|images)"),
        ],
    )
    def test_another_probe_starts_a_new_map_with_a_note(
        self, probe: Any, change: str, tmp_path: Path
    ) -> None:
        samples = 30 if "30" in change else 40
        write(tmp_path, (0,), config=AtlasConfig(**{**CONFIG.as_dict(), "samples": samples}))
        with pytest.warns(RuntimeWarning, match=f"another probe: .*({change})") as caught:
            write(tmp_path, (10, 20), probe=probe)
        assert len(caught) == 1
        first, second, third = read_atlases(tmp_path)
        assert (second.sequence, second.quality.overlap) == (2, None)
        assert any(
            "started over after step 0, the probe changed" in n for n in second.provenance.notes
        )
        assert not any("started over" in note for note in third.provenance.notes)
        assert first.provenance.probe != second.provenance.probe

    def test_damage_at_the_end_is_warned_of_once(self, tmp_path: Path) -> None:
        write(tmp_path, (0, 10))
        (path,) = (tmp_path / "atlas").iterdir()
        last = max(i for i, r in enumerate(scan_records(path)) if len(r.payload) > 2000)
        flip(path, last, 1500)
        with pytest.warns(
            RuntimeWarning, match="unreadable records at the end of the log"
        ) as caught:
            write(tmp_path, (20,))
        assert len(caught) == 1

    def test_a_log_that_cannot_be_cut_back_is_warned_of(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, (0, 10))

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tensorboard_plugin_atlas.writer.atlas_writer.purge_steps", fail)
        with pytest.warns(RuntimeWarning, match=r"purge_step=5 failed: OSError: .*No space left"):
            AtlasWriter(
                tmp_path, network(), ["1"], probe=images(), config=CONFIG, purge_step=5
            ).close()
        with pytest.raises(OSError, match="No space"):
            write(tmp_path, (), purge_step=5)

    @pytest.mark.parametrize("step", [True, 1.5, "3"])
    def test_a_purge_step_that_is_invalid_is_rejected(self, step: Any, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match=r"purge_step=.*pass an integer"):
            write(tmp_path, (), purge_step=step)

    def test_a_new_log_has_nothing_to_say(self, tmp_path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            write(tmp_path, (3,), purge_step=3)
        assert steps_of(tmp_path) == {"1": [3]}
