# SPDX-License-Identifier: Apache-2.0
"""Selecting samples, saving selections, and pins, with pointer and keys."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import browser_logs
import numpy as np
import pytest
from accessibility import audit, save_screenshots
from atlas_tab import Tab, wait_until_painted
from concept_logs import FLOOR, make_concept_atlas
from conftest import Serve
from interactions import drag, pin_list, selection_panel, status_line
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect
from synthetic_atlases import CLASSES

WARM = {"run": "warm/atlas", "layer": "layer3"}
SIZE = 10
STEP = 3200


def panel(tab: Tab) -> Locator:
    return tab.app.locator("aside.kept")


def find_saved(tab: Tab) -> Locator:
    return tab.app.get_by_role("list", name="Saved selections").locator(".event")


def find_inside(left: float, top: float, right: float, bottom: float) -> NDArray[np.int64]:
    xy = browser_logs.make_valid_atlas("layer3", STEP).samples.xy
    x, y = xy[:, 0], xy[:, 1]
    return np.flatnonzero((x >= left) & (x < right) & (y >= top) & (y < bottom))


def rank_classes(rows: NDArray[np.int64]) -> list[str]:
    """Returns the class names of some samples, most frequent first."""
    labels = browser_logs.make_valid_atlas("layer3", STEP).samples.labels
    assert labels is not None
    counts = np.bincount(labels[rows], minlength=len(CLASSES))
    order = sorted(range(len(CLASSES)), key=lambda index: (-counts[index], index))
    return [CLASSES[index] for index in order if counts[index]]


def test_dragging_with_shift_selects_a_rectangle(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM, grid=SIZE)
    drag(tab, (0.113, 0.107), (0.652, 0.748), shift=True)
    rows = find_inside(0.113, 0.107, 0.652, 0.748)
    assert len(rows) > 40
    expect(selection_panel(tab)).to_contain_text(f"{len(rows)} samples")
    expect(selection_panel(tab)).to_contain_text("selected at step 3,200")
    # The map keeps the focus, and nothing covers the selection.
    expect(tab.map).to_be_focused()
    expect(tab.card).to_have_count(0)
    names = selection_panel(tab).locator(".bars .name")
    expect(names).to_have_text(rank_classes(rows)[:10])
    patches = selection_panel(tab).locator(".labeled-patches li")
    expect(patches).to_have_count(12)
    wait_until_painted(patches.first.locator("atlas-crop"))
    labels = set(patches.locator("span").all_inner_texts())
    assert labels <= set(rank_classes(rows))
    selection_panel(tab).get_by_role("button", name="Show more patches").click()
    expect(patches).to_have_count(36)
    # The map has not moved. Dragging without Shift moves it.
    tab.wait_for_hash(x=None, y=None, z=None)
    drag(tab, (0.3, 0.3), (0.4, 0.4))
    tab.page.wait_for_function("location.hash.includes('p.atlas.x=')")


def test_keys_select_a_block_of_cells(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM, grid=SIZE)
    tab.press_keys("ArrowDown")
    row, col = (int(tab.card.get_attribute(f"data-{name}") or -1) for name in ("row", "col"))
    tab.press_keys("r")
    expect(tab.app.locator(".tool-hint")).to_contain_text("arrow keys and Enter")
    tab.press_keys("ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp")
    rows = find_inside(col / SIZE, row / SIZE, (col + 2) / SIZE, (row + 2) / SIZE)
    expect(status_line(tab)).to_contain_text(f"2 by 2 cells, {len(rows)} samples")
    tab.press_keys("Enter")
    expect(selection_panel(tab)).to_contain_text(f"{len(rows)} samples")
    expect(status_line(tab)).to_contain_text(f"{len(rows)} samples selected")
    # With keys only: the name has the focus, and Escape returns to the map.
    expect(tab.app.get_by_label("Name of the selection")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(panel(tab)).to_have_count(0)
    expect(tab.map).to_be_focused()
    tab.press_keys("k")
    expect(tab.app.get_by_label("Name of the selection")).to_be_focused()
    tab.press_keys("r", "Escape")
    expect(tab.app.locator(".tool-hint")).to_have_count(0)
    expect(status_line(tab)).to_contain_text("Nothing selected")


def test_the_lasso_selects_the_enclosed_samples(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM, grid=SIZE)
    tab.press_keys("l")
    triangle = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8))
    drag(tab, *triangle, triangle[0])
    xy = browser_logs.make_valid_atlas("layer3", STEP).samples.xy
    depth = np.stack([xy[:, 0] - 0.2, xy[:, 1] - 0.2, (1.0 - xy.sum(axis=1)) / np.sqrt(2)])
    surely, maybe = int((depth.min(axis=0) > 0.01).sum()), int((depth.min(axis=0) > -0.01).sum())
    expect(selection_panel(tab)).to_be_visible()
    count = int(selection_panel(tab).locator(".headline strong").inner_text().split()[0])
    assert surely <= count <= maybe
    assert surely > 40
    # The lasso ends after one selection; the button starts it as well.
    expect(tab.app.locator(".tool-hint")).to_have_count(0)
    lasso = panel(tab).get_by_role("button", name="Lasso")
    lasso.click()
    expect(lasso).to_have_attribute("aria-pressed", "true")
    expect(tab.map).to_be_focused()
    drag(tab, (-0.02, -0.02), (0.0, -0.02), (0.0, -0.01))
    expect(status_line(tab)).to_contain_text("No samples in this area")
    expect(selection_panel(tab).locator(".headline strong")).to_have_text(f"{count} samples")


def test_the_outline_is_drawn_and_the_class_filter_stays(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, grid=SIZE, filter="top:3")
    legend = tab.app.get_by_label("Legend of the class filter")
    expect(legend).to_contain_text("Top class is deer")
    (row, col), *_ = find_largest_cells(1)
    around = np.array([row + 0.5, col + 0.5]) / SIZE
    (top, left), (bottom, right) = around - 0.08, around + 0.08
    drag(tab, (left, top), (right, bottom), shift=True)
    expect(selection_panel(tab)).to_be_visible()
    tab.settle()
    expect(legend).to_contain_text("Top class is deer")
    tab.wait_for_hash(filter="top:3")
    # The map is smaller now, so another cell may be under the pointer.
    tab.page.mouse.move(5, 5)
    expect(tab.card).to_have_count(0)
    outlined = tab.capture()
    panel(tab).get_by_role("button", name="Clear").click()
    expect(selection_panel(tab)).to_have_count(0)
    tab.settle()
    plain = tab.capture()
    changed = np.abs(outlined - plain).max(axis=2) > 60
    world, box = tab.map_box, tab.map.bounding_box()
    assert box is not None
    high, wide = changed.shape
    rows, cols = np.nonzero(changed)
    corner, extent = (world["y"], world["x"]), (box["height"], box["width"])
    middle = (around * world["side"] + corner) / extent
    assert changed.sum() > 200
    # Only pixels around the selection have changed.
    assert np.abs(np.median(rows) / high - middle[0]) < 0.1
    assert np.abs(np.median(cols) / wide - middle[1]) < 0.1


def test_a_selection_lists_its_history_for_each_step(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="moving/atlas", step=0, grid=4)
    drag(tab, (-0.01, -0.01), (1.01, 1.01), shift=True)
    first = make_concept_atlas("moving", 0, 1).samples
    expect(selection_panel(tab)).to_contain_text(f"{len(first.xy)} samples")
    table = selection_panel(tab).locator(".course tbody tr")
    expect(table).to_have_count(4)
    for line, step in enumerate((0, 100, 200, 400)):
        moves = np.linalg.norm(make_concept_atlas("moving", step, 1).samples.xy - first.xy, axis=1)
        cells = table.nth(line).locator("td")
        expect(cells.first.locator(".number")).to_contain_text("%")
        if step == 0:
            expect(cells.nth(1)).to_have_text("\u2013")
            continue
        expect(cells.nth(1)).to_have_text(format_percent(float(moves.mean())))
        expect(cells.nth(2)).to_have_text(format_percent(float((moves > FLOOR).mean())))
    expect(table.first).to_have_attribute("aria-current", "step")
    table.nth(2).get_by_role("button").press("Enter")
    tab.wait_for_step(200)
    expect(table.nth(2)).to_have_attribute("aria-current", "step")
    expect(selection_panel(tab)).to_contain_text("selected at step 0")
    # A run with another probe shows a message.
    tab.select_option("Run", "other")
    expect(selection_panel(tab)).to_contain_text("Its samples are not those of this atlas.")


@pytest.mark.both_loaders
def test_some_steps_of_a_long_run_are_read(damaged_log: str, tab: Tab) -> None:
    tab.open(damaged_log, standalone=True, run="long/atlas")
    before = tab.data_requests.count("atlas")
    drag(tab, (-0.01, -0.01), (1.01, 1.01), shift=True)
    expect(selection_panel(tab)).to_contain_text("24 samples")
    expect(selection_panel(tab)).to_contain_text("22 of 201 steps")
    lines = selection_panel(tab).locator(".course tbody tr")
    expect(lines).to_have_count(22)
    expect(lines.first.locator("td").first).to_contain_text("%")
    expect(lines.last).to_have_attribute("aria-current", "step")
    # Some of them may be cached, such as adjacent steps.
    requested = tab.data_requests.count("atlas") - before
    assert 18 <= requested <= 24
    # Showing another step reads one more step; the others are not read again.
    lines.nth(10).get_by_role("button").click()
    tab.settle(step=lines.nth(10).get_by_role("button").inner_text().strip())
    tab.press_keys(".")
    expect(lines).to_have_count(23)
    expect(selection_panel(tab)).to_contain_text("23 of 201 steps")
    assert tab.data_requests.count("atlas") - before - requested <= 6


def format_percent(share: float) -> str:
    """Formats a percentage as the tab does."""
    if share < 0.001:
        return "<0.1%" if share else "0%"
    return f"{100 * share:.1f}%" if share < 0.1 else f"{int(100 * share + 0.5)}%"


def test_a_selection_is_saved_found_renamed_and_deleted(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM, grid=SIZE)
    drag(tab, (0.3, 0.2), (0.65, 0.65), shift=True)
    heading = selection_panel(tab).locator(".headline strong")
    many = heading.inner_text()
    name = tab.app.get_by_label("Name of the selection")
    name.fill(browser_logs.MARKUP)
    name.press("Enter")
    expect(find_saved(tab)).to_have_count(1)
    expect(find_saved(tab).locator(".name")).to_have_text(browser_logs.MARKUP)
    assert panel(tab).locator("img").count() == 0
    expect(panel(tab)).to_contain_text("Stored in this browser")

    # It is kept after the page was closed, and the search finds it.
    tab.page.goto("about:blank")
    tab.open(valid_log_by_loader, standalone=True, run="warm/atlas", layer="layer4")
    tab.press_keys("/")
    box = tab.app.get_by_role("combobox", name="Find", exact=True)
    expect(box).to_be_focused()
    box.fill("<img")
    option = tab.app.get_by_role("option").and_(tab.app.locator("[data-kind=selection]"))
    expect(option).to_contain_text(browser_logs.MARKUP)
    tab.page.keyboard.press("Enter")
    tab.wait_for_step(STEP, layer="layer3")
    expect(heading).to_have_text(many)

    panel(tab).get_by_role("button", name="Rename").click()
    new = tab.app.get_by_label("New name")
    expect(new).to_be_focused()
    new.fill("the middle")
    new.press("Enter")
    expect(find_saved(tab).locator(".name")).to_have_text("the middle")
    expect(status_line(tab)).to_contain_text("Renamed to the middle")
    expect(find_saved(tab)).to_be_focused()
    panel(tab).get_by_role("button", name="Delete the middle").press("Enter")
    expect(find_saved(tab)).to_have_count(0)
    assert json.loads(tab.page.evaluate("localStorage['atlas.selections']"))["selections"] == []


def test_a_selection_is_exported(valid_log: str, tab: Tab, tmp_path: Path) -> None:
    tab.open(valid_log, standalone=True, **WARM, grid=SIZE)
    drag(tab, (0.3, 0.2), (0.65, 0.65), shift=True)
    rows = find_inside(0.3, 0.2, 0.65, 0.65)
    samples = browser_logs.make_valid_atlas("layer3", STEP).samples
    with tab.page.expect_download() as download:
        selection_panel(tab).get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "selection-layer3-step3200.csv"
    path = tmp_path / "rows.csv"
    download.value.save_as(path)
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(io.StringIO(file.read())))
    assert [int(line["sample"]) for line in table] == rows.tolist()
    assert [int(line["image"]) for line in table] == samples.image_ids[rows].tolist()
    assert np.allclose([float(line["x"]) for line in table], samples.xy[rows, 0], atol=1e-6)
    with tab.page.expect_download() as download:
        selection_panel(tab).get_by_role("button", name="JSON").click()
    path = tmp_path / "rows.json"
    download.value.save_as(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [one["sample"] for one in content["samples"]] == rows.tolist()
    assert content["layer"] == "layer3"


def test_invalid_storage_is_ignored(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    for text in ("{", '{"version":1,"selections":[{"name":"<img src=x>","rows":[1e99]}]}', "[]"):
        tab.page.evaluate("text => localStorage.setItem('atlas.selections', text)", text)
        tab.press_keys("k")
        expect(panel(tab)).to_be_visible()
        expect(find_saved(tab)).to_have_count(0)
        tab.press_keys("k")
        expect(panel(tab)).to_have_count(0)


def find_largest_cells(count: int) -> list[tuple[int, int]]:
    grid = browser_logs.make_valid_atlas("layer3", STEP).grids[0]
    order = np.argsort(-grid.counts, kind="stable")[:count]
    return [(int(grid.rows[cell]), int(grid.cols[cell])) for cell in order]


def test_pins_are_in_the_link(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM, grid=SIZE)
    (row, col), *_ = find_largest_cells(1)
    x, y, _ = tab.locate_cell(SIZE, row, col)
    tab.page.keyboard.down("Shift")
    tab.page.mouse.click(x, y)
    tab.page.keyboard.up("Shift")
    where = f"row {row + 1}, column {col + 1}"
    expect(pin_list(tab)).to_have_count(1)
    expect(pin_list(tab).first).to_contain_text(where)
    expect(pin_list(tab).first).to_contain_text("10 \u00d7 10 \u00b7 layer3 \u00b7 step 3,200")
    expect(tab.inspector).to_have_count(0)
    wait_until_painted(pin_list(tab).first.locator(".pin-icon"))

    # With keys, at another step and layer.
    tab.select_option("Layer", "layer4")
    tab.wait_for_step(STEP, layer="layer4")
    tab.press_keys(",")
    tab.wait_for_step(1600, layer="layer4")
    tab.press_keys("ArrowRight", "Shift+Enter")
    expect(pin_list(tab)).to_have_count(2)
    expect(pin_list(tab).nth(1)).to_contain_text("layer4 \u00b7 step 1,600")
    tab.page.wait_for_function("location.hash.split('p.atlas.pins=')[1]?.includes('%2C')")
    link = tab.page.url

    tab.page.goto("about:blank")
    tab.page.goto(link)
    tab.enter_iframe().settle()
    tab.press_keys("k")
    expect(pin_list(tab)).to_have_count(2)
    pin_list(tab).first.press("Enter")
    tab.wait_for_step(STEP, layer="layer3")
    expect(tab.inspector).to_contain_text(f"Row {row + 1}, column {col + 1} of 10 \u00d7 10")
    tab.wait_for_center((col + 0.5) / SIZE, (row + 0.5) / SIZE, within=0.01)
    panel(tab).get_by_role("button", name="Remove pin 1").click()
    expect(pin_list(tab)).to_have_count(1)
    expect(pin_list(tab).first).to_contain_text("layer4")


def test_an_invalid_link_pins_nothing(valid_log: str, tab: Tab) -> None:
    link = f"{browser_logs.MARKUP},10.99.1.0.s0,__proto__,1e9.0.0.0.s1,10.1.1.7.s00000000000000ff"
    tab.open(valid_log, standalone=True, **WARM, pins=link, lit=browser_logs.MARKUP)
    tab.wait_for_hash(pins="10.1.1.7.s00000000000000ff", lit=None)
    tab.press_keys("k")
    expect(pin_list(tab)).to_have_count(1)
    expect(pin_list(tab).first).to_contain_text("Not in this log")
    expect(pin_list(tab).first).to_be_disabled()


def test_a_highlight_is_in_the_link_and_listed_for_each_step(
    valid_log_by_loader: str, tab: Tab
) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM, grid=SIZE, lit="image:17")
    pill = tab.app.locator(".highlight-pill")
    expect(pill).to_contain_text("image 17")
    tab.wait_for_hash(lit="image:17")
    pill.get_by_role("button", name="Location at each step").click()
    places = tab.app.get_by_label("Location at each step").and_(tab.app.locator("section"))
    lines = places.locator("tbody tr")
    expect(lines).to_have_count(len(browser_logs.STEPS))
    for line, step in zip(lines.all(), browser_logs.STEPS, strict=True):
        atlas = browser_logs.make_valid_atlas("layer3", step)
        grid = atlas.grids[0]
        cells = {int(cell) for cell in grid.cell_of[atlas.samples.image_ids == 17] if cell >= 0}
        for cell in cells:
            expect(line).to_contain_text(f"row {grid.rows[cell] + 1}, column {grid.cols[cell] + 1}")
    place = lines.nth(2).locator("td button").first
    where = place.inner_text().split("\n")[0]
    place.press("Enter")
    tab.wait_for_step(browser_logs.STEPS[2])
    expect(tab.inspector).to_contain_text(where[0].upper() + where[1:].split(" ", 4)[0])
    tab.click_button("End the highlight")
    tab.wait_for_hash(lit=None)
    expect(places).to_have_count(0)


def test_selections_and_pins_are_accessible(serve: Serve, tab: Tab) -> None:
    tab.open(serve("valid", "data-server"), standalone=True, **WARM, grid=SIZE)
    tab.press_keys("k")
    expect(panel(tab)).to_be_visible()
    audit(tab, "kept-empty")
    tab.press_keys("r", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown")
    expect(tab.app.locator(".tool-hint")).to_be_visible()
    audit(tab, "select-block")
    tab.press_keys("Enter")
    expect(selection_panel(tab)).to_be_visible()
    expect(selection_panel(tab).get_by_text("loading")).to_have_count(0)
    tab.app.get_by_label("Name of the selection").press("Enter")
    expect(find_saved(tab)).to_have_count(1)
    wait_until_painted(selection_panel(tab).locator(".labeled-patches atlas-crop").first)
    audit(tab, "selection")
    for number, (row, col) in enumerate(find_largest_cells(3), start=1):
        x, y, _ = tab.locate_cell(SIZE, row, col)
        tab.page.keyboard.down("Shift")
        tab.page.mouse.click(x, y)
        tab.page.keyboard.up("Shift")
        expect(pin_list(tab)).to_have_count(number)
    panel(tab).get_by_role("button", name="Clear").click()
    wait_until_painted(pin_list(tab).last.locator(".pin-icon"))
    audit(tab, "pins")
    tab.page.set_viewport_size({"width": 820, "height": 700})
    tab.settle()
    save_screenshots(tab, "pins-narrow")
    audit(tab)
