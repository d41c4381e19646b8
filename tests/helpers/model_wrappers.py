# SPDX-License-Identifier: Apache-2.0
"""Wrappers around a model: real ones, and stand-ins for those of libraries not installed here."""

from __future__ import annotations

import contextlib
import datetime
from copy import deepcopy

import torch
from torch import distributed, nn
from torch.optim.swa_utils import AveragedModel


def rename_class(module, name):
    """Returns a decorator that gives a class the name and module of one in another library."""

    def rename(kind):
        kind.__module__, kind.__name__, kind.__qualname__ = module, name, name
        return kind

    return rename


@rename_class("timm.utils.model_ema", "ModelEmaV2")
class OldEma(nn.Module):
    """The wrapper of timm before 1.0, which has no forward pass."""

    def __init__(self, model, decay=0.9999):
        super().__init__()
        self.module = deepcopy(model)
        self.module.eval()
        self.decay = decay


@rename_class("timm.utils.model_ema", "ModelEmaV3")
class NewEma(OldEma):
    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)


@rename_class("deepspeed.runtime.engine", "DeepSpeedEngine")
class Engine(nn.Module):
    """DeepSpeed's engine: it holds the module in two dictionaries and forwards attributes to it."""

    def __init__(self, model):
        super().__init__()
        self.__dict__["_modules"]["module"] = model
        self.__dict__["module"] = model

    def __getattr__(self, name):
        return getattr(self.__dict__["module"], name)

    def forward(self, *inputs):
        raise AssertionError("starts timers and collectives")


@rename_class("lightning.fabric.wrappers", "_FabricModule")
class Fabric(nn.Module):
    """Lightning Fabric's wrapper, which holds the model both wrapped and unwrapped."""

    def __init__(self, model):
        super().__init__()
        self._forward_module = nn.DataParallel(model)
        self._original_module = model

    @property
    def module(self):
        return self._original_module

    def forward(self, *args):
        raise AssertionError("casts inputs and registers hooks")


class Plain(nn.Module):
    """A user's own wrapper, whose forward pass differs from that of its module."""

    def __init__(self, model):
        super().__init__()
        self.module = model

    def forward(self, x):
        return -self.module(x)


class AverageOfNegated(AveragedModel):
    """An averaged model whose forward pass differs as well."""

    def forward(self, x):
        return -self.module(x)


def compile_eagerly(model):
    return torch.compile(model, backend="eager")


WRAPPERS = {
    "AveragedModel": (AveragedModel, "module."),
    "ModelEmaV2": (OldEma, "module."),
    "ModelEmaV3": (NewEma, "module."),
    "DeepSpeedEngine": (Engine, "module."),
    "_FabricModule": (Fabric, "_forward_module.module."),
    "compile": (compile_eagerly, "_orig_mod."),
    "DataParallel": (nn.DataParallel, "module."),
    "DistributedDataParallel": (nn.parallel.DistributedDataParallel, "module."),
    "AveragedModel of compile": (lambda m: AveragedModel(compile_eagerly(m)), "module._orig_mod."),
    "Plain": (Plain, "module."),
    "Plain of DistributedDataParallel": (
        lambda m: Plain(nn.parallel.DistributedDataParallel(m)),
        "module.module.",
    ),
}
"""Function that wraps a model, and the prefix of the layer names in the wrapper."""

CHANGES_FORWARD = ("Plain", "Plain of DistributedDataParallel")


@contextlib.contextmanager
def create_process_group(folder):
    """Creates a process group of this process only."""
    distributed.init_process_group(
        "gloo",
        f"file://{folder / 'meeting'}",
        datetime.timedelta(seconds=30),
        world_size=1,
        rank=0,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()
