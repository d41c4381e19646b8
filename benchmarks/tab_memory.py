# SPDX-License-Identifier: Apache-2.0
"""A Chromium without Playwright, to measure the memory of a page alone.

Playwright makes DevTools record the network of every page, which keeps each response body in the
process of the page: half a megabyte per icon sheet, up to hundreds of megabytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from atlas_tab import VIEWPORT
from chromium import FLAGS, find_chromium
from tab_browser import GPU, PAGE_SCRIPT, RENDERER, Memory, process_bytes

TIMEOUT_SECONDS = 120.0


class QuietPage:
    """The page of a new browser (POSIX only), driven by the DevTools protocol."""

    def __init__(self, url: str, *, is_calm: bool) -> None:
        # Child processes of a terminated browser may still write.
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._browser, self._responses, self._calls = _start(Path(self._profile.name))
        self._number, self._session = 0, {}
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        found = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": found["sessionId"]}
        self._send("Page.enable")
        self._send("Page.addScriptToEvaluateOnNewDocument", source=PAGE_SCRIPT.read_text("utf-8"))
        self._send(
            "Emulation.setDeviceMetricsOverride", **VIEWPORT, deviceScaleFactor=1, mobile=False
        )
        motion = {"name": "prefers-reduced-motion", "value": "reduce" if is_calm else ""}
        self._send("Emulation.setEmulatedMedia", features=[motion])
        self._send("Page.navigate", url=url)

    def __enter__(self) -> QuietPage:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.terminate()
        self._browser.wait()
        os.close(self._calls)
        self._responses.close()
        self._profile.cleanup()

    def evaluate(self, expression: str) -> Any:
        """Returns the value of an expression, or of its promise."""
        response = self._send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in response:
            raise RuntimeError(f"{expression}: {response['exceptionDetails']}")
        return response["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while self.evaluate(expression) is not True:
            if time.monotonic() > end:
                raise RuntimeError(f"timeout: not true: {expression}")
            time.sleep(0.2)

    def measure_memory(self) -> Memory:
        """Collects garbage and measures the memory."""
        for _ in range(2):
            self._send("HeapProfiler.collectGarbage")
        processes = self._send("SystemInfo.getProcessInfo", whole=True)["processInfo"]
        renderers = [one for one in processes if one["type"] == RENDERER]
        page = max(renderers, key=lambda one: float(one["cpuTime"]))
        counters = self._send("Memory.getDOMCounters")
        return Memory(
            heap=int(self._send("Runtime.getHeapUsage")["usedSize"]),
            renderer=process_bytes(page["id"]),
            gpu=sum(process_bytes(one["id"]) for one in processes if one["type"] == GPU),
            nodes=counters["nodes"],
            listeners=counters["jsEventListeners"],
        )

    def _send(self, method: str, *, whole: bool = False, **params: object) -> dict[str, Any]:
        """Sends a command to the page, or to the browser if `whole`, and returns the result."""
        self._number += 1
        call = {"id": self._number, "method": method, "params": params}
        os.write(self._calls, json.dumps(call | ({} if whole else self._session)).encode() + b"\0")
        while True:
            response = json.loads(_read_message(self._responses))
            if response.get("id") != self._number:
                continue
            if "error" in response:
                raise RuntimeError(f"{method}: {response['error']}")
            result: dict[str, Any] = response["result"]
            return result


def _start(profile: Path) -> tuple[subprocess.Popen[bytes], Any, int]:
    """Starts the browser; returns it, the pipe to read from and the pipe to write to."""
    theirs, calls = os.pipe()
    responses, ours = os.pipe()

    def set_descriptors() -> None:
        """Maps the pipes to descriptors 3 and 4, where Chromium reads and writes."""
        kept = [os.dup(theirs), os.dup(ours)]
        for wanted, one in zip((3, 4), kept, strict=True):
            os.dup2(one, wanted)

    switches = ("--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}")
    browser = subprocess.Popen(
        [find_chromium(), *FLAGS, *switches, "about:blank"],
        preexec_fn=set_descriptors,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.close(ours)
    return browser, os.fdopen(responses, "rb"), calls


def _read_message(stream: Any) -> bytes:
    """Reads one message, which ends with a null byte."""
    message = bytearray()
    while (byte := stream.read(1)) != b"\0":
        if not byte:
            raise RuntimeError("the browser has exited")
        message += byte
    return bytes(message)
