# SPDX-License-Identifier: Apache-2.0
"""Words for concepts, from any encoder that embeds images and words in one space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import check_atlas
from tensorboard_plugin_atlas.analysis.patch_crop import crop_patch
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray
from tensorboard_plugin_atlas.errors import ArgumentError

Embed = Callable[[Sequence[Any]], Any]
"""Maps n images, each (H, W, 3) uint8, or n words to (n, D) features of one space."""

MAX_PATCHES: Final = 24
"""Largest number of patches of a concept that are embedded."""
CONTROLS: Final = 500
"""Random assignments of patches to concepts that a name must beat."""

_LEVEL: Final = 0.99


@dataclass(frozen=True, kw_only=True)
class ConceptWords:
    """Words for one concept.

    Attributes:
        id: Id of the concept.
        words: Words of the vocabulary, best first; empty if none beats the control.
        score: How much more similar the best word is to patches of the concept than to all
            patches, in standard errors.
        control: 99th percentile of the best score of random patches. Words beat it.
        patches: Number of patches that were embedded.
    """

    id: int
    words: tuple[str, ...]
    score: float
    control: float
    patches: int


def name_concepts(
    atlas: Atlas,
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    *,
    embed: Embed,
    vocabulary: Sequence[str],
    max_words: int = 2,
    seed: int = 0,
) -> dict[int, ConceptWords]:
    """Finds words for the concepts of an atlas with an image-text encoder such as CLIP.

    A word is kept only if it is more similar to the patches of the concept than the best word of
    the vocabulary is to equally many random patches, in 99 % of 500 random choices.

    Args:
        atlas: An atlas with concepts.
        images: Images of the probe's dataset, (H, W, 3) uint8 each; `images[i]` has the id i.
        embed: Called with a list of patches and with a list of words; returns (n, D) features.
        vocabulary: At least two words or short phrases.
        max_words: Largest number of words for a concept.
        seed: Seed for the choice of patches and for the control.

    Returns:
        Concept id -> its words, for every concept of the atlas.

    Raises:
        ArgumentError: if the atlas has no concepts, `vocabulary` has fewer than two words, or
            `embed` returns features of the wrong shape.

    Examples:
        >>> words = name_concepts(atlas, images, embed=clip, vocabulary=["sky", "fur", "wheel"])
        ... # doctest: +SKIP
        >>> words[1003].words  # doctest: +SKIP
        ('sky',)
    """
    check_atlas("atlas", atlas)
    ids = atlas.samples.concepts
    if ids is None:
        raise ArgumentError(
            "name_concepts(atlas): the atlas has no concepts; pass one that was logged with them, "
            "or ConceptTracker().advance(atlas)"
        )
    if len(vocabulary) < 2:
        raise ArgumentError(
            f"vocabulary has {len(vocabulary)} words; pass at least two, such as ['sky', 'fur']"
        )
    random = np.random.default_rng(seed)
    known = np.unique(ids[ids >= 0]).tolist()
    chosen = [_choose_rows(np.flatnonzero(ids == one), random) for one in known]
    rows = np.concatenate(chosen) if chosen else np.empty(0, np.intp)
    patches = [_crop_patch(images, atlas, row) for row in rows.tolist()]
    features = _embed(embed, patches, "patches")
    similarity = features @ _embed(embed, list(vocabulary), "words").T
    # Words differ in their mean similarity to any image.
    similarity -= similarity.mean(axis=0)
    deviation = np.maximum(similarity.std(axis=0), 1e-12)
    scores = similarity / deviation
    found = {}
    start = 0
    for identity, own in zip(known, chosen, strict=True):
        own_scores = scores[start : start + len(own)].mean(axis=0) * np.sqrt(len(own))
        start += len(own)
        best = [
            scores[random.permutation(len(scores))[: len(own)]].mean(axis=0).max()
            for _ in range(CONTROLS)
        ]
        control = float(np.quantile(best, _LEVEL) * np.sqrt(len(own)))
        order = np.argsort(-own_scores, kind="stable")[:max_words].tolist()
        found[identity] = ConceptWords(
            id=identity,
            words=tuple(vocabulary[word] for word in order if own_scores[word] > control),
            score=float(own_scores.max()),
            control=control,
            patches=len(own),
        )
    return found


def _choose_rows(rows: NDArray[np.intp], random: np.random.Generator) -> NDArray[np.intp]:
    return np.sort(random.permutation(rows)[:MAX_PATCHES])


def _crop_patch(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], atlas: Atlas, row: int
) -> NDArray[np.uint8]:
    image = images[atlas.image_ids[row]]
    input_size = atlas.provenance.layer_info.get("input_size", image.shape[:2])
    return crop_patch(image, atlas.boxes[row], input_size)


def _embed(embed: Embed, items: list[Any], what: str) -> FloatArray:
    """Returns (n, D) features of length one."""
    features = np.asarray(embed(items), np.float32)
    if features.ndim != 2 or len(features) != len(items):
        raise ArgumentError(
            f"embed returned an array of shape {features.shape} for {len(items)} {what}; return "
            f"({len(items)}, D) features"
        )
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-12), np.float32)
