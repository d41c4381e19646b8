# SPDX-License-Identifier: Apache-2.0
"""Names of concepts and sentences about events."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.concepts.event_sentences import describe_event
from tensorboard_plugin_atlas.analysis.concepts.naming import (
    MAX_CLASS_NAME,
    distinctive_classes,
    format_class_name,
    name_concept,
)
from tensorboard_plugin_atlas.atlas import ConceptState

TEN = np.repeat(np.arange(10, dtype=np.int32), 200)[:, None]
"""Ten classes of two hundred samples, one label each."""
WORDS = tuple("abcdefghij")


def group(*counts: int) -> np.ndarray:
    """A cluster with these numbers of samples of each class."""
    rows = np.zeros(len(TEN), bool)
    for label, count in enumerate(counts):
        rows[label * 200 : label * 200 + count] = True
    return rows


class TestDistinctiveClasses:
    def test_two_classes_if_the_second_is_nearly_as_common(self):
        assert distinctive_classes(TEN, group(3, 60, 50, 40)) == [1, 2]
        assert distinctive_classes(TEN, group(3, 60, 30)) == [1]

    def test_a_small_excess_in_a_large_cluster_is_ignored(self):
        # 70 of 437 are 16 %, four standard deviations above the tenth that chance gives.
        assert distinctive_classes(TEN, group(70, 68, *[37] * 7, 40)) == []
        assert distinctive_classes(TEN, group(90, 40, *[37] * 8)) == [0]

    def test_a_few_samples_are_not_significant(self):
        assert distinctive_classes(TEN, group(1, 1, 1)) == []
        assert distinctive_classes(TEN, group(0)) == []

    def test_a_single_class_is_still_the_name(self):
        rows = np.arange(50) < 20
        assert distinctive_classes(np.full((50, 1), 3, np.int32), rows) == [3]

    def test_samples_without_a_label_are_ignored(self):
        labels = np.where(TEN == 0, -1, TEN).astype(np.int32)
        assert distinctive_classes(labels, group(200, 20)) == [1]

    def test_each_of_several_labels_counts(self):
        # Every sample is also of class 10, and those of class 1 of class 11.
        second = np.where(TEN == 1, 11, -1).astype(np.int32)
        labels = np.concatenate([TEN, np.full_like(TEN, 10), second], axis=1)
        assert distinctive_classes(labels, group(0, 60)) == [1, 11]


class TestNames:
    def test_a_name_is_kept_while_one_of_its_classes_is_common(self):
        assert name_concept(7, "a/b 2", TEN, group(10, 60), WORDS, {"a/b 2"}) == "a/b 2"
        assert name_concept(7, "a/b 2", TEN, group(0, 0, 60), WORDS, {"a/b 2"}) == "c 1"

    def test_without_common_classes_a_concept_is_named_after_the_class_it_supports(self):
        rows = group(*[20] * 10)
        assert name_concept(7, None, TEN, rows, WORDS, set(), supported=[3, 1]) == "supports d 1"
        assert name_concept(7, None, None, rows, WORDS, set(), supported=[3]) == "supports d 1"
        assert name_concept(7, None, TEN, group(0, 60), WORDS, set(), supported=[3]) == "b 1"

    @pytest.mark.parametrize(
        ("current", "supported", "name"),
        [
            ("mixed 4", [3], "supports d 1"),
            ("concept 7", [3], "supports d 1"),
            ("supports d 2", [1, 3], "supports d 2"),
            ("supports d 2", [1, 2], "supports b 1"),
            ("supports d 2", [], "supports d 2"),
            ("a/b 2", [3], "a/b 2"),
            ("mixed 4", [], "mixed 4"),
        ],
    )
    def test_such_a_name_is_kept_while_it_is_true(self, current, supported, name):
        rows = group(*[20] * 10)
        found = name_concept(7, current, TEN, rows, WORDS, {current}, supported=supported)
        assert found == name

    def test_classes_that_become_common_replace_the_class_it_supports(self):
        found = name_concept(7, "supports d 2", TEN, group(0, 60), WORDS, set(), supported=[3])
        assert found == "b 1"

    def test_the_number_is_the_first_unused_one(self):
        assert name_concept(7, None, TEN, group(0, 0, 60), WORDS, {"c 1", "c 2"}) == "c 3"

    def test_unspecific_clusters_are_mixed_and_unlabeled_ones_numbered(self):
        assert name_concept(7, None, TEN, group(*[9] * 10), WORDS, ()) == "mixed 1"
        assert name_concept(7, None, None, group(60), WORDS, ()) == "concept 7"


class TestWords:
    @pytest.mark.parametrize(
        ("name", "word"),
        [
            ("tabby, tabby cat", "tabby, tabby cat"),
            ("a/b", "a-b"),
            ("two\nlines\x1b[31m", "two lines [31m"),
            ("\u202eevil", "evil"),
            ("\n", "class 0"),
        ],
    )
    def test_class_names_are_cleaned(self, name, word):
        assert format_class_name(0, (name,)) == word

    def test_long_names_are_shortened_and_missing_ones_numbered(self):
        assert format_class_name(0, ("x" * 100_000,)) == "x" * (MAX_CLASS_NAME - 1) + "…"
        assert format_class_name(4, ("a",)) == format_class_name(4, None) == "class 4"


def state(name: str, size: int) -> ConceptState:
    return ConceptState(id=1, name=name, size=size, born=0)


class TestSentences:
    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("splits", "a 1 (1,200) split into b 1 (700) and c 1 (500)"),
            ("merges", "a 1 (1,200) merged into b 1 (700) and c 1 (500)"),
            ("born", "b 1 (700) and c 1 (500) were born"),
            ("dies", "a 1 (1,200) ended"),
        ],
    )
    def test_each_kind(self, kind, text):
        assert (
            describe_event(kind, [state("a 1", 1200)], [state("b 1", 700), state("c 1", 500)])
            == text
        )

    def test_many_are_counted(self):
        after = [state(f"{word} 1", 10) for word in WORDS]
        assert describe_event("born", [], after).endswith("c 1 (10), d 1 (10) and 6 more were born")
