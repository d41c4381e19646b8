# SPDX-License-Identifier: Apache-2.0
"""TensorBoard's two loaders, and functions that wait for what they load."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from tensorboard_server import get

WAIT_SECONDS = 120.0

LOADERS = pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])


def wait_for_json(url: str, done: Callable[[Any], bool]) -> Any:
    """Requests JSON until `done` accepts it; TensorBoard loads logs while it serves."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        status, _, body = get(url)
        content = json.loads(body) if status == 200 else None
        if content is not None and done(content):
            return content
        assert time.monotonic() < deadline, (url, status, body[:2000])
        time.sleep(0.2)


def steps_by_series(index: Any) -> dict[tuple[str, str], list[int]]:
    """Returns the steps of each (run, layer) in the index."""
    return {(r["run"], s["layer"]): s["steps"] for r in index["runs"] for s in r["series"]}
