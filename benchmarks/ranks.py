# SPDX-License-Identifier: Apache-2.0
"""Speedup of an atlas that several ranks compute together, over one rank.

    python benchmarks/ranks.py
    python benchmarks/ranks.py --quick --ranks 2
    python benchmarks/ranks.py --check      exit status 1 if the bound is missed

EfficientNet-Lite0 on 500 photographs, one of its middle layers, 5,000 samples. The activations, the
nearest neighbors, and the icons of two grids are computed by rank 0 alone and by all ranks, in
turns; also the approximate neighbors of eight times as many samples, which are the same ones with
noise. Each rank has one thread and needs a free core. Maps, which rank 0 lays out, are not timed.
Results are compared byte by byte. The limit of the machine is measured with processes that share
nothing: each computes everything, at the same time. They slow down one another, since cores share
caches and memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from efficientnet_lite import DEPTHS, MEAN, STD, load_lite, load_pictures
from sharded import find_free_port
from torch import distributed, nn
from training_overhead import MISSED, Goal, report

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.render_levels import render_levels
from tensorboard_plugin_atlas.compute.icons.targets import Targets, build_targets
from tensorboard_plugin_atlas.compute.layout.approximate_neighbors import approximate_neighbors
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import QUALITY_NEIGHBORS, compute_layout
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations, collect_activations
from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.process_group import join_group
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks

LAYER = f"_blocks.{DEPTHS['mid'][0]}"
BOUND = 1.8
MANY = "neighbors, 8 times as many"
STAGES = ("activations", "neighbors", MANY, "icons")


@dataclass(frozen=True)
class Cost:
    """Cost of a stage.

    Attributes:
        wall: Wall seconds until all ranks have the result.
        cpu: CPU seconds of all ranks.
        busiest: CPU seconds of the rank with most: the time on cores without other load.
    """

    wall: float
    cpu: float
    busiest: float


@dataclass(frozen=True, eq=False)
class Case:
    """What does not depend on the number of ranks.

    Attributes:
        model: EfficientNet-Lite0.
        probe: The photographs.
        source: Source of real patches.
        receptive: Receptive field of the layer.
        cells: Cells of the grids.
    """

    model: nn.Module
    probe: Probe
    source: PatchSource
    receptive: ReceptiveField
    cells: tuple[GridCells, ...]

    @classmethod
    def make(cls, grids: tuple[int, ...], images: int) -> Case:
        """Computes the map with this process alone."""
        pictures, labels = (part[:images] for part in load_pictures())
        config = AtlasConfig(samples=10 * images, positions_per_image=10, grids=grids)
        scale = [MEAN] * 3, [STD] * 3
        probe = build_probe(((pictures - MEAN) / STD, labels), config=config, normalize=scale)
        model = load_lite(0)
        layer = collect_activations(model, [LAYER], probe).layers[LAYER]
        layout = compute_layout(layer.values, config=config)
        return cls(
            model,
            probe,
            PatchSource(probe.images, probe.normalize),
            measure_receptive_field(model, LAYER, probe, map_size=layer.map_size),
            bin_grids(layout, layer.values, config=config)[0],
        )

    def make_targets(self, layer: LayerActivations) -> list[Targets]:
        """Returns the targets of the icons of each grid."""
        centers = self.receptive.centers(layer.positions)
        images = self.probe.sample_image
        return [
            build_targets(cells, layer.values, images, centers, layer.surround)
            for cells in self.cells
        ]


def main() -> int:
    """Starts all ranks; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ranks", type=int, default=2, help="number of ranks")
    parser.add_argument("--turns", type=int, default=3, help="number of turns")
    parser.add_argument("--quick", action="store_true", help="fewer images and cells, one turn")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the bound is missed")
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=find_free_port(), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank is not None:
        run_rank(arguments)
        sys.stdout.flush()
        os._exit(1 if MISSED and arguments.check else 0)  # past the threads of gloo
    command = [sys.executable, *sys.argv, "--port", str(arguments.port)]
    ranks = [subprocess.Popen([*command, "--rank", str(rank)]) for rank in range(arguments.ranks)]
    return max(abs(rank.wait()) for rank in ranks)


def run_rank(arguments: argparse.Namespace) -> None:
    """Measures as one of the ranks; rank 0 prints."""
    torch.set_num_threads(1)
    address = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(arguments.port)}
    os.environ |= {**address, "RANK": str(arguments.rank), "WORLD_SIZE": str(arguments.ranks)}
    distributed.init_process_group("gloo")
    ranks = join_group(distributed.group.WORLD)
    grids, images, turns = ((10, 20), 500, arguments.turns)
    if arguments.quick:
        grids, images, turns = (4, 6), 60, 1
    case = Case.make(grids, images)
    costs: list[Turn] = []
    for _ in range(turns):
        alone, shared = (compute(case, one, ranks) for one in (ALONE, ranks))
        if ranks.rank == 0 and alone[1] != shared[1]:
            raise SystemExit("the results differ")
        costs.append((alone[0], shared[0], compute(case, ALONE, ranks, is_repeated=True)[0]))
    if ranks.rank == 0:
        print_costs(costs, sum(map(len, case.cells)), ranks.size)


