# SPDX-License-Identifier: Apache-2.0
"""The page that the guide stores in MLflow, in MLflow's own web interface."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from atlas_tab import READ_BACK_NOTE
from playwright.sync_api import BrowserContext, ConsoleMessage, FrameLocator, Page, expect
from tensorboard_server import find_free_port, is_ready
from tracker_recipes import needs, offline_environment, run_recipe

START_SECONDS = 180
"""`mlflow ui` takes 20 s alone, and longer on a busy machine."""

SLOW_MS = 60_000
"""MLflow loads 10 MB of JavaScript."""

LIMIT = 50 * 2**20
"""Largest file that MLflow previews, in bytes."""


DOWNLOAD = """() => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['text']));
  link.download = 'outside.txt';
  link.click();
}"""
"""Downloads a file from outside of the frame."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the recipe was executed."""
    folder = tmp_path_factory.mktemp("mlflow")
    run_recipe(folder, "mlflow")
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[str]:
    """URL of the `mlflow ui` that is started in the same folder."""
    port = find_free_port()
    command = [sys.executable, "-m", "mlflow", "ui", "--workers=1", f"--port={port}"]
    with (project / "mlflow.log").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=offline_environment(project),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            started = is_ready(f"{url}/health", process, START_SECONDS)
            assert started, (project / "mlflow.log").read_text("utf-8")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=120)


@dataclass
class ArtifactPage:
    """The artifacts of the run in the browser.

    Attributes:
        page: The page.
        problems: Errors and warnings that do not come from MLflow's own files.
        downloads: Names of the files that were downloaded.
    """

    page: Page
    problems: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    def open(self, server: str, run: str) -> None:
        """Opens the run, as a link from the list of runs does, and selects its artifacts."""
        self.page.on("console", lambda message: self._record(message, server))
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("download", lambda file: self.downloads.append(file.suggested_filename))
        self.page.goto(f"{server}/#/experiments/0/runs/{run}")
        self.page.get_by_role("tab", name="Artifacts").click(timeout=SLOW_MS)

    def select(self, name: str) -> FrameLocator:
        """Selects a file; returns its preview."""
        self.page.get_by_text(name, exact=True).first.click(timeout=SLOW_MS)
        return self.page.frame_locator("iframe.mlflow-html-iframe")

    def _record(self, message: ConsoleMessage, server: str) -> None:
        is_problem = message.type in ("error", "warning") and READ_BACK_NOTE not in message.text
        if is_problem and not message.location["url"].startswith(server):
            self.problems.append(f"{message.type}: {message.text}")


@pytest.fixture
def artifacts(context: BrowserContext, server: str, project: Path) -> Iterator[ArtifactPage]:
    """The open artifacts. The test fails on messages of the page."""
    (stored,) = (project / "mlruns").rglob("atlas.html")
    shown = ArtifactPage(context.new_page())
    shown.open(server, run=stored.parents[1].name)
    yield shown
    shown.page.close()
    assert shown.problems == []


@needs("mlflow")
def test_the_map_is_shown_in_the_preview(artifacts: ArtifactPage) -> None:
    preview = artifacts.select("atlas.html")
    preview.locator("atlas-app[data-ready=true][data-step='1000']").wait_for(timeout=SLOW_MS)
    picture = preview.locator("atlas-map").first.screenshot()
    assert len(picture) > 20_000, "a map without icons is a smaller file"
    app = preview.locator("atlas-app")
    app.locator("atlas-map").first.press(",")
    preview.locator("atlas-app[data-ready=true][data-shown-step='100']").wait_for()
    app.locator("atlas-map").first.press("ArrowRight")
    app.locator("atlas-map").first.press("Enter")
    expect(app.get_by_label("Pinned cell").locator(".similar-cell")).to_have_count(8)


@needs("mlflow")
def test_the_preview_blocks_downloads(artifacts: ArtifactPage) -> None:
    preview = artifacts.select("atlas.html")
    preview.locator("atlas-app[data-ready=true]").wait_for(timeout=SLOW_MS)
    preview.locator("atlas-map").first.press("e")
    preview.get_by_role("button", name="Save cells").click()
    preview.get_by_text("this frame blocks downloads").first.wait_for()
    with artifacts.page.expect_download():
        artifacts.page.evaluate(DOWNLOAD)
    assert artifacts.downloads == ["outside.txt"], "the file of the frame would come first"


@needs("mlflow")
@pytest.mark.parametrize("excess", [0, 1])
def test_the_preview_has_the_size_limit_of_the_guide(
    excess: int, artifacts: ArtifactPage, project: Path
) -> None:
    (stored,) = (project / "mlruns").rglob("atlas.html")
    page = stored.read_bytes()
    filler = b"<!--%s-->" % (b" " * (LIMIT + excess - len(page) - 7))
    stored.with_name(f"large{excess}.html").write_bytes(
        page.replace(b"</head>", filler + b"</head>", 1)
    )
    artifacts.page.reload()
    preview = artifacts.select(f"large{excess}.html")
    if excess:
        artifacts.page.get_by_text("Maximum file size for preview: 50MiB").wait_for()
    else:
        preview.locator("atlas-app[data-ready=true]").wait_for(timeout=SLOW_MS)
