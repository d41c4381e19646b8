# SPDX-License-Identifier: Apache-2.0
"""The recorded responses are those of the plugin, except for grids that are left out."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_damage import rewrite_manifest
from exported_pages import (
    GRIDS,
    LAYERS,
    SHORTCUT_STEPS,
    STEPS,
    ParsedPage,
    make_tiny_atlas,
    parse_page,
    write_small_log,
)
from route_client import ROUTE_PREFIX, make_client
from safetensors.numpy import load
from synthetic_atlases import make_probe_pictures
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas.export.event_provider import EventProvider, scan_log
from tensorboard_plugin_atlas.export.export_selection import Omissions
from tensorboard_plugin_atlas.export.html_export import export_html
from tensorboard_plugin_atlas.export.responses import (
    RecordedResponse,
    record_responses,
    trim_grids,
)
from tensorboard_plugin_atlas.log_names import (
    CHILD_RUN,
    PROBE_TAG,
    Revision,
    layer_tag,
    refined_run,
    shortcuts_tag,
)
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving.routes import DataRoutes
from tensorboard_plugin_atlas.wire.atlas_codec import checksum, encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.refinement_mark import REFINES
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

NEWER = b'{"kind":"atlas","version":9}'


def export(log_dir: Path, **options: Any) -> ParsedPage:
    output = log_dir / "page.html"
    export_html(log_dir, output, force=True, **options)
    return parse_page(output)


def check_against_plugin(log_dir: Path, page: ParsedPage) -> None:
    """Compares every response in the page with that of the plugin, through HTTP."""
    client, _ = make_client(log_dir)
    for request, (status, body) in page.responses.items():
        response = client.get(ROUTE_PREFIX + request)
        assert (response.status_code, response.data) == (status, body), request


def flip_bit(blobs: list[bytes], index: int) -> list[bytes]:
    blob = bytearray(blobs[index])
    blob[len(blob) // 2] ^= 1
    return [*blobs[:index], bytes(blob), *blobs[index + 1 :]]


def test_they_are_equal_byte_for_byte(tmp_path: Path) -> None:
    write_small_log(tmp_path)
    write_small_log(tmp_path, "other/run", (3,))
    page = export(tmp_path)
    check_against_plugin(tmp_path, page)
    atlases = len(LAYERS) * (len(STEPS) + 1)
    counts = {
        "index": 1,
        "history": 2 * len(LAYERS),
        "probe": 2,
        "thumbs": 2,
        "atlas": atlases,
        "activations": atlases,
        "sheet": atlases * len(GRIDS),
        "shortcuts": len(SHORTCUT_STEPS),
        "patches": len(SHORTCUT_STEPS),
    }
    assert {route: len(page.of_route(route)) for route in counts} == counts
    assert sum(counts.values()) == len(page.responses)


def test_refined_and_preliminary_atlases_are_equal(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "exp" / CHILD_RUN)
    logged = encode_atlas(make_tiny_atlas(0))
    sink.write(layer_tag("layer3", Revision.PRELIMINARY, 1), logged, 0, 1.0)
    sink.write(layer_tag("layer3", sequence=1), logged, 0, 2.0)
    sink.write(layer_tag("layer3", Revision.PRELIMINARY), encode_atlas(make_tiny_atlas(5)), 5, 3.0)
    sink.close()
    for number, mark in enumerate((checksum(b"another"), logged[0][:8].decode(), "x"), start=1):
        atlas = make_tiny_atlas(0, tile=8 + number)
        atlas.provenance.layer_info[REFINES] = mark  # type: ignore[index]
        sink = EventSink(tmp_path / refined_run("exp/atlas", number))
        sink.write(layer_tag("layer3", Revision.REFINED), encode_atlas(atlas), 0, 3.0 + number)
        sink.close()
    page = export(tmp_path)
    check_against_plugin(tmp_path, page)
    assert page.steps() == [0, 5]
    history = json.loads(next(iter(page.of_route("history").values()))[1])
    assert [one["revision"] for one in history["steps"]] == ["refined", "preliminary"]


def write_damaged_log(log_dir: Path) -> None:
    """Writes probe images, atlases, and shortcuts with damage of each kind."""
    sink = EventSink(log_dir / "exp" / CHILD_RUN)
    sink.write(PROBE_TAG, flip_bit(encode_probe(make_probe_pictures(40)), 2), 0)
    records = [encode_atlas(make_tiny_atlas(step, sequence=step + 1)) for step in range(8)]
    records[1] = flip_bit(records[1], 0)  # manifest
    records[2] = flip_bit(records[2], 1)  # map
    records[3] = flip_bit(records[3], 2)  # activations
    records[4] = flip_bit(records[4], 3)  # icons
    records[5] = [checksum(NEWER).encode() + b"\n" + NEWER]
    records[6] = records[6][:-1]
    records[7] = rewrite_manifest(records[7], lambda document: document.update(step=1))
    for step, blobs in enumerate(records):
        sink.write(layer_tag("layer3"), blobs, step, float(step))
    for step in (0, 1):
        blobs = flip_bit(encode_shortcuts(make_shortcuts(step)), step)
        sink.write(shortcuts_tag("layer3"), blobs, step, float(step))
    sink.close()


def test_damage_is_reported_as_by_the_plugin(tmp_path: Path) -> None:
    write_damaged_log(tmp_path)
    page = export(tmp_path)
    check_against_plugin(tmp_path, page)
    assert page.steps() == list(range(8))
    kinds = {
        request: json.loads(body)["error"]["kind"]
        for request, (status, body) in page.responses.items()
        if status == 422
    }
    (thumbs,) = page.of_route("thumbs")
    series = page.index[0]["series"][0]["id"]
    assert kinds == {
        thumbs: "damaged",
        **{f"atlas?id={series}&step={step}": "damaged" for step in (1, 2, 6, 7)},
        f"atlas?id={series}&step=5": "too_new",
        **{f"activations?id={series}&step={step}": "damaged" for step in (1, 3, 6, 7)},
        f"activations?id={series}&step=5": "too_new",
        **{request: "damaged" for request in page.of_route("sheet") if "step=4&blob=3" in request},
        f"shortcuts?id={series}&step=0": "damaged",
        **dict.fromkeys(page.of_route("patches"), "damaged"),
    }
    intact = [request for request, (status, _) in page.of_route("sheet").items() if status == 200]
    assert len(intact) == 3 * len(GRIDS) - 1  # the maps of steps 0, 3 and 4 are intact


@pytest.mark.parametrize("every", [1, 2])
def test_damage_does_not_stop_a_smaller_page(every: int, tmp_path: Path) -> None:
    write_damaged_log(tmp_path)
    page = export(tmp_path, every=every, activations=False, max_megabytes=100)
    assert page.steps() == (list(range(8)) if every == 1 else [0, 2, 4, 6, 7])
    assert page.of_route("activations") == {}


def record_atlas(omissions: Omissions, tmp_path: Path, grids: tuple[int, ...]) -> RecordedResponse:
    sink = EventSink(tmp_path / CHILD_RUN)
    sink.write(layer_tag("layer3"), encode_atlas(make_tiny_atlas(5, grids=grids)), 5)
    sink.close()
    routes = DataRoutes(EventProvider(scan_log(tmp_path)))
    (atlas,) = (one for one in record_responses(routes, omissions) if one.route == "atlas")
    return atlas


def unpack(atlas: RecordedResponse) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    (length,) = struct.unpack_from("<I", atlas.data)
    assert (4 + length) % 8 == 0  # arrays are aligned for the tab
    return json.loads(atlas.data[4 : 4 + length]), load(atlas.data[4 + length :])


def test_finer_grids_are_trimmed_and_nothing_else(tmp_path: Path) -> None:
    whole = record_atlas(Omissions(), tmp_path, (2, 4, 8, 16))
    manifest, arrays = unpack(whole)
    for largest, kept in ((16, (2, 4, 8, 16)), (8, (2, 4, 8)), (7, (2, 4)), (1, (2,))):
        trimmed_manifest, trimmed = unpack(trim_grids(whole, largest))
        assert [grid["size"] for grid in trimmed_manifest["grids"]] == list(kept)
        rest = [grid for grid in manifest["grids"] if grid["size"] in kept]
        assert trimmed_manifest == {**manifest, "grids": rest}
        left_out = tuple(f"grid{size}." for size in (2, 4, 8, 16) if size not in kept)
        assert set(trimmed) == {name for name in arrays if not name.startswith(left_out)}
        assert len(trimmed) < len(arrays) or kept == (2, 4, 8, 16)
        for name, array in trimmed.items():
            assert array.dtype == arrays[name].dtype
            np.testing.assert_array_equal(array, arrays[name])
    assert trim_grids(whole, None) is whole
    assert trim_grids(whole, 16) is whole


def test_sheets_of_trimmed_grids_are_left_out(tmp_path: Path) -> None:
    write_small_log(tmp_path)
    routes = DataRoutes(EventProvider(scan_log(tmp_path)))
    found = list(record_responses(routes, Omissions(activations=True, largest_grid=2)))
    assert {one.grid for one in found if one.route == "sheet"} == {2}
    assert {one.route for one in found} == {
        *("index", "history", "probe", "thumbs", "atlas", "sheet", "shortcuts", "patches")
    }
    whole = list(record_responses(routes, Omissions()))
    assert {one.grid for one in whole if one.route == "sheet"} == set(GRIDS)
    # The manifest of a trimmed atlas still lists all blobs, so numbers of sheets do not change.
    requests = {one.request: one.data for one in whole}
    assert all(requests[one.request] == one.data for one in found if one.route != "atlas")


def test_a_damaged_atlas_is_not_trimmed() -> None:
    damaged = RecordedResponse(route="atlas", request="atlas", status=422, data=b"{}")
    assert trim_grids(damaged, 2) is damaged


def test_each_response_knows_its_atlas(tmp_path: Path) -> None:
    """Responses of one atlas and its shortcuts have its series and step, all others have none."""
    write_small_log(tmp_path)
    routes = DataRoutes(EventProvider(scan_log(tmp_path)))
    for one in record_responses(routes, Omissions()):
        if one.route in ("atlas", "activations", "sheet", "shortcuts", "patches"):
            assert one.request.startswith(f"{one.route}?id={one.series}&step={one.step}")
        else:
            assert (one.series, one.step, one.grid) == ("", 0, 0)
