# SPDX-License-Identifier: Apache-2.0
"""What the tab costs, in a real Chromium on software GL: `python benchmarks/tab.py [WHAT ...]`.

Every row is a figure beside what it must reach; one that does not is marked `MISSED`. Costs are
CPU time of Chromium's processes (DevTools' `SystemInfo.getProcessInfo`), which other work on the
machine hardly touches: wall time on software GL says little. Ratios are medians of interleaved
pairs, with their range. The map is the shipped one, served by a real TensorBoard.

- `pan` drags 25,600 tiles (160 x 160 cells, all in sight) to both sides, 50 px a frame, and does
  the same with a bare page that draws as Distill's demo does: `drawImage` on a 2-D canvas, once
  for each cell that lies in the viewport, without smoothing. Ours is the whole tab.
- `points` drags 100,000 samples shown as points, and the same points, as large and with as many
  colours, in regl-scatterplot (`--install` puts it into `.cache/tab-peers`).
- `open` opens the tab from the scalars of a TensorBoard that has come to rest, by a fresh profile,
  until a grid of 40 x 40 icons is drawn; then it goes from step to step between cached ones, with
  motion reduced to a cut and without. What software GL draws in the GPU process counts.
- `memory` looks after every hundred of 1,000 step changes, and of 1,000 changes of TensorBoard's
  tab, at what is left after a forced garbage collection: the resident memory of the page's
  renderer and of the GPU process, files apart, which all Chromiums share. Growth is by the median
  slope between any two looks, which a single odd one does not move (Theil and Sen). Tabs of
  TensorBoard are also changed with ours empty: what that gains is TensorBoard's, and taken off.
- `size` measures the scripts, gzipped: to the first map; all of them and the styles.
- `clients` has 50 people each take an atlas with all icons of one grid every 2 s, for 2 minutes,
  while a training run logs; under both of TensorBoard's loaders.
"""

from __future__ import annotations

import argparse
import base64
import concurrent.futures
import contextlib
import itertools
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# In front of this folder: `tab` is the driver of the end-to-end tests, and not this file.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))

import numpy as np
from bundle import weigh
from numpy.typing import NDArray
from playwright.sync_api import Page
from samples import PALETTE, make_atlas
from serving import tensorboard, wait_for_atlases
from tab import ENTRY, Tab
from tab_browser import Chromium, Held, Spent, chromium
from tab_clients import Answers, Writer, crowd, load_of, servers, watch
from tab_logs import LAYER, full_atlas, write_run
from tab_pipe import QuietPage

from tensorboard_plugin_atlas.atlas import Atlas

PEERS = Path(__file__).parents[1] / ".cache" / "tab-peers"
PACKAGES = ("regl-scatterplot@1.16.0", "regl@2.1.1", "pub-sub-es@3.0.0")
TILES, MANY_POINTS, LAYER_SIDE = 160, 100_000, 40
LAP, REACH = 24, 300
"""Moves of a drag to both sides and back, and CSS pixels to each: all tiles stay in sight."""
STEPS = tuple(range(0, 2600, 100))
"""Their icons are more than the tab keeps decoded (256 MiB). From the first to the last and back
are 50 changes, so that every hundred ends where it began, with the same steps in the caches."""
CHANGES, LOOKS = 1000, 10
CLIENTS, SECONDS, REST_SECONDS = 50, 120.0, 3.0
MEGA = 1e6
MARGIN, POINT_SIZE = 20, 3.4
"""Of the map around itself, and of a point at zoom 1, in CSS pixels."""


@dataclass(frozen=True)
class Row:
    """One line of the table; `goal` and `met` are empty where a figure is for information."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Stage:
    """Size of the map's element in CSS pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class Effort:
    """How much is measured: pairs, openings of the tab, shares of the long rows."""

    pairs: int = 5
    openings: int = 7
    share: float = 1.0


def main() -> None:
    """Prints the table of the rows that are asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="*", choices=[[], *BENCHMARKS], metavar="WHAT")
    parser.add_argument("--install", action="store_true", help="fetch regl-scatterplot from npm")
    parser.add_argument("--quick", action="store_true", help="less of it all, to see that it runs")
    arguments = parser.parse_args()
    if arguments.install:
        install()
        return
    effort = Effort(pairs=1, openings=2, share=0.1) if arguments.quick else Effort()
    rows: list[Row] = []
    for name in arguments.what or BENCHMARKS:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            rows += BENCHMARKS[name](Path(folder), effort)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    print(table(rows))
    if any(row.met is False for row in rows):
        sys.exit(1)


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as Markdown."""
    verdicts = {True: "yes", False: "**MISSED**", None: ""}
    lines = [f"| {r.what} | {r.measured} | {r.goal} | {verdicts[r.met]} |" for r in rows]
    return "\n".join(["| what | measured | must reach | reached |", "|---|---|---|---|", *lines])


