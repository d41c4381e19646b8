# SPDX-License-Identifier: Apache-2.0
"""CPU time, memory and size of the tab, in a real Chromium with software GL.

    python benchmarks/tab.py --install        downloads regl-scatterplot into .cache/tab-peers
    python benchmarks/tab.py                  all rows
    python benchmarks/tab.py pan open
    python benchmarks/tab.py --quick size     less of everything, to check that it runs

Each row has a bound; a value that misses it is marked `MISSED`. Costs are CPU time of Chromium's
processes (`SystemInfo.getProcessInfo` of DevTools), which depends little on other load of the
machine; wall time with software GL is not meaningful. Ratios are medians of interleaved pairs, with
their range. A real TensorBoard serves the committed tab.

- `pan` drags 25,600 tiles (160 x 160 cells, all visible) to both sides by 50 px per frame. The
  baseline is a bare page that draws as Distill's demo does: one `drawImage` on a 2-D canvas for
  each visible cell, without smoothing.
- `points` drags 100,000 samples as points. The baseline is regl-scatterplot with the same points,
  size and number of colors.
- `million` drags a map of a million samples with grids up to 160 x 160, at several zooms: icons and
  points, of which 40,000 are drawn and others are fetched. The bound is that of the page alone.
- `open` opens the tab from the scalars of an idle TensorBoard with a new profile until a grid of
  40 x 40 icons is drawn, and then changes between cached steps, with and without reduced motion.
  The GPU process, where software GL draws, is included.
- `memory` measures after every hundred of 1,000 step changes, and of 1,000 switches of
  TensorBoard's tab: the resident memory of the page's renderer and of the GPU process after a
  forced garbage collection, without files that all Chromium processes share. Growth is the median
  slope of all pairs of measurements (Theil and Sen), which is robust to outliers. The growth of
  TensorBoard itself, measured with an empty tab, is subtracted.
- `size` is the gzipped size of the scripts before the first map, and of all scripts and styles.
- `clients` simulates 50 users who each load an atlas with all icons of one grid every 2 s for
  2 minutes, while a training run logs, with both of TensorBoard's loaders.
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

# Helpers of the tests: a TensorBoard server and the driver of the tab.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "helpers"))

import numpy as np
from atlas_tab import ENTRY, Tab
from bundle_size import measure_bundle
from numpy.typing import NDArray
from playwright.sync_api import Page
from synthetic_atlases import PALETTE, make_atlas
from tab_browser import Chromium, CpuTime, Memory, start_chromium
from tab_clients import Latencies, Writer, find_servers, measure_load, run_clients, watch_load
from tab_logs import LAYER, full_atlas, many_samples_atlas, write_run
from tab_memory import QuietPage
from tensorboard_server import start_tensorboard, wait_for_atlases

from tensorboard_plugin_atlas.atlas import Atlas

PEERS = Path(__file__).parents[1] / ".cache" / "tab-peers"
PACKAGES = ("regl-scatterplot@1.16.0", "regl@2.1.1", "pub-sub-es@3.0.0")
TILES, MANY_POINTS, LAYER_SIDE = 160, 100_000, 40
LAP, REACH = 24, 300
"""Moves of a drag to both sides and back, and its reach in CSS pixels; all tiles stay visible."""
STEPS = tuple(range(0, 2600, 100))
"""Their icons exceed the tab's cache of decoded icons (256 MiB). From the first to the last step
and back are 50 changes, so every hundred ends at the same step with the same caches."""
CHANGES, LOOKS = 1000, 10
CLIENTS, SECONDS, REST_SECONDS = 50, 120.0, 3.0
MEGA = 1e6
MARGIN, POINT_SIZE = 20, 3.4
"""Margin of the map and size of a point at zoom 1, in CSS pixels."""


@dataclass(frozen=True)
class Row:
    """A row of the table; `goal` and `met` are empty if the value has no bound."""

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
    """Number of pairs, number of times the tab is opened, and fraction of the long rows."""

    pairs: int = 5
    openings: int = 7
    share: float = 1.0


def main() -> None:
    """Prints a table of the selected rows, all by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=[[], *BENCHMARKS], metavar="WHAT")
    parser.add_argument("--install", action="store_true", help="fetch regl-scatterplot from npm")
    parser.add_argument("--quick", action="store_true", help="a short run, as a check")
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
    results = {True: "yes", False: "**MISSED**", None: ""}
    lines = [f"| {r.what} | {r.measured} | {r.goal} | {results[r.met]} |" for r in rows]
    return "\n".join(["| what | measured | bound | met |", "|---|---|---|---|", *lines])


