# SPDX-License-Identifier: Apache-2.0
"""`scripts/check_words.py` finds words of the glossary's "Not" column, participles and gerunds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "scripts" / "check_words.py"
spec = importlib.util.spec_from_file_location("check_words", PATH)
check_words = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_words)


def find(text):
    return [line.split(": ")[1].strip("'") for line in check_words.find_words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The layer answers, and nobody asked.", ["answers", "asked"]),
        ("toldTheLoop = ASKED_FOR", ["told", "ASKED"]),
        ("centre: grey, labelled, normalised", ["centre", "grey", "labelled", "normalised"]),
        ("analysed and organised in a catalogue", ["analysed", "organised", "catalogue"]),
        ("it is held against the log", ["held against"]),
    ],
)
def test_words_are_found_also_in_identifiers(text, words):
    assert find(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "task, mask, basket, Alaska",
        "the analyses are realistic and optimal",
        "center, gray, labeled, normalized, color",
        "an optimistic organism",
        "offset = file.tell()",
        'arrays.get("lifelines")',
        "AtlasConfig(draft_seconds=0)",
        "aria-labelledby=heading",
        "the answer of a user  # word-check: ok",
    ],
)
def test_other_words_and_exceptions_are_not_found(text):
    assert find(text) == []


def test_an_exception_does_not_hide_the_rest_of_its_line():
    assert find('raise ValueError("told", "lifelines")') == ["told"]


def test_line_number_and_replacement_are_reported():
    assert check_words.find_words("\n\ncolour") == ["3: 'colour': say color"]


@pytest.mark.parametrize("name", ["borrowed", "_kept_and_quantized", "rowsMoved"])
def test_participles_are_found(name):
    assert check_words.is_participle(name)


@pytest.mark.parametrize(
    "name",
    ["feed", "set_seed", "list_installed", "_write_untrusted", "is_marked", "readSaved", "render"],
)
def test_verbs_are_not_found(name):
    assert not check_words.is_participle(name)


def test_functions_are_found_in_python_and_typescript():
    python = (
        "@property\ndef moved(self): ...\n\n\ndef quantized(): ...\n\n\ndef test_changed(): ...\n"
    )
    assert check_words.find_functions(python, ".py") == [("quantized", 5)]
    script = "function moved(a) {}\nconst scaled = (x: number) => x;\nconst scale = (x) => x;\n"
    assert check_words.find_functions(script, ".ts") == [("moved", 1), ("scaled", 2)]


@pytest.mark.parametrize(
    ("name", "is_gerund"),
    [
        ("waking.py", True),
        ("test_retelling.py", True),
        ("asking.test.ts", True),
        ("sample_matching.py", False),
        ("string.ts", False),
        ("layout.py", False),
        ("lighting.css", False),
    ],
)
def test_gerund_modules_are_found(name, is_gerund):
    assert check_words.is_gerund_module(Path(name)) == is_gerund


def test_files_are_listed_by_kind():
    files = {path.as_posix() for path in check_words.list_files(["scripts", "benchmarks"])}
    assert {"scripts/check", "scripts/make_sample.py", "benchmarks/tab_page.js"} <= files
    assert "scripts/check_words.py" not in files