def install() -> None:
    """Fetches the peer and what it needs, outside the front end's own packages."""
    PEERS.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(PEERS), "--no-audit", "--no-fund"]
    subprocess.run([*command, "--ignore-scripts", "--save-exact", *PACKAGES], check=True)


# Frames: two ways to draw the same, dragged alike.

Opener = Callable[[Page], None]
"""Makes a page show what is dragged, at its top left corner or wherever the map is."""


def pan(folder: Path, effort: Effort) -> list[Row]:
    """Compares the map of 25,600 tiles with one `drawImage` a cell."""
    atlas = full_atlas(0, TILES, dict.fromkeys((10, 20, 40, 80, TILES), 32))
    write_run(folder / "run", [atlas])
    rows = []
    with served(folder, 1) as url, chromium() as browser:
        stage = stage_of(browser, url)
        for zoom, goal in ((1, 0.4), (4, None)):
            ours = opened_map(url, grid=TILES, z=zoom)
            pairs = interleaved(browser, effort, stage, ours, opened_canvas(atlas, stage, zoom))
            what = f"frame while panning 25,600 tiles, zoom {zoom} / one `drawImage` a cell"
            rows.append(compared(what, pairs, goal))
    return rows


def points(folder: Path, effort: Effort) -> list[Row]:
    """Compares 100,000 points with regl-scatterplot."""
    if not PEERS.exists():
        raise SystemExit("regl-scatterplot is not here: python benchmarks/tab.py --install")
    atlas = make_atlas(3200, layer=LAYER, samples=MANY_POINTS, grids=(10, 20, 40), tile=16)
    write_run(folder / "run", [atlas])
    with served(folder, 1) as url, chromium() as browser:
        stage = stage_of(browser, url)
        ours = opened_map(url, show="points", color="class")
        pairs = interleaved(browser, effort, stage, ours, opened_scatter(atlas, stage))
    return [compared("frame while panning 100,000 points / regl-scatterplot", pairs, 0.3)]


@contextlib.contextmanager
def served(log_dir: Path, atlases: int, *, fast: bool = True) -> Iterator[str]:
    """Yields the address of a TensorBoard that has loaded a log."""
    with tensorboard(log_dir, fast) as url:
        wait_for_atlases(url, atlases)
        yield url


def opened_map(url: str, **state: object) -> Opener:
    """Returns what opens the tab by itself with `state` in its address."""
    return lambda page: Tab(page).open(url, alone=True, layer=LAYER, **state) and None


def opened_canvas(atlas: Atlas, stage: Stage, zoom: float) -> Opener:
    """Returns what opens the bare canvas with the finest grid of `atlas`."""
    grid = atlas.grids[-1]
    assert grid.sheets is not None
    told = {
        "zoom": zoom,
        "size": grid.size,
        "rows": grid.rows.tolist(),
        "cols": grid.cols.tolist(),
        "scales": icon_scales(grid.counts).tolist(),
        "tile": grid.sheets.tile,
        "columns": grid.sheets.columns,
        "pages": [data_url(page) for page in grid.sheets.pages],
        **asdict(stage),
    }

    def open_canvas(page: Page) -> None:
        drawn = page.evaluate("told => bench.openCanvas(told)", told)
        assert zoom > 1 or drawn == len(grid.rows), f"{drawn} of {len(grid.rows)} cells in sight"

    return open_canvas


