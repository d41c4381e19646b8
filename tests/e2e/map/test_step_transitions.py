# SPDX-License-Identifier: Apache-2.0
"""Transitions between steps: icons move with their samples, or fade in place."""

from __future__ import annotations

import numpy as np
import pytest
from atlas_tab import Tab
from conftest import Serve
from disabled_features import NO_WEBGL
from numpy.typing import NDArray
from playwright.sync_api import expect

HELD_CLOCK = """
const real = window.requestAnimationFrame.bind(window);
const waiting = [];
let now = null;
window.requestAnimationFrame = (call) => now === null ? real(call) : waiting.push(call);
window.hold = () => { now = performance.now(); };
window.tick = (milliseconds) => {
  now += milliseconds;
  for (const call of waiting.splice(0)) call(now);
};
window.release = () => { now = null; for (const call of waiting.splice(0)) real(call); };
"""
HALF_WAY_MS = (0, 50, 50, 50)


@pytest.fixture
def concept_log(serve: Serve) -> str:
    """The log, served by the data server only."""
    return serve("concepts", "data-server")


def capture_transition(tab: Tab, url: str, run: str, **state: object) -> list[NDArray[np.int16]]:
    """Returns the map at step 100, halfway to step 200, and at step 200."""
    tab.page.add_init_script(HELD_CLOCK)
    tab.open(url, standalone=True, run=run, grid=4, step=200, **state)
    tab.press_keys(",")
    tab.wait_for_step(100)
    pictures = [tab.capture()]
    tab.page.evaluate("hold()")
    tab.press_keys(".")
    tab.app.and_(tab.page.locator('[data-shown-step="200"]')).wait_for(state="attached")
    for milliseconds in HALF_WAY_MS:
        tab.page.evaluate("tick", milliseconds)
    pictures.append(tab.capture())
    tab.page.evaluate("release()")
    tab.wait_for_step(200)
    return [*pictures, tab.capture()]


def measure_motion(
    before: NDArray[np.int16], half: NDArray[np.int16], after: NDArray[np.int16]
) -> float:
    """Returns the fraction of pixels that are no blend of both steps halfway between them."""
    low, high = np.minimum(before, after) - 8, np.maximum(before, after) + 8
    return float(((half < low) | (half > high)).any(axis=2).mean())


@pytest.mark.parametrize("renderer", ["webgl", "canvas"])
def test_icons_move_with_their_samples(concept_log: str, tab: Tab, renderer: str) -> None:
    if renderer == "canvas":
        tab.page.add_init_script(NO_WEBGL)
    before, half, after = capture_transition(tab, concept_log, "moving/atlas")
    assert tab.dataset["renderer"] == renderer
    assert measure_motion(before, half, after) > 0.02
    assert np.abs(after - before).mean() > 1


def test_icons_fade_in_place_on_a_fixed_map(concept_log: str, tab: Tab) -> None:
    before, half, after = capture_transition(tab, concept_log, "moving/atlas", map="fixed")
    assert measure_motion(before, half, after) < 0.002
    assert np.abs(half - before).mean() > 0.3
    assert np.abs(half - after).mean() > 0.3


def test_nothing_moves_between_different_probes(concept_log: str, tab: Tab) -> None:
    before, half, after = capture_transition(tab, concept_log, "other/atlas")
    assert measure_motion(before, half, after) < 0.002


def test_the_option_has_a_key_and_is_in_the_link(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, run="moving/atlas")
    choice = tab.app.get_by_role("radiogroup", name="Motion between steps")
    expect(choice.get_by_label("Moving map")).to_be_checked()
    choice.get_by_label("Fixed map").check(force=True)
    tab.wait_for_hash(map="fixed")
    tab.press_keys("m")
    tab.wait_for_hash(map=None)
    expect(choice.get_by_label("Moving map")).to_be_checked()


def test_reduced_motion_has_no_transition(concept_log: str, tab: Tab) -> None:
    tab.page.emulate_media(reduced_motion="reduce")
    tab.page.add_init_script(HELD_CLOCK)
    tab.open(concept_log, standalone=True, run="moving/atlas", grid=4, step=200)
    there = tab.capture()
    tab.press_keys(",")
    tab.wait_for_step(100)
    tab.page.evaluate("hold()")
    tab.press_keys(".")
    tab.app.and_(tab.page.locator('[data-shown-step="200"]')).wait_for(state="attached")
    tab.page.evaluate("tick", 0)
    assert np.abs(tab.capture() - there).max() == 0
