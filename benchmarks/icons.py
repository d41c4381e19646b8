# SPDX-License-Identifier: Apache-2.0
"""What icons cost and how true they are: `python benchmarks/icons.py [--quick] [WHAT ...]`.

Every figure stands beside what it must reach; one that does not is marked `MISSED`. Costs are CPU
seconds of one thread, which a busy machine stretches as well, up to twofold: what is compared is
therefore drawn in turns, and of many turns the median counts. The network is pretrained
EfficientNet-Lite0 on 500 photographs, the scores are those of a sibling that no optimizer ever saw
(`lite`). Peers need `python benchmarks/icon_libraries.py --install`. Pictures go to `build/icons`.
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import hashlib
import math
import os
import pickle
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import efficientnet_lite
import icon_libraries as other
import numpy as np
import psutil
import torch
from cifar_training import Training
from efficientnet_lite import Judge, Study
from icon_table import COLUMNS, Bound, report, row, row_of
from numpy.typing import NDArray
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, compute
from tensorboard_plugin_atlas.compute.icons.engine import KINDS, IconEngine, Icons
from tensorboard_plugin_atlas.compute.icons.inversion import (
    InversionSettings,
    Stage,
    choose_tile_side,
)
from tensorboard_plugin_atlas.compute.icons.targets import build_targets
from tensorboard_plugin_atlas.compute.layout.cell_matching import find_predecessors
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.probe.patches import PostProcessing
from tensorboard_plugin_atlas.compute.probe.probe import build_probe

KEEP_PAGES = {"MALLOC_TRIM_THRESHOLD_": str(1 << 32), "MALLOC_MMAP_THRESHOLD_": str(1 << 32)}
"""glibc hands freed pages back and asks for them again at every step of an optimization, and their
clearing is charged to whoever draws. These keep them; glibc reads them as a process starts."""
ENVIRONMENT = KEEP_PAGES | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
REPOSITORY = Path(__file__).parents[1]
SIDES = (None, 96, 128, 192, 224)
"""Peers are scored at the size that suits them best."""
TUNING, REPORTING = 1, 2
STUDIED_BY = (
    *("model/activations", "model/receptive_field", "model/truncate"),
    *("layout/grid", "layout/layout", "probe/patches", "probe/probe"),
    *("icons/layer_objective", "icons/targets"),
)

Pictures = NDArray[np.uint8]
Which = NDArray[np.int64]


LOOK = {"sat": Bound(0.27), "contrast": Bound(0.14)}
GOALS: dict[tuple[str, str], dict[str, Bound]] = {
    ("mid", "preview"): {"held": Bound(0.55)},
    ("mid", "inversion"): LOOK
    | {"held": Bound(0.71), "top1": Bound(0.96), "copy": Bound(most=0.45)}
    | {"CPU ms a tile": Bound(most=28)},
    ("mid", "poster"): LOOK
    | {"held": Bound(0.77), "top1": Bound(0.99), "copy": Bound(most=0.43)}
    | {"CPU ms a tile": Bound(most=180)},
    ("late", "inversion"): LOOK
    | {"held": Bound(0.60), "top1": Bound(0.93), "copy": Bound(most=0.45)}
    | {"CPU ms a tile": Bound(most=115)},
    ("late", "poster"): LOOK
    | {"held": Bound(0.66), "top1": Bound(0.97), "copy": Bound(most=0.42)}
    | {"CPU ms a tile": Bound(most=280)},
}
CHEAPER: dict[tuple[str, str], float] = {
    ("mid", "dreamlens"): 100,
    ("mid", "torch-lucent"): 250,
    ("mid", "horama"): 450,
    ("late", "dreamlens"): 33,
}
"""How many times cheaper than a peer the cheapest of ours is whose held-out score is no lower."""
PREVIEW_CHEAPER = {("mid", "dreamlens"): 300.0}
"""The same, of previews."""
SHARES_OF_STEPS = (0.5, 0.75)
"""Of an inversion, to find how few are as true as a peer's icons."""
PEER_CELLS = {"dreamlens": 8, "torch-lucent": 5, "horama": 5}
OUR_CELLS = 64
"""Ours are drawn as on a map, many at once. Peers' are few, for they take seconds each."""


