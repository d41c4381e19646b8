# SPDX-License-Identifier: Apache-2.0
"""The list of shortcuts: test results, first step, examples, and position on the map."""

from __future__ import annotations

import re

import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab, wait_until_painted
from conftest import Serve
from playwright.sync_api import Locator, expect
from shortcut_logs import ONE_STEP
from synthetic_atlases import CLASSES, INPUT_SIDE, make_atlas
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas.shortcut_record import describe_result

MARKED = {"run": "marked/atlas", "layer": "layer3"}
FIRST = make_shortcuts(200).found[0]
SENTENCE = (
    "Pasted at its position, this patch changed the prediction of 90% of images of other "
    "classes to \u201cairplane\u201d; noise of the same color: 5.0%."
)


@pytest.fixture
def shortcut_log(serve: Serve, loader: str) -> str:
    return serve("shortcuts", loader)


def tool(tab: Tab) -> Locator:
    return tab.app.get_by_role("button", name=re.compile("^Shortcuts"))


def panel(tab: Tab) -> Locator:
    return tab.app.get_by_label("Shortcuts", exact=True).and_(tab.app.locator("aside"))


def entry(tab: Tab, number: int = FIRST.id) -> Locator:
    return panel(tab).locator(f'li[data-shortcut="{number}"]')


@pytest.mark.both_loaders
def test_an_entry_shows_its_test(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, **MARKED, step=200)
    expect(tool(tab)).to_have_accessible_name("Shortcuts: 1 significant")
    tool(tab).click()
    tab.wait_for_hash(shortcut="all")
    expect(panel(tab)).to_contain_text("Searched at step 200, in 400 images.")
    expect(entry(tab)).to_contain_text(SENTENCE)
    assert FIRST.evidence is not None
    result = entry(tab).get_by_text(describe_result(FIRST.evidence), exact=True)
    expect(result).to_have_attribute("title", re.compile("color|object"))
    bars = entry(tab).locator(".rates li")
    expect(bars).to_have_text(
        [
            re.compile(r"Patch here\s*90%"),
            re.compile(r"Patch anywhere\s*20%"),
            re.compile(r"Noise here\s*5\.0%"),
            re.compile(r"Other classes here\s*10%"),
            re.compile(r"Same class here\s*30%"),
            re.compile(r"Above noise, 95%\s*78 \u2026 90%"),
        ]
    )
    expect(entry(tab)).to_contain_text("1.2% of image")
    expect(entry(tab).locator(".spark")).to_have_accessible_name(
        "Flip rate at step 50: 90%, step 100: 90%, step 200: 90%"
    )
    wait_until_painted(entry(tab).locator(".shortcut-patch"))
    tab.click_button("Close the shortcuts")
    expect(panel(tab)).to_have_count(0)
    tab.wait_for_hash(shortcut=None)


def test_insignificant_entries_are_collapsed(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, **MARKED, step=200, shortcut="all")
    expect(panel(tab).get_by_text("Tested and not significant (2)")).to_be_visible()
    expect(entry(tab, FIRST.id + 1)).to_be_hidden()
    panel(tab).get_by_text("Tested and not significant (2)").click()
    expect(entry(tab, FIRST.id + 1)).to_be_visible()
    expect(entry(tab, FIRST.id + 1)).to_contain_text("never significant")


def test_the_list_works_with_keys_only(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, **MARKED, step=200)
    tab.press_keys("s")
    tab.wait_for_hash(shortcut="all")
    first = entry(tab).locator(".event")
    expect(first).to_be_focused()
    expect(tab.app.get_by_role("status")).to_contain_text("1 of 3 tested patches are significant")
    tab.page.keyboard.press("Enter")
    tab.wait_for_hash(shortcut=FIRST.id)
    expect(first).to_have_attribute("aria-expanded", "true")
    expect(tab.app.get_by_role("status")).to_contain_text(SENTENCE)
    tab.page.keyboard.press("Tab")
    expect(panel(tab).get_by_role("button", name="since step 50")).to_be_focused()
    tab.page.keyboard.press("Tab")
    expect(panel(tab).get_by_role("button", name="Show on map")).to_be_focused()
    tab.page.keyboard.press("Enter")
    pill = tab.app.get_by_label("Highlighted samples")
    expect(pill).to_contain_text("airplane")
    tab.page.keyboard.press("Escape")
    expect(tab.map).to_be_focused()
    expect(panel(tab)).to_have_count(0)
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Escape")
    expect(pill).to_have_count(0)


