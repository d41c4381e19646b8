# SPDX-License-Identifier: Apache-2.0
"""A real TensorBoard in its own process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 120.0
LOAD_SECONDS = 120.0


@contextlib.contextmanager
def start_tensorboard(
    logdir: str | Path,
    fast: bool,
    *extra: str,
    python: str | Path = sys.executable,
    cwd: Path | None = None,
    log: Path | None = None,
) -> Iterator[str]:
    """Serves `logdir` on a free port and yields the URL, which ends with a slash.

    Args:
        logdir: Log directory.
        fast: Use the data server (`--load_fast=true`) instead of TensorBoard's Python loader.
        extra: More flags.
        python: Interpreter whose TensorBoard is started.
        cwd: Working directory; one without the sources if an installed copy is tested.
        log: File for the output of the process.
    """
    with tempfile.TemporaryFile() if log is None else log.open("w+b") as output:
        port = find_free_port()
        command = [
            *(str(python), "-m", "tensorboard.main"),
            *("--logdir", str(logdir), "--host", "127.0.0.1", "--port", str(port)),
            *(f"--load_fast={str(fast).lower()}", "--reload_interval=1", *extra),
        ]
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TZ": "UTC"},
            cwd=cwd,
        )
        try:
            url = f"http://127.0.0.1:{port}/{_prefix(extra)}"
            if not is_ready(url + "data/environment", process):
                output.seek(0)
                text = output.read().decode(errors="replace")[-4000:]
                raise RuntimeError(f"TensorBoard did not start:\n{text}")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=120)


def wait_for_atlases(url: str, count: int) -> None:
    """Waits until TensorBoard lists `count` atlases; it loads logs while it serves."""
    deadline = time.monotonic() + LOAD_SECONDS
    listed = -1
    while listed != count:
        assert time.monotonic() < deadline, f"{url} lists {listed} atlases, not {count}"
        time.sleep(0.1)
        status, _, body = get(url + "data/plugin/atlas/index")
        if status == 200:
            runs = json.loads(body)["runs"]
            listed = sum(len(series["steps"]) for run in runs for series in run["series"])


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Returns status, headers and body of a response with any status."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def _prefix(extra: tuple[str, ...]) -> str:
    for flag in extra:
        if flag.startswith("--path_prefix="):
            return flag.partition("=")[2].strip("/") + "/"
    return ""


def find_free_port() -> int:
    """Returns a port that no server of this machine uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_ready(url: str, process: subprocess.Popen[bytes], seconds: float = START_SECONDS) -> bool:
    """Waits until the server of a process responds; returns whether it does in time."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if get(url)[0] == 200:
                return True
        time.sleep(0.1)
    return False