def main() -> None:
    """Prints the figures that are asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[[], *BENCHMARKS], metavar="WHAT")
    parser.add_argument("--quick", action="store_true", help="fewer cells, to see that it runs")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "icons")
    arguments = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        command = [sys.executable, "-W", "ignore", *sys.argv]
        os.execve(sys.executable, command, os.environ | ENVIRONMENT)
    torch.set_num_threads(1)
    arguments.output.mkdir(parents=True, exist_ok=True)
    load_average = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"torch {torch.__version__}, one thread; {os.cpu_count()} CPUs, load {load_average}")
    for name in arguments.what or BENCHMARKS:
        BENCHMARKS[name](arguments.output, arguments.bfloat16)


# The ground: studied once, kept under the output folder.


@dataclass(frozen=True, eq=False)
class Ground:
    """A layer of Lite0 to be drawn, and the judges of the drawing."""

    case: Study
    judges: dict[int, Judge]

    def engine(self) -> IconEngine:
        """Returns the engine, warm: what is measured once per checkpoint has been measured."""
        engine = _engine_of(self.case)
        for kind in KINDS:
            engine.render(self.case.targets[-1].select(np.arange(2)), kind)
        return engine


def ground(depth: str, folder: Path) -> Ground:
    """Returns a layer with its judges, from the folder where it was already studied by this code.

    Unpickling runs what the file says: `folder` is this benchmark's own.
    """
    sources = [Path(compute.__file__).parent / f"{name}.py" for name in STUDIED_BY]
    code = b"".join(path.read_bytes() for path in [*sources, Path(efficientnet_lite.__file__)])
    kept = folder / f"study-{depth}-{hashlib.sha256(code).hexdigest()[:12]}.pickle"
    if not kept.exists():
        for outdated in folder.glob(f"study-{depth}-*.pickle"):
            outdated.unlink()
        case = efficientnet_lite.study(depth)
        torch.set_num_threads(1)  # numba, under UMAP, sets them anew
        judges = {number: Judge.of(case, number) for number in (TUNING, REPORTING)}
        kept.write_bytes(pickle.dumps((case, judges), protocol=5))
    return Ground(*pickle.loads(kept.read_bytes()))


# What is timed.


def cpu_seconds(call: Callable[[], object]) -> float:
    """Returns the processor seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def chunks(count: int, size: int) -> Iterator[Which]:
    """Yields the numbers below `count`, `size` at a time."""
    return (np.arange(first, min(first + size, count)) for first in range(0, count, size))


def drawn_in_turns(
    engine: IconEngine, case: Study, which: Which, kinds: Sequence[str]
) -> dict[str, tuple[Pictures, float]]:
    """Draws cells in every kind, some cells at a time in one kind after the other.

    Returns:
        For each kind the icons, and the median of milliseconds of one thread a tile.
    """
    pictures: dict[str, list[Pictures]] = {kind: [] for kind in kinds}
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    for chunk in chunks(len(which), 2 * engine.settings.batch):
        targets = case.targets[-1].select(which[chunk])
        for kind in kinds:
            start = time.process_time()
            pictures[kind].append(engine.render(targets, kind).images)
            costs[kind].append(1000 * (time.process_time() - start) / len(chunk))
    return {
        kind: (np.concatenate(pictures[kind]), statistics.median(costs[kind])) for kind in kinds
    }


# The table.


def mid(folder: Path, quick: bool) -> None:
    """The last layer of stride 16."""
    _fidelities("mid", folder, quick)


def late(folder: Path, quick: bool) -> None:
    """The last layer of stride 32."""
    _fidelities("late", folder, quick)


