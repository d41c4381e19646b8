# SPDX-License-Identifier: Apache-2.0
"""Models without an atlas raise a clear error before anything runs or changes."""

from __future__ import annotations

import pytest
import torch
from tiny_training import TINY, Net, make_images
from torch import nn
from torch.distributed.pipelining import Pipe, PipelineStage, Schedule1F1B

from tensorboard_plugin_atlas import AtlasWriter, compute_atlas
from tensorboard_plugin_atlas.compute.model.layer_choice import choose_layers
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.model_checks import check_model
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.search import find_shortcuts
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

NOT_INITIALIZED = (
    r"model=Net is not initialized: weight of {} .* pass one batch through the model first"
)


def make_lazy_linear():
    model = Net()
    model.head = nn.LazyLinear(4)
    return model, NOT_INITIALIZED.format(r"head \(LazyLinear\)")


def make_lazy_norm():
    model = Net()
    model.stem[1] = nn.LazyBatchNorm2d()
    return model, NOT_INITIALIZED.format(r"stem\.1 \(LazyBatchNorm2d\)")


def make_meta():
    return Net().to("meta"), r"Net is on the meta device: weight of stem\.0 .*to_empty"


def make_scripted():
    return torch.jit.script(Net()), r"RecursiveScriptModule is a TorchScript module .*pass the nn.M"


def make_traced():
    model = torch.jit.trace(Net().eval(), make_images()[0][:2])
    return model, r"TopLevelTracedModule is a TorchScript module .*pass the nn\.Module"


def make_exported():
    program = torch.export.export(Net().eval(), (make_images()[0][:2],))
    return program.module(), r"GraphModule is a graph of operations .*torch\.export.*pass the nn\.M"


class Negated(Net):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def _run(self, x):
        self.calls += 1
        return -super().forward(x)


class OfTwo(Negated):
    def forward(self, x, time, *, scale=1.0):
        return self._run(x) + time * scale


class OfKeywords(Negated):
    def forward(self, x, *, mask):
        return self._run(x) * mask


class OfNone(Negated):
    def forward(self):
        return self._run(make_images()[0])


CASES = [
    make_lazy_linear,
    make_lazy_norm,
    make_meta,
    make_scripted,
    make_traced,
    make_exported,
]
INPUTS = [
    (OfTwo, r"model=OfTwo takes forward\(x, time, \*, scale=1\.0\), but is called with one batch"),
    (OfKeywords, r"model=OfKeywords takes forward\(x, \*, mask\), but is called with one batch"),
    (
        OfNone,
        r"model=OfNone takes forward\(\), but .*pass forward=lambda model, images: .*or a module",
    ),
]


@pytest.mark.parametrize("make", CASES)
def test_an_unusable_model_raises_and_does_not_change(tmp_path, make):
    model, message = make()
    kinds = [(type(module), module.training) for module in model.modules()]
    tensors = [(id(t), type(t)) for t in (*model.parameters(), *model.buffers())]
    for call in (
        lambda: AtlasWriter(tmp_path / "run", model, ["body"], probe=make_images(), config=TINY),
        lambda: compute_atlas(model, "body", make_images(), config=TINY),
        lambda: find_shortcuts(model, "body", make_images(), config=TINY),
    ):
        with pytest.raises(ArgumentError, match=message):
            call()
    assert [(type(module), module.training) for module in model.modules()] == kinds
    if make not in (make_scripted, make_traced):  # their tensors are new objects at each access
        assert [(id(t), type(t)) for t in (*model.parameters(), *model.buffers())] == tensors
    assert not (tmp_path / "run").exists()


def test_a_lazy_model_can_be_used_after_one_batch(tmp_path):
    model, _ = make_lazy_linear()
    model(make_images()[0])
    assert len(compute_atlas(model, "body", make_images(), config=TINY).xy) == 4


def test_an_exported_program_raises(tmp_path):
    program = torch.export.export(Net().eval(), (make_images()[0][:2],))
    with pytest.raises(ArgumentError, match=r"pass a torch\.nn\.Module, .* exported \(torch\.exp"):
        AtlasWriter(tmp_path / "run", program, ["body"], probe=make_images(), config=TINY)


@pytest.mark.parametrize("layers", [["body"], None])
@pytest.mark.parametrize(("kind", "message"), INPUTS)
def test_the_error_for_a_model_with_more_inputs_lists_them(tmp_path, kind, message, layers):
    model = kind()
    with pytest.raises(ArgumentError, match=message):
        AtlasWriter(tmp_path / "run", model, layers, probe=make_images(), config=TINY)
    with pytest.raises(ArgumentError, match=message):
        compute_atlas(model, "body", make_images(), config=TINY)
    assert model.calls == 0


def test_a_hook_may_add_missing_inputs(tmp_path):
    model = OfTwo()
    model.register_forward_pre_hook(lambda _, inputs: (*inputs, torch.ones(())))
    assert len(compute_atlas(model, "body", make_images(), config=TINY).xy) == 4


def test_a_type_error_inside_the_forward_pass_is_reported_as_it_is(tmp_path):
    class Breaks(Net):
        def forward(self, x):
            return super().forward(x) + len(3)

    with pytest.raises(ArgumentError, match=r"fails on the probe's images \(TypeError: object of"):
        AtlasWriter(tmp_path / "run", Breaks(), ["body"], probe=make_images(), config=TINY)


def test_a_graph_that_calls_modules_can_be_used():
    graph = torch.fx.symbolic_trace(Net())
    assert len(compute_atlas(graph, "body.1", make_images(), config=TINY).xy) == 4


class TestTorchScriptInside:
    def test_its_layers_raise_and_others_work(self):
        model = Net()
        model.body = torch.jit.script(model.body)
        for name in ("body", "body.1"):
            with pytest.raises(LayerError, match=rf"layer '{name}' is part of a TorchScript mod"):
                resolve_layer(model, name)
        assert len(compute_atlas(model, "stem", make_images(), config=TINY).xy) == 4

    def test_it_is_skipped_when_layers_are_chosen(self):
        model = Net()
        model.body = torch.jit.script(model.body)
        assert choose_layers(model, build_probe(make_images(), config=TINY)) == ("stem",)


@pytest.mark.parametrize(
    ("mark", "message"),
    [("ds_id", r"ZeRO stage 3\).*GatheredParameters"), ("_fsdp_flattened", "FullyShardedDataPar")],
)
def test_parameters_that_a_library_marks_as_sharded_raise(mark, message):
    model = Net()
    setattr(model.head.weight, mark, 1)
    with pytest.raises(ArgumentError, match=rf"model=Net is sharded over ranks .*{message}"):
        check_model(model)


def test_another_class_with_that_name_is_not_sharded():
    class FullyShardedDataParallel(Net):
        pass

    check_model(FullyShardedDataParallel())


@pytest.mark.parametrize("kind", [PipelineStage, Schedule1F1B, Pipe])
def test_parts_of_a_pipeline_are_refused_by_name(tmp_path, kind):
    part = kind.__new__(kind)
    if isinstance(part, nn.Module):
        nn.Module.__init__(part)
    message = rf"^model={kind.__name__} is pipeline parallel \({kind.__name__}\): no rank holds all"
    with pytest.raises(ArgumentError, match=message):
        AtlasWriter(tmp_path / "run", part, ["body"], probe=make_images(), config=TINY)
    with pytest.raises(ArgumentError, match=message):
        compute_atlas(part, "body", make_images(), config=TINY)
