# SPDX-License-Identifier: Apache-2.0
"""Fixtures that build the wheel and install it without torch, once for all test processes."""

from __future__ import annotations

import os
import sys
import venv
from importlib.metadata import version
from pathlib import Path

import pytest
from commands import ROOT, run
from filelock import FileLock
from synthetic_atlases import write_log
from tensorboard_server import start_tensorboard

VIEWER_PACKAGES = ("tensorboard", "numpy", "pillow", "safetensors", "google-crc32c", "msgspec")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all xdist processes of this session share."""
    parent = tmp_path_factory.getbasetemp()
    folder = (parent.parent if "PYTEST_XDIST_WORKER" in os.environ else parent) / "wheel"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def wheel(shared_folder):
    """The wheel: that of `ATLAS_WHEEL`, or one built from a copy of the tracked files."""
    if "ATLAS_WHEEL" in os.environ:
        return Path(os.environ["ATLAS_WHEEL"])
    target = shared_folder / "dist"
    with FileLock(shared_folder / "wheel.lock"):
        if not target.exists():
            _build_wheel(shared_folder / "source", shared_folder / "building")
            (shared_folder / "building").rename(target)
    (path,) = target.glob("*.whl")
    return path


def _build_wheel(source, target):
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("frontend/", "tests/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    (source / "tests").mkdir()
    (source / "tests" / "test_nothing.py").write_text("")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(target), str(source))


@pytest.fixture(scope="session")
def viewer(wheel, shared_folder):
    """The interpreter of an environment with TensorBoard and the wheel, and without torch."""
    home = shared_folder / "viewer"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    with FileLock(shared_folder / "viewer.lock"):
        if not (home / "ready").exists():
            venv.create(home, with_pip=True, symlinks=os.name != "nt")
            pins = [f"{name}=={version(name)}" for name in VIEWER_PACKAGES]
            run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins)
            run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
            (home / "ready").touch()
    return python


@pytest.fixture(scope="session")
def wheel_tensorboard(viewer, tmp_path_factory):
    """The URL of a TensorBoard that runs from the wheel and serves a synthetic log."""
    log_dir = tmp_path_factory.mktemp("log")
    write_log(log_dir, steps=(0, 100, 400))
    with start_tensorboard(log_dir, fast=True, python=viewer, cwd=log_dir) as url:
        yield url
