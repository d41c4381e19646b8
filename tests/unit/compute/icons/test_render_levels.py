# SPDX-License-Identifier: Apache-2.0
"""Sizes at which icons are stored."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tensorboard_plugin_atlas.compute.icons import render_levels
from tensorboard_plugin_atlas.compute.icons.icon_engine import Icons
from tensorboard_plugin_atlas.compute.icons.render_levels import SHEET_QUALITIES, pack_icons
from tensorboard_plugin_atlas.sprite_sheets import unpack


def make_icons(count: int, side: int) -> Icons:
    """Returns icons of one color each."""
    images = np.empty((count, side, side, 3), np.uint8)
    images[:] = np.linspace(0, 255, count).astype(np.uint8)[:, None, None, None]
    return cast("Any", SimpleNamespace(images=images))


@pytest.mark.parametrize(("count", "side"), [(100, 40), (1, 40)])
def test_icons_of_a_grid_keep_their_size_if_the_tab_can_hold_them(monkeypatch, count, side):
    monkeypatch.setattr(render_levels, "_DECODED_BYTES", 4 * 100 * 40 * 40)
    (sheets,), _ = pack_icons([make_icons(count, side)], SHEET_QUALITIES)
    assert sheets.tile == side


def test_icons_of_a_grid_with_more_cells_are_stored_smaller(monkeypatch):
    monkeypatch.setattr(render_levels, "_DECODED_BYTES", 4 * 100 * 40 * 40)
    few, many = make_icons(100, 40), make_icons(400, 40)
    (coarse, fine), _ = pack_icons([few, many], SHEET_QUALITIES)
    assert (coarse.tile, fine.tile) == (40, 20)
    colors = unpack(fine).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(colors, many.images[:, 0, 0, 0], atol=4)
    (note,) = render_levels._describe_shrunk([few, many], [coarse, fine])
    assert note.startswith("icons: the 400 icons of a grid are stored at 20 px instead of 40 px")


def test_icons_of_the_finest_grid_of_a_million_samples_fit():
    """The tab holds 256 MiB of decoded icons and thumbnails."""
    icons = make_icons(25_600, 2)
    side = int((render_levels._DECODED_BYTES / 4 / len(icons.images)) ** 0.5)
    assert side >= 32
