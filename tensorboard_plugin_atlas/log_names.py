# SPDX-License-Identifier: Apache-2.0
"""Names shared by the writer, the reader and the plugin: tags, folders and runs."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

PLUGIN_NAME: Final = "atlas"
"""Plugin name in TensorBoard: route prefix, hash of the tab, key of `--samples_per_plugin`."""

WIRE_VERSION: Final = 4
"""Version of manifests and blobs. Readers reject newer versions and read all older ones."""

CHILD_RUN: Final = "atlas"
"""Folder of the atlases below the log directory.

An event file beside the user's own would make TensorBoard stop reading their scalars.
"""

DEFAULT_KEPT_STEPS: Final = 200
"""Steps per layer that TensorBoard keeps by default (its own default is 10)."""

PROBE_TAG: Final = "probe"

_SHORTCUTS: Final = "shortcuts/"

_FIRST: Final = "first/"
"""Tag prefix of the first atlas of a series and of everything that is logged with it.

TensorBoard keeps a random subset of the steps of each tag. It always keeps the last step; the first
one is only kept under a tag of its own. All records of one step must have the prefix or none:
TensorBoard keeps the same steps for tags with the same steps.
"""


RevisionLabel: TypeAlias = Literal["preliminary", "logged", "refined"]


class Revision(enum.Enum):
    """Revision of the atlas of one step. Each revision has its own tags, with rising steps.

    Values are the tag prefixes of wire version 1. A preliminary atlas shows real patches instead of
    icons; it is logged before the icons are rendered. A refined atlas has icons of higher quality,
    rendered later by `tensorboard-atlas refine`.
    """

    PRELIMINARY = "draft/"  # word-check: ok
    LOGGED = "layer/"
    REFINED = "refined/"

    @property
    def label(self) -> RevisionLabel:
        """Name of the revision in the history route and in listings of a log."""
        return _LABELS[self]


_LABELS: Final[Mapping[Revision, RevisionLabel]] = {
    Revision.PRELIMINARY: "preliminary",
    Revision.LOGGED: "logged",
    Revision.REFINED: "refined",
}


# TensorBoard's data server cannot read blobs if JSON would have to escape their tag.
_UNREADABLE: Final = re.compile(r'["\\%\x00-\x1f]')
_ESCAPE_CODE: Final = re.compile("%([0-9a-f]{2})")


REFINED_FOLDER: Final = "refined"
"""Refined atlases of `<log_dir>/atlas` go to `<log_dir>/atlas/refined/0001` and so on."""

RELAYOUT_FOLDER: Final = "backwards"  # word-check: ok
"""Atlases that `tensorboard-atlas relayout` writes go to this folder of `<log_dir>/atlas`."""

CLASSES_FOLDER: Final = "classes"
"""Class atlases computed after training go to `<log_dir>/atlas/classes`."""

_REFINED_RUN: Final = re.compile(
    rf"(?:(?P<source>.+)/)?{REFINED_FOLDER}/(?P<number>[0-9]{{4,9}})", re.DOTALL
)


def layer_tag(layer: str, revision: Revision = Revision.LOGGED, sequence: int | None = None) -> str:
    """Returns the summary tag of the atlases of `layer`.

    Args:
        layer: Dotted module name.
        revision: Revision of the atlas.
        sequence: Number of the atlas in its series; 1 has its own tag. None means any other.
    """
    return (_FIRST if sequence == 1 else "") + revision.value + _escape(layer)


def shortcuts_tag(layer: str, sequence: int | None = None) -> str:
    """Returns the summary tag of the shortcuts of `layer`; `sequence` as for the atlas."""
    return (_FIRST if sequence == 1 else "") + _SHORTCUTS + _escape(layer)


def layer_of_shortcuts(tag: str) -> str | None:
    """Returns the layer of a tag of shortcuts, or None for any other tag."""
    tag = tag.removeprefix(_FIRST)
    return _unescape(tag[len(_SHORTCUTS) :]) if tag.startswith(_SHORTCUTS) else None


def layer_of_tag(tag: str) -> str | None:
    """Returns the layer of a tag of logged atlases, or None for any other tag."""
    layer, revision = revision_of_tag(tag) or (None, None)
    return layer if revision is Revision.LOGGED else None


def revision_of_tag(tag: str) -> tuple[str, Revision] | None:
    """Returns the layer and revision of a tag of atlases, or None for any other tag."""
    tag = tag.removeprefix(_FIRST)
    for revision in Revision:
        if tag.startswith(revision.value):
            return _unescape(tag[len(revision.value) :]), revision
    return None


def _escape(layer: str) -> str:
    return _UNREADABLE.sub(lambda found: f"%{ord(found[0]):02x}", layer)


def _unescape(name: str) -> str:
    return _ESCAPE_CODE.sub(lambda found: chr(int(found[1], 16)), name)


def refined_run(source: str, number: int) -> str:
    """Returns the run of the `number`-th refined atlases of the run `source`."""
    name = f"{REFINED_FOLDER}/{number:04d}"
    return name if source in ("", ".") else f"{source}/{name}"


def parse_refined_run(run: str) -> tuple[str, int] | None:
    """Returns the source run and the number of a run of refined atlases, or None for any other."""
    found = _REFINED_RUN.fullmatch(run)
    return None if found is None else (found["source"] or ".", int(found["number"]))


def relayout_run(source: str) -> str:
    """Returns the run of the atlases of `source` after a relayout."""
    return RELAYOUT_FOLDER if source in ("", ".") else f"{source}/{RELAYOUT_FOLDER}"


def classes_run(source: str) -> str:
    """Returns the run of class atlases that are computed later for the run `source`."""
    return CLASSES_FOLDER if source in ("", ".") else f"{source}/{CLASSES_FOLDER}"


def source_of_relayout(run: str) -> str | None:
    """Returns the source run of a relayout, or None for any other run."""
    source, _, name = run.rpartition("/")
    return (source or ".") if name == RELAYOUT_FOLDER else None
