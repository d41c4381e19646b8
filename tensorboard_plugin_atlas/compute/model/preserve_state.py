# SPDX-License-Identifier: Apache-2.0
"""Runs a model during training without changing it.

This package runs the user's model only inside `preserve_model_state`.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.autocast_removal import remove_autocast
from tensorboard_plugin_atlas.compute.model.engine_hooks import remove_engine_hooks
from tensorboard_plugin_atlas.compute.model.model_checks import check_runnable
from tensorboard_plugin_atlas.compute.model.sparse_buffers import has_same_values, restore_values
from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state

_MAX_PIXELS = 1 << 18

_WRAPPERS: Final = {
    ("torch.nn.parallel.data_parallel", "DataParallel"): "module",
    ("torch.nn.parallel.distributed", "DistributedDataParallel"): "module",
    ("torch._dynamo.eval_frame", "OptimizedModule"): "_orig_mod",
    ("deepspeed.runtime.engine", "DeepSpeedEngine"): "module",
    ("lightning.fabric.wrappers", "_FabricModule"): "module",
    ("lightning_fabric.wrappers", "_FabricModule"): "module",
}
"""Wrapper classes that decide where and how a module runs, with the attribute that holds it.

They are listed by name, since importing the class of an unused library would take seconds.
"""

_AVERAGES: Final = {
    ("torch.optim.swa_utils", "AveragedModel"): "module",
    ("timm.utils.model_ema", "ModelEmaV2"): "module",
    ("timm.utils.model_ema", "ModelEmaV3"): "module",
}
"""Likewise, classes that hold averaged weights of a model."""


def unwrap(model: nn.Module) -> nn.Module:
    """Returns the module inside wrappers that only forward to it.

    These are DataParallel, DistributedDataParallel, torch.compile, averaged weights (torch's
    AveragedModel, timm's ModelEmaV2 and ModelEmaV3), DeepSpeed's engine and Lightning Fabric's
    module. The inner module has the same parameters, and calling it runs no scatter, no collective
    and no compiled code, which would ignore hooks that were added after compilation.

    Any other module is returned unchanged, even if its only child is called `module`, since its
    forward pass may do more. So is a subclass for averaged weights with its own forward pass.
    """
    while (inner := _get_inner(model)) is not None:
        model = inner
    return model


@contextlib.contextmanager
def preserve_model_state(model: nn.Module) -> Iterator[nn.Module]:
    """Runs a block with the model in evaluation mode, and restores its state afterwards.

    Inside, every submodule is in evaluation mode, autocast is off, also that of Accelerate, hooks
    of DeepSpeed are removed, and code under torch.compile runs eagerly, since compiled code would
    skip hooks. Afterwards, also after an exception or an interrupt, the mode of every submodule,
    all buffers and the random states of Python, NumPy and torch are restored. Gradient mode does
    not change.

    Args:
        model: Any module, on any device, wrapped or not.

    Yields:
        The unwrapped model.

    Raises:
        ArgumentError: if the model cannot run in this process (see `check_runnable`).
    """
    inner = unwrap(model)
    check_runnable(inner)
    # The flags are set directly instead of by eval(): some libraries override train() to merge
    # weights, which restoring the flags would not undo.
    modes = [(module, module.training) for module in inner.modules()]
    device = get_device(inner)
    with contextlib.ExitStack() as stack:
        stack.enter_context(preserve_random_state())
        stack.enter_context(_preserve_buffers(inner))
        stack.enter_context(_disable_collectives(inner))
        stack.enter_context(remove_autocast(inner))
        stack.enter_context(remove_engine_hooks(inner))
        stack.callback(_set_modes, modes)
        _set_modes([(module, False) for module, _ in modes])
        for kind in filter(torch.amp.is_autocast_available, {device.type, "cpu"}):
            stack.enter_context(torch.autocast(kind, enabled=False))
        # Unless something is compiled it is not loaded, and loading it would take a second.
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield inner


@contextlib.contextmanager
def add_forward_hooks(
    modules: Mapping[str, nn.Module], on_output: Callable[[str, object], None]
) -> Iterator[None]:
    """Calls `on_output(name, output)` after each forward pass of each module inside the block.

    The hooks are removed at the end of the block, also after an exception.
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


def limit_batch_size(batch_size: int, images: ProbeImages | Tensor, model: nn.Module) -> int:
    """Returns the number of images per pass: `batch_size`, or fewer large images on the CPU.

    The maps of many large images do not fit into the CPU's cache. EfficientNet-Lite0 took 7.3 CPU s
    and 1.4 GB for 128 images of 224 px in one pass, and 3.0 to 3.9 s in batches of 4.

    Args:
        batch_size: Largest number.
        images: (I, C, H, W).
        model: On the device where it runs.
    """
    if get_device(model).type != "cpu":
        return batch_size
    return min(batch_size, max(1, _MAX_PIXELS // (images.shape[2] * images.shape[3])))


def as_input(images: Tensor, model: nn.Module) -> Tensor:
    """Returns a copy of `images` on the model's device, with the dtype of its float parameters."""
    types = (p.dtype for p in model.parameters() if p.is_floating_point())
    return images.to(get_device(model), next(types, torch.float32), copy=True)


def _get_inner(model: nn.Module) -> nn.Module | None:
    """Returns the module inside a wrapper, or None for any other module."""
    kind: Any = type(model)
    attribute = _find_inner_attribute(kind)
    inner = None if attribute is None else getattr(model, attribute, None)
    return inner if isinstance(inner, nn.Module) else None


def _find_inner_attribute(kind: Any) -> str | None:
    """Returns the name of the attribute that holds the wrapped module, or None."""
    for base in kind.__mro__:
        key = (base.__module__, base.__name__)
        if key in _WRAPPERS:
            return _WRAPPERS[key]
        if key in _AVERAGES:
            return _AVERAGES[key] if kind.forward is getattr(base, "forward", None) else None
    return None


def _set_modes(modes: list[tuple[nn.Module, bool]]) -> None:
    for module, training in modes:
        module.training = training


@contextlib.contextmanager
def _disable_collectives(model: nn.Module) -> Iterator[None]:
    """Keeps DistributedDataParallel modules inside a model from waiting for other ranks."""
    flags = ("require_forward_param_sync", "require_backward_grad_sync")
    inside = [m for m in model.modules() if isinstance(m, nn.parallel.DistributedDataParallel)]
    flags_before = [(module, flag, getattr(module, flag)) for module in inside for flag in flags]
    try:
        for module, flag, _ in flags_before:
            setattr(module, flag, False)
        yield
    finally:
        for module, flag, value in flags_before:
            setattr(module, flag, value)


@contextlib.contextmanager
def _preserve_buffers(model: nn.Module) -> Iterator[None]:
    """Restores the buffers of a model, which some models change even in evaluation mode."""
    copies = [
        (owner, name, buffer, buffer.detach().clone())
        for owner in model.modules()
        for name, buffer in owner._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        for owner, name, buffer, copy in copies:
            owner._buffers[name] = buffer
            # Compared by value, since batch_norm writes without incrementing the version. Written
            # through `data`, since a later backward pass may check the version.
            if not (buffer.is_meta or has_same_values(buffer, copy)):
                with torch.inference_mode(buffer.is_inference()):
                    restore_values(buffer, copy)
