# SPDX-License-Identifier: Apache-2.0
"""The timeline: slider, playback, kept steps, and new steps."""

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
def growing_log(loader: str, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A log of two steps to which a test may add, and its URL."""
    append_steps(tmp_path, (0, 10))
    with start_tensorboard(tmp_path, loader == "data-server") as url:
        wait_for_atlases(url, 2)
        yield tmp_path, url


@pytest.mark.both_loaders
def test_the_slider_reaches_every_logged_step(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM)
    last = tab.capture()
    assert tab.app.locator(".tick").evaluate_all(TICK_STEPS) == list(STEPS)
    box = tab.slider.bounding_box()
    assert box is not None
    tab.page.mouse.click(box["x"] + 10, box["y"] + box["height"] / 2)
    tab.wait_for_step(0)
    tab.wait_for_hash(step=0)
    assert np.abs(tab.capture() - last).mean() > 3
    expect(tab.slider).to_have_attribute("aria-valuetext", "step 0, 1 of 8")

    tab.slider.focus()
    for step in STEPS[1:3]:
        tab.page.keyboard.press("ArrowRight")
        tab.wait_for_step(step)
    tab.page.keyboard.press("End")
    tab.wait_for_step(STEPS[-1])
    tab.wait_for_hash(step=STEPS[-1])
    assert np.abs(tab.capture() - last).max() == 0


def test_keys_and_buttons_change_the_step(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM, step=400)
    tab.wait_for_step(400)
    tab.press_keys(",")
    tab.wait_for_step(200)
    tab.press_keys(".")
    tab.wait_for_step(400)
    tab.click_button("Next step")
    tab.wait_for_step(800)
    tab.click_button("Previous step")
    tab.wait_for_step(400)
    tab.slider.press("Home")
    tab.wait_for_step(0)
    expect(tab.app.get_by_role("button", name="Previous step")).to_be_disabled()
    tab.press_keys(",")
    tab.wait_for_step(0)


def test_playback_stops_at_the_end(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM, step=800)
    tab.app.evaluate(
        """app => {
          window.walked = [Number(app.dataset.step)];
          new MutationObserver(() => {
            const step = Number(app.dataset.step);
            if (window.walked.at(-1) !== step) window.walked.push(step);
          }).observe(app, {attributes: true, attributeFilter: ['data-step']});
        }"""
    )
    tab.click_button("Play the steps")
    tab.app.get_by_role("button", name="Pause").wait_for()
    tab.wait_for_step(3200)
    tab.app.get_by_role("button", name="Play the steps").wait_for()
    assert tab.app.evaluate("() => window.walked") == [800, 1600, 3200]
    # From the end it starts again, and a second press pauses it.
    tab.press_keys(" ")
    tab.app.evaluate(
        """() => new Promise((done) => {
          const look = () => window.walked.includes(0) ? done() : requestAnimationFrame(look);
          look();
        })"""
    )
    tab.press_keys(" ")
    tab.app.get_by_role("button", name="Play the steps").wait_for()
    assert int(tab.settle()["step"]) in STEPS[:-1]


@pytest.mark.both_loaders
def test_the_number_of_kept_steps_is_shown(damaged_log: str, tab: Tab) -> None:
    tab.open(damaged_log, run="long/atlas", standalone=True)
    tab.app.get_by_text(f"{KEPT_STEPS} of {LONG_RUN} logged steps kept").wait_for()
    tab.app.get_by_text(f"--atlas_samples={LONG_RUN}").wait_for()
    assert tab.app.locator(".tick").count() == KEPT_STEPS
    assert tab.dataset["step"] == str(LONG_RUN - 1)
    tab.app.get_by_text("including the first and the last").wait_for()
    tab.slider.press("Home")
    tab.wait_for_step(0)


@pytest.mark.both_loaders
def test_new_steps_are_shown_on_request(growing_log: tuple[Path, str], tab: Tab) -> None:
    directory, url = growing_log
    tab.open(url, step=0)
    tab.wait_for_step(0)
    append_steps(directory, (20, 30), before=2)
    wait_for_atlases(url, 4)
    tab.page.locator(".reload-button").click()
    pill = tab.app.get_by_role("button", name="2 new steps")
    pill.wait_for()
    tab.wait_for_step(0)
    assert tab.app.locator(".tick").count() == 2
    pill.click()
    tab.wait_for_step(30)
    assert tab.app.locator(".tick").evaluate_all(TICK_STEPS) == [0, 10, 20, 30]
    expect(pill).to_have_count(0)
