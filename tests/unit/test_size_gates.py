# SPDX-License-Identifier: Apache-2.0
"""`scripts/size_gates.py` reports large files, functions and folders, and missing tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "scripts" / "size_gates.py"
spec = importlib.util.spec_from_file_location("size_gates", PATH)
size_gates = importlib.util.module_from_spec(spec)
spec.loader.exec_module(size_gates)

PACKAGE = Path("tensorboard_plugin_atlas")


def test_long_files_are_errors():
    lines = {Path("a.py"): 600, Path("b.py"): 601, Path("c.ts"): 501, Path("d.css"): 9_000}
    assert size_gates.check_files(lines) == [
        "b.py: 601 lines, at most 600",
        "c.ts: 501 lines, at most 500",
    ]


def test_long_functions_are_errors():
    functions = dict.fromkeys(map(str, range(98)), 9) | {"a.py:1 f": 101, "a.py:200 g": 100}
    assert size_gates.check_functions(functions) == ["a.py:1 f: 101 lines, at most 100"]
    many = dict.fromkeys(map(str, range(100)), 41)
    assert size_gates.check_functions(many) == [
        "90th percentile of function length: 41, at most 40"
    ]


def test_large_folders_are_errors_unless_excepted(monkeypatch: pytest.MonkeyPatch):
    paths = [PACKAGE / "wire" / f"{number}.py" for number in range(26)]
    paths += [Path("benchmarks", f"{number}.py") for number in range(30)]
    folder = (PACKAGE / "wire").as_posix()
    assert size_gates.check_folders(paths) == [f"{folder}: 26 files, at most 25"]
    assert size_gates.check_folders(paths[1:]) == []
    monkeypatch.setitem(size_gates.FOLDER_EXCEPTIONS, folder, "generated")
    assert size_gates.check_folders(paths) == []
    assert size_gates.check_folders([]) == [f"{folder}: remove it from FOLDER_EXCEPTIONS"]


def test_tests_of_all_languages_count():
    source = {PACKAGE / "a.py": 60, Path("frontend/src/a.ts"): 30, Path("frontend/src/a.css"): 10}
    tests = {Path("tests/unit/test_a.py"): 70, Path("frontend/tests/a.test.ts"): 25}
    assert size_gates.check_tests(source | tests) == []
    assert size_gates.check_tests(source | tests | {PACKAGE / "b.py": 1}) == [
        "tests: 95 lines for 101 of source, at least 0.95 times as many"
    ]


def test_generated_files_are_left_out():
    sources = size_gates.list_sources()
    assert not [path for path in sources if PACKAGE / "static" in path.parents]
    package, front_end, tests = size_gates.count_groups(dict.fromkeys(sources, 1))
    assert min(package, front_end, tests) > 50
