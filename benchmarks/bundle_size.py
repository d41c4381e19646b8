# SPDX-License-Identifier: Apache-2.0
"""What the scripts of the tab weigh as they are committed; `npm run size` holds them to budgets."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent.parent / "tensorboard_plugin_atlas" / "static"


@dataclass(frozen=True)
class Weight:
    """Kilobytes of JavaScript, gzipped: to the first paint, without being asked for, in all."""

    first: float
    unasked: float
    total: float


def weigh() -> Weight:
    """Weighs the bundle."""
    kilobytes = {
        path.name: len(gzip.compress(path.read_bytes(), 9)) / 1000 for path in STATIC.glob("*.js")
    }
    first = _closure("index.js")
    unasked = first.union(*(_closure(name) for name in kilobytes if "-later-" in name))
    return Weight(
        first=sum(kilobytes[name] for name in first),
        unasked=sum(kilobytes[name] for name in unasked),
        total=sum(kilobytes.values()),
    )


def _closure(name: str) -> set[str]:
    """Returns a module of the bundle and all that must be there before it runs."""
    text = (STATIC / name).read_text(encoding="utf-8")
    imports = re.findall(r"""(?:from|import)\s*["']\./([^"']+\.js)["']""", text)
    return {name}.union(*(_closure(other) for other in imports))
