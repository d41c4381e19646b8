# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas build`: makes atlases of checkpoints, and goes on after it was killed."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tiny_training import CLASSES, TINY, Net, make_images

from tensorboard_plugin_atlas import AtlasConfig, build_atlases, cli, read_atlases
from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine
from tensorboard_plugin_atlas.logs.event_file import list_event_files, scan_records

HERE = "test_build_command"
STEPS = (0, 100, 200)
MANY_STEPS = range(0, 600, 100)
LAYERS = ("stem", "body")
KILLS = 20


def make_model() -> Net:
    torch.manual_seed(0)
    return Net()


def make_probe() -> Any:
    return make_images(16)


def make_config() -> AtlasConfig:
    return TINY


def make_no_config() -> dict[str, int]:
    return {"samples": 4}


def read_first_column(output: Any) -> Any:
    return output[:, :2]


def save_checkpoints(folder: Path, steps: Any = STEPS) -> Path:
    folder.mkdir()
    for step in steps:
        torch.manual_seed(step)
        torch.save(Net().state_dict(), folder / f"step{step}.pt")
    return folder


def run_build(folder: Path, *more: str, data: str = f"{HERE}:make_probe") -> int:
    return cli.main(
        [
            *("build", str(folder / "ckpts" / "*.pt"), "--model", f"{HERE}:make_model"),
            *("--data", data, "--logdir", str(folder / "runs" / "exp"), *more),
        ]
    )


def list_logged(log_dir: Path) -> list[tuple[str, int, int | None]]:
    """Returns layer, step, and sequence of all atlases of a log."""
    found = read_atlases(log_dir, on_damage="raise")
    return [(atlas.layer, atlas.step, atlas.sequence) for atlas in found]


TINY_OPTIONS = ("--config", f"{HERE}:make_config", "--layer", "body")


class TestCommand:
    def test_logs_and_then_skips(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        save_checkpoints(tmp_path / "ckpts")
        assert run_build(tmp_path, *TINY_OPTIONS) == 0
        assert list_logged(tmp_path / "runs") == [("body", s, i) for i, s in enumerate(STEPS, 1)]
        output = capsys.readouterr().out
        assert "3 checkpoints of layers body" in output
        assert "an atlas" in output
        assert run_build(tmp_path, *TINY_OPTIONS) == 0
        output = capsys.readouterr().out
        assert "3 checkpoints were in the log before" in output
        assert "0 checkpoints of layers body" in output

    def test_options(self, tmp_path: Path) -> None:
        save_checkpoints(tmp_path / "ckpts")
        options = (*TINY_OPTIONS, "--samples", "6", "--icons", "examples", "--threads", "1")
        functions = ("--output", f"{HERE}:read_first_column", "--device", "cpu")
        pattern = ("--step-pattern", "step([0-9])")
        (tmp_path / "ckpts" / "step100.pt").unlink()
        assert run_build(tmp_path, *options, *functions, *pattern) == 0
        atlases = list(read_atlases(tmp_path / "runs"))
        assert [atlas.step for atlas in atlases] == [0, 2]
        settings = atlases[0].provenance.settings
        assert (settings["samples"], settings["icons"], settings["epochs"]) == (6, "examples", 5)
        assert set(atlases[0].predictions) <= {0, 1}
        assert run_build(tmp_path, *TINY_OPTIONS, "--force", "--last-first") == 0
        assert [step for _, step, _ in list_logged(tmp_path / "runs")] == [0, 200]

    @pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
    @pytest.mark.parametrize("more", [(), ("--num-workers", "0"), ("--num-workers", "2")])
    def test_a_folder_of_images(self, more: tuple[str, ...], tmp_path: Path) -> None:
        save_checkpoints(tmp_path / "ckpts", (0,))
        for name in CLASSES:
            (tmp_path / "val" / name).mkdir(parents=True)
            for number in range(4):
                color = (60 * number, 255 * (name == "east"), 0)
                Image.new("RGB", (12, 12), color).save(tmp_path / "val" / name / f"{number}.png")
        options = ("--normalize", "0.5/0.25", *TINY_OPTIONS, *more)
        assert run_build(tmp_path, *options, data=str(tmp_path / "val")) == 0
        (atlas,) = read_atlases(tmp_path / "runs")
        assert atlas.classes == tuple(sorted(CLASSES))
        assert atlas.provenance.layer_info["normalize"] == ((0.5,), (0.25,))

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--config", f"{HERE}:make_no_config"), "returns a dict; pass a callable"),
            (("--layer", "bodi"), "bodi"),
            (("--device", "nowhere"), "--device 'nowhere' cannot be used"),
            (("--weights", "ema"), "holds no state dict of weights='ema'"),
            (("--step-pattern", "epoch([0-9]+)"), "finds no step in"),
            (("--output", f"{HERE}:nothing"), "--output"),
        ],
    )
    def test_wrong_options(
        self,
        options: tuple[str, ...],
        words: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        save_checkpoints(tmp_path / "ckpts", (0,))
        assert run_build(tmp_path, "--samples", "4", *options) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "runs").exists()

    def test_help_teaches(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            cli.main(["build", "--help"])
        text = capsys.readouterr().out
        assert "build 'ckpts/*.pt' --model my_code:make_model" in text
        assert "run it again" in text


def build_quickly(folder: Path) -> None:
    build_atlases(
        folder / "ckpts" / "*.pt",
        make_model(),
        folder / "runs" / "exp",
        LAYERS,
        probe=make_images(16),
        classes=CLASSES,
        config=TINY,
        progress=False,
    )


def kill_a_build(folder: Path, seconds: float) -> bool:
    """Starts a build in a new process, and kills it; returns False if it ended before."""
    process = multiprocessing.get_context("fork").Process(target=build_quickly, args=(folder,))
    process.start()
    process.join(seconds)
    was_running = process.is_alive()
    process.kill()
    process.join()
    return was_running


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_build_that_is_killed_many_times(tmp_path: Path) -> None:
    save_checkpoints(tmp_path / "ckpts", MANY_STEPS)
    build_quickly(save_and_return(tmp_path / "whole"))
    start = time.perf_counter()
    build_quickly(save_and_return(tmp_path / "timed"))
    duration = time.perf_counter() - start
    delays = random.Random(1)
    was_running = [
        kill_a_build(tmp_path, delays.uniform(0.02, 0.6) * duration) for _ in range(KILLS)
    ]
    assert sum(was_running) > KILLS / 4
    build_quickly(tmp_path)
    assert list_logged(tmp_path / "runs") == list_logged(tmp_path / "whole" / "runs")
    assert [found.text for found in examine(tmp_path / "runs") if found.mark == PROBLEM] == []
    assert list_scalars(tmp_path / "runs" / "exp" / "atlas") == {
        (layer, step) for layer in LAYERS for step in MANY_STEPS
    }


def save_and_return(folder: Path) -> Path:
    folder.mkdir()
    save_checkpoints(folder / "ckpts", MANY_STEPS)
    return folder


def list_scalars(directory: Path) -> set[tuple[str, int]]:
    """Returns the layers and steps whose cost a log has, except for void records."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    found: set[tuple[str, int]] = set()
    for path in list_event_files(directory):
        for record in scan_records(path):
            event = Event.FromString(record.payload)
            if event.session_log.status == SessionLog.START:
                found = {one for one in found if one[1] < event.step}
            for value in event.summary.value:
                if value.tag.endswith("/seconds"):
                    found.add((value.tag.split("/")[1], event.step))
    return found
