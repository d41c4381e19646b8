# SPDX-License-Identifier: Apache-2.0
"""Class-balanced sampling from known labels and from a stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import ConcatDataset, Subset

from tensorboard_plugin_atlas.compute.probe.balanced_sampling import (
    BalancedReservoir,
    choose_evenly,
    find_labels,
)

sizes_and_count = st.tuples(
    st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 90)
)


def shares(sizes: list[int], count: int) -> list[int]:
    """Reference: gives one item at a time to the class with the fewest."""
    given_out = [0] * len(sizes)
    for _ in range(min(count, sum(sizes))):
        open_classes = [i for i, size in enumerate(sizes) if given_out[i] < size]
        given_out[min(open_classes, key=lambda i: given_out[i])] += 1
    return sorted(given_out)


@given(sizes_and_count)
def test_the_choice_is_balanced(case):
    sizes, count = case
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chosen = choose_evenly(labels, count, np.random.default_rng(0))
    assert (np.diff(chosen) > 0).all()
    counts = np.bincount(labels[chosen], minlength=len(sizes))
    assert sorted(counts.tolist()) == shares(sizes, count)


@given(sizes_and_count)
def test_the_reservoir_is_balanced(case):
    sizes, count = case
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    reservoir: BalancedReservoir[int] = BalancedReservoir(count, np.random.default_rng(0))
    for index, label in enumerate(labels):
        reservoir.add(index, int(label), int(label))
    kept = reservoir.items()
    assert [index for index, _ in kept] == sorted(index for index, _ in kept)
    assert all(labels[index] == item for index, item in kept)
    counts = np.bincount([item for _, item in kept], minlength=len(sizes))
    assert sorted(counts.tolist()) == shares(sizes, count)


def test_the_reservoir_keeps_early_and_late_items_equally():
    kept = np.zeros(40)
    for seed in range(2000):
        reservoir: BalancedReservoir[None] = BalancedReservoir(10, np.random.default_rng(seed))
        for index in range(40):
            reservoir.add(index, 0, None)
        kept[[index for index, _ in reservoir.items()]] += 1
    # 2000 draws at chance 1/4: mean 500, standard deviation 19.4; five of them either way.
    assert kept.min() > 403
    assert kept.max() < 597


class Data:
    def __init__(self, length, **attributes):
        self.length = length
        vars(self).update(attributes)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        raise AssertionError("labels must be found without reading")


@pytest.mark.parametrize(
    ("data", "labels"),
    [
        (Data(3, targets=[2, 0, 1]), [2, 0, 1]),
        (Data(3, labels=np.array([2, 0, 1])), [2, 0, 1]),
        (Data(3, _labels=[2, 0, 1]), [2, 0, 1]),
        (Subset(Data(3, targets=[2, 0, 1]), [2, 2, 0]), [1, 1, 2]),
        (ConcatDataset([Data(1, targets=[7]), Data(2, labels=[8, 9])]), [7, 8, 9]),
        (Data(3, dataset=Data(3, targets=[2, 0, 1])), [2, 0, 1]),
        (ConcatDataset([Data(1, targets=[7]), Data(2)]), None),
        (Data(3, targets=[2, 0]), None),
        (Data(3, targets=["a", "b", "c"]), None),
        (Data(2, targets=[[1, 2], [3]]), None),
        (Data(2, labels=lambda: [1, 2]), None),
        (Data(2), None),
        (object(), None),
    ],
)
def test_labels_are_found_without_reading_images(data, labels):
    found = find_labels(data)
    assert labels == (None if found is None else found.tolist())
