# SPDX-License-Identifier: Apache-2.0
"""Devices of the ranks that `torchrun` started."""

from __future__ import annotations

import pytest
import torch

from tensorboard_plugin_atlas.checkpoints.torchrun_group import choose_device


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def set_rank(monkeypatch: pytest.MonkeyPatch, rank: int, size: int = 3) -> None:
    """Sets what `torchrun` sets for the ranks of one machine."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", str(size))
    monkeypatch.setenv("LOCAL_RANK", str(rank))


@pytest.mark.usefixtures("two_gpus")
class TestDevices:
    def test_ranks_of_a_machine_take_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = []
        for rank in range(3):
            set_rank(monkeypatch, rank)
            found.append(choose_device("cuda"))
        assert found == ["cuda:0", "cuda:1", "cuda:0"]

    @pytest.mark.parametrize("device", ["cpu", "cuda:0", "mps"])
    def test_another_name_is_kept(self, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
        set_rank(monkeypatch, 1)
        assert choose_device(device) == device

    @pytest.mark.parametrize("size", [0, 1])
    def test_one_process_has_the_default_gpu(
        self, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if size:
            set_rank(monkeypatch, 0, size)
        else:
            monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
        assert choose_device("cuda") == "cuda"

    def test_a_rank_without_a_number_has_the_default_gpu(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_rank(monkeypatch, 0)
        monkeypatch.delenv("LOCAL_RANK")
        assert choose_device("cuda") == "cuda"
