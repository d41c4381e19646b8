# SPDX-License-Identifier: Apache-2.0
"""The first and last atlas of a series are always kept, even if TensorBoard keeps few steps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from synthetic_atlases import make_atlas
from synthetic_shortcuts import make_shortcuts
from tensorboard_server import get, start_tensorboard
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, read_atlases, read_shortcuts
from tensorboard_plugin_atlas.log_names import Revision, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine
from tensorboard_plugin_atlas.logs.event_file import EventSink, read_events
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.logs.resume import find_last_atlases, find_last_shortcuts, purge_steps
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

LOADERS = pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
FEW = "--samples_per_plugin=atlas=5"


def log(directory: Path, steps: range | tuple[int, ...], sequence: int = 1) -> None:
    """Logs atlases of a layer with preliminary revisions and shortcuts, as the writer does."""
    sink = EventSink(directory)
    for number, step in enumerate(steps, start=sequence):
        for layer in ("a", "b"):
            atlas = make_atlas(step, layer=layer, samples=20, grids=(2,), tile=4, sequence=number)
            blobs = encode_atlas(atlas)
            sink.write(layer_tag(layer, Revision.PRELIMINARY, number), blobs, step)
            sink.write(layer_tag(layer, sequence=number), blobs, step)
        shortcuts = encode_shortcuts(make_shortcuts(step, layer="a"))
        sink.write(shortcuts_tag("a", number), shortcuts, step)
    sink.close()


def until(url: str, is_done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Waits until the index satisfies `is_done`; returns its series by layer."""
    deadline = time.monotonic() + 120
    while True:
        status, _, body = get(url + "data/plugin/atlas/index")
        runs = json.loads(body)["runs"] if status == 200 else []
        series = {one["layer"]: one for run in runs for one in run["series"]}
        if series and is_done(series):
            return series
        assert time.monotonic() < deadline, series
        time.sleep(0.2)


@LOADERS
def test_few_steps_are_kept_and_the_first_is_one(fast: bool, tmp_path: Path) -> None:
    log(tmp_path / "atlas", range(70, 470, 10))
    with start_tensorboard(tmp_path, fast, FEW) as url:
        series = until(url, lambda found: found["b"]["steps"][-1:] == [460])
        steps = series["a"]["steps"]
        assert (len(steps), steps[0], steps[-1]) == (6, 70, 460)
        # Layers and shortcuts of one step are kept or removed together.
        assert series["b"]["steps"] == steps
        assert series["a"]["shortcuts"] == steps
        history = json.loads(get(f"{url}data/plugin/atlas/history?id={series['a']['id']}")[2])
        assert (history["logged"], history["kept"]) == (40, 6)
        assert [history["steps"][i]["sequence"] for i in (0, -1)] == [1, 40]
        for step in (70, 460):
            for route in ("atlas", "activations", "shortcuts"):
                query = f"id={series['a']['id']}&step={step}"
                assert get(f"{url}data/plugin/atlas/{route}?{query}")[0] == 200


@pytest.mark.sampled(2)
@LOADERS
@pytest.mark.parametrize("again", [0, 5], ids=["from the first step", "from a later one"])
def test_a_run_that_starts_over_has_a_new_first_step(
    again: int, fast: bool, tmp_path: Path
) -> None:
    run = tmp_path / "atlas"
    log(run, (0, 10, 20, 30))
    with start_tensorboard(tmp_path, fast) as url:
        until(url, lambda found: found["b"]["steps"] == [0, 10, 20, 30])
        purge_steps(str(run), 0, time.time())
        log(run, (again,))
        # One new step makes all old ones void.
        found = until(url, lambda found: [s["steps"] for s in found.values()] == [[again]] * 2)
        assert found["a"]["shortcuts"] == [again]
        log(run, (15, 25), 2)
        until(url, lambda found: [s["steps"] for s in found.values()] == [[again, 15, 25]] * 2)
    assert [a.step for a in read_atlases(tmp_path, layer="a")] == [again, 15, 25]
    assert [e.status for e in list_atlases(tmp_path)] == ["ok"] * 6
    assert [r.step for r in read_shortcuts(tmp_path)] == [again, 15, 25]
    assert [f.text for f in examine(tmp_path) if f.mark == PROBLEM] == []


