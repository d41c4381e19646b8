# SPDX-License-Identifier: Apache-2.0
"""An unsharded module with the structure of a sharded model, for gathered parameters.

It is rebuilt from a pickle of the sharded model without its tensors. Classes that `fully_shard`
made at run time become the original ones, `FullyShardedDataParallel` becomes the module inside it,
and the hooks of sharding and of tensor parallelism are left out.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import pickle
from collections.abc import Callable, Collection, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any, Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.distributed_models import (
    TORCH_SHARDING,
    find_module_sharding,
    reject_sharded_model,
)
from tensorboard_plugin_atlas.compute.model.engine_hooks import HOOK_FLAGS
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error
from tensorboard_plugin_atlas.writer.model_pickle import ModelPickler, make_empty_module
from tensorboard_plugin_atlas.writer.sharding.gathered_state import clean_name
from tensorboard_plugin_atlas.writer.sharding.zero_parameters import without_zero

_STATE_PREFIX: Final = "__composable_api_state_key"
"""Start of the attributes in which torch keeps the state of sharding."""

_FLAT_PARAMETER: Final = "_flat_param"
"""Parameter in which `FullyShardedDataParallel` keeps those of the module."""

_LEFT_OUT: Final = object()
_LEFT_OUT_PLACE: Final = -1

_FACTORY_HINT: Final = (
    "pass model_factory=, a function without arguments that returns the model as it was before it "
    "was sharded"
)


class UnshardedTwin:
    """An unsharded module whose tensors are empty until it is filled.

    Args:
        module: The module, with empty parameters and buffers.
        values: Gathered tensors by name, with which it will be filled first.

    Attributes:
        module: The same module; it keeps its identity, and that of its tensors.

    Raises:
        ArgumentError: if tensors of the module are not among `values`.
    """

    def __init__(self, module: nn.Module, values: Mapping[str, Tensor]) -> None:
        self.module = module
        names = values.keys()
        self._shapes = _list_shapes(values)
        self._targets: dict[str, Tensor] = {}
        found: dict[str, Tensor] = {clean_name(name): t for name, t in _list_tensors(module)}
        filled = {id(tensor) for name, tensor in found.items() if name in names}
        for name, tensor in found.items():
            if name in names:
                self._targets[name] = tensor
            elif id(tensor) not in filled:
                raise ArgumentError(_describe_missing(name, names))

    @contextlib.contextmanager
    def fill(self, values: Mapping[str, Tensor]) -> Iterator[nn.Module]:
        """Yields the module with gathered values, which it does not copy; empties it afterwards.

        Args:
            values: Tensors on the CPU by name, as `gather_state` returns them.

        Raises:
            ArgumentError: if their names or shapes are not those of the first ones.
        """
        changed = dict(_list_shapes(values) ^ self._shapes)
        if changed:
            raise ArgumentError(
                f"the sharded model has other parameters than when the AtlasWriter was created, "
                f"such as {min(changed)!r}; create a new AtlasWriter on all ranks"
            )
        try:
            for name, target in self._targets.items():
                target.data = values[name]
            yield self.module
        finally:
            for target in self._targets.values():
                target.data = target.data.new_empty(0)


class TwinBuilder:
    """Builds the unsharded twin of a sharded model, and again when its structure has changed.

    Args:
        model: The sharded model, without wrappers around it.
        factory: The user's function that returns an unsharded model, called once, or None to
            rebuild it from `model`.
    """

    def __init__(self, model: nn.Module, factory: Callable[[], nn.Module] | None) -> None:
        self._model, self._factory = model, factory
        self._twin: UnshardedTwin | None = None
        self._structure: tuple[bytes, set[tuple[str, torch.Size]]] | None = None

    def build(self, values: Mapping[str, Tensor]) -> UnshardedTwin:
        """Returns the twin, the same one as before if only values of tensors have changed.

        Args:
            values: The gathered state by name.

        Raises:
            ArgumentError: if the model cannot be rebuilt, or the factory returns another model.
        """
        if self._factory is None:
            return self._rebuild(values)
        if self._twin is None:
            self._twin = UnshardedTwin(_call_factory(self._factory, values), values)
        return self._twin

    def _rebuild(self, values: Mapping[str, Tensor]) -> UnshardedTwin:
        stream = io.BytesIO()
        try:
            pickler = _TwinPickler(stream, self._model, values.keys())
            pickler.dump(self._model)
            structure = stream.getvalue(), _list_shapes(values)
            if self._twin is None or structure != self._structure:
                module = _unpickle(structure[0], pickler.tensors, values)
                self._twin, self._structure = UnshardedTwin(module, values), structure
        except ArgumentError:
            raise
        except Exception as error:  # from user code
            raise ArgumentError(
                f"model={type(self._model).__name__} is sharded, and cannot be rebuilt without "
                f"sharding ({summarize_error(error)}); {_FACTORY_HINT}"
            ) from error
        return self._twin


def _unpickle(pickled: bytes, tensors: list[Tensor], values: Mapping[str, Tensor]) -> nn.Module:
    """Returns a module with empty tensors.

    Args:
        pickled: Written by a `_TwinPickler` of this process.
        tensors: Its `tensors`.
        values: The gathered state by name.
    """
    twin: nn.Module = _TwinUnpickler(io.BytesIO(pickled), tensors).load()
    for module in twin.modules():
        _remove_left_out(module)
    _register_flat_parameters(twin, values)
    return twin


class _TwinPickler(ModelPickler):
    """Pickles a sharded model without its tensors and without sharding.

    Args:
        stream: Where the pickle is written.
        model: The sharded model.
        names: Names of its parameters and buffers.

    Attributes:
        tensors: The tensors of the model, replaced by their indices.
    """

    def __init__(self, stream: io.BytesIO, model: nn.Module, names: Collection[str]) -> None:
        views = (t for name, t in _list_attributes(model) if name in names)
        tensors = (t for _, t in _list_tensors(model))
        self.tensors = list({id(t): t for t in (*tensors, *views)}.values())
        places = {id(tensor): place for place, tensor in enumerate(self.tensors)}
        for module in model.modules():
            places.update((id(value), _LEFT_OUT_PLACE) for value in _list_left_out(module))
        super().__init__(stream, places)

    def reducer_override(self, value: Any) -> Any:
        """Replaces classes of sharding by the original ones."""
        sharding = find_module_sharding(value) if isinstance(value, nn.Module) else None
        if sharding is not None:
            if sharding.reason == "FullyShardedDataParallel":
                return _identity, (value.module,)
            kind = next(k for k in type(value).__mro__ if not _is_sharding_class(k))
            return make_empty_module, (kind,), value.__getstate__()
        attributes = without_zero(value) if isinstance(value, nn.Module) else None
        if attributes is not None:
            return make_empty_module, (type(value),), attributes
        return super().reducer_override(value)


class _TwinUnpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, tensors: list[Tensor]) -> None:
        super().__init__(stream)
        self._empty = [_make_empty(tensor) for tensor in tensors]

    def persistent_load(self, place: int) -> object:
        return _LEFT_OUT if place == _LEFT_OUT_PLACE else self._empty[place]


def _list_shapes(values: Mapping[str, Tensor]) -> set[tuple[str, torch.Size]]:
    return {(name, value.shape) for name, value in values.items()}


def _list_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yields all parameters and buffers by name; shared ones several times."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _list_attributes(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors that are plain attributes of modules, by name.

    `FullyShardedDataParallel` sets such ones in place of the parameters of a `FlatParameter`.
    """
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Tensor):
                yield clean_name(f"{path}.{name}"), value


