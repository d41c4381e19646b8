# SPDX-License-Identifier: Apache-2.0
"""Comparison of two steps of a layer: samples gained and lost per cell from A to B."""

from __future__ import annotations

import re

import numpy as np
from accessibility import audit
from atlas_tab import Tab
from concept_logs import make_concept_atlas
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

GRID = 4
MOVING = {"run": "moving/atlas", "grid": GRID}
MINUS = "\u2212"
FEW = 0.04
"""Fraction of pixels that class labels may change, since a comparison moves them."""


def bar(tab: Tab) -> Locator:
    return tab.app.get_by_label("Comparison of A and B")


def legend(tab: Tab) -> Locator:
    return tab.app.get_by_label("Difference", exact=True).and_(tab.app.locator("aside"))


def count_gains(a: int, b: int) -> NDArray[np.int_]:
    """Returns (GRID, GRID): how many more samples were logged at step `b` than at `a`."""
    counts = []
    for step in (a, b):
        xy = make_concept_atlas("moving", step, 1).samples.xy
        cells = np.minimum(GRID - 1, (xy * GRID).astype(int))
        count = np.zeros((GRID, GRID), int)
        np.add.at(count, (cells[:, 1], cells[:, 0]), 1)
        counts.append(count)
    return counts[1] - counts[0]


def test_a_is_fixed_and_b_follows_the_step(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, **MOVING, step=100)
    tab.press_keys("[")
    tab.wait_for_hash(compare=100)
    expect(bar(tab).get_by_label("Step A")).to_have_value("100")
    expect(legend(tab)).to_contain_text("A and B are the same step")
    tab.press_keys(".")
    tab.wait_for_step(200)
    expect(bar(tab)).to_contain_text(re.compile(r"B\s+step 200"))
    tab.wait_for_hash(compare=100, step=200, mode="difference")
    gain = count_gains(100, 200)
    expect(legend(tab)).to_contain_text("samples changed cell between step 100 and step 200")
    expect(legend(tab)).to_contain_text(f"more in B: up to +{gain.max()}")
    expect(legend(tab)).to_contain_text(f"fewer in B: to {MINUS}{-gain.min()}")
    words = tab.app.get_by_role("status")
    expect(words).to_contain_text("samples changed cell between step 100 and step 200")


def test_a_link_opens_it_and_a_button_closes_it(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, **MOVING, step=200)
    plain = tab.capture()
    tab.page.goto("about:blank")
    tab.open(concept_log, **MOVING, step=200, compare=100)
    compared = tab.capture()
    assert np.abs(compared - plain[: len(compared)]).mean() > 10
    tab.click_button("End the comparison")
    tab.wait_for_hash(compare=None, mode=None)
    expect(bar(tab)).to_have_count(0)
    tab.settle()
    assert np.abs(tab.capture() - plain).max() == 0


def test_the_largest_changes_are_listed_and_linked(concept_log: str, tab: Tab) -> None:
    """All values of the overlay are also in a table."""
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare=100)
    gain = count_gains(100, 200)
    row, col = np.unravel_index(np.abs(gain).argmax(), gain.shape)
    legend(tab).get_by_text("Largest changes").click()
    rows = legend(tab).locator("tbody tr")
    expect(rows).to_have_count(min(8, np.count_nonzero(gain)))
    sign = "+" if gain[row, col] > 0 else MINUS
    expect(rows.first).to_contain_text(f"{sign}{abs(gain[row, col])}")
    rows.first.get_by_role("button").click()
    expect(tab.inspector).to_be_visible()


def test_swapping_negates_the_difference(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare=100)
    gain = count_gains(100, 200)
    expect(legend(tab)).to_contain_text(f"up to +{gain.max()}")
    tab.press_keys("x")
    tab.wait_for_step(100)
    tab.wait_for_hash(compare=200, step=100)
    expect(legend(tab)).to_contain_text(f"up to +{-gain.min()}")
    expect(legend(tab)).to_contain_text(f"to {MINUS}{gain.max()}")


