# SPDX-License-Identifier: Apache-2.0
"""Events of a run: marks on the timeline, the list, before and after, concepts."""

from __future__ import annotations

import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab
from concept_logs import FLIPS, MARKUP, make_concept_atlas
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

MOVING = {"run": "moving/atlas"}
BACKGROUND = (245, 246, 247)
DIMMING = 0.75
"""Weight of the background color in a cell without members."""


def events(tab: Tab) -> Locator:
    return tab.app.get_by_label("Events of this run").and_(tab.app.locator("aside"))


def test_the_list_is_ranked_or_in_order(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, **MOVING)
    tab.press_keys("j")
    tab.wait_for_hash(events="on")
    sentences = events(tab).locator(".event-text")
    expect(sentences).to_have_text(
        ["airplanes split from birds", "frogs are gone", "birds came up"]
    )
    tab.app.get_by_label("By step").check()
    expect(sentences).to_have_text(
        ["birds came up", "airplanes split from birds", "frogs are gone"]
    )
    tab.click_button("Close the events")
    expect(events(tab)).to_have_count(0)
    tab.wait_for_hash(events=None)


def test_an_event_opens_its_step_cell_and_members(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=0, events="on")
    events(tab).get_by_role("button", name="airplanes split from birds").press("Enter")
    tab.wait_for_step(200)
    expect(tab.inspector).to_be_visible()
    pill = tab.app.get_by_label("Highlighted concepts")
    expect(pill).to_contain_text("airplane, bird")
    expect(pill).to_contain_text("134 samples")
    expect(pill).to_contain_text("at step 200")
    tab.wait_for_center(2.5 / 4, within=0.01)

    sides = tab.app.get_by_label("Before and after the event")
    sides.get_by_role("button", name="Before").click()
    tab.wait_for_step(100)
    expect(pill).to_contain_text("67 samples")
    expect(sides.get_by_role("button", name="Before")).to_have_attribute("aria-pressed", "true")
    sides.get_by_role("button", name="After").click()
    tab.wait_for_step(200)
    tab.click_button("End the highlight")
    expect(pill).to_have_count(0)


def test_the_members_of_an_event_are_highlighted_before_and_after(
    concept_log: str, tab: Tab
) -> None:
    """A cell is dimmed by its fraction of other samples, at either step."""
    size = 4
    tab.open(concept_log, standalone=True, **MOVING, step=0, events="on", grid=size)
    split = events(tab).get_by_role("button", name="airplanes split from birds")
    sides = tab.app.get_by_label("Before and after the event")
    for side, step, classes in (("After", 200, (0, 1)), ("Before", 100, (1,))):
        split.click()
        tab.wait_for_step(200)
        tab.click_button("Unpin")
        sides.get_by_role("button", name=side).click()
        tab.wait_for_step(step)
        highlighted = {cell: tab.capture_cell(size, *cell) for cell in inner_cells(size)}
        tab.click_button("End the highlight")
        tab.settle()
        shares = member_shares(step, classes, size)
        for cell, picture in highlighted.items():
            plain = tab.capture_cell(size, *cell)
            dimmed = np.abs(picture - plain) / np.maximum(1, np.abs(BACKGROUND - plain))
            assert np.median(dimmed) == pytest.approx(DIMMING * (1 - shares[cell]), abs=0.06)


def inner_cells(size: int) -> list[tuple[int, int]]:
    """Returns the cells that are visible after the jump to the event."""
    return [(row, col) for row in range(1, size - 1) for col in range(1, size)]


def member_shares(step: int, classes: tuple[int, ...], size: int) -> NDArray[np.float64]:
    """Returns (size, size): fraction of each cell's logged samples that are of `classes`."""
    samples = make_concept_atlas("moving", step, 1).samples
    cells = np.minimum(size - 1, (samples.xy * size).astype(int))
    counts = np.zeros((2, size, size))
    for member, (col, row) in zip(np.isin(samples.labels, classes), cells, strict=True):
        counts[int(member), row, col] += 1
    share: NDArray[np.float64] = counts[1] / np.maximum(1, counts.sum(axis=0))
    return share


