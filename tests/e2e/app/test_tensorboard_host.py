# SPDX-License-Identifier: Apache-2.0
"""The tab inside TensorBoard: opening it, its theme, and switching tabs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from atlas_tab import TIMEOUT_S, Tab
from browser_logs import make_small_atlas
from playwright.sync_api import expect

WARM = {"run": "warm/atlas", "layer": "layer3"}
BACKGROUNDS = {"light": (245, 246, 247), "dark": (40, 40, 40)}


def read_background(tab: Tab) -> tuple[int, ...]:
    """Returns the background color of the map."""
    box = tab.map.bounding_box()
    assert box is not None
    corner = tab.capture({"x": box["x"] + 4, "y": box["y"] + 4, "width": 8, "height": 8})
    return tuple(int(value) for value in corner.reshape(-1, 3).mean(axis=0).round())


@pytest.mark.both_loaders
def test_the_tab_is_listed_and_opens(valid_log_by_loader: str, tab: Tab) -> None:
    tab.page.goto(valid_log_by_loader)
    plugin = tab.page.locator("[data-plugin-id=atlas]")
    expect(plugin).to_have_text("Atlas")
    expect(tab.page.locator("[data-plugin-id=scalars]")).to_be_visible()
    plugin.click()
    marks = tab.enter_iframe().settle()
    assert (marks["phase"], marks["renderer"], marks["failure"]) == ("ready", "webgl", "")
    assert tab.page.evaluate("location.hash").startswith("#atlas")
    tab.wait_for_hash(run="cold/atlas")


def test_dark_mode_is_set_by_the_url(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, query="?darkMode=true", **WARM)
    tab.settle(theme="dark")
    assert read_background(tab) == BACKGROUNDS["dark"]


def test_dark_mode_follows_tensorboards_switch(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM)
    tab.settle(theme="light")
    assert read_background(tab) == BACKGROUNDS["light"]
    light = tab.capture_cell(10, 8, 3)
    for theme in ("dark", "light"):
        tab.page.get_by_label("Menu for changing light or dark theme").click()
        tab.page.get_by_title(f"Force {theme} TensorBoard theme.").click()
        tab.settle(theme=theme)
        expect(tab.page.locator(".cdk-overlay-backdrop")).to_have_count(0)
        assert read_background(tab) == BACKGROUNDS[theme]
        # A theme does not change icons.
        assert np.abs(tab.capture_cell(10, 8, 3) - light).max() <= 1


def test_switching_tabs_keeps_the_state(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM, step=400, grid=20, z="1.500")
    tab.wait_for_step(400, level=20)
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_be_visible()
    tab.wait_for_hash(step=400)
    tab.page.mouse.move(2, 2)
    before = tab.capture()
    tab.page.locator("[data-plugin-id=scalars]").click()
    expect(tab.map).not_to_be_visible()
    tab.wait_for_hash(step=400, grid="20")
    tab.page.locator("[data-plugin-id=atlas]").click()
    expect(tab.map).to_be_visible()
    tab.wait_for_step(400, level=20)
    expect(tab.inspector).to_be_visible()
    assert tab.page.evaluate("location.hash").startswith("#atlas")
    tab.page.mouse.move(2, 2)
    deadline = time.monotonic() + TIMEOUT_S
    while np.abs(tab.capture() - before).mean() >= 0.5:  # the overview is drawn one frame later
        assert time.monotonic() < deadline
    requested = len(tab.data_requests)
    tab.press_keys("+")
    tab.settle()
    assert "atlas" not in tab.data_requests[requested:]


@pytest.mark.both_loaders
def test_everything_works_below_a_path_prefix(damaged_log: str, tab: Tab) -> None:
    assert damaged_log.endswith("/lab/one/")
    tab.ignore_errors("status of 422")  # the next step is damaged
    tab.open(damaged_log, run="flaws/atlas", layer="layer3", step=0)
    tab.wait_for_step(0)
    assert tab.capture().std() > 5
    tab.hover_cell(5, *_first_cell())
    expect(tab.card.locator(".patch").first).to_be_visible()


def _first_cell() -> tuple[int, int]:
    grid = make_small_atlas(0, "layer3").grids[0]
    cell = int(grid.counts.argmax())
    return int(grid.rows[cell]), int(grid.cols[cell])
