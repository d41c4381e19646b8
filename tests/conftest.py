# SPDX-License-Identifier: Apache-2.0
"""What holds for the whole session: one thread, one cache of compiled kernels, fixed seeds."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

# numba reads these when it is imported, and every process that a test starts inherits them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "numba-cache"))
torch.set_num_threads(1)


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run every test at its full count")
    parser.addoption(
        "--update-snapshots", action="store_true", help="keep what the tab looks like now"
    )


def tenth():
    """Returns which tenth of the `sampled` tests runs: another one with each commit."""
    if "ATLAS_TENTH" in os.environ:
        return int(os.environ["ATLAS_TENTH"]) % 10
    count = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(count.stdout or 0) % 10


def pytest_report_header(config):
    if config.getoption("--long"):
        return "long form: every test at its full count"
    return f"sampled tests: tenth {tenth()} of 0 to 9 (ATLAS_TENTH={tenth()} repeats it)"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    now = tenth()
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="runs with --long only"))
        elif "sampled" in item.keywords and zlib.crc32(item.nodeid.encode()) % 10 != now:
            item.add_marker(pytest.mark.skip(reason="another tenth of the sampled tests runs"))


@pytest.fixture(autouse=True)
def seeded():
    """Seeds the global random states, so that a test draws the same alone and in company."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
