# SPDX-License-Identifier: Apache-2.0
"""Loads the built front end into a table from route to bytes.

Requests are looked up in the table and never turned into a path, so that no request can read other
files. Media types are defined here, since `mimetypes` reads the registry on Windows. There is no
HTML: TensorBoard creates the page, which loads the front end as a module.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import PurePath
from typing import Final

from tensorboard_plugin_atlas.wire.manifest import checksum

ENTRY_ROUTE: Final = "/index.js"

_TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".webp": "image/webp",
    ".wasm": "application/wasm",
    ".safetensors": "application/octet-stream",
}
_NOT_BUILT: Final = (
    b"export function render() {\n"
    b"  document.body.textContent = 'The files of the Atlas tab are missing from this installation."
    b" Reinstall it: pip install --force-reinstall tensorboard_plugin_atlas';\n"
    b"}\n"
)


@dataclass(frozen=True)
class Asset:
    """One file: its bytes, media type, and strong ETag."""

    data: bytes
    content_type: str
    etag: str


def load_assets() -> dict[str, Asset]:
    """Returns all files of `static/` by route; `/index.js` always exists."""
    assets = {ENTRY_ROUTE: _asset(_NOT_BUILT, _TYPES[".js"])}
    folder = resources.files("tensorboard_plugin_atlas").joinpath("static")
    for file in folder.iterdir() if folder.is_dir() else ():
        content_type = _TYPES.get(PurePath(file.name).suffix)
        if content_type is not None and file.is_file():
            assets["/" + file.name] = _asset(file.read_bytes(), content_type)
    return assets


def _asset(data: bytes, content_type: str) -> Asset:
    return Asset(data, content_type, checksum(data))
