# SPDX-License-Identifier: Apache-2.0
"""States of the tab: messages, actions and accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from accessibility import THEMES, Theme, find_violations, save_screenshot
from atlas_tab import Tab
from browser_logs import append_steps
from conftest import Serve, wait_for_atlases
from disabled_features import NO_CANVAS, NO_WEBGL, WEBGL_CONTEXT
from failing_routes import FailingRoute
from playwright.sync_api import Route, expect
from synthetic_atlases import make_atlas
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

WARM = {"run": "warm/atlas", "layer": "layer3"}
DATA = "**/data/plugin/atlas/"
TAKE_PORT = """addEventListener('message', ({data, ports}) => {
  if (data === 'experimental.bootstrap') [window.port] = ports;
});"""
SEND_RELOAD = """port.postMessage(
  JSON.stringify({type: 'experimental.DataReloaded', id: 1, payload: null, isReply: false}))"""
"""Message that TensorBoard sends to its plugins after a reload."""
MANY_SAMPLES = 260_000
LOSE_CONTEXT = f"map => {WEBGL_CONTEXT}.getExtension('WEBGL_lose_context').loseContext()"


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest, tab: Tab) -> Theme:
    tab.page.emulate_media(color_scheme=request.param)
    theme: Theme = request.param
    return theme


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_an_example_can_be_opened_in_an_empty_log(way: str, serve: Serve, tab: Tab) -> None:
    tab.page.emulate_media(color_scheme="dark" if way == "keyboard" else "light")
    tab.open(serve("empty", "data-server"), standalone=True)
    tab.settle(phase="empty")
    if way == "pointer":
        tab.click_button("Open a sample")
    else:
        tab.page.keyboard.press("Tab")
        expect(tab.app.get_by_role("button", name="Open a sample")).to_be_focused()
        tab.page.keyboard.press("Enter")
    tab.wait_for_step(80, layer="_blocks.15", phase="ready")
    assert tab.capture().std() > 5
    banner = tab.app.locator(".banner")
    expect(banner).to_contain_text("Sample: a pretrained network is fine-tuned on photographs.")
    tab.press_keys("ArrowRight")
    expect(tab.card).to_contain_text("images of the probe are not in this run")
    assert find_violations(tab) == []
    save_screenshot(tab, "sample", "dark" if way == "keyboard" else "light")
    tab.press_keys(",")
    tab.wait_for_step(20)
    # The link does not refer to the example.
    assert tab.state == {}
    banner.get_by_role("button", name="Close it").click()
    tab.settle(phase="empty")


def test_the_loading_state(theme: Theme, valid_log: str, tab: Tab) -> None:
    held_requests: list[Route] = []
    is_holding = True
    tab.page.route(
        DATA + "sheet?*",
        lambda route: held_requests.append(route) if is_holding else route.continue_(),
    )
    tab.open(valid_log, standalone=True, ready=False, **WARM)
    words = tab.app.locator(".skeleton")
    expect(words).to_have_text("Loading the atlas \u2026")
    tab.page.wait_for_function("document.querySelector('atlas-app').dataset.step === '3200'")
    assert find_violations(tab) == []
    save_screenshot(tab, "loading", theme)
    is_holding = False
    for route in held_requests:
        route.continue_()
    tab.wait_for_step(3200, theme=theme)
    expect(words).to_have_count(0)


def test_errors_can_be_copied_and_retried(theme: Theme, serve: Serve, tab: Tab) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    valid_log = serve("valid", "data-server")
    message = tab.app.locator(".message")
    for route, words in (("index", "cannot be listed"), ("atlas", "could not be loaded")):
        route_failure = FailingRoute(tab, route)
        route_failure.how = "500"
        tab.open(valid_log, standalone=True, **WARM)
        expect(message).to_contain_text(words)
        assert find_violations(tab) == []
        save_screenshot(tab, f"error-{route}", theme)
        tab.click_button("Copy details")
        expect(message.get_by_role("button", name="Copied")).to_be_visible()
        copied = tab.page.evaluate("navigator.clipboard.readText()").splitlines()
        assert copied[0] == "internal: internal fault"
        assert copied[1].startswith(f"Request: {route}")
        assert copied[1].endswith("status 500")
        route_failure.how = None
        retry = message.get_by_role("button", name="Retry")
        retry.focus()
        tab.page.keyboard.press("Enter")
        tab.wait_for_step(3200, failure="")
        tab.page.goto("about:blank")
    FailingRoute(tab, "sheet").how = "garbled"
    tab.open(valid_log, standalone=True, **WARM)
    expect(tab.app.locator(".banner")).to_contain_text("Icons of this grid cannot be shown")
    assert find_violations(tab) == []
    save_screenshot(tab, "error-sheet", theme)


@pytest.mark.parametrize("script", [NO_WEBGL, NO_CANVAS], ids=["canvas", "none"])
def test_without_webgl_or_any_canvas(script: str, theme: Theme, valid_log: str, tab: Tab) -> None:
    tab.page.add_init_script(script)
    tab.open(valid_log, standalone=True, **WARM)
    tab.settle(renderer="canvas" if script == NO_WEBGL else "none")
    expect(tab.app.locator(".banner")).to_contain_text("his browser has no")
    assert find_violations(tab) == []


def test_a_lost_context_can_be_restored_by_the_user(theme: Theme, valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    before = tab.capture()
    tab.map.evaluate(LOSE_CONTEXT)
    tab.settle(renderer="lost")
    banner = tab.app.locator(".banner")
    expect(banner).to_contain_text("lost the WebGL context of the map")
    assert find_violations(tab) == []
    retry = banner.get_by_role("button", name="Retry")
    if theme == "light":
        retry.click()
    else:
        retry.focus()
        tab.page.keyboard.press("Enter")
    tab.settle(renderer="webgl")
    expect(banner).to_have_count(0)
    tab.page.mouse.move(2, 2)
    assert abs(tab.capture() - before).mean() < 0.5


@pytest.fixture(scope="module")
def crowded_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a log with one atlas that has more samples than points are drawn."""
    directory = tmp_path_factory.mktemp("crowded")
    sink = EventSink(directory / "crowded" / CHILD_RUN)
    atlas = make_atlas(0, layer="layer3", samples=MANY_SAMPLES, grids=(10,), tile=8, images=400)
    sink.write(layer_tag("layer3"), encode_atlas(atlas), 0)
    sink.close()
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 1)
        yield url


