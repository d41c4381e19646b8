# SPDX-License-Identifier: Apache-2.0
"""The monitor of every page detects errors and violations of the content security policy."""

from __future__ import annotations

from atlas_tab import Tab
from playwright.sync_api import Page

BLOB_WORKER = "() => new Worker(URL.createObjectURL(new Blob(['1'])))"
LATE_ERROR = "() => { setTimeout(() => { throw new Error('nobody catches this'); }); }"


def wait_for_error(tab: Tab, page: Page, word: str) -> None:
    """Waits until a console error with `word` was recorded."""
    for _ in range(100):
        if any(word in one for one in tab.console_errors):
            return
        page.evaluate("() => new Promise((done) => setTimeout(done, 20))")
    raise AssertionError((word, tab.console_errors))


def test_errors_are_recorded_inside_the_frame_of_tensorboard(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log)
    assert tab.console_errors == []
    tab.app.evaluate(BLOB_WORKER)
    wait_for_error(tab, tab.page, "CSP violation:")
    tab.app.evaluate(LATE_ERROR)
    wait_for_error(tab, tab.page, "nobody catches this")
    tab.page.evaluate("console.error('an error of TensorBoard')")
    assert len(tab.unexpected_errors) >= 2
    assert not any("an error of TensorBoard" in one for one in tab.console_errors)
    tab.ignore_errors("CSP", "Content Security Policy", "worker", "Worker", "nobody catches this")
