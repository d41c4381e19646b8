# SPDX-License-Identifier: Apache-2.0
"""Fails on words that the glossary rules out, functions named by participles, and gerund modules.

    python scripts/check_words.py              every tracked file
    python scripts/check_words.py PATH ...     the files below these paths, also untracked ones
    python scripts/check_words.py --count      numbers for each folder, without the lines

`docs/glossary.md` explains the words. Words that are ruled out in one sense only (`row`, `place`,
`draw`, `find`) are left to reviewers. `EXCEPTIONS` lists texts that may contain such a word, for
example keys of wire version 1. Any other line that must contain one ends with `word-check: ok`.
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
CHECKED += ("scripts", ".github")
ROOT_FILES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "mkdocs.yml")
ROOT_FILES += ("setup.py", "pyproject.toml", "CHANGELOG.md")
SUFFIXES = {".py", ".ts", ".js", ".mjs", ".css", ".html", ".md", ".toml", ".yml", ".sh", ""}
LEFT_OUT = ("tensorboard_plugin_atlas/static/", "docs/glossary.md", "frontend/node_modules/")
LEFT_OUT += ("docs/gallery/atlases/", "scripts/check_words.py", "tests/unit/test_check_words.py")

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
    r"held against|hold against|to and fro|gone on with": "compare, continue",
    r"neighbour\w*": "neighbor",
    r"colour\w*": "color",
    r"centres?|centred|centring": "center",
    r"labell\w*": "labeled",
    r"grey\w*": "gray",
    r"chequer\w*": "checkered",
    r"licences?|artefacts?|catalogues?|defences?": "US spelling",
    r"learnt|whilst|amongst|hence|thereof|wherein|heretofore": "learned, while, among, so",
    r"\w*(?:normal|optim|minim|maxim|recogn|initial|serial)is(?:e\w*|able|ing|ations?)": "-iz-",
    r"(?:organ|summar|visual|real|categor|general|random|quant)is(?:e[sd]?|ing|ations?)": "-iz-",
    r"analys(?:e|ed|ing)": "-yz-",
    r"behaviou\w*|favour\w*|honour\w*|modell(?:ed|ing)|travell\w*|signalled": "US spelling",
    r"cancell(?:ed|ing)": "US spelling",
    r"drops|dropped|dropping": "skipped (a step), lost (data), removed",
    r"sacred|besides which|anew|afresh|henceforth|thus": "plain English",
}
_PATTERN = re.compile(
    "|".join(f"(?P<w{i}>(?<![A-Za-z])(?:{word})(?![a-z]))" for i, word in enumerate(WORDS)),
    re.IGNORECASE,
)
_HINTS = list(WORDS.values())

MARK = "word-check: ok"
EXCEPTIONS = (
    r"file\.tell\(|def tell\(self\)|\"tell\"",  # method of files
    r"[\"']lifelines[\"']|`lifelines`",  # key of wire version 1
    r"draft_seconds",  # setting
    r"text-align|textAlign|labelledby|LabelledBy",  # CSS, ARIA
    r"ERR_\w+|CanvasText|GrayText",
)
"""Texts that are not checked: names that others define, and names that stored data contain."""

ALLOWED_FUNCTIONS = {"need", "feed", "seed", "speed", "embed", "exceed", "proceed", "succeed"}
"""Verbs in the imperative that happen to end in -ed."""

VERBS = {
    *(
        "add",
        "assert",
        "build",
        "check",
        "collect",
        "compute",
        "count",
        "create",
        "do",
        "draw",
        "export",
    ),
    *("fetch", "find", "format", "get", "handle", "list", "load", "log", "make", "mark", "measure"),
    *("needs", "notify", "on", "parse", "print", "raise", "read", "render", "request", "reset"),
    *(
        "run",
        "select",
        "send",
        "set",
        "show",
        "skip",
        "sort",
        "store",
        "update",
        "validate",
        "wait",
    ),
    *("write", "is", "has", "was", "are", "can", "drop", "remove", "restore", "keep", "open"),
}
"""First words of names in which a participle at the end is an object: `list_installed`."""

ALLOWED_MODULES = {"string", "clustering", "sample_matching", "cell_matching"}
ALLOWED_MODULES |= {"balanced_sampling", "naming", "anchoring", "serving", "training", "mapping"}
ALLOWED_MODULES |= {"lightning", "post_processing"}  # the library; the field's own word
"""Nouns of the field that happen to end in -ing."""


def main() -> int:
    """Prints what is wrong; returns 1 when anything is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", help="files and folders; all tracked files if omitted")
    parser.add_argument("--count", action="store_true", help="print numbers only")
    arguments = parser.parse_args()
    found: list[str] = []
    folders: Counter[str] = Counter()
    for path in list_files(arguments.paths):
        lines = check_file(path)
        found += lines
        folders[str(path.parent)] += len(lines)
    if arguments.count:
        print("\n".join(f"{n:5} {folder}" for folder, n in folders.most_common() if n))
    else:
        print("\n".join(found))
    print(f"words, function and module names: {len(found)} to be replaced (docs/glossary.md)")
    return 1 if found else 0


