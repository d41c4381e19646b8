# SPDX-License-Identifier: Apache-2.0
"""More than twenty runs, each damaged in a different way, next to a valid run."""

from __future__ import annotations

import dataclasses
import json
import math
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blob_damage import rewrite_manifest
from loaders import LOADERS
from route_client import ROUTE_PREFIX, make_client
from synthetic_atlases import make_atlas, make_probe_pictures
from synthetic_shortcuts import make_shortcuts
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.types_pb2 import DT_FLOAT
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink, frame, scan_records
from tensorboard_plugin_atlas.serving.series_reader import run_id, series_id
from tensorboard_plugin_atlas.wire.atlas_codec import checksum, encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

LAYER, TAG, STEPS = "layer3", layer_tag("layer3"), (0, 10)
VALID = "valid/atlas"
LONG = "x" * 1_000_000

Change = Callable[[list[bytes]], list[bytes]]


def blobs_of(step: int, layer: str = LAYER) -> list[bytes]:
    return encode_atlas(make_atlas(step, layer=layer, samples=30, grids=(3,), tile=8, images=30))


def add_checksum(text: bytes) -> list[bytes]:
    return [checksum(text).encode() + b"\n" + text]


def change_manifest(**changes: Any) -> Change:
    """Returns a change of the manifest that keeps its checksum correct."""
    return lambda blobs: rewrite_manifest(blobs, lambda document: document.update(changes))


def change_event(change: Callable[[Any], object]) -> Callable[[Path], None]:
    """Returns a change of the last event of a run that keeps its checksum correct."""

    def damage_file(folder: Path) -> None:
        (path,) = folder.iterdir()
        records = list(scan_records(path))
        event = Event.FromString(records[-1].payload)
        change(event)
        data = path.read_bytes()[: records[-1].offset]
        path.write_bytes(data + frame(event.SerializeToString()))

    return damage_file


def _tensor(event: Any) -> Any:
    return event.summary.value[0].tensor


# Changes of the blobs of the last step.
BLOB_CHANGES: dict[str, Change] = {
    "no-checksum": lambda _: [b"{}"],
    "flipped": lambda b: [b[0], b[1][:-1] + bytes([b[1][-1] ^ 1]), *b[2:]],
    "short": lambda b: [b[0], b[1][:-9], *b[2:]],
    "not-json": lambda _: add_checksum(b"{"),
    "deep": lambda _: add_checksum(b"[" * 150_000 + b"]" * 150_000),
    "deep-settings": lambda _: add_checksum(
        b'{"version":1,"kind":"atlas","a":' + b'{"a":' * 900 + b"1" + b"}" * 901
    ),
    "newer": lambda _: add_checksum(b'{"kind":"atlas","version":9}'),
    "two-billion-cells": change_manifest(
        grids=[{"size": 46_341, "cells": 2**31, "tile": 8, "columns": 9}]
    ),
    "a-billion-pixels": change_manifest(
        grids=[{"size": 3, "cells": 9, "tile": 31_623, "columns": 31_623}]
    ),
    "many-samples": change_manifest(samples=10**15),
    "wide": change_manifest(channels=10**9),
    "missing-blob": lambda b: b[:-1],
    "too-many-blobs": lambda b: [*b, *[b""] * 40],
    "no-blobs": lambda _: [],
    "a-probe": lambda _: encode_probe(make_probe_pictures(3)),
    "shortcuts": lambda _: encode_shortcuts(make_shortcuts(10)),
    "another-layer": lambda _: blobs_of(10, "layer9"),
    "a-long-name": lambda _: blobs_of(10, LONG),
    "another-step": lambda _: blobs_of(11),
    "infinite": lambda b: add_checksum(b[0][9:].replace(b'"clamped":', b'"clamped":1e999,"x":')),
}

# Changes of the last event. TensorBoard may show the step, mark it, or omit it.
EVENT_CHANGES: dict[str, Callable[[Any], object]] = {
    "time-nan": lambda event: setattr(event, "wall_time", math.nan),
    "time-infinite": lambda event: setattr(event, "wall_time", -math.inf),
    "time-huge": lambda event: setattr(event, "wall_time", 1e308),
    "step-last": lambda event: setattr(event, "step", 2**63 - 1),
    "step-first": lambda event: setattr(event, "step", -(2**63)),
    "rank-two": lambda event: _tensor(event).tensor_shape.dim.add(size=1),
    "claims-a-trillion": lambda event: setattr(_tensor(event).tensor_shape.dim[0], "size", 2**40),
    "of-floats": lambda event: setattr(_tensor(event), "dtype", DT_FLOAT),
    "tag-unknown": lambda event: setattr(event.summary.value[0], "tag", "other/" + LONG),
    "tag-of-a-long-layer": lambda event: setattr(event.summary.value[0], "tag", layer_tag(LONG)),
    "tag-empty": lambda event: setattr(event.summary.value[0], "tag", ""),
}


