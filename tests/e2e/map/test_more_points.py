# SPDX-License-Identifier: Apache-2.0
"""Points that are added where the user zooms in to an atlas of very many samples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from atlas_tab import FOCUS_RING, Tab
from conftest import wait_for_atlases
from disabled_features import NO_WEBGL
from exported_tab import ExportedTab
from large_atlases import make_large_atlas
from numpy.typing import NDArray
from playwright.sync_api import expect
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas import export_html
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.shown_samples import choose_shown

SAMPLES, STEPS = 150_000, (0, 100)
NEAR = {"show": "points", "color": "class", "x": 0.62, "y": 0.58, "z": 60}
SOME = "40,000 of 150,000 samples"


@pytest.fixture(scope="module")
def atlases() -> dict[int, Atlas]:
    return {step: make_large_atlas(SAMPLES, step=step, grids=(10,), seed=step) for step in STEPS}


@pytest.fixture(scope="module")
def directory(atlases: dict[int, Atlas], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("more_points")
    sink = EventSink(path / "many" / CHILD_RUN)
    for step, atlas in atlases.items():
        sink.write(layer_tag("layer3"), encode_atlas(atlas), step)
    sink.close()
    return path


@pytest.fixture(scope="module")
def url(directory: Path) -> Iterator[str]:
    with start_tensorboard(directory, True) as served:
        wait_for_atlases(served, len(STEPS))
        yield served


def locate(tab: Tab, xy: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns the pixels of samples on the element of the map, and which of them are in view."""
    box, world = tab.map.bounding_box(), tab.map_box
    assert box is not None
    places = np.array([world["x"], world["y"]]) + world["side"] * xy.astype(np.float64)
    edge = np.array([box["width"], box["height"]])
    return places, ((places >= 0) & (places <= edge)).all(axis=1)


def read_counts(tab: Tab) -> list[int]:
    """Returns the numbers in what the legend states about the view."""
    found = re.search(r"samples; (.*?) in view", tab.legend.inner_text())
    assert found is not None, tab.legend.inner_text()
    return [int(one.replace(",", "")) for one in re.findall(r"[\d,]+", found[1])]


def find_drawn(tab: Tab, places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns which of the pixels have another color than the ground."""
    picture = tab.capture()
    colors, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    ground = colors[counts.argmax()]
    x, y = np.rint(places - FOCUS_RING).astype(int).T
    drawn: NDArray[np.bool_] = np.abs(picture[y, x] - ground).max(axis=1) > 40
    return drawn


def check_all_are_drawn(tab: Tab, atlas: Atlas) -> None:
    places, in_view = locate(tab, atlas.xy)
    expect(tab.legend).to_contain_text(f"{SOME}; all")
    assert read_counts(tab) == [in_view.sum()]
    hidden = in_view.copy()
    hidden[choose_shown(SAMPLES)] = False
    assert 200 < hidden.sum() < in_view.sum()
    # Panels cover the edges.
    middle = places[in_view].mean(axis=0)
    central = hidden & (np.abs(places - middle) < 150).all(axis=1)
    assert central.sum() > 20
    assert find_drawn(tab, places[central]).all()


@pytest.mark.parametrize("renderer", ["webgl", "canvas"])
def test_all_samples_of_a_near_view_are_drawn(
    renderer: str, url: str, atlases: dict[int, Atlas], tab: Tab
) -> None:
    if renderer == "canvas":
        tab.page.add_init_script(NO_WEBGL)
    tab.open(url, standalone=True, step=100, **NEAR)
    tab.settle(renderer=renderer)
    check_all_are_drawn(tab, atlases[100])
    assert 1 <= tab.data_requests.count("points") <= 4
    tab.press_keys(",")
    tab.wait_for_step(0)
    check_all_are_drawn(tab, atlases[0])


def test_more_samples_are_counted_as_the_user_zooms_in(
    url: str, atlases: dict[int, Atlas], tab: Tab
) -> None:
    tab.open(url, standalone=True, step=100, show="points", color="class")
    expect(tab.legend).to_contain_text(f"{SOME} ·")
    assert "points" not in tab.data_requests
    seen = []
    for z in (8, 20):
        tab.open(url, standalone=True, step=100, **{**NEAR, "z": z})
        expect(tab.legend).to_contain_text("of about")
        shown, about = read_counts(tab)
        _, in_view = locate(tab, atlases[100].xy)
        assert abs(about - in_view.sum()) < 0.1 * in_view.sum()
        seen.append(shown / in_view.sum())
    assert 1 / 3 < seen[0] < seen[1] < 1
    tab.app.get_by_text("Icons", exact=True).click()
    tab.settle()
    expect(tab.legend).to_contain_text(f"{SOME} ·")


def test_a_card_states_of_how_many_samples_its_shares_are(
    url: str, atlases: dict[int, Atlas], tab: Tab
) -> None:
    grid = atlases[100].grids[0]
    cell = int(grid.counts.argmax())
    loaded = np.count_nonzero(grid.cell_of[choose_shown(SAMPLES)] == cell)
    tab.open(url, standalone=True, step=100)
    tab.hover_cell(grid.size, int(grid.rows[cell]), int(grid.cols[cell]))
    expect(tab.card).to_contain_text(f"{grid.counts[cell]:,} samples")
    expect(tab.card).to_contain_text(f"of the map; shares are of {loaded:,} sample")


def test_an_exported_page_requests_no_more(
    directory: Path, tmp_path: Path, exported_tab: ExportedTab
) -> None:
    path = tmp_path / "page.html"
    export_html(directory, path, activations=False)
    exported_tab.open_file(path, step=100, **NEAR)
    exported_tab.page.wait_for_timeout(500)
    exported_tab.settle()
    expect(exported_tab.legend).to_contain_text(f"{SOME} ·")