def _fidelities(depth: str, folder: Path, quick: bool) -> None:
    """Scores every fidelity on all cells of a 16 x 16 map and writes its sheet."""
    here = ground(depth, folder)
    start = time.process_time()
    engine = here.engine()
    ready = time.process_time() - start
    case, count = here.case, len(here.case.cells[-1])
    which = np.arange(0, count, 4 if quick else 1)
    drawn = drawn_in_turns(engine, case, which, KINDS)
    print(f"\n{depth}: {len(which)} of {count} cells, judged by Lite{REPORTING}; ", end="")
    print(f"readied in {ready:.1f} CPU s, once per checkpoint")
    row("", list(COLUMNS))
    for kind, (icons, cost) in drawn.items():
        sides = (None, _cut_side(case)) if kind == "examples" else (None,)
        found = efficientnet_lite.score(case, here.judges[REPORTING], icons, which, sides)
        row_of(kind, found, cost, GOALS.get((depth, kind), {}))
        if not quick:
            efficientnet_lite.sheet(icons, case.cells[-1], folder / f"{depth}-{kind}.png")


def _cut_side(case: Study) -> int:
    """Returns the side at which patches are cut, before they are made as small as icons."""
    receptive = case.receptive
    stride, size = round(max(receptive.stride)), max(receptive.size)
    return choose_tile_side(stride=stride, receptive_size=size, input_shape=case.source.shape)


def peers(folder: Path, quick: bool) -> None:
    """Draws the same cells with every peer and with every fidelity."""
    blocks: dict[str, dict[str, Pictures]] = {}
    for depth, title in (("mid", "block 10 of 16, stride 16"), ("late", "block 15, stride 32")):
        blocks[title] = _beside_peers(depth, folder, quick)
    efficientnet_lite.side_by_side(blocks, folder / "icons-and-peers.png")


def _beside_peers(depth: str, folder: Path, quick: bool) -> dict[str, Pictures]:
    """Prints one depth's figures and returns the pictures of the cells that all have drawn."""
    here = ground(depth, folder)
    case, judge = here.case, here.judges[REPORTING]
    ways = _ways(here.engine())
    # Any cells, and not those where somebody shines.
    order = np.random.default_rng(0).permutation(len(case.cells[-1]))
    fewest = 2 if quick else min(PEER_CELLS.values())
    pictures: dict[str, Pictures] = {"real patch": np.zeros(0, np.uint8)}
    print(f"\n{depth}: the same cells by peers, judged by Lite{REPORTING} at each peer's best size")
    row("", list(COLUMNS))
    for peer in [name for name in PEER_CELLS if name in other.peers()]:
        which = order[: fewest if quick else PEER_CELLS[peer]]
        many = order[: fewest if quick else OUR_CELLS]
        targets = case.targets[-1].select(which)
        before = _drawn_each_way(ways, case, many)
        units = nn.functional.normalize(targets.get_relative_directions(), dim=1)
        theirs = other.draw(
            peer, efficientnet_lite.DEPTHS[depth][0], units.numpy(), targets.center.numpy()
        )
        after = _drawn_each_way(ways, case, many)
        their_cost = 1000 * theirs.cpu_seconds_per_tile
        their_score = efficientnet_lite.score(case, judge, theirs.images, which, SIDES)
        row_of(f"{theirs.version}, {len(which)} cells", their_score, their_cost, {})
        least = CHEAPER.get((depth, peer))
        for name, (icons, cost) in before.items():
            found = efficientnet_lite.score(case, judge, icons[: len(which)], which)
            cost = (cost + after[name][1]) / 2
            row_of(f"  our {name}", found, cost, {})
            bound = Bound()
            if name == "preview" and (depth, peer) in PREVIEW_CHEAPER:
                bound = Bound(PREVIEW_CHEAPER[depth, peer])
            elif least is not None and found.held >= their_score.held:
                bound, least = Bound(least), None  # the first that is as true
            value = f"x {bound.judged(their_cost / cost, 0)}"
            report(f"    cheaper than {theirs.version}, {name}", value, bound)
        print(f"    {theirs.version} was asked for {theirs.settings}; of ours {len(many)} at once")
        pictures[theirs.version] = theirs.images[:fewest]
    shown = _drawn_each_way(ways, case, order[:fewest])
    engine, _ = ways["inversion"]
    pictures["real patch"] = engine.render(
        case.targets[-1].select(order[:fewest]), "examples"
    ).images
    inversions = [kind for kind in KINDS if kind in shown]
    return pictures | {f"ours: {kind}": shown[kind][0] for kind in inversions}


