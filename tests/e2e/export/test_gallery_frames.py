# SPDX-License-Identifier: Apache-2.0
"""Pages of the documentation's gallery, opened from disk: the atlases in their frames load."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from exported_tab import ExportedTab
from gallery_pages import ATLASES, GALLERY, build_page, find_frame
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("name", "shown"), [("marker", "Shortcuts"), ("four-layers", "Layer of pane 2")]
)
def test_the_atlas_of_a_page_opens_in_its_state(
    name: str, shown: str, tmp_path: Path, exported_tab: ExportedTab
) -> None:
    """The hash of the frame opens the list of shortcuts, or a second map."""
    tab = exported_tab
    source = GALLERY / f"{name}.md"
    page = tmp_path / name / "index.html"
    page.parent.mkdir()
    page.write_text(build_page(source), "utf-8")
    frame = find_frame(source)
    (tmp_path / "atlases").mkdir()
    atlas = shutil.copy(frame.path, tmp_path / ATLASES.name)
    tab.pages |= {page.as_uri(), Path(atlas).as_uri()}
    tab.page.goto(page.as_uri())
    tab.page.locator("iframe").scroll_into_view_if_needed()
    tab.enter_iframe().settle()
    expect(tab.app.get_by_label(shown, exact=True).first).to_be_visible()
