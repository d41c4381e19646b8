# SPDX-License-Identifier: Apache-2.0
"""Finding layers by name, and choosing sensible ones when the caller names none."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.outputs import (
    OutputForm,
    forward,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    preserve_model_state,
    unwrap,
)
from tensorboard_plugin_atlas.compute.model.requirements import check_layer, is_scripted
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

__all__ = [
    "choose_layers",
    "choose_middle_layer",
    "normalize_layer_name",
    "resolve_layer",
    "unwrap",
]

DEFAULT_LAYERS: Final = 4
"""Layers chosen at most when none are named."""

_WRAPPERS: Final = (
    "module",
    "_orig_mod",
    "_checkpoint_wrapped_module",
    "_forward_module",
    "_original_module",
)
"""What torch's wrappers and Lightning Fabric's call the module that they hold."""

_PASSES_ON: Final = ("Pool", "Dropout", "Identity", "Upsample")

_logger = logging.getLogger(__name__)


def resolve_layer(model: nn.Module, name: str) -> nn.Module:
    """Returns the module called `name`, in the model or in what wrappers inside it hold.

    `module.` and other prefixes of wrappers may be there or not, where that leaves one module.

    Raises:
        ArgumentError: if `name` is not text.
        LayerError: if there is none, where the message lists the three closest names, or several;
            if it is part of a TorchScript module.
    """
    names, full = _lookup(model, name)
    return names.module(full)


def normalize_layer_name(model: nn.Module, name: str) -> str:
    """Returns `name` without the prefixes of wrappers, so that a layer has one name in all logs.

    Raises:
        ArgumentError: if `name` is not text.
        LayerError: as for `resolve_layer`.
    """
    names, full = _lookup(model, name)
    # The short name has to lead back here: it is what the log shows and the worker looks up.
    short = _plain(full)
    leads_back = [names.module(other) for other in names.meant_by(short)] == [names.module(full)]
    return short if leads_back else full


def choose_middle_layer(model: nn.Module, layers: Sequence[str]) -> str:
    """Returns which of `layers` is in the middle, in the order in which the model names them.

    Of two in question it is the earlier.

    Args:
        model: The model, in whatever wrapper.
        layers: Dotted module names, at least one.
    """
    order = {id(module): place for place, module in enumerate(unwrap(model).modules())}
    ranked = sorted(layers, key=lambda name: order.get(id(resolve_layer(model, name)), 0))
    return ranked[(len(ranked) - 1) // 2]


def choose_layers(
    model: nn.Module, probe: Probe, *, limit: int = DEFAULT_LAYERS
) -> tuple[str, ...]:
    """Chooses the last module of each spatial resolution that one forward pass goes through.

    The trunk is the container whose direct children go through the most resolutions (`features` of
    a MobileNet, the whole model of a ResNet). Its children are preferred to modules deeper inside,
    then blocks to single operations, and where a block passes on its last part's tensor the
    outermost block is named. The resolution of the input is left out where the
    network has a smaller one, and so are 1 x 1 maps.

    Args:
        model: The model, in any mode; it is left as it was.
        probe: Its first image is passed through the model.
        limit: Layers at most; the deepest are kept.

    Returns:
        Names from shallow to deep.

    Raises:
        LayerError: if no module gives a map.
    """
    best = _last_of_each_size(_seen_in_forward(model, probe))
    if len(best) > 1:
        best.pop(probe.input_size, None)
    deepest = sorted(best.values(), key=lambda seen: seen.order)[-limit:]
    if not deepest:
        some = [name for name, _ in unwrap(model).named_modules() if name][-3:]
        raise LayerError(
            f"layers=None: no module of {type(unwrap(model)).__name__} gives a map of at least 2 "
            f"cells; pass layers=[...], such as {some}"
        )
    names = tuple(normalize_layer_name(model, seen.names[-1]) for seen in deepest)
    _logger.info("layers=None: chose %s", ", ".join(names))
    return names


@dataclass(frozen=True, eq=False)
class _Seen:
    """One tensor met in the forward pass, and the modules that gave it, from inner to outer."""

    names: tuple[str, ...]
    order: int
    is_block: bool
    map_size: tuple[int, int]

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple(name.rpartition(".")[0] for name in self.names)


def _last_of_each_size(seen: list[_Seen]) -> dict[tuple[int, int], _Seen]:
    sizes: dict[str, set[tuple[int, int]]] = {}
    for one in seen:
        for parent in one.parents:
            sizes.setdefault(parent, set()).add(one.map_size)
    trunk = max(sizes, key=lambda parent: (len(sizes[parent]), -parent.count(".")), default="")
    ranked = sorted(seen, key=lambda one: (trunk in one.parents, one.is_block, one.order))
    return {one.map_size: one for one in ranked}


def _seen_in_forward(model: nn.Module, probe: Probe) -> list[_Seen]:
    inner = unwrap(model)
    modules = {
        name: module
        for name, module in inner.named_modules()
        if name and not _passes_on(module) and not is_scripted(module)
    }
    # The tensors are kept alive until the end, so that equal ids mean the same tensor.
    outputs: dict[int, tuple[list[str], Tensor]] = {}

    def on_output(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            names, _ = outputs.pop(id(output), ([], output))
            outputs[id(output)] = ([*names, name], output)

    with preserve_model_state(model), torch.no_grad(), add_forward_hooks(modules, on_output):
        forward(inner, as_input(probe.images[:1], inner))
    found = []
    for order, (names, tensor) in enumerate(outputs.values()):
        module = modules[names[-1]]
        form = _form(tensor, module, probe)
        if form is not None and form.kind != "vector" and form.map_size != (1, 1):
            found.append(_Seen(tuple(names), order, _is_block(module), form.map_size))
    return found


def _is_block(module: nn.Module) -> bool:
    return next(module.children(), None) is not None


def _passes_on(module: nn.Module) -> bool:
    """Tells whether a module adds nothing to its input, so that what gave the input is named."""
    return not _is_block(module) and any(word in type(module).__name__ for word in _PASSES_ON)


def _form(output: Tensor, module: nn.Module, probe: Probe) -> OutputForm | None:
    try:
        return infer_output_form(
            output,
            batch=1,
            input_size=probe.input_size,
            sequence_first=is_sequence_first(module),
        )
    except LayerError:
        return None


def _lookup(model: nn.Module, name: object) -> tuple[_Names, str]:
    """Returns the names in a model, and the full one of the module that `name` means."""
    if not isinstance(name, str):
        raise ArgumentError(f"layer={name!r:.80}: pass the module's dotted name, such as 'layer4'")
    inner = unwrap(model)
    names = _Names({full: module for full, module in inner.named_modules() if full})
    found = names.meant_by(name)
    if len(found) > 1:
        raise LayerError(
            f"layer {name!r} could be any of {', '.join(map(repr, found))}; pass one of these names"
        )
    if not found:
        close = difflib.get_close_matches(_plain(name), list(names.short), n=3, cutoff=0.0)
        raise LayerError(
            f"layer {name!r} is not a module of {type(inner).__name__}; closest: "
            + (", ".join(map(repr, close)) or "none, the model has no submodules")
        )
    check_layer(name, names.module(found[0]))
    return names, found[0]


@dataclass(frozen=True, eq=False)
class _Names:
    """The modules inside an unwrapped model.

    Attributes:
        modules: By full name.
    """

    modules: dict[str, nn.Module]

    def module(self, full: str) -> nn.Module:
        """Returns a module without wrappers of its own."""
        return unwrap(self.modules[full])

    def meant_by(self, name: str) -> list[str]:
        """Returns the full names of what `name` can mean; a full name means one module."""
        return [name] if name in self.modules else self.short.get(_plain(name), [])

    @cached_property
    def short(self) -> dict[str, list[str]]:
        """Names without the prefixes of wrappers, and the full names of the modules that have it.

        They are different modules: the names of a wrapper and of what it holds count once.
        """
        found: dict[str, list[str]] = {}
        for full in self.modules:
            same = found.setdefault(_plain(full), [])
            if all(self.module(other) is not self.module(full) for other in same):
                same.append(full)
        found.pop("", None)
        return found


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)
