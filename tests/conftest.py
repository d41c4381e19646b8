# SPDX-License-Identifier: Apache-2.0
"""Settings of the whole test session: one thread, one cache of compiled kernels, fixed seeds."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import zlib
from collections import defaultdict
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


def current_part():
    """Returns a number that grows with each commit; it selects the `sampled` tests that run."""
    if "ATLAS_PART" in os.environ:
        return int(os.environ["ATLAS_PART"])
    count = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(count.stdout or 0)


def pytest_report_header(config):
    if config.getoption("--long"):
        return "--long: every test at its full count"
    part = current_part()
    return f"sampled tests: part {part} (ATLAS_PART={part} repeats it)"


def sampled_by_family(items):
    """Returns the `sampled` tests of each function, in an order that does not change."""
    families = defaultdict(list)
    for item in items:
        if "sampled" in item.keywords:
            families[item.nodeid.partition("[")[0]].append(item)
    return {name: sorted(members, key=lambda i: i.nodeid) for name, members in families.items()}


def pytest_collection_modifyitems(config, items):
    """Skips `long` tests, and those `sampled(n)` tests whose turn comes with another commit.

    Each commit runs an n-th of each function's cases, so that n commits run all of them.
    """
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="runs with --long only"))
    for name, members in sampled_by_family(items).items():
        first = zlib.crc32(name.encode()) + current_part()
        for number, item in enumerate(members, first):
            if number % item.get_closest_marker("sampled").args[0]:
                item.add_marker(pytest.mark.skip(reason="not in this commit's part"))


@pytest.fixture(autouse=True)
def seed_random_states():
    """Seeds the global random states, so that a test does not depend on the tests before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
