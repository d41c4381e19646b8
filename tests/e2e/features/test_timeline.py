# SPDX-License-Identifier: Apache-2.0
"""The time line: slider, play, what was kept, and checkpoints that come while one looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from atlas_tab import Tab
from browser_logs import KEPT_STEPS, LONG_RUN, STEPS, append_steps
from conftest import wait_for_atlases
from playwright.sync_api import expect
from tensorboard_server import start_tensorboard

WARM = {"run": "warm/atlas", "layer": "layer3"}
TICK_STEPS = "ticks => ticks.map((tick) => Number(tick.dataset.step))"


@pytest.fixture
def growing(loader: str, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A log of two checkpoints that a test may add to, and where it is served."""
    append_steps(tmp_path, (0, 10))
    with start_tensorboard(tmp_path, loader == "data-server") as url:
        wait_for_atlases(url, 2)
        yield tmp_path, url


@pytest.mark.both_loaders
def test_the_slider_reaches_every_logged_step(sound: str, tab: Tab) -> None:
    tab.open(sound, **WARM)
    last = tab.picture()
    assert tab.app.locator(".tick").evaluate_all(TICK_STEPS) == list(STEPS)
    box = tab.slider.bounding_box()
    assert box is not None
    tab.page.mouse.click(box["x"] + 10, box["y"] + box["height"] / 2)
    tab.shows(0)
    tab.linked(step=0)
    assert np.abs(tab.picture() - last).mean() > 3
    expect(tab.slider).to_have_attribute("aria-valuetext", "step 0, 1 of 8")

    tab.slider.focus()
    for step in STEPS[1:3]:
        tab.page.keyboard.press("ArrowRight")
        tab.shows(step)
    tab.page.keyboard.press("End")
    tab.shows(STEPS[-1])
    tab.linked(step=STEPS[-1])
    assert np.abs(tab.picture() - last).max() == 0


def test_keys_and_buttons_walk_the_steps(sound: str, tab: Tab) -> None:
    tab.open(sound, alone=True, **WARM, step=400)
    tab.shows(400)
    tab.key(",")
    tab.shows(200)
    tab.key(".")
    tab.shows(400)
    tab.press("Next step")
    tab.shows(800)
    tab.press("Previous step")
    tab.shows(400)
    tab.slider.press("Home")
    tab.shows(0)
    expect(tab.app.get_by_role("button", name="Previous step")).to_be_disabled()
    tab.key(",")
    tab.shows(0)


def test_play_walks_to_the_end_and_stops(sound: str, tab: Tab) -> None:
    tab.open(sound, alone=True, **WARM, step=800)
    tab.app.evaluate(
        """app => {
          window.walked = [Number(app.dataset.step)];
          new MutationObserver(() => {
            const step = Number(app.dataset.step);
            if (window.walked.at(-1) !== step) window.walked.push(step);
          }).observe(app, {attributes: true, attributeFilter: ['data-step']});
        }"""
    )
    tab.press("Play the steps")
    tab.app.get_by_role("button", name="Pause").wait_for()
    tab.shows(3200)
    tab.app.get_by_role("button", name="Play the steps").wait_for()
    assert tab.app.evaluate("() => window.walked") == [800, 1600, 3200]
    # From the end it begins anew, and a second press holds it on its way.
    tab.key(" ")
    tab.app.evaluate(
        """() => new Promise((done) => {
          const look = () => window.walked.includes(0) ? done() : requestAnimationFrame(look);
          look();
        })"""
    )
    tab.key(" ")
    tab.app.get_by_role("button", name="Play the steps").wait_for()
    assert int(tab.settle()["step"]) in STEPS[:-1]


@pytest.mark.both_loaders
def test_of_three_hundred_steps_it_says_how_many_are_kept(odd: str, tab: Tab) -> None:
    tab.open(odd, run="long/atlas", alone=True)
    tab.app.get_by_text(f"{KEPT_STEPS} of {LONG_RUN} logged steps kept").wait_for()
    tab.app.get_by_text(f"--atlas_samples={LONG_RUN}").wait_for()
    assert tab.app.locator(".tick").count() == KEPT_STEPS
    assert tab.marks["step"] == str(LONG_RUN - 1)
    tab.app.get_by_text("the first and the last among them").wait_for()
    tab.slider.press("Home")
    tab.shows(0)


@pytest.mark.both_loaders
def test_new_checkpoints_wait_behind_a_pill(growing: tuple[Path, str], tab: Tab) -> None:
    directory, url = growing
    tab.open(url, step=0)
    tab.shows(0)
    append_steps(directory, (20, 30), before=2)
    wait_for_atlases(url, 4)
    tab.page.locator(".reload-button").click()
    pill = tab.app.get_by_role("button", name="2 new checkpoints")
    pill.wait_for()
    tab.shows(0)
    assert tab.app.locator(".tick").count() == 2
    pill.click()
    tab.shows(30)
    assert tab.app.locator(".tick").evaluate_all(TICK_STEPS) == [0, 10, 20, 30]
    expect(pill).to_have_count(0)
