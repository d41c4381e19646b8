# SPDX-License-Identifier: Apache-2.0
"""The pages of the documentation's gallery, and the frames in them."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import markdown
from commands import ROOT

GALLERY = ROOT / "docs" / "gallery"
ATLASES = GALLERY / "atlases"
PAGES = sorted(set(GALLERY.glob("*.md")) - {GALLERY / "index.md"})


@dataclass(frozen=True)
class Frame:
    """The frame of a page.

    Attributes:
        attributes: Attributes of the element.
        path: The file that it shows.
    """

    attributes: dict[str, str | None]
    path: Path


def build_page(page: Path) -> str:
    """Returns a page as HTML, as MkDocs builds it, without a theme."""
    text = page.read_text("utf-8").split("---\n", 2)[2]  # after the front matter
    return "<!doctype html>\n" + markdown.markdown(text, extensions=["attr_list", "tables"])


def find_frame(page: Path) -> Frame:
    """Returns the only frame of a page. MkDocs builds `gallery/x.md` as `gallery/x/index.html`."""
    parser = _FrameParser()
    parser.feed(build_page(page))
    (attributes,) = parser.frames
    address, _, _ = str(attributes["src"]).partition("#")
    return Frame(attributes, (GALLERY / page.stem / address).resolve())


class _FrameParser(HTMLParser):
    """Collects the attributes of frames."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "iframe":
            self.frames.append(dict(attrs))
