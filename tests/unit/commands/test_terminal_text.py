# SPDX-License-Identifier: Apache-2.0
"""Text for a terminal: alignment, counts, and escaped control characters."""

from __future__ import annotations

import pytest

from tensorboard_plugin_atlas.commands.terminal_text import escape, format_count, format_table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü", "plain ü"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\u202ec", "a\\nb\\u202ec"),
        ("\udc80", "\\udc80"),
        ("x" * 200, "x" * 120 + "…"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_columns_are_as_wide_as_what_is_shown() -> None:
    rows = [("run", "n"), ("a\x00", "1"), ("longer", "")]
    assert format_table(rows).splitlines() == ["run     n", "------  -", "a\\x00   1", "longer"]


def test_words_are_counted() -> None:
    assert [format_count(n, "event") for n in (0, 1, 2_000)] == [
        "0 events",
        "1 event",
        "2,000 events",
    ]
