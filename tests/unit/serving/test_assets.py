# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tensorboard_plugin_atlas.serving import assets
from tensorboard_plugin_atlas.wire.atlas_codec import checksum

FILES = {
    "index.js": "text/javascript",
    "chunk-1.js": "text/javascript",
    "style.css": "text/css",
    "font.woff2": "font/woff2",
    "picture.webp": "image/webp",
    "worker.wasm": "application/wasm",
    "sample.safetensors": "application/octet-stream",
}


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(assets, "resources", SimpleNamespace(files=lambda _package: tmp_path))
    (tmp_path / "static").mkdir()
    return tmp_path / "static"


def test_every_file_of_a_known_type_has_a_route(static: Path) -> None:
    for name in FILES:
        (static / name).write_bytes(name.encode())
    table = assets.load_assets()
    assert {route: asset.content_type for route, asset in table.items()} == {
        "/" + name: content_type for name, content_type in FILES.items()
    }
    assert all(table["/" + name].data == name.encode() for name in FILES)
    assert table["/style.css"].etag == checksum(b"style.css")


def test_pages_maps_and_folders_have_none(static: Path) -> None:
    for name in ("index.html", "icon.svg", "index.js.map", "js", "LICENSE", ".js.swp"):
        (static / name).write_bytes(b"x")
    (static / "folder.js").mkdir()
    assert list(assets.load_assets()) == ["/index.js"]


def test_a_front_end_that_is_missing_says_so_itself(static: Path) -> None:
    text = assets.load_assets()["/index.js"].data.decode()
    assert text.startswith("export function render()")
    assert "pip install --force-reinstall tensorboard_plugin_atlas" in text


def test_an_installation_without_the_folder_still_loads(static: Path) -> None:
    static.rmdir()
    assert list(assets.load_assets()) == ["/index.js"]
