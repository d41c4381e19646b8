# SPDX-License-Identifier: Apache-2.0
"""The stream graph: ribbons of concepts over the timeline, their events, and the table."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from accessibility import audit, save_screenshots
from atlas_tab import Tab, wait_until_painted
from playwright.sync_api import Locator, expect
from stream_logs import MARKUP, STEPS, make_stream_atlases

from tensorboard_plugin_atlas.atlas import Atlas

SHOWN = {"run": "story/atlas", "layer": "layer3"}
STEP = 1000
HERE = STEPS.index(STEP)
INTERIOR = """([path, share]) => {
  // The middle of a ribbon in page pixels, at a share of the width of the graph.
  const {x, y, width, height} = path.ownerSVGElement.viewBox.baseVal;
  const box = path.ownerSVGElement.getBoundingClientRect();
  const at = path.ownerSVGElement.createSVGPoint();
  at.x = x + share * width;
  const inside = [];
  for (at.y = y; at.y <= y + height; at.y += 1) if (path.isPointInFill(at)) inside.push(at.y);
  const middle = inside[Math.floor(inside.length / 2)];
  return [box.left + share * box.width, box.top + ((middle - y) / height) * box.height];
}"""


@pytest.fixture(scope="module")
def atlases() -> Mapping[int, Atlas]:
    return {atlas.step: atlas for atlas in make_stream_atlases()}


def panel(tab: Tab) -> Locator:
    return tab.app.get_by_role("region", name="Concepts over the steps")


def ribbon(tab: Tab, concept: int) -> Locator:
    return panel(tab).locator(f'path[data-id="{concept}"]')


def plot(tab: Tab) -> Locator:
    return panel(tab).get_by_role("application")


def click_ribbon(tab: Tab, concept: int, index: int) -> None:
    """Clicks the middle of a ribbon at the step with `index`."""
    share = index / (len(STEPS) - 1)
    x, y = ribbon(tab, concept).evaluate(f"path => ({INTERIOR})([path, {share}])")
    tab.page.mouse.click(x, y)


def find_largest(atlas: Atlas) -> tuple[int, str, int]:
    """Returns id, name and size of the largest concept."""
    assert atlas.concepts is not None
    largest = max(atlas.concepts, key=lambda one: one.size)
    return largest.id, largest.name, largest.size


def test_a_key_opens_the_graph_and_the_link_keeps_it(
    stream_log: str, tab: Tab, atlases: Mapping[int, Atlas]
) -> None:
    tab.open(stream_log, **SHOWN, step=STEP)
    expect(panel(tab)).to_have_count(0)
    tab.press_keys("g")
    expect(panel(tab)).to_be_visible()
    tab.wait_for_hash(stream="concepts")
    concepts = atlases[STEP].concepts
    change = atlases[STEP].concept_change
    assert concepts is not None
    assert change is not None
    summary = panel(tab).locator(".stream-side > p")
    expect(summary).to_contain_text(f"{len(concepts)} concepts at step 1,000.")
    expect(summary).to_contain_text(f"{100 * change.by_events:.1f}% of the samples changed")
    seen = {one.id for atlas in atlases.values() for one in atlas.concepts or ()}
    # And one ribbon of the samples in no concept.
    expect(panel(tab).locator("path[data-id]")).to_have_count(len(seen) + 1)
    panel(tab).get_by_label("Groups").check()
    tab.wait_for_hash(stream="groups")
    groups = atlases[STEP].concept_groups
    assert groups is not None
    expect(summary).to_contain_text(f"{len(groups)} groups at step 1,000.")
    tab.click_button("Close the stream graph")
    expect(panel(tab)).to_have_count(0)
    tab.wait_for_hash(stream=None)


def test_the_steps_stand_above_the_ticks(stream_log: str, tab: Tab) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=STEP, stream="concepts")
    for width in (1280, 900, 600):
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.settle()
        line = panel(tab).locator(".stream-now")
        tick = tab.app.locator(f'.tick[data-step="{STEP}"]')
        expect(line).to_be_visible()
        tab.page.wait_for_function(
            """([line, tick]) => {
              const middle = (one) => one.getBoundingClientRect().x + one.clientWidth / 2;
              return Math.abs(middle(line) - middle(tick)) < 1.5;
            }""",
            arg=[line.element_handle(), tick.element_handle()],
        )
    tab.page.set_viewport_size({"width": 1280, "height": 800})


def test_a_ribbon_opens_its_step_and_highlights_its_concept(
    stream_log: str, tab: Tab, atlases: Mapping[int, Atlas]
) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=0, stream="concepts")
    concept, name, size = find_largest(atlases[STEP])
    click_ribbon(tab, concept, HERE)
    tab.wait_for_step(STEP)
    pill = tab.app.get_by_label("Highlighted concepts")
    expect(pill).to_contain_text(name)
    expect(pill).to_contain_text(f"{size} samples")
    facts = f"{size} samples, {100 * size / len(atlases[STEP].samples.xy):.1f}% at step 1,000"
    expect(panel(tab).locator(".stream-tip")).to_contain_text(facts)
    expect(panel(tab).locator("path.lit")).to_have_count(1)
    expect(ribbon(tab, concept)).to_have_css("opacity", "1")
    expect(panel(tab).locator("path[data-id]:not(.lit)").first).to_have_css("opacity", "0.2")
    tab.wait_for_hash(lit=f"concept:{concept}")
    # Clicked again, the highlight ends.
    click_ribbon(tab, concept, HERE)
    expect(pill).to_have_count(0)


def test_ribbons_fill_the_graph(stream_log: str, tab: Tab) -> None:
    """At every step and between two, the ribbons cover the height, except for gaps of groups."""
    tab.open(stream_log, standalone=True, **SHOWN, step=0, stream="concepts")
    covered = (
        panel(tab)
        .locator(".stream-plot > svg")
        .first.evaluate(
            """svg => {
          const paths = [...svg.querySelectorAll('path')];
          const {width, height} = svg.viewBox.baseVal;
          const at = svg.createSVGPoint();
          const shares = [];
          for (const share of [0.001, 0.13, 0.32, 0.5, 0.77, 0.999]) {
            at.x = share * width;
            let inside = 0;
            for (at.y = 2; at.y < height; at.y += 5)
              if (paths.some((path) => path.isPointInFill(at))) inside += 1;
            shares.push(inside / (height / 5));
          }
          return shares;
        }"""
        )
    )
    assert min(covered) > 0.88


def test_the_keys_reach_every_ribbon_and_step(
    stream_log: str, tab: Tab, atlases: Mapping[int, Atlas]
) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=0, stream="concepts")
    plot(tab).focus()
    keys = tab.page.keyboard
    for step in STEPS[1:3]:
        keys.press("ArrowRight")
        tab.wait_for_step(step)
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    name = panel(tab).locator(".stream-side .stream-facts strong").text_content()
    concepts = {one.name: one for one in atlases[STEPS[2]].concepts or ()}
    size = concepts[str(name).strip()].size
    expect(tab.app.locator("[role=status]")).to_contain_text(f": {size} samples")
    keys.press("Enter")
    expect(tab.app.get_by_label("Highlighted concepts")).to_contain_text(f"{size} samples")
    # Keys of the map act here, too; the focus returns to the map.
    keys.press("g")
    expect(panel(tab)).to_have_count(0)


def test_marks_of_events_open_them(stream_log: str, tab: Tab, atlases: Mapping[int, Atlas]) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=0, stream="concepts")
    event = max(
        (event for atlas in atlases.values() for event in atlas.events), key=lambda one: one.score
    )
    step = next(step for step, atlas in atlases.items() if event in atlas.events)
    mark = panel(tab).locator(f'.stream-mark[title="Split: {event.text}"]')
    mark.click()
    tab.wait_for_step(step)
    expect(panel(tab).locator("path.lit")).to_have_count(2)
    expect(mark).to_have_class("stream-mark chosen")
    # Only the events of the highlighted concepts are marked.
    own = {*event.before, *event.after}
    related = [
        other
        for atlas in atlases.values()
        for other in atlas.events
        if own & {*other.before, *other.after}
    ]
    assert panel(tab).locator(".stream-mark").count() <= len(related)


def test_the_table_has_the_same_sizes(
    stream_log: str, tab: Tab, atlases: Mapping[int, Atlas]
) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=STEP, stream="concepts")
    panel(tab).get_by_role("button", name="As a table").click()
    concept, name, size = find_largest(atlases[STEP])
    row = panel(tab).get_by_role("row", name=name)
    sizes = [
        {one.id: one.size for one in atlases[step].concepts or ()}.get(concept)
        for step in (0, STEP, STEPS[-1])
    ]
    assert sizes[1] == size
    for cell, wanted in zip(row.locator("td").all(), sizes, strict=False):
        expect(cell).to_contain_text("\u2013" if wanted is None else f"{wanted} ")
    row.get_by_role("button").click()
    expect(tab.app.get_by_label("Highlighted concepts")).to_contain_text(f"{size} samples")
    audit(tab)


def test_untrusted_names_are_text(stream_log: str, tab: Tab) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=STEP, stream="concepts")
    expect(panel(tab).locator(".stream-label", has_text=MARKUP[:20])).to_have_count(1)
    assert panel(tab).locator("img").count() == 0


def test_events_have_samples_icons_and_certainty(
    stream_log: str, tab: Tab, atlases: Mapping[int, Atlas]
) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=STEP, events="on")
    listed = tab.app.get_by_label("Events of this run").and_(tab.app.locator("aside"))
    event = max(
        (event for atlas in atlases.values() for event in atlas.events), key=lambda one: one.score
    )
    item = listed.locator("li").first
    expect(item).to_contain_text(event.text)
    expect(item).to_contain_text(f"{event.samples} samples")
    icons = item.locator(".event-icons .frame-icon")
    expect(icons).to_have_count(len(event.before) + len(event.after))
    for icon in icons.all():
        wait_until_painted(icon)
    sure = [one for atlas in atlases.values() for one in atlas.events if one.confidence >= 0.75]
    expect(listed.locator(".sure")).to_have_count(len(sure))
    expect(listed).to_contain_text("At step 1,000, ")


def test_a_log_without_concepts_shows_a_message(concept_log: str, tab: Tab) -> None:
    tab.open(concept_log, standalone=True, run="bare/atlas", stream="concepts")
    expect(panel(tab)).to_contain_text("Concepts were not tracked in this run.")


def test_the_graph_is_accessible(stream_log: str, tab: Tab) -> None:
    tab.open(stream_log, standalone=True, **SHOWN, step=STEP, stream="concepts", events="on")
    expect(plot(tab)).to_be_visible()
    audit(tab)
    save_screenshots(tab, "stream-graph")
