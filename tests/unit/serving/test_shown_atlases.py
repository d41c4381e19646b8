# SPDX-License-Identifier: Apache-2.0
"""Routes of atlases that the tab gets in another form than the log holds."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_damage import rewrite_manifest
from large_atlases import make_large_atlas
from route_client import NOT_FOUND, ROUTE_PREFIX, RUN, make_client
from safetensors.numpy import load
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.export.event_provider import EventProvider, scan_log
from tensorboard_plugin_atlas.export.export_selection import Omissions
from tensorboard_plugin_atlas.export.responses import record_responses
from tensorboard_plugin_atlas.log_names import Revision, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving import routes as routes_module
from tensorboard_plugin_atlas.serving import shown_atlases
from tensorboard_plugin_atlas.serving.routes import DataRoutes
from tensorboard_plugin_atlas.serving.series_reader import series_id
from tensorboard_plugin_atlas.wire import shown_samples
from tensorboard_plugin_atlas.wire.atlas_codec import checksum, encode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts
from tensorboard_plugin_atlas.wire.shown_samples import choose_shown

SAMPLES, STORED, SHOWN = 600, 300, 120
ID = series_id(RUN, layer_tag("layer3"))


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", STORED)
    monkeypatch.setattr(shown_samples, "MAX_SHOWN", SHOWN)
    monkeypatch.setattr(shown_atlases, "MAX_SHOWN", SHOWN)
    monkeypatch.setattr(routes_module, "MAX_SHOWN", SHOWN)


def write(log_dir: Path, records: Sequence[tuple[str, int, list[bytes]]]) -> None:
    sink = EventSink(log_dir / RUN)
    for tag, step, blobs in records:
        sink.write(tag, blobs, step, 1.0 + step)
    sink.close()


def make_record(step: int, **more: Any) -> tuple[Atlas, tuple[str, int, list[bytes]]]:
    atlas = make_large_atlas(SAMPLES, step=step, grids=(3, 6), seed=step, **more)
    return atlas, (layer_tag("layer3"), step, encode_atlas(atlas))


def get_tile(client: Any, step: int, tile: str, **more: str) -> Any:
    query = {"id": ID, "step": str(step), "tile": tile, **more}
    return client.get(ROUTE_PREFIX + "points", query_string=query)


def get(client: Any, route: str, step: int, **headers: str) -> Any:
    query = {"id": ID, "step": str(step)}
    return client.get(ROUTE_PREFIX + route, query_string=query, headers=headers)


def split_pack(pack: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from("<I", pack)
    assert (4 + length) % 8 == 0
    return json.loads(pack[4 : 4 + length]), pack[4 + length :]


def test_the_same_samples_are_sent_at_every_step(tmp_path: Path) -> None:
    atlases, records = zip(*(make_record(step) for step in (0, 100)), strict=True)
    write(tmp_path, records)
    client, _ = make_client(tmp_path)
    rows = choose_shown(SAMPLES)
    for atlas in atlases:
        manifest, data = split_pack(get(client, "atlas", atlas.step).data)
        arrays = load(data)
        assert manifest["samples"] == len(rows) == SHOWN
        assert manifest["blobs"][0]["crc32c"] == checksum(data)
        np.testing.assert_array_equal(arrays["xy"], atlas.xy[rows])
        np.testing.assert_array_equal(arrays["image_ids"], atlas.image_ids[rows])
        np.testing.assert_array_equal(arrays["grid6.cell_of"], atlas.grids[1].cell_of[rows])
        np.testing.assert_array_equal(arrays["grid6.counts"], atlas.grids[1].counts)
        activations = get(client, "activations", atlas.step).data
        assert manifest["blobs"][1]["crc32c"] == checksum(activations)
        stored = load(activations)
        values = stored["codes"] * stored["scale"] + stored["offset"]
        np.testing.assert_array_equal(values.astype(np.float16), atlas.activations[rows])


def test_the_etag_is_the_checksum_of_what_is_sent(tmp_path: Path) -> None:
    _, record = make_record(0)
    write(tmp_path, [record])
    client, _ = make_client(tmp_path)
    response = get(client, "atlas", 0)
    (length,) = struct.unpack_from("<I", response.data)
    text = response.data[4 : 4 + length].rstrip(b" ")
    assert response.headers["ETag"] == f'"{checksum(text)}"'
    assert response.headers["ETag"] != f'"{record[2][0][:8].decode()}"'
    etag = {"If-None-Match": response.headers["ETag"]}
    assert get(client, "atlas", 0, **etag).status_code == 304
    activations = get(client, "activations", 0)
    assert activations.headers["ETag"] == f'"{checksum(activations.data)}"'


def test_the_map_is_gzipped_for_clients_that_accept_it(tmp_path: Path) -> None:
    write(tmp_path, [make_record(0)[1]])
    client, _ = make_client(tmp_path)
    plain = get(client, "atlas", 0)
    packed = get(client, "atlas", 0, **{"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    tags = [one.headers["ETag"].strip('"') for one in (plain, packed)]
    assert tags[1] == f"{tags[0]}-gzip"
    for accepted, known, status in (("gzip", 1, 304), ("gzip", 0, 200), ("br", 0, 304)):
        headers = {"Accept-Encoding": accepted, "If-None-Match": f'"{tags[known]}"'}
        assert get(client, "atlas", 0, **headers).status_code == status
    assert len(packed.data) < 0.7 * len(plain.data)
    assert {one.headers["Vary"] for one in (plain, packed)} == {"Accept-Encoding"}
    assert get(client, "activations", 0, **{"Accept-Encoding": "gzip"}).data == (
        get(client, "activations", 0).data
    )


def test_the_history_counts_all_samples(tmp_path: Path) -> None:
    write(tmp_path, [make_record(0)[1]])
    client, _ = make_client(tmp_path)
    history = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert [one["samples"] for one in history["steps"]] == [SAMPLES]


def test_a_small_atlas_in_the_compact_form_is_sent_in_the_plain_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 50)
    atlas = make_large_atlas(100, grids=(3,))
    write(tmp_path, [(layer_tag("layer3"), 0, encode_atlas(atlas.replace(step=0)))])
    client, _ = make_client(tmp_path)
    manifest, data = split_pack(get(client, "atlas", 0).data)
    assert (manifest["samples"], manifest["provenance"]["notes"]) == (
        100,
        ["synthetic: many samples"],
    )
    np.testing.assert_array_equal(load(data)["xy"], atlas.xy)
    values = load(get(client, "activations", 0).data)["values"]
    np.testing.assert_array_equal(values, atlas.activations)


def test_a_small_atlas_is_sent_as_it_is(tmp_path: Path) -> None:
    atlas = make_large_atlas(SHOWN, grids=(3,), step=0)
    blobs = encode_atlas(atlas)
    write(tmp_path, [(layer_tag("layer3"), 0, blobs)])
    client, _ = make_client(tmp_path)
    response = get(client, "atlas", 0)
    assert response.data.endswith(blobs[1])
    assert response.headers["ETag"] == f'"{blobs[0][:8].decode()}"'
    assert get(client, "activations", 0).data == blobs[2]


def test_large_blobs_are_read_once_and_not_cached(tmp_path: Path) -> None:
    write(tmp_path, [make_record(0)[1]])
    client, provider = make_client(tmp_path)
    for route in ("atlas", "activations", "atlas"):
        assert get(client, route, 0).status_code == 200
    assert provider.calls.count("read_blob") == 3  # the manifest, the map, and the activations
    for tile in ("1.0.0", "1.0.0", "2.1.1"):
        assert get_tile(client, 0, tile).status_code == 200
    assert provider.calls.count("read_blob") == 4  # the map once more, for all tiles


def test_requests_at_the_same_time_decode_one_atlas_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (0, 10, 20, 30)
    write(tmp_path, [make_record(step)[1] for step in steps])
    client, _ = make_client(tmp_path)
    running, most, lock = 0, 0, threading.Lock()
    show = shown_atlases.show_samples

    def watch(*arguments: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        found = show(*arguments)
        with lock:
            running -= 1
        return found

    monkeypatch.setattr(shown_atlases, "show_samples", watch)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda s=step, r=route: found.append(get(client, r, s).status_code))
        for step in steps
        for route in ("atlas", "activations", "atlas")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == [200] * len(threads)
    assert most == 1


def test_damage_is_reported_and_listed_in_the_history(tmp_path: Path) -> None:
    tag, step, blobs = make_record(0)[1]
    at = blobs[1].index(b'"xy_codes"')
    begin = int(blobs[1][at:].split(b'"data_offsets":[')[1].split(b",")[0])
    start = 8 + int.from_bytes(blobs[1][:8], "little") + begin
    moved = blobs[1][:start] + bytes(400) + blobs[1][start + 400 :]
    write(tmp_path, [(tag, step, rewrite_manifest([blobs[0], moved, blobs[2]]))])
    client, _ = make_client(tmp_path)
    response = get(client, "atlas", 0)
    assert response.status_code == 422
    assert response.json["error"]["message"] == "grid 3: its counts are not the numbers of members"
    assert get_tile(client, 0, "1.0.0").json == response.json
    history = client.get(ROUTE_PREFIX + "history", query_string={"id": ID}).json
    assert [one["status"] for one in history["steps"]] == ["damaged"]


def test_a_probe_where_an_atlas_should_be_is_damage(tmp_path: Path) -> None:
    from synthetic_atlases import make_probe_pictures

    from tensorboard_plugin_atlas.wire.atlas_codec import encode_probe

    write(tmp_path, [(layer_tag("layer3"), 0, encode_probe(make_probe_pictures(4)))])
    client, _ = make_client(tmp_path)
    assert [get(client, route, 0).status_code for route in ("atlas", "activations")] == [422, 422]
    assert get_tile(client, 0, "1.0.0").status_code == 422


def test_shortcuts_refer_to_the_samples_that_are_sent(tmp_path: Path) -> None:
    rows = choose_shown(SAMPLES).tolist()
    hidden = min(set(range(SAMPLES)) - set(rows))
    record = make_shortcuts(100)
    first = dataclasses.replace(record.found[0], samples=(rows[5], hidden, rows[0]))
    blobs = encode_shortcuts(dataclasses.replace(record, found=(first, *record.found[1:])))
    write(tmp_path, [make_record(100)[1], (shortcuts_tag("layer3"), 100, blobs)])
    client, _ = make_client(tmp_path)
    response = get(client, "shortcuts", 100)
    assert response.json["found"][0]["samples"] == [5, 0]
    assert response.headers["ETag"] == f'"{checksum(response.data)}"'


def test_tiles_hold_all_other_samples(tmp_path: Path) -> None:
    atlas, record = make_record(0)
    write(tmp_path, [record])
    client, _ = make_client(tmp_path)
    found: list[list[int]] = []
    for column, row in itertools.product("01", "01"):
        response = get_tile(client, 0, f"1.{column}.{row}")
        arrays = load(response.data)
        assert arrays["hidden"][0] == len(arrays["points"])
        assert response.headers["ETag"] == f'"{checksum(response.data)}"'
        assert response.headers["Cache-Control"] == "no-cache, must-revalidate"
        found += arrays["points"][:, :2].tolist()
    shown = set(choose_shown(SAMPLES).tolist())
    hidden = [row for row in range(SAMPLES) if row not in shown]
    codes = np.rint(atlas.xy[hidden] * np.float64(65_535)).astype(int).tolist()
    assert sorted(found) == sorted(codes)


def test_tiles_of_the_map_that_the_tab_has_may_be_cached_forever(tmp_path: Path) -> None:
    write(tmp_path, [make_record(0)[1]])
    client, _ = make_client(tmp_path)
    mark = split_pack(get(client, "atlas", 0).data)[0]["blobs"][0]["crc32c"]
    response = get_tile(client, 0, "1.0.1", v=mark)
    assert response.headers["Cache-Control"] == "private, max-age=31536000"
    assert response.data == get_tile(client, 0, "1.0.1").data
    other = get_tile(client, 0, "1.0.1", v="00000000")
    assert (other.status_code, other.json) == (404, NOT_FOUND)


def test_tiles_of_a_replaced_revision_are_found_by_its_mark(tmp_path: Path) -> None:
    _, (tag, step, blobs) = make_record(0)
    moved = make_large_atlas(SAMPLES, step=0, grids=(3, 6), seed=9)
    write(tmp_path, [(layer_tag("layer3", Revision.PRELIMINARY), step, blobs)])
    client, _ = make_client(tmp_path)
    mark = split_pack(get(client, "atlas", 0).data)[0]["blobs"][0]["crc32c"]
    before = get_tile(client, 0, "1.0.0", v=mark)
    assert before.status_code == 200
    write(tmp_path, [(tag, step, encode_atlas(moved))])
    client, _ = make_client(tmp_path)
    assert get_tile(client, 0, "1.0.0", v=mark).data == before.data
    assert get_tile(client, 0, "1.0.0").data != before.data


def test_an_atlas_that_the_tab_has_as_a_whole_has_empty_tiles(tmp_path: Path) -> None:
    atlas = make_large_atlas(SHOWN, grids=(3,), step=0)
    write(tmp_path, [(layer_tag("layer3"), 0, encode_atlas(atlas))])
    client, provider = make_client(tmp_path)
    arrays = load(get_tile(client, 0, "1.0.0").data)
    assert (arrays["points"].shape, arrays["hidden"].tolist()) == ((0, 6), [0])
    assert provider.calls.count("read_blob") == 1  # the manifest


def test_classes_that_do_not_fit_in_a_tile_have_no_points(tmp_path: Path) -> None:
    atlas, (tag, step, _) = make_record(0)
    labels = np.full(SAMPLES, 70_000, np.int32)
    large = atlas.replace(samples=dataclasses.replace(atlas.samples, labels=labels), classes=None)
    write(tmp_path, [(tag, step, encode_atlas(large))])
    client, _ = make_client(tmp_path)
    assert get(client, "atlas", 0).status_code == 200
    response = get_tile(client, 0, "1.0.0")
    assert (response.status_code, response.json) == (404, NOT_FOUND)


@pytest.mark.parametrize("tile", ["", "0.0.0", "8.0.0", "3.8.0", "3.0.8", "3.0", "3.0.0.0", "a"])
def test_other_tiles_are_malformed(tile: str, tmp_path: Path) -> None:
    write(tmp_path, [make_record(0)[1]])
    response = get_tile(make_client(tmp_path)[0], 0, tile)
    assert response.status_code == 400
    assert response.json["error"] == {
        "kind": "bad_request",
        "message": "Pass tile once, as level.column.row of a tile, with a level from 1 to 7, "
        "such as 3.0.7.",
    }


def test_an_exported_page_has_no_tiles(tmp_path: Path) -> None:
    write(tmp_path, [make_record(0)[1]])
    routes = DataRoutes(EventProvider(scan_log(tmp_path)))
    assert "points" not in {one.route for one in record_responses(routes, Omissions())}


def test_an_exported_page_has_the_same_selection(tmp_path: Path) -> None:
    write(tmp_path, [make_record(0)[1]])
    routes = DataRoutes(EventProvider(scan_log(tmp_path)))
    found = {one.route: one for one in record_responses(routes, Omissions())}
    client, _ = make_client(tmp_path)
    for route in ("atlas", "activations"):
        assert found[route].data == get(client, route, 0).data
