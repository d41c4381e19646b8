# SPDX-License-Identifier: Apache-2.0
"""Two real ranks with sharded models: rejected on both ranks, and no rank waits."""

from __future__ import annotations

import json

import pytest
from tiny_training import start_script

from tensorboard_plugin_atlas import read_atlases

RANK = """
import datetime, json, os, sys, threading, torch, warnings
from torch import distributed
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import distribute_module
from tiny_training import TINY, Net, make_images
from tensorboard_plugin_atlas import AtlasWriter
from model_wrappers import Plain

rank, meeting, runs = int(sys.argv[1]), *sys.argv[2:]
distributed.init_process_group(
    "gloo", f"file://{meeting}", datetime.timedelta(seconds=60), world_size=2, rank=rank
)
mesh = init_device_mesh("cpu", (2,))
cpu = torch.device("cpu")

def with_sharded_body(model):
    model.body = FullyShardedDataParallel(model.body, device_id=cpu)
    return model

def writer(run, model, worker="inline"):
    return AtlasWriter(run, model, ["body"], probe=make_images(), config=TINY, worker=worker)

def refused(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def within_seconds(seconds, call):
    found = []
    thread = threading.Thread(target=lambda: found.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else "blocked"

def tried(run, shard, worker):
    torch.manual_seed(0)
    atlas = writer(run, Net(), worker)
    sharded = shard(atlas.model)
    found = [within_seconds(30, lambda: refused(lambda: writer(run + "-none", sharded)))]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found += [within_seconds(30, lambda: atlas.add_atlas(1)), within_seconds(30, atlas.flush)]
    within_seconds(30, lambda: atlas.close(0))
    found.append([str(w.message) for w in caught if "AtlasWriter" in str(w.message)])
    # What the message says to do:
    whole = Net()
    options = StateDictOptions(full_state_dict=True)
    whole.load_state_dict(get_model_state_dict(sharded, options=options))
    with writer(run + "-whole", whole) as other:
        other.add_atlas(1)
    return found

ways = {
    "fully_shard": (lambda m: fully_shard(m, mesh=mesh), "process"),
    "fsdp": (lambda m: FullyShardedDataParallel(m, device_id=cpu), "process"),
    "original": (
        lambda m: FullyShardedDataParallel(m, device_id=cpu, use_orig_params=True), "inline"
    ),
    "inside": (with_sharded_body, "inline"),
    "tensor": (lambda m: distribute_module(m, mesh), "inline"),
}
found = {kind: tried(f"{runs}/{kind}", *way) for kind, way in ways.items()}
parallel = Plain(torch.nn.parallel.DistributedDataParallel(Net()))

def log_twice():
    with writer(f"{runs}/parallel", parallel) as atlas:
        atlas.add_atlas(1)
        atlas.add_atlas(2)

found["parallel"] = within_seconds(30, log_twice)
print(json.dumps(found), flush=True)
distributed.barrier()
os._exit(0)  # also past threads that are blocked
"""

KINDS = {
    "fully_shard": "fully_shard",
    "fsdp": "FullyShardedDataParallel",
    "original": "FullyShardedDataParallel",
    "inside": "FullyShardedDataParallel",
    "tensor": "a parameter is a DTensor",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Runs both ranks; returns the folder of all runs, and the results of each rank."""
    folder = tmp_path_factory.mktemp("sharded")
    arguments = folder / "meeting", folder / "runs"
    scripts = [start_script(folder / f"rank{rank}.py", RANK, rank, *arguments) for rank in (0, 1)]
    try:
        outputs = [script.communicate(timeout=240) for script in scripts]
    finally:
        for script in scripts:
            script.kill()
    for out, err in outputs:
        assert out, err
    return folder / "runs", [json.loads(out.splitlines()[-1]) for out, _ in outputs]


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sharded_model_is_refused_on_every_rank_and_none_waits(ended, kind, rank):
    runs, found = ended
    at_construction, added, flushed, warned = found[rank][kind]
    reason = f"is sharded over ranks ({KINDS[kind]}"
    assert at_construction.startswith("ArgumentError: model=")
    assert reason in at_construction
    assert "get_model_state_dict(model, options=StateDictOptions(" in at_construction
    assert not (runs / f"{kind}-none").exists()
    # If it was sharded after the construction of the writer, only rank 0 warns.
    assert (added, flushed) == (None, None)
    assert len(warned) == (rank == 0)
    assert all("add_atlas failed: ArgumentError" in one and reason in one for one in warned)


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_out_that_the_message_names_works(ended, kind):
    runs, _ = ended
    assert len(list((runs / f"{kind}-whole" / "atlas").iterdir())) == 1


def test_a_module_around_distributed_data_parallel_waits_for_no_other_rank(ended):
    runs, found = ended
    assert [one["parallel"] for one in found] == [None, None]
    assert [one.step for one in read_atlases(runs / "parallel")] == [1, 2]
