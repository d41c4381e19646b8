# SPDX-License-Identifier: Apache-2.0
"""The map looks as in the approved snapshots.

`pytest tests/e2e/app/test_snapshots.py --update-snapshots` overwrites the snapshots. Differences
are saved to `test-results/snapshot-*.png`: expected, actual, and difference. Text is hidden, since
it depends on the fonts of the machine; other tests check it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import browser_logs
import numpy as np
import pytest
from atlas_tab import Tab
from conftest import Serve
from numpy.typing import NDArray
from snapshots import MAX_DIFFERENCE, SNAPSHOTS, compare_with_snapshot

WARM = {"run": "warm/atlas", "layer": "layer3", "grid": 10}
VIEW = {"width": 1000, "height": 700}

HIDE_TEXT = """app => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    * { font-size: 0 !important; line-height: 18px !important; transition: none !important;
        animation: none !important; }
    select, input { visibility: hidden !important; }
    .veil * { outline: 3px solid #789 !important; }
  `);
  app.shadowRoot.adoptedStyleSheets = [...app.shadowRoot.adoptedStyleSheets, sheet];
}"""
"""Sets the font size to 0, so that the layout does not depend on fonts."""

HIDE_CANVAS_TEXT = """
CanvasRenderingContext2D.prototype.fillText = () => {};
CanvasRenderingContext2D.prototype.strokeText = () => {};
CanvasRenderingContext2D.prototype.measureText = (text) => ({width: 6 * text.length});
"""
"""Hides the text on canvases."""

Show = Callable[[Tab, Serve], None]


def make_state(log: str, *flags: str, theme: str = "light", **state: Any) -> Show:
    def show(tab: Tab, serve: Serve) -> None:
        tab.page.add_init_script(HIDE_CANVAS_TEXT)
        tab.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        tab.open(serve(log, "data-server", *flags), standalone=True, **state)
        tab.settle(theme=theme)

    return show


STATES: dict[str, Show] = {
    "map-light": make_state("valid", **WARM),
    "map-dark": make_state("valid", theme="dark", **WARM),
    "map-near": make_state("valid", **{**WARM, "grid": 20}, x="0.6500", y="0.4500", z="2.500"),
    "points": make_state("valid", **WARM, color="class", show="points"),
    "class-filter": make_state("valid", **WARM, filter="top:3"),
    "difference": make_state("concepts", run="moving/atlas", grid=4, step=200, compare=100),
    "panes": make_state(
        "layers",
        run="net/atlas",
        layer="stage1",
        step=100,
        grid=4,
        compare=";stage2,,net%2Fatlas",
    ),
    "table": make_state("valid", **WARM, view="table"),
    "empty": make_state("empty"),
    "error": make_state(
        "damaged", "--path_prefix=/lab/one", run="flaws/atlas", layer="layer3", step=100
    ),
}


def capture_without_text(tab: Tab) -> NDArray[np.int16]:
    """Returns the page without text."""
    tab.app.evaluate(HIDE_TEXT)
    tab.page.mouse.move(2, 2)
    tab.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    tab.settle()
    return tab.capture({"x": 0, "y": 0, **VIEW})


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-snapshots"))


@pytest.mark.parametrize("name", STATES)
def test_it_looks_like_the_snapshot(name: str, update: bool, serve: Serve, tab: Tab) -> None:
    tab.ignore_errors("Failed to load resource")
    tab.page.set_viewport_size(VIEW)
    STATES[name](tab, serve)
    share = compare_with_snapshot(name, capture_without_text(tab), update)
    assert share <= MAX_DIFFERENCE, (
        f"{share:.2%} of the pixels differ: see test-results/snapshot-{name}.png"
    )


def test_one_tile_of_another_color_is_detected(serve: Serve, tab: Tab) -> None:
    """So are a missing tile, another theme and another state."""
    tab.page.set_viewport_size(VIEW)
    STATES["map-light"](tab, serve)
    picture = capture_without_text(tab)
    assert compare_with_snapshot("map-light", picture, False) <= MAX_DIFFERENCE
    grid = browser_logs.make_valid_atlas("layer3", browser_logs.STEPS[-1]).grids[0]
    assert grid.icons is not None
    tints = grid.icons.astype(int).mean(axis=(1, 2))
    reddest = int((tints[:, 0] - tints[:, 2]).argmax())
    x, y, side = tab.locate_cell(10, int(grid.rows[reddest]), int(grid.cols[reddest]))
    rows, cols = (slice(int(at - side / 2), int(at + side / 2)) for at in (y, x))
    planted = picture.copy()
    planted[rows, cols] = picture[rows, cols][..., ::-1]  # red for blue
    assert compare_with_snapshot("map-light", planted, False) > 1.5 * MAX_DIFFERENCE
    gone = picture.copy()
    gone[rows, cols] = (245, 246, 247)
    assert compare_with_snapshot("map-light", gone, False) > 1.5 * MAX_DIFFERENCE
    tab.ignore_errors("Failed to load resource")
    for name, other in (
        ("map-light", "map-dark"),
        ("map-light", "class-filter"),
        ("empty", "error"),
        ("error", "empty"),
    ):
        tab.page.goto("about:blank")
        STATES[other](tab, serve)
        assert compare_with_snapshot(name, capture_without_text(tab), False) > 4 * MAX_DIFFERENCE, (
            other
        )


def test_the_snapshots_are_small() -> None:
    kept = {path.stem: path.stat().st_size for path in SNAPSHOTS.glob("*.webp")}
    assert set(kept) == set(STATES)
    assert sum(kept.values()) < 60_000, kept
