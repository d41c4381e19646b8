# SPDX-License-Identifier: Apache-2.0
"""Cost of a call of `add_atlas` with a model that is sharded by `fully_shard` over gloo ranks.

    python benchmarks/sharded.py
    python benchmarks/sharded.py --quick --ranks 4
    python benchmarks/sharded.py --check      exit status 1 if the bound is missed

The baseline is a plain `get_model_state_dict` that gathers the same parameters on the CPU of rank
0. Both are called in turns in one run, each first in half of the pairs, and after a step of
training; each rank has one thread. CPU time is that of all ranks together, without the background
process. The model is a ResNet-18 (47 MB).
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch import distributed
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from training_overhead import MISSED, TINY, Goal, Loop, measure_seconds, report

OPTIONS = StateDictOptions(full_state_dict=True, cpu_offload=True)
BOUND = 1.3


@dataclass(frozen=True)
class Cost:
    """Cost of one call.

    Attributes:
        wall: Wall seconds on rank 0.
        cpu: CPU seconds of all ranks.
    """

    wall: float
    cpu: float


def main() -> int:
    """Starts all ranks; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ranks", type=int, default=2, help="number of ranks")
    parser.add_argument("--quick", action="store_true", help="fewer pairs, to check that it runs")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the bound is missed")
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=find_free_port(), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank is not None:
        run_rank(arguments, 2 if arguments.quick else 8)
        sys.stdout.flush()
        os._exit(1 if MISSED and arguments.check else 0)  # past the threads of gloo
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *sys.argv, "--folder", folder, "--port", str(arguments.port)]
        ranks = [
            subprocess.Popen([*command, "--rank", str(rank)]) for rank in range(arguments.ranks)
        ]
        return max(abs(rank.wait()) for rank in ranks)


def run_rank(arguments: argparse.Namespace, pairs: int) -> None:
    """Measures as one of the ranks; rank 0 prints."""
    torch.set_num_threads(1)
    rank, size = arguments.rank, arguments.ranks
    meeting = f"tcp://localhost:{arguments.port}"
    distributed.init_process_group(
        "gloo", meeting, timedelta(seconds=120), world_size=size, rank=rank
    )
    loop = Loop()
    mesh = init_device_mesh("cpu", (size,))
    for name in ("layer1", "layer2", "layer3", "layer4"):
        fully_shard(getattr(loop.model, name), mesh=mesh)
    fully_shard(loop.model, mesh=mesh)
    loop.reset_optimizer()
    bare, calls, steps = [], [], [loop.run(1) for _ in range(3)]
    with loop.writer(arguments.folder / "run", TINY) as atlas:

        def gather() -> None:
            steps.append(loop.run(1))
            bare.append(measure(lambda: get_model_state_dict(loop.model, options=OPTIONS)))

        def add(step: int) -> None:
            steps.append(loop.run(1))
            calls.append(measure(lambda: atlas.add_atlas(step)))
            atlas.flush()
            distributed.barrier()

        for step in range(0, 2 * pairs, 2):  # each is first in half of the pairs
            gather()
            add(step)
            add(step + 1)
            gather()
        copy = measure_copy(loop)
    if rank == 0:
        print_costs(bare[1:], calls[1:], steps[3:], copy)  # without the first, which warms up
    distributed.barrier()


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return int(listener.getsockname()[1])


def measure(call: Callable[[], object]) -> Cost:
    """Returns the cost of a call that all ranks make at the same time."""
    distributed.barrier()
    cpu = time.process_time()
    wall = measure_seconds(call)
    spent = torch.tensor(time.process_time() - cpu)
    distributed.all_reduce(spent)
    return Cost(wall, float(spent))


def measure_copy(loop: Loop) -> float:
    """Returns the seconds of a plain copy of the gathered parameters; 0.0 on other ranks."""
    state = list(get_model_state_dict(loop.model, options=OPTIONS).values())
    kept = [torch.empty_like(tensor) for tensor in state]
    if not state:
        return 0.0
    copies = [measure_seconds(lambda: torch._foreach_copy_(kept, state)) for _ in range(10)]
    return statistics.median(copies)


def print_costs(bare: list[Cost], calls: list[Cost], steps: list[float], copy: float) -> None:
    """Prints the cost of calls and of the baseline, and their ratios."""
    walls = [call.wall / plain.wall for call, plain in zip(calls, bare, strict=True)]
    cpus = [call.cpu / plain.cpu for call, plain in zip(calls, bare, strict=True)]
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    report(f"plain get_model_state_dict, {len(bare)} calls", describe(bare))
    report(
        f"add_atlas, {len(calls)} calls",
        describe(calls),
        Goal("wall / plain", wall, BOUND),
        Goal("CPU / plain", cpu, BOUND),
    )
    report("... divided by plain: wall, CPU", f"{wall:.2f}, {cpu:.2f}")
    fastest = min(call.wall for call in calls) / min(plain.wall for plain in bare)
    report("... the fastest call divided by the fastest plain one", f"{fastest:.2f}")
    report("... of which a plain copy of the parameters", f"{1000 * copy:.1f} ms")
    share = statistics.median(call.wall for call in calls) / statistics.median(steps)
    report("... divided by one step of training (16 images of 64 px)", f"{share:.2f}")


def describe(costs: list[Cost]) -> str:
    """Formats the medians of costs."""
    wall = statistics.median(cost.wall for cost in costs)
    cpu = statistics.median(cost.cpu for cost in costs)
    return f"{1000 * wall:.1f} ms, {1000 * cpu:.1f} ms CPU"


if __name__ == "__main__":
    sys.exit(main())
