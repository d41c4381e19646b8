# SPDX-License-Identifier: Apache-2.0
"""A real Chromium whose processes are asked what they spent and what they hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from atlas_tab import VIEWPORT
from chromium import FLAGS, find_chromium
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

PAGE_SCRIPT = Path(__file__).with_name("tab_page.js")
PATIENCE_MS = 120_000
RENDERER, GPU = "renderer", "GPU"


@dataclass(frozen=True)
class Spent:
    """CPU seconds of each process since it began, under its id, by what it is."""

    seconds: dict[int, tuple[str, float]]

    def since(self, before: Spent) -> Spent:
        """Returns what each process spent between two looks."""
        return Spent(
            {
                pid: (kind, spent - before.seconds.get(pid, (kind, 0.0))[1])
                for pid, (kind, spent) in self.seconds.items()
            }
        )

    @property
    def total(self) -> float:
        """Of all processes."""
        return sum(seconds for _, seconds in self.seconds.values())

    @property
    def page(self) -> float:
        """Of the renderer that worked most: the page's own, not one kept in reserve."""
        return max(seconds for kind, seconds in self.seconds.values() if kind == RENDERER)

    @property
    def gpu(self) -> float:
        """Of the GPU process, which is where software GL draws."""
        return sum(seconds for kind, seconds in self.seconds.values() if kind == GPU)


@dataclass(frozen=True)
class Held:
    """What a page holds after a forced garbage collection.

    Attributes:
        heap: Bytes of JavaScript in use.
        renderer: Bytes of the page's renderer.
        gpu: The same of the GPU process.
        nodes: DOM nodes that are alive.
        listeners: Event listeners that are alive.
    """

    heap: int
    renderer: int
    gpu: int
    nodes: int
    listeners: int


class Chromium:
    """One browser, and its processes."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._processes: CDPSession = browser.new_browser_cdp_session()

    def spent(self) -> Spent:
        """Returns the CPU time of every process so far."""
        answer = self._processes.send("SystemInfo.getProcessInfo")
        return Spent({one["id"]: (one["type"], one["cpuTime"]) for one in answer["processInfo"]})

    @contextlib.contextmanager
    def page(self, *scripts: str, calm: bool = False) -> Iterator[Page]:
        """Yields a page with a profile and caches of its own, with `tab_page.js` in every frame."""
        motion = "reduce" if calm else "no-preference"
        context: BrowserContext = self._browser.new_context(
            viewport=VIEWPORT, reduced_motion=motion, color_scheme="light", bypass_csp=False
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(path=PAGE_SCRIPT)
        for script in scripts:
            context.add_init_script(script)
        yield context.new_page()
        context.close()


@contextlib.contextmanager
def chromium() -> Iterator[Chromium]:
    """Starts the browser of the end-to-end tests, with software GL."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield Chromium(browser)
        browser.close()


def process_bytes(pid: int) -> int:
    """Returns a process's own memory, and its share of what it shares with others but for files.

    The pages of Chromium's own program are shared by every Chromium of the machine, so that one
    that ends elsewhere would count as growth here.
    """
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        return int(psutil.Process(pid).memory_full_info().uss)
    lines = (line.split() for line in rollup.read_text("ascii").splitlines()[1:])
    kilobytes = {name: int(value) for name, value, *_ in lines}
    return 1024 * (kilobytes["Pss_Anon:"] + kilobytes["Pss_Shmem:"])
