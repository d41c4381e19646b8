# SPDX-License-Identifier: Apache-2.0
"""Cost and quality of icons.

    python benchmarks/icons.py                  everything
    python benchmarks/icons.py late peers       the late layer, and other libraries
    python benchmarks/icons.py --quick mid      fewer cells, to check that it runs

Each value has a bound; a value that misses it is marked `MISSED`. Costs are CPU seconds of one
thread, which a busy machine can double, so compared methods alternate and the median counts. The
network is pretrained EfficientNet-Lite0 on 500 photographs, and the scores are those of a held-out
network (`efficientnet_lite.py`). Comparisons with other libraries need `icon_libraries.py
--install`. Images go to `build/icons`.
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
import icon_libraries
import numpy as np
import psutil
import torch
from cifar_training import Training
from efficientnet_lite import Judge, Study
from icon_table import COLUMNS, Bound, print_row, print_score, report
from numpy.typing import NDArray
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, compute
from tensorboard_plugin_atlas.compute.icons.icon_engine import KINDS, IconEngine, Icons
from tensorboard_plugin_atlas.compute.icons.inversion import (
    InversionSettings,
    Stage,
    choose_tile_side,
)
from tensorboard_plugin_atlas.compute.icons.post_processing import PostProcessing
from tensorboard_plugin_atlas.compute.icons.targets import build_targets
from tensorboard_plugin_atlas.compute.layout.cell_matching import find_predecessors
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.probe.probe import build_probe

KEEP_PAGES = {"MALLOC_TRIM_THRESHOLD_": str(1 << 32), "MALLOC_MMAP_THRESHOLD_": str(1 << 32)}
"""Make glibc keep freed pages: otherwise it returns and requests them at every step of an
optimization, which costs CPU time. glibc reads these variables when a process starts."""
ENVIRONMENT = KEEP_PAGES | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
REPOSITORY = Path(__file__).parents[1]
SIDES = (None, 96, 128, 192, 224)
"""Sizes at which icons of other libraries are scored; the best one counts."""
TUNING, REPORTING = 1, 2
STUDIED_BY = (
    *("model/activations", "model/receptive_field", "model/truncate"),
    *("layout/grid", "layout/layout", "probe/patches", "probe/probe"),
    *("icons/icon_network", "icons/targets"),
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
"""Bounds of the cost of a library divided by that of our cheapest icons with at least its score."""
PREVIEW_CHEAPER = {("mid", "dreamlens"): 300.0}
"""The same for previews."""
SHARES_OF_STEPS = (0.5, 0.75)
"""Fractions of the steps of an inversion that are compared with other libraries."""
PEER_CELLS = {"dreamlens": 8, "torch-lucent": 5, "horama": 5}
OUR_CELLS = 64
"""Our icons are rendered in large batches, as for a map. Other libraries take seconds per icon."""


def main() -> None:
    """Prints the selected values, all by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=[[], *BENCHMARKS], metavar="WHAT")
    parser.add_argument("--quick", action="store_true", help="fewer cells, to check that it runs")
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
        BENCHMARKS[name](arguments.output, arguments.quick)


# Data, computed once and cached in the output folder.


@dataclass(frozen=True, eq=False)
class Data:
    """A layer of Lite0 to render, and the judges of the icons."""

    case: Study
    judges: dict[int, Judge]

    def engine(self) -> IconEngine:
        """Returns the engine after a first render of each kind, which measures spectra."""
        engine = _engine_of(self.case)
        for kind in KINDS:
            engine.render(self.case.targets[-1].select(np.arange(2)), kind)
        return engine


def load_data(depth: str, folder: Path) -> Data:
    """Returns a layer with its judges; computes them unless the folder has them for this code.

    Unpickling can run any code, so `folder` must belong to this benchmark.
    """
    sources = [Path(compute.__file__).parent / f"{name}.py" for name in STUDIED_BY]
    code = b"".join(path.read_bytes() for path in [*sources, Path(efficientnet_lite.__file__)])
    kept = folder / f"study-{depth}-{hashlib.sha256(code).hexdigest()[:12]}.pickle"
    if not kept.exists():
        for outdated in folder.glob(f"study-{depth}-*.pickle"):
            outdated.unlink()
        case = efficientnet_lite.build_study(depth)
        torch.set_num_threads(1)  # numba changes the number of threads
        judges = {number: Judge.of(case, number) for number in (TUNING, REPORTING)}
        kept.write_bytes(pickle.dumps((case, judges), protocol=5))
    return Data(*pickle.loads(kept.read_bytes()))


