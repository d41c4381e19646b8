# SPDX-License-Identifier: Apache-2.0
"""Where the reader's system forces its own few colours on pages, everything is still told apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from accessibility import THEMES, Theme, find_violations, save_screenshot
from atlas_tab import Tab
from interactions import find_largest_cell
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

WARM = {"run": "warm/atlas", "layer": "layer3"}
DIGITS = {"run": "digits/atlas", "step": 60, "grid": 8}
STYLE = "(element, name) => getComputedStyle(element)[name]"
INK = """name => {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = name;
  const [red, green, blue, alpha = 1] =
    getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number);
  probe.remove();
  return [red, green, blue, alpha];
}"""


class System(NamedTuple):
    """The inks that a system forces."""

    ground: NDArray[np.int16]
    text: NDArray[np.int16]
    chosen: NDArray[np.int16]


def forced(tab: Tab, theme: Theme) -> System:
    """Has the page shown as that system would; the next page is to be opened."""
    tab.page.emulate_media(forced_colors="active", color_scheme=theme)
    inks = [tab.page.evaluate(INK, name) for name in ("Canvas", "CanvasText", "Highlight")]
    ground = np.array(inks[0][:3])
    # Chromium lets the ground through what is chosen.
    shown = [alpha * np.array(rgb) + (1 - alpha) * ground for *rgb, alpha in inks]
    return System(*(np.round(one).astype(np.int16) for one in shown))


def share(picture: NDArray[np.int16], ink: NDArray[np.int16]) -> float:
    """Of a picture, what has the colour of `ink`."""
    return float((np.abs(picture - ink).max(axis=2) <= 4).mean())


def style(element: Locator, name: str) -> str:
    return str(element.evaluate(STYLE, name))


def shown(tab: Tab, element: Locator) -> NDArray[np.int16]:
    box = element.bounding_box()
    assert box is not None
    return tab.capture(box)


@pytest.mark.parametrize("theme", THEMES)
def test_the_map_is_drawn_in_the_inks_of_the_system(theme: Theme, valid_log: str, tab: Tab) -> None:
    inks = forced(tab, theme)
    tab.open(valid_log, **WARM)
    size, row, col = find_largest_cell()
    x, y, side = tab.locate_cell(size, row, col)
    around = {"x": x - 0.6 * side, "y": y - 0.6 * side, "width": 1.2 * side, "height": 1.2 * side}
    plain = tab.capture(around)
    assert share(tab.capture(), inks.ground) > 0.1
    assert share(plain, inks.chosen) == 0
    tab.hover_cell(size, row, col)
    expect(tab.card).to_be_visible()
    cursor = share(tab.capture(around), inks.chosen)
    # A line of two pixels around the icon, on one of the ground's.
    assert cursor > 2 * side / (1.2 * side) ** 2
    tab.page.mouse.click(x, y)
    tab.page.mouse.move(2, 2)
    expect(tab.inspector).to_be_visible()
    assert share(tab.capture(around), inks.chosen) > 2 * side / (1.2 * side) ** 2
    # Icons are pictures, and keep their colours.
    assert np.abs(tab.capture_cell(size, row, col, 0.4)).std() > 5
    tab.click_button("Unpin")
    tab.press_keys("r", "Enter")
    expect(tab.app.get_by_label("Selected samples")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_chosen_and_what_is_not(theme: Theme, valid_log: str, tab: Tab) -> None:
    inks = forced(tab, theme)
    tab.open(valid_log, **WARM, color="class", show="both", events="on")
    labels = tab.app.locator("header .segments label").all()
    assert [share(shown(tab, one), inks.chosen) > 0.5 for one in labels] == [False, False, True]
    pressed = tab.app.get_by_role("button", name="Events of this run")
    other = tab.app.get_by_role("button", name="Drift: what changed since an earlier step")
    assert share(shown(tab, pressed), inks.chosen) > 0.4
    assert share(shown(tab, other), inks.chosen) == 0
    # A disabled button is of neither ink.
    disabled = tab.app.get_by_role("button", name="Next step")
    expect(disabled).to_be_disabled()
    assert share(shown(tab, disabled), inks.text) < 0.01
    # What has the focus has a ring.
    bare = share(shown(tab, other.locator("..")), inks.chosen)
    tab.page.keyboard.press("Tab")
    other.focus()
    assert share(shown(tab, other.locator("..")), inks.chosen) > bare + 0.01
    # The part of the line that lies behind, the part before, and the place between them.
    tab.press_keys(",", ",", ",", ",")
    tab.wait_for_step(200)
    box = tab.app.locator(".track").bounding_box()
    assert box is not None
    line = tab.capture({**box, "y": box["y"] - 2, "height": 6})
    half = line.shape[1] // 2
    assert share(line[:, : half // 2], inks.chosen) > 0.4
    assert share(line[:, half + 20 :], inks.text) > 0.25
    assert share(line[:, half + 20 :], inks.chosen) == 0
    # Panels end somewhere, and swatches are in the colours that the map is in.
    assert style(tab.legend, "borderTopWidth") == "1px"
    swatch = tab.legend.locator("li i").first
    colour = np.array([int(part) for part in style(swatch, "backgroundColor")[4:-1].split(",")])
    assert share(shown(tab, swatch), colour) > 0.3
    assert share(tab.capture(), colour) > 0


@pytest.mark.parametrize("theme", THEMES)
def test_bars_and_keys_are_seen(theme: Theme, valid_log: str, tab: Tab) -> None:
    inks = forced(tab, theme)
    tab.open(valid_log, **DIGITS, filter="toward:3", sign="both")
    tab.press_keys("ArrowRight", "Enter")
    meters = tab.inspector.locator(".bars .meter")
    expect(meters.first).to_be_visible()
    full = shown(tab, meters.first)
    assert share(full, inks.chosen) > 0.1
    assert share(full, inks.text) > 0.05
    key = tab.app.get_by_label("Legend of the class filter").locator(".filter-key i")
    looks = [shown(tab, one) for one in key.all()]
    assert len(looks) >= 3
    for one in looks:
        assert share(one, inks.ground) < 0.97
    picker = tab.app.get_by_label("Grid", exact=True)
    assert share(shown(tab, picker)[:, -24:], inks.text) > 0.03


@pytest.mark.parametrize("theme", THEMES)
def test_it_can_be_read_by_everybody(theme: Theme, valid_log: str, tab: Tab) -> None:
    forced(tab, theme)
    tab.open(valid_log, standalone=True, **WARM, color="class", compare=1600)
    tab.press_keys("ArrowRight", "Enter", "ArrowRight")
    expect(tab.card.get_by_text("by activation")).to_be_visible()
    assert find_violations(tab) == []
    save_screenshot(tab, "forced-map", theme)
    tab.press_keys("Escape", "Escape", "c", "k")
    tab.click_button("Cells as a table")
    tab.settle()
    assert find_violations(tab) == []
    save_screenshot(tab, "forced-table", theme)
    tab.click_button("Cells as a table")
    tab.page.goto("about:blank")
    tab.open(valid_log, standalone=True, **DIGITS, filter="toward:3,5", sign="both")
    tab.press_keys("f")
    expect(tab.app.get_by_label("Class filter", exact=True)).to_be_visible()
    assert find_violations(tab) == []
    save_screenshot(tab, "forced-classes", theme)
    tab.press_keys("?")
    expect(tab.app.get_by_role("dialog")).to_be_visible()
    assert find_violations(tab) == []
    save_screenshot(tab, "forced-help", theme)
