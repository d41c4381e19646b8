# SPDX-License-Identifier: Apache-2.0
"""What is read from an exception for messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorboard_plugin_atlas.errors import describe_error, find_location, summarize_error


class UnprintableError(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_the_location_is_that_of_the_innermost_frame() -> None:
    def fail() -> None:
        raise ValueError("deep")

    with pytest.raises(ValueError, match="deep") as raised:
        fail()
    line = fail.__code__.co_firstlineno + 1
    assert find_location(raised.value) == f"{Path(__file__)}:{line}"


def test_texts() -> None:
    assert describe_error(ValueError("one\ntwo")) == "ValueError: one\ntwo"
    assert summarize_error(ValueError("one\ntwo")) == "ValueError: one"
    assert summarize_error(ValueError()) == "ValueError"
    assert describe_error(UnprintableError()) == "UnprintableError: (it has no text)"
