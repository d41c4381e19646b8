# SPDX-License-Identifier: Apache-2.0
"""How much each sample speaks for each class: the derivative of the logits along its activation.

The attribution of a sample toward class k is h . d logit_k / d h, where h is the layer's activation
at the sample's position (Carter et al. 2019, "Activation Atlas", the linear approximation of its
effect). All K of them are one product with the network's Jacobian, so one forward-mode pass gives
them together: its cost hardly depends on K, where one backward pass for each class would.
"""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.layers import resolve_layer
from tensorboard_plugin_atlas.compute.outputs import (
    describe,
    first_tensor,
    form_of,
    forward,
    gives_sequence_first,
    logits_of,
)
from tensorboard_plugin_atlas.compute.probe import Probe
from tensorboard_plugin_atlas.compute.quiet import as_input, hooked, undisturbed
from tensorboard_plugin_atlas.errors import LayerError

_MOST_BYTES: Final = 512 << 20


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each sample of a layer speaks for each class.

    Attributes:
        values: (N, K) float32 toward each of the K logits, in logits; None where there is none to
            be had. A row of NaN or infinity follows from such an activation or logit.
        notes: Why not, or what was assumed.
    """

    values: FloatArray | None
    notes: tuple[str, ...] = ()


def attribute(model: nn.Module, layer: str, probe: Probe, *, batch_size: int = 128) -> Attribution:
    """Asks the model how its logits follow the layer at each of the probe's places.

    The model runs in evaluation mode, in its own precision and on its own device, and is left as it
    was (see `undisturbed`). Where an operation behind the layer has no forward-mode derivative, two
    backward passes give the same product.

    Args:
        model: A classifier of (B, C, H, W), possibly wrapped in DataParallel or torch.compile.
        layer: Name of a submodule. Where it runs more than once, its last answer counts.
        probe: Images and places.
        batch_size: Samples per pass.

    Returns:
        The attributions; without values where the model gives no (images, classes) logits, they do
        not depend on the layer, or no derivative can be had.

    Raises:
        LayerError: if the name does not resolve, or the layer did not run.
    """
    module = resolve_layer(model, layer)
    found: list[Tensor] = []
    with undisturbed(model) as inner, _differentiable():
        asked = _Question(inner, layer, module, probe, _calls(inner, layer, module, probe))
        derivative = _forward_mode
        for start in range(0, len(probe.sample_image), batch_size):
            rows = np.arange(start, min(start + batch_size, len(probe.sample_image)))
            try:
                try:
                    tangent = derivative(asked, rows)
                except (NotImplementedError, RuntimeError):
                    if derivative is _double_backward:
                        raise
                    derivative = _double_backward
                    tangent = derivative(asked, rows)
            except _NoAttributionError as error:
                return Attribution(None, (f"attribution: left out, {error}",))
            except Exception as error:  # whatever the user's code raises under differentiation
                why = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
                return Attribution(None, (f"attribution: left out, no derivative ({why})",))
            if tangent.shape[1] * len(probe.sample_image) * 4 > _MOST_BYTES:
                why = f"{tangent.shape[1]:,} classes of {len(probe.sample_image):,} samples"
                return Attribution(None, (f"attribution: left out, {why} take too much memory",))
            found.append(tangent.detach().float().cpu())
    return Attribution(torch.cat(found).numpy())


class _NoAttributionError(Exception):
    """There is nothing to differentiate."""


@dataclass(frozen=True, eq=False)
class _Question:
    """A model, and where its layer is asked.

    Attributes:
        model: Without wrappers, in evaluation mode.
        layer: Name of the layer.
        module: The layer.
        probe: Images and places.
        calls: How often the layer runs in a forward pass.
    """

    model: nn.Module
    layer: str
    module: nn.Module
    probe: Probe
    calls: int

    def logits(self, rows: np.ndarray, enter: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Returns the (n, K) logits for the images of n samples.

        Args:
            rows: (n,) samples.
            enter: Takes the layer's output and its direction of change, which is the activation at
                each sample's place and zero elsewhere, and returns what the layer is to give.
        """
        calls = 0

        def hook(_module: nn.Module, _inputs: object, output: object) -> object:
            nonlocal calls
            calls += 1
            tensor = first_tensor(output)
            if calls < self.calls or tensor is None:
                return None
            return _with_first_tensor(output, enter(tensor, self._direction(tensor, rows)))

        handle = self.module.register_forward_hook(hook)
        try:
            images = self.probe.images[torch.from_numpy(self.probe.sample_image[rows]).long()]
            output = forward(self.model, as_input(images, self.model))
        finally:
            handle.remove()
        logits = logits_of(output)
        if logits is None:
            raise _NoAttributionError(f"the model gives {describe(output)}, not (images, classes)")
        return logits

    def _direction(self, output: Tensor, rows: np.ndarray) -> Tensor:
        form = form_of(
            output,
            batch=len(rows),
            input_size=self.probe.input_size,
            sequence_first=gives_sequence_first(self.module),
        )
        direction = torch.zeros_like(output)
        places = torch.from_numpy(self.probe.map_positions(*form.map_size)[rows]).long()
        places = places.to(output.device)
        ones = torch.arange(len(rows), device=output.device)
        # A view: what is written to it is written to `direction`.
        view = form.as_map(direction)
        here = (ones, slice(None), places[:, 0], places[:, 1])
        view[here] = form.as_map(output.detach())[here]
        return direction


