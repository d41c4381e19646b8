# SPDX-License-Identifier: Apache-2.0
"""Files of checkpoints: which are found, and the step and wall time of each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tensorboard_plugin_atlas.checkpoints.checkpoint_files import find_checkpoints
from tensorboard_plugin_atlas.errors import ArgumentError

STATE = {"weight": torch.ones(2)}


def save(path: Path, content: Any = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(STATE if content is None else content, path)
    return path


def list_steps(pattern: Any, **more: Any) -> dict[str, int]:
    return {one.path.name: one.step for one in find_checkpoints(pattern, **more)}


class TestSteps:
    @pytest.mark.parametrize(
        ("name", "step"),
        [
            ("500.pt", 500),
            ("step500.pt", 500),
            ("resnet18-step_0500-loss0.25.pth", 500),
            ("epoch=3-step=500.ckpt", 500),
            ("checkpoint-12.pth.tar", 12),
            ("vit_b_16_ckpt_40.pt", 40),
            ("resnet18_ep5.pt", 5),
            ("epoch_5_accuracy_0.91.pt", 5),
            ("ep5-seed3.pt", 5),
            ("step_70/weights.pt", 70),
            ("checkpoint-70/weights.pth", 70),
        ],
    )
    def test_in_the_name(self, name: str, step: int, tmp_path: Path) -> None:
        (one,) = find_checkpoints(save(tmp_path / name))
        assert one.step == step

    @pytest.mark.parametrize(
        "content",
        [
            {"global_step": 70, "epoch": 3, "state_dict": STATE},
            {"step": torch.tensor(70), "model": STATE},
            {"iteration": 70, "step": "last", "model": STATE},
        ],
    )
    def test_that_a_checkpoint_states(self, content: Any, tmp_path: Path) -> None:
        (one,) = find_checkpoints(save(tmp_path / "version5.pt", content))
        assert one.step == 70

    def test_an_epoch_counts_if_there_is_no_step_at_all(self, tmp_path: Path) -> None:
        save(tmp_path / "first.pt", {"epoch": 2, "state_dict": STATE})
        save(tmp_path / "last.pt", {"epoch": 4, "state_dict": STATE})
        assert list_steps(tmp_path / "*.pt") == {"first.pt": 2, "last.pt": 4}

    def test_all_come_from_one_source(self, tmp_path: Path) -> None:
        save(tmp_path / "1.pt", {"global_step": 1000, "state_dict": STATE})
        save(tmp_path / "2.pt")
        assert list_steps(tmp_path / "*.pt") == {"1.pt": 1, "2.pt": 2}

    def test_of_hugging_face(self, tmp_path: Path) -> None:
        for folder, state in {"a": '{"global_step": 500}', "b": '{"global_step": 1000}'}.items():
            (tmp_path / folder).mkdir()
            save_file(STATE, tmp_path / folder / "model.safetensors")
            (tmp_path / folder / "trainer_state.json").write_text(state)
        assert list_steps(tmp_path / "?") == {"a": 500, "b": 1000}

    @pytest.mark.parametrize("state", ["", "[]", '{"global_step": true}', json.dumps({})])
    def test_of_hugging_face_without_a_valid_state(self, state: str, tmp_path: Path) -> None:
        (tmp_path / "checkpoint-70").mkdir()
        save_file(STATE, tmp_path / "checkpoint-70" / "model.safetensors")
        (tmp_path / "checkpoint-70" / "trainer_state.json").write_text(state)
        assert list_steps(tmp_path / "checkpoint-*") == {"checkpoint-70": 70}

    def test_of_a_pattern(self, tmp_path: Path) -> None:
        save(tmp_path / "run9" / "it7-seed3.pt", {"global_step": 5, "model": STATE})
        paths = tmp_path / "**" / "*.pt"
        assert list_steps(paths, step_pattern=r"it(\d+)") == {"it7-seed3.pt": 7}
        assert list_steps(paths, step_pattern=r"\d+(?=\.pt)") == {"it7-seed3.pt": 3}


class TestFiles:
    def test_are_sorted_by_step_and_listed_once(self, tmp_path: Path) -> None:
        for name in ("10.pt", "9.pt", "100.pt"):
            save(tmp_path / name)
        assert list(list_steps([tmp_path / "*.pt", str(tmp_path / "9.pt")]).values()) == [
            9,
            10,
            100,
        ]

    def test_the_wall_time_is_that_of_the_newest_file(self, tmp_path: Path) -> None:
        os.utime(save(tmp_path / "5.pt"), (1_000, 2_000))
        folder = tmp_path / "checkpoint-7"
        folder.mkdir()
        save_file(STATE, folder / "model.safetensors")
        (folder / "config.json").touch()
        os.utime(folder / "model.safetensors", (1_000, 3_000))
        os.utime(folder / "config.json", (1_000, 2_500))
        found = find_checkpoints([tmp_path / "5.pt", folder])
        assert [one.wall_time for one in found] == [2_000, 3_000]


class TestErrors:
    def test_a_pattern_that_matches_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match=r"'.*/\*\.pt' matches no file .*'ckpts/\*\.pt'"):
            find_checkpoints(tmp_path / "*.pt")
        with pytest.raises(ArgumentError, match=r"checkpoints=\[\]: pass paths or patterns"):
            find_checkpoints([])

    def test_a_folder_that_is_no_checkpoint(self, tmp_path: Path) -> None:
        save(tmp_path / "ckpts" / "5.pt")
        with pytest.raises(ArgumentError, match=r"ckpts' is a folder without .*ckpts/\*\.pt'"):
            find_checkpoints(tmp_path / "ckpts")

    def test_no_step(self, tmp_path: Path) -> None:
        save(tmp_path / "run" / "5.pt")
        save(tmp_path / "run" / "best.pt")
        with pytest.raises(ArgumentError, match=r"best\.pt' states no step, .*--step-pattern"):
            find_checkpoints(tmp_path / "run" / "*.pt")

    def test_two_of_one_step(self, tmp_path: Path) -> None:
        save(tmp_path / "a-step5.pt")
        save(tmp_path / "b-step5.pt")
        with pytest.raises(
            ArgumentError, match=r"a-step5\.pt' and '.*b-step5\.pt' are both of step 5; leave one"
        ):
            find_checkpoints(tmp_path / "*.pt")

    @pytest.mark.parametrize(
        ("pattern", "words"),
        [
            ("(", r"--step-pattern '\(': .*pass one such as"),
            (r"epoch(\d+)", r"finds no step in '.*step5\.pt'; pass a regular expression"),
            (r"step5|(x)", "finds no step in"),
            (r"step(.)\.", None),
        ],
    )
    def test_a_pattern_of_steps(self, pattern: str, words: str | None, tmp_path: Path) -> None:
        save(tmp_path / "step5.pt")
        if words is None:
            assert list_steps(tmp_path / "*.pt", step_pattern=pattern) == {"step5.pt": 5}
            return
        with pytest.raises(ArgumentError, match=words):
            find_checkpoints(tmp_path / "*.pt", pattern)

    def test_a_truncated_file(self, tmp_path: Path) -> None:
        path = save(tmp_path / "5.pt")
        path.write_bytes(path.read_bytes()[:-60])
        with pytest.raises(ArgumentError, match=r"checkpoint '.*5\.pt' cannot be read"):
            find_checkpoints(path)