def install() -> None:
    """Installs regl-scatterplot and its dependencies, apart from the packages of the front end."""
    PEERS.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(PEERS), "--no-audit", "--no-fund"]
    subprocess.run([*command, "--ignore-scripts", "--save-exact", *PACKAGES], check=True)


# Frames: the same data drawn by the tab and by a baseline, dragged in the same way.

Opener = Callable[[Page], None]
"""Opens in a page what is dragged, at its top left corner or at the position of the map."""


def pan(folder: Path, effort: Effort) -> list[Row]:
    """Compares the map of 25,600 tiles with one `drawImage` per cell."""
    atlas = full_atlas(0, TILES, dict.fromkeys((10, 20, 40, 80, TILES), 32))
    write_run(folder / "run", [atlas])
    rows = []
    with serve(folder, 1) as url, start_chromium() as browser:
        stage = measure_stage(browser, url)
        for zoom, goal in ((1, 0.4), (4, None)):
            ours = make_map_opener(url, grid=TILES, z=zoom)
            canvas = make_canvas_opener(atlas, stage, zoom)
            pairs = measure_pairs(browser, effort, stage, ours, canvas)
            what = f"frame while panning 25,600 tiles, zoom {zoom} / one `drawImage` a cell"
            rows.append(make_ratio_row(what, pairs, goal))
    return rows


def points(folder: Path, effort: Effort) -> list[Row]:
    """Compares 100,000 points with regl-scatterplot."""
    if not PEERS.exists():
        raise SystemExit("regl-scatterplot is missing: run python benchmarks/tab.py --install")
    atlas = make_atlas(3200, layer=LAYER, samples=MANY_POINTS, grids=(10, 20, 40), tile=16)
    write_run(folder / "run", [atlas])
    with serve(folder, 1) as url, start_chromium() as browser:
        stage = measure_stage(browser, url)
        ours = make_map_opener(url, show="points", color="class")
        pairs = measure_pairs(browser, effort, stage, ours, make_scatter_opener(atlas, stage))
    return [make_ratio_row("frame while panning 100,000 points / regl-scatterplot", pairs, 0.3)]


def million(folder: Path, effort: Effort) -> list[Row]:
    """Measures the frames of a map of a million samples."""
    write_run(folder / "run", [many_samples_atlas(round(1_000_000 * effort.share))])
    rows = []
    with serve(folder, 1) as url, start_chromium() as browser:
        stage = measure_stage(browser, url)
        for zoom in (1, 8, 30):
            ours = make_map_opener(url, show="both", color="class", z=zoom)
            spent = [measure_drag(browser, ours, stage) for _ in range(effort.pairs)]
            page = statistics.median(1000 * one.page / LAP for one in spent)
            gpu = statistics.median(1000 * one.gpu / LAP for one in spent)
            what = f"frame while panning icons and points of a million samples, zoom {zoom}"
            measured = f"{page:.1f} ms CPU of the page, {gpu:.0f} of the GPU process"
            rows.append(Row(what, measured, "<= 16 ms of the page", page <= 16))
    return rows


@contextlib.contextmanager
def serve(log_dir: Path, atlases: int, *, fast: bool = True) -> Iterator[str]:
    """Yields the URL of a TensorBoard that has loaded a log."""
    with start_tensorboard(log_dir, fast) as url:
        wait_for_atlases(url, atlases)
        yield url


def make_map_opener(url: str, **state: object) -> Opener:
    """Returns a function that opens the standalone tab with `state` in the hash."""
    return lambda page: Tab(page).open(url, standalone=True, layer=LAYER, **state) and None


