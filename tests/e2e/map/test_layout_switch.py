# SPDX-License-Identifier: Apache-2.0
"""A run with two layouts: one entry in the list of runs, and a switch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab, wait_until_painted
from browser_logs import REAL_STEPS, write_digits_run
from concept_logs import RUNS, STEPS, write_concept_log
from conftest import LOADERS, wait_for_atlases
from playwright.sync_api import Locator, expect
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.cli import main
from tensorboard_plugin_atlas.log_names import CHILD_RUN, relayout_run

HOME = f"moving/{CHILD_RUN}"
AGAIN = relayout_run(HOME)
MOVING = {"run": HOME, "grid": 4}


@pytest.fixture(scope="module", params=LOADERS)
def relayout_log(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The log of `concept_logs`, with the run "still" as the relayout of the run "moving".

    Both have the same samples. From step 200 on, one class differs by a quarter of the map.
    """
    directory = tmp_path_factory.mktemp("relayout")
    atlases = write_concept_log(directory)
    shutil.copytree(directory / "still" / CHILD_RUN, directory / AGAIN)
    with start_tensorboard(directory, request.param == "data-server") as url:
        wait_for_atlases(url, atlases + len(STEPS))
        yield url


@pytest.fixture(scope="module")
def digits_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A training run on digits, and the result of `tensorboard-atlas relayout`."""
    directory = tmp_path_factory.mktemp("digits")
    write_digits_run(directory / "digits")
    assert main(["relayout", str(directory)]) == 0
    with start_tensorboard(directory, fast=True) as url:
        wait_for_atlases(url, 2 * len(REAL_STEPS))
        yield url


def switch(tab: Tab) -> Locator:
    return tab.app.get_by_role("radiogroup", name="Layout of the run")


def test_the_list_names_the_run_once(relayout_log: str, tab: Tab) -> None:
    tab.open(relayout_log, **MOVING)
    names = tab.app.get_by_label("Run", exact=True).locator("option").all_inner_texts()
    assert sorted(name.strip() for name in names) == sorted(RUNS)
    expect(switch(tab).get_by_label("Original")).to_be_checked()
    tab.select_option("Run", "still")
    tab.wait_for_hash(run="still/atlas")
    expect(switch(tab)).to_have_count(0)


def test_the_switch_keeps_step_layer_and_selection(relayout_log: str, tab: Tab) -> None:
    tab.open(relayout_log, **MOVING, step=200, z="1.5000", x="0.6000", y="0.5000")
    streamed = tab.capture()
    tab.press_keys("ArrowRight", "Enter")
    members = tab.inspector.locator("h2").text_content()
    assert members
    switch(tab).get_by_label("Relayout from the last step").check(force=True)
    tab.wait_for_step(200)
    tab.wait_for_hash(run=AGAIN, layer="layer3", step=200, z="1.500")
    expect(switch(tab).get_by_label("Relayout from the last step")).to_be_checked()
    expect(tab.app.get_by_label("Run", exact=True).locator("option:checked")).to_contain_text(
        "moving"
    )
    expect(tab.inspector).to_be_visible()
    assert np.abs(tab.capture()[:, :700] - streamed[:, :700]).mean() > 1
    switch(tab).get_by_label("Original").check(force=True)
    tab.wait_for_step(200)
    tab.wait_for_hash(run=HOME, step=200)
    expect(tab.inspector).to_be_visible()


def test_the_pinned_cell_follows_its_samples(relayout_log: str, tab: Tab) -> None:
    """Airplanes are at the right of the first layout, and a quarter further left in the other."""
    tab.open(relayout_log, standalone=True, **MOVING, step=200)
    x, y, _ = tab.locate_cell(4, 1, 3)
    tab.page.mouse.click(x, y)
    expect(tab.inspector).to_contain_text("airplane")
    expect(tab.inspector).to_contain_text("Row 2, column 4")
    switch(tab).get_by_label("Relayout from the last step").check(force=True)
    tab.wait_for_step(200)
    expect(tab.inspector).to_contain_text("Row 2, column 3")
    expect(tab.inspector).to_contain_text("airplane")


def test_a_link_leads_to_the_other_layout(relayout_log: str, tab: Tab) -> None:
    tab.open(relayout_log, run=AGAIN, grid=4, step=100)
    expect(switch(tab).get_by_label("Relayout from the last step")).to_be_checked()
    tab.settle(step=100)


def test_a_run_with_a_computed_relayout_is_one_run(digits_log: str, tab: Tab) -> None:
    tab.open(digits_log, run=f"digits/{CHILD_RUN}", grid=4, step=REAL_STEPS[1])
    expect(tab.app.get_by_label("Run", exact=True).locator("option")).to_have_text(["digits"])
    streamed = tab.capture()
    tab.press_keys("ArrowRight", "Enter")
    switch(tab).get_by_label("Relayout from the last step").check(force=True)
    tab.wait_for_step(REAL_STEPS[1])
    tab.wait_for_hash(run=relayout_run(f"digits/{CHILD_RUN}"), step=REAL_STEPS[1])
    assert np.abs(tab.capture()[:, :700] - streamed[:, :700]).mean() > 1
    # The probe images are found in either of the two runs.
    wait_until_painted(tab.inspector.locator(".patch-button").first)


def test_it_is_accessible(relayout_log: str, tab: Tab) -> None:
    tab.open(relayout_log, standalone=True, **MOVING, step=200)
    tab.settle()
    expect(switch(tab)).to_be_visible()
    audit(tab, "layouts")
