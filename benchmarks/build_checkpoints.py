# SPDX-License-Identifier: Apache-2.0
"""Cost of `tensorboard-atlas build`, alone and on two ranks, against the writer in the loop.

    python benchmarks/build_checkpoints.py
    python benchmarks/build_checkpoints.py --quick
    python benchmarks/build_checkpoints.py --check      exit status 1 if a bound is missed

The network of the demo is trained on digits. At each of 40 checkpoints, its weights are saved and
an inline writer logs atlases of two layers. Then `build` makes the same log from the files. Each
process has one thread. Wall time on two ranks needs two free cores.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch import Tensor, nn
from training_overhead import MISSED, Goal, report

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet
from tensorboard_plugin_atlas.logs.event_file import read_events

LAYERS = ("stage2", "stage3")
OVERHEAD, SPEEDUP = 1.05, 1.8


@dataclass(frozen=True)
class Cost:
    """Cost of a process and its children.

    Attributes:
        wall: Wall seconds.
        cpu: CPU seconds.
    """

    wall: float
    cpu: float


def main() -> int:
    """Trains, builds twice, and prints the costs; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer checkpoints")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound is missed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = 4 if arguments.quick else 40
        atlases = train(folder, count)
        report(f"writer in the loop, {count} checkpoints, 2 layers", f"{atlases:.1f} CPU s")
        one = build(folder, "one")
        goal = Goal("CPU / writer", one.cpu / atlases, OVERHEAD)
        report("build", f"{one.cpu:.1f} CPU s, {one.wall:.1f} s", goal)
        two = build(folder, "two", ranks=2)
        faster = Goal("times as fast", one.wall / two.wall, SPEEDUP, is_least=True)
        report("build on two ranks, a layer each", f"{two.cpu:.1f} CPU s, {two.wall:.1f} s", faster)
        report("... times as fast", f"{one.wall / two.wall:.2f}")
        logs = [list(list_records(folder / run)) for run in ("loop", "one", "two")]
        report("all logs equal, record by record", str(logs[0] == logs[1] == logs[2]))
        one, two = (build(folder, f"layer{ranks}", LAYERS[1:], ranks=ranks) for ranks in (1, 2))
        report("build of one layer", f"{one.cpu:.1f} CPU s, {one.wall:.1f} s")
        report("build of one layer on two ranks", f"{two.cpu:.1f} CPU s, {two.wall:.1f} s")
        report("... times as fast", f"{one.wall / two.wall:.2f}")
        logs = [list(list_records(folder / run)) for run in ("layer1", "layer2")]
        report("both logs equal, record by record", str(logs[0] == logs[1]))
    return 1 if MISSED and arguments.check else 0


def make_model() -> nn.Module:
    """Returns the network; called by `build`."""
    torch.manual_seed(0)
    return DemoNet(1, 10)


def make_probe() -> tuple[Tensor, Tensor]:
    """Returns the probe; called by `build`."""
    return _make_tensors()[1]


def make_config() -> AtlasConfig:
    """Returns the settings of the demo; called by `build`."""
    return AtlasConfig(samples=360, grids=(6, 12))


def _make_tensors() -> list[tuple[Tensor, Tensor]]:
    parts = load("digits", limit=1_797, seed=0).split(0.2, 0)
    return [
        (
            torch.from_numpy(part.images).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(part.labels),
        )
        for part in parts
    ]


def train(folder: Path, checkpoints: int) -> float:
    """Trains, saves, and logs all checkpoints; returns the CPU seconds of the atlases."""
    images, labels = _make_tensors()[0]
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    spent = 0.0
    (folder / "ckpts").mkdir()
    atlas = AtlasWriter(
        folder / "loop",
        model,
        LAYERS,
        probe=make_probe(),
        config=make_config(),
        worker="inline",
        strict=True,
    )
    with atlas:
        for step in range(checkpoints):
            path = folder / "ckpts" / f"step{step}.pt"
            torch.save(model.state_dict(), path)
            start = time.process_time()
            atlas.add_atlas(step, path.stat().st_mtime)  # the time that `build` logs
            spent += time.process_time() - start
            for _ in range(4):
                batch = torch.randint(len(images), (64,))
                loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return spent


def build(folder: Path, run: str, layers: tuple[str, ...] = LAYERS, *, ranks: int = 1) -> Cost:
    """Builds the atlases of all checkpoints in new processes; returns their cost."""
    launcher = ["-m", "torch.distributed.run", f"--nproc-per-node={ranks}"] if ranks > 1 else []
    command = [sys.executable, *launcher, "-m", "tensorboard_plugin_atlas", "build"]
    command += [str(folder / "ckpts" / "*.pt"), "--logdir", str(folder / run)]
    command += ["--model", "build_checkpoints:make_model", "--data", "build_checkpoints:make_probe"]
    command += ["--config", "build_checkpoints:make_config"]
    command += [part for layer in layers for part in ("--layer", layer)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, cwd=Path(__file__).parent, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.perf_counter() - start, cpu)


def list_records(run: Path) -> Iterator[tuple[str | None, int, tuple[bytes, ...] | None]]:
    """Yields tag, step, and blobs of the atlases of a run."""
    for event in read_events(run / "atlas"):
        yield event.tag, event.step, event.blobs


if __name__ == "__main__":
    sys.exit(main())
