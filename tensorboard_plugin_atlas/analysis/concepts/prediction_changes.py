# SPDX-License-Identifier: Apache-2.0
"""Changes of predictions: "41 images of dog are now predicted as cat (6 the other way)".

The images of one label whose prediction changed from the label to another class are compared to
those that changed in the opposite direction. If predictions flip at random, both numbers are equal
on average. McNemar's test (McNemar 1947, without continuity correction) rejects this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.random_halves import HALVES, draw_halves
from tensorboard_plugin_atlas.atlas import Atlas, IntArray

MIN_IMAGES: Final = 5
"""Smallest number of images of a change."""
MIN_Z: Final = 3.0
"""Smallest z of McNemar's test for a change."""
MIN_Z_OF_HALF: Final = 2.0
"""Smallest z on a random half of the images that confirms a change."""


@dataclass(frozen=True, eq=False)
class ImagePredictions:
    """Labels and predictions of the samples of an atlas; the samples of an image share them.

    Attributes:
        image_ids: (N,) image of each sample.
        labels: (N,) labels, negative for unknown.
        predictions: (N,) predicted classes, negative for unknown.
        confidences: (N,) probability of the predicted class, from 0 to 1; None if unknown.
    """

    image_ids: IntArray
    labels: IntArray
    predictions: IntArray
    confidences: NDArray[np.floating[Any]] | None = None

    @classmethod
    def from_atlas(cls, atlas: Atlas) -> ImagePredictions | None:
        """Returns the labels and predictions of an atlas.

        Returns:
            None if one is unknown, or if the samples of an image differ in them, as those of dense
            logits and label maps do.
        """
        if atlas.labels is None or atlas.predictions is None:
            return None
        confidences = atlas.samples.confidences
        _, first, image_of = np.unique(atlas.image_ids, return_index=True, return_inverse=True)
        shared = first[image_of.reshape(-1)]
        for values in (atlas.labels, atlas.predictions, confidences):
            if values is not None and not np.array_equal(values, values[shared], equal_nan=True):
                return None
        return cls(atlas.image_ids, atlas.labels, atlas.predictions, confidences)


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageChange:
    """Images of one label that changed together between two steps.

    Attributes:
        label: Label of the images.
        images: Number of these images.
        rows: (N,) bool: the samples of these images.
        confidence: Fraction of 20 random halves of the images that confirm the change.
    """

    label: int
    images: int
    rows: NDArray[np.bool_]
    confidence: float

    @property
    def samples(self) -> int:
        """Number of samples of these images."""
        return int(self.rows.sum())


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictionChange(ImageChange):
    """Images of one label whose prediction changed from or to this label.

    Attributes:
        before: Their prediction at the previous step.
        now: Their prediction at this step.
        back: Number of images of this label that changed from `now` to `before`.
    """

    before: int
    now: int
    back: int

    @property
    def score(self) -> float:
        """Number of samples, weighted by the confidence."""
        return round(self.samples * self.confidence, 3)


def find_prediction_changes(
    before: ImagePredictions | None, now: ImagePredictions | None
) -> tuple[PredictionChange, ...]:
    """Returns the significant changes of predictions, highest score first.

    Args:
        before: Of the previous step, None if it has no labels or predictions.
        now: Of the same samples at this step.

    Returns:
        The changes; empty if one side is missing or if the sides are of other images. Images whose
        label or prediction is unknown are not counted, and neither are changes from one wrong
        prediction to another.
    """
    if before is None or now is None or not np.array_equal(before.image_ids, now.image_ids):
        return ()
    _, first, image_of = np.unique(now.image_ids, return_index=True, return_inverse=True)
    label, old, new = (
        values[first] for values in (now.labels, before.predictions, now.predictions)
    )
    is_counted = (label >= 0) & (old >= 0) & (new >= 0) & (label == before.labels[first])
    is_counted &= (old != new) & ((old == label) | (new == label))
    changed = np.flatnonzero(is_counted)
    kinds, kind_of = np.unique(
        np.stack([label, old, new], axis=1)[changed], axis=0, return_inverse=True
    )
    kind_of = kind_of.reshape(-1)
    index = {tuple(kind): i for i, kind in enumerate(kinds.tolist())}
    opposite = np.array([index.get((one, y, x), -1) for one, x, y in index], np.intp)

    counts, back = _count_images(kind_of, opposite)
    significant = np.flatnonzero((counts >= MIN_IMAGES) & (_compute_z(counts, back) >= MIN_Z))
    confidence = _test_halves(len(first), changed, kind_of, opposite)
    changes = [
        PredictionChange(
            label=int(kinds[i, 0]),
            before=int(kinds[i, 1]),
            now=int(kinds[i, 2]),
            images=int(counts[i]),
            back=int(back[i]),
            rows=np.isin(image_of.reshape(-1), changed[kind_of == i]),
            confidence=float(confidence[i]),
        )
        for i in significant.tolist()
    ]
    return tuple(sorted(changes, key=lambda one: (-one.score, one.label, one.before, one.now)))


def _count_images(
    kind_of: NDArray[np.intp], opposite: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the number of images of each kind of change, and of its opposite."""
    counts = np.bincount(kind_of, minlength=len(opposite))
    return counts, np.where(opposite >= 0, counts[opposite], 0)


def _compute_z(counts: NDArray[np.intp], back: NDArray[np.intp]) -> NDArray[np.float64]:
    """Returns z of McNemar's test: the excess of a change over its opposite in deviations."""
    return np.asarray((counts - back) / np.sqrt(np.maximum(counts + back, 1)), np.float64)


def _test_halves(
    images: int,
    changed: NDArray[np.intp],
    kind_of: NDArray[np.intp],
    opposite: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Returns the fraction of random halves of all images that confirm each kind of change.

    Args:
        images: Number of all images.
        changed: (M,) indices of the changed images.
        kind_of: (M,) kind of change of each.
        opposite: Opposite of each kind, -1 for none.
    """
    confirmed = np.zeros(len(opposite))
    for half in draw_halves(images):
        counts = _count_images(kind_of[half[changed]], opposite)
        confirmed += _compute_z(*counts) >= MIN_Z_OF_HALF
    return confirmed / HALVES
