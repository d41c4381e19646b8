# SPDX-License-Identifier: Apache-2.0
"""Everything that can be done to the map, once by the pointer alone and once by keys alone."""

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


class Hand:
    """One of the two ways to do things; the other is not touched."""

    def __init__(self, tab: Tab, way: Literal["pointer", "keyboard"]) -> None:
        self.tab, self.points = tab, way == "pointer"

    def act(self, button: str, *keys: str) -> None:
        """Presses a button, or keys while the map has the focus."""
        if self.points:
            self.tab.click_button(button)
        else:
            self.tab.press_keys(*keys)

    def press(self, element: Locator) -> None:
        """Presses what both can reach."""
        if self.points:
            element.click()
        else:
            element.focus()
            self.tab.page.keyboard.press("Enter")

    def linked(self, key: str, there: bool) -> None:
        self.tab.page.wait_for_function(IN_HASH, arg=[key, there])


def pan(hand: Hand) -> None:
    if hand.points:
        drag(hand.tab, (0.5, 0.5), (0.6, 0.55))
    else:
        hand.tab.press_keys("Shift+ArrowLeft")
    hand.linked("x", True)
    hand.act("Show the whole map", "0")
    hand.linked("x", False)


def zoom(hand: Hand) -> None:
    if hand.points:
        hand.tab.page.mouse.move(*hand.tab.map_center())
        hand.tab.page.mouse.wheel(0, -300)
    else:
        hand.tab.press_keys("+")
    hand.linked("z", True)
    hand.act("Zoom out", "-")
    hand.act("Show the whole map", "0")
    hand.linked("z", False)


def go_by_the_overview(hand: Hand) -> None:
    """Who has no pointer pans instead."""
    overview = hand.tab.app.locator("atlas-minimap")
    for _ in range(2):
        hand.act("Zoom in", "+")
    box = overview.bounding_box()
    assert box is not None
    if hand.points:
        mouse = hand.tab.page.mouse
        mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"])
        mouse.down()
        mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
        mouse.up()
        hand.tab.wait_for_center(0.3, 0.4, within=0.02)
    else:
        hand.tab.press_keys("Shift+ArrowLeft")
        hand.linked("x", True)
    hand.act("Show the whole map", "0")
    hand.linked("z", False)


def hold_a_grid(hand: Hand) -> None:
    for size, key in ((20, "2"), (10, "1")):
        if hand.points:
            hand.tab.select_option("Grid", f"{size} \u00d7 {size}")
        else:
            hand.tab.press_keys(key)
        hand.tab.settle(level=size)


def look_at_a_cell(hand: Hand) -> None:
    tab = hand.tab
    if hand.points:
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


def pin(hand: Hand) -> None:
    if hand.points:
        x, y, _ = hand.tab.locate_cell(*find_largest_cell())
        hand.tab.page.mouse.click(x, y)
    else:
        hand.tab.press_keys("ArrowRight", "Enter")
    expect(hand.tab.inspector).to_be_visible()
    hand.act("Unpin", "Escape")
    expect(hand.tab.inspector).to_have_count(0)


def add_to_the_pins(hand: Hand) -> None:
    if hand.points:
        x, y, _ = hand.tab.locate_cell(*find_largest_cell())
        hand.tab.page.keyboard.down("Shift")
        hand.tab.page.mouse.click(x, y)
        hand.tab.page.keyboard.up("Shift")
    else:
        hand.tab.press_keys("ArrowRight", "Shift+Enter")
    expect(pin_list(hand.tab)).to_have_count(1)
    hand.linked("pins", True)
    hand.press(hand.tab.app.get_by_role("button", name="Remove pin 1"))
    expect(pin_list(hand.tab)).to_have_count(0)
    hand.linked("pins", False)
    hand.act("Close selections and pins", "k", "Escape")


def select(hand: Hand) -> None:
    if hand.points:
        drag(hand.tab, (0.2, 0.2), (0.7, 0.7), shift=True)
    else:
        hand.tab.press_keys("ArrowRight", "r", "ArrowRight", "Enter")
    expect(selection_panel(hand.tab)).to_be_visible()
    hand.press(hand.tab.app.get_by_role("button", name="Close selections and pins"))


