# SPDX-License-Identifier: Apache-2.0
"""Overhead of a writer in the training loop.

    python benchmarks/training_overhead.py
    python benchmarks/training_overhead.py --quick latency speed
    python benchmarks/training_overhead.py --check      exit status 1 if a bound is missed

Comparisons are paired and interleaved; values are medians and ranges over the stated number of
pairs. The loop runs on one thread of an otherwise idle machine with two cores. The model is a
ResNet-18 (47 MB).
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import psutil
import torch
from torch import nn
from torchvision.models import resnet18

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter
from tensorboard_plugin_atlas.logs.event_file import EventSink

CONFIG = AtlasConfig(samples=256, grids=(4, 8), icons="inversion", icon_steps=48)
"""An atlas takes some seconds: long compared with a step, and short enough for many pairs."""
TINY = AtlasConfig(samples=4, grids=(2,), min_count=1, neighbors=2, epochs=5, icons="none")
RECORD_BYTES = 4 << 20


@dataclass(frozen=True)
class Goal:
    """A bound of a measured value.

    Attributes:
        name: Name of the value, or empty.
        value: Measured value, in the unit of the bound.
        bound: Largest allowed value, or the smallest if `is_least`.
        unit: Unit, printed after the bound.
        is_least: Whether larger is better.
    """

    name: str
    value: float
    bound: float
    unit: str = ""
    is_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the value is within the bound."""
        return self.value >= self.bound if self.is_least else self.value <= self.bound

    def __str__(self) -> str:
        relation = ">=" if self.is_least else "<="
        missed = "" if self.is_met else " MISSED"
        return f"{self.name} {relation} {self.bound:g}{self.unit}{missed}".strip()


MISSED: list[str] = []
"""Lines with a value that missed its bound."""


def main() -> int:
    """Prints the selected values, all by default; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=[[], *BENCHMARKS], metavar="WHAT")
    parser.add_argument("--quick", action="store_true", help="fewer pairs, to check that it runs")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound is missed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.what or BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder:
            BENCHMARKS[name](Path(folder), 3 if arguments.quick else 10)
            gc.collect()
    if MISSED and arguments.check:
        print(f"{len(MISSED)} missed: {'; '.join(MISSED)}", file=sys.stderr)
        return 1
    return 0


def report(what: str, value: str, *goals: Goal) -> None:
    """Prints a value with its bounds, and records it if one is missed."""
    bounds = f"   bound {', '.join(map(str, goals))}" if goals else ""
    print(f"{what:<62} {value:>36}{bounds}", flush=True)
    if not all(goal.is_met for goal in goals):
        MISSED.append(what)


class Loop:
    """A training loop that runs for a given number of steps."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = resnet18(num_classes=10)
        self.images = torch.rand(16, 3, 64, 64)
        self.labels = torch.arange(16) % 10
        self.reset_optimizer()
        self.run(3)

    def reset_optimizer(self) -> None:
        """Creates the optimizer; called again after the parameters were replaced."""
        self._optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-6, momentum=0.9)

    def step(self) -> None:
        """Trains on one batch."""
        loss = nn.functional.cross_entropy(self.model(self.images), self.labels)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()

    def run(self, steps: int) -> float:
        """Trains for some steps and returns the seconds."""
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        return time.perf_counter() - start

    def writer(self, folder: Path, config: AtlasConfig = CONFIG, **more: object) -> AtlasWriter:
        """Returns a writer for one layer, with one sample per probe image."""
        probe = torch.rand(config.samples, 3, 64, 64), torch.arange(config.samples) % 10
        return AtlasWriter(folder, self.model, ["layer3"], probe=probe, config=config, **more)


