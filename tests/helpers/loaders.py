# SPDX-License-Identifier: Apache-2.0
"""TensorBoard's two loaders, and waits for what they keep."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from tensorboard_server import get

WAIT_SECONDS = 60.0

LOADERS = pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])


def wait_for_json(url: str, done: Callable[[Any], bool]) -> Any:
    """Asks for JSON until it is as wanted; TensorBoard loads while it serves."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        status, _, body = get(url)
        answer = json.loads(body) if status == 200 else None
        if answer is not None and done(answer):
            return answer
        assert time.monotonic() < deadline, (url, status, body[:2000])
        time.sleep(0.2)


def steps_by_series(index: Any) -> dict[tuple[str, str], list[int]]:
    return {(r["run"], s["layer"]): s["steps"] for r in index["runs"] for s in r["series"]}
