# SPDX-License-Identifier: Apache-2.0
"""Later revisions of an atlas replace earlier ones while the map is open."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from atlas_tab import Tab
from conftest import wait_for_atlases
from playwright.sync_api import expect
from synthetic_atlases import make_atlas
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES, Atlas
from tensorboard_plugin_atlas.log_names import Revision, layer_tag, refined_run
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.sprite_sheets import pack
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.refinement_mark import REFINES

RUN, LAYER, STEP, SIZE = "exp/atlas", "layer3", 40, 6
SHADES = {"examples": 60, "inversion": 130, "poster": 200}


def make_revision(kind: str, refines: str | None = None) -> Atlas:
    """Returns an atlas whose icons have one gray value for each kind."""
    atlas = make_atlas(STEP, layer=LAYER, samples=200, grids=(SIZE,), min_count=1, tile=16)
    (grid,) = atlas.grids
    code = ICON_KIND_CODES.index(kind)
    grid = dataclasses.replace(
        grid,
        kind_codes=np.full_like(grid.kind_codes, code),
        sheets=pack(np.full((len(grid.rows), 16, 16, 3), SHADES[kind], np.uint8)),
    )
    info = {**atlas.provenance.layer_info, **({} if refines is None else {REFINES: refines})}
    provenance = dataclasses.replace(atlas.provenance, layer_info=info)
    return atlas.replace(grids=(grid,), provenance=provenance)


@pytest.fixture
def preliminary_log(loader: str, tmp_path: Path) -> Iterator[tuple[Path, EventSink, str]]:
    """A run with one preliminary atlas: its log directory, sink and URL."""
    sink = EventSink(tmp_path / RUN)
    sink.write(
        layer_tag(LAYER, Revision.PRELIMINARY), encode_atlas(make_revision("examples")), STEP
    )
    sink.flush()
    with start_tensorboard(tmp_path, loader == "data-server") as url:
        wait_for_atlases(url, 1)
        yield tmp_path, sink, url
    sink.close()


def read_shade(tab: Tab) -> int:
    """Returns the median gray value of the pinned cell on the screen."""
    row, col = find_cell()
    return round(float(np.median(tab.capture_cell(SIZE, row, col, 0.3))))


def find_cell() -> tuple[int, int]:
    (grid,) = make_revision("examples").grids
    fullest = int(np.argmax(grid.counts))
    return int(grid.rows[fullest]), int(grid.cols[fullest])


def wait_for_kind(tab: Tab, kind: str) -> None:
    """Reloads until the map shows icons of `kind`."""
    deadline = time.monotonic() + 120
    while abs(read_shade(tab) - SHADES[kind]) > 4:
        assert time.monotonic() < deadline, (kind, read_shade(tab))
        tab.page.locator(".reload-button").click()
        tab.page.mouse.move(2, 2)
        tab.page.wait_for_timeout(300)
    expect(tab.legend).to_contain_text(kind)


@pytest.mark.both_loaders
def test_icons_are_swapped_in_place(preliminary_log: tuple[Path, EventSink, str], tab: Tab) -> None:
    directory, sink, url = preliminary_log
    tab.open(url)
    row, col = find_cell()
    tab.press_keys("+")
    tab.settle()
    x, y, _ = tab.locate_cell(SIZE, row, col)
    tab.page.mouse.click(x, y)
    expect(tab.inspector).to_be_visible()
    tab.page.mouse.move(2, 2)
    wait_for_kind(tab, "examples")
    banner = tab.app.locator(".banner")
    expect(banner).to_contain_text(f"Step {STEP} is preliminary")
    tab.wait_for_hash(step=STEP, z="1.500")  # written shortly after the camera stops
    before, world, marks = tab.state, tab.map_box, tab.dataset

    blobs = encode_atlas(make_revision("inversion"))
    sink.write(layer_tag(LAYER), blobs, STEP)
    sink.flush()
    wait_for_kind(tab, "inversion")
    expect(banner).to_have_count(0)
    refined = EventSink(directory / refined_run(RUN, 1))
    atlas = make_revision("poster", blobs[0][:8].decode())
    refined.write(layer_tag(LAYER, Revision.REFINED), encode_atlas(atlas), STEP)
    refined.close()
    wait_for_kind(tab, "poster")

    assert tab.settle() == marks
    assert (tab.state, tab.map_box) == (before, world)
    expect(tab.inspector).to_be_visible()
    assert tab.app.get_by_role("button", name="new step").count() == 0
