# SPDX-License-Identifier: Apache-2.0
"""Class names and indices, and the names of series."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.class_lookup import resolve_classes
from tensorboard_plugin_atlas.analysis.class_series import (
    CLASS_ATLAS,
    MAX_NAME_LENGTH,
    Axis,
    ClassAtlas,
    class_atlas_of,
    layer_of_series,
    names_of,
    series_name,
)
from tensorboard_plugin_atlas.atlas import Provenance
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import layer_of_tag, layer_tag

NAMES = ("cat", "dog", "Great Dane", "crane", "crane", "ship")


def test_names_indices_and_pairs_are_resolved_once_each_and_in_order():
    requested = ["dog", ("cat", "dog"), 3, np.int64(3), ["dog", 0], "dog"]
    assert resolve_classes(requested, NAMES, 6) == ((1,), (0, 1), (3,), (1, 0))
    assert resolve_classes((one for one in (2, "ship")), NAMES, 6) == ((2,), (5,))
    assert resolve_classes([0, 999], None, 1000) == ((0,), (999,))


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        ("cat", r"class_atlases='cat': pass a list"),
        (3, r"class_atlases=3: pass a list"),
        (["Dog"], r"no class is named 'Dog'; did you mean 'dog'\?"),
        (["great dame"], r"did you mean 'Great Dane'"),
        (["zzz"], r"choose one of 'cat', 'dog', 'Great Dane', … \(6 in all\)"),
        (["crane"], r"2 classes are named 'crane'; pass an index: 3, 4"),
        ([6], r"6 is not a class; the model has 6 classes: pass 0 to 5"),
        ([-1], r"-1 is not a class"),
        ([True], r"True: pass the name of a class or its index"),
        ([1.5], r"1.5: pass the name"),
        ([None], r"None: pass the name"),
        ([("cat",) * 2], r"names one class twice"),
        ([("cat", 0)], r"names one class twice"),
        ([("cat", "dog", "ship")], r"is not a class or a pair of classes"),
        ([()], r"is not a class or a pair"),
    ],
)
def test_unusable_requests_are_reported(requested, message):
    with pytest.raises(ArgumentError, match=message):
        resolve_classes(requested, NAMES, 6)


def test_without_names_an_index_is_required():
    with pytest.raises(ArgumentError, match=r"have no names; pass classes=\[...\], or an index"):
        resolve_classes(["cat"], None, 10)


def test_a_name_beyond_the_classes_of_the_model_is_rejected():
    with pytest.raises(ArgumentError, match="no class is named 'ship'"):
        resolve_classes(["ship"], NAMES, 3)


def test_names_of_series_are_unique_and_can_be_parsed():
    assert names_of((0, 2), NAMES) == ("cat", "Great Dane")
    assert names_of((3, 4), NAMES) == ("crane (3)", "crane (4)")
    assert names_of((7,), None) == ("7",)
    assert names_of((7,), NAMES) == ("7",)
    assert names_of((0, 1), ("cat / dog", "a · b")) == ("cat/dog", "a·b")
    long = ("x" * 61, "y" * 60)
    assert names_of((0, 1), long) == ("x" * (MAX_NAME_LENGTH - 1) + "…", "y" * 60)
    assert series_name("layer3.0", ("cat", "dog")) == "layer3.0 · cat / dog"
    assert layer_of_series("layer3.0 · cat / dog") == "layer3.0"
    assert layer_of_series("layer3.0") is None
    odd = series_name("layer3", ('"quoted"\n',))
    assert layer_of_tag(layer_tag(odd)) == odd


def test_what_an_atlas_states_is_read_whatever_the_log_holds():
    axis = Axis(left=1, right=0, reach=2.5)
    stated = ClassAtlas(
        layer="layer3", classes=(0, 1), names=("cat", "dog"), rule="top", axis=axis
    ).as_dict()
    assert stated["axis"] == {"left": 1, "right": 0, "reach": 2.5, "trustworthiness": None}
    assert class_atlas_of(Provenance(layer_info={CLASS_ATLAS: stated})) == ("layer3", (0, 1))
    for odd in (None, 3, [], {}, {"layer": 3, "classes": [0]}, {"layer": "a", "classes": 3}):
        assert class_atlas_of(Provenance(layer_info={CLASS_ATLAS: odd})) is None
    assert class_atlas_of(Provenance()) is None
