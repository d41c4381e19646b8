# SPDX-License-Identifier: Apache-2.0
"""Cost of the tiles of points of atlases with very many samples, in a real TensorBoard.

    python benchmarks/point_tiles.py
    python benchmarks/point_tiles.py --samples 200000 --loader python

A log holds two steps of a synthetic layer with 16 channels and grids up to 160 x 160. Values are
the wall time of each request, the CPU time of TensorBoard's process, its resident memory after the
request, and its largest memory so far.

- `atlas`, `activations`: what the tab requests before any tile.
- `first tile`: an index of all samples is made.
- `later tiles`: median of the other tiles of all levels around the middle of the map.
- `other step`: the first tile of the other step.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import psutil
from large_atlases import make_large_atlas
from safetensors.numpy import load
from tensorboard_server import get, start_tensorboard, wait_for_atlases

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving.series_reader import series_id
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.limits import MAX_TILE_LEVEL

RUN, LAYER, STEPS = "exp/atlas", "layer3", (0, 100)
GRIDS, CHANNELS = (10, 20, 40, 80, 160), 16
VIEW_BYTES = 128_000
"""Largest size of the four tiles that cover a view."""


def write_log(folder: Path, samples: int) -> None:
    """Writes one atlas per step."""
    sink = EventSink(folder / RUN)
    for step in STEPS:
        atlas = make_large_atlas(samples, step=step, grids=GRIDS, channels=CHANNELS, seed=step)
        sink.write(layer_tag(LAYER), encode_atlas(atlas), step)
    sink.close()


class Meter:
    """Requests data routes of one TensorBoard, and prints what they cost.

    Args:
        url: URL of TensorBoard.
        process: Its process.
    """

    def __init__(self, url: str, process: psutil.Process) -> None:
        self._url, self._process = url, process

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def request(self, route: str, step: int, **more: str) -> tuple[bytes, float, float]:
        """Returns the response as it is sent, and its wall and CPU time in seconds."""
        query = {"id": series_id(RUN, layer_tag(LAYER)), "step": str(step), **more}
        text = "&".join(f"{name}={value}" for name, value in query.items())
        start, cpu = time.perf_counter(), self._cpu_seconds()
        address = f"{self._url}data/plugin/atlas/{route}?{text}"
        status, _, body = get(address, **{"Accept-Encoding": "gzip"})
        if status != 200:
            raise RuntimeError(f"{route}?{text}: {status} {body[:200]!r}")
        return body, time.perf_counter() - start, self._cpu_seconds() - cpu

    def show(self, name: str, size: float, wall: float, cpu: float) -> None:
        """Prints one line."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        now = self._process.memory_info().rss / 2**20
        print(
            f"{name:12} {size / 1000:9,.1f} kB {1000 * wall:8,.1f} ms, CPU {1000 * cpu:8,.1f} ms, "
            f"memory {now:6,.0f} MiB, largest {peak:6,.0f} MiB"
        )


def list_tiles() -> list[str]:
    """Returns the names of the four tiles around the middle of the map, at each level."""
    middles = [(level, 2 ** (level - 1)) for level in range(1, MAX_TILE_LEVEL + 1)]
    return [
        f"{level}.{middle + right}.{middle + down}"
        for level, middle in middles
        for down in (-1, 0)
        for right in (-1, 0)
    ]


def measure(url: str, process: psutil.Process) -> bool:
    """Measures all requests; returns whether the tiles of every view are small enough."""
    meter = Meter(url, process)
    first, last = STEPS
    meter.show("before", 0, 0, 0)
    for route in ("atlas", "activations"):
        body, *cost = meter.request(route, first)
        meter.show(route, len(body), *cost)
    names = list_tiles()
    body, *cost = meter.request("points", first, tile=names[0])
    meter.show("first tile", len(body), *cost)
    found = [meter.request("points", first, tile=name) for name in names[1:]]
    sizes = [len(body), *(len(one[0]) for one in found)]
    wall, cpu = (statistics.median(one[part] for one in found) for part in (1, 2))
    meter.show("later tiles", statistics.median(sizes), wall, cpu)
    body, *cost = meter.request("points", last, tile=names[0])
    meter.show("other step", len(body), *cost)
    for level in range(MAX_TILE_LEVEL):
        arrays = load(found[4 * level + 2][0])
        print(f"level {level + 1}: {len(arrays['points']):,} of {arrays['hidden'][0]:,} samples")
    views = [sum(sizes[at : at + 4]) for at in range(0, len(sizes), 4)]
    print(f"largest view: {max(views):,} bytes, at most {VIEW_BYTES:,}")
    return max(views) <= VIEW_BYTES


def main() -> int:
    """Returns 1 if the tiles of a view are too large."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--loader", choices=("data-server", "python"), default="data-server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_log(Path(folder), options.samples)
        with start_tensorboard(folder, options.loader == "data-server") as url:
            wait_for_atlases(url, len(STEPS))
            processes = psutil.Process().children(recursive=True)
            server = next(one for one in processes if "tensorboard.main" in one.cmdline())
            return 0 if measure(url, server) else 1


if __name__ == "__main__":
    sys.exit(main())
