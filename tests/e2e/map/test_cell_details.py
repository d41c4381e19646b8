# SPDX-License-Identifier: Apache-2.0
"""Details of a cell: the card at the cursor and the inspector of the pinned cell."""

from __future__ import annotations

import numpy as np
from atlas_tab import Tab, wait_until_painted
from browser_logs import make_valid_atlas
from playwright.sync_api import expect
from synthetic_atlases import CLASSES

WARM = {"run": "warm/atlas", "layer": "layer3"}
STEP = 3200


def find_largest_cells(count: int) -> list[tuple[int, int, int]]:
    """Returns index, row and column of the largest cells of the coarsest grid."""
    grid = make_valid_atlas("layer3", STEP).grids[0]
    return [
        (int(cell), int(grid.rows[cell]), int(grid.cols[cell]))
        for cell in np.argsort(-grid.counts, kind="stable")[:count]
    ]


def describe(cell: int) -> tuple[str, str, str, str]:
    """Returns count, share, cosine and most frequent class as the card shows them."""
    atlas = make_valid_atlas("layer3", STEP)
    grid, labels = atlas.grids[0], atlas.samples.labels
    assert labels is not None
    assert grid.icon_cosine is not None
    members = labels[grid.members(cell)]
    share = 100 * len(members) / len(labels)
    return (
        f"{len(members)} samples",
        f"{share:.1f}% of the map",
        f"cosine {grid.icon_cosine[cell]:.2f}".replace("0.", ".", 1),
        CLASSES[int(np.bincount(members).argmax())],
    )


def test_hovering_a_cell_shows_its_evidence(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, **WARM)
    (cell, row, col), *_ = find_largest_cells(1)
    tab.hover_cell(10, row, col)
    expect(tab.card).to_have_attribute("data-row", str(row))
    expect(tab.card).to_have_attribute("data-col", str(col))
    count, share, cosine, top = describe(cell)
    for text in (count, share, cosine, "Feature inversion", f"Row {row + 1}, column {col + 1}"):
        expect(tab.card).to_contain_text(text)
    expect(tab.card.locator(".bars .name").first).to_have_text(top)
    expect(tab.card.get_by_text("by activation")).to_be_visible()
    wait_until_painted(tab.card.get_by_role("img", name="Icon of the cell"))
    patches = tab.card.locator(".patch")
    expect(patches).to_have_count(6)
    for patch in patches.all():
        wait_until_painted(patch)
    box = tab.map.bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + 3, box["y"] + 3)
    expect(tab.card).to_have_count(0)


def test_the_keyboard_moves_a_cursor_pins_and_unpins(valid_log_by_loader: str, tab: Tab) -> None:
    tab.open(valid_log_by_loader, standalone=True, **WARM)
    tab.press_keys("ArrowDown")
    expect(tab.card).to_be_visible()
    first = _read_cell(tab)
    tab.press_keys("ArrowRight")
    expect(tab.card).not_to_have_attribute("data-col", first[1])
    assert _read_cell(tab)[0] == first[0]
    spoken = tab.app.locator("[role=status]")
    expect(spoken).to_contain_text(f"row {int(first[0]) + 1}, column")
    tab.press_keys("Enter")
    expect(tab.inspector).to_contain_text("Nearest real patches")
    tab.press_keys("Escape")
    expect(tab.inspector).to_have_count(0)
    expect(tab.card).to_have_count(0)


def _read_cell(tab: Tab) -> tuple[str, str]:
    row, col = (tab.card.get_attribute(f"data-{name}") for name in ("row", "col"))
    assert row is not None
    assert col is not None
    return row, col


def test_a_click_pins_a_cell(valid_log: str, tab: Tab) -> None:
    tab.open(valid_log, standalone=True, **WARM)
    (cell, row, col), (_, row2, col2) = find_largest_cells(2)
    x, y, _ = tab.locate_cell(10, row, col)
    tab.page.mouse.click(x, y)
    where = f"Row {row + 1}, column {col + 1} of 10 \u00d7 10"
    expect(tab.inspector).to_contain_text(where)
    expect(tab.inspector).to_contain_text(describe(cell)[0])
    buttons = tab.inspector.get_by_role("button", name="Patch of image")
    expect(buttons).to_have_count(12)
    for button in buttons.all():
        wait_until_painted(button)
    buttons.first.click()
    expect(tab.inspector.locator("figcaption")).to_contain_text("image ")
    wait_until_painted(tab.inspector.locator(".whole"))

    tab.hover_cell(10, row2, col2)
    expect(tab.card).to_be_visible()
    expect(tab.inspector).to_contain_text(where)
    tab.press_keys(",")
    tab.wait_for_step(1600)
    expect(tab.inspector).to_contain_text("step 1,600")
    tab.inspector.get_by_role("button", name="Unpin").click()
    expect(tab.inspector).to_have_count(0)


def test_the_inspector_does_not_cover_the_pinned_cell(valid_log: str, tab: Tab) -> None:
    """With pointer and keys, and if the whole map is shown."""
    tab.open(valid_log, standalone=True, **WARM, grid=10, z=1.6)
    grid = make_valid_atlas("layer3", STEP).grids[0]
    last = int(np.argmax(grid.cols))
    row, col = int(grid.rows[last]), int(grid.cols[last])
    x, y, side = tab.locate_cell(10, row, col)
    box = tab.map.bounding_box()
    assert box is not None
    edge = box["x"] + box["width"] - 344
    assert x > edge, "not where the inspector will be"
    tab.page.mouse.click(x, y)
    expect(tab.inspector).to_be_visible()
    tab.wait_until_still()
    assert tab.locate_cell(10, row, col)[0] + side / 2 < edge
    for _ in range(int(grid.cols.max() - grid.cols.min())):
        tab.press_keys("ArrowLeft")
    tab.wait_until_still()
    tab.press_keys("End")
    tab.wait_until_still()
    right = max(int(at) for at in grid.cols[grid.rows == row])
    assert tab.locate_cell(10, row, right)[0] + side / 2 < edge
    tab.press_keys("0")
    tab.wait_until_still()
    places = [
        tab.locate_cell(10, int(r), int(c)) for r, c in zip(grid.rows, grid.cols, strict=True)
    ]
    assert max(x + side / 2 for x, _, side in places) < edge
    assert min(x - side / 2 for x, _, side in places) > box["x"]


def test_patches_are_cut_from_the_logged_images(valid_log: str, tab: Tab) -> None:
    """Probe images have the color of their class, so the patches of a pure cell have it too."""
    tab.open(valid_log, standalone=True, **WARM)
    atlas = make_valid_atlas("layer3", STEP)
    labels = atlas.samples.labels
    assert labels is not None
    grid = atlas.grids[0]
    cell, row, col = next(
        (cell, row, col)
        for cell, row, col in find_largest_cells(20)
        if len(set(labels[grid.members(cell)])) == 1
    )
    tab.hover_cell(10, row, col)
    expect(tab.card.get_by_text("by activation")).to_be_visible()
    for name in (".big-icon", ".patch"):
        wait_until_painted(tab.card.locator(name).first)
    icon, patch = (
        tab.card.locator(name)
        .locator("canvas")
        .first.evaluate(
            """canvas => {
              const {width, height} = canvas;
              const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
              const sums = [0, 0, 0];
              data.forEach((value, i) => { if (i % 4 < 3) sums[i % 4] += value; });
              return sums.map((sum) => sum / (width * height));
            }"""
        )
        for name in (".big-icon", ".patch")
    )
    ratio = np.array(patch) / np.array(icon)
    assert np.abs(ratio / ratio.mean() - 1).max() < 0.15, (cell, icon, patch)