def measure_cpu(call: Callable[[], object]) -> float:
    """Returns the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def iterate_chunks(count: int, size: int) -> Iterator[Which]:
    """Yields the indices below `count` in chunks of `size`."""
    return (np.arange(first, min(first + size, count)) for first in range(0, count, size))


def render_in_turns(
    engine: IconEngine, case: Study, which: Which, kinds: Sequence[str]
) -> dict[str, tuple[Pictures, float]]:
    """Renders cells in every kind, alternating between the kinds after each chunk.

    Returns:
        For each kind the icons, and the median CPU milliseconds per icon.
    """
    pictures: dict[str, list[Pictures]] = {kind: [] for kind in kinds}
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    for chunk in iterate_chunks(len(which), 2 * engine.settings.batch):
        targets = case.targets[-1].select(which[chunk])
        for kind in kinds:
            start = time.process_time()
            pictures[kind].append(engine.render(targets, kind).images)
            costs[kind].append(1000 * (time.process_time() - start) / len(chunk))
    return {
        kind: (np.concatenate(pictures[kind]), statistics.median(costs[kind])) for kind in kinds
    }


def mid(folder: Path, quick: bool) -> None:
    """The last layer of stride 16."""
    _score_kinds("mid", folder, quick)


def late(folder: Path, quick: bool) -> None:
    """The last layer of stride 32."""
    _score_kinds("late", folder, quick)


def _score_kinds(depth: str, folder: Path, quick: bool) -> None:
    """Scores every kind on all cells of a 16 x 16 grid, and writes its icons."""
    here = load_data(depth, folder)
    start = time.process_time()
    engine = here.engine()
    ready = time.process_time() - start
    case, count = here.case, len(here.case.cells[-1])
    which = np.arange(0, count, 4 if quick else 1)
    rendered = render_in_turns(engine, case, which, KINDS)
    print(f"\n{depth}: {len(which)} of {count} cells, judged by Lite{REPORTING}; ", end="")
    print(f"prepared in {ready:.1f} CPU s, once per logged step")
    print_row("", list(COLUMNS))
    for kind, (icons, cost) in rendered.items():
        sides = (None, _cut_side(case)) if kind == "examples" else (None,)
        found = efficientnet_lite.score_icons(case, here.judges[REPORTING], icons, which, sides)
        print_score(kind, found, cost, GOALS.get((depth, kind), {}))
        if not quick:
            efficientnet_lite.write_sheet(icons, case.cells[-1], folder / f"{depth}-{kind}.png")


def _cut_side(case: Study) -> int:
    """Returns the side of patches before they are resized to icons."""
    receptive = case.receptive
    stride, size = round(max(receptive.stride)), max(receptive.size)
    return choose_tile_side(stride=stride, receptive_size=size, input_shape=case.source.shape)


def peers(folder: Path, quick: bool) -> None:
    """Renders the same cells with every library and every kind."""
    blocks: dict[str, dict[str, Pictures]] = {}
    for depth, title in (("mid", "block 10 of 16, stride 16"), ("late", "block 15, stride 32")):
        blocks[title] = _compare_with_libraries(depth, folder, quick)
    efficientnet_lite.write_comparison(blocks, folder / "icons-and-peers.png")


def _compare_with_libraries(depth: str, folder: Path, quick: bool) -> dict[str, Pictures]:
    """Prints the scores at one depth, and returns the icons of the cells that all have rendered."""
    here = load_data(depth, folder)
    case, judge = here.case, here.judges[REPORTING]
    methods = _list_methods(here.engine())
    # Random cells, so that no method has an advantage.
    order = np.random.default_rng(0).permutation(len(case.cells[-1]))
    fewest = 2 if quick else min(PEER_CELLS.values())
    pictures: dict[str, Pictures] = {"real patch": np.zeros(0, np.uint8)}
    print(
        f"\n{depth}: the same cells by other libraries, scored by Lite{REPORTING} at the best size"
    )
    print_row("", list(COLUMNS))
    for peer in [name for name in PEER_CELLS if name in icon_libraries.list_installed()]:
        which = order[: fewest if quick else PEER_CELLS[peer]]
        many = order[: fewest if quick else OUR_CELLS]
        targets = case.targets[-1].select(which)
        before = _render_each(methods, case, many)
        units = nn.functional.normalize(targets.get_relative_directions(), dim=1)
        block, center = efficientnet_lite.DEPTHS[depth][0], targets.center.numpy()
        theirs = icon_libraries.render(peer, block, units.numpy(), center)
        after = _render_each(methods, case, many)
        their_cost = 1000 * theirs.cpu_seconds_per_tile
        their_score = efficientnet_lite.score_icons(case, judge, theirs.images, which, SIDES)
        print_score(f"{theirs.version}, {len(which)} cells", their_score, their_cost, {})
        least = CHEAPER.get((depth, peer))
        for name, (icons, cost) in before.items():
            found = efficientnet_lite.score_icons(case, judge, icons[: len(which)], which)
            cost = (cost + after[name][1]) / 2
            print_score(f"  our {name}", found, cost, {})
            bound = Bound()
            if name == "preview" and (depth, peer) in PREVIEW_CHEAPER:
                bound = Bound(PREVIEW_CHEAPER[depth, peer])
            elif least is not None and found.held >= their_score.held:
                bound, least = Bound(least), None  # the first with at least their score
            value = f"x {bound.format(their_cost / cost, 0)}"
            report(f"    cheaper than {theirs.version}, {name}", value, bound)
        print(
            f"    {theirs.version} has settings {theirs.settings}; ours in batches of {len(many)}"
        )
        pictures[theirs.version] = theirs.images[:fewest]
    examples = _render_each(methods, case, order[:fewest])
    engine, _ = methods["inversion"]
    pictures["real patch"] = engine.render(
        case.targets[-1].select(order[:fewest]), "examples"
    ).images
    inversions = [kind for kind in KINDS if kind in examples]
    return pictures | {f"ours: {kind}": examples[kind][0] for kind in inversions}


Methods = dict[str, tuple[IconEngine, str]]
"""Engine and kind by name, the cheapest first."""


def _list_methods(engine: IconEngine) -> Methods:
    fewer = {
        f"inversion, {share:g} of its steps": dataclasses.replace(
            engine, settings=_scale_steps(share)(engine.settings)
        )
        for share in SHARES_OF_STEPS
    }
    return {
        "preview": (engine, "preview"),
        **{name: (one, "inversion") for name, one in fewer.items()},
        "inversion": (engine, "inversion"),
        "poster": (engine, "poster"),
    }


def _render_each(methods: Methods, case: Study, which: Which) -> dict[str, tuple[Pictures, float]]:
    return {
        name: render_in_turns(engine, case, which, [kind])[kind]
        for name, (engine, kind) in methods.items()
    }


# A network during training.


def cifar(folder: Path, quick: bool) -> None:
    """Renders 20 x 20 maps of the demo network during training, cold and warm."""
    del folder
    training = Training()
    config = AtlasConfig(grids=(20,))
    probe = build_probe(training.held_out, config=config, normalize=((0.5,), (0.25,)))
    training.run(20 if quick else 200)
    print()
    for layer in ("stage2", "stage3"):
        case = efficientnet_lite.build_layer_study(layer, training.network, layer, probe, config)
        torch.set_num_threads(1)
        start = time.process_time()
        icons = _engine_of(case).render(case.targets[-1])
        _report_map(f"{layer} cold", time.process_time() - start, icons, Bound(most=8))
        later = training.copy()
        later.run(20)
        _warm(case, icons, later.network, config)


def _warm(case: Study, icons: Icons, network: nn.Module, config: AtlasConfig) -> None:
    """Renders the map of a later logged step from the icons before, and without them."""
    layout = compute_layout(case.activations.values, None, config=config)
    collected = collect_activations(network, [case.layer], case.probe, surround=True)
    activations = collected.layers[case.layer]
    levels, _ = bin_grids(
        compute_layout(activations.values, layout, config=config), activations.values, config=config
    )
    torch.set_num_threads(1)
    centers = case.receptive.centers(activations.positions)
    images, surround = case.probe.sample_image, activations.surround
    targets = build_targets(levels[-1], activations.values, images, centers, surround)
    continued = find_predecessors(levels[-1], case.cells[-1], activations.values)
    unfinished = icons.unfinished.select(continued) if icons.unfinished is not None else None
    engine = _engine_of(dataclasses.replace(case, model=network))
    start = time.process_time()
    warm = engine.render(targets, warm_start=unfinished)
    seconds = time.process_time() - start
    share = float((continued >= 0).mean())
    _report_map(f"{case.layer} warm, {share:.0%} continued", seconds, warm, Bound(most=2))
    cold = float(np.nanmean(engine.render(targets).cosine))
    least = Bound(round(cold, 2))
    value = least.format(float(np.nanmean(warm.cosine)), 2)
    report(f"  its cosine, against {cold:.2f} without a warm start", value, least)


def _report_map(what: str, seconds: float, icons: Icons, bound: Bound) -> None:
    count = len(icons.images)  # a map has at most 400 cells
    value = f"{bound.format(400 * seconds / count, 1)} CPU s, cosine {np.nanmean(icons.cosine):.2f}"
    report(f"cifar {what}: 400 icons ({count} rendered)", value, bound)


def _engine_of(case: Study) -> IconEngine:
    return IconEngine.prepare(case.model, case.layer, case.source, case.receptive)


# Large maps, two processes, memory.


def scaling(folder: Path, quick: bool) -> None:
    """Renders maps of increasing size, and one map with two processes."""
    here = load_data("mid", folder)
    engine, targets = here.engine(), here.case.targets[-1]
    filled = len(targets) / here.case.cells[-1].size ** 2
    costs: dict[int, list[float]] = {}
    kind = "preview" if "preview" in KINDS else "inversion"
    for size in (40, 20, 10, 10) if quick else (80, 20, 10, 20, 10, 40, 20, 10):
        count = round(filled * size**2)
        many = targets.select(np.arange(count) % len(targets))
        many = dataclasses.replace(many, keys=np.arange(count))
        seconds = measure_cpu(lambda many=many: engine.render(many, kind))
        costs.setdefault(size, []).append(1000 * seconds / count)
    medians = {size: statistics.median(found) for size, found in sorted(costs.items())}
    bound = Bound(most=1.15)
    growth = bound.format(max(medians.values()) / min(medians.values()), 2)
    listed = ", ".join(f"{size}: {cost:.1f}" for size, cost in medians.items())
    report("\nmid: CPU ms a tile by size of the map", listed, "linear")
    report("  most to least expensive", growth, bound)
    _two_processes(folder, 64 if quick else len(targets))


def _two_processes(folder: Path, count: int) -> None:
    """Compares one process with two processes that each render half of the cells.

    The CPU time of the slower one estimates the wall time on two free cores; the wall time itself
    depends on the load of the machine.
    """
    half = count // 2
    gains, walls = [], []
    for _ in range(3):
        ((alone, wall),) = _at_once(folder, [(0, count)])
        together = _at_once(folder, [(0, half), (half, count)])
        gains.append(alone / max(seconds for seconds, _ in together))
        walls.append(wall / max(seconds for _, seconds in together))
    bound = Bound(1.7)
    value = f"x {bound.format(statistics.median(gains), 2)} (wall {statistics.median(walls):.2f})"
    report(f"mid: {count} cells by two processes, faster than by one", value, bound)


def _at_once(folder: Path, shares: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Returns CPU and wall seconds of processes that start to render at the same time."""
    workers = [_child("render_share", folder, *share) for share in shares]
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


