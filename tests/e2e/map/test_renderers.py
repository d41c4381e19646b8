# SPDX-License-Identifier: Apache-2.0
"""The map without WebGL2, after a lost context, and with reduced motion."""

from __future__ import annotations

import numpy as np
import pytest
from atlas_tab import Tab
from disabled_features import NO_WEBGL, WEBGL_CONTEXT
from playwright.sync_api import expect

WARM = {"run": "warm/atlas", "layer": "layer3"}
TWO_FRAMES = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(done)))"""


def test_without_webgl2_the_map_is_drawn_on_a_2d_canvas(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM)
    by_webgl = tab.capture()
    tab.page.add_init_script(NO_WEBGL)
    tab.page.reload()
    tab.settle(renderer="canvas")
    expect(tab.app.locator(".banner")).to_contain_text("This browser has no WebGL2")
    by_canvas = tab.capture()
    shared = np.abs(by_canvas - by_webgl)[60:-60]
    assert (shared.max(axis=2) > 40).mean() < 0.02
    tab.select_option("Color by", "Class")
    tab.app.get_by_text("Both", exact=True).click()
    tab.wait_for_hash(show="both")
    tab.settle()
    assert np.abs(tab.capture() - by_canvas).mean() > 0.5
    tab.press_keys("+", "+")
    tab.settle(level=20)
    tab.press_keys("ArrowRight")
    expect(tab.card).to_be_visible()


def test_a_lost_context_is_restored(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, show="both", color="class")
    before = tab.capture()
    tab.map.evaluate(
        f"""map => new Promise((done) => {{
          const gl = {WEBGL_CONTEXT};
          window.lose = gl.getExtension('WEBGL_lose_context');
          map.querySelector('canvas').addEventListener('webglcontextlost', done, {{once: true}});
          window.lose.loseContext();
        }})"""
    )
    assert tab.map.evaluate(f"map => {WEBGL_CONTEXT}.isContextLost()")
    # The tab still works without the context.
    tab.press_keys(",")
    tab.settle(step=1600)
    tab.map.evaluate(
        """map => new Promise((done) => {
          map.querySelector('canvas').addEventListener('webglcontextrestored', done, {once: true});
          window.lose.restoreContext();
        })"""
    )
    tab.press_keys(".")
    tab.wait_for_step(3200)
    tab.map.evaluate(TWO_FRAMES)
    assert np.abs(tab.capture() - before).max() <= 2


@pytest.mark.parametrize("is_reduced", [True, False], ids=["reduced-motion", "full-motion"])
def test_reduced_motion_is_respected(is_reduced: bool, valid_log: str, tab: Tab) -> None:
    tab.page.emulate_media(reduced_motion="reduce" if is_reduced else "no-preference")
    tab.open(valid_log, standalone=True, **WARM)
    ratio = tab.map.evaluate(
        """map => {
          const side = () => map.boxOf({size: 1, row: 0, col: 0}).side;
          const before = side();
          map.dispatchEvent(new KeyboardEvent('keydown', {key: '+', bubbles: true}));
          return side() / before;
        }"""
    )
    assert ratio == pytest.approx(1.5 if is_reduced else 1.0)
    tab.wait_for_hash(z="1.500")
    tab.press_keys(",")
    tab.wait_for_step(1600)
    tab.page.emulate_media(reduced_motion="no-preference")


def test_a_panned_map_equals_a_map_drawn_there(valid_log: str, tab: Tab) -> None:
    def drag(*moves: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Returns a new map before and after it was dragged by some offsets in pixels."""
        tab.page.goto("about:blank")
        tab.open(valid_log, standalone=True, **WARM, grid=20, z="4.000", show="both")
        x, y = tab.map_center()
        tab.page.mouse.move(x, y)
        tab.page.mouse.down()
        before = tab.capture()
        for right, down in moves:
            tab.page.mouse.move(x + right, y + down)
            tab.map.evaluate(TWO_FRAMES)
        after = tab.capture()
        tab.page.mouse.up()
        return before, after

    # The first is composed of copies of parts, the second is drawn at once.
    before, pushed = drag((40, 20), (90, -30), (170, -60), (280, -60), (200, -90))
    _, drawn = drag((200, -90))
    assert np.abs(pushed - drawn).max() <= 1
    # A region without panels.
    assert np.abs(pushed[150:400, 500:900] - before[240:490, 300:700]).max() <= 1
    assert np.abs(pushed - before).mean() > 5
