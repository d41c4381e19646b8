# SPDX-License-Identifier: Apache-2.0
"""Looking at a model in the middle of its training without leaving a trace.

`preserve_model_state` is the one door through which this package runs somebody else's model.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.requirements import check_runnable
from tensorboard_plugin_atlas.compute.model.sparse_buffers import has_same_values, restore_values
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state

_PIXELS_AT_ONCE = 1 << 18

_LAUNCHERS: Final = {
    ("torch.nn.parallel.data_parallel", "DataParallel"): "module",
    ("torch.nn.parallel.distributed", "DistributedDataParallel"): "module",
    ("torch._dynamo.eval_frame", "OptimizedModule"): "_orig_mod",
    ("deepspeed.runtime.engine", "DeepSpeedEngine"): "module",
    ("lightning.fabric.wrappers", "_FabricModule"): "module",
    ("lightning_fabric.wrappers", "_FabricModule"): "module",
}
"""Classes that say where and how a module runs, to the attribute that holds it.

By name, since importing the class of a library that is not in use would take seconds.
"""

_AVERAGES: Final = {
    ("torch.optim.swa_utils", "AveragedModel"): "module",
    ("timm.utils.model_ema", "ModelEmaV2"): "module",
    ("timm.utils.model_ema", "ModelEmaV3"): "module",
}
"""Likewise, classes that hold an average of another model's weights."""


def unwrap(model: nn.Module) -> nn.Module:
    """Returns the module inside the wrappers whose forward pass is that of what they hold.

    These are DataParallel and DistributedDataParallel, torch.compile, averages of weights (torch's
    AveragedModel, timm's ModelEmaV2 and ModelEmaV3), DeepSpeed's engine and Lightning Fabric's
    module. What they hold has the same parameters, and calling it runs neither a scatter, nor a
    collective, nor compiled code, which would ignore hooks that were added after compilation.

    A module of another class is returned as it is, also if all it holds is called `module`: its
    forward pass may do more. So is an average of weights whose class has a forward pass of its own.
    """
    while (inner := _held(model)) is not None:
        model = inner
    return model


@contextlib.contextmanager
def preserve_model_state(model: nn.Module) -> Iterator[nn.Module]:
    """Runs a block with the model in evaluation mode and puts everything back afterwards.

    Inside, every submodule is in evaluation mode, autocast is off and code under torch.compile runs
    eagerly (it would skip hooks). Afterwards, also after an exception or an interrupt, the mode of
    every single submodule, all buffers and the random states of python, numpy and torch are as
    before. Gradient mode is left to the caller.

    Args:
        model: Any module, on any device, wrapped or not.

    Yields:
        The unwrapped model.

    Raises:
        ArgumentError: if the model became one that cannot be run here (see `check_runnable`).
    """
    inner = unwrap(model)
    check_runnable(inner)
    # The flags are set one by one and not by eval(): some libraries override train() to merge
    # weights, which restoring the flags would not undo.
    modes = [(module, module.training) for module in inner.modules()]
    device = get_device(inner)
    with contextlib.ExitStack() as stack:
        stack.enter_context(preserve_random_state())
        stack.enter_context(_kept_buffers(inner))
        stack.enter_context(_without_collectives(inner))
        stack.callback(_set_modes, modes)
        _set_modes([(module, False) for module, _ in modes])
        for kind in filter(torch.amp.is_autocast_available, {device.type, "cpu"}):
            stack.enter_context(torch.autocast(kind, enabled=False))
        # Where nothing is compiled it is not loaded, and loading it would take a second.
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield inner


@contextlib.contextmanager
def add_forward_hooks(
    modules: Mapping[str, nn.Module], on_output: Callable[[str, object], None]
) -> Iterator[None]:
    """Calls `on_output(name, output)` after each forward of each module inside the block.

    The hooks are gone when the block is left, by whichever way.
    """
    with contextlib.ExitStack() as stack:
        for name, module in modules.items():
            handle = module.register_forward_hook(
                lambda _module, _inputs, output, name=name: on_output(name, output)
            )
            stack.callback(handle.remove)
        yield


def get_device(model: nn.Module) -> torch.device:
    """Returns the device of the first parameter or buffer, or the CPU for a model with neither."""
    tensor = next(itertools.chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if tensor is None else tensor.device


def limit_batch_size(most: int, images: Tensor, model: nn.Module) -> int:
    """Returns how many images of (I, C, H, W) one pass is given, `most` at the most.

    On the CPU a pass of many large images fills memory with maps that no cache holds: 128
    photographs of 224 px took EfficientNet-Lite0 7.3 CPU s and 1.4 GB in one pass, and 3.0 to 3.9 s
    in passes of 4.
    """
    if get_device(model).type != "cpu":
        return most
    return min(most, max(1, _PIXELS_AT_ONCE // (images.shape[2] * images.shape[3])))


def as_input(images: Tensor, model: nn.Module) -> Tensor:
    """Returns a copy of `images` on the model's device, in the type of its float parameters."""
    types = (p.dtype for p in model.parameters() if p.is_floating_point())
    return images.to(get_device(model), next(types, torch.float32), copy=True)


def _held(model: nn.Module) -> nn.Module | None:
    """Returns what a wrapper holds, or None for any other module."""
    kind: Any = type(model)
    attribute = _holder_of(kind)
    inner = None if attribute is None else getattr(model, attribute, None)
    return inner if isinstance(inner, nn.Module) else None


def _holder_of(kind: Any) -> str | None:
    """Returns the attribute in which wrappers of a class hold a module, or None."""
    for base in kind.__mro__:
        key = (base.__module__, base.__name__)
        if key in _LAUNCHERS:
            return _LAUNCHERS[key]
        if key in _AVERAGES:
            return _AVERAGES[key] if kind.forward is getattr(base, "forward", None) else None
    return None


def _set_modes(modes: list[tuple[nn.Module, bool]]) -> None:
    for module, training in modes:
        module.training = training


@contextlib.contextmanager
def _without_collectives(model: nn.Module) -> Iterator[None]:
    """Keeps DistributedDataParallel inside a model from waiting for ranks that do not run it."""
    flags = ("require_forward_param_sync", "require_backward_grad_sync")
    inside = [m for m in model.modules() if isinstance(m, nn.parallel.DistributedDataParallel)]
    kept = [(module, flag, getattr(module, flag)) for module in inside for flag in flags]
    try:
        for module, flag, _ in kept:
            setattr(module, flag, False)
        yield
    finally:
        for module, flag, value in kept:
            setattr(module, flag, value)


@contextlib.contextmanager
def _kept_buffers(model: nn.Module) -> Iterator[None]:
    """Undoes what a forward pass did to buffers; some models count even in evaluation mode."""
    kept = [
        (owner, name, buffer, buffer.detach().clone())
        for owner in model.modules()
        for name, buffer in owner._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        for owner, name, buffer, copy in kept:
            owner._buffers[name] = buffer
            # Compared by value, since batch_norm writes without counting up the version; written
            # through `data`, since a backward pass that is still to come checks that version.
            if not (buffer.is_meta or has_same_values(buffer, copy)):
                with torch.inference_mode(buffer.is_inference()):
                    restore_values(buffer, copy)
