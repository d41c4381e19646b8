# SPDX-License-Identifier: Apache-2.0
"""Concepts that two atlases share, found through their shared samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.atlas import IntArray

MIN_JACCARD: Final = 0.2
"""Smallest Jaccard index of shared concepts. Concepts of 5 % of the samples have .03 by chance."""


@dataclass(frozen=True, kw_only=True)
class SharedConcept:
    """A concept of `a` and the concept of `b` that contains most of its samples.

    Attributes:
        a: Id of the concept in `a`.
        b: Id of the concept in `b`.
        size_a: Number of its samples in `a`, among the shared samples.
        size_b: Number of its samples in `b`, among the shared samples.
        both: Number of samples in both.
    """

    a: int
    b: int
    size_a: int
    size_b: int
    both: int

    @property
    def jaccard(self) -> float:
        """Number of samples in both divided by the number in either."""
        return self.both / (self.size_a + self.size_b - self.both)


@dataclass(frozen=True, kw_only=True)
class ConceptDiff:
    """Concepts of two atlases, matched one to one.

    Attributes:
        shared: Concepts of both, best match first.
        only_a: Id of each unmatched concept of `a` -> number of its samples.
        only_b: Id of each unmatched concept of `b` -> number of its samples.
        agreement: Fraction of the shared samples that are in both concepts of a match.
    """

    shared: tuple[SharedConcept, ...]
    only_a: dict[int, int]
    only_b: dict[int, int]
    agreement: float


def match_concepts(a: IntArray, b: IntArray) -> ConceptDiff:
    """Matches concepts by the Jaccard index of their samples, best first.

    Args:
        a: (R,) concept of each shared sample in the first atlas, -1 for none.
        b: (R,) the same for the second atlas.
    """
    ids_a, sizes_a = np.unique(a[a >= 0], return_counts=True)
    ids_b, sizes_b = np.unique(b[b >= 0], return_counts=True)
    known = (a >= 0) & (b >= 0)
    both = np.zeros((len(ids_a), len(ids_b)), np.intp)
    np.add.at(both, (np.searchsorted(ids_a, a[known]), np.searchsorted(ids_b, b[known])), 1)
    jaccard = both / np.maximum(sizes_a[:, None] + sizes_b - both, 1)
    shared: dict[int, SharedConcept] = {}
    taken: set[int] = set()
    for cell in np.argsort(-jaccard, axis=None, kind="stable").tolist():
        row, column = divmod(cell, max(len(ids_b), 1))
        if jaccard[row, column] < MIN_JACCARD:
            break
        if row in shared or column in taken:
            continue
        taken.add(column)
        shared[row] = SharedConcept(
            a=int(ids_a[row]),
            b=int(ids_b[column]),
            size_a=int(sizes_a[row]),
            size_b=int(sizes_b[column]),
            both=int(both[row, column]),
        )
    rest_a = [row for row in range(len(ids_a)) if row not in shared]
    rest_b = [column for column in range(len(ids_b)) if column not in taken]
    return ConceptDiff(
        shared=tuple(shared.values()),
        only_a={int(ids_a[row]): int(sizes_a[row]) for row in rest_a},
        only_b={int(ids_b[column]): int(sizes_b[column]) for column in rest_b},
        agreement=sum(one.both for one in shared.values()) / max(len(a), 1),
    )