def _forward_mode(asked: _Question, rows: np.ndarray) -> Tensor:
    """Returns (n, K): the product of the Jacobian of the logits with each sample's direction."""
    with torch.no_grad(), forward_ad.dual_level():
        logits = asked.logits(rows, forward_ad.make_dual)
        tangent = forward_ad.unpack_dual(logits)[1]  # type: ignore[no-untyped-call]
        if not isinstance(tangent, Tensor):
            raise _NoAttributionError(f"the logits do not depend on layer {asked.layer!r}")
        return tangent.clone()


def _double_backward(asked: _Question, rows: np.ndarray) -> Tensor:
    """Returns the same product as `_forward_mode`, as the gradient of a gradient."""
    met: list[tuple[Tensor, Tensor]] = []

    def enter(output: Tensor, direction: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        met.append((leaf, direction))
        return leaf * 1  # what follows may work in place, which a leaf does not allow

    with torch.enable_grad():
        logits = asked.logits(rows, enter)
        leaf, direction = met[-1]
        weights = torch.zeros_like(logits, requires_grad=True)
        (back,) = torch.autograd.grad(logits, leaf, weights, create_graph=True, allow_unused=True)
        if back is None:
            raise _NoAttributionError(f"the logits do not depend on layer {asked.layer!r}")
        (product,) = torch.autograd.grad(back, weights, direction)
    return product


def _calls(model: nn.Module, layer: str, module: nn.Module, probe: Probe) -> int:
    calls = 0

    def count(_name: str, _output: object) -> None:
        nonlocal calls
        calls += 1

    with torch.no_grad(), hooked({layer: module}, count):
        forward(model, as_input(probe.images[:2], model))
    if not calls:
        raise LayerError(
            f"layer {layer!r} did not run in the model's forward pass; pick one that does"
        )
    return calls


@contextlib.contextmanager
def _differentiable() -> Iterator[None]:
    """Has attention computed by operations that have derivatives of every kind."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            sdpa_kernel(SDPBackend.MATH),
            torch.inference_mode(mode=False),
            warnings.catch_warnings(),
        ):
            # torch warns of itself when it loads its forward-mode derivatives.
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


def _with_first_tensor(output: Any, tensor: Tensor) -> Any:
    """Returns a layer's output with `tensor` in place of what `first_tensor` finds in it."""
    if isinstance(output, Tensor):
        return tensor
    if isinstance(output, Mapping):
        changed = copy.copy(output)
        key = next(key for key, value in output.items() if first_tensor(value) is not None)
        changed[key] = _with_first_tensor(output[key], tensor)  # type: ignore[index]
        return changed
    items = list(output)
    index = next(i for i, item in enumerate(items) if first_tensor(item) is not None)
    items[index] = _with_first_tensor(items[index], tensor)
    return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)
