# SPDX-License-Identifier: Apache-2.0
"""Fails on words that the glossary rules out, functions named by participles, and gerund modules.

    python scripts/check_words.py              every tracked file
    python scripts/check_words.py PATH ...     the files below these paths, also untracked ones
    python scripts/check_words.py --count      numbers for each folder, without the lines

`docs/glossary.md` explains the words. Words that are ruled out in one sense only (`row`, `place`,
`draw`, `find`) are left to reviewers. A line that must hold such a word ends with `word-check: ok`,
or is matched by a pattern of `EXCEPTIONS`, such as a key of wire version 1.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

CHECKED = ("tensorboard_plugin_atlas", "frontend", "docs", "tests", "benchmarks", "examples")
ROOT_FILES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "setup.py", "pyproject.toml")
SUFFIXES = {".py", ".ts", ".css", ".md", ".toml"}
LEFT_OUT = ("tensorboard_plugin_atlas/static/", "docs/glossary.md", "frontend/node_modules/")

WORDS = {
    r"answer\w*": "activation, output, response",
    r"told|tell|tells|telling|untold|retell\w*": "report, show, log",
    r"ask|asks|asked|asking": "request, query",
    r"reckon\w*": "compute, measure",
    r"lifelines?": "concept",
    r"backlog\w*": "queue",
    r"courier\w*": "recorder",
    r"voices?": "attribution",
    r"speaks? for|spoke for|says? of|said of": "supports, attribution for",
    r"verdicts?|glances?": "significance test, control",
    r"relay|relays|relaid|relaying": "relayout",
    r"editions?|drafts?": "revision",
    r"wish|wishes|wished": "target, objective",
    r"waking|quicken\w*|borrow\w*|lighting|kinship|rouse\w*": "say what it does",
    r"news|faithful\w*|arrangement": "significant; cosine; layout",
    r"strangers?|hostil\w*": "untrusted",
    r"neighbour\w*": "neighbor",
    r"colour\w*": "color",
    r"centres?|centred|centring": "center",
    r"labell\w*": "labeled",
    r"grey\w*": "gray",
    r"learnt|whilst|amongst|hence|thereof|wherein|heretofore": "learned, while, among, so",
    r"normalis\w*|optimis\w*|minimis\w*|maximis\w*|recognis\w*|initialis\w*|serialis\w*": "-iz-",
    r"behaviou\w*|favour\w*|honour\w*|modell(?:ed|ing)|travell\w*|signalled": "US spelling",
    r"sacred|besides which|anew|afresh|henceforth|thus": "plain English",
}
_PATTERN = re.compile(
    "|".join(f"(?P<w{i}>(?<![A-Za-z])(?:{word})(?![a-z]))" for i, word in enumerate(WORDS)),
    re.IGNORECASE,
)
_HINTS = list(WORDS.values())

EXCEPTIONS = (
    r"word-check: ok",
    r"textAlign|text-align|align-items|justify",
)

ALLOWED_FUNCTIONS = {"need", "feed", "seed", "speed", "embed", "exceed", "proceed", "succeed"}
"""Verbs in the imperative that happen to end in -ed."""

ALLOWED_MODULES = {"string", "clustering", "cluster_matching", "sample_matching", "cell_matching"}
ALLOWED_MODULES |= {"balanced_sampling", "naming", "anchoring", "serving", "training", "mapping"}
"""Nouns of the field that happen to end in -ing."""


def main() -> int:
    """Prints what is wrong; returns 1 when anything is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="files and folders; all tracked files if omitted")
    parser.add_argument("--count", action="store_true", help="print numbers only")
    arguments = parser.parse_args()
    found: list[str] = []
    folders: Counter[str] = Counter()
    for path in _files(arguments.paths):
        lines = _faults(path)
        found += lines
        folders[str(path.parent)] += len(lines)
    if arguments.count:
        print("\n".join(f"{n:5} {folder}" for folder, n in folders.most_common() if n))
    else:
        print("\n".join(found))
    print(f"words, function and module names: {len(found)} to be replaced (docs/glossary.md)")
    return 1 if found else 0


def _files(paths: list[str]) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted(set(listed.stdout.splitlines()))
    return [
        Path(name)
        for name in names
        if (name.split("/")[0] in CHECKED or name in ROOT_FILES)
        and Path(name).suffix in SUFFIXES
        and not name.startswith(LEFT_OUT)
        and Path(name).is_file()
    ]


def _faults(path: Path) -> list[str]:
    """Returns a line for each word and name in a file that has to go."""
    text = path.read_text(encoding="utf-8")
    found = [
        f"{path}:{number}: {match[0]!r}: say {_HINTS[int(str(match.lastgroup)[1:])]}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in _PATTERN.finditer(_words_of(line))
        if not any(re.search(pattern, line) for pattern in EXCEPTIONS)
    ]
    names = _functions(path, text)
    found += [f"{path}:{line}: {name}: a function is a verb" for name, line in names]
    if path.stem.endswith("ing") and path.suffix in (".py", ".ts"):
        module = path.stem.removeprefix("test_")
        if module not in ALLOWED_MODULES and module.rpartition("_")[2] not in ALLOWED_MODULES:
            found.append(f"{path}: a module is a noun")
    return found


def _words_of(line: str) -> str:
    """Returns the line with words of identifiers set apart: `toldTheLoop` as `told The Loop`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", line).replace("_", " ")


def _functions(path: Path, text: str) -> list[tuple[str, int]]:
    """Returns the functions that are named by a participle, with their lines."""
    if path.suffix == ".py" and not path.stem.startswith("test_"):
        named = [
            (node.name, node.lineno)
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and not any("property" in ast.unparse(one) for one in node.decorator_list)
        ]
    elif path.suffix == ".ts" and not path.stem.endswith(".test"):
        named = [
            (match[1], text.count("\n", 0, match.start()) + 1)
            for match in re.finditer(r"\bfunction\*?\s+(\w+)\s*[(<]", text)
        ]
    else:
        return []
    return [(name, line) for name, line in named if _is_participle(name)]


def _is_participle(name: str) -> bool:
    last = re.split(r"_|(?<=[a-z0-9])(?=[A-Z])", name.strip("_"))[-1].lower()
    is_question = re.match(r"_?(?:is|has|was|are|can|needs)(?:_|(?=[A-Z]))", name)
    return last.endswith("ed") and last not in ALLOWED_FUNCTIONS and not is_question


if __name__ == "__main__":
    sys.exit(main())
