# SPDX-License-Identifier: Apache-2.0
"""Short texts on one line, made from names in a log."""

from __future__ import annotations

import pytest

from tensorboard_plugin_atlas.analysis.printable_text import make_printable, shorten


@pytest.mark.parametrize(
    ("text", "expected"), [("", ""), ("abcd", "abcd"), ("abcde", "abc…"), ("a" * 10_000, "aaa…")]
)
def test_long_texts_end_with_an_ellipsis(text: str, expected: str) -> None:
    assert shorten(text, 4) == expected
    assert make_printable(text, 4) == expected


def test_characters_that_are_not_printable_separate_words() -> None:
    assert make_printable("a\n\u2028b\x1b c", 60) == "a b c"
