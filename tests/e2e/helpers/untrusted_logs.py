# SPDX-License-Identifier: Apache-2.0
"""A log with untrusted text in every field, and a page script that detects injections."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from atlas_tab import Tab
from blob_damage import rewrite_manifest
from browser_logs import make_small_atlas
from synthetic_atlases import make_atlas, make_grid, make_probe_pictures
from synthetic_shortcuts import make_shortcuts
from untrusted_text import TEXTS

from tensorboard_plugin_atlas.atlas import Atlas, ConceptState, Event, Grid, Provenance
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.shortcut_record import LoggedShortcut
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

SIDE = math.ceil(math.sqrt(len(TEXTS)))
"""Cells along each axis of a grid with one cell for each class."""
EACH = 8
STEPS = (0, 7)
ALL = {"run": "all/atlas", "layer": "layer3", "step": 7, "grid": SIDE}
FOUND = 40
EXAMPLES = 12
SENTENCE = 2_000
SETTINGS = 6
"""Number of differing settings that the tab lists."""

MONITOR_SCRIPT = """
window.made = [];
window.planted = (mark) => window.made.push(`ran: ${mark}`);
const hear = (where, text) => {
  if (/planted/.test(text)) window.made.push(`${where}: ${String(text).slice(0, 200)}`);
};
const wrap = (object, name) => {
  const found = object && Object.getOwnPropertyDescriptor(object, name);
  if (found?.set) {
    const set = function (value) { hear(name, value); found.set.call(this, value); };
    Object.defineProperty(object, name, {...found, set});
  } else if (found) {
    object[name] = function (...given) {
      for (const one of given) if (typeof one === 'string') hear(name, one);
      return found.value.apply(this, given);
    };
  }
};
for (const [object, names] of [
  [Element.prototype, 'innerHTML outerHTML insertAdjacentHTML setHTMLUnsafe'],
  [ShadowRoot.prototype, 'innerHTML setHTMLUnsafe'],
  [Document.prototype, 'write writeln createElement createElementNS'],
  [Range.prototype, 'createContextualFragment'],
  [DOMParser.prototype, 'parseFromString'],
  [HTMLIFrameElement.prototype, 'srcdoc src'],
  [HTMLScriptElement.prototype, 'src text'],
  [HTMLAnchorElement.prototype, 'href'],
  [HTMLImageElement.prototype, 'src'],
]) for (const name of names.split(' ')) wrap(object, name);
const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (/^on|^(href|src|srcdoc|style|action|formaction|xlink:href)$/i.test(name)) hear(name, value);
  return setAttribute.call(this, name, value);
};
// Exposes the session, for tests that change the state a hundred times.
customElements.whenDefined('atlas-map').then(({prototype}) => {
  const {set} = Object.getOwnPropertyDescriptor(prototype, 'session');
  Object.defineProperty(prototype, 'session', {
    get() { return this.led; },
    set(session) { this.led = session; set.call(this, session); },
  });
});
"""

FIND_UNKNOWN_ELEMENTS = """(app, known) => {
  const strays = [];
  const walk = (root) => {
    for (const one of root.querySelectorAll('*')) {
      if (!known.includes(one.localName)) strays.push(one.localName);
      for (const {name, value} of one.attributes) {
        if (/^on/i.test(name) || /^\\s*javascript:/i.test(value) && /href|src/.test(name))
          strays.push(`${one.localName} ${name}`);
      }
      if (one.shadowRoot) walk(one.shadowRoot);
    }
  };
  walk(app.shadowRoot);
  return strays;
}"""

_SOURCES = Path(__file__).parents[3] / "frontend" / "src"
_NEVER_USED = {
    "img",
    "script",
    "iframe",
    "object",
    "embed",
    "link",
    "meta",
    "base",
    "style",
    "math",
}


def read_known_tags() -> list[str]:
    """Returns the names of the elements in the tab's templates."""
    templates = "\n".join(path.read_text(encoding="utf-8") for path in _SOURCES.rglob("*.ts"))
    written = set(re.findall(r"</?([a-z][a-z0-9-]*)[\s>/]", templates)) | {"canvas"}
    return sorted(written - _NEVER_USED)


def find_injections(tab: Tab) -> list[str]:
    """Returns all scripts, markup and elements that text of the log caused, in any frame."""
    heard = [one for frame in tab.page.frames for one in frame.evaluate("window.made ?? []")]
    return heard + list(tab.app.evaluate(FIND_UNKNOWN_ELEMENTS, read_known_tags()))


def to_folder_name(text: str, number: int) -> str:
    """Returns the text as a valid folder name, with a number if it is not valid or not unique."""
    name = text.replace("/", "\u2044").replace("\0", "")
    name = name.encode("utf-8", "ignore")[:180].decode("utf-8", "ignore")
    return name if name not in ("", ".", "..", "all", "lies", "plain") else f"{number}{name}"


def to_layer_name(text: str) -> str:
    """Returns the text as a valid part of a tag."""
    return text.encode("utf-8", "replace").decode()


FOLDERS = tuple(to_folder_name(text, number) for number, text in enumerate(TEXTS))
LAYERS = tuple(to_layer_name(text) for text in TEXTS)


def extra_settings(number: int) -> dict[str, str]:
    """Returns the additional settings of a run."""
    return {TEXTS[(number + i) % len(TEXTS)] or "empty": TEXTS[number] for i in range(SETTINGS)}


