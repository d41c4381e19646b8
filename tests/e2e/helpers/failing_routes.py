# SPDX-License-Identifier: Apache-2.0
"""Failing responses of the plugin's routes."""

from __future__ import annotations

import re
from typing import NamedTuple

from atlas_tab import Tab
from playwright.sync_api import Route

FAILED_REQUEST = "Failed to load resource"

INTERNAL = '{"error": {"kind": "internal", "message": "internal fault"}}'

NOT_FOUND = '{"error": {"kind": "not_found", "message": "Not found."}}'

UNTRUSTED = '{"error": {"kind": "__proto__", "message": "<img src=x onerror=alert(1)>"}}'


class FailedResponse(NamedTuple):
    """A response that fails, and the words that the tab shows."""

    status: int | None
    body: str
    words: str


FAILED_RESPONSES: dict[str, FailedResponse] = {
    "500": FailedResponse(500, INTERNAL, "internal fault"),
    "404": FailedResponse(404, NOT_FOUND, "Not found."),
    "untrusted": FailedResponse(503, UNTRUSTED, "<img src=x onerror=alert(1)>"),
    "a page": FailedResponse(502, "<h1>Bad gateway</h1>", "Bad Gateway"),
    "garbled": FailedResponse(200, "garbage", ""),
    "nothing": FailedResponse(200, "", ""),
    "torn": FailedResponse(200, '{"runs": [{"id": "r', ""),
    "another shape": FailedResponse(200, '[{"a": 1}]' * 9, ""),
    "abort": FailedResponse(None, "", "TensorBoard does not respond"),
}


class FailingRoute:
    """Makes one route fail as `how` says: a key of `FAILED_RESPONSES`, "slow", or None."""

    def __init__(self, tab: Tab, route: str) -> None:
        self.how: str | None = None
        self.held: list[Route] = []
        tab.ignore_errors(FAILED_REQUEST)
        pattern = re.compile(rf"/data/plugin/atlas/{route}(\?.*)?$")
        tab.page.route(pattern, self._respond)

    def _respond(self, route: Route) -> None:
        if self.how is None:
            route.continue_()
        elif self.how == "slow":
            self.held.append(route)
        elif self.how == "abort":
            route.abort()
        else:
            status, body, _ = FAILED_RESPONSES[self.how]
            route.fulfill(status=status, content_type="application/octet-stream", body=body)
