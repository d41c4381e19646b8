# SPDX-License-Identifier: Apache-2.0
"""Panes: any layer of any run at any step, linked by common samples."""

from __future__ import annotations

import numpy as np
import pytest
from accessibility import audit
from atlas_tab import Tab
from layer_logs import make_layer_atlas
from playwright.sync_api import Locator, expect

from tensorboard_plugin_atlas import link_layers

GRID = 4
NET = {"run": "net/atlas", "layer": "stage1", "step": 100, "grid": GRID}
SECOND = ";stage2,,net%2Fatlas"
LOOK_AT = (1, 1)
"""Row and column of a group of `stage1` that is unchanged in `stage2`."""
SHARED = (0, 0)
"""Row and column of a group of `stage1` that is divided in `stage2`."""


def pane(tab: Tab, number: int) -> Locator:
    return tab.app.get_by_label(f"Pane {number}", exact=True)


def caption(tab: Tab, number: int) -> Locator:
    return pane(tab, number).locator(".pane-caption")


def map_of(tab: Tab, number: int) -> Locator:
    return tab.map if number == 1 else pane(tab, number).locator("atlas-map")


def box_of(tab: Tab, number: int, row: int, col: int) -> dict[str, float]:
    """Returns the box of a cell of a pane on the page."""
    element = map_of(tab, number)
    corner = element.bounding_box()
    assert corner is not None
    position = element.evaluate(
        "(map, [size, row, col]) => map.boxOf({size, row, col})", [GRID, row, col]
    )
    x, y, side = corner["x"] + position["x"], corner["y"] + position["y"], position["side"]
    return {"x": x, "y": y, "width": side, "height": side}


def point_at(tab: Tab, number: int, row: int, col: int) -> None:
    box = box_of(tab, number, row, col)
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def contrast(tab: Tab, number: int, row: int, col: int) -> float:
    """Returns the contrast between the center of a cell and the background."""
    box = box_of(tab, number, row, col)
    inset = box["width"] * 0.3
    middle = {"x": box["x"] + inset, "y": box["y"] + inset}
    picture = tab.capture({**middle, "width": box["width"] - 2 * inset, "height": 20})
    ground = tab.app.evaluate("app => getComputedStyle(app).backgroundColor")
    shade = np.array([int(one) for one in ground.strip("rgb()").split(",")])
    return float(np.abs(picture - shade).mean())


def shares(layer: str, row: int, col: int, other: str) -> dict[tuple[int, int], float]:
    """Returns the fraction of a cell's logged samples in each cell of another layer."""
    a, b = (make_layer_atlas("net", one, 100) for one in (layer, other))
    cells = [(one.xy * GRID).astype(int) for one in (a, b)]
    inside = (cells[0] == (col, row)).all(axis=1)
    found, counts = np.unique(cells[1][inside], axis=0, return_counts=True)
    return {
        (int(y), int(x)): float(count / inside.sum())
        for (x, y), count in zip(found, counts, strict=True)
    }


def format_highlight(layer: str, row: int, col: int, share: float) -> str:
    return f"Highlighted in {layer}: row {row + 1}, column {col + 1} holds {round(100 * share)}%"


def go_to(tab: Tab, row: int, col: int) -> None:
    """Moves the keyboard cursor to a cell of the focused map."""
    for _ in range(GRID):
        tab.page.keyboard.press("ArrowUp")
        tab.page.keyboard.press("ArrowLeft")
    for key, times in (("ArrowDown", row), ("ArrowRight", col)):
        for _ in range(times):
            tab.page.keyboard.press(key)


