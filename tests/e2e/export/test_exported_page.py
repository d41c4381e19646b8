# SPDX-License-Identifier: Apache-2.0
"""An exported page, opened from disk without a network, works as the tab does."""

from __future__ import annotations

import csv
import datetime
import io
import re

import numpy as np
from accessibility import audit, find_violations
from atlas_tab import Tab, wait_until_painted
from concept_logs import STEPS
from conftest import ExportLog
from exported_tab import ExportedTab
from interactions import download, pin_list
from PIL import Image
from playwright.sync_api import expect
from snapshots import MAX_DIFFERENCE, downscale, find_visible_differences

RUN = "moving/atlas"
STATE = {"run": RUN, "layer": "layer3", "step": 200, "grid": 8}


def test_it_shows_what_the_tab_shows(
    concept_log: str, export_log: ExportLog, tab: Tab, exported_tab: ExportedTab
) -> None:
    """The same state, and the same picture of the map, at two positions and steps."""
    page = exported_tab
    for state in (STATE, {**STATE, "step": 400, "z": "2.500", "x": "0.4000", "y": "0.6000"}):
        tab.page.goto("about:blank")
        tab.open(concept_log, standalone=True, **state)
        page.open_file(export_log("concepts"), **state)
        page.wait_for_step(int(state["step"]))
        assert page.dataset == tab.dataset
        assert page.state == tab.state
        assert page.map.bounding_box() == tab.map.bounding_box()
        pictures = [downscale(one.capture()) for one in (tab, page)]
        assert find_visible_differences(*pictures).mean() <= MAX_DIFFERENCE
        assert np.asarray(pictures[0]).std() > 5


def test_links_restore_the_view_and_the_view_is_in_the_link(
    export_log: ExportLog, exported_tab: ExportedTab
) -> None:
    tab = exported_tab
    path = export_log("concepts")
    tab.open_file(path, **STATE, x="0.6000", y="0.4000", z="2.000")
    tab.wait_for_step(200)
    tab.press_keys("ArrowRight", "Enter")
    tab.click_button("Add to the pins")
    tab.click_button("Unpin")
    tab.page.wait_for_function("() => location.hash.includes('p.atlas.pins=')")
    tab.settle()
    state = tab.state
    assert {"run", "layer", "step", "grid", "x", "y", "z", "pins"} <= set(state)
    link = tab.page.url
    assert link.startswith(path.as_uri() + "#p.atlas.")
    tab.page.goto("about:blank")
    tab.page.goto(link)
    tab.wait_for_step(200)
    assert tab.state == state
    tab.press_keys("k")
    expect(pin_list(tab)).to_have_count(1)
    tab.press_keys("e")
    expect(tab.app.get_by_label("Link to this view")).to_have_value(link)


def test_steps_runs_and_layers(export_log: ExportLog, exported_tab: ExportedTab) -> None:
    tab = exported_tab.open_file(export_log("layers"), run="net/atlas", layer="stage1", step=0)
    tab.wait_for_step(0, layer="stage1")
    first = tab.capture()
    tab.press_keys(".")
    tab.wait_for_step(100)
    tab.wait_for_hash(step=100)
    assert np.abs(tab.capture() - first).mean() > 1
    tab.select_option("Layer", "stage2")
    tab.wait_for_step(100, layer="stage2")
    tab.wait_for_hash(layer="stage2")
    tab.select_option("Run", "mirrored")
    tab.wait_for_hash(run="mirrored/atlas")
    tab.settle()


def test_class_filter_table_and_similar_cells(
    export_log: ExportLog, exported_tab: ExportedTab
) -> None:
    tab = exported_tab.open_file(export_log("concepts"), run="turning/atlas", grid=4, step=200)
    tab.press_keys("f")
    expect(tab.app.locator("#class-list .name")).to_have_count(6)
    tab.app.locator("#class-list").get_by_text("bird").click()
    expect(tab.app.locator(".filter-legend")).to_contain_text("bird")
    tab.page.keyboard.press("Escape")
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector.locator(".similar-cell")).to_have_count(8)
    expect(tab.inspector.get_by_text("by activation")).to_be_visible()
    tab.press_keys("t")
    expect(tab.app.locator(".cell-table tbody tr").first).to_be_visible()


