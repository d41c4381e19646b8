# SPDX-License-Identifier: Apache-2.0
"""Finding layers by name.

A layer is a module, such as "blocks.11", or one of the tokens before the patches of a transformer's
module: "blocks.11:cls" is the first of them, and "blocks.11:token1" the next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.model_checks import check_layer
from tensorboard_plugin_atlas.compute.model.outputs import (
    OutputForm,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

__all__ = [
    "choose_middle_layer",
    "infer_layer_form",
    "normalize_layer_name",
    "resolve_layer",
    "unwrap",
]

_WRAPPERS: Final = (
    "module",
    "_orig_mod",
    "_checkpoint_wrapped_module",
    "_forward_module",
    "_original_module",
)
"""Attribute in which wrappers of torch and Lightning Fabric hold a module."""


_TOKEN: Final = re.compile(r"(?P<module>.+):(?:cls|token(?P<index>\d{1,3}))")


def _split_token(name: str) -> tuple[str, int | None]:
    """Returns the name of the module, and the index of the token or None."""
    found = _TOKEN.fullmatch(name)
    return (name, None) if found is None else (found["module"], int(found["index"] or 0))


def _add_token(module: str, token: int | None) -> str:
    suffixes = {None: "", 0: ":cls"}
    return module + suffixes.get(token, f":token{token}")


def infer_layer_form(
    output: Tensor, name: str, module: nn.Module, *, batch: int, input_size: tuple[int, int]
) -> OutputForm:
    """Infers the form of a layer's output, or of the token that its name selects.

    Args:
        output: The output for `batch` images.
        name: Name of the layer.
        module: The layer.
        batch: B.
        input_size: Height and width of the images.

    Raises:
        LayerError: as for `infer_output_form`.
    """
    return infer_output_form(
        output,
        batch=batch,
        input_size=input_size,
        sequence_first=is_sequence_first(module),
        token=_split_token(name)[1],
    )


def resolve_layer(model: nn.Module, name: str) -> nn.Module:
    """Returns the module called `name`, also inside wrappers.

    Prefixes of wrappers, such as `module.`, may be omitted where one module remains.

    Raises:
        ArgumentError: if `name` is not a string.
        LayerError: if no module has that name (the message lists the three closest names), if
            several have it, or if it is part of a TorchScript module.
    """
    names, full = _lookup(model, name)
    return names.get_module(full)


def normalize_layer_name(model: nn.Module, name: str) -> str:
    """Returns `name` without the prefixes of wrappers, so that a layer has one name in all logs.

    Raises:
        ArgumentError: if `name` is not a string.
        LayerError: as for `resolve_layer`.
    """
    names, full = _lookup(model, name)
    # The log shows the short name and the worker looks it up, so it must be unambiguous.
    short = _strip_prefixes(full)
    matches = [names.get_module(other) for other in names.find_matches(short)]
    module = short if matches == [names.get_module(full)] else full
    return _add_token(module, _split_token(name)[1])


def choose_middle_layer(model: nn.Module, layers: Sequence[str]) -> str:
    """Returns the middle one of `layers`, in the order of the model's modules.

    Of two in the middle it is the earlier one.

    Args:
        model: The model, in whatever wrapper.
        layers: Dotted module names, at least one.
    """
    order = {id(module): index for index, module in enumerate(unwrap(model).modules())}
    ranked = sorted(layers, key=lambda name: order.get(id(resolve_layer(model, name)), 0))
    return ranked[(len(ranked) - 1) // 2]


def _lookup(model: nn.Module, name: object) -> tuple[_Names, str]:
    """Returns the names in a model, and the full name of the module that `name` selects."""
    if not isinstance(name, str):
        raise ArgumentError(f"layer={name!r:.80}: pass the module's dotted name, such as 'layer4'")
    name, _ = _split_token(name)
    inner = unwrap(model)
    names = _Names({full: module for full, module in inner.named_modules() if full})
    found = names.find_matches(name)
    if len(found) > 1:
        raise LayerError(f"layer {name!r} is ambiguous: pass one of {', '.join(map(repr, found))}")
    if not found:
        close = difflib.get_close_matches(_strip_prefixes(name), list(names.short), n=3, cutoff=0.0)
        raise LayerError(
            f"layer {name!r} is not a module of {type(inner).__name__}; closest: "
            + (", ".join(map(repr, close)) or "none, the model has no submodules")
        )
    check_layer(name, names.get_module(found[0]))
    return names, found[0]


@dataclass(frozen=True, eq=False)
class _Names:
    """The modules inside an unwrapped model.

    Attributes:
        modules: By full name.
    """

    modules: dict[str, nn.Module]

    def get_module(self, full: str) -> nn.Module:
        """Returns a module, unwrapped."""
        return unwrap(self.modules[full])

    def find_matches(self, name: str) -> list[str]:
        """Returns the full names that match `name`; a full name matches itself alone."""
        return [name] if name in self.modules else self.short.get(_strip_prefixes(name), [])

    @cached_property
    def short(self) -> dict[str, list[str]]:
        """Names without the prefixes of wrappers, and the full names of the modules that have them.

        The names of a wrapper and of the module inside it count once.
        """
        found: dict[str, list[str]] = {}
        for full in self.modules:
            same = found.setdefault(_strip_prefixes(full), [])
            if all(self.get_module(other) is not self.get_module(full) for other in same):
                same.append(full)
        found.pop("", None)
        return found


def _strip_prefixes(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)
