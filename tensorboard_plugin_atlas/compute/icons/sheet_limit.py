# SPDX-License-Identifier: Apache-2.0
"""How many bytes the icons of an atlas may take in the log."""

from __future__ import annotations

from typing import Final

SHEET_BYTES: Final = 2_200_000
"""Most bytes for the icons of one atlas; with the activations a step stays below 4 MB."""

ICON_BYTES: Final = 800
"""Most bytes for an icon on average, if an atlas has more icons than fit in `SHEET_BYTES`. Icons of
photographs at 48 to 96 pixels need as much at WebP quality 70."""

MAX_SHEET_BYTES: Final = 16_000_000
"""Most bytes for the icons of an atlas of any size; a step of a million samples has 50 MB."""


def get_sheet_limit(icons: int) -> int:
    """Returns the largest size of the icons of one atlas in bytes.

    Args:
        icons: Number of icons of all grids.
    """
    return max(SHEET_BYTES, min(MAX_SHEET_BYTES, ICON_BYTES * icons))
