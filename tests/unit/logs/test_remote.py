# SPDX-License-Identifier: Apache-2.0
"""Logs in object stores, which cannot append: the memory and `file://` stores of fsspec."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import fsspec
import pytest
from fsspec.registry import _registry as known_stores
from synthetic_atlases import make_atlas
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs import remote_sink
from tensorboard_plugin_atlas.logs.event_file import EventSink, read_events
from tensorboard_plugin_atlas.logs.log_files import list_event_files
from tensorboard_plugin_atlas.logs.remote_path import RemotePath
from tensorboard_plugin_atlas.logs.remote_sink import RemoteSink
from tensorboard_plugin_atlas.logs.sinks import WriterSink, make_sink
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """A separate directory in memory."""
    return f"memory://{request.node.name}/logs"


def list_files(url: str) -> list[str]:
    path = RemotePath(url)
    return [file.name for file in list_event_files(path)] if path.is_dir() else []


def download(url: str, target: Path) -> Path:
    target.mkdir()
    for name in list_files(url):
        with (RemotePath(url) / name).open() as file:
            (target / name).write_bytes(file.read())
    return target


def steps_in(directory: Path | str) -> list[int]:
    events = list(read_events(directory))
    assert [event.reason for event in events] == [None] * len(events)
    return [event.step for event in events]


def test_each_flush_puts_one_whole_event_file(store: str, tmp_path: Path) -> None:
    sink = RemoteSink(store)
    for step in range(4):
        sink.write("layer/a", [b"first", b"second"], step)
        if step % 2:
            sink.flush()
            assert len(list_files(store)) == (step + 1) // 2
    sink.flush()
    sink.close()
    names = list_files(store)
    assert len(names) == 2
    assert names == sorted(names)
    local = download(store, tmp_path / "copy")
    assert steps_in(local) == [0, 1, 2, 3]
    multiplexer = EventMultiplexer(tensor_size_guidance={"atlas": 0}).AddRun(str(local), name="run")
    multiplexer.Reload()
    assert [event.step for event in multiplexer.Tensors("run", "layer/a")] == [0, 1, 2, 3]


def test_nothing_is_put_before_something_is_written(store: str) -> None:
    sink = RemoteSink(store)
    sink.flush()
    sink.close()
    assert list_files(store) == []


def test_what_waits_is_put_before_it_grows_without_end(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_sink, "COMMIT_BYTES", 10_000)
    sink = RemoteSink(store)
    for step in range(9):
        sink.write("layer/a", [bytes(4000)], step)
    assert len(list_files(store)) == 3


def test_a_store_that_is_away_costs_nothing_once_it_is_back(
    store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def away(*_: object) -> None:
        raise OSError("unreachable")

    monkeypatch.setattr(remote_sink, "WAITING_BYTES", 3000)
    sink = RemoteSink(store)
    with monkeypatch.context() as patch:
        patch.setattr(type(fsspec.filesystem("memory")), "pipe_file", away)
        for step in range(2):
            sink.write("layer/a", [bytes(1000)], step)
            with pytest.raises(OSError, match="unreachable"):
                sink.flush()
        with pytest.raises(OSError, match=r"this record is lost, since 0 MiB .*'memory://"):
            sink.write("layer/a", [bytes(1000)], 2)
    sink.write("layer/a", [b""], 3)
    sink.close()
    assert steps_in(download(store, tmp_path / "copy")) == [0, 1, 3]


def test_urls_go_to_stores_and_paths_to_files(store: str, tmp_path: Path) -> None:
    assert isinstance(make_sink(store), RemoteSink)
    assert make_sink(Path(store)).location == make_sink(store).location == f"{store}/atlas"
    assert isinstance(make_sink(tmp_path), EventSink)
    sink = make_sink(store + "/")
    sink.write("layer/a", [b"x"], 0, None)
    sink.close()
    assert len(list_files(store + "/atlas")) == 1


def test_a_writer_in_a_store_that_only_it_can_reach_is_written_through() -> None:
    class Writer:
        log_dir = "nowhere://bucket/run"

    assert isinstance(make_sink(Writer()), WriterSink)
    with pytest.raises(ArgumentError, match="Protocol not known: nowhere; pass a local directory"):
        make_sink("nowhere://bucket/run")


@pytest.mark.parametrize(
    ("url", "missing", "command"),
    [
        ("memory://x", "fsspec", r"\[remote\]'$"),
        ("s3://bucket/x", "s3fs", r"\[remote\]' s3fs$"),
        ("gs://bucket/x", "gcsfs", r"\[remote\]' gcsfs$"),
        ("hf://datasets/user/x", "huggingface_hub", r"\[remote\]' huggingface_hub$"),
    ],
)
def test_a_missing_package_is_named_with_the_command(
    url: str, missing: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An earlier test may have used the store.
    monkeypatch.delitem(known_stores, url.partition(":")[0], raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        ArgumentError, match=r"pip install 'tensorboard_plugin_atlas" + command
    ) as caught:
        RemoteSink(url)
    assert missing in str(caught.value)


def test_tensorboard_serves_what_was_put(tmp_path: Path) -> None:
    """`file://` is written through fsspec and read by TensorBoard's Python loader."""
    url = f"file://{tmp_path}"
    sink = make_sink(f"{url}/exp")
    blobs = {}
    for number, step in enumerate((0, 10, 20), start=1):
        atlas = make_atlas(step, layer="a", samples=30, grids=(3,), sequence=number)
        blobs[step] = encode_atlas(atlas)
        sink.write(layer_tag("a"), blobs[step], step, None)
        sink.flush()
    assert [decode_atlas(e.blobs or ()).step for e in read_events(tmp_path / "exp/atlas")] == [
        *(0, 10, 20)
    ]
    with start_tensorboard(url, False) as address:
        deadline = time.monotonic() + 120
        steps: list[int] = []
        while steps != [0, 10, 20]:
            assert time.monotonic() < deadline
            index = json.loads(get(address + "data/plugin/atlas/index")[2])
            steps = [step for run in index["runs"] for s in run["series"] for step in s["steps"]]
        series = index["runs"][0]["series"][0]["id"]
        atlas = get(f"{address}data/plugin/atlas/atlas?id={series}&step=20")[2]
        assert atlas.endswith(blobs[20][1])