def write_untrusted_log(directory: Path) -> int:
    """Writes a run with all texts in each field, one for each text, a damaged and a plain run."""
    _write_all(directory / "all" / CHILD_RUN)
    for number, (folder, layer) in enumerate(zip(FOLDERS, LAYERS, strict=True)):
        atlas = _with_texts(make_small_atlas(7, layer), number)
        sink = EventSink(directory / folder / CHILD_RUN)
        sink.write(layer_tag(layer), encode_atlas(atlas), 7)
        sink.close()
    sink = EventSink(directory / "lies" / CHILD_RUN)
    blobs_of_atlas = encode_atlas(make_small_atlas(0, "layer3"))
    for step, text in enumerate(TEXTS):
        blobs = rewrite_manifest(
            blobs_of_atlas, lambda document, text=text: document.update(kind=text)
        )
        sink.write(layer_tag("layer3"), blobs, step)
    sink.close()
    sink = EventSink(directory / "plain" / CHILD_RUN)
    sink.write(layer_tag("layer3"), encode_atlas(make_small_atlas(7, "layer3")), 7)
    sink.close()
    return len(STEPS) + 2 * len(TEXTS) + 1


def _with_texts(atlas: Atlas, number: int) -> Atlas:
    text = TEXTS[number]
    provenance = dataclasses.replace(
        atlas.provenance,
        settings={**atlas.provenance.settings, **extra_settings(number)},
        model=text,
        versions={text: text},
        layer_info={**atlas.provenance.layer_info, text: text},
        notes=(text,) * 3,
    )
    return atlas.replace(provenance=provenance)


def _write_all(folder: Path) -> None:
    sink = EventSink(folder)
    probe = make_probe_pictures(len(TEXTS) * EACH)
    sink.write(PROBE_TAG, encode_probe(dataclasses.replace(probe, classes=TEXTS)), step=0)
    for number, step in enumerate(STEPS, start=1):
        blobs = encode_atlas(make_untrusted_atlas(step, number))
        sink.write(layer_tag("layer3"), blobs, step)
        record = dataclasses.replace(
            make_shortcuts(step, found=FOUND, steps=STEPS),
            classes=TEXTS,
            images=len(TEXTS) * EACH,
        )
        found = tuple(_set_classes(one, i, number) for i, one in enumerate(record.found))
        sink.write(
            shortcuts_tag("layer3"),
            encode_shortcuts(dataclasses.replace(record, found=found)),
            step,
        )
    sink.close()


def shortcut_targets(number: int) -> list[int]:
    """Returns the target classes of the shortcuts of a step."""
    return [(FOUND * number + i) % len(TEXTS) for i in range(FOUND)]


def _set_classes(one: LoggedShortcut, index: int, number: int) -> LoggedShortcut:
    examples = tuple(
        dataclasses.replace(one.examples[0], before=(EXAMPLES * index + i) % len(TEXTS))
        for i in range(EXAMPLES)
    )
    return dataclasses.replace(one, target=shortcut_targets(number)[index], examples=examples)


def make_untrusted_atlas(step: int, sequence: int) -> Atlas:
    """Returns an atlas in which each text is a class with its own cell, concept and event."""
    count = len(TEXTS)
    atlas = make_atlas(
        step, samples=count * EACH, classes=TEXTS, grids=(SIDE,), tile=8, sequence=sequence
    )
    labels = np.repeat(np.arange(count), EACH).astype(np.int32)
    positions = np.stack([labels % SIDE, labels // SIDE], axis=1)
    xy = ((positions + 0.5) / SIDE).astype(np.float32)
    samples = dataclasses.replace(
        atlas.samples,
        xy=xy,
        labels=labels,
        predictions=((labels + 1) % count).astype(np.int32),
        clamped=np.zeros(len(labels), bool),
        concepts=labels,
    )
    provenance = Provenance(
        settings={**atlas.provenance.settings, **{text or "empty": text for text in TEXTS}},
        probe=atlas.provenance.probe,
        model=TEXTS[0],
        versions={text: text for text in TEXTS},
        layer_info={**atlas.provenance.layer_info, **{text: text for text in TEXTS}},
        notes=TEXTS,
    )
    return atlas.replace(
        samples=samples,
        grids=(_add_attribution(make_grid(SIDE, xy, labels, 8, 1), count),),
        quality=dataclasses.replace(atlas.quality, clamped=0),
        provenance=provenance,
        concepts=tuple(
            ConceptState(id=i, name=text[:SENTENCE], size=EACH, born=0, top_class=i, top_share=1)
            for i, text in enumerate(TEXTS)
        ),
        events=tuple(_event(i, text) for i, text in enumerate(TEXTS)) if step else (),
    )


def _event(number: int, text: str) -> Event:
    kinds: Any = ("born", "merges", "splits", "dies")
    return Event(
        kind=kinds[number % 4],
        text=text[:SENTENCE],
        score=float(number),
        confidence=0.5,
        before_step=STEPS[0],
        before=(number,),
        after=(number,),
        cell=(SIDE, number // SIDE, number % SIDE),
    )


def _add_attribution(grid: Grid, classes: int) -> Grid:
    """Adds attribution that is largest for the class after that of the cell."""
    attribution = np.full((len(grid.rows), classes), -0.25, np.float32)
    cells = np.arange(len(grid.rows))
    attribution[cells, (cells + 1) % classes] = 1
    return dataclasses.replace(grid, attribution=attribution)
