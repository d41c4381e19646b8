# SPDX-License-Identifier: Apache-2.0
"""Recall of planted shortcuts: `python benchmarks/shortcut_search.py [--first SEED] [NAME]`.

Networks of `planted.py`: seven with one mark each, of seven kinds, one with two, three without. A
plant counts as learned if the mark, put by its own recipe on pictures of no training that the
network takes for something else, turns at least half of them; others are left out. An entry
*holds the plant* if its class is right, its picture is marked, and the same piece of the same
picture without the mark turns less than half as many. No threshold was chosen on these networks.

The seconds are CPU time of one thread, searches of 2,000 images and 10 classes; `passes` is the
same as a multiple of one forward pass of those images, which another machine can be compared by.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import planted_shortcuts
import torch
from numpy.typing import NDArray
from planted_shortcuts import Plant, Trained, as_input
from torch import nn

from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.onset import since_step
from tensorboard_plugin_atlas.compute.shortcuts.search import Shortcut, find_shortcuts
from tensorboard_plugin_atlas.config import AtlasConfig

LAYER = "stage2"
LEARNT = 0.5


@dataclass(frozen=True)
class Row:
    """What was found in one network.

    Attributes:
        ranks: Of the first significant entry that holds each learned plant; 0 for none.
        significant: Significant entries.
        strays: Those of them that hold no plant.
        gaps: Reported flip rate, less that on 2,000 other training pictures, of each significant
            entry.
        held_gaps: The same against held-out pictures.
        seconds: CPU seconds of the search.
        late: Checkpoints between the step that is reported and the true one, of the plants found.
    """

    ranks: list[int]
    significant: int
    strays: int
    gaps: list[float]
    held_gaps: list[float]
    seconds: float
    late: list[int]


def main() -> None:
    """Prints a line for each network, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only networks whose names hold one of these")
    parser.add_argument("--first", type=int, default=100, help="first seed; 100 is reported")
    parser.add_argument("--layer", default=LAYER)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = {}
    for name, (seed, plants) in planted_shortcuts.recipes(asked.first).items():
        if not asked.names or any(part in name for part in asked.names):
            one = planted_shortcuts.trained(name, seed, plants)
            rows[name] = study(one, asked.layer)
    summarize(rows)
    if not asked.names:
        cost(asked.layer)


def study(one: Trained, layer: str) -> Row:
    """Searches one network, and holds what is found against what is there."""
    network = one.network()
    learned = [plant for plant in one.plants if planted_rate(network, one, plant) >= LEARNT]
    start = time.process_time()
    probe = (as_input(one.seen), torch.from_numpy(one.labels))
    found = find_shortcuts(network, layer, probe, normalize=planted_shortcuts.NORMALIZE)
    seconds = time.process_time() - start
    told = [entry for entry in found if entry.significant]
    ranks, late = [], []
    for plant in one.plants:
        rate = planted_rate(network, one, plant)
        holding = [n for n, e in enumerate(told, 1) if holds(network, one, plant, e)]
        print(f"{one.name}: {plant.kind} in {plant.target} turns {rate:.2f}, ranks {holding}")
        if plant in learned:
            ranks.append(holding[0] if holding else 0)
            if holding:
                late.append(lateness(one, plant, told[holding[0] - 1]))
    gaps = [entry.flip_rate - pasted_rate(network, entry, fresh(one)) for entry in told]
    held = [entry.flip_rate - pasted_rate(network, entry, one.held_out) for entry in told]
    strays = sum(not any(holds(network, one, p, e) for p in one.plants) for e in told)
    for rank, entry in enumerate(found[:4], 1):
        print(
            f"  {rank}: class {entry.target_class} box {entry.box} area {entry.area:.3f} flips "
            f"{entry.flip_rate:.2f} anywhere {entry.anywhere_flip_rate:.2f} noise "
            f"{entry.noise_flip_rate:.2f} other {entry.other_flip_rate:.2f} same "
            f"{entry.same_flip_rate:.2f} strength {entry.strength:.2f} {entry.significant}"
        )
    print(
        f"  {len(told)} significant, {strays} strays, {seconds:.1f} CPU s, late {late}", flush=True
    )
    return Row(ranks, len(told), strays, gaps, held, seconds, late)


def planted_rate(network: nn.Module, one: Trained, plant: Plant) -> float:
    """Returns the share of clean held-out pictures of other predicted classes that a mark turns."""
    others = one.held_out[answers(network, one.held_out) != plant.target]
    if not len(others):
        return float("nan")
    marked, _ = plant.put(others, seed=1)
    return float((answers(network, marked) == plant.target).mean())


def fresh(one: Trained) -> NDArray[np.uint8]:
    """Returns 2,000 training pictures that are not in the finder's probe."""
    probe = build_probe(
        (as_input(one.seen), torch.from_numpy(one.labels)),
        config=AtlasConfig(),
        normalize=planted_shortcuts.NORMALIZE,
    )
    rest = np.setdiff1d(np.arange(len(one.seen)), probe.image_ids)
    return one.seen[np.random.default_rng(0).permutation(rest)[:2000]]


