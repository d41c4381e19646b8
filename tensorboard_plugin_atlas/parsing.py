# SPDX-License-Identifier: Apache-2.0
"""Readers of values on the command line; argparse names the option when one raises."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """Reads a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: pass a whole number above 0")
    return int(text)
