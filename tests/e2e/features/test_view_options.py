# SPDX-License-Identifier: Apache-2.0
"""View options: layer, run, colors and points, and their keys in the link."""

from __future__ import annotations

import numpy as np
import pytest
from atlas_tab import Tab
from browser_logs import COLD_STEPS, STEPS, make_valid_atlas
from playwright.sync_api import expect
from synthetic_atlases import CLASSES

RGB = "i => getComputedStyle(i).backgroundColor.match(/\\d+/g).map(Number)"
WARM = {"run": "warm/atlas", "layer": "layer3"}


def test_the_layer_can_be_switched(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM, step=400)
    before = tab.capture()
    expect(tab.legend).to_contain_text("600 samples")
    tab.select_option("Layer", "layer4")
    tab.wait_for_step(400, layer="layer4")
    expect(tab.legend).to_contain_text("480 samples")
    assert np.abs(tab.capture() - before).mean() > 1
    tab.wait_for_hash(layer="layer4", step=400)


def test_the_run_can_be_switched(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM, step=800)
    tab.select_option("Run", "cold")
    marks = tab.wait_for_step(1000)
    assert marks["layer"] == "layer3"
    expect(tab.app.locator(".tick")).to_have_count(len(COLD_STEPS))
    tab.wait_for_hash(run="cold/atlas", step=1000)
    tab.select_option("Run", "warm")
    tab.wait_for_step(800)
    expect(tab.app.locator(".tick")).to_have_count(len(STEPS))


def test_colors_by_class_match_the_legend(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    plain = tab.capture()
    tab.select_option("Color by", "Class")
    expect(tab.legend).to_contain_text("Majority class of a cell")
    expect(tab.legend.locator("li")).to_have_text(list(CLASSES))
    tab.settle()
    painted = tab.capture()
    changed = np.abs(painted - plain).max(axis=2) > 40
    assert changed.mean() > 0.01
    for swatch in tab.legend.locator("li i").all():
        color = swatch.evaluate(RGB)
        borders = np.abs(painted - np.array(color)).max(axis=2) <= 3
        assert (borders & changed).sum() > 50, color
    tab.wait_for_hash(color="class")
    for mode, words in (
        ("Prediction", "Majority prediction"),
        ("Purity", "Purity: share of the majority class"),
        ("Cosine", "Cosine of icon and mean"),
        ("Population", "Samples in a cell"),
    ):
        tab.select_option("Color by", mode)
        expect(tab.legend).to_contain_text(words)
    tab.select_option("Color by", "Icons only")
    tab.wait_for_hash(color=None)
    tab.settle()
    assert np.abs(tab.capture() - plain)[:400].max() == 0


def test_points_can_be_shown_with_and_without_icons(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    icons = tab.capture()
    tab.app.get_by_text("Points", exact=True).click()
    tab.wait_for_hash(show="points")
    tab.settle()
    points = tab.capture()
    tab.app.get_by_text("Both", exact=True).click()
    tab.wait_for_hash(show="both")
    tab.settle()
    both = tab.capture()
    background = np.array([245, 246, 247])
    covered = [
        float((np.abs(p - background).max(axis=2) > 30).mean()) for p in (icons, points, both)
    ]
    assert 0 < covered[1] < covered[0] / 3
    assert covered[2] >= covered[0]
    assert np.abs(both - icons).mean() > 0.1
    tab.app.get_by_text("Icons", exact=True).click()
    tab.wait_for_hash(show=None)


def test_a_link_restores_everything(valid_log_by_loader: str, tab: Tab) -> None:
    link = {**WARM, "layer": "layer4", "step": 200, "grid": 20}
    camera = {"x": "0.6500", "y": "0.4000", "z": "2.500"}
    tab.open(valid_log_by_loader, **link, **camera, color="purity", show="both")
    tab.wait_for_step(200, layer="layer4", level=20)
    box = tab.map.bounding_box()
    assert box is not None
    world = tab.map_box
    grid = next(grid for grid in make_valid_atlas("layer4", 200).grids if grid.size == 20)
    across, down = (np.abs(2 * at + 1 - 20).max() / 20 + 0.05 for at in (grid.cols, grid.rows))
    whole = min((box["width"] - 40) / across, (box["height"] - 40) / down)
    assert world["side"] == pytest.approx(2.5 * whole)
    assert abs(world["x"] + 0.65 * world["side"] - box["width"] / 2) < 0.01
    assert abs(world["y"] + 0.40 * world["side"] - box["height"] / 2) < 0.01
    expect(tab.legend).to_contain_text("Purity")
    expect(tab.app.get_by_role("radio", name="Both")).to_be_checked()
    first = tab.capture()
    tab.page.reload()
    tab.wait_for_step(200, layer="layer4", level=20)
    assert np.abs(tab.capture() - first).mean() < 0.5


def test_invalid_values_in_a_link_use_defaults(valid_log: str, tab: Tab) -> None:
    tab.open(
        valid_log,
        standalone=True,
        run="gone",
        layer="gone",
        step=390,
        grid=7,
        x="a",
        y="1e999",
        z=-4,
        color="!",
    )
    marks = tab.settle()
    assert (marks["phase"], marks["level"], marks["failure"]) == ("ready", "10", "")
    assert int(marks["step"]) in (*COLD_STEPS, *STEPS)


def test_other_keys_of_the_hash_are_kept(valid_log: str, tab: Tab) -> None:
    tab.page.goto(valid_log)
    tab.open(valid_log, **WARM, step=400)
    tab.page.evaluate(
        "history.replaceState(history.state, '', location.hash + '&tagFilter=loss&p.other.x=1')"
    )
    tab.press_keys(",")
    tab.wait_for_step(200)
    tab.wait_for_hash(step=200)
    hash_ = tab.page.evaluate("location.hash")
    assert hash_.startswith("#atlas&")
    assert "&tagFilter=loss" in hash_
    assert "&p.other.x=1" in hash_


def test_a_link_pasted_into_an_open_tab_is_followed(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, **WARM, step=400)
    tab.wait_for_step(400)
    tab.wait_for_hash(step=400)
    tab.page.evaluate("location.hash = '#atlas&p.atlas.run=cold%2Fatlas&p.atlas.step=100'")
    tab.wait_for_step(100)
    expect(tab.app.locator(".tick")).to_have_count(len(COLD_STEPS))