def _make_empty(tensor: Tensor) -> Tensor:
    """Returns a tensor or parameter of the same dtype without elements."""
    empty = torch.empty(0, dtype=tensor.dtype)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, tensor.requires_grad)
    return empty


def _is_sharding_class(kind: type) -> bool:
    """Returns whether a class is `FSDPModule`, or one that `fully_shard` derived from it."""
    return any(base.__name__ == "FSDPModule" for base in kind.__mro__)


def _list_left_out(module: nn.Module) -> Iterator[object]:
    """Yields the attributes and hooks of a module that belong to its sharding."""
    for name, value in vars(module).items():
        is_replaced_method = isinstance(value, (FunctionType, MethodType))
        if name.startswith(_STATE_PREFIX) or (is_replaced_method and _is_of_sharding(value)):
            yield value
        elif name.endswith("_hooks") and isinstance(value, dict):
            yield from filter(_is_of_sharding, value.values())
    if _FLAT_PARAMETER in module._parameters:
        yield module._parameters[_FLAT_PARAMETER]


def _is_of_sharding(hook: Any) -> bool:
    hook = getattr(hook, "hook", hook)  # torch wraps some hooks
    while isinstance(hook, functools.partial):
        hook = hook.func
    return str(getattr(hook, "__module__", "")).startswith(TORCH_SHARDING)


def _remove_left_out(module: nn.Module) -> None:
    for name, value in list(vars(module).items()):
        if value is _LEFT_OUT:
            del module.__dict__[name]
        elif isinstance(value, dict):
            for key in [key for key, entry in value.items() if entry is _LEFT_OUT]:
                del value[key]
                for flags in HOOK_FLAGS:
                    vars(module).get(flags, {}).pop(key, None)


def _register_flat_parameters(twin: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Registers the parameters that were part of a `FlatParameter`."""
    known = {clean_name(name) for name, _ in _list_tensors(twin)}
    owners = {clean_name(path): module for path, module in twin.named_modules()}
    for name in values:
        path, _, attribute = name.rpartition(".")
        owner = owners.get(path)
        if name not in known and owner is not None:
            owner.__dict__.pop(attribute, None)
            owner.register_parameter(attribute, nn.Parameter(_make_empty(values[name])))


def _call_factory(factory: Callable[[], nn.Module], values: Mapping[str, Tensor]) -> nn.Module:
    """Returns the unsharded model of the user with empty tensors."""
    with preserve_random_state():
        made = factory()
    if not isinstance(made, nn.Module):
        raise ArgumentError(
            f"model_factory={factory!r:.80} returns {type(made).__name__}; return a torch.nn.Module"
        )
    module = unwrap(made)
    reject_sharded_model(module)
    for name, tensor in _list_tensors(module):
        value = values.get(clean_name(name))
        if value is not None and value.shape != tensor.shape:
            raise ArgumentError(
                f"model_factory={factory!r:.80}: {name} has shape {tuple(tensor.shape)}, and "
                f"{tuple(value.shape)} in the sharded model; return the model as it was before it "
                "was sharded"
            )
    empty: dict[int, Tensor] = {}
    for part in module.modules():
        groups: tuple[dict[str, Any], ...] = (part._parameters, part._buffers)
        for group in groups:
            for name, value in group.items():
                if value is not None:
                    group[name] = empty.setdefault(id(value), _make_empty(value))
    return module


def _describe_missing(name: str, names: Collection[str]) -> str:
    close = difflib.get_close_matches(name, names, n=3)
    hint = f" (similar names: {', '.join(close)})" if close else ""
    return f"the sharded model has no parameter or buffer {name!r}{hint}; {_FACTORY_HINT}"


def _identity(module: nn.Module) -> nn.Module:
    return module
