# SPDX-License-Identifier: Apache-2.0
"""The shortcut example, with and without the marker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[2] / "examples" / "find_shortcut.py"


def run(tmp_path: Path, *arguments: str) -> list[str]:
    path = tmp_path / "found.png"
    command = [sys.executable, str(EXAMPLE), "--output", str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(path) as image:
        assert image.height >= 8
    return done.stdout.splitlines()


@pytest.mark.sampled(2)
def test_the_marker_is_the_first_result(tmp_path):
    pytest.importorskip("sklearn")
    first, *_, since, best = run(tmp_path)
    assert first.startswith("SHORTCUT: class 3,")
    assert since.startswith("a shortcut since step ")
    assert int(since.split("step ")[1].split(":")[0]) in (5, 10, 20, 40)
    assert best.startswith("at its position ")
    assert float(best.split("%")[0].rsplit(" ", 1)[1]) > 70


@pytest.mark.sampled(2)
def test_without_the_marker_no_class_has_a_shortcut_in_that_corner(tmp_path):
    pytest.importorskip("sklearn")
    lines = run(tmp_path, "--clean")
    assert not any(line.startswith("SHORTCUT") for line in lines)
