# SPDX-License-Identifier: Apache-2.0
"""Routes of shortcuts, also in a real TensorBoard with both loaders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from loaders import LOADERS, steps_by_series, wait_for_json
from route_client import NOT_FOUND, ROUTE_PREFIX, make_client
from synthetic_shortcuts import STEPS, make_shortcuts, write_shortcuts
from tensorboard_server import get, start_tensorboard
from werkzeug.test import Client

from tensorboard_plugin_atlas.log_names import layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving.series_reader import series_id
from tensorboard_plugin_atlas.wire.atlas_codec import checksum
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

RUN = "exp/atlas"
ID = series_id(RUN, layer_tag("layer3"))
OTHER = series_id(RUN, layer_tag("layer4"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log_dir = tmp_path_factory.mktemp("shortcuts")
    write_shortcuts(log_dir)
    return log_dir


@pytest.fixture
def client(log: Path) -> Client:
    return make_client(log)[0]


def blobs_of(step: int) -> list[bytes]:
    return encode_shortcuts(make_shortcuts(step))


def test_the_index_lists_their_steps_with_those_of_the_layer(client: Client) -> None:
    (run,) = client.get(ROUTE_PREFIX + "index").json["runs"]
    assert {one["layer"]: one["shortcuts"] for one in run["series"]} == {
        "layer3": [50, 100, 200],
        "layer4": [],
    }
    assert all(one["steps"] == list(STEPS) for one in run["series"])


def test_a_record_is_json_with_the_checksum_of_its_manifest_as_etag(client: Client) -> None:
    response = client.get(ROUTE_PREFIX + "shortcuts", query_string={"id": ID, "step": "100"})
    blobs = blobs_of(100)
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.json == json.loads(blobs[0][9:])
    etag = response.headers["ETag"]
    assert etag == f'"{blobs[0][:8].decode()}"'
    again = client.get(
        ROUTE_PREFIX + "shortcuts",
        query_string={"id": ID, "step": "100"},
        headers={"If-None-Match": etag},
    )
    assert (again.status_code, again.data) == (304, b"")


def test_patches_are_one_immutable_image(client: Client) -> None:
    page = blobs_of(50)[1]
    query = {"id": ID, "step": "50", "blob": "1"}
    response = client.get(ROUTE_PREFIX + "patches", query_string={**query, "v": checksum(page)})
    assert (response.content_type, response.data) == ("image/webp", page)
    assert response.headers["Cache-Control"] == "private, max-age=31536000"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("shortcuts", {"id": ID, "step": "0"}),
        ("shortcuts", {"id": ID, "step": "51"}),
        ("shortcuts", {"id": OTHER, "step": "50"}),
        ("shortcuts", {"id": series_id(RUN, shortcuts_tag("layer3")), "step": "50"}),
        ("patches", {"id": ID, "step": "0", "blob": "1"}),
        ("patches", {"id": ID, "step": "50", "blob": "0"}),
        ("patches", {"id": ID, "step": "50", "blob": "2"}),
        ("patches", {"id": ID, "step": "50", "blob": "1", "v": "00000000"}),
        ("sheet", {"id": ID, "step": "50", "blob": "1"}),
    ],
)
def test_a_missing_record_is_not_found(route: str, query: dict[str, str], client: Client) -> None:
    response = client.get(ROUTE_PREFIX + route, query_string=query)
    assert (response.status_code, response.json) == (404, NOT_FOUND)


def test_the_history_of_the_layer_does_not_list_them(client: Client) -> None:
    for series in (ID, OTHER):
        body = client.get(ROUTE_PREFIX + "history", query_string={"id": series}).json
        assert [one["status"] for one in body["steps"]] == ["ok"] * 4
        assert body["logged"] == 4


def test_a_layer_without_atlases_has_no_series(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / RUN)
    sink.write(shortcuts_tag("layer3"), blobs_of(50), 50)
    sink.close()
    client, _ = make_client(tmp_path)
    assert client.get(ROUTE_PREFIX + "index").json["runs"] == []
    query = {"id": ID, "step": "50"}
    assert client.get(ROUTE_PREFIX + "shortcuts", query_string=query).status_code == 404


def request_logged(tmp_path: Path, tag: str, step: int, blobs: list[bytes]) -> Any:
    """Logs `blobs` under `tag` and returns the response to a request for shortcuts."""
    write_shortcuts(tmp_path, steps=(0, 50))
    sink = EventSink(tmp_path / RUN)
    sink.write(tag, blobs, step)
    sink.close()
    query = {"id": ID, "step": str(step)}
    return make_client(tmp_path)[0].get(ROUTE_PREFIX + "shortcuts", query_string=query)


def test_a_record_logged_at_another_step_is_damaged(tmp_path: Path) -> None:
    response = request_logged(tmp_path, shortcuts_tag("layer3"), 60, blobs_of(100))
    assert response.status_code == 422
    assert "at step 100 was found under layer 'layer3' at step 60" in response.text


def test_a_record_of_another_layer_is_damaged(tmp_path: Path) -> None:
    blobs = encode_shortcuts(make_shortcuts(60, layer="layer9"))
    assert request_logged(tmp_path, shortcuts_tag("layer3"), 60, blobs).status_code == 422


def test_a_probe_under_the_tag_is_damaged(tmp_path: Path) -> None:
    from synthetic_atlases import make_probe_pictures

    from tensorboard_plugin_atlas.wire.atlas_codec import encode_probe

    blobs = encode_probe(make_probe_pictures(20))
    response = request_logged(tmp_path, shortcuts_tag("layer3"), 60, blobs)
    assert response.status_code == 422
    assert "its kind is probe" in response.text


def test_shortcuts_under_the_tag_of_an_atlas_damage_that_step(tmp_path: Path) -> None:
    write_shortcuts(tmp_path, steps=(0, 50))
    sink = EventSink(tmp_path / RUN)
    sink.write(layer_tag("layer3"), blobs_of(60), 60)
    sink.close()
    client, _ = make_client(tmp_path)
    body = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert [one["status"] for one in body["steps"]] == ["ok", "ok", "damaged"]
    for route in ("atlas", "activations"):
        response = client.get(ROUTE_PREFIX + route, query_string={"id": ID, "step": "60"})
        assert response.status_code == 422


@LOADERS
def test_both_loaders_serve_them(fast: bool, tmp_path: Path) -> None:
    write_shortcuts(tmp_path)
    with start_tensorboard(tmp_path, fast) as url:
        here = url + "data/plugin/atlas/"
        wanted = {(RUN, layer): list(STEPS) for layer in ("layer3", "layer4")}
        index = wait_for_json(here + "index", lambda found: steps_by_series(found) == wanted)
        index = wait_for_json(here + "index", lambda found: len(_steps(found)) == len(STEPS) - 1)
        assert _steps(index) == [50, 100, 200]
        for step in (50, 100, 200):
            blobs = blobs_of(step)
            status, headers, body = get(f"{here}shortcuts?id={ID}&step={step}")
            assert (status, json.loads(body)) == (200, json.loads(blobs[0][9:]))
            etag = headers["ETag"]
            again = get(f"{here}shortcuts?id={ID}&step={step}", **{"If-None-Match": etag})
            assert again[0] == 304
            page = get(f"{here}patches?id={ID}&step={step}&blob=1&v={checksum(blobs[1])}")
            assert (page[0], page[2]) == (200, blobs[1])
        assert get(f"{here}shortcuts?id={ID}&step=0")[0] == 404


def _steps(index: Any) -> list[int]:
    (run,) = index["runs"]
    return next(one["shortcuts"] for one in run["series"] if one["layer"] == "layer3")


def test_a_flipped_byte_that_tensorboard_does_not_detect_is_reported(tmp_path: Path) -> None:
    write_shortcuts(tmp_path)
    (path,) = (tmp_path / RUN).iterdir()
    data = bytearray(path.read_bytes())
    page = blobs_of(200)[1]  # the same at every step; the last is that of step 200
    place = bytes(data).rindex(page) + len(page) // 2
    data[place] ^= 1
    path.write_bytes(bytes(data))
    with start_tensorboard(tmp_path, True) as url:
        here = url + "data/plugin/atlas/"
        wait_for_json(here + "index", lambda found: found["runs"] and len(_steps(found)) == 3)
        status, _, body = get(f"{here}patches?id={ID}&step=200&blob=1")
        assert (status, json.loads(body)["error"]["kind"]) == (422, "damaged")
        assert get(f"{here}patches?id={ID}&step=50&blob=1")[0] == 200
