# SPDX-License-Identifier: Apache-2.0
"""Exported files are read back and compared with the map and the log."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import browser_logs
import numpy as np
import pytest
from accessibility import RESULTS, THEMES, Theme, audit, change_theme, save_screenshots
from atlas_tab import Tab
from conftest import Serve
from disabled_features import NO_WEBGL
from interactions import download, export_menu
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from tensorboard_plugin_atlas import read_atlases

Directories = Callable[[str], tuple[Path, int]]

WARM = {"run": "warm/atlas", "layer": "layer3"}
DIGITS = {"run": "digits/atlas", "step": 60, "grid": 8}
FORMULA = "=HYPERLINK(1)"
SVG = "{http://www.w3.org/2000/svg}"


def export_picture(tab: Tab, scale: int) -> NDArray[np.int16]:
    """Returns (H, W, 3) of the picture that the menu saves at a scale."""
    export_menu(tab).get_by_text(f"{scale}\u00d7", exact=True).click()
    name, data = download(tab, "Save picture")
    assert name.endswith(".png")
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(np.int16)


def measure_content(part: NDArray[np.int16]) -> float:
    """Returns the fraction of pixels that do not have the most frequent color."""
    flat = part.reshape(-1, 3)
    colors, counts = np.unique(flat, axis=0, return_counts=True)
    return float((np.abs(flat - colors[counts.argmax()]).max(axis=1) > 30).mean())


def size(tab: Tab) -> tuple[int, int]:
    box = tab.map.bounding_box()
    assert box is not None
    return round(box["width"]), round(box["height"])


@pytest.mark.parametrize("script", ["", NO_WEBGL], ids=["webgl", "canvas"])
def test_the_picture_is_the_map_as_shown(script: str, valid_log: str, tab: Tab) -> None:
    if script:
        tab.page.add_init_script(script)
    tab.open(valid_log, **WARM, color="class", show="both")
    expect(tab.legend).to_contain_text("Majority class of a cell")
    tab.settle()
    screen = tab.capture()
    tab.press_keys("e")
    expect(export_menu(tab)).to_be_visible()
    width, height = size(tab)
    for scale in (1, 2, 4):
        taken = export_picture(tab, scale)
        assert taken.shape[1] == scale * width
        assert taken.shape[0] > scale * height
        small = np.asarray(
            Image.fromarray(taken.astype(np.uint8)).resize(
                (width, taken.shape[0] // scale), Image.Resampling.BOX
            )
        ).astype(np.int16)
        # A central region of the map without panels.
        mapped, shown = small[6 : height - 6, 6 : width - 6], screen
        clear = (slice(110, 400), slice(330, 900))
        assert measure_content(shown[clear]) > 0.2
        off = np.abs(mapped[clear] - shown[clear])
        if scale == 1:
            assert off.max() <= 2
        else:
            assert off.mean() < 6, scale
        foot = taken[scale * height :]
        assert measure_content(foot) > 0.02
    # The map itself has not changed.
    tab.page.keyboard.press("Escape")
    expect(export_menu(tab)).to_have_count(0)
    tab.settle()
    assert np.abs(tab.capture() - screen)[110:400, 330:900].max() == 0


def test_every_legend_is_in_the_picture(valid_log: str, tab: Tab) -> None:
    """Also the legends of drift and of a difference."""
    tab.open(valid_log, standalone=True, **WARM, grid=10, step=400, drift="on", compare=0)
    expect(tab.app.get_by_role("complementary", name="Drift")).to_be_visible()
    expect(tab.app.get_by_role("complementary", name="Difference")).to_be_visible()
    panels = [one.bounding_box() for one in tab.app.locator(".legends > aside").all()]
    assert len(panels) == 3
    tab.press_keys("e")
    _, height = size(tab)
    taken = export_picture(tab, 1)
    RESULTS.mkdir(exist_ok=True)
    Image.fromarray(taken.astype(np.uint8)).save(RESULTS / "exported-legends.png")
    foot = taken[height:]
    for panel, left in zip(panels, _lefts(panels), strict=True):
        assert panel is not None
        part = foot[12 : 12 + int(panel["height"]), left : left + int(panel["width"])]
        assert measure_content(part) > 0.03


def _lefts(panels: list[dict[str, float] | None]) -> list[int]:
    """Returns the left edges of panels in a row."""
    widths = [panel["width"] + 12 for panel in panels if panel]
    return [round(12 + sum(widths[:i])) for i in range(len(widths))]


def test_the_legend_in_the_picture_has_the_colors_on_screen(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, color="class")
    swatches = tab.legend.locator("li i")
    expect(swatches).to_have_count(6)
    colors = [
        one.evaluate("i => getComputedStyle(i).backgroundColor.match(/\\d+/g).map(Number)")
        for one in swatches.all()
    ]
    # Collapsed first: a narrow page may collapse it, and a click would then open it.
    tab.legend.locator("summary").click()
    tab.page.set_viewport_size({"width": 800, "height": 700})
    expect(swatches.first).not_to_be_visible()
    tab.settle()
    tab.press_keys("e")
    _, height = size(tab)
    foot = export_picture(tab, 2)[2 * height :]
    for color in colors:
        assert (np.abs(foot - np.array(color)).max(axis=2) <= 2).sum() > 200, color
    # The legend is collapsed again.
    expect(swatches.first).not_to_be_visible()


@pytest.mark.parametrize("grid", [4, 8])
def test_the_exported_cells_match_the_log(
    grid: int, valid_log: str, directories: Directories, tab: Tab
) -> None:
    tab.open(valid_log, **{**DIGITS, "grid": grid})
    tab.press_keys("e")
    name, data = download(tab, "Save cells")
    assert name == f"atlas-3-step60-grid{grid}.csv"
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    path, _ = directories("valid")
    atlas = [one for one in read_atlases(path) if one.run == "digits/atlas"][-1]
    level = next(one for one in atlas.grids if one.size == grid)
    labels, attribution, cosine = atlas.labels, level.attribution, level.icon_cosine
    assert labels is not None
    assert attribution is not None
    assert cosine is not None
    assert len(rows) == len(level.rows)
    at = {(int(r), int(c)): i for i, (r, c) in enumerate(zip(level.rows, level.cols, strict=True))}
    for row in rows:
        cell = at.pop((int(row["row"]), int(row["col"])))
        members = labels[level.members(cell)]
        votes = np.bincount(members)
        strongest = int(np.argmax(np.abs(attribution[cell].astype(np.float32))))
        assert (row["run"], row["layer"], row["step"]) == ("digits/atlas", "3", "60")
        assert int(row["grid_size"]) == grid
        assert int(row["count"]) == len(members)
        assert float(row["share"]) == pytest.approx(len(members) / len(labels))
        assert row["icon_kind"] == level.icon_kind[cell]
        assert np.float32(row["icon_cosine"]) == cosine[cell]
        assert (row["top_of"], row["top_class"]) == ("labels", f"class {votes.argmax()}")
        assert int(row["top_class_index"]) == votes.argmax()
        assert float(row["top_share"]) == pytest.approx(votes.max() / len(members))
        assert int(row["strongest_class_index"]) == strongest
        assert np.isclose(float(row["strongest_attribution"]), attribution[cell, strongest])
    assert at == {}


def test_no_name_of_a_log_becomes_a_formula(serve: Serve, tab: Tab) -> None:
    damaged_log = serve("damaged", "data-server", "--path_prefix=/lab/one")
    tab.open(
        damaged_log, standalone=True, run=f"{browser_logs.MARKUP}/atlas", layer=browser_logs.MARKUP
    )
    classes = [FORMULA, "+1", "@x", 'a"b,\n', *browser_logs.UNTRUSTED_CLASSES[:2]]
    # Replaces the class names of the log.
    tab.page.route("**/atlas?*", lambda route: _rename(route, classes))
    tab.page.reload()
    tab.settle()
    tab.press_keys("e")
    name, data = download(tab, "Save cells")
    assert "/" not in name
    assert "<" not in name
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    tops = {row["top_class"] for row in rows}
    assert {f"'{FORMULA}", "'+1", "'@x", 'a"b, ', browser_logs.MARKUP} <= tops
    fields = [field for row in rows for field in row.values()]
    assert not [one for one in fields if one[:1] in ("=", "+", "@", "\t", "\r")]


def _rename(route: object, classes: list[str]) -> None:
    import json
    import struct

    response = route.fetch()  # type: ignore[attr-defined]
    body = response.body()
    (length,) = struct.unpack("<I", body[:4])
    manifest = json.loads(body[4 : 4 + length])
    manifest["classes"] = classes
    text = json.dumps(manifest).encode()
    text += b" " * (-(4 + len(text)) % 8)
    body_with_names = struct.pack("<I", len(text)) + text + body[4 + length :]
    route.fulfill(response=response, body=body_with_names)  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", THEMES)
def test_the_svg_file_looks_like_the_picture(
    theme: Theme, valid_log_by_loader: str, tab: Tab
) -> None:
    look = {"query": "?darkMode=true" if theme == "dark" else ""}
    tab.open(valid_log_by_loader, **look, **DIGITS, filter="toward:3", sign="both")
    tab.settle(theme=theme)
    tab.press_keys("e")
    taken = export_picture(tab, 1)
    name, data = download(tab, "Save SVG")
    assert name.endswith("-step60-grid8.svg")
    root = ElementTree.fromstring(data)
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    known = {"svg", "rect", "image", "text", "path", "circle", "clipPath", "linearGradient", "stop"}
    assert {"image", "text", "path"} <= kinds <= known
    words = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    assert "TensorBoard Atlas" in words
    assert "step 60" in words
    assert "3" in words
    height, width = taken.shape[:2]
    viewer = tab.page.context.new_page()
    viewer.set_viewport_size({"width": width, "height": height})
    viewer.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{data.decode()}")
    RESULTS.mkdir(exist_ok=True)
    shown = viewer.screenshot(path=RESULTS / f"drawing-{theme}.png")
    viewer.close()
    with Image.open(io.BytesIO(shown)) as image:
        drawn = np.asarray(image.convert("RGB")).astype(np.int16)
    assert drawn.shape == taken.shape
    difference = np.abs(drawn - taken).max(axis=2)
    # Text may be antialiased differently; nothing else may differ.
    assert (difference > 40).mean() < 1e-4
    assert measure_content(drawn[-40:]) > 0.01


def test_names_of_the_log_are_text_in_the_svg_file(tab: Tab, valid_log_by_loader: str) -> None:
    name = "</text><script>alert(1)</script><text>&amp;"
    tab.page.route("**/atlases*", lambda route: _rename(route, [name] * 10))
    tab.open(valid_log_by_loader, **DIGITS, color="class")
    tab.press_keys("e")
    _, data = download(tab, "Save SVG")
    root = ElementTree.fromstring(data)
    assert not [one for one in root.iter() if one.tag.endswith("script")]


def test_the_link_restores_the_view(valid_log: str, tab: Tab) -> None:
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open(valid_log, **WARM, step=400, grid=20, x="0.6000", y="0.4000", z="2.000")
    tab.press_keys("e")
    export_menu(tab).get_by_role("button", name="Copy link").click()
    expect(export_menu(tab)).to_contain_text("Link copied")
    link = tab.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(valid_log)
    expect(export_menu(tab).get_by_label("Link to this view")).to_have_value(link)
    before = tab.capture()
    tab.page.goto("about:blank")
    tab.page.goto(link)
    tab.wait_for_step(400, level=20)
    expect(tab.app.locator(".map-buttons")).to_be_visible()
    after = tab.capture()
    assert np.abs(after - before)[100:-100, 330:700].mean() < 0.5


def test_copying_works_without_the_clipboard_api(valid_log: str, tab: Tab) -> None:
    tab.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined});")
    tab.open(valid_log, **WARM)
    tab.click_button("Export")
    export_menu(tab).get_by_role("button", name="Copy link").click()
    expect(export_menu(tab).locator("p").last).not_to_be_empty()


def test_the_menu_works_with_keys_only(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM)
    tab.press_keys("e")
    save = export_menu(tab).get_by_role("button", name="Save picture")
    expect(save).to_be_focused()
    with tab.page.expect_download() as waited:
        tab.page.keyboard.press("Enter")
    assert waited.value.suggested_filename == "atlas-layer3-step3200-grid10.png"
    expect(tab.app.locator("[role=status]")).to_contain_text("Saved atlas-layer3")
    for ending in ("svg", "csv"):
        with tab.page.expect_download() as waited:
            tab.page.keyboard.press("Tab")
            tab.page.keyboard.press("Enter")
        assert waited.value.suggested_filename == f"atlas-layer3-step3200-grid10.{ending}"
    tab.page.keyboard.press("Escape")
    expect(export_menu(tab)).to_have_count(0)
    expect(tab.map).to_be_focused()
    tab.click_button("Export")
    expect(save).to_be_focused()
    x, y = tab.map_center()
    tab.page.mouse.click(x, y)
    expect(export_menu(tab)).to_have_count(0)


def test_only_cells_can_be_saved_from_the_table(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM, view="table")
    tab.click_button("Export")
    expect(export_menu(tab).get_by_role("button", name="Save picture")).to_be_disabled()
    expect(export_menu(tab)).to_contain_text("The table is shown, not the map.")
    name, _ = download(tab, "Save cells")
    assert name.endswith(".csv")


def test_the_menu_is_accessible(serve: Serve, tab: Tab) -> None:
    tab.open(
        serve("valid", "data-server"), standalone=True, **DIGITS, filter="toward:3", sign="both"
    )
    tab.settle()
    tab.select_option("Color by", "Purity")
    tab.press_keys("e")
    expect(export_menu(tab)).to_be_visible()
    audit(tab)
    RESULTS.mkdir(exist_ok=True)
    for theme in THEMES:
        change_theme(tab, theme)
        taken = export_picture(tab, 2)
        Image.fromarray(taken.astype(np.uint8)).save(RESULTS / f"exported-{theme}.png")
    save_screenshots(tab, "export")
    tab.page.set_viewport_size({"width": 800, "height": 700})
    tab.settle()
    save_screenshots(tab, "export-narrow")
