# SPDX-License-Identifier: Apache-2.0
"""Forward passes in which the output of one layer is replaced."""

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
from tensorboard_plugin_atlas.compute.model.layers import infer_layer_form
from tensorboard_plugin_atlas.compute.model.model_interface import (
    call_model,
    explain_missing_logits,
    get_logits,
)
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm, find_main_tensor
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    limit_batch_size,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import LayerError


class NoAttributionError(Exception):
    """The logits cannot be differentiated with respect to the layer."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """A model, one of its layers, and the samples whose activations are replaced there.

    Attributes:
        model: Without wrappers, in evaluation mode.
        layer: Name of the layer.
        module: The layer.
        probe: Images and sample positions.
        calls: How often the layer runs in a forward pass.
        positions: (N, 2) of the samples on the feature map, or None for the probe's positions.
        prefix: Cache of the layers before `module`, if `model` is a copy that uses one.
    """

    model: nn.Module
    layer: str
    module: nn.Module
    probe: Probe
    calls: int
    positions: IntArray | None = None
    prefix: PrefixCache | None = None

    def with_prefix_cache(self, prefix: PrefixCache | None) -> Intervention:
        """Returns a copy that caches the outputs before the layer; itself if `prefix` is None."""
        if prefix is None:
            return self
        return dataclasses.replace(self, model=prefix.network, module=prefix.module, prefix=prefix)

    def tangent_logits(
        self, rows: NDArray[np.intp], replace: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """Returns the (n, K) logits for the images of n samples.

        Args:
            rows: (n,) samples.
            replace: Returns the layer's new output, given the output and a direction: the
                activation at each sample's position and zero elsewhere.
        """
        images, which = self._select_images(rows)
        cached = self.prefix.replay(images, which) if self.prefix else contextlib.nullcontext()
        with cached:
            each = images[torch.from_numpy(which).long()]
            return self.logits(each, lambda out: replace(out, self.make_direction(out, rows)))

    def compute_outputs(self, rows: NDArray[np.intp]) -> tuple[Tensor, NDArray[np.intp]]:
        """Returns the layer's output for the distinct images of n samples, and (n,) indices."""
        images, which = self._select_images(rows)
        at_once = limit_batch_size(len(images), images, self.model)
        return torch.cat([self._compute_output(few) for few in torch.split(images, at_once)]), which

    def _select_images(self, rows: NDArray[np.intp]) -> tuple[Tensor, NDArray[np.intp]]:
        rows_of_images, which = np.unique(self.probe.sample_image[rows], return_inverse=True)
        return self.probe.images[torch.from_numpy(rows_of_images).long()], which

    def _compute_output(self, images: Tensor) -> Tensor:
        captured: list[Tensor] = []

        def keep(output: Tensor) -> Tensor:
            captured.append(output)
            raise StopForward

        with contextlib.suppress(StopForward):
            self.logits(images, keep)
        return captured[0]

    def trace_head(self, rows: NDArray[np.intp]) -> TracedHead | None:
        """Traces the rest of the network after the layer, for the images of n samples."""
        images = self.probe.images[torch.from_numpy(self.probe.sample_image[rows]).long()]
        outputs, which = self.compute_outputs(rows)

        def run(replacement: Tensor) -> Tensor:
            return self.logits(images, lambda _: replacement)

        task = f"attribution of layer {self.layer!r}"
        return trace_head(run, outputs[torch.from_numpy(which)], task=task)

    def logits(self, images: Tensor, replace: Callable[[Tensor], Tensor]) -> Tensor:
        """Returns the (n, K) logits of images, with the layer's output replaced by `replace`."""
        calls = 0

        def hook(_module: nn.Module, _inputs: object, output: object) -> object:
            nonlocal calls
            calls += 1
            tensor = find_main_tensor(output, len(images))
            if calls < self.calls or tensor is None:
                return None
            return _replace_tensor(output, tensor, replace(tensor))

        handle = self.module.register_forward_hook(hook)
        try:
            output = call_model(self.model, as_input(images, self.model))
        finally:
            handle.remove()
        logits = get_logits(output, len(images))
        if logits is None:
            raise NoAttributionError(explain_missing_logits(output))
        return logits

    def form(self, output: Tensor, batch: int) -> OutputForm:
        """Returns the form of the layer's output for `batch` images."""
        return infer_layer_form(
            output, self.layer, self.module, batch=batch, input_size=self.probe.input_size
        )

    def make_direction(self, output: Tensor, rows: NDArray[np.intp]) -> Tensor:
        """Returns a tensor like `output`: each sample's activation at its position, else zero."""
        form = self.form(output, len(rows))
        direction = torch.zeros_like(output)
        positions = self.positions
        if positions is None:
            positions = self.probe.map_positions(*form.map_size)
        at = torch.from_numpy(positions[rows]).long().to(output.device)
        batch = torch.arange(len(rows), device=output.device)
        # A view of `direction`.
        view = form.as_map(direction)
        here = (batch, slice(None), at[:, 0], at[:, 1])
        view[here] = form.as_map(output.detach())[here]
        return direction


def count_calls(model: nn.Module, layer: str, module: nn.Module, probe: Probe) -> int:
    """Returns how often a layer runs in a forward pass of two images.

    Raises:
        LayerError: if it does not run.
    """
    calls = 0

    def count(_name: str, _output: object) -> None:
        nonlocal calls
        calls += 1

    with torch.no_grad(), add_forward_hooks({layer: module}, count):
        call_model(model, as_input(probe.images[:2], model))
    if not calls:
        raise LayerError(
            f"layer {layer!r} did not run in the model's forward pass; pick one that does"
        )
    return calls


def _replace_tensor(output: Any, old: Tensor, new: Tensor) -> Any:
    """Returns a layer's output with one of its tensors replaced."""
    if output is old:
        return new
    if isinstance(output, Mapping):
        changed = copy.copy(output)
        for key, value in output.items():
            replaced = _replace_tensor(value, old, new)
            if replaced is not value:
                changed[key] = replaced  # type: ignore[index]
        return changed
    if not isinstance(output, (tuple, list)):
        return output
    items = [_replace_tensor(item, old, new) for item in output]
    if all(item is other for item, other in zip(items, output, strict=True)):
        return output
    return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)
