# SPDX-License-Identifier: Apache-2.0
"""Purity, accuracy, confusion and entropy of cells: colors, numbers and legend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import browser_logs
import numpy as np
import pytest
from accessibility import audit, save_screenshots
from atlas_tab import Tab
from conftest import Serve, wait_for_atlases
from numpy.typing import NDArray
from playwright.sync_api import expect
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

WARM = {"run": "warm/atlas", "layer": "layer3", "step": 400, "grid": 10}
FEW = 8
VIRIDIS = "440154472d7b3b528b2c728e21918c28ae805ec962addc30fde725"
STOPS = np.frombuffer(bytes.fromhex(VIRIDIS), np.uint8).reshape(-1, 3).astype(float)
BACKGROUND = np.array((245, 246, 247))


def viridis(t: float) -> NDArray[np.float64]:
    position = min(max(t, 0), 1) * (len(STOPS) - 1)
    low = min(int(position), len(STOPS) - 2)
    return STOPS[low] + (STOPS[low + 1] - STOPS[low]) * (position - low)


def purity(labels: NDArray[np.int32], _: NDArray[np.int32]) -> float:
    return float(np.bincount(labels).max() / len(labels))


def accuracy(labels: NDArray[np.int32], predictions: NDArray[np.int32]) -> float:
    return float((labels == predictions).mean())


def confusion(labels: NDArray[np.int32], predictions: NDArray[np.int32]) -> float:
    wrong = predictions[labels != predictions]
    return float(np.bincount(wrong, minlength=1).max() / len(labels))


def entropy(labels: NDArray[np.int32], _: NDArray[np.int32]) -> float:
    """Returns the entropy relative to that of six equally frequent classes."""
    shares = np.bincount(labels) / len(labels)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum() / np.log2(6))


LAYERS: dict[str, tuple[str, Callable[..., float]]] = {
    "Purity": ("Purity: share of the majority class", purity),
    "Accuracy": ("Accuracy: share of correct predictions", accuracy),
    "Confusion": ("Confusion: share of the most frequent wrong prediction", confusion),
    "Entropy": ("Entropy of a cell's labels", entropy),
}


@pytest.fixture(scope="module")
def unlabeled_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("unlabelled")
    atlas = browser_logs.make_small_atlas(7, "layer3")
    samples = dataclasses.replace(atlas.samples, labels=None, predictions=None)
    sink = EventSink(directory / "bare" / CHILD_RUN)
    sink.write(layer_tag("layer3"), encode_atlas(atlas.replace(samples=samples)), 7)
    sink.close()
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 1)
        yield url


@pytest.mark.parametrize("name", LAYERS)
def test_cells_have_the_color_of_their_value(name: str, valid_log: str, tab: Tab) -> None:
    title, value_of = LAYERS[name]
    tab.open(valid_log, standalone=True, **WARM)
    tab.select_option("Color by", name)
    tab.wait_for_hash(color=name.lower())
    expect(tab.legend).to_contain_text(title)
    tab.settle()
    samples = browser_logs.make_valid_atlas("layer3", 400).samples
    grid = browser_logs.make_valid_atlas("layer3", 400).grids[0]
    few = int((grid.counts < FEW).sum())
    expect(tab.legend).to_contain_text(f"Dotted: under {FEW} samples ({few})")
    assert samples.labels is not None
    assert samples.predictions is not None
    for cell in np.argsort(-grid.counts)[:12]:
        members = grid.members(cell)
        value = value_of(samples.labels[members], samples.predictions[members])
        picture = tab.capture_cell(10, int(grid.rows[cell]), int(grid.cols[cell]), share=1.0)
        near = np.abs(picture - viridis(value)).max(axis=2) <= 4
        assert near.sum() > 60, (cell, value)


def test_cells_with_few_samples_are_dotted(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, color="accuracy")
    tab.settle()
    grid = browser_logs.make_valid_atlas("layer3", 400).grids[0]

    def gaps(cell: int) -> float:
        """Returns the fraction of background pixels along the left border of a cell."""
        row, col = int(grid.rows[cell]), int(grid.cols[cell])
        picture = tab.capture_cell(10, row, col, share=1.0)
        ground = np.abs(picture - BACKGROUND).max(axis=2) < 30
        middle = ground[len(ground) // 3 : 2 * len(ground) // 3]
        first = int(np.argmin(middle.all(axis=0)))
        return float(middle[:, first + 1 : first + 4].mean())

    order = np.argsort(grid.counts)
    assert grid.counts[order[2]] < FEW <= grid.counts[order[-3]]
    assert all(gaps(int(cell)) > 0.07 for cell in order[:3])
    assert all(gaps(int(cell)) < 0.03 for cell in order[-3:])


def test_a_log_without_labels_shows_a_message(unlabeled_log: str, tab: Tab) -> None:
    tab.open(unlabeled_log, standalone=True, color="accuracy")
    expect(tab.legend).to_contain_text("No labels were recorded in this run.")
    options = tab.app.get_by_label("Color by", exact=True).locator("option:disabled")
    expect(options).to_have_text(
        [
            f"{one} (not recorded)"
            for one in ("Class", "Prediction", "Purity", "Accuracy", "Confusion", "Entropy")
        ]
    )


def test_they_are_accessible(serve: Serve, tab: Tab) -> None:
    tab.open(serve("valid", "data-server"), standalone=True, **WARM, color="accuracy")
    audit(tab, "accuracy")
    tab.select_option("Color by", "Entropy")
    tab.page.set_viewport_size({"width": 800, "height": 700})
    tab.settle()
    save_screenshots(tab, "entropy-narrow")
