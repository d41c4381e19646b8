# SPDX-License-Identifier: Apache-2.0
"""Real ranks with sharded models: the same atlases as of the whole model, and no rank hangs."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping

import numpy as np
import pytest
from tiny_training import start_script

from tensorboard_plugin_atlas import read_atlases

pytestmark = pytest.mark.sampled(2)

SETUP = """
import datetime, json, logging, os, sys, time, torch, warnings
from torch import distributed, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import Replicate
from torch.distributed.tensor.parallel import (
    ColwiseParallel, PrepareModuleInput, RowwiseParallel, parallelize_module
)
from torch.nn import functional
from tiny_training import CLASSES, TINY, Net, make_images
from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, compute_atlas
from tensorboard_plugin_atlas.writer.sharding import model_source

rank, size = map(int, sys.argv[1:3])
meeting, runs, *chosen = sys.argv[3:]
torch.set_num_threads(1)
distributed.init_process_group(
    "gloo", f"file://{meeting}", datetime.timedelta(seconds=120), world_size=size, rank=rank
)
mesh = init_device_mesh("cpu", (size,))
cpu = torch.device("cpu")
others = [other for other in range(size) if other]

class Deep(Net):
    '''With parameters for tensor parallelism, a shared one, and a buffer without a key.'''

    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
        self.out = nn.Linear(8, len(CLASSES))
        self.out.weight = self.head.weight
        self.shift = nn.Parameter(torch.linspace(-1, 1, 8))
        self.mlp.gain = 1.0
        self.register_buffer("scale", torch.full((8,), 1.5), persistent=False)

    def forward(self, x):
        x = self.drop(self.body(self.stem(x)) * self.scale[:, None, None]).mean((2, 3))
        return self.mlp.gain * self.out(self.mlp(x)) + self.head(x + self.shift)

def make_model(shard=lambda model: model):
    torch.manual_seed(0)
    return shard(Deep())

def writer(run, model, **more):
    given = dict(probe=make_images(), config=TINY, worker="inline")
    return AtlasWriter(f"{runs}/{run}", model, ["body"], **{**given, **more})

