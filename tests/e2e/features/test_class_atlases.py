# SPDX-License-Identifier: Apache-2.0
"""Class atlases in the tab: list, legend, and features that are disabled."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab
from browser_logs import MARKUP, REVERSED
from conftest import wait_for_atlases
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect
from synthetic_atlases import make_atlas, make_probe_pictures
from tensorboard_server import start_tensorboard

from tensorboard_plugin_atlas.analysis.class_series import (
    CLASS_ATLAS,
    Axis,
    ClassAtlas,
    names_of,
    series_name,
)
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe

CLASSES = (MARKUP, "cat", "dog", REVERSED)
STEPS = (0, 100)
LAYER = "layer3"
SIMILAR_NAME = "layer3 · none of a class"
REACH = 0.1594
NOT_FOLLOWED = "The samples of a class atlas differ from step to step."
PAIR = series_name(LAYER, ("cat", "dog"))
UNTRUSTED_PAIR = series_name(LAYER, names_of((0, 3), CLASSES))


def class_atlas(step: int, *classes: int, rule: str = "winner", **settings: Any) -> Atlas:
    """Returns a small class atlas; the first class is at the right."""
    names = names_of(classes, CLASSES)
    atlas = plain_atlas(step, series_name(LAYER, names), **settings)
    axis = (
        Axis(left=classes[1], right=classes[0], reach=REACH, trustworthiness=0.82)
        if classes[1:]
        else None
    )
    spec = ClassAtlas(layer=LAYER, classes=classes, names=names, rule=rule, axis=axis)
    samples = dataclasses.replace(atlas.samples, noise_floor=None, concepts=None)
    info = {**atlas.provenance.layer_info, CLASS_ATLAS: spec.as_dict()}
    return atlas.replace(
        samples=samples,
        concepts=None,
        events=(),
        quality=dataclasses.replace(atlas.quality, overlap=None),
        provenance=dataclasses.replace(atlas.provenance, layer_info=info),
    )


def plain_atlas(step: int, layer: str, samples: int = 200) -> Atlas:
    return make_atlas(
        step, layer=layer, samples=samples, grids=(4, 8), tile=8, min_count=1, classes=CLASSES
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes two layers, class atlases, a layer named like a class, and a class in another run."""
    path = tmp_path_factory.mktemp("classes")
    sink = EventSink(path / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    for step in STEPS:
        for atlas in (
            plain_atlas(step, "layer2"),
            plain_atlas(step, LAYER),
            plain_atlas(step, SIMILAR_NAME),
            class_atlas(step, 1, rule="winner" if step else "top"),
            class_atlas(step, 1, 2),
            class_atlas(step, 0, 3),
        ):
            sink.write(layer_tag(atlas.layer), encode_atlas(atlas), step)
    sink.close()
    other_run = EventSink(path / CHILD_RUN / "classes")
    other_run.write(layer_tag(series_name(LAYER, ("dog",))), encode_atlas(class_atlas(100, 2)), 100)
    other_run.close()
    return path


@pytest.fixture(scope="module", params=["data-server", "python-loader"])
def class_log_by_loader(request: pytest.FixtureRequest, directory: Path) -> Iterator[str]:
    with start_tensorboard(directory, request.param == "data-server") as url:
        wait_for_atlases(url, 6 * len(STEPS) + 1)
        yield url


@pytest.fixture(scope="module")
def class_log(directory: Path) -> Iterator[str]:
    with start_tensorboard(directory, True) as url:
        wait_for_atlases(url, 6 * len(STEPS) + 1)
        yield url


def layers(tab: Tab) -> Locator:
    return tab.app.get_by_label("Layer", exact=True)


def list_layers(tab: Tab) -> list[Any]:
    """Returns the options of the layer list: texts, and for groups their label and texts."""
    found: list[Any] = layers(tab).evaluate(
        """select => [...select.children].map((one) => one.localName === 'option'
          ? one.textContent.trim()
          : [one.label, ...[...one.children].map((option) => option.textContent.trim())])"""
    )
    return found


def motion(tab: Tab, name: str) -> Locator:
    return tab.app.get_by_role("radio", name=name, exact=True)


def test_classes_are_listed_under_their_layer(class_log_by_loader: str, tab: Tab) -> None:
    tab.open(class_log_by_loader)
    assert tab.dataset["layer"] == LAYER, "the tab opens at a layer, not at one of its classes"
    group = ["Classes of layer3", "<img src=x onerror=alert(1)> / gnp.exe", "cat", "cat / dog"]
    assert list_layers(tab) == ["layer2", LAYER, [*group, "none of a class"]]
    tab.select_option("Layer", "cat / dog")
    tab.wait_for_step(100, layer=PAIR)
    tab.wait_for_hash(layer=PAIR)
    assert (
        layers(tab).evaluate("select => select.selectedOptions[0].textContent.trim()")
        == "cat / dog"
    )
    expect(layers(tab)).to_have_attribute("title", PAIR)
    expect(tab.legend).to_contain_text(
        "Only positions of layer3 with attribution for cat or for dog"
    )
    expect(tab.legend).to_contain_text("200 samples")


def test_a_layer_named_like_a_class_is_listed_with_its_full_name(class_log: str, tab: Tab) -> None:
    tab.open(class_log, standalone=True, layer=SIMILAR_NAME)
    assert SIMILAR_NAME in list_layers(tab)
    assert (
        layers(tab).evaluate("select => select.selectedOptions[0].textContent.trim()")
        == SIMILAR_NAME
    )
    expect(tab.legend).not_to_contain_text("attribution for")
    expect(motion(tab, "Moving map")).to_be_enabled()


def test_a_class_atlas_is_selected_by_keys(class_log: str, tab: Tab) -> None:
    tab.open(class_log, standalone=True, layer=LAYER)
    layers(tab).focus()
    tab.page.keyboard.press("ArrowDown")
    tab.wait_for_step(100, layer=UNTRUSTED_PAIR)
    tab.page.keyboard.press("ArrowDown")
    tab.wait_for_step(100, layer=series_name(LAYER, ("cat",)))
    expect(layers(tab)).to_be_focused()


def test_the_legend_explains_the_selection_of_positions(class_log: str, tab: Tab) -> None:
    tab.open(class_log, standalone=True, layer=series_name(LAYER, ("cat",)), step=0)
    expect(tab.legend).to_contain_text("Positions of layer3 with attribution for cat")
    expect(tab.legend).to_contain_text("Too few positions have it as their strongest class")
    tab.press_keys(".")
    tab.wait_for_step(100)
    expect(tab.legend).to_contain_text("Only positions of layer3 with attribution for cat")
    expect(tab.legend).to_contain_text("The class has the highest attribution at each position.")
    tab.legend.locator("summary").first.click()
    expect(tab.legend.get_by_text("The class has the highest attribution")).to_be_hidden()


def test_untrusted_class_names_are_text(class_log: str, tab: Tab) -> None:
    tab.open(class_log, standalone=True, layer=UNTRUSTED_PAIR)
    expect(tab.legend).to_contain_text(f"attribution for {MARKUP} or for gnp.exe")
    expect(tab.legend).to_contain_text(f"attribution for {MARKUP} minus gnp.exe")
    assert tab.app.locator("img").count() == 0


def test_the_axis_is_drawn_and_moves_with_the_map(class_log: str, tab: Tab) -> None:
    """The center line is at x = 0.5 for every viewport; an atlas of one class has none."""
    tab.open(class_log, standalone=True, layer=PAIR)
    words = "attribution for cat minus dog, ±.16 logits at the edges"
    expect(tab.legend).to_contain_text(words)
    _wait_for_center_line(tab)
    assert _has_axis_labels(tab)
    tab.map.evaluate("map => map.moveTo({x: 0.42, y: 0.5, z: 1.8})")
    tab.settle()
    _wait_for_center_line(tab)
    assert _has_axis_labels(tab)
    tab.page.goto("about:blank")
    tab.open(class_log, standalone=True, layer=series_name(LAYER, ("cat",)))
    assert not _has_axis_labels(tab)


def _map_center(tab: Tab) -> float:
    world = tab.map_box
    return world["x"] + world["side"] / 2


def _read_overlay(tab: Tab) -> NDArray[np.bool_]:
    """Returns (H, W) whether something is drawn over the tiles, in CSS pixels."""
    text = tab.map.locator("canvas").last.evaluate(
        """canvas => {
          const {width, height} = canvas;
          const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
          const row = (y) => Array.from({length: width},
            (_, x) => data[4 * (y * width + x) + 3] > 0 ? '1' : '0').join('');
          return Array.from({length: height}, (_, y) => row(y)).join('\\n');
        }"""
    )
    return np.array([[one == "1" for one in line] for line in text.split("\n")])


def _wait_for_center_line(tab: Tab) -> None:
    """Waits until the vertical line is at the center of the map; it is drawn a frame later."""
    deadline = time.monotonic() + 120
    while True:
        columns = np.flatnonzero(_read_overlay(tab)[40:].mean(axis=0) > 0.9)
        if len(columns) and abs(columns.mean() - _map_center(tab)) <= 2:
            return
        assert time.monotonic() < deadline, f"columns {columns}, center {_map_center(tab)}"


def _has_axis_labels(tab: Tab) -> bool:
    return bool(_read_overlay(tab)[:20].mean() > 0.1)


def test_drift_events_and_differences_are_unavailable(class_log: str, tab: Tab) -> None:
    tab.open(class_log, layer=PAIR, drift="on")
    drift = tab.app.get_by_label("Drift", exact=True)
    expect(drift).to_contain_text(NOT_FOLLOWED)
    expect(motion(tab, "Moving map")).to_be_disabled()
    expect(motion(tab, "Fixed map")).to_be_checked()
    tab.press_keys("d", "m")
    expect(tab.app.get_by_role("status")).to_have_text(NOT_FOLLOWED)
    tab.wait_for_hash(map=None, drift=None)
    tab.press_keys("[", ",")
    tab.wait_for_step(0)
    difference = tab.app.get_by_role("complementary", name="Difference")
    expect(difference).to_have_text(f"{NOT_FOLLOWED} Swipe and Blink show both.")
    tab.app.get_by_label("Swipe").check(force=True)
    tab.settle()
    expect(difference).to_have_count(0)
    tab.press_keys("c", "j")
    events = tab.app.locator("aside").and_(tab.app.get_by_label("Events of this run", exact=True))
    expect(events).to_contain_text(NOT_FOLLOWED)


def test_a_sample_is_highlighted_at_its_step_and_an_image_at_all_steps(
    class_log: str, tab: Tab
) -> None:
    tab.open(class_log, layer=PAIR)
    pill = tab.app.locator(".highlight-pill")
    for search, first, later in (
        ("sample 7", "1 sample in 1 cell at step 100", NOT_FOLLOWED),
        ("image 7", "1 sample in 1 cell at step 100", "1 sample in 1 cell at step 0"),
    ):
        tab.press_keys("/")
        expect(tab.app.get_by_role("combobox", name="Find", exact=True)).to_be_focused()
        tab.page.keyboard.type(search)
        tab.page.keyboard.press("Enter")
        expect(pill).to_contain_text(first)
        tab.press_keys(",")
        tab.wait_for_step(0)
        expect(pill).to_contain_text(later)
        tab.press_keys(".")
        tab.wait_for_step(100)


def test_the_class_filter_links_to_class_atlases(class_log: str, tab: Tab) -> None:
    tab.open(class_log, layer=LAYER, filter="top:1,2")
    panel = tab.app.get_by_label("Class filter", exact=True)
    tab.press_keys("f")
    links = panel.get_by_role("button", name=re.compile("^Open the atlas of"))
    expect(links).to_have_text(
        [f"Open the atlas of {name}" for name in ("cat", "dog", "cat / dog")]
    )
    links.nth(2).focus()
    tab.page.keyboard.press("Enter")
    tab.wait_for_step(100, layer=PAIR)
    links.filter(has_text="atlas of dog").click()
    tab.wait_for_step(100, layer=series_name(LAYER, ("dog",)))
    tab.wait_for_hash(run="atlas/classes")
    links.filter(has_text="layer3").click()
    tab.wait_for_step(100, layer=LAYER)
    tab.wait_for_hash(run="atlas")
    expect(links).to_have_count(3)


def test_the_class_filter_explains_how_to_log_a_class_atlas(class_log: str, tab: Tab) -> None:
    panel = tab.app.get_by_label("Class filter", exact=True)
    tab.open(class_log, standalone=True, layer="layer2", filter="top:1")
    tab.press_keys("f")
    expect(panel).to_contain_text('AtlasWriter(..., class_atlases=["cat"])')
    expect(panel).to_contain_text("tensorboard-atlas class")
    tab.page.goto("about:blank")
    tab.open(class_log, standalone=True, layer="layer2", filter="top:0")
    tab.press_keys("f")
    expect(panel).to_contain_text(f'AtlasWriter(..., class_atlases=["{MARKUP}"])')
    assert panel.locator("img").count() == 0


def test_they_are_accessible(class_log: str, tab: Tab) -> None:
    tab.open(class_log, standalone=True, layer=PAIR, filter="top:1,0")
    tab.settle()
    tab.press_keys("f")
    expect(tab.app.get_by_label("Class filter", exact=True)).to_be_visible()
    audit(tab, "class-atlas-pair")
