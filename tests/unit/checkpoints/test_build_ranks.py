# SPDX-License-Identifier: Apache-2.0
"""A build that several ranks share: the log is that of one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import Net, make_images, wait_until

from tensorboard_plugin_atlas import AtlasConfig, cli, read_atlases
from tensorboard_plugin_atlas.checkpoints.ranks import (
    RankSink,
    append_records,
    join_ranks,
    split_layers,
)
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import PROBE_TAG
from tensorboard_plugin_atlas.logs.event_file import EventSink, list_event_files, read_events

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


def make_probe() -> Any:
    return make_images(24)


def make_config() -> AtlasConfig:
    sizes: Any = {"samples": 24, "grids": (2, 3), "min_count": 1, "neighbors": 4, "epochs": 5}
    return AtlasConfig(**sizes, icons="preview", icon_steps=2)


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


def start_ranks(count: int, arguments: list[str]) -> subprocess.Popen[str]:
    """Starts the command in several processes of `torchrun`."""
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1] / "helpers"), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)),
            *("--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"),
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


class TestSplit:
    @pytest.mark.parametrize(
        ("ranks", "parts"),
        [
            (1, (("stem", "body", "head"),)),
            (2, (("stem", "body"), ("head",))),
            (4, (("stem",), ("body",), ("head",), ())),
        ],
    )
    def test_layers(self, ranks: int, parts: tuple[tuple[str, ...], ...]) -> None:
        assert split_layers(LAYERS, ranks) == parts


class TestJoinRanks:
    @pytest.mark.parametrize(
        "environment",
        [
            {},
            {"RANK": "1", "WORLD_SIZE": "4"},
            {"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "WORLD_SIZE": "1"},
        ],
    )
    def test_one_process(
        self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with join_ranks() as ranks:
            assert (ranks.rank, ranks.size) == (0, 1)
            assert ranks.share("key", [1, 2]) == [1, 2]
            ranks.wait_for_all("key")

    def test_several_machines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes = {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}
        for name, value in {"TORCHELASTIC_RUN_ID": "none", **sizes}.items():
            monkeypatch.setenv(name, value)
        with (
            pytest.raises(ArgumentError, match="started 4 processes, 2 of them on this machine"),
            join_ranks(),
        ):
            pass


class TestRankSink:
    def test_records_reach_the_log_when_a_checkpoint_is_complete(self, tmp_path: Path) -> None:
        sink, log = RankSink("runs/atlas", tmp_path, 1), EventSink(tmp_path / "log" / "atlas")
        assert sink.location == "runs/atlas"
        sink.write(PROBE_TAG, (b"images",), 0)
        sink.write("layer/a", (b"one",), 5, 1.0)
        sink.flush()
        assert not list(tmp_path.glob("*.records"))
        sink.finish(5)
        append_records(log, tmp_path, 1, 5)
        log.close()
        assert list_blobs(tmp_path / "log") == [("layer/a", 5, (b"one",))]
        assert not list(tmp_path.glob("1*"))

    def test_an_unfinished_checkpoint_is_lost(self, tmp_path: Path) -> None:
        sink = RankSink("runs/atlas", tmp_path, 1)
        sink.write("layer/a", (b"one",), 5, 1.0)
        sink.close()
        sink.write("layer/a", (b"two",), 5, 1.0)
        sink.finish(5)
        append_records(log := EventSink(tmp_path / "log" / "atlas"), tmp_path, 1, 5)
        log.close()
        assert list_blobs(tmp_path / "log") == [("layer/a", 5, (b"two",))]


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
            checkpoints, tmp_path / "runs", LAYERS[:2], model="make_slow_model"
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
        assert found == [
            (layer, step, number)
            for layer in sorted(LAYERS[:2])
            for number, step in enumerate(STEPS, 1)
        ]


def kill_rank(launcher: int, rank: int) -> None:
    """Kills one of the processes that a launcher started."""
    import psutil

    for child in psutil.Process(launcher).children():
        if child.environ().get("RANK") == str(rank):
            os.kill(child.pid, signal.SIGKILL)
            return
    raise AssertionError(f"no rank {rank}")
