# SPDX-License-Identifier: Apache-2.0
"""Finding the logits in the output of a model.

`select_logits` sets how logits are found for all forward passes inside a block, so that the choice
need not be passed through every function in between.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import cloudpickle
from torch import Tensor

from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error

ReadLogits: TypeAlias = Callable[[Any], Any]
"""Takes what a model returns for N images, and returns (N, K) logits."""

_MAX_DEPTH: Final = 4
_EXAMPLE: Final = "output=lambda out: out[0]"


@dataclass(frozen=True)
class LogitsChoice:
    """How to find the logits in what a model returns; it can be sent to another process.

    Attributes:
        call: The user's `output`, or None to take the first tensor that can be logits.
        count: How many classes have names, or None.
    """

    call: ReadLogits | None = None
    count: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # The user's function may be a lambda; it is unpacked when it is first needed.
        call = self.call
        packed = call if call is None or isinstance(call, _Packed) else _Packed.of(call)
        return LogitsChoice, (packed, self.count)


@dataclass(frozen=True)
class FoundLogits:
    """Logits in what a model returned.

    Attributes:
        values: (N, K).
        place: Where they were found, such as "[0]" or ".aux", where that had to be guessed.
    """

    values: Tensor
    place: str = ""


FIRST_LOGITS: Final = LogitsChoice()
"""The first tensor that can be logits."""

_CHOICE: Final = ContextVar("tensorboard_plugin_atlas_logits", default=FIRST_LOGITS)


def check_output(output: object, classes: Sequence[str] | None) -> LogitsChoice:
    """Returns how logits are chosen.

    Args:
        output: The user's callable, or None.
        classes: Class names, or None.

    Raises:
        ArgumentError: if `output` cannot be called.
    """
    if output is not None and not callable(output):
        raise ArgumentError(
            f"output={output!r:.80}: pass a function that takes what the model returns and gives "
            f"(images, classes) logits, such as {_EXAMPLE}"
        )
    return LogitsChoice(output, None if classes is None else len(classes))


@contextlib.contextmanager
def select_logits(choice: LogitsChoice) -> Iterator[None]:
    """Has logits chosen in this way in the block, in this thread."""
    token = _CHOICE.set(choice)
    try:
        yield
    finally:
        _CHOICE.reset(token)


def find_logits(output: Any, images: int) -> FoundLogits | None:
    """Returns a model's logits, or None where there are none.

    With `output=` they are what that gives. Else they are the model's output itself or its
    `logits`; else the first floating (N, K) tensor in tuples, lists, mappings and attributes, with
    as many columns as there are class names where these are known. One column is no choice between
    classes, so K is at least 2.

    Args:
        output: What the model returned.
        images: N.

    Raises:
        ArgumentError: if the user's `output` fails, or gives no (N, K) logits.
    """
    choice = _CHOICE.get()
    if choice.call is not None:
        return FoundLogits(_called(choice.call, output, images))
    direct = output
    if not isinstance(output, Tensor):
        is_mapping = isinstance(output, Mapping)
        direct = output.get("logits") if is_mapping else getattr(output, "logits", None)
    if _can_be_logits(direct, images):
        return FoundLogits(direct)
    if isinstance(output, Tensor):
        return None
    for place, tensor in _tensors_in(output, "", _MAX_DEPTH):
        if _can_be_logits(tensor, images) and choice.count in (None, tensor.shape[1]):
            return FoundLogits(tensor, place)
    return None


def get_logits(output: Any, images: int) -> Tensor | None:
    """Returns the (N, K) logits alone; see `find_logits`."""
    found = find_logits(output, images)
    return None if found is None else found.values


def describe(output: object) -> str:
    """Names an output's type and shape for a message."""
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"


def explain_missing_logits(output: object) -> str:
    """Returns a clause that says what the model gives instead of logits."""
    count = _CHOICE.get().count
    wanted = "(images, classes)" if count is None else f"(images, {count} classes)"
    hint = "" if isinstance(output, Tensor) else f"; pass {_EXAMPLE} or the like to choose them"
    return f"the model gives {describe(output)}, not {wanted} logits{hint}"


def _called(call: ReadLogits, output: Any, images: int) -> Tensor:
    try:
        found = call(output)
    except Exception as error:  # of the user's function
        raise ArgumentError(
            f"output fails on {describe(output)}, which the model gives "
            f"({summarize_error(error)}); pass a function that returns its (images, classes) logits"
        ) from error
    if not _can_be_logits(found, images):
        raise ArgumentError(
            f"output gives {describe(found)} for {images} images; pass a function that returns "
            "floating (images, classes) logits, of at least two classes"
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


def _tensors_in(output: Any, place: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors in an output, and where they are, in order."""
    parts: list[tuple[str, Any]] = []
    if isinstance(output, Tensor):
        yield place, output
    elif isinstance(output, Mapping):
        parts = [(f"[{key!r:.40}]", value) for key, value in output.items()]
    elif isinstance(output, (tuple, list)):
        parts = [(f"[{index}]", value) for index, value in enumerate(output)]
    elif dataclasses.is_dataclass(output) or hasattr(output, "__dict__"):
        named = dataclasses.fields(output) if dataclasses.is_dataclass(output) else ()
        names = [one.name for one in named] or list(vars(output))
        parts = [(f".{name}", getattr(output, name, None)) for name in names]
    for suffix, value in parts if depth else ():
        yield from _tensors_in(value, place + suffix, depth - 1)


@dataclass(frozen=True)
class _Packed:
    """A function of the user's on its way to another process."""

    data: bytes

    @classmethod
    def of(cls, call: ReadLogits) -> _Packed:
        return cls(cloudpickle.dumps(call))

    def __call__(self, output: Any) -> Any:
        return _unpacked(self.data)(output)


_UNPACKED: Final[dict[bytes, ReadLogits]] = {}


def _unpacked(data: bytes) -> ReadLogits:
    """Returns the function in `data`, which comes from a process that is trusted."""
    if data not in _UNPACKED:
        _UNPACKED[data] = cloudpickle.loads(data)
    return _UNPACKED[data]
