# SPDX-License-Identifier: Apache-2.0
"""Functions of the user, pickled for a process that computes on the CPU."""

from __future__ import annotations

import contextlib
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cloudpickle
import torch
from torch import Tensor

from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error


class CpuPickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles tensors and devices as those of the CPU, and functions by value where needed."""

    def reducer_override(self, value: Any) -> Any:
        """Moves tensors and devices to the CPU."""
        if isinstance(value, Tensor) and value.device.type != "cpu":
            on_cpu: Any = value.detach().cpu()
            return on_cpu.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if isinstance(value, torch.device):
            return torch.device, ("cpu",)
        return super().reducer_override(value)


@dataclass(frozen=True)
class PickledFunction:
    """A function of the user, pickled; it is unpickled at its first call."""

    data: bytes

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function; `data` must come from a trusted process."""
        if self.data not in _UNPICKLED:
            _UNPICKLED[self.data] = cloudpickle.loads(self.data)
        return _UNPICKLED[self.data](*arguments)


def pickle_function(name: str, call: Callable[..., Any] | None) -> PickledFunction | None:
    """Pickles a function, which may be a lambda.

    Args:
        name: Name of the argument, for messages.
        call: The function, one that is already pickled, or None.

    Raises:
        ArgumentError: if it cannot be pickled.
    """
    if call is None or isinstance(call, PickledFunction):
        return call
    stream = io.BytesIO()
    try:
        CpuPickler(stream).dump(call)
    except Exception as error:  # from user code
        raise ArgumentError(f"{name} cannot be pickled ({summarize_error(error)})") from error
    return PickledFunction(stream.getvalue())


def refers_to(call: Callable[..., Any], value: object) -> bool:
    """Returns whether a function holds an object: in a closure, a global of a script, or `self`."""
    search = _Search(value)
    with contextlib.suppress(Exception):  # from user code; what was found until then counts
        search.dump(call)
    return search.is_found


class _Search(CpuPickler):
    """Looks for an object in whatever is pickled."""

    def __init__(self, value: object) -> None:
        super().__init__(io.BytesIO())
        self._value = value
        self.is_found = False

    def persistent_id(self, value: Any) -> str | None:
        """Leaves out the object that was found."""
        self.is_found |= value is self._value
        return "found" if value is self._value else None


_UNPICKLED: Final[dict[bytes, Callable[..., Any]]] = {}
