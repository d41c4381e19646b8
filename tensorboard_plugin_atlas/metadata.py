# SPDX-License-Identifier: Apache-2.0
"""Names that the writer, the reader and the plugin agree on. Knows nothing of HTTP or torch."""

from __future__ import annotations

import enum
import re
from typing import Final

PLUGIN_NAME: Final = "atlas"
"""TensorBoard's name for us: route prefix, hash of the tab, key of `--samples_per_plugin`."""

WIRE_VERSION: Final = 1
"""Version of manifests and blobs. Readers refuse a newer one and keep reading every older one."""

CHILD_RUN: Final = "atlas"
"""Atlases go to `<log_dir>/atlas`: an event file beside the user's own freezes their scalars."""

DEFAULT_KEPT_STEPS: Final = 200
"""Steps per layer that TensorBoard keeps unless told otherwise (its own default would be 10)."""

PROBE_TAG: Final = "probe"

_SHORTCUTS: Final = "shortcuts/"

_FIRST: Final = "first/"
"""Before the tag of what belongs to the first atlas of a series.

TensorBoard keeps a random part of the steps of each tag. It always keeps the last one; the first is
safe only under a tag of its own. All records of one step must have it or lack it alike: tags with
the same steps keep the same ones.
"""


class Edition(enum.Enum):
    """How far the atlas of a step has come; each edition has tags of its own, and steps that rise.

    Values are the prefixes of the tags. A draft has everything but its icons, which are real
    patches: it is logged before they are drawn. A refined atlas has finer icons, drawn later.
    """

    DRAFT = "draft/"
    LOGGED = "layer/"
    REFINED = "refined/"


# TensorBoard's data server cannot read back a blob whose tag JSON would have to escape.
_UNREADABLE: Final = re.compile(r'["\\%\x00-\x1f]')
_ESCAPED: Final = re.compile("%([0-9a-f]{2})")


REFINED_FOLDER: Final = "refined"
"""Refined atlases of `<log_dir>/atlas` go to `<log_dir>/atlas/refined/0001` and so on."""

BACKWARDS_FOLDER: Final = "backwards"
"""Atlases of `<log_dir>/atlas` that `relayout` laid out again go to `<log_dir>/atlas/backwards`."""

CLASSES_FOLDER: Final = "classes"
"""Atlases of classes that were made later for `<log_dir>/atlas` go to `<log_dir>/atlas/classes`."""

_REFINED_RUN: Final = re.compile(
    rf"(?:(?P<home>.+)/)?{REFINED_FOLDER}/(?P<number>[0-9]{{4,9}})", re.DOTALL
)


def layer_tag(layer: str, edition: Edition = Edition.LOGGED, sequence: int | None = None) -> str:
    """Returns the summary tag of an edition of the atlases of `layer`.

    Args:
        layer: The layer.
        edition: Which edition.
        sequence: Running number of the atlas; the first one has a tag of its own. None for the tag
            of all others.
    """
    return (_FIRST if sequence == 1 else "") + edition.value + _escaped(layer)


def shortcuts_tag(layer: str, sequence: int | None = None) -> str:
    """Returns the summary tag of the shortcuts that `layer` sees; `sequence` is the atlas's."""
    return (_FIRST if sequence == 1 else "") + _SHORTCUTS + _escaped(layer)


def layer_of_shortcuts(tag: str) -> str | None:
    """Returns the layer whose shortcuts stand under `tag`, or None for any other tag."""
    tag = tag.removeprefix(_FIRST)
    return _unescaped(tag[len(_SHORTCUTS) :]) if tag.startswith(_SHORTCUTS) else None


def layer_of_tag(tag: str) -> str | None:
    """Returns the layer one or all of whose finished atlases stand under `tag`, else None."""
    layer, edition = edition_of_tag(tag) or (None, None)
    return layer if edition is Edition.LOGGED else None


def edition_of_tag(tag: str) -> tuple[str, Edition] | None:
    """Returns the layer and edition that `tag` belongs to, or None for a tag of no layer's."""
    tag = tag.removeprefix(_FIRST)
    for edition in Edition:
        if tag.startswith(edition.value):
            return _unescaped(tag[len(edition.value) :]), edition
    return None


def _escaped(layer: str) -> str:
    return _UNREADABLE.sub(lambda found: f"%{ord(found[0]):02x}", layer)


def _unescaped(name: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)


def refined_run(home: str, number: int) -> str:
    """Returns the run that refined atlases of the run `home` go to, the `number`-th time."""
    name = f"{REFINED_FOLDER}/{number:04d}"
    return name if home in ("", ".") else f"{home}/{name}"


def home_of_run(run: str) -> tuple[str, int] | None:
    """Returns which run the run of refined atlases belongs to and its number, or None."""
    found = _REFINED_RUN.fullmatch(run)
    return None if found is None else (found["home"] or ".", int(found["number"]))


def backwards_run(home: str) -> str:
    """Returns the run that atlases of the run `home` go to when they are laid out backwards."""
    return BACKWARDS_FOLDER if home in ("", ".") else f"{home}/{BACKWARDS_FOLDER}"


def classes_run(home: str) -> str:
    """Returns the run that atlases of classes go to that are made later for the run `home`."""
    return CLASSES_FOLDER if home in ("", ".") else f"{home}/{CLASSES_FOLDER}"


def home_of_backwards(run: str) -> str | None:
    """Returns which run a run that was laid out backwards belongs to, or None for any other."""
    home, _, name = run.rpartition("/")
    return (home or ".") if name == BACKWARDS_FOLDER else None