def render_share(folder: Path, first: str, last: str) -> None:
    """Renders some cells after a line on stdin, and prints CPU and wall seconds."""
    here = load_data("mid", folder)
    engine = here.engine()
    targets = here.case.targets[-1].select(np.arange(int(first), int(last)))
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    seconds = measure_cpu(lambda: engine.render(targets))
    print(seconds, time.perf_counter() - start)


def memory(folder: Path, quick: bool) -> None:
    """Measures in new processes by how much rendering increases resident memory."""
    print()
    for depth in ("mid",) if quick else ("mid", "late"):
        load_data(depth, folder)
        # Without `KEEP_PAGES`, since freed pages would count as memory in use.
        output, _ = _child("measure_growth", folder, depth, without=KEEP_PAGES).communicate()
        bound = Bound(most=600)
        report(f"{depth}: memory of the render", f"{bound.format(float(output), 0)} MB", bound)


def measure_growth(folder: Path, depth: str) -> None:
    """Prints by how many MB the resident memory of this process grows while it renders."""
    here = load_data(depth, folder)
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # so that no freed memory can be reused
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
    """Runs a function of this module in a new process with one thread."""
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


# Effect of each setting.


def ablations(folder: Path, quick: bool) -> None:
    """Changes one setting at a time; scored by the judge for tuning."""
    for depth in ("mid",) if quick else ("mid", "late"):
        here = load_data(depth, folder)
        engine, case = here.engine(), here.case
        order = np.random.default_rng(1).permutation(len(case.cells[-1]))
        which = order[: 8 if quick else 64]
        targets = case.targets[-1].select(which)
        print(f"\n{depth}: one setting changed, {len(which)} cells, judged by Lite{TUNING}")
        print_row("", list(COLUMNS))
        for name, change in CHANGES.items():
            settings = change(engine.settings)
            activation = engine.activation
            if settings.damping != engine.settings.damping:
                activation = activation.compile(settings.stages[0].shape, settings.damping)
                activation = activation.select_precision(
                    settings.stages[0].shape, settings.batch, settings.views
                )
            changed = dataclasses.replace(engine, settings=settings, activation=activation)
            changed.render(targets.select(np.arange(2)))  # measures the spectra
            start = time.process_time()
            icons = changed.render(targets).images
            cost = 1000 * (time.process_time() - start) / len(which)
            print_score(
                name,
                efficientnet_lite.score_icons(case, here.judges[TUNING], icons, which),
                cost,
                {},
            )


