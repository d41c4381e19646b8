# SPDX-License-Identifier: Apache-2.0
"""How a model is called with images, and how its output is read.

`use_interface` sets both for all forward passes inside a block, so that they need not be passed
through every function in between.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.logits import (
    FIRST_LOGITS,
    FoundLogits,
    LogitsChoice,
    check_output,
)
from tensorboard_plugin_atlas.compute.model.model_checks import (
    check_inputs,
    reject_channels,
    reject_two_towers,
)
from tensorboard_plugin_atlas.compute.model.pickled_function import pickle_function, refers_to
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    as_input,
    limit_batch_size,
    preserve_model_state,
    unwrap,
)
from tensorboard_plugin_atlas.compute.model.prototypes import (
    LABELS,
    average_embeddings,
    check_prototypes,
    find_embedding,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages
from tensorboard_plugin_atlas.errors import ArgumentError

Forward: TypeAlias = Callable[[Any, Tensor], Any]
"""Takes a model and a batch of images; returns the output of the model."""


@dataclass(frozen=True, eq=False)
class ModelInterface:
    """How a model is called with images, and how its output is read; it can be pickled.

    Attributes:
        logits: How the logits are found in the output.
        forward: The user's `forward`, or None to call the model with the images.
    """

    logits: LogitsChoice = FIRST_LOGITS
    forward: Forward | None = None

    def call(self, model: nn.Module, images: Tensor) -> Any:
        """Calls the model, with a better error message for models that do not take the images.

        Args:
            model: The module.
            images: (B, C, H, W) on its device and in its dtype.

        Raises:
            ArgumentError: if the model is called with the images alone, and needs more inputs, has
                a second tower for texts, or takes another number of channels.
        """
        if self.forward is not None:
            return self.forward(model, images)
        try:
            return model(images)
        except TypeError as error:
            check_inputs(model)
            reject_two_towers(model, error)
            raise
        except (RuntimeError, ValueError, AttributeError) as error:
            reject_two_towers(model, error)
            reject_channels(model, images.shape[1], error)
            raise

    def iterate_embeddings(self, model: nn.Module, images: ProbeImages) -> Iterator[Tensor]:
        """Yields the (B, D) embeddings of images, batch by batch; the model does not change.

        Raises:
            ArgumentError: if the model returns no embedding.
        """
        with preserve_model_state(model) as inner, torch.no_grad():
            at_once = limit_batch_size(_BATCH_SIZE, images, inner)
            for batch in images.iterate(at_once):
                output = self.call(inner, as_input(batch, inner))
                yield find_embedding(output, len(batch), self.logits.call)

    def without_labels(self) -> ModelInterface:
        """Returns an interface for images whose labels and class names are not the model's."""
        return replace(self, logits=replace(self.logits, count=None, labels=None))

    def __reduce__(self) -> tuple[Any, ...]:
        return ModelInterface, (self.logits, pickle_function("forward", self.forward))


DEFAULT_INTERFACE: Final = ModelInterface()
"""The model takes a batch of images, and the first tensor that can be logits is used."""

_BATCH_SIZE: Final = 128
_EXAMPLE: Final = "forward=lambda model, images: model(pixel_values=images)"

_CURRENT: Final = ContextVar("tensorboard_plugin_atlas_interface", default=DEFAULT_INTERFACE)


def check_interface(
    model: nn.Module | None, probe: Probe, *, output: object, forward: object, prototypes: object
) -> ModelInterface:
    """Returns how the model is called and its output is read.

    Args:
        model: The model, or None if there are several.
        probe: Its class names and labels distinguish logits from embeddings.
        output: The user's callable, False for no logits, or None to find them.
        forward: The user's function of a model and images, or None.
        prototypes: (K, D) tensor or array, "labels", or None; see `Prototypes`.

    Raises:
        ArgumentError: if an argument cannot be used.
    """
    logits = check_output(output, probe.classes, probe.all_labels)
    interface = ModelInterface(logits, check_forward(forward, model))
    if prototypes is None:
        return interface
    if logits.is_absent:
        raise ArgumentError(
            "prototypes are passed with output=False, which states that there are no predictions; "
            "omit one of them"
        )
    if not (isinstance(prototypes, str) and prototypes == LABELS):
        found = check_prototypes(prototypes, probe.classes, probe.labels)
    elif model is not None:
        embeddings = interface.iterate_embeddings(model, probe.images)
        found = average_embeddings(embeddings, probe.labels, probe.classes)
    else:
        raise ArgumentError(
            f"prototypes={LABELS!r}: several checkpoints have no common embedding; pass a "
            "(classes, D) tensor"
        )
    return replace(interface, logits=replace(logits, prototypes=found))


def check_forward(forward: object, model: nn.Module | None) -> Forward | None:
    """Returns the argument `forward`.

    Raises:
        ArgumentError: if it cannot be called, or refers to `model` itself: snapshots of the model
            and copies of it are passed as its first argument.
    """
    if forward is None:
        return None
    if not callable(forward):
        raise ArgumentError(
            f"forward={forward!r:.80}: pass a function of a model and images that returns the "
            f"model's output, such as {_EXAMPLE}"
        )
    if model is not None and refers_to(forward, unwrap(model)):
        raise ArgumentError(
            f"forward={forward!r:.80} contains the model itself, but runs on copies of it, "
            f"too; use its first argument, such as {_EXAMPLE}"
        )
    return forward


@contextlib.contextmanager
def use_interface(interface: ModelInterface) -> Iterator[None]:
    """Sets how models are called and their outputs are read inside the block, in this thread."""
    token = _CURRENT.set(interface)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def get_interface() -> ModelInterface:
    """Returns the interface of the block; other threads, such as autograd's, do not see it."""
    return _CURRENT.get()


def call_model(model: nn.Module, images: Tensor) -> Any:
    """Calls the model; see `ModelInterface.call`."""
    return _CURRENT.get().call(model, images)


def find_logits(output: Any, images: int) -> FoundLogits | None:
    """Returns the logits in the output for so many images, or None; see `LogitsChoice.find`."""
    return _CURRENT.get().logits.find(output, images)


def get_logits(output: Any, images: int) -> Tensor | None:
    """Returns the (N, K) logits, or None; see `LogitsChoice.find`."""
    found = find_logits(output, images)
    return None if found is None else found.values


def explain_missing_logits(output: object) -> str:
    """Returns a clause that says what the model returns instead of logits."""
    return _CURRENT.get().logits.explain_missing(output)
