# SPDX-License-Identifier: Apache-2.0
"""Names of concepts; class names are untrusted and shortened."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.printable_text import make_printable
from tensorboard_plugin_atlas.atlas import IntArray

MAX_CLASS_NAME: Final = 24
"""Largest number of characters of a class name in the name of a concept."""

_DEVIATIONS: Final = 3.0
"""Smallest excess of a class over chance, in standard deviations, to name a concept."""
_MIN_ODDS_RATIO: Final = 2.0
"""Smallest odds ratio of the most common class: in large concepts, tiny excesses are certain."""
_MIN_SECOND: Final = 0.6
"""Smallest fraction of a second class, relative to the first, to be part of the name."""
_MIXED: Final = "mixed"
_SUPPORTS: Final = "supports "
_UNLABELED: Final = "concept"


def name_concept(
    identity: int,
    current: str | None,
    labels: IntArray | None,
    rows: NDArray[np.bool_],
    classes: Sequence[str] | None,
    taken: Collection[str],
    max_classes: int = 2,
    supported: Sequence[int] = (),
) -> str:
    """Returns the name of a concept, such as "cat 2", "cat/dog 1", "supports ship 1" or "mixed 3".

    The name states the classes that are much more common in the concept than in general. Without
    any, it states the class that the concept supports most, according to its attribution. A name is
    kept until it is untrue. So names are stable, and concepts of an untrained network get a name
    when they become specific.

    Args:
        identity: Its id, used in the name if there are no labels.
        current: Its name at the previous step, None for a new concept.
        labels: (N, L) labels of all samples, padded with -1, or None.
        rows: (N,) bool: its members.
        classes: Class names, or None.
        taken: Names that a new name must not equal.
        max_classes: Largest number of classes in the name.
        supported: Classes that the concept supports more than other concepts do, strongest first.
    """
    found = [] if labels is None else distinctive_classes(labels, rows, max_classes)
    words = [format_class_name(index, classes) for index in found]
    supports = [_SUPPORTS + format_class_name(index, classes) for index in supported]
    if current is not None and _is_true(current, words, supports):
        return current
    if not words and not supports and labels is None:
        return f"{_UNLABELED} {identity}"
    stem = "/".join(words or supports[:1]) or _MIXED
    rank = next(rank for rank in itertools.count(1) if f"{stem} {rank}" not in taken)
    return f"{stem} {rank}"


def _is_true(current: str, words: Sequence[str], supports: Sequence[str]) -> bool:
    """Whether a name still applies, given what would be named now."""
    named = set(current.rpartition(" ")[0].split("/"))
    if words:
        return not named.isdisjoint(words)
    if supports and named & {_MIXED, _UNLABELED}:
        return False
    if supports and any(name.startswith(_SUPPORTS) for name in named):
        return not named.isdisjoint(supports)
    return True


def distinctive_classes(
    labels: IntArray, rows: NDArray[np.bool_], max_classes: int = 2
) -> list[int]:
    """Returns classes that are much more common than by chance, largest excess first.

    The excess is over the share of the class among all samples, so that a class that is common
    everywhere does not name every concept.

    Args:
        labels: (N, L) labels of all samples, padded with -1.
        rows: (N,) bool: the members.
        max_classes: Largest number of classes.
    """
    is_known = (labels >= 0).any(axis=1)
    known, members = labels[is_known], labels[rows & is_known]
    if not len(members):
        return []
    found, count = np.unique(members[members >= 0], return_counts=True)
    total = np.bincount(known[known >= 0])
    base = total[found] / len(known)
    chance = len(members) * base
    spread = np.sqrt(np.maximum(chance * (1 - base), 1e-9))
    share = count / len(members)
    is_common = share * (1 - base) >= _MIN_ODDS_RATIO * base * (1 - share)
    # If all samples are of one class, this class is still the name.
    is_only = (base > 1 - 1e-9) & (np.count_nonzero(total) == 1)
    significant = ((count - chance) / spread >= _DEVIATIONS) | is_only
    excess = np.where(is_only, count, count - chance)
    order = [i for i in np.argsort(-excess, kind="stable") if significant[i] and is_common[i]]
    return [
        int(found[i]) for i in order[:max_classes] if excess[i] >= _MIN_SECOND * excess[order[0]]
    ]


def format_class_name(index: int, classes: Sequence[str] | None) -> str:
    """Returns a class name with printable characters only, at most 24."""
    if classes is None or not 0 <= index < len(classes):
        return f"class {index}"
    text = make_printable(classes[index].replace("/", "-"), MAX_CLASS_NAME)
    return text or f"class {index}"
