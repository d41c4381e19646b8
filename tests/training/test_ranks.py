# SPDX-License-Identifier: Apache-2.0
"""Two ranks of a real distributed loop: one log, and no rank waits for another at our calls."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest
from loops import TINY, Net, eventually, images, start_script, worker_of, workers_of
from test_worker import checked_steps

from tensorboard_plugin_atlas import AtlasWriter

RANK = """
import datetime, json, sys, time, torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from loops import CLASSES, TINY, Net, images
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
atlas = AtlasWriter(sys.argv[3], model, ["body"], probe=images(), config=TINY, max_pending=9)
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
"""


@pytest.fixture
def ranks(tmp_path):
    """Starts both ranks, and ends what a test leaves of them."""
    run, meeting = tmp_path / "run", tmp_path / "meeting"
    scripts = [
        start_script(tmp_path / f"rank{rank}.py", RANK, rank, meeting, run, stdin=-1)
        for rank in (0, 1)
    ]
    yield scripts
    for script in scripts:
        script.kill()
        script.communicate()


def trained(script):
    """Returns what a rank's losses were without a writer and with one."""
    line = script.stdout.readline()
    if not line:
        pytest.fail(f"the rank ended: {script.communicate()[1]}")
    return json.loads(line)


def ended(script):
    """Lets a rank go on; returns what came of its loop, and the seconds of its writer's calls."""
    out, err = script.communicate("go\n", timeout=90)
    assert script.returncode == 0, err
    assert "AtlasWriter" not in err
    return json.loads(out)


def killed(script):
    os.kill(script.pid, signal.SIGKILL)
    script.wait(10)


def test_only_rank_zero_logs_and_its_calls_end_when_the_other_rank_dies(tmp_path, ranks):
    first, second = ranks
    alone, watched = trained(first)
    assert watched == alone
    assert len(set(alone)) == 4
    other_alone, other_watched = trained(second)
    assert other_watched == other_alone

    assert worker_of(first.pid).is_running()
    assert workers_of(second.pid) == []
    assert len(list((tmp_path / "run" / "atlas").iterdir())) == 1
    opened = [file.path for file in psutil.Process(second.pid).open_files()]
    assert not any(path.startswith(str(tmp_path / "run")) for path in opened)
    assert checked_steps(tmp_path / "run") == [0, 1, 2, 3]

    killed(second)
    outcome, calls = ended(first)
    assert outcome == "the loop's own collective failed"
    assert sum(calls) < 30
    assert max(calls[:2]) < 1
    assert checked_steps(tmp_path / "run") == [0, 1, 2, 3, 4, 5]


def test_the_calls_of_another_rank_end_at_once_when_rank_zero_dies(tmp_path, ranks):
    first, second = ranks
    trained(first), trained(second)
    worker = worker_of(first.pid)
    killed(first)
    outcome, calls = ended(second)
    assert outcome == "the loop's own collective failed"
    assert max(calls) < 0.1
    eventually(lambda: not worker.is_running(), 5)
    assert checked_steps(tmp_path / "run") == [0, 1, 2, 3]
    assert len(list((tmp_path / "run" / "atlas").iterdir())) == 1


@pytest.mark.parametrize(
    ("told", "writes"),
    [
        ({"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}, True),
        ({"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}, False),
        ({"RANK": "1"}, True),  # somebody else's variable
        ({}, True),
    ],
)
def test_before_the_process_group_a_rank_is_known_by_its_launcher(
    tmp_path, monkeypatch, told, writes
):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    run = tmp_path / "run"
    settings = {"probe": images(), "config": TINY, "worker": "inline", "strict": True}
    with AtlasWriter(run, Net(), ["body"], **settings) as atlas:
        atlas.add_atlas(1)
    assert run.exists() == writes
