# SPDX-License-Identifier: Apache-2.0
"""What a person sees when something is missing, damaged, too new, hostile or out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Serve, wait_for_atlases
from logs import (
    FLAWS,
    HOSTILE_CLASSES,
    HOSTILE_LAYERS,
    LONG_NAME,
    MARKUP,
    write_grown,
)
from playwright.sync_api import Route, expect
from serving import tensorboard
from tab import VIEWPORT, Tab

from tensorboard_plugin_atlas.events import scan_records

FAILED_REQUEST = "Failed to load resource"
WARM = {"run": "warm/atlas", "layer": "layer3"}


def heading(tab: Tab) -> str:
    return tab.app.locator(".message h2").inner_text()


def test_an_empty_log_says_how_to_fill_it(loader: str, serve: Serve, tab: Tab) -> None:
    tab.open(serve("empty", loader))
    tab.settle(phase="empty")
    assert heading(tab) == "No atlas in this log directory yet"
    code = tab.app.locator("pre code").inner_text()
    for line in ("import AtlasWriter", "atlas = AtlasWriter(", "atlas.add_atlas(step)"):
        assert line in code
    expect(tab.app.get_by_text("tensorboard --logdir")).to_be_visible()
    tab.press("Look again")
    tab.settle(phase="empty")


def test_damaged_steps_are_marked_and_the_others_show(odd: str, tab: Tab) -> None:
    tab.forgive(FAILED_REQUEST)
    tab.open(odd, alone=True, run="flaws/atlas", layer="layer3", step=400)
    tab.shows(400)
    note = tab.app.locator(".note")
    expect(note).to_contain_text("1 step from a newer version")
    bad = tab.app.locator(".tick.bad")
    expect(bad.and_(tab.app.locator("[data-step='200']"))).to_have_count(1)
    expect(bad.and_(tab.app.locator("[data-step='300']"))).to_have_count(1)
    for step, kind, title, reason in (
        (300, "too_new", "Step 300 is from a newer version", "version 2"),
        (200, "damaged", "Step 200 is damaged", "manifest: checksum"),
        (100, "damaged", "Step 100 is damaged", "blob 1 (map): checksum"),
    ):
        tab.key(",")
        tab.settle(step=step, failure=kind)
        assert heading(tab) == title
        message = tab.app.locator(".message")
        expect(message).to_contain_text(reason)
        expect(message).to_contain_text("The other steps are not affected.")
        expect(message).to_contain_text("status 422")
    tab.key(",")
    tab.shows(FLAWS[0], failure="")
    assert tab.picture().std() > 5
    tab.choose("Layer", "ruined")
    tab.settle(failure="damaged")
    tab.choose("Layer", "layer3")
    tab.shows(FLAWS[0], failure="")


def test_a_damaged_sheet_leaves_the_map(odd: str, tab: Tab) -> None:
    tab.forgive(FAILED_REQUEST)
    tab.open(odd, alone=True, run="flaws/atlas", layer="layer3", step=500, grid=5)
    tab.shows(500, level=5)
    expect(tab.app.locator(".banner")).to_contain_text("Icons of this grid cannot be shown")
    expect(tab.app.locator(".banner")).to_contain_text("blob 3 (sheet, grid 5): checksum")
    assert tab.picture().std() > 1
    tab.choose("Grid", "10 \u00d7 10")
    tab.settle(level=10)
    expect(tab.app.locator(".banner")).to_have_count(0)


def test_a_layer_without_one_sound_step_says_so(odd: str, tab: Tab) -> None:
    tab.forgive(FAILED_REQUEST)
    tab.open(odd, alone=True, run="flaws/atlas", layer="ruined")
    tab.settle(failure="damaged", step=100)
    assert heading(tab) == "Step 100 is damaged"
    expect(tab.app.locator(".tick")).to_have_count(2)
    tab.slider.press("Home")
    tab.settle(failure="damaged", step=0)
    assert heading(tab) == "Step 0 is damaged"


@pytest.fixture
def rotten(loader: str, tmp_path: Path) -> Iterator[str]:
    """Three steps; one bit of the second has turned over in the event file."""
    write_grown(tmp_path, (0, 10, 20))
    (path,) = (tmp_path / "growing" / "atlas").iterdir()
    data = bytearray(path.read_bytes())
    record = list(scan_records(path))[2]
    data[record.offset + len(record.payload) // 3] ^= 1
    path.write_bytes(data)
    with tensorboard(tmp_path, loader == "data-server") as url:
        wait_for_atlases(url, 3 if loader == "data-server" else 1)
        yield url


def test_a_byte_that_turned_over_on_disk(rotten: str, loader: str, tab: Tab) -> None:
    """The data server serves the record as it is; Python's loader stops before it for good."""
    tab.forgive(FAILED_REQUEST)
    tab.open(rotten, alone=True, step=0)
    tab.shows(0)
    if loader == "data-server":
        tab.key(".")
        tab.settle(step=10, failure="damaged")
        tab.key(".")
        tab.shows(20)
        expect(tab.app.locator(".tick.bad")).to_have_attribute("data-step", "10")
        expect(tab.app.locator(".note")).to_contain_text("1 damaged step")
    else:
        expect(tab.slider).to_be_disabled()


