# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import json
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from route_client import ID, NOT_FOUND, ROUTE_PREFIX, RUN, CountingProvider, make_client
from synthetic_atlases import CLASSES, make_atlas, make_probe_pictures
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client, TestResponse

from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.loader import AtlasLoader
from tensorboard_plugin_atlas.log_names import PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink, frame, scan_records
from tensorboard_plugin_atlas.plugin import AtlasPlugin
from tensorboard_plugin_atlas.serving.series_reader import run_id, series_id
from tensorboard_plugin_atlas.wire.atlas_codec import (
    checksum,
    decode_atlas,
    encode_atlas,
    encode_probe,
)

STEPS = (0, 10, 20)
RUN_ID = run_id(RUN)


def write_run(log_dir: Path, run: str = RUN) -> dict[int, list[bytes]]:
    sink = EventSink(log_dir / run)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures(20)), 0)
    written = {}
    for number, step in enumerate(STEPS, start=3):
        atlas = make_atlas(step, layer="layer1", samples=60, sequence=number, grids=(3, 6))
        written[step] = encode_atlas(atlas)
        sink.write(layer_tag("layer1"), written[step], step, 100.0 + step)
    sink.close()
    return written


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, list[bytes]]]:
    log_dir = tmp_path_factory.mktemp("log")
    return log_dir, write_run(log_dir)


@pytest.fixture
def client(written: tuple[Path, dict[int, list[bytes]]]) -> Client:
    return make_client(written[0], {"atlas": 200})[0]


@pytest.fixture
def blobs(written: tuple[Path, dict[int, list[bytes]]]) -> dict[int, list[bytes]]:
    return written[1]


def unpack(response: TestResponse) -> tuple[dict[str, Any], bytes]:
    """Reads a pack as the front end does."""
    assert (response.status_code, response.content_type) == (200, "application/octet-stream")
    (length,) = struct.unpack_from("<I", response.data)
    assert (4 + length) % 8 == 0
    return json.loads(response.data[4 : 4 + length]), response.data[4 + length :]


