# SPDX-License-Identifier: Apache-2.0
"""Names of a log are data in an exported page: they add no element and no script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from pathlib import Path

import pytest
from exported_pages import make_tiny_atlas, parse_page, write_small_log
from untrusted_logs import FOLDERS, LAYERS, write_untrusted_log
from untrusted_text import LONG, MARKUP, TEXTS, UNICODE

from tensorboard_plugin_atlas import export_html
from tensorboard_plugin_atlas.export.page import read_page_script
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

TITLES = (
    *MARKUP,
    *UNICODE,
    *LONG,
    "<!-- <script>",
    "</script ><!--",
    "]]>",
    "a\u2028b\u2029c",
    "\ud800",
    "'\"`",
)


def check_script(path: Path) -> None:
    """Checks that the only executable script is ours, and that the policy allows no other."""
    page = parse_page(path)
    script = read_page_script()
    assert [text.encode() for text in page.scripts] == [script]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert page.policy == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "style-src": "'unsafe-inline'",
        "img-src": "blob: data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    (block,) = re.findall(rb'id="atlas-page">([^\n]*)</script>\n', path.read_bytes())
    assert not set(b"<>&") & set(block)
    data = 1 + len(page.responses)
    assert page.elements == [
        *("html", "head", "meta", "meta", "meta", "meta", "title"),
        *["script"] * data,
        *("body", "noscript", "script"),
    ]


@pytest.fixture(scope="module")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_small_log(folder, steps=(0,))
    return folder


@pytest.mark.parametrize("number", range(len(TITLES)))
def test_titles(number: int, small_log: Path, tmp_path: Path) -> None:
    title = TITLES[number]
    path = tmp_path / "page.html"
    export_html(small_log, path, title=title, layers=["layer3"], activations=False)
    check_script(path)
    page = parse_page(path)
    shown = (title if len(title) <= 200 else title[:199] + "\u2026") or small_log.name
    assert page.info["title"] == shown
    # Half of a surrogate pair cannot be encoded, and a parser replaces line breaks.
    expected = shown.encode("utf-8", "replace").decode().replace("\r\n", "\n")
    assert page.title == expected


def test_runs_layers_and_classes(tmp_path: Path) -> None:
    write_untrusted_log(tmp_path / "log")
    path = tmp_path / "page.html"
    export_html(tmp_path / "log", path)
    check_script(path)
    page = parse_page(path)
    assert {run for run, _ in page.layers} == {
        f"{run}/atlas" for run in (*FOLDERS, "all", "lies", "plain")
    }
    assert {layer for _, layer in page.layers} == {*LAYERS, "layer3"}
    history = next(body for _, body in page.of_route("history").values() if b"planted(1)" in body)
    assert set(TEXTS) & {one["name"] for one in json.loads(history)["concepts"]}
    text = path.read_bytes()
    for mark in (b"planted", b"<!--", b"]]>", "\u2028".encode()):
        assert mark not in text.replace(read_page_script(), b""), mark


def test_surrogates_in_a_run(tmp_path: Path) -> None:
    """A folder name that is not UTF-8, as Linux allows."""
    folder = tmp_path / "log" / "half \udcff"
    sink = EventSink(folder / CHILD_RUN)
    sink.write(layer_tag("layer3"), encode_atlas(make_tiny_atlas(0)), 0)
    sink.close()
    path = tmp_path / "page.html"
    export_html(folder, path)
    assert parse_page(path).info["title"] == "half \udcff"
    export_html(tmp_path / "log", path, force=True)
    check_script(path)
    assert parse_page(path).layers == {("half \udcff/atlas", "layer3")}


def test_the_script_can_stand_in_a_page() -> None:
    """A parser ends a script at its end tag, and reads `<!--` and `<script` in a special way."""
    script = resources.files("tensorboard_plugin_atlas.export").joinpath("page.js").read_bytes()
    assert len(script) > 100_000
    for mark in (b"</script", b"<script", b"<!--"):
        assert mark not in script.lower()
    assert script.decode("utf-8")
    assert b"\r" not in script  # a parser replaces it, and the checksum would be wrong
