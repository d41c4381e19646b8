# SPDX-License-Identifier: Apache-2.0
"""Pickles a model without its state, which is sent to the worker only when it changes.

Modules, classes, and functions are pickled, those of the running script by value (cloudpickle), so
that the worker does not run the script again. Tensors of the state are replaced by their indices.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize

from tensorboard_plugin_atlas.compute.model.autocast_removal import without_autocast
from tensorboard_plugin_atlas.compute.model.distributed_models import reject_sharded_model
from tensorboard_plugin_atlas.compute.model.engine_hooks import without_engine_hooks
from tensorboard_plugin_atlas.compute.model.pickled_function import CpuPickler
from tensorboard_plugin_atlas.errors import CannotSendError
from tensorboard_plugin_atlas.writer.shared_state import (
    StateLayout,
    compute_state_layout,
    copy_all,
    map_memory,
)


@dataclass(frozen=True)
class Structure:
    """A pickled model without its state.

    Attributes:
        pickled: The modules, with each tensor of the state replaced by its index in `layout`.
        layout: Shapes and memory offsets of the tensors.
    """

    pickled: bytes
    layout: StateLayout


def pickle_structure(model: nn.Module, tensors: Sequence[Tensor]) -> Structure:
    """Pickles a model without its state.

    Args:
        model: The unwrapped model.
        tensors: Its `ModelState.tensors`.

    Raises:
        CannotSendError: if an object in the model or its state cannot be sent.
        ArgumentError: if the model is sharded over ranks.
    """
    reject_sharded_model(model)  # it may have been sharded since the last check
    layout = compute_state_layout(tensors)
    stream = io.BytesIO()
    try:
        ModelPickler(stream, {id(tensor): place for place, tensor in enumerate(tensors)}).dump(
            model
        )
    except Exception as error:
        raise CannotSendError(
            f"model={type(model).__name__} cannot be sent to another process "
            f"({type(error).__name__}: {error!s:.150})"
        ) from error
    return Structure(stream.getvalue(), layout)


class ModelCopy:
    """The worker's copy of a model.

    Args:
        structure: Returned by `pickle_structure` in a trusted process; it is unpickled.

    Attributes:
        model: The model, on the CPU; its state is undefined before the first `load`.
    """

    def __init__(self, structure: Structure) -> None:
        self._layout = structure.layout
        self._tensors = [spec.allocate() for spec in structure.layout.specs]
        model: nn.Module = _Unpickler(io.BytesIO(structure.pickled), self._tensors).load()
        self.model = model

    def load(self, file: int) -> None:
        """Copies the state from the slot in a shared memory file."""
        copy_all(self._layout.parts(self._tensors), self._layout.views(map_memory(file)))


class ModelPickler(CpuPickler):
    """Pickles a model without its state.

    Args:
        stream: Where the pickle is written.
        places: The index that replaces each tensor of the state, by the id of the tensor, which the
            caller keeps alive.
    """

    def __init__(self, stream: io.BytesIO, places: Mapping[int, int]) -> None:
        super().__init__(stream)
        self._places = places

    def reducer_override(self, value: Any) -> Any:
        """Pickles modules with parametrizations by their original class."""
        # Modules with parametrizations, such as weight_norm, have a class made at run time, which
        # refuses to be pickled.
        if isinstance(value, nn.Module) and parametrize.is_parametrized(value):
            kind = parametrize.type_before_parametrizations(value)
            return make_empty_module, (kind,), value.__dict__, None, None, _restore_parametrized
        if isinstance(value, nn.Module):
            state = _list_own_attributes(value)
            if state is not None:
                return make_empty_module, (type(value),), state
        return super().reducer_override(value)

    def persistent_id(self, value: Any) -> int | None:
        """Returns the index of a tensor of the state, or None for any other object."""
        return self._places.get(id(value))


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, tensors: Sequence[Tensor]) -> None:
        super().__init__(stream)
        self._tensors = tensors

    def persistent_load(self, place: int) -> Tensor:
        return self._tensors[place]


def _list_own_attributes(module: nn.Module) -> dict[str, Any] | None:
    """Returns the attributes without what trainers added; None if they added nothing."""
    state = without_autocast(type(module), vars(module))
    unhooked = without_engine_hooks(vars(module) if state is None else state)
    return state if unhooked is None else unhooked


def make_empty_module(kind: type[nn.Module]) -> nn.Module:
    """Returns a module without attributes; called when a module is unpickled."""
    return kind.__new__(kind)


def _restore_parametrized(module: nn.Module, state: dict[str, Any]) -> None:
    """Sets the state of a module, and makes its parametrized tensors properties again."""
    module.__dict__.update(state)
    parametrize._inject_new_class(module)
    for name in state["_modules"]["parametrizations"]:
        parametrize._inject_property(module, name)
