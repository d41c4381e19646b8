# SPDX-License-Identifier: Apache-2.0
"""The class filter: which cells pass, attribution values, and patterns that need no color."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import browser_logs
import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab
from conftest import wait_for_atlases
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect
from synthetic_atlases import make_atlas
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

Directories = Callable[[str], tuple[Path, int]]

DIGITS = {"run": "digits/atlas", "step": 60}
LEAST = 8
"""Minimum number of samples of a ranked cell."""
MANY = 1000
NAMES = ("<img src=x onerror=alert(1)>", "\u202egnp.exe", *(f"kind {i}" for i in range(2, MANY)))
MINUS = "\u2212"


class RankedCell(NamedTuple):
    """An expected cell of the list."""

    row: int
    col: int
    value: float


@pytest.fixture(scope="module")
def digits(directories: Directories) -> Callable[[int], Grid]:
    """Returns a logged grid of the last step of the trained network, by size."""
    path, _ = directories("valid")
    last = [one for one in read_atlases(path) if one.run == "digits/atlas"][-1]
    return {grid.size: grid for grid in last.grids}.__getitem__


@pytest.fixture(scope="module")
def crowded_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a log with attribution of a thousand classes, and a layer without attribution."""
    directory = tmp_path_factory.mktemp("crowded")
    sink = EventSink(directory / "crowded" / CHILD_RUN)
    rng = np.random.default_rng(0)
    atlas = make_atlas(
        7, layer="many", samples=2000, grids=(10, 20), tile=8, min_count=1, classes=NAMES
    )
    grids = tuple(
        _with_attribution(grid, rng.normal(size=(len(grid.rows), MANY)).astype(np.float32))
        for grid in atlas.grids
    )
    sink.write(layer_tag("many"), encode_atlas(atlas.replace(grids=grids)), 7)
    sink.write(layer_tag("bare"), encode_atlas(browser_logs.make_small_atlas(7, "bare")), 7)
    sink.close()
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 2)
        yield url


def _with_attribution(grid: Grid, attribution: NDArray[np.float32]) -> Grid:
    return dataclasses.replace(grid, attribution=attribution)


def panel(tab: Tab) -> Locator:
    return tab.app.get_by_label("Class filter", exact=True)


def search(tab: Tab) -> Locator:
    return tab.app.get_by_role("combobox", name="Find a class")


def key(tab: Tab) -> Locator:
    return tab.app.get_by_label("Legend of the class filter")


def rank_cells(grid: Grid, index: int, sign: str) -> list[RankedCell]:
    """Returns the logged cells that pass and have enough samples, strongest first."""
    assert grid.attribution is not None
    values = grid.attribution[:, index]
    weight = {"helps": values, "hurts": -values, "both": np.abs(values)}[sign]
    order = np.lexsort((np.arange(len(values)), -np.abs(values)))
    return [
        RankedCell(int(grid.rows[cell]), int(grid.cols[cell]), float(values[cell]))
        for cell in order
        if weight[cell] > 0 and grid.counts[cell] >= LEAST
    ]


def format_attribution(value: float, most: float) -> str:
    """Formats attribution as the tab does, with two digits of the largest value."""
    places = 1 - int(np.floor(np.log10(abs(most)))) if abs(most) < 1 else 2
    text = f"{abs(value):.{places}f}"
    sign = "+" if value > 0 else MINUS
    return sign + ("0" if float(text) == 0 else text.removeprefix("0"))


def test_a_class_is_selected_by_keys_only(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, **DIGITS)
    loaded = tab.scripts
    tab.press_keys("f")
    expect(search(tab)).to_be_focused()
    assert tab.scripts > loaded
    tab.page.keyboard.type("class 3")
    expect(panel(tab).get_by_role("option")).to_have_count(1)
    tab.page.keyboard.press("Enter")
    tab.wait_for_hash(filter="top:3")
    expect(key(tab)).to_contain_text("Top class is class 3")
    expect(tab.app.get_by_role("status")).to_contain_text(re.compile(r"\d+ of \d+ cells pass"))
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Escape")
    expect(tab.map).to_be_focused()
    tab.page.keyboard.press("f")
    expect(panel(tab)).to_have_count(0)
    expect(key(tab)).to_be_visible()


