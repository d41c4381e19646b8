# SPDX-License-Identifier: Apache-2.0
"""Guarantees of SECURITY.md that no other test covers."""

from __future__ import annotations

import ast
import builtins
import io
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from PIL import Image
from route_client import ROUTE_PREFIX, VALID_QUERY, make_client
from synthetic_atlases import write_log
from synthetic_shortcuts import write_shortcuts
from tensorboard_server import get, start_tensorboard, wait_for_atlases
from werkzeug.test import Client

import tensorboard_plugin_atlas

PACKAGE = Path(tensorboard_plugin_atlas.__file__).parent
READS_LOGS = ("serving", "wire", "logs", "analysis")
READS_LOGS_FILES = ("plugin.py", "loader.py", "sprite_sheets.py", "log_names.py")
RUNS_CODE = {"pickle", "cloudpickle", "marshal", "shelve", "dill", "joblib", "torch", "yaml"}
CALLS_CODE = {"eval", "exec", "compile", "__import__"}


def list_sources() -> list[Path]:
    """Returns every source file that reads the contents of a log."""
    folders = [path for name in READS_LOGS for path in (PACKAGE / name).rglob("*.py")]
    return folders + [PACKAGE / name for name in READS_LOGS_FILES]


def find_code_execution(tree: ast.AST) -> Iterator[str]:
    """Yields imports and calls in a file that could execute code from data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from RUNS_CODE & {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            yield from RUNS_CODE & {(node.module or "").partition(".")[0]}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from CALLS_CODE & {node.func.id}
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield "allow_pickle"


def test_nothing_in_a_log_is_ever_executed() -> None:
    """Modules that read logs use neither pickle nor eval; test_package.py checks the tab."""
    assert len(list_sources()) > 30
    found = {
        str(path.relative_to(PACKAGE)): sorted(
            find_code_execution(ast.parse(path.read_text("utf-8")))
        )
        for path in list_sources()
    }
    assert {name: runners for name, runners in found.items() if runners} == {}


def test_code_execution_is_detected() -> None:
    text = "import pickle\nfrom torch import load\neval('1')\nnumpy.load(f, allow_pickle=True)\n"
    assert sorted(find_code_execution(ast.parse(text))) == [
        "allow_pickle",
        "eval",
        "pickle",
        "torch",
    ]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log_dir = tmp_path_factory.mktemp("promises")
    write_shortcuts(log_dir, steps=(0, 50))
    return log_dir


def request_all_routes(client: Client) -> dict[str, int]:
    """Returns the status of each data route for a valid request."""
    series = {"id": VALID_QUERY["id"]}
    step = {**series, "step": VALID_QUERY["step"]}
    run = {"run": VALID_QUERY["run"]}
    queries = {
        "index": {},
        "history": series,
        "atlas": step,
        "sheet": {**step, "blob": "3"},
        "activations": step,
        "probe": run,
        "thumbs": {**run, "blob": "2"},
        "shortcuts": step,
        "patches": {**step, "blob": "1"},
        "index.js": {},
    }
    return {
        route: client.get(ROUTE_PREFIX + route, query_string=query).status_code
        for route, query in queries.items()
    }


def test_no_text_of_a_request_or_a_log_becomes_a_path(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No route opens a file: TensorBoard reads the logs, and assets are loaded at start."""
    client, _ = make_client(log)

    def refuse(*arguments: Any, **_: Any) -> Any:
        raise AssertionError(f"a route opened {arguments[0]!r}")

    for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "scandir")):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    assert set(request_all_routes(client).values()) == {200}


def test_images_are_sent_to_the_browser_without_decoding(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = make_client(log)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a route decoded an image")

    monkeypatch.setattr(Image, "open", refuse)
    assert set(request_all_routes(client).values()) == {200}


def test_the_tab_loads_nothing_from_other_hosts() -> None:
    """No URL with a host is in what is served, apart from the names of XML namespaces."""
    files = [path for path in (PACKAGE / "static").iterdir() if path.suffix != ".safetensors"]
    text = "\n".join(path.read_text("utf-8") for path in files)
    assert "http://www.w3.org/2000/svg" in text
    assert re.findall(r"(?:https?|wss?)://(?!www\.w3\.org/)[^\s'\"`]*", text) == []


@pytest.mark.parametrize("length", [2**32, 2**40, 2**62])
def test_a_forged_record_header_affects_one_run_only_with_the_python_loader(
    length: int, tmp_path: Path
) -> None:
    """TensorBoard's data server may abort, so SECURITY.md recommends the Python loader."""
    write_log(tmp_path, runs=("forged", "valid"), layers=("a",), steps=(0, 10))
    (path,) = (tmp_path / "forged" / "atlas").iterdir()
    header = struct.pack("<Q", length)
    crc = google_crc32c.value(header)
    masked = ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF
    with path.open("ab") as file:
        file.write(header + struct.pack("<I", masked) + b"x" * 60)
    with start_tensorboard(tmp_path, False) as url:
        wait_for_atlases(url, 4)
        assert get(url + "data/plugin/atlas/index")[0] == 200
