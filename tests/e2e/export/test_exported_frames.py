# SPDX-License-Identifier: Apache-2.0
"""An exported page in a frame of a website, with and without a sandbox."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ExportLog
from exported_tab import ExportedTab
from interactions import download
from playwright.sync_api import expect

HTML = "text/html"
BLOG = """<!doctype html>
<body class="dark-mode">
<script>window.received = []; addEventListener('message', (it) => received.push(it.data));</script>
<iframe src="atlas.html" width="1200" height="700" SANDBOX></iframe>"""
SANDBOX = 'sandbox="allow-scripts allow-downloads"'
"""The sandbox that the guide recommends."""
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "share-an-atlas.md"


@pytest.fixture
def source(export_log: ExportLog) -> str:
    return export_log("concepts", run="moving", steps=[0, 100]).read_text("utf-8")


def test_a_sandboxed_document_in_an_attribute(source: str, exported_tab: ExportedTab) -> None:
    """A page with neither origin, address, nor storage."""
    tab = exported_tab
    tab.page.goto("about:blank#start")
    tab.page.evaluate(
        """source => {
          const frame = document.createElement('iframe');
          Object.assign(frame, {srcdoc: source, width: 1200, height: 700});
          frame.sandbox = 'allow-scripts';
          document.body.append(frame);
        }""",
        source,
    )
    tab.enter_iframe().settle(step=100)
    tab.press_keys(",")
    tab.wait_for_step(0)
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector.locator(".similar-cell")).to_have_count(8)
    tab.press_keys("e")
    link = tab.app.get_by_label("Link to this view")
    expect(link).to_have_value(re.compile(r"^srcdoc#p\.atlas\.run=moving"))
    assert tab.page.evaluate("location.hash") == "#start"


@pytest.mark.parametrize("sandbox", ["", SANDBOX], ids=["same origin", "sandbox"])
def test_a_frame_leaves_the_page_around_it_alone(
    sandbox: str, source: str, exported_tab: ExportedTab
) -> None:
    tab = exported_tab
    assert sandbox in GUIDE.read_text("utf-8")
    blog = BLOG.replace("SANDBOX", sandbox)
    tab.pages |= {"http://blog.test/", "http://blog.test/atlas.html"}
    tab.page.route("http://blog.test/", lambda route: route.fulfill(body=blog, content_type=HTML))
    tab.page.route("**/atlas.html", lambda route: route.fulfill(body=source, content_type=HTML))
    tab.page.goto("http://blog.test/#start")
    tab.enter_iframe().settle(step=100, theme="light")
    tab.press_keys(",")
    tab.wait_for_step(0)
    frame = tab.page.frames[-1]
    frame.wait_for_function("() => location.hash.includes('p.atlas.step=0')")
    tab.press_keys("e")
    name, _ = download(tab, "Save cells")
    assert name.endswith(".csv")
    assert tab.page.evaluate("[location.hash, received]") == ["#start", []]
