# SPDX-License-Identifier: Apache-2.0
"""The map: what it takes to show one, what it shows, and how one moves over it."""

from __future__ import annotations

import numpy as np
import pytest
from logs import GRIDS, sample_atlas
from playwright.sync_api import Route, expect
from tab import Tab

WARM = {"run": "warm/atlas", "layer": "layer3"}


def fullest(size: int = 10, step: int = 3200, layer: str = "layer3") -> tuple[int, int, int]:
    """Grid size, row and column of the cell with most samples."""
    grid = next(g for g in sample_atlas(layer, step).grids if g.size == size)
    cell = int(grid.counts.argmax())
    return size, int(grid.rows[cell]), int(grid.cols[cell])


@pytest.mark.both_loaders
def test_the_first_map_takes_three_requests(sound: str, tab: Tab) -> None:
    """All other requests hang here, and still the map is drawn."""
    held: list[Route] = []
    asked: list[str] = []

    def gate(route: Route) -> None:
        url = route.request.url
        if url.partition("?")[0].endswith(".js"):
            route.continue_()
            return
        asked.append(url)
        if len(asked) > 3:
            held.append(route)
        else:
            route.continue_()

    tab.page.route("**/data/plugin/atlas/**", gate)
    tab.open(sound, ready=False, **WARM)
    tab.app.and_(tab.page.frame_locator("iframe").locator("[data-level='10']")).wait_for()
    assert tab.data_requests[:3] == ["index", "atlas", "sheet"]
    size, row, col = fullest()
    assert tab.cell_picture(size, row, col).std() > 5
    for route in held:
        route.continue_()
    tab.settle()


@pytest.mark.parametrize(
    ("key", "name", "said"),
    [
        ("d", "Drift", "since step 800"),
        ("c", "Comparison of two steps", "between step 800 and step 1,600"),
        ("j", "Events of this run", ""),
        ("f", "Class filter", ""),
        ("?", "How to read the map", ""),
    ],
)
def test_what_is_opened_by_hand_loads_with_the_first_of_it(
    key: str, name: str, said: str, quick: str, tab: Tab
) -> None:
    """Not before, however the map is looked at, moved and played."""
    tab.open(quick, alone=True, **WARM)
    loaded = tab.scripts
    tab.point_at(*fullest())
    expect(tab.card).to_be_visible()
    tab.key("+", "0", ",")
    tab.shows(1600)
    tab.choose("Colour by", "Class")
    tab.settle()
    assert tab.scripts == loaded
    tab.key(key)
    expect(tab.app.get_by_label(name, exact=True).first).to_be_visible()
    expect(tab.app.get_by_role("status")).to_contain_text(said)
    assert tab.scripts > loaded