Ways = dict[str, tuple[IconEngine, str]]
"""An engine and the kind that is asked of it, by name, the cheapest first."""


def _ways(engine: IconEngine) -> Ways:
    fewer = {
        f"inversion, {share:g} of its steps": dataclasses.replace(
            engine, settings=_steps_times(share)(engine.settings)
        )
        for share in SHARES_OF_STEPS
    }
    return {
        "preview": (engine, "preview"),
        **{name: (one, "inversion") for name, one in fewer.items()},
        "inversion": (engine, "inversion"),
        "poster": (engine, "poster"),
    }


def _drawn_each_way(ways: Ways, case: Study, which: Which) -> dict[str, tuple[Pictures, float]]:
    return {
        name: drawn_in_turns(engine, case, which, [kind])[kind]
        for name, (engine, kind) in ways.items()
    }


# A network in training.


def cifar(folder: Path, quick: bool) -> None:
    """Draws 20 x 20 maps of the demo's network in training, and goes on from them later."""
    del folder
    training = Training()
    config = AtlasConfig(grids=(20,))
    probe = build_probe(training.held_out, config=config, normalize=((0.5,), (0.25,)))
    training.run(20 if quick else 200)
    print()
    for layer in ("stage2", "stage3"):
        case = efficientnet_lite.study_layer(layer, training.network, layer, probe, config)
        torch.set_num_threads(1)
        start = time.process_time()
        icons = _engine_of(case).render(case.targets[-1])
        _report_map(f"{layer} cold", time.process_time() - start, icons, Bound(most=8))
        later = training.copied()
        later.run(20)
        _warm(case, icons, later.network, config)


def _warm(case: Study, icons: Icons, network: nn.Module, config: AtlasConfig) -> None:
    """Draws the map of a later checkpoint from the icons before, and once more from nothing."""
    layout = compute_layout(case.answers.values, None, config=config)
    answers = collect_activations(network, [case.layer], case.probe, surround=True).layers[
        case.layer
    ]
    levels, _ = bin_grids(
        compute_layout(answers.values, layout, config=config), answers.values, config=config
    )
    torch.set_num_threads(1)
    centers = case.receptive.centers(answers.positions)
    images, surround = case.probe.sample_image, answers.surround
    targets = build_targets(levels[-1], answers.values, images, centers, surround)
    continued = find_predecessors(levels[-1], case.cells[-1], answers.values)
    drafts = icons.unfinished.select(continued) if icons.unfinished is not None else None
    engine = _engine_of(dataclasses.replace(case, model=network))
    start = time.process_time()
    warm = engine.render(targets, warm_start=drafts)
    seconds = time.process_time() - start
    share = float((continued >= 0).mean())
    _report_map(f"{case.layer} warm, {share:.0%} continued", seconds, warm, Bound(most=2))
    cold = float(np.nanmean(engine.render(targets).cosine))
    least = Bound(round(cold, 2))
    value = least.judged(float(np.nanmean(warm.cosine)), 2)
    report(f"  its cosine, against {cold:.2f} drawn anew", value, least)


def _report_map(what: str, seconds: float, icons: Icons, bound: Bound) -> None:
    count = len(icons.images)  # a map has at most 400 cells, and few have all
    value = f"{bound.judged(400 * seconds / count, 1)} CPU s, cosine {np.nanmean(icons.cosine):.2f}"
    report(f"cifar {what}: 400 icons ({count} drawn)", value, bound)


def _engine_of(case: Study) -> IconEngine:
    return IconEngine.prepare(case.model, case.layer, case.source, case.receptive)


# Many tiles, two processes, memory.


