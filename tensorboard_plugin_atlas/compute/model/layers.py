# SPDX-License-Identifier: Apache-2.0
"""Finding layers by name, and choosing sensible ones when the caller names none."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.outputs import (
    OutputForm,
    form_of,
    forward,
    gives_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.quiet import as_input, hooked, undisturbed, unwrap
from tensorboard_plugin_atlas.compute.probe import Probe
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

__all__ = ["choose_layers", "layer_name", "middle_layer", "resolve_layer", "unwrap"]

DEFAULT_LAYERS: Final = 4
"""Layers chosen at most when none are named."""

_WRAPPERS: Final = ("module", "_orig_mod")
_PASSES_ON: Final = ("Pool", "Dropout", "Identity", "Upsample")

_logger = logging.getLogger(__name__)


def resolve_layer(model: nn.Module, name: str) -> nn.Module:
    """Returns the module called `name`, which may carry `module.` or `_orig_mod.` prefixes or not.

    Raises:
        ArgumentError: if `name` is not text.
        LayerError: if there is none; the message lists the three closest names.
    """
    return _lookup(model, name)[1]


def layer_name(model: nn.Module, name: str) -> str:
    """Returns `name` without the prefixes of wrappers, so that a layer has one name in all logs.

    Raises:
        ArgumentError: if `name` is not text.
        LayerError: if there is no such layer.
    """
    return _lookup(model, name)[0]


def middle_layer(model: nn.Module, layers: Sequence[str]) -> str:
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
    names = tuple(layer_name(model, seen.names[-1]) for seen in deepest)
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
        name: module for name, module in inner.named_modules() if name and not _passes_on(module)
    }
    # The tensors are kept alive until the end, so that equal ids mean the same tensor.
    outputs: dict[int, tuple[list[str], Tensor]] = {}

    def on_output(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            names, _ = outputs.pop(id(output), ([], output))
            outputs[id(output)] = ([*names, name], output)

    with undisturbed(model), torch.no_grad(), hooked(modules, on_output):
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
        return form_of(
            output,
            batch=1,
            input_size=probe.input_size,
            sequence_first=gives_sequence_first(module),
        )
    except LayerError:
        return None


def _lookup(model: nn.Module, name: object) -> tuple[str, nn.Module]:
    if not isinstance(name, str):
        raise ArgumentError(f"layer={name!r:.80}: pass the module's dotted name, such as 'layer4'")
    inner = unwrap(model)
    exact = {full: unwrap(module) for full, module in inner.named_modules() if full}
    plain = {_plain(full): module for full, module in exact.items()}
    wanted = _plain(name)
    module = exact.get(name, plain.get(wanted))
    if module is not None:
        return (wanted if plain.get(wanted) is module else name), module
    close = difflib.get_close_matches(wanted, list(plain), n=3, cutoff=0.0)
    raise LayerError(
        f"layer {name!r} is not a module of {type(inner).__name__}; closest: "
        + (", ".join(map(repr, close)) or "none, the model has no submodules")
    )


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)