def train(model, after_step, gain=0.0):
    torch.manual_seed(1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    losses = []
    for step in range(3):
        images = torch.rand(8, 3, 12, 12)
        model.mlp.gain += gain
        loss = functional.cross_entropy(model(images), torch.arange(8) % len(CLASSES))
        if step != 1:  # the gradients of step 0 must survive the atlas
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after_step(step)
        losses.append(loss.item())
    return losses

def describe(model):
    tables = [len(t) for m in model.modules() for n, t in vars(m).items() if n.endswith("_hooks")]
    kinds = [type(m).__name__ for m in model.modules()]
    return [tables, kinds, [m.training for m in model.modules()]]

logged = []
logger = logging.getLogger("tensorboard_plugin_atlas")
logger.setLevel(logging.INFO)
handler = logging.StreamHandler()
handler.addFilter(lambda record: "add_atlas failed" in record.getMessage())
handler.emit = lambda record: logged.append(record.getMessage())
logger.addHandler(handler)

def catch(call):
    start = time.perf_counter()
    logged.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
            error = None
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    shown = [str(w.message) for w in caught if "AtlasWriter" in str(w.message)] + logged
    return {"error": error, "warned": shown, "seconds": time.perf_counter() - start}

def finish(found):
    print(json.dumps(found), flush=True)
    distributed.barrier()
    os._exit(0)  # past the threads of gloo
"""

TRAINING = (
    SETUP
    + """
def shard_all(model):
    for part in (model.stem, model.body):
        fully_shard(part, mesh=mesh)
    return fully_shard(model, mesh=mesh, reshard_after_forward=False)

def wrap_all(model):
    model.body = FullyShardedDataParallel(model.body, device_id=cpu)
    return FullyShardedDataParallel(model, device_id=cpu)

def split_mlp(model, mesh=mesh):
    whole = (Replicate(),)
    plan = {
        "mlp": PrepareModuleInput(input_layouts=whole, desired_input_layouts=whole),
        "mlp.0": ColwiseParallel(),
        "mlp.2": RowwiseParallel(),
    }
    return parallelize_module(model, mesh, plan)

def split_and_checkpoint(model):
    model.body = checkpoint_wrapper(model.body)
    return fully_shard(split_mlp(model, plane["tensor"]), mesh=plane["data"])

plane = init_device_mesh("cpu", (size // 2, 2), mesh_dim_names=("data", "tensor"))

ways = {
    "fully_shard": (shard_all, dict(worker="process")),
    "factory": (shard_all, dict(model_factory=Deep)),
    "fsdp": (wrap_all, {}),
    "original": (
        lambda m: FullyShardedDataParallel(m, device_id=cpu, use_orig_params=True), {}
    ),
    "tensor": (split_mlp, {}),
    "tensor and fully_shard": (split_and_checkpoint, {}),
}
if chosen:
    ways = {name: ways[name] for name in chosen}
options = StateDictOptions(full_state_dict=True)

def run(name, shard, more):
    config = AtlasConfig(
        **{**vars(TINY), "icons": "inversion", "icon_steps": 4, "attribution": True}
    )
    more = {**more, "config": config if name == "fully_shard" else TINY}
    alone, sharded, whole = make_model(shard), make_model(shard), Deep()
    gain = 0.0 if name == "factory" else 1.0
    losses = train(alone, lambda step: None, gain)
    with writer(name, sharded, **more) as atlas:
        watched = train(sharded, atlas.add_atlas, gain)
        kept = 0 if rank else sum(tensor.numel() for tensor in atlas.model.state_dict().values())
    # The same atlases of an unsharded copy.
    more.pop("model_factory", None)
    again = make_model(shard)
    with writer(f"{name}-whole", whole, **more) as atlas:
        def add(step):
            whole.load_state_dict(get_model_state_dict(again, options=options))
            whole.mlp.gain = again.mlp.gain
            atlas.add_atlas(step)
        train(again, add, gain)
    return [losses, watched, describe(sharded) == describe(alone), kept]

finish({name: run(name, *way) for name, way in ways.items()})
"""
)


FAULTS = (
    SETUP
    + """
import threading
from model_wrappers import Plain

found = {}

def make_sharded(kind=Deep):
    return fully_shard(kind(), mesh=mesh)

class Unlike(Net):
    def __init__(self):
        super().__init__()
        self.more = nn.Linear(2, 2)

class Locked(Deep):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

class Wide(Deep):
    def __init__(self):
        super().__init__()
        self.mlp[0] = nn.Linear(8, 32)

sharded = make_sharded()
found["function"] = catch(lambda: compute_atlas(sharded, "body", make_images(), config=TINY))
before = writer("before", Net())
fully_shard(before.model, mesh=mesh)
found["sharded after"] = catch(lambda: before.add_atlas(1))

parallel = Plain(nn.parallel.DistributedDataParallel(Net()))
with writer("parallel", parallel) as atlas:
    found["parallel"] = [catch(lambda step=step: atlas.add_atlas(step)) for step in (1, 2)]

def create(name, model=None, layers=("body",), **more):
    given = dict(probe=make_images(), config=TINY, worker="inline")
    found[name] = catch(
        lambda: AtlasWriter(f"{runs}/{name}", model or sharded, layers, **{**given, **more})
    )

create("layer", layers=["no_such_layer"])
create("probe", probe="no probe")
create("unlike", make_sharded() if rank == 0 else make_sharded(Unlike))
create("lock", make_sharded(Locked))
create("lock and factory", make_sharded(Locked), model_factory=Deep)
create("wide factory", model_factory=Wide)
create("no module", model_factory=lambda: 3)
create("no factory", model_factory=3)
for original in (False, True):
    wrapper = FullyShardedDataParallel(Net(), device_id=cpu, use_orig_params=original)
    create(f"inside {original}", wrapper.module)
create("forward", forward=lambda model, images: sharded(images))
model_source.CONSTRUCTION_SECONDS = 4
if rank == 1:
    distributed.barrier()
create("alone")
model_source.CONSTRUCTION_SECONDS = 300
if rank == 0:
    distributed.barrier()

with writer("budget", sharded, budget=1e-9) as atlas:
    found["budget"] = [catch(lambda step=step: atlas.add_atlas(step)) for step in (1, 2)]

model_source.CALL_SECONDS, model_source.RETRY_SECONDS = 5, 4
with writer("calls", sharded) as atlas:
    def add(step):
        return catch(lambda: atlas.add_atlas(step))

    def take_turns(step, first):
        '''Has one rank call before the other, which calls only when the first has given up.'''
        if rank != first:
            distributed.barrier()
        found[f"rank {first} first"] = add(step)
        if rank == first:
            distributed.barrier()

    found["together"] = add(1)
    take_turns(2, 0)
    found["again"] = add(3)
    take_turns(4, 1)
    found["once more"] = add(5)
    found["repeated"] = add(5)
    found["no step"] = add("six")
    sharded.more = nn.Linear(2, 2)
    found["more parameters"] = add(6)
    del sharded.more

    class Broken:
        def __getattr__(self, name):
            raise distributed.DistNetworkError("Connection reset by peer")

    agreement = atlas._source._agreement
    store, agreement._store = agreement._store, Broken()
    found["no store"] = add(7)
    agreement._store = store
    found["store again"] = add(8)

with writer("factory", sharded, model_factory=Deep) as atlas:
    sharded.more = nn.Linear(2, 2)
    found["not as the factory"] = catch(lambda: atlas.add_atlas(1))
    del sharded.more

atlas = writer("death", sharded)
add(1)
if rank == 1:
    print(json.dumps(found), flush=True)
    atlas._source._gather_state = lambda: os._exit(0)
found["death"] = catch(lambda: atlas.add_atlas(2))
found["after death"] = catch(lambda: atlas.add_atlas(3))
found["close"] = catch(atlas.close)
print(json.dumps(found), flush=True)
os._exit(0)  # past the threads of gloo
"""
)


def run_ranks(folder, script, size, *arguments):
    """Runs a script on all ranks; returns what each printed last."""
    given = size, folder / "meeting", folder / "runs", *arguments
    ranks = [start_script(folder / f"rank{r}.py", script, r, *given) for r in range(size)]
    try:
        outputs = [rank.communicate(timeout=240) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    for out, err in outputs:
        assert out.endswith(("]\n", "}\n")), err
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def flatten(value):
    """Returns the values of an atlas, apart from where and when it was logged, as bytes."""
    if dataclasses.is_dataclass(value):
        left_out = {"provenance", "wall_time", "run"}
        fields = [f.name for f in dataclasses.fields(value) if f.name not in left_out]
        return [flatten(getattr(value, name)) for name in fields]
    if isinstance(value, Mapping):
        return [(key, flatten(entry)) for key, entry in value.items()]
    if isinstance(value, (tuple, list)):
        return list(map(flatten, value))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return repr(value)


KINDS = ("fully_shard", "factory", "fsdp", "original", "tensor", "tensor and fully_shard")


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory):
    """Returns the folder of all runs, and the results of each rank."""
    folder = tmp_path_factory.mktemp("sharded")
    return folder / "runs", run_ranks(folder, TRAINING, 2)


def check_kind(runs, found, kind):
    """Checks one way of sharding: losses, the state of the model, and each byte of the atlases."""
    for alone, watched, is_unchanged, kept in (rank[kind] for rank in found):
        assert watched == alone
        assert len(set(alone)) == 3
        assert is_unchanged
        assert kept == 0  # between calls, rank 0 keeps no copy of the parameters
    atlases, expected = (list(read_atlases(runs / name)) for name in (kind, f"{kind}-whole"))
    assert [one.step for one in atlases] == [0, 1, 2]
    assert flatten(atlases[0]) != flatten(atlases[1])
    for one, other in zip(atlases, expected, strict=True):
        np.testing.assert_array_equal(one.activations, other.activations)
        assert flatten(one) == flatten(other)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", KINDS)
def test_the_atlases_of_a_sharded_model_are_those_of_the_whole_one(two_ranks, kind):
    check_kind(*two_ranks, kind)


def test_the_compared_atlases_have_icons_and_attribution(two_ranks):
    atlas = next(read_atlases(two_ranks[0] / "fully_shard"))
    assert atlas.grids[0].icons.std() > 0
    assert np.abs(atlas.grids[0].attribution).max() > 0


@pytest.mark.long
def test_four_ranks_give_the_atlases_of_the_whole_model_too(tmp_path):
    kinds = ("fully_shard", "tensor and fully_shard")
    found = run_ranks(tmp_path, TRAINING, 4, *kinds)
    for kind in kinds:
        check_kind(tmp_path / "runs", found, kind)


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    """Returns the folder of all runs, and what the calls raised and warned about on each rank."""
    folder = tmp_path_factory.mktemp("faults")
    return folder / "runs", run_ranks(folder, FAULTS, 2)


def read_steps(run):
    return [(one.step, [skip.step for skip in one.skipped]) for one in read_atlases(run)]


QUICK = 3.5
"""Seconds within which a call ends that does not wait for another rank, which takes 4 or 5 s."""

ARGUMENTS = {
    "layer": r"LayerError: layer 'no_such_layer' is not a module of Deep; closest: ",
    "probe": r"ArgumentError: probe='no probe': pass a Dataset, ",
    "lock": r"ArgumentError: model=FSDPLocked is sharded, and cannot be rebuilt without sharding "
    r"\(TypeError: cannot pickle .*; pass model_factory=, a function without arguments that ",
    "wide factory": r"ArgumentError: model_factory=<class .*Wide'>: mlp.0.weight has shape "
    r"\(32, 8\), and \(16, 8\) in the sharded model; return the model as it was before ",
    "no module": r"ArgumentError: model_factory=<function .* returns int; return a torch.nn.Module",
    "forward": r"ArgumentError: forward=<function .* contains the model itself, but runs on copies",
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_that_fails_on_rank_zero_is_raised_on_all_ranks(faults, name):
    first, second = (rank[name]["error"] for rank in faults[1])
    assert re.match(ARGUMENTS[name], first)
    assert re.match(f"ArgumentError: AtlasWriter cannot be created: {ARGUMENTS[name]}", second)


def test_a_factory_that_cannot_be_called_is_raised_before_the_ranks_meet(faults):
    message = "ArgumentError: model_factory=3: pass a function without arguments"
    assert all(rank["no factory"]["error"].startswith(message) for rank in faults[1])


@pytest.mark.parametrize("original", [False, True])
def test_a_model_inside_of_its_wrapper_is_refused(faults, original):
    for rank in faults[1]:
        error = rank[f"inside {original}"]["error"]
        assert error.startswith("ArgumentError: model=Net is inside of a FullyShardedDataParallel")
        assert "pass that wrapper" in error


def test_a_model_that_cannot_be_rebuilt_can_be_passed_with_a_factory(faults):
    assert [rank["lock and factory"]["error"] for rank in faults[1]] == [None, None]


def test_different_models_on_the_ranks_are_refused_before_anything_is_gathered(faults):
    for rank in faults[1]:
        assert (
            "the model of rank 1 has other parameters than that of rank 0"
            in (rank["unlike"]["error"])
        )


def test_a_writer_that_one_rank_creates_alone_is_refused_within_the_time_limit(faults):
    first, second = (rank["alone"] for rank in faults[1])
    message = "ArgumentError: AtlasWriter cannot be created: rank 1 did not create its AtlasWriter"
    assert first["error"].startswith(f"{message} within 4 s. ")
    assert second["error"].startswith(message)
    assert second["seconds"] < QUICK


def test_functions_of_one_process_refuse_a_sharded_model(faults):
    for rank in faults[1]:
        error = rank["function"]["error"]
        assert error.startswith("ArgumentError: model=FSDPDeep is sharded over ranks (fully_shard)")
        assert "get_model_state_dict(model, options=StateDictOptions(" in error


def test_a_model_that_is_sharded_after_construction_is_reported_on_rank_zero(faults):
    first, second = (rank["sharded after"] for rank in faults[1])
    assert (first["error"], second["error"], second["warned"]) == (None, None, [])
    (warning,) = first["warned"]
    assert "add_atlas failed: ArgumentError: model=FSDPNet is sharded over ranks" in warning


def test_a_module_around_distributed_data_parallel_waits_for_no_other_rank(faults):
    runs, found = faults
    assert [call["error"] for rank in found for call in rank["parallel"]] == [None] * 4
    assert read_steps(runs / "parallel") == [(1, []), (2, [])]


def test_a_call_beyond_the_budget_lets_the_other_rank_go_on(faults):
    runs, found = faults
    assert "step 2 is skipped to keep to budget" in found[0]["budget"][1]["warned"][0]
    assert found[1]["budget"][1]["warned"] == []
    assert found[1]["budget"][1]["seconds"] < QUICK
    assert read_steps(runs / "budget") == [(1, [])]


@pytest.mark.parametrize(("caller", "step"), [(0, 2), (1, 4)])
def test_a_call_that_another_rank_does_not_make_ends_within_the_time_limit(faults, caller, step):
    calls = [rank[f"rank {caller} first"] for rank in faults[1]]
    assert [call["error"] for call in calls] == [None, None]
    assert 5 <= calls[caller]["seconds"] < 20
    assert calls[1 - caller]["seconds"] < QUICK  # it calls later, and is sent on
    message = f"RankError: rank {1 - caller} did not call add_atlas({step}) within 5 s. "
    for call in calls:  # as a warning, or in the log if it is not the first one of its rank
        (shown,) = call["warned"]
        assert message in shown


def test_calls_after_a_missing_one_are_logged_again(faults):
    runs, found = faults
    for name in (
        "together",
        "again",
        "once more",
        "repeated",
        "no step",
        "more parameters",
        "store again",
    ):
        assert [rank[name]["error"] for rank in found] == [None, None]
        assert max(rank[name]["seconds"] for rank in found) < QUICK
    assert read_steps(runs / "calls") == [(1, []), (3, [2]), (5, [4]), (6, []), (8, [7])]


def test_new_parameters_of_a_model_from_a_factory_are_a_warning(faults):
    first, second = (rank["not as the factory"] for rank in faults[1])
    assert [first["error"], second["error"]] == [None, None]
    (shown,) = first["warned"]
    assert "the sharded model has other parameters than when the AtlasWriter was created" in shown
    assert "such as 'more.bias'" in shown
    assert second["warned"] == []


def test_a_store_that_does_not_respond_is_a_warning(faults):
    for rank in faults[1]:
        assert rank["no store"]["error"] is None
        (shown,) = rank["no store"]["warned"]
        assert "the store of the process group does not respond, so the process that holds" in shown


def test_the_death_of_a_rank_in_the_middle_is_a_warning(faults):
    runs, (found, _) = faults
    (warning,) = found["death"]["warned"]
    assert "RankError: the parameters cannot be gathered from all ranks (RuntimeError" in warning
    assert (
        found["death"]["error"] is found["after death"]["error"] is found["close"]["error"] is None
    )
    assert 4 <= found["after death"]["seconds"] < 20
    assert read_steps(runs / "death") == [(1, [])]