def pasted_rate(
    network: nn.Module,
    entry: Shortcut,
    pictures: NDArray[np.uint8],
    patch: NDArray[np.uint8] | None = None,
) -> float:
    """Returns the share of pictures taken for something else that an entry's patch turns."""
    y0, x0, y1, x1 = entry.box
    others = pictures[answers(network, pictures) != entry.target_class].copy()
    others[:, y0:y1, x0:x1] = entry.patch if patch is None else patch
    return float((answers(network, others) == entry.target_class).mean())


def holds(network: nn.Module, one: Trained, plant: Plant, entry: Shortcut) -> bool:
    """Tells whether an entry is the plant: without the mark, the same piece must do half as much.

    Of two plants in one picture, that of the class is meant.
    """
    y0, x0, y1, x1 = entry.box
    image = int(entry.image_ids[0])
    bare = one.clean[image, y0:y1, x0:x1]
    if entry.target_class != plant.target or (bare == entry.patch).all():
        return False
    with_mark = pasted_rate(network, entry, one.held_out)
    return pasted_rate(network, entry, one.held_out, bare) < 0.5 * with_mark


def lateness(one: Trained, plant: Plant, entry: Shortcut) -> int:
    """Returns how many checkpoints later than the truth a shortcut is said to be there.

    The truth is the first checkpoint at which the mark itself turns half of held-out pictures.
    """
    probe = (as_input(one.seen), torch.from_numpy(one.labels))
    checkpoints = [(step, one.network(step)) for step in planted_shortcuts.STEPS]
    history = since_step(entry, checkpoints, probe, normalize=planted_shortcuts.NORMALIZE)
    rates = [planted_rate(network, one, plant) for _, network in checkpoints]
    true = next(n for n, rate in enumerate(rates) if rate >= LEARNT)
    if history.since is None:
        return len(planted_shortcuts.STEPS)
    return planted_shortcuts.STEPS.index(history.since) - true


def answers(network: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Returns what a network takes pictures for."""
    with torch.no_grad():
        batches = [network(batch).argmax(dim=1) for batch in as_input(pictures).split(250)]
    return torch.cat(batches).numpy()


def cost(layer: str) -> None:
    """Times the search in a network of the demo's full width, beside plain forward passes."""
    one = planted_shortcuts.trained("cost-300", 300, (Plant("corner", 3),), width=1.0, steps=120)
    network, images = one.network(120), as_input(one.seen)
    answers(network, one.seen[:500])
    searches, passes = [], []
    for _ in range(3):
        start = time.process_time()
        answers(network, one.seen[:2000])
        passes.append(time.process_time() - start)
        start = time.process_time()
        find_shortcuts(
            network,
            layer,
            (images, torch.from_numpy(one.labels)),
            normalize=planted_shortcuts.NORMALIZE,
            config=AtlasConfig(samples=2000),
        )
        searches.append(time.process_time() - start)
    report(
        "search in the demo's network, CPU s (passes), median of 3",
        f"{np.median(searches):.1f} ({np.median(searches) / np.median(passes):.1f})",
        "12",
    )


def summarize(rows: dict[str, Row]) -> None:
    """Prints the table."""
    ranks = [rank for row in rows.values() for rank in row.ranks]
    clean = [row.significant for name, row in rows.items() if name.startswith("clean")]
    strays = [row.strays for name, row in rows.items() if not name.startswith("clean")]
    gaps = [abs(gap) for row in rows.values() for gap in row.gaps]
    late = [value for row in rows.values() for value in row.late]
    many = len(ranks)
    # Two plants in one network cannot both come first.
    first = sum(0 < rank <= len(row.ranks) for row in rows.values() for rank in row.ranks)
    report("learned plants found first (of two: first two)", f"{first} of {many}", ".9")
    report("... among the first three", f"{sum(0 < r <= 3 for r in ranks)} of {many}", "all")
    report("significant entries in each network without plants", f"{clean}", "mean <= .5")
    report("significant entries of no plant in each of the others", f"{strays}", "")
    if gaps:
        value = f"{np.mean(gaps):.3f} (largest {max(gaps):.3f}, n={len(gaps)})"
        report("reported less measured flip rate, mean of absolutes", value, ".05")
        held = [gap for row in rows.values() for gap in row.held_gaps]
        value = f"{np.mean(np.abs(held)):.3f} (signed {np.mean(held):+.3f})"
        report("... measured on held-out pictures", value, "")
    report("checkpoints from true to reported step", f"{late}", "-1 to 1")
    seconds = [row.seconds for row in rows.values()]
    report("search, half width, CPU s", f"{np.median(seconds):.1f} ({max(seconds):.1f})", "")


def report(what: str, value: str, bound: str) -> None:
    """Prints a figure beside what it must reach."""
    print(f"{what:<60} {value:>34}   {'must reach ' + bound if bound else ''}", flush=True)


if __name__ == "__main__":
    main()
