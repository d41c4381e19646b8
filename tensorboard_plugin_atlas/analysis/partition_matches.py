# SPDX-License-Identifier: Apache-2.0
"""Matches the labels of two partitions of the same samples, such as cells or concepts."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray


def match_partitions(
    a: IntArray, b: IntArray, min_jaccard: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Matches labels by shared samples: the best pairs first, each label at most once.

    Args:
        a: (R,) label of each sample in one partition, -1 for none.
        b: (R,) its label in the other partition.
        min_jaccard: Smallest Jaccard index of a pair.

    Returns:
        Labels of `a`, labels of `b` and their Jaccard indices, (P,) each, best first.
    """
    # Labels can be any numbers, so they are counted by their rank.
    labels_a, sizes_a = np.unique(a[a >= 0], return_counts=True)
    labels_b, sizes_b = np.unique(b[b >= 0], return_counts=True)
    both = (a >= 0) & (b >= 0)
    rank_a, rank_b = np.searchsorted(labels_a, a[both]), np.searchsorted(labels_b, b[both])
    width = max(len(labels_b), 1)
    key, shared = np.unique(rank_a * width + rank_b, return_counts=True)
    in_a, in_b = np.divmod(key, width)
    jaccard = shared / (sizes_a[in_a] + sizes_b[in_b] - shared)
    used_a: set[int] = set()
    used_b: set[int] = set()
    found = []
    for i in np.argsort(-jaccard, kind="stable"):
        if jaccard[i] < min_jaccard:
            break
        one_a, one_b = int(in_a[i]), int(in_b[i])
        if one_a not in used_a and one_b not in used_b:
            used_a.add(one_a)
            used_b.add(one_b)
            found.append(i)
    chosen = np.array(found, np.intp)
    return (
        labels_a[in_a[chosen]].astype(np.int32),
        labels_b[in_b[chosen]].astype(np.int32),
        jaccard[chosen].astype(np.float32),
    )