def scaling(folder: Path, quick: bool) -> None:
    """Draws ever larger maps, and one map by two processes."""
    here = ground("mid", folder)
    engine, targets = here.engine(), here.case.targets[-1]
    filled = len(targets) / here.case.cells[-1].size ** 2
    costs: dict[int, list[float]] = {}
    kind = "preview" if "preview" in KINDS else "inversion"
    for size in (40, 20, 10, 10) if quick else (80, 20, 10, 20, 10, 40, 20, 10):
        count = round(filled * size**2)
        many = targets.select(np.arange(count) % len(targets))
        many = dataclasses.replace(many, keys=np.arange(count))
        seconds = cpu_seconds(lambda many=many: engine.render(many, kind))
        costs.setdefault(size, []).append(1000 * seconds / count)
    medians = {size: statistics.median(found) for size, found in sorted(costs.items())}
    bound = Bound(most=1.15)
    growth = bound.judged(max(medians.values()) / min(medians.values()), 2)
    listed = ", ".join(f"{size}: {cost:.1f}" for size, cost in medians.items())
    report("\nmid: CPU ms a tile by size of the map", listed, "linear")
    report("  dearest to cheapest", growth, bound)
    _two_processes(folder, 64 if quick else len(targets))


def _two_processes(folder: Path, count: int) -> None:
    """Compares one process with two at once that share its cells.

    The CPU seconds of the slower one say what two free cores would take; what others do on this
    machine meanwhile makes the wall clock say less.
    """
    half = count // 2
    gains, walls = [], []
    for _ in range(3):
        ((alone, wall),) = _at_once(folder, [(0, count)])
        together = _at_once(folder, [(0, half), (half, count)])
        gains.append(alone / max(seconds for seconds, _ in together))
        walls.append(wall / max(seconds for _, seconds in together))
    bound = Bound(1.7)
    value = f"x {bound.judged(statistics.median(gains), 2)} (wall {statistics.median(walls):.2f})"
    report(f"mid: {count} cells by two processes, faster than by one", value, bound)