def test_gains_and_losses_are_distinguished_without_color(concept_log: str, tab: Tab) -> None:
    """Gains are filled and losses are hollow: brightness at center and border differs."""
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare=100)
    gain = count_gains(100, 200)
    most = np.unravel_index(gain.argmax(), gain.shape)
    least = np.unravel_index(gain.argmin(), gain.shape)

    def contrast(place: tuple[np.intp, ...]) -> float:
        row, col = (int(one) for one in place)
        gray = tab.capture_cell(GRID, row, col, share=0.9).mean(axis=2)
        # A quarter of the way in, not at the number in the center, compared with the corner.
        side = len(gray)
        inner = gray[side * 5 // 16 : side * 6 // 16, side * 5 // 16 : side * 6 // 16]
        return float(abs(inner.mean() - np.median(gray[: side // 24])))

    assert contrast(most) > 3 * contrast(least)


def test_an_unchanged_model_differs_in_nothing(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="still/atlas", grid=GRID, step=400, compare=0)
    expect(legend(tab)).to_contain_text("0 samples changed cell")


def test_it_shows_why_steps_cannot_be_compared(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="other/atlas", grid=GRID, step=200, compare=100)
    expect(legend(tab)).to_contain_text("use different probes")


def test_it_explains_the_noise_floor_of_distant_steps(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=400, compare=0)
    expect(legend(tab)).to_contain_text(
        "The noise floor is that of one step; 2 more steps lie between."
    )


def test_the_divider_separates_a_and_b(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200)
    tab.press_keys("c")
    bar(tab).get_by_label("Swipe").check(force=True)
    tab.wait_for_hash(compare=100, mode="swipe")
    divider = tab.app.get_by_role("slider", name="Divider between A and B")
    divider.fill("100")
    tab.settle()
    both = tab.capture()
    b, a = capture_step(tab, 200), capture_step(tab, 100)
    half = both.shape[1] // 2
    left, right = slice(250, half - 40), slice(half + 40, -300)
    assert measure_difference(both, a, left) < FEW < measure_difference(both, b, left)
    assert measure_difference(both, b, right) < FEW < measure_difference(both, a, right)


def capture_step(tab: Tab, step: int) -> NDArray[np.int16]:
    """Returns the map of one step, at the size that it has below the comparison bar."""
    size = tab.page.viewport_size
    assert size is not None
    if bar(tab).count():
        box = bar(tab).bounding_box()
        assert box is not None
        tab.press_keys("c")
        tab.page.set_viewport_size({**size, "height": round(size["height"] - box["height"])})
    while int(tab.settle()["step"]) > step:
        tab.press_keys(",")
    tab.wait_for_step(step)
    return tab.capture()


def measure_difference(one: NDArray[np.int16], other: NDArray[np.int16], columns: slice) -> float:
    """Returns the fraction of pixels that differ, between the top bar and the legend."""
    band = (slice(100, -150), columns)
    return float((np.abs(one[band] - other[band]).max(axis=2) > 12).mean())


def test_holding_b_shows_a(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200)
    tab.press_keys("c")
    bar(tab).get_by_label("Blink").check(force=True)
    tab.wait_for_hash(mode="blink")
    tab.map.focus()
    tab.page.keyboard.down("b")
    expect(tab.app.get_by_role("button", name="Show A")).to_have_attribute("aria-pressed", "true")
    tab.settle()
    compared = tab.capture()
    tab.page.keyboard.up("b")
    expect(tab.app.get_by_role("button", name="Show A")).to_have_attribute("aria-pressed", "false")
    assert measure_difference(compared, capture_step(tab, 100), slice(250, -300)) < FEW


def test_the_comparison_is_accessible(concept_log: str, tab: Tab) -> None:
    for mode in ("difference", "swipe", "blink"):
        tab.page.goto("about:blank")
        tab.open(concept_log, standalone=True, **MOVING, step=200, compare=100, mode=mode)
        audit(tab, f"compare-{mode}")


OTHER_RUN = "layer3,200,still%2Fatlas"


def test_a_can_be_of_another_run(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare=100)
    bar(tab).get_by_label("Run of A").select_option(label="still")
    tab.wait_for_hash(compare="layer3,100,still%2Fatlas")
    bar(tab).get_by_label("Step A").select_option(label="step 200")
    tab.wait_for_hash(compare=OTHER_RUN)
    gain = count_gains(100, 200)  # the other run is as this one before it moved
    expect(legend(tab)).to_contain_text("changed cell between A (still, step 200) and B (step 200)")
    expect(legend(tab)).to_contain_text(f"up to +{gain.max()}")
    tab.press_keys("x")
    tab.wait_for_hash(run="still/atlas", compare="layer3,200,moving%2Fatlas", step=200)
    expect(legend(tab)).to_contain_text(f"up to +{-gain.min()}")
    bar(tab).get_by_label("Run of A").select_option(label="still")
    expect(legend(tab)).to_contain_text("A and B are the same step")
    tab.wait_for_hash(run="still/atlas", compare=200)


def matches(tab: Tab) -> Locator:
    return tab.app.get_by_label("Concepts of A and B")


def test_concepts_of_two_runs_are_matched(concept_log: str, tab: Tab) -> None:
    """In every mode; a click highlights a concept of B, or the samples of a concept of A."""
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare=OTHER_RUN)
    atlas = make_concept_atlas("moving", 200, 1)
    assert atlas.concepts is not None
    count = len(atlas.concepts)
    words = f"{count} concepts in both, 0 only in A, 0 only in B"
    expect(matches(tab)).to_contain_text(words)
    expect(matches(tab)).to_contain_text("A: still, step 200. 100% of the samples")
    for mode in ("Swipe", "Blink"):
        bar(tab).get_by_text(mode).click()
        expect(matches(tab)).to_contain_text(words)
    matches(tab).get_by_text("Concepts", exact=True).click()
    rows = matches(tab).locator("tbody tr")
    expect(rows).to_have_count(count)
    of_a, of_b = (rows.first.get_by_role("button").nth(index) for index in (0, 1))
    name = of_b.inner_text()
    of_b.click()
    pill = tab.app.locator(".highlight-pill")
    expect(pill).to_contain_text(name)
    of_a.click()
    expect(pill).to_contain_text(f"{of_a.inner_text()} of A")
    size = next(one.size for one in atlas.concepts if one.name == name)
    expect(pill).to_contain_text(f"{size} samples in")
    audit(tab)


def test_concepts_are_not_matched_within_a_run_or_without_concepts(
    concept_log: str, tab: Tab
) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare=100)
    expect(legend(tab)).to_be_visible()
    expect(matches(tab)).to_have_count(0)
    bar(tab).get_by_label("Run of A").select_option(label="bare")
    expect(legend(tab)).to_contain_text("bare, step 100")
    expect(matches(tab)).to_have_count(0)


def test_a_run_of_another_probe_has_a_reason(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare="layer3,200,other%2Fatlas")
    expect(legend(tab)).to_contain_text("A and B use different probes")
    expect(matches(tab)).to_have_count(0)


def test_a_link_to_a_missing_run_is_reported(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, step=200, compare="layer3,200,gone")
    expect(tab.app).to_contain_text(
        "The link names what is not in this log: compare layer3,200,gone"
    )