def test_hostile_names_are_text(odd: str, tab: Tab) -> None:
    run = f"{MARKUP}/atlas"
    tab.open(odd, alone=True, run=run, color="class")
    picker = tab.app.get_by_label("Layer", exact=True)
    expect(picker.locator("option")).to_have_count(len(HOSTILE_LAYERS))
    for index, layer in enumerate(sorted(HOSTILE_LAYERS)):
        picker.select_option(index=index)
        expect(tab.app).to_have_js_property("dataset.layer", layer[:200])
        tab.shows(7, failure="")
        tab.key("ArrowRight", "Enter")
        expect(tab.inspector).to_contain_text("samples")
        swatches = tab.legend.locator("li")
        expect(swatches.first).to_have_text(MARKUP[:23] + "…")
        expect(swatches).to_have_count(len(HOSTILE_CLASSES))
        made = "app => app.renderRoot.querySelectorAll('img, script, b, iframe').length"
        assert tab.app.evaluate(made) == 0
        text = tab.app.evaluate("app => app.renderRoot.textContent")
        assert "x" * 100 not in text
        assert not {"\u202e", "\0"} & set(text)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= VIEWPORT["width"]
    assert tab.state["run"] == run


def test_the_long_layer_is_linked_by_its_id(odd: str, tab: Tab) -> None:
    tab.open(odd, alone=True, run=f"{MARKUP}/atlas")
    index = sorted(HOSTILE_LAYERS).index(LONG_NAME)
    tab.app.get_by_label("Layer", exact=True).select_option(index=index)
    tab.settle(layer=LONG_NAME[:200])
    value = tab.app.get_by_label("Layer", exact=True).input_value()
    tab.linked(layer=value)
    tab.page.reload()
    tab.settle(layer=LONG_NAME[:200])


def answer(route: Route, how: str) -> None:
    if how == "abort":
        route.abort()
    elif how == "500":
        body = '{"error": {"kind": "internal", "message": "internal fault"}}'
        route.fulfill(status=500, content_type="application/json", body=body)
    else:
        route.fulfill(status=200, content_type="application/octet-stream", body="garbage")


@pytest.mark.parametrize("how", ["500", "garbled", "abort"])
@pytest.mark.parametrize("route", ["index", "atlas"])
def test_a_failed_request_is_told_and_can_be_tried_again(
    route: str, how: str, quick: str, tab: Tab
) -> None:
    tab.forgive(FAILED_REQUEST)
    pattern = f"**/data/plugin/atlas/{route}" + ("?*" if route == "atlas" else "")
    tab.page.route(pattern, lambda request: answer(request, how))
    tab.open(quick, alone=True, **WARM)
    message = tab.app.locator(".message")
    title = "The atlases cannot be listed" if route == "index" else "Step 3,200"
    expect(message.locator("h2")).to_contain_text(title)
    words = {"500": "internal fault", "abort": "TensorBoard does not answer", "garbled": ""}
    expect(message).to_contain_text(words[how])
    expect(message.locator(".request")).to_contain_text(route)
    if how == "500":
        expect(message).to_contain_text("status 500")
    tab.page.unroute(pattern)
    tab.press("Retry")
    tab.shows(3200, failure="")
    expect(message).to_have_count(0)


@pytest.mark.parametrize("how", ["500", "garbled", "abort"])
def test_icons_that_do_not_come_leave_tiles_and_a_way_to_try_again(
    how: str, quick: str, tab: Tab
) -> None:
    tab.forgive(FAILED_REQUEST)
    pattern = "**/data/plugin/atlas/sheet?*"
    tab.page.route(pattern, lambda request: answer(request, how))
    tab.open(quick, alone=True, **WARM)
    banner = tab.app.locator(".banner")
    expect(banner).to_contain_text("Icons of this grid cannot be shown")
    bare = tab.picture()
    tab.page.unroute(pattern)
    banner.get_by_role("button", name="Retry").click()
    expect(banner).to_have_count(0)
    tab.shows(3200)
    assert abs(tab.picture() - bare).mean() > 3


def test_the_map_does_without_history_probe_and_activations(quick: str, tab: Tab) -> None:
    tab.forgive(FAILED_REQUEST)
    for route in ("history", "probe", "activations"):
        tab.page.route(f"**/data/plugin/atlas/{route}?*", lambda request: answer(request, "500"))
    tab.open(quick, alone=True, **WARM)
    tab.key("ArrowRight")
    expect(tab.card).to_contain_text("The pictures of the probe: internal fault")
    expect(tab.card).to_contain_text("cosine")
    tab.key(",")
    tab.shows(1600, failure="")
