# SPDX-License-Identifier: Apache-2.0
"""Faults of the files, of the model and of our own work, each with its name."""

from __future__ import annotations

import copy
import errno
import functools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from fault_injection import (
    BOTH,
    PICTURED,
    Fault,
    all_but_one,
    descriptor_in,
    fail_when_looked_at,
    looked_at,
    lost,
    on_disk,
    only_after,
    os_error,
    patched,
    raises,
    raising,
)
from tiny_training import make_images
from torch import nn
from torch.utils.data import Dataset
from torch.utils.tensorboard import SummaryWriter

import tensorboard_plugin_atlas.writer.checkpoint_logger as recording
from tensorboard_plugin_atlas.compute import pipeline
from tensorboard_plugin_atlas.compute.icons import render_levels as drawing
from tensorboard_plugin_atlas.compute.icons.engine import IconEngine
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.logs.event_file import EventSink


def fill_the_device(scene):
    if scene.atlas is not None:
        with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
            os.dup2(full.fileno(), descriptor_in(scene.directory))


def close_the_descriptor(scene):
    if scene.atlas is not None:
        os.close(descriptor_in(scene.directory))


def remove_the_directory(scene):
    scene.directory.mkdir(parents=True, exist_ok=True)
    for path in sorted(scene.directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    scene.directory.rmdir()
    scene.evidence()


def block_the_directory(scene):
    scene.directory.mkdir()
    (scene.directory / "atlas").write_text("a file where the directory should be")


def refuse_to_open(number):
    """Has the log's file not open, and every other do."""

    def strike(scene):
        opened = Path.open

        def refuse(path, *args, **kwargs):
            if "tfevents" in path.name and scene.directory in path.parents:
                raise os_error(number)
            return opened(path, *args, **kwargs)

        scene.patch.setattr(Path, "open", refuse)

    return strike


def recurses(model, x):
    return recurses(model, x)


def stops(_model, _x):
    return next(iter(()))


def skips_a_layer(model, x):
    return model.head(torch.zeros(len(x), 8))


def answers(of_logits):
    """Has the model answer something else."""

    def strike(scene):
        scene.model.mood = functools.partial(gives, scene.evidence, of_logits)

    return strike


def gives(evidence, of_logits, model, x):
    logits = model.answer(x)
    evidence()
    return of_logits(logits)


def nothing(_logits):
    return None


def a_map(logits):
    return logits[:, :, None, None]


def nan(logits):
    return logits * torch.nan


def infinite(logits):
    return logits + torch.inf


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError("no text either")


class UserError(Exception):
    """Known to nobody else."""


def hook(module, *_):
    if not module.training:
        raise ValueError("a hook of the user")


def add_hook(scene):
    scene.model.body.register_forward_hook(hook)


def add_pre_hook(scene):
    scene.model.body.register_forward_pre_hook(hook)


def replace_the_layer(scene):
    scene.model.body = nn.Sequential(nn.Conv2d(6, 8, 5, 2, padding=2), nn.Tanh())
    scene.evidence()


def hide_the_layer(scene):
    """The model still runs it, but lists it no more."""
    layer = scene.model.body
    del scene.model.body
    scene.model.__dict__["body"] = layer


def widen_the_layer(scene):
    scene.model.body[1] = nn.Conv2d(6, 11, 3, 2, padding=1)
    scene.model.head = nn.Linear(11, 4)
    scene.evidence()


def fill_the_weights(value):
    def strike(scene):
        for parameter in scene.model.stem.parameters():
            nn.init.constant_(parameter, value)
        scene.evidence()

    return strike


def change_the_type(dtype):
    def strike(scene):
        scene.model.to(dtype)
        scene.evidence()

    return strike


def swap_for_meta(scene):
    if scene.atlas is not None:
        scene.atlas.model = copy.deepcopy(scene.model).to("meta")


def add_a_part_on_meta(scene):
    scene.model.unused = nn.Linear(2, 2, device="meta")
    scene.evidence()


class ReadOnce(Dataset):
    """Can be read until the writer is made, as if it lay on a disk that goes away."""

    is_gone = False

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if self.is_gone:
            raise OSError("the disk with the pictures is gone")
        pictures, labels = make_images()
        return pictures[index], int(labels[index])


class Gone(ReadOnce):
    is_gone = True


def take_the_data_away(scene):
    scene.patch.setattr(ReadOnce, "is_gone", True)
    with pytest.raises(OSError, match="pictures"):
        ReadOnce()[0]
    scene.evidence()


def far_labels():
    pictures, labels = make_images()
    return pictures, labels + 1000


class Hidden:
    """A SummaryWriter that does not say where it writes."""

    def __init__(self, directory):
        logs = SummaryWriter(str(directory))
        self._get_file_writer, self.flush, self.close = (
            logs._get_file_writer,
            logs.flush,
            logs.close,
        )


def break_the_writer(method):
    def strike(scene):
        if scene.atlas is not None:
            target = scene.atlas._sink._writer
            owner = target if method == "flush" else target._get_file_writer()
            scene.patch.setattr(owner, method, raising(OSError("a writer of the user")))

    return strike


IN_FILES = {
    "the disk is full": lost(on_disk(errno.ENOSPC, "write"), "No space left on device"),
    "the disk fails": lost(on_disk(errno.EIO, "write"), "Input/output error"),
    "the quota is used up": lost(on_disk(errno.EDQUOT, "write"), "quota exceeded"),
    "the network drive is gone": lost(on_disk(errno.ESTALE, "write", "tell"), "Stale file handle"),
    "the file is too large": lost(on_disk(errno.EFBIG, "write"), "File too large"),
    "nothing can be taken back": lost(
        on_disk(errno.EIO, "write", "truncate", "seek", "close"), "Input/output error"
    ),
    "the device is really full": Fault(
        fill_the_device, "No space left on device", all_but_one, moments=(2,)
    ),
    "fsync fails": Fault(patched(os, "fsync", os_error(errno.EIO)), "Input/output error"),
    "fsync finds the disk full": Fault(patched(os, "fsync", os_error(errno.ENOSPC)), "No space"),
    "closing fails": Fault(patched(EventSink, "close", os_error(errno.EIO)), "close failed.*Input"),
    "too many files are open": lost(
        refuse_to_open(errno.EMFILE), "Too many open files", moments=(0,)
    ),
    "the file system is read-only": lost(
        refuse_to_open(errno.EROFS), "Read-only file system", moments=(0,)
    ),
    "the directory is not ours": lost(
        refuse_to_open(errno.EACCES), "Permission denied", moments=(0,)
    ),
    "no directory can be made": lost(
        patched(Path, "mkdir", os_error(errno.ENOSPC)), "No space left", moments=(0,)
    ),
    "a file is in the place of the directory": lost(
        block_the_directory, "File exists|is a file; pass a directory", moments=(0,), workers=BOTH
    ),
    "the directory is removed before": Fault(remove_the_directory, moments=(0,), workers=BOTH),
    "the directory is removed meanwhile": Fault(
        remove_the_directory, "log was deleted", only_after, moments=(2,), workers=BOTH
    ),
    "the descriptor is closed": Fault(
        close_the_descriptor, "Bad file descriptor", all_but_one, moments=(2,)
    ),
    "the user's writer fails": lost(
        break_the_writer("add_summary"), "a writer of the user", target=Hidden
    ),
    "the user's writer cannot be flushed": Fault(
        break_the_writer("flush"), "a writer of the user", target=Hidden
    ),
}

IN_THE_MODEL = {
    "forward raises": lost(fail_when_looked_at, "RuntimeError: a forward that fails", workers=BOTH),
    "forward raises what only the user knows": lost(
        looked_at(raises, UserError("mine")), "UserError: mine", workers=BOTH
    ),
    "forward raises what has no text": lost(
        looked_at(raises, UnprintableError()), r"UnprintableError: \(it has no text\)", workers=BOTH
    ),
    "an assertion fails": lost(
        looked_at(raises, AssertionError("a shape")), "AssertionError: a shape", workers=BOTH
    ),
    "the memory is full": lost(looked_at(raises, MemoryError()), "MemoryError", workers=BOTH),
    "the GPU's memory is full": lost(
        looked_at(raises, torch.OutOfMemoryError("CUDA out of memory")), "CUDA out", workers=BOTH
    ),
    "forward never ends calling itself": lost(looked_at(recurses), "RecursionError", workers=BOTH),
    "forward raises StopIteration": lost(looked_at(stops), "StopIteration", workers=BOTH),
    "forward passes by a layer": lost(looked_at(skips_a_layer), "did not run", workers=BOTH),
    "forward returns None": Fault(answers(nothing), workers=BOTH),
    "forward returns a map": Fault(answers(a_map), workers=BOTH),
    "forward returns NaN": Fault(answers(nan), workers=BOTH),
    "forward returns infinity": Fault(answers(infinite), workers=BOTH),
    "a hook raises": lost(add_hook, "a hook of the user", workers=BOTH),
    "a hook before raises": lost(add_pre_hook, "a hook of the user", workers=BOTH),
    "a layer is replaced": Fault(replace_the_layer, workers=BOTH),
    "a layer is removed": lost(hide_the_layer, "layer 'body' is not a module", workers=BOTH),
    "a layer becomes wider": Fault(widen_the_layer, workers=BOTH),
    "the weights are NaN": lost(fill_the_weights(torch.nan), "hold NaN or infinity", workers=BOTH),
    "the weights are infinite": lost(
        fill_the_weights(torch.inf), "hold NaN or infinity", workers=BOTH
    ),
    "the weights are zero": Fault(fill_the_weights(0.0), workers=BOTH),
    "the model becomes half": Fault(change_the_type(torch.float16), workers=BOTH),
    "the model becomes bfloat16": Fault(change_the_type(torch.bfloat16), workers=BOTH),
    "the model becomes double": Fault(change_the_type(torch.float64), workers=BOTH),
    "the model is on meta": lost(swap_for_meta, "meta", workers=BOTH),
    "a part of the model is on meta": Fault(add_a_part_on_meta),
    "the data are gone": Fault(take_the_data_away, probe=ReadOnce, workers=BOTH),
    "the labels are beyond the logits": Fault(
        lambda scene: scene.evidence(), probe=far_labels, workers=BOTH
    ),
}

IN_OUR_OWN_WORK = {
    "the activations do not fit": lost(
        patched(Probe, "map_positions", IndexError("list index")), "IndexError: list index"
    ),
    "the layout does not converge": lost(
        patched(pipeline, "compute_layout", np.linalg.LinAlgError("did not converge")),
        "did not converge",
    ),
    "the quality cannot be measured": lost(
        patched(pipeline, "measure_quality", FloatingPointError("divide by zero")),
        "FloatingPointError",
    ),
    "storing runs out of memory": lost(
        patched(pipeline, "store_activations", MemoryError()), "MemoryError"
    ),
    "the icons cannot be drawn": lost(
        patched(IconEngine, "render", RuntimeError("no icon")), "no icon", config=PICTURED
    ),
    "the icons cannot be packed": lost(
        patched(drawing, "pack", OSError("encoder error")), "encoder error", config=PICTURED
    ),
    "an atlas cannot be encoded": lost(
        patched(recording, "encode_atlas", OverflowError("too large")), "OverflowError: too large"
    ),
    "the probe's pictures cannot be encoded": lost(
        patched(Probe, "thumbnails", OSError("encoder error")), "encoder error", moments=(0,)
    ),
    "the health cannot be told": lost(
        patched(recording, "health_scalars", ZeroDivisionError()), "ZeroDivisionError"
    ),
}
