# SPDX-License-Identifier: Apache-2.0
"""Figures of the tests are drawn without a display, and closed after each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("MPLBACKEND", "agg")  # read when pyplot is imported


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    from matplotlib import pyplot

    yield
    pyplot.close("all")
