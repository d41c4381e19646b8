# SPDX-License-Identifier: Apache-2.0
"""A cut network as a list of operations that know their own input gradient.

Icons need hundreds of passes forward and back through one frozen network, and nothing but the
gradient of its input. Autograd keeps more than that: it pads, clamps and copies whole maps apart
from the convolutions between them. Here a convolution takes its padding, bias and rectifier along,
and gives its gradient as another convolution wherever that is possible.

The list is read from one recorded pass (`make_fx`), so it does not matter how the network was
written; one that does anything unlisted, or whose answers come out otherwise, is left to autograd.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

from tensorboard_plugin_atlas.compute.fastpath.operations import Convolution, Operation, Other, Sum
from tensorboard_plugin_atlas.compute.fastpath.prepacked_conv import NONE, RELU, RELU6

aten: Final[Any] = torch.ops.aten

_RELATIVE, _ABSOLUTE = 1e-3, 1e-4
_LEFT_OUT: Final = object()
_GONE: Final = torch.empty(0)


class _Unlisted(Exception):  # noqa: N818 - not an error, another way is taken
    """The network does something that no operation here stands for."""


@dataclass(frozen=True, eq=False)
class Program:
    """A network up to a layer, ready to be run forward and pulled back; see `compile_program`.

    Attributes:
        operations: In order; operation k gives value k + 1, and value 0 is the input.
        dtype: What they reckon in; input and output are float32.
    """

    operations: tuple[Operation, ...]
    dtype: torch.dtype = torch.float32

    def __call__(self, inputs: Tensor, left_out: Collection[int] = ()) -> Tensor:
        """Returns the layer's output (B, C, H, W), differentiable once.

        Args:
            inputs: (B, C, H, W) float32.
            left_out: Which of `branches` add nothing this time.
        """
        if not inputs.requires_grad:
            return self.run(inputs, left_out, keep=False)[0]
        output: Tensor = _Run.apply(inputs, self, left_out)  # type: ignore[no-untyped-call]
        return output

    def run(
        self, inputs: Tensor, left_out: Collection[int] = (), *, keep: bool = True
    ) -> tuple[Tensor, list[Any]]:
        """Returns the layer's output, and what `pull` needs of the way there if that is to be kept.

        Otherwise each value is let go as soon as nobody will look at it.
        """
        values = [inputs.to(self.dtype).contiguous(memory_format=torch.channels_last)]
        kept: list[Any] = []
        sums = {self.branches[branch].stop for branch in left_out}
        skipped = {place for branch in left_out for place in self.branches[branch]}
        for place, operation in enumerate(self.operations):
            if place in skipped:
                output, more = values[-1], None  # nobody will look at it
            elif place in sums:
                output, more = values[operation.inputs[0]], _LEFT_OUT
            else:
                output, more = operation.run([values[i] for i in operation.inputs])
            values.append(output)
            if keep:
                kept.append(more)
                continue
            for source in self._done_after[place]:
                values[source] = _GONE
        return values[-1].float(), kept

    @cached_property
    def _done_after(self) -> tuple[tuple[int, ...], ...]:
        """Returns which values each operation is the last to look at."""
        last = {i: place for place, o in enumerate(self.operations) for i in o.inputs}
        return tuple(
            tuple({i for i in o.inputs if last[i] == place})
            for place, o in enumerate(self.operations)
        )

    @cached_property
    def branches(self) -> tuple[range, ...]:
        """Returns which operations are a branch around which its input goes on as it is.

        The operation behind each is its `Sum`.
        """
        found = (self._branch_of(place) for place in range(len(self.operations)))
        return tuple(branch for branch in found if branch)

    def _branch_of(self, place: int) -> range:
        """Returns the branch that ends in one operation, which no others look into; or none."""
        operation = self.operations[place]
        if not isinstance(operation, Sum) or operation.inputs[1] != place:
            return range(0)
        first = operation.inputs[0]
        inner = all(i >= first for o in self.operations[first:place] for i in o.inputs)
        outer = all(i > place for o in self.operations[place + 1 :] for i in o.inputs)
        return range(first, place) if inner and outer else range(0)

    def pull(self, gradient: Tensor, kept: list[Any]) -> Tensor:
        """Returns the gradient of the input from one of the output; empties `kept`."""
        last = len(self.operations)
        own = gradient.to(self.dtype, copy=True).contiguous(memory_format=torch.channels_last)
        found = {last: own}
        for place in range(last, 0, -1):
            known, operation = found.pop(place, None), self.operations[place - 1]
            more = kept.pop()
            if known is None:
                continue  # nothing that counts was made of it
            parts = (known,) if more is _LEFT_OUT else operation.pull(known, more)
            for source, part in zip(operation.inputs, parts, strict=more is not _LEFT_OUT):
                found[source] = found[source].add_(part) if source in found else part
        return found[0].float()

    def push(self, direction: Tensor, kept: Sequence[Any], rows: Tensor) -> Tensor:
        """Returns how the output changes along a change of the input, (n, C, H, W).

        Args:
            direction: (n, C, H, W).
            kept: Of a `run` in float32 that left nothing out; it is not emptied.
            rows: (n,) int64: to which row of that run's inputs each direction belongs.
        """
        pushed = [direction.contiguous(memory_format=torch.channels_last)]
        for place, (operation, more) in enumerate(zip(self.operations, kept, strict=True)):
            pushed.append(operation.push([pushed[i] for i in operation.inputs], more, rows))
            for source in self._done_after[place]:
                pushed[source] = _GONE
        return pushed[-1]

    def rounded(self) -> Program:
        """Returns the same in bfloat16, see `precision`."""
        rounded = (o.rounded() if isinstance(o, Convolution) else o for o in self.operations)
        return Program(tuple(rounded), torch.bfloat16)


class _Run(torch.autograd.Function):
    """A program as one node of autograd's graph."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, program: Program, left_out: Collection[int]) -> Tensor:
        output, ctx.kept = program.run(inputs, left_out)
        ctx.program = program
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return ctx.program.pull(gradient, ctx.kept), None, None