def test_a_key_adds_the_next_layer_and_a_cell_highlights_its_samples_there(
    layer_log_by_loader: str, tab: Tab
) -> None:
    tab.open(layer_log_by_loader, **NET)
    tab.press_keys("a")
    tab.wait_for_hash(compare=SECOND)
    tab.settle()
    expect(tab.app.get_by_role("status")).to_contain_text("2 panes side by side")
    row, col = LOOK_AT
    before = contrast(tab, 2, 3, 3)
    go_to(tab, row, col)
    ((there, share),) = shares("stage1", row, col, "stage2").items()
    expect(caption(tab, 2)).to_contain_text(format_highlight("stage2", *there, share))
    expect(tab.app.get_by_role("status")).to_contain_text(
        f"in pane 2 highlighted in stage2: row {there[0] + 1}, column {there[1] + 1} holds 100%"
    )
    tab.settle()
    # The highlighted cell is unchanged, and a cell without samples is dimmed.
    assert contrast(tab, 2, 3, 3) < 0.5 * before < contrast(tab, 2, *there)


def test_hovering_highlights_in_both_panes_by_share(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET)
    tab.click_button("Add a pane with another layer, run, or step")
    tab.wait_for_hash(compare=SECOND)
    tab.settle()
    point_at(tab, 1, *SHARED)
    found = shares("stage1", *SHARED, "stage2")
    assert sorted(found.values()) == [0.5, 0.5]
    expect(caption(tab, 2)).to_contain_text("holds 50%; 2 cells highlighted")
    point_at(tab, 2, 0, 3)
    ((first, share), *_) = sorted(shares("stage2", 0, 3, "stage1").items())
    expect(caption(tab, 1)).to_contain_text(format_highlight("stage1", *first, share))
    expect(caption(tab, 2)).to_contain_text("Row 1, column 4, cat 100 percent, 30 samples")
    tab.page.mouse.move(*tab.map_center())
    tab.page.mouse.move(2, 2)
    expect(caption(tab, 1)).to_contain_text("Point at a cell")


def test_pinning_keeps_the_highlight(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET, compare=SECOND)
    box = box_of(tab, 2, *LOOK_AT)
    tab.page.mouse.click(box["x"] + 20, box["y"] + 20)
    tab.page.mouse.move(2, 2)
    expect(caption(tab, 1)).to_contain_text("Highlighted in stage1: row 2, column 2 holds 100%")
    expect(tab.inspector).to_have_count(0)
    map_of(tab, 2).focus()
    tab.page.keyboard.press("Escape")
    expect(caption(tab, 1)).to_contain_text("Point at a cell")


def test_each_pane_has_its_own_run_layer_and_step(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET, compare=SECOND)
    second = pane(tab, 2)
    second.get_by_label("Layer of pane 2").select_option(label="stage3")
    tab.wait_for_hash(compare=";stage3,,net%2Fatlas", layer="stage1")
    second.get_by_label("Run of pane 2").select_option(label="mirrored")
    # Another run opens at its last step, and keeps it.
    tab.wait_for_hash(compare=";stage3,100,mirrored%2Fatlas", run="net/atlas")
    second.get_by_label("Step of pane 2").focus()
    tab.page.keyboard.press("ArrowUp")
    tab.wait_for_hash(compare=";stage3,0,mirrored%2Fatlas", step=100)
    tab.settle()
    name = map_of(tab, 2)
    expect(name).to_have_attribute("aria-label", "Activation atlas of stage3 at step 0")
    tab.page.goto("about:blank")
    tab.open(layer_log, standalone=True, **NET, compare=";stage3,0,mirrored%2Fatlas")
    expect(map_of(tab, 2)).to_have_attribute("aria-label", "Activation atlas of stage3 at step 0")
    pane(tab, 1).get_by_label("Layer of pane 1").select_option(label="stage2")
    tab.wait_for_hash(layer="stage2", compare=";stage3,0,mirrored%2Fatlas")


def test_panes_that_follow_change_their_step(layer_log: str, tab: Tab) -> None:
    tab.open(
        layer_log, standalone=True, **NET, compare=";stage2,,net%2Fatlas;stage2,100,net%2Fatlas"
    )
    expect(tab.app.locator(".pane-note")).to_contain_text(
        "Play and the step keys also move panes that are set to “as pane 1”."
    )
    tab.press_keys(",")
    tab.wait_for_step(0)
    expect(map_of(tab, 2)).to_have_attribute("aria-label", "Activation atlas of stage2 at step 0")
    fixed = map_of(tab, 3)
    expect(fixed).to_have_attribute("aria-label", "Activation atlas of stage2 at step 100")
    fixed.focus()
    tab.page.keyboard.press(",")
    tab.wait_for_hash(compare=";stage2,,net%2Fatlas;stage2,0,net%2Fatlas", step=0)
    map_of(tab, 2).focus()
    tab.page.keyboard.press(".")
    tab.wait_for_step(100)


