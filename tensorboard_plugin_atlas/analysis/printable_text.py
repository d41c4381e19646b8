# SPDX-License-Identifier: Apache-2.0
"""Printable text for names from a log, which are untrusted."""

from __future__ import annotations

from typing import Final

_MOST_READ: Final = 200
"""Characters that are read of a name; names can have millions."""


def make_printable(text: str, limit: int) -> str:
    """Returns a text on one line, with printable characters only.

    Args:
        text: Any text. Characters that are not printable separate words, as spaces do.
        limit: Largest number of characters, at most 200; a longer text ends with "…".
    """
    printable = "".join(c if c.isprintable() else " " for c in text[: _MOST_READ + 1])
    return shorten(" ".join(printable.split()), limit)


def shorten(text: str, limit: int) -> str:
    """Returns a text of at most `limit` characters; a longer text ends with "…"."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
