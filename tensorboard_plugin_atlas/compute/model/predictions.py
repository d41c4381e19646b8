# SPDX-License-Identifier: Apache-2.0
"""The model's predictions for the images of the probe, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.model.model_interface import (
    explain_missing_logits,
    find_logits,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import ArgumentError

HalfArray = NDArray[np.float16]

_MAX_LOSS: Final = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions for I images, or for N samples if the logits are dense.

    Attributes:
        classes: (I,) int32: class of the largest logit.
        confidences: (I,) float16 in [0, 1]: its softmax probability.
        losses: (I,) float16: cross-entropy in nats, NaN without a label; None if no image has one.
        is_dense: Whether there is one for each sample, at its position.
    """

    classes: IntArray
    confidences: HalfArray
    losses: HalfArray | None
    is_dense: bool = False

    def at_samples(self, sample_image: IntArray) -> Predictions:
        """Returns the predictions for N samples.

        Args:
            sample_image: (N,) index of each sample's image.
        """
        return self if self.is_dense else replace(self.select(sample_image), is_dense=True)

    def select(self, rows: NDArray[Any]) -> Predictions:
        """Returns the predictions in some rows."""
        return replace(
            self,
            classes=self.classes[rows],
            confidences=self.confidences[rows],
            losses=None if self.losses is None else self.losses[rows],
        )


@dataclass
class PredictionReader:
    """Collects predictions from the outputs of the model, if they are logits."""

    probe: Probe
    class_count: int = 0
    _reason: str = ""
    _broken: int = 0
    _origin: str = ""
    _is_dense: bool = False
    _found: list[Predictions] = field(default_factory=list)

    def read(self, output: object, start: int, images: int) -> None:
        """Reads the output for the next `images` images, beginning at index `start`."""
        found = find_logits(output, images)
        names = self.probe.classes
        if found is None:
            self._reason = explain_missing_logits(output)
            return
        logits = found.values
        self._origin, self.class_count = found.note, logits.shape[1]
        if names is not None and len(names) < logits.shape[1]:
            raise ArgumentError(
                f"classes has {len(names)} names, the model returns {logits.shape[1]} logits; pass "
                "one name for each, or output=False if it returns an embedding"
            )
        self._broken += int(logits.isnan().any(dim=1).sum())
        self._is_dense = found.dense is not None
        labels = self.probe.labels
        own = None if labels is None else labels[start : start + images]
        if found.dense is not None:
            logits, own = self._read_at_samples(found.dense, start)
        self._found.append(_read_predictions(logits.detach().to("cpu", torch.float32), own))

    def _read_at_samples(self, dense: Tensor, start: int) -> tuple[Tensor, IntArray | None]:
        """Returns the logits at the positions of samples, (n, K), and their labels.

        Args:
            dense: (B, K, H, W) logits of the images from row `start` of the probe.
            start: That row.
        """
        first, last = np.searchsorted(self.probe.sample_image, [start, start + len(dense)])
        images = torch.from_numpy(self.probe.sample_image[first:last] - start).long()
        pixels = torch.from_numpy(self.probe.find_pixels(*dense.shape[2:])[first:last]).long()
        labels = self.probe.sample_labels()
        logits = dense[images, :, pixels[:, 0], pixels[:, 1]]
        return logits, None if labels is None else labels[first:last]

    def part(self) -> PredictionPart:
        """Returns what was read so far."""
        return PredictionPart(
            found=tuple(self._found),
            class_count=self.class_count,
            reason=self._reason,
            broken=self._broken,
            origin=self._origin,
            is_dense=self._is_dense,
        )


@dataclass(frozen=True, eq=False)
class PredictionPart:
    """What was read of the model's outputs for some of the batches.

    Attributes:
        found: The predictions of each batch.
        class_count: Number of logits of an image, or 0.
        reason: Why there are no predictions, or empty.
        broken: Number of images whose logits hold NaN.
        origin: Which tensor the logits are, or empty.
        is_dense: Whether there are predictions for each sample.
    """

    found: tuple[Predictions, ...]
    class_count: int
    reason: str
    broken: int
    origin: str
    is_dense: bool

    @classmethod
    def join(cls, parts: Sequence[PredictionPart]) -> PredictionPart:
        """Returns what was read in successive parts of the batches."""
        if len(parts) == 1:
            return parts[0]

        def find_last(values: Iterable[str]) -> str:
            return next((value for value in reversed([*values]) if value), "")

        return cls(
            found=tuple(one for part in parts for one in part.found),
            class_count=max(part.class_count for part in parts),
            reason=find_last(part.reason for part in parts),
            broken=sum(part.broken for part in parts),
            origin=find_last(part.origin for part in parts),
            is_dense=any(part.is_dense for part in parts),
        )

    def notes(self, images: int) -> Iterator[str]:
        """Yields why there are no predictions, or which tensor the logits are.

        Args:
            images: Number of images of the probe.
        """
        reason = self.reason
        if not reason and self.broken:
            reason = f"the model's logits hold NaN for {self.broken:,} of {images:,} images"
        if reason:
            yield f"predictions: left out, {reason}"
        elif self.origin:
            yield f"predictions: {self.origin}"

    def result(self) -> Predictions | None:
        """Returns the predictions, or None where an output has no logits."""
        if self.reason or self.broken:
            return None
        losses = [part.losses for part in self.found if part.losses is not None]
        return Predictions(
            classes=np.concatenate([part.classes for part in self.found]),
            confidences=np.concatenate([part.confidences for part in self.found]),
            losses=np.concatenate(losses) if losses else None,
            is_dense=self.is_dense,
        )


def _read_predictions(logits: Tensor, labels: IntArray | None) -> Predictions:
    """Returns the predictions of (B, K) logits.

    Args:
        logits: (B, K) float32.
        labels: (B,) classes, -1 for none, or None.
    """
    probabilities = logits.log_softmax(dim=1)
    classes = logits.argmax(dim=1)
    confidences = probabilities.gather(1, classes[:, None])[:, 0].exp()
    losses = None
    if labels is not None:
        known = (labels >= 0) & (labels < logits.shape[1])
        target = torch.from_numpy(np.where(known, labels, 0)).long()
        losses = -probabilities.gather(1, target[:, None])[:, 0]
        losses[~torch.from_numpy(known)] = torch.nan
    return Predictions(
        classes=classes.numpy().astype(np.int32),
        confidences=confidences.numpy().astype(np.float16),
        losses=None if losses is None else losses.clamp(0, _MAX_LOSS).numpy().astype(np.float16),
    )
