# SPDX-License-Identifier: Apache-2.0
"""The search box: classes, cells, images and concepts by name or number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import browser_logs
import numpy as np
import pytest
from accessibility import audit, save_screenshots
from atlas_tab import Tab
from concept_logs import write_concept_log
from conftest import Serve, wait_for_atlases
from interactions import search_box, search_options
from playwright.sync_api import Locator, expect
from synthetic_atlases import make_atlas
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

Directories = Callable[[str], tuple[Path, int]]

WARM = {"run": "warm/atlas", "layer": "layer3"}
MANY = 1000
KEYSTROKE_MS = 50
"""Maximum CPU time per key on the main thread of the page."""


def pill(tab: Tab) -> Locator:
    return tab.app.locator(".highlight-pill")


def search(tab: Tab, words: str) -> None:
    tab.press_keys("/")
    expect(search_box(tab)).to_be_focused()
    tab.page.keyboard.type(words)


@pytest.fixture(scope="module")
def many_classes_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("many")
    names = (browser_logs.MARKUP, browser_logs.REVERSED, *(f"kind {i}" for i in range(2, MANY)))
    atlas = make_atlas(7, samples=2000, grids=(10, 20), tile=8, min_count=1, classes=names)
    sink = EventSink(directory / "many" / CHILD_RUN)
    sink.write(layer_tag("layer3"), encode_atlas(atlas), 7)
    sink.close()
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 1)
        yield url


def test_a_class_is_found_with_keys_only(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, **WARM)
    assert not any("search" in one for one in tab.scripts)
    search(tab, "de")
    first = search_options(tab).first
    expect(first).to_contain_text("deer")
    expect(first).to_have_attribute("data-kind", "class")
    expect(first).to_have_attribute("aria-selected", "true")
    tab.page.keyboard.press("Enter")
    expect(search_box(tab)).to_have_count(0)
    expect(tab.map).to_be_focused()
    expect(tab.app.get_by_label("Legend of the class filter")).to_contain_text("Top class is deer")
    tab.wait_for_hash(filter="top:3")
    atlas = browser_logs.make_valid_atlas("layer3", 3200)
    labels = atlas.samples.labels
    assert labels is not None
    x, y = np.median(atlas.samples.xy[labels == 3], axis=0)
    tab.wait_for_center(float(x), float(y), within=0.1)


def test_the_pointer_finds_a_cell(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM, grid=10)
    grid = browser_logs.make_valid_atlas("layer3", 3200).grids[0]
    cell = int(np.argmax(grid.counts))
    row, col = int(grid.rows[cell]) + 1, int(grid.cols[cell]) + 1
    tab.click_button("Find")
    search_box(tab).fill(f"{row}, {col}")
    option = search_options(tab).first
    expect(option).to_contain_text(f"row {row}, column {col}")
    expect(option).to_contain_text(f"{int(grid.counts[cell])} samples")
    option.click()
    expect(tab.inspector).to_contain_text(f"Row {row}, column {col} of 10 \u00d7 10")
    expect(tab.app.locator("[role=status]")).to_contain_text(f"Pinned: row {row}, column {col}")


def test_a_class_lists_its_cells(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, grid=10)
    search(tab, "frog")
    cells = search_options(tab).and_(tab.app.locator("[data-kind=cell]"))
    expect(cells).to_have_count(5)
    for place in cells.all():
        expect(place).to_contain_text("frog 100%")
    tab.page.keyboard.press("ArrowDown")
    expect(search_box(tab)).to_have_attribute("aria-activedescendant", "find-1")
    tab.page.keyboard.press("Enter")
    expect(tab.inspector.locator(".bars .name").first).to_have_text("frog")


def test_an_image_is_highlighted_at_all_steps(valid_log_by_loader: str, tab: Tab) -> None:
    """Its samples are highlighted at every step and in the other layer."""
    tab.open(valid_log_by_loader, standalone=True, **WARM)
    search(tab, "image 17")
    expect(search_options(tab).first).to_contain_text("image 17")
    expect(search_options(tab).first).to_contain_text("2 samples")
    tab.page.keyboard.press("Enter")
    expect(pill(tab)).to_contain_text("image 17")
    expect(pill(tab)).to_contain_text("2 samples in")
    expect(tab.app.get_by_label("Highlighted images")).to_be_visible()
    tab.press_keys("0")
    for step in (3200, 400, 0):
        if step != 3200:
            tab.slider.fill(str(browser_logs.STEPS.index(step)))
        tab.wait_for_step(step)
        expect(pill(tab)).to_contain_text(f"at step {step:,}")
        assert_highlighted(tab, "layer3", step, 17)
    tab.select_option("Layer", "layer4")
    tab.wait_for_step(0, layer="layer4")
    assert_highlighted(tab, "layer4", 0, 17)
    tab.press_keys("Escape")
    expect(pill(tab)).to_have_count(0)


def assert_highlighted(tab: Tab, layer: str, step: int, image: int) -> None:
    """Checks that there are pixels in the accent color around each sample of the image."""
    samples = browser_logs.make_valid_atlas(layer, step).samples
    world, area = tab.map_box, tab.map.bounding_box()
    assert area is not None
    for x, y in samples.xy[samples.image_ids == image]:
        left = area["x"] + world["x"] + float(x) * world["side"]
        top = area["y"] + world["y"] + float(y) * world["side"]
        patch = tab.capture({"x": left - 3, "y": top - 3, "width": 6, "height": 6})
        accent = np.abs(patch - np.array((199, 70, 0))).max(axis=2) < 40
        assert accent.sum() >= 6, (step, patch[:, :, 0])


def test_a_concept_is_found_by_name(tmp_path: Path, tab: Tab) -> None:
    atlases = write_concept_log(tmp_path)
    with start_tensorboard(tmp_path, True) as url:
        wait_for_atlases(url, atlases)
        tab.open(url, standalone=True, run="moving/atlas")
        search(tab, "cat")
        concept = search_options(tab).and_(tab.app.locator("[data-kind=concept]"))
        expect(concept).to_contain_text("cat")
        concept.click()
        expect(tab.app.get_by_label("Highlighted concepts")).to_contain_text("cat")
        expect(tab.map).to_be_focused()


def test_escape_and_a_click_close_it(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    search(tab, "de")
    expect(search_options(tab).first).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(search_box(tab)).to_have_count(0)
    expect(tab.map).to_be_focused()
    search(tab, "zebra")
    expect(tab.app.get_by_text("No results.")).to_be_visible()
    expect(search_box(tab)).to_have_attribute("aria-expanded", "false")
    x, y = tab.map_center()
    tab.page.mouse.click(x, y)
    expect(search_box(tab)).to_have_count(0)
    tab.wait_for_hash(filter=None)


def test_a_thousand_classes_are_searched_quickly(many_classes_log: str, tab: Tab) -> None:
    tab.open(many_classes_log, standalone=True)
    search(tab, "k")
    # Forty classes and forty concepts, which are named after them.
    expect(search_options(tab)).to_have_count(80)
    expect(tab.app.get_by_text("and 1,916 more: type to find them")).to_be_visible()
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Performance.enable")

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        seconds = next(one["value"] for one in metrics if one["name"] == "ScriptDuration")
        return 1000 * float(seconds)

    before = busy()
    letters = "ind 99"
    tab.page.keyboard.type(letters)
    expect(search_options(tab).first).to_contain_text("kind 99")
    assert (busy() - before) / len(letters) < KEYSTROKE_MS


def test_untrusted_names_are_text_in_the_search(many_classes_log: str, tab: Tab) -> None:
    tab.open(many_classes_log, standalone=True)
    search(tab, "<img")
    expect(search_options(tab).first.locator(".name")).to_have_text(browser_logs.MARKUP)
    assert tab.app.locator(".find img").count() == 0
    tab.page.keyboard.press("Enter")
    expect(tab.app.get_by_label("Legend of the class filter")).to_contain_text(browser_logs.MARKUP)
    tab.press_keys("/")
    search_box(tab).fill("gnp")
    expect(search_options(tab).first.locator(".name")).to_have_text("gnp.exe")


def test_results_open_the_map_or_stay_in_the_table(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, view="table")
    rows = tab.app.get_by_role("region", name="Rows")
    rows.focus()
    tab.page.keyboard.press("/")
    search_box(tab).fill("frog")
    tab.page.keyboard.press("Enter")
    expect(rows).to_be_focused()
    expect(rows.locator("tbody tr").first).to_contain_text("frog")
    tab.page.keyboard.press("/")
    search_box(tab).fill("image 17")
    tab.page.keyboard.press("Enter")
    expect(rows).to_have_count(0)
    expect(tab.map).to_be_focused()
    expect(pill(tab)).to_contain_text("image 17")


def test_a_missing_chunk_can_be_retried(valid_log: str, tab: Tab) -> None:
    tab.ignore_errors("Failed to load resource", "ERR_FAILED")
    tab.open(valid_log, standalone=True, **WARM)
    tab.page.route("**/chunk-search*", lambda route: route.abort())
    tab.press_keys("/")
    expect(tab.app.locator("[role=status]")).to_contain_text("TensorBoard does not respond.")
    expect(tab.app.get_by_role("button", name="Find")).to_have_attribute("aria-pressed", "false")
    tab.page.unroute("**/chunk-search*")
    tab.press_keys("/")
    expect(search_box(tab)).to_be_focused()


def test_the_search_is_accessible(serve: Serve, tab: Tab) -> None:
    tab.open(serve("valid", "data-server"), standalone=True, **WARM)
    search(tab, "")
    audit(tab)
    tab.page.keyboard.type("1")
    expect(search_options(tab).first).to_be_visible()
    audit(tab, "find")
    search_box(tab).fill("frog")
    expect(search_options(tab).first).to_contain_text("frog")
    save_screenshots(tab, "find-class")
    search_box(tab).press("Enter")
    tab.press_keys("/")
    search_box(tab).fill("image 17")
    expect(search_options(tab).first).to_contain_text("image 17")
    search_box(tab).press("Enter")
    expect(pill(tab)).to_be_visible()
    audit(tab, "find-image")
    tab.page.set_viewport_size({"width": 800, "height": 700})
    tab.settle()
    search(tab, "a")
    expect(search_options(tab).first).to_be_visible()
    save_screenshots(tab, "find-narrow")
