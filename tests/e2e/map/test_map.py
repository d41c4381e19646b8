# SPDX-License-Identifier: Apache-2.0
"""The map: requests for the first map, its contents, zoom and pan."""

from __future__ import annotations

import numpy as np
import pytest
from atlas_tab import Tab
from browser_logs import GRIDS, make_valid_atlas
from interactions import find_largest_cell
from playwright.sync_api import Route, expect

WARM = {"run": "warm/atlas", "layer": "layer3"}


@pytest.mark.both_loaders
def test_the_first_map_takes_three_requests(valid_log_by_loader: str, tab: Tab) -> None:
    """The map is drawn although all other requests are blocked."""
    held_requests: list[Route] = []
    requested: list[str] = []

    def gate(route: Route) -> None:
        url = route.request.url
        if url.partition("?")[0].endswith(".js"):
            route.continue_()
            return
        requested.append(url)
        if len(requested) > 3:
            held_requests.append(route)
        else:
            route.continue_()

    tab.page.route("**/data/plugin/atlas/**", gate)
    tab.open(valid_log_by_loader, ready=False, **WARM)
    tab.app.and_(tab.page.frame_locator("iframe").locator("[data-level='10']")).wait_for()
    assert tab.data_requests[:3] == ["index", "atlas", "sheet"]
    size, row, col = find_largest_cell()
    assert tab.capture_cell(size, row, col).std() > 5
    for route in held_requests:
        route.continue_()
    tab.settle()


@pytest.mark.parametrize(
    ("key", "name", "words"),
    [
        ("d", "Drift", "since step 800"),
        ("c", "Comparison of A and B", "between step 800 and step 1,600"),
        ("j", "Events of this run", ""),
        ("f", "Class filter", ""),
        ("?", "How to read the map", ""),
    ],
)
def test_tools_are_loaded_at_first_use(
    key: str, name: str, words: str, valid_log: str, tab: Tab
) -> None:
    """Hovering, zooming and changing the step do not load them."""
    tab.open(valid_log, standalone=True, **WARM)
    loaded = tab.scripts
    tab.hover_cell(*find_largest_cell())
    expect(tab.card).to_be_visible()
    tab.press_keys("+", "0", ",")
    tab.wait_for_step(1600)
    tab.select_option("Color by", "Class")
    tab.settle()
    assert tab.scripts == loaded
    tab.press_keys(key)
    expect(tab.app.get_by_label(name, exact=True).first).to_be_visible()
    expect(tab.app.get_by_role("status")).to_contain_text(words)
    assert tab.scripts > loaded


