# SPDX-License-Identifier: Apache-2.0
"""Images with several labels: the legend, the card of a cell, and the search for a class."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import pytest
from atlas_tab import Tab
from browser_logs import make_small_atlas
from conftest import wait_for_atlases
from playwright.sync_api import expect
from synthetic_atlases import CLASSES
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas import cell_labels, read_atlases
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

LAYER = "layer3"
COMMON = len(CLASSES) - 1
"""Label of every second image, besides its own."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Atlas]]:
    """A log of one atlas, as the tab and as Python read it."""
    plain = make_small_atlas(0, LAYER)
    own = plain.labels
    assert own is not None
    other = np.where((plain.image_ids % 2 == 0) & (own != COMMON), COMMON, -1).astype(np.int32)
    samples = dataclasses.replace(
        plain.samples, labels=None, label_sets=np.stack([own, other], axis=1)
    )
    directory = tmp_path_factory.mktemp("several_labels")
    sink = EventSink(directory / CHILD_RUN)
    sink.write(layer_tag(LAYER), encode_atlas(plain.replace(samples=samples)), 0)
    sink.close()
    (atlas,) = read_atlases(directory)
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 1)
        yield url, atlas


def as_percent(share: float) -> str:
    """Returns a share as the tab shows it: halves are rounded up."""
    return f"{math.floor(100 * share + 0.5)}%"


def test_the_legend_and_the_card_show_shares_of_all_labels(
    log: tuple[str, Atlas], tab: Tab
) -> None:
    url, atlas = log
    labels = atlas.all_labels
    assert labels is not None
    grid = atlas.grids[0]
    tab.open(url, color="class", show="both", grid=grid.size)
    share = (labels == COMMON).any(axis=1).mean()
    assert share > 0.4
    expect(tab.legend).to_contain_text(f"{CLASSES[COMMON]} {as_percent(share)}")
    expect(tab.legend).to_contain_text("each sample's rarest class")
    cells = cell_labels(atlas, grid)
    assert cells is not None
    cell = max(range(len(cells)), key=lambda index: cells[index].support)
    tab.hover_cell(grid.size, int(grid.rows[cell]), int(grid.cols[cell]))
    wanted = [
        (CLASSES[index], as_percent(count / cells[cell].support))
        for index, count in cells[cell].mix
    ]
    bars = tab.card.locator(".bars li")
    for bar, (name, percent) in zip(bars.all(), wanted, strict=False):
        expect(bar).to_contain_text(name)
        expect(bar).to_contain_text(percent)
    assert sum(count for _, count in cells[cell].mix) > cells[cell].support


def test_the_search_counts_samples_with_a_label(log: tuple[str, Atlas], tab: Tab) -> None:
    url, atlas = log
    labels = atlas.all_labels
    assert labels is not None
    tab.open(url)
    tab.press_keys("/")
    tab.app.get_by_role("combobox", name="Find").fill(CLASSES[COMMON])
    count = int((labels == COMMON).any(axis=1).sum())
    results = tab.app.get_by_role("listbox", name="Results")
    expect(results.get_by_role("option").first).to_contain_text(f"{count} samples")
