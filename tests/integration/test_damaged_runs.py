# SPDX-License-Identifier: Apache-2.0
"""More than twenty runs, each broken in a way of its own, beside a sound one that goes on."""

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

from tensorboard_plugin_atlas.logs.event_file import EventSink, frame, scan_records
from tensorboard_plugin_atlas.metadata import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.serving.store import run_id, series_id
from tensorboard_plugin_atlas.wire.atlas_codec import checksum, encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

LAYER, TAG, STEPS = "layer3", layer_tag("layer3"), (0, 10)
SOUND = "sound/atlas"
LONG = "x" * 1_000_000

Change = Callable[[list[bytes]], list[bytes]]


def blobs_of(step: int, layer: str = LAYER) -> list[bytes]:
    return encode_atlas(make_atlas(step, layer=layer, samples=30, grids=(3,), tile=8, images=30))


def sealed(text: bytes) -> list[bytes]:
    return [checksum(text).encode() + b"\n" + text]


def lying(**changes: Any) -> Change:
    """A manifest that says something else, under a right checksum."""
    return lambda blobs: rewrite_manifest(blobs, lambda document: document.update(changes))


def forged(change: Callable[[Any], object]) -> Callable[[Path], None]:
    """Changes the event of the last step and leaves everything else as it was."""

    def spoil(folder: Path) -> None:
        (path,) = folder.iterdir()
        records = list(scan_records(path))
        event = Event.FromString(records[-1].payload)
        change(event)
        data = path.read_bytes()[: records[-1].offset]
        path.write_bytes(data + frame(event.SerializeToString()))

    return spoil


def _tensor(event: Any) -> Any:
    return event.summary.value[0].tensor


# What the blobs of the last step are changed into.
DAMAGED: dict[str, Change] = {
    "no-checksum": lambda _: [b"{}"],
    "flipped": lambda b: [b[0], b[1][:-1] + bytes([b[1][-1] ^ 1]), *b[2:]],
    "short": lambda b: [b[0], b[1][:-9], *b[2:]],
    "not-json": lambda _: sealed(b"{"),
    "deep": lambda _: sealed(b"[" * 150_000 + b"]" * 150_000),
    "deep-settings": lambda _: sealed(
        b'{"version":1,"kind":"atlas","a":' + b'{"a":' * 900 + b"1" + b"}" * 901
    ),
    "newer": lambda _: sealed(b'{"kind":"atlas","version":2}'),
    "two-billion-cells": lying(grids=[{"size": 46_341, "cells": 2**31, "tile": 8, "columns": 9}]),
    "a-billion-pixels": lying(grids=[{"size": 3, "cells": 9, "tile": 31_623, "columns": 31_623}]),
    "many-samples": lying(samples=10**15),
    "wide": lying(channels=10**9),
    "missing-blob": lambda b: b[:-1],
    "too-many-blobs": lambda b: [*b, *[b""] * 40],
    "no-blobs": lambda _: [],
    "a-probe": lambda _: encode_probe(make_probe_pictures(3)),
    "shortcuts": lambda _: encode_shortcuts(make_shortcuts(10)),
    "another-layer": lambda _: blobs_of(10, "layer9"),
    "a-long-name": lambda _: blobs_of(10, LONG),
    "another-step": lambda _: blobs_of(11),
    "infinite": lambda b: sealed(b[0][9:].replace(b'"clamped":', b'"clamped":1e999,"x":')),
}

