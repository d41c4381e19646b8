# SPDX-License-Identifier: Apache-2.0
"""The part of a network after a layer, traced for fast Jacobian-vector products (JVPs).

The derivative of the logits along a direction at the layer is linear in that direction once the
values of the network are known, and these are the same for all samples of one image. Autograd's
forward mode computes them again for every direction. Here they are computed once for each image,
and a direction costs one pass through prepacked convolutions (`program`). What follows the last map
(pooling, the classifier) is small and runs in autograd's forward mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx

from tensorboard_plugin_atlas.compute.fastpath.fallback_reasons import (
    UnsupportedError,
    log_fallback,
)
from tensorboard_plugin_atlas.compute.fastpath.graph_reader import GraphReader
from tensorboard_plugin_atlas.compute.fastpath.operations import Convolution
from tensorboard_plugin_atlas.compute.fastpath.program import Program, explain_unavailable


@dataclass(frozen=True, eq=False)
class TracedHead:
    """The part of a network after a layer; see `trace_head`.

    Attributes:
        maps: From the layer's output to the last map.
        rest: From that map to the logits, for `count` rows.
        count: Directions per pass.
    """

    maps: Program
    rest: fx.GraphModule
    count: int

    @torch.no_grad()
    def jvp(self, outputs: Tensor, rows: NDArray[np.intp], directions: Tensor) -> Tensor:
        """Returns the derivative of the logits along directions, (n, K).

        Args:
            outputs: (I, C, H, W): the layer's outputs, each image once.
            rows: (n,): index of the image of each direction; n is at most `count`.
            directions: (n, C, H, W).
        """
        missing = self.count - len(rows)
        images = torch.from_numpy(np.pad(rows, (0, missing), mode="edge")).long()
        padded = torch.cat([directions, directions[-1:].expand(missing, -1, -1, -1)])
        last, saved = self.maps.run(outputs)
        tangent = self.maps.jvp(padded, saved, images)
        with forward_ad.dual_level():
            value = last.index_select(0, images)
            dual = forward_ad.make_dual(value, tangent)  # type: ignore[no-untyped-call]
            logits, change = forward_ad.unpack_dual(self.rest(dual))  # type: ignore[no-untyped-call]
            return (torch.zeros_like(logits) if change is None else change)[: len(rows)].clone()


def trace_head(run: Callable[[Tensor], Tensor], outputs: Tensor, *, task: str) -> TracedHead | None:
    """Traces the part of a network after a layer.

    Args:
        run: Takes the layer's output for n images, float32 on the CPU; returns (n, K) logits.
        outputs: (n, C, H, W): such an output.
        task: What it is for, such as "attribution of layer 'layer3'"; named in the log.

    Returns:
        None, with the reason in the log, where the network has an unsupported operation before its
        last map, or combines values from before and after that map. A graph that was traced with
        some images may be wrong for others, so the caller must compare the results.
    """
    reason = explain_unavailable(outputs)
    if outputs.ndim != 4 or outputs.dtype != torch.float32:
        reason = f"the output of the layer is {tuple(outputs.shape)} {outputs.dtype}"
    if reason is not None:
        log_fallback(task, reason)
        return None
    try:
        graph = make_fx(run)(outputs)
        operations, last = GraphReader(graph).read_prefix()
        if not any(isinstance(operation, Convolution) for operation in operations):
            raise UnsupportedError("no supported convolution follows the layer")
        return TracedHead(Program(tuple(operations)), _extract_rest(graph, last), len(outputs))
    except Exception as error:  # tracing runs the user's code
        log_fallback(task, error)
        return None


def _extract_rest(graph: fx.GraphModule, last: fx.Node) -> fx.GraphModule:
    """Returns the part of a graph that computes its output from the value of one node.

    Raises:
        UnsupportedError: if the output depends on other values, too.
    """
    rest = fx.Graph()
    known = {last: rest.placeholder("last")}
    nodes = list(graph.graph.nodes)
    for node in nodes:
        if node.op == "get_attr":
            known[node] = rest.node_copy(node)
    for node in nodes[nodes.index(last) + 1 :]:
        if node.op != "get_attr":
            try:
                known[node] = rest.node_copy(node, known.__getitem__)
            except KeyError as error:
                raise UnsupportedError(
                    "the logits depend on values from before the last map"
                ) from error
    rest.eliminate_dead_code()
    return fx.GraphModule(graph, rest)