@pytest.mark.both_loaders
def test_cells_are_drawn_as_logged(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM)
    grid = make_valid_atlas("layer3", 3200).grids[0]
    side = grid.icons.shape[1]
    for cell in np.argsort(-grid.counts)[:8]:
        row, col = int(grid.rows[cell]), int(grid.cols[cell])
        shown = tab.capture_cell(10, row, col, share=0.45).mean(axis=(0, 1))
        middle = grid.icons[cell][side // 4 : -side // 4, side // 4 : -side // 4]
        assert np.abs(shown - middle.mean(axis=(0, 1))).max() < 25, (row, col)
    empty = next(
        (r, c)
        for r in range(3, 7)
        for c in range(3, 7)
        if not ((grid.rows == r) & (grid.cols == c)).any()
    )
    assert tab.capture_cell(10, *empty).std() < 1


def test_a_trained_network_is_shown(valid_log_by_loader: str, tab: Tab) -> None:
    marks = tab.open(valid_log_by_loader, standalone=True, run="digits/atlas").dataset
    assert (marks["layer"], marks["step"], marks["failure"]) == ("3", "60", "")
    tab.press_keys("ArrowRight")
    tab.card.get_by_text("cosine").wait_for()
    tab.card.get_by_text("Feature inversion").wait_for()
    assert tab.capture().std() > 5


def test_the_wheel_zooms_around_the_pointer_and_changes_grids(
    valid_log_by_loader: str, tab: Tab
) -> None:
    tab.open(valid_log_by_loader, **WARM)
    x, y = (round(at) for at in tab.locate_cell(*find_largest_cell(40))[:2])
    position = _under(tab, x, y)
    tab.page.mouse.move(x, y)
    seen = [10]
    for _ in range(6):
        _wheel(tab, x, y, -200)
        level = int(tab.settle()["level"])
        if level != seen[-1]:
            seen.append(level)
    assert seen == list(GRIDS)
    zoom = 2**2.4
    assert tab.map_box["side"] == pytest.approx(zoom * _fit_side(tab))
    assert _under(tab, x, y) == pytest.approx(position, abs=1e-6)
    tab.wait_for_hash(z=f"{zoom:.3f}", grid=None)
    for _ in range(6):
        _wheel(tab, x, y, 200)
    tab.settle(level=10)


def _wheel(tab: Tab, x: float, y: float, turn: float) -> None:
    """Turns the wheel and waits until the map has changed; Playwright returns too early."""
    before = tab.map_box["side"]
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
    """Returns the map coordinates of a position on the page."""
    box, world = tab.map.bounding_box(), tab.map_box
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
def test_zoom_without_a_wheel(how: str, valid_log: str, tab: Tab) -> None:
    def act(key: str, name: str) -> None:
        if how == "keys":
            tab.press_keys(key)
        else:
            tab.click_button(name)

    tab.open(valid_log, standalone=True, **WARM)
    whole = tab.map_box
    act("+", "Zoom in")
    act("+", "Zoom in")
    tab.settle(level=20)
    tab.wait_for_hash(z="2.250")  # the map has stopped moving
    assert tab.map_box["side"] == pytest.approx(2.25 * whole["side"])
    act("-", "Zoom out")
    tab.wait_for_hash(z="1.500")
    act("+", "Zoom in")
    act("+", "Zoom in")
    act("+", "Zoom in")
    tab.settle(level=40)
    act("0", "Show the whole map")
    tab.settle(level=10)
    tab.wait_for_hash(z=None)
    assert tab.map_box == pytest.approx(whole)


def test_dragging_and_shift_with_arrows_pan(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    start = tab.map_box
    x, y = tab.map_center()
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 60, y + 30, steps=4)
    tab.page.mouse.up()
    assert tab.map_box["x"] - start["x"] == pytest.approx(60, abs=1)
    assert tab.map_box["y"] - start["y"] == pytest.approx(30, abs=1)
    assert tab.inspector.count() == 0
    tab.settle()
    tab.press_keys("Shift+ArrowRight")
    tab.wait_for_hash(x=f"{0.5 + 20 / start['side']:.4f}")


def test_a_double_click_zooms_in_and_pins_nothing(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    before = tab.map_box["side"]
    x, y, _ = tab.locate_cell(*find_largest_cell())
    tab.page.mouse.dblclick(x, y)
    tab.wait_for_hash(z="2.000")
    tab.settle(level=20)
    assert tab.map_box["side"] == pytest.approx(2 * before)
    assert tab.inspector.count() == 0


def test_a_selected_grid_does_not_change_with_the_zoom(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM)
    tab.select_option("Grid", "40 \u00d7 40")
    tab.settle(level=40)
    tab.wait_for_hash(grid="40")
    tab.press_keys("+", "+", "+")
    tab.wait_for_hash(z="3.375")
    tab.press_keys("0")
    tab.wait_for_hash(z=None)
    assert tab.settle()["level"] == "40"
    tab.press_keys("2")
    tab.settle(level=20)
    tab.press_keys("2")
    tab.wait_for_hash(grid=None)
    # The map was fitted to the fine grid, so its zoom is higher. Reset, the grid follows the zoom.
    tab.press_keys("-", "-")
    tab.settle(level=10)