def _at_once(folder: Path, shares: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Returns CPU and wall seconds of processes that start to draw at the same time."""
    workers = [_child("draw_share", folder, *share) for share in shares]
    for worker in workers:
        worker.stdout.readline()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    found = []
    for worker in workers:
        cpu, wall = worker.communicate()[0].split()
        found.append((float(cpu), float(wall)))
    return found


def draw_share(folder: Path, first: str, last: str) -> None:
    """Draws some cells when told to, and prints CPU and wall seconds."""
    here = ground("mid", folder)
    engine = here.engine()
    targets = here.case.targets[-1].select(np.arange(int(first), int(last)))
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    seconds = cpu_seconds(lambda: engine.render(targets))
    print(seconds, time.perf_counter() - start)


def memory(folder: Path, quick: bool) -> None:
    """Measures in fresh processes how far readying and drawing raise resident memory."""
    print()
    for depth in ("mid",) if quick else ("mid", "late"):
        ground(depth, folder)
        # As users have it: what keeps freed pages would be counted as if it were in use.
        output, _ = _child("grow", folder, depth, without=KEEP_PAGES).communicate()
        bound = Bound(most=600)
        report(f"{depth}: memory of the render", f"{bound.judged(float(output), 0)} MB", bound)


def grow(folder: Path, depth: str) -> None:
    """Prints by how many MB the resident memory of this process rises while it draws."""
    here = ground(depth, folder)
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # nothing freed that drawing could take unseen
    process, done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    case = here.case
    engine = _engine_of(case)
    engine.render(case.targets[-1].select(np.arange(4 * engine.settings.batch)))
    done.set()
    watcher.join()
    print((peak - before) / 1e6)


def _child(
    function: str, *arguments: object, without: Sequence[str] | dict[str, str] = ()
) -> subprocess.Popen[str]:
    """Runs one of the functions here in a fresh process of one thread."""
    call = f"import icons, pathlib, sys; icons.torch.set_num_threads(1); icons.{function}"
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", f"{call}(pathlib.Path(sys.argv[1]), *sys.argv[2:])"]
        + [str(argument) for argument in arguments],
        cwd=Path(__file__).parent,
        env={name: value for name, value in os.environ.items() if name not in without},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


# Why the defaults are what they are.


def ablations(folder: Path, quick: bool) -> None:
    """Changes one setting at a time; judged by the sibling that tuning may see."""
    for depth in ("mid",) if quick else ("mid", "late"):
        here = ground(depth, folder)
        engine, case = here.engine(), here.case
        order = np.random.default_rng(1).permutation(len(case.cells[-1]))
        which = order[: 8 if quick else 64]
        targets = case.targets[-1].select(which)
        print(f"\n{depth}: one setting changed, {len(which)} cells, judged by Lite{TUNING}")
        row("", list(COLUMNS))
        for name, change in CHANGES.items():
            settings = change(engine.settings)
            objective = engine.objective
            if settings.damping != engine.settings.damping:
                objective = objective.compile(settings.stages[0].shape, settings.damping)
                objective = objective.select_precision(
                    settings.stages[0].shape, settings.batch, settings.views
                )
            changed = dataclasses.replace(engine, settings=settings, objective=objective)
            changed.render(targets.select(np.arange(2)))  # its spectra, measured once
            start = time.process_time()
            icons = changed.render(targets).images
            cost = 1000 * (time.process_time() - start) / len(which)
            row_of(name, efficientnet_lite.score(case, here.judges[TUNING], icons, which), cost, {})


Change = Callable[[InversionSettings], InversionSettings]


def _to(**changes: object) -> Change:
    return lambda settings: dataclasses.replace(settings, **changes)


def _rate_times(factor: float) -> Change:
    return lambda settings: dataclasses.replace(settings, rate=factor * settings.rate)


def _steps_times(factor: float) -> Change:
    def change(settings: InversionSettings) -> InversionSettings:
        stages = tuple(
            dataclasses.replace(stage, steps=max(1, round(factor * stage.steps)))
            for stage in settings.stages
        )
        return dataclasses.replace(settings, stages=stages)

    return change


def _one_size(settings: InversionSettings) -> InversionSettings:
    return dataclasses.replace(settings, stages=(Stage(settings.shape, settings.steps),))


def _without_surround(settings: InversionSettings) -> InversionSettings:
    views = dataclasses.replace(settings.views, surround=0.0)
    return dataclasses.replace(settings, views=views)


UNTOUCHED = PostProcessing(least_gain=1, most_gain=1, chroma=1, sharpen=0, exposure=0)
CHANGES: dict[str, Change] = {
    "the defaults": _to(),
    "start: mean patch undamped": _to(start_detail=1.0, start_constant=1.0),
    "start: mean color alone": _to(start_detail=0.0),
    "start: gray and noise": _to(start_detail=0.0, start_constant=0.0),
    "start: without noise": _to(start_noise=0.0),
    "rate: half": _rate_times(0.5),
    "rate: double": _rate_times(2.0),
    "rate: without decay": _to(decay=0.0),
    "spectrum: isotropy 0": _to(isotropy=0.0),
    "spectrum: isotropy 1": _to(isotropy=1.0),
    "energy cap: none": _to(energy_cap=math.inf),
    "energy cap: half": _to(energy_cap=0.5),
    "jitter: none": _to(jitter=0.0),
    "jitter: 1/12": _to(jitter=1 / 12),
    "surround: none": _without_surround,
    "damping: none": _to(damping=1.0),
    "gradient exponent: 0": _to(gradient_exponent=0.0),
    "gradient exponent: 1": _to(gradient_exponent=1.0),
    "cosine: power 1": _to(power=1),
    "opening: all frequencies at once": _to(first_frequency=10.0, last_frequency=10.0),
    "steps: half": _steps_times(0.5),
    "steps: double": _steps_times(2.0),
    "sizes: the last alone": _one_size,
    "finish: none": _to(finish=UNTOUCHED),
}

BENCHMARKS: dict[str, Callable[[Path, bool], None]] = {
    function.__name__: function
    for function in (mid, late, peers, cifar, scaling, memory, ablations)
}


if __name__ == "__main__":
    main()
