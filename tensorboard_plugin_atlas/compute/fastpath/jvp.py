# SPDX-License-Identifier: Apache-2.0
"""What comes behind a layer as a list of operations through which directions are pushed.

The derivative of the logits along a direction at the layer is linear in that direction once the
network's own values are known, and these are the same for all samples of one image. Autograd's
forward mode reckons them again beside every direction; here they are found once for each image,
and a direction costs no more than one pass through convolutions that keep their weights sorted
(`program`). What comes behind the last map (pooling, the classifier) is small and left to autograd.
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

from tensorboard_plugin_atlas.compute.fastpath.operations import Convolution
from tensorboard_plugin_atlas.compute.fastpath.program import Program, read_prefix


@dataclass(frozen=True, eq=False)
class TracedHead:
    """The derivative behind a layer; see `trace_head`.

    Attributes:
        maps: From the layer's output to the last map.
        rest: From that map to the logits, of `count` rows.
        count: Directions pushed at once.
    """

    maps: Program
    rest: fx.GraphModule
    count: int

    @torch.no_grad()
    def jvp(self, outputs: Tensor, rows: NDArray[np.intp], directions: Tensor) -> Tensor:
        """Returns the derivative of the logits along directions, (n, K).

        Args:
            outputs: (I, C, H, W) the layer's outputs, each image once.
            rows: (n,) of which image each direction is, n at most `count`.
            directions: (n, C, H, W).
        """
        missing = self.count - len(rows)
        which = torch.from_numpy(np.pad(rows, (0, missing), mode="edge")).long()
        padded = torch.cat([directions, directions[-1:].expand(missing, -1, -1, -1)])
        last, kept = self.maps.run(outputs)
        pushed = self.maps.push(padded, kept, which)
        with forward_ad.dual_level():
            value = last.index_select(0, which)
            dual = forward_ad.make_dual(value, pushed)  # type: ignore[no-untyped-call]
            logits, change = forward_ad.unpack_dual(self.rest(dual))  # type: ignore[no-untyped-call]
            return (torch.zeros_like(logits) if change is None else change)[: len(rows)].clone()


def trace_head(run: Callable[[Tensor], Tensor], outputs: Tensor) -> TracedHead | None:
    """Reads what comes behind a layer from one pass.

    Args:
        run: Takes the layer's output for n images, float32 on the CPU, and gives the (n, K) logits.
        outputs: (n, C, H, W) such an output.

    Returns:
        None where the network does anything unlisted before its last map, or joins values of
        before and behind that map. What is read from one pass need not hold for other images:
        whoever uses it checks.
    """
    if outputs.ndim != 4 or outputs.device.type != "cpu" or outputs.dtype != torch.float32:
        return None
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        graph = make_fx(run)(outputs)
        maps, last = read_prefix(graph)
        if not any(isinstance(operation, Convolution) for operation in maps.operations):
            return None
        return TracedHead(maps, _rest_of(graph, last), len(outputs))
    except Exception:  # recording runs the user's code, and there is always autograd
        return None


def _rest_of(graph: fx.GraphModule, last: fx.Node) -> fx.GraphModule:
    """Returns what is made of one value; a KeyError says that it is made of others, too."""
    rest = fx.Graph()
    known = {last: rest.placeholder("last")}
    nodes = list(graph.graph.nodes)
    for node in nodes:
        if node.op == "get_attr":
            known[node] = rest.node_copy(node)
    for node in nodes[nodes.index(last) + 1 :]:
        if node.op != "get_attr":
            known[node] = rest.node_copy(node, known.__getitem__)
    rest.eliminate_dead_code()
    return fx.GraphModule(graph, rest)