def test_index_lists_runs_layers_and_steps(client: Client) -> None:
    response = client.get(ROUTE_PREFIX + "index")
    assert response.content_type == "application/json"
    versions = response.json["runs"][0]["series"][0]["versions"]
    assert len(set(versions)) == 3
    assert response.json == {
        "version": 2,
        "kept_limit": 200,
        "runs": [
            {
                "id": RUN_ID,
                "run": RUN,
                "probe": True,
                "series": [
                    {
                        "id": ID,
                        "layer": "layer1",
                        "steps": [0, 10, 20],
                        "wall_times": [100.0, 110.0, 120.0],
                        "versions": versions,
                        "shortcuts": [],
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("gzip", "gzip"),
        ("deflate, x-gzip, gzip, br", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0, identity", None),
        ("br", None),
    ],
)
def test_the_index_is_sent_as_the_client_takes_it(
    accepted: str | None, encoding: str | None, client: Client
) -> None:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    response = client.get(ROUTE_PREFIX + "index", headers=headers)
    assert response.headers.get("Content-Encoding") == encoding
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Cache-Control"] == "no-cache, must-revalidate"
    data = gzip.decompress(response.data) if encoding else response.data
    assert json.loads(data) == client.get(ROUTE_PREFIX + "index").json
    assert len(response.data) == int(response.headers["Content-Length"])


@pytest.mark.parametrize(("hints", "limit"), [(None, None), ({}, None), ({"atlas": 0}, None)])
def test_no_limit_is_null(hints: Any, limit: Any, tmp_path: Path) -> None:
    body = make_client(tmp_path, hints)[0].get(ROUTE_PREFIX + "index").json
    assert body == {"version": 2, "kept_limit": limit, "runs": []}


def test_history_summarizes_the_manifests(client: Client) -> None:
    body = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert (body["id"], body["logged"], body["kept"]) == (ID, 5, 3)
    assert body["steps"][1] == {
        "step": 10,
        "wall_time": 110.0,
        "revision": "logged",
        "sequence": 4,
        "status": "ok",
        "reason": None,
        "trustworthiness": make_atlas(10).quality.trustworthiness,
        "neighbors_kept": make_atlas(10).quality.knn_kept,
        "samples": 60,
        "concepts": {
            "ids": list(range(6)),
            "sizes": [10] * 6,
            "by_events": 0.25,
            "by_churn": 0.0,
        },
    }
    assert body["concepts"] == [
        {"id": number, "name": name, "group": 0} for number, name in enumerate(CLASSES)
    ]
    assert body["groups"] == [{"id": 0, "name": "everything 1"}]


def test_history_gathers_the_steps_without_an_atlas(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / RUN)
    skips = {0: (), 10: ((3, "busy"), (7, "failed")), 20: ((15, "budget"), (10, "busy"))}
    for step, skipped in skips.items():
        atlas = make_atlas(step, layer="layer1", samples=20, grids=(3,))
        atlas = atlas.replace(skipped=tuple(Skipped(*one) for one in skipped))
        sink.write(layer_tag("layer1"), encode_atlas(atlas), step)
    sink.close()
    body = make_client(tmp_path)[0].get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert [(one["step"], one["reason"]) for one in body["skipped"]] == [
        *((3, "busy"), (7, "failed"), (15, "budget")),
    ]


def test_history_lists_the_events_of_the_run(client: Client) -> None:
    body = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert body["events_found"] == 2
    assert [(one["step"], one["text"]) for one in body["events"]] == [
        (10, "airplane split into airplane and bird"),
        (20, "airplane split into airplane and bird"),
    ]


def test_a_tag_without_a_value_hides_its_own_run_only(tmp_path: Path) -> None:
    """TensorBoard's Python loader fails at it, whatever else is requested."""
    write_run(tmp_path)
    write_run(tmp_path, "bad/atlas")
    (path,) = (tmp_path / "bad" / "atlas").iterdir()
    event = Event.FromString([record.payload for record in scan_records(path)][-1])
    event.step, event.summary.value[0].tag = 30, layer_tag("hollow")
    event.summary.value[0].ClearField("tensor")
    with path.open("ab") as file:
        file.write(frame(event.SerializeToString()))
    client, _ = make_client(tmp_path)
    assert [run["run"] for run in client.get(ROUTE_PREFIX + "index").json["runs"]] == [RUN]
    body = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert [step["status"] for step in body["steps"]] == ["ok"] * 3


def test_an_atlas_comes_in_one_pack(client: Client, blobs: dict[int, list[bytes]]) -> None:
    response = client.get(ROUTE_PREFIX + "atlas", query_string={"id": ID, "step": "10"})
    manifest, data = unpack(response)
    assert data == blobs[10][1]
    assert manifest == json.loads(blobs[10][0][9:])
    assert response.headers["ETag"] == f'"{blobs[10][0][:8].decode()}"'


def test_every_byte_of_an_atlas_can_be_had(client: Client, blobs: dict[int, list[bytes]]) -> None:
    query = {"id": ID, "step": "20"}
    sheets = [
        client.get(ROUTE_PREFIX + "sheet", query_string={**query, "blob": str(i)})
        for i in range(3, 5)
    ]
    parts = [
        client.get(ROUTE_PREFIX + "atlas", query_string=query).data[-len(blobs[20][1]) :],
        client.get(ROUTE_PREFIX + "activations", query_string=query).data,
        *(sheet.data for sheet in sheets),
    ]
    assert decode_atlas([blobs[20][0], *parts]).step == 20
    for sheet in sheets:
        assert sheet.content_type == "image/webp"
        assert sheet.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_the_probe_and_its_thumbnails(client: Client) -> None:
    wanted = encode_probe(make_probe_pictures(20))
    manifest, data = unpack(client.get(ROUTE_PREFIX + "probe", query_string={"run": RUN_ID}))
    assert (manifest["images"], data) == (20, wanted[1])
    thumbs = client.get(ROUTE_PREFIX + "thumbs", query_string={"run": RUN_ID, "blob": "2"})
    assert (thumbs.content_type, thumbs.data) == ("image/webp", wanted[2])


def test_content_that_is_named_by_its_checksum_is_kept_for_good(
    client: Client, blobs: dict[int, list[bytes]]
) -> None:
    query = {"id": ID, "step": "10", "blob": "3"}
    named = client.get(ROUTE_PREFIX + "sheet", query_string={**query, "v": checksum(blobs[10][3])})
    assert named.headers["Cache-Control"] == "private, max-age=31536000"
    unnamed = client.get(ROUTE_PREFIX + "sheet", query_string=query)
    assert unnamed.headers["Cache-Control"] == "no-cache, must-revalidate"
    other = client.get(ROUTE_PREFIX + "sheet", query_string={**query, "v": "00000000"})
    assert (other.status_code, other.json) == (404, NOT_FOUND)


@pytest.mark.parametrize("route", ["index", "atlas", "sheet", "activations", "index.js"])
def test_what_a_client_has_is_not_sent_again(route: str, client: Client) -> None:
    query = {"id": ID, "step": "10", "blob": "3"}
    first = client.get(ROUTE_PREFIX + route, query_string=query)
    own = first.headers["ETag"]
    for tag in (own, f"W/{own}", "*", f'"x", {own}'):
        again = client.get(ROUTE_PREFIX + route, query_string=query, headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["X-Content-Type-Options"] == "nosniff"
    changed = client.get(
        ROUTE_PREFIX + route, query_string=query, headers={"If-None-Match": '"other"'}
    )
    assert (changed.status_code, changed.data) == (200, first.data)


def test_head_returns_the_length_and_sends_nothing(client: Client) -> None:
    query = {"id": ID, "step": "10"}
    full, head = (
        call(ROUTE_PREFIX + "activations", query_string=query) for call in (client.get, client.head)
    )
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(full.data))
    assert head.headers["ETag"] == full.headers["ETag"]


def test_what_is_not_there_has_one_response(client: Client) -> None:
    probe_id = series_id(RUN, PROBE_TAG)
    queries = [
        ("history", {"id": "s" + "0" * 16}),
        ("history", {"id": probe_id}),
        ("atlas", {"id": ID, "step": "11"}),
        ("atlas", {"id": ID, "step": "-" + "9" * 19}),
        ("atlas", {"id": probe_id, "step": "0"}),
        ("activations", {"id": "s" + "f" * 16, "step": "0"}),
        *[
            ("sheet", {"id": ID, "step": "10", "blob": blob})
            for blob in ("0", "1", "2", "5", "999")
        ],
        ("probe", {"run": "r" + "0" * 16}),
        ("shortcuts", {"id": ID, "step": "10"}),
        ("patches", {"id": ID, "step": "10", "blob": "1"}),
        *[("thumbs", {"run": RUN_ID, "blob": blob}) for blob in ("0", "1", "3")],
    ]
    for route, query in queries:
        response = client.get(ROUTE_PREFIX + route, query_string=query)
        assert (response.status_code, response.json) == (404, NOT_FOUND), (route, query)
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def rewritten(log_dir: Path, change: Callable[[int, list[bytes]], list[bytes]]) -> None:
    sink = EventSink(log_dir / RUN)
    for step in STEPS:
        atlas = make_atlas(step, layer="layer1", samples=60, grids=(3, 6))
        sink.write(layer_tag("layer1"), change(step, encode_atlas(atlas)), step)
    sink.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda b: [b[0][:-1] + b"?", *b[1:]], "manifest: checksum"),
        (lambda b: [b""], "manifest: no checksum line"),
        (lambda b: b[:-1], "3 blobs behind the manifest, it lists 4"),
        (lambda b: encode_probe(make_probe_pictures(3)), "a probe where an atlas should be"),
    ],
)
def test_a_damaged_manifest_is_reported_in_the_history(
    change: Callable[[list[bytes]], list[bytes]], reason: str, tmp_path: Path
) -> None:
    rewritten(tmp_path, lambda step, b: change(b) if step == 10 else b)
    client = make_client(tmp_path)[0]
    steps = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json["steps"]
    assert [step["status"] for step in steps] == ["ok", "damaged", "ok"]
    assert steps[1]["reason"].startswith(reason)
    assert steps[1]["samples"] is None
    for route in ("atlas", "activations"):
        response = client.get(ROUTE_PREFIX + route, query_string={"id": ID, "step": "10"})
        assert (response.status_code, response.json["error"]["kind"]) == (422, "damaged")
    unpack(client.get(ROUTE_PREFIX + "atlas", query_string={"id": ID, "step": "20"}))


def test_a_sequence_without_blobs_is_left_out(tmp_path: Path) -> None:
    """A run that was taken up again has one in place of what is void."""
    rewritten(tmp_path, lambda step, b: [] if step == 10 else b)
    client = make_client(tmp_path)[0]
    steps = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json["steps"]
    assert [(step["step"], step["status"]) for step in steps] == [(0, "ok"), (20, "ok")]
    assert (
        client.get(ROUTE_PREFIX + "atlas", query_string={"id": ID, "step": "10"}).status_code == 404
    )


def test_a_damaged_blob_is_never_sent_and_remembered(tmp_path: Path) -> None:
    def flip(step: int, parts: list[bytes]) -> list[bytes]:
        if step == 10:
            parts[3] = parts[3][:-1] + bytes([parts[3][-1] ^ 1])
        return parts

    rewritten(tmp_path, flip)
    client = make_client(tmp_path)[0]
    history = {"path": ROUTE_PREFIX + "history", "query_string": {"id": ID}}
    assert client.get(**history).json["steps"][1]["status"] == "ok"
    query = {"id": ID, "step": "10", "blob": "3"}
    response = client.get(ROUTE_PREFIX + "sheet", query_string=query)
    assert response.status_code == 422
    message = response.json["error"]["message"]
    assert message.startswith("blob 3 (sheet, grid 3): checksum ")
    step = client.get(**history).json["steps"][1]
    assert (step["status"], step["reason"], step["samples"]) == ("damaged", message, 60)


def test_a_newer_wire_version_is_reported(tmp_path: Path) -> None:
    text = b'{"kind":"atlas","version":9}'
    newer = [checksum(text).encode() + b"\n" + text]
    rewritten(tmp_path, lambda step, b: newer if step == 10 else b)
    client = make_client(tmp_path)[0]
    body = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert [step["status"] for step in body["steps"]] == ["ok", "too_new", "ok"]
    response = client.get(ROUTE_PREFIX + "atlas", query_string={"id": ID, "step": "10"})
    assert (response.status_code, response.json["error"]["kind"]) == (422, "too_new")


@pytest.mark.parametrize("shape", [[3, 1], [2**40], [2**20], []])
def test_a_tensor_of_another_shape_hurts_only_itself(shape: list[int], tmp_path: Path) -> None:
    written = write_run(tmp_path)
    write_run(tmp_path, "forged/atlas")
    (path,) = (tmp_path / "forged" / "atlas").iterdir()
    event = Event.FromString([record.payload for record in scan_records(path)][-1])
    event.step = 30
    del event.summary.value[0].tensor.tensor_shape.dim[:]
    for size in shape:
        event.summary.value[0].tensor.tensor_shape.dim.add(size=size)
    with path.open("ab") as file:
        file.write(frame(event.SerializeToString()))
    client = make_client(tmp_path)[0]
    _, data = unpack(client.get(ROUTE_PREFIX + "atlas", query_string={"id": ID, "step": "10"}))
    assert data == written[10][1]
    forged = series_id("forged/atlas", layer_tag("layer1"))
    response = client.get(ROUTE_PREFIX + "atlas", query_string={"id": forged, "step": "30"})
    assert response.status_code in (404, 422)
    assert client.get(ROUTE_PREFIX + "history", query_string={"id": forged}).status_code == 200


def test_untrusted_names_are_only_text(tmp_path: Path) -> None:
    layer = "</script><img src=x onerror=alert(1)>\u202e\0" + "x" * 100_000
    sink = EventSink(tmp_path / "<b>run")
    atlas = make_atlas(1, layer=layer, samples=20, grids=(3,))
    sink.write(layer_tag(layer), encode_atlas(atlas), 1)
    sink.close()
    client = make_client(tmp_path)[0]
    (run,) = client.get(ROUTE_PREFIX + "index").json["runs"]
    assert (run["run"], run["series"][0]["layer"]) == ("<b>run", layer)
    query = {"id": run["series"][0]["id"], "step": "1"}
    assert unpack(client.get(ROUTE_PREFIX + "atlas", query_string=query))[0]["layer"] == layer


def test_identical_requests_under_way_cause_one_read(
    written: tuple[Path, dict[int, list[bytes]]],
) -> None:
    client, provider = make_client(written[0])
    client.get(ROUTE_PREFIX + "index")
    provider.calls.clear()
    provider.gate = threading.Event()
    statuses: list[int] = []
    query = {"id": ID, "step": "10"}

    def send_request() -> None:
        statuses.append(client.get(ROUTE_PREFIX + "activations", query_string=query).status_code)

    threads = [threading.Thread(target=send_request) for _ in range(8)]
    for thread in threads:
        thread.start()
    provider.gate.set()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert provider.calls.count("read_blob") == 2  # the manifest and the activations


def test_a_blob_is_read_once(written: tuple[Path, Any]) -> None:
    client, provider = make_client(written[0])
    for _ in range(3):
        client.get(ROUTE_PREFIX + "history", query_string={"id": ID})
    assert provider.calls.count("read_blob") == len(STEPS)


def test_a_tab_without_data_costs_nothing(tmp_path: Path) -> None:
    provider = CountingProvider(tmp_path)
    plugin = AtlasPlugin(TBContext(data_provider=provider))
    assert plugin.is_active() is False
    assert plugin.data_plugin_names() == ("atlas",)
    assert plugin.frontend_metadata().es_module_path in plugin.get_plugin_apps()
    assert plugin.frontend_metadata().tab_name == "Atlas"
    assert provider.calls == []


def test_ids_distinguish_run_and_tag() -> None:
    assert series_id("a", "bc") != series_id("ab", "c")
    assert run_id("a") != series_id("a", "")
    assert np.unique([series_id(f"run{i}", "t") for i in range(1000)]).size == 1000


def test_loading_with_a_provider_gives_the_plugin(tmp_path: Path) -> None:
    context = TBContext(data_provider=CountingProvider(tmp_path))
    loaded, whole = AtlasLoader().load(context), AtlasPlugin(context)
    assert loaded.get_plugin_apps().keys() == whole.get_plugin_apps().keys()
    for name in ("plugin_name", "is_active", "data_plugin_names", "frontend_metadata"):
        found, wanted = getattr(loaded, name), getattr(whole, name)
        assert (found() if callable(found) else found) == (wanted() if callable(wanted) else wanted)
