# SPDX-License-Identifier: Apache-2.0
"""Words for concepts, with an encoder that knows colors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from synthetic_runs import make_atlases, simulate_run

from tensorboard_plugin_atlas import ConceptTracker, name_concepts
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError

COLORS = {
    "red": (220, 30, 30),
    "green": (30, 200, 40),
    "blue": (30, 40, 220),
    "yellow": (220, 210, 30),
}
COUNT = 24


def embed_colors(items: Sequence[Any]) -> np.ndarray:
    """Embeds an image as its mean color, and a word as its color; other words are gray."""
    rows = [
        COLORS.get(one, (128, 128, 128))
        if isinstance(one, str)
        else np.asarray(one).mean(axis=(0, 1))
        for one in items
    ]
    return np.array(rows, np.float32) - 128


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    history = simulate_run([60] * COUNT, [[{unit} for unit in range(COUNT)]], hold=1)
    (plain,) = make_atlases(history, labels=history.unit)
    return ConceptTracker().advance(plain)


def make_images(atlas: Atlas, colored: Sequence[int]) -> np.ndarray:
    """Returns noise for each sample; in units of `colored`, it has one of the four colors."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (len(atlas.samples), 16, 16, 3)).astype(np.uint8)
    colors = list(COLORS.values())
    for row, unit in enumerate(atlas.labels.tolist()):
        if unit in colored:
            images[row] = 0.5 * images[row] + 0.5 * np.array(colors[unit % 4])
    return images


def test_concepts_of_one_color_get_its_word_and_others_none(atlas):
    images = make_images(atlas, colored=range(8))
    found = name_concepts(atlas, images, embed=embed_colors, vocabulary=[*COLORS, "gray"])
    names = list(COLORS)
    assert set(found) == {state.id for state in atlas.concepts}
    wrong = 0
    for state in atlas.concepts:
        words = found[state.id].words
        if state.top_class < 8:
            assert words[0] == names[state.top_class % 4]
            assert found[state.id].score > found[state.id].control
        else:
            wrong += bool(words)
    assert wrong <= 1


def test_random_images_have_no_words(atlas):
    images = make_images(atlas, colored=())
    found = name_concepts(atlas, images, embed=embed_colors, vocabulary=list(COLORS))
    assert sum(bool(one.words) for one in found.values()) <= 1
    assert {one.patches for one in found.values()} == {24}


def test_patches_are_cut_at_the_box_of_the_sample(atlas):
    sizes = set()

    def embed(items: Sequence[Any]) -> np.ndarray:
        sizes.update(np.shape(one) for one in items if not isinstance(one, str))
        return np.ones((len(items), 2), np.float32)

    info = atlas.provenance.layer_info | {"input_size": [32, 32]}
    provenance = dataclasses.replace(atlas.provenance, layer_info=info)
    images = np.zeros((len(atlas.samples), 64, 48, 3), np.uint8)
    name_concepts(atlas.replace(provenance=provenance), images, embed=embed, vocabulary=["a", "b"])
    # The boxes are 8 x 8 of 32 x 32 pixels.
    assert sizes == {(16, 12, 3)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocabulary": ["one"]}, "vocabulary has 1 words"),
        ({"embed": lambda items: np.ones(3)}, r"shape \(3,\) for 576 patches"),
        ({"embed": lambda items: np.ones((2, 3))}, r"return \(576, D\) features"),
    ],
)
def test_wrong_arguments_are_reported(atlas, change, message):
    images = make_images(atlas, colored=())
    arguments = {"embed": embed_colors, "vocabulary": list(COLORS)} | change
    with pytest.raises(ArgumentError, match=message):
        name_concepts(atlas, images, **arguments)


def test_an_atlas_without_concepts_is_refused(atlas):
    samples = dataclasses.replace(atlas.samples, concepts=None)
    with pytest.raises(ArgumentError, match="has no concepts"):
        name_concepts(
            atlas.replace(samples=samples), [], embed=embed_colors, vocabulary=list(COLORS)
        )
