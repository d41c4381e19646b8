# SPDX-License-Identifier: Apache-2.0
"""Text for a terminal, which obeys control characters: whatever comes from a log is escaped."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, what: str) -> str:
    """Returns such as "1 problem" or "2,000 problems"."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Returns aligned columns under the first row, every cell made printable."""
    safe = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in safe) for i in range(len(safe[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in safe]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str, limit: int = 120) -> str:
    """Returns text with whatever is not printable escaped, cut at `limit` characters."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: limit + 1]
    )
    return shown if len(text) <= limit else shown[:limit] + "…"
