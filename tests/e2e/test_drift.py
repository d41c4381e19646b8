# SPDX-License-Identifier: Apache-2.0
"""Where cells moved, and what of it is more than chance."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Serve
from playwright.sync_api import expect
from tab import Tab
from test_accessibility import violations

MOVING = {"run": "moving/atlas", "grid": 4}


@pytest.fixture
def evolving(serve: Serve) -> str:
    """For tests of the page alone, which no loader can change."""
    return serve("evolving", "data-server")


def test_arrows_come_and_go_and_stand_in_the_address(evolving: str, tab: Tab) -> None:
    tab.open(evolving, **MOVING, step=200)
    plain = tab.picture()
    tab.key("d")
    tab.linked(drift="on")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text("cells moved more than chance since step 100")
    expect(drift).to_contain_text("farther than chance")
    tab.settle()
    assert np.abs(tab.picture() - plain).mean() > 3
    tab.press("Drift: where cells moved")
    tab.linked(drift=None)
    expect(drift).to_have_count(0)
    tab.settle()
    assert np.abs(tab.picture() - plain).max() == 0


def test_only_the_cells_that_moved_are_news(evolving: str, tab: Tab) -> None:
    """One class of six moved by a quarter of the map at step 200, all others stayed."""
    tab.open(evolving, alone=True, **MOVING, step=200, drift="on")
    drift = tab.app.get_by_label("Drift", exact=True)
    words = (drift.locator("strong").text_content() or "").split()
    news, cells = (int(word) for word in words[:3] if word.isdigit())
    assert 0 < news < cells / 2
    expect(drift).to_contain_text("17% of them farther than chance")


@pytest.mark.parametrize(("run", "step"), [("still/atlas", 400), ("moving/atlas", 100)])
def test_an_unchanged_model_has_no_news(evolving: str, tab: Tab, run: str, step: int) -> None:
    tab.open(evolving, alone=True, run=run, grid=4, step=step, drift="on")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text("0 of")
    expect(drift).to_contain_text("Samples moved 0% of the map's side on average")


@pytest.mark.parametrize(
    ("run", "step", "reason"),
    [
        ("bare/atlas", 200, "No noise floor was recorded"),
        ("moving/atlas", 0, "This is the first step"),
        ("other/atlas", 200, "asked about different probes"),
    ],
)
def test_it_says_why_there_is_no_drift(
    evolving: str, tab: Tab, run: str, step: int, reason: str
) -> None:
    tab.open(evolving, alone=True, run=run, grid=4, step=step, drift="on")
    expect(tab.app.get_by_label("Drift", exact=True)).to_contain_text(reason)


def test_the_card_tells_the_numbers_of_its_cell(evolving: str, tab: Tab) -> None:
    tab.open(evolving, alone=True, **MOVING, step=200, drift="on")
    tab.key("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text("of the map's side since step 100")
    expect(tab.inspector).to_contain_text("of its samples more than chance")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_legend_is_accessible(evolving: str, tab: Tab, theme: str) -> None:
    tab.page.emulate_media(color_scheme=theme)
    tab.open(evolving, alone=True, **MOVING, step=200, drift="on")
    tab.settle(theme=theme)
    assert violations(tab) == []