def latency(folder: Path, pairs: int) -> None:
    """Measures the latency of `add_atlas` while the worker is busy.

    The baseline is a copy of the same bytes, which is the lower limit for a snapshot of the state.
    """
    loop, times, bare, calls = Loop(), [], [], 20 * pairs
    state = list(loop.model.state_dict().values())
    kept = [torch.empty_like(tensor) for tensor in state]
    warnings.filterwarnings("ignore", message="AtlasWriter: step .* is skipped")
    with loop.writer(folder) as atlas:
        for step in range(calls):
            loop.step()
            start = time.perf_counter()
            atlas.add_atlas(step)
            times.append(1000 * (time.perf_counter() - start))
            loop.step()
            bare.append(1000 * measure_seconds(lambda: torch._foreach_copy_(kept, state)))
    times.sort()
    p50, p99, longest = times[calls // 2], times[int(0.99 * calls)], times[-1]
    report(
        f"call to add_atlas, {calls} calls",
        f"p50 {p50:.1f}, p99 {p99:.1f}, max {longest:.1f} ms",
        Goal("p50 / bare copy", p50 / statistics.median(bare), 1.3),
        Goal("p99", p99, 25, " ms"),
        Goal("max", longest, 50, " ms"),
    )
    report("... a bare copy of that state", f"p50 {statistics.median(bare):.1f} ms")


def speed(folder: Path, pairs: int) -> None:
    """Compares the speed of the loop while an atlas is computed with its speed alone."""
    loop, shares = Loop(), []
    with loop.writer(folder) as atlas:
        atlas.add_atlas(0)
        atlas.flush()
        for pair in range(1, pairs + 1):
            atlas.add_atlas(pair)
            start, steps = time.perf_counter(), 0
            while atlas.waiting():
                loop.step()
                steps += 1
            beside = time.perf_counter() - start
            shares.append(loop.run(steps) / beside)
    report(
        f"loop speed while an atlas is computed, {pairs} pairs",
        format_spread(shares),
        _make_goal(shares, 0.95),
    )


def idle(folder: Path, pairs: int) -> None:
    """Compares the speed of the loop with an idle worker with its speed without one."""
    loop, shares, worked = Loop(), [], 0.0
    for pair in range(pairs):
        alone = loop.run(20)
        with loop.writer(folder / str(pair), TINY) as atlas:
            atlas.add_atlas(0)
            atlas.flush()
            before = _worker_seconds()
            beside = loop.run(20)
            worked += _worker_seconds() - before
        shares.append((alone + loop.run(20)) / 2 / beside)
    report(
        f"loop speed between atlases, {pairs} pairs",
        format_spread(shares),
        _make_goal(shares, 0.99),
    )
    report("CPU time of the worker meanwhile", f"{worked:.2f} s", Goal("", worked, 0.05, " s"))


def record(folder: Path, pairs: int) -> None:
    """Compares one record of 4 MiB with TensorBoard's own record writer."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    payload = os.urandom(RECORD_BYTES)
    sink, factors = EventSink(folder / "own"), []
    sink.write("warm", [b""], 0)
    with (folder / "theirs").open("wb") as file:
        theirs = RecordWriter(file)
        for _ in range(pairs):
            own = measure_seconds(lambda: sink.append(payload))
            stock = measure_seconds(lambda: (theirs.write(payload), theirs.flush()))
            factors.append(stock / own)
    sink.close()
    factor = statistics.median(factors)
    value = f"x {factor:.0f} ({min(factors):.0f}-{max(factors):.0f})"
    goal = Goal("", factor, 100, is_least=True)
    report(f"a 4 MiB record, faster than TensorBoard's, {pairs} pairs", value, goal)


def memory(folder: Path, pairs: int) -> None:
    """Measures in a new process the memory beyond one copy of the state per snapshot."""
    del pairs
    kept, state, slots = _run_in_process("_memory", folder)
    value = f"{kept:.0f} MB ({slots:.0f} copies of {state:.0f} MB not counted)"
    report("memory of the training process", value, Goal("", kept, 100, " MB"))


def _memory(folder: Path) -> None:
    loop = Loop()
    state = sum(v.numel() * v.element_size() for v in loop.model.state_dict().values())
    loop.run(3)
    before = resident()
    atlas = loop.writer(folder, max_pending=2)
    for step in range(4):
        loop.step()
        atlas.add_atlas(step)
    time.sleep(1)
    slots = 3  # one in use and two in the queue
    print((resident() - before - slots * state) / 1e6, state / 1e6, slots)
    atlas.close(0)


def growth(folder: Path, pairs: int) -> None:
    """Measures in a new process the memory growth over a thousand atlases."""
    count = 100 * pairs
    grown, worker = _run_in_process("_growth", folder, str(count))
    value = f"{grown:.1f} MB (worker {worker:.1f} MB)"
    report(
        f"growth of the training process over {count:,} atlases", value, Goal("", grown, 5, " MB")
    )


def _growth(folder: Path, count: str) -> None:
    loop = Loop()
    atlas = loop.writer(folder, TINY)
    before: tuple[int, int] | None = None
    for step in range(int(count) + 50):
        atlas.add_atlas(step)
        atlas.flush()
        if step == 50:
            before = resident(), _worker_resident()
    assert before is not None
    print((resident() - before[0]) / 1e6, (_worker_resident() - before[1]) / 1e6)
    atlas.close()


def cold(folder: Path, pairs: int) -> None:
    """Measures the constructor, and the first atlas compared with the second."""
    loop, made, first, second = Loop(), [], [], []
    for pair in range(pairs):
        start = time.perf_counter()
        atlas = loop.writer(folder / str(pair))
        made.append(time.perf_counter() - start)
        for step, times in enumerate((first, second)):
            start = time.perf_counter()
            atlas.add_atlas(step)
            atlas.flush()
            times.append(time.perf_counter() - start)
        atlas.close()
    start_up = statistics.median(a - b for a, b in zip(first, second, strict=True))
    value = f"{start_up:.1f} s in the worker, {statistics.median(made):.2f} s in the loop"
    report(f"cold start, {pairs} times", value)


BENCHMARKS: dict[str, Callable[[Path, int], None]] = {
    function.__name__: function for function in (latency, speed, idle, record, memory, growth, cold)
}


def measure_seconds(call: Callable[[], object]) -> float:
    """Returns the wall seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def format_spread(shares: list[float]) -> str:
    """Formats median and range of fractions."""
    return f"{statistics.median(shares):.1%} ({min(shares):.1%}-{max(shares):.1%})"


def _make_goal(shares: list[float], least: float) -> Goal:
    return Goal("", 100 * statistics.median(shares), 100 * least, " %", is_least=True)


def resident() -> int:
    """Returns the resident memory of this process in bytes."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def _worker_resident() -> int:
    return sum(int(child.memory_info().rss) for child in psutil.Process().children())


def _worker_seconds() -> float:
    times = [child.cpu_times() for child in psutil.Process().children()]
    return float(sum(t.user + t.system for t in times))


def _run_in_process(function: str, *arguments: object) -> list[float]:
    """Runs a function of this module in a new process and returns the numbers it prints."""
    call = (
        "import pathlib, sys, training_overhead; training_overhead.torch.set_num_threads(1); "
        f"training_overhead.{function}"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{call}(pathlib.Path(sys.argv[1]), *sys.argv[2:])"]
        + [str(argument) for argument in arguments],
        cwd=Path(__file__).parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return [float(number) for number in done.stdout.split()]


if __name__ == "__main__":
    sys.exit(main())
