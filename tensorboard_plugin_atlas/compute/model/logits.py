# SPDX-License-Identifier: Apache-2.0
"""Finding the logits in the output of a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from torch import Tensor

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.model.pickled_function import pickle_function
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error

ReadLogits: TypeAlias = Callable[[Any], Any]
"""Takes the output of a model for N images; returns (N, K) logits."""

_MAX_DEPTH: Final = 4
_MOST_COLUMNS: Final = 4
"""Largest number of columns of logits, as a multiple of the number of names or labels."""
_SMALLEST_EMBEDDING: Final = 16
"""Smallest number of columns of an embedding."""
_EXAMPLE: Final = "output=lambda out: out[0]"


@dataclass(frozen=True, eq=False)
class LogitsChoice:
    """How to find the logits in the output of a model; it can be pickled.

    Attributes:
        call: The user's `output`, or None to use the first tensor that can be logits.
        count: Number of class names, or None.
        labels: Distinct labels of the probe, at least 0; None without labels.
        is_absent: Whether the user says that the output has no logits.
    """

    call: ReadLogits | None = None
    count: int | None = None
    labels: IntArray | None = None
    is_absent: bool = False

    def fits(self, columns: int) -> bool:
        """Returns whether a tensor with so many columns can be logits, and is no embedding.

        An embedding has many more columns than there are class names or, without names, labels.
        """
        if self.count is not None:
            known = self.count
        elif self.labels is not None:
            # Labels that have no column, such as 255 for "ignore", say nothing.
            inside = self.labels[self.labels < columns]
            known = int(inside.max(initial=0)) + 1
        else:
            return True
        return columns < _SMALLEST_EMBEDDING or columns <= _MOST_COLUMNS * known

    def describe_classes(self) -> str:
        """Returns the classes that logits must fit, such as "the 10 class names"."""
        if self.count is not None:
            return f"the {self.count} class names"
        largest = 0 if self.labels is None else int(self.labels.max(initial=0))
        return f"the labels 0 to {largest}"

    def find(self, output: Any, images: int) -> FoundLogits | None:
        """Returns a model's logits, or None.

        With `output=` they are what that function returns. Otherwise they are the model's output
        itself or its `logits`, or else the first floating-point (N, K) tensor in tuples, lists,
        mappings and attributes. K is at least 2, and no number of columns of an embedding (`fits`).

        Args:
            output: The output of the model.
            images: N.

        Raises:
            ArgumentError: if the user's `output` raises, or returns no (N, K) logits.
        """
        if self.is_absent:
            return None
        if self.call is not None:
            return FoundLogits(_call_output(self.call, output, images))
        direct = output
        if not isinstance(output, Tensor):
            is_mapping = isinstance(output, Mapping)
            direct = output.get("logits") if is_mapping else getattr(output, "logits", None)
        if _can_be_logits(direct, images) and self.fits(direct.shape[1]):
            return FoundLogits(direct)
        if isinstance(output, Tensor):
            return None
        for path, tensor in _find_tensors(output, "", _MAX_DEPTH):
            columns = tensor.shape[-1] if tensor.ndim else 0
            if not _can_be_logits(tensor, images) or self.count not in (None, columns):
                continue
            if self.fits(columns):
                return FoundLogits(tensor, path)
        return None

    def explain_missing(self, output: object) -> str:
        """Returns a clause that says what the model returns instead of logits."""
        if self.is_absent:
            return "output=False states that the model returns no logits"
        if isinstance(output, Tensor) and _can_be_logits(output, len(output)):
            return (
                f"the model returns {describe(output)}, which does not fit "
                f"{self.describe_classes()}, so it is taken for an embedding; pass "
                "output=lambda out: out if it holds logits"
            )
        expected = f"(images, {self.count or ''} classes)".replace("  ", " ")
        hint = "" if isinstance(output, Tensor) else f"; pass {_EXAMPLE} to select them"
        return f"the model returns {describe(output)}, not {expected} logits{hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        packed = pickle_function("output", self.call)
        return LogitsChoice, (packed, self.count, self.labels, self.is_absent)


@dataclass(frozen=True)
class FoundLogits:
    """Logits in the output of a model.

    Attributes:
        values: (N, K).
        path: Path to them in the output, such as "[0]" or ".aux", where it was guessed.
    """

    values: Tensor
    path: str = ""


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


def describe(output: object) -> str:
    """Describes the type and shape of an output, for messages."""
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"


def _call_output(call: ReadLogits, output: Any, images: int) -> Tensor:
    try:
        found = call(output)
    except Exception as error:  # the user's function may raise anything
        raise ArgumentError(
            f"output raises for {describe(output)}, which the model returns "
            f"({summarize_error(error)}); pass a function that returns its (images, classes) logits"
        ) from error
    if not _can_be_logits(found, images):
        raise ArgumentError(
            f"output returns {describe(found)} for {images} images; pass a function that returns "
            "floating-point (images, classes) logits, for at least two classes"
        )
    logits: Tensor = found
    return logits


def _can_be_logits(value: Any, images: int) -> bool:
    return (
        isinstance(value, Tensor)
        and value.ndim == 2
        and value.shape[0] == images
        and value.shape[1] > 1
        and value.is_floating_point()
    )


def _find_tensors(output: Any, path: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors in an output in order, with the path to each."""
    parts: list[tuple[str, Any]] = []
    if isinstance(output, Tensor):
        yield path, output
    elif isinstance(output, Mapping):
        parts = [(f"[{key!r:.40}]", value) for key, value in output.items()]
    elif isinstance(output, (tuple, list)):
        parts = [(f"[{index}]", value) for index, value in enumerate(output)]
    elif dataclasses.is_dataclass(output) or hasattr(output, "__dict__"):
        named = dataclasses.fields(output) if dataclasses.is_dataclass(output) else ()
        names = [one.name for one in named] or list(vars(output))
        parts = [(f".{name}", getattr(output, name, None)) for name in names]
    for suffix, value in parts if depth else ():
        yield from _find_tensors(value, path + suffix, depth - 1)
