# SPDX-License-Identifier: Apache-2.0
"""Fixtures that build the wheel and install it without torch, once a session."""

from __future__ import annotations

import os
import sys
import venv
from importlib.metadata import version
from pathlib import Path

import pytest
from commands import ROOT, run
from synthetic_atlases import write_log
from tensorboard_server import start_tensorboard

VIEWER_PACKAGES = ("tensorboard", "numpy", "pillow", "safetensors", "google-crc32c")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel: that of `ATLAS_WHEEL`, or one built from a copy of the tracked files."""
    if "ATLAS_WHEEL" in os.environ:
        return Path(os.environ["ATLAS_WHEEL"])
    source = tmp_path_factory.mktemp("source")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("frontend/", "tests/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    (source / "tests").mkdir()
    (source / "tests" / "test_nothing.py").write_text("")
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(target), str(source))
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def viewer(wheel, tmp_path_factory):
    """The interpreter of an environment with TensorBoard and the wheel, and without torch."""
    home = tmp_path_factory.mktemp("viewer")
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = [f"{name}=={version(name)}" for name in VIEWER_PACKAGES]
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    return python


@pytest.fixture(scope="session")
def wheel_tensorboard(viewer, tmp_path_factory):
    """The URL of a TensorBoard that runs from the wheel and serves a synthetic log."""
    log_dir = tmp_path_factory.mktemp("log")
    write_log(log_dir, steps=(0, 100, 400))
    with start_tensorboard(log_dir, fast=True, python=viewer, cwd=log_dir) as url:
        yield url
