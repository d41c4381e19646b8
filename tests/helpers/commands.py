# SPDX-License-Identifier: Apache-2.0
"""Subprocesses that tests run inside and outside the source tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command, **more):
    """Runs a command and returns its output; fails with the output if the status is not 0."""
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
