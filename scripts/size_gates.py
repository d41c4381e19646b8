# SPDX-License-Identifier: Apache-2.0
"""Fails if a file, function or folder is too large, or if there are too few tests.

    python scripts/size_gates.py

Gates: Python files up to 600 lines, TypeScript files up to 500, functions up to 100 lines with the
90th percentile at 40, folders of the package, the front end and the tests with at most 25 source
files, and tests with at least 0.95 times as many lines as the sources, over all languages.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

PACKAGE = "tensorboard_plugin_atlas"
FRONT_END = Path("frontend", "src")
LONGEST_FILE = {".py": 600, ".ts": 500}
SOURCE_SUFFIXES = {".py", ".ts", ".js", ".mjs", ".css", ".html"}
LONGEST_FUNCTION = 100
LONG_FUNCTION_P90 = 40
TESTS_PER_SOURCE = 0.95
FILES_PER_FOLDER = 25
COUNTED_FOLDERS = (Path(PACKAGE), FRONT_END, Path("tests"), Path("frontend", "tests"))
NOT_WRITTEN = (Path(PACKAGE, "static"), FRONT_END / "wire" / "generated")
"""Folders with generated files, which count in no gate."""

FOLDER_EXCEPTIONS: dict[str, str] = {}
"""Folder with more files than allowed -> reason."""


def main() -> int:
    """Prints the sizes and the violations; returns 1 if there is a violation."""
    lines = {path: count_lines(path) for path in list_sources()}
    functions = measure_functions(lines)
    errors = [
        *check_files(lines),
        *check_functions(functions),
        *check_folders(lines),
        *check_tests(lines),
    ]
    package, front_end, tests = count_groups(lines)
    lengths = sorted(functions.values())
    p90 = lengths[int(0.9 * len(lengths))]
    print(f"functions: median {lengths[len(lengths) // 2]}, p90 {p90}, longest {lengths[-1]}")
    print(f"package {package:,} lines, front end {front_end:,} lines, tests {tests:,} lines")
    print(f"tests per source: {tests / (package + front_end):.2f}")
    print("\n".join(errors))
    return 1 if errors else 0


def list_sources() -> list[Path]:
    """Returns the source files under version control, and untracked ones that git lists."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(name) for name in listed.stdout.splitlines()]
    return [
        path
        for path in paths
        if path.suffix in SOURCE_SUFFIXES
        and path.is_file()
        and not any(folder in path.parents for folder in NOT_WRITTEN)
    ]


def count_lines(path: Path) -> int:
    """Returns the number of lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def count_groups(lines: Mapping[Path, int]) -> tuple[int, int, int]:
    """Returns the lines of the package, of the front end, and of all tests."""
    package = sum(n for path, n in lines.items() if path.parts[0] == PACKAGE)
    front_end = sum(n for path, n in lines.items() if FRONT_END in path.parents)
    tests = sum(n for path, n in lines.items() if "tests" in path.parts)
    return package, front_end, tests


def measure_functions(paths: Iterable[Path]) -> dict[str, int]:
    """Returns the number of lines of each Python function of the package, by place and name."""
    return {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in paths
        if path.parts[0] == PACKAGE and path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def check_files(lines: Mapping[Path, int]) -> list[str]:
    """Returns an error for each file with too many lines."""
    return [
        f"{path}: {count} lines, at most {LONGEST_FILE[path.suffix]}"
        for path, count in lines.items()
        if count > LONGEST_FILE.get(path.suffix, count)
    ]


def check_functions(functions: Mapping[str, int]) -> list[str]:
    """Returns an error for each long function, and one if too many are long."""
    errors = [
        f"{name}: {length} lines, at most {LONGEST_FUNCTION}"
        for name, length in functions.items()
        if length > LONGEST_FUNCTION
    ]
    p90 = sorted(functions.values())[int(0.9 * len(functions))]
    if p90 > LONG_FUNCTION_P90:
        errors.append(f"90th percentile of function length: {p90}, at most {LONG_FUNCTION_P90}")
    return errors


def check_folders(paths: Iterable[Path]) -> list[str]:
    """Returns an error for each folder with too many files, and for each unused exception."""
    files = Counter(
        path.parent.as_posix()
        for path in paths
        if any(folder in path.parents for folder in COUNTED_FOLDERS)
    )
    large = {folder: count for folder, count in files.items() if count > FILES_PER_FOLDER}
    errors = [
        f"{folder}: {count} files, at most {FILES_PER_FOLDER}"
        for folder, count in sorted(large.items())
        if folder not in FOLDER_EXCEPTIONS
    ]
    unused = sorted(FOLDER_EXCEPTIONS.keys() - large.keys())
    return errors + [f"{folder}: remove it from FOLDER_EXCEPTIONS" for folder in unused]


def check_tests(lines: Mapping[Path, int]) -> list[str]:
    """Returns an error if there are too few lines of tests."""
    package, front_end, tests = count_groups(lines)
    if tests >= TESTS_PER_SOURCE * (package + front_end):
        return []
    return [
        f"tests: {tests:,} lines for {package + front_end:,} of source, "
        f"at least {TESTS_PER_SOURCE} times as many"
    ]


if __name__ == "__main__":
    sys.exit(main())
