# SPDX-License-Identifier: Apache-2.0
"""Atlases in a real JupyterLab: the view of `show`, and TensorBoard's `%tensorboard`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page
from tensorboard import manager
from tensorboard_server import find_free_port, is_ready

NOTEBOOK = "atlas.ipynb"
SLOW_MS = 90_000
"""A kernel imports torch's TensorBoard, and a cell starts a server."""


@pytest.fixture
def tensorboard_port() -> Iterator[int]:
    """A free port; the TensorBoard that serves there is stopped, if its kernel has not done so."""
    port = find_free_port()
    yield port
    for server in manager.get_all():
        if server.port == port:
            # It may have ended with its kernel.
            with suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGTERM)


@pytest.fixture
def jupyterlab(
    tmp_path: Path, directories: Callable[[str], tuple[Path, int]], tensorboard_port: int
) -> Iterator[str]:
    """URL of a notebook with two cells, in a JupyterLab without the user's settings."""
    log, _ = directories("valid")
    root = tmp_path / "notebooks"
    root.mkdir()
    cells = [
        f"from tensorboard_plugin_atlas import show\nshow({str(log)!r}, run='warm', height=600)",
        f"%load_ext tensorboard\n%tensorboard --logdir {log} --port {tensorboard_port}",
    ]
    (root / NOTEBOOK).write_text(json.dumps(_make_notebook(cells)), encoding="utf-8")
    port = find_free_port()
    settings = {
        name: str(tmp_path / name)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *(f"--port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={root}"),
        "--LabApp.news_url=",  # word-check: ok
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (tmp_path / "jupyterlab.log").open("wb") as output:
        server = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | settings
        )
        try:
            assert is_ready(f"http://127.0.0.1:{port}/api", server)
            yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?reset"
        finally:
            server.terminate()
            server.wait(timeout=120)


def _make_notebook(cells: list[str]) -> dict[str, object]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for source in cells
        ],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 4,
    }


@pytest.fixture
def notebook(context: BrowserContext, jupyterlab: str) -> Iterator[Page]:
    """The open notebook, with its first cell selected."""
    page = context.new_page()
    page.goto(jupyterlab)
    # Before the kernel is connected, a cell is skipped instead of executed.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=SLOW_MS)
    page.locator(".jp-CodeCell .jp-InputArea-editor").first.click()
    yield page
    page.close()


def test_atlases_are_shown_beside_and_without_tensorboard(notebook: Page) -> None:
    notebook.keyboard.press("Shift+Enter")
    shown = notebook.frame_locator("iframe[title='Activation atlas']")
    shown.locator("atlas-app[data-ready=true][data-step='3200']").wait_for(timeout=SLOW_MS)
    assert notebook.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    picture = shown.locator("atlas-map").first.screenshot()
    assert len(set(picture)) == 256
    assert len(picture) > 20_000, "a map without icons is a smaller file"
    shown.locator("atlas-app").get_by_role("button", name="Previous step").click()
    shown.locator("atlas-app[data-ready=true][data-shown-step='1600']").wait_for()

    notebook.locator(".jp-CodeCell .jp-InputArea-editor").nth(1).click()
    notebook.keyboard.press("Shift+Enter")
    board = notebook.frame_locator("iframe[id^=tensorboard-frame]")
    board.get_by_role("tab", name="Atlas").click(timeout=SLOW_MS)
    board.frame_locator("iframe").locator("atlas-app[data-ready=true]").wait_for(timeout=SLOW_MS)
    assert notebook.url.split("?")[0].endswith(f"/lab/tree/{NOTEBOOK}"), "its own hash stays"
