# SPDX-License-Identifier: Apache-2.0
"""The pages of the documentation and their code blocks."""

from __future__ import annotations

import re
from pathlib import Path

from commands import ROOT

PAGES = sorted(ROOT.glob("docs/**/*.md"))
PAGES += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES += [ROOT / "frontend" / "README.md", ROOT / "benchmarks" / "README.md"]
OTHER_TRACKERS = ROOT / "docs" / "guides" / "other-trackers.md"
"""Its code needs packages that may be missing; `test_other_trackers` runs it."""
TRAINERS = ROOT / "docs" / "guides" / "trainers"
"""Their scripts use trainers; `test_trainer_pages` runs them."""

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    """Returns the path of a page in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path, language: str) -> list[str]:
    """Returns the code blocks of a page in one language."""
    return [code for kind, code in BLOCK.findall(page.read_text("utf-8")) if kind == language]
