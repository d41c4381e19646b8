# SPDX-License-Identifier: Apache-2.0
"""Screenshots of the main states for visual inspection, in `test-results/`."""

from __future__ import annotations

import pytest
from accessibility import THEMES, Theme, save_screenshot
from atlas_tab import Tab
from conftest import Serve
from playwright.sync_api import expect

WARM = {"run": "warm/atlas", "layer": "layer3"}


@pytest.mark.parametrize("theme", THEMES)
def test_screenshots_of_the_main_states(theme: Theme, serve: Serve, tab: Tab) -> None:
    tab.ignore_errors("Failed to load resource")
    theme_query = {"query": "?darkMode=true" if theme == "dark" else ""}
    valid_log_by_loader = serve("valid", "data-server")
    tab.open(valid_log_by_loader, **theme_query, **WARM)
    save_screenshot(tab, "map", theme)
    tab.press_keys("ArrowRight", "Enter", "ArrowRight", "ArrowRight")
    expect(tab.card.get_by_text("by activation")).to_be_visible()
    save_screenshot(tab, "card-and-inspector", theme)
    tab.press_keys("Escape", "?")
    expect(tab.app.get_by_role("dialog")).to_be_visible()
    save_screenshot(tab, "help", theme)
    for name, link in (
        ("near", {**WARM, "z": "3.500", "x": "0.7000", "y": "0.3000"}),
        ("class-points", {**WARM, "color": "class", "show": "both"}),
        ("digits", {"run": "digits/atlas"}),
    ):
        tab.page.goto("about:blank")
        tab.open(valid_log_by_loader, **theme_query, **link)
        save_screenshot(tab, name, theme)
    tab.page.emulate_media(color_scheme=theme)
    tab.open(serve("empty", "data-server"), standalone=True)
    save_screenshot(tab, "empty", theme)
    damaged_log = serve("damaged", "data-server", "--path_prefix=/lab/one")
    tab.open(damaged_log, standalone=True, run="flaws/atlas", layer="layer3", step=100)
    tab.settle(failure="damaged")
    save_screenshot(tab, "damaged", theme)