def test_comparable_panes_share_one_viewport(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET, compare=";stage1,0,net%2Fatlas;stage2,,net%2Fatlas")
    expect(caption(tab, 2)).to_contain_text("pan and zoom together")
    expect(caption(tab, 3)).to_contain_text("positions cannot be compared")
    zoom = "map => map.goal.z"
    tab.press_keys("+")
    tab.wait_for_hash(z="1.500")
    same, other = (map_of(tab, number).evaluate(zoom) for number in (2, 3))
    assert same == pytest.approx(1.5)
    assert other == 1
    map_of(tab, 2).focus()
    tab.page.keyboard.press("+")
    tab.wait_for_hash(z="2.250")
    map_of(tab, 3).focus()
    tab.page.keyboard.press("+")
    expect(tab.app).to_have_attribute("data-ready", "true")
    tab.page.wait_for_timeout(400)
    assert tab.state["z"] == "2.250"
    assert map_of(tab, 3).evaluate(zoom) == pytest.approx(1.5)


def test_panes_of_the_same_map_look_the_same(layer_log: str, tab: Tab) -> None:
    """From the first frame on: colors of cells, borders of concepts, and icons."""
    tab.open(layer_log, standalone=True, **NET, color="class", compare=";stage1,100,net%2Fatlas")
    expect(caption(tab, 2)).to_contain_text("pan and zoom together")
    tab.settle()
    for row, col in (LOOK_AT, SHARED):
        first, second = (
            tab.capture(box_of(tab, number, row, col)).astype(int) for number in (1, 2)
        )
        assert first.std() > 10
        assert np.abs(first - second).mean() < 2


def test_different_settings_are_listed_and_can_be_linked(layer_log: str, tab: Tab) -> None:
    apart = ";stage1,100,apart%2Fatlas"
    tab.open(layer_log, standalone=True, **NET, compare=f"{apart};stage1,100,foreign%2Fatlas")
    refusal = pane(tab, 2).locator(".not-linked")
    expect(refusal).to_contain_text("Not linked to pane 1: the settings differ")
    expect(refusal.get_by_role("listitem")).to_have_text(
        ["neighbors (30 and 15)", "seed (0 and 1)"]
    )
    foreign = pane(tab, 3).locator(".not-linked")
    expect(foreign.get_by_role("listitem")).to_contain_text(["probe (5a5a"])
    expect(foreign.get_by_role("button")).to_have_count(0)
    point_at(tab, 1, *LOOK_AT)
    expect(caption(tab, 2)).to_contain_text("Not linked: the settings differ")
    refusal.get_by_role("button", name="Link the samples of both").press("Enter")
    expect(refusal).to_have_count(0)
    tab.page.mouse.move(2, 2)
    point_at(tab, 1, *LOOK_AT)
    expect(caption(tab, 2)).to_contain_text("Highlighted in stage1: row 2, column 2 holds 100%")
    expect(caption(tab, 3)).to_contain_text("Not linked: the settings differ")


def test_panes_are_closed_by_button_and_by_key(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET)
    tab.press_keys("a", "a", "a")
    expect(tab.app.get_by_role("application")).to_have_count(4)
    tab.press_keys("a")
    expect(tab.app.get_by_role("status")).to_contain_text("There is room for 4 panes.")
    tab.click_button("Close pane 3")
    expect(tab.app.get_by_role("application")).to_have_count(3)
    map_of(tab, 2).focus()
    tab.page.keyboard.press("w")
    expect(tab.app.get_by_role("application")).to_have_count(2)
    expect(tab.map).to_be_focused()
    tab.page.keyboard.press("w")
    expect(tab.app.get_by_role("application")).to_have_count(1)
    tab.wait_for_hash(compare=None)
    box, stage = tab.map.bounding_box(), tab.app.locator("main").bounding_box()
    assert box == stage