@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("sign", ["helps", "hurts", "both"])
def test_the_strongest_cells_match_the_log(
    valid_log_by_loader: str, tab: Tab, digits: Callable[[int], Grid], size: int, sign: str
) -> None:
    """All grids, signs and loaders; the legend shows the logged range."""
    wanted = rank_cells(digits(size), 3, sign)
    tab.open(
        valid_log_by_loader, standalone=True, **DIGITS, grid=size, filter="toward:3", sign=sign
    )
    tab.press_keys("f")
    rows = panel(tab).locator(".strongest li")
    expect(rows).to_have_count(min(10, len(wanted)))
    most = max(abs(one.value) for one in wanted)
    for row, one in zip(rows.all(), wanted, strict=False):
        expect(row).to_contain_text(f"row {one.row + 1}, column {one.col + 1}")
        expect(row).to_contain_text(format_attribution(one.value, most))
    values = [one.value for one in wanted]
    if sign != "hurts":
        expect(key(tab)).to_contain_text(
            f"attribution for it, up to {format_attribution(max(values), most)}"
        )
    if sign != "helps":
        expect(key(tab)).to_contain_text(
            f"attribution against it, down to {format_attribution(min(values), most)}"
        )


def test_enter_moves_to_the_strongest_cell(
    valid_log: str, tab: Tab, digits: Callable[[int], Grid]
) -> None:
    first = rank_cells(digits(8), 3, "helps")[0]
    tab.open(valid_log, **DIGITS, grid=8, filter="toward:3")
    tab.press_keys("f")
    button = panel(tab).locator(".strongest button").first
    button.focus()
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("ArrowUp")
    expect(button).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.wait_for_hash(x=f"{(first.col + 0.5) / 8:.4f}", y=f"{(first.row + 0.5) / 8:.4f}")
    expect(tab.inspector).to_contain_text(f"Row {first.row + 1}, column {first.col + 1} of 8")
    grid = digits(8)
    assert grid.attribution is not None
    attribution = grid.attribution[(grid.rows == first.row) & (grid.cols == first.col)][0]
    bars = tab.inspector.locator(".attribution .bars")
    expect(bars.first.locator("li").first).to_contain_text(f"class {attribution.argmax()}")
    expect(bars.last.locator("li").first).to_contain_text(f"class {attribution.argmin()}")
    expect(bars.first.locator("li").first).to_contain_text("\u00b1")
    expect(bars.first.locator(".meter b").first).to_be_attached()


def test_cells_that_do_not_pass_are_dimmed(
    valid_log: str, tab: Tab, digits: Callable[[int], Grid]
) -> None:
    ranked = rank_cells(digits(4), 3, "helps")
    grid = digits(4)
    assert grid.attribution is not None
    failing = int(np.flatnonzero(grid.attribution[:, 3] <= 0)[0])
    place = (4, int(grid.rows[failing]), int(grid.cols[failing]))
    tab.open(valid_log, standalone=True, **DIGITS, grid=4)
    bright, clear = tab.capture_cell(*place), tab.capture_cell(4, ranked[0].row, ranked[0].col)
    tab.page.goto("about:blank")
    tab.open(valid_log, standalone=True, **DIGITS, grid=4, filter="toward:3")
    dim = tab.capture_cell(*place)
    assert 0.02 < dim.std() / bright.std() < 0.5
    assert np.abs(tab.capture_cell(4, ranked[0].row, ranked[0].col) - clear).max() <= 2
    key(tab).get_by_role("button", name="Clear").click()
    tab.wait_for_hash(filter=None, sign=None)
    tab.settle()
    assert np.abs(tab.capture_cell(*place) - bright).max() == 0