def take_up_the_lasso(hand: Hand) -> None:
    tab = hand.tab
    hand.act("Selections and pins", "l")
    if hand.points:
        tab.click_button("Lasso")
        drag(tab, (0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.2, 0.2))
        expect(selection_panel(tab)).to_be_visible()
        tab.click_button("Close selections and pins")
    else:
        expect(tab.app.locator(".tool-hint")).to_contain_text("Draw around samples")
        tab.page.keyboard.press("Escape")
    expect(tab.app.locator(".tool-hint")).to_have_count(0)


def step(hand: Hand) -> None:
    tab = hand.tab
    hand.act("Previous step", ",")
    tab.wait_for_step(1600)
    hand.act("Next step", ".")
    tab.wait_for_step(LAST)
    for at, key, shown in ((0.0, "Home", 0), (1.0, "End", LAST)):
        if hand.points:
            click_the_line(tab, at)
        else:
            tab.slider.press(key)
        tab.wait_for_step(shown)


def click_the_line(tab: Tab, share: float) -> None:
    line = tab.slider.bounding_box()
    assert line is not None
    x = line["x"] + 9 + share * (line["width"] - 18)
    tab.page.mouse.click(x, line["y"] + line["height"] / 2)


def play(hand: Hand) -> None:
    hand.act("Previous step", ",")
    hand.tab.wait_for_step(1600)
    hand.act("Play the steps", " ")
    hand.tab.wait_for_step(LAST)
    expect(hand.tab.app.get_by_role("button", name="Play the steps")).to_be_visible()


def take_a(hand: Hand) -> None:
    if hand.points:
        hand.tab.page.keyboard.down("Shift")
        click_the_line(hand.tab, 0)
        hand.tab.page.keyboard.up("Shift")
        hand.tab.wait_for_hash(compare=0, step=LAST)
    else:
        hand.tab.press_keys("[")
        hand.tab.wait_for_hash(compare=LAST)
    hand.act("End the comparison", "c")
    hand.tab.wait_for_hash(compare=None)


def compare_swap_and_blink(hand: Hand) -> None:
    tab = hand.tab
    hand.act("Compare two steps", "c")
    tab.wait_for_hash(compare=1600, step=LAST)
    for a, b in ((LAST, 1600), (1600, LAST)):
        hand.act("Swap A and B", "x")
        tab.wait_for_step(b)
        tab.wait_for_hash(compare=a, step=b)
    if hand.points:
        tab.app.get_by_text("Blink", exact=True).click()
        tab.click_button("Show A")
        expect(status_line(tab)).to_have_text("A is shown")
    else:
        tab.map.focus()
        tab.page.keyboard.down("b")
        expect(status_line(tab)).to_have_text("A is shown")
        tab.page.keyboard.up("b")
        expect(status_line(tab)).to_have_text("B is shown")
    hand.act("End the comparison", "c")
    tab.wait_for_hash(compare=None)


def change_the_layer(hand: Hand) -> None:
    for layer, key in (("layer4", "PageUp"), ("layer3", "PageDown")):
        if hand.points:
            hand.tab.select_option("Layer", layer)
        else:
            hand.tab.press_keys(key)
        hand.tab.wait_for_step(LAST, layer=layer)


def ask_about_a_class(hand: Hand) -> None:
    tab = hand.tab
    hand.act("Ask about a class", "f")
    panel = tab.app.get_by_label("Class filter", exact=True)
    deer = panel.get_by_role("option", name="deer")
    if hand.points:
        deer.click()
    else:
        panel.get_by_role("combobox").focus()
        tab.page.keyboard.type("deer")
        tab.page.keyboard.press("Enter")
    expect(deer).to_have_attribute("aria-selected", "true")
    tab.wait_for_hash(filter="top:3")
    hand.press(tab.app.get_by_role("button", name="Clear", exact=True))
    tab.wait_for_hash(filter=None)
    hand.act("Close the class filter", "f")
    expect(panel).to_have_count(0)


def find(hand: Hand) -> None:
    tab = hand.tab
    _, row, col = find_largest_cell()
    hand.act("Find", "/")
    expect(search_box(tab)).to_be_focused()
    tab.page.keyboard.type(f"{row + 1}, {col + 1}")
    if hand.points:
        search_options(tab).first.click()
    else:
        tab.page.keyboard.press("Enter")
    expect(tab.inspector).to_contain_text(f"Row {row + 1}, column {col + 1}")
    hand.act("Unpin", "Escape")
    hand.act("Show the whole map", "0")