def test_show_on_map_opens_the_cell_with_most_samples(shortcut_log: str, tab: Tab) -> None:
    """The expected cell is computed from the atlas that was logged."""
    size = 8
    row, col, members = find_home_cell(size)
    tab.open(shortcut_log, **MARKED, step=200, grid=size, shortcut=FIRST.id)
    expect(entry(tab)).to_contain_text(
        f"Nearest cell on the map, cosine .75: row {row + 1}, column {col + 1} of 8 \u00d7 8 "
        f"holds {members} of its 10 nearest samples."
    )
    show = entry(tab).get_by_role("button", name="Show on map")
    show.click()
    expect(show).to_have_attribute("aria-pressed", "true")
    expect(tab.inspector).to_contain_text(f"Row {row + 1}, column {col + 1} of 8")
    tab.wait_for_hash(x=f"{(col + 0.5) / size:.4f}", y=f"{(row + 0.5) / size:.4f}")
    expect(tab.app.get_by_label("Highlighted samples")).to_contain_text("10 samples in 6 cells")
    show.click()
    expect(tab.app.get_by_label("Highlighted samples")).to_have_count(0)


def find_home_cell(size: int) -> tuple[int, int, int]:
    """Returns row and column of the cell with most samples of `FIRST`, and their number."""
    grid = next(one for one in make_atlas(200).grids if one.size == size)
    cells = grid.cell_of[list(FIRST.samples)]
    counts = np.bincount(cells[cells >= 0], minlength=len(grid.rows))
    best = int(counts.argmax())
    return int(grid.rows[best]), int(grid.cols[best]), int(counts[best])


def test_examples_show_images_before_and_after(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, **MARKED, step=200, shortcut=FIRST.id)
    pairs = entry(tab).locator(".pairs li")
    expect(pairs).to_have_count(6)
    expect(pairs.first).to_contain_text("bird \u2192 airplane")
    expect(pairs.first).to_contain_text(".05 \u2192 .90")
    expect(pairs.last).to_contain_text("bird \u2192 bird")
    before, after = pairs.first.locator("atlas-crop").all()
    for picture in (before, after):
        picture.scroll_into_view_if_needed()
        wait_until_painted(picture)
    changed = np.abs(read_pixels(after) - read_pixels(before)).max(axis=2) > 8
    rows, cols = np.nonzero(changed)
    scale = changed.shape[0] / INPUT_SIDE
    y0, x0, y1, x1 = FIRST.box
    assert min(rows.min() - y0 * scale, cols.min() - x0 * scale) >= -1
    assert max(rows.max() - y1 * scale, cols.max() - x1 * scale) <= 1
    assert changed.sum() > 0.5 * (y1 - y0) * (x1 - x0) * scale**2


def read_pixels(picture: Locator) -> np.ndarray:
    """Returns (H, W, 3) of the canvas in `picture`."""
    height, width, data = picture.locator("canvas").evaluate(
        """canvas => [canvas.height, canvas.width, [...canvas.getContext('2d')
          .getImageData(0, 0, canvas.width, canvas.height).data]]"""
    )
    return np.array(data, np.int16).reshape(height, width, 4)[:, :, :3]


def test_since_opens_the_step_and_its_search(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, **MARKED, step=200, shortcut=FIRST.id)
    panel(tab).get_by_role("button", name="since step 50").click()
    tab.wait_for_step(50)
    expect(panel(tab)).to_contain_text("Searched at step 50, in 400 images.")
    tab.wait_for_hash(shortcut=FIRST.id, step=50)
    expect(entry(tab).locator(".event")).to_have_attribute("aria-expanded", "true")


def test_before_the_first_search_a_message_is_shown(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, **MARKED, step=0, shortcut="all")
    expect(panel(tab)).to_contain_text("Not searched yet at this step.")
    panel(tab).get_by_role("button", name="First search: step 50").click()
    tab.wait_for_step(50)
    expect(entry(tab)).to_be_visible()


def test_layers_without_a_search_have_no_list(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, standalone=True, run="marked/atlas", layer="layer4", step=200)
    expect(tool(tab)).to_have_count(0)
    tab.press_keys("s")
    expect(panel(tab)).to_have_count(0)
    tab.press_keys("f")
    expect(tab.app.get_by_label("Class filter", exact=True)).to_contain_text(
        "AtlasWriter(..., shortcuts=True)"
    )
    tab.select_option("Layer", "layer3")
    expect(tool(tab)).to_be_visible()
    expect(tab.app.get_by_label("Class filter", exact=True)).not_to_contain_text("shortcuts=True")


def test_a_search_without_results_shows_a_message(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, standalone=True, run="clean/atlas")
    expect(tool(tab)).to_have_accessible_name("Shortcuts: none significant")
    tool(tab).click()
    expect(panel(tab)).to_contain_text("No shortcut was found.")
    expect(panel(tab)).to_contain_text("Searched at step 7, in 400 images.")
    expect(panel(tab).locator("li")).to_have_count(0)


