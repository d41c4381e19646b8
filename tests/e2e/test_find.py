# SPDX-License-Identifier: Apache-2.0
"""The search: classes, cells, images and concepts are found by name or number, and flown to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import logs
import numpy as np
import pytest
from audits import audit, photograph
from conftest import Serve, wait_for_atlases
from evolving import write_evolving
from playwright.sync_api import Locator, expect
from samples import make_atlas
from serving import tensorboard
from tab import Tab

from tensorboard_plugin_atlas.codec import encode_atlas
from tensorboard_plugin_atlas.events import EventSink
from tensorboard_plugin_atlas.metadata import CHILD_RUN, layer_tag

Directories = Callable[[str], tuple[Path, int]]

WARM = {"run": "warm/atlas", "layer": "layer3"}
MANY = 1000
KEYSTROKE_MS = 50
"""What one more letter may cost, of the processor, on the page's own thread."""


def box(tab: Tab) -> Locator:
    return tab.app.get_by_role("combobox", name="Find", exact=True)


def options(tab: Tab) -> Locator:
    return tab.app.get_by_role("listbox", name="Found").get_by_role("option")


def pill(tab: Tab) -> Locator:
    return tab.app.locator(".highlight-pill")


def seek(tab: Tab, words: str) -> None:
    tab.key("/")
    expect(box(tab)).to_be_focused()
    tab.page.keyboard.type(words)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("many")
    names = (logs.MARKUP, logs.REVERSED, *(f"kind {i}" for i in range(2, MANY)))
    atlas = make_atlas(7, samples=2000, grids=(10, 20), tile=8, min_count=1, classes=names)
    sink = EventSink(directory / "many" / CHILD_RUN)
    sink.write(layer_tag("layer3"), encode_atlas(atlas), 7)
    sink.close()
    with tensorboard(directory, True) as url:
        wait_for_atlases(url, 1)
        yield url


def test_keys_alone_find_a_class(quick: str, tab: Tab) -> None:
    tab.open(quick, **WARM)
    assert not any("search" in one for one in tab.scripts)
    seek(tab, "de")
    first = options(tab).first
    expect(first).to_contain_text("deer")
    expect(first).to_have_attribute("data-kind", "class")
    expect(first).to_have_attribute("aria-selected", "true")
    tab.page.keyboard.press("Enter")
    expect(box(tab)).to_have_count(0)
    expect(tab.map).to_be_focused()
    expect(tab.app.get_by_label("Legend of the class filter")).to_contain_text("Top class is deer")
    tab.linked(filter="top:3")
    atlas = logs.sample_atlas("layer3", 3200)
    labels = atlas.samples.labels
    assert labels is not None
    x, y = np.median(atlas.samples.xy[labels == 3], axis=0)
    tab.centred(float(x), float(y), within=0.1)


def test_the_pointer_finds_a_cell(sound: str, tab: Tab) -> None:
    tab.open(sound, **WARM, grid=10)
    grid = logs.sample_atlas("layer3", 3200).grids[0]
    cell = int(np.argmax(grid.counts))
    row, col = int(grid.rows[cell]) + 1, int(grid.cols[cell]) + 1
    tab.press("Find")
    box(tab).fill(f"{row}, {col}")
    option = options(tab).first
    expect(option).to_contain_text(f"row {row}, column {col}")
    expect(option).to_contain_text(f"{int(grid.counts[cell])} samples")
    option.click()
    expect(tab.inspector).to_contain_text(f"Row {row}, column {col} of 10 \u00d7 10")
    expect(tab.app.locator("[role=status]")).to_contain_text(f"Pinned: row {row}, column {col}")


def test_a_class_leads_to_its_cells(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM, grid=10)
    seek(tab, "frog")
    cells = options(tab).and_(tab.app.locator("[data-kind=cell]"))
    expect(cells).to_have_count(5)
    for place in cells.all():
        expect(place).to_contain_text("frog 100%")
    tab.page.keyboard.press("ArrowDown")
    expect(box(tab)).to_have_attribute("aria-activedescendant", "find-1")
    tab.page.keyboard.press("Enter")
    expect(tab.inspector.locator(".bars .name").first).to_have_text("frog")


def test_an_image_is_followed_through_the_steps(sound: str, tab: Tab) -> None:
    """Its samples are lit where they lie, at every step and in the other layer."""
    tab.open(sound, alone=True, **WARM)
    seek(tab, "image 17")
    expect(options(tab).first).to_contain_text("image 17")
    expect(options(tab).first).to_contain_text("2 samples")
    tab.page.keyboard.press("Enter")
    expect(pill(tab)).to_contain_text("image 17")
    expect(pill(tab)).to_contain_text("2 samples in")
    expect(tab.app.get_by_label("Highlighted images")).to_be_visible()
    tab.key("0")
    for step in (3200, 400, 0):
        if step != 3200:
            tab.slider.fill(str(logs.STEPS.index(step)))
        tab.shows(step)
        expect(pill(tab)).to_contain_text(f"at step {step:,}")
        assert_lit(tab, "layer3", step, 17)
    tab.choose("Layer", "layer4")
    tab.shows(0, layer="layer4")
    assert_lit(tab, "layer4", 0, 17)
    tab.key("Escape")
    expect(pill(tab)).to_have_count(0)


