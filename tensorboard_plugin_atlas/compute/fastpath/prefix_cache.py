# SPDX-License-Identifier: Apache-2.0
"""A copy of a network that caches the outputs of the modules before a layer.

Attribution runs one image many times, and only the output of the layer changes between the runs. So
the modules that return before the layer starts need not run again: the copy returns their cached
outputs. Nothing is traced, so any control flow works.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.fastpath.fallback_reasons import log_fallback
from tensorboard_plugin_atlas.compute.model.frozen_copy import is_close, make_frozen_copy
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.model_interface import call_model, get_logits
from tensorboard_plugin_atlas.compute.model.preserve_state import as_input
from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages

_CHECKED_ROWS = (0, 1, 1)


class StopForward(Exception):  # noqa: N818 - control flow, not an error
    """Ends a forward pass early."""


@dataclass(eq=False)
class _CachedModule:
    """A module that runs once, and returns before the layer starts.

    Attributes:
        run: Its own forward.
        shape: Of its output for a single image.
        like: An empty tensor with the dtype and device of its output.
        output: Its output for the current images, or None where only other cached modules read it.
        is_read: Whether anything but other cached modules reads its output.
    """

    run: Callable[..., Any]
    shape: tuple[int, ...] = ()
    like: Tensor = field(default_factory=lambda: torch.empty(0))
    output: Tensor | None = None
    is_read: bool = True


class PrefixCache:
    """A copy of a network that caches the outputs before one of its layers; see `cache_prefix`.

    Attributes:
        network: The copy.
        module: The layer in it.
    """

    def __init__(
        self, network: nn.Module, module: nn.Module, calls: int, modules: Sequence[nn.Module]
    ) -> None:
        self.network = network
        self.module = module
        self._calls = calls
        self._cached = [_CachedModule(one.forward) for one in modules]
        self._rows: Tensor | None = None
        for one, cached in zip(modules, self._cached, strict=True):
            one.forward = self._make_forward(cached)

    @contextlib.contextmanager
    def replay(self, images: Tensor, rows: NDArray[np.intp]) -> Iterator[None]:
        """Runs the modules before the layer once; inside the block they return cached outputs.

        Args:
            images: (I, C, H, W), each image once.
            rows: (n,): indices of the images that the network runs on inside the block, in order.
        """
        with torch.no_grad():
            self._run_to_layer(images)
        self._rows = torch.from_numpy(rows).long()
        try:
            yield
        finally:
            self._rows = None
            for cached in self._cached:
                cached.output = None

    def remove_unread_outputs(self, is_right: Callable[[], bool]) -> None:
        """Stops caching outputs, first to last, if `is_right` returns true without them."""
        for cached in self._cached:
            cached.is_read = False
            cached.is_read = not is_right()

    def _run_to_layer(self, images: Tensor) -> None:
        left = self._calls

        def stop(_module: nn.Module, _inputs: object) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise StopForward

        handle = self.module.register_forward_pre_hook(stop)
        try:
            with contextlib.suppress(StopForward):
                call_model(self.network, as_input(images, self.network))
        finally:
            handle.remove()

    def _make_forward(self, cached: _CachedModule) -> Callable[..., Any]:
        def run_or_replay(*inputs: Any, **options: Any) -> Any:
            rows = self._rows
            if rows is None:
                output = cached.run(*inputs, **options)
                cached.shape, cached.like = tuple(output.shape[1:]), output.detach()[:0]
                # The next operation may work in place.
                cached.output = output.detach().clone() if cached.is_read else None
                return output
            if cached.output is None:
                # It takes no memory, and an operation that reads it returns NaN.
                return cached.like.new_full((), torch.nan).expand(len(rows), *cached.shape)
            return cached.output[rows.to(cached.output.device)]

        return run_or_replay


def cache_prefix(model: nn.Module, layer: str, images: ProbeImages | Tensor) -> PrefixCache | None:
    """Returns a copy of a network that caches the outputs of the modules before a layer.

    The copy is compared with the model on two images.

    Args:
        model: Without wrappers, in evaluation mode.
        layer: Name of a submodule; its last call in a forward pass counts.
        images: (I, C, H, W) as the model takes them.

    Returns:
        None where the logits of the copy differ, no module returns before the layer starts, or the
        model cannot be copied; an exception is logged.
    """
    check = images[:2]
    rows = np.minimum(_CHECKED_ROWS, len(check) - 1).astype(np.intp)
    try:
        network = make_frozen_copy(model, single=False)
        module = resolve_layer(network, layer)
        with torch.no_grad():
            inputs = as_input(check[torch.from_numpy(rows)], model)
            expected = get_logits(call_model(model, inputs), len(inputs))
            if expected is None or not expected.isfinite().all():
                return None  # NaN marks outputs that are not cached, so no logit may be NaN
            calls, modules = _find_modules_before(network, module, as_input(check, model))
            if not modules:
                return None
            cache = PrefixCache(network, module, calls, modules)

            def is_right() -> bool:
                try:
                    with cache.replay(check, rows):
                        found = get_logits(call_model(network, inputs.clone()), len(inputs))
                except Exception:  # an operation rejects the placeholder of an output
                    return False
                return found is not None and is_close(found.float(), expected.float())

            if not is_right():
                return None
            cache.remove_unread_outputs(is_right)
    except Exception as error:  # copying and running call the user's code
        log_fallback(f"attribution of layer {layer!r}", error)
        return None
    return cache


def _find_modules_before(
    network: nn.Module, module: nn.Module, inputs: Tensor
) -> tuple[int, list[nn.Module]]:
    """Returns how often `module` runs, and the modules that run once, before its last call.

    Each of these returns one tensor with a row for each image, none is inside another, and they are
    in the order in which they return.
    """
    calls: dict[nn.Module, int] = {}
    returned: dict[nn.Module, bool] = {}  # whether it was a tensor with a row for each image
    before: list[nn.Module] = []

    def hook(one: nn.Module, _inputs: object, output: object) -> None:
        calls[one] = calls.get(one, 0) + 1
        returned[one] = isinstance(output, Tensor) and output.shape[:1] == inputs.shape[:1]

    def pre_hook(_module: nn.Module, _inputs: object) -> None:
        before[:] = [one for one, is_plain in returned.items() if is_plain]

    with contextlib.ExitStack() as stack:
        for one in network.modules():
            stack.callback(one.register_forward_hook(hook).remove)
        stack.callback(module.register_forward_pre_hook(pre_hook).remove)
        call_model(network, inputs)
    whole = [m for m in before if calls[m] == 1 and all(one is not module for one in m.modules())]
    inner = {m for one in whole for m in one.modules() if m is not one}
    return calls[module], [one for one in whole if one not in inner]
