# SPDX-License-Identifier: Apache-2.0
"""The user's training loop is sacred: no fault reaches it, and one warning tells of each.

Every fault of the tables strikes a small training between whose backward pass and step all public
calls of the writer are made. The same training without a writer is what it must equal.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from environment_faults import AROUND_IT, IN_THE_CALLS, IN_THE_WORKER
from fault_injection import PICTURED, Evidence, Fault, Moody, Scene, raises, raising
from file_and_model_faults import IN_FILES, IN_OUR_OWN_WORK, IN_THE_MODEL, Gone, hook, skips_a_layer
from tiny_training import TINY, find_workers, make_images
from torch import nn

import tensorboard_plugin_atlas.writer.checkpoint_logger as recording
from tensorboard_plugin_atlas import AtlasWriter, read_atlases
from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.compute import pipeline
from tensorboard_plugin_atlas.compute.icons.engine import IconEngine
from tensorboard_plugin_atlas.errors import AtlasError, describe_error
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.writer.shared_state import StateSlot

FAULTS = {
    **IN_FILES,
    **IN_THE_MODEL,
    **IN_OUR_OWN_WORK,
    **AROUND_IT,
    **IN_THE_CALLS,
    **IN_THE_WORKER,
}
LAYERS = ("stem", "body")
STEPS = range(4)


@dataclass(frozen=True)
class Training:
    """What came of a training.

    Attributes:
        losses: The bytes of each loss.
        weights: The bytes of the model's state at the end.
        draws: What the random states gave along the way.
        warnings: All that were given.
        logged: What went to `logging`.
        struck: How often the fault was seen to have happened.
        steps: Steps of the whole atlases of the last layer in the log.
    """

    losses: list[bytes]
    weights: list[bytes]
    draws: list[float]
    warnings: list[warnings.WarningMessage]
    logged: str
    struck: int
    steps: list[int]


def raw(tensor):
    """Returns the bytes of a tensor, for which NaN equals NaN."""
    if tensor.is_meta:
        return b""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def portrait(model):
    """Returns all that a call of the writer has to leave as it is."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {
        "state": [(name, id(t), raw(t), t._version, t.requires_grad) for name, t in tensors],
        "gradients": [None if p.grad is None else raw(p.grad) for p in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [
            (name, tuple(hooks.items()))
            for module in model.modules()
            for name, hooks in vars(module).items()
            if "hooks" in name and isinstance(hooks, dict)
        ],
        "draws": (random.getstate(), repr(np.random.get_state()), raw(torch.get_rng_state())),
        "torch": (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_num_threads(),
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.benchmark_limit,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.allow_tf32,
        ),
        "numpy": np.geterr(),
        "filters": list(warnings.filters),
    }


def call(scene, name, *arguments):
    """Calls the writer as a loop does; whatever it raises goes through."""
    before = portrait(scene.model)
    with scene.around():
        getattr(scene.atlas, name)(*arguments)
    assert portrait(scene.model) == before, f"{name} has left a trace"


def run_loop(scene, strike, at, end):
    """Trains four steps; returns the losses and some draws."""
    torch.manual_seed(11)
    optimizer = torch.optim.SGD(scene.model.parameters(), lr=0.2, momentum=0.9)
    pictures, labels = make_images(32)
    losses, draws = [], []
    with scene.atlas or contextlib.nullcontext():
        for step in STEPS:
            if step == at:
                strike(scene)
            batch = torch.randint(32, (8,), device="cpu")
            dtype = next(scene.model.parameters()).dtype
            loss = nn.functional.cross_entropy(
                scene.model(pictures[batch].to(dtype)), labels[batch]
            )
            optimizer.zero_grad()
            loss.backward()
            if scene.atlas is not None:
                call(scene, "add_atlas", scene.step_of(step), scene.walltime)
                call(scene, "flush")
                call(scene, "waiting")
                call(scene, "cost")
            optimizer.step()
            losses.append(raw(loss))
            draws += [random.random(), np.random.random(), torch.rand((), device="cpu").item()]
        if scene.atlas is not None and end == "close":
            call(scene, "close", scene.timeout)
    for name, arguments in scene.afterwards if scene.atlas is not None else ():
        call(scene, name, *arguments)
    return losses, draws


def train(directory, fault, at, end, *, worker=None, make=AtlasWriter, strict=False, caplog=None):
    """Trains with a writer, or without one where no worker is named."""
    random.seed(11)
    np.random.seed(11)
    torch.manual_seed(11)
    evidence = Evidence(directory.with_suffix(".evidence"))
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.ExitStack() as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        warnings.simplefilter("always")
        scene = Scene(Moody(), directory, patch, stack, evidence)
        if at < 0:
            fault.strike(scene)
        if worker is not None:
            settings = {"probe": fault.probe(), "config": fault.config, "strict": strict}
            scene.atlas = make(
                fault.target(directory), scene.model, LAYERS, worker=worker, **settings
            )
        try:
            losses, draws = run_loop(scene, fault.strike, at, end)
        finally:
            stack.close()
            patch.undo()
            if scene.atlas is not None:
                scene.atlas._recorder.close(1.0)
    found = read_atlases(directory, layer=LAYERS[-1]) if directory.is_dir() else ()
    return Training(
        losses,
        [raw(tensor) for tensor in scene.model.state_dict().values()],
        draws,
        caught,
        "" if caplog is None else caplog.text,
        len(evidence),
        [atlas.step for atlas in found if len(atlas.activations)],
    )


