# SPDX-License-Identifier: Apache-2.0
"""Commands that tests run in the source tree and outside of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command, **more):
    """Runs a command and shows what it said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