def test_a_search_without_significant_results_shows_a_message(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, standalone=True, run="doubtful/atlas", shortcut="all")
    expect(panel(tab)).to_contain_text("No significant shortcut.")
    expect(panel(tab)).to_contain_text("Tested and not significant (3)")


@pytest.mark.both_loaders
def test_a_damaged_record_does_not_affect_the_map(shortcut_log: str, tab: Tab) -> None:
    tab.ignore_errors("422")
    tab.open(shortcut_log, standalone=True, run="torn/atlas", shortcut="all")
    expect(panel(tab)).to_contain_text("The search at step 7 cannot be shown.")
    expect(panel(tab)).to_contain_text("checksum")
    before = len([one for one in tab.requests if one.startswith("shortcuts")])
    panel(tab).get_by_role("button", name="Try again").click()
    expect(panel(tab)).to_contain_text("cannot be shown")
    assert len([one for one in tab.requests if one.startswith("shortcuts")]) > before
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_be_visible()


def test_damaged_patches_do_not_hide_the_rates(shortcut_log: str, tab: Tab) -> None:
    tab.ignore_errors("422")
    tab.open(shortcut_log, standalone=True, run="smudged/atlas", shortcut=FIRST.id)
    expect(panel(tab)).to_contain_text("The patches: blob 1")
    expect(entry(tab)).to_contain_text(SENTENCE)
    before, after = entry(tab).locator(".pairs li").first.locator("atlas-crop").all()
    before.scroll_into_view_if_needed()
    wait_until_painted(before)
    assert read_pixels(after).max() == 0


def test_a_record_of_another_probe_shows_no_images(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, standalone=True, run="foreign/atlas", shortcut=FIRST.id)
    expect(entry(tab)).to_contain_text("The map and this search use different probes.")
    expect(entry(tab)).to_contain_text("This step uses another probe")
    expect(entry(tab).locator(".pairs atlas-crop")).to_have_count(0)
    expect(entry(tab).get_by_role("button", name="Show on map")).to_have_count(0)


def test_untrusted_names_are_text_in_the_list(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, standalone=True, run="untrusted/atlas", shortcut=FIRST.id)
    expect(entry(tab).locator("strong").first).to_have_text("<img src=x onerror=alert(1)>")
    panel(tab).locator("summary").click()
    expect(entry(tab, FIRST.id + 1).locator("strong").first).to_have_text("gnp.exe")
    assert panel(tab).locator("img").count() == 0


def test_an_invalid_id_in_a_link_opens_the_list(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, standalone=True, **MARKED, step=200, shortcut="<b>__proto__")
    expect(panel(tab)).to_contain_text("The shortcut of the link is not in this search.")
    expect(panel(tab).locator('[aria-expanded="true"]')).to_have_count(0)


def test_only_one_panel_is_open(shortcut_log: str, tab: Tab) -> None:
    tab.open(shortcut_log, standalone=True, **MARKED, step=200, events="on")
    events = tab.app.locator("aside").and_(tab.app.get_by_label("Events of this run"))
    expect(events).to_be_visible()
    tool(tab).click()
    expect(panel(tab)).to_be_visible()
    expect(events).to_have_count(0)
    tab.press_keys("f")
    expect(panel(tab)).to_have_count(0)
    tab.wait_for_hash(shortcut=None, events=None)


def test_it_is_a_drawer_on_narrow_pages(shortcut_log: str, tab: Tab) -> None:
    tab.page.set_viewport_size({"width": 700, "height": 700})
    tab.open(shortcut_log, standalone=True, **MARKED, step=200, shortcut="all")
    expect(panel(tab)).to_be_visible()
    width = tab.map.evaluate("map => map.clientWidth")
    assert width == 700
    tab.click_button("Close the shortcuts")
    expect(panel(tab)).to_have_count(0)


def test_the_list_of_shortcuts_is_accessible(shortcut_log: str, tab: Tab) -> None:
    for name, state in (
        ("list", {**MARKED, "step": 200, "shortcut": "all"}),
        ("opened", {**MARKED, "step": 200, "shortcut": FIRST.id}),
        ("clean", {"run": "clean/atlas", "shortcut": "all"}),
        ("doubtful", {"run": "doubtful/atlas", "shortcut": FIRST.id, "step": ONE_STEP}),
    ):
        tab.page.goto("about:blank")
        tab.open(shortcut_log, standalone=True, **state)
        tab.settle()
        if name == "opened":
            entry(tab).get_by_role("button", name="Show on map").click()
            wait_until_painted(entry(tab).locator(".pairs atlas-crop").first)
            audit(tab, f"shortcuts-{name}")


def test_the_expected_sentence_matches_the_record() -> None:
    """The sentence above names the target class of the synthetic record."""
    assert CLASSES[FIRST.target] in SENTENCE
