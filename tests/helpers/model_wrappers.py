# SPDX-License-Identifier: Apache-2.0
"""Wrappers around a model: real ones, and small copies of those of libraries not installed here."""

from __future__ import annotations

import contextlib
import datetime
from copy import deepcopy

import torch
from torch import distributed, nn
from torch.optim.swa_utils import AveragedModel


def rename_class(module, name):
    """Gives a class the name and module of one in another library."""

    def rename(kind):
        kind.__module__, kind.__name__, kind.__qualname__ = module, name, name
        return kind

    return rename


@rename_class("timm.utils.model_ema", "ModelEmaV2")
class OldEma(nn.Module):
    """timm's before 1.0, which has no forward pass."""

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
    """DeepSpeed's: the module is in two dictionaries, and the engine passes attributes through."""

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
    """Lightning Fabric's, which holds the model in a wrapper and as it is."""

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
    """A user's own, which does more than what it holds."""

    def __init__(self, model):
        super().__init__()
        self.module = model

    def forward(self, x):
        return -self.module(x)


class AverageOfNegated(AveragedModel):
    """An average whose forward pass does more, too."""

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
"""What to wrap a model in, and what its layers' names begin with then."""

CHANGES_FORWARD = ("Plain", "Plain of DistributedDataParallel")


@contextlib.contextmanager
def create_process_group(folder):
    """A group of this process alone."""
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
