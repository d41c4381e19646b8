# SPDX-License-Identifier: Apache-2.0
"""Exports the atlases of the gallery, `docs/gallery/atlases`, from a directory of logs.

    scripts/gallery runs/gallery                  all pages
    scripts/gallery runs/gallery marker cifar10   only these
    scripts/gallery --current-tab                 the same data with the current tab, without logs

Each page of docs/gallery lists the command that makes its log. The logs are only read.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from tensorboard_plugin_atlas import export_html
from tensorboard_plugin_atlas.export.page import write_page
from tensorboard_plugin_atlas.export.responses import RecordedResponse
from tensorboard_plugin_atlas.output_file import replace_file
from tensorboard_plugin_atlas.wire.response_types import ExportedPage

_BODY: Final = re.compile(rb'<script type="application/octet-stream" id="atlas-\d+">(.*?)</script>')
_PAGE: Final = re.compile(rb'<script type="application/json" id="atlas-page">(.*?)</script>')
OUTPUT: Final = Path(__file__).parents[1] / "docs" / "gallery" / "atlases"


@dataclass(frozen=True, kw_only=True)
class GalleryAtlas:
    """An exported page of the gallery.

    Attributes:
        name: File name without suffix.
        log: Directory of the log.
        title: Title of the page.
        layers: Layers to export.
        steps: Steps to export; None for all.
        max_megabytes: Size above which finer grids are left out.
        images: Whether the images may be published.
    """

    name: str
    log: str
    title: str
    layers: tuple[str, ...]
    steps: tuple[int, ...] | None = None
    max_megabytes: float = 2.5
    images: bool = False


ATLASES: Final = (
    GalleryAtlas(
        name="four-layers",
        log="four-layers",
        title="Four layers of EfficientNet-Lite0",
        layers=("_blocks.2", "_blocks.4", "_blocks.10", "_blocks.15"),
    ),
    GalleryAtlas(
        name="cifar10",
        log="cifar10",
        title="A network learns CIFAR-10",
        layers=("stage3",),
        steps=(0, 29, 137, 223, 360),
        max_megabytes=2.0,
        images=True,
    ),
    GalleryAtlas(
        name="marker",
        log="marker",
        title="A planted shortcut",
        layers=("stage2",),
        steps=(0, 29, 360),
        images=True,
    ),
    GalleryAtlas(
        name="two-classes",
        log="four-layers",
        title="Dogs and other mammals",
        layers=("_blocks.15 · dogs / mammals",),
    ),
    GalleryAtlas(
        name="transformer",
        log="vit",
        title="Patch tokens and the class token",
        layers=("blocks.8", "blocks.11:cls"),
    ),
    GalleryAtlas(
        name="fine-tuning",
        log="fine-tuned",
        title="Fine-tuning EfficientNet-Lite0",
        layers=("_blocks.15",),
        steps=(20, 40),
    ),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Exports the pages and prints what each leaves out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [atlas.name for atlas in ATLASES]
    parser.add_argument("logs", nargs="?", type=Path, help="directory of the logs")
    parser.add_argument("names", nargs="*", help=f"only these pages: {', '.join(names)}")
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, help="directory of the pages (default: %(default)s)"
    )
    parser.add_argument(
        "--current-tab",
        action="store_true",
        help="put the current tab into all pages; their data stay, so the wire format must, too",
    )
    arguments = parser.parse_args(argv)
    if arguments.current_tab:
        for page in sorted(arguments.output.glob("*.html")):
            replace_tab(page)
        return
    if arguments.logs is None:
        parser.error("pass the directory of the logs, or --current-tab")
    unknown = [name for name in arguments.names if name not in names]
    if unknown:
        parser.error(f"no page is called {unknown[0]!r}; pass any of {', '.join(names)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for atlas in ATLASES:
        if not arguments.names or atlas.name in arguments.names:
            export(atlas, arguments.logs, arguments.output)


def export(atlas: GalleryAtlas, logs: Path, output: Path) -> None:
    """Exports one page; an older one is replaced."""
    page = export_html(
        logs / atlas.log,
        output / f"{atlas.name}.html",
        layers=atlas.layers,
        steps=atlas.steps,
        activations=False,
        images=atlas.images,
        max_megabytes=atlas.max_megabytes,
        title=atlas.title,
        force=True,
    )
    print(f"{page.path}: {page.bytes / 1e6:.2f} MB", *page.omitted, sep="\n  ")


def replace_tab(page: Path) -> None:
    """Writes a page again with the tab of this version and the responses that it contains."""
    content = page.read_bytes()
    found = _PAGE.search(content)
    if found is None:
        raise SystemExit(f"{page} is not an exported page")
    info = msgspec.json.decode(found[1], type=ExportedPage)
    responses = []
    for one, body in zip(info.requests, _BODY.findall(content), strict=True):
        data = base64.b64decode(body)
        responses.append(
            RecordedResponse(
                route=one.request.partition("?")[0],
                request=one.request,
                status=one.status,
                data=gzip.decompress(data) if one.gzipped else data,
            )
        )
    with replace_file(page) as file:
        write_page(file, info, responses)
    print(f"{page}: {page.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
