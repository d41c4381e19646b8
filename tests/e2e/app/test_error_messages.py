# SPDX-License-Identifier: Apache-2.0
"""Messages for data that are missing, damaged, too new, untrusted or unavailable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from atlas_tab import VIEWPORT, Tab, wait_until_painted
from browser_logs import (
    FLAW_STEPS,
    LONG_NAME,
    MARKUP,
    UNTRUSTED_CLASSES,
    UNTRUSTED_LAYERS,
    append_steps,
)
from conftest import Serve, wait_for_atlases
from disabled_features import NO_WEBGL
from failing_routes import FAILED_REQUEST, FAILED_RESPONSES, FailingRoute
from playwright.sync_api import expect
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.logs.event_file import scan_records

CLICK_TRY_AGAIN = """panel => {
  const buttons = [...panel.querySelectorAll('button')];
  buttons.find((one) => one.textContent.includes('Try again'))?.click();
}"""
WARM = {"run": "warm/atlas", "layer": "layer3"}


def heading(tab: Tab) -> str:
    return tab.app.locator(".message h2").inner_text()


@pytest.mark.both_loaders
def test_an_empty_log_says_how_to_fill_it(loader: str, serve: Serve, tab: Tab) -> None:
    tab.open(serve("empty", loader))
    tab.settle(phase="empty")
    assert heading(tab) == "No atlas in this log directory yet"
    code = tab.app.locator("pre code").inner_text()
    for line in ("import AtlasWriter", "atlas = AtlasWriter(", "atlas.add_atlas(step)"):
        assert line in code
    expect(tab.app.get_by_text("tensorboard --logdir")).to_be_visible()
    tab.click_button("Check again")
    tab.settle(phase="empty")


@pytest.mark.both_loaders
def test_damaged_steps_are_marked_and_others_are_shown(damaged_log: str, tab: Tab) -> None:
    tab.ignore_errors(FAILED_REQUEST)
    tab.open(damaged_log, standalone=True, run="flaws/atlas", layer="layer3", step=400)
    tab.wait_for_step(400)
    note = tab.app.locator(".note")
    expect(note).to_contain_text("1 step from a newer version")
    bad = tab.app.locator(".tick.bad")
    expect(bad.and_(tab.app.locator("[data-step='200']"))).to_have_count(1)
    expect(bad.and_(tab.app.locator("[data-step='300']"))).to_have_count(1)
    for step, kind, title, reason in (
        (300, "too_new", "Step 300 is from a newer version", "version 9"),
        (200, "damaged", "Step 200 is damaged", "manifest: checksum"),
        (100, "damaged", "Step 100 is damaged", "blob 1 (map): checksum"),
    ):
        tab.press_keys(",")
        tab.settle(step=step, failure=kind)
        assert heading(tab) == title
        message = tab.app.locator(".message")
        expect(message).to_contain_text(reason)
        expect(message).to_contain_text("The other steps are not affected.")
        expect(message).to_contain_text("status 422")
    tab.press_keys(",")
    tab.wait_for_step(FLAW_STEPS[0], failure="")
    assert tab.capture().std() > 5
    tab.select_option("Layer", "ruined")
    tab.settle(failure="damaged")
    tab.select_option("Layer", "layer3")
    tab.wait_for_step(FLAW_STEPS[0], failure="")


@pytest.mark.both_loaders
def test_a_damaged_icon_sheet_does_not_hide_the_map(damaged_log: str, tab: Tab) -> None:
    tab.ignore_errors(FAILED_REQUEST)
    tab.open(damaged_log, standalone=True, run="flaws/atlas", layer="layer3", step=500, grid=5)
    tab.wait_for_step(500, level=5)
    expect(tab.app.locator(".banner")).to_contain_text("Icons of this grid cannot be shown")
    expect(tab.app.locator(".banner")).to_contain_text("blob 3 (sheet, grid 5): checksum")
    assert tab.capture().std() > 1
    tab.select_option("Grid", "10 \u00d7 10")
    tab.settle(level=10)
    expect(tab.app.locator(".banner")).to_have_count(0)


@pytest.mark.both_loaders
def test_a_layer_without_a_valid_step_shows_a_message(damaged_log: str, tab: Tab) -> None:
    tab.ignore_errors(FAILED_REQUEST)
    tab.open(damaged_log, standalone=True, run="flaws/atlas", layer="ruined")
    tab.settle(failure="damaged", step=100)
    assert heading(tab) == "Step 100 is damaged"
    expect(tab.app.locator(".tick")).to_have_count(2)
    tab.slider.press("Home")
    tab.settle(failure="damaged", step=0)
    assert heading(tab) == "Step 0 is damaged"


@pytest.fixture
def bit_flip_log(loader: str, tmp_path: Path) -> Iterator[str]:
    """URL of a log with three steps; one bit of the second is flipped in the event file."""
    append_steps(tmp_path, (0, 10, 20))
    (path,) = (tmp_path / "growing" / "atlas").iterdir()
    data = bytearray(path.read_bytes())
    record = list(scan_records(path))[2]
    data[record.offset + len(record.payload) // 3] ^= 1
    path.write_bytes(data)
    with start_tensorboard(tmp_path, loader == "data-server") as url:
        wait_for_atlases(url, 3 if loader == "data-server" else 1)
        yield url


@pytest.mark.both_loaders
def test_a_flipped_bit_in_the_event_file(bit_flip_log: str, loader: str, tab: Tab) -> None:
    """The data server serves the damaged record; the Python loader stops before it."""
    tab.ignore_errors(FAILED_REQUEST)
    tab.open(bit_flip_log, standalone=True, step=0)
    tab.wait_for_step(0)
    if loader == "data-server":
        tab.press_keys(".")
        tab.settle(step=10, failure="damaged")
        tab.press_keys(".")
        tab.wait_for_step(20)
        expect(tab.app.locator(".tick.bad")).to_have_attribute("data-step", "10")
        expect(tab.app.locator(".note")).to_contain_text("1 damaged step")
    else:
        expect(tab.slider).to_be_disabled()


@pytest.mark.both_loaders
def test_untrusted_names_are_text(damaged_log: str, tab: Tab) -> None:
    run = f"{MARKUP}/atlas"
    tab.open(damaged_log, standalone=True, run=run, color="class")
    picker = tab.app.get_by_label("Layer", exact=True)
    expect(picker.locator("option")).to_have_count(len(UNTRUSTED_LAYERS))
    for index, layer in enumerate(sorted(UNTRUSTED_LAYERS)):
        picker.select_option(index=index)
        expect(tab.app).to_have_js_property("dataset.layer", layer[:200])
        tab.wait_for_step(7, failure="")
        tab.press_keys("ArrowRight", "Enter")
        expect(tab.inspector).to_contain_text("samples")
        swatches = tab.legend.locator("li")
        expect(swatches.first).to_have_text(MARKUP[:23] + "…")
        expect(swatches).to_have_count(len(UNTRUSTED_CLASSES))
        made = "app => app.renderRoot.querySelectorAll('img, script, b, iframe').length"
        assert tab.app.evaluate(made) == 0
        text = tab.app.evaluate("app => app.renderRoot.textContent")
        assert "x" * 100 not in text
        assert not {"\u202e", "\0"} & set(text)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= VIEWPORT["width"]
    assert tab.state["run"] == run


def test_a_very_long_layer_name_is_linked_by_its_id(damaged_log: str, tab: Tab) -> None:
    tab.open(damaged_log, standalone=True, run=f"{MARKUP}/atlas")
    index = sorted(UNTRUSTED_LAYERS).index(LONG_NAME)
    tab.app.get_by_label("Layer", exact=True).select_option(index=index)
    tab.settle(layer=LONG_NAME[:200])
    value = tab.app.get_by_label("Layer", exact=True).input_value()
    tab.wait_for_hash(layer=value)
    tab.page.reload()
    tab.settle(layer=LONG_NAME[:200])


@pytest.mark.parametrize("route", ["index", "atlas"])
def test_a_failed_request_is_shown_and_can_be_retried(route: str, valid_log: str, tab: Tab) -> None:
    route_failure = FailingRoute(tab, route)
    route_failure.how = "500"
    tab.open(valid_log, standalone=True, **WARM)
    message = tab.app.locator(".message")
    title = "The atlases cannot be listed" if route == "index" else "Step 3,200"
    for how, response in FAILED_RESPONSES.items():
        route_failure.how = how
        tab.click_button("Retry")
        expect(message.locator("h2")).to_contain_text(title)
        expect(message).to_contain_text(response.words)
        expect(message.locator(".request")).to_contain_text(route)
        if response.status not in (None, 200):
            expect(message).to_contain_text(f"status {response.status}")
        assert len(message.locator("p").first.inner_text()) >= len("Not found.")
        assert tab.app.locator("img").count() == 0
    route_failure.how = "slow"
    tab.click_button("Retry")
    expect(message).to_have_count(0)
    waiting = tab.app.get_by_text("Loading the atlas")
    expect(waiting).to_be_visible()
    route_failure.how = None
    for request in route_failure.held:
        request.continue_()
    tab.wait_for_step(3200, failure="")
    expect(waiting).to_have_count(0)


def test_missing_icons_leave_tiles_and_can_be_retried(valid_log: str, tab: Tab) -> None:
    route_failure = FailingRoute(tab, "sheet")
    route_failure.how = "500"
    tab.open(valid_log, standalone=True, **WARM)
    banner = tab.app.locator(".banner")
    for how, response in FAILED_RESPONSES.items():
        route_failure.how = how
        banner.get_by_role("button", name="Retry").click()
        expect(banner).to_contain_text(re.compile("Icons of this grid cannot be shown: .{8}", re.S))
        expect(banner).to_contain_text(response.words)
    tab.settle()
    bare = tab.capture()
    route_failure.how = None
    banner.get_by_role("button", name="Retry").click()
    expect(banner).to_have_count(0)
    tab.wait_for_step(3200)
    assert abs(tab.capture() - bare).mean() > 3


def test_missing_events_can_be_retried(concept_log: str, tab: Tab) -> None:
    route_failure = FailingRoute(tab, "history")
    route_failure.how = "500"
    tab.open(concept_log, standalone=True, run="moving/atlas", events="on")
    events = tab.app.locator("aside.events")
    again = events.get_by_role("button", name="Try again")
    for how, response in FAILED_RESPONSES.items():
        route_failure.how = how
        again.click()
        tab.settle()
        expect(events).to_contain_text("Events cannot be loaded.")
        expect(events).to_contain_text(response.words)
        # The map still works.
        assert tab.dataset["failure"] == ""
    route_failure.how = None
    # On a busy machine, the map can settle again and load the events before a click does.
    events.evaluate(CLICK_TRY_AGAIN)
    expect(events.locator(".event-text")).to_have_count(3)


@pytest.mark.parametrize("route", ["probe", "thumbs"])
def test_missing_probe_images_can_be_retried(route: str, valid_log: str, tab: Tab) -> None:
    route_failure = FailingRoute(tab, route)
    for how in ("500", "garbled", "nothing", "abort"):
        route_failure.how = how
        tab.page.goto("about:blank")
        tab.open(valid_log, standalone=True, **WARM)
        tab.press_keys("ArrowRight", "Enter")
        expect(tab.inspector).to_contain_text(
            re.compile(f"Images of the probe: {FAILED_RESPONSES[how].words or '.{8}'}")
        )
        tab.press_keys("ArrowRight", "ArrowRight")
        expect(tab.card).to_contain_text("Images of the probe: ")
        expect(tab.card).to_contain_text("cosine")
    route_failure.how = None
    tab.page.goto("about:blank")
    tab.open(valid_log, standalone=True, **WARM)
    tab.press_keys("ArrowRight", "Enter")
    wait_until_painted(tab.inspector.locator(".patch-button").first)
    expect(tab.inspector).not_to_contain_text("Images of the probe")


def test_missing_activations_leave_patches_by_map_position(valid_log: str, tab: Tab) -> None:
    route_failure = FailingRoute(tab, "activations")
    for how in FAILED_RESPONSES:
        route_failure.how = how
        tab.page.goto("about:blank")
        tab.open(valid_log, standalone=True, **WARM)
        tab.press_keys("ArrowRight", "Enter")
        expect(tab.inspector).to_contain_text("Nearest real patches by distance on the map")
        expect(tab.inspector.get_by_role("button", name="Patch of image").first).to_be_visible()
        if how == "garbled":
            break
    tab.press_keys(",")
    tab.wait_for_step(1600, failure="")


@pytest.mark.parametrize(
    ("route", "fault"), [("shortcuts", "cannot be shown"), ("patches", "The patches: ")]
)
def test_missing_shortcut_searches_can_be_retried(
    route: str, fault: str, serve: Serve, tab: Tab
) -> None:
    route_failure = FailingRoute(tab, route)
    route_failure.how = "500"
    shortcut_log = serve("shortcuts", "data-server")
    marked = {"run": "marked/atlas", "layer": "layer3", "step": 200, "shortcut": "all"}
    tab.open(shortcut_log, standalone=True, **marked)
    panel = tab.app.locator("aside.shortcuts")
    for how, response in FAILED_RESPONSES.items():
        route_failure.how = how
        if route == "shortcuts":
            panel.get_by_role("button", name="Try again").click()
        else:
            tab.page.goto("about:blank")
            tab.open(shortcut_log, standalone=True, **marked)
        expect(panel).to_contain_text(fault)
        expect(panel).to_contain_text(response.words)
        if route == "patches" and how == "garbled":
            break
    assert tab.app.locator("img").count() == 0


NOT_LOADED = "Part of this tab failed to load: TensorBoard does not respond."


@pytest.mark.sampled(4)
@pytest.mark.parametrize("how", ["abort", "404"])
@pytest.mark.parametrize(
    "chunk",
    ["feature_slots", "class_filter", "search", "panes", "compare"],
)
def test_missing_chunks_of_the_tab_can_be_retried(
    chunk: str, how: str, valid_log: str, tab: Tab
) -> None:
    """Every rejection is caught, the loaded part still works, and a retry loads the rest."""
    if how == "404" and chunk in ("search", "panes"):
        pytest.skip("two of the chunks represent all others here")
    route_failure = FailingRoute(tab, f"chunk-{chunk}[^/]*")
    tab.ignore_errors(FAILED_REQUEST, "ERR_FAILED", "MIME type")
    route_failure.how = how
    links = {
        "class_filter": {"filter": "top:3"},
        "compare": {"drift": "on"},
        "panes": {"compare": ";layer4,,warm%2Fatlas"},
    }
    tab.open(valid_log, standalone=True, ready=False, **WARM, **links.get(chunk, {}))
    if chunk == "search":
        expect(tab.app.get_by_role("button", name="Find")).to_be_visible()
        tab.press_keys("/")
    notice = tab.app.get_by_text(NOT_LOADED)
    expect(notice).to_be_visible()
    assert tab.capture().std() > 5
    route_failure.how = None
    notice.get_by_role("button", name="Retry").click()
    expect(notice).to_have_count(0)
    tab.settle()
    if chunk == "class_filter":
        expect(tab.app.get_by_label("Legend of the class filter")).to_be_visible()
    tab.press_keys(",")
    tab.wait_for_step(1600)


def test_a_second_key_press_retries_a_missing_chunk(valid_log: str, tab: Tab) -> None:
    """The help does not open by itself when the chunk becomes available."""
    route_failure = FailingRoute(tab, "chunk-help[^/]*")
    tab.ignore_errors(FAILED_REQUEST, "ERR_FAILED")
    route_failure.how = "abort"
    tab.open(valid_log, standalone=True, **WARM)
    tab.press_keys("?")
    expect(tab.app.get_by_text(NOT_LOADED)).to_be_visible()
    expect(tab.app.get_by_role("status")).to_contain_text("TensorBoard does not respond.")
    route_failure.how = None
    tab.press_keys(",")
    tab.wait_for_step(1600)
    sheet = tab.app.get_by_role("dialog", name="How to read the map")
    expect(sheet).to_have_count(0)
    tab.press_keys("?")
    expect(sheet).to_be_visible()
    expect(tab.app.get_by_text(NOT_LOADED)).to_have_count(0)


def test_a_missing_renderer_leaves_the_table(valid_log: str, tab: Tab) -> None:
    later = FailingRoute(tab, "chunk-(?:feature_slots|canvas_renderer)-[^/]*")
    later.how = "abort"
    tab.ignore_errors(FAILED_REQUEST, "ERR_FAILED")
    tab.page.add_init_script(NO_WEBGL)
    tab.open(valid_log, standalone=True, ready=False, **WARM, grid=10)
    notice = tab.app.get_by_text(NOT_LOADED)
    expect(notice).to_be_visible()
    later.how = None
    notice.get_by_role("button", name="Retry").click()
    expect(notice).to_have_count(0)
    banners = tab.app.locator(".banner")
    expect(banners.filter(has_text="The map cannot be drawn")).to_be_visible()
    tab.press_keys("t")
    expect(tab.app.locator(".cell-table tbody tr").first).to_be_visible()


def test_a_missing_first_chunk_and_a_failed_index(valid_log: str, tab: Tab) -> None:
    index, later = FailingRoute(tab, "index"), FailingRoute(tab, "chunk-feature_slots-[^/]*")
    tab.ignore_errors(FAILED_REQUEST, "ERR_FAILED")
    index.how, later.how = "500", "abort"
    tab.open(valid_log, standalone=True, ready=False)
    notice = tab.app.get_by_text(NOT_LOADED)
    expect(notice).to_be_visible()
    later.how = None
    notice.get_by_role("button", name="Retry").click()
    expect(tab.app.locator(".message h2")).to_have_text("The atlases cannot be listed")
    index.how = None
    tab.click_button("Retry")
    tab.settle()
