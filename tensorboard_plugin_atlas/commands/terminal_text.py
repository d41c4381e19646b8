# SPDX-License-Identifier: Apache-2.0
"""Formats text for a terminal; control characters, which may come from a log, are escaped."""

from __future__ import annotations

from collections.abc import Sequence


def format_count(count: int, noun: str) -> str:
    """Returns text such as "1 problem" or "2,000 problems"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_table(rows: Sequence[tuple[str, ...]]) -> str:
    """Returns a table with aligned columns; the first row is the header. Cells are escaped."""
    safe = [[escape(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in safe) for i in range(len(safe[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in safe]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def escape(text: str, limit: int = 120) -> str:
    """Escapes characters that are not printable, and cuts the text at `limit` characters."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: limit + 1]
    )
    return shown if len(text) <= limit else shown[:limit] + "…"
