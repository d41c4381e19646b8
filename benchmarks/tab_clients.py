# SPDX-License-Identifier: Apache-2.0
"""Many people who watch one TensorBoard, and what its processes hold meanwhile."""

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

from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.metadata import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

EVERY_SECONDS = 2.0
"""A client looks at another atlas this often."""
INDEX_EVERY = 15
"""Looks between two of a tab's own polls of the index."""
APPEND_SECONDS = 2.0
GROWING = "growing"


@dataclass
class Answers:
    """What the clients were told.

    Attributes:
        data: Seconds of every request for atlases, icons and histories.
        index: The same of the index.
        errors: What was no sound answer, in words.
    """

    data: list[float] = field(default_factory=list)
    index: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def crowd(base: str, clients: int, seconds: float) -> Answers:
    """Runs so many clients for so long, each a thread; call it in a process of its own."""
    answers = Answers()
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_Client(base, number, end, answers).run)
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class _Client:
    """One tab: it reads the index and the histories, then goes from atlas to atlas."""

    def __init__(self, base: str, number: int, end: float, answers: Answers) -> None:
        self._base, self._end, self._answers = base, end, answers
        self._random = random.Random(number)

    def run(self) -> None:
        time.sleep(self._random.uniform(0, EVERY_SECONDS))
        looks = 0
        while time.monotonic() < self._end:
            due = time.monotonic() + EVERY_SECONDS
            try:
                if looks % INDEX_EVERY == 0:
                    self._read_index()
                self._look()
            except Exception as error:
                self._answers.errors.append(f"{type(error).__name__}: {error}")
            looks += 1
            time.sleep(max(0.0, min(due, self._end) - time.monotonic()))

    def _read_index(self) -> None:
        runs = json.loads(self._ask("index", self._answers.index))["runs"]
        self._series = [
            one for run in runs if not run["run"].startswith(GROWING) for one in run["series"]
        ]
        self._ask(f"history?id={self._random.choice(self._series)['id']}")

    def _look(self) -> None:
        """Takes one atlas with all icons of one of its grids, as a change of step does."""
        series = self._random.choice(self._series)
        at = f"id={series['id']}&step={self._random.choice(series['steps'])}"
        pack = self._ask(f"atlas?{at}")
        length = int.from_bytes(pack[:4], "little")
        manifest = json.loads(pack[4 : 4 + length])
        size = self._random.choice(manifest["grids"])["size"]
        for number, blob in enumerate(manifest["blobs"], start=1):
            if blob.get("grid") != size or blob["role"] != "sheet":
                continue
            page = self._ask(f"sheet?{at}&blob={number}&v={blob['crc32c']}")
            if f"{google_crc32c.value(page):08x}" != blob["crc32c"]:
                self._answers.errors.append(f"sheet {number} of {at} is not what was asked for")

    def _ask(self, route: str, times: list[float] | None = None) -> bytes:
        start = time.perf_counter()
        status, _, body = get(self._base + "data/plugin/atlas/" + route)
        (self._answers.data if times is None else times).append(time.perf_counter() - start)
        if status != 200:
            raise RuntimeError(f"{route}: {status} {body[:200]!r}")
        return body


class Writer:
    """A training run that logs a small atlas and two numbers again and again."""

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
    """What TensorBoard's processes hold at a moment: bytes, and threads."""

    moment: float
    resident: int
    threads: int


def servers() -> list[psutil.Process]:
    """Returns the TensorBoard that this process runs, and its data server if there is one."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    return [one for one in children if any("tensorboard" in part for part in one.cmdline()[:3])]


def load_of(processes: list[psutil.Process]) -> Load:
    """Looks at the processes once."""
    return Load(
        time.monotonic(),
        sum(one.memory_info().rss for one in processes),
        sum(one.num_threads() for one in processes),
    )


def watch(processes: list[psutil.Process], seconds: float, every: float = 1.0) -> Iterator[Load]:
    """Yields their load again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield load_of(processes)
        time.sleep(every)
