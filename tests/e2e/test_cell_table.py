# SPDX-License-Identifier: Apache-2.0
"""The cells as a table: all that the map says of them, for the keyboard, the eye and the ear."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path

import logs
import numpy as np
import pytest
from audits import audit, photograph, violations
from conftest import Serve
from evolving import evolving_atlas
from playwright.sync_api import Locator, expect
from samples import CLASSES
from tab import Tab, until_painted
from test_export import download
from test_renderers import NO_WEBGL

from tensorboard_plugin_atlas import read_atlases

Directories = Callable[[str], tuple[Path, int]]

WARM = {"run": "warm/atlas", "layer": "layer3"}
DIGITS = {"run": "digits/atlas", "step": 60, "grid": 8}
NO_CANVAS = "HTMLCanvasElement.prototype.getContext = () => null;"
EN_DASH = "\u2013"


def table(tab: Tab) -> Locator:
    return tab.app.get_by_role("region", name="Cells of the grid")


def rows(tab: Tab) -> Locator:
    return table(tab).locator("tbody tr")


def column(tab: Tab, place: int) -> list[str]:
    found: list[str] = rows(tab).evaluate_all(
        "(rows, place) => rows.map((row) => row.children[place].innerText.trim())", place
    )
    return found


def test_keys_alone_read_sort_pin_and_go_back(sound: str, tab: Tab) -> None:
    tab.open(sound, **WARM, grid=10)
    assert not any("table" in one for one in tab.scripts)
    tab.key("t")
    tab.linked(view="table")
    grid = logs.sample_atlas("layer3", 3200).grids[0]
    expect(table(tab).locator("h2")).to_contain_text(f"{len(grid.rows)} cells")
    expect(tab.app.get_by_role("region", name="Rows")).to_be_focused()
    assert len(column(tab, 1)) == min(50, len(grid.rows))
    order = np.lexsort((grid.cols, grid.rows, -grid.counts))
    fullest = [f"row {grid.rows[i] + 1}, column {grid.cols[i] + 1}" for i in order]
    assert column(tab, 1) == fullest[:50]

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
    tab.linked(view=None)


def test_every_cell_of_a_real_atlas_is_told(quick: str, directories: Directories, tab: Tab) -> None:
    tab.open(quick, alone=True, **DIGITS, view="table")
    path, _ = directories("sound")
    atlas = [one for one in read_atlases(path) if one.run == "digits/atlas"][-1]
    grid = next(one for one in atlas.grids if one.size == 8)
    labels, attribution, cosine = atlas.labels, grid.attribution, grid.icon_cosine
    assert labels is not None
    assert attribution is not None
    assert cosine is not None
    expect(rows(tab)).to_have_count(len(grid.rows))
    told = {row[1]: row for row in zip(*(column(tab, i) for i in range(9)), strict=True)}
    for cell in range(len(grid.rows)):
        row = told[f"row {grid.rows[cell] + 1}, column {grid.cols[cell] + 1}"]
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


def test_the_pointer_sorts_turns_pages_and_shows_on_the_map(sound: str, tab: Tab) -> None:
    tab.open(sound, **WARM, grid=40, view="table")
    expect(rows(tab)).to_have_count(50)
    until_painted(rows(tab).first)
    grid = logs.sample_atlas("layer3", 3200).grids[2]
    pager = tab.app.get_by_role("group", name="Pages")
    expect(pager).to_contain_text(f"1{EN_DASH}50 of {len(grid.rows)}")
    pager.get_by_role("button", name="Next").click()
    expect(pager).to_contain_text(f"51{EN_DASH}100 of {len(grid.rows)}")
    table(tab).get_by_role("button", name="Top class").click()
    expect(pager).to_contain_text("1")
    assert set(column(tab, 5)) == {CLASSES[0]}
    place = column(tab, 1)[3]
    tab.press(f"Show {place} on the map")
    expect(table(tab)).to_have_count(0)
    expect(tab.inspector).to_contain_text(f"{place} of 40".replace("row", "Row"))
    tab.linked(view=None)


def test_it_follows_step_layer_and_class_filter(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM, grid=10, view="table")
    for layer, step in (("layer3", 400), ("layer4", 400)):
        tab.slider.fill(str(logs.STEPS.index(step)))
        tab.choose("Layer", layer)
        tab.shows(step, layer=layer)
        cells = len(logs.sample_atlas(layer, step).grids[0].rows)
        expect(table(tab).locator("h2")).to_contain_text(f"{cells} cells")
    tab.press("Ask about a class")
    tab.app.get_by_role("combobox", name="Find a class").fill("cat")
    tab.page.keyboard.press("Enter")
    expect(table(tab).locator("h2")).to_contain_text("pass the class filter")
    assert set(column(tab, 5)) == {"cat"}


def open_moving(serve: Serve, tab: Tab, **state: object) -> None:
    """Opens the table of a run in which one class moves."""
    log = serve("evolving", "data-server")
    tab.open(log, alone=True, run="moving/atlas", grid=4, view="table", **state)


def test_what_changed_is_told_of_every_cell_and_taken_away(serve: Serve, tab: Tab) -> None:
    """Drift and difference need no map: all that arrows and squares say can be read here."""
    open_moving(serve, tab, step=200)
    tab.app.get_by_role("region", name="Rows").focus()
    tab.page.keyboard.press("d")
    note = table(tab).locator(".table-note")
    expect(note).to_contain_text("cells moved more than chance since step 100")
    moved = table(tab).get_by_role("columnheader", name="Samples moved")
    moved.get_by_role("button").click()
    expect(moved).to_have_attribute("aria-sort", "descending")
    told = column(tab, 8)
    assert "beyond chance" in told[0]
    assert "within chance" in told[-1]
    tab.page.keyboard.press("c")
    tab.linked(compare=100)
    expect(note).to_have_count(2)
    expect(note.last).to_contain_text("changed cell between step 100 and step 200")
    tab.settle()
    assert violations(tab) == []

    now, before = (evolving_atlas("moving", step, 1) for step in (200, 100))
    filled = [np.floor(4 * one.samples.xy).clip(0, 3).astype(int) for one in (now, before)]
    tab.page.keyboard.press("e")
    _, data = download(tab, "Save cells")
    told_of = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    assert len(told_of) == len(now.grids[0].rows)
    for one in told_of:
        square = [int(one["col"]), int(one["row"])]
        more, fewer = (int((places == square).all(axis=1).sum()) for places in filled)
        assert int(one["gain"]) == more - fewer
        members = now.grids[0].members(
            int(
                np.flatnonzero((now.grids[0].cols == square[0]) & (now.grids[0].rows == square[1]))[
                    0
                ]
            )
        )
        way = now.samples.xy[members].mean(0) - before.samples.xy[members].mean(0)
        assert float(one["moved"]) == pytest.approx(np.hypot(*way), abs=1e-5)
        assert (one["moved_since_step"], one["gain_since_step"]) == ("100", "100")
    assert "without" not in tab.app.get_by_role("status").inner_text()
    news = sum(one["moved_is_news"] == "1" for one in told_of)
    expect(note.first).to_contain_text(f"{news} of {len(told_of)} cells")


def test_the_order_by_a_change_outlives_a_step(serve: Serve, tab: Tab) -> None:
    """Though the other step of the next one has to come first, the hand stays where it was."""
    open_moving(serve, tab, step=400, drift="on")
    head = table(tab).get_by_role("columnheader", name="Samples moved")
    head.get_by_role("button").click()
    for step in (200, 100):
        tab.page.keyboard.press(",")
        tab.shows(step)
        expect(head).to_have_attribute("aria-sort", "descending")
        expect(head.get_by_role("button")).to_be_focused()


@pytest.mark.parametrize("script", [NO_WEBGL, NO_CANVAS], ids=["no-webgl", "no-canvas"])
def test_it_needs_no_graphics(script: str, quick: str, tab: Tab) -> None:
    tab.page.add_init_script(script)
    tab.open(quick, alone=True, **WARM, grid=10)
    expect(tab.app.locator(".banner")).to_contain_text("his browser offers no")
    tab.key("t")
    expect(tab.app.get_by_role("region", name="Rows")).to_be_focused()
    grid = logs.sample_atlas("layer3", 3200).grids[0]
    assert column(tab, 2)[0].split()[0] == str(grid.counts.max())
    rows(tab).first.get_by_role("button").first.press("Enter")
    expect(tab.inspector.locator(".bars .name").first).to_be_visible()
    tab.slider.fill("0")
    tab.shows(0)


def test_hostile_names_are_text(odd: str, tab: Tab) -> None:
    tab.open(odd, alone=True, run=f"{logs.MARKUP}/atlas", layer=logs.MARKUP, view="table")
    expect(rows(tab).first).to_be_visible()
    names = set(column(tab, 5))
    assert logs.MARKUP in names
    assert table(tab).locator("img, b").count() == 0


def test_it_can_be_read_by_everybody(serve: Serve, tab: Tab) -> None:
    tab.open(serve("sound", "data-server"), alone=True, **DIGITS, view="table")
    tab.settle()
    until_painted(rows(tab).first)
    audit(tab, "table")
    rows(tab).nth(1).get_by_role("button").first.click()
    expect(tab.inspector.get_by_text("by activation")).to_be_visible()
    audit(tab, "table-pinned")
    tab.page.set_viewport_size({"width": 800, "height": 700})
    tab.inspector.get_by_role("button", name="Unpin").click()
    expect(tab.inspector).to_have_count(0)
    photograph(tab, "table-narrow")