def test_some_of_too_many_samples_are_shown(crowded_log: str, tab: Tab) -> None:
    tab.open(crowded_log, standalone=True, show="points")
    expect(tab.legend).to_contain_text("40,000 of 260,000 samples ·")
    assert find_violations(tab) == []
    tab.map.click(position={"x": 400, "y": 300})
    expect(tab.inspector).to_contain_text("samples")


def test_new_steps_are_announced(tmp_path: Path, tab: Tab) -> None:
    """As in `test_timeline`, but by keys and in both themes."""
    append_steps(tmp_path, (0, 10))
    tab.page.add_init_script(TAKE_PORT)
    with start_tensorboard(tmp_path, True) as url:
        wait_for_atlases(url, 2)
        tab.open(url, standalone=True, step=0)
        append_steps(tmp_path, (20,), before=2)
        wait_for_atlases(url, 3)
        tab.page.evaluate(SEND_RELOAD)
        pill = tab.app.get_by_role("button", name="1 new step")
        for scheme in THEMES:
            tab.page.emulate_media(color_scheme=scheme)
            tab.settle(theme=scheme)
            expect(pill).to_be_visible()
            assert find_violations(tab) == []
        tab.wait_for_step(0)
        pill.press("Enter")
        tab.wait_for_step(20)
        expect(pill).to_have_count(0)
