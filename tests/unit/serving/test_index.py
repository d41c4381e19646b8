# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import json
import random
import zlib
from typing import Any

import pytest

from tensorboard_plugin_atlas.serving import index
from tensorboard_plugin_atlas.serving.index import Body, IndexText
from tensorboard_plugin_atlas.serving.series_reader import Datum, Series, run_id, series_id


def series(run: str, layer: str | None, steps: int) -> Series:
    chance = random.Random(ascii((run, layer)))
    data = tuple(Datum(layer, step, chance.random(), ("key",)) for step in range(steps))
    return Series(series_id(run, layer or "probe"), run, layer, data)


def listing(*found: Series) -> dict[str, Series]:
    return {one.id: one for one in found}


def plain(found: dict[str, Series]) -> dict[str, Any]:
    """Returns the same index, built in one step."""
    runs: dict[str, dict[str, Any]] = {}
    for one in found.values():
        new = {"id": run_id(one.run), "run": one.run, "probe": False, "series": []}
        run = runs.setdefault(one.run, new)
        if one.layer is None:
            run["probe"] = bool(one.data)
            continue
        run["series"].append(
            {
                "id": one.id,
                "layer": one.layer,
                "steps": [datum.step for datum in one.data],
                "wall_times": [datum.wall_time for datum in one.data],
                "versions": [datum.version for datum in one.data],
                "shortcuts": [],
            }
        )
    return {"version": 2, "kept_limit": 200, "runs": list(runs.values())}


LISTINGS = {
    "nothing": listing(),
    "a probe alone": listing(series("a", None, 1)),
    "a probe without pictures": listing(series("a", None, 0), series("a", "x", 0)),
    "untrusted names": listing(series('"<b>\u202e\0\ud800', "</script>\\" + "x" * 100_000, 3)),
    "runs and layers": listing(
        *(series(run, layer, 120) for run in "abc" for layer in ("x", "y")), series("c", None, 1)
    ),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_the_parts_make_one_text_and_one_gzip_stream(name: str) -> None:
    body = IndexText(200).body(LISTINGS[name])
    assert json.loads(body.data) == plain(LISTINGS[name])
    assert gzip.decompress(body.gzipped) == body.data
    # Browsers read only the first member of a stream, so there must be only one.
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert stream.decompress(body.gzipped) == body.data
    assert (stream.eof, stream.unused_data) == (True, b"")


def test_it_is_not_much_larger_than_when_compressed_in_one_go() -> None:
    body = IndexText(200).body(LISTINGS["runs and layers"])
    assert len(body.gzipped) < 1.2 * len(gzip.compress(body.data, 3))


def test_only_what_changed_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str | None] = []
    real = index._series_to_json

    def count(one: Series) -> dict[str, Any]:
        written.append(one.layer)
        return real(one)

    monkeypatch.setattr(index, "_series_to_json", count)
    text = IndexText(200)
    x, y = series("a", "x", 100), series("a", "y", 100)
    first = text.body(listing(x, y))
    assert written == ["x", "y"]
    longer = series("a", "y", 101)
    second = text.body(listing(x, longer))
    assert written == ["x", "y", "y"]
    assert json.loads(second.data) == plain(listing(x, longer))
    assert first.etag != second.etag
    text.body(listing(longer))
    assert (len(written), len(text._parts)) == (3, 1)


def test_one_listing_has_one_body() -> None:
    text, found = IndexText(None), listing(series("a", "x", 5))
    body = text.body(found)
    assert text.body(found) is body
    assert isinstance(body, Body)
    assert json.loads(body.data)["kept_limit"] is None
    again = IndexText(None).body(listing(series("a", "x", 5)))
    assert again == body