# What becomes of the event itself; TensorBoard may show the step, mark it, or not have it at all.
EVENTS: dict[str, Callable[[Any], object]] = {
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
    spoils = {name: (change, None) for name, change in DAMAGED.items()}
    events = {name: (list, forged(change)) for name, change in EVENTS.items()}
    for name, (change, spoil) in {"sound": (list, None), **spoils, **events}.items():
        folder = directory / name / CHILD_RUN
        sink = EventSink(folder)
        sink.write(PROBE_TAG, encode_probe(make_probe_pictures(30)), 0)
        sink.write(TAG, blobs_of(STEPS[0]), STEPS[0], 100.0)
        sink.write(TAG, change(blobs_of(STEPS[1])), STEPS[1], 200.0)
        sink.close()
        if spoil is not None:
            spoil(folder)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert len(DAMAGED) + len(EVENTS) >= 20
    directory = tmp_path_factory.mktemp("odd")
    write_runs(directory)
    return directory


Ask = Callable[[str], tuple[int, bytes]]


def check_runs(ask: Ask) -> dict[str, str]:
    """Asks for everything that is listed; returns what is said of the last step of each run."""
    status, body = ask("index")
    assert status == 200, body
    index = json.loads(body, parse_constant=pytest.fail)
    told: dict[str, str] = {}
    for run in index["runs"]:
        for series in run["series"]:
            assert all(math.isfinite(one) for one in series["wall_times"])
            status, body = ask(f"history?id={series['id']}")
            assert status == 200, (run["run"], body[:200])
            assert len(body) < 20_000, run["run"]
            history = json.loads(body, parse_constant=pytest.fail)
            for step in history["steps"]:
                status, body = ask(f"atlas?id={series['id']}&step={step['step']}")
                assert status in (200, 404, 422), (run["run"], status, body[:200])
                if status == 422:
                    assert 0 < len(json.loads(body)["error"]["message"]) < 400
            status, body = ask(f"history?id={series['id']}")
            if not history["steps"]:
                continue  # TensorBoard knows the tag, and no value of it
            last = json.loads(body)["steps"][-1]
            assert (last["reason"] is None) == (last["status"] == "ok")
            told[run["run"].removesuffix("/atlas")] = last["status"]
        assert ask(f"probe?run={run['id']}")[0] == (200 if run["probe"] else 404)
    return told


def check_sound(ask: Ask) -> None:
    for step in STEPS:
        status, body = ask(f"atlas?id={series_id(SOUND, TAG)}&step={step}")
        assert (status, body.endswith(blobs_of(step)[1])) == (200, True)
    assert ask(f"thumbs?run={run_id(SOUND)}&blob=2")[0] == 200


def check_told(told: dict[str, str]) -> None:
    assert told["sound"] == "ok"
    # Damage in the blobs is always told; an event may be lost before it reaches us.
    reasons = {name: told.get(name) for name in DAMAGED}
    assert reasons.pop("newer") == "too_new"
    # It takes the place of a step that a restart made void, so the step before it is the last.
    assert reasons.pop("no-blobs") == "ok"
    assert set(reasons.values()) == {"damaged"}, reasons


def test_each_costs_itself_alone(odd: Path) -> None:
    client, _ = make_client(odd)

    def ask(address: str) -> tuple[int, bytes]:
        response = client.get(ROUTE_PREFIX + address)
        return response.status_code, response.data

    told = check_runs(ask)
    check_sound(ask)
    check_told(told)
    print(f"\n{len(told)} of {len(DAMAGED) + len(EVENTS) + 1} runs are listed: {told}")


@LOADERS
def test_each_costs_itself_alone_in_a_real_tensorboard(fast: bool, odd: Path) -> None:
    with start_tensorboard(odd, fast) as url:

        def ask(address: str) -> tuple[int, bytes]:
            status, _, body = get(f"{url}data/plugin/atlas/{address}")
            return status, body

        deadline = time.monotonic() + 60
        listed: list[str] = []
        while len(listed) < len(DAMAGED) + 1 or SOUND not in listed:
            assert time.monotonic() < deadline, listed
            time.sleep(0.3)
            status, body = ask("index")
            assert status == 200, body
            listed = [run["run"] for run in json.loads(body)["runs"] if run["series"]]
        time.sleep(2)  # the last of them may still be read
        told = check_runs(ask)
        check_sound(ask)
        check_told(told)


def test_bombs_are_refused_before_anything_is_made_of_them(odd: Path) -> None:
    """Under 50 ms and 50 MB each, as measured here after a first answer of the same kind."""
    client, _ = make_client(odd)
    bombs = (
        "deep",
        "deep-settings",
        "two-billion-cells",
        "a-billion-pixels",
        "many-samples",
        "wide",
    )
    client.get(f"{ROUTE_PREFIX}atlas?id={series_id(SOUND, TAG)}&step=0")
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
    """The log changes under TensorBoard's hands: what is served is older or newer, never a mix."""

    @LOADERS
    def test_growth_restart_and_deletion(self, fast: bool, tmp_path: Path) -> None:
        def write(run: str, *steps: int, shade: int = 0) -> None:
            sink = EventSink(tmp_path / run / CHILD_RUN)
            for step in steps:
                sink.write(TAG, encode_atlas(shaded(step, shade)), step, 100.0 + step + shade)
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
                deadline = time.monotonic() + 60
                while not wanted(found := steps_of(run)):
                    assert time.monotonic() < deadline, found
                    for one in ("kept", "gone"):
                        check_no_mix(here, one)
                    time.sleep(0.2)

            until("gone", lambda steps: steps == list(STEPS))
            write("kept", 20, 30)
            until("kept", lambda steps: steps == [0, 10, 20, 30])
            # Taken up again from an earlier step, in a file of its own.
            write("kept", 10, 40, shade=1)
            until("kept", lambda steps: steps is not None and 40 in steps)
            check_no_mix(here, "kept")
            for path in (tmp_path / "gone" / CHILD_RUN).iterdir():
                path.unlink()
            (tmp_path / "gone" / CHILD_RUN).rmdir()
            until("gone", lambda steps: steps is None or not fast)
            check_no_mix(here, "gone")
            check_no_mix(here, "kept")


def shaded(step: int, shade: int) -> Any:
    atlas = make_atlas(step, samples=30, grids=(3,), tile=8, images=30)
    return atlas.replace(quality=dataclasses.replace(atlas.quality, invalid=shade))


def check_no_mix(here: str, run: str) -> None:
    """Manifest and map of every step are of one record, or the step is not there."""
    series = series_id(f"{run}/atlas", TAG)
    for step in (0, 10, 20, 30, 40):
        status, _, body = get(f"{here}atlas?id={series}&step={step}")
        assert status in (200, 404), (run, step, status, body[:200])
        if status == 200:
            whole = [encode_atlas(shaded(step, shade)) for shade in (0, 1)]
            assert any(blobs[0][9:] in body and body.endswith(blobs[1]) for blobs in whole)
