# SPDX-License-Identifier: Apache-2.0
"""Quality and stability of maps during training, and cost of a layout.

    python benchmarks/map_stability.py
    python benchmarks/map_stability.py table --seeds 0 --depths late
    python benchmarks/map_stability.py rows cold

`table` lays out three training runs of the demo network on CIFAR-10 (`cifar_activations.py`), two
layers of each, with this package and with umap-learn. Each value has a bound; a value that misses
it is marked `MISSED`. `rows` and `cold` measure cost and memory in new processes. Costs are CPU
seconds of one thread, which increase on a busy machine. Plots go to `build/evolution`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import cifar_activations
import layout_methods
import numpy as np
from layout_methods import Chain, Rows
from numpy.typing import NDArray
from scipy.stats import spearmanr

from tensorboard_plugin_atlas.analysis.directions import nearest_neighbors, unit_rows
from tensorboard_plugin_atlas.compute.layout.neighbor_overlap import overlap
from tensorboard_plugin_atlas.compute.layout.quality import knn_kept, true_ranks, trustworthiness

NEIGHBORS, MANY = 15, 100
CELLS = 10
CHANGED = 0.5
"""A sample that lost more than this fraction of its 15 nearest neighbors has changed."""
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)

Shares = NDArray[np.float32]


def main() -> None:
    """Prints the selected values, all by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=[[], *BENCHMARKS], metavar="WHAT")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="SEED")
    parser.add_argument("--depths", nargs="+", choices=cifar_activations.LAYERS, metavar="DEPTH")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="ROWS")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--output", type=Path, default=cifar_activations.STORE)
    arguments = parser.parse_args()
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"one thread; {os.cpu_count()} CPUs, load {load}")
    for name in arguments.what or BENCHMARKS:
        BENCHMARKS[name](arguments)


# Measured values.


@dataclass(frozen=True, eq=False)
class Truth:
    """Change of activations between consecutive steps: T - 1 arrays (N,) each, 0 for none.

    Attributes:
        near: Fraction of the 15 nearest neighbors by cosine that was lost.
        far: Fraction of the 100 nearest neighbors that was lost.
        turned: 1 minus the cosine of both activations.
    """

    near: Sequence[Shares]
    far: Sequence[Shares]
    turned: Sequence[Shares]

    @classmethod
    def of(cls, rows: Rows) -> Truth:
        """Measures (T, N, C) activations."""
        unit = [unit_rows(one.astype(np.float32)) for one in rows]
        wide = [nearest_neighbors(one, MANY)[0] for one in unit]
        pairs = list(zip(wide[1:], wide[:-1], strict=True))
        flat = [one.astype(np.float64) for one in rows]
        return cls(
            near=[1 - overlap(now[:, :NEIGHBORS], old[:, :NEIGHBORS]) for now, old in pairs],
            far=[1 - overlap(now, old) for now, old in pairs],
            turned=[1 - _cosines(now, old) for now, old in zip(flat[1:], flat[:-1], strict=True)],
        )


def _cosines(a: NDArray[np.float64], b: NDArray[np.float64]) -> Shares:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return ((a * b).sum(axis=1) / np.maximum(lengths, 1e-12)).astype(np.float32)


@dataclass(frozen=True)
class Figures:
    """Measured values of one chain of maps; `AT_LEAST` and `AT_MOST` are their bounds.

    Attributes:
        trust: Trustworthiness with 15 neighbors, mean of all logged steps.
        last: Trustworthiness with 15 neighbors of the last step.
        kept: Fraction of the 15 nearest neighbors that are among the 15 nearest on the map.
        near: Spearman correlation of displacement with `Truth.near`, mean of all transitions.
        far: The same with `Truth.far`.
        turned: The same with `Truth.turned`.
        move: Mean displacement divided by the root mean square radius of the map.
        cell: Fraction of samples that stay in their cell of a 10 x 10 grid.
        unchanged: `move` if the last step is laid out after itself with another seed.
        still: Fraction of samples above the noise floor in that layout.
        planted: Fraction above the noise floor of samples with swapped activations.
        significant: Fraction above the noise floor of samples that lost half of the 15 nearest.
        chance: Fraction above the noise floor between maps of one step with other seeds.
        seconds: CPU seconds of a later step.
    """

    trust: float
    last: float
    kept: float
    near: float
    far: float
    turned: float
    move: float
    cell: float
    unchanged: float
    still: float
    planted: float
    significant: float
    chance: float
    seconds: float


