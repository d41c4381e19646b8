# SPDX-License-Identifier: Apache-2.0
"""Choices: layer, run, colours, points, and all of them in the address."""

from __future__ import annotations

import numpy as np
import pytest
from atlas_tab import Tab
from browser_logs import COLD_STEPS, STEPS, make_valid_atlas
from playwright.sync_api import expect
from synthetic_atlases import CLASSES

RGB = "i => getComputedStyle(i).backgroundColor.match(/\\d+/g).map(Number)"
WARM = {"run": "warm/atlas", "layer": "layer3"}


def test_the_layer_can_be_switched(sound: str, tab: Tab) -> None:
    tab.open(sound, **WARM, step=400)
    before = tab.picture()
    expect(tab.legend).to_contain_text("600 samples")
    tab.choose("Layer", "layer4")
    tab.shows(400, layer="layer4")
    expect(tab.legend).to_contain_text("480 samples")
    assert np.abs(tab.picture() - before).mean() > 1
    tab.linked(layer="layer4", step=400)


def test_the_run_can_be_switched(sound: str, tab: Tab) -> None:
    tab.open(sound, alone=True, **WARM, step=800)
    tab.choose("Run", "cold")
    marks = tab.shows(1000)
    assert marks["layer"] == "layer3"
    expect(tab.app.locator(".tick")).to_have_count(len(COLD_STEPS))
    tab.linked(run="cold/atlas", step=1000)
    tab.choose("Run", "warm")
    tab.shows(800)
    expect(tab.app.locator(".tick")).to_have_count(len(STEPS))


def test_colour_by_class_paints_rims_that_the_legend_explains(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM)
    plain = tab.picture()
    tab.choose("Colour by", "Class")
    expect(tab.legend).to_contain_text("Majority class of a cell")
    expect(tab.legend.locator("li")).to_have_text(list(CLASSES))
    tab.settle()
    painted = tab.picture()
    changed = np.abs(painted - plain).max(axis=2) > 40
    assert changed.mean() > 0.01
    for swatch in tab.legend.locator("li i").all():
        colour = swatch.evaluate(RGB)
        rims = np.abs(painted - np.array(colour)).max(axis=2) <= 3
        assert (rims & changed).sum() > 50, colour
    tab.linked(color="class")
    for mode, words in (
        ("Prediction", "Majority prediction"),
        ("Purity", "Purity: share of the majority class"),
        ("Cosine", "Cosine of icon and mean"),
        ("Population", "Samples in a cell"),
    ):
        tab.choose("Colour by", mode)
        expect(tab.legend).to_contain_text(words)
    tab.choose("Colour by", "Icons only")
    tab.linked(color=None)
    tab.settle()
    assert np.abs(tab.picture() - plain)[:400].max() == 0


def test_points_can_be_shown_with_and_without_icons(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM)
    icons = tab.picture()
    tab.app.get_by_text("Points", exact=True).click()
    tab.linked(show="points")
    tab.settle()
    points = tab.picture()
    tab.app.get_by_text("Both", exact=True).click()
    tab.linked(show="both")
    tab.settle()
    both = tab.picture()
    ground = np.array([245, 246, 247])
    inked = [float((np.abs(p - ground).max(axis=2) > 30).mean()) for p in (icons, points, both)]
    assert 0 < inked[1] < inked[0] / 3
    assert inked[2] >= inked[0]
    assert np.abs(both - icons).mean() > 0.1
    tab.app.get_by_text("Icons", exact=True).click()
    tab.linked(show=None)


def test_a_link_restores_everything(sound: str, tab: Tab) -> None:
    link = {**WARM, "layer": "layer4", "step": 200, "grid": 20}
    camera = {"x": "0.6500", "y": "0.4000", "z": "2.500"}
    tab.open(sound, **link, **camera, color="purity", show="both")
    tab.shows(200, layer="layer4", level=20)
    box = tab.map.bounding_box()
    assert box is not None
    world = tab.world
    grid = next(grid for grid in make_valid_atlas("layer4", 200).grids if grid.size == 20)
    across, down = (np.abs(2 * at + 1 - 20).max() / 20 + 0.05 for at in (grid.cols, grid.rows))
    whole = min((box["width"] - 40) / across, (box["height"] - 40) / down)
    assert world["side"] == pytest.approx(2.5 * whole)
    assert abs(world["x"] + 0.65 * world["side"] - box["width"] / 2) < 0.01
    assert abs(world["y"] + 0.40 * world["side"] - box["height"] / 2) < 0.01
    expect(tab.legend).to_contain_text("Purity")
    expect(tab.app.get_by_role("radio", name="Both")).to_be_checked()
    first = tab.picture()
    tab.page.reload()
    tab.shows(200, layer="layer4", level=20)
    assert np.abs(tab.picture() - first).mean() < 0.5


def test_what_a_link_names_wrongly_falls_back(quick: str, tab: Tab) -> None:
    tab.open(
        quick,
        alone=True,
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


def test_other_keys_of_the_hash_are_kept(quick: str, tab: Tab) -> None:
    tab.page.goto(quick)
    tab.open(quick, **WARM, step=400)
    tab.page.evaluate(
        "history.replaceState(history.state, '', location.hash + '&tagFilter=loss&p.other.x=1')"
    )
    tab.key(",")
    tab.shows(200)
    tab.linked(step=200)
    hash_ = tab.page.evaluate("location.hash")
    assert hash_.startswith("#atlas&")
    assert "&tagFilter=loss" in hash_
    assert "&p.other.x=1" in hash_


def test_a_link_that_is_pasted_while_the_tab_is_open_is_followed(quick: str, tab: Tab) -> None:
    tab.open(quick, **WARM, step=400)
    tab.shows(400)
    tab.linked(step=400)
    tab.page.evaluate("location.hash = '#atlas&p.atlas.run=cold%2Fatlas&p.atlas.step=100'")
    tab.shows(100)
    expect(tab.app.locator(".tick")).to_have_count(len(COLD_STEPS))
