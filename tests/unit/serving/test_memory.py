# SPDX-License-Identifier: Apache-2.0
"""Memory of a real TensorBoard that serves untrusted logs."""

from __future__ import annotations

import itertools
import json
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from blob_damage import rewrite_manifest
from large_atlases import make_large_atlas
from synthetic_atlases import make_atlas
from tensorboard_server import get, start_tensorboard, wait_for_atlases

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.limits import MAX_MANIFEST_VALUES

pytestmark = pytest.mark.sampled(2)

LOADERS = pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
MIB = 1 << 20


class Peak:
    """Peak memory of the TensorBoard process, and its memory at the start, in MiB."""

    def __init__(self, log_dir: Path) -> None:
        children = psutil.Process().children()
        (self._server,) = [c for c in children if str(log_dir) in c.cmdline()]
        self.before = self.most = self._resident()

    def look(self) -> None:
        self.most = max(self.most, self._resident())

    def _resident(self) -> float:
        return float(self._server.memory_info().rss / MIB)

    @property
    def growth(self) -> float:
        return self.most - self.before


@contextmanager
def peak(log_dir: Path) -> Iterator[Peak]:
    found, stop = Peak(log_dir), threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            found.look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        stop.set()
        watcher.join()


def series_of(url: str) -> dict[str, Any]:
    (run,) = json.loads(get(url + "data/plugin/atlas/index")[2])["runs"]
    (series,) = run["series"]
    return dict(series)


def history(url: str) -> list[dict[str, Any]]:
    body = get(f"{url}data/plugin/atlas/history?id={series_of(url)['id']}")[2]
    return list(json.loads(body)["steps"])


def write(log_dir: Path, steps: int, blobs: list[bytes]) -> None:
    sink = EventSink(log_dir / "exp" / "atlas")
    for step in range(steps):
        sink.write(layer_tag("a"), blobs, step)
    sink.close()


@pytest.mark.parametrize(
    ("fast", "size", "most"),
    # The Python loader computes checksums at a few MB/s, and keeps the log in memory.
    [(True, 40 * MIB, 200), (False, 8 * MIB, 24)],
    ids=["data-server", "python-loader"],
)
def test_manifests_that_are_too_large_are_refused_before_they_are_kept(
    fast: bool, size: int, most: float, tmp_path: Path
) -> None:
    write(tmp_path, 6, [b"x" * size])
    with start_tensorboard(tmp_path, fast) as url:
        wait_for_atlases(url, 6)
        with peak(tmp_path) as found:
            for _ in range(2):
                steps = history(url)
                assert {step["status"] for step in steps} == {"damaged"}
                assert all("at most 4,194,304 allowed" in step["reason"] for step in steps)
        assert found.growth <= most


@LOADERS
def test_blobs_that_are_larger_than_stated_are_refused_before_they_are_kept(
    fast: bool, tmp_path: Path
) -> None:
    blobs = encode_atlas(make_atlas(0, layer="a", samples=20, grids=(2,), tile=8))
    size = 40 * MIB if fast else 8 * MIB
    write(tmp_path, 1, [blobs[0], *(b"x" * size for _ in blobs[1:])])
    with start_tensorboard(tmp_path, fast) as url:
        wait_for_atlases(url, 1)
        here, id_ = url + "data/plugin/atlas/", series_of(url)["id"]
        with peak(tmp_path) as found:
            for route in ("atlas", "activations", "sheet", "atlas"):
                status, _, body = get(f"{here}{route}?id={id_}&step=0&blob=3")
                assert status == 422
                assert "allowed" in json.loads(body)["error"]["message"]
        assert found.growth <= (200 if fast else 80)


def test_a_history_keeps_few_values_of_each_manifest(tmp_path: Path) -> None:
    """Each of 60 valid manifests with 190,000 names needs 12 MiB as Python objects."""
    pairs = ["".join(pair) for pair in itertools.product(string.ascii_letters, repeat=2)]
    names = list(itertools.islice(itertools.cycle(pairs), MAX_MANIFEST_VALUES - 10_000))
    sink = EventSink(tmp_path / "exp" / "atlas")
    for step in range(60):
        atlas = encode_atlas(make_atlas(step, layer="a", samples=20, grids=(2,), tile=8))
        sink.write(
            layer_tag("a"), rewrite_manifest(atlas, lambda body: body.update(classes=names)), step
        )
    sink.close()
    with start_tensorboard(tmp_path, True) as url:
        wait_for_atlases(url, 60)
        with peak(tmp_path) as found:
            assert {step["status"] for step in history(url)} == {"ok"}
        assert found.growth <= 200


@LOADERS
def test_atlases_of_a_million_samples_are_decoded_one_at_a_time(fast: bool, tmp_path: Path) -> None:
    """Each takes 31 MB in the log, and 100 MB when it is decoded."""
    # The Python loader computes checksums at a few MB/s.
    steps = (0, 1, 2) if fast else (0,)
    sink = EventSink(tmp_path / "exp" / "atlas")
    blobs = encode_atlas(
        make_large_atlas(1_000_000, step=0, grids=(10, 20, 40, 80, 160), channels=112)
    )
    for step in steps:
        changed = rewrite_manifest(blobs, lambda body, s=step: body.update(step=s, layer="a"))
        sink.write(layer_tag("a"), changed, step)
    sink.close()
    with start_tensorboard(tmp_path, fast) as url:
        wait_for_atlases(url, len(steps))
        here, id_ = url + "data/plugin/atlas/", series_of(url)["id"]
        found: list[int] = []

        def request(route: str, step: int) -> None:
            found.append(get(f"{here}{route}?id={id_}&step={step}&tile=2.1.1")[0])

        with peak(tmp_path) as memory:
            threads = [
                threading.Thread(target=request, args=(route, step))
                for route in ("atlas", "activations", "points")
                for step in steps
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        print(f"grew by {memory.growth:.0f} MiB")
        assert found == [200] * len(threads)
        # 384 and 173 MiB were measured; gRPC reads ahead, and what is sent is cached, as are the
        # indices of points.
        assert memory.growth <= (460 if fast else 240)
