# SPDX-License-Identifier: Apache-2.0
"""Logits of models that return an embedding: its cosines with one prototype for each class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.model.output_tensors import (
    ReadOutput,
    call_output,
    describe,
    find_tensors,
    get_entry,
)
from tensorboard_plugin_atlas.errors import ArgumentError

COSINE_SCALE: Final = 100.0
"""Logits are cosines times this number, the largest that CLIP and its successors learn."""

LABELS: Final = "labels"
"""Value of the argument `prototypes` for the mean embeddings of the labels."""

EMBEDDING_NAMES: Final = ("image_embeds", "pooler_output")
"""Entries of an output that hold its embedding, as in transformers; the first one is used."""

_MOST_NAMES: Final = 3


@dataclass(frozen=True, eq=False)
class Prototypes:
    """One prototype for each class.

    Attributes:
        directions: (K, D) float32 of length 1, on the CPU.
        origin: What they are, for a note in the atlas.
    """

    directions: Tensor
    origin: str = "the prototypes"

    def compute_logits(self, embedding: Tensor) -> Tensor:
        """Returns `COSINE_SCALE` times the cosines with an embedding, (N, K) float32.

        Args:
            embedding: (N, D) on any device; the logits are differentiable with respect to it.
        """
        unit = F.normalize(embedding.float(), dim=1)
        return COSINE_SCALE * unit @ self.directions.to(unit.device).T


def check_prototypes(
    prototypes: Any, classes: tuple[str, ...] | None, labels: IntArray | None
) -> Prototypes:
    """Returns the argument `prototypes` as directions.

    Args:
        prototypes: (K, D) tensor or array.
        classes: Class names, or None.
        labels: Labels of the probe, or None.

    Raises:
        ArgumentError: if they are no (K, D) finite numbers, a prototype is zero, or K is not the
            number of names or too small for the labels.
    """
    is_array = isinstance(prototypes, np.ndarray) and prototypes.dtype.kind in "fiu"
    is_tensor = isinstance(prototypes, Tensor) and not prototypes.is_complex()
    if not (is_array or is_tensor) or prototypes.ndim != 2 or len(prototypes) < 2:
        raise ArgumentError(
            f"prototypes={_describe_array(prototypes)}: pass a (classes, D) tensor with an "
            f"embedding for each of at least two classes, or {LABELS!r} for the mean embedding of "
            "each label"
        )
    values = torch.as_tensor(prototypes).detach().to("cpu", torch.float32)
    lengths = values.norm(dim=1)
    bad = torch.nonzero(~lengths.isfinite() | (lengths == 0))[:, 0].tolist()
    if bad:
        raise ArgumentError(
            f"prototypes: {len(bad)} of {len(values)} hold NaN or infinity, or are zero (rows "
            f"{bad[:_MOST_NAMES]}); pass a finite embedding for each class"
        )
    if classes is not None and len(classes) != len(values):
        raise ArgumentError(
            f"prototypes has {len(values)} rows, classes has {len(classes)} names; pass one "
            "prototype for each name, in the same order"
        )
    if labels is not None and labels.max(initial=-1) >= len(values):
        raise ArgumentError(
            f"prototypes has {len(values)} rows, the probe has the label {labels.max()}; pass one "
            "prototype for each label from 0"
        )
    return Prototypes(F.normalize(values, dim=1))


def average_embeddings(
    embeddings: Iterator[Tensor], labels: IntArray | None, classes: tuple[str, ...] | None
) -> Prototypes:
    """Returns the normalized mean of the normalized embeddings of each label.

    Args:
        embeddings: (B, D) of the images in order, batch by batch.
        labels: (I,) labels of the images, or None.
        classes: Class names; None numbers the labels.

    Raises:
        ArgumentError: if there are no labels, a class has no image, or an embedding is not finite.
    """
    if labels is None:
        raise ArgumentError(
            f"prototypes={LABELS!r}: the probe has no labels, or several per image; pass a "
            "probe with one label per image, or a (classes, D) tensor"
        )
    count = int(labels.max(initial=-1)) + 1 if classes is None else len(classes)
    missing = np.setdiff1d(np.arange(count), labels)
    if count < 2 or len(missing):
        names = [str(i) if classes is None else repr(classes[i]) for i in missing[:_MOST_NAMES]]
        raise ArgumentError(
            f"prototypes={LABELS!r}: {len(missing)} of {count} classes have no image in the probe"
            f"{f' (such as {names[0]})' if names else ''}; increase AtlasConfig.samples, or pass a "
            "(classes, D) tensor"
        )
    unit = torch.cat([F.normalize(batch.float(), dim=1).cpu() for batch in embeddings])
    rows = torch.from_numpy(labels.astype(np.int64))
    sums = torch.zeros(count, unit.shape[1]).index_add_(0, rows, unit)
    if not sums.isfinite().all():
        raise ArgumentError(
            f"prototypes={LABELS!r}: the model's embeddings hold NaN or infinity; pass a "
            "(classes, D) tensor"
        )
    return Prototypes(F.normalize(sums, dim=1), "the mean embeddings of the labels at construction")


def find_embedding(
    output: Any, images: int, call: ReadOutput | None, columns: int | None = None
) -> Tensor:
    """Returns the (N, D) embedding in the output of a model.

    It is what `call` returns, or the output itself, its `image_embeds` or `pooler_output`, or the
    first floating-point (N, D) tensor in it. Dimensions of size 1 at the end are removed.

    Args:
        output: The output of the model.
        images: N.
        call: The user's `output`, or None.
        columns: D, or None for any.

    Raises:
        ArgumentError: if there is none.
    """
    wanted = f"(images, {'D' if columns is None else columns}) embedding"
    if call is not None:
        output = call_output(call, output, wanted)
    candidates = [get_entry(output, name) for name in EMBEDDING_NAMES]
    candidates += [tensor for _, tensor in find_tensors(output)]
    for tensor in candidates:
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.ndim >= 2:
            flat = tensor.flatten(1) if tensor[0].numel() == tensor.shape[1] else tensor
            if flat.ndim == 2 and len(flat) == images and columns in (None, flat.shape[1]):
                return flat
    source = "the model" if call is None else "output"
    raise ArgumentError(
        f"prototypes: {source} returns {describe(output)} for {images} images, not an {wanted}; "
        "pass output=lambda out: ... that returns it, and prototypes with as many columns"
    )


def _describe_array(value: object) -> str:
    if isinstance(value, (Tensor, np.ndarray)):
        return f"<{value.dtype} of shape {tuple(value.shape)}>"
    return f"{value!r:.60}"