Change = Callable[[InversionSettings], InversionSettings]


def _set(**changes: object) -> Change:
    return lambda settings: dataclasses.replace(settings, **changes)


def _scale_rate(factor: float) -> Change:
    return lambda settings: dataclasses.replace(settings, rate=factor * settings.rate)


def _scale_steps(factor: float) -> Change:
    def change(settings: InversionSettings) -> InversionSettings:
        stages = tuple(
            dataclasses.replace(stage, steps=max(1, round(factor * stage.steps)))
            for stage in settings.stages
        )
        return dataclasses.replace(settings, stages=stages)

    return change


def _use_one_size(settings: InversionSettings) -> InversionSettings:
    return dataclasses.replace(settings, stages=(Stage(settings.shape, settings.steps),))


def _remove_surround(settings: InversionSettings) -> InversionSettings:
    views = dataclasses.replace(settings.views, surround=0.0)
    return dataclasses.replace(settings, views=views)


UNTOUCHED = PostProcessing(least_gain=1, most_gain=1, chroma=1, sharpen=0, exposure=0)
CHANGES: dict[str, Change] = {
    "the defaults": _set(),
    "start: mean patch undamped": _set(start_detail=1.0, start_constant=1.0),
    "start: mean color alone": _set(start_detail=0.0),
    "start: gray and noise": _set(start_detail=0.0, start_constant=0.0),
    "start: without noise": _set(start_noise=0.0),
    "rate: half": _scale_rate(0.5),
    "rate: double": _scale_rate(2.0),
    "rate: without decay": _set(decay=0.0),
    "spectrum: isotropy 0": _set(isotropy=0.0),
    "spectrum: isotropy 1": _set(isotropy=1.0),
    "energy cap: none": _set(energy_cap=math.inf),
    "energy cap: half": _set(energy_cap=0.5),
    "jitter: none": _set(jitter=0.0),
    "jitter: 1/12": _set(jitter=1 / 12),
    "surround: none": _remove_surround,
    "damping: none": _set(damping=1.0),
    "gradient exponent: 0": _set(gradient_exponent=0.0),
    "gradient exponent: 1": _set(gradient_exponent=1.0),
    "cosine: power 1": _set(power=1),
    "opening: all frequencies at once": _set(first_frequency=10.0, last_frequency=10.0),
    "steps: half": _scale_steps(0.5),
    "steps: double": _scale_steps(2.0),
    "sizes: the last alone": _use_one_size,
    "finish: none": _set(finish=UNTOUCHED),
}

BENCHMARKS: dict[str, Callable[[Path, bool], None]] = {
    function.__name__: function
    for function in (mid, late, peers, cifar, scaling, memory, ablations)
}


if __name__ == "__main__":
    main()
