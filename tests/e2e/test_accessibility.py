# SPDX-License-Identifier: Apache-2.0
"""axe finds nothing in the main states of the tab, in light and in dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Serve
from playwright.sync_api import expect
from tab import Tab

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WARM = {"run": "warm/atlas", "layer": "layer3"}


def violations(tab: Tab) -> list[str]:
    """All findings in the page that now stands there."""
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = tab.page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    assert len(found["passes"]) > 8
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest, tab: Tab) -> str:
    tab.page.emulate_media(color_scheme=request.param)
    return str(request.param)


def test_the_map_and_its_panels(quick: str, tab: Tab, theme: str) -> None:
    tab.open(quick, alone=True, **WARM)
    tab.settle(theme=theme)
    assert violations(tab) == []
    tab.choose("Colour by", "Class")
    tab.key("ArrowRight", "Enter", "ArrowRight")
    expect(tab.card).to_be_visible()
    expect(tab.inspector).to_be_visible()
    expect(tab.card.get_by_text("by activation")).to_be_visible()
    assert violations(tab) == []
    tab.press("How to read the map, and its keys")
    expect(tab.app.get_by_role("dialog")).to_be_visible()
    assert violations(tab) == []


def test_the_states_without_a_map(serve: Serve, tab: Tab, theme: str) -> None:
    tab.forgive("Failed to load resource")
    tab.open(serve("empty", "data-server"), alone=True)
    tab.settle(phase="empty", theme=theme)
    assert violations(tab) == []
    odd = serve("odd", "data-server", "--path_prefix=/lab/one")
    tab.open(odd, alone=True, run="flaws/atlas", layer="ruined")
    tab.settle(failure="damaged", theme=theme)
    assert violations(tab) == []
