# SPDX-License-Identifier: Apache-2.0
"""Cost of polling the index of long runs with many layers.

    python benchmarks/index_latency.py
    python benchmarks/index_latency.py --runs 2 --layers 3 --steps 50 --loader python

A real TensorBoard serves a log of runs x layers x steps with both of its loaders. Values are
medians of the wall time of a request, and of the CPU time of TensorBoard's process, which depends
little on other load of the machine.

- `first`: the first index after TensorBoard has loaded everything.
- `unchanged`: polls more than a second apart, as a browser sends them (`If-None-Match`).
- `one step`: the poll after one layer of one run has logged a step.
- `clients`: 50 clients that poll every second for ten seconds while one layer logs; p95.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import psutil
from synthetic_atlases import make_atlas
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

BOUND_MS = 50.0
CLIENTS, CLIENT_SECONDS = 50, 10.0
PAUSE_SECONDS = 1.1
"""Pause between two polls: an index may be a second old."""


@dataclass(frozen=True)
class Size:
    """Size of the log."""

    runs: int
    layers: int
    steps: int

    @property
    def atlases(self) -> int:
        """Total number of atlases."""
        return self.runs * self.layers * self.steps


class Log:
    """A log of small atlases that can grow."""

    def __init__(self, folder: Path, size: Size) -> None:
        self._size = size
        self._blobs = encode_atlas(make_atlas(0, layer="l0", samples=10, grids=(2, 3, 4), tile=4))
        self._sinks = [EventSink(folder / f"run{run:03}" / "atlas") for run in range(size.runs)]
        self._step = size.steps
        for number, sink in enumerate(self._sinks):
            for layer in range(size.layers):
                for step in range(size.steps):
                    moment = 1.7e9 + number * 1e5 + step * 60.25 + layer / 7
                    sink.write(layer_tag(f"l{layer}"), self._blobs, step, moment)
            sink.flush()

    def grow(self) -> int:
        """Logs one step of one layer of one run; returns the step."""
        step = self._step
        self._step += 1
        self._sinks[0].write(layer_tag("l0"), self._blobs, step, 1.7e9 + step * 60.25)
        self._sinks[0].flush()
        return step


@dataclass
class Polls:
    """Requests for the index: wall time and CPU time in seconds, size in bytes, and status."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


class Poller:
    """Polls the index as a browser does."""

    def __init__(self, url: str) -> None:
        self._url = url + "data/plugin/atlas/index"
        self._etag: str | None = None
        self.body = b""
        children = psutil.Process().children()
        self.server = next(c for c in children if "tensorboard.main" in " ".join(c.cmdline()))

    def poll(self, polls: Polls) -> None:
        """Polls once."""
        headers = {} if self._etag is None else {"If-None-Match": self._etag}
        cpu, start = self._cpu(), time.perf_counter()
        status, found, body = get(self._url, **headers)
        polls.wall.append(time.perf_counter() - start)
        polls.cpu.append(self._cpu() - cpu)
        polls.sizes.append(len(body))
        polls.statuses.append(status)
        if status == 200:
            self._etag, self.body = found.get("ETag"), body

    def steps(self) -> list[list[int]]:
        """Returns the steps of each series that the last index lists."""
        runs = json.loads(self.body)["runs"] if self.body else []
        return [series["steps"] for run in runs for series in run["series"]]

    def _cpu(self) -> float:
        times = self.server.cpu_times()
        return float(times.user + times.system)


def print_row(what: str, polls: Polls, bound: float | None) -> None:
    """Prints wall time, CPU time and size of some polls, and the bound of the CPU time."""
    wall, cpu = (1000 * statistics.median(times) for times in (polls.wall, polls.cpu))
    missed = "" if bound is None or cpu <= bound else "  MISSED"
    goal = "" if bound is None else f"   CPU <= {bound:.0f} ms{missed}"
    size = statistics.median(polls.sizes) / 1e6
    print(f"  {what:<26} {wall:8.0f} ms, CPU {cpu:6.0f} ms, {size:6.2f} MB{goal}", flush=True)


def measure(folder: Path, log: Log, size: Size, fast: bool) -> None:
    """Measures and prints the rows of one loader."""
    print(f"{'data server' if fast else 'Python loader'}, {size.atlases:,} atlases")
    limit = max(size.steps, 1) + 1000
    with start_tensorboard(folder, fast, f"--atlas_samples={limit}") as url:
        _wait(url, size)
        poller, first = Poller(url), Polls()
        # A separate experiment, for which the server has no cached index.
        Poller(url + "experiment/first/").poll(first)
        print_row("first", first, None)
        poller.poll(Polls())
        unchanged = Polls()
        for _ in range(10):
            time.sleep(PAUSE_SECONDS)
            poller.poll(unchanged)
        print_row("unchanged", unchanged, BOUND_MS)
        grown = Polls()
        for _ in range(3):
            _grow(poller, log, grown)
        print_row("one step", grown, BOUND_MS + 50)
        _clients(url, log)
        print(f"  memory {poller.server.memory_info().rss / 1e6:.0f} MB", flush=True)


def _wait(url: str, size: Size) -> None:
    poller = Poller(url)
    while sum(map(len, poller.steps())) < size.atlases:
        time.sleep(1.0)
        poller.poll(Polls())
    time.sleep(6)  # until TensorBoard is idle


def _grow(poller: Poller, log: Log, grown: Polls) -> None:
    """Logs a step and polls until it is listed; records the poll that lists it."""
    step = log.grow()
    while True:
        time.sleep(PAUSE_SECONDS)
        polls = Polls()
        poller.poll(polls)
        if any(steps[-1] == step for steps in poller.steps()):
            break
    for name in ("wall", "cpu", "sizes"):
        getattr(grown, name).extend(getattr(polls, name))


def _clients(url: str, log: Log) -> None:
    polls, stop = Polls(), time.monotonic() + CLIENT_SECONDS
    server = Poller(url).server
    cpu = sum(server.cpu_times()[:2])

    def client(number: int) -> None:
        poller = Poller(url)
        time.sleep(number / CLIENTS)
        while time.monotonic() < stop:
            poller.poll(polls)
            time.sleep(1.0)

    _together([lambda number=number: client(number) for number in range(CLIENTS)], log, stop)
    spent = sum(server.cpu_times()[:2]) - cpu
    p95 = 1000 * statistics.quantiles(polls.wall, n=20)[-1]
    share = polls.statuses.count(304) / len(polls.statuses)
    print(
        f"  {f'{CLIENTS} clients':<26} {p95:8.0f} ms at the 95th percentile of {len(polls.wall)} "
        f"polls, {share:.0%} unchanged; CPU {spent:.1f} s in {CLIENT_SECONDS:.0f} s",
        flush=True,
    )


def _together(runs: list[Callable[[], None]], log: Log, stop: float) -> None:
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    while time.monotonic() < stop:
        log.grow()
        time.sleep(2.0)
    for thread in threads:
        thread.join()


def main() -> None:
    """Prints the values of both loaders."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--loader", choices=("data-server", "python"), default=None)
    args = parser.parse_args()
    size = Size(args.runs, args.layers, args.steps)
    for fast in (True, False):
        if args.loader in (None, "data-server" if fast else "python"):
            with tempfile.TemporaryDirectory() as folder:
                measure(Path(folder), Log(Path(folder), size), size, fast)


if __name__ == "__main__":
    main()