def read_prefix(graph: GraphModule) -> tuple[Program, Node]:
    """Returns as many operations of a recorded pass as can be read, and the node of their output.

    They end with the last (B, C, H, W) before anything unlisted.

    Raises:
        ValueError: if there is none.
    """
    reader = _Reader(graph)
    operations, node = reader.prefix()
    return Program(tuple(operations)), node


def compile_program(
    run: Callable[[Tensor], Tensor], check: Tensor, *, damping: float = 1.0
) -> Program | None:
    """Reads a network's operations from one pass.

    Args:
        run: The cut network: float32 (B, C, H, W) on the CPU to the layer's output.
        check: An input, on which the result is compared with autograd; B at least 2.
        damping: Factor on the gradient of residual branches; it leaves more of a gradient to the
            shortcuts, on which it is smoother.

    Returns:
        The program, or None where the network does something unlisted, gives no (B, C, H, W), or
        where output or gradient differ by more than 1e-3 relative and 1e-4 of the largest.
    """
    if check.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        graph = make_fx(run)(check)
        exact = Program(tuple(_Reader(graph).operations()))
        if not _agree(exact, run, check):
            return None
    except Exception:  # recording runs the user's code, and there is always autograd
        return None
    return Program(tuple(_damped(operation, damping) for operation in exact.operations))


def _damped(operation: Operation, damping: float) -> Operation:
    return replace(operation, damping=damping) if isinstance(operation, Sum) else operation


def _agree(program: Program, run: Callable[[Tensor], Tensor], check: Tensor) -> bool:
    """Tells whether output and gradient are those of autograd, also for another batch size."""
    inputs = torch.cat([check, check[:1]]).requires_grad_()
    wanted = run(inputs)
    if wanted.ndim != 4:
        return False
    cotangent = torch.linspace(-1, 1, wanted.numel(), dtype=torch.float32, device="cpu")
    cotangent = cotangent.view_as(wanted)
    (slope,) = torch.autograd.grad(wanted, inputs, cotangent)
    with torch.no_grad():
        output, kept = program.run(inputs)
        own = program.pull(cotangent, kept)
    return _close(output, wanted.detach()) and _close(own, slope)


