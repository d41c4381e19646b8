# SPDX-License-Identifier: Apache-2.0
"""Forced colors of the operating system: everything remains distinguishable."""

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
    """The colors that a system forces."""

    background: NDArray[np.int16]
    text: NDArray[np.int16]
    highlight: NDArray[np.int16]


def force_colors(tab: Tab, theme: Theme) -> System:
    """Emulates forced colors for pages that are opened afterwards; returns the colors."""
    tab.page.emulate_media(forced_colors="active", color_scheme=theme)
    colors = [tab.page.evaluate(INK, name) for name in ("Canvas", "CanvasText", "Highlight")]
    background = np.array(colors[0][:3])
    # Chromium draws the highlight color with transparency.
    capture = [alpha * np.array(rgb) + (1 - alpha) * background for *rgb, alpha in colors]
    return System(*(np.round(one).astype(np.int16) for one in capture))


def share(picture: NDArray[np.int16], color: NDArray[np.int16]) -> float:
    """Returns the fraction of pixels with a color."""
    return float((np.abs(picture - color).max(axis=2) <= 4).mean())


def style(element: Locator, name: str) -> str:
    return str(element.evaluate(STYLE, name))


def capture(tab: Tab, element: Locator) -> NDArray[np.int16]:
    box = element.bounding_box()
    assert box is not None
    return tab.capture(box)


@pytest.mark.parametrize("theme", THEMES)
def test_the_map_uses_the_system_colors(theme: Theme, valid_log: str, tab: Tab) -> None:
    colors = force_colors(tab, theme)
    tab.open(valid_log, **WARM)
    size, row, col = find_largest_cell()
    x, y, side = tab.locate_cell(size, row, col)
    around = {"x": x - 0.6 * side, "y": y - 0.6 * side, "width": 1.2 * side, "height": 1.2 * side}
    plain = tab.capture(around)
    assert share(tab.capture(), colors.background) > 0.1
    assert share(plain, colors.highlight) == 0
    tab.hover_cell(size, row, col)
    expect(tab.card).to_be_visible()
    cursor = share(tab.capture(around), colors.highlight)
    # A line of two pixels around the icon, on one in the background color.
    assert cursor > 2 * side / (1.2 * side) ** 2
    tab.page.mouse.click(x, y)
    tab.page.mouse.move(2, 2)
    expect(tab.inspector).to_be_visible()
    assert share(tab.capture(around), colors.highlight) > 2 * side / (1.2 * side) ** 2
    # Icons are images and keep their colors.
    assert np.abs(tab.capture_cell(size, row, col, 0.4)).std() > 5
    tab.click_button("Unpin")
    tab.press_keys("r", "Enter")
    expect(tab.app.get_by_label("Selected samples")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
def test_selected_and_unselected_controls(theme: Theme, valid_log: str, tab: Tab) -> None:
    colors = force_colors(tab, theme)
    tab.open(valid_log, **WARM, color="class", show="both", events="on")
    labels = tab.app.locator("header .segments label").all()
    assert [share(capture(tab, one), colors.highlight) > 0.5 for one in labels] == [
        False,
        False,
        True,
    ]
    pressed = tab.app.get_by_role("button", name="Events of this run")
    other = tab.app.get_by_role("button", name="Drift: what changed since an earlier step")
    assert share(capture(tab, pressed), colors.highlight) > 0.4
    assert share(capture(tab, other), colors.highlight) == 0
    # A disabled button has neither color.
    disabled = tab.app.get_by_role("button", name="Next step")
    expect(disabled).to_be_disabled()
    assert share(capture(tab, disabled), colors.text) < 0.01
    # The focused element has a ring.
    bare = share(capture(tab, other.locator("..")), colors.highlight)
    tab.page.keyboard.press("Tab")
    other.focus()
    assert share(capture(tab, other.locator("..")), colors.highlight) > bare + 0.01
    # The elapsed part of the timeline, the remaining part, and the current position.
    tab.press_keys(",", ",", ",", ",")
    tab.wait_for_step(200)
    box = tab.app.locator(".track").bounding_box()
    assert box is not None
    line = tab.capture({**box, "y": box["y"] - 2, "height": 6})
    half = line.shape[1] // 2
    assert share(line[:, : half // 2], colors.highlight) > 0.4
    assert share(line[:, half + 20 :], colors.text) > 0.25
    assert share(line[:, half + 20 :], colors.highlight) == 0
    # Panels have a border, and swatches have the colors of the map.
    assert style(tab.legend, "borderTopWidth") == "1px"
    swatch = tab.legend.locator("li i").first
    swatch_color = np.array(
        [int(part) for part in style(swatch, "backgroundColor")[4:-1].split(",")]
    )
    assert share(capture(tab, swatch), swatch_color) > 0.3
    assert share(tab.capture(), swatch_color) > 0


@pytest.mark.parametrize("theme", THEMES)
def test_bars_and_legends_are_visible(theme: Theme, valid_log: str, tab: Tab) -> None:
    colors = force_colors(tab, theme)
    tab.open(valid_log, **DIGITS, filter="toward:3", sign="both")
    tab.press_keys("ArrowRight", "Enter")
    meters = tab.inspector.locator(".bars .meter")
    expect(meters.first).to_be_visible()
    full = capture(tab, meters.first)
    assert share(full, colors.highlight) > 0.1
    assert share(full, colors.text) > 0.05
    key = tab.app.get_by_label("Legend of the class filter").locator(".filter-key i")
    looks = [capture(tab, one) for one in key.all()]
    assert len(looks) >= 3
    for one in looks:
        assert share(one, colors.background) < 0.97
    picker = tab.app.get_by_label("Grid", exact=True)
    assert share(capture(tab, picker)[:, -24:], colors.text) > 0.03


@pytest.mark.parametrize("theme", THEMES)
def test_it_is_accessible(theme: Theme, valid_log: str, tab: Tab) -> None:
    force_colors(tab, theme)
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