def assert_lit(tab: Tab, layer: str, step: int, image: int) -> None:
    """Around each sample of the image lie the accent's pixels, and nowhere far from them."""
    samples = logs.sample_atlas(layer, step).samples
    world, area = tab.world, tab.map.bounding_box()
    assert area is not None
    for x, y in samples.xy[samples.image_ids == image]:
        left = area["x"] + world["x"] + float(x) * world["side"]
        top = area["y"] + world["y"] + float(y) * world["side"]
        patch = tab.picture({"x": left - 3, "y": top - 3, "width": 6, "height": 6})
        accent = np.abs(patch - np.array((199, 70, 0))).max(axis=2) < 40
        assert accent.sum() >= 6, (step, patch[:, :, 0])


def test_a_concept_is_found_by_name(tmp_path: Path, tab: Tab) -> None:
    atlases = write_evolving(tmp_path)
    with tensorboard(tmp_path, True) as url:
        wait_for_atlases(url, atlases)
        tab.open(url, alone=True, run="moving/atlas")
        seek(tab, "cat")
        concept = options(tab).and_(tab.app.locator("[data-kind=concept]"))
        expect(concept).to_contain_text("cat")
        concept.click()
        expect(tab.app.get_by_label("Highlighted lifelines")).to_contain_text("cat")
        expect(tab.map).to_be_focused()


def test_escape_and_leaving_close_it(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM)
    seek(tab, "de")
    expect(options(tab).first).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(box(tab)).to_have_count(0)
    expect(tab.map).to_be_focused()
    seek(tab, "zebra")
    expect(tab.app.get_by_text("Nothing here is called so.")).to_be_visible()
    expect(box(tab)).to_have_attribute("aria-expanded", "false")
    x, y = tab.middle()
    tab.page.mouse.click(x, y)
    expect(box(tab)).to_have_count(0)
    tab.linked(filter=None)


def test_a_thousand_classes_answer_at_once(many: str, tab: Tab) -> None:
    tab.open(many, alone=True)
    seek(tab, "k")
    # Forty classes and forty concepts, which are named after them.
    expect(options(tab)).to_have_count(80)
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
    expect(options(tab).first).to_contain_text("kind 99")
    assert (busy() - before) / len(letters) < KEYSTROKE_MS


def test_hostile_names_are_text(many: str, tab: Tab) -> None:
    tab.open(many, alone=True)
    seek(tab, "<img")
    expect(options(tab).first.locator(".name")).to_have_text(logs.MARKUP)
    assert tab.app.locator(".find img").count() == 0
    tab.page.keyboard.press("Enter")
    expect(tab.app.get_by_label("Legend of the class filter")).to_contain_text(logs.MARKUP)
    tab.key("/")
    box(tab).fill("gnp")
    expect(options(tab).first.locator(".name")).to_have_text("gnp.exe")


def test_from_the_table_samples_lead_to_the_map_and_classes_stay(quick: str, tab: Tab) -> None:
    tab.open(quick, alone=True, **WARM, view="table")
    rows = tab.app.get_by_role("region", name="Rows")
    rows.focus()
    tab.page.keyboard.press("/")
    box(tab).fill("frog")
    tab.page.keyboard.press("Enter")
    expect(rows).to_be_focused()
    expect(rows.locator("tbody tr").first).to_contain_text("frog")
    tab.page.keyboard.press("/")
    box(tab).fill("image 17")
    tab.page.keyboard.press("Enter")
    expect(rows).to_have_count(0)
    expect(tab.map).to_be_focused()
    expect(pill(tab)).to_contain_text("image 17")


def test_what_does_not_arrive_can_be_asked_for_again(quick: str, tab: Tab) -> None:
    tab.forgive("Failed to load resource", "ERR_FAILED")
    tab.open(quick, alone=True, **WARM)
    tab.page.route("**/chunk-search*", lambda route: route.abort())
    tab.key("/")
    expect(tab.app.locator("[role=status]")).to_contain_text("TensorBoard does not answer.")
    expect(tab.app.get_by_role("button", name="Find")).to_have_attribute("aria-pressed", "false")
    tab.page.unroute("**/chunk-search*")
    tab.key("/")
    expect(box(tab)).to_be_focused()


def test_it_can_be_read_by_everybody(serve: Serve, tab: Tab) -> None:
    tab.open(serve("sound", "data-server"), alone=True, **WARM)
    seek(tab, "")
    audit(tab)
    tab.page.keyboard.type("1")
    expect(options(tab).first).to_be_visible()
    audit(tab, "find")
    box(tab).fill("frog")
    expect(options(tab).first).to_contain_text("frog")
    photograph(tab, "find-class")
    box(tab).press("Enter")
    tab.key("/")
    box(tab).fill("image 17")
    expect(options(tab).first).to_contain_text("image 17")
    box(tab).press("Enter")
    expect(pill(tab)).to_be_visible()
    audit(tab, "find-image")
    tab.page.set_viewport_size({"width": 800, "height": 700})
    tab.settle()
    seek(tab, "a")
    expect(options(tab).first).to_be_visible()
    photograph(tab, "find-narrow")