def measure(chain: Chain, rows: Rows, truth: Truth) -> Figures:
    """Measures a chain of maps."""
    trusts, kept = quality(chain, rows)
    moves, drawn = _moves(chain.raw), _moves(chain.xy)
    radii = [_radius(raw) for raw in chain.raw]
    unchanged = _distance(chain.again, chain.raw[-1])
    significant = chance = np.nan
    if len(chain.floors):
        above = np.concatenate([d > f for d, f in zip(drawn, chain.floors, strict=True)])
        significant = float(above[np.concatenate(truth.near) > CHANGED].mean())
    if len(chain.reseeded):
        chance = calibration(chain)
    return Figures(
        trust=float(np.mean(trusts)),
        last=trusts[-1],
        kept=kept,
        near=_agreement(moves, truth.near),
        far=_agreement(moves, truth.far),
        turned=_agreement(moves, truth.turned),
        move=float(np.mean([m.mean() / r for m, r in zip(moves, radii[1:], strict=True)])),
        cell=float(
            np.mean([_same(a, b) for a, b in zip(chain.xy[:-1], chain.xy[1:], strict=True)])
        ),
        unchanged=float(unchanged.mean() / radii[-1]),
        still=chain.still,
        planted=chain.planted,
        significant=significant,
        chance=chance,
        seconds=statistics.mean(chain.seconds[2:]),
    )


def quality(chain: Chain, rows: Rows) -> tuple[list[float], float]:
    """Returns the trustworthiness of each map, and the mean fraction of neighbors kept."""
    trusts, kept = [], []
    for xy, one in zip(chain.xy, rows, strict=True):
        ranks = true_ranks(unit_rows(one), xy, NEIGHBORS)
        trusts.append(trustworthiness(ranks, len(xy)))
        kept.append(knn_kept(ranks))
    return trusts, float(np.mean(kept))


def calibration(chain: Chain) -> float:
    """Returns the fraction above the noise floor between maps with seeds it was not fitted to."""
    above = [
        _distance(a, b) > floor
        for floor, maps in zip(chain.floors, chain.reseeded, strict=True)
        for i, a in enumerate(maps)
        for b in maps[:i]
    ]
    return float(np.mean(above))


def _agreement(moves: Sequence[Shares], changes: Sequence[Shares]) -> float:
    return float(np.mean([spearmanr(m, c)[0] for m, c in zip(moves, changes, strict=True)]))


def _steps(maps: Sequence[Shares]) -> list[tuple[Shares, Shares]]:
    return list(itertools.pairwise(maps))


def _moves(maps: Sequence[Shares]) -> list[Shares]:
    return [_distance(a, b) for a, b in _steps(maps)]


def _distance(a: Shares, b: Shares) -> Shares:
    return np.linalg.norm(a - b, axis=1)


