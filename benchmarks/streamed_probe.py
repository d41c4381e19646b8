# SPDX-License-Identifier: Apache-2.0
"""Memory and CPU time of collecting activations from a probe that is streamed.

    python benchmarks/streamed_probe.py
    python benchmarks/streamed_probe.py --pictures 2000 20000 100000 --workers 0 2 --in-memory
    python benchmarks/streamed_probe.py --network lite0 --pictures 500 2000

Each line is a process of its own: it builds the probe from a zip of JPEG files, collects the
activations of one layer, and prints the largest memory beyond that of the loaded model and beyond
the rows, with all loader processes. More pictures than the zip has are the same ones again. The CPU
time of reading is that of building the probe, which reads every picture once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import torch
from fetch_data import get_cifar10, get_photographs
from torch import nn
from torch.utils.data import ConcatDataset, Subset

from tensorboard_plugin_atlas import AtlasConfig, ImageFiles, StreamedProbe
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.demo.pretrained import build_pretrained

_INTERVAL = 0.05
"""Seconds between two readings of the memory."""


class MemoryMeter:
    """Largest memory of this process and its children since the start, in bytes."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._start = self._process.memory_info().rss
        self.peak = 0
        self._is_over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> int:
        """Returns the largest growth."""
        self._is_over.set()
        return self.peak

    def _watch(self) -> None:
        while not self._is_over.wait(_INTERVAL):
            total = self._process.memory_info().rss - self._start
            for child in self._process.children(recursive=True):
                try:
                    total += child.memory_full_info().uss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)


def make_small_network() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )


def open_pictures(network: str, count: int) -> Subset[object]:
    """Returns `count` pictures of the data of a network."""
    is_small = network == "small"
    path = get_cifar10() if is_small else get_photographs()
    data = ImageFiles(path, side=32 if is_small else 224)
    return Subset(ConcatDataset([data] * -(-count // len(data))), range(count))


def measure(network: str, count: int, workers: int, each: int) -> None:
    """Prints the line of one setting; `workers` is -1 for a probe in memory."""
    torch.set_num_threads(1)
    model = make_small_network() if network == "small" else build_pretrained(3, 1000)
    model.eval()
    side, layer = (32, "3") if network == "small" else (224, "_blocks.10")
    with torch.no_grad():
        model(torch.rand(2, 3, side, side))
    data = open_pictures(network, count)
    config = AtlasConfig(samples=count * each, positions_per_image=each)
    meter, start = MemoryMeter(), measure_cpu_time()
    probe = build_probe(data if workers < 0 else StreamedProbe(data, workers), config=config)
    middle = measure_cpu_time()
    rows = collect_activations(model, [layer], probe).layers[layer].values
    time.sleep(2 * _INTERVAL)
    memory = meter.stop() - rows.nbytes
    print(
        f"{network:6} {len(probe.images):8,} {len(rows):10,} {rows.nbytes / 1e6:8.1f} "
        f"{'memory' if workers < 0 else workers:>8} {memory / 1e6:14.1f} "
        f"{middle - start:9.1f} {measure_cpu_time() - middle:9.1f}",
        flush=True,
    )


def measure_cpu_time() -> float:
    """Returns the CPU time of this process and its finished children, in seconds."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", choices=("small", "lite0"), default="small")
    parser.add_argument("--pictures", type=int, nargs="+", default=[2000, 20_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[0])
    parser.add_argument("--positions", type=int, default=1, help="positions per picture")
    parser.add_argument("--in-memory", action="store_true", help="also without StreamedProbe")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.network, options.pictures[0], options.workers[0], options.positions)
        return
    print("net    pictures       rows  rows MB  workers  beyond rows MB  build s collect s")
    for count in options.pictures:
        for workers in [*options.workers, *([-1] if options.in_memory else [])]:
            settings = ("--network", options.network, "--pictures", str(count))
            more = ("--workers", str(workers), "--positions", str(options.positions))
            command = [sys.executable, str(Path(__file__)), "--one", *settings, *more]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
