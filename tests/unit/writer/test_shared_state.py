# SPDX-License-Identifier: Apache-2.0
"""Snapshots: bit-identical copies of every kind of state, in memory that is always released."""

from __future__ import annotations

import gc
import os
import threading
import types
import weakref
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from tensorboard_plugin_atlas.compute.model.sparse_buffers import (
    get_strided_parts,
    get_tensor_metadata,
)
from tensorboard_plugin_atlas.errors import CannotSendError
from tensorboard_plugin_atlas.writer.model_pickle import (
    ModelCopy,
    pickle_structure,
)
from tensorboard_plugin_atlas.writer.shared_state import (
    ALIGNMENT,
    SharedMemory,
    StateSlot,
    compute_state_layout,
    list_model_state,
    map_memory,
)


class Net(nn.Module):
    """Tied weights, all kinds of buffers, a tensor in an attribute, and state without tensors."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4, bias=False)
        self.tied = nn.Linear(4, 4, bias=False)
        self.tied.weight = self.first.weight
        self.conv = nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)
        self.norm = nn.BatchNorm2d(5)
        self.scale = nn.Parameter(torch.rand(7, dtype=torch.bfloat16), requires_grad=False)
        self.register_buffer("flags", torch.tensor([True, False]))
        self.register_buffer("hidden", torch.rand(3), persistent=False)
        self.register_buffer("empty", torch.zeros(0, 4))
        self.register_buffer("nothing", None)
        self.register_buffer("expanded", torch.rand(1, 3).expand(2, 3))
        self.anchors = torch.arange(6.0).view(2, 3)
        self.temperature = 0.5
        self.names = ["a", "b"]


class Trained(nn.Linear):
    """Omits its trainer when it is pickled, and converts its options, like Lightning modules."""

    def __init__(self):
        super().__init__(2, 2)
        self.trainer = {"step": 0, "lock": threading.Lock()}
        self.options = {"rate": 0.1}

    def __getstate__(self):
        options = tuple(self.options.items())
        return {**self.__dict__, "trainer": None, "options": options}


def snapshot_of(model):
    state = list_model_state(model)
    structure = pickle_structure(model, state.tensors)
    slot = StateSlot(structure.layout)
    slot.take(state.tensors)
    slot.wait()
    return structure, slot


def copy_of(model):
    structure, slot = snapshot_of(model)
    copy = ModelCopy(structure)
    copy.load(slot.memory.file)
    slot.close()
    return copy.model


class TestState:
    def test_every_tensor_arrives_bit_for_bit_with_its_strides(self):
        model = Net()
        copy = copy_of(model)
        names = [name for name, _ in model.named_parameters()]
        assert [name for name, _ in copy.named_parameters()] == names
        pairs = zip(model.named_parameters(), copy.named_parameters(), strict=True)
        for (name, ours), (_, theirs) in pairs:
            assert torch.equal(ours, theirs), name
            assert (ours.stride(), ours.dtype) == (theirs.stride(), theirs.dtype), name
            assert ours.requires_grad == theirs.requires_grad, name
            assert isinstance(theirs, nn.Parameter)
        for (name, ours), (_, theirs) in zip(
            model.named_buffers(), copy.named_buffers(), strict=True
        ):
            assert torch.equal(ours, theirs), name
        assert copy.conv.weight.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(copy.anchors, model.anchors)
        assert (copy.temperature, copy.names, copy.nothing) == (0.5, ["a", "b"], None)

    @pytest.mark.filterwarnings("ignore:Sparse")
    @pytest.mark.parametrize(
        "layout",
        [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc],
    )
    def test_sparse_tensors_arrive_and_follow(self, layout):
        block = (2, 2) if layout in (torch.sparse_bsr, torch.sparse_bsc) else None
        model = nn.Linear(2, 2)
        dense = torch.tensor([[1.0, 0, 0, 2], [0, 3, 0, 0]])
        model.register_buffer("graph", dense.to_sparse(layout=layout, blocksize=block))
        model.shared = [model.graph]
        structure, slot = snapshot_of(model)
        copy = ModelCopy(structure)
        copy.load(slot.memory.file)
        assert copy.model.graph.layout is layout
        assert torch.equal(copy.model.graph.to_dense(), dense)
        assert copy.model.shared[0] is copy.model.graph
        get_strided_parts(model.graph)[-1].mul_(5)
        state = list_model_state(model)
        slot.take(state.tensors)
        copy.load(slot.memory.file)
        assert torch.equal(copy.model.graph.to_dense(), 5 * dense)
        slot.close()

    @pytest.mark.filterwarnings("ignore:Sparse")
    def test_a_sparse_tensor_need_not_be_coalesced_and_may_be_trained_or_empty(self):
        model = nn.Module()
        twice = torch.sparse_coo_tensor([[0, 0, 1]], [1.0, 2.0, 3.0], (2,))
        model.register_buffer("twice", twice)
        model.weight = nn.Parameter(torch.eye(2).to_sparse())
        model.register_buffer("empty", torch.zeros(2, 2).to_sparse())
        copy = copy_of(model)
        assert copy.twice.to_dense().tolist() == [3.0, 3.0]
        assert (copy.twice.is_coalesced(), copy.weight.is_coalesced()) == (False, True)
        assert isinstance(copy.weight, nn.Parameter)
        assert copy.weight.requires_grad
        assert torch.equal(copy.weight.to_dense(), torch.eye(2))
        assert copy.empty._nnz() == 0

    @pytest.mark.filterwarnings("ignore:Sparse")
    def test_a_sparse_tensor_of_other_entries_is_another_structure(self):
        forms = [get_tensor_metadata(torch.diag(d).to_sparse()) for d in torch.eye(3)[:2]]
        assert forms[0] == forms[1]
        assert forms[0] != get_tensor_metadata(torch.eye(3).to_sparse())

    def test_tied_weights_are_copied_once_and_stay_tied(self):
        model = Net()
        tensors = list_model_state(model).tensors
        assert sum(tensor is model.first.weight for tensor in tensors) == 1
        copy = copy_of(model)
        assert copy.tied.weight is copy.first.weight

    def test_the_copy_stays_as_it_was_while_the_model_learns(self):
        model = nn.Linear(3, 2)
        before = model.weight.detach().clone()
        structure, slot = snapshot_of(model)
        with torch.no_grad():
            model.weight.add_(1)
        copy = ModelCopy(structure)
        copy.load(slot.memory.file)
        assert torch.equal(copy.model.weight, before)

    def test_the_model_is_untouched(self):
        model = Net()
        model.first.weight.grad = torch.ones(4, 4)
        versions = [tensor._version for tensor in list_model_state(model).tensors]
        snapshot_of(model)
        assert [tensor._version for tensor in list_model_state(model).tensors] == versions
        assert torch.equal(model.first.weight.grad, torch.ones(4, 4))

    def test_a_model_without_state_has_a_slot_too(self):
        assert isinstance(copy_of(nn.ReLU()), nn.ReLU)

    def test_places_are_aligned_and_apart(self):
        layout = compute_state_layout(list_model_state(Net()).tensors)
        ends = 0
        for spec in layout.specs:
            assert spec.offset % ALIGNMENT == 0
            assert spec.offset >= ends
            ends = spec.offset + torch.Size(spec.shape).numel() * spec.dtype.itemsize
        assert layout.size >= ends

    def test_gradients_and_their_hooks_do_not_travel(self):
        model = nn.Linear(2, 2)
        model.weight.register_hook(lambda gradient: threading.Lock())
        model.weight.grad = torch.ones(2, 2)
        assert copy_of(model).weight.grad is None


def is_known(model, contents):
    """Returns whether a model has the same contents, and checks the list of its tensors."""
    state = list_model_state(model, contents)
    assert set(map(id, state.tensors)) == set(map(id, list_model_state(model).tensors))
    return state.contents is contents


class TestContents:
    @pytest.mark.parametrize(
        "change",
        [
            lambda model: setattr(model, "temperature", 0.25),
            lambda model: setattr(model, "temperature", 1),
            lambda model: setattr(model, "names", ["a"]),
            lambda model: setattr(model, "names", ("a", "b")),
            lambda model: model.names.append("c"),
            lambda model: setattr(model, "conv", nn.Conv2d(3, 5, 3)),
            lambda model: setattr(model, "scale", nn.Parameter(torch.rand(8))),
            lambda model: setattr(model, "more", nn.ReLU()),
            lambda model: delattr(model, "norm"),
            lambda model: model.norm.register_forward_hook(lambda *_: None),
            lambda model: model.first.requires_grad_(False),
            lambda model: model.conv.double(),
            lambda model: setattr(model, "forward", lambda x: x),
            lambda model: setattr(model.tied, "weight", nn.Parameter(torch.rand(4, 4))),
            lambda model: setattr(model, "also", model.anchors),
            lambda model: setattr(model, "__class__", type("Other", (Net,), {})),
        ],
    )
    def test_a_change_of_structure_is_seen(self, change):
        model = Net()
        before = list_model_state(model).contents
        change(model)
        assert not is_known(model, before)

    @pytest.mark.parametrize(
        "change",
        [
            lambda model: model.eval(),
            lambda model: model.scale.data.add_(1),
            lambda model: model.first.weight.sum().backward(),
            lambda model: model.norm(torch.rand(2, 5, 3, 3)),
            lambda model: setattr(model, "temperature", float("0.5")),
            lambda model: setattr(model, "names", ["a", "b"]),
            lambda model: setattr(model, "anchors", torch.rand(2, 3)),
            lambda model: setattr(model, "scale", nn.Parameter(model.scale.detach(), False)),
        ],
    )
    def test_learning_is_no_change_of_structure(self, change):
        model = Net()
        before = list_model_state(model).contents
        change(model)
        assert is_known(model, before)

    def test_tensors_that_swap_places_are_found_at_the_new_ones(self):
        model = Net()
        model.listed, model.other = [torch.zeros(3)], [torch.ones(3)]
        state = list_model_state(model)
        structure = pickle_structure(model, state.tensors)
        model.listed[0], model.other[0] = model.other[0], model.listed[0]
        swapped = list_model_state(model, state.contents)
        assert swapped.contents is state.contents
        slot = StateSlot(structure.layout)
        slot.take(swapped.tensors)
        copy = ModelCopy(structure)
        copy.load(slot.memory.file)
        assert torch.equal(copy.model.listed[0], torch.ones(3))

    def test_numbers_that_are_equal_but_not_alike_are_distinguished(self):
        model = Net()
        for old, new in [(0.0, -0.0), (1, True), (1, 1.0), (float("nan"), 0.0)]:
            model.box = [old]
            contents = list_model_state(model).contents
            assert is_known(model, contents)
            model.box[0] = new
            assert not is_known(model, contents)
        model.box[0] = float("nan")
        contents = list_model_state(model).contents
        model.box[0] = float("nan")
        assert is_known(model, contents)

    def test_cycles_and_shared_objects_end(self):
        model = Net()
        model.box = {"model": model}
        model.box["box"] = model.same = model.box
        contents = list_model_state(model).contents
        assert is_known(model, contents)
        model.same = dict(model.box)
        assert not is_known(model, contents)

    @pytest.mark.parametrize("depth", [60, 64, 100, 200])
    def test_changes_are_seen_at_any_depth(self, depth):
        model = Net()
        model.box = inner = [0.5]
        for _ in range(depth):
            model.box = [model.box]
        contents = list_model_state(model).contents
        assert is_known(model, contents)
        inner[0] = 0.25
        assert not is_known(model, contents)

    def test_objects_that_pickle_finds_too_deep_are_refused(self):
        model = Net()
        model.box = []
        for _ in range(5000):
            model.box = [model.box]
        with pytest.raises(CannotSendError, match="cannot be checked for changes"):
            list_model_state(model)

    def test_what_a_module_does_not_pickle_does_not_count(self):
        model = Trained()
        contents = list_model_state(model).contents
        model.trainer["step"] = 1
        model.trainer["batch"] = torch.rand(3)
        assert is_known(model, contents)
        model.options["rate"] = 0.5
        assert not is_known(model, contents)

    def test_a_traced_graph_is_known_and_sent(self):
        model = torch.fx.symbolic_trace(nn.Sequential(*[nn.Linear(2, 2) for _ in range(100)]))
        contents = list_model_state(model).contents
        model(torch.rand(1, 2)).sum().backward()
        assert is_known(model, contents)
        x = torch.rand(1, 2)
        assert torch.equal(copy_of(model)(x), model(x))

    def test_a_method_replaced_by_the_script_is_refused(self, monkeypatch):
        forward = types.FunctionType((lambda _self, x: x).__code__, {"__name__": "__main__"})
        monkeypatch.setattr(Net, "forward", forward)
        with pytest.raises(CannotSendError, match=r"Net.forward was replaced .* subclass it"):
            list_model_state(Net())

    def test_nothing_of_the_model_is_kept_alive(self):
        model = Net()
        model.box = [torch.rand(3), nn.ReLU()]
        contents = list_model_state(model).contents
        kept = [weakref.ref(x) for x in (model, model.conv, model.box[0], model.box[1])]
        del model
        gc.collect()
        assert [reference() for reference in kept] == [None] * 4
        assert contents.tensors_of(Net()) is None

    def test_modules_and_tensors_in_containers_are_part_of_the_state(self):
        model = Net()
        model.box = {"modules": [nn.Linear(2, 2)], "tensor": torch.zeros(3)}
        structure, slot = snapshot_of(model)
        with torch.no_grad():
            model.box["tensor"].add_(1)
            model.box["modules"][0].weight.fill_(7)
        slot.take(list_model_state(model).tensors)
        copy = ModelCopy(structure)
        copy.load(slot.memory.file)
        assert torch.equal(copy.model.box["tensor"], torch.ones(3))
        assert torch.equal(copy.model.box["modules"][0].weight, torch.full((2, 2), 7.0))

    def test_a_tensor_that_cannot_be_copied_byte_by_byte_is_compared(self):
        model = Net()
        model.box = [torch.eye(3).to_sparse()]
        contents = list_model_state(model).contents
        assert is_known(model, contents)
        model.box[0] = model.box[0] * 2
        assert not is_known(model, contents)


class TestWhatCannotBeSent:
    def test_a_parameter_without_values_is_named(self):
        with pytest.raises(CannotSendError, match=r"a Parameter \(torch.strided, on meta\)"):
            snapshot_of(nn.Linear(2, 2, device="meta"))

    def test_a_lock_is_named(self):
        model = nn.ReLU()
        model.lock = threading.Lock()
        with pytest.raises(CannotSendError, match=r"model=ReLU cannot be sent .*TypeError.*lock"):
            snapshot_of(model)

    def test_parametrized_modules_can(self):
        model = weight_norm(nn.Linear(2, 2))
        copy = copy_of(model)
        assert type(copy).__name__ == "ParametrizedLinear"
        assert torch.equal(copy.weight, model.weight)
        assert torch.equal(copy(torch.ones(1, 2)), model(torch.ones(1, 2)))

    def test_lambdas_and_closures_can(self):
        model = nn.ReLU()
        scale = 3
        model.act = lambda x: x * scale
        model.other = partial(torch.clamp, min=0)
        copy = copy_of(model)
        assert copy.act(2) == 6
        assert copy.other(torch.tensor(-1.0)) == 0


def descriptors():
    return len(list(Path("/dev/fd").iterdir()))


class TestSharedMemory:
    def test_both_ends_see_the_same_bytes(self):
        memory = SharedMemory(100)
        other = map_memory(memory.file)
        memory.bytes[7] = 42
        assert (len(other), other[7], other[8]) == (100, 42, 0)
        memory.close()
        memory.bytes[8] = 43
        assert other[8] == 43

    def test_it_has_no_name_and_its_descriptor_is_not_inherited(self):
        memory = SharedMemory(100)
        assert os.fstat(memory.file).st_nlink == 0
        assert not os.get_inheritable(memory.file)
        memory.close()

    def test_descriptors_go_with_the_object(self):
        before = descriptors()
        for _ in range(20):
            StateSlot(compute_state_layout([torch.rand(5)])).close()
        slots = [StateSlot(compute_state_layout([torch.rand(5)])) for _ in range(5)]
        assert descriptors() > before
        del slots
        assert descriptors() == before

    def test_a_full_memory_is_an_error_and_leaves_no_descriptor(self, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        before = descriptors()
        monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
        with pytest.raises(OSError, match="No space left"):
            SharedMemory(100)
        assert descriptors() == before
