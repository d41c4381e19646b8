# SPDX-License-Identifier: Apache-2.0
"""A grid whose icons take many pages: only the pages in view are requested."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from urllib.parse import parse_qs

import numpy as np
import pytest
from atlas_tab import Tab
from numpy.typing import NDArray
from synthetic_atlases import INPUT_SIDE, make_atlas, make_grid, write_atlases
from tensorboard_server import start_tensorboard, wait_for_atlases

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.sprite_sheets import pack

COARSE, FINE, TILE, STEP = 5, 40, 128, 10
SHADES = 230 - 5 * np.arange(FINE)
"""Gray value of the icons of each row."""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
VIEW = {"run": "pages/atlas", "layer": "layer3", "x": 0.5}


def make_paged_atlas() -> Atlas:
    """Returns an atlas with two samples in each cell, and icons that are darker to the bottom."""
    atlas = make_atlas(STEP, samples=2 * FINE**2, grids=(COARSE,), images=400)
    cells = np.arange(2 * FINE**2) // 2
    places = np.stack([cells % FINE, cells // FINE], axis=1)
    xy = ((places + 0.5) / FINE).astype(np.float32)
    labels = atlas.samples.labels
    assert labels is not None
    coarse, fine = (make_grid(size, xy, labels, 1, 1) for size in (COARSE, FINE))
    shades = SHADES[fine.rows].astype(np.uint8)
    icons = np.broadcast_to(shades[:, None, None, None], (FINE**2, TILE, TILE, 3))
    return atlas.replace(
        samples=dataclasses.replace(
            atlas.samples,
            xy=xy,
            clamped=np.zeros(len(xy), bool),
            boxes=np.tile(np.array([0, 0, INPUT_SIDE, INPUT_SIDE], np.int32), (len(xy), 1)),
        ),
        quality=dataclasses.replace(atlas.quality, clamped=0),
        grids=(coarse, dataclasses.replace(fine, sheets=pack(np.ascontiguousarray(icons)))),
    )


@pytest.fixture(scope="module")
def paged_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("pages")
    atlas = make_paged_atlas()
    sheets = atlas.grids[1].sheets
    assert sheets is not None
    assert len(sheets.pages) == 7
    write_atlases(directory / "pages", [atlas])
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 1)
        yield url


def list_requested_pages(tab: Tab) -> list[int]:
    """Returns the numbers of the requested pages of the fine grid, in order."""
    queries = [one.partition("?")[2] for one in tab.requests if one.startswith("sheet?")]
    blobs = [int(parse_qs(query)["blob"][0]) for query in queries]
    return [blob - min(blobs) - 1 for blob in blobs[1:]]


def capture_shade(tab: Tab, row: int) -> NDArray[np.int16]:
    """Returns the red values in the center of a cell in the middle column."""
    return tab.capture_cell(FINE, row, FINE // 2)[..., 0]


def go_down(tab: Tab) -> None:
    """Moves the view from the top of the map to its bottom."""
    place = tab.page.url.partition("#")[2].replace(".y=0.05", ".y=0.95")
    tab.page.evaluate("hash => { location.hash = hash; }", place)


def test_only_the_pages_in_view_are_requested(paged_log: str, tab: Tab) -> None:
    tab.open(paged_log, standalone=True, **VIEW, y=0.05, z=6, grid=FINE)
    assert set(list_requested_pages(tab)) <= {0, 1}
    np.testing.assert_allclose(capture_shade(tab, 2), SHADES[2], atol=3)

    tab.page.route("**/sheet?**", lambda route: None)  # holds the requests
    with tab.page.expect_request("**/sheet?**"):
        go_down(tab)
    # A missing icon would have stripes, but these are on their way.
    tab.page.evaluate(TWO_FRAMES)
    assert np.ptp(capture_shade(tab, FINE - 3)) <= 2
    assert tab.dataset["ready"] == "false"

    tab.page.unroute("**/sheet?**")  # continues the requests
    tab.settle()
    np.testing.assert_allclose(capture_shade(tab, FINE - 3), SHADES[FINE - 3], atol=3)
    assert {6} <= set(list_requested_pages(tab)) <= {0, 1, 5, 6}
