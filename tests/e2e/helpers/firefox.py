# SPDX-License-Identifier: Apache-2.0
"""Drives an installed Firefox with its own protocol, Marionette.

Playwright needs a Firefox of its own. A message is its length in decimal digits, a colon, and JSON:
`[0, number, command, parameters]`, and in response `[1, number, error, result]`.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PREFERENCES = {
    "marionette.port": 0,  # a free port, which Firefox writes to a file
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.proxy.type": 1,  # a proxy that refuses connections: no network
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}
START_SECONDS = 120.0
WAIT_SECONDS = 120.0


def find_firefox() -> str | None:
    """Returns the path of an installed Firefox, or None."""
    return shutil.which("firefox") or shutil.which("firefox-esr")


class Firefox:
    """A connection to a running Firefox."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self._number = 0
        self._receive()  # the greeting
        self.command("WebDriver:NewSession")

    def command(self, name: str, **parameters: Any) -> Any:
        """Sends a command and returns its result.

        Raises:
            RuntimeError: if Firefox reports an error.
        """
        self._number += 1
        message = json.dumps([0, self._number, name, parameters]).encode()
        self._connection.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._receive()
        if error is not None:
            raise RuntimeError(f"{name}: {error['error']}: {error['message']}")
        return result

    def open(self, url: str) -> None:
        """Opens a page in the current tab."""
        self.command("WebDriver:Navigate", url=url)

    def run_script(self, script: str, *arguments: Any) -> Any:
        """Returns the result of a function body that runs in the page."""
        return self.command("WebDriver:ExecuteScript", script=script, args=list(arguments))["value"]

    def wait(self, script: str) -> None:
        """Waits until an expression is true in the page."""
        wait_until(lambda: bool(self.run_script(f"return {script}")), script)

    def page_errors(self) -> list[str]:
        """Returns the errors that pages from disk have reported since the start, no warnings."""
        self.command("Marionette:SetContext", value="chrome")
        try:
            found = self.run_script(
                """return Services.console.getMessageArray()
                  .filter((one) => one instanceof Ci.nsIScriptError)
                  .filter(({sourceName, flags}) =>
                    sourceName.startsWith('file:') && !(flags & Ci.nsIScriptError.warningFlag))
                  .map((one) => one.toString());"""
            )
        finally:
            self.command("Marionette:SetContext", value="content")
        return [str(one) for one in found]

    def _receive(self) -> Any:
        digits = b""
        while not digits.endswith(b":"):
            byte = self._file.read(1)
            if not byte:
                raise ConnectionError("Firefox closed the connection")
            digits += byte
        return json.loads(self._file.read(int(digits[:-1])))


@contextlib.contextmanager
def start_firefox(executable: str, folder: Path) -> Iterator[Firefox]:
    """Yields a Firefox without a window, with a new profile in `folder`."""
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(PREFERENCES[name])});" for name in PREFERENCES
    ]
    (folder / "user.js").write_text("\n".join(lines))
    flags = ["-headless", "-marionette", "-remote-allow-system-access", "-no-remote"]
    size = ["-width", "1280", "-height", "800"]
    process = subprocess.Popen(
        [executable, *flags, "-profile", str(folder), *size],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = folder / "MarionetteActivePort"
        wait_until(lambda: port.exists() and port.read_text() != "", "the port", START_SECONDS)
        address = ("127.0.0.1", int(port.read_text()))
        with socket.create_connection(address, WAIT_SECONDS) as connection:
            yield Firefox(connection)
    finally:
        process.terminate()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(is_done: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Waits until a condition is met; fails with `what` if it is not."""
    deadline = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
