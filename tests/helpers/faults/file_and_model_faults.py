# SPDX-License-Identifier: Apache-2.0
"""Faults in files, in the model and in the package itself, by name."""

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
    WITH_EXAMPLES,
    Fault,
    fail_in_forward,
    fail_on_disk,
    find_descriptor,
    has_all_but_one,
    has_steps_after,
    make_blocking_fault,
    make_os_error,
    make_raiser,
    raise_error,
    raise_from,
    raise_in_forward,
)
from tiny_training import make_images
from torch import nn
from torch.utils.data import Dataset
from torch.utils.tensorboard import SummaryWriter

import tensorboard_plugin_atlas.writer.atlas_logger as recording
from tensorboard_plugin_atlas.compute import pipeline
from tensorboard_plugin_atlas.compute.icons import render_levels as drawing
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.logs.event_file import EventSink


def fail_to_render_icons(run):
    def fail(*_args, **_kwargs):
        run.evidence()
        raise RuntimeError("no icon")

    run.patch.setattr(IconEngine, "render", fail)


def fill_device(run):
    if run.atlas is not None:
        with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
            os.dup2(full.fileno(), find_descriptor(run.directory))


def close_descriptor(run):
    if run.atlas is not None:
        os.close(find_descriptor(run.directory))


def remove_directory(run):
    run.directory.mkdir(parents=True, exist_ok=True)
    for path in sorted(run.directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run.directory.rmdir()
    run.evidence()


def block_directory(run):
    run.directory.mkdir()
    (run.directory / "atlas").write_text("a file where the directory should be")


def refuse_to_open(number):
    """Returns an injector that makes opening the log file fail, and no other file."""

    def inject(run):
        original = Path.open

        def refuse(path, *args, **kwargs):
            if "tfevents" in path.name and run.directory in path.parents:
                raise make_os_error(number)
            return original(path, *args, **kwargs)

        run.patch.setattr(Path, "open", refuse)

    return inject


def recurse(model, x):
    return recurse(model, x)


def raise_stop_iteration(_model, _x):
    return next(iter(()))


def skip_layer(model, x):
    return model.head(torch.zeros(len(x), 8))


def change_logits(change):
    """Returns an injector that changes the logits of the model."""

    def inject(run):
        run.model.fault = functools.partial(apply_change, run.evidence, change)

    return inject


def apply_change(evidence, change, model, x):
    logits = model.compute(x)
    evidence()
    return change(logits)


def to_none(_logits):
    return None


def to_map(logits):
    return logits[:, :, None, None]


def to_nan(logits):
    return logits * torch.nan


def to_infinity(logits):
    return logits + torch.inf


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError("no text")


class UserError(Exception):
    """An exception that only the user's code defines."""


def hook(module, *_):
    if not module.training:
        raise ValueError("a hook of the user")


def add_hook(run):
    run.model.body.register_forward_hook(hook)


def add_pre_hook(run):
    run.model.body.register_forward_pre_hook(hook)


def replace_layer(run):
    run.model.body = nn.Sequential(nn.Conv2d(6, 8, 5, 2, padding=2), nn.Tanh())
    run.evidence()


def hide_layer(run):
    """Hides the layer from `named_modules`; the model still runs it."""
    layer = run.model.body
    del run.model.body
    run.model.__dict__["body"] = layer


def widen_layer(run):
    run.model.body[1] = nn.Conv2d(6, 11, 3, 2, padding=1)
    run.model.head = nn.Linear(11, 4)
    run.evidence()


def fill_weights(value):
    def inject(run):
        for parameter in run.model.stem.parameters():
            nn.init.constant_(parameter, value)
        run.evidence()

    return inject


def change_dtype(dtype):
    def inject(run):
        run.model.to(dtype)
        run.evidence()

    return inject


def swap_to_meta(run):
    if run.atlas is not None:
        run.atlas.model = copy.deepcopy(run.model).to("meta")


def add_meta_module(run):
    run.model.unused = nn.Linear(2, 2, device="meta")
    run.evidence()


class ReadOnce(Dataset):
    """A dataset on a disk that is removed after the writer was created."""

    is_gone = False

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if self.is_gone:
            raise OSError("the disk with the images is gone")
        images, labels = make_images()
        return images[index], int(labels[index])


class MissingData(ReadOnce):
    is_gone = True


def remove_data(run):
    run.patch.setattr(ReadOnce, "is_gone", True)
    with pytest.raises(OSError, match="images"):
        ReadOnce()[0]
    run.evidence()


def make_large_labels():
    images, labels = make_images()
    return images, labels + 1000


class WriterWithoutDirectory:
    """A SummaryWriter without `log_dir`."""

    def __init__(self, directory):
        logs = SummaryWriter(str(directory))
        self._get_file_writer, self.flush, self.close = (
            logs._get_file_writer,
            logs.flush,
            logs.close,
        )


def break_writer(method):
    """Returns an injector that makes a method of the user's SummaryWriter fail."""

    def inject(run):
        if run.atlas is not None:
            target = run.atlas._sink._writer
            owner = target if method == "flush" else target._get_file_writer()
            run.patch.setattr(owner, method, make_raiser(OSError("a writer of the user")))

    return inject


FILE_FAULTS = {
    "the disk is full": make_blocking_fault(
        fail_on_disk(errno.ENOSPC, "write"), "No space left on device"
    ),
    "the disk reports an I/O error": make_blocking_fault(
        fail_on_disk(errno.EIO, "write"), "Input/output error"
    ),
    "the quota is used up": make_blocking_fault(
        fail_on_disk(errno.EDQUOT, "write"), "quota exceeded"
    ),
    "the network drive is gone": make_blocking_fault(
        fail_on_disk(errno.ESTALE, "write", "tell"), "Stale file handle"
    ),
    "the file is too large": make_blocking_fault(
        fail_on_disk(errno.EFBIG, "write"), "File too large"
    ),
    "a partial write cannot be undone": make_blocking_fault(
        fail_on_disk(errno.EIO, "write", "truncate", "seek", "close"), "Input/output error"
    ),
    "the device is full": Fault(
        fill_device, "No space left on device", has_all_but_one, moments=(2,)
    ),
    "fsync fails": Fault(raise_from(os, "fsync", make_os_error(errno.EIO)), "Input/output error"),
    "fsync finds the disk full": Fault(
        raise_from(os, "fsync", make_os_error(errno.ENOSPC)), "No space"
    ),
    "closing fails": Fault(
        raise_from(EventSink, "close", make_os_error(errno.EIO)), "close failed.*Input"
    ),
    "too many files are open": make_blocking_fault(
        refuse_to_open(errno.EMFILE), "Too many open files", moments=(0,)
    ),
    "the file system is read-only": make_blocking_fault(
        refuse_to_open(errno.EROFS), "Read-only file system", moments=(0,)
    ),
    "the directory is not writable": make_blocking_fault(
        refuse_to_open(errno.EACCES), "Permission denied", moments=(0,)
    ),
    "no directory can be created": make_blocking_fault(
        raise_from(Path, "mkdir", make_os_error(errno.ENOSPC)), "No space left", moments=(0,)
    ),
    "a file has the name of the directory": make_blocking_fault(
        block_directory, "File exists|is a file; pass a directory", moments=(0,), workers=BOTH
    ),
    "the directory is removed before the start": Fault(
        remove_directory, moments=(0,), workers=BOTH
    ),
    "the directory is removed during the run": Fault(
        remove_directory, "log was deleted", has_steps_after, moments=(2,), workers=BOTH
    ),
    "the descriptor is closed": Fault(
        close_descriptor, "Bad file descriptor", has_all_but_one, moments=(2,)
    ),
    "the user's writer fails": make_blocking_fault(
        break_writer("add_summary"), "a writer of the user", target=WriterWithoutDirectory
    ),
    "the user's writer cannot be flushed": Fault(
        break_writer("flush"), "a writer of the user", target=WriterWithoutDirectory
    ),
}

MODEL_FAULTS = {
    "forward raises": make_blocking_fault(
        raise_in_forward, "RuntimeError: a forward that fails", workers=BOTH
    ),
    "forward raises an exception of the user": make_blocking_fault(
        fail_in_forward(raise_error, UserError("mine")), "UserError: mine", workers=BOTH
    ),
    "forward raises an exception without text": make_blocking_fault(
        fail_in_forward(raise_error, UnprintableError()),
        r"UnprintableError: \(it has no text\)",
        workers=BOTH,
    ),
    "an assertion fails": make_blocking_fault(
        fail_in_forward(raise_error, AssertionError("a shape")),
        "AssertionError: a shape",
        workers=BOTH,
    ),
    "the memory is full": make_blocking_fault(
        fail_in_forward(raise_error, MemoryError()), "MemoryError", workers=BOTH
    ),
    "the GPU's memory is full": make_blocking_fault(
        fail_in_forward(raise_error, torch.OutOfMemoryError("CUDA out of memory")),
        "CUDA out",
        workers=BOTH,
    ),
    "forward recurses without end": make_blocking_fault(
        fail_in_forward(recurse), "RecursionError", workers=BOTH
    ),
    "forward raises StopIteration": make_blocking_fault(
        fail_in_forward(raise_stop_iteration), "StopIteration", workers=BOTH
    ),
    "forward skips a layer": make_blocking_fault(
        fail_in_forward(skip_layer), "did not run", workers=BOTH
    ),
    "forward returns None": Fault(change_logits(to_none), workers=BOTH),
    "forward returns a map": Fault(change_logits(to_map), workers=BOTH),
    "forward returns NaN": Fault(change_logits(to_nan), workers=BOTH),
    "forward returns infinity": Fault(change_logits(to_infinity), workers=BOTH),
    "a hook raises": make_blocking_fault(add_hook, "a hook of the user", workers=BOTH),
    "a pre-hook raises": make_blocking_fault(add_pre_hook, "a hook of the user", workers=BOTH),
    "a layer is replaced": Fault(replace_layer, workers=BOTH),
    "a layer is removed": make_blocking_fault(
        hide_layer, "layer 'body' is not a module", workers=BOTH
    ),
    "a layer becomes wider": Fault(widen_layer, workers=BOTH),
    "the weights are NaN": make_blocking_fault(
        fill_weights(torch.nan), "hold NaN or infinity", workers=BOTH
    ),
    "the weights are infinite": make_blocking_fault(
        fill_weights(torch.inf), "hold NaN or infinity", workers=BOTH
    ),
    "the weights are zero": Fault(fill_weights(0.0), workers=BOTH),
    "the model becomes half": Fault(change_dtype(torch.float16), workers=BOTH),
    "the model becomes bfloat16": Fault(change_dtype(torch.bfloat16), workers=BOTH),
    "the model becomes double": Fault(change_dtype(torch.float64), workers=BOTH),
    "the model is on meta": make_blocking_fault(swap_to_meta, "meta", workers=BOTH),
    "a part of the model is on meta": Fault(add_meta_module),
    "the data are missing": Fault(remove_data, probe=ReadOnce, workers=BOTH),
    "the labels exceed the logits": Fault(
        lambda run: run.evidence(), probe=make_large_labels, workers=BOTH
    ),
}

PACKAGE_FAULTS = {
    "the activations do not fit": make_blocking_fault(
        raise_from(Probe, "map_positions", IndexError("list index")), "IndexError: list index"
    ),
    "the layout does not converge": make_blocking_fault(
        raise_from(pipeline, "compute_layout", np.linalg.LinAlgError("did not converge")),
        "did not converge",
    ),
    "the quality cannot be measured": make_blocking_fault(
        raise_from(pipeline, "measure_quality", FloatingPointError("divide by zero")),
        "FloatingPointError",
    ),
    "storing runs out of memory": make_blocking_fault(
        raise_from(pipeline, "store_activations", MemoryError()), "MemoryError"
    ),
    "the icons cannot be rendered": Fault(  # real patches replace them, with a note in the atlas
        fail_to_render_icons, config=WITH_EXAMPLES
    ),
    "the icons cannot be packed": make_blocking_fault(
        raise_from(drawing, "pack_sets", OSError("encoder error")),
        "encoder error",
        config=WITH_EXAMPLES,
    ),
    "an atlas cannot be encoded": make_blocking_fault(
        raise_from(recording, "encode_atlas", OverflowError("too large")),
        "OverflowError: too large",
    ),
    "the probe's images cannot be encoded": make_blocking_fault(
        raise_from(Probe, "thumbnails", OSError("encoder error")), "encoder error", moments=(0,)
    ),
    "the layer scalars cannot be computed": make_blocking_fault(
        raise_from(recording, "health_scalars", ZeroDivisionError()), "ZeroDivisionError"
    ),
}
