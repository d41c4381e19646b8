# SPDX-License-Identifier: Apache-2.0
"""A build that several ranks share: the log is that of one process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from rank_processes import find_free_port
from tiny_training import Net, make_images, wait_until

from tensorboard_plugin_atlas import AtlasConfig, cli, read_atlases
from tensorboard_plugin_atlas.checkpoints.torchrun_group import open_process_group
from tensorboard_plugin_atlas.logs.event_file import list_event_files, read_events

pytestmark = pytest.mark.sampled(2)

HERE = "test_build_ranks"
LAYERS = ("stem", "body", "head")
STEPS = range(0, 50, 10)


def make_model() -> Net:
    torch.manual_seed(0)
    return Net()


class SlowNet(Net):
    """Waits in rank 1, so that it can be killed in the middle of a build."""

    def forward(self, x: torch.Tensor) -> Any:
        if os.environ.get("RANK") == "1":
            time.sleep(0.3)
        return super().forward(x)


def make_slow_model() -> Net:
    torch.manual_seed(0)
    return SlowNet()


class FailingNet(Net):
    """Fails in rank 1."""

    def forward(self, x: torch.Tensor) -> Any:
        if os.environ.get("RANK") == "1":
            raise ValueError("no memory left")
        return super().forward(x)


def make_failing_model() -> Net:
    return FailingNet()


def make_probe() -> Any:
    return make_images(24)


def make_config() -> AtlasConfig:
    sizes: Any = {"samples": 24, "grids": (2, 3), "min_count": 1, "neighbors": 4, "epochs": 5}
    # Whether a preliminary atlas is logged depends on a clock.
    return AtlasConfig(**sizes, icons="preview", icon_steps=2, draft_seconds=None)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ckpts")
    for step in STEPS:
        torch.manual_seed(step)
        torch.save(Net().state_dict(), folder / f"step{step}.pt")
    return folder


def list_arguments(
    checkpoints: Path, log_dir: Path, layers: tuple[str, ...], model: str = "make_model"
) -> list[str]:
    return [
        *("build", str(checkpoints / "*.pt"), "--model", f"{HERE}:{model}"),
        *("--data", f"{HERE}:make_probe", "--config", f"{HERE}:make_config"),
        *("--logdir", str(log_dir), *(part for one in layers for part in ("--layer", one))),
    ]


def start_ranks(count: int, arguments: list[str], *options: str) -> subprocess.Popen[str]:
    """Starts the command in several processes of `torchrun`, on one machine by default."""
    one_machine = ("--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0")
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1] / "helpers"), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)),
            *(options or one_machine),
            *("-m", "tensorboard_plugin_atlas", *arguments),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def list_blobs(log_dir: Path) -> list[tuple[str | None, int, tuple[bytes, ...] | None]]:
    return [(event.tag, event.step, event.blobs) for event in read_events(log_dir / "atlas")]


class TestOpenProcessGroup:
    @pytest.mark.parametrize(
        "environment",
        [
            {},
            {"RANK": "1", "WORLD_SIZE": "4"},
            {"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "WORLD_SIZE": "1"},
        ],
    )
    def test_one_process_needs_none(
        self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with open_process_group() as group:
            assert group is None


class TestTorchrun:
    def test_the_log_is_that_of_one_process(self, checkpoints: Path, tmp_path: Path) -> None:
        assert cli.main(list_arguments(checkpoints, tmp_path / "one", LAYERS)) == 0
        process = start_ranks(2, list_arguments(checkpoints, tmp_path / "two", LAYERS))
        output, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
        assert output.count("5 checkpoints of layers stem, body, head") == 1
        assert list_blobs(tmp_path / "two") == list_blobs(tmp_path / "one")
        assert len(list_event_files(tmp_path / "two" / "atlas")) == 1

    def test_a_rank_that_dies_ends_all_and_the_next_start_goes_on(
        self, checkpoints: Path, tmp_path: Path
    ) -> None:
        arguments = list_arguments(
            checkpoints, tmp_path / "runs", LAYERS[:1], model="make_slow_model"
        )
        process = start_ranks(2, arguments)
        log = tmp_path / "runs" / "atlas"
        wait_until(lambda: log.exists() and list_event_files(log), 120)
        kill_rank(process.pid, 1)
        assert process.wait(120) != 0
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
        assert cli.main(arguments) == 0
        found = [(a.layer, a.step, a.sequence) for a in read_atlases(tmp_path / "runs")]
        assert found == [(LAYERS[0], step, number) for number, step in enumerate(STEPS, 1)]

    def test_an_error_of_one_rank_is_reported_by_all(
        self, checkpoints: Path, tmp_path: Path
    ) -> None:
        arguments = list_arguments(
            checkpoints, tmp_path / "runs", LAYERS[:1], model="make_failing_model"
        )
        process = start_ranks(2, arguments)
        _, errors = process.communicate(timeout=240)
        assert process.returncode != 0
        assert "ValueError: no memory left" in errors
        assert not (tmp_path / "runs" / "atlas").exists()

    def test_two_machines(self, checkpoints: Path, tmp_path: Path) -> None:
        few = checkpoints / "few"
        few.mkdir()
        for step in STEPS[:2]:
            shutil.copy2(checkpoints / f"step{step}.pt", few)
        assert cli.main(list_arguments(few, tmp_path / "one", LAYERS[:1])) == 0
        arguments = list_arguments(few, tmp_path / "two", LAYERS[:1])
        meeting = ("--nnodes", "2", "--rdzv-backend", "static", "--master-addr", "localhost")
        port = str(find_free_port())
        machines = [
            start_ranks(1, arguments, *meeting, "--master-port", port, "--node-rank", str(rank))
            for rank in range(2)
        ]
        results = [machine.communicate(timeout=240) for machine in machines]
        assert [machine.returncode for machine in machines] == [0, 0], results
        assert ["2 checkpoints of layers" in output for output, _ in results] == [True, False]
        assert list_blobs(tmp_path / "two") == list_blobs(tmp_path / "one")


def kill_rank(launcher: int, rank: int) -> None:
    """Kills one of the processes that a launcher started."""
    import psutil

    for child in psutil.Process(launcher).children():
        if child.environ().get("RANK") == str(rank):
            os.kill(child.pid, signal.SIGKILL)
            return
    raise AssertionError(f"no rank {rank}")
