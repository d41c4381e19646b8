# SPDX-License-Identifier: Apache-2.0
"""A model without its numbers: what travels to the worker once, while the state travels each time.

Modules, classes and functions are pickled, those of the running script by value (cloudpickle), so
that a worker need not run the script again. Tensors of the state become their place in the layout.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cloudpickle
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.requirements import check_not_sharded
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import CannotSendError
from tensorboard_plugin_atlas.writer.shared_state import (
    SharedMemory,
    StateLayout,
    copy_all,
    lay_out_state,
    map_memory,
)


@dataclass(frozen=True)
class Structure:
    """A model that can be sent.

    Attributes:
        pickled: The modules, each tensor of the state replaced by its place.
        layout: What stands at these places.
    """

    pickled: bytes
    layout: StateLayout


def describe_structure(model: nn.Module, tensors: Sequence[Tensor]) -> Structure:
    """Packs a model for another process.

    Args:
        model: The unwrapped model.
        tensors: Its `Inventory.tensors`.

    Raises:
        CannotSendError: if the model or its state holds something that cannot be sent.
        ArgumentError: if it is sharded over ranks.
    """
    check_not_sharded(model)  # it may have been sharded since it was looked at last
    layout = lay_out_state(tensors)
    stream = io.BytesIO()
    try:
        _Pickler(stream, {id(tensor): place for place, tensor in enumerate(tensors)}).dump(model)
    except Exception as error:
        raise CannotSendError(
            f"model={type(model).__name__} cannot be sent to another process "
            f"({type(error).__name__}: {error!s:.150})"
        ) from error
    return Structure(stream.getvalue(), layout)


def share_images(probe: Probe) -> tuple[Probe, SharedMemory]:
    """Moves a probe's images, by far its largest part, to memory that two processes can look at.

    Raises:
        OSError: if there is not enough memory.
    """
    memory = SharedMemory(probe.images.numel() * probe.images.element_size())
    images = memory.bytes.view(probe.images.dtype).view(probe.images.shape)
    images.copy_(probe.images)
    return dataclasses.replace(probe, images=images), memory


def without_images(probe: Probe) -> Probe:
    """Returns a probe that can be sent; it keeps the size and type of its images."""
    return dataclasses.replace(probe, images=probe.images[:0].clone())


def with_images(probe: Probe, file: int) -> Probe:
    """Returns a probe that was sent, with the images behind a descriptor."""
    images = map_memory(file).view(probe.images.dtype)
    return dataclasses.replace(probe, images=images.view(-1, *probe.images.shape[1:]))


class ModelCopy:
    """The worker's own copy of a model.

    Args:
        structure: As `describe_structure` gave it, from a process that is trusted.

    Attributes:
        model: The model, on the CPU; its state is undefined before the first `load`.
    """

    def __init__(self, structure: Structure) -> None:
        self._layout = structure.layout
        self._tensors = [spec.allocate() for spec in structure.layout.specs]
        model: nn.Module = _Unpickler(io.BytesIO(structure.pickled), self._tensors).load()
        self.model = model

    def load(self, file: int) -> None:
        """Takes over the state from the slot behind a descriptor."""
        copy_all(self._layout.parts(self._tensors), self._layout.views(map_memory(file)))


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(self, stream: io.BytesIO, places: Mapping[int, int]) -> None:
        super().__init__(stream)
        self._places = places

    def persistent_id(self, value: Any) -> int | None:
        return self._places.get(id(value)) if isinstance(value, Tensor) else None

    def reducer_override(self, value: Any) -> Any:
        """Brings stray tensors and devices to the CPU, where the worker computes."""
        if isinstance(value, Tensor) and value.device.type != "cpu":
            on_cpu: Any = value.detach().cpu()
            return on_cpu.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if isinstance(value, torch.device):
            return torch.device, ("cpu",)
        return super().reducer_override(value)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, tensors: Sequence[Tensor]) -> None:
        super().__init__(stream)
        self._tensors = tensors

    def persistent_load(self, place: int) -> Tensor:
        return self._tensors[place]
