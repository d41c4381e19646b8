# SPDX-License-Identifier: Apache-2.0
"""Settings: scrolling with the wheel, and no single-character shortcuts."""

from __future__ import annotations

import pytest
from atlas_tab import Tab
from playwright.sync_api import Locator, expect

WARM = {"run": "warm/atlas", "layer": "layer3"}
SCROLL = "Scroll the page with the wheel; zoom with Ctrl or Alt"
LETTERS = "No single-key shortcuts"
LONGER = (
    "document.body.append(Object.assign(document.createElement('div'), {style: 'height: 2000px'}))"
)


def switch(tab: Tab, name: str) -> Locator:
    """Opens the help and returns the checkbox of a setting."""
    tab.click_button("How to read the map, and keys")
    return tab.app.get_by_role("dialog").get_by_role("checkbox", name=name)


def leave(tab: Tab) -> None:
    tab.page.keyboard.press("Escape")
    expect(tab.app.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_the_wheel_can_scroll_the_page(way: str, valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    tab.page.evaluate(LONGER)
    tab.page.mouse.move(*tab.map_center())
    tab.page.mouse.wheel(0, -200)
    tab.wait_for_hash(z="1.320")
    assert tab.page.evaluate("scrollY") == 0

    wanted = switch(tab, SCROLL)
    expect(wanted).not_to_be_checked()
    if way == "pointer":
        tab.app.get_by_text(SCROLL).click()
    else:
        wanted.focus()
        tab.page.keyboard.press("Space")
    expect(wanted).to_be_checked()
    leave(tab)
    hint = tab.app.locator(".tool-hint")
    expect(hint).to_have_count(0)
    tab.page.mouse.move(*tab.map_center())
    tab.page.mouse.wheel(0, 200)
    tab.page.wait_for_function("scrollY > 100")
    expect(hint).to_have_text("Ctrl + wheel zooms")
    tab.wait_for_hash(z="1.320")
    scrolled = tab.page.evaluate("scrollY")
    for held, zoomed in (("Control", "1.741"), ("Alt", "2.297")):
        tab.page.keyboard.down(held)
        tab.page.mouse.wheel(0, -200)
        tab.page.keyboard.up(held)
        tab.wait_for_hash(z=zoomed)
    assert tab.page.evaluate("scrollY") == scrolled
    expect(hint).to_have_count(0)

    # The browser stores the setting, until it is reset.
    tab.page.reload()
    tab.settle()
    again = switch(tab, SCROLL)
    expect(again).to_be_checked()
    again.uncheck()
    leave(tab)
    tab.page.mouse.move(*tab.map_center())
    tab.page.mouse.wheel(0, 200)
    tab.wait_for_hash(z="1.741")


def test_single_character_shortcuts_can_be_disabled(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    switch(tab, LETTERS).check()
    leave(tab)
    tab.press_keys("t", "c", "2", "+", ",", "?")
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_be_visible()
    assert tab.settle(step=3200, level=10)["step"] == "3200"
    expect(tab.app.get_by_role("table")).to_have_count(0)
    expect(tab.app.get_by_role("dialog")).to_have_count(0)
    tab.wait_for_hash(z=None, compare=None)
    switch(tab, LETTERS).uncheck()
    leave(tab)
    tab.press_keys("t")
    expect(tab.app.get_by_role("table")).to_be_visible()
