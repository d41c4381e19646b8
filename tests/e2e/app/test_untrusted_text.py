# SPDX-License-Identifier: Apache-2.0
"""More than a hundred untrusted texts in every text field of a log: each is shown as text.

Every page is monitored for dialogs, reports of the content security policy, script execution, and
markup, elements and attributes that contain text of the log.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from atlas_tab import TIMEOUT_S, VIEWPORT, Tab
from conftest import Serve
from playwright.sync_api import Locator, expect
from untrusted_logs import (
    ALL,
    EXAMPLES,
    FOLDERS,
    FOUND,
    LAYERS,
    MONITOR_SCRIPT,
    SIDE,
    STEPS,
    extra_settings,
    find_injections,
    shortcut_targets,
)
from untrusted_text import TEXTS, format_name

BLANKS = " \t\n\x0b\f\r\xa0\ufeff\u1680\u202f\u205f\u3000\u2028\u2029" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""Characters that JavaScript's `trim` removes."""

VISIT_STATES = """async (map, {states, read}) => {
  const app = map.getRootNode().host;
  const found = [];
  for (const state of states) {
    map.session.store.set(state);
    await app.updateComplete;
    await new Promise((done) => setTimeout(done));
    found.push(Object.fromEntries(Object.entries(read).map(([name, selector]) =>
      [name, [...app.shadowRoot.querySelectorAll(selector)].map((one) => one.textContent)])));
  }
  return found;
}"""
"""Sets one state of the tab after another, and reads the text of some elements in each."""

SVG_ELEMENTS = {
    "svg",
    "rect",
    "image",
    "text",
    "path",
    "circle",
    "clipPath",
    "linearGradient",
    "stop",
}
TITLES = "elements => elements.map((one) => one.title)"
TEXT = "elements => elements.map((one) => one.textContent)"


@pytest.fixture
def untrusted_log(serve: Serve) -> str:
    """URL of the log, served by the Python loader, which can read runs with any name."""
    return serve("untrusted", "python-loader")


@pytest.fixture
def monitored_tab(tab: Tab) -> Iterator[Tab]:
    """A page that is checked for injections after the test."""
    tab.page.add_init_script(MONITOR_SCRIPT)
    yield tab
    assert find_injections(tab) == []
    size = tab.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert size[0] <= size[1]


def visit_states(tab: Tab, states: list[dict[str, Any]], **read: str) -> list[dict[str, list[str]]]:
    found: list[dict[str, list[str]]] = tab.map.evaluate(
        VISIT_STATES, {"states": states, "read": read}
    )
    return found


def read_texts(locator: Locator) -> list[str]:
    found: list[str] = locator.evaluate_all(TEXT)
    return found


def trim(text: str) -> str:
    return text.strip(BLANKS)


def in_batches(count: int) -> list[list[int]]:
    """Returns the indices of all texts, in batches of `count`."""
    numbers = range(len(TEXTS))
    return [list(numbers[start : start + count]) for start in range(0, len(TEXTS), count)]