def test_layers_go_up_and_down_by_key(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET, compare=SECOND)
    tab.press_keys("PageUp")
    tab.wait_for_hash(layer="stage2", compare=SECOND)
    map_of(tab, 2).focus()
    tab.page.keyboard.press("PageUp")
    tab.wait_for_hash(layer="stage2", compare=";stage3,,net%2Fatlas")
    tab.page.keyboard.press("PageUp")
    tab.page.keyboard.press("PageDown")
    tab.wait_for_hash(compare=SECOND)


def test_panes_and_a_comparison_can_be_combined(layer_log: str, tab: Tab) -> None:
    """Links from before panes still work, and `c` still compares."""
    tab.open(layer_log, standalone=True, **NET, compare=0)
    expect(tab.app.get_by_label("Comparison of A and B")).to_be_visible()
    tab.press_keys("a")
    tab.wait_for_hash(compare=f"0{SECOND}", mode="difference")
    tab.press_keys("c")
    tab.wait_for_hash(compare=SECOND, mode=None)
    expect(pane(tab, 2)).to_be_visible()


def test_the_table_replaces_all_panes(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET, compare=SECOND)
    tab.press_keys("t")
    tab.settle()
    expect(tab.app.get_by_role("table")).to_be_visible()
    expect(pane(tab, 2)).to_have_count(0)
    expect(tab.app.locator(".table-body")).to_be_focused()
    tab.page.keyboard.press(",")
    tab.wait_for_step(0)
    tab.click_button("Cells as a table")
    tab.settle()
    expect(map_of(tab, 2)).to_have_attribute("aria-label", "Activation atlas of stage2 at step 0")
    point_at(tab, 1, *LOOK_AT)
    expect(caption(tab, 2)).to_contain_text("Highlighted in stage2: row 2, column 2 holds 100%")


@pytest.mark.both_loaders
def test_damage_in_one_pane_does_not_affect_others(damaged_log: str, tab: Tab) -> None:
    tab.ignore_errors("Failed to load resource")
    tab.open(
        damaged_log,
        standalone=True,
        run="flaws/atlas",
        layer="layer3",
        step=0,
        compare=";layer3,100,flaws%2Fatlas",
    )
    expect(pane(tab, 2)).to_contain_text("Step 100 is damaged")
    expect(pane(tab, 2).get_by_role("button", name="Retry")).to_be_visible()
    tab.press_keys(".")
    tab.settle(failure="damaged")
    pane(tab, 2).get_by_label("Step of pane 2").select_option(label="Step 0")
    expect(map_of(tab, 2)).to_have_attribute("aria-label", "Activation atlas of layer3 at step 0")
    expect(pane(tab, 2).get_by_text("is damaged")).to_have_count(0)


def test_untrusted_names_are_text_in_panes(damaged_log: str, tab: Tab) -> None:
    tab.open(
        damaged_log, standalone=True, run="<img src=x onerror=alert(1)>/atlas", layer="nul\0inside"
    )
    tab.press_keys("a", "a", "a")
    expect(tab.app.get_by_role("application")).to_have_count(4)
    tab.settle()
    assert tab.app.locator(".pane img, .pane b b").count() == 0


def find_link_list(tab: Tab, title: str) -> Locator:
    sections = tab.inspector.locator("section.across-list")
    return sections.filter(has=tab.page.get_by_role("heading", name=title))


def open_link_list(tab: Tab, row: int, col: int) -> None:
    x, y, _ = tab.locate_cell(GRID, row, col)
    tab.page.mouse.click(x, y)
    tab.inspector.get_by_role("button", name="Across layers: linked cells").click()


