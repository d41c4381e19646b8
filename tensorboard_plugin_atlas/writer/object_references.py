# SPDX-License-Identifier: Apache-2.0
"""Lists the objects that an object refers to, in the same way as pickle.

A model is more than its tensors: configuration objects, lists, hooks, closures. To detect a change
in one of them, each is resolved into the objects that it refers to, down to immutable values.
"""

from __future__ import annotations

import copyreg
import dis
import enum
import functools
import hashlib
import operator
import pickle
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

Parts: TypeAlias = Callable[[Any], Sequence[Any]]
"""Function that lists the objects that a value refers to, always in the same order."""

PLAIN: Final = frozenset({bool, int, float, complex, str, bytes, type(None)})
"""Immutable types whose values are compared if they are not the same object."""

_IMMUTABLE: Final = PLAIN | {
    torch.dtype,
    torch.device,
    torch.layout,
    torch.memory_format,
    torch.Size,
    range,
    types.CodeType,
    types.ModuleType,
    types.EllipsisType,
    types.NotImplementedType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
}
_NUMBERS: Final = (bool, int, float, complex)
_MISSING: Final = "<missing>"


def is_immutable(value: Any) -> bool:
    """Returns whether a value is immutable."""
    kind = type(value)
    if kind is tuple:
        return all(map(is_immutable, value))
    if kind in _IMMUTABLE or isinstance(value, (enum.Enum, np.dtype)):
        return True
    return isinstance(value, (type, types.FunctionType)) and is_importable(value)


def is_same(value: Any, other: Any) -> bool:
    """Returns whether two immutable values have the same type and are equal bit for bit."""
    kind = type(value)
    if value is other or kind is not type(other):
        return value is other
    if kind is tuple:
        return len(value) == len(other) and all(map(is_same, value, other))
    if kind in _NUMBERS:
        return repr(value) == repr(other)  # NaN equals NaN, and 0.0 differs from -0.0
    return bool(kind in _IMMUTABLE and value == other)


def is_importable(value: Any) -> bool:
    """Returns whether a class or function is pickled by name, and any process can import it."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or module == "__main__" or module not in sys.modules:
        return False
    if any(f"{module}.".startswith(f"{m}.") for m in cloudpickle.list_registry_pickle_by_value()):
        return False
    found: Any = sys.modules[module]
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is value


def parts_of(value: Any) -> Parts | None:
    """Returns the function that lists the parts of a value, or None to compare its identity only.

    Args:
        value: Any value except tensors, modules, plain containers, and immutable values.
    """
    kind = type(value)
    if kind.__module__.startswith("torch.fx."):
        return None  # graphs are large and linked; the code that runs is a string elsewhere
    if isinstance(value, type):
        return _class_parts
    if kind is types.FunctionType:
        names = _global_names(value.__code__)
        return functools.partial(_function_parts, names=names)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if _is_pickled_by_attributes(kind):
        return functools.partial(_object_parts, slots=tuple(copyreg._slotnames(kind)))  # type: ignore[attr-defined]
    try:
        is_named = isinstance(_reduce(value), str)
    except Exception:  # from user code, or it cannot be pickled, which is reported by pickling
        return None
    return None if is_named else reduced_parts


def reduced_parts(value: Any) -> Sequence[Any]:
    """Returns the result of a value's own `__reduce_ex__`; new objects at every call."""
    function, arguments, state, items, pairs = (*_reduce(value), None, None, None)[:5]
    return function, arguments, state, list(items or ()), list(pairs or ())


def pickled_parts(value: Any) -> Sequence[Any]:
    """Returns a digest of the pickle of a value."""
    return (_digest(np.frombuffer(cloudpickle.dumps(value), np.uint8)),)


def own_state_names(module: nn.Module) -> tuple[str, ...]:
    """Returns the attributes that a module's own `__getstate__` omits, replaces, or adds."""
    kind = type(module)
    if getattr(kind, "__getstate__", None) is getattr(nn.Module, "__getstate__", None):
        return ()
    try:
        state: Any = module.__getstate__()  # type: ignore[no-untyped-call]
    except Exception:  # it cannot be pickled, which is reported by pickling
        return ()
    if not isinstance(state, dict):
        return ()
    own = module.__dict__
    kept = {name for name, value in own.items() if state.get(name, _MISSING) is value}
    return tuple(dict.fromkeys(name for name in (*own, *state) if name not in kept))


