# SPDX-License-Identifier: Apache-2.0
"""The map looks as it did when somebody last looked and found it good.

`pytest tests/e2e/test_snapshots.py --update-snapshots` keeps what is there now. What differs lies
in `test-results/snapshot-*.png`: then, now, and where. Words are left out: they differ with the
fonts of the machine, and other tests read them.
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
from snapshots import SNAPSHOTS, compare_with_snapshot

MOST = 0.0015
"""Share of a picture that may differ: a tile of the coarsest grid is three times as large."""
WARM = {"run": "warm/atlas", "layer": "layer3", "grid": 10}
VIEW = {"width": 1000, "height": 700}

PLAIN = """app => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    * { font-size: 0 !important; line-height: 18px !important; transition: none !important;
        animation: none !important; }
    select, input { visibility: hidden !important; }
    .veil * { outline: 3px solid #789 !important; }
  `);
  app.shadowRoot.adoptedStyleSheets = [...app.shadowRoot.adoptedStyleSheets, sheet];
}"""
"""Words without size: boxes, lines, tiles and pictures lie where they do with any font."""

WORDLESS = """
CanvasRenderingContext2D.prototype.fillText = () => {};
CanvasRenderingContext2D.prototype.strokeText = () => {};
CanvasRenderingContext2D.prototype.measureText = (text) => ({width: 6 * text.length});
"""
"""The same for what is written on the map."""

Show = Callable[[Tab, Serve], None]


def _of(log: str, *flags: str, theme: str = "light", **state: Any) -> Show:
    def show(tab: Tab, serve: Serve) -> None:
        tab.page.add_init_script(WORDLESS)
        tab.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        tab.open(serve(log, "data-server", *flags), standalone=True, **state)
        tab.settle(theme=theme)

    return show


STATES: dict[str, Show] = {
    "map-light": _of("valid", **WARM),
    "map-dark": _of("valid", theme="dark", **WARM),
    "map-near": _of("valid", **{**WARM, "grid": 20}, x="0.6500", y="0.4500", z="2.500"),
    "points": _of("valid", **WARM, color="class", show="points"),
    "class-filter": _of("valid", **WARM, filter="top:3"),
    "difference": _of("concepts", run="moving/atlas", grid=4, step=200, compare=100),
    "panes": _of(
        "layers",
        run="net/atlas",
        layer="stage1",
        step=100,
        grid=4,
        compare=";stage2,,net%2Fatlas",
    ),
    "table": _of("valid", **WARM, view="table"),
    "empty": _of("empty"),
    "error": _of("damaged", "--path_prefix=/lab/one", run="flaws/atlas", layer="layer3", step=100),
}


def plain(tab: Tab) -> NDArray[np.int16]:
    """The page without its words, when it has come to rest again."""
    tab.app.evaluate(PLAIN)
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
def test_it_looks_as_it_did(name: str, update: bool, serve: Serve, tab: Tab) -> None:
    tab.ignore_errors("Failed to load resource")
    tab.page.set_viewport_size(VIEW)
    STATES[name](tab, serve)
    share = compare_with_snapshot(name, plain(tab), update)
    assert share <= MOST, f"{share:.2%} of it differ: see test-results/snapshot-{name}.png"


def test_one_tile_of_another_color_is_seen(serve: Serve, tab: Tab) -> None:
    """And so is a change of class, of zoom and of theme: what is kept is not only what is grey."""
    tab.page.set_viewport_size(VIEW)
    STATES["map-light"](tab, serve)
    picture = plain(tab)
    assert compare_with_snapshot("map-light", picture, False) <= MOST
    grid = browser_logs.make_valid_atlas("layer3", browser_logs.STEPS[-1]).grids[0]
    assert grid.icons is not None
    tints = grid.icons.astype(int).mean(axis=(1, 2))
    reddest = int((tints[:, 0] - tints[:, 2]).argmax())
    x, y, side = tab.locate_cell(10, int(grid.rows[reddest]), int(grid.cols[reddest]))
    rows, cols = (slice(int(at - side / 2), int(at + side / 2)) for at in (y, x))
    planted = picture.copy()
    planted[rows, cols] = picture[rows, cols][..., ::-1]  # red for blue
    assert compare_with_snapshot("map-light", planted, False) > 1.5 * MOST
    gone = picture.copy()
    gone[rows, cols] = (245, 246, 247)
    assert compare_with_snapshot("map-light", gone, False) > 1.5 * MOST
    tab.ignore_errors("Failed to load resource")
    for name, other in (
        ("map-light", "map-dark"),
        ("map-light", "class-filter"),
        ("empty", "error"),
        ("error", "empty"),
    ):
        tab.page.goto("about:blank")
        STATES[other](tab, serve)
        assert compare_with_snapshot(name, plain(tab), False) > 4 * MOST, other


def test_what_is_kept_is_small() -> None:
    kept = {path.stem: path.stat().st_size for path in SNAPSHOTS.glob("*.webp")}
    assert set(kept) == set(STATES)
    assert sum(kept.values()) < 60_000, kept
