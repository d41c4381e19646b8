# SPDX-License-Identifier: Apache-2.0
"""Drift: displacement of cells and its significance."""

from __future__ import annotations

import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab
from concept_logs import make_concept_atlas
from conftest import Serve
from playwright.sync_api import expect

from tensorboard_plugin_atlas import compare_atlases

MOVING = {"run": "moving/atlas", "grid": 4}
TURNING = {"run": "turning/atlas", "grid": 4}
CHANNELS = (
    (
        "Activation",
        "activation",
        "cells changed more than storage precision explains since step 100",
    ),
    ("Attribution", "attribution", "cells changed top class by more than two standard errors"),
)


@pytest.fixture
def concept_log(serve: Serve) -> str:
    """The log, served by the data server only."""
    return serve("concepts", "data-server")


def test_arrows_are_toggled_and_in_the_link(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, **MOVING, step=200)
    plain = tab.capture()
    tab.press_keys("d")
    tab.wait_for_hash(drift="on")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text("cells moved more than the noise floor since step 100")
    expect(drift).to_contain_text("farther than the noise floor")
    tab.settle()
    assert np.abs(tab.capture() - plain).mean() > 3
    tab.click_button("Drift: what changed since an earlier step")
    tab.wait_for_hash(drift=None)
    expect(drift).to_have_count(0)
    tab.settle()
    assert np.abs(tab.capture() - plain).max() == 0


def test_only_the_cells_that_moved_are_significant(concept_log: str, tab: Tab) -> None:
    """At step 200, one class of six moved by a quarter of the map; the others did not."""
    tab.open(concept_log, standalone=True, **MOVING, step=200, drift="on")
    drift = tab.app.get_by_label("Drift", exact=True)
    words = (drift.locator("strong").text_content() or "").split()
    significant, cells = (int(word) for word in words[:3] if word.isdigit())
    assert 0 < significant < cells / 2
    expect(drift).to_contain_text("17% of them more than the noise floor")


@pytest.mark.parametrize(("run", "step"), [("still/atlas", 400), ("moving/atlas", 100)])
def test_an_unchanged_model_has_no_drift(concept_log: str, tab: Tab, run: str, step: int) -> None:
    tab.open(concept_log, standalone=True, run=run, grid=4, step=step, drift="on")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text("0 of")
    expect(drift).to_contain_text("Samples moved 0% of the map width on average")


@pytest.mark.parametrize(
    ("run", "step", "reason"),
    [
        ("bare/atlas", 200, "No noise floor was recorded"),
        ("moving/atlas", 0, "This is the first step"),
        ("other/atlas", 200, "use different probes"),
    ],
)
def test_it_shows_why_there_is_no_drift(
    concept_log: str, tab: Tab, run: str, step: int, reason: str
) -> None:
    tab.open(concept_log, standalone=True, run=run, grid=4, step=step, drift="on")
    expect(tab.app.get_by_label("Drift", exact=True)).to_contain_text(reason)


def test_the_card_shows_the_drift_of_its_cell(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200, drift="on")
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text("of the map width since step 100")
    expect(tab.inspector).to_contain_text("of them more than the noise floor")


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_a_channel_is_selected_and_in_the_link(concept_log: str, tab: Tab, way: str) -> None:
    tab.open(concept_log, **TURNING, step=200)
    plain = tab.capture()
    tab.press_keys("d")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text("cells moved more than the noise floor since step 100")
    if way == "keyboard":
        drift.get_by_role("radio", name="Map").focus()
    for name, channel, words in CHANNELS:
        if way == "pointer":
            drift.get_by_text(name, exact=True).click()
        else:
            tab.page.keyboard.press("ArrowRight")
        tab.wait_for_hash(drift=channel)
        expect(drift).to_contain_text(words)
        tab.settle()
        assert np.abs(tab.capture() - plain).mean() > 3
        expect(drift.get_by_role("radio", name=name)).to_be_checked()
    tab.page.reload()
    tab.enter_iframe().settle()
    expect(drift.get_by_role("radio", name="Attribution")).to_be_checked()
    expect(drift).to_contain_text(CHANNELS[1][2])
    tab.press_keys("d")
    tab.wait_for_hash(drift=None)


def test_activation_drift_matches_the_log(concept_log: str, tab: Tab) -> None:
    before, now = (make_concept_atlas("turning", step, 1) for step in (100, 200))
    centered = [a.activations - a.activations.mean(axis=0) for a in (before, now)]
    rotation = 1 - np.einsum("nc,nc->n", *centered) / np.prod(
        [np.linalg.norm(values, axis=1) for values in centered], axis=0
    )
    grid = now.grids[0]
    cell = int(
        np.argmax([(now.labels[grid.members(i)] == 0).mean() for i in range(len(grid.counts))])
    )
    tab.open(concept_log, standalone=True, **TURNING, step=200, drift="activation")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text(
        f"Activations changed by {rotation.mean():.2f}".replace("0.", ".")
    )
    tab.hover_cell(4, int(grid.rows[cell]), int(grid.cols[cell]))
    text = f"Activations changed by {rotation[grid.members(cell)].mean():.2f} (1 "
    expect(tab.card).to_contain_text(text)
    expect(tab.card).to_contain_text("cosine) since step 100; 100% of them")


def test_attribution_drift_matches_compare_atlases(concept_log: str, tab: Tab) -> None:
    before, now = (make_concept_atlas("turning", step, 1) for step in (100, 200))
    level = compare_atlases(before, now).grids[0]
    assert level.attribution_rank is not None
    changed = level.attribution_rank > 0
    assert 0 < changed.sum() < len(changed) / 2
    tab.open(concept_log, standalone=True, **TURNING, step=200, drift="attribution")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text(f"{changed.sum()} of {len(changed)} cells changed top class")
    grid = now.grids[0]
    cell = int(level.cells_b[np.argmax(level.attribution_rank)])
    tab.hover_cell(4, int(grid.rows[cell]), int(grid.cols[cell]))
    expect(tab.card).to_contain_text(
        f"top class fell {level.attribution_rank.max():.2f} ranks since step 100; 100%"
    )


@pytest.mark.parametrize("channel", ["activation", "attribution"])
def test_an_unchanged_network_changes_in_no_channel(
    concept_log: str, tab: Tab, channel: str
) -> None:
    tab.open(concept_log, standalone=True, **TURNING, step=100, drift=channel)
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text("0 of")
    expect(drift).to_contain_text("0% of them")


def test_missing_attribution_names_the_setting(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200, drift="attribution")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text("AtlasConfig(attribution=True)")


@pytest.mark.parametrize("channel", ["on", "activation", "attribution"])
def test_the_legend_is_accessible(concept_log: str, tab: Tab, channel: str) -> None:
    tab.open(concept_log, standalone=True, **TURNING, step=200, drift=channel)
    audit(tab)
