# SPDX-License-Identifier: Apache-2.0
"""How a model is called with images, and how its output is read.

`use_interface` sets both for all forward passes inside a block, so that they need not be passed
through every function in between.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final

from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.logits import (
    FIRST_LOGITS,
    FoundLogits,
    LogitsChoice,
    check_output,
)
from tensorboard_plugin_atlas.compute.model.requirements import check_inputs
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class ModelInterface:
    """How a model is called with images, and how its output is read; it can be pickled.

    Attributes:
        logits: How the logits are found in the output.
    """

    logits: LogitsChoice = FIRST_LOGITS

    def without_labels(self) -> ModelInterface:
        """Returns an interface for images whose labels and class names are not the model's."""
        return replace(self, logits=replace(self.logits, count=None, labels=None))


DEFAULT_INTERFACE: Final = ModelInterface()
"""The model takes a batch of images, and the first tensor that can be logits is used."""

_CURRENT: Final = ContextVar("tensorboard_plugin_atlas_interface", default=DEFAULT_INTERFACE)


def check_interface(probe: Probe, *, output: object) -> ModelInterface:
    """Returns how the model is called and its output is read.

    Args:
        probe: Its class names and labels distinguish logits from embeddings.
        output: The user's callable, False for no logits, or None to find them.

    Raises:
        ArgumentError: if an argument cannot be used.
    """
    return ModelInterface(check_output(output, probe.classes, probe.labels))


@contextlib.contextmanager
def use_interface(interface: ModelInterface) -> Iterator[None]:
    """Sets how models are called and their outputs are read inside the block, in this thread."""
    token = _CURRENT.set(interface)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def call_model(model: nn.Module, images: Tensor) -> Any:
    """Calls the model, with a better error message for a wrong number of inputs or channels.

    Args:
        model: The module.
        images: (B, C, H, W) on its device and in its dtype.

    Raises:
        ArgumentError: if the forward pass raises and needs more inputs than the images, or the
            images have another number of channels than the model's first convolution.
    """
    try:
        return model(images)
    except TypeError:
        check_inputs(model)
        raise
    except RuntimeError as error:
        kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
        first = next((part for part in model.modules() if isinstance(part, kinds)), None)
        if first is None or first.in_channels == images.shape[1]:
            raise
        raise ArgumentError(
            f"probe: images have {images.shape[1]} channels, the model's first convolution takes "
            f"{first.in_channels}; pass images with {first.in_channels} channels"
        ) from error


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
