# SPDX-License-Identifier: Apache-2.0
"""The fraction of neighbors that two neighborhoods share."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.compute.layout.neighbor_overlap import overlap, share_among


def test_hand_computed_overlap():
    before = np.array([[1, 2], [0, 2], [1, 3], [-1, -1], [1, 2]], np.int32)
    now = np.array([[2, 1], [3, 2], [0, 4], [-1, -1], [-1, -1]], np.int32)
    np.testing.assert_allclose(overlap(now, before), [1, 0.5, 0, 0, 0])


def test_overlap_of_unequal_neighborhoods_uses_the_smaller():
    now = np.array([[1, 2, 3]], np.int32)
    assert overlap(now, np.array([[2, 9]], np.int32)).tolist() == [0.5]
    assert overlap(np.empty((1, 0), np.int32), now).tolist() == [1.0]


def test_share_among_a_larger_pool():
    queries = np.array([[1, 2], [3, -1]], np.int32)
    pool = np.array([[9, 2, 1, 7], [3, 4, 5, -1]], np.int32)
    assert share_among(queries, pool).tolist() == [1, 0.5]
