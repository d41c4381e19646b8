# SPDX-License-Identifier: Apache-2.0
"""Settings of the whole test session: one thread, one cache of compiled kernels, fixed seeds."""

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
from hypothesis import settings

# numba reads these at import, and all processes that tests start inherit them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "numba-cache"))
torch.set_num_threads(1)

# Machines are shared: an example that takes a millisecond alone can take a second.
settings.register_profile("atlas", deadline=None, print_blob=True)
settings.load_profile("atlas")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run every test at its full count")
    parser.addoption(
        "--update-snapshots", action="store_true", help="overwrite the snapshots of the tab"
    )


def current_tenth():
    """Returns which tenth of the `sampled` tests runs: a different one for each commit."""
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
        return "--long: every test at its full count"
    tenth = current_tenth()
    return f"sampled tests: tenth {tenth} of 0 to 9 (ATLAS_TENTH={tenth} repeats it)"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    tenth = current_tenth()
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="runs with --long only"))
        elif "sampled" in item.keywords and zlib.crc32(item.nodeid.encode()) % 10 != tenth:
            item.add_marker(
                pytest.mark.skip(reason="not in the current tenth of the sampled tests")
            )


@pytest.fixture(autouse=True)
def seed_random_states():
    """Seeds the global random states, so that a test does not depend on the tests before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
