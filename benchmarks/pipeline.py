# SPDX-License-Identifier: Apache-2.0
"""Basic costs: import, start-up of TensorBoard, bytes per atlas, bundle size, and route latency.

    python benchmarks/pipeline.py            runs the digits demo first, and times it
    python benchmarks/pipeline.py LOGDIR     uses a log with atlases

Times are CPU seconds, or latencies of one local client; values are medians of several runs, and
comparisons are interleaved.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bundle_size import measure_bundle

CLEAN = {**os.environ, "PYTHONWARNINGS": "ignore"}


def main() -> None:
    """Prints one line per value."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log_dir", nargs="?", type=Path, metavar="LOGDIR", help="log with atlases")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log_dir = arguments.log_dir or run_demo(Path(folder) / "digits")
        measure_import()
        measure_startup()
        measure_bytes(log_dir)
        report_bundle()
        measure_latency(log_dir)


def report(what: str, value: str, bound: str) -> None:
    """Prints a value and its bound."""
    print(f"{what:<58} {value:>22}   bound {bound}", flush=True)


def measure_cpu(command: list[str], **options: object) -> float:
    """Returns user + system seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=CLEAN, **options)  # type: ignore[call-overload]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_demo(log_dir: Path) -> Path:
    """Runs the digits demo and returns its log directory."""
    command = [sys.executable, "-m", "tensorboard_plugin_atlas", "demo", "--no-serve"]
    seconds = measure_cpu([*command, "--log-dir", str(log_dir)])
    report("digits demo, whole process", f"{seconds:.1f} CPU s", "<= 90 CPU s")
    return log_dir


def measure_import(runs: int = 11) -> None:
    """Times `import tensorboard_plugin_atlas` after NumPy, and checks for heavy modules."""
    code = (
        "import numpy, time, sys; t = time.process_time(); import tensorboard_plugin_atlas;"
        "print(time.process_time() - t, sorted({'torch', 'umap', 'numba'} & set(sys.modules)))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=CLEAN
        ).stdout.split(" ", 1)
        for _ in range(runs)
    ]
    milliseconds = statistics.median(float(seconds) for seconds, _ in printed) * 1000
    heavy = printed[0][1].strip()
    report(
        "import beyond numpy; heavy modules loaded",
        f"{milliseconds:.1f} ms; {heavy}",
        "<= 50 ms; []",
    )


def measure_startup(runs: int = 11) -> None:
    """Compares the start-up of TensorBoard with and without the plugin, interleaved."""
    code = (
        "import sys, time; from importlib.metadata import entry_points\n"
        "from tensorboard import default, program\n"
        "plugins = default.get_static_plugins()\n"
        "for point in entry_points(group='tensorboard_plugins'):\n"
        "    if point.name != 'atlas' or sys.argv[1] == 'with': plugins.append(point.load())\n"
        "tb = program.TensorBoard(plugins=plugins)\n"
        "tb.configure(logdir=sys.argv[2], port=0, load_fast='false')\n"
        "tb.launch(); print(time.process_time())"
    )
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    with tempfile.TemporaryDirectory() as empty:
        for _ in range(runs):
            for how, figures in seconds.items():
                ran = subprocess.run(
                    [sys.executable, "-c", code, how, empty],
                    check=True,
                    capture_output=True,
                    text=True,
                    env=CLEAN,
                )
                figures.append(float(ran.stdout.split()[-1]))
    pairs = [a / b for a, b in zip(seconds["with"], seconds["without"], strict=True)]
    value = f"x {statistics.median(pairs):.3f} ({min(pairs):.2f}-{max(pairs):.2f})"
    report("TensorBoard's start-up, with / without the plugin", value, "about 1")


def measure_bytes(log_dir: Path) -> None:
    """Reports the size of the largest atlas in a log."""
    from tensorboard_plugin_atlas.logs.reader import list_atlases

    entries = list_atlases(log_dir)
    largest = max(entry.bytes for entry in entries) / 1e6
    report(f"largest of {len(entries)} atlases", f"{largest:.2f} MB", "<= 4 MB")


def report_bundle() -> None:
    """Reports the size of the committed bundle."""
    size = measure_bundle()
    report("JavaScript and CSS, gzip: all", f"{size.total:.1f} kB", "<= 150 kB")
    report("JavaScript, gzip: before the first map", f"{size.first:.1f} kB", "no limit")


def measure_latency(log_dir: Path, runs: int = 200) -> None:
    """Measures route latencies of a real TensorBoard for one local client, with both loaders."""
    for loader in ("true", "false"):
        with start_tensorboard(log_dir, loader) as base:
            index = json.loads(get(base + "index"))
            series = index["runs"][0]["series"][0]
            atlas = f"atlas?id={series['id']}&step={series['steps'][-1]}"
            name = "fast loader" if loader == "true" else "python loader"
            for what, route, bound in (("index", "index", 20), ("atlas", atlas, 60)):
                times = sorted(measure_request(base + route) for _ in range(runs))
                p95 = times[int(0.95 * runs)] * 1000
                report(f"{what}, p95, {name}", f"{p95:.1f} ms", f"<= {bound} ms")


def measure_request(url: str) -> float:
    """Returns the wall seconds of one request."""
    start = time.perf_counter()
    get(url)
    return time.perf_counter() - start


def get(url: str) -> bytes:
    """Returns the body of a response."""
    with urllib.request.urlopen(url, timeout=30) as response:
        body: bytes = response.read()
        return body


@contextlib.contextmanager
def start_tensorboard(log_dir: Path, load_fast: str) -> Iterator[str]:
    """Runs TensorBoard and yields the base URL of the plugin after the log was loaded."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir)]
    options = ["--host", "127.0.0.1", "--port", str(port), f"--load_fast={load_fast}"]
    server = subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=CLEAN
    )
    base = f"http://127.0.0.1:{port}/data/plugin/atlas/"
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                runs = json.loads(get(base + "index"))["runs"]
                if runs and runs[0]["series"]:
                    break
            time.sleep(0.5)
        yield base
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
