# SPDX-License-Identifier: Apache-2.0
"""Fails when a file or function outgrows what a person holds in the head, and prints the figures.

Gates: Python files up to 600 lines, TypeScript files up to 500, functions up to 100 lines with the
90th percentile at 40, and tests 0.8 times as long as the source or longer.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = "tensorboard_plugin_atlas"
LONGEST_FILE = {".py": 600, ".ts": 500}
LONGEST_FUNCTION = 100
TESTS_PER_SOURCE = 0.8
LONG_FUNCTION_P90 = 40


def main() -> int:
    """Prints one line per figure; returns 1 when a gate is broken."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(name) for name in listed.stdout.splitlines()]
    sources = [p for p in paths if p.suffix in LONGEST_FILE and p.is_file()]
    lines = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in sources}
    broken = [
        f"{path}: {count} lines, at most {LONGEST_FILE[path.suffix]}"
        for path, count in lines.items()
        if count > LONGEST_FILE[path.suffix]
    ]
    package = [p for p in sources if p.parts[0] == PACKAGE]
    lengths = sorted(length for p in package for length in _function_lengths(p, broken))
    p90 = lengths[int(0.9 * len(lengths))]
    if p90 > LONG_FUNCTION_P90:
        broken.append(f"90th percentile of function length: {p90}, at most {LONG_FUNCTION_P90}")
    tests = sum(n for p, n in lines.items() if "tests" in p.parts)
    source = sum(n for p, n in lines.items() if p.parts[0] == PACKAGE or p.parts[1:2] == ("src",))
    if tests < TESTS_PER_SOURCE * source:
        broken.append(f"tests: {tests} lines for {source} of source, at least x {TESTS_PER_SOURCE}")
    print(f"functions: median {lengths[len(lengths) // 2]}, p90 {p90}, longest {lengths[-1]}")
    print(f"source {source} lines in {len(sources)} files, tests {tests} lines")
    print("\n".join(broken))
    return 1 if broken else 0


def _function_lengths(path: Path, broken: list[str]) -> list[int]:
    lengths = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            lengths.append(length)
            if length > LONGEST_FUNCTION:
                broken.append(f"{path}:{node.lineno} {node.name}: {length} lines")
    return lengths


if __name__ == "__main__":
    sys.exit(main())
