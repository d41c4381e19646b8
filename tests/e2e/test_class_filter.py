# SPDX-License-Identifier: Apache-2.0
"""Asking the map about classes: what passes, how strongly, and that it can be read without hue."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import logs
import numpy as np
import pytest
from audits import audit
from conftest import wait_for_atlases
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect
from samples import make_atlas
from serving import tensorboard
from tab import Tab

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.codec import encode_atlas
from tensorboard_plugin_atlas.events import EventSink
from tensorboard_plugin_atlas.metadata import CHILD_RUN, layer_tag

Directories = Callable[[str], tuple[Path, int]]

DIGITS = {"run": "digits/atlas", "step": 60}
LEAST = 8
"""Samples that a cell needs to be ranked."""
MANY = 1000
NAMES = ("<img src=x onerror=alert(1)>", "\u202egnp.exe", *(f"kind {i}" for i in range(2, MANY)))
MINUS = "\u2212"


class Asked(NamedTuple):
    """A cell of the list as it must read."""

    row: int
    col: int
    value: float


@pytest.fixture(scope="module")
def digits(directories: Directories) -> Callable[[int], Grid]:
    """Grids by size of the real network's last step, as they were logged."""
    path, _ = directories("sound")
    last = [one for one in read_atlases(path) if one.run == "digits/atlas"][-1]
    return {grid.size: grid for grid in last.grids}.__getitem__


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A thousand classes with attribution of each, and a layer without any."""
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
    sink.write(layer_tag("bare"), encode_atlas(logs.small_atlas(7, "bare")), 7)
    sink.close()
    with tensorboard(directory, True) as url:
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


def strongest(grid: Grid, index: int, sign: str) -> list[Asked]:
    """Cells with samples enough that pass, strongest first, from what was logged."""
    assert grid.attribution is not None
    values = grid.attribution[:, index]
    weight = {"helps": values, "hurts": -values, "both": np.abs(values)}[sign]
    order = np.lexsort((np.arange(len(values)), -np.abs(values)))
    return [
        Asked(int(grid.rows[cell]), int(grid.cols[cell]), float(values[cell]))
        for cell in order
        if weight[cell] > 0 and grid.counts[cell] >= LEAST
    ]


def worded(value: float, most: float) -> str:
    """As the tab writes attribution: two digits of the strongest."""
    places = 1 - int(np.floor(np.log10(abs(most)))) if abs(most) < 1 else 2
    text = f"{abs(value):.{places}f}"
    sign = "+" if value > 0 else MINUS
    return sign + ("0" if float(text) == 0 else text.removeprefix("0"))


def test_keys_alone_ask_for_a_class(quick: str, tab: Tab) -> None:
    tab.open(quick, **DIGITS)
    loaded = tab.scripts
    tab.key("f")
    expect(search(tab)).to_be_focused()
    assert tab.scripts > loaded
    tab.page.keyboard.type("class 3")
    expect(panel(tab).get_by_role("option")).to_have_count(1)
    tab.page.keyboard.press("Enter")
    tab.linked(filter="top:3")
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
def test_the_strongest_cells_are_those_that_were_logged(
    sound: str, tab: Tab, digits: Callable[[int], Grid], size: int, sign: str
) -> None:
    """All levels, all signs, both loaders; the legend gives the true range."""
    wanted = strongest(digits(size), 3, sign)
    tab.open(sound, alone=True, **DIGITS, grid=size, filter="toward:3", sign=sign)
    tab.key("f")
    rows = panel(tab).locator(".strongest li")
    expect(rows).to_have_count(min(10, len(wanted)))
    most = max(abs(one.value) for one in wanted)
    for row, one in zip(rows.all(), wanted, strict=False):
        expect(row).to_contain_text(f"row {one.row + 1}, column {one.col + 1}")
        expect(row).to_contain_text(worded(one.value, most))
    values = [one.value for one in wanted]
    if sign != "hurts":
        expect(key(tab)).to_contain_text(f"speaks for it, up to {worded(max(values), most)}")
    if sign != "helps":
        expect(key(tab)).to_contain_text(f"speaks against, down to {worded(min(values), most)}")


def test_enter_flies_to_the_strongest_cell(
    quick: str, tab: Tab, digits: Callable[[int], Grid]
) -> None:
    first = strongest(digits(8), 3, "helps")[0]
    tab.open(quick, **DIGITS, grid=8, filter="toward:3")
    tab.key("f")
    button = panel(tab).locator(".strongest button").first
    button.focus()
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("ArrowUp")
    expect(button).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.linked(x=f"{(first.col + 0.5) / 8:.4f}", y=f"{(first.row + 0.5) / 8:.4f}")
    expect(tab.inspector).to_contain_text(f"Row {first.row + 1}, column {first.col + 1} of 8")
    grid = digits(8)
    assert grid.attribution is not None
    said = grid.attribution[(grid.rows == first.row) & (grid.cols == first.col)][0]
    voices = tab.inspector.locator(".voices .bars")
    expect(voices.first.locator("li").first).to_contain_text(f"class {said.argmax()}")
    expect(voices.last.locator("li").first).to_contain_text(f"class {said.argmin()}")
    expect(voices.first.locator("li").first).to_contain_text("\u00b1")
    expect(voices.first.locator(".meter b").first).to_be_attached()


def test_what_does_not_pass_is_dimmed_and_not_hidden(
    quick: str, tab: Tab, digits: Callable[[int], Grid]
) -> None:
    ranked = strongest(digits(4), 3, "helps")
    grid = digits(4)
    assert grid.attribution is not None
    failing = int(np.flatnonzero(grid.attribution[:, 3] <= 0)[0])
    place = (4, int(grid.rows[failing]), int(grid.cols[failing]))
    tab.open(quick, alone=True, **DIGITS, grid=4)
    bright, clear = tab.cell_picture(*place), tab.cell_picture(4, ranked[0].row, ranked[0].col)
    tab.page.goto("about:blank")
    tab.open(quick, alone=True, **DIGITS, grid=4, filter="toward:3")
    dim = tab.cell_picture(*place)
    assert 0.02 < dim.std() / bright.std() < 0.5
    assert np.abs(tab.cell_picture(4, ranked[0].row, ranked[0].col) - clear).max() <= 2
    key(tab).get_by_role("button", name="Clear").click()
    tab.linked(filter=None, sign=None)
    tab.settle()
    assert np.abs(tab.cell_picture(*place) - bright).max() == 0


def test_signs_are_told_apart_without_hue(
    quick: str, tab: Tab, digits: Callable[[int], Grid]
) -> None:
    """Cells that speak against are hatched: their brightness changes in stripes."""
    against = strongest(digits(4), 3, "hurts")[0]
    tab.open(quick, alone=True, **DIGITS, grid=4, filter="toward:3", sign="helps")
    plain = tab.cell_picture(4, against.row, against.col).mean(axis=2)
    tab.page.goto("about:blank")
    tab.open(quick, alone=True, **DIGITS, grid=4, filter="toward:3", sign="hurts")
    hatched = tab.cell_picture(4, against.row, against.col).mean(axis=2)
    steps = np.abs(np.diff(hatched, axis=1))
    assert (steps > 40).mean() > 0.05 > 3 * (np.abs(np.diff(plain, axis=1)) > 40).mean()


def test_the_difference_is_one_of_attribution_toward_the_class(
    quick: str, directories: Directories, tab: Tab
) -> None:
    path, _ = directories("sound")
    steps = {one.step: one for one in read_atlases(path) if one.run == "digits/atlas"}
    was, now = (_toward(steps[step], 4, 3) for step in (20, 60))
    changes = {place: now[place] - was[place] for place in was.keys() & now.keys()}
    row, col = max(changes, key=lambda place: abs(changes[place]))
    tab.open(quick, alone=True, **DIGITS, grid=4, compare=20, filter="toward:3")
    legend = tab.app.get_by_label("Difference", exact=True).and_(tab.app.locator("aside"))
    expect(legend).to_contain_text("Attribution toward class 3 changed between step 20 and step 60")
    legend.locator("summary").click()
    first = legend.locator("tbody tr").first
    expect(first).to_contain_text(f"row {row + 1}, column {col + 1}")
    said = first.locator(".number").inner_text().replace(MINUS, "-")
    assert float(said) == pytest.approx(changes[row, col], abs=0.0051)
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


def test_it_rests_over_the_difference_and_asks_both_sides_of_a_swipe(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **DIGITS, grid=4, compare=20, filter="toward:3", sign="both")
    expect(key(tab)).to_contain_text("It rests while the difference of A and B is drawn")
    tab.app.get_by_label("Swipe").check(force=True)
    tab.settle()
    expect(key(tab)).to_contain_text("the strongest cell of A and B")
    expect(key(tab)).to_contain_text("Ranges and counts above are those of B")
    both = tab.picture()
    key(tab).get_by_role("button", name="Clear").click()
    tab.linked(filter=None)
    tab.settle()
    changed = np.abs(tab.picture() - both).max(axis=2) > 12
    middle = changed.shape[1] // 2
    assert changed[120:-200, 300 : middle - 20].mean() > 0.02
    assert changed[120:-200, middle + 20 :].mean() > 0.02


def test_it_stays_from_step_to_step(quick: str, tab: Tab) -> None:
    tab.open(quick, **DIGITS, grid=4, filter="toward:3", sign="both")
    last = key(tab).inner_text()
    tab.key(",")
    tab.shows(20)
    tab.linked(filter="toward:3", sign="both", step=20)
    assert key(tab).inner_text() != last


def test_missing_attribution_names_the_setting(crowded: str, tab: Tab) -> None:
    reason = "Attribution was not recorded: AtlasConfig(attribution=True)"
    tab.open(crowded, alone=True, layer="bare", filter="toward:1")
    expect(key(tab)).to_contain_text(reason)
    tab.key("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text(reason)
    tab.key("f")
    expect(panel(tab)).to_contain_text(reason)


def test_a_thousand_classes_stay_quick_and_hostile_names_stay_text(crowded: str, tab: Tab) -> None:
    tab.open(crowded, alone=True, layer="many", filter="toward:0", sign="both")
    tab.key("f")
    options = panel(tab).get_by_role("option")
    expect(options).to_have_count(100)
    expect(panel(tab)).to_contain_text("and 900 more")
    expect(options.first).to_contain_text("<img src=x onerror=alert(1)>")
    assert panel(tab).locator("img").count() == 0
    expect(key(tab)).to_contain_text("Attribution toward <img src=x onerror=alert(1)>")
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
    assert quickest < 100, "a key in the search of a thousand classes"
    expect(options).to_have_count(1)
    options.first.click()
    tab.linked(filter="toward:0,999")
    expect(panel(tab).locator(".strongest li")).to_have_count(10)


def test_a_fifth_class_is_refused(crowded: str, tab: Tab) -> None:
    tab.open(crowded, alone=True, layer="many", filter="top:2,3,4,5")
    tab.key("f")
    expect(panel(tab)).to_contain_text("4 at most")
    panel(tab).get_by_role("option", name="kind 9 ").first.click(force=True)
    tab.linked(filter="top:2,3,4,5")
    panel(tab).get_by_role("button", name=re.compile("Take away.*kind 3")).click()
    tab.linked(filter="top:2,4,5")


def test_one_list_at_a_time_stands_beside_the_map(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **DIGITS, events="on")
    events = tab.app.get_by_label("Events of this run", exact=True).and_(tab.app.locator("aside"))
    expect(events).to_be_visible()
    tab.press("Ask about a class")
    expect(panel(tab)).to_be_visible()
    expect(events).to_have_count(0)
    tab.key("j")
    expect(events).to_be_visible()
    expect(panel(tab)).to_have_count(0)


def test_nonsense_in_a_link_asks_for_nothing(quick: str, tab: Tab) -> None:
    tab.open(quick, **DIGITS, filter="<b>:-1,x", sign="constructor")
    expect(key(tab)).to_have_count(0)
    tab.page.goto("about:blank")
    tab.open(quick, **DIGITS, filter="toward:99")
    expect(key(tab)).to_contain_text("This run knows no class 99")


def test_it_is_accessible_and_photographed(quick: str, crowded: str, tab: Tab) -> None:
    for name, url, state in (
        ("top", quick, {**DIGITS, "filter": "top:3,8"}),
        ("toward", quick, {**DIGITS, "filter": "toward:3", "sign": "both"}),
        ("crowded", crowded, {"layer": "many", "filter": "toward:5,7", "grid": 20}),
    ):
        tab.page.goto("about:blank")
        tab.open(url, alone=True, **state)
        tab.settle()
        tab.key("f")
        expect(search(tab)).to_be_focused()
        if name == "toward":
            panel(tab).locator(".strongest button").first.click()
            expect(tab.inspector).to_be_visible()
            audit(tab, f"class-filter-{name}")
