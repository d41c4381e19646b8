# SPDX-License-Identifier: Apache-2.0
"""Drives an exported page that is opened from disk."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from atlas_tab import CSP_MARK, READ_BACK_NOTE, Tab
from playwright.sync_api import ConsoleMessage, Page

MONITOR = f"""
window.fetched = [];
window.fetch = (...given) => {{ fetched.push(String(given[0])); return Promise.reject('fetch'); }};
addEventListener('securitypolicyviolation', (event) =>
  console.error('{CSP_MARK}', event.violatedDirective, event.blockedURI));
"""
"""Records calls of `fetch`, none of which succeeds, and reports of the content security policy."""


class ExportedTab(Tab):
    """An exported page. Every console message and every request counts.

    Attributes:
        pages: URLs that may be requested.
        all_requests: URLs that were requested.
    """

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.pages: set[str] = set()
        self.all_requests: list[str] = []
        page.add_init_script(MONITOR)
        page.on("request", lambda request: self.all_requests.append(request.url))

    def open_file(self, path: Path, *, ready: bool = True, **state: object) -> ExportedTab:
        """Opens a page with `state` in the hash, and waits until it is ready."""
        keys = [f"p.atlas.{key}={quote(str(value), safe='')}" for key, value in state.items()]
        self.pages.add(path.as_uri())
        self.page.goto("about:blank")
        self.page.goto(f"{path.as_uri()}#{'&'.join(keys)}")
        if ready:
            self.settle()
        return self

    def check(self) -> None:
        """Checks that only `pages` were loaded, and that the browser reported nothing."""
        assert self.unexpected_errors == [], self.unexpected_errors
        assert self.dialogs == [], self.dialogs
        loaded = {url.partition("#")[0] for url in self.all_requests}
        others = {url for url in loaded - self.pages if not url.startswith("blob:")}  # saved files
        assert others == set(), others
        for frame in self.page.frames:
            assert frame.evaluate("window.fetched ?? []") == []

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and READ_BACK_NOTE not in message.text:
            self.console_errors.append(f"{message.type}: {message.text}")