@pytest.mark.both_loaders
def test_cells_are_drawn_where_and_as_they_were_logged(sound: str, tab: Tab) -> None:
    tab.open(sound, alone=True, **WARM)
    grid = sample_atlas("layer3", 3200).grids[0]
    side = grid.icons.shape[1]
    for cell in np.argsort(-grid.counts)[:8]:
        row, col = int(grid.rows[cell]), int(grid.cols[cell])
        shown = tab.cell_picture(10, row, col, share=0.45).mean(axis=(0, 1))
        middle = grid.icons[cell][side // 4 : -side // 4, side // 4 : -side // 4]
        assert np.abs(shown - middle.mean(axis=(0, 1))).max() < 25, (row, col)
    empty = next(
        (r, c)
        for r in range(3, 7)
        for c in range(3, 7)
        if not ((grid.rows == r) & (grid.cols == c)).any()
    )
    assert tab.cell_picture(10, *empty).std() < 1


def test_a_real_network_is_on_the_map(sound: str, tab: Tab) -> None:
    marks = tab.open(sound, alone=True, run="digits/atlas").marks
    assert (marks["layer"], marks["step"], marks["failure"]) == ("3", "60", "")
    tab.key("ArrowRight")
    tab.card.get_by_text("cosine").wait_for()
    tab.card.get_by_text("Feature inversion").wait_for()
    assert tab.picture().std() > 5


def test_the_wheel_zooms_through_the_grids_around_the_pointer(sound: str, tab: Tab) -> None:
    tab.open(sound, **WARM)
    x, y = (round(at) for at in tab.place(*fullest(40))[:2])
    held = _under(tab, x, y)
    tab.page.mouse.move(x, y)
    seen = [10]
    for _ in range(6):
        _wheel(tab, x, y, -200)
        level = int(tab.settle()["level"])
        if level != seen[-1]:
            seen.append(level)
    assert seen == list(GRIDS)
    zoom = 2**2.4
    assert tab.world["side"] == pytest.approx(zoom * _fit_side(tab))
    assert _under(tab, x, y) == pytest.approx(held, abs=1e-6)
    tab.linked(z=f"{zoom:.3f}", grid=None)
    for _ in range(6):
        _wheel(tab, x, y, 200)
    tab.settle(level=10)


def _wheel(tab: Tab, x: float, y: float, turn: float) -> None:
    """Turns the wheel and waits until the map has followed; the browser answers too early."""
    before = tab.world["side"]
    tab.page.mouse.move(x, y)
    tab.page.mouse.wheel(0, turn)
    tab.map.evaluate(
        """(map, before) => new Promise((done) => {
          const look = () => map.boxOf({size: 1, row: 0, col: 0}).side === before
            ? requestAnimationFrame(look) : done();
          look();
        })""",
        before,
    )


def _under(tab: Tab, x: float, y: float) -> tuple[float, float]:
    """Map coordinates of a place on the page."""
    box, world = tab.map.bounding_box(), tab.world
    assert box is not None
    return (
        (x - box["x"] - world["x"]) / world["side"],
        (y - box["y"] - world["y"]) / world["side"],
    )


def _fit_side(tab: Tab) -> float:
    box = tab.map.bounding_box()
    assert box is not None
    return min(box["width"], box["height"]) - 40


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_zoom_without_a_wheel(how: str, quick: str, tab: Tab) -> None:
    def act(key: str, name: str) -> None:
        if how == "keys":
            tab.key(key)
        else:
            tab.press(name)

    tab.open(quick, alone=True, **WARM)
    whole = tab.world
    act("+", "Zoom in")
    act("+", "Zoom in")
    tab.settle(level=20)
    assert tab.world["side"] == pytest.approx(2.25 * whole["side"])
    act("-", "Zoom out")
    tab.linked(z="1.500")
    act("+", "Zoom in")
    act("+", "Zoom in")
    act("+", "Zoom in")
    tab.settle(level=40)
    act("0", "Show the whole map")
    tab.settle(level=10)
    tab.linked(z=None)
    assert tab.world == pytest.approx(whole)


def test_drag_and_shifted_arrows_pan(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM)
    start = tab.world
    x, y = tab.middle()
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 60, y + 30, steps=4)
    tab.page.mouse.up()
    assert tab.world["x"] - start["x"] == pytest.approx(60, abs=1)
    assert tab.world["y"] - start["y"] == pytest.approx(30, abs=1)
    assert tab.inspector.count() == 0
    tab.settle()
    tab.key("Shift+ArrowRight")
    tab.linked(x=f"{0.5 + 20 / start['side']:.4f}")


def test_a_double_click_zooms_in_and_pins_nothing(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM)
    before = tab.world["side"]
    x, y, _ = tab.place(*fullest())
    tab.page.mouse.dblclick(x, y)
    tab.linked(z="2.000")
    tab.settle(level=20)
    assert tab.world["side"] == pytest.approx(2 * before)
    assert tab.inspector.count() == 0


def test_a_chosen_grid_is_held_against_the_zoom(sound: str, tab: Tab) -> None:
    tab.open(sound, alone=True, **WARM)
    tab.choose("Grid", "40 \u00d7 40")
    tab.settle(level=40)
    tab.linked(grid="40")
    tab.key("+", "+", "+")
    tab.linked(z="3.375")
    tab.key("0")
    tab.linked(z=None)
    assert tab.settle()["level"] == "40"
    tab.key("2")
    tab.settle(level=20)
    tab.key("2")
    tab.linked(grid=None)
    # The map was fitted to the fine grid, and is nearer by that: let go, the grid goes by the zoom.
    tab.key("-", "-")
    tab.settle(level=10)