Turn: TypeAlias = tuple[dict[str, Cost], dict[str, Cost], dict[str, Cost]]
"""Costs by stage: of one rank, of all ranks together, and of all ranks if each computes everything
by itself."""


def compute(
    case: Case, ranks: Ranks, all_ranks: Ranks, *, is_repeated: bool = False
) -> tuple[dict[str, Cost], list[bytes]]:
    """Returns the cost of the stages on all ranks, and their results on this one.

    Args:
        case: The case.
        ranks: Compute together; for one rank alone, the other ranks of `all_ranks` wait.
        all_ranks: All ranks.
        is_repeated: Whether all ranks compute everything, each alone.
    """
    is_active = ranks.size > 1 or all_ranks.rank == 0 or is_repeated
    costs: dict[str, Cost] = {}

    def measure(stage: str, work: Callable[[], Any]) -> Any:
        all_ranks.gather(lambda: None)
        wall, cpu = time.perf_counter(), time.process_time()
        result = work() if is_active else None
        spent = all_ranks.gather(lambda: time.process_time() - cpu)
        costs[stage] = Cost(time.perf_counter() - wall, sum(spent), max(spent))
        return result

    found = measure(
        "activations",
        lambda: collect_activations(case.model, [LAYER], case.probe, surround=True, ranks=ranks),
    )
    layer = None if found is None else found.layers[LAYER]
    unit = None if layer is None else unit_rows(layer.values)
    neighbors = measure("neighbors", lambda: nearest_neighbors(unit, QUALITY_NEIGHBORS, ranks))
    many = None if unit is None else unit_rows(add_noise(unit))
    found_many = measure(MANY, lambda: approximate_neighbors(many, QUALITY_NEIGHBORS, ranks))
    rendered = measure("icons", lambda: render(case, case.make_targets(layer), ranks))
    if layer is None:
        return costs, []
    pages = [page for sheets in rendered.sheets for page in sheets.pages]
    arrays = (layer.values, *neighbors, *found_many)
    return costs, [*(array.tobytes() for array in arrays), *pages]


def add_noise(unit: FloatArray) -> FloatArray:
    """Returns eight noisy copies of each row."""
    rows = np.repeat(unit, 8, axis=0)
    noise = np.random.default_rng(0).normal(scale=rows.std(axis=0) / 4, size=rows.shape)
    noisy: FloatArray = (rows + noise).astype(np.float32)
    return noisy


def render(case: Case, targets: list[Targets], ranks: Ranks) -> Any:
    """Renders, packs, and scores the icons of all grids."""
    engine = IconEngine.prepare(case.model, LAYER, case.source, case.receptive, ranks=ranks)
    return render_levels(engine, targets, "inversion", ranks=ranks)


def print_costs(costs: list[Turn], icons: int, size: int) -> None:
    """Prints the medians of all turns."""
    load = os.getloadavg()[0]
    print(f"{icons:,} icons, {len(costs)} turns, load average {load:.1f} on {os.cpu_count()} cores")
    for stage in STAGES:
        one, several = (
            [
                statistics.median(getattr(turn[which][stage], name) for turn in costs)
                for name in ("wall", "cpu", "busiest")
            ]
            for which in (0, 1)
        )
        report(f"{stage}: one rank", f"{one[0]:.2f} s, {one[1]:.2f} CPU s")
        cpu = f"{several[1]:.2f} CPU s, {several[2]:.2f} of one"
        report(f"{stage}: {size} ranks", f"{several[0]:.2f} s, {cpu}")
    for name, what in (("busiest", "by the CPU seconds of the busiest"), ("wall", "by wall time")):
        totals = [
            [sum(getattr(cost, name) for cost in part.values()) for part in turn[:2]]
            for turn in costs
        ]
        speedup = statistics.median(one / several for one, several in totals)
        goal = Goal("times as fast", speedup, BOUND * size / 2, is_least=True)
        report(f"all stages on {size} ranks, {what}", f"{speedup:.2f} times as fast", goal)
    limits = [size * sum_wall(one) / sum_wall(each) for one, _, each in costs]
    limit = f"{statistics.median(limits):.2f} times as fast"
    report(f"limit of the machine, {size} processes that share nothing", limit)


def sum_wall(costs: dict[str, Cost]) -> float:
    """Returns the wall seconds of all stages."""
    return sum(cost.wall for cost in costs.values())


if __name__ == "__main__":
    sys.exit(main())
