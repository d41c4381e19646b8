# SPDX-License-Identifier: Apache-2.0
"""Training scripts with a worker that end in all possible ways, and the log they leave."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from background_writers import read_valid_steps
from tiny_training import find_workers, start_script, wait_for_worker, wait_until

pytestmark = pytest.mark.sampled(2)

HEAD = """
import os, signal, sys, time, torch
from torch import nn
from tiny_training import TINY, make_images
from tensorboard_plugin_atlas import AtlasWriter

SCALE = 2

class Model(nn.Module):
    # Only in this script, without a guard around it: it cannot be imported without training again.
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 5, 3)
        self.head = nn.Linear(5, 4)
    def forward(self, x):
        print("forward", file=sys.stderr)
        return self.head(torch.relu(self.body(x) * SCALE).mean((2, 3)))

print("trains")
model = Model()
atlas = AtlasWriter(sys.argv[1], model, ["body"], probe=make_images(), config=TINY)
"""

ENDS = {
    "close": "atlas.close()",
    "nothing": "",
    "exception": "raise ZeroDivisionError",
    "sys.exit": "sys.exit(5)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "os._exit": "os._exit(5)",
    "interrupt": "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
}

SOME = ("nothing", "exception", "SIGTERM", "SIGKILL", "interrupt")
REST = sorted(ENDS.keys() - set(SOME))


class TestEnds:
    @pytest.mark.parametrize(
        "end",
        [
            SOME[0],
            *(pytest.param(e, marks=pytest.mark.sampled(4)) for e in SOME[1:]),
            *(pytest.param(e, marks=pytest.mark.long) for e in REST),
        ],
    )
    def test_the_program_ends_soon_and_what_was_finished_stays(self, tmp_path, end):
        script = start_script(
            tmp_path / "train.py",
            f"{HEAD}"
            "for step in (1, 2):\n    atlas.add_atlas(step)\n"
            "atlas.flush()\nprint('flushed', flush=True)\nsys.stdin.readline()\n" + ENDS[end],
            tmp_path / "run",
            stdin=-1,
        )
        with script:
            assert script.stdout.readline() == "trains\n"
            assert script.stdout.readline() == "flushed\n"
            worker = wait_for_worker(script.pid)
            start = time.monotonic()
            out, err = script.communicate("go\n", timeout=120)
            assert time.monotonic() - start < 30  # 5 s on an idle machine
            assert out == ""  # the worker did not run the script a second time
        wait_until(lambda: not worker.is_running())
        assert read_valid_steps(tmp_path / "run") == [1, 2]
        assert err.count("forward") == 1  # the trial pass; output of the worker is discarded
        assert "AtlasWriter" not in err

    def test_a_worker_that_hangs_blocks_nothing_and_the_loss_is_reported(self, tmp_path):
        script = start_script(
            tmp_path / "train.py",
            f"{HEAD}"
            "atlas.add_atlas(1)\natlas.flush()\nprint('flushed', flush=True)\n"
            "sys.stdin.readline()\natlas.add_atlas(2)\natlas.add_atlas(3)\n",
            tmp_path / "run",
            stdin=-1,
        )
        with script:
            assert script.stdout.readline() == "trains\n"
            assert script.stdout.readline() == "flushed\n"
            worker = wait_for_worker(script.pid)
            worker.suspend()
            start = time.monotonic()
            _, err = script.communicate("go\n", timeout=120)
            assert time.monotonic() - start < 30  # 3 s on an idle machine
        assert script.returncode == 0
        wait_until(lambda: not worker.is_running())
        assert "not finished when the program ended: steps 2, 3." in err
        assert "Call close()" in err
        assert read_valid_steps(tmp_path / "run") == [1]


LOOP = f"""{HEAD}
for step in range(10_000):
    atlas.add_atlas(step)
    if step % 3 == 2:
        atlas.flush()
        print(step, flush=True)
"""


@pytest.mark.timeout(6000)
@pytest.mark.parametrize("count", [2, pytest.param(200, marks=pytest.mark.long)])
def test_a_killed_loop_loses_nothing_that_was_flushed(tmp_path, count):
    rng = random.Random(count)
    for number in range(count):
        run = tmp_path / f"run{number}"
        with start_script(tmp_path / "train.py", LOOP, run) as script:
            assert script.stdout.readline() == "trains\n"
            worker = wait_for_worker(script.pid)
            if rng.random() < 0.75:
                script.stdout.readline()  # wait for the next line
            time.sleep(rng.random() * 0.4)
            os.kill(script.pid, signal.SIGKILL)
            flushed = script.communicate(timeout=120)[0].split()
        wait_until(lambda worker=worker: not worker.is_running())
        steps = read_valid_steps(run) if run.exists() else []
        assert steps == list(range(len(steps)))
        assert len(steps) > int(flushed[-1]) if flushed else True


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("count", [3, pytest.param(200, marks=pytest.mark.long)])
def test_a_killed_worker_loses_nothing_at_all(tmp_path, count):
    rng = random.Random(count)
    text = LOOP.replace(
        "atlas.add_atlas(step)", "if step % 3 == 0: input()\n    atlas.add_atlas(step)"
    )
    with start_script(tmp_path / "train.py", text, tmp_path / "run", stdin=-1) as script:

        def three_steps():
            script.stdin.write("go\n")
            script.stdin.flush()

        assert script.stdout.readline() == "trains\n"
        for _ in range(count):
            three_steps()
            assert script.stdout.readline()
            worker = wait_for_worker(script.pid)
            three_steps()
            time.sleep(rng.random() * 0.15)
            worker.kill()
            assert script.stdout.readline()
        _, err = script.communicate(timeout=120)  # the script ends at the end of its input
    assert read_valid_steps(tmp_path / "run") == list(range(6 * count))
    assert "AtlasWriter:" not in err  # as all warnings begin
    assert "EOFError" in err


def test_the_worker_gives_way(tmp_path):
    script = start_script(
        tmp_path / "train.py", f"{HEAD}atlas.add_atlas(1)\ninput()\n", tmp_path / "run", stdin=-1
    )
    with script:
        assert script.stdout.readline() == "trains\n"
        worker = wait_for_worker(script.pid)
        wait_until(lambda: worker.nice() == 19)
        wait_until((tmp_path / "run" / "atlas").exists)
        assert worker.environ()["OMP_NUM_THREADS"] == "1"
        assert worker.environ()["NUMBA_NUM_THREADS"] == "1"
        assert len(find_workers(script.pid)) == 1
        script.communicate("go\n", timeout=120)