def test_signs_are_distinguished_without_color(
    valid_log: str, tab: Tab, digits: Callable[[int], Grid]
) -> None:
    """Cells with negative attribution are hatched: their brightness varies in stripes."""
    against = rank_cells(digits(4), 3, "hurts")[0]
    tab.open(valid_log, standalone=True, **DIGITS, grid=4, filter="toward:3", sign="helps")
    plain = tab.capture_cell(4, against.row, against.col).mean(axis=2)
    tab.page.goto("about:blank")
    tab.open(valid_log, standalone=True, **DIGITS, grid=4, filter="toward:3", sign="hurts")
    hatched = tab.capture_cell(4, against.row, against.col).mean(axis=2)
    steps = np.abs(np.diff(hatched, axis=1))
    assert (steps > 40).mean() > 0.05 > 3 * (np.abs(np.diff(plain, axis=1)) > 40).mean()


def test_the_difference_is_in_attribution_to_the_class(
    valid_log: str, directories: Directories, tab: Tab
) -> None:
    path, _ = directories("valid")
    steps = {one.step: one for one in read_atlases(path) if one.run == "digits/atlas"}
    was, now = (_toward(steps[step], 4, 3) for step in (20, 60))
    changes = {place: now[place] - was[place] for place in was.keys() & now.keys()}
    row, col = max(changes, key=lambda place: abs(changes[place]))
    tab.open(valid_log, standalone=True, **DIGITS, grid=4, compare=20, filter="toward:3")
    legend = tab.app.get_by_label("Difference", exact=True).and_(tab.app.locator("aside"))
    expect(legend).to_contain_text("Attribution toward class 3 changed between step 20 and step 60")
    legend.locator("summary").click()
    first = legend.locator("tbody tr").first
    expect(first).to_contain_text(f"row {row + 1}, column {col + 1}")
    attribution = first.locator(".number").inner_text().replace(MINUS, "-")
    assert float(attribution) == pytest.approx(changes[row, col], abs=0.0051)
    audit(tab, "attribution-difference")
    key(tab).get_by_role("button", name="Clear").click()
    expect(legend).to_contain_text("changed cell between step 20 and step 60")


def _toward(atlas: Atlas, size: int, index: int) -> dict[tuple[int, int], float]:
    (grid,) = (one for one in atlas.grids if one.size == size)
    assert grid.attribution is not None
    values = grid.attribution[:, index].astype(float)
    return {
        (int(row), int(col)): float(value)
        for row, col, value in zip(grid.rows, grid.cols, values, strict=True)
    }


def test_it_is_inactive_for_the_difference_and_applies_to_both_sides_of_a_swipe(
    valid_log: str, tab: Tab
) -> None:
    tab.open(
        valid_log, standalone=True, **DIGITS, grid=4, compare=20, filter="toward:3", sign="both"
    )
    expect(key(tab)).to_contain_text("Not shown in this mode")
    tab.app.get_by_label("Swipe").check(force=True)
    tab.settle()
    expect(key(tab)).to_contain_text("the strongest cell of A and B")
    expect(key(tab)).to_contain_text("Ranges and counts above are those of B")
    both = tab.capture()
    key(tab).get_by_role("button", name="Clear").click()
    tab.wait_for_hash(filter=None)
    tab.settle()
    changed = np.abs(tab.capture() - both).max(axis=2) > 12
    middle = changed.shape[1] // 2
    assert changed[120:-200, 300 : middle - 20].mean() > 0.02
    assert changed[120:-200, middle + 20 :].mean() > 0.02


def test_it_is_kept_at_other_steps(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, **DIGITS, grid=4, filter="toward:3", sign="both")
    last = key(tab).inner_text()
    tab.press_keys(",")
    tab.wait_for_step(20)
    tab.wait_for_hash(filter="toward:3", sign="both", step=20)
    assert key(tab).inner_text() != last


