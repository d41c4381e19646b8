# SPDX-License-Identifier: Apache-2.0
"""Concepts on the map: color, borders and names, churn and accuracy in the card, similar cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab, wait_until_painted
from concept_logs import make_concept_atlas
from conftest import Serve
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect
from synthetic_atlases import CLASSES, make_probe_pictures
from tensorboard_server import start_tensorboard, wait_for_atlases

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

STEP = 400
SIZE = 4
MOVING = {"run": "moving/atlas", "step": STEP, "grid": SIZE}
NAME = "Borders and names of concepts"
RGB = "i => getComputedStyle(i).backgroundColor.match(/\\d+/g).map(Number)"


def make_shown_atlas() -> Atlas:
    """Returns the atlas that is shown, with churn, and with every fourth prediction wrong."""
    atlas = make_concept_atlas("moving", STEP, 4)
    labels = atlas.samples.labels
    assert labels is not None
    assert atlas.concepts is not None
    is_wrong = np.arange(len(labels)) % 4 == 0
    predictions = np.where(is_wrong, (labels + 1) % len(CLASSES), labels).astype(np.int32)
    concepts = tuple(dataclasses.replace(one, joined=0.25, left=0.125) for one in atlas.concepts)
    samples = dataclasses.replace(atlas.samples, predictions=predictions)
    return atlas.replace(samples=samples, concepts=concepts)


@pytest.fixture(scope="module")
def churn_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("churn")
    atlas = make_shown_atlas()
    sink = EventSink(directory / "moving" / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures(len(atlas.samples.xy))), step=0)
    sink.write(layer_tag("layer3"), encode_atlas(atlas), STEP)
    sink.close()
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 1)
        yield url


def find_owners(atlas: Atlas) -> dict[tuple[int, int], int]:
    """Returns the concept of most samples of each cell, by row and column."""
    grid = next(one for one in atlas.grids if one.size == SIZE)
    concepts = atlas.samples.concepts
    assert concepts is not None
    return {
        (int(grid.rows[cell]), int(grid.cols[cell])): int(
            np.bincount(concepts[grid.members(cell)]).argmax()
        )
        for cell in range(len(grid.counts))
    }


def toggle(tab: Tab) -> Locator:
    return tab.app.get_by_role("button", name=NAME)


def has_color(picture: NDArray[np.int16], color: list[int]) -> bool:
    return bool((np.abs(picture - np.array(color[:3])).max(axis=2) <= 3).sum() > 30)


def find_name(tab: Tab) -> tuple[float, float]:
    """Returns a point on a name, which the pointer shows, in the center of a cell."""
    for row, col in find_owners(make_shown_atlas()):
        tab.hover_cell(SIZE, row, col)
        tab.page.wait_for_timeout(30)
        if tab.map.evaluate("map => map.style.cursor") == "pointer":
            x, y, _ = tab.locate_cell(SIZE, row, col)
            return x, y
    raise AssertionError("no name is in the center of a cell")


def test_cells_have_the_color_of_their_concept(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, outlines="off")
    tab.select_option("Color by", "Concept")
    tab.wait_for_hash(color="concept")
    expect(tab.legend).to_contain_text("Majority concept of a cell")
    tab.settle()
    colors = {
        entry.inner_text().strip(): entry.locator("i").evaluate(RGB)
        for entry in tab.legend.locator(".swatches button").all()
    }
    assert set(colors) <= set(CLASSES)
    owners = find_owners(make_shown_atlas())
    for (row, col), owner in owners.items():
        picture = tab.capture_cell(SIZE, row, col, share=0.98)
        assert has_color(picture, colors[CLASSES[owner]]), (row, col)


def test_colors_stay_with_concepts_over_steps(concept_log: str, tab: Tab) -> None:
    def read_colors() -> dict[str, list[int]]:
        return {
            entry.inner_text().strip(): entry.locator("i").evaluate(RGB)
            for entry in tab.legend.locator(".swatches button").all()
        }

    tab.open(concept_log, standalone=True, **MOVING, color="concept")
    last = read_colors()
    tab.press_keys(",")
    tab.wait_for_step(200)
    assert read_colors() == last
    assert len({tuple(color) for color in last.values()}) == len(last)


def test_names_and_borders_come_and_go(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING)
    plain = tab.capture()
    expect(toggle(tab)).to_have_attribute("aria-pressed", "false")
    toggle(tab).click()
    expect(toggle(tab)).to_have_attribute("aria-pressed", "true")
    tab.wait_for_hash(outlines="on")
    tab.settle()
    assert (np.abs(tab.capture() - plain).max(axis=2) > 60).mean() > 0.005
    tab.press_keys("o")
    tab.wait_for_hash(outlines=None)
    tab.settle()
    tab.select_option("Color by", "Concept")
    expect(toggle(tab)).to_have_attribute("aria-pressed", "true")
    toggle(tab).click()
    tab.wait_for_hash(color="concept", outlines="off")


def test_a_run_without_concepts_says_so(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="bare/atlas", color="concept")
    reason = "Concepts were not tracked in this atlas."
    expect(tab.legend).to_contain_text(reason)
    tab.press_keys("o")
    expect(tab.app.locator(".tool-hint")).to_have_text(reason)


def test_a_click_on_a_name_highlights_the_concept(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, **MOVING, color="concept")
    x, y = find_name(tab)
    tab.page.mouse.click(x, y)
    pill = tab.app.get_by_label("Highlighted concepts")
    expect(pill).to_contain_text("at step 400")
    expect(tab.inspector).to_have_count(0)
    pressed = tab.legend.locator(".swatches [aria-pressed=true]")
    expect(pressed).to_have_count(1)
    expect(pill).to_contain_text(pressed.inner_text().strip())
    pressed.click()
    expect(pill).to_have_count(0)


def test_the_card_has_accuracy_concept_and_churn(churn_log: str, tab: Tab) -> None:
    atlas = make_shown_atlas()
    tab.open(churn_log, standalone=True, **MOVING)
    grid = next(one for one in atlas.grids if one.size == SIZE)
    cell = int(np.argmax(grid.counts))
    row, col = int(grid.rows[cell]), int(grid.cols[cell])
    members = grid.members(cell)
    labels, predictions = atlas.samples.labels, atlas.samples.predictions
    assert labels is not None
    assert predictions is not None
    share = np.mean(labels[members] == predictions[members])
    tab.hover_cell(SIZE, row, col)
    expect(tab.card).to_contain_text(f"accuracy {100 * share:.0f}%")
    expect(tab.card).to_contain_text(CLASSES[find_owners(atlas)[row, col]])
    expect(tab.card).to_contain_text("25% joined, 13% left since the previous step")
    tab.press_keys("Enter")
    expect(tab.inspector.locator(".concept").first).to_contain_text("25% joined, 13% left")


def find_similar(atlas: Atlas, cell: int) -> list[tuple[int, float]]:
    """Returns other cells and their cosine to a cell, most similar first."""
    grid = next(one for one in atlas.grids if one.size == SIZE)
    values = atlas.samples.activations.values().astype(np.float64)
    values = values - values.mean(axis=0)
    means = np.stack([values[grid.members(one)].mean(axis=0) for one in range(len(grid.counts))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = means @ means[cell]
    return [(int(one), float(cosines[one])) for one in np.argsort(-cosines) if one != cell]


def test_similar_cells_are_listed_shown_and_visited(concept_log: str, tab: Tab) -> None:
    atlas = make_concept_atlas("moving", STEP, 4)
    grid = next(one for one in atlas.grids if one.size == SIZE)
    cell = int(np.argmax(grid.counts))
    tab.open(concept_log, standalone=True, **MOVING)
    tab.hover_cell(SIZE, int(grid.rows[cell]), int(grid.cols[cell]))
    expect(tab.card).to_be_visible()
    tab.press_keys("i")
    tab.wait_for_hash(similar="on")
    buttons = tab.inspector.locator(".similar-cell")
    expected = find_similar(atlas, cell)[:8]
    expect(buttons).to_have_count(len(expected))
    for button, (other, cosine) in zip(buttons.all(), expected, strict=True):
        place = f"Go to row {grid.rows[other] + 1}, column {grid.cols[other] + 1}"
        expect(button).to_have_attribute("title", place)
        shown = float(button.locator(".number").inner_text())
        assert shown == pytest.approx(cosine, abs=0.02)
        wait_until_painted(button)
    tab.settle()
    shown_on_map = tab.capture()
    tab.press_keys("i")
    tab.wait_for_hash(similar=None)
    tab.settle()
    assert (np.abs(tab.capture() - shown_on_map).max(axis=2) > 30).mean() > 0.02
    buttons.first.click()
    first = expected[0][0]
    where = f"Row {grid.rows[first] + 1}, column {grid.cols[first] + 1} of {SIZE}"
    expect(tab.inspector).to_contain_text(where)


def test_similar_cells_say_why_there_are_none(concept_log: str, tab: Tab) -> None:
    tab.ignore_errors("Failed to load resource")
    tab.page.route("**/activations*", lambda route: route.abort())
    tab.open(concept_log, standalone=True, **MOVING)
    tab.press_keys("ArrowRight", "Enter")
    expect(tab.inspector).to_contain_text("Activations cannot be read")
    tab.press_keys("Escape", "i")
    expect(tab.app.locator(".tool-hint")).to_have_text("Pin a cell to see similar ones.")


def test_they_are_accessible(serve: Serve, tab: Tab) -> None:
    tab.open(serve("concepts", "data-server"), standalone=True, **MOVING, color="concept")
    tab.press_keys("ArrowRight", "Enter", "i")
    expect(tab.inspector.locator(".similar-cell").first).to_be_visible()
    audit(tab, "concepts-on-map")
