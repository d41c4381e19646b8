# SPDX-License-Identifier: Apache-2.0
"""Gzipped size of the committed front end; `npm run size` holds the total to a limit."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent.parent / "tensorboard_plugin_atlas" / "static"


@dataclass(frozen=True)
class BundleSize:
    """Kilobytes, gzipped.

    Attributes:
        first: JavaScript that is loaded before the first map.
        total: All JavaScript and CSS.
    """

    first: float
    total: float


def measure_bundle() -> BundleSize:
    """Measures the committed bundle."""
    kilobytes = {
        path.name: len(gzip.compress(path.read_bytes(), 9)) / 1000
        for path in STATIC.iterdir()
        if path.suffix in (".js", ".css")
    }
    return BundleSize(
        first=sum(kilobytes[name] for name in _closure("index.js")),
        total=sum(kilobytes.values()),
    )


def _closure(name: str) -> set[str]:
    """Returns a module of the bundle and all modules that it imports statically."""
    text = (STATIC / name).read_text(encoding="utf-8")
    imports = re.findall(r"""(?:from|import)\s*["'`]\./([^"'`]+\.js)["'`]""", text)
    return {name}.union(*(_closure(other) for other in imports))
