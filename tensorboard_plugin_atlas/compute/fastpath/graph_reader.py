# SPDX-License-Identifier: Apache-2.0
"""Reads the operations of a program from an FX graph of ATen calls."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import GraphModule, Node

from tensorboard_plugin_atlas.compute.fastpath.fallback_reasons import UnsupportedError
from tensorboard_plugin_atlas.compute.fastpath.operations import (
    AutogradOperation,
    Convolution,
    Operation,
    ResidualAdd,
)
from tensorboard_plugin_atlas.compute.fastpath.prepacked_conv import NONE, RELU, RELU6

aten: Final[Any] = torch.ops.aten

_IDENTITIES: Final = frozenset(
    {
        aten._to_copy.default,
        aten.alias.default,
        aten.clone.default,
        aten.detach.default,
        aten.lift_fresh_copy.default,
    }
)
_POINTWISE: Final = frozenset(
    {
        aten.elu.default,
        aten.gelu.default,
        aten.hardsigmoid.default,
        aten.hardswish.default,
        aten.hardtanh.default,
        aten.leaky_relu.default,
        aten.mul.Tensor,
        aten.relu.default,
        aten.sigmoid.default,
        aten.silu.default,
    }
)
_PER_IMAGE: Final = _POINTWISE | {
    aten.avg_pool2d.default,
    aten.constant_pad_nd.default,
    aten.mean.dim,
}
"""Operations that compute each image by itself and whose arguments hold no batch size."""


class GraphReader:
    """Turns a graph that `make_fx` traced into operations.

    Args:
        graph: The graph; dead code is removed from it.
    """

    def __init__(self, graph: GraphModule) -> None:
        graph.graph.eliminate_dead_code()
        self._nodes = list(graph.graph.nodes)
        self._graph = graph
        self._uses = Counter(source for node in self._nodes for source in node.all_input_nodes)
        self._value_of: dict[Node, int] = {}
        self._pads: dict[Node, tuple[Node, tuple[int, ...]]] = {}
        self._operations: list[Operation] = []

    def read_all(self) -> Sequence[Operation]:
        """Returns the operations in order; the last one computes the output of the graph.

        Raises:
            UnsupportedError: if the graph holds anything else.
        """
        for node in self._nodes:
            try:
                self._read(node)
            except KeyError as error:
                raise UnsupportedError(
                    f"operation {node.target} reads a tensor that does not depend on the input"
                ) from error
            if node.op == "output":
                (result,) = node.all_input_nodes
                if self._value_of[result] != len(self._operations):
                    raise UnsupportedError("the output is not that of the last operation")
        return self._operations

    def read_prefix(self) -> tuple[Sequence[Operation], Node]:
        """Returns the operations up to the last map before anything unsupported, and its node.

        Raises:
            UnsupportedError: if there is no such map, (B, C, H, W).
            KeyError: if an operation reads a tensor that does not depend on the input.
        """
        ends: list[tuple[int, Node]] = []
        try:
            for node in self._nodes:
                self._read(node)
                is_last = self._value_of.get(node) == len(self._operations)
                if self._operations and is_last and _is_map(node):
                    ends.append((len(self._operations), node))
        except UnsupportedError:
            pass
        # A ReLU is fused into the convolution before it, so the last node of a value counts.
        if not ends:
            raise UnsupportedError("no supported operation with a map follows the layer")
        count, node = ends[-1]
        return self._operations[:count], node

    def _read(self, node: Node) -> None:
        if node.op == "placeholder":
            self._value_of[node] = 0
        elif node.op == "call_function":
            self._read_call(node)

    def _read_call(self, node: Node) -> None:
        target, source, arguments = node.target, node.all_input_nodes, _get_arguments(node)
        if target is aten.convolution.default:
            self._add(node, self._read_convolution(node))
        elif _is_identity(node) and source[0] in self._value_of:
            self._value_of[node] = self._value_of[source[0]]
        elif target is aten.constant_pad_nd.default and self._can_fuse_padding(node):
            self._pads[node] = (source[0], tuple(arguments[1]))
        elif (post_op := _get_post_op(node)) and self._can_fuse_relu(source[0]):
            self._operations[-1] = _fuse_relu(self._operations[-1], post_op)
            self._value_of[node] = self._value_of[source[0]]
        elif self._is_addition(node):
            # The branch is the longer path: its value was computed last.
            shortcut, branch = sorted(self._value_of[s] for s in source)
            self._add(node, ResidualAdd((shortcut, branch)))
        elif target is operator.getitem and arguments[1] == 0:
            inputs = self._get_inputs(source[0])
            self._add(node, AutogradOperation(inputs, _make_pooling(source[0])))
        elif target in _PER_IMAGE:
            is_pointwise = target in _POINTWISE
            call = _make_call(node)
            self._add(node, AutogradOperation(self._get_inputs(node), call, is_pointwise))
        elif target is not aten.max_pool2d_with_indices.default:  # read with its `getitem`
            raise UnsupportedError(f"operation {target}")

    def _is_addition(self, node: Node) -> bool:
        if len(node.all_input_nodes) != 2 or node.kwargs:
            return False
        if node.target is aten.add_.Tensor:
            # Nothing else may read the tensor that is overwritten.
            return self._uses[_get_arguments(node)[0]] == 1
        return node.target is aten.add.Tensor

    def _add(self, node: Node, operation: Operation) -> None:
        self._operations.append(operation)
        self._value_of[node] = len(self._operations)

    def _get_inputs(self, node: Node) -> tuple[int, ...]:
        return tuple(self._value_of[source] for source in node.all_input_nodes)

    def _can_fuse_relu(self, source: Node) -> bool:
        """Returns whether a ReLU of `source` can be fused into the convolution that computed it."""
        last = self._operations[-1] if self._operations else None
        return (
            isinstance(last, Convolution)
            and last.post_op == NONE
            and self._value_of.get(source) == len(self._operations)
            and self._uses[source] == 1
        )

    def _can_fuse_padding(self, node: Node) -> bool:
        """Returns whether a padding with zeros can be fused into the one convolution after it."""
        pad, *value = _get_arguments(node)[1:]
        return (
            [user.target for user in node.users] == [aten.convolution.default]
            and not any(value)
            and len(pad) == 4
            and min(pad) >= 0
        )

    def _read_constant(self, argument: object) -> Tensor | None:
        if argument is None:
            return None
        if not isinstance(argument, Node) or argument.op != "get_attr":
            raise UnsupportedError("a convolution whose weight or bias is computed")
        value: Tensor = getattr(self._graph, str(argument.target))
        return value.detach()

    def _read_convolution(self, node: Node) -> Convolution:
        arguments = _get_arguments(node)
        source, weight, bias, stride, padding, dilation, transposed, _, groups = arguments
        if transposed:
            raise UnsupportedError("a transposed convolution")
        if len(stride) != 2:
            raise UnsupportedError(f"a convolution over {len(stride)} dimensions")
        kernel = self._read_constant(weight)
        if kernel is None:
            raise UnsupportedError("a convolution without a weight")
        if source in self._pads:
            source, margins = self._pads[source]
            kernel, padding = _fuse_padding(kernel, margins, padding, dilation)
        if source not in self._value_of:
            raise UnsupportedError("a convolution of a tensor that does not depend on the input")
        return Convolution(
            (self._value_of[source],),
            kernel.contiguous(memory_format=torch.channels_last),
            self._read_constant(bias),
            tuple(stride),
            tuple(padding),
            tuple(dilation),
            groups,
        )


def _fuse_padding(
    kernel: Tensor, margins: tuple[int, ...], padding: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, tuple[int, int]]:
    """Returns kernel and padding of one convolution that first pads its input by `margins`.

    Uneven padding becomes even padding, with zeros at the less padded side of the kernel. `margins`
    is (left, right, top, bottom).
    """
    left, right, top, bottom = margins
    if left == right and top == bottom:
        return kernel, (padding[0] + top, padding[1] + left)
    if tuple(dilation) != (1, 1):
        raise UnsupportedError("uneven padding of a dilated convolution")
    # Excess padding at the end is harmless only if no further position fits; zeros at the start of
    # the kernel move the first position there.
    more_left, more_top = max(0, right - left), max(0, bottom - top)
    kernel = F.pad(kernel, (more_left, max(0, left - right), more_top, max(0, top - bottom)))
    return kernel, (padding[0] + max(top, bottom), padding[1] + max(left, right))


def _fuse_relu(operation: Operation, post_op: str) -> Operation:
    if not isinstance(operation, Convolution):
        raise UnsupportedError("a ReLU without a convolution")
    return replace(operation, post_op=post_op)


def _is_map(node: Node) -> bool:
    value = node.meta.get("tensor_meta")
    return value is not None and len(value.shape) == 4


def _is_identity(node: Node) -> bool:
    """Returns whether a node returns the values of its input, in whatever memory format."""
    if node.target is aten.as_strided_.default:
        source = node.all_input_nodes[0].meta["tensor_meta"].shape
        return bool(tuple(_get_arguments(node)[1]) == tuple(source))
    return node.target in _IDENTITIES


def _get_arguments(node: Node) -> tuple[Any, ...]:
    return node.args


def _get_post_op(node: Node) -> str | None:
    if node.target in (aten.relu.default, aten.relu_.default):
        return RELU
    is_clamp = node.target in (aten.hardtanh.default, aten.hardtanh_.default)
    return RELU6 if is_clamp and tuple(node.args[1:]) == (0.0, 6.0) else None


def _make_pooling(node: Node) -> Callable[..., Tensor]:
    if node.target is not aten.max_pool2d_with_indices.default:
        raise UnsupportedError(f"operation {node.target}")
    arguments: Any = node.args[1:]
    return lambda values: F.max_pool2d(values, *arguments)


def _make_call(node: Node) -> Callable[..., Tensor]:
    """Returns the node's function of its tensor inputs, in the order of `all_input_nodes`."""
    sources = list(node.all_input_nodes)
    function: Any = node.target
    keywords: Mapping[str, Any] = dict(node.kwargs)

    def call(*values: Tensor) -> Tensor:
        known = dict(zip(sources, values, strict=True))
        arguments = [known.get(a, a) if isinstance(a, Node) else a for a in node.args]
        result: Tensor = function(*arguments, **keywords)
        return result

    return call
