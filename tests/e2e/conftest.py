# SPDX-License-Identifier: Apache-2.0
"""A real TensorBoard over each log and loader, one real Chromium, and a page that watches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import browser_logs
import pytest
from atlas_tab import VIEWPORT, Tab
from chromium import FLAGS, find_chromium
from concept_logs import write_concept_log
from layer_logs import write_layer_log
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from shortcut_logs import write_shortcut_log
from tensorboard_server import start_tensorboard, wait_for_atlases
from untrusted_logs import write_untrusted_log

LOADERS = ("data-server", "python-loader")
PATIENCE_MS = 30_000
NO_COMPOSITING = "--disable-gpu-compositing"
"""Software GL draws our maps alone and not the page around them, for a third less CPU time."""

Serve = Callable[..., str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


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
    """One profile for all pages, so that TensorBoard's own six megabytes are compiled once."""
    context = browser.new_context(viewport=VIEWPORT, timezone_id="UTC", color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Tab]:
    """A fresh page; the test fails if anything of ours complained on it."""
    page = context.new_page()
    tab = Tab(page)
    yield tab
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear()")
    page.close()
    assert tab.unexpected_errors == []
    assert tab.dialogs == []
    assert tab.external_requests == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test under both loaders where it is marked so, or with --long; else under one.

    The page gets the same bytes from either loader, which the tests of the routes compare. The
    mark is for tests in which the loader decides what there is to show: damage, sampling, steps
    that arrive while the page is open, and TensorBoard's own page.
    """
    if "loader" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("both_loaders")
        both = marked is not None or metafunc.config.getoption("--long")
        metafunc.parametrize("loader", LOADERS if both else LOADERS[:1], scope="session")


@pytest.fixture(scope="session")
def directories(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, int]]:
    """Log directories by name, each written once, with the number of atlases to be listed."""
    writers: dict[str, Callable[[Path], int]] = {
        "valid": browser_logs.write_valid_log,
        "damaged": browser_logs.write_damaged_log,
        "empty": lambda _: 0,
        "concepts": write_concept_log,
        "layers": write_layer_log,
        "shortcuts": write_shortcut_log,
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
    """Returns the address of a TensorBoard over a log; equal calls share one."""
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
    """Two synthetic runs and a real one."""
    return serve("valid", loader)


@pytest.fixture
def damaged_log(serve: Serve, loader: str) -> str:
    """Damage, hostile names and 300 steps, below a path prefix."""
    return serve("damaged", loader, "--path_prefix=/lab/one")


@pytest.fixture
def concept_log(serve: Serve, loader: str) -> str:
    """Runs whose concepts have a history."""
    return serve("concepts", loader)


@pytest.fixture
def layer_log_by_loader(serve: Serve, loader: str) -> str:
    """Three layers of one network, and runs beside it."""
    return serve("layers", loader)


@pytest.fixture
def layer_log(serve: Serve) -> str:
    """As `layered`, for tests of the page alone."""
    return serve("layers", "data-server")


@pytest.fixture
def valid_log(serve: Serve) -> str:
    """The sound log for tests of the page alone, which no loader can change."""
    return serve("valid", "data-server")
