# SPDX-License-Identifier: Apache-2.0
"""Projects the cost of a first atlas to more samples and more ranks than one machine has.

    python benchmarks/scale_projection.py
    python benchmarks/scale_projection.py --rows 100000 1000000 --to 10000000 --ranks 64

The parts of a first map are measured at two sizes, as in `scale.py`, on one thread. Assumptions:

- CPU time and memory of a part grow as the power of the number of samples that fits the two sizes.
- Forward passes cost what 50 photographs cost, with all 196 positions of each. Icons are those of
  five grids of at most 160 x 160 cells; the cost of one is an option.
- Forward passes, the search of neighbors, and icons are divided evenly among the ranks and take a
  tenth more CPU time, as `ranks.py` measures with two ranks. Rank 0 computes the other parts.
- Every rank receives all activations (float16) and neighbors at 1 GB/s, and nothing else waits.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from efficientnet_lite import MEAN, STD, load_lite, load_pictures
from scale import (
    BLOCK,
    CHANNELS,
    CONFIG,
    NEIGHBORS,
    POSITIONS,
    SEARCH,
    Stages,
    load_rows,
    measure_parts,
)

from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout

FORWARD, ICONS = "forward passes", "icons"
SHARED = (FORWARD, SEARCH, ICONS)
MORE_CPU = 1.1
BYTES_PER_SECOND = 1e9
CELLS = 28_500
"""Cells with samples of five grids, 10 x 10 to 160 x 160."""


@dataclass(frozen=True)
class Projection:
    """Projected cost of a part.

    Attributes:
        part: Its name.
        one: CPU seconds of one process.
        several: Seconds until all ranks have the result, or rank 0 if it computes the part alone.
        power: Power of the number of samples with which the cost grows.
    """

    part: str
    one: float
    several: float
    power: float


def measure(count: int) -> Stages:
    """Prints and returns the cost of the parts of a first map of `count` samples."""
    from synthetic_runs import atlas_from_activations  # found through `scale`

    rows = load_rows(count)
    print(f"{count:,} samples of {CHANNELS} channels")
    stages = measure_parts(rows, with_peers=False)
    layout = compute_layout(rows, config=CONFIG)
    with stages.measure("five grids to 160 x 160"):
        bin_grids(layout, rows, config=CONFIG)
    with stages.measure("concepts"):
        ConceptTracker().advance(atlas_from_activations(rows), rows)
    return stages


def measure_forward(images: int = 50) -> float:
    """Returns the CPU seconds of a forward pass for one image, up to the layer."""
    pictures, _ = load_pictures()
    model = load_lite(0)
    batch = (pictures[:images] - MEAN) / STD

    def stop(*_: object) -> None:
        raise StopIteration

    hook = model.get_submodule(f"_blocks.{BLOCK}").register_forward_hook(stop)
    spent = []
    with torch.inference_mode():
        for _ in range(3):
            start = time.process_time()
            try:
                model(batch)
            except StopIteration:
                spent.append(time.process_time() - start)
    hook.remove()
    return min(spent) / images


def project(
    sizes: tuple[int, int],
    measured: tuple[Mapping[str, float], Mapping[str, float]],
    count: int,
    ranks: int,
) -> list[Projection]:
    """Projects the parts that were measured at two sizes."""
    found = []
    for part, last in measured[1].items():
        power = fit_power(sizes, (measured[0][part], last))
        one = last * (count / sizes[1]) ** power
        found.append(Projection(part, one, share(part, one, count, ranks), power))
    return found


def fit_power(sizes: tuple[int, int], values: tuple[float, float]) -> float:
    """Returns the power with which a value grows between two sizes."""
    return math.log(max(values[1], 1e-3) / max(values[0], 1e-3)) / math.log(sizes[1] / sizes[0])


def share(part: str, one: float, count: int, ranks: int) -> float:
    """Returns the seconds of a part on several ranks."""
    if part not in SHARED:
        return one
    sent = {FORWARD: 2 * CHANNELS * count, SEARCH: 8 * NEIGHBORS * count}.get(part, 0)
    return MORE_CPU * one / ranks + sent / BYTES_PER_SECOND


def main() -> None:
    """Measures two sizes and prints the projection."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs=2, default=[100_000, 300_000])
    parser.add_argument("--to", type=int, default=10_000_000, help="number of samples")
    parser.add_argument("--ranks", type=int, default=64)
    parser.add_argument("--icon-ms", type=float, default=30.0, help="CPU ms of an icon")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    compute_layout(load_rows(5_000), config=CONFIG)  # loads compiled code
    small, large = sizes = min(chosen.rows), max(chosen.rows)
    first, second = measure(small), measure(large)
    found = project(sizes, (first.seconds, second.seconds), chosen.to, chosen.ranks)
    alone = {
        FORWARD: measure_forward() * chosen.to / POSITIONS,
        ICONS: CELLS * chosen.icon_ms / 1e3,
    }
    for part, one in alone.items():
        power = 1.0 if part == FORWARD else 0.0
        found.append(Projection(part, one, share(part, one, chosen.to, chosen.ranks), power))
    print(f"projected: {chosen.to:,} samples")
    print(f"  {'':<52} {'one process':>14} {f'{chosen.ranks} ranks':>12} {'power':>6}")
    for one in found:
        print(f"  {one.part:<52} {one.one:12.0f} s {one.several:10.0f} s {one.power:6.2f}")
    total, several = sum(one.one for one in found), sum(one.several for one in found)
    print(f"  {'all':<52} {total:12.0f} s {several:10.0f} s, {total / several:.1f} times as fast")
    memory = project(sizes, (first.memory, second.memory), chosen.to, chosen.ranks)
    largest = max(memory, key=lambda one: one.one)
    print(f"  largest memory: {largest.one:.0f} GiB on each rank, in {largest.part!r}")


if __name__ == "__main__":
    main()
