# SPDX-License-Identifier: Apache-2.0
"""Accessibility checks and screenshots of the open page, in light and dark themes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from atlas_tab import Tab

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
RESULTS = Path(__file__).parents[3] / "test-results"
AXE = Path(__file__).parents[3] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def find_violations(tab: Tab) -> list[str]:
    """Returns the violations that axe finds in the open page."""
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


def save_screenshot(tab: Tab, name: str, theme: Theme) -> None:
    """Saves a screenshot for visual inspection."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{theme}.png"
    tab.page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size > 10_000


def audit(tab: Tab, name: str | None = None) -> None:
    """Checks the open page in both themes, and saves a screenshot of each if `name` is given.

    The open page follows the color scheme, so both themes use one page.
    """
    for theme in THEMES:
        change_theme(tab, theme)
        assert find_violations(tab) == [], theme
        if name is not None:
            save_screenshot(tab, name, theme)


def save_screenshots(tab: Tab, name: str) -> None:
    """Saves a screenshot of the open page in each theme."""
    for theme in THEMES:
        change_theme(tab, theme)
        save_screenshot(tab, name, theme)


def change_theme(tab: Tab, theme: Theme) -> None:
    """Switches the color scheme and waits until the page has changed its theme."""
    tab.page.emulate_media(color_scheme=theme)
    tab.settle(theme=theme)