def icon_scales(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Returns the sides of icons as shares of their cells, as in frontend/src/render/scene.ts."""
    full = max(1, np.sort(counts)[int((len(counts) - 1) * 0.85)])
    return 0.96 * np.minimum(1, 0.66 + 0.34 * np.sqrt(counts / full))


def opened_scatter(atlas: Atlas, stage: Stage) -> Opener:
    """Returns what opens regl-scatterplot with the points of `atlas` as the map places them."""
    reach = (min(stage.width, stage.height) - 2 * MARGIN) / stage.height
    xy = (2 * atlas.samples.xy - 1) * reach
    told = {
        "x": data_url(xy[:, 0].tobytes()),
        "y": data_url((-xy[:, 1]).tobytes()),
        "classes": data_url(atlas.samples.labels.tobytes()),
        "colours": ["#" + bytes(colour).hex() for colour in PALETTE],
        "pointSize": POINT_SIZE,
        **asdict(stage),
    }

    packages = PEERS / "node_modules"
    pub_sub = data_url((packages / "pub-sub-es/dist/index.js").read_bytes(), "text/javascript")

    def open_scatter(page: Page) -> None:
        page.add_script_tag(path=packages / "regl/dist/regl.min.js")
        # The one of its needs that comes as a module only.
        page.evaluate("async (url) => { createPubSub = (await import(url)).default; }", pub_sub)
        page.add_script_tag(path=packages / "regl-scatterplot/dist/regl-scatterplot.min.js")
        page.evaluate("told => bench.openScatter(told)", told)

    return open_scatter


def data_url(data: bytes, kind: str = "") -> str:
    """Returns bytes as an address that a page without a server can fetch."""
    return f"data:{kind};base64," + base64.b64encode(data).decode()


def stage_of(browser: Chromium, url: str) -> Stage:
    """Returns the size of the map's element."""
    with browser.page() as page:
        box = Tab(page).open(url, alone=True).map.bounding_box()
        assert box is not None
        return Stage(round(box["width"]), round(box["height"]))


def interleaved(
    browser: Chromium, effort: Effort, stage: Stage, ours: Opener, peer: Opener
) -> list[tuple[float, float]]:
    """Returns CPU seconds a frame of ours and of the peer, in turn."""
    return [
        (frame_seconds(browser, ours, stage), frame_seconds(browser, peer, stage))
        for _ in range(effort.pairs)
    ]


def frame_seconds(browser: Chromium, open_page: Opener, stage: Stage) -> float:
    """Drags what a fresh page shows; returns CPU seconds a frame, of all Chromium's processes."""
    with browser.page() as page:
        open_page(page)
        target = page.locator("atlas-map, canvas").first.bounding_box()
        assert target is not None
        x, y = target["x"] + stage.width / 2, target["y"] + stage.height / 2
        still = page.screenshot()
        page.mouse.move(x, y)
        page.mouse.down()
        path = {"x": x, "y": y, "reach": REACH, "lap": LAP}
        page.evaluate("path => bench.drag(path)", path | {"moves": LAP // 4})
        assert page.screenshot() != still, "nothing moved"
        before = browser.spent()
        page.evaluate("path => bench.drag(path)", path | {"moves": LAP})
        return browser.spent().since(before).total / LAP


def compared(what: str, pairs: Sequence[tuple[float, float]], goal: float | None) -> Row:
    """Returns the row of a ratio."""
    ratios = [ours / peer for ours, peer in pairs]
    ratio = statistics.median(ratios)
    ours, peer = (1000 * statistics.median(side) for side in zip(*pairs, strict=True))
    measured = (
        f"x {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}, {len(pairs)} pairs): "
        f"{ours:.0f} / {peer:.0f} ms CPU"
    )
    if goal is None:
        return Row(what, measured)
    return Row(what, measured, f"<= {goal}", ratio <= goal)


# From a click to the map, and from step to step.


def opening(folder: Path, effort: Effort) -> list[Row]:
    """Measures the way to the first map of a 40 x 40 layer, and a change of its step."""
    write_run(folder / "run", layer_atlases(STEPS[:4]))
    with served(folder, 4) as url, chromium() as browser:
        firsts, rests = zip(*(opened(browser, url) for _ in range(effort.openings)), strict=True)
        calm, moving = (stepping(browser, url, calm=calm) for calm in (True, False))
    return [
        cpu_row("tab opened to first map of a 40 x 40 layer", firsts, 1500),
        cpu_row("... and until all of the tab is here and at rest", rests),
        cpu_row("step change between cached ones", [calm], 60),
        cpu_row("... with the 300 ms in which the icons travel", [moving]),
    ]


def layer_atlases(steps: Sequence[int]) -> list[Atlas]:
    """Returns a layer of 40 x 40 icons at some steps."""
    tiles = {10: 48, LAYER_SIDE: 48}
    return [full_atlas(step, LAYER_SIDE, tiles, sequence=i + 1) for i, step in enumerate(steps)]


def opened(browser: Chromium, url: str) -> tuple[Spent, Spent]:
    """Opens the tab in TensorBoard by its own button; returns CPU to the first map, and to rest."""
    with browser.page() as page:
        page.goto(f"{url}#scalars&p.atlas.layer={LAYER}&p.atlas.grid={LAYER_SIDE}")
        page.locator("[data-plugin-id=atlas]").wait_for()
        until_idle(browser)
        before = browser.spent()
        page.evaluate("bench.open('atlas', 'map')")
        first = browser.spent().since(before)
        page.evaluate("bench.hear('rest')")
        rest = browser.spent().since(before)
        marks = Tab(page).framed().settle(level=LAYER_SIDE)
        assert marks["renderer"] == "webgl"
        return first, rest


def stepping(browser: Chromium, url: str, *, calm: bool) -> Spent:
    """Returns what a change of step costs once all steps are cached."""
    changes = 40
    with browser.page(calm=calm) as page:
        Tab(page).open(url, alone=True, layer=LAYER, grid=LAYER_SIDE)
        walk = {"steps": STEPS[:4], "changes": changes}
        page.evaluate("walk => bench.walk(walk)", walk)
        until_idle(browser)
        before = browser.spent()
        page.evaluate("walk => bench.walk(walk)", walk)
        spent = browser.spent().since(before).seconds
        return Spent({pid: (kind, seconds / changes) for pid, (kind, seconds) in spent.items()})


def until_idle(browser: Chromium, share: float = 0.05, patience: float = 60.0) -> None:
    """Waits until all processes together use less than `share` of a core for a second."""
    end = time.monotonic() + patience
    spent = 1.0
    while spent > share and time.monotonic() < end:
        before = browser.spent()
        time.sleep(1)
        spent = browser.spent().since(before).total


def cpu_row(what: str, spent: Sequence[Spent], goal: float | None = None) -> Row:
    """Returns a row of milliseconds of the page's renderer and of the GPU process together."""
    both = sorted(1000 * (one.page + one.gpu) for one in spent)
    page = statistics.median(1000 * one.page for one in spent)
    gpu = statistics.median(1000 * one.gpu for one in spent)
    spread = f" ({both[0]:.0f} to {both[-1]:.0f}, {len(both)} times)" if len(both) > 1 else ""
    cost = statistics.median(both)
    measured = f"{cost:.0f} ms CPU{spread}: {page:.0f} of the page, {gpu:.0f} of the GPU process"
    if goal is None:
        return Row(what, measured)
    return Row(what, measured, f"<= {goal:.0f} ms", cost <= goal)


# Memory of the page.

OURS = "document.querySelector('atlas-app')"
FRAMED = "document.querySelector('iframe')?.contentDocument.querySelector('atlas-app')"


def memory(folder: Path, effort: Effort) -> list[Row]:
    """Looks for what is left behind by changes of step, and of TensorBoard's tab."""
    write_run(folder / "run", layer_atlases(STEPS))
    count = round(CHANGES * effort.share / LOOKS)
    # A browser each, two at once: nothing here depends on how long it takes.
    with served(folder, len(STEPS)) as url, spawning(2) as pool:
        running = [
            pool.submit(held, url, count) for held in (steps_held, switches_held, empty_held)
        ]
        stepped, switched, empty = (one.result() for one in running)
    return [
        growth_row(f"memory over {LOOKS * count:,} step changes", stepped),
        growth_row(f"memory over {LOOKS * count:,} changes of TensorBoard's tab", switched, empty),
    ]


def spawning(workers: int) -> concurrent.futures.ProcessPoolExecutor:
    """Returns processes of their own, for other browsers and for clients."""
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=context)


def steps_held(url: str, count: int) -> list[Held]:
    """Returns what the page holds after each `count` changes of step."""
    address = f"{url}{ENTRY}#atlas&p.atlas.layer={LAYER}&p.atlas.grid={LAYER_SIDE}"
    with QuietPage(address, calm=True) as page:
        page.wait_for(f"{OURS}?.dataset.ready === 'true'")
        return looks(page, f"bench.walk({{steps: {list(STEPS)}, changes: {count}}})")


def switches_held(url: str, count: int, *, empty: bool = False) -> list[Held]:
    """Returns the same for TensorBoard's tabs, of which the scalars are the other."""
    with QuietPage(f"{url}#atlas&p.atlas.layer={LAYER}", calm=False) as page:
        page.wait_for(f"{FRAMED}?.dataset.ready === 'true'")
        if empty:
            page.evaluate(f"{FRAMED}.remove()")
        return looks(page, f"bench.switchTabs({{tabs: ['scalars', 'atlas'], times: {count}}})")


def empty_held(url: str, count: int) -> list[Held]:
    """Returns the same where our tab is there, and empty: what it gains is TensorBoard's."""
    return switches_held(url, count, empty=True)


def looks(page: QuietPage, change: str) -> list[Held]:
    """Changes something again and again; returns what is held before and after each time.

    Twice as many changes come before the first look, and fill every cache.
    """
    found = []
    for look in range(LOOKS + 2):
        page.evaluate(change)
        if look > 0:
            # What was asked for ahead is here.
            time.sleep(1)
            found.append(page.held())
    return found


def growth_row(what: str, found: Sequence[Held], others: Sequence[Held] = ()) -> Row:
    """Returns the row of what grew, beyond what grew of itself beside `others`."""
    heap, page, gpu = gains(found)
    first, last = found[0], found[-1]
    measured = (
        f"{page + gpu:+.1f} MB: page {page:+.1f} (its JavaScript {heap:+.1f}), GPU process "
        f"{gpu:+.1f}; nodes {first.nodes:,} to {last.nodes:,}, "
        f"listeners {first.listeners} to {last.listeners}"
    )
    if others:
        theirs, beside, drawn = gains(others)
        measured += (
            f"; with an empty tab in our place {beside + drawn:+.1f} MB: page {beside:+.1f} "
            f"(its JavaScript {theirs:+.1f}), GPU process {drawn:+.1f}"
        )
        heap, page, gpu = heap - theirs, page - beside, gpu - drawn
        measured += f"; ours {page + gpu:+.1f} MB"
    return Row(what, measured, "<= +10 MB", max(heap, page + gpu) <= 10)


def gains(found: Sequence[Held]) -> tuple[float, float, float]:
    """Returns the MB that JavaScript, the page's renderer and the GPU process have gained."""
    return (
        growth([one.heap for one in found]),
        growth([one.renderer for one in found]),
        growth([one.gpu for one in found]),
    )


def growth(bytes_held: Sequence[float]) -> float:
    """Returns the MB gained from first to last by the median slope between any two looks."""
    pairs = itertools.combinations(enumerate(bytes_held), 2)
    slope = statistics.median((late - early) / (j - i) for (i, early), (j, late) in pairs)
    return slope * (len(bytes_held) - 1) / MEGA


# Many clients.


def clients(folder: Path, effort: Effort) -> list[Row]:
    """Lets 50 people watch while a run logs, under both loaders."""
    rows = []
    for run in ("one", "two"):
        write_run(folder / "log" / run, layer_atlases(STEPS[:10]))
    for fast in (True, False):
        log_dir = folder / f"fast-{fast}"
        shutil.copytree(folder / "log", log_dir)
        with served(log_dir, 20, fast=fast) as url:
            rows.append(watched(url, log_dir, fast, SECONDS * effort.share))
    return rows


def watched(url: str, log_dir: Path, fast: bool, seconds: float) -> Row:
    """Returns the row of one loader."""
    processes = servers()
    with spawning(1) as pool:
        # Every pool of threads is full, and every cache, before anything is compared.
        pool.submit(crowd, url, CLIENTS, seconds / 6).result()
        time.sleep(REST_SECONDS)
        first = load_of(processes)
        with Writer(log_dir) as writer:
            running = pool.submit(crowd, url, CLIENTS, seconds)
            loads = list(watch(processes, seconds))
            answers: Answers = running.result()
        time.sleep(REST_SECONDS)
        last = load_of(processes)
    p95, index_p95 = (1000 * percentile(times, 0.95) for times in (answers.data, answers.index))
    grown, logged = growth([one.resident for one in loads]), writer.appended / MEGA
    measured = (
        f"{len(answers.errors)} errors in {len(answers.data) + len(answers.index):,} requests; "
        f"data p95 {p95:.0f} ms, index {index_p95:.0f} ms; "
        f"threads at rest {first.threads} to {last.threads}; "
        f"memory {grown:+.1f} MB, with {logged:.1f} MB logged meanwhile"
    )
    for error in answers.errors[:5]:
        print(error, file=sys.stderr)
    met = (
        not answers.errors and p95 <= 250 and last.threads <= first.threads and grown <= logged + 10
    )
    name = "data server" if fast else "Python loader"
    goal = "0 errors, p95 <= 250 ms, no growth"
    return Row(f"{CLIENTS} clients, {seconds:.0f} s, 20 atlases, {name}", measured, goal, met)


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the value below which a share of them lies."""
    return sorted(values)[int(share * len(values))]


def size(_folder: Path, _effort: Effort) -> list[Row]:
    """Weighs the scripts as they are committed."""
    weight = weigh()
    return [
        Row("JavaScript, gzip: to the first map", f"{weight.first:.1f} kB"),
        _at_most("JavaScript and CSS, gzip: all", weight.total, 150),
    ]


def _at_most(what: str, kilobytes: float, goal: float) -> Row:
    return Row(what, f"{kilobytes:.1f} kB", f"<= {goal:g} kB", kilobytes <= goal)


BENCHMARKS: dict[str, Callable[[Path, Effort], list[Row]]] = {
    "pan": pan,
    "points": points,
    "open": opening,
    "size": size,
    "memory": memory,
    "clients": clients,
}


if __name__ == "__main__":
    main()