@LOADERS
def test_a_run_is_taken_up_again_behind_its_first_step(fast: bool, tmp_path: Path) -> None:
    run = tmp_path / "atlas"
    log(run, (0, 10, 20))
    purge_steps(str(run), 5, time.time())
    with start_tensorboard(tmp_path, fast) as url:
        until(url, lambda found: [s["steps"] for s in found.values()] == [[0]] * 2)
        log(run, (7, 30), 2)
        until(url, lambda found: [s["steps"] for s in found.values()] == [[0, 7, 30]] * 2)
    earlier = find_last_atlases(str(run), ("a", "b"))
    assert {name: (a.step, a.sequence) for name, a in earlier.atlases.items()} == {
        "a": (30, 3),
        "b": (30, 3),
    }


def test_readers_take_the_first_for_one_of_the_series(tmp_path: Path) -> None:
    log(tmp_path, (0,))
    assert [(e.tag, e.step) for e in read_events(tmp_path)][-1] == ("first/shortcuts/a", 0)
    earlier = find_last_atlases(str(tmp_path), ("a",))
    assert (earlier.atlases["a"].sequence, earlier.last_step) == (1, 0)
    found = find_last_shortcuts(str(tmp_path), "a")
    assert found is not None
    assert found.step == 0
    assert [(e.layer, e.step, e.revision) for e in list_atlases(tmp_path)] == [
        ("a", 0, "logged"),
        ("b", 0, "logged"),
    ]
    purge_steps(str(tmp_path), -(2**63), 1.0)
    assert list(read_atlases(tmp_path)) == []


def test_the_writer_gives_the_first_atlas_a_tag_of_its_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    )
    config = AtlasConfig(samples=30, grids=(2,), min_count=1, neighbors=5, epochs=10)
    for steps, more in (((4, 8), {}), ((12,), {}), ((2, 6), {"purge_step": 0})):
        with AtlasWriter(
            tmp_path,
            model,
            ["1"],
            probe=(torch.rand(30, 3, 10, 10), torch.arange(30) % 3),
            config=config,
            worker="inline",
            class_atlases=[1],
            strict=True,
            **more,
        ) as atlas:
            for step in steps:
                atlas.add_atlas(step)
    tags = [
        (e.step, e.tag) for e in read_events(tmp_path / "atlas") if e.tag not in (None, "probe")
    ]
    first = [(step, str(tag)) for step, tag in tags if str(tag).startswith("first/")]
    assert {step for step, _ in first} == {4, 2}
    assert {tag for _, tag in first} >= {"first/layer/1", "first/layer/1 · 1"}
    assert {step for step, tag in tags if tag == "layer/1"} == {8, 12, 6}
    assert [a.step for a in read_atlases(tmp_path, layer="1")] == [2, 6]


@LOADERS
def test_logs_without_such_a_tag_are_read_as_before(fast: bool, tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "atlas")
    for number, step in enumerate(range(0, 300, 10), start=1):
        atlas = make_atlas(step, layer="a", samples=20, grids=(2,), tile=4, sequence=number)
        sink.write(layer_tag("a"), encode_atlas(atlas), step)
    sink.close()
    with start_tensorboard(tmp_path, fast, FEW) as url:
        series = until(url, lambda found: found["a"]["steps"][-1:] == [290])["a"]
        history = json.loads(get(f"{url}data/plugin/atlas/history?id={series['id']}")[2])
        assert (history["logged"], history["kept"]) == (30, 5)
        # The tab uses it to report how many steps are missing before the first kept one.
        first = history["steps"][0]
        assert first["sequence"] == first["step"] // 10 + 1
