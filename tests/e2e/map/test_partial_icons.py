# SPDX-License-Identifier: Apache-2.0
"""An atlas with some of its icons: on screen, in print, and on a narrow page."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from accessibility import audit, save_screenshots
from atlas_tab import Tab
from conftest import wait_for_atlases
from numpy.typing import NDArray
from playwright.sync_api import expect
from synthetic_atlases import make_atlas, make_probe_pictures
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES, Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, Revision, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

SIZE, STEP, NARROW = 6, 40, 820
PARTIAL = {"run": "half/atlas", "layer": "layer3", "grid": SIZE}
BARE = {**PARTIAL, "layer": "bare"}
OVERLAPS = """app => {
  const boxes = [...app.shadowRoot.querySelectorAll('.bar *, .stage *')]
    .filter((one) => one.matches(`.bar :is(button, select, .segments, .moment, .slider, .note),
        .banner, .legend, .map-buttons, .inspector, .cell-table`)
      && one.checkVisibility() && !one.closest('.event-marks'))
    .map((one) => [one, one.getBoundingClientRect()]);
  const name = (one) => one.getAttribute('aria-label') ?? one.id ?? one.className;
  const within = (a, b) => a.contains(b) || b.contains(a);
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return boxes.flatMap(([one, a], i) => boxes.slice(i + 1)
    .filter(([other, b]) => !within(one, other) && meet(a, b))
    .map(([other]) => `${name(one)} over ${name(other)}`));
}"""
CLIPPED = """app => {
  const scrolls = (one) => one !== null
    && (/auto|scroll/.test(getComputedStyle(one).overflowY) || scrolls(one.parentElement));
  const wide = document.documentElement;
  const found = [...app.shadowRoot.querySelectorAll('button, select, input, .panel, .moment')]
    .filter((one) => one.checkVisibility() && !scrolls(one.parentElement))
    .map((one) => [one, one.getBoundingClientRect()])
    .filter(([, {left, right, top, bottom}]) => left < -1 || top < -1
      || right > innerWidth + 1 || bottom > innerHeight + 1)
    .map(([one]) => one.getAttribute('aria-label') ?? one.className);
  return [...found, ...(wide.scrollWidth > innerWidth ? ['the page scrolls'] : [])];
}"""


def make_partial_atlas(layer: str) -> Atlas:
    """Returns an atlas with every second icon, or without icons."""
    atlas = make_atlas(STEP, layer=layer, samples=200, grids=(SIZE,), min_count=1, tile=16)
    (grid,) = atlas.grids
    codes = np.where(np.arange(len(grid.rows)) % 2, ICON_KIND_CODES.index("examples"), 0)
    if layer == "bare":
        return atlas.replace(
            grids=(dataclasses.replace(grid, kind_codes=0 * grid.kind_codes, sheets=None),)
        )
    return atlas.replace(grids=(dataclasses.replace(grid, kind_codes=codes.astype(np.uint8)),))


@pytest.fixture(scope="module")
def partial_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("unfinished")
    sink = EventSink(directory / "half" / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), 0)
    sink.write(
        layer_tag("layer3", Revision.PRELIMINARY), encode_atlas(make_partial_atlas("layer3")), STEP
    )
    sink.write(layer_tag("bare"), encode_atlas(make_partial_atlas("bare")), STEP)
    sink.close()
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 2)
        yield url


def capture_cell(tab: Tab, icon: int) -> NDArray[np.int16]:
    """Returns the center of a cell near the center of the map, with (1) or without (0) an icon."""
    (grid,) = make_partial_atlas("layer3").grids
    away = np.abs(grid.rows - SIZE / 2 + 0.5) + np.abs(grid.cols - SIZE / 2 + 0.5)
    number = min(range(icon, len(away), 2), key=away.__getitem__)
    return tab.capture_cell(SIZE, int(grid.rows[number]), int(grid.cols[number]), share=0.3)


def test_cells_without_an_icon_are_hatched(partial_log: str, tab: Tab) -> None:
    tab.open(partial_log, standalone=True, **PARTIAL)
    expect(tab.app.locator(".banner")).to_contain_text(f"Step {STEP} is preliminary")
    cells = len(make_partial_atlas("layer3").grids[0].rows)
    expect(tab.legend).to_contain_text(f"{(cells + 1) // 2} missing (hatched)")
    # Stripes from the lower left to the upper right.
    hatched = capture_cell(tab, 0)[..., 0]
    side = min(hatched.shape) // 2
    rising = np.array([hatched[side - i, i] for i in range(side)])
    falling = np.array([hatched[i, i] for i in range(side)])
    assert np.ptp(rising) <= 2
    assert np.ptp(falling) > 15
    audit(tab)
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_be_visible()
    audit(tab, "partial-icons")


def test_nothing_is_hatched_if_there_are_no_icons(partial_log: str, tab: Tab) -> None:
    tab.open(partial_log, standalone=True, **BARE)
    assert len(np.unique(capture_cell(tab, 0))) <= 3
    expect(tab.legend).not_to_contain_text("missing")


def test_controls_are_not_printed(partial_log: str, tab: Tab) -> None:
    tab.open(partial_log, standalone=True, **PARTIAL, color="class")
    shown = capture_cell(tab, 1)
    tab.page.emulate_media(media="print")
    for part in (".buttons", ".map-buttons", ".motion", ".transport"):
        expect(tab.app.locator(part)).to_be_hidden()
    expect(tab.legend).to_be_visible()
    expect(tab.app.locator(".moment")).to_contain_text(f"Step {STEP}")
    assert np.abs(capture_cell(tab, 1) - shown).max() <= 1
    adjust = tab.app.evaluate("app => getComputedStyle(app).printColorAdjust")
    assert adjust == "exact"
    assert len(tab.page.pdf()) > 5_000
    tab.page.emulate_media(media="screen")
    expect(tab.app.locator(".map-buttons")).to_be_visible()


@pytest.mark.parametrize(
    "state",
    [{}, {"color": "class", "show": "both"}, {"filter": "top:1"}, {"view": "table"}],
    ids=["map", "points", "filter", "table"],
)
def test_nothing_is_clipped_or_covered_on_a_narrow_page(
    state: dict[str, str], partial_log: str, tab: Tab
) -> None:
    tab.page.set_viewport_size({"width": NARROW, "height": 800})
    tab.open(partial_log, standalone=True, **PARTIAL, **state)
    for keys in ((), ("ArrowRight", "Enter")) if "view" not in state else ((),):
        tab.press_keys(*keys) if keys else None
        assert tab.app.evaluate(OVERLAPS) == []
        assert tab.app.evaluate(CLIPPED) == []
    save_screenshots(tab, "-".join(["narrow", *itertools.chain(*state.items())]))
