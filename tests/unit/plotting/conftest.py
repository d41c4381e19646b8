# SPDX-License-Identifier: Apache-2.0
"""Figures of the tests are drawn without a display, and no test sees those of another."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib
import pytest

matplotlib.use("agg")  # an environment variable would reach the kernels of notebooks


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    from matplotlib import pyplot

    pyplot.close("all")  # of code blocks in the documentation
    yield
    pyplot.close("all")