def write_runs(directory: Path) -> None:
    blob_changes = {name: (change, None) for name, change in BLOB_CHANGES.items()}
    event_changes = {name: (list, change_event(change)) for name, change in EVENT_CHANGES.items()}
    for name, (change, damage_file) in {
        "valid": (list, None),
        **blob_changes,
        **event_changes,
    }.items():
        folder = directory / name / CHILD_RUN
        sink = EventSink(folder)
        sink.write(PROBE_TAG, encode_probe(make_probe_pictures(30)), 0)
        sink.write(TAG, blobs_of(STEPS[0]), STEPS[0], 100.0)
        sink.write(TAG, change(blobs_of(STEPS[1])), STEPS[1], 200.0)
        sink.close()
        if damage_file is not None:
            damage_file(folder)


@pytest.fixture(scope="module")
def damaged_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert len(BLOB_CHANGES) + len(EVENT_CHANGES) >= 20
    directory = tmp_path_factory.mktemp("damaged")
    write_runs(directory)
    return directory


Fetch = Callable[[str], tuple[int, bytes]]


def check_runs(fetch: Fetch) -> dict[str, str]:
    """Requests everything that is listed; returns the status of the last step of each run."""
    status, body = fetch("index")
    assert status == 200, body
    index = json.loads(body, parse_constant=pytest.fail)
    statuses: dict[str, str] = {}
    for run in index["runs"]:
        for series in run["series"]:
            assert all(math.isfinite(one) for one in series["wall_times"])
            status, body = fetch(f"history?id={series['id']}")
            assert status == 200, (run["run"], body[:200])
            assert len(body) < 20_000, run["run"]
            history = json.loads(body, parse_constant=pytest.fail)
            for step in history["steps"]:
                status, body = fetch(f"atlas?id={series['id']}&step={step['step']}")
                assert status in (200, 404, 422), (run["run"], status, body[:200])
                if status == 422:
                    assert 0 < len(json.loads(body)["error"]["message"]) < 400
            status, body = fetch(f"history?id={series['id']}")
            if not history["steps"]:
                continue  # TensorBoard has the tag, but no value
            last = json.loads(body)["steps"][-1]
            assert (last["reason"] is None) == (last["status"] == "ok")
            statuses[run["run"].removesuffix("/atlas")] = last["status"]
        assert fetch(f"probe?run={run['id']}")[0] == (200 if run["probe"] else 404)
    return statuses


def check_valid(fetch: Fetch) -> None:
    for step in STEPS:
        status, body = fetch(f"atlas?id={series_id(VALID, TAG)}&step={step}")
        assert (status, body.endswith(blobs_of(step)[1])) == (200, True)
    assert fetch(f"thumbs?run={run_id(VALID)}&blob=2")[0] == 200


def check_statuses(statuses: dict[str, str]) -> None:
    assert statuses["valid"] == "ok"
    # Damage in the blobs is always reported; an event may be lost before it reaches the plugin.
    reasons = {name: statuses.get(name) for name in BLOB_CHANGES}
    assert reasons.pop("newer") == "too_new"
    # An event without blobs marks a step that a restart made void: the step before is the last.
    assert reasons.pop("no-blobs") == "ok"
    assert set(reasons.values()) == {"damaged"}, reasons


def test_damage_affects_one_run_only(damaged_log: Path) -> None:
    client, _ = make_client(damaged_log)

    def fetch(address: str) -> tuple[int, bytes]:
        response = client.get(ROUTE_PREFIX + address)
        return response.status_code, response.data

    statuses = check_runs(fetch)
    check_valid(fetch)
    check_statuses(statuses)
    print(
        f"\n{len(statuses)} of {len(BLOB_CHANGES) + len(EVENT_CHANGES) + 1} runs listed: {statuses}"
    )


