# SPDX-License-Identifier: Apache-2.0
"""What a person sees when something is missing, damaged, too new, hostile or out of reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
from tab import VIEWPORT, Tab, until_painted
from test_renderers import NO_WEBGL

from tensorboard_plugin_atlas.events import scan_records

FAILED_REQUEST = "Failed to load resource"
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
    tab.press("Look again")
    tab.settle(phase="empty")


@pytest.mark.both_loaders
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


@pytest.mark.both_loaders
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


@pytest.mark.both_loaders
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


@pytest.mark.both_loaders
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


@pytest.mark.both_loaders
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


INTERNAL = '{"error": {"kind": "internal", "message": "internal fault"}}'
GONE = '{"error": {"kind": "not_found", "message": "There is no such thing here."}}'
HOSTILE = '{"error": {"kind": "__proto__", "message": "<img src=x onerror=alert(1)>"}}'


class Answer(NamedTuple):
    """What comes instead of an answer, and what is said of it."""

    status: int | None
    body: str
    words: str


ANSWERS: dict[str, Answer] = {
    "500": Answer(500, INTERNAL, "internal fault"),
    "404": Answer(404, GONE, "There is no such thing here."),
    "hostile": Answer(503, HOSTILE, "<img src=x onerror=alert(1)>"),
    "a page": Answer(502, "<h1>Bad gateway</h1>", "Bad Gateway"),
    "garbled": Answer(200, "garbage", ""),
    "nothing": Answer(200, "", ""),
    "torn": Answer(200, '{"runs": [{"id": "r', ""),
    "another shape": Answer(200, '[{"a": 1}]' * 9, ""),
    "abort": Answer(None, "", "TensorBoard does not answer"),
}


class Faulty:
    """Answers one route as it is told to, until it is told otherwise."""

    def __init__(self, tab: Tab, route: str) -> None:
        self.how: str | None = None
        self.held: list[Route] = []
        tab.forgive(FAILED_REQUEST)
        pattern = re.compile(rf"/data/plugin/atlas/{route}(\?.*)?$")
        tab.page.route(pattern, self._answer)

    def _answer(self, route: Route) -> None:
        if self.how is None:
            route.continue_()
        elif self.how == "slow":
            self.held.append(route)
        elif self.how == "abort":
            route.abort()
        else:
            status, body, _ = ANSWERS[self.how]
            route.fulfill(status=status, content_type="application/octet-stream", body=body)


@pytest.mark.parametrize("route", ["index", "atlas"])
def test_a_failed_request_is_told_and_can_be_tried_again(route: str, quick: str, tab: Tab) -> None:
    faulty = Faulty(tab, route)
    faulty.how = "500"
    tab.open(quick, alone=True, **WARM)
    message = tab.app.locator(".message")
    title = "The atlases cannot be listed" if route == "index" else "Step 3,200"
    for how, told in ANSWERS.items():
        faulty.how = how
        tab.press("Retry")
        expect(message.locator("h2")).to_contain_text(title)
        expect(message).to_contain_text(told.words)
        expect(message.locator(".request")).to_contain_text(route)
        if told.status not in (None, 200):
            expect(message).to_contain_text(f"status {told.status}")
        assert len(message.locator("p").first.inner_text()) > 10
        assert tab.app.locator("img").count() == 0
    faulty.how = "slow"
    tab.press("Retry")
    expect(message).to_have_count(0)
    waiting = tab.app.get_by_text("Loading the atlas")
    expect(waiting).to_be_visible()
    faulty.how = None
    for request in faulty.held:
        request.continue_()
    tab.shows(3200, failure="")
    expect(waiting).to_have_count(0)


def test_icons_that_do_not_come_leave_tiles_and_a_way_to_try_again(quick: str, tab: Tab) -> None:
    faulty = Faulty(tab, "sheet")
    faulty.how = "500"
    tab.open(quick, alone=True, **WARM)
    banner = tab.app.locator(".banner")
    for how, told in ANSWERS.items():
        faulty.how = how
        banner.get_by_role("button", name="Retry").click()
        expect(banner).to_contain_text(re.compile("Icons of this grid cannot be shown: .{8}", re.S))
        expect(banner).to_contain_text(told.words)
    tab.settle()
    bare = tab.picture()
    faulty.how = None
    banner.get_by_role("button", name="Retry").click()
    expect(banner).to_have_count(0)
    tab.shows(3200)
    assert abs(tab.picture() - bare).mean() > 3


def test_the_events_of_a_run_that_do_not_come(evolving: str, tab: Tab) -> None:
    faulty = Faulty(tab, "history")
    faulty.how = "500"
    tab.open(evolving, alone=True, run="moving/atlas", events="on")
    events = tab.app.locator("aside.events")
    again = events.get_by_role("button", name="Try again")
    for how, told in ANSWERS.items():
        faulty.how = how
        again.click()
        tab.settle()
        expect(events).to_contain_text("What happened cannot be read.")
        expect(events).to_contain_text(told.words)
        # The map goes on.
        assert tab.marks["failure"] == ""
    faulty.how = None
    again.click()
    expect(events.locator(".event-text")).to_have_count(3)


@pytest.mark.parametrize("route", ["probe", "thumbs"])
def test_pictures_of_the_probe_that_do_not_come(route: str, quick: str, tab: Tab) -> None:
    faulty = Faulty(tab, route)
    for how in ("500", "garbled", "nothing", "abort"):
        faulty.how = how
        tab.page.goto("about:blank")
        tab.open(quick, alone=True, **WARM)
        tab.key("ArrowRight", "Enter")
        expect(tab.inspector).to_contain_text(
            re.compile(f"The pictures of the probe: {ANSWERS[how].words or '.{8}'}")
        )
        tab.key("ArrowRight", "ArrowRight")
        expect(tab.card).to_contain_text("The pictures of the probe: ")
        expect(tab.card).to_contain_text("cosine")
    faulty.how = None
    tab.page.goto("about:blank")
    tab.open(quick, alone=True, **WARM)
    tab.key("ArrowRight", "Enter")
    until_painted(tab.inspector.locator(".patch-button").first)
    expect(tab.inspector).not_to_contain_text("The pictures of the probe")


def test_activations_that_do_not_come_leave_places_on_the_map(quick: str, tab: Tab) -> None:
    faulty = Faulty(tab, "activations")
    for how in ANSWERS:
        faulty.how = how
        tab.page.goto("about:blank")
        tab.open(quick, alone=True, **WARM)
        tab.key("ArrowRight", "Enter")
        expect(tab.inspector).to_contain_text("Nearest real patches by place on the map")
        expect(tab.inspector.get_by_role("button", name="Patch of image").first).to_be_visible()
        if how == "garbled":
            break
    tab.key(",")
    tab.shows(1600, failure="")


@pytest.mark.parametrize(
    ("route", "fault"), [("shortcuts", "cannot be shown"), ("patches", "The patches: ")]
)
def test_searches_that_do_not_come(route: str, fault: str, serve: Serve, tab: Tab) -> None:
    faulty = Faulty(tab, route)
    faulty.how = "500"
    searched = serve("searched", "data-server")
    marked = {"run": "marked/atlas", "layer": "layer3", "step": 200, "shortcut": "all"}
    tab.open(searched, alone=True, **marked)
    panel = tab.app.locator("aside.shortcuts")
    for how, told in ANSWERS.items():
        faulty.how = how
        if route == "shortcuts":
            panel.get_by_role("button", name="Try again").click()
        else:
            tab.page.goto("about:blank")
            tab.open(searched, alone=True, **marked)
        expect(panel).to_contain_text(fault)
        expect(panel).to_contain_text(told.words)
        if route == "patches" and how == "garbled":
            break
    assert tab.app.locator("img").count() == 0


LOST = "A part of this tab did not arrive: TensorBoard does not answer."


@pytest.mark.parametrize("how", ["abort", "404"])
@pytest.mark.parametrize(
    "chunk",
    ["shell", "class_filter", "search", "panes", "compare"],
)
def test_parts_of_the_tab_that_do_not_come(chunk: str, how: str, quick: str, tab: Tab) -> None:
    """No rejection stays uncaught, what there is goes on, and another try brings the rest."""
    if how == "404" and chunk in ("search", "panes"):
        pytest.skip("two of the chunks stand for all in this respect")
    faulty = Faulty(tab, f"chunk-{chunk}[^/]*")
    tab.forgive(FAILED_REQUEST, "ERR_FAILED", "MIME type")
    faulty.how = how
    asks = {
        "class_filter": {"filter": "top:3"},
        "compare": {"drift": "on"},
        "panes": {"compare": ";layer4,,warm%2Fatlas"},
    }
    tab.open(quick, alone=True, ready=False, **WARM, **asks.get(chunk, {}))
    if chunk == "search":
        expect(tab.app.get_by_role("button", name="Find")).to_be_visible()
        tab.key("/")
    notice = tab.app.get_by_text(LOST)
    expect(notice).to_be_visible()
    assert tab.picture().std() > 5
    faulty.how = None
    notice.get_by_role("button", name="Retry").click()
    expect(notice).to_have_count(0)
    tab.settle()
    if chunk == "class_filter":
        expect(tab.app.get_by_label("Legend of the class filter")).to_be_visible()
    tab.key(",")
    tab.shows(1600)


def test_keys_that_do_not_come_are_asked_for_by_a_second_press(quick: str, tab: Tab) -> None:
    """And do not come up by themselves once they can."""
    faulty = Faulty(tab, "chunk-help[^/]*")
    tab.forgive(FAILED_REQUEST, "ERR_FAILED")
    faulty.how = "abort"
    tab.open(quick, alone=True, **WARM)
    tab.key("?")
    expect(tab.app.get_by_text(LOST)).to_be_visible()
    expect(tab.app.get_by_role("status")).to_contain_text("TensorBoard does not answer.")
    faulty.how = None
    tab.key(",")
    tab.shows(1600)
    sheet = tab.app.get_by_role("dialog", name="How to read the map")
    expect(sheet).to_have_count(0)
    tab.key("?")
    expect(sheet).to_be_visible()
    expect(tab.app.get_by_text(LOST)).to_have_count(0)


def test_the_renderer_that_does_not_come_leaves_the_table(quick: str, tab: Tab) -> None:
    later = Faulty(tab, "chunk-(?:shell|canvas_renderer)-[^/]*")
    later.how = "abort"
    tab.forgive(FAILED_REQUEST, "ERR_FAILED")
    tab.page.add_init_script(NO_WEBGL)
    tab.open(quick, alone=True, ready=False, **WARM, grid=10)
    notice = tab.app.get_by_text(LOST)
    expect(notice).to_be_visible()
    later.how = None
    notice.get_by_role("button", name="Retry").click()
    expect(notice).to_have_count(0)
    banners = tab.app.locator(".banner")
    expect(banners.filter(has_text="The map cannot be drawn")).to_be_visible()
    tab.key("t")
    expect(tab.app.locator(".cell-table tbody tr").first).to_be_visible()


def test_the_first_part_that_does_not_come_beside_a_log_that_cannot_be_listed(
    quick: str, tab: Tab
) -> None:
    index, later = Faulty(tab, "index"), Faulty(tab, "chunk-shell-[^/]*")
    tab.forgive(FAILED_REQUEST, "ERR_FAILED")
    index.how, later.how = "500", "abort"
    tab.open(quick, alone=True, ready=False)
    notice = tab.app.get_by_text(LOST)
    expect(notice).to_be_visible()
    later.how = None
    notice.get_by_role("button", name="Retry").click()
    expect(tab.app.locator(".message h2")).to_have_text("The atlases cannot be listed")
    index.how = None
    tab.press("Retry")
    tab.settle()