def list_files(paths: list[str]) -> list[Path]:
    """Returns the files to check below `paths`, or all of them if there are none."""
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


def check_file(path: Path) -> list[str]:
    """Returns a line for each word and name in a file that must be replaced."""
    text = path.read_text(encoding="utf-8")
    found = [f"{path}:{message}" for message in find_words(text)]
    names = find_functions(text, path.suffix)
    found += [f"{path}:{line}: {name}: a function is a verb" for name, line in names]
    if is_gerund_module(path):
        found.append(f"{path}: a module is a noun")
    return found


def find_words(text: str) -> list[str]:
    """Returns line number, word and replacement of each word that the glossary rules out."""
    return [
        f"{number}: {match[0]!r}: say {_HINTS[int(str(match.lastgroup)[1:])]}"
        for number, line in enumerate(text.splitlines(), 1)
        if MARK not in line
        for match in _PATTERN.finditer(_split_identifiers(re.sub("|".join(EXCEPTIONS), " ", line)))
    ]


def find_functions(text: str, suffix: str) -> list[tuple[str, int]]:
    """Returns the functions that are named by a participle, with their lines."""
    if suffix == ".py":
        named = [
            (node.name, node.lineno)
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("test_")
            and not any(
                word in ast.unparse(one)
                for one in node.decorator_list
                for word in ("property", "fixture")
            )
        ]
    elif suffix in (".ts", ".js", ".mjs"):
        named = [
            (match[1] or match[2], text.count("\n", 0, match.start()) + 1)
            for match in re.finditer(
                r"\bfunction\*?\s+(\w+)\s*[(<]|\bconst\s+(\w+)\s*=\s*(?:async\s*)?\([^()]*\)[^=;]*=>",
                text,
            )
        ]
    else:
        return []
    return [(name, line) for name, line in named if is_participle(name)]


def is_participle(name: str) -> bool:
    """Returns whether a function is named by a participle, such as `quantized` or `_rowsMoved`."""
    words = [w.lower() for w in re.split(r"_+|(?<=[a-z0-9])(?=[A-Z])", name.strip("_")) if w]
    if not words or not words[-1].endswith("ed") or words[-1] in ALLOWED_FUNCTIONS:
        return False
    return len(words) == 1 or words[0] not in VERBS


def is_gerund_module(path: Path) -> bool:
    """Returns whether a source file is named by a gerund that is not a term of the field."""
    if path.suffix not in (".py", ".ts") or not path.stem.split(".")[0].endswith("ing"):
        return False
    module = path.stem.split(".")[0].removeprefix("test_")
    return module not in ALLOWED_MODULES and module.rpartition("_")[2] not in ALLOWED_MODULES


def _split_identifiers(line: str) -> str:
    """Separates the words of identifiers: `toldTheLoop` becomes `told The Loop`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", line).replace("_", " ")


if __name__ == "__main__":
    sys.exit(main())
