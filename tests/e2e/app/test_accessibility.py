# SPDX-License-Identifier: Apache-2.0
"""axe finds no violations in the main states of the tab, in light and dark themes."""

from __future__ import annotations

from accessibility import audit
from atlas_tab import Tab
from conftest import Serve
from playwright.sync_api import expect

WARM = {"run": "warm/atlas", "layer": "layer3"}


def test_the_map_and_its_panels(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    audit(tab)
    tab.select_option("Color by", "Class")
    tab.press_keys("ArrowRight", "Enter", "ArrowRight")
    expect(tab.card).to_be_visible()
    expect(tab.inspector).to_be_visible()
    expect(tab.card.get_by_text("by activation")).to_be_visible()
    audit(tab)
    tab.click_button("How to read the map, and keys")
    expect(tab.app.get_by_role("dialog")).to_be_visible()
    audit(tab)


def test_the_states_without_a_map(serve: Serve, tab: Tab) -> None:
    tab.ignore_errors("Failed to load resource")
    tab.open(serve("empty", "data-server"), standalone=True)
    tab.settle(phase="empty")
    audit(tab)
    damaged_log = serve("damaged", "data-server", "--path_prefix=/lab/one")
    tab.open(damaged_log, standalone=True, run="flaws/atlas", layer="ruined")
    tab.settle(failure="damaged")
    audit(tab)