def _radius(raw: Shares) -> float:
    return float(np.sqrt(((raw - raw.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _same(a: Shares, b: Shares) -> float:
    cells = [np.minimum((xy * CELLS).astype(int), CELLS - 1) for xy in (a, b)]
    return float((cells[0] == cells[1]).all(axis=1).mean())


# The table.

METHODS: dict[str, Callable[[Rows, int], Chain]] = {
    "UMAP + Procrustes": lambda rows, seed: layout_methods.fit_umap(rows, seed),
    "AlignedUMAP.update": lambda rows, seed: layout_methods.fit_aligned_umap(rows, seed),
    "ours": lambda rows, seed: layout_methods.lay_out(rows, seed, calibrate=True),
    "ours, stability 0": lambda rows, seed: layout_methods.lay_out(rows, seed, stability=0),
    "ours, stability 0.3": lambda rows, seed: layout_methods.lay_out(rows, seed, stability=0.3),
    "ours, stability 3": lambda rows, seed: layout_methods.lay_out(rows, seed, stability=3),
    "ours, relayout": lambda rows, seed: layout_methods.relayout(rows, seed),
}
HEADS = {
    "trust": ("trust", 3),
    "last": ("last", 3),
    "kept": ("kept", 3),
    "near": ("rho 15", 2),
    "far": ("rho 100", 2),
    "turned": ("rho cos", 2),
    "move": ("move", 2),
    "cell": ("cell", 3),
    "unchanged": ("unch.", 3),
    "still": ("still", 3),
    "planted": ("planted", 2),
    "significant": ("signif.", 2),
    "chance": ("chance", 3),
    "seconds": ("CPU s", 2),
}
"""Column head and decimal places of each of the `Figures`."""
AT_LEAST = {"trust": 0.958, "last": 0.959, "kept": 0.378} | {
    "near": 0.60,
    "far": 0.62,
    "turned": 0.36,
    "cell": 0.295,
    "planted": 0.80,
}
AT_MOST = {"move": 0.46, "unchanged": 0.001, "still": 0.05, "seconds": 0.75}
CALIBRATED = (0.03, 0.07)
"""Bounds of `chance`: 5 % by definition of the noise floor, within the error of three runs."""


def table(arguments: argparse.Namespace) -> None:
    """Prints the values of every method for each layer, as means over the training runs."""
    depths = arguments.depths or list(cifar_activations.LAYERS)
    found: dict[str, dict[str, list[Figures]]] = {depth: {} for depth in depths}
    shown: dict[str, tuple[Chain, Truth]] = {}
    for seed in arguments.seeds:
        run = cifar_activations.load_run(seed)
        accuracy = " ".join(f"{value:.2f}" for value in run.accuracy)
        print(
            f"training {seed}: accuracy {accuracy} at steps {cifar_activations.STEPS}", flush=True
        )
        if seed == arguments.seeds[0]:
            _warm(arguments.methods, run.rows["late"])
        for depth in depths:
            rows = run.rows[depth]
            truth = Truth.of(rows)
            stayed = " ".join(f"{1 - lost.mean():.2f}" for lost in truth.near)
            print(f"  {depth}: share of 15 nearest kept {stayed}", flush=True)
            for name in arguments.methods:
                chain = METHODS[name](rows, seed)
                found[depth].setdefault(name, []).append(measure(chain, rows, truth))
                if (depth, seed) == (depths[0], arguments.seeds[0]):
                    shown[name] = chain, truth
    for depth, by_method in found.items():
        _print_table(depth, by_method)
    for depth, by_method in found.items():
        plot_quality(depth, by_method, arguments.output / f"quality-{depth}.png")
    plot_motion(shown, arguments.output / "motion.png")


def _warm(methods: Sequence[str], rows: Rows) -> None:
    """Runs each method once, so that compilation is not measured."""
    for name in methods:
        if name != "AlignedUMAP.update":  # its first fit compiles
            METHODS[name](rows[-3:, :300], 0)


def _print_table(depth: str, by_method: Mapping[str, Sequence[Figures]]) -> None:
    seeds = len(next(iter(by_method.values())))
    print(f"\n{depth} layer, {len(cifar_activations.STEPS)} steps, mean of {seeds} trainings")
    print(f"{'':<31}" + "".join(f"{head:>9}" for head, _ in HEADS.values()))
    for name, figures in by_method.items():
        mean = {key: float(np.mean([asdict(one)[key] for one in figures])) for key in HEADS}
        print(f"{name:<31}" + "".join(_cell(mean[key], key) for key in HEADS), flush=True)
        if name == "ours":
            print(f"{'  bound':<31}" + "".join(f"{_bound(key):>9}" for key in HEADS))
            missed = [HEADS[key][0] for key in HEADS if not _met(key, mean[key])]
            print(f"{'  MISSED: ' + ', '.join(missed) if missed else '  all reached'}")
            spread = {key: np.ptp([asdict(one)[key] for one in figures]) for key in HEADS}
            print(f"{'  range over trainings':<31}" + "".join(_cell(spread[k], k) for k in HEADS))
    if {"ours", "AlignedUMAP.update"} <= by_method.keys():
        own, peer = (
            np.mean([one.seconds for one in by_method[name]])
            for name in ("ours", "AlignedUMAP.update")
        )
        print(f"ours at 1/{peer / own:.1f} of the cost of AlignedUMAP.update   bound 1/14")


def _cell(value: float, key: str) -> str:
    return f"{'-' if np.isnan(value) else format(value, f'.{HEADS[key][1]}f'):>9}"


def _bound(key: str) -> str:
    if key in AT_LEAST:
        return f">={AT_LEAST[key]:g}"
    if key in AT_MOST:
        return f"<={AT_MOST[key]:g}"
    return ".05" if key == "chance" else ""


def _met(key: str, value: float) -> bool:
    rounded = round(value, HEADS[key][1])
    if key == "chance":
        return CALIBRATED[0] <= value <= CALIBRATED[1]
    return AT_LEAST.get(key, -np.inf) <= rounded <= AT_MOST.get(key, np.inf)


# Plots.

COLORS = ("#9a9a9a", "#d95f02", "#1b4f9c", "#7fb2e5", "#4f8fd6", "#0d2a55", "#2a9d8f")


def plot_quality(depth: str, by_method: Mapping[str, Sequence[Figures]], path: Path) -> None:
    """Plots quality against displacement: a point per training run, and the mean per method."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(13, 4.2), sharex=True)
    for (name, figures), color in zip(by_method.items(), _colors(by_method), strict=True):
        moves = [one.move for one in figures]
        for axis, key in zip(axes, ("trust", "last", "near"), strict=True):
            values = [asdict(one)[key] for one in figures]
            axis.scatter(moves, values, s=14, color=color, alpha=0.45, linewidths=0)
            axis.scatter(np.mean(moves), np.mean(values), s=70, color=color, label=name)
    titles = (
        "trustworthiness, all steps",
        "trustworthiness, the last",
        "displacement follows change",
    )
    for axis, title in zip(axes, titles, strict=True):
        axis.set(xlabel="mean displacement / radius of the map", title=title)
        axis.spines[["top", "right"]].set_visible(False)
    axes[2].set_ylabel("Spearman")
    figure.suptitle(f"CIFAR-10, {depth} layer: small points are single trainings")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def plot_motion(shown: Mapping[str, tuple[Chain, Truth]], path: Path) -> None:
    """Plots quartiles of the displacement against the number of lost nearest neighbors."""
    from matplotlib import pyplot

    wanted = [name for name in ("UMAP + Procrustes", "AlignedUMAP.update", "ours") if name in shown]
    if not wanted:
        return
    figure, axes = pyplot.subplots(1, len(wanted), figsize=(4.3 * len(wanted), 4), sharey=True)
    for axis, name in zip(np.atleast_1d(axes), wanted, strict=True):
        chain, truth = shown[name]
        moves = np.concatenate([_distance(a, b) / _radius(b) for a, b in _steps(chain.raw)])
        counts = np.rint(NEIGHBORS * np.concatenate(truth.near)).astype(int)
        groups = [moves[counts == c] for c in range(NEIGHBORS + 1)]
        places = [c for c, group in enumerate(groups) if len(group) >= 20]
        axis.boxplot(
            [groups[c] for c in places],
            positions=places,
            widths=0.7,
            showfliers=False,
            whis=(5, 95),
            medianprops={"color": "#d95f02", "linewidth": 2},
        )
        rho = _agreement(
            [_distance(a, b) for a, b in zip(chain.raw[:-1], chain.raw[1:], strict=True)],
            truth.near,
        )
        axis.set(title=f"{name}: Spearman {rho:.2f}", xlabel="lost of the 15 nearest neighbors")
        axis.set_xticks(range(0, NEIGHBORS + 1, 3), range(0, NEIGHBORS + 1, 3))
        axis.spines[["top", "right"]].set_visible(False)
    np.atleast_1d(axes)[0].set_ylabel("displacement / radius of the map")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def _colors(by_method: Mapping[str, object]) -> list[str]:
    known = dict(zip(METHODS, COLORS, strict=True))
    return [known[name] for name in by_method]


# Cost and memory in new processes.


def rows(arguments: argparse.Namespace) -> None:
    """Measures CPU seconds and peak memory of a later step with many samples."""
    limits = {2_000: 0.75, 10_000: 6, 50_000: 60}
    before = None
    print("\nlate layer, 128 channels: one later step, its floor included, one process each")
    for size in arguments.sizes:
        cifar_activations.load_large(1)
        found = _child("measure_layout", cifar_activations.STORE / "large.npz", size)
        seconds, alone, peak = found
        growth = (
            "" if before is None else f", x {seconds / before[1]:.1f} for x {size / before[0]:g}"
        )
        before = size, seconds
        limit = f"   bound <= {limits[size]:g} CPU s, <= 700 MB" if size in limits else ""
        print(
            f"{size:>8,} rows: {seconds:7.2f} CPU s ({alone:.2f} without floor), "
            f"memory {peak:.0f} MB{growth}{limit}",
            flush=True,
        )


def cold(arguments: argparse.Namespace) -> None:
    """Measures a first layout of 2,000 samples in a new process, from its start to the map."""
    del arguments
    cifar_activations.load_large(1)
    print("\nfirst layout of 2,000 samples in a new process, imports and compilation included")
    limits = {"start_layout": "   bound <= 8 CPU s", "start_umap": ""}
    for name, limit in limits.items():
        spent = [_child(name, cifar_activations.STORE / "large.npz", 2_000)[0] for _ in range(3)]
        print(
            f"  {name:<12} {statistics.median(spent[1:]):6.2f} CPU s, caches warm{limit}",
            flush=True,
        )


def _child(function: str, *arguments: object) -> list[float]:
    """Runs a function of `layout_methods` in a new process; returns the values that it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c"]
        + [f"import sys, layout_methods; layout_methods.{function}(*sys.argv[1:])"]
        + [str(argument) for argument in arguments],
        cwd=Path(__file__).parent,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [float(value) for value in done.stdout.split()]


BENCHMARKS: dict[str, Callable[[argparse.Namespace], None]] = {
    function.__name__: function for function in (table, rows, cold)
}


if __name__ == "__main__":
    main()
