# SPDX-License-Identifier: Apache-2.0
"""User interactions with the tab, and locators of its parts."""

from __future__ import annotations

from pathlib import Path

from atlas_tab import Tab
from browser_logs import make_valid_atlas
from playwright.sync_api import Locator


def find_largest_cell(
    size: int = 10, step: int = 3200, layer: str = "layer3"
) -> tuple[int, int, int]:
    """Returns grid size, row and column of the cell with the most samples."""
    grid = next(g for g in make_valid_atlas(layer, step).grids if g.size == size)
    cell = int(grid.counts.argmax())
    return size, int(grid.rows[cell]), int(grid.cols[cell])


def export_menu(tab: Tab) -> Locator:
    return tab.app.get_by_role("complementary", name="Export")


def download(tab: Tab, name: str) -> tuple[str, bytes]:
    """Clicks a button of the export menu and returns name and bytes of the file."""
    with tab.page.expect_download() as waited:
        export_menu(tab).get_by_role("button", name=name).click()
    path = waited.value.path()
    return waited.value.suggested_filename, Path(path).read_bytes()


def search_box(tab: Tab) -> Locator:
    return tab.app.get_by_role("combobox", name="Find", exact=True)


def search_options(tab: Tab) -> Locator:
    return tab.app.get_by_role("listbox", name="Results").get_by_role("option")


def selection_panel(tab: Tab) -> Locator:
    return tab.app.get_by_label("Selected samples")


def pin_list(tab: Tab) -> Locator:
    return tab.app.get_by_role("list", name="Pins").locator(".event")


def status_line(tab: Tab) -> Locator:
    return tab.app.locator("[role=status]")


def drag(tab: Tab, *path: tuple[float, float], shift: bool = False) -> None:
    """Drags along positions of the map, given as fractions of its side."""
    box, world = tab.map.bounding_box(), tab.map_box
    assert box is not None
    corner = box["x"] + world["x"], box["y"] + world["y"]
    points = [(corner[0] + x * world["side"], corner[1] + y * world["side"]) for x, y in path]
    if shift:
        tab.page.keyboard.down("Shift")
    tab.page.mouse.move(*points[0])
    tab.page.mouse.down()
    for point in points[1:]:
        tab.page.mouse.move(*point, steps=4)
    tab.page.mouse.up()
    if shift:
        tab.page.keyboard.up("Shift")
