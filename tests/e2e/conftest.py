# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a real TensorBoard for each log and loader, one Chromium, and a monitored page."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browser_logs
import pytest
from atlas_tab import VIEWPORT, Tab
from chromium import FLAGS, find_chromium
from concept_logs import write_concept_log
from exported_tab import ExportedTab
from layer_logs import write_layer_log
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from shortcut_logs import write_shortcut_log
from stream_logs import write_stream_log
from tensorboard_server import start_tensorboard, wait_for_atlases
from untrusted_logs import write_untrusted_log

from tensorboard_plugin_atlas import export_html

LOADERS = ("data-server", "python-loader")
TIMEOUT_MS = 90_000
NO_COMPOSITING = "--disable-gpu-compositing"
"""Uses software GL for the maps only and not for the rest of the page: a third less CPU time."""

EXPECT_TIMEOUT_MS = 60_000
"""Twelve times the default: on a busy machine, a page may be late."""

Serve = Callable[..., str]
ExportLog = Callable[..., Path]

expect.set_options(timeout=EXPECT_TIMEOUT_MS)


@pytest.hookimpl(tryfirst=True)  # before the hook that selects sampled tests
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks all tests of this folder as end-to-end tests, of which each commit runs half.

    Tests of which the result depends on the loader run with each commit, as do those in
    `frontend/tests`, which every part of the tab has.
    """
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.e2e)
        if "both_loaders" not in item.keywords:
            item.add_marker(pytest.mark.sampled(2))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=[*FLAGS, NO_COMPOSITING]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One profile for all pages, so that TensorBoard's 6 MB of JavaScript are compiled once."""
    context = browser.new_context(viewport=VIEWPORT, timezone_id="UTC", color_scheme="light")
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Tab]:
    """A new page. The test fails on console errors of the tab, dialogs and external requests."""
    page = context.new_page()
    tab = Tab(page)
    yield tab
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear()")
    page.close()
    assert tab.unexpected_errors == []
    assert tab.dialogs == []
    assert tab.external_requests == []


@pytest.fixture(scope="session")
def offline_context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile without a network, for exported pages."""
    context = browser.new_context(viewport=VIEWPORT, timezone_id="UTC", color_scheme="light")
    context.set_default_timeout(TIMEOUT_MS)
    context.set_offline(True)
    yield context
    context.close()


@pytest.fixture
def exported_tab(offline_context: BrowserContext) -> Iterator[ExportedTab]:
    """A new page for an exported log. The test fails on messages, dialogs, and other requests."""
    tab = ExportedTab(offline_context.new_page())
    yield tab
    tab.check()
    tab.page.close()


@pytest.fixture(scope="session")
def export_log(
    directories: Callable[[str], tuple[Path, int]], tmp_path_factory: pytest.TempPathFactory
) -> ExportLog:
    """Returns the exported page of a log by name, written at first use."""
    folder = tmp_path_factory.mktemp("exported")
    written: dict[str, Path] = {}

    def export(name: str, **options: Any) -> Path:
        key = f"{name} {sorted(options.items())}"
        if key not in written:
            path = folder / f"{len(written)}.html"
            export_html(directories(name)[0], path, **options)
            written[key] = path
        return written[key]

    return export


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs tests marked `both_loaders`, and all tests with --long, under both loaders.

    The page gets the same bytes from either loader, as the tests of the routes check. The marker
    is for tests in which the loader affects what is shown: damage, sampling, steps that arrive
    while the page is open, and TensorBoard's own page.
    """
    if "loader" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("both_loaders")
        both = marker is not None or metafunc.config.getoption("--long")
        metafunc.parametrize("loader", LOADERS if both else LOADERS[:1], scope="session")


@pytest.fixture(scope="session")
def directories(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, int]]:
    """Returns a log directory by name, written at first use, and its number of listed atlases."""
    writers: dict[str, Callable[[Path], int]] = {
        "valid": browser_logs.write_valid_log,
        "damaged": browser_logs.write_damaged_log,
        "empty": lambda _: 0,
        "concepts": write_concept_log,
        "layers": write_layer_log,
        "shortcuts": write_shortcut_log,
        "stream": write_stream_log,
        "untrusted": write_untrusted_log,
    }
    written: dict[str, tuple[Path, int]] = {}

    def directory(name: str) -> tuple[Path, int]:
        if name not in written:
            path = tmp_path_factory.mktemp(name)
            written[name] = (path, writers[name](path))
        return written[name]

    return directory


@pytest.fixture(scope="session")
def serve(directories: Callable[[str], tuple[Path, int]]) -> Iterator[Serve]:
    """Returns the URL of a TensorBoard that serves a log; equal calls share one process."""
    running: dict[tuple[str, ...], str] = {}
    with contextlib.ExitStack() as stack:

        def start(name: str, loader: str, *flags: str) -> str:
            key = (name, loader, *flags)
            if key not in running:
                path, atlases = directories(name)
                fast = loader == "data-server"
                running[key] = stack.enter_context(start_tensorboard(path, fast, *flags))
                wait_for_atlases(running[key], atlases)
            return running[key]

        yield start


@pytest.fixture
def valid_log_by_loader(serve: Serve, loader: str) -> str:
    """URL of a log with two synthetic runs and a real one, for each loader."""
    return serve("valid", loader)


@pytest.fixture
def damaged_log(serve: Serve, loader: str) -> str:
    """URL of a log with damage, untrusted names and a run of 300 steps, below a path prefix."""
    return serve("damaged", loader, "--path_prefix=/lab/one")


@pytest.fixture
def concept_log(serve: Serve, loader: str) -> str:
    """URL of a log whose runs have concepts and events."""
    return serve("concepts", loader)


@pytest.fixture
def stream_log(serve: Serve) -> str:
    """URL of a log of a run with many concepts in groups."""
    return serve("stream", "data-server")


@pytest.fixture
def layer_log_by_loader(serve: Serve, loader: str) -> str:
    """URL of a log with three layers of one network, for each loader."""
    return serve("layers", loader)


@pytest.fixture
def layer_log(serve: Serve) -> str:
    """The same log, served by the data server only."""
    return serve("layers", "data-server")


@pytest.fixture
def valid_log(serve: Serve) -> str:
    """The log of `valid_log_by_loader`, served by the data server only."""
    return serve("valid", "data-server")