def test_missing_attribution_names_the_setting(crowded_log: str, tab: Tab) -> None:
    reason = "Attribution was not recorded: AtlasConfig(attribution=True)"
    tab.open(crowded_log, standalone=True, layer="bare", filter="toward:1")
    expect(key(tab)).to_contain_text(reason)
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text(reason)
    tab.press_keys("f")
    expect(panel(tab)).to_contain_text(reason)


def test_a_thousand_classes_are_fast_and_untrusted_names_are_text(
    crowded_log: str, tab: Tab
) -> None:
    tab.open(crowded_log, standalone=True, layer="many", filter="toward:0", sign="both")
    tab.press_keys("f")
    options = panel(tab).get_by_role("option")
    expect(options).to_have_count(100)
    expect(panel(tab)).to_contain_text("and 900 more")
    expect(options.first).to_contain_text("<img src=x onerror=alert(1)>")
    assert panel(tab).locator("img").count() == 0
    expect(key(tab)).to_contain_text("Attribution for and against <img src=x onerror=alert(1)>")
    quickest = search(tab).evaluate(
        """async (input) => {
          const app = input.getRootNode().host;
          const times = [];
          for (const text of ['k', 'ki', 'kin', 'kind', 'kind 9', 'kind 99', 'kind 999']) {
            const start = performance.now();
            input.value = text;
            input.dispatchEvent(new Event('input'));
            await app.updateComplete;
            times.push(performance.now() - start);
          }
          return Math.min(...times.slice(0, 4));
        }"""
    )
    assert quickest < 100, "milliseconds for a key in the search of a thousand classes"
    expect(options).to_have_count(1)
    options.first.click()
    tab.wait_for_hash(filter="toward:0,999")
    expect(panel(tab).locator(".strongest li")).to_have_count(10)


def test_a_fifth_class_is_rejected(crowded_log: str, tab: Tab) -> None:
    tab.open(crowded_log, standalone=True, layer="many", filter="top:2,3,4,5")
    tab.press_keys("f")
    expect(panel(tab)).to_contain_text("4 classes at most")
    panel(tab).get_by_role("option", name="kind 9 ").first.click(force=True)
    tab.wait_for_hash(filter="top:2,3,4,5")
    panel(tab).get_by_role("button", name=re.compile("Remove.*kind 3")).click()
    tab.wait_for_hash(filter="top:2,4,5")


def test_one_panel_at_a_time_is_open(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **DIGITS, events="on")
    events = tab.app.get_by_label("Events of this run", exact=True).and_(tab.app.locator("aside"))
    expect(events).to_be_visible()
    tab.click_button("Filter by class")
    expect(panel(tab)).to_be_visible()
    expect(events).to_have_count(0)
    tab.press_keys("j")
    expect(events).to_be_visible()
    expect(panel(tab)).to_have_count(0)


def test_invalid_classes_in_a_link_are_ignored(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, **DIGITS, filter="<b>:-1,x", sign="constructor")
    expect(key(tab)).to_have_count(0)
    tab.page.goto("about:blank")
    tab.open(valid_log, **DIGITS, filter="toward:99")
    expect(key(tab)).to_contain_text("This run has no class 99")


def test_the_class_filter_is_accessible(valid_log: str, crowded_log: str, tab: Tab) -> None:
    for name, url, state in (
        ("top", valid_log, {**DIGITS, "filter": "top:3,8"}),
        ("toward", valid_log, {**DIGITS, "filter": "toward:3", "sign": "both"}),
        ("crowded", crowded_log, {"layer": "many", "filter": "toward:5,7", "grid": 20}),
    ):
        tab.page.goto("about:blank")
        tab.open(url, standalone=True, **state)
        tab.settle()
        tab.press_keys("f")
        expect(search(tab)).to_be_focused()
        if name == "toward":
            panel(tab).locator(".strongest button").first.click()
            expect(tab.inspector).to_be_visible()
            audit(tab, f"class-filter-{name}")
