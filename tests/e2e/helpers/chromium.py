# SPDX-License-Identifier: Apache-2.0
"""Path and command-line flags of the browser."""

from __future__ import annotations

import os
import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


def find_chromium() -> str:
    """Returns the path of the browser.

    Raises:
        FileNotFoundError: if there is none.
    """
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
    if found is None:
        raise FileNotFoundError(
            f"no Chromium: {named or ', '.join(NAMES)} not found; install one "
            "(apt-get install chromium) or set CHROMIUM=/path/to/it"
        )
    return found