def test_highlighting_dims_other_cells(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=0, grid=4)
    before = tab.capture()
    tab.press_keys("ArrowRight", "Enter")
    line = tab.inspector.locator(".concept", has_text="frog")
    line.click()
    expect(line).to_have_attribute("aria-pressed", "true")
    pill = tab.app.get_by_label("Highlighted concepts")
    expect(pill).to_contain_text("66 samples")
    tab.settle()
    changed = np.abs(tab.capture()[60:, :600] - before[60:, :600]).max(axis=2) > 12
    assert changed.mean() > 0.05
    # It is kept at the next step, and a key ends it.
    tab.press_keys(".")
    tab.wait_for_step(100)
    expect(pill).to_contain_text("at step 100")
    tab.press_keys("Escape", "Escape")
    expect(pill).to_have_count(0)


def test_marks_on_the_timeline_jump_to_their_step(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=0)
    marks = tab.app.locator(".event-mark")
    expect(marks).to_have_count(3)
    kinds = marks.evaluate_all("all => all.map((one) => [+one.dataset.step, one.dataset.kind])")
    assert sorted(kinds) == [[100, "born"], [200, "splits"], [400, "dies"]]
    tab.app.locator('.event-mark[data-step="400"]').click()
    # The concept has ended at this step, so the step before is shown.
    tab.wait_for_step(200)
    expect(tab.app.get_by_label("Highlighted concepts")).to_contain_text("66 samples")


def test_a_change_of_predictions_highlights_its_samples(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="flipping/atlas", step=0, events="on")
    sentences = events(tab).locator(".event-text")
    expect(sentences).to_have_text(["airplanes split from birds"])
    tab.app.get_by_label("All", exact=True).and_(tab.app.locator("input")).check()
    expect(sentences).to_have_text([FLIPS.text, "airplanes split from birds"])
    for name, kinds in (("Concepts", ["splits"]), ("Predictions", ["flips"])):
        tab.app.get_by_label(name, exact=True).and_(tab.app.locator("input")).check()
        items = events(tab).locator("li[data-kind]")
        expect(items).to_have_count(1)
        assert items.evaluate_all("all => all.map((one) => one.dataset.kind)") == kinds
    change = events(tab).get_by_role("button", name=FLIPS.text)
    expect(change).to_contain_text("Predictions changed")
    change.click()
    tab.wait_for_step(200)
    expect(tab.inspector).to_be_visible()
    pill = tab.app.get_by_label("Highlighted predictions")
    expect(pill).to_contain_text("airplane predicted as bird")
    samples = make_concept_atlas("flipping", 200, 1).samples
    assert samples.labels is not None
    assert samples.predictions is not None
    members = (samples.labels == 0) & (samples.predictions == 1)
    expect(pill).to_contain_text(f"{members.sum()} samples")
    # The step has an event of a concept as well, which its mark shows.
    mark = tab.app.locator('.event-mark[data-step="200"]')
    expect(mark).to_have_attribute("data-kind", "splits")
    audit(tab)


def test_an_unchanged_model_has_no_events(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="still/atlas", events="on")
    expect(events(tab)).to_contain_text("No events.")
    expect(tab.app.locator(".event-mark")).to_have_count(0)


def test_a_log_without_concepts_shows_a_message(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="bare/atlas", events="on")
    expect(events(tab)).to_contain_text("Events were not recorded in this run.")
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text("Not tracked in this atlas.")


def test_untrusted_events_are_text(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="untrusted/atlas", events="on")
    first = events(tab).locator(".event-text").first
    expect(first).to_contain_text(MARKUP[:28])
    assert events(tab).locator("img").count() == 0
    assert len(first.text_content() or "") <= 240
    events(tab).locator(".event").first.click()
    tab.wait_for_step(100)


def test_the_list_is_accessible(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, events="on")
    events(tab).get_by_role("button", name="airplanes split from birds").click()
    tab.wait_for_step(200)
    audit(tab)
