# SPDX-License-Identifier: Apache-2.0
"""Faults never reach the training loop, and each causes exactly one warning.

Every fault is injected into a small training run that calls all public methods of the writer
between its backward pass and its optimizer step. The run must equal the same run without a writer.
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
from environment_faults import CALL_FAULTS, SETTING_FAULTS, WORKER_FAULTS
from fault_injection import (
    WITH_EXAMPLES,
    Evidence,
    Fault,
    FaultyNet,
    TrainingRun,
    make_raiser,
    raise_error,
)
from file_and_model_faults import (
    FILE_FAULTS,
    MODEL_FAULTS,
    PACKAGE_FAULTS,
    MissingData,
    hook,
    skip_layer,
)
from tiny_training import TINY, find_workers, make_images
from torch import nn

import tensorboard_plugin_atlas.writer.atlas_logger as recording
from tensorboard_plugin_atlas import AtlasWriter, read_atlases
from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.compute import pipeline
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.errors import AtlasError, describe_error
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.writer.shared_state import StateSlot

FAULTS = {
    **FILE_FAULTS,
    **MODEL_FAULTS,
    **PACKAGE_FAULTS,
    **SETTING_FAULTS,
    **CALL_FAULTS,
    **WORKER_FAULTS,
}
LAYERS = ("stem", "body")
STEPS = range(4)


@dataclass(frozen=True)
class Outcome:
    """Results of a training run.

    Attributes:
        losses: Bytes of each loss.
        weights: Bytes of the final state of the model.
        draws: Random numbers that the loop generated.
        warnings: All warnings.
        logged: Text of all `logging` records.
        occurrences: How often the fault occurred.
        steps: Steps of the complete atlases of the last layer in the log.
    """

    losses: list[bytes]
    weights: list[bytes]
    draws: list[float]
    warnings: list[warnings.WarningMessage]
    logged: str
    occurrences: int
    steps: list[int]


def to_bytes(tensor):
    """Returns the bytes of a tensor, so that NaN equals NaN."""
    if tensor.is_meta:
        return b""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def capture_state(model):
    """Returns everything that a call of the writer must not change."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {
        "state": [(name, id(t), to_bytes(t), t._version, t.requires_grad) for name, t in tensors],
        "gradients": [None if p.grad is None else to_bytes(p.grad) for p in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [
            (name, tuple(hooks.items()))
            for module in model.modules()
            for name, hooks in vars(module).items()
            if "hooks" in name and isinstance(hooks, dict)
        ],
        "draws": (random.getstate(), repr(np.random.get_state()), to_bytes(torch.get_rng_state())),
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


def call(run, name, *arguments):
    """Calls a method of the writer and checks that it changes nothing; errors propagate."""
    before = capture_state(run.model)
    with run.around():
        getattr(run.atlas, name)(*arguments)
    assert capture_state(run.model) == before, f"{name} changed the state"


def run_loop(run, inject, at, end):
    """Trains four steps; returns the losses and some random numbers."""
    torch.manual_seed(11)
    optimizer = torch.optim.SGD(run.model.parameters(), lr=0.2, momentum=0.9)
    images, labels = make_images(32)
    losses, draws = [], []
    with run.atlas or contextlib.nullcontext():
        for step in STEPS:
            if step == at:
                inject(run)
            batch = torch.randint(32, (8,), device="cpu")
            dtype = next(run.model.parameters()).dtype
            loss = nn.functional.cross_entropy(run.model(images[batch].to(dtype)), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            if run.atlas is not None:
                call(run, "add_atlas", run.step_of(step), run.walltime)
                call(run, "flush")
                call(run, "waiting")
                call(run, "cost")
            optimizer.step()
            losses.append(to_bytes(loss))
            draws += [random.random(), np.random.random(), torch.rand((), device="cpu").item()]
        if run.atlas is not None and end == "close":
            call(run, "close", run.timeout)
    for name, arguments in run.afterwards if run.atlas is not None else ():
        call(run, name, *arguments)
    return losses, draws


def train(directory, fault, at, end, *, worker=None, make=AtlasWriter, strict=False, caplog=None):
    """Trains with a writer, or without one if `worker` is None."""
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
        run = TrainingRun(FaultyNet(), directory, patch, stack, evidence)
        if at < 0:
            fault.inject(run)
        if worker is not None:
            settings = {"probe": fault.probe(), "config": fault.config, "strict": strict}
            run.atlas = make(fault.target(directory), run.model, LAYERS, worker=worker, **settings)
        try:
            losses, draws = run_loop(run, fault.inject, at, end)
        finally:
            stack.close()
            patch.undo()
            if run.atlas is not None:
                run.atlas._recorder.close(1.0)
    found = read_atlases(directory, layer=LAYERS[-1]) if directory.is_dir() else ()
    return Outcome(
        losses,
        [to_bytes(tensor) for tensor in run.model.state_dict().values()],
        draws,
        caught,
        "" if caplog is None else caplog.text,
        len(evidence),
        [atlas.step for atlas in found if len(atlas.activations)],
    )


def check(tmp_path, fault, at, end, **settings):
    """Compares a training run with a writer to the same run without one."""
    tmp_path.mkdir(exist_ok=True)
    alone = train(tmp_path / "alone", fault, at, end)
    with_writer = train(tmp_path / "with_writer", fault, at, end, **settings)
    assert with_writer.losses == alone.losses
    assert with_writer.weights == alone.weights
    assert with_writer.draws == alone.draws
    assert alone.warnings == []
    messages = [str(warning.message) for warning in with_writer.warnings]
    assert len(messages) == (fault.warning is not None), messages
    if fault.warning is not None:
        assert re.search(fault.warning, messages[0]), messages
        assert with_writer.warnings[0].category is RuntimeWarning
        assert (
            with_writer.warnings[0].filename == __file__
        )  # it points at the loop, not at the package
    if fault.logged is not None:
        assert re.search(fault.logged, with_writer.logged)
    if fault.warning is None and fault.logged is None:
        assert with_writer.occurrences, "the fault did not occur"
    assert with_writer.steps == [step for step in STEPS if fault.has_step(step, at)]


ALWAYS_RUN = (
    "forward raises-0-close",
    "a part of the model cannot be sent-2-with",
    "the directory is removed during the run-2-close",
    "the worker sends garbage-0-close",
    "the worker crashes each time-2-with",
    "two workers end over one step-0-close",
    "no process can be started again-2-with",
)


def cases(worker, faults=FAULTS):
    """Returns every fault at every moment, and each way to close the writer at least once.

    A worker takes seconds to start, so each commit runs some of most worker faults.
    """
    found = []
    for name, fault in faults.items():
        for number, at in enumerate(fault.moments if worker in fault.workers else ()):
            ends = fault.ends if len(fault.moments) == 1 else fault.ends[number % 2 :][:1]
            for end in ends:
                case = f"{name}-{at}-{end}"
                is_sampled = worker == "process" and case not in ALWAYS_RUN
                marks = (pytest.mark.sampled(30),) if is_sampled else ()
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


WITH_WARNING = {name: fault for name, fault in FAULTS.items() if fault.warning is not None}


@pytest.mark.parametrize(("fault", "at", "end"), cases("inline", WITH_WARNING))
def test_strict_raises_every_fault(tmp_path, fault, at, end):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test checks the text
        train(tmp_path / "run", fault, at, end, worker="inline", strict=True)
    assert re.search(fault.warning.removeprefix("close failed.*"), describe_error(caught.value))


class TestInterrupts:
    """KeyboardInterrupt and SystemExit propagate, and logging can continue after them."""

    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
    @pytest.mark.parametrize(
        ("owner", "name", "steps"),
        [
            (FaultyNet, "compute", [2]),
            (nn.BatchNorm2d, "forward", [2]),
            (pipeline, "compute_layout", [2]),
            (IconEngine, "render", [2]),
            (recording, "encode_atlas", [2]),
            (EventSink, "append", [2]),
            (os, "fsync", [1, 2]),
        ],
    )
    def test_they_do_not_change_the_loop(self, tmp_path, interrupt, owner, name, steps):
        model = FaultyNet()
        with AtlasWriter(
            tmp_path, model, LAYERS, probe=make_images(), config=WITH_EXAMPLES, worker="inline"
        ) as atlas:
            before = capture_state(model)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(owner, name, make_raiser(interrupt()))
                with pytest.raises(interrupt):
                    atlas.add_atlas(1)
            assert capture_state(model) == before
            atlas.add_atlas(2)
        found = list(read_atlases(tmp_path, layer=LAYERS[-1]))
        assert [atlas.step for atlas in found] == steps
        assert found[-1].skipped == (Skipped(1, "failed"),)
        assert atlas.cost().skipped == 1

    def test_they_do_not_change_the_loop_with_a_worker(self, tmp_path):
        model = FaultyNet()
        with AtlasWriter(tmp_path, model, LAYERS, probe=make_images(), config=TINY) as atlas:
            before = capture_state(model)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(StateSlot, "take", make_raiser(KeyboardInterrupt()))
                with pytest.raises(KeyboardInterrupt):
                    atlas.add_atlas(1)
            assert capture_state(model) == before
            assert atlas.waiting() == 0
            atlas.add_atlas(2)
        (found,) = read_atlases(tmp_path, layer=LAYERS[-1])
        assert (found.step, found.skipped) == (2, (Skipped(1, "failed"),))


IMAGES, LABELS = make_images()
CONSTRUCTOR_ERRORS = {
    "there are too few labels": ({"probe": (IMAGES, LABELS[:-1])}, r"labels are int64 \(7,\)"),
    "labels are fractions": ({"probe": (IMAGES, LABELS.float())}, "labels are float32"),
    "labels are negative": ({"probe": (IMAGES, LABELS - 1)}, "labels start at -1"),
    "a label has no name": ({"classes": ["a", "b"]}, "classes has 2 names, the probe has the"),
    "an image is NaN": ({"probe": IMAGES * torch.nan}, "4 images hold NaN"),
    "images are bytes": ({"probe": IMAGES.to(torch.uint8)}, "probe images are uint8"),
    "the data cannot be read": ({"probe": MissingData()}, "the disk with the images is gone"),
    "forward raises": ({"fault": functools.partial(raise_error, OSError("x"))}, r"OSError: x"),
    "forward skips the layer": ({"fault": skip_layer}, "'stem' did not run"),
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
def test_a_failed_constructor_changes_nothing(tmp_path, change, message, worker):
    change = dict(change)
    model = FaultyNet().to(change.pop("device", "cpu"))
    model.fault = change.pop("fault", None)
    settings = {
        "layers": LAYERS,
        "probe": make_images(),
        "config": TINY,
        "worker": worker,
        **change,
    }
    before = capture_state(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((AtlasError, OSError), match=message):
            AtlasWriter(settings.pop("target", tmp_path / "run"), model, **settings)
    assert capture_state(model) == before
    assert not (tmp_path / "run").exists()
    assert find_workers() == []


def change_weight(model):
    weight = model.head.weight.data
    weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(9.0))


SIDE_EFFECTS = {
    "raises": make_raiser(RuntimeError("into the loop")),
    "warns": lambda _: warnings.warn("again", RuntimeWarning, stacklevel=3),
    "uses the random state of Python": lambda _: random.random(),
    "uses the random state of NumPy": lambda _: np.random.random(),
    "uses the random state of torch": lambda _: torch.rand(1),
    "leaves evaluation mode": lambda model: model.drop.eval(),
    "leaves a hook": lambda model: model.body.register_forward_hook(hook),
    "changes a weight": change_weight,
    "changes a buffer": lambda model: model.stem[1].running_mean.add_(1e-6),
    "clears a gradient": lambda model: setattr(model.head.weight, "grad", None),
    "freezes a layer": lambda model: model.stem.requires_grad_(requires_grad=False),
    "leaves gradients disabled": lambda _: torch.set_grad_enabled(False),
    "leaves NumPy errors ignored": lambda _: np.seterr(all="ignore"),
}


class TestDetection:
    """The checks above detect what they look for."""

    @pytest.mark.parametrize("side_effect", SIDE_EFFECTS.values(), ids=SIDE_EFFECTS.keys())
    def test_a_writer_with_side_effects_is_detected(self, tmp_path, side_effect):
        class SideEffectWriter(AtlasWriter):
            def add_atlas(self, *arguments):
                super().add_atlas(*arguments)
                side_effect(self.model)

        harmless = FAULTS["flush after close"]
        check(tmp_path / "valid", harmless, 0, "with", worker="inline")
        with torch.enable_grad(), np.errstate(), pytest.raises((AssertionError, RuntimeError)):
            check(
                tmp_path / "side_effects",
                harmless,
                0,
                "with",
                worker="inline",
                make=SideEffectWriter,
            )

    def test_a_writer_without_warnings_is_detected(self, tmp_path):
        class SilentWriter(AtlasWriter):
            def add_atlas(self, *arguments):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    super().add_atlas(*arguments)

        with pytest.raises(AssertionError, match=r"^\[\]"):
            check(
                tmp_path,
                FAULTS["forward raises"],
                0,
                "with",
                worker="inline",
                make=SilentWriter,
            )

    def test_a_fault_that_does_not_occur_is_detected(self, tmp_path):
        with pytest.raises(AssertionError, match="the fault did not occur"):
            check(tmp_path, Fault(lambda _: None), 0, "with", worker="inline")
