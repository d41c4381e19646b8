# SPDX-License-Identifier: Apache-2.0
"""Names of concepts and sentences about them; class names are hostile text, and cut."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import ConceptState, IntArray

MAX_CLASS_NAME: Final = 24
"""Characters of a class name that a concept's name keeps."""

_LISTED: Final = 4
"""Concepts that a sentence names; the rest are counted."""
_DEVIATIONS: Final = 3.0
"""A class names a group if it holds more of it than chance, by this many standard deviations."""
_ODDS: Final = 2.0
"""The commonest of them has so many times its odds: a large group is sure of trifles."""
_SECOND: Final = 0.6
"""A second class is named where it has at least this much of the first one's share."""
_MIXED: Final = "mixed"
_GROUP: Final = "group"


def name_concept(
    identity: int,
    current: str | None,
    labels: IntArray | None,
    rows: NDArray[np.bool_],
    classes: Sequence[str] | None,
    taken: Collection[str],
) -> str:
    """Returns the name of a concept, such as "cat 2", "cat/dog 1", "mixed 3" or "group 1007".

    A name stays until none of its classes is common any more, so that it can be relied on and never
    misleads: groups of an untrained network get theirs when they come to mean something.

    Args:
        identity: Its id, which names it where there are no labels.
        current: Its name at the step before, None at birth.
        labels: (N,) labels of all samples, or None.
        rows: (N,) bool: its members.
        classes: Names of the classes, or None.
        taken: Names that no new one may equal.
    """
    if labels is None:
        return current or f"{_GROUP} {identity}"
    words = [format_class_name(index, classes) for index in distinctive_classes(labels, rows)]
    if current is not None:
        known = current.rpartition(" ")[0].split("/")
        if not words or set(words) & set(known):
            return current
    stem = "/".join(words) if words else _MIXED
    rank = next(rank for rank in itertools.count(1) if f"{stem} {rank}" not in taken)
    return f"{stem} {rank}"


def distinctive_classes(labels: IntArray, rows: NDArray[np.bool_]) -> list[int]:
    """Returns up to two classes that a group holds far more of than chance, the commonest first."""
    everyone, held = labels[labels >= 0], labels[rows & (labels >= 0)]
    if not len(held):
        return []
    found, count = np.unique(held, return_counts=True)
    base = np.array([(everyone == one).mean() for one in found])
    chance = len(held) * base
    spread = np.sqrt(np.maximum(chance * (1 - base), 1e-9))
    share = count / len(held)
    telling = share * (1 - base) >= _ODDS * base * (1 - share)
    # Where all samples are of one class, that class still names the group.
    sure = ((count - chance) / spread >= _DEVIATIONS) | (base > 1 - 1e-9)
    order = [i for i in np.argsort(-count, kind="stable") if sure[i]]
    if not order or not telling[order[0]]:
        return []
    return [int(found[i]) for i in order[:2] if count[i] >= _SECOND * count[order[0]]]


def format_class_name(index: int, classes: Sequence[str] | None) -> str:
    """Returns a class name fit for a sentence: visible characters, at most 24 of them."""
    if classes is None or not 0 <= index < len(classes):
        return f"class {index}"
    text = " ".join("".join(c if c.isprintable() else " " for c in classes[index][:200]).split())
    text = text.replace("/", "-") or f"class {index}"
    return text if len(text) <= MAX_CLASS_NAME else text[: MAX_CLASS_NAME - 1] + "…"


def describe_event(kind: str, before: Sequence[ConceptState], after: Sequence[ConceptState]) -> str:
    """Says in one sentence what happened, such as "cat/dog 1 (420) split into cat 2 (210) …"."""
    if kind == "splits":
        return f"{_listed(before)} split into {_listed(after)}"
    if kind == "merges":
        return f"{_listed(before)} merged into {_listed(after)}"
    if kind == "born":
        return f"{_listed(after)} came together"
    return f"{_listed(before)} fell apart"


def _listed(states: Sequence[ConceptState]) -> str:
    pieces = [f"{state.name} ({state.size:,})" for state in states[:_LISTED]]
    if len(states) > _LISTED:
        pieces.append(f"{len(states) - _LISTED:,} more")
    return pieces[0] if len(pieces) == 1 else f"{', '.join(pieces[:-1])} and {pieces[-1]}"