def own_state_parts(module: nn.Module, names: Sequence[str]) -> Sequence[Any]:
    """Returns the values of these attributes in the result of a module's `__getstate__`."""
    state: Any = module.__getstate__()  # type: ignore[no-untyped-call]
    return [state.get(name, _MISSING) for name in names]


def tensor_parts(tensor: Tensor) -> Sequence[Any]:
    """Returns dtype, shape, strides, and a digest of the values of a tensor."""
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    digest = _digest(plain.reshape(-1).view(torch.uint8).numpy())
    return tensor.dtype, tensor.shape, tensor.stride(), tensor.requires_grad, digest


def _array_parts(array: np.ndarray[Any, Any]) -> Sequence[Any]:
    """Returns dtype, shape, strides, and a digest of the values of an array."""
    if array.dtype.hasobject:
        return array.dtype, array.shape, array.strides, array.ravel().tolist()
    return array.dtype, array.shape, array.strides, _digest(array)


def _digest(array: np.ndarray[Any, Any]) -> bytes:
    data: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return hashlib.blake2b(data, digest_size=16).digest()


def _reduce(value: Any) -> Any:
    own = cloudpickle.Pickler.dispatch_table.get(type(value))
    return value.__reduce_ex__(pickle.HIGHEST_PROTOCOL - 1) if own is None else own(value)


def _is_pickled_by_attributes(kind: type) -> bool:
    """Returns whether pickle reads only `__dict__` and the slots of its instances."""
    protocol = ("__reduce_ex__", "__reduce__", "__getstate__")  # the last from Python 3.11 on
    return (
        all(getattr(kind, name, None) is getattr(object, name, None) for name in protocol)
        and not hasattr(kind, "__getnewargs__")
        and not hasattr(kind, "__getnewargs_ex__")
        and kind not in cloudpickle.Pickler.dispatch_table
        and not issubclass(kind, (list, dict, set, frozenset, tuple, str, bytes, int, float))
    )


def _object_parts(value: Any, slots: Sequence[str]) -> Sequence[Any]:
    attributes = getattr(value, "__dict__", None)
    return (type(value), attributes, *(getattr(value, name, _MISSING) for name in slots))


def _class_parts(value: type) -> Sequence[Any]:
    """Returns bases and attributes of a class that is pickled by value."""
    own = dict(vars(value))
    own.pop("__slotnames__", None)  # added by pickle
    return (*value.__bases__, own)


def _function_parts(value: types.FunctionType, names: Sequence[str]) -> Sequence[Any]:
    """Returns code, defaults, closure, and globals of a function that is pickled by value."""
    own = _own_parts(value)
    if value.__closure__:
        own += tuple(map(_cell_contents, value.__closure__))
    if names:
        known = value.__globals__
        own += tuple([known.get(name, _MISSING) for name in names])
    return own


_own_parts: Final[Callable[[types.FunctionType], tuple[Any, ...]]] = operator.attrgetter(
    "__code__", "__defaults__", "__kwdefaults__", "__dict__"
)


def _cell_contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


@functools.lru_cache(maxsize=1024)
def _global_names(code: types.CodeType) -> tuple[str, ...]:
    """Returns the names of globals that a function and its inner functions use."""
    return tuple(dict.fromkeys(_globals_in(code)))


def _globals_in(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname.endswith("_GLOBAL"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals_in(constant)


_SIMPLE: Final[Mapping[type, Parts]] = {
    types.MethodType: lambda value: (value.__self__, value.__func__),
    functools.partial: lambda v: (v.func, v.args, v.keywords, v.__dict__),
    staticmethod: lambda value: (value.__func__,),
    classmethod: lambda value: (value.__func__,),
    property: lambda value: (value.fget, value.fset, value.fdel),
    types.MappingProxyType: lambda value: (dict(value),),
    np.ndarray: _array_parts,
}
