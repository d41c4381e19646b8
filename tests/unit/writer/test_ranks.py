# SPDX-License-Identifier: Apache-2.0
"""Two ranks of a real distributed loop: one log, and no call waits for another rank."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest
from background_writers import read_valid_steps
from model_wrappers import create_process_group
from tiny_training import (
    TINY,
    Net,
    find_workers,
    make_images,
    start_script,
    wait_for_worker,
    wait_until,
)

from tensorboard_plugin_atlas import AtlasWriter
from tensorboard_plugin_atlas.writer import ranks as ranks_module
from tensorboard_plugin_atlas.writer.ranks import find_silent_rank

pytestmark = pytest.mark.sampled(2)

RANK = """
import datetime, json, os, sys, time, torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from tiny_training import CLASSES, TINY, Net, make_images
from tensorboard_plugin_atlas import AtlasWriter

rank = int(sys.argv[1])
distributed.init_process_group(
    "gloo", f"file://{sys.argv[2]}", datetime.timedelta(seconds=120), world_size=2, rank=rank
)

def fresh():
    torch.manual_seed(0)
    model = DistributedDataParallel(Net())
    torch.manual_seed(rank)  # each rank draws its own batches
    return model, torch.optim.SGD(model.parameters(), 0.1)

def losses(model, optimizer, after_step):
    found = []
    for step in range(4):
        batch = torch.rand(8, 3, 12, 12), torch.randint(len(CLASSES), (8,))
        loss = functional.cross_entropy(model(batch[0]), batch[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after_step(step)
        distributed.all_reduce(loss.detach())
        found.append(loss.item())
    return found

def seconds(call, *arguments):
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start

alone = losses(*fresh(), lambda step: None)
model, optimizer = fresh()
atlas = AtlasWriter(sys.argv[3], model, ["body"], probe=make_images(), config=TINY, max_pending=9)
watched = losses(model, optimizer, atlas.add_atlas)
atlas.flush()
print(json.dumps([alone, watched]), flush=True)
sys.stdin.readline()  # the other rank is killed meanwhile

try:
    losses(model, optimizer, lambda step: None)
    outcome = "nothing noticed"
except RuntimeError:
    outcome = "the loop's own collective failed"
calls = [seconds(atlas.add_atlas, step) for step in (4, 5)]
calls += [seconds(atlas.flush), seconds(atlas.close)]
print(json.dumps([outcome, calls]), flush=True)
os._exit(0)  # gloo's threads abort a process that exits after its peer was killed
"""


@pytest.fixture
def ranks(tmp_path):
    """Starts both ranks, and ends those that still run after a test."""
    run, meeting = tmp_path / "run", tmp_path / "meeting"
    scripts = [
        start_script(tmp_path / f"rank{rank}.py", RANK, rank, meeting, run, stdin=-1)
        for rank in (0, 1)
    ]
    yield scripts
    for script in scripts:
        script.kill()
        script.communicate()


def train(script):
    """Returns the losses of a rank without a writer and with one."""
    line = script.stdout.readline()
    if not line:
        pytest.fail(f"the rank ended: {script.communicate()[1]}")
    return json.loads(line)


def run_to_end(script):
    """Resumes a rank; returns the results of its loop, and the seconds of its writer's calls."""
    out, err = script.communicate("go\n", timeout=120)
    assert script.returncode == 0, err
    assert "AtlasWriter" not in err
    return json.loads(out)


def run_and_kill(script):
    os.kill(script.pid, signal.SIGKILL)
    script.wait(120)


def test_only_rank_zero_logs_and_its_calls_end_when_the_other_rank_dies(tmp_path, ranks):
    first, second = ranks
    alone, watched = train(first)
    assert watched == alone
    assert len(set(alone)) == 4
    other_alone, other_watched = train(second)
    assert other_watched == other_alone

    assert wait_for_worker(first.pid).is_running()
    assert find_workers(second.pid) == []
    assert len(list((tmp_path / "run" / "atlas").iterdir())) == 1
    opened = [file.path for file in psutil.Process(second.pid).open_files()]
    assert not any(path.startswith(str(tmp_path / "run")) for path in opened)
    assert read_valid_steps(tmp_path / "run") == [0, 1, 2, 3]

    run_and_kill(second)
    outcome, calls = run_to_end(first)
    assert outcome == "the loop's own collective failed"
    assert sum(calls) < 60
    assert max(calls[:2]) < 10
    assert read_valid_steps(tmp_path / "run") == [0, 1, 2, 3, 4, 5]


def test_the_calls_of_another_rank_end_at_once_when_rank_zero_dies(tmp_path, ranks):
    first, second = ranks
    train(first), train(second)
    worker = wait_for_worker(first.pid)
    run_and_kill(first)
    outcome, calls = run_to_end(second)
    assert outcome == "the loop's own collective failed"
    assert max(calls) < 10
    wait_until(lambda: not worker.is_running())
    assert read_valid_steps(tmp_path / "run") == [0, 1, 2, 3]
    assert len(list((tmp_path / "run" / "atlas").iterdir())) == 1


VARIABLES = [name for rank, sizes in ranks_module._LAUNCHERS for name in (rank, *sizes)]


def slurm(rank, tasks, step_tasks=None):
    """Returns the variables of a task of `srun`, or without `step_tasks` of a batch script."""
    found = {"SLURM_PROCID": str(rank), "SLURM_NTASKS": str(tasks)}
    return found | ({} if step_tasks is None else {"SLURM_STEP_NUM_TASKS": str(step_tasks)})


def torchrun(rank, size):
    return {"RANK": str(rank), "WORLD_SIZE": str(size)}


def openmpi(rank, size):
    return {"OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_SIZE": str(size)}


def mpich(rank, size):
    return {"PMI_RANK": str(rank), "PMI_SIZE": str(size)}


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, None),
        (torchrun(0, 2), None),
        (torchrun(1, 2), "rank 1 of 2 (RANK)"),
        (torchrun(" 1 ", 2), "rank 1 of 2 (RANK)"),
        ({"RANK": "1"}, None),  # may belong to any program
        (torchrun(1, 1), None),
        (torchrun("", ""), None),
        (torchrun("one", "two"), None),
        (torchrun("\N{SUPERSCRIPT TWO}", 4), None),
        (torchrun(-1, 2), None),
        (slurm(0, 8, 8), None),
        (slurm(3, 8, 8), "rank 3 of 8 (SLURM_PROCID)"),
        (slurm(3, 8), "rank 3 of 8 (SLURM_PROCID)"),
        (slurm(0, 8), None),  # a batch script without srun
        (slurm(0, 1), None),
        (slurm(0, 8, 1), None),  # srun -n 1 in a larger job
        ({"SLURM_PROCID": "0"}, None),
        ({"SLURM_NTASKS": "8", "SLURM_JOB_ID": "1"}, None),  # the shell of salloc
        (openmpi(0, 4), None),
        (openmpi(2, 4), "rank 2 of 4 (OMPI_COMM_WORLD_RANK)"),
        (mpich(0, 4), None),
        (mpich(2, 4), "rank 2 of 4 (PMI_RANK)"),
        ({"PMI_RANK": "2"}, None),
        # torchrun on the second node of a job: the variables of torchrun take precedence.
        (torchrun(4, 8) | slurm(1, 2, 2), "rank 4 of 8 (RANK)"),
        (torchrun(0, 8) | slurm(1, 2, 2), None),
        # An independent run in one of several tasks sets WORLD_SIZE=1.
        (torchrun(0, 1) | slurm(3, 4, 4), None),
        ({"RANK": "0"} | slurm(3, 4, 4), "rank 3 of 4 (SLURM_PROCID)"),
        # mpirun in a batch script: all processes of a node have the same SLURM_PROCID.
        (slurm(0, 4) | openmpi(0, 4), None),
        (slurm(0, 4) | openmpi(1, 4), "rank 1 of 4 (OMPI_COMM_WORLD_RANK)"),
        (slurm(0, 4) | mpich(1, 4), "rank 1 of 4 (PMI_RANK)"),
        (slurm(1, 2, 2) | openmpi(3, 4), "rank 1 of 2 (SLURM_PROCID)"),
    ],
)
def test_before_the_process_group_a_rank_is_known_by_its_launcher(variables, reason):
    assert find_silent_rank(variables) == reason


