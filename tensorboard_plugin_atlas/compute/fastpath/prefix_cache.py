# SPDX-License-Identifier: Apache-2.0
"""A network from one of its layers on: what comes before the layer runs once for each image.

Attribution asks about many places of one image, and each question changes the layer's output alone.
So the modules that have ended before the layer begins need not run again: on a copy of the network
they give what they gave before. No graph has to be traced, and any control flow goes on as it is.
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

from tensorboard_plugin_atlas.compute.model.frozen_copy import is_close, make_frozen_copy
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.logits import get_logits
from tensorboard_plugin_atlas.compute.model.outputs import forward
from tensorboard_plugin_atlas.compute.model.preserve_state import as_input

_CHECKED_ROWS = (0, 1, 1)


class StopForward(Exception):  # noqa: N818 - nothing went wrong
    """Ends a forward pass early."""


@dataclass(eq=False)
class _Part:
    """What is known of a module that runs once, and ends before the layer begins.

    Attributes:
        run: Its own forward.
        shape: Of its output for a single image.
        like: An empty tensor of its output's kind.
        kept: Its output for the images at hand, or None where nothing but other parts reads it.
        is_read: Whether something else than other parts reads its output.
    """

    run: Callable[..., Any]
    shape: tuple[int, ...] = ()
    like: Tensor = field(default_factory=lambda: torch.empty(0))
    kept: Tensor | None = None
    is_read: bool = True


class PrefixCache:
    """A copy of a network that answers questions behind one of its layers; see `cache_prefix`.

    Attributes:
        network: The copy.
        module: The layer in it.
    """

    def __init__(
        self, network: nn.Module, module: nn.Module, calls: int, parts: Sequence[nn.Module]
    ) -> None:
        self.network = network
        self.module = module
        self._calls = calls
        self._parts = [_Part(part.forward) for part in parts]
        self._rows: Tensor | None = None
        for module_of, part in zip(parts, self._parts, strict=True):
            module_of.forward = self._speaking(part)

    @contextlib.contextmanager
    def replay(self, images: Tensor, rows: NDArray[np.intp]) -> Iterator[None]:
        """Lets the network run in the block as if all that comes before the layer were done.

        Args:
            images: (I, C, H, W), each image once.
            rows: (n,) which of them the network will be given, in this order.
        """
        with torch.no_grad():
            self._run_to_layer(images)
        self._rows = torch.from_numpy(rows).long()
        try:
            yield
        finally:
            self._rows = None
            for part in self._parts:
                part.kept = None

    def forget_what_nobody_reads(self, is_right: Callable[[], bool]) -> None:
        """Keeps the outputs alone without which `is_right` does not hold, from the first on."""
        for part in self._parts:
            part.is_read = False
            part.is_read = not is_right()

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
                self.network(as_input(images, self.network))
        finally:
            handle.remove()

    def _speaking(self, part: _Part) -> Callable[..., Any]:
        def answer(*inputs: Any, **options: Any) -> Any:
            rows = self._rows
            if rows is None:
                output = part.run(*inputs, **options)
                part.shape, part.like = tuple(output.shape[1:]), output.detach()[:0]
                # What follows may work in place.
                part.kept = output.detach().clone() if part.is_read else None
                return output
            if part.kept is None:
                # Takes no memory, and whatever reads it after all shows.
                return part.like.new_full((), torch.nan).expand(len(rows), *part.shape)
            return part.kept[rows.to(part.kept.device)]

        return answer


def cache_prefix(model: nn.Module, layer: str, images: Tensor) -> PrefixCache | None:
    """Returns a network for questions behind a layer, or None where asking the model is as quick.

    It is held against the model itself on two images: None where it answers differently, where
    nothing ends before the layer begins, or where the model cannot be copied.

    Args:
        model: Without wrappers, in evaluation mode.
        layer: Name of a submodule; its last run counts.
        images: (I, C, H, W) as the model takes them.
    """
    check = images[:2]
    rows = np.minimum(_CHECKED_ROWS, len(check) - 1).astype(np.intp)
    try:
        network = make_frozen_copy(model, single=False)
        module = resolve_layer(network, layer)
        with torch.no_grad():
            asked = as_input(check[torch.from_numpy(rows)], model)
            wanted = get_logits(forward(model, asked), len(asked))
            if wanted is None or not wanted.isfinite().all():
                return None  # NaN stands for what is forgotten, so it must not be an answer
            calls, parts = _ended_before(network, module, as_input(check, model))
            if not parts:
                return None
            tail = PrefixCache(network, module, calls, parts)

            def is_right() -> bool:
                try:
                    with tail.replay(check, rows):
                        found = get_logits(forward(network, asked.clone()), len(asked))
                except Exception:  # an operation that does not take what stands for an output
                    return False
                return found is not None and is_close(found.float(), wanted.float())

            if not is_right():
                return None
            tail.forget_what_nobody_reads(is_right)
    except Exception:  # the user's code; asked itself, the model may say why
        return None
    return tail


def _ended_before(
    network: nn.Module, module: nn.Module, inputs: Tensor
) -> tuple[int, list[nn.Module]]:
    """Returns how often `module` runs, and what runs once and ends before its last run.

    The modules give one tensor, none of them is inside another, and they come as they ended.
    """
    calls: dict[nn.Module, int] = {}
    ended: dict[nn.Module, bool] = {}  # whether it gave a tensor with a row for each image
    before: list[nn.Module] = []

    def hook(part: nn.Module, _inputs: object, output: object) -> None:
        calls[part] = calls.get(part, 0) + 1
        ended[part] = isinstance(output, Tensor) and output.shape[:1] == inputs.shape[:1]

    def pre_hook(_module: nn.Module, _inputs: object) -> None:
        before[:] = [part for part, is_plain in ended.items() if is_plain]

    with contextlib.ExitStack() as stack:
        for part in network.modules():
            stack.callback(part.register_forward_hook(hook).remove)
        stack.callback(module.register_forward_pre_hook(pre_hook).remove)
        forward(network, inputs)
    whole = [p for p in before if calls[p] == 1 and all(m is not module for m in p.modules())]
    inner = {m for part in whole for m in part.modules() if m is not part}
    return calls[module], [part for part in whole if part not in inner]