def _close(found: Tensor, wanted: Tensor) -> bool:
    tolerance = _ABSOLUTE * float(wanted.abs().max())
    return found.shape == wanted.shape and torch.allclose(
        found, wanted, rtol=_RELATIVE, atol=tolerance
    )


_SAME: Final = frozenset(
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
_ALONE: Final = _POINTWISE | {
    aten.avg_pool2d.default,
    aten.constant_pad_nd.default,
    aten.mean.dim,
}
"""Each picture of a batch is treated by itself, and no batch size is written into the call."""


class _Reader:
    """Turns a recorded pass into operations."""

    def __init__(self, graph: GraphModule) -> None:
        graph.graph.eliminate_dead_code()
        self._nodes = list(graph.graph.nodes)
        self._graph = graph
        self._uses = Counter(source for node in self._nodes for source in node.all_input_nodes)
        self._places: dict[Node, int] = {}
        self._pads: dict[Node, tuple[Node, tuple[int, ...]]] = {}
        self._found: list[Operation] = []

    def operations(self) -> Sequence[Operation]:
        """Returns the operations in order, the last of which gives the network's output."""
        for node in self._nodes:
            self._read(node)
            if node.op == "output":
                (result,) = node.all_input_nodes
                if self._places[result] != len(self._found):
                    raise _Unlisted(str(result))
        return self._found

    def prefix(self) -> tuple[Sequence[Operation], Node]:
        """Returns the operations up to the last map before anything unlisted, and its node."""
        ends: list[tuple[int, Node]] = []
        try:
            for node in self._nodes:
                self._read(node)
                if self._found and self._places.get(node) == len(self._found) and _is_map(node):
                    ends.append((len(self._found), node))
        except _Unlisted:
            pass
        # A rectifier is part of the convolution before it: of nodes with one place the last counts.
        if not ends:
            raise ValueError("no map comes behind the layer")
        count, node = ends[-1]
        return self._found[:count], node

    def _read(self, node: Node) -> None:
        if node.op == "placeholder":
            self._places[node] = 0
        elif node.op == "call_function":
            self._read_call(node)

    def _read_call(self, node: Node) -> None:
        target, source, arguments = node.target, node.all_input_nodes, _arguments(node)
        if target is aten.convolution.default:
            self._add(node, self._convolution(node))
        elif _is_same(node) and source[0] in self._places:
            self._places[node] = self._places[source[0]]
        elif target is aten.constant_pad_nd.default and self._merges(node):
            self._pads[node] = (source[0], tuple(arguments[1]))
        elif (rectifier := _rectifier(node)) and self._rectifies(source[0]):
            self._found[-1] = _rectified(self._found[-1], rectifier)
            self._places[node] = self._places[source[0]]
        elif self._is_sum(node):
            # The branch is the longer way: what it ends in was made last.
            shortcut, branch = sorted(self._places[s] for s in source)
            self._add(node, Sum((shortcut, branch)))
        elif target is operator.getitem and arguments[1] == 0:
            self._add(node, Other(self._inputs(source[0]), _pooling(source[0])))
        elif target in _ALONE:
            pointwise = target in _POINTWISE
            self._add(node, Other(self._inputs(node), _call_of(node), pointwise))
        elif target is not aten.max_pool2d_with_indices.default:  # read where it is unpacked
            raise _Unlisted(str(target))

    def _is_sum(self, node: Node) -> bool:
        if len(node.all_input_nodes) != 2 or node.kwargs:
            return False
        if node.target is aten.add_.Tensor:
            # What is overwritten must not be looked at again.
            return self._uses[_arguments(node)[0]] == 1
        return node.target is aten.add.Tensor

    def _add(self, node: Node, operation: Operation) -> None:
        self._found.append(operation)
        self._places[node] = len(self._found)

    def _inputs(self, node: Node) -> tuple[int, ...]:
        return tuple(self._places[source] for source in node.all_input_nodes)

    def _rectifies(self, source: Node) -> bool:
        """Tells whether a rectifier of `source` can go into the convolution that made it."""
        last = self._found[-1] if self._found else None
        return (
            isinstance(last, Convolution)
            and last.rectifier == NONE
            and self._places.get(source) == len(self._found)
            and self._uses[source] == 1
        )

    def _merges(self, node: Node) -> bool:
        """Tells whether a padding with zeros can go into the one convolution behind it."""
        pad, *value = _arguments(node)[1:]
        return (
            [user.target for user in node.users] == [aten.convolution.default]
            and not any(value)
            and len(pad) == 4
            and min(pad) >= 0
        )

    def _constant(self, argument: object) -> Tensor | None:
        if argument is None:
            return None
        if not isinstance(argument, Node) or argument.op != "get_attr":
            raise _Unlisted(str(argument))
        value: Tensor = getattr(self._graph, str(argument.target))
        return value.detach()

    def _convolution(self, node: Node) -> Convolution:
        source, weight, bias, stride, padding, dilation, transposed, _, groups = _arguments(node)
        if transposed or len(stride) != 2:
            raise _Unlisted(str(node))
        kernel = self._constant(weight)
        if kernel is None:
            raise _Unlisted(str(node))
        if source in self._pads:
            source, around = self._pads[source]
            kernel, padding = _with_padding(kernel, around, padding, dilation)
        if source not in self._places:
            raise _Unlisted(str(source))
        return Convolution(
            (self._places[source],),
            kernel.contiguous(memory_format=torch.channels_last),
            self._constant(bias),
            tuple(stride),
            tuple(padding),
            tuple(dilation),
            groups,
        )


def _with_padding(
    kernel: Tensor, around: tuple[int, ...], padding: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, tuple[int, int]]:
    """Returns kernel and padding of one convolution that pads by `around` first.

    Uneven padding becomes even padding and zeros at the poorer side of the kernel. `around` is
    (left, right, top, bottom).
    """
    left, right, top, bottom = around
    if left == right and top == bottom:
        return kernel, (padding[0] + top, padding[1] + left)
    if tuple(dilation) != (1, 1):
        raise _Unlisted("uneven padding of a dilated convolution")
    # Surplus padding behind the end is harmless only if no further position fits; zeros in front
    # move the first position there.
    more_left, more_top = max(0, right - left), max(0, bottom - top)
    kernel = F.pad(kernel, (more_left, max(0, left - right), more_top, max(0, top - bottom)))
    return kernel, (padding[0] + max(top, bottom), padding[1] + max(left, right))


def _rectified(operation: Operation, rectifier: str) -> Operation:
    if not isinstance(operation, Convolution):
        raise _Unlisted("a rectifier without a convolution")
    return replace(operation, rectifier=rectifier)


def _is_map(node: Node) -> bool:
    value = node.meta.get("tensor_meta")
    return value is not None and len(value.shape) == 4


def _is_same(node: Node) -> bool:
    """Tells whether a node gives its input's numbers, whatever their order in memory."""
    if node.target is aten.as_strided_.default:
        source = node.all_input_nodes[0].meta["tensor_meta"].shape
        return bool(tuple(_arguments(node)[1]) == tuple(source))
    return node.target in _SAME


def _arguments(node: Node) -> tuple[Any, ...]:
    return node.args


def _rectifier(node: Node) -> str | None:
    if node.target in (aten.relu.default, aten.relu_.default):
        return RELU
    is_clamp = node.target in (aten.hardtanh.default, aten.hardtanh_.default)
    return RELU6 if is_clamp and tuple(node.args[1:]) == (0.0, 6.0) else None


def _pooling(node: Node) -> Callable[..., Tensor]:
    if node.target is not aten.max_pool2d_with_indices.default:
        raise _Unlisted(str(node.target))
    arguments: Any = node.args[1:]
    return lambda values: F.max_pool2d(values, *arguments)


def _call_of(node: Node) -> Callable[..., Tensor]:
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
