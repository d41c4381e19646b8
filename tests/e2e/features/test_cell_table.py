# SPDX-License-Identifier: Apache-2.0
"""The table of cells: contents, sorting, keyboard, export and accessibility."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path

import browser_logs
import numpy as np
import pytest
from accessibility import audit, find_violations, save_screenshots
from atlas_tab import Tab, wait_until_painted
from concept_logs import make_concept_atlas
from conftest import Serve
from disabled_features import NO_CANVAS, NO_WEBGL
from interactions import download
from playwright.sync_api import Locator, expect
from synthetic_atlases import CLASSES

from tensorboard_plugin_atlas import read_atlases

Directories = Callable[[str], tuple[Path, int]]

WARM = {"run": "warm/atlas", "layer": "layer3"}
DIGITS = {"run": "digits/atlas", "step": 60, "grid": 8}
EN_DASH = "\u2013"


def table(tab: Tab) -> Locator:
    return tab.app.get_by_role("region", name="Cells of the grid")


def rows(tab: Tab) -> Locator:
    return table(tab).locator("tbody tr")


def read_column(tab: Tab, index: int) -> list[str]:
    found: list[str] = rows(tab).evaluate_all(
        "(rows, place) => rows.map((row) => row.children[place].innerText.trim())", index
    )
    return found


def test_the_table_works_with_keys_only(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM, grid=10)
    assert not any("table" in one for one in tab.scripts)
    tab.press_keys("t")
    tab.wait_for_hash(view="table")
    grid = browser_logs.make_valid_atlas("layer3", 3200).grids[0]
    expect(table(tab).locator("h2")).to_contain_text(f"{len(grid.rows)} cells")
    expect(tab.app.get_by_role("region", name="Rows")).to_be_focused()
    assert len(read_column(tab, 1)) == min(50, len(grid.rows))
    order = np.lexsort((grid.cols, grid.rows, -grid.counts))
    fullest = [f"row {grid.rows[i] + 1}, column {grid.cols[i] + 1}" for i in order]
    assert read_column(tab, 1) == fullest[:50]

    keyboard = tab.page.keyboard
    keyboard.press("Tab")
    keyboard.press("Enter")
    head = table(tab).get_by_role("columnheader", name="Cell", exact=True)
    expect(head).to_have_attribute("aria-sort", "ascending")
    first = f"row {grid.rows.min() + 1}, column {grid.cols[grid.rows == grid.rows.min()].min() + 1}"
    expect(rows(tab).first.get_by_role("rowheader")).to_have_text(first)
    for _ in range(7):
        keyboard.press("Tab")
    keyboard.press("Enter")
    expect(tab.inspector).to_contain_text(f"{first} of 10".replace("row", "Row"))
    expect(rows(tab).first.get_by_role("button").first).to_have_attribute("aria-pressed", "true")
    keyboard.press("Escape")
    expect(tab.inspector).to_have_count(0)
    keyboard.press("t")
    expect(table(tab)).to_have_count(0)
    expect(tab.map).to_be_focused()
    tab.wait_for_hash(view=None)


def test_every_cell_of_a_real_atlas_is_listed(
    valid_log: str, directories: Directories, tab: Tab
) -> None:
    tab.open(valid_log, standalone=True, **DIGITS, view="table")
    path, _ = directories("valid")
    atlas = [one for one in read_atlases(path) if one.run == "digits/atlas"][-1]
    grid = next(one for one in atlas.grids if one.size == 8)
    labels, attribution, cosine = atlas.labels, grid.attribution, grid.icon_cosine
    assert labels is not None
    assert attribution is not None
    assert cosine is not None
    expect(rows(tab)).to_have_count(len(grid.rows))
    listed = {row[1]: row for row in zip(*(read_column(tab, i) for i in range(9)), strict=True)}
    for cell in range(len(grid.rows)):
        row = listed[f"row {grid.rows[cell] + 1}, column {grid.cols[cell] + 1}"]
        members = labels[grid.members(cell)]
        votes = np.bincount(members)
        share = 100 * votes.max() / len(members)
        strongest = int(np.argmax(np.abs(attribution[cell].astype(np.float32))))
        assert row[2].split()[0] == str(len(members))
        assert row[3] == f"{cosine[cell]:.2f}".replace("0.", ".", 1)
        assert row[4] == "Feature inversion"
        assert row[5] == f"class {votes.argmax()}"
        assert row[6] == f"{math.floor(share + 0.5)}%"
        side = "for" if attribution[cell, strongest] > 0 else "against"
        assert row[7].startswith(f"{side} class {strongest} ")


def test_the_pointer_sorts_pages_and_shows_cells_on_the_map(
    valid_log_by_loader: str, tab: Tab
) -> None:
    tab.open(valid_log_by_loader, **WARM, grid=40, view="table")
    expect(rows(tab)).to_have_count(50)
    wait_until_painted(rows(tab).first)
    grid = browser_logs.make_valid_atlas("layer3", 3200).grids[2]
    pager = tab.app.get_by_role("group", name="Pages")
    expect(pager).to_contain_text(f"1{EN_DASH}50 of {len(grid.rows)}")
    pager.get_by_role("button", name="Next").click()
    expect(pager).to_contain_text(f"51{EN_DASH}100 of {len(grid.rows)}")
    table(tab).get_by_role("button", name="Top class").click()
    expect(pager).to_contain_text("1")
    assert set(read_column(tab, 5)) == {CLASSES[0]}
    index = read_column(tab, 1)[3]
    tab.click_button(f"Show {index} on the map")
    expect(table(tab)).to_have_count(0)
    expect(tab.inspector).to_contain_text(f"{index} of 40".replace("row", "Row"))
    tab.wait_for_hash(view=None)


def test_it_follows_step_layer_and_class_filter(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, grid=10, view="table")
    for layer, step in (("layer3", 400), ("layer4", 400)):
        tab.slider.fill(str(browser_logs.STEPS.index(step)))
        tab.select_option("Layer", layer)
        tab.wait_for_step(step, layer=layer)
        cells = len(browser_logs.make_valid_atlas(layer, step).grids[0].rows)
        expect(table(tab).locator("h2")).to_contain_text(f"{cells} cells")
    tab.click_button("Filter by class")
    tab.app.get_by_role("combobox", name="Find a class").fill("cat")
    tab.page.keyboard.press("Enter")
    expect(table(tab).locator("h2")).to_contain_text("pass the class filter")
    assert set(read_column(tab, 5)) == {"cat"}


def open_moving(serve: Serve, tab: Tab, **state: object) -> None:
    """Opens the table of a run in which one class moves."""
    log = serve("concepts", "data-server")
    tab.open(log, standalone=True, run="moving/atlas", grid=4, view="table", **state)


def test_drift_and_difference_are_listed_and_exported(serve: Serve, tab: Tab) -> None:
    """The table has all values of the drift and difference overlays."""
    open_moving(serve, tab, step=200)
    tab.app.get_by_role("region", name="Rows").focus()
    tab.page.keyboard.press("d")
    note = table(tab).locator(".table-note")
    expect(note).to_contain_text("cells moved more than the noise floor since step 100")
    moved = table(tab).get_by_role("columnheader", name="Samples moved")
    moved.get_by_role("button").click()
    expect(moved).to_have_attribute("aria-sort", "descending")
    listed = read_column(tab, 8)
    assert "significant" in listed[0]
    assert "not significant" in listed[-1]
    tab.page.keyboard.press("c")
    tab.wait_for_hash(compare=100)
    expect(note).to_have_count(2)
    expect(note.last).to_contain_text("changed cell between step 100 and step 200")
    tab.settle()
    assert find_violations(tab) == []

    now, before = (make_concept_atlas("moving", step, 1) for step in (200, 100))
    filled = [np.floor(4 * one.samples.xy).clip(0, 3).astype(int) for one in (now, before)]
    tab.page.keyboard.press("e")
    _, data = download(tab, "Save cells")
    exported = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    assert len(exported) == len(now.grids[0].rows)
    for one in exported:
        cell = [int(one["col"]), int(one["row"])]
        count_now, count_before = (int((places == cell).all(axis=1).sum()) for places in filled)
        assert int(one["gain"]) == count_now - count_before
        members = now.grids[0].members(
            int(np.flatnonzero((now.grids[0].cols == cell[0]) & (now.grids[0].rows == cell[1]))[0])
        )
        displacement = now.samples.xy[members].mean(0) - before.samples.xy[members].mean(0)
        assert float(one["moved"]) == pytest.approx(np.hypot(*displacement), abs=1e-5)
        assert (one["moved_since_step"], one["gain_since_step"]) == ("100", "100")
    assert "without" not in tab.app.get_by_role("status").inner_text()
    significant = sum(one["moved_is_significant"] == "1" for one in exported)
    expect(note.first).to_contain_text(f"{significant} of {len(exported)} cells")


def test_sorting_by_drift_is_kept_at_the_next_step(serve: Serve, tab: Tab) -> None:
    """The header keeps the focus while the reference step is loaded."""
    open_moving(serve, tab, step=400, drift="on")
    head = table(tab).get_by_role("columnheader", name="Samples moved")
    head.get_by_role("button").click()
    for step in (200, 100):
        tab.page.keyboard.press(",")
        tab.wait_for_step(step)
        expect(head).to_have_attribute("aria-sort", "descending")
        expect(head.get_by_role("button")).to_be_focused()


@pytest.mark.parametrize("script", [NO_WEBGL, NO_CANVAS], ids=["no-webgl", "no-canvas"])
def test_it_needs_no_graphics(script: str, valid_log: str, tab: Tab) -> None:
    tab.page.add_init_script(script)
    tab.open(valid_log, standalone=True, **WARM, grid=10)
    expect(tab.app.locator(".banner")).to_contain_text("his browser has no")
    tab.press_keys("t")
    expect(tab.app.get_by_role("region", name="Rows")).to_be_focused()
    grid = browser_logs.make_valid_atlas("layer3", 3200).grids[0]
    assert read_column(tab, 2)[0].split()[0] == str(grid.counts.max())
    rows(tab).first.get_by_role("button").first.press("Enter")
    expect(tab.inspector.locator(".bars .name").first).to_be_visible()
    tab.slider.fill("0")
    tab.wait_for_step(0)


def test_untrusted_names_are_text_in_the_table(damaged_log: str, tab: Tab) -> None:
    tab.open(
        damaged_log,
        standalone=True,
        run=f"{browser_logs.MARKUP}/atlas",
        layer=browser_logs.MARKUP,
        view="table",
    )
    expect(rows(tab).first).to_be_visible()
    names = set(read_column(tab, 5))
    assert browser_logs.MARKUP in names
    assert table(tab).locator("img, b").count() == 0


def test_the_table_is_accessible(serve: Serve, tab: Tab) -> None:
    tab.open(serve("valid", "data-server"), standalone=True, **DIGITS, view="table")
    tab.settle()
    wait_until_painted(rows(tab).first)
    audit(tab, "table")
    rows(tab).nth(1).get_by_role("button").first.click()
    expect(tab.inspector.get_by_text("by activation")).to_be_visible()
    audit(tab, "table-pinned")
    tab.page.set_viewport_size({"width": 800, "height": 700})
    tab.inspector.get_by_role("button", name="Unpin").click()
    expect(tab.inspector).to_have_count(0)
    save_screenshots(tab, "table-narrow")