def make_canvas_opener(atlas: Atlas, stage: Stage, zoom: float) -> Opener:
    """Returns a function that opens the bare canvas with the finest grid of `atlas`."""
    grid = atlas.grids[-1]
    assert grid.sheets is not None
    data = {
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
        drawn = page.evaluate("data => bench.openCanvas(data)", data)
        assert zoom > 1 or drawn == len(grid.rows), f"{drawn} of {len(grid.rows)} cells visible"

    return open_canvas


def icon_scales(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Returns the sides of icons relative to their cells, as in the tab's `scene.ts`."""
    full = max(1, np.sort(counts)[int((len(counts) - 1) * 0.85)])
    return 0.96 * np.minimum(1, 0.66 + 0.34 * np.sqrt(counts / full))


def make_scatter_opener(atlas: Atlas, stage: Stage) -> Opener:
    """Returns a function that opens regl-scatterplot with the points of `atlas`."""
    reach = (min(stage.width, stage.height) - 2 * MARGIN) / stage.height
    xy = (2 * atlas.samples.xy - 1) * reach
    data = {
        "x": data_url(xy[:, 0].tobytes()),
        "y": data_url((-xy[:, 1]).tobytes()),
        "classes": data_url(atlas.samples.labels.tobytes()),
        "colors": ["#" + bytes(color).hex() for color in PALETTE],
        "pointSize": POINT_SIZE,
        **asdict(stage),
    }

    packages = PEERS / "node_modules"
    pub_sub = data_url((packages / "pub-sub-es/dist/index.js").read_bytes(), "text/javascript")

    def open_scatter(page: Page) -> None:
        page.add_script_tag(path=packages / "regl/dist/regl.min.js")
        # This dependency is available as a module only.
        page.evaluate("async (url) => { createPubSub = (await import(url)).default; }", pub_sub)
        page.add_script_tag(path=packages / "regl-scatterplot/dist/regl-scatterplot.min.js")
        page.evaluate("data => bench.openScatter(data)", data)

    return open_scatter


def data_url(data: bytes, kind: str = "") -> str:
    """Returns bytes as a data URL."""
    return f"data:{kind};base64," + base64.b64encode(data).decode()


def measure_stage(browser: Chromium, url: str) -> Stage:
    """Returns the size of the map's element."""
    with browser.page() as page:
        box = Tab(page).open(url, standalone=True).map.bounding_box()
        assert box is not None
        return Stage(round(box["width"]), round(box["height"]))


def measure_pairs(
    browser: Chromium, effort: Effort, stage: Stage, ours: Opener, peer: Opener
) -> list[tuple[float, float]]:
    """Returns pairs of CPU seconds per frame: of the tab and of the baseline."""
    return [
        (measure_frame(browser, ours, stage), measure_frame(browser, peer, stage))
        for _ in range(effort.pairs)
    ]


def measure_frame(browser: Chromium, open_page: Opener, stage: Stage) -> float:
    """Drags the content of a new page; returns CPU seconds per frame of all Chromium processes."""
    return measure_drag(browser, open_page, stage).total / LAP


def measure_drag(browser: Chromium, open_page: Opener, stage: Stage) -> CpuTime:
    """Drags the content of a new page; returns the CPU time of `LAP` frames."""
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
        before = browser.measure_cpu()
        page.evaluate("path => bench.drag(path)", path | {"moves": LAP})
        return browser.measure_cpu().since(before)


def make_ratio_row(what: str, pairs: Sequence[tuple[float, float]], goal: float | None) -> Row:
    """Returns a row with a ratio."""
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


# Opening the tab, and changing the step.


def measure_opening(folder: Path, effort: Effort) -> list[Row]:
    """Measures the first map of a 40 x 40 layer, and a change of the step."""
    write_run(folder / "run", layer_atlases(STEPS[:4]))
    with serve(folder, 4) as url, start_chromium() as browser:
        firsts, rests = zip(*(open_tab(browser, url) for _ in range(effort.openings)), strict=True)
        calm, moving = (measure_steps(browser, url, is_calm=is_calm) for is_calm in (True, False))
    return [
        cpu_row("tab opened to first map of a 40 x 40 layer", firsts, 1500),
        cpu_row("... and until the tab has loaded everything and is idle", rests),
        cpu_row("step change between cached ones", [calm], 60),
        cpu_row("... with the transition of 300 ms", [moving]),
    ]


def layer_atlases(steps: Sequence[int]) -> list[Atlas]:
    """Returns atlases of a layer with 40 x 40 icons at some steps."""
    tiles = {10: 48, LAYER_SIDE: 48}
    return [full_atlas(step, LAYER_SIDE, tiles, sequence=i + 1) for i, step in enumerate(steps)]


def open_tab(browser: Chromium, url: str) -> tuple[CpuTime, CpuTime]:
    """Opens the tab in TensorBoard; returns CPU time until the first map, and until it is idle."""
    with browser.page() as page:
        page.goto(f"{url}#scalars&p.atlas.layer={LAYER}&p.atlas.grid={LAYER_SIDE}")
        page.locator("[data-plugin-id=atlas]").wait_for()
        wait_until_idle(browser)
        before = browser.measure_cpu()
        page.evaluate("bench.open('atlas', 'map')")
        first = browser.measure_cpu().since(before)
        page.evaluate("bench.waitFor('idle')")
        rest = browser.measure_cpu().since(before)
        marks = Tab(page).enter_iframe().settle(level=LAYER_SIDE)
        assert marks["renderer"] == "webgl"
        return first, rest


def measure_steps(browser: Chromium, url: str, *, is_calm: bool) -> CpuTime:
    """Returns the CPU time of a change between cached steps."""
    changes = 40
    with browser.page(is_calm=is_calm) as page:
        Tab(page).open(url, standalone=True, layer=LAYER, grid=LAYER_SIDE)
        walk = {"steps": STEPS[:4], "changes": changes}
        page.evaluate("walk => bench.changeSteps(walk)", walk)
        wait_until_idle(browser)
        before = browser.measure_cpu()
        page.evaluate("walk => bench.changeSteps(walk)", walk)
        spent = browser.measure_cpu().since(before).seconds
        return CpuTime({pid: (kind, seconds / changes) for pid, (kind, seconds) in spent.items()})


def wait_until_idle(browser: Chromium, share: float = 0.05, patience: float = 60.0) -> None:
    """Waits until all processes together use less than `share` of a core for a second."""
    end = time.monotonic() + patience
    spent = 1.0
    while spent > share and time.monotonic() < end:
        before = browser.measure_cpu()
        time.sleep(1)
        spent = browser.measure_cpu().since(before).total


def cpu_row(what: str, spent: Sequence[CpuTime], goal: float | None = None) -> Row:
    """Returns a row with the CPU time of the page's renderer and of the GPU process."""
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
IN_IFRAME = "document.querySelector('iframe')?.contentDocument.querySelector('atlas-app')"


def memory(folder: Path, effort: Effort) -> list[Row]:
    """Measures memory growth over step changes, and over switches of TensorBoard's tab."""
    write_run(folder / "run", layer_atlases(STEPS))
    count = round(CHANGES * effort.share / LOOKS)
    # Two browsers at once: the results do not depend on time.
    with serve(folder, len(STEPS)) as url, make_pool(2) as pool:
        running = [
            pool.submit(measure, url, count)
            for measure in (measure_step_changes, measure_tab_switches, measure_empty_tab_switches)
        ]
        stepped, switched, empty = (one.result() for one in running)
    return [
        make_growth_row(f"memory over {LOOKS * count:,} step changes", stepped),
        make_growth_row(f"memory over {LOOKS * count:,} switches of the tab", switched, empty),
    ]


def make_pool(workers: int) -> concurrent.futures.ProcessPoolExecutor:
    """Returns a process pool for browsers and clients."""
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=context)


def measure_step_changes(url: str, count: int) -> list[Memory]:
    """Returns the memory of the page after each `count` step changes."""
    address = f"{url}{ENTRY}#atlas&p.atlas.layer={LAYER}&p.atlas.grid={LAYER_SIDE}"
    with QuietPage(address, is_calm=True) as page:
        page.wait_for(f"{OURS}?.dataset.ready === 'true'")
        change = f"bench.changeSteps({{steps: {list(STEPS)}, changes: {count}}})"
        return measure_repeatedly(page, change)


def measure_tab_switches(url: str, count: int, *, empty: bool = False) -> list[Memory]:
    """Returns the same for switches between the tab and the scalars of TensorBoard."""
    with QuietPage(f"{url}#atlas&p.atlas.layer={LAYER}", is_calm=False) as page:
        page.wait_for(f"{IN_IFRAME}?.dataset.ready === 'true'")
        if empty:
            page.evaluate(f"{IN_IFRAME}.remove()")
        change = f"bench.switchTabs({{tabs: ['scalars', 'atlas'], times: {count}}})"
        return measure_repeatedly(page, change)


def measure_empty_tab_switches(url: str, count: int) -> list[Memory]:
    """Returns the same with an empty tab: the growth of TensorBoard itself."""
    return measure_tab_switches(url, count, empty=True)


def measure_repeatedly(page: QuietPage, change: str) -> list[Memory]:
    """Evaluates `change` repeatedly and returns the memory after each time.

    The first two evaluations fill the caches.
    """
    found = []
    for look in range(LOOKS + 2):
        page.evaluate(change)
        if look > 0:
            # Prefetched data have arrived.
            time.sleep(1)
            found.append(page.measure_memory())
    return found


def make_growth_row(what: str, found: Sequence[Memory], others: Sequence[Memory] = ()) -> Row:
    """Returns a row with the growth of memory, minus that of `others`."""
    heap, page, gpu = measure_gains(found)
    first, last = found[0], found[-1]
    measured = (
        f"{page + gpu:+.1f} MB: page {page:+.1f} (its JavaScript {heap:+.1f}), GPU process "
        f"{gpu:+.1f}; nodes {first.nodes:,} to {last.nodes:,}, "
        f"listeners {first.listeners} to {last.listeners}"
    )
    if others:
        theirs, beside, drawn = measure_gains(others)
        measured += (
            f"; with an empty tab {beside + drawn:+.1f} MB: page {beside:+.1f} "
            f"(its JavaScript {theirs:+.1f}), GPU process {drawn:+.1f}"
        )
        heap, page, gpu = heap - theirs, page - beside, gpu - drawn
        measured += f"; ours {page + gpu:+.1f} MB"
    return Row(what, measured, "<= +10 MB", max(heap, page + gpu) <= 10)


def measure_gains(found: Sequence[Memory]) -> tuple[float, float, float]:
    """Returns the growth of JavaScript, the page's renderer and the GPU process in MB."""
    return (
        estimate_growth([one.heap for one in found]),
        estimate_growth([one.renderer for one in found]),
        estimate_growth([one.gpu for one in found]),
    )


def estimate_growth(bytes_held: Sequence[float]) -> float:
    """Returns the growth in MB by the median slope of all pairs of measurements."""
    pairs = itertools.combinations(enumerate(bytes_held), 2)
    slope = statistics.median((late - early) / (j - i) for (i, early), (j, late) in pairs)
    return slope * (len(bytes_held) - 1) / MEGA


# Many clients.


def clients(folder: Path, effort: Effort) -> list[Row]:
    """Measures a server with 50 clients while a run logs, with both loaders."""
    rows = []
    for run in ("one", "two"):
        write_run(folder / "log" / run, layer_atlases(STEPS[:10]))
    for fast in (True, False):
        log_dir = folder / f"fast-{fast}"
        shutil.copytree(folder / "log", log_dir)
        with serve(log_dir, 20, fast=fast) as url:
            rows.append(measure_server(url, log_dir, fast, SECONDS * effort.share))
    return rows


def measure_server(url: str, log_dir: Path, fast: bool, seconds: float) -> Row:
    """Returns the row of one loader."""
    processes = find_servers()
    with make_pool(1) as pool:
        # Fills thread pools and caches first.
        pool.submit(run_clients, url, CLIENTS, seconds / 6).result()
        time.sleep(REST_SECONDS)
        first = measure_load(processes)
        with Writer(log_dir) as writer:
            running = pool.submit(run_clients, url, CLIENTS, seconds)
            loads = list(watch_load(processes, seconds))
            latencies: Latencies = running.result()
        time.sleep(REST_SECONDS)
        last = measure_load(processes)
    p95, index_p95 = (1000 * percentile(times, 0.95) for times in (latencies.data, latencies.index))
    grown, logged = estimate_growth([one.resident for one in loads]), writer.appended / MEGA
    requests = len(latencies.data) + len(latencies.index)
    measured = (
        f"{len(latencies.errors)} errors in {requests:,} requests; "
        f"data p95 {p95:.0f} ms, index {index_p95:.0f} ms; "
        f"threads at rest {first.threads} to {last.threads}; "
        f"memory {grown:+.1f} MB, with {logged:.1f} MB logged meanwhile"
    )
    for error in latencies.errors[:5]:
        print(error, file=sys.stderr)
    met = not latencies.errors and p95 <= 250
    met = met and last.threads <= first.threads and grown <= logged + 10
    name = "data server" if fast else "Python loader"
    goal = "0 errors, p95 <= 250 ms, no growth"
    return Row(f"{CLIENTS} clients, {seconds:.0f} s, 20 atlases, {name}", measured, goal, met)


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the value below which a fraction of the values lies."""
    return sorted(values)[int(share * len(values))]


def size(_folder: Path, _effort: Effort) -> list[Row]:
    """Measures the committed scripts."""
    bundle = measure_bundle()
    return [
        Row("JavaScript, gzip: before the first map", f"{bundle.first:.1f} kB"),
        Row(
            "JavaScript and CSS, gzip: all",
            f"{bundle.total:.1f} kB",
            "<= 150 kB",
            bundle.total <= 150,
        ),
    ]


BENCHMARKS: dict[str, Callable[[Path, Effort], list[Row]]] = {
    "pan": pan,
    "points": points,
    "million": million,
    "open": measure_opening,
    "size": size,
    "memory": memory,
    "clients": clients,
}


if __name__ == "__main__":
    main()
