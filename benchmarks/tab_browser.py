# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, with CPU time and memory of its processes."""

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
TIMEOUT_MS = 120_000
RENDERER, GPU = "renderer", "GPU"


@dataclass(frozen=True)
class CpuTime:
    """CPU seconds of each process since its start: process id -> (type, seconds)."""

    seconds: dict[int, tuple[str, float]]

    def since(self, before: CpuTime) -> CpuTime:
        """Returns the CPU time of each process since an earlier measurement."""
        return CpuTime(
            {
                pid: (kind, spent - before.seconds.get(pid, (kind, 0.0))[1])
                for pid, (kind, spent) in self.seconds.items()
            }
        )

    @property
    def total(self) -> float:
        """CPU seconds of all processes."""
        return sum(seconds for _, seconds in self.seconds.values())

    @property
    def page(self) -> float:
        """CPU seconds of the busiest renderer, which is that of the page and not a spare one."""
        return max(seconds for kind, seconds in self.seconds.values() if kind == RENDERER)

    @property
    def gpu(self) -> float:
        """CPU seconds of the GPU process, where software GL draws."""
        return sum(seconds for kind, seconds in self.seconds.values() if kind == GPU)


@dataclass(frozen=True)
class Memory:
    """Memory of a page after a forced garbage collection.

    Attributes:
        heap: Bytes of the JavaScript heap in use.
        renderer: Bytes of the page's renderer.
        gpu: Bytes of the GPU process.
        nodes: Number of DOM nodes.
        listeners: Number of event listeners.
    """

    heap: int
    renderer: int
    gpu: int
    nodes: int
    listeners: int


class Chromium:
    """A browser and its processes."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._processes: CDPSession = browser.new_browser_cdp_session()

    def measure_cpu(self) -> CpuTime:
        """Returns the CPU time of every process so far."""
        info = self._processes.send("SystemInfo.getProcessInfo")
        return CpuTime({one["id"]: (one["type"], one["cpuTime"]) for one in info["processInfo"]})

    @contextlib.contextmanager
    def page(self, *scripts: str, is_calm: bool = False) -> Iterator[Page]:
        """Yields a page with a new profile, and with `tab_page.js` in every frame."""
        motion = "reduce" if is_calm else "no-preference"
        context: BrowserContext = self._browser.new_context(
            viewport=VIEWPORT, reduced_motion=motion, color_scheme="light", bypass_csp=False
        )
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(path=PAGE_SCRIPT)
        for script in scripts:
            context.add_init_script(script)
        yield context.new_page()
        context.close()


@contextlib.contextmanager
def start_chromium() -> Iterator[Chromium]:
    """Starts the browser of the end-to-end tests, with software GL."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield Chromium(browser)
        browser.close()


def process_bytes(pid: int) -> int:
    """Returns the memory of a process: private, and its proportion of shared anonymous memory.

    Pages of files are left out: all Chromium processes of the machine share them, so the end of an
    unrelated process would count as growth.
    """
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        return int(psutil.Process(pid).memory_full_info().uss)
    lines = (line.split() for line in rollup.read_text("ascii").splitlines()[1:])
    kilobytes = {name: int(value) for name, value, *_ in lines}
    return 1024 * (kilobytes["Pss_Anon:"] + kilobytes["Pss_Shmem:"])
