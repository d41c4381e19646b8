# SPDX-License-Identifier: Apache-2.0
"""The committed front end equals a build of its sources, byte for byte."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "frontend"
COMMITTED = ROOT / "tensorboard_plugin_atlas" / "static"
COMMITTED_PAGE = ROOT / "tensorboard_plugin_atlas" / "export" / "page.js"


def read_files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def build(directory: Path, *options: str) -> dict[str, bytes]:
    """Builds the front end into a directory and returns its files by name."""
    npx = shutil.which("npx")
    if npx is None or not (SOURCES / "node_modules").is_dir():
        pytest.fail("node and the packages of frontend/ are needed: run `npm ci` in frontend/")
    command = [npx, "vite", "build", *options, "--outDir", str(directory), "--emptyOutDir"]
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return read_files(directory)


def test_the_committed_files_equal_a_build(tmp_path: Path) -> None:
    built, committed = build(tmp_path), read_files(COMMITTED)
    assert sorted(built) == sorted(committed), "run `npm run build` in frontend/"
    differing = [name for name, data in built.items() if committed[name] != data]
    assert differing == [], "run `npm run build` in frontend/"


def test_the_script_of_exported_pages_equals_a_build(tmp_path: Path) -> None:
    built = build(tmp_path, "--mode", "page")
    assert list(built) == ["page.js"]
    assert built["page.js"] == COMMITTED_PAGE.read_bytes(), "run `npm run build` in frontend/"
