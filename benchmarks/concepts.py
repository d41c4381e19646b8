# SPDX-License-Identifier: Apache-2.0
"""Quality and stability of concepts during training, and cost of finding them.

    python benchmarks/concepts.py
    python benchmarks/concepts.py table --seeds 0 --depths late
    python benchmarks/concepts.py events rows

`table` follows the concepts of training runs of the demo network on CIFAR-10
(`cifar_activations.py`), two layers of each, with this package and with three others: k-means with
as many clusters and a cold partition of the same graph, both matched from step to step by the
Hungarian method, and the previous method of this package (`baselines/`). `events` counts the events
that are found in synthetic runs with planted ones. `rows` measures cost and memory in new
processes. Costs are CPU seconds of one thread, which increase on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import cifar_activations
import numpy as np
from baselines.mixing_clusters import NeighborGraph as MixingGraph
from baselines.mixing_clusters import PreviousClusters, find_clusters
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score
from synthetic_concepts import ConceptRun, simulate_concepts

from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import find_directions
from tensorboard_plugin_atlas.analysis.concepts.step_concepts import (
    StepConcepts,
    find_concepts,
)
from tensorboard_plugin_atlas.analysis.directions import nearest_neighbors

NEIGHBORS = 15
MIN_ACCURACY = 0.3
SIZES = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
UNSEEN_SEEDS = tuple(range(900, 910))
"""Seeds of synthetic runs that were never used to choose a constant."""
OVERLAPPING = {"spread": 0.55, "drift": 0.4}

Labels = NDArray[np.integer]
Rows = NDArray[np.float32]


class Atlas:
    """This package: concepts are continued from the previous step."""

    name = "this package"

    def __init__(self) -> None:
        self.last: StepConcepts | None = None

    def advance(self, rows: Rows) -> Labels:
        """Returns the concepts of the next step."""
        self.last = find_concepts(rows, self.last)
        return self.last.concepts

    def preview(self, rows: Rows) -> tuple[Labels, int]:
        """Returns concepts of other rows after the last ones, and the number of events."""
        found = find_concepts(rows, self.last)
        return found.concepts, len(found.changes.events) if found.changes else 0


class Matched:
    """A clustering without history, matched to the previous one by the Hungarian method."""

    def __init__(self, name: str, cluster: Callable[[Rows], Labels]) -> None:
        self.name = name
        self.cluster = cluster
        self.last: Labels | None = None

    def advance(self, rows: Rows) -> Labels:
        """Returns the clusters of the next step."""
        self.last = self.preview(rows)[0]
        return self.last

    def preview(self, rows: Rows) -> tuple[Labels, int]:
        """Returns the clusters of other rows after the last ones; it finds no events."""
        found = self.cluster(rows)
        return (found if self.last is None else match_partitions(found, self.last)), 0


class Mixing:
    """The previous method of this package; clusters keep the label of their predecessor."""

    name = "previous method"

    def __init__(self) -> None:
        self.last: Labels | None = None
        self.graph: MixingGraph | None = None

    def advance(self, rows: Rows) -> Labels:
        """Returns the clusters of the next step."""
        self.last, _ = self.preview(rows)
        self.graph = MixingGraph.from_activations(rows)
        return self.last

    def preview(self, rows: Rows) -> tuple[Labels, int]:
        """Returns the clusters of other rows after the last ones; its events are not counted."""
        graph = MixingGraph.from_activations(rows)
        if self.last is None or self.graph is None:
            return find_clusters(graph), 0
        _, dense = np.unique(self.last, return_inverse=True)
        before = (dense - int((self.last < 0).any())).astype(np.int32)
        found = find_clusters(graph, PreviousClusters(before, self.graph))
        return match_partitions(found, self.last), 0


def match_partitions(found: Labels, previous: Labels) -> Labels:
    """Numbers clusters like the previous ones so that most samples keep their number."""
    new, old = np.unique(found[found >= 0]), np.unique(previous[previous >= 0])
    overlap = np.array([[np.sum((found == a) & (previous == b)) for b in old] for a in new])
    rows, columns = linear_sum_assignment(-overlap)
    number = {new[row]: old[column] for row, column in zip(rows, columns, strict=True)}
    free = int(previous.max()) + 1
    for label in new:
        if label not in number:
            number[label], free = free, free + 1
    return np.array([number.get(label, -1) for label in found])


def partition_cold(rows: Rows) -> Labels:
    """Partitions the graph of this package without history."""
    return find_concepts(rows).concepts


def cluster_by_k_means(count: int) -> Callable[[Rows], Labels]:
    """Returns k-means of centered unit rows."""

    def cluster(rows: Rows) -> Labels:
        return KMeans(count, n_init=4, random_state=0).fit_predict(find_directions(rows)[1])

    return cluster


@dataclass
class Row:
    """Means over steps of one method on one layer of one run."""

    method: str
    concepts: float = 0.0
    largest: float = 0.0
    without: float = 0.0
    information: float = 0.0
    inside: float = 0.0
    kept: float = 0.0
    same: float = 0.0
    noise: tuple[float, float] = (0.0, 0.0)
    noise_events: tuple[int, int] = (0, 0)
    same_events: int = 0
    steps: int = 0
    seconds: float = 0.0


def print_table(seeds: Sequence[int], depths: Sequence[str]) -> None:
    """Prints quality and stability on real training runs."""
    header = (
        f"{'run':14} {'method':16} {'concepts':>8} {'largest':>8} {'none':>6} {'NMI':>6} "
        f"{'inside':>7} {'kept':>6} {'same':>7} {'1 %':>7} {'3 %':>7} {'events':>12} {'CPU s':>6}"
    )
    print(header)
    ratios: dict[str, list[tuple[float, float, float]]] = {}
    for seed in seeds:
        run = cifar_activations.load_run(seed)
        first = int(np.argmax(run.accuracy >= MIN_ACCURACY))
        for depth in depths:
            ours = measure(Atlas(), run, depth, first)
            count = round(ours.concepts)
            others = [
                measure(Matched("k-means", cluster_by_k_means(count)), run, depth, first),
                measure(Matched("cold partition", partition_cold), run, depth, first),
                measure(Mixing(), run, depth, first),
            ]
            for row in (ours, *others):
                print_row(f"{depth}, seed {seed}", row)
                base = others[0]
                ratios.setdefault(row.method, []).append(
                    (
                        row.information / base.information,
                        row.inside / base.inside,
                        row.kept / base.kept,
                    )
                )
    print("\nratio to k-means: NMI (least, mean), neighbors inside (least), kept (least)")
    for method, values in ratios.items():
        nmi, inside, kept = np.array(values).T
        print(f"{method:16} {nmi.min():.2f} {nmi.mean():.2f} {inside.min():.2f} {kept.min():.2f}")


def measure(
    method: Atlas | Matched | Mixing, run: cifar_activations.Run, depth: str, first: int
) -> Row:
    """Follows one layer of one run and measures each logged step."""
    row = Row(method.name)
    before: Labels | None = None
    values = []
    kept = []
    for step in range(first, len(run.accuracy)):
        rows = run.rows[depth][step].astype(np.float32)
        start = time.process_time()
        labels = method.advance(rows)
        row.seconds += time.process_time() - start
        shares = np.bincount(labels[labels >= 0]) / len(labels)
        values.append(
            (
                (shares > 0).sum(),
                shares.max(),
                (labels < 0).mean(),
                normalized_mutual_info_score(run.labels, labels),
                measure_inside(rows, labels),
            )
        )
        if before is not None:
            kept.append((before == labels).mean())
        before = labels
        again, events = method.preview(rows)
        row.same = max(row.same, float((again != labels).mean()))
        row.same_events += events
        noisy = [method.preview(run.noisy[depth][step, i].astype(np.float32)) for i in (0, 1)]
        moved = [float((found != labels).mean()) for found, _ in noisy]
        row.noise = (max(row.noise[0], moved[0]), max(row.noise[1], moved[1]))
        row.noise_events = (row.noise_events[0] + noisy[0][1], row.noise_events[1] + noisy[1][1])
    mean = np.mean(values, axis=0)
    row.concepts, row.largest, row.without, row.information, row.inside = map(float, mean)
    row.largest = float(np.max(values, axis=0)[1])
    row.kept = float(np.mean(kept))
    row.steps = len(values)
    row.seconds /= len(values)
    return row


def measure_inside(rows: Rows, labels: Labels) -> float:
    """Returns the fraction of the true nearest neighbors that have the same label."""
    neighbors, _ = nearest_neighbors(find_directions(rows)[1], NEIGHBORS)
    return float((labels[neighbors] == labels[:, None]).mean())


def print_row(name: str, row: Row) -> None:
    events = f"{row.same_events}/{row.noise_events[0]}/{row.noise_events[1]} of {row.steps}"
    print(
        f"{name:14} {row.method:16} {row.concepts:8.1f} {row.largest:8.1%} {row.without:6.1%} "
        f"{row.information:6.3f} {row.inside:7.3f} {row.kept:6.1%} {row.same:7.2%} "
        f"{row.noise[0]:7.2%} {row.noise[1]:7.2%} {events:>12} {row.seconds:6.2f}",
        flush=True,
    )


def print_events() -> None:
    """Prints how many planted events are found in synthetic runs, and how many others."""
    print(
        f"{'runs':12} {'counted':8} {'precision':>9} {'recall':>7} {'born, ended':>11} "
        f"{'false a quiet step':>18}"
    )
    for name, options in (("separate", {}), ("overlapping", OVERLAPPING)):
        runs = [simulate_concepts(seed, **options) for seed in UNSEEN_SEEDS]
        tracked = [list(follow(run)) for run in runs]
        for counted, least in (("all", 0.0), ("sure", 0.75)):
            total = np.sum(
                [count_events(*pair, least) for pair in zip(runs, tracked, strict=True)], axis=0
            )
            planted, found, hits, wanted, right, false, quiet = total.tolist()
            values = (hits / max(found, 1), hits / planted, right / wanted, false / quiet)
            numbers = "{:9.2f} {:7.2f} {:11.2f} {:18.2f}".format(*values)
            print(f"{name:12} {counted:8} {numbers}", flush=True)


def follow(run: ConceptRun) -> Iterator[StepConcepts]:
    """Yields the concepts of each step."""
    last = None
    for rows in run.activations:
        last = find_concepts(rows, last)
        yield last


def count_events(run: ConceptRun, tracked: Sequence[StepConcepts], least: float) -> tuple[int, ...]:
    """Returns planted, found, and matching events; born and ended ones; false and quiet steps."""
    planted = found = hits = wanted = right = false = quiet = 0
    for step in range(1, len(tracked)):
        before, now = tracked[step - 1], tracked[step]
        changes = () if now.changes is None else now.changes.events
        events = [one for one in changes if now.certainty.get(one.label, 0.0) >= least]
        waiting = [one for one in run.planted if one.step == step]
        planted += len(waiting)
        found += len(events)
        wanted += sum(one.kind in ("born", "dies") for one in waiting)
        if not waiting:
            quiet += 1
            false += len(events)
        for event in events:
            here = np.isin(before.concepts, event.before) | np.isin(now.concepts, event.after)
            for one in waiting:
                there = np.isin(np.arange(len(here)), one.rows)
                if (here & there).sum() >= 0.5 * min(here.sum(), there.sum()):
                    waiting.remove(one)
                    hits += 1
                    right += one.kind in ("born", "dies")
                    break
    return planted, found, hits, wanted, right, false, quiet


def print_order() -> None:
    """Prints how much concepts depend on the order and on the choice of the samples."""
    run = cifar_activations.load_run(0)
    random = np.random.default_rng(0)
    for depth in cifar_activations.LAYERS:
        rows = run.rows[depth][-1].astype(np.float32)
        whole = find_concepts(rows).concepts
        order = random.permutation(len(rows))
        shuffled = np.empty_like(whole)
        shuffled[order] = find_concepts(rows[order]).concepts
        half = random.permutation(len(rows))[: len(rows) // 2]
        print(
            f"{depth}: adjusted mutual information of another order of the samples "
            f"{adjusted_mutual_info_score(whole, shuffled):.2f}, of half of the samples "
            f"{adjusted_mutual_info_score(whole[half], find_concepts(rows[half]).concepts):.2f}",
            flush=True,
        )


def print_rows(sizes: Sequence[int]) -> None:
    """Prints CPU seconds and memory of a second step, each size in a new process."""
    print(f"{'samples':>8} {'concepts':>8} {'CPU s':>7} {'MB':>6}")
    for size in sizes:
        subprocess.run([sys.executable, __file__, "one", "--sizes", str(size)], check=True)


def measure_rows(size: int) -> None:
    """Prints the row of one size."""
    if size > 2_000:
        before, now = cifar_activations.load_large(size)
    else:
        before, now = cifar_activations.load_run(0).rows["late"][-2:]
    first = find_concepts(before.astype(np.float32))
    start = time.process_time()
    second = find_concepts(now.astype(np.float32), first)
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{size:8,} {len(np.unique(second.concepts)):8} {seconds:7.2f} {memory:6.0f}", flush=True)


def main() -> None:
    """Prints the selected values, all by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choices = ["table", "events", "order", "rows"]
    parser.add_argument("what", nargs="*", choices=[[], *choices, "one"], metavar="WHAT")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], metavar="SEED")
    parser.add_argument("--depths", nargs="+", choices=cifar_activations.LAYERS, metavar="DEPTH")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="SAMPLES")
    arguments = parser.parse_args()
    for what in arguments.what or choices:
        if what == "one":
            measure_rows(arguments.sizes[0])
        elif what == "table":
            print_table(arguments.seeds, arguments.depths or list(cifar_activations.LAYERS))
        elif what == "events":
            print_events()
        elif what == "order":
            print_order()
        else:
            print_rows(arguments.sizes)


if __name__ == "__main__":
    main()
