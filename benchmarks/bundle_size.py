# SPDX-License-Identifier: Apache-2.0
"""Sizes of the committed JavaScript of the tab, gzipped."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent.parent / "tensorboard_plugin_atlas" / "static"


@dataclass(frozen=True)
class BundleSize:
    """Kilobytes of JavaScript, gzipped.

    Attributes:
        first: Loaded before the first map.
        preloaded: Loaded without an action of the user.
        total: All files.
    """

    first: float
    preloaded: float
    total: float


def measure_bundle() -> BundleSize:
    """Measures the committed bundle."""
    kilobytes = {
        path.name: len(gzip.compress(path.read_bytes(), 9)) / 1000 for path in STATIC.glob("*.js")
    }
    first = _closure("index.js")
    preloaded = first.union(*(_closure(name) for name in kilobytes if "-later-" in name))
    return BundleSize(
        first=sum(kilobytes[name] for name in first),
        preloaded=sum(kilobytes[name] for name in preloaded),
        total=sum(kilobytes.values()),
    )


def _closure(name: str) -> set[str]:
    """Returns a module of the bundle and all modules that it imports statically."""
    text = (STATIC / name).read_text(encoding="utf-8")
    imports = re.findall(r"""(?:from|import)\s*["']\./([^"']+\.js)["']""", text)
    return {name}.union(*(_closure(other) for other in imports))
