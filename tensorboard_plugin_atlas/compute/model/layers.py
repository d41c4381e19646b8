# SPDX-License-Identifier: Apache-2.0
"""Finding layers by name, and choosing layers where the caller names none."""

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
"""Largest number of layers that are chosen when none are named."""

_WRAPPERS: Final = (
    "module",
    "_orig_mod",
    "_checkpoint_wrapped_module",
    "_forward_module",
    "_original_module",
)
"""Attribute in which wrappers of torch and Lightning Fabric hold a module."""

_PASS_THROUGH: Final = ("Pool", "Dropout", "Identity", "Upsample")

_logger = logging.getLogger(__name__)


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
    return short if matches == [names.get_module(full)] else full


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


def choose_layers(
    model: nn.Module, probe: Probe, *, limit: int = DEFAULT_LAYERS
) -> tuple[str, ...]:
    """Chooses the last module at each spatial resolution of one forward pass.

    The trunk is the container whose direct children have the most resolutions (`features` of a
    MobileNet, the whole model of a ResNet). Its children are preferred to modules deeper inside,
    then blocks to single operations. Where several modules return the same tensor, the outermost is
    chosen. Layers with the resolution of the input are ignored where the network has a smaller
    one, and so are 1 x 1 maps.

    Args:
        model: The model, in any mode; it does not change.
        probe: The model runs on its first image.
        limit: Largest number of layers; the deepest are chosen.

    Returns:
        Names from shallow to deep.

    Raises:
        LayerError: if no module returns a map.
    """
    best = _select_last_of_each_size(_record_outputs(model, probe))
    if len(best) > 1:
        best.pop(probe.input_size, None)
    deepest = sorted(best.values(), key=lambda one: one.order)[-limit:]
    if not deepest:
        some = [name for name, _ in unwrap(model).named_modules() if name][-3:]
        raise LayerError(
            f"layers=None: no module of {type(unwrap(model)).__name__} returns a map of at least "
            f"2 positions; pass layers=[...], such as {some}"
        )
    names = tuple(normalize_layer_name(model, one.names[-1]) for one in deepest)
    _logger.info("layers=None: chose %s", ", ".join(names))
    return names


@dataclass(frozen=True, eq=False)
class _ModuleOutput:
    """A tensor of a forward pass, and the modules that returned it, from inner to outer."""

    names: tuple[str, ...]
    order: int
    is_block: bool
    map_size: tuple[int, int]

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple(name.rpartition(".")[0] for name in self.names)


def _select_last_of_each_size(outputs: list[_ModuleOutput]) -> dict[tuple[int, int], _ModuleOutput]:
    sizes: dict[str, set[tuple[int, int]]] = {}
    for one in outputs:
        for parent in one.parents:
            sizes.setdefault(parent, set()).add(one.map_size)
    trunk = max(sizes, key=lambda parent: (len(sizes[parent]), -parent.count(".")), default="")
    ranked = sorted(outputs, key=lambda one: (trunk in one.parents, one.is_block, one.order))
    return {one.map_size: one for one in ranked}


def _record_outputs(model: nn.Module, probe: Probe) -> list[_ModuleOutput]:
    inner = unwrap(model)
    modules = {
        name: module
        for name, module in inner.named_modules()
        if name and not _is_pass_through(module) and not is_scripted(module)
    }
    # The tensors are kept alive so that equal ids mean the same tensor.
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
        form = _infer_form(tensor, module, probe)
        if form is not None and form.kind != "vector" and form.map_size != (1, 1):
            found.append(_ModuleOutput(tuple(names), order, _is_block(module), form.map_size))
    return found


def _is_block(module: nn.Module) -> bool:
    return next(module.children(), None) is not None


def _is_pass_through(module: nn.Module) -> bool:
    """Returns whether a module computes nothing new, so that the module before it is chosen."""
    return not _is_block(module) and any(word in type(module).__name__ for word in _PASS_THROUGH)


def _infer_form(output: Tensor, module: nn.Module, probe: Probe) -> OutputForm | None:
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
    """Returns the names in a model, and the full name of the module that `name` selects."""
    if not isinstance(name, str):
        raise ArgumentError(f"layer={name!r:.80}: pass the module's dotted name, such as 'layer4'")
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