@LOADERS
def test_damage_affects_one_run_only_in_a_real_tensorboard(fast: bool, damaged_log: Path) -> None:
    with start_tensorboard(damaged_log, fast) as url:

        def fetch(address: str) -> tuple[int, bytes]:
            status, _, body = get(f"{url}data/plugin/atlas/{address}")
            return status, body

        deadline = time.monotonic() + 120
        listed: list[str] = []
        while len(listed) < len(BLOB_CHANGES) + 1 or VALID not in listed:
            assert time.monotonic() < deadline, listed
            time.sleep(0.3)
            status, body = fetch("index")
            assert status == 200, body
            listed = [run["run"] for run in json.loads(body)["runs"] if run["series"]]
        time.sleep(2)  # TensorBoard may still be reading the last run
        statuses = check_runs(fetch)
        check_valid(fetch)
        check_statuses(statuses)


def test_bombs_are_rejected_before_allocation(damaged_log: Path) -> None:
    """Each is rejected in less than 50 ms and 50 MB, measured after a first request."""
    client, _ = make_client(damaged_log)
    bombs = (
        "deep",
        "deep-settings",
        "two-billion-cells",
        "a-billion-pixels",
        "many-samples",
        "wide",
    )
    client.get(f"{ROUTE_PREFIX}atlas?id={series_id(VALID, TAG)}&step=0")
    for name in bombs:
        address = f"{ROUTE_PREFIX}atlas?id={series_id(f'{name}/atlas', TAG)}&step={STEPS[1]}"
        tracemalloc.start()
        status = client.get(address).status_code
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert status == 422
        assert peak < 50 << 20, (name, peak)
        begun = time.process_time()
        assert client.get(address).status_code == 422
        assert time.process_time() - begun < 0.05, name


class TestLiveLogs:
    """The log changes while TensorBoard serves it: responses are old or new, never a mix."""

    @LOADERS
    def test_growth_restart_and_deletion(self, fast: bool, tmp_path: Path) -> None:
        def write(run: str, *steps: int, variant: int = 0) -> None:
            sink = EventSink(tmp_path / run / CHILD_RUN)
            for step in steps:
                sink.write(
                    TAG, encode_atlas(make_variant(step, variant)), step, 100.0 + step + variant
                )
            sink.close()

        write("kept", *STEPS)
        write("gone", *STEPS)
        with start_tensorboard(tmp_path, fast) as url:
            here = f"{url}data/plugin/atlas/"

            def steps_of(run: str) -> list[int] | None:
                status, _, body = get(here + "index")
                assert status == 200, body
                runs = {one["run"]: one for one in json.loads(body)["runs"]}
                found = runs.get(f"{run}/atlas")
                return found["series"][0]["steps"] if found else None

            def until(run: str, wanted: Callable[[list[int] | None], bool]) -> None:
                deadline = time.monotonic() + 120
                while not wanted(found := steps_of(run)):
                    assert time.monotonic() < deadline, found
                    for one in ("kept", "gone"):
                        check_no_mix(here, one)
                    time.sleep(0.2)

            until("gone", lambda steps: steps == list(STEPS))
            write("kept", 20, 30)
            until("kept", lambda steps: steps == [0, 10, 20, 30])
            # Resumed from an earlier step, in a new file.
            write("kept", 10, 40, variant=1)
            until("kept", lambda steps: steps is not None and 40 in steps)
            check_no_mix(here, "kept")
            for path in (tmp_path / "gone" / CHILD_RUN).iterdir():
                path.unlink()
            (tmp_path / "gone" / CHILD_RUN).rmdir()
            until("gone", lambda steps: steps is None or not fast)
            check_no_mix(here, "gone")
            check_no_mix(here, "kept")


def make_variant(step: int, variant: int) -> Any:
    atlas = make_atlas(step, samples=30, grids=(3,), tile=8, images=30)
    return atlas.replace(quality=dataclasses.replace(atlas.quality, invalid=variant))


def check_no_mix(here: str, run: str) -> None:
    """Checks that manifest and map of every step are from the same record."""
    series = series_id(f"{run}/atlas", TAG)
    for step in (0, 10, 20, 30, 40):
        status, _, body = get(f"{here}atlas?id={series}&step={step}")
        assert status in (200, 404), (run, step, status, body[:200])
        if status == 200:
            whole = [encode_atlas(make_variant(step, variant)) for variant in (0, 1)]
            assert any(blobs[0][9:] in body and body.endswith(blobs[1]) for blobs in whole)
