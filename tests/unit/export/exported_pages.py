# SPDX-License-Identifier: Apache-2.0
"""Small logs to export, and a parser of exported pages."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from synthetic_atlases import make_atlas, make_probe_pictures
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

STEPS = (0, 10, 20, 30, 40)
LAYERS = ("layer3", "layer4")
SHORTCUT_STEPS = (10, 30)
IMAGES = 40
GRIDS = (2, 4)
DATA_TYPES = ("application/octet-stream", "application/json")


def make_tiny_atlas(step: int, layer: str = "layer3", sequence: int = 1, **more: Any) -> Atlas:
    """Returns an atlas of 40 samples with two grids."""
    given = {"samples": IMAGES, "grids": GRIDS, "tile": 8, "min_count": 1, **more}
    return make_atlas(step, layer=layer, sequence=sequence, **given)


def write_small_log(log_dir: Path, run: str = "exp", steps: tuple[int, ...] = STEPS) -> Path:
    """Writes probe images, two layers at every step, and shortcuts of one layer at two steps.

    Returns:
        The directory with the event file.
    """
    folder = log_dir / run / CHILD_RUN
    sink = EventSink(folder)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures(IMAGES)), step=0)
    for number, step in enumerate(steps, start=1):
        for layer in LAYERS:
            atlas = make_tiny_atlas(step, layer, number)
            sink.write(layer_tag(layer, sequence=number), encode_atlas(atlas), step, float(step))
        if step in SHORTCUT_STEPS:
            shortcuts = encode_shortcuts(make_shortcuts(step))
            sink.write(shortcuts_tag("layer3", number), shortcuts, step, float(step))
    sink.close()
    return folder


@dataclass(frozen=True)
class ParsedPage:
    """An exported page as an HTML parser sees it.

    Attributes:
        title: Text of the title element.
        policy: Directives of its content security policy, by name.
        elements: Names of all elements, in order.
        scripts: Text of each script that a browser executes.
        info: What the page contains, see `ExportedPage` in `wire/response_types.py`.
        responses: Status and body by request.
    """

    title: str
    policy: dict[str, str]
    elements: list[str]
    scripts: list[str]
    info: dict[str, Any]
    responses: dict[str, tuple[int, bytes]]

    def of_route(self, route: str) -> dict[str, tuple[int, bytes]]:
        """Returns the responses of one route."""
        return {
            request: response
            for request, response in self.responses.items()
            if request.partition("?")[0] == route
        }

    @property
    def index(self) -> list[dict[str, Any]]:
        """The runs of the index."""
        runs: list[dict[str, Any]] = json.loads(self.responses["index"][1])["runs"]
        return runs

    def steps(self, layer: str = "layer3", run: str = "exp/atlas") -> list[int]:
        """Returns the steps of a layer that the index lists."""
        (found,) = (
            series["steps"]
            for one in self.index
            for series in one["series"]
            if (one["run"], series["layer"]) == (run, layer)
        )
        return list(found)

    @property
    def layers(self) -> set[tuple[str, str]]:
        """Run and layer of each series in the index."""
        return {(one["run"], series["layer"]) for one in self.index for series in one["series"]}


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.blocks: dict[str, str] = {}
        self.scripts: list[str] = []
        self.title = self.policy = ""
        self._open: tuple[str, dict[str, str | None]] = ("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        given = dict(attrs)
        self._open = tag, given
        if tag == "script" and given.get("type") not in DATA_TYPES:
            self.scripts.append("")
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._open = "", {}

    def handle_data(self, data: str) -> None:
        tag, given = self._open
        if tag == "title":
            self.title += data
        elif tag == "script" and given.get("type") in DATA_TYPES:
            name = given.get("id") or ""
            self.blocks[name] = self.blocks.get(name, "") + data
        elif tag == "script":
            self.scripts[-1] += data


def parse_page(path: Path) -> ParsedPage:
    """Parses an exported page."""
    return parse_text(path.read_text("utf-8"))


def parse_text(text: str) -> ParsedPage:
    """Parses the text of an exported page."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    info = json.loads(parser.blocks.pop("atlas-page"))
    responses = {}
    for number, request in enumerate(info["requests"]):
        body = base64.b64decode(parser.blocks.pop(f"atlas-{number}", ""), validate=True)
        body = gzip.decompress(body) if request["gzipped"] else body
        assert request["request"] not in responses
        responses[request["request"]] = request["status"], body
    assert parser.blocks == {}
    policy = dict(one.strip().split(" ", 1) for one in parser.policy.split(";"))
    return ParsedPage(parser.title, policy, parser.elements, parser.scripts, info, responses)
