# SPDX-License-Identifier: Apache-2.0
"""Runs the recipes of the guide to other experiment trackers, without a network and a login."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from browser_logs import COLD_STEPS, write_synthetic_run
from commands import run
from docs_pages import OTHER_TRACKERS, blocks_of

LOG = "runs/exp1"
"""Log directory of the recipes."""

OFFLINE = {
    **dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
    ),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1"),
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_MODE": "offline",
    "CLEARML_OFFLINE_MODE": "1",
}
"""No server listens on the discard port, so each request to another machine fails at once."""

ACCOUNTS = ("WANDB_", "CLEARML_", "MLFLOW_")
"""Start of the variables that may contain the login of the user."""


def needs(package: str) -> pytest.MarkDecorator:
    """Returns a mark that skips a test if a package is missing."""
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed")


def find_recipe(package: str) -> str:
    """Returns the only code block of the guide that imports a package."""
    (code,) = (
        block
        for block in blocks_of(OTHER_TRACKERS, "python")
        if block.startswith((f"import {package}", f"from {package}"))
    )
    return code


def offline_environment(home: Path) -> dict[str, str]:
    """Returns the environment of a process without a network and without the user's login."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ACCOUNTS)}
    return {**kept, **OFFLINE, "HOME": str(home)}


def run_recipe(folder: Path, package: str, before: str = "") -> None:
    """Writes a log into a folder and runs a recipe there.

    Args:
        folder: Empty folder that is also the home directory.
        package: The tracker.
        before: Code that defines the names that the recipe uses.
    """
    write_synthetic_run(folder / LOG, COLD_STEPS)
    (folder / "recipe.py").write_text(f"{before}\n{find_recipe(package)}", encoding="utf-8")
    run(sys.executable, "recipe.py", cwd=folder, env=offline_environment(folder))
