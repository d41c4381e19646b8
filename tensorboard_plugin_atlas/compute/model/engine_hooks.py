# SPDX-License-Identifier: Apache-2.0
"""Hooks that DeepSpeed adds to a model, which belong to a training step.

They measure its throughput, cast its inputs, and gather parameters from all ranks. An atlas must do
none of these, and another process cannot have them, since they hold the process group.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from torch import nn

_PACKAGE: Final = "deepspeed."
_TABLES: Final = ("_forward_pre_hooks", "_forward_hooks")

HOOK_FLAGS: Final = (
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs",
)
"""Attributes of a module with entries for some of its hooks, by the same keys."""


def without_engine_hooks(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the attributes of a module without hooks of DeepSpeed.

    Args:
        attributes: The `__dict__` of a module, which does not change.

    Returns:
        A new dictionary, or None if the module has no such hook.
    """
    tables = _filter_tables(attributes)
    return {**attributes, **tables} if tables else None


@contextlib.contextmanager
def remove_engine_hooks(model: nn.Module) -> Iterator[None]:
    """Removes the hooks of DeepSpeed from all modules inside a block."""
    with contextlib.ExitStack() as stack:
        for module in model.modules():
            tables = _filter_tables(vars(module))
            stack.callback(vars(module).update, {name: vars(module)[name] for name in tables})
            vars(module).update(tables)
        yield


def _filter_tables(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns copies of all tables without the hooks of DeepSpeed; empty if there are none."""
    hooks = [entry for table in _TABLES for entry in attributes[table].items()]
    added = {key for key, hook in hooks if _is_of_engine(hook)}
    if not added:
        return {}
    return {
        name: type(attributes[name])(
            (key, entry) for key, entry in attributes[name].items() if key not in added
        )
        for name in (*_TABLES, *HOOK_FLAGS)
    }


def _is_of_engine(hook: Any) -> bool:
    return str(getattr(hook, "__module__", "")).startswith(_PACKAGE)
