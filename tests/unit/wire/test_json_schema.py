# SPDX-License-Identifier: Apache-2.0
"""The schema that the front end is generated from: up to date, and true of what is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from route_client import ROUTE_PREFIX, make_client
from synthetic_atlases import make_atlas, make_probe_pictures
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas.analysis.class_series import Axis, ClassAtlas
from tensorboard_plugin_atlas.atlas import EVENT_KINDS, SKIP_REASONS
from tensorboard_plugin_atlas.log_names import WIRE_VERSION, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving.series_reader import series_id
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.json_schema import SCHEMA_FILE, json_schema, schema_text
from tensorboard_plugin_atlas.wire.limits import all_limits
from tensorboard_plugin_atlas.wire.manifest_types import MANIFESTS, ClassAtlasEntry
from tensorboard_plugin_atlas.wire.response_types import (
    ErrorResponse,
    HistoryResponse,
    IndexResponse,
)
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts


def test_the_schema_file_is_up_to_date() -> None:
    found = SCHEMA_FILE.read_text(encoding="utf-8")
    assert found == schema_text(), "run python -m tensorboard_plugin_atlas.wire.json_schema"


def test_every_type_and_field_is_described() -> None:
    for name, one in json_schema()["$defs"].items():
        assert one["description"].endswith("."), name
        for key, field in one["properties"].items():
            assert field["description"], f"{name}.{key}"


def test_the_schema_names_what_the_package_uses() -> None:
    schema = json_schema()
    assert schema["x-wire-version"] == WIRE_VERSION
    assert schema["x-limits"] == all_limits()
    event = schema["$defs"]["EventEntry"]["properties"]
    assert set(event["kind"]["enum"]) == set(EVENT_KINDS)
    skipped = schema["$defs"]["SkippedEntry"]["properties"]
    assert set(skipped["reason"]["enum"]) == set(SKIP_REASONS)


@pytest.mark.parametrize(
    ("kind", "blobs"),
    [
        ("atlas", encode_atlas(make_atlas(100, samples=60, grids=(3, 6), tile=8))),
        ("probe", encode_probe(make_probe_pictures(12))),
        ("shortcuts", encode_shortcuts(make_shortcuts(100))),
    ],
)
def test_written_manifests_hold_just_the_keys_of_the_schema(kind: str, blobs: list[bytes]) -> None:
    document = json.loads(blobs[0][9:])
    found = msgspec.to_builtins(msgspec.convert(document, MANIFESTS[kind]))
    assert document == json.loads(json.dumps(found))


def test_a_class_atlas_states_what_the_schema_has() -> None:
    stated = ClassAtlas(
        layer="a",
        classes=(1, 0),
        names=("b", "c"),
        rule="top",
        axis=Axis(left=0, right=1, reach=2.5, trustworthiness=0.9),
    ).as_dict()
    entry = msgspec.convert(stated, ClassAtlasEntry)
    assert json.loads(json.dumps(msgspec.to_builtins(entry))) == stated


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    sink = EventSink(folder / "exp" / "atlas")
    for number, step in enumerate((0, 10), start=1):
        atlas = make_atlas(step, samples=60, grids=(3,), tile=8, sequence=number)
        sink.write(layer_tag("layer3"), encode_atlas(atlas), step)
    sink.close()
    return folder


@pytest.mark.parametrize(
    ("route", "kind"),
    [("index", IndexResponse), ("history", HistoryResponse), ("nowhere", ErrorResponse)],
)
def test_responses_hold_just_the_keys_of_the_schema(
    route: str, kind: type[msgspec.Struct], log_dir: Path
) -> None:
    client, _ = make_client(log_dir)
    id_ = series_id("exp/atlas", layer_tag("layer3" if route != "nowhere" else "layer4"))
    query = {} if route == "index" else {"id": id_}
    path = ROUTE_PREFIX + ("history" if route == "nowhere" else route)
    body: Any = client.get(path, query_string=query).json
    found = msgspec.to_builtins(msgspec.convert(body, kind))
    assert body == json.loads(json.dumps(found))
