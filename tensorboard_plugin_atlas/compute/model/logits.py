# SPDX-License-Identifier: Apache-2.0
"""Finding the logits in the output of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from torch import Tensor

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.model.output_tensors import (
    ReadOutput,
    call_output,
    describe,
    find_tensors,
    get_entry,
)
from tensorboard_plugin_atlas.compute.model.pickled_function import pickle_function
from tensorboard_plugin_atlas.compute.model.prototypes import (
    COSINE_SCALE,
    EMBEDDING_NAMES,
    Prototypes,
    find_embedding,
)
from tensorboard_plugin_atlas.errors import ArgumentError

_MOST_COLUMNS: Final = 4
"""Largest number of columns of logits, as a multiple of the number of names or labels."""
_SMALLEST_EMBEDDING: Final = 16
"""Smallest number of columns of an embedding."""
_EMBEDDINGS: Final = (
    *EMBEDDING_NAMES,
    *("embedding", "embeddings", "features", "last_hidden_state", "projection", "text_embeds"),
)
"""Names of entries that are never taken for logits."""
_DENSE_NOTE: Final = (
    "the logits are dense: a prediction is that at the position of its sample, and attribution is "
    "that of the mean over positions"
)
_WANTED: Final = "(images, classes) logits"
_EXAMPLE: Final = "output=lambda out: out[0]"


@dataclass(frozen=True, eq=False)
class LogitsChoice:
    """How to find the logits in the output of a model; it can be pickled.

    Attributes:
        call: The user's `output`, or None to use the first tensor that can be logits. With
            `prototypes`, it returns the embedding.
        count: Number of class names, or None.
        labels: Distinct labels of the probe, at least 0; None without labels.
        is_absent: Whether the user states that the output has no logits.
        prototypes: Prototypes of the classes if the output is an embedding, or None.
    """

    call: ReadOutput | None = None
    count: int | None = None
    labels: IntArray | None = None
    is_absent: bool = False
    prototypes: Prototypes | None = None

    def fits(self, columns: int) -> bool:
        """Returns whether a tensor with so many columns can be logits, and is no embedding.

        An embedding has many more columns than there are class names or, without names, labels; or
        it has fewer.
        """
        if self.count is not None:
            known, is_too_small = self.count, columns < self.count
        elif self.labels is not None:
            # A single label that has no column is a mark, such as 255 for "ignore". If no label
            # has one, they number other classes than those of the model.
            inside = self.labels[self.labels < columns]
            known = int(inside.max(initial=0)) + 1
            is_too_small = 0 < len(inside) < len(self.labels) - 1
        else:
            return True
        if is_too_small:
            return False
        return columns < _SMALLEST_EMBEDDING or columns <= _MOST_COLUMNS * known

    def describe_classes(self) -> str:
        """Returns the classes that logits must fit, such as "the 10 class names"."""
        if self.count is not None:
            return f"the {self.count} class names"
        largest = 0 if self.labels is None else int(self.labels.max(initial=0))
        return f"the labels 0 to {largest}"

    def find(self, output: Any, images: int) -> FoundLogits | None:
        """Returns a model's logits, or None.

        With `prototypes=` they are cosines of the embedding with the prototypes. With `output=`
        they are what that function returns. Otherwise they are the model's output itself or its
        `logits`, or else the first floating-point (N, K) tensor in tuples, lists, mappings and
        attributes that is not named as an embedding. K is at least 2, and no number of columns of
        an embedding (`fits`). A floating-point (N, K, H, W) tensor has dense logits if K is the
        number of class names or `output=` returns it.

        Args:
            output: The output of the model.
            images: N.

        Raises:
            ArgumentError: if the user's `output` raises, or returns no (N, K) logits, or if there
                is no embedding to compare with the prototypes.
        """
        if self.is_absent:
            return None
        if self.prototypes is not None:
            size = self.prototypes.directions.shape[1]
            embedding = find_embedding(output, images, self.call, size)
            note = (
                f"the logits are {COSINE_SCALE:g} times the cosines with {self.prototypes.origin}"
            )
            return FoundLogits(self.prototypes.compute_logits(embedding), note)
        if self.call is not None:
            return _read_logits(self.call, output, images)
        if isinstance(output, Tensor):
            return _as_found(output) if self._accepts(output, images) else None
        named = get_entry(output, "logits")
        if self._accepts(named, images):
            return _as_found(named)
        for path, tensor in find_tensors(output):
            is_named = _is_named_embedding(path)
            if not is_named and self._accepts(tensor, images, allow_error=False):
                return _as_found(
                    tensor,
                    f"the logits are output{path} of {describe(output)}; pass output=... to choose "
                    "another tensor",
                )
        return None

    def _accepts(self, value: Any, images: int, *, allow_error: bool = True) -> bool:
        """Returns whether a tensor holds logits.

        Args:
            value: The tensor, or anything else.
            images: N.
            allow_error: Whether the class names may be a few too few, which has its own message.
        """
        if _can_be_dense(value, images):
            return bool(value.shape[1] == self.count)
        if not _can_be_logits(value, images):
            return False
        columns = value.shape[1]
        return self.fits(columns) and (allow_error or self.count in (None, columns))

    def explain_missing(self, output: object) -> str:
        """Returns a clause that says what the model returns instead of logits."""
        if self.is_absent:
            return "output=False states that the model returns no logits"
        if isinstance(output, Tensor) and _can_be_logits(output, len(output)):
            return (
                f"the model returns {describe(output)}, which does not fit "
                f"{self.describe_classes()}, so it is taken for an embedding; pass "
                "output=lambda out: out if it holds logits, or prototypes=... for predictions"
            )
        named = next((name for name in EMBEDDING_NAMES if get_entry(output, name) is not None), "")
        if named:
            return (
                f"the model returns {describe(output)} with an embedding ({named}) and without "
                "logits; pass prototypes=... for predictions"
            )
        if isinstance(output, Tensor) and _can_be_dense(output, len(output)):
            return (
                f"the model returns {describe(output)}, not {_WANTED}; pass output=lambda out: out "
                "if it holds dense logits"
            )
        expected = f"(images, {self.count or ''} classes)".replace("  ", " ")
        hint = "" if isinstance(output, Tensor) else f"; pass {_EXAMPLE} to select them"
        return f"the model returns {describe(output)}, not {expected} logits{hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        packed = pickle_function("output", self.call)
        return LogitsChoice, (packed, self.count, self.labels, self.is_absent, self.prototypes)


@dataclass(frozen=True)
class FoundLogits:
    """Logits in the output of a model.

    Attributes:
        values: (N, K).
        note: Where they come from, unless the user or the model states it.
        dense: (N, K, H, W) dense logits, of which `values` is the mean over positions, or None.
    """

    values: Tensor
    note: str = ""
    dense: Tensor | None = None


FIRST_LOGITS: Final = LogitsChoice()
"""The first tensor that can be logits."""


def check_output(
    output: object, classes: Sequence[str] | None, labels: IntArray | None = None
) -> LogitsChoice:
    """Returns how to find the logits.

    Args:
        output: The user's callable, False for no logits, or None to find them.
        classes: Class names, or None.
        labels: Labels of the probe, negative for unknown, or None.

    Raises:
        ArgumentError: if `output` is none of these.
    """
    if output is False:
        return LogitsChoice(is_absent=True)
    if output is not None and not callable(output):
        raise ArgumentError(
            f"output={output!r:.80}: pass a function that takes the model's output and returns "
            f"(images, classes) logits, such as {_EXAMPLE}, or False if there are none"
        )
    known = None if labels is None else np.unique(labels[labels >= 0])
    return LogitsChoice(
        output,
        None if classes is None else len(classes),
        known if known is not None and len(known) else None,
    )


def _read_logits(call: ReadOutput, output: Any, images: int) -> FoundLogits:
    found = call_output(call, output, _WANTED)
    if not (_can_be_logits(found, images) or _can_be_dense(found, images)):
        raise ArgumentError(
            f"output returns {describe(found)} for {images} images; pass a function that returns "
            "floating-point (images, classes) logits, for at least two classes"
        )
    return _as_found(found)


def _as_found(logits: Tensor, note: str = "") -> FoundLogits:
    """Returns logits, (N, K) or dense."""
    if logits.ndim == 2:
        return FoundLogits(logits, note)
    notes = (note, _DENSE_NOTE) if note else (_DENSE_NOTE,)
    return FoundLogits(logits.mean(dim=(2, 3)), "; ".join(notes), logits)


def _can_be_logits(value: Any, images: int) -> bool:
    return isinstance(value, Tensor) and value.ndim == 2 and _has_scores(value, images)


def _can_be_dense(value: Any, images: int) -> bool:
    is_map = isinstance(value, Tensor) and value.ndim == 4 and value.shape[2:].numel() > 1
    return is_map and _has_scores(value, images)


def _has_scores(value: Tensor, images: int) -> bool:
    """Returns whether a tensor has scores of at least two classes for each of the images."""
    return value.shape[0] == images and value.shape[1] > 1 and value.is_floating_point()


def _is_named_embedding(path: str) -> bool:
    """Returns whether the last part of a path, such as ".pooler_output", names an embedding."""
    return path.endswith(tuple(end for name in _EMBEDDINGS for end in (f".{name}", f"[{name!r}]")))
