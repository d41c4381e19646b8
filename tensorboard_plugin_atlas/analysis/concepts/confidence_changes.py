# SPDX-License-Identifier: Apache-2.0
"""Changes of confidence: "confidence on 100 images of dog fell from 81% to 52%".

The change on the images of one label is compared to the change on all other images, because
training changes the confidence on all classes. The comparison is Welch's test (Welch 1947) of the
differences of each image between the two steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.prediction_changes import (
    ImageChange,
    ImagePredictions,
)
from tensorboard_plugin_atlas.analysis.concepts.random_halves import HALVES, draw_halves

MIN_IMAGES: Final = 5
"""Smallest number of images of a label."""
MIN_CHANGE: Final = 0.1
"""Smallest change of the mean confidence, by itself and compared to the other images."""
MIN_Z: Final = 4.0
"""Smallest z of Welch's test for a change."""
MIN_Z_OF_HALF: Final = 2.5
"""Smallest z on a random half of the images that confirms a change."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ConfidenceChange(ImageChange):
    """Images of one label whose mean confidence changed more than that of the other images.

    Attributes:
        before: Their mean confidence at the previous step, from 0 to 1.
        now: Their mean confidence at this step.
        others_before: Mean confidence of the other images at the previous step.
        others_now: Mean confidence of the other images at this step.
    """

    before: float
    now: float
    others_before: float
    others_now: float

    @property
    def score(self) -> float:
        """Number of samples, weighted by the change and by the confidence."""
        return round(self.samples * abs(self.now - self.before) * self.confidence, 3)


def find_confidence_changes(
    before: ImagePredictions | None, now: ImagePredictions | None
) -> tuple[ConfidenceChange, ...]:
    """Returns the significant changes of confidence, highest score first.

    Args:
        before: Of the previous step, None if it has no labels or predictions.
        now: Of the same samples at this step.

    Returns:
        The changes; empty if a side or its confidences are missing, or if the sides are of other
        images. Images without a label are not counted.
    """
    if before is None or now is None or not np.array_equal(before.image_ids, now.image_ids):
        return ()
    if before.confidences is None or now.confidences is None:
        return ()
    _, first = np.unique(now.image_ids, return_index=True)
    first = first[(now.labels[first] >= 0) & (now.labels[first] == before.labels[first])]
    labels, label_of = np.unique(now.labels[first], return_inverse=True)
    sides = [np.asarray(one.confidences)[first].astype(np.float64) for one in (before, now)]
    difference = sides[1] - sides[0]
    z, excess = _compare_to_others(difference, label_of, len(labels))
    own = np.bincount(label_of, difference, len(labels)) / np.bincount(label_of)
    significant = np.flatnonzero(
        (np.bincount(label_of) >= MIN_IMAGES)
        & (np.abs(z) >= MIN_Z)
        & (np.abs(excess) >= MIN_CHANGE)
        & (np.abs(own) >= MIN_CHANGE)
        & (own * excess > 0)
    )
    if not len(significant):
        return ()
    confidence = _test_halves(difference, label_of, np.sign(z))
    changes = []
    for i in significant.tolist():
        mine = label_of == i
        changes.append(
            ConfidenceChange(
                label=int(labels[i]),
                before=float(sides[0][mine].mean()),
                now=float(sides[1][mine].mean()),
                others_before=float(sides[0][~mine].mean()),
                others_now=float(sides[1][~mine].mean()),
                images=int(mine.sum()),
                rows=now.labels == labels[i],
                confidence=float(confidence[i]),
            )
        )
    return tuple(sorted(changes, key=lambda one: (-one.score, one.label)))


def _compare_to_others(
    difference: NDArray[np.float64], label_of: NDArray[np.intp], labels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns z of Welch's test and the difference of the means, for each label and the others.

    Args:
        difference: (M,) change of each image.
        label_of: (M,) index of its label.
        labels: Number of labels.

    Returns:
        (labels,) each; zero for a label without two images on both sides.
    """
    count = np.bincount(label_of, minlength=labels)
    total, squares = (
        np.asarray(np.bincount(label_of, weights, labels), np.float64)
        for weights in (difference, difference**2)
    )
    own_mean, own_variance = _estimate_mean(count, total, squares)
    others = len(label_of) - count
    other_mean, other_variance = _estimate_mean(
        others, total.sum() - total, squares.sum() - squares
    )
    excess = np.where((count >= 2) & (others >= 2), own_mean - other_mean, 0.0)
    # The smallest variance keeps z finite if all images of a label change by the same amount.
    return excess / np.sqrt(np.maximum(own_variance + other_variance, 1e-12)), excess


def _estimate_mean(
    count: NDArray[np.intp], total: NDArray[np.float64], squares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns means and the variances of these means, from counts, sums and sums of squares."""
    mean = total / np.maximum(count, 1)
    spread = np.maximum(squares - count * mean**2, 0) / np.maximum(count - 1, 1)
    return mean, spread / np.maximum(count, 1)


def _test_halves(
    difference: NDArray[np.float64], label_of: NDArray[np.intp], sign: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the fraction of random halves of all images that confirm the change of each label."""
    confirmed = np.zeros(len(sign))
    for half in draw_halves(len(difference)):
        z, _ = _compare_to_others(difference[half], label_of[half], len(sign))
        confirmed += z * sign >= MIN_Z_OF_HALF
    return confirmed / HALVES
