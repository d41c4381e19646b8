# SPDX-License-Identifier: Apache-2.0
"""Every interaction with the map, with the pointer only and with the keyboard only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from atlas_tab import Tab
from browser_logs import make_valid_atlas
from interactions import (
    drag,
    find_largest_cell,
    pin_list,
    search_box,
    search_options,
    selection_panel,
    status_line,
)
from playwright.sync_api import Locator, expect

WARM = {"run": "warm/atlas", "layer": "layer3", "grid": 10}
SIZE, LAST = 10, 3200
IN_HASH = "([key, there]) => location.hash.includes(`p.atlas.${key}=`) === there"


class InputDevice:
    """Pointer or keyboard; the other one is not used."""

    def __init__(self, tab: Tab, way: Literal["pointer", "keyboard"]) -> None:
        self.tab, self.is_pointer = tab, way == "pointer"

    def act(self, button: str, *keys: str) -> None:
        """Presses a button, or keys while the map has the focus."""
        if self.is_pointer:
            self.tab.click_button(button)
        else:
            self.tab.press_keys(*keys)

    def press(self, element: Locator) -> None:
        """Activates an element."""
        if self.is_pointer:
            element.click()
        else:
            element.focus()
            self.tab.page.keyboard.press("Enter")

    def wait_for_key(self, key: str, there: bool) -> None:
        self.tab.page.wait_for_function(IN_HASH, arg=[key, there])


def pan(device: InputDevice) -> None:
    if device.is_pointer:
        drag(device.tab, (0.5, 0.5), (0.6, 0.55))
    else:
        device.tab.press_keys("Shift+ArrowLeft")
    device.wait_for_key("x", True)
    device.act("Show the whole map", "0")
    device.wait_for_key("x", False)


def zoom(device: InputDevice) -> None:
    if device.is_pointer:
        device.tab.page.mouse.move(*device.tab.map_center())
        device.tab.page.mouse.wheel(0, -300)
    else:
        device.tab.press_keys("+")
    device.wait_for_key("z", True)
    device.act("Zoom out", "-")
    device.act("Show the whole map", "0")
    device.wait_for_key("z", False)


def pan_with_overview(device: InputDevice) -> None:
    """The keyboard pans the map instead."""
    overview = device.tab.app.locator("atlas-minimap")
    for _ in range(2):
        device.act("Zoom in", "+")
    box = overview.bounding_box()
    assert box is not None
    if device.is_pointer:
        mouse = device.tab.page.mouse
        mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"])
        mouse.down()
        mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
        mouse.up()
        device.tab.wait_for_center(0.3, 0.4, within=0.02)
    else:
        device.tab.press_keys("Shift+ArrowLeft")
        device.wait_for_key("x", True)
    device.act("Show the whole map", "0")
    device.wait_for_key("z", False)


def fix_grid(device: InputDevice) -> None:
    for size, key in ((20, "2"), (10, "1")):
        if device.is_pointer:
            device.tab.select_option("Grid", f"{size} \u00d7 {size}")
        else:
            device.tab.press_keys(key)
        device.tab.settle(level=size)


def inspect_cell(device: InputDevice) -> None:
    tab = device.tab
    if device.is_pointer:
        tab.hover_cell(*find_largest_cell())
        expect(tab.card).to_be_visible()
        tab.page.mouse.move(2, 2)
    else:
        grid = make_valid_atlas("layer3", LAST).grids[0]
        tab.press_keys("ArrowRight")
        row = int(tab.card.get_attribute("data-row") or -1)
        cols = grid.cols[grid.rows == row]
        for key, col in (("End", cols.max()), ("Home", cols.min())):
            tab.press_keys(key)
            expect(tab.card).to_have_attribute("data-col", str(col))
        tab.press_keys("Control+ArrowRight")
        expect(tab.card).to_have_attribute("data-col", str(grid.cols.max()))
        tab.press_keys("Escape")
    expect(tab.card).to_have_count(0)


def pin(device: InputDevice) -> None:
    if device.is_pointer:
        x, y, _ = device.tab.locate_cell(*find_largest_cell())
        device.tab.page.mouse.click(x, y)
    else:
        device.tab.press_keys("ArrowRight", "Enter")
    expect(device.tab.inspector).to_be_visible()
    device.act("Unpin", "Escape")
    expect(device.tab.inspector).to_have_count(0)


def add_pin(device: InputDevice) -> None:
    if device.is_pointer:
        x, y, _ = device.tab.locate_cell(*find_largest_cell())
        device.tab.page.keyboard.down("Shift")
        device.tab.page.mouse.click(x, y)
        device.tab.page.keyboard.up("Shift")
    else:
        device.tab.press_keys("ArrowRight", "Shift+Enter")
    expect(pin_list(device.tab)).to_have_count(1)
    device.wait_for_key("pins", True)
    device.press(device.tab.app.get_by_role("button", name="Remove pin 1"))
    expect(pin_list(device.tab)).to_have_count(0)
    device.wait_for_key("pins", False)
    device.act("Close selections and pins", "k", "Escape")


def select(device: InputDevice) -> None:
    if device.is_pointer:
        drag(device.tab, (0.2, 0.2), (0.7, 0.7), shift=True)
    else:
        device.tab.press_keys("ArrowRight", "r", "ArrowRight", "Enter")
    expect(selection_panel(device.tab)).to_be_visible()
    device.press(device.tab.app.get_by_role("button", name="Close selections and pins"))


def use_lasso(device: InputDevice) -> None:
    tab = device.tab
    device.act("Selections and pins", "l")
    if device.is_pointer:
        tab.click_button("Lasso")
        drag(tab, (0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.2, 0.2))
        expect(selection_panel(tab)).to_be_visible()
        tab.click_button("Close selections and pins")
    else:
        expect(tab.app.locator(".tool-hint")).to_contain_text("Draw around samples")
        tab.page.keyboard.press("Escape")
    expect(tab.app.locator(".tool-hint")).to_have_count(0)


def step(device: InputDevice) -> None:
    tab = device.tab
    device.act("Previous step", ",")
    tab.wait_for_step(1600)
    device.act("Next step", ".")
    tab.wait_for_step(LAST)
    for at, key, shown in ((0.0, "Home", 0), (1.0, "End", LAST)):
        if device.is_pointer:
            click_timeline(tab, at)
        else:
            tab.slider.press(key)
        tab.wait_for_step(shown)


def click_timeline(tab: Tab, share: float) -> None:
    line = tab.slider.bounding_box()
    assert line is not None
    x = line["x"] + 9 + share * (line["width"] - 18)
    tab.page.mouse.click(x, line["y"] + line["height"] / 2)


def play(device: InputDevice) -> None:
    device.act("Previous step", ",")
    device.tab.wait_for_step(1600)
    device.act("Play the steps", " ")
    device.tab.wait_for_step(LAST)
    expect(device.tab.app.get_by_role("button", name="Play the steps")).to_be_visible()


def set_step_a(device: InputDevice) -> None:
    if device.is_pointer:
        device.tab.page.keyboard.down("Shift")
        click_timeline(device.tab, 0)
        device.tab.page.keyboard.up("Shift")
        device.tab.wait_for_hash(compare=0, step=LAST)
    else:
        device.tab.press_keys("[")
        device.tab.wait_for_hash(compare=LAST)
    device.act("End the comparison", "c")
    device.tab.wait_for_hash(compare=None)


def compare_steps(device: InputDevice) -> None:
    tab = device.tab
    device.act("Compare two steps", "c")
    tab.wait_for_hash(compare=1600, step=LAST)
    for a, b in ((LAST, 1600), (1600, LAST)):
        device.act("Swap A and B", "x")
        tab.wait_for_step(b)
        tab.wait_for_hash(compare=a, step=b)
    if device.is_pointer:
        tab.app.get_by_text("Blink", exact=True).click()
        tab.click_button("Show A")
        expect(status_line(tab)).to_have_text("A is shown")
    else:
        tab.map.focus()
        tab.page.keyboard.down("b")
        expect(status_line(tab)).to_have_text("A is shown")
        tab.page.keyboard.up("b")
        expect(status_line(tab)).to_have_text("B is shown")
    device.act("End the comparison", "c")
    tab.wait_for_hash(compare=None)


def change_layer(device: InputDevice) -> None:
    for layer, key in (("layer4", "PageUp"), ("layer3", "PageDown")):
        if device.is_pointer:
            device.tab.select_option("Layer", layer)
        else:
            device.tab.press_keys(key)
        device.tab.wait_for_step(LAST, layer=layer)


def filter_class(device: InputDevice) -> None:
    tab = device.tab
    device.act("Filter by class", "f")
    panel = tab.app.get_by_label("Class filter", exact=True)
    deer = panel.get_by_role("option", name="deer")
    if device.is_pointer:
        deer.click()
    else:
        panel.get_by_role("combobox").focus()
        tab.page.keyboard.type("deer")
        tab.page.keyboard.press("Enter")
    expect(deer).to_have_attribute("aria-selected", "true")
    tab.wait_for_hash(filter="top:3")
    device.press(tab.app.get_by_role("button", name="Clear", exact=True))
    tab.wait_for_hash(filter=None)
    device.act("Close the class filter", "f")
    expect(panel).to_have_count(0)


def find(device: InputDevice) -> None:
    tab = device.tab
    _, row, col = find_largest_cell()
    device.act("Find", "/")
    expect(search_box(tab)).to_be_focused()
    tab.page.keyboard.type(f"{row + 1}, {col + 1}")
    if device.is_pointer:
        search_options(tab).first.click()
    else:
        tab.page.keyboard.press("Enter")
    expect(tab.inspector).to_contain_text(f"Row {row + 1}, column {col + 1}")
    device.act("Unpin", "Escape")
    device.act("Show the whole map", "0")


def show_table(device: InputDevice) -> None:
    tab = device.tab
    device.act("Cells as a table", "t")
    expect(tab.app.get_by_role("table")).to_be_visible()
    if device.is_pointer:
        tab.click_button("Cells as a table")
    else:
        expect(tab.app.locator(".table-body")).to_be_focused()
        tab.page.keyboard.press("t")
    expect(tab.app.get_by_role("table")).to_have_count(0)


def show_points_and_icons(device: InputDevice) -> None:
    for name, show in (("Points", "points"), ("Both", "both"), ("Icons", None)):
        if device.is_pointer:
            device.tab.app.get_by_text(name, exact=True).click()
        else:
            device.tab.press_keys("p")
            expect(status_line(device.tab)).to_contain_text("Icons" if name == "Both" else name)
        device.tab.wait_for_hash(show=show)


def copy_link(device: InputDevice) -> None:
    tab = device.tab
    tab.page.evaluate("navigator.clipboard.writeText('')")
    if device.is_pointer:
        tab.click_button("Export")
        tab.click_button("Copy link")
        expect(tab.app.get_by_label("Export", exact=True).last).to_contain_text("Link copied")
    else:
        tab.press_keys("y")
        expect(tab.app.locator(".tool-hint")).to_have_text("Link copied")
        tab.press_keys("e")
        expect(tab.app.get_by_role("button", name="Save picture")).to_be_focused()
    assert "p.atlas.layer=layer3" in tab.page.evaluate("navigator.clipboard.readText()")
    device.press(tab.app.get_by_role("button", name="Close the export"))
    expect(tab.app.get_by_role("button", name="Save picture")).to_have_count(0)


def show_help(device: InputDevice) -> None:
    device.act("How to read the map, and keys", "?")
    dialog = device.tab.app.get_by_role("dialog")
    expect(dialog).to_be_visible()
    if device.is_pointer:
        dialog.get_by_role("button", name="Close").click()
    else:
        device.tab.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def toggle_step_tools(device: InputDevice) -> None:
    for button, key, name in (
        ("Drift: what changed since an earlier step", "d", "drift"),
        ("Events of this run", "j", "events"),
    ):
        for there in ("on", None):
            device.act(button, key)
            device.tab.wait_for_hash(**{name: there})
    for name, there in (("Fixed map", "fixed"), ("Moving map", None)):
        if device.is_pointer:
            device.tab.app.get_by_text(name, exact=True).click()
        else:
            device.tab.press_keys("m")
        device.tab.wait_for_hash(map=there)


def add_pane(device: InputDevice) -> None:
    maps = device.tab.app.get_by_role("application")
    device.act("Add a pane with another layer, run, or step", "a")
    expect(maps).to_have_count(2)
    device.act("Close pane 2", "w")
    expect(maps).to_have_count(1)


INTERACTIONS: tuple[Callable[[InputDevice], None], ...] = (
    *(
        pan,
        zoom,
        pan_with_overview,
        fix_grid,
        inspect_cell,
        pin,
        add_pin,
        select,
        use_lasso,
    ),
    *(step, play, set_step_a, compare_steps, change_layer, filter_class, find),
    *(show_table, show_points_and_icons, copy_link, show_help),
    *(toggle_step_tools, add_pane),
)


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_every_interaction(
    way: Literal["pointer", "keyboard"], valid_log_by_loader: str, tab: Tab
) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open(valid_log_by_loader, **WARM)
    for interact in INTERACTIONS:
        interact(InputDevice(tab, way))
        tab.settle(**{"shown-step": LAST, "layer": "layer3", "failure": ""})


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_the_sign_of_attribution(way: str, valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, run="digits/atlas", filter="toward:3")
    legend = tab.app.get_by_label("Legend of the class filter")
    expect(legend).to_contain_text("Attribution for class 3")
    if way == "pointer":
        tab.click_button("Filter by class")
    for name, sign in (("Against", "hurts"), ("Both", "both"), ("For", None)):
        if way == "pointer":
            panel = tab.app.get_by_label("Class filter", exact=True)
            panel.get_by_text(name, exact=True).click()
        else:
            tab.press_keys("n")
        tab.wait_for_hash(sign=sign)
    expect(legend).to_contain_text("Attribution for class 3")