def check(tmp_path, fault, at, end, **settings):
    """Holds a training with a writer against the same without one."""
    tmp_path.mkdir(exist_ok=True)
    alone = train(tmp_path / "alone", fault, at, end)
    watched = train(tmp_path / "watched", fault, at, end, **settings)
    assert watched.losses == alone.losses
    assert watched.weights == alone.weights
    assert watched.draws == alone.draws
    assert alone.warnings == []
    told = [str(warning.message) for warning in watched.warnings]
    assert len(told) == (fault.told is not None), told
    if fault.told is not None:
        assert re.search(fault.told, told[0]), told
        assert watched.warnings[0].category is RuntimeWarning
        assert watched.warnings[0].filename == __file__  # it points at the loop, not at us
    if fault.logged is not None:
        assert re.search(fault.logged, watched.logged)
    if fault.told is None and fault.logged is None:
        assert watched.struck, "the fault did not happen"
    assert watched.steps == [step for step in STEPS if fault.kept(step, at)]


IN_SHORT = (
    "forward raises-0-close",
    "a part of the model cannot be sent-2-with",
    "the directory is removed meanwhile-2-close",
    "the worker answers garbage-0-close",
    "the worker crashes each time-2-with",
    "two workers end over one step-0-close",
    "no process can be started again-2-with",
)


def cases(worker, faults=FAULTS):
    """Returns every fault at every moment, with every way to close in one of them at least.

    A worker takes seconds to start, so each commit runs another tenth of most of its faults.
    """
    found = []
    for name, fault in faults.items():
        for number, at in enumerate(fault.moments if worker in fault.workers else ()):
            ends = fault.ends if len(fault.moments) == 1 else fault.ends[number % 2 :][:1]
            for end in ends:
                case = f"{name}-{at}-{end}"
                is_sampled = worker == "process" and case not in IN_SHORT
                marks = (pytest.mark.sampled,) if is_sampled else ()
                found.append(pytest.param(fault, at, end, id=case, marks=marks))
    return found


@pytest.mark.parametrize(("fault", "at", "end"), cases("inline"))
def test_no_fault_reaches_the_loop(tmp_path, caplog, fault, at, end):
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        check(tmp_path, fault, at, end, worker="inline", caplog=caplog)


@pytest.mark.parametrize(("fault", "at", "end"), cases("process"))
def test_no_fault_of_the_worker_reaches_the_loop(tmp_path, caplog, fault, at, end):
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        check(tmp_path, fault, at, end, worker="process", caplog=caplog)
    assert find_workers() == []


TOLD = {name: fault for name, fault in FAULTS.items() if fault.told is not None}


@pytest.mark.parametrize(("fault", "at", "end"), cases("inline", TOLD))
def test_strict_lets_every_fault_through(tmp_path, fault, at, end):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what matters is its text
        train(tmp_path / "run", fault, at, end, worker="inline", strict=True)
    assert re.search(fault.told.removeprefix("close failed.*"), describe_error(caught.value))


class TestInterrupts:
    """What ends a program passes through, and is not in the way of going on."""

    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
    @pytest.mark.parametrize(
        ("owner", "name", "steps"),
        [
            (Moody, "answer", [2]),
            (nn.BatchNorm2d, "forward", [2]),
            (pipeline, "compute_layout", [2]),
            (IconEngine, "render", [2]),
            (recording, "encode_atlas", [2]),
            (EventSink, "append", [2]),
            (os, "fsync", [1, 2]),
        ],
    )
    def test_they_leave_no_trace_in_the_loop(self, tmp_path, interrupt, owner, name, steps):
        model = Moody()
        with AtlasWriter(
            tmp_path, model, LAYERS, probe=make_images(), config=PICTURED, worker="inline"
        ) as atlas:
            before = portrait(model)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(owner, name, raising(interrupt()))
                with pytest.raises(interrupt):
                    atlas.add_atlas(1)
            assert portrait(model) == before
            atlas.add_atlas(2)
        found = list(read_atlases(tmp_path, layer=LAYERS[-1]))
        assert [atlas.step for atlas in found] == steps
        assert found[-1].skipped == (Skipped(1, "failed"),)
        assert atlas.cost().skipped == 1

    def test_they_leave_no_trace_beside_a_worker(self, tmp_path):
        model = Moody()
        with AtlasWriter(tmp_path, model, LAYERS, probe=make_images(), config=TINY) as atlas:
            before = portrait(model)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(StateSlot, "take", raising(KeyboardInterrupt()))
                with pytest.raises(KeyboardInterrupt):
                    atlas.add_atlas(1)
            assert portrait(model) == before
            assert atlas.waiting() == 0
            atlas.add_atlas(2)
        (found,) = read_atlases(tmp_path, layer=LAYERS[-1])
        assert (found.step, found.skipped) == (2, (Skipped(1, "failed"),))


