# SPDX-License-Identifier: Apache-2.0
"""The committed front end is what its sources build to, byte for byte."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "frontend"
COMMITTED = ROOT / "tensorboard_plugin_atlas" / "static"


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_the_sources_build_to_what_is_committed(tmp_path: Path) -> None:
    npx = shutil.which("npx")
    if npx is None or not (SOURCES / "node_modules").is_dir():
        pytest.fail("node and the packages of frontend/ are needed: run `npm ci` in frontend/")
    command = [npx, "vite", "build", "--outDir", str(tmp_path), "--emptyOutDir"]
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    built, committed = contents(tmp_path), contents(COMMITTED)
    assert sorted(built) == sorted(committed), "run `npm run build` in frontend/"
    differing = [name for name, data in built.items() if committed[name] != data]
    assert differing == [], "run `npm run build` in frontend/"
