# SPDX-License-Identifier: Apache-2.0
"""The gallery of the documentation: frames show exports, and `scripts/gallery` makes them."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT
from gallery_pages import ATLASES, PAGES, find_frame
from synthetic_atlases import write_log

from tensorboard_plugin_atlas.export.page import read_page_script

MAX_BYTES = 2_500_000
MAX_TOTAL_BYTES = 12_000_000
DATA = re.compile(r'<script type="application/json" id="atlas-page">(.*?)</script>')

spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "scripts" / "make_gallery.py")
make_gallery = importlib.util.module_from_spec(spec)
sys.modules["make_gallery"] = make_gallery  # dataclasses look their module up
spec.loader.exec_module(make_gallery)


def read_export(path: Path) -> dict[str, Any]:
    """Returns the data of an exported page."""
    (data,) = DATA.findall(path.read_text("utf-8"))
    return json.loads(data)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
class TestFrames:
    def test_a_frame_shows_an_export_below_the_limit(self, page: Path) -> None:
        path = find_frame(page).path
        assert path.stat().st_size <= MAX_BYTES
        export = read_export(path)
        atlases = [one for one in export["requests"] if one["request"].startswith("atlas?")]
        (known,) = (one for one in make_gallery.ATLASES if one.name == path.stem)
        assert export["title"] == known.title
        assert len(atlases) == len(known.layers) * len(known.steps or (0,))

    def test_a_frame_is_sandboxed_and_has_a_title(self, page: Path) -> None:
        frame = find_frame(page)
        assert frame.attributes["sandbox"] == "allow-scripts allow-downloads"
        assert frame.attributes["loading"] == "lazy"
        assert frame.attributes["title"].startswith("Live atlas: ")

    def test_the_page_links_to_the_export_and_states_its_size(self, page: Path) -> None:
        path = find_frame(page).path
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        link = f"[Open the atlas alone](atlases/{path.name}) ({size})"
        assert link in page.read_text("utf-8")

    def test_the_page_states_what_the_export_lacks(self, page: Path) -> None:
        omitted = " ".join(read_export(find_frame(page).path)["omitted"])
        text = re.sub(r"\s+", " ", page.read_text("utf-8"))
        assert "no activations" in text
        largest = re.search(r"Grids with more than (\d+) x", omitted)
        assert largest is None or f"{largest[1]} \N{MULTIPLICATION SIGN} {largest[1]} grid" in text

    def test_the_commands_export_these_layers_and_steps(self, page: Path) -> None:
        text = page.read_text("utf-8")
        (known,) = (one for one in make_gallery.ATLASES if one.name == page.stem)
        assert re.findall(r"--step (\d+)", text) == [str(step) for step in known.steps or ()]
        assert re.findall(r'--layer "?(.*?)"?(?= -|\n)', text) == list(known.layers)


def test_every_export_is_shown_and_all_are_below_the_limit() -> None:
    exports = set(ATLASES.iterdir())
    assert {find_frame(page).path for page in PAGES} == exports
    assert {f"{one.name}.html" for one in make_gallery.ATLASES} == {it.name for it in exports}
    assert sum(path.stat().st_size for path in exports) <= MAX_TOTAL_BYTES


class TestScript:
    @pytest.fixture
    def output(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Makes the script export one layer of a synthetic log, below `tmp_path`."""
        write_log(tmp_path / "logs" / "small")
        small = make_gallery.GalleryAtlas(
            name="small", log="small", title="A title", layers=("layer3",)
        )
        monkeypatch.setattr(
            make_gallery, "ATLASES", (small, replace(small, name="other", log="missing"))
        )
        return tmp_path / "pages"

    def test_it_exports_the_chosen_pages(
        self, output: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for _ in range(2):  # an older page is replaced
            make_gallery.main([str(output.parent / "logs"), "small", "--output", str(output)])
        assert [path.name for path in output.iterdir()] == ["small.html"]
        assert read_export(output / "small.html")["title"] == "A title"
        assert "Activations are left out" in capsys.readouterr().out

    def test_a_page_that_does_not_exist_is_rejected(
        self, output: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            make_gallery.main([str(output.parent / "logs"), "smal", "--output", str(output)])
        assert "no page is called 'smal'; pass any of small, other" in capsys.readouterr().err
        assert not output.exists()

    def test_the_tab_of_a_page_is_replaced_and_its_data_stay(self, tmp_path: Path) -> None:
        page = tmp_path / "two-classes.html"
        content = (ATLASES / page.name).read_bytes()
        start = content.rindex(b"<script>") + len(b"<script>")
        page.write_bytes(
            content[:start] + b"alert(1)" + content[content.index(b"</script>", start) :]
        )
        make_gallery.main(["--current-tab", "--output", str(tmp_path)])
        assert read_export(page) == read_export(ATLASES / page.name)
        assert read_page_script() in page.read_bytes()
        assert b"alert(1)" not in page.read_bytes()