def cell_of(number: int) -> dict[str, int]:
    return {"size": SIDE, "row": number // SIDE, "col": number % SIDE}


def test_there_are_enough_distinct_texts() -> None:
    fields = "run layer model note setting class concept sentence shortcut damage selection address"
    print(f"\n{len(TEXTS)} texts in {len(fields.split())} kinds of fields")
    assert len(set(TEXTS)) == len(TEXTS) >= 60


def test_classes_inside_tensorboard(untrusted_log: str, monitored_tab: Tab) -> None:
    """In the list, legend and strongest cells of the class filter, in the search and the table."""
    tab = monitored_tab
    tab.open(untrusted_log, **ALL, color="class", filter="top:0", show="both")
    tab.press_keys("f")
    options = tab.app.locator("#class-list .name")
    expect(options).to_have_count(100)
    wanted = [format_name(text, 40) or "(no name)" for text in TEXTS]
    assert read_texts(options) == wanted[:100]
    batches = [f"top:{','.join(map(str, batch))}" for batch in in_batches(4)]
    found = visit_states(
        tab,
        [{"filter": batch} for batch in batches],
        legend=".filter-legend strong",
        chips=".chip .name",
    )
    for batch, one in zip(in_batches(4), found, strict=True):
        assert one["chips"] == [format_name(TEXTS[number], 40) for number in batch]
        for number in batch:
            assert format_name(TEXTS[number], 40) in one["legend"][0]
    assert find_injections(tab) == []
    visit_states(tab, [{"filter": "", "filterOpen": False, "finding": True}])
    box = tab.app.get_by_role("combobox", name="Find", exact=True)
    named = {format_name(text or "(no name)", 60) for text in TEXTS}
    for text in (*TEXTS[:6], "layer3", "planted", "x", "\u0130"):
        box.fill(text[:1000].lower())
        expect(tab.app.locator("#find-list li").first).to_be_visible()
        names = read_texts(tab.app.locator("#find-list [data-kind=class] .name"))
        assert names
        assert set(names) <= named
    box.press("Escape")
    tab.press_keys("t")
    tops: set[str] = set()
    for page in itertools.count():
        rows = tab.app.locator(".cell-table tbody tr")
        expect(rows.first).to_be_visible()
        tops |= set(read_texts(rows.locator("td:nth-child(6)")))
        onward = tab.app.get_by_role("button", name="Next", exact=True)
        if onward.is_disabled():
            break
        onward.click()
        expect(tab.app.locator(".pager .number")).to_contain_text(f"{50 * (page + 1) + 1}\u2013")
    assert tops == {format_name(text, 40) for text in TEXTS}


def test_cells_and_concepts(untrusted_log: str, monitored_tab: Tab) -> None:
    """In the inspector, film strip, card and highlight of each cell."""
    tab = monitored_tab
    tab.open(untrusted_log, standalone=True, **ALL)
    tab.press_keys("ArrowRight")
    expect(tab.card.locator(".bars .name")).to_have_count(1)
    tab.press_keys("Enter")
    expect(tab.inspector.locator(".film h3")).to_be_visible()
    expect(tab.inspector.locator(".attribution .bars")).to_have_count(2)
    found = visit_states(
        tab,
        [{"pinned": cell_of(number)} for number in range(len(TEXTS))],
        names=".inspector .bars .name",
        concept=".inspector .concepts .name",
        film=".inspector .film h3",
        place=".inspector .position",
    )
    for number, (text, one) in enumerate(zip(TEXTS, found, strict=True)):
        after = TEXTS[(number + 1) % len(TEXTS)]
        assert one["names"][0] == format_name(text, 40)
        assert trim(one["names"][1]) in (trim(format_name(after, 40)), "(no name)")
        assert one["concept"] == [format_name(text[:2000], 60)]
        assert one["film"] == [f"{format_name(text[:2000], 40)} over the steps"]
        assert f"column {number % SIDE + 1} of" in one["place"][0]
    found = visit_states(
        tab,
        [
            {"pinned": None, "highlight": {"ids": [i], "name": "", "event": None}}
            for i in range(len(TEXTS))
        ],
        lit=".highlight-pill strong",
    )
    assert [one["lit"] for one in found] == [[format_name(text[:2000], 60)] for text in TEXTS]


def test_events_and_shortcuts(untrusted_log: str, monitored_tab: Tab) -> None:
    tab = monitored_tab
    tab.open(untrusted_log, standalone=True, **ALL, events="on")
    tab.app.get_by_role("button", name="Show all").click()
    sentences = tab.app.locator(".event-items .event-text")
    expect(sentences).to_have_count(len(TEXTS))
    assert set(read_texts(sentences)) == {format_name(text[:400], 240) for text in TEXTS}
    tab.app.locator(".event").first.click()
    tab.settle()
    for number, step in reversed(list(enumerate(STEPS, start=1))):
        tab.page.goto("about:blank")
        tab.open(untrusted_log, standalone=True, **{**ALL, "step": step}, shortcut="all")
        for summary in tab.app.locator(".shortcuts details:not([open]) summary").all():
            summary.click()
        entries = tab.app.locator(".shortcuts [data-shortcut]")
        expect(entries).to_have_count(FOUND)
        names = [format_name(TEXTS[i], 40) or "(no name)" for i in shortcut_targets(number)]
        assert sorted(read_texts(entries.locator(".event-head strong"))) == sorted(names)
    found = visit_states(
        tab,
        [{"shortcut": str(7 + number)} for number in range(FOUND)],
        pairs=".shortcuts .pairs li span:not(.number)",
    )
    said = {pair.partition(" \u2192 ")[0] for one in found for pair in one["pairs"]}
    assert all(len(one["pairs"]) == EXAMPLES for one in found)
    assert said == {format_name(text, 40) or "(no name)" for text in TEXTS}


def test_runs_layers_and_settings(untrusted_log: str, monitored_tab: Tab) -> None:
    """In menus and legend, with each run selected in turn."""
    tab = monitored_tab
    tab.open(untrusted_log, standalone=True, run="plain/atlas")
    runs = tab.app.get_by_label("Run", exact=True)
    listed = [trim(one) for one in read_texts(runs.locator("option"))]
    names = ["all", "lies", "plain", *FOLDERS]
    assert sorted(listed) == sorted(trim(format_name(name, 60)) for name in names)
    found = tab.map.evaluate(
        """async (map) => {
          const app = map.getRootNode().host;
          const {session} = map;
          const until = async (test) => {
            for (let i = 0; i < 1000 && !test(); i++)
              await new Promise((done) => setTimeout(done, 5));
          };
          const found = [];
          for (const run of session.latestRuns) {
            if (['all/atlas', 'lies/atlas', 'plain/atlas'].includes(run.run)) continue;
            session.chooseRun(run.id);
            await until(() => session.store.state.atlas?.series === run.series[0].id);
            await new Promise((done) => setTimeout(done));
            const root = app.shadowRoot;
            found.push({
              run: run.run,
              layer: root.querySelector('#layer').selectedOptions[0].textContent,
              title: root.querySelector('.provenance')?.title ?? 'none',
              hash: location.hash,
            });
          }
          return found;
        }"""
    )
    assert len(found) == len(TEXTS)
    by_folder = {one["run"].removesuffix("/atlas"): one for one in found}
    for number, text in enumerate(TEXTS):
        one = by_folder[FOLDERS[number]]
        assert trim(one["layer"]) == trim(format_name(LAYERS[number], 60))
        lines = one["title"].split("\n")
        assert lines[0] == f"Model {format_name(text, 80)}, 16 channels"
        assert lines[-3:] == [format_name(text, 200)] * 3
    assert find_injections(tab) == []


def test_settings_that_differ(untrusted_log: str, monitored_tab: Tab) -> None:
    tab = monitored_tab
    tab.open(untrusted_log, standalone=True, run="plain/atlas", compare=";layer3,,plain%2Fatlas")
    for numbers in in_batches(6):
        run, layer = FOLDERS[numbers[0]], LAYERS[numbers[0]]
        tab.map.evaluate(
            """(map, [run, layer]) => {
              const found = map.session.latestRuns.find((one) => one.run === run);
              const series = found.series.find((one) => one.layer === layer);
              map.session.store.set({panes: `${series.id},,${found.id}`});
            }""",
            [f"{run}/atlas", layer],
        )
        wanted = sorted(
            f"{format_name(name, 40)} (not set and" for name in extra_settings(numbers[0])
        )
        deadline = time.monotonic() + TIMEOUT_S
        while not start_with(
            found := sorted(read_texts(tab.app.locator(".not-linked li"))), wanted
        ):
            assert time.monotonic() < deadline, (found, wanted)
            time.sleep(0.05)


def start_with(found: list[str], wanted: list[str]) -> bool:
    """Returns whether every text starts with the wanted one."""
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(one.startswith(start) for one, start in pairs)


def test_reasons_of_damage(untrusted_log: str, monitored_tab: Tab) -> None:
    """The reason of damage quotes the manifest, so it is untrusted text as well."""
    tab = monitored_tab
    tab.ignore_errors("Failed to load resource")
    tab.open(untrusted_log, standalone=True, run="lies/atlas", step=0)
    tab.settle(failure="damaged")
    found = tab.map.evaluate(
        """async (map, count) => {
          const app = map.getRootNode().host;
          const {session} = map;
          const found = [];
          for (let step = 0; step < count; step++) {
            session.chooseStep(step);
            for (let i = 0; i < 1000; i++) {
              const {state} = session.store;
              if (state.step === step && state.stepFailure !== null && !state.busy) break;
              await new Promise((done) => setTimeout(done, 5));
            }
            await app.updateComplete;
            await new Promise((done) => setTimeout(done));
            found.push(app.shadowRoot.querySelector('.message p').textContent);
          }
          return found;
        }""",
        len(TEXTS),
    )
    for text, reason in zip(TEXTS, found, strict=True):
        assert reason.startswith(f'manifest: "kind" is {repr(text)[:60]}, expected one of ')
    note = tab.app.locator(".note .bad")
    expect(note).to_have_text(f"{len(TEXTS)} damaged steps.")
    titles = note.evaluate_all(TITLES)[0].split("\n")
    assert len(titles) == 20


def test_saved_selections(untrusted_log: str, monitored_tab: Tab) -> None:
    """Other pages of the same origin may have written them."""
    tab = monitored_tab
    tab.open(untrusted_log, standalone=True, **ALL)
    for numbers in in_batches(50):
        save = [
            {
                "name": TEXTS[i],
                "layer": TEXTS[i],
                "probe": TEXTS[i],
                "step": 7,
                "of": len(TEXTS) * 8,
                "mark": 0,
                "rows": [i],
            }
            for i in numbers
        ]
        document = json.dumps({"version": 1, "selections": save})
        tab.page.evaluate("text => localStorage.setItem('atlas.selections', text)", document)
        tab.press_keys("k")
        entries = tab.app.get_by_role("list", name="Saved selections").locator("li")
        expect(entries).to_have_count(len(numbers))
        names = [format_name(TEXTS[i], 66) or "Selection" for i in numbers]
        assert read_texts(entries.locator(".name")) == names
        layers = [trim(one) for one in read_texts(entries.locator(".event .muted"))]
        for i, layer in zip(numbers, layers, strict=True):
            assert layer == f"1 sample \u00b7 {format_name(TEXTS[i], 40)} \u00b7 step 7"
        entries.locator(".event").first.click()
        expect(tab.app.get_by_label("Selected samples")).to_be_visible()
        tab.press_keys("k")


def test_links(untrusted_log: str, monitored_tab: Tab) -> None:
    """Every key of the hash gets every text, together and one at a time."""
    tab = monitored_tab
    tab.open(untrusted_log, standalone=True, run="plain/atlas")
    tab.map.evaluate(
        """async (map, texts) => {
          const keys = ('run layer step grid x y z color show compare mode drift map events ' +
            'filter sign view shortcut pins lit __proto__ constructor').split(' ');
          // Lone surrogates cannot be encoded; their replacement must not stop the tab either.
          const spell = (text) => {
            try { return encodeURIComponent(text.slice(0, 900)); } catch { return '%ED%A0%80'; }
          };
          const go = async (given) => {
            const tokens = given.map(([key, text]) => `&p.atlas.${key}=${text}`);
            location.hash = '#atlas' + tokens.join('');
            await new Promise((done) => setTimeout(done));
          };
          for (const text of texts) await go(keys.map((key) => [key, spell(text)]));
          for (const key of keys)
            for (const text of texts.filter((_, i) => i % 12 === 0)) await go([[key, spell(text)]]);
          await go([['run', 'plain%2Fatlas']]);
        }""",
        list(TEXTS),
    )
    tab.page.goto("about:blank")
    tab.open(untrusted_log, standalone=True, run="plain/atlas", filter=TEXTS[0], lit=TEXTS[1])
    expect(tab.legend).to_contain_text("200 samples")


def test_exported_files(untrusted_log: str, monitored_tab: Tab, tmp_path: Path) -> None:
    """SVG files are well formed and contain text only; no field of a CSV file is a formula."""
    tab = monitored_tab
    tab.open(untrusted_log, standalone=True, **ALL, color="class")
    tab.press_keys("e")
    menu = tab.app.get_by_role("complementary", name="Export")
    expect(menu).to_be_visible()

    def save(name: str) -> bytes:
        with tab.page.expect_download() as waited:
            menu.get_by_role("button", name=name).click()
        assert not set(waited.value.suggested_filename) & set("/\\<>:\"'%\0")
        return Path(waited.value.path()).read_bytes()

    rows = list(csv.DictReader(io.StringIO(save("Save cells").decode("utf-8"), newline="")))
    assert {row["top_class"] for row in rows} == {
        escape_csv(format_name(text, 1000)) for text in TEXTS
    }
    fields = [field for row in rows for field in row.values()]
    assert not [one for one in fields if one.strip(BLANKS)[:1] in tuple("=+@\uff1d")]
    unusual = [
        number for number, text in enumerate(TEXTS) if set(text) & set("\0\ufffe\ud800\udcff\x1b&]")
    ]
    for numbers in (unusual[:4], unusual[4:8], unusual[8:12], [0, 2, 8, 16], [17, 30, 31, 33]):
        tab.map.evaluate(
            "(map, filter) => map.session.store.set({filter})", f"top:{','.join(map(str, numbers))}"
        )
        expect(tab.app.locator(".filter-legend strong")).to_be_visible()
        root = ElementTree.fromstring(save("Save SVG"))
        kinds = {one.tag.rpartition("}")[2] for one in root.iter()}
        assert kinds <= SVG_ELEMENTS, kinds
        assert not [key for one in root.iter() for key in one.attrib if key.startswith("on")]


def escape_csv(text: str) -> str:
    """Returns the text as the tab writes it to CSV, so that it is not a formula."""
    return ("'" if text.strip(BLANKS)[:1] in tuple("=+-@\uff1d") else "") + text


def test_the_monitor_detects_injections(untrusted_log: str, tab: Tab) -> None:
    """Without this, the tests above would prove nothing."""
    tab.page.add_init_script(MONITOR_SCRIPT)
    tab.open(untrusted_log, **ALL)
    assert find_injections(tab) == []
    plant = (
        "(app, text) => app.shadowRoot.querySelector('main').insertAdjacentHTML('beforeend', text)"
    )
    tab.app.evaluate(plant, TEXTS[0])
    assert find_injections(tab) == [f"insertAdjacentHTML: {TEXTS[0]}", "img", "img onerror"]
    tab.page.wait_for_timeout(300)
    assert any("CSP violation:" in one for one in tab.console_errors), tab.console_errors
    tab.app.evaluate(
        """app => {
          const link = document.createElement('a');
          link.setAttribute('onclick', 'planted(1)');
          app.shadowRoot.append(link);
          window.planted('by hand');
          alert('heard');
        }"""
    )
    found = find_injections(tab)
    assert "setAttribute: planted(1)" in found or "onclick: planted(1)" in found
    assert "ran: by hand" in found
    assert tab.dialogs == ["heard"]
    tab.dialogs.clear()
    tab.ignore_errors("CSP", "Content Security Policy", "Failed to load resource")


def test_the_page_does_not_become_wider(untrusted_log: str, monitored_tab: Tab) -> None:
    for run in ("all/atlas", f"{FOLDERS[TEXTS.index('x' * 10_000)]}/atlas"):
        monitored_tab.page.goto("about:blank")
        monitored_tab.page.set_viewport_size({"width": 820, "height": 700})
        monitored_tab.open(untrusted_log, standalone=True, run=run, color="class")
        size = monitored_tab.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert size == [820, 700]
    monitored_tab.page.set_viewport_size(VIEWPORT)
