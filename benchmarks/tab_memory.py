# SPDX-License-Identifier: Apache-2.0
"""A Chromium that nobody watches but through one pipe, to see what a page holds by itself.

Playwright has DevTools record the network of every page, which keeps the body of each answer in the
page's own process: half a megabyte for a sheet of icons, up to hundreds.
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
from tab_browser import GPU, PAGE_SCRIPT, RENDERER, Held, process_bytes

PATIENCE_SECONDS = 120.0


class QuietPage:
    """One page of a browser of its own (POSIX only), driven by DevTools' protocol."""

    def __init__(self, url: str, *, calm: bool) -> None:
        # Helpers of a browser that was told to end may still write.
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._browser, self._answers, self._calls = _start(Path(self._profile.name))
        self._number, self._session = 0, {}
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        found = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": found["sessionId"]}
        self._send("Page.enable")
        self._send("Page.addScriptToEvaluateOnNewDocument", source=PAGE_SCRIPT.read_text("utf-8"))
        self._send(
            "Emulation.setDeviceMetricsOverride", **VIEWPORT, deviceScaleFactor=1, mobile=False
        )
        motion = {"name": "prefers-reduced-motion", "value": "reduce" if calm else ""}
        self._send("Emulation.setEmulatedMedia", features=[motion])
        self._send("Page.navigate", url=url)

    def __enter__(self) -> QuietPage:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.terminate()
        self._browser.wait()
        os.close(self._calls)
        self._answers.close()
        self._profile.cleanup()

    def evaluate(self, expression: str) -> Any:
        """Returns the value of an expression, or of the promise that it is."""
        answer = self._send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.evaluate(expression) is not True:
            if time.monotonic() > end:
                raise RuntimeError(f"never came true: {expression}")
            time.sleep(0.2)

    def held(self) -> Held:
        """Collects garbage and looks at what is left."""
        for _ in range(2):
            self._send("HeapProfiler.collectGarbage")
        processes = self._send("SystemInfo.getProcessInfo", whole=True)["processInfo"]
        renderers = [one for one in processes if one["type"] == RENDERER]
        page = max(renderers, key=lambda one: float(one["cpuTime"]))
        counters = self._send("Memory.getDOMCounters")
        return Held(
            heap=int(self._send("Runtime.getHeapUsage")["usedSize"]),
            renderer=process_bytes(page["id"]),
            gpu=sum(process_bytes(one["id"]) for one in processes if one["type"] == GPU),
            nodes=counters["nodes"],
            listeners=counters["jsEventListeners"],
        )

    def _send(self, method: str, *, whole: bool = False, **params: object) -> dict[str, Any]:
        """Asks the page, or the `whole` browser, and returns its answer."""
        self._number += 1
        call = {"id": self._number, "method": method, "params": params}
        os.write(self._calls, json.dumps(call | ({} if whole else self._session)).encode() + b"\0")
        while True:
            answer = json.loads(_until_null(self._answers))
            if answer.get("id") != self._number:
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            result: dict[str, Any] = answer["result"]
            return result


def _start(profile: Path) -> tuple[subprocess.Popen[bytes], Any, int]:
    """Starts the browser; returns it, the end of the pipe to read from and that to write to."""
    theirs, calls = os.pipe()
    answers, ours = os.pipe()

    def arrange() -> None:
        """Chromium reads from descriptor 3 and writes to 4, whatever numbers ours have."""
        kept = [os.dup(theirs), os.dup(ours)]
        for wanted, one in zip((3, 4), kept, strict=True):
            os.dup2(one, wanted)

    switches = ("--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}")
    browser = subprocess.Popen(
        [find_chromium(), *FLAGS, *switches, "about:blank"],
        preexec_fn=arrange,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.close(ours)
    return browser, os.fdopen(answers, "rb"), calls


def _until_null(stream: Any) -> bytes:
    """Returns one message."""
    message = bytearray()
    while (byte := stream.read(1)) != b"\0":
        if not byte:
            raise RuntimeError("the browser is gone")
        message += byte
    return bytes(message)
