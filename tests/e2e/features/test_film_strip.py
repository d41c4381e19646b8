# SPDX-License-Identifier: Apache-2.0
"""The film strip of a concept: one frame per step, with events and links."""

from __future__ import annotations

import browser_logs
import numpy as np
from accessibility import audit, save_screenshots
from atlas_tab import Tab, wait_until_painted
from concept_logs import STEPS, make_concept_atlas
from playwright.sync_api import Locator, expect
from synthetic_atlases import CLASSES

MOVING = {"run": "moving/atlas", "grid": 4}


def frames(tab: Tab) -> Locator:
    return tab.inspector.locator(".film .frame")


def find_largest_cell(step: int, concept: int) -> tuple[int, int]:
    """Returns row and column of the cell with most samples of a concept."""
    atlas = make_concept_atlas("moving", step, 1)
    grid, labels = atlas.grids[0], atlas.samples.labels
    assert labels is not None
    cells = grid.cell_of[labels == concept]
    cell = int(np.bincount(cells[cells >= 0]).argmax())
    return int(grid.rows[cell]), int(grid.cols[cell])


def open_film_strip(tab: Tab, url: str, concept: int) -> None:
    """Highlights a concept and pins the cell with most of its samples, at the first step."""
    tab.open(url, standalone=True, **MOVING, step=0, lit=f"concept:{concept}")
    row, col = find_largest_cell(0, concept)
    x, y, _ = tab.locate_cell(4, row, col)
    tab.page.mouse.click(x, y)
    expect(tab.inspector).to_be_visible()


def test_each_step_has_a_frame_that_opens_it(concept_log: str, tab: Tab) -> None:
    open_film_strip(tab, concept_log, 0)
    expect(frames(tab)).to_have_count(len(STEPS))
    size = int((make_concept_atlas("moving", 0, 1).samples.labels == 0).sum())
    for frame, step in zip(frames(tab).all(), STEPS, strict=True):
        expect(frame).to_have_attribute(
            "aria-label",
            f"Step {step}: {size} samples, {CLASSES[0]} 100%" + (", Split" if step == 200 else ""),
        )
        wait_until_painted(frame.locator(".frame-icon"))
    expect(frames(tab).first).to_have_attribute("aria-current", "step")
    for step, press in ((200, "click"), (400, "Enter")):
        frame = frames(tab).nth(STEPS.index(step))
        if press == "click":
            frame.click()
        else:
            frame.press(press)
        tab.wait_for_step(step)
        row, col = find_largest_cell(step, 0)
        expect(tab.inspector).to_contain_text(f"Row {row + 1}, column {col + 1} of 4")
        expect(frame).to_have_attribute("aria-current", "step")
    assert find_largest_cell(0, 0) != find_largest_cell(400, 0)


def test_the_shown_step_is_visible_and_icons_load_on_demand(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, run="warm/atlas", layer="layer3", grid=10)
    tab.press_keys("ArrowRight", "Enter")
    expect(frames(tab)).to_have_count(len(browser_logs.STEPS))
    expect(tab.inspector.get_by_text("not loaded yet")).to_have_count(0)
    strip = tab.inspector.locator(".film-scroll")
    strip.scroll_into_view_if_needed()
    expect(frames(tab).last).to_be_in_viewport(ratio=0.9)
    wait_until_painted(frames(tab).last.locator(".frame-icon"))
    tab.settle()
    assert not drawn_steps(tab) & {0, 50}
    # Another step becomes visible, with its icon.
    tab.slider.fill("0")
    tab.wait_for_step(0)
    # The inspector may be longer at this step.
    strip.scroll_into_view_if_needed()
    expect(frames(tab).first).to_be_in_viewport(ratio=0.9)
    wait_until_painted(frames(tab).first.locator(".frame-icon"))
    wait_until_painted(frames(tab).nth(1).locator(".frame-icon"))


def drawn_steps(tab: Tab) -> set[int]:
    """Returns the steps whose icons were requested."""
    sheets = [one for one in tab.requests if one.startswith("sheet?")]
    return {int(one.partition("&step=")[2].partition("&")[0]) for one in sheets}


def test_the_lines_show_size_and_purity(concept_log: str, tab: Tab) -> None:
    open_film_strip(tab, concept_log, 4)
    size = int((make_concept_atlas("moving", 0, 1).samples.labels == 4).sum())
    expect(tab.inspector.locator(".film-key")).to_contain_text(f"samples, at most {size}")
    # Neither changes in this log: four points at the same height.
    for line in tab.inspector.locator(".film-lines path").all():
        expect(line).to_have_attribute("d", "M30.0 0.0h0L90.0 0.0L150.0 0.0L210.0 0.0")
    ended = frames(tab).nth(3)
    expect(ended).to_have_attribute(
        "aria-label", f"Step 400: {size} samples, {CLASSES[4]} 100%, Ended"
    )
    assert ended.locator(".glyph").count() == 1


def test_there_is_none_without_concepts(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="bare/atlas")
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text("Not tracked in this atlas.")
    expect(tab.inspector.locator(".film")).to_have_count(0)


def test_the_film_strip_is_accessible(concept_log: str, tab: Tab) -> None:
    open_film_strip(tab, concept_log, 0)
    wait_until_painted(frames(tab).last.locator(".frame-icon"))
    audit(tab)
    tab.app.locator(".highlight-pill").get_by_role("button", name="Location at each step").click()
    expect(tab.app.locator(".places tbody tr")).to_have_count(len(STEPS))
    audit(tab)
    tab.inspector.locator(".film").scroll_into_view_if_needed()
    save_screenshots(tab, "film-strip")
