# SPDX-License-Identifier: Apache-2.0
"""Concepts that two atlases share, found through their shared samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.analysis.partition_matches import match_partitions
from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.short_repr import short_repr

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


@short_repr
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
    sizes_a, sizes_b = _count_samples(a), _count_samples(b)
    ids_a, ids_b, _ = match_partitions(a, b, MIN_JACCARD)
    shared = tuple(
        SharedConcept(
            a=one_a,
            b=one_b,
            size_a=sizes_a.pop(one_a),
            size_b=sizes_b.pop(one_b),
            both=int(((a == one_a) & (b == one_b)).sum()),
        )
        for one_a, one_b in zip(ids_a.tolist(), ids_b.tolist(), strict=True)
    )
    return ConceptDiff(
        shared=shared,
        only_a=sizes_a,
        only_b=sizes_b,
        agreement=sum(one.both for one in shared) / max(len(a), 1),
    )


def _count_samples(concepts: IntArray) -> dict[int, int]:
    """Returns the number of samples of each concept, by ascending id."""
    ids, sizes = np.unique(concepts[concepts >= 0], return_counts=True)
    return dict(zip(ids.tolist(), sizes.tolist(), strict=True))