@pytest.mark.parametrize("launched", [torchrun, lambda r, n: slurm(r, n, n), openmpi, mpich])
def test_one_rank_of_a_launcher_writes_and_the_others_say_why_not(
    tmp_path, monkeypatch, caplog, launched
):
    settings = {"probe": make_images(), "config": TINY, "worker": "inline", "strict": True}
    for rank in (0, 1):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in launched(rank, 2).items():
            monkeypatch.setenv(name, value)
        with caplog.at_level("INFO", "tensorboard_plugin_atlas"):
            run = tmp_path / f"run{rank}"
            with AtlasWriter(run, Net(), ["body"], **settings) as atlas:
                atlas.add_atlas(1)
        assert run.exists() == (rank == 0)
    (line,) = [record for record in caplog.records if "rank" in record.getMessage()]
    assert line.levelname == "INFO"
    assert line.getMessage().startswith("AtlasWriter: rank 1 of 2 (")
    assert line.getMessage().endswith(") writes no atlases; rank 0 writes them")


def test_a_process_group_decides_over_variables_and_a_later_one_changes_nothing(
    tmp_path, monkeypatch
):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    settings = {"probe": make_images(), "config": TINY, "worker": "inline", "strict": True}
    for name, value in slurm(1, 2, 2).items():
        monkeypatch.setenv(name, value)
    early = AtlasWriter(tmp_path / "early", Net(), ["body"], **settings)
    with create_process_group(tmp_path):  # this process is its rank 0
        early.add_atlas(1)
        with AtlasWriter(tmp_path / "late", Net(), ["body"], **settings) as late:
            late.add_atlas(1)
    early.close()
    assert not (tmp_path / "early").exists()
    assert (tmp_path / "late").exists()
