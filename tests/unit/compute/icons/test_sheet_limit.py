# SPDX-License-Identifier: Apache-2.0
"""How many bytes the icons of an atlas may take."""

from __future__ import annotations

import pytest

from tensorboard_plugin_atlas.compute.icons.sheet_limit import (
    MAX_SHEET_BYTES,
    SHEET_BYTES,
    get_sheet_limit,
)


@pytest.mark.parametrize(
    ("icons", "limit"),
    [(0, SHEET_BYTES), (2_000, SHEET_BYTES), (5_000, 4_000_000), (28_500, MAX_SHEET_BYTES)],
)
def test_many_icons_have_a_larger_limit(icons: int, limit: int) -> None:
    assert get_sheet_limit(icons) == limit
