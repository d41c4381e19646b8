# SPDX-License-Identifier: Apache-2.0
"""Responses of the plugin's routes that fail in every way."""

from __future__ import annotations

import re
from typing import NamedTuple

from atlas_tab import Tab
from playwright.sync_api import Route

FAILED_REQUEST = "Failed to load resource"

INTERNAL = '{"error": {"kind": "internal", "message": "internal fault"}}'

GONE = '{"error": {"kind": "not_found", "message": "There is no such thing here."}}'

HOSTILE = '{"error": {"kind": "__proto__", "message": "<img src=x onerror=alert(1)>"}}'


class Answer(NamedTuple):
    """What comes instead of an answer, and what is said of it."""

    status: int | None
    body: str
    words: str


ANSWERS: dict[str, Answer] = {
    "500": Answer(500, INTERNAL, "internal fault"),
    "404": Answer(404, GONE, "There is no such thing here."),
    "hostile": Answer(503, HOSTILE, "<img src=x onerror=alert(1)>"),
    "a page": Answer(502, "<h1>Bad gateway</h1>", "Bad Gateway"),
    "garbled": Answer(200, "garbage", ""),
    "nothing": Answer(200, "", ""),
    "torn": Answer(200, '{"runs": [{"id": "r', ""),
    "another shape": Answer(200, '[{"a": 1}]' * 9, ""),
    "abort": Answer(None, "", "TensorBoard does not answer"),
}


class Faulty:
    """Answers one route as it is told to, until it is told otherwise."""

    def __init__(self, tab: Tab, route: str) -> None:
        self.how: str | None = None
        self.held: list[Route] = []
        tab.forgive(FAILED_REQUEST)
        pattern = re.compile(rf"/data/plugin/atlas/{route}(\?.*)?$")
        tab.page.route(pattern, self._answer)

    def _answer(self, route: Route) -> None:
        if self.how is None:
            route.continue_()
        elif self.how == "slow":
            self.held.append(route)
        elif self.how == "abort":
            route.abort()
        else:
            status, body, _ = ANSWERS[self.how]
            route.fulfill(status=status, content_type="application/octet-stream", body=body)
