# SPDX-License-Identifier: Apache-2.0
"""The watch over every page hears what it must: without it, all silence would prove nothing."""

from __future__ import annotations

from atlas_tab import Tab
from playwright.sync_api import Page

BLOB_WORKER = "() => new Worker(URL.createObjectURL(new Blob(['1'])))"
LATE_ERROR = "() => { setTimeout(() => { throw new Error('nobody catches this'); }); }"


def hear(tab: Tab, page: Page, word: str) -> None:
    """Waits until a complaint with `word` was heard."""
    for _ in range(100):
        if any(word in one for one in tab.console_errors):
            return
        page.evaluate("() => new Promise((done) => setTimeout(done, 20))")
    raise AssertionError((word, tab.console_errors))


def test_violations_and_errors_are_heard_inside_tensorboards_frame(
    valid_log: str, tab: Tab
) -> None:
    tab.open(valid_log)
    assert tab.console_errors == []
    tab.app.evaluate(BLOB_WORKER)
    hear(tab, tab.page, "CSP violation:")
    tab.app.evaluate(LATE_ERROR)
    hear(tab, tab.page, "nobody catches this")
    tab.page.evaluate("console.error('TensorBoard speaks')")
    assert len(tab.unexpected_errors) >= 2
    assert not any("TensorBoard speaks" in one for one in tab.console_errors)
    tab.ignore_errors("CSP", "Content Security Policy", "worker", "Worker", "nobody catches this")
