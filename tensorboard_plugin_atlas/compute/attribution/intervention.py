# SPDX-License-Identifier: Apache-2.0
"""A network whose layer is given another output: what the logits become, what lies behind."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.fastpath import (
    PrefixCache,
    StopForward,
    TracedHead,
    trace_head,
)
from tensorboard_plugin_atlas.compute.model.logits import explain_missing_logits, get_logits
from tensorboard_plugin_atlas.compute.model.outputs import (
    OutputForm,
    find_first_tensor,
    forward,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    limit_batch_size,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import LayerError


class NoAttributionError(Exception):
    """There is nothing to differentiate."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """A model, and where its layer is asked.

    Attributes:
        model: Without wrappers, in evaluation mode.
        layer: Name of the layer.
        module: The layer.
        probe: Images and places.
        calls: How often the layer runs in a forward pass.
        positions: (N, 2) of the samples on the layer's map, or None for the probe's places.
        tail: Where `model` and `layer` are copies that remember what comes before, that memory.
    """

    model: nn.Module
    layer: str
    module: nn.Module
    probe: Probe
    calls: int
    positions: IntArray | None = None
    tail: PrefixCache | None = None

    def behind(self, tail: PrefixCache | None) -> Intervention:
        """Returns the same question, asked of a tail if there is one."""
        if tail is None:
            return self
        return dataclasses.replace(self, model=tail.network, module=tail.module, tail=tail)

    def tangent_logits(
        self, rows: NDArray[np.intp], enter: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """Returns the (n, K) logits for the images of n samples.

        Args:
            rows: (n,) samples.
            enter: Takes the layer's output and its direction of change, which is the activation at
                each sample's place and zero elsewhere, and returns what the layer is to give.
        """
        images, which = self._shown(rows)
        memory = self.tail.replay(images, which) if self.tail else contextlib.nullcontext()
        with memory:
            each = images[torch.from_numpy(which).long()]
            return self.logits(each, lambda out: enter(out, self.direction(out, rows)))

    def outputs(self, rows: NDArray[np.intp]) -> tuple[Tensor, NDArray[np.intp]]:
        """Returns the layer's output for the images of n samples, each once, and whose is whose."""
        images, which = self._shown(rows)
        at_once = limit_batch_size(len(images), images, self.model)
        return torch.cat([self._output(few) for few in torch.split(images, at_once)]), which

    def _shown(self, rows: NDArray[np.intp]) -> tuple[Tensor, NDArray[np.intp]]:
        shown, which = np.unique(self.probe.sample_image[rows], return_inverse=True)
        return self.probe.images[torch.from_numpy(shown).long()], which

    def _output(self, images: Tensor) -> Tensor:
        met: list[Tensor] = []

        def keep(output: Tensor) -> Tensor:
            met.append(output)
            raise StopForward

        with contextlib.suppress(StopForward):
            self.logits(images, keep)
        return met[0]

    def trace_head(self, rows: NDArray[np.intp]) -> TracedHead | None:
        """Returns what comes behind the layer, read from a pass of the images of n samples."""
        images = self.probe.images[torch.from_numpy(self.probe.sample_image[rows]).long()]
        outputs, which = self.outputs(rows)

        def run(entered: Tensor) -> Tensor:
            return self.logits(images, lambda _: entered)

        task = f"attribution of layer {self.layer!r}"
        return trace_head(run, outputs[torch.from_numpy(which)], task=task)

    def logits(self, images: Tensor, enter: Callable[[Tensor], Tensor]) -> Tensor:
        """Returns the (n, K) logits of images, with `enter` of the layer's output in its place."""
        calls = 0

        def hook(_module: nn.Module, _inputs: object, output: object) -> object:
            nonlocal calls
            calls += 1
            tensor = find_first_tensor(output)
            if calls < self.calls or tensor is None:
                return None
            return _with_first_tensor(output, enter(tensor))

        handle = self.module.register_forward_hook(hook)
        try:
            output = forward(self.model, as_input(images, self.model))
        finally:
            handle.remove()
        logits = get_logits(output, len(images))
        if logits is None:
            raise NoAttributionError(explain_missing_logits(output))
        return logits

    def form(self, output: Tensor, batch: int) -> OutputForm:
        """Returns how the layer's output for `batch` images is read."""
        return infer_output_form(
            output,
            batch=batch,
            input_size=self.probe.input_size,
            sequence_first=is_sequence_first(self.module),
        )

    def direction(self, output: Tensor, rows: NDArray[np.intp]) -> Tensor:
        """Returns the activation at each sample's place and zero elsewhere, as `output` is laid."""
        form = self.form(output, len(rows))
        direction = torch.zeros_like(output)
        positions = self.positions
        if positions is None:
            positions = self.probe.map_positions(*form.map_size)
        places = torch.from_numpy(positions[rows]).long().to(output.device)
        ones = torch.arange(len(rows), device=output.device)
        # A view: what is written to it is written to `direction`.
        view = form.as_map(direction)
        here = (ones, slice(None), places[:, 0], places[:, 1])
        view[here] = form.as_map(output.detach())[here]
        return direction


def count_calls(model: nn.Module, layer: str, module: nn.Module, probe: Probe) -> int:
    """Returns how often a layer runs in a forward pass.

    Raises:
        LayerError: if it does not.
    """
    calls = 0

    def count(_name: str, _output: object) -> None:
        nonlocal calls
        calls += 1

    with torch.no_grad(), add_forward_hooks({layer: module}, count):
        forward(model, as_input(probe.images[:2], model))
    if not calls:
        raise LayerError(
            f"layer {layer!r} did not run in the model's forward pass; pick one that does"
        )
    return calls


def _with_first_tensor(output: Any, tensor: Tensor) -> Any:
    """Returns a layer's output with `tensor` in place of what `find_first_tensor` finds in it."""
    if isinstance(output, Tensor):
        return tensor
    if isinstance(output, Mapping):
        changed = copy.copy(output)
        key = next(key for key, value in output.items() if find_first_tensor(value) is not None)
        changed[key] = _with_first_tensor(output[key], tensor)  # type: ignore[index]
        return changed
    items = list(output)
    index = next(i for i, item in enumerate(items) if find_first_tensor(item) is not None)
    items[index] = _with_first_tensor(items[index], tensor)
    return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)