def read_the_table(hand: Hand) -> None:
    tab = hand.tab
    hand.act("Cells as a table", "t")
    expect(tab.app.get_by_role("table")).to_be_visible()
    if hand.points:
        tab.click_button("Cells as a table")
    else:
        expect(tab.app.locator(".table-body")).to_be_focused()
        tab.page.keyboard.press("t")
    expect(tab.app.get_by_role("table")).to_have_count(0)


def show_points_and_icons(hand: Hand) -> None:
    for name, show in (("Points", "points"), ("Both", "both"), ("Icons", None)):
        if hand.points:
            hand.tab.app.get_by_text(name, exact=True).click()
        else:
            hand.tab.press_keys("p")
            expect(status_line(hand.tab)).to_contain_text("Icons" if name == "Both" else name)
        hand.tab.wait_for_hash(show=show)


def copy_the_link(hand: Hand) -> None:
    tab = hand.tab
    tab.page.evaluate("navigator.clipboard.writeText('')")
    if hand.points:
        tab.click_button("Export")
        tab.click_button("Copy link")
        expect(tab.app.get_by_label("Export", exact=True).last).to_contain_text("Link copied")
    else:
        tab.press_keys("y")
        expect(tab.app.locator(".tool-hint")).to_have_text("Link copied")
        tab.press_keys("e")
        expect(tab.app.get_by_role("button", name="Save picture")).to_be_focused()
    assert "p.atlas.layer=layer3" in tab.page.evaluate("navigator.clipboard.readText()")
    hand.press(tab.app.get_by_role("button", name="Close the export"))
    expect(tab.app.get_by_role("button", name="Save picture")).to_have_count(0)


def ask_for_help(hand: Hand) -> None:
    hand.act("How to read the map, and its keys", "?")
    dialog = hand.tab.app.get_by_role("dialog")
    expect(dialog).to_be_visible()
    if hand.points:
        dialog.get_by_role("button", name="Close").click()
    else:
        hand.tab.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def open_what_is_about_steps(hand: Hand) -> None:
    for button, key, name in (
        ("Drift: what changed since an earlier step", "d", "drift"),
        ("Events of this run", "j", "events"),
    ):
        for there in ("on", None):
            hand.act(button, key)
            hand.tab.wait_for_hash(**{name: there})
    for name, there in (("Fixed map", "fixed"), ("Moving map", None)):
        if hand.points:
            hand.tab.app.get_by_text(name, exact=True).click()
        else:
            hand.tab.press_keys("m")
        hand.tab.wait_for_hash(map=there)


def put_a_map_beside_it(hand: Hand) -> None:
    maps = hand.tab.app.get_by_role("application")
    hand.act("Add a pane: another layer, run or step beside this one", "a")
    expect(maps).to_have_count(2)
    hand.act("Close pane 2", "w")
    expect(maps).to_have_count(1)


INTERACTIONS: tuple[Callable[[Hand], None], ...] = (
    *(
        pan,
        zoom,
        go_by_the_overview,
        hold_a_grid,
        look_at_a_cell,
        pin,
        add_to_the_pins,
        select,
        take_up_the_lasso,
    ),
    *(step, play, take_a, compare_swap_and_blink, change_the_layer, ask_about_a_class, find),
    *(read_the_table, show_points_and_icons, copy_the_link, ask_for_help),
    *(open_what_is_about_steps, put_a_map_beside_it),
)


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_every_interaction(
    way: Literal["pointer", "keyboard"], valid_log_by_loader: str, tab: Tab
) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open(valid_log_by_loader, **WARM)
    for interact in INTERACTIONS:
        interact(Hand(tab, way))
        tab.settle(**{"shown-step": LAST, "layer": "layer3", "failure": ""})


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_the_sign_of_attribution(way: str, valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, run="digits/atlas", filter="toward:3")
    legend = tab.app.get_by_label("Legend of the class filter")
    expect(legend).to_contain_text("helps")
    if way == "pointer":
        tab.click_button("Ask about a class")
    for name, sign in (("Hurts", "hurts"), ("Both", "both"), ("Helps", None)):
        if way == "pointer":
            panel = tab.app.get_by_label("Class filter", exact=True)
            panel.get_by_text(name, exact=True).click()
        else:
            tab.press_keys("n")
        tab.wait_for_hash(sign=sign)
    expect(legend).to_contain_text("helps")