PICTURES, LABELS = make_images()
CONSTRUCTOR_ERRORS = {
    "there are too few labels": ({"probe": (PICTURES, LABELS[:-1])}, r"labels are int64 \(7,\)"),
    "labels are fractions": ({"probe": (PICTURES, LABELS.float())}, "labels are float32"),
    "labels are negative": ({"probe": (PICTURES, LABELS - 1)}, "labels start at -1"),
    "a label has no name": ({"classes": ["a", "b"]}, "classes has 2 names, the probe has the"),
    "a picture is NaN": ({"probe": PICTURES * torch.nan}, "4 images hold NaN"),
    "pictures are bytes": ({"probe": PICTURES.to(torch.uint8)}, "probe images are uint8"),
    "the data cannot be read": ({"probe": Gone()}, "the disk with the pictures is gone"),
    "forward raises": ({"mood": functools.partial(raises, OSError("x"))}, r"OSError: x"),
    "forward passes by the layer": ({"mood": skips_a_layer}, "'stem' did not run"),
    "the layer does not exist": ({"layers": ["steam"]}, "closest: 'stem'"),
    "the model is on meta": ({"device": "meta"}, "meta"),
    "the log is a file": ({"target": __file__}, "is a file; pass a directory"),
    "the step to start from is text": ({"purge_step": "2"}, "purge_step='2'"),
    "the worker is unknown": ({"worker": "thread"}, "worker='thread'"),
}


@pytest.mark.parametrize("worker", ["inline", "process"])
@pytest.mark.parametrize(
    ("change", "message"), CONSTRUCTOR_ERRORS.values(), ids=CONSTRUCTOR_ERRORS.keys()
)
def test_a_writer_that_is_not_made_leaves_no_trace(tmp_path, change, message, worker):
    change = dict(change)
    model = Moody().to(change.pop("device", "cpu"))
    model.mood = change.pop("mood", None)
    settings = {
        "layers": LAYERS,
        "probe": make_images(),
        "config": TINY,
        "worker": worker,
        **change,
    }
    before = portrait(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((AtlasError, OSError), match=message):
            AtlasWriter(settings.pop("target", tmp_path / "run"), model, **settings)
    assert portrait(model) == before
    assert not (tmp_path / "run").exists()
    assert find_workers() == []


def nudge(model):
    weight = model.head.weight.data
    weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(9.0))


DEEDS = {
    "raises": raising(RuntimeError("into the loop")),
    "warns": lambda _: warnings.warn("once more", RuntimeWarning, stacklevel=3),
    "draws from python": lambda _: random.random(),
    "draws from numpy": lambda _: np.random.random(),
    "draws from torch": lambda _: torch.rand(1),
    "leaves evaluation mode": lambda model: model.drop.eval(),
    "leaves a hook": lambda model: model.body.register_forward_hook(hook),
    "moves a weight": nudge,
    "moves a buffer": lambda model: model.stem[1].running_mean.add_(1e-6),
    "clears a gradient": lambda model: setattr(model.head.weight, "grad", None),
    "freezes a layer": lambda model: model.stem.requires_grad_(requires_grad=False),
    "leaves gradients off": lambda _: torch.set_grad_enabled(False),
    "leaves numpy quiet": lambda _: np.seterr(all="ignore"),
}


class TestTheTest:
    """What these tests look for is found when it is there."""

    @pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
    def test_a_writer_that_disturbs_is_caught(self, tmp_path, deed):
        class Disturbing(AtlasWriter):
            def add_atlas(self, *arguments):
                super().add_atlas(*arguments)
                deed(self.model)

        harmless = FAULTS["flush after close"]
        check(tmp_path / "sound", harmless, 0, "with", worker="inline")
        with torch.enable_grad(), np.errstate(), pytest.raises((AssertionError, RuntimeError)):
            check(tmp_path / "disturbing", harmless, 0, "with", worker="inline", make=Disturbing)

    def test_a_writer_that_is_silent_is_caught(self, tmp_path):
        class Silent(AtlasWriter):
            def add_atlas(self, *arguments):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    super().add_atlas(*arguments)

        with pytest.raises(AssertionError, match=r"^\[\]"):
            check(tmp_path, FAULTS["forward raises"], 0, "with", worker="inline", make=Silent)

    def test_a_fault_that_does_not_happen_is_caught(self, tmp_path):
        with pytest.raises(AssertionError, match="the fault did not happen"):
            check(tmp_path, Fault(lambda _: None), 0, "with", worker="inline")
