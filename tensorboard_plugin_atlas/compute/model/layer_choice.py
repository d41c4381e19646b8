# SPDX-License-Identifier: Apache-2.0
"""Chooses layers where none are named: the last block of each stage, or evenly deep blocks."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.model_checks import is_scripted
from tensorboard_plugin_atlas.compute.model.model_interface import call_model
from tensorboard_plugin_atlas.compute.model.outputs import (
    find_main_tensor,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    preserve_model_state,
    unwrap,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import LayerError

DEFAULT_LAYERS: Final = 4
"""Largest number of layers that are chosen when none are named."""

_MOST_SMALL: Final = 2
"""Largest number of operations of a stem, a transition or a projection."""
_SMALL_FACTOR: Final = 3
"""They have so many times fewer operations than the median of their siblings, at least."""
_FEWEST_STAGES: Final = 3
"""Siblings that are no stems or transitions; with as many, the median is that of these alone."""

_SMALL_MAP: Final = 2
"""Maps of this side or less can have any aspect ratio."""

_MAX_ASPECT: Final = 1.5
"""Largest factor between the aspect ratios of a map and of the image."""

_MIN_SHARE: Final = 0.5
"""Smallest share of the parameters or of the operations in a container that is used."""

_PASS_THROUGH: Final = ("Pool", "Dropout", "Identity", "Upsample")


@dataclass(frozen=True, kw_only=True)
class LayerCandidate:
    """A layer that can be chosen.

    Attributes:
        name: Dotted module name.
        shape: Shape of its output for one image.
        map_size: Height and width of its map.
    """

    name: str
    shape: tuple[int, ...]
    map_size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class LayerChoice:
    """The layers that are chosen, and those that could be.

    Attributes:
        names: The chosen ones, from shallow to deep.
        candidates: All of the same container, from shallow to deep.
        reason: Why these are chosen, such as "evenly deep among the 12 blocks of 'blocks'".
    """

    names: tuple[str, ...]
    candidates: tuple[LayerCandidate, ...]
    reason: str


def choose_layers(
    model: nn.Module, probe: Probe, *, limit: int = DEFAULT_LAYERS
) -> tuple[str, ...]:
    """Returns the names of the layers that `find_layers` chooses, from shallow to deep.

    Raises:
        LayerError: if no module returns a map.
    """
    return find_layers(model, probe, limit=limit).names


def find_layers(model: nn.Module, probe: Probe, *, limit: int = DEFAULT_LAYERS) -> LayerChoice:
    """Chooses the last block at each spatial resolution; more blocks where these are few.

    The candidates are siblings: the children of one container that have parts themselves and
    return maps or tokens that depend on the image. Containers whose children have less than
    half of the parameters and of the operations are ignored, so parts of attention and MLPs,
    tables and stems are never chosen. Children of one or two operations between larger ones, such
    as stems and transitions, are ignored, too. Of the others, the one is used whose children have
    the most resolutions (the stages of a ResNet), then one with children of one class (the blocks
    of a transformer), then the one with the most children. In a network without blocks, single
    operations are candidates.

    Where the blocks have fewer than `limit` resolutions, the largest gaps between the chosen
    blocks are divided: of the twelve blocks of a transformer, the third, sixth, ninth and last are
    chosen. Layers with the resolution of the image are ignored where the container has a smaller
    one, and so are 1 x 1 maps.

    Args:
        model: The model, in any mode; it does not change.
        probe: The model runs on its first image and on a changed copy of it.
        limit: Largest number of layers; the deepest are chosen.

    Raises:
        LayerError: if no module returns a map.
    """
    inner = unwrap(model)
    containers = _list_containers(inner, _record_outputs(model, probe))
    if not containers:
        some = [name for name, _ in inner.named_modules() if name][-3:]
        raise LayerError(
            f"layers=None: no module of {type(inner).__name__} returns a map of at least 2 "
            f"positions; pass layers=[...], such as {some}"
        )
    best = max(_select_large(containers), key=lambda one: one.rank)
    chosen = best.choose(limit, probe.input_size)
    return LayerChoice(
        names=tuple(normalize_layer_name(model, one.name) for one in chosen),
        candidates=tuple(
            LayerCandidate(
                name=normalize_layer_name(model, one.name),
                shape=one.output.shape,
                map_size=one.output.map_size,
            )
            for one in best.children
        ),
        reason=best.describe(chosen),
    )


@dataclass(frozen=True, eq=False)
class _ModuleOutput:
    """The output of a module in a forward pass.

    Attributes:
        order: Rank in the order in which modules return.
        shape: Shape for one image.
        map_size: Height and width of its map.
    """

    order: int
    shape: tuple[int, ...]
    map_size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Child:
    """A child of a container, with its output.

    A child that is never called, such as a list of blocks, is represented by its last block.
    """

    name: str
    output: _ModuleOutput
    is_block: bool
    kind: type[nn.Module]
    parameters: int
    operations: int


@dataclass(frozen=True, eq=False)
class _Container:
    """A module whose children return maps.

    Attributes:
        name: Its name, "" for the model.
        parameters: Number of parameters of its children that return maps.
        operations: Number of their operations with a matrix or a filter.
        children: Those that return maps, in the order in which they do: its blocks if it has at
            least two, otherwise all.
    """

    name: str
    parameters: int
    operations: int
    children: tuple[_Child, ...]

    @property
    def has_blocks(self) -> bool:
        """Whether all children have parts."""
        return all(child.is_block for child in self.children)

    @property
    def rank(self) -> tuple[bool, int, bool, int, int]:
        """The rank by which the container is selected; the largest wins."""
        sizes = len({child.output.map_size for child in self.children})
        is_series = self.has_blocks and len(self.children) > 1
        is_uniform = len({child.kind for child in self.children}) == 1
        return (is_series, sizes, is_uniform, len(self.children), self.parameters)

    def choose(self, limit: int, input_size: tuple[int, int]) -> list[_Child]:
        """Returns at most `limit` children in order."""
        last = {child.output.map_size: index for index, child in enumerate(self.children)}
        usable = list(range(len(self.children)))
        if len(last) > 1:
            last.pop(input_size, None)
            usable = [i for i in usable if self.children[i].output.map_size != input_size]
        chosen = sorted(last.values())[-limit:]
        while self.has_blocks and len(chosen) < min(limit, len(usable)):
            chosen = _divide_largest_gap(chosen, usable)
        return [self.children[index] for index in chosen]

    def describe(self, chosen: Sequence[_Child]) -> str:
        """Returns why these children are chosen."""
        kind = "blocks" if self.has_blocks else "operations"
        where = f" of {self.name!r}" if self.name else ""
        if len({child.output.map_size for child in chosen}) == len(chosen):
            return f"the last of the {kind}{where} at each resolution"
        return f"evenly deep among the {len(self.children)} {kind}{where}"


def _divide_largest_gap(chosen: list[int], usable: list[int]) -> list[int]:
    """Adds the index in the middle of the largest gap between chosen ones, the first of equals."""
    places = sorted(usable.index(index) for index in chosen if index in usable)
    gaps = [(after - before, before) for before, after in zip([-1, *places], places, strict=False)]
    width, before = max(gaps, key=lambda gap: (gap[0], -gap[1]))
    if width < 2:  # only indices after the last are left
        return sorted({*chosen, *usable[-(len(chosen) + 1) :]})
    return sorted({*chosen, usable[before + width // 2]})


def _list_containers(model: nn.Module, outputs: dict[str, _ModuleOutput]) -> list[_Container]:
    """Returns the containers of children with outputs."""
    containers = []
    for name, module in model.named_modules():
        if is_scripted(module):
            continue
        found = [
            child
            for part, own in module.named_children()
            if (child := _find_child(f"{name}.{part}" if name else part, own, outputs)) is not None
        ]
        found.sort(key=lambda child: child.output.order)
        blocks = _remove_small([child for child in found if child.is_block and child.operations])
        children = blocks if len(blocks) > 1 else found
        if children:
            parameters = sum(child.parameters for child in found)
            operations = sum(child.operations for child in found)
            containers.append(_Container(name, parameters, operations, tuple(children)))
    return containers


def _find_child(name: str, module: nn.Module, outputs: dict[str, _ModuleOutput]) -> _Child | None:
    """Returns a child with its output, or with that of its last part if it is never called."""
    found = outputs.get(name)
    if found is None:
        if not isinstance(module, (nn.ModuleList, nn.ModuleDict, nn.Sequential)):
            return None
        parts = [
            child
            for part, own in module.named_children()
            if (child := _find_child(f"{name}.{part}", own, outputs)) is not None
        ]
        last = max(parts, key=lambda child: child.output.order, default=None)
        return last and dataclasses.replace(last, parameters=_count_parameters(module))
    return _Child(
        name=name,
        output=found,
        is_block=_is_block(module),
        kind=type(module),
        parameters=_count_parameters(module),
        operations=_count_operations(module),
    )


def _select_large(containers: list[_Container]) -> list[_Container]:
    """Returns the containers that hold enough of the network.

    A head of few large matrices may have most of the parameters, but not of the operations.
    """
    parameters = max(one.parameters for one in containers)
    operations = max(one.operations for one in containers)
    return [
        one
        for one in containers
        if one.parameters >= _MIN_SHARE * parameters or one.operations >= _MIN_SHARE * operations
    ]


def _remove_small(blocks: list[_Child]) -> list[_Child]:
    """Returns the blocks without stems, transitions and projections between stages."""
    sizes = [block.operations for block in blocks]
    large = [size for size in sizes if size > _MOST_SMALL]
    # With fewer, the small ones may be stages themselves, as in MobileNetV4.
    has_stages = len(large) >= _FEWEST_STAGES
    median = statistics.median(large if has_stages else sizes or [0])
    return [
        block
        for block in blocks
        if block.operations > _MOST_SMALL or block.operations * _SMALL_FACTOR > median
    ]


def _count_operations(module: nn.Module) -> int:
    """Returns the number of operations with a matrix or a filter."""
    return sum(
        any(parameter.dim() > 1 for parameter in part.parameters(recurse=False))
        for part in module.modules()
    )


def _count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _record_outputs(model: nn.Module, probe: Probe) -> dict[str, _ModuleOutput]:
    """Returns the outputs that are maps and depend on the image, by the names of the modules."""
    inner = unwrap(model)
    modules = {
        name: module
        for name, module in inner.named_modules()
        if name and not _is_pass_through(module) and not is_scripted(module)
    }
    found: dict[str, _ModuleOutput] = {}
    order = 0

    def on_output(name: str, output: object) -> None:
        nonlocal order
        order += 1
        tensor = find_main_tensor(output, 2)
        own = None if tensor is None else _read_output(tensor, modules[name], probe, order)
        # A module that is called several times counts with its last call.
        if own is not None:
            found[name] = own
        else:
            found.pop(name, None)

    with preserve_model_state(model), torch.no_grad(), add_forward_hooks(modules, on_output):
        image = as_input(probe.images[:1], inner)
        call_model(inner, torch.cat([image, _change(image)]))
    return found


def _change(image: Tensor) -> Tensor:
    """Returns another image of similar brightness, without the use of random numbers."""
    return 0.5 * image.flip(-1) + 0.1


def _read_output(
    output: Tensor, module: nn.Module, probe: Probe, order: int
) -> _ModuleOutput | None:
    """Returns the form of an output, or None if it is no map or does not depend on the image."""
    try:
        form = infer_output_form(
            output,
            batch=2,
            input_size=probe.input_size,
            sequence_first=is_sequence_first(module),
        )
    except LayerError:
        return None
    if form.kind == "vector" or not _is_map(form.map_size, probe.input_size):
        return None
    first, second = form.as_map(output)
    # A table is equal for all images; a layer without any activity is not a table.
    if torch.equal(first, second) and first.any():
        return None
    axis = 1 if form.sequence_first else 0
    shape = tuple(size for index, size in enumerate(output.shape) if index != axis)
    return _ModuleOutput(order, shape, form.map_size)


def _is_map(map_size: tuple[int, int], input_size: tuple[int, int]) -> bool:
    """Returns whether a size can be that of a map: tables of attention have other aspects."""
    height, width = map_size
    aspect = height * input_size[1] / (width * input_size[0])
    is_small = height <= input_size[0] and width <= input_size[1]
    # Maps of few positions are rounded.
    return (
        map_size != (1, 1)
        and is_small
        and (1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT or min(map_size) <= _SMALL_MAP)
    )


def _is_block(module: nn.Module) -> bool:
    return next(module.children(), None) is not None


def _is_pass_through(module: nn.Module) -> bool:
    """Returns whether a module computes nothing new, so that the module before it is chosen."""
    return not _is_block(module) and any(word in type(module).__name__ for word in _PASS_THROUGH)