def test_events_comparison_and_stream(export_log: ExportLog, exported_tab: ExportedTab) -> None:
    tab = exported_tab.open_file(export_log("concepts"), run=RUN, events="on", step=0)
    tab.app.get_by_role("button", name="airplanes split from birds").press("Enter")
    tab.wait_for_step(200)
    expect(tab.app.get_by_label("Highlighted concepts")).to_contain_text("134 samples")
    tab.open_file(export_log("concepts"), run=RUN, step=200, compare=100, grid=4)
    words = "samples changed cell between step 100 and step 200"
    expect(tab.app.get_by_role("status")).to_contain_text(words)
    tab.open_file(export_log("concepts"), run=RUN, stream="concepts")
    graph = tab.app.get_by_role("region", name="Concepts over the steps")
    expect(graph.locator("path[data-id]").first).to_be_visible()


def test_shortcuts(export_log: ExportLog, exported_tab: ExportedTab) -> None:
    tab = exported_tab.open_file(
        export_log("shortcuts"), run="marked/atlas", layer="layer3", step=200
    )
    tab.app.get_by_role("button", name=re.compile("^Shortcuts")).click()
    entry = tab.app.locator("[data-shortcut]").first
    expect(entry).to_contain_text("this patch changed the prediction of 90% of images")
    wait_until_painted(entry.locator(".shortcut-patch"))


def test_files_can_be_saved(export_log: ExportLog, exported_tab: ExportedTab) -> None:
    tab = exported_tab.open_file(export_log("concepts"), **STATE)
    tab.press_keys("e")
    name, data = download(tab, "Save picture")
    assert name == "atlas-layer3-step200-grid8.png"
    with Image.open(io.BytesIO(data)) as picture:
        assert np.asarray(picture.convert("RGB")).std() > 5
    name, data = download(tab, "Save cells")
    assert name == "atlas-layer3-step200-grid8.csv"
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    assert {(row["run"], row["step"]) for row in rows} == {(RUN, "200")}
    assert len(rows) > 10


def test_it_is_accessible_in_both_themes(export_log: ExportLog, exported_tab: ExportedTab) -> None:
    tab = exported_tab.open_file(export_log("concepts", title="A title", activations=False))
    tab.settle(theme="light")
    audit(tab)
    tab.settle(theme="dark")
    tab.page.emulate_media(color_scheme="light")
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_be_visible()
    assert find_violations(tab) == []


def test_keys_reach_all_controls(export_log: ExportLog, exported_tab: ExportedTab) -> None:
    tab = exported_tab.open_file(export_log("concepts"), run=RUN, step=0)
    tab.slider.focus()
    tab.page.keyboard.press("End")
    tab.wait_for_step(STEPS[-1])
    tab.press_keys("?")
    dialog = tab.app.get_by_role("dialog")
    expect(dialog).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    names: set[str] = set()
    tab.page.keyboard.press("Tab")
    for _ in range(40):
        tab.page.keyboard.press("Tab")
        names.add(tab.app.evaluate("({shadowRoot}) => shadowRoot.activeElement?.id ?? ''"))
    assert {"run", "layer", "color", "level"} <= names


def test_the_title_the_date_and_what_is_left_out_are_shown(
    export_log: ExportLog, exported_tab: ExportedTab
) -> None:
    title = "Four steps <b>of</b> training"
    path = export_log("concepts", run="moving", title=title, activations=False, steps=[0, 100])
    tab = exported_tab.open_file(path)
    assert tab.page.title() == title
    expect(tab.app.locator("strong.title")).to_have_text(title)
    note = tab.app.locator(".note")
    today = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc)
    date = f"{today:%b} {today.day}, {today.year}"
    expect(note).to_contain_text(f"Exported {date}. 2 of 28 atlases of the log are in this page.")
    expect(note).to_contain_text("+ 1 more")
    expect(note).to_have_attribute("title", re.compile("Activations are left out: similar cells"))


def test_without_activations_the_inspector_says_why(
    export_log: ExportLog, exported_tab: ExportedTab
) -> None:
    tab = exported_tab.open_file(export_log("concepts", activations=False), **STATE)
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text(
        "Activations cannot be read: This page was exported without activations."
    )
    expect(tab.inspector.locator(".similar-cell")).to_have_count(0)
    expect(tab.inspector.get_by_text("by distance on the map")).to_be_visible()


def test_a_damaged_atlas_is_reported(export_log: ExportLog, exported_tab: ExportedTab) -> None:
    tab = exported_tab.open_file(export_log("shortcuts"), run="torn/atlas", ready=False)
    tab.settle()
    tab.app.get_by_role("button", name=re.compile("^Shortcuts")).click()
    expect(tab.app.get_by_label("Shortcuts", exact=True).last).to_contain_text("manifest")