def test_a_cell_lists_its_links_to_other_layers(layer_log_by_loader: str, tab: Tab) -> None:
    """The links equal those of `link_layers`."""
    tab.open(layer_log_by_loader, **{**NET, "layer": "stage2"})
    row, col = 1, 0
    open_link_list(tab, row, col)
    a, b, c = (make_layer_atlas("net", layer, 100) for layer in ("stage1", "stage2", "stage3"))
    grid = b.grids[0]
    cell = int(np.flatnonzero((grid.rows == row) & (grid.cols == col))[0])
    up, down = link_layers(b, c, size=GRID), link_layers(a, b, size=GRID)
    fed = [
        (down.cells_a[i], a.grids[0], down.share_of_b[i])
        for i in np.flatnonzero(down.cells_b == cell)
    ]
    feeds = [
        (up.cells_b[i], c.grids[0], up.share_of_a[i]) for i in np.flatnonzero(up.cells_a == cell)
    ]
    assert len(feeds) == 2
    for title, wanted in (("Next layer: stage3", feeds), ("Previous layer: stage1", fed)):
        expect(find_link_list(tab, title).get_by_role("listitem")).to_have_text(
            [
                f"row {level.rows[i] + 1}, column {level.cols[i] + 1} {round(100 * share)}%"
                for i, level, share in wanted
            ],
            use_inner_text=True,
        )


def test_a_layer_link_opens_its_layer_or_pane(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET, compare=SECOND)
    open_link_list(tab, *LOOK_AT)
    find_link_list(tab, "Next layer: stage2").get_by_role("button").first.click()
    expect(caption(tab, 1)).to_contain_text("Highlighted in stage1: row 2, column 2 holds 100%")
    tab.wait_for_hash(layer="stage1")
    tab.press_keys("w")
    find_link_list(tab, "Next layer: stage2").get_by_role("button").first.focus()
    tab.page.keyboard.press("Enter")
    tab.wait_for_hash(layer="stage2", compare=None)
    expect(tab.inspector).to_contain_text("Row 2, column 2 of 4 \u00d7 4 · stage2")


def test_merges_between_layers_are_listed(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET)
    open_link_list(tab, *LOOK_AT)
    a, b = (make_layer_atlas("net", layer, 100) for layer in ("stage1", "stage2"))
    (merge,) = link_layers(a, b, size=GRID).merges
    listed = find_link_list(tab, "Cells that merge in stage2").locator("li")
    expect(listed).to_have_count(1)
    expect(listed).to_contain_text("cat 100%, in no part over 50%")
    expect(listed.get_by_role("button")).to_have_count(1 + len(merge.parts))
    listed.get_by_role("button", name="Becomes").click()
    tab.wait_for_hash(layer="stage2")
    expect(tab.inspector).to_contain_text("Row 1, column 4 of 4 \u00d7 4 · stage2")


STATES = {
    "two-layers": ({**NET, "compare": SECOND}, 1),
    "four": (
        {
            **NET,
            "compare": ";stage2,,net%2Fatlas;stage3,,net%2Fatlas;stage1,100,mirrored%2Fatlas",
        },
        1,
    ),
    "unequal": ({**NET, "compare": ";stage1,100,apart%2Fatlas"}, 1),
}


def test_panes_are_accessible(layer_log: str, tab: Tab) -> None:
    for name, (link, number) in STATES.items():
        tab.page.goto("about:blank")
        tab.open(layer_log, standalone=True, **link)
        tab.settle()
        point_at(tab, number, *SHARED)
        expect(caption(tab, 1)).to_contain_text("Row 1, column 1")
        audit(tab, f"panes-{name}")


def test_layer_links_are_accessible(layer_log: str, tab: Tab) -> None:
    tab.open(layer_log, standalone=True, **NET, compare=SECOND)
    tab.settle()
    open_link_list(tab, *SHARED)
    expect(find_link_list(tab, "Cells that merge in stage2").locator("li")).to_have_count(1)
    audit(tab, "panes-across")
    tab.page.set_viewport_size({"width": 820, "height": 700})
    expect(pane(tab, 2)).to_be_visible()
    audit(tab, "panes-narrow")
