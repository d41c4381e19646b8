# SPDX-License-Identifier: Apache-2.0
"""Simulated users of one TensorBoard, and the memory and threads of its processes."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import google_crc32c
import psutil
from synthetic_atlases import make_atlas
from tensorboard_server import get

from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

EVERY_SECONDS = 2.0
"""Seconds between two atlases of a client."""
INDEX_EVERY = 15
"""Number of atlases between two polls of the index."""
APPEND_SECONDS = 2.0
GROWING = "growing"


@dataclass
class Latencies:
    """Latencies and errors of all clients.

    Attributes:
        data: Seconds of every request for atlases, icons and histories.
        index: Seconds of every request for the index.
        errors: Messages of invalid responses.
    """

    data: list[float] = field(default_factory=list)
    index: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def run_clients(base: str, clients: int, seconds: float) -> Latencies:
    """Runs clients in threads for some seconds; call it in a separate process."""
    latencies = Latencies()
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_Client(base, number, end, latencies).run)
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies


class _Client:
    """A user: reads the index and a history, then one atlas after another."""

    def __init__(self, base: str, number: int, end: float, latencies: Latencies) -> None:
        self._base, self._end, self._latencies = base, end, latencies
        self._random = random.Random(number)

    def run(self) -> None:
        time.sleep(self._random.uniform(0, EVERY_SECONDS))
        requests = 0
        while time.monotonic() < self._end:
            due = time.monotonic() + EVERY_SECONDS
            try:
                if requests % INDEX_EVERY == 0:
                    self._read_index()
                self._load_atlas()
            except Exception as error:
                self._latencies.errors.append(f"{type(error).__name__}: {error}")
            requests += 1
            time.sleep(max(0.0, min(due, self._end) - time.monotonic()))

    def _read_index(self) -> None:
        runs = json.loads(self._fetch("index", self._latencies.index))["runs"]
        self._series = [
            one for run in runs if not run["run"].startswith(GROWING) for one in run["series"]
        ]
        self._fetch(f"history?id={self._random.choice(self._series)['id']}")

    def _load_atlas(self) -> None:
        """Loads one atlas with all icons of one grid, as a change of the step does."""
        series = self._random.choice(self._series)
        at = f"id={series['id']}&step={self._random.choice(series['steps'])}"
        pack = self._fetch(f"atlas?{at}")
        length = int.from_bytes(pack[:4], "little")
        manifest = json.loads(pack[4 : 4 + length])
        size = self._random.choice(manifest["grids"])["size"]
        for number, blob in enumerate(manifest["blobs"], start=1):
            if blob.get("grid") != size or blob["role"] != "sheet":
                continue
            page = self._fetch(f"sheet?{at}&blob={number}&v={blob['crc32c']}")
            if f"{google_crc32c.value(page):08x}" != blob["crc32c"]:
                self._latencies.errors.append(f"sheet {number} of {at} has a wrong checksum")

    def _fetch(self, route: str, times: list[float] | None = None) -> bytes:
        start = time.perf_counter()
        status, _, body = get(self._base + "data/plugin/atlas/" + route)
        (self._latencies.data if times is None else times).append(time.perf_counter() - start)
        if status != 200:
            raise RuntimeError(f"{route}: {status} {body[:200]!r}")
        return body


class Writer:
    """A run that repeatedly logs a small atlas and a scalar."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir, self._stop = log_dir, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.appended = 0

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        sink = EventSink(self._log_dir / GROWING / CHILD_RUN)
        step = 0
        while not self._stop.wait(APPEND_SECONDS):
            step += 1
            blobs = encode_atlas(
                make_atlas(step, samples=200, grids=(5, 10), tile=8, sequence=step)
            )
            sink.write(layer_tag("layer3"), blobs, step)
            sink.write_scalars({"loss": 1 / step}, step)
            sink.flush()
            self.appended += sum(map(len, blobs))
        sink.close()


@dataclass(frozen=True)
class Load:
    """Time, resident bytes and number of threads of TensorBoard's processes."""

    moment: float
    resident: int
    threads: int


def find_servers() -> list[psutil.Process]:
    """Returns the TensorBoard process that this process started, and its data server if any."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    return [one for one in children if any("tensorboard" in part for part in one.cmdline()[:3])]


def measure_load(processes: list[psutil.Process]) -> Load:
    """Measures the processes once."""
    return Load(
        time.monotonic(),
        sum(one.memory_info().rss for one in processes),
        sum(one.num_threads() for one in processes),
    )


def watch_load(
    processes: list[psutil.Process], seconds: float, every: float = 1.0
) -> Iterator[Load]:
    """Yields the load repeatedly."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield measure_load(processes)
        time.sleep(every)
