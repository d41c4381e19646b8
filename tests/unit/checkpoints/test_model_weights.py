# SPDX-License-Identifier: Apache-2.0
"""Weights of checkpoints: formats, prefixes, averaged weights, and files that are refused."""

from __future__ import annotations

import argparse
import io
import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny_training import Net
from torch import Tensor, nn
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.filesystem import _StorageInfo
from torch.distributed.checkpoint.metadata import (
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)
from torch.optim.swa_utils import AveragedModel

from tensorboard_plugin_atlas.checkpoints.checkpoint_reader import (
    is_checkpoint_folder,
    read_checkpoint,
)
from tensorboard_plugin_atlas.checkpoints.model_weights import load_weights
from tensorboard_plugin_atlas.errors import ArgumentError

State = dict[str, Tensor]


class RunsCode:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@dataclass
class Settings:
    """A value that trainers may store."""

    depth: int


def make_state(seed: int = 5) -> State:
    torch.manual_seed(seed)
    return dict(Net().state_dict())


def add_prefix(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def load(path: Path, model: nn.Module | None = None, weights: str = "model") -> State:
    """Returns the state dict of a model after the weights of a checkpoint were loaded into it."""
    model = Net() if model is None else model
    load_weights(model, path, label=f"checkpoint {str(path)!r}", weights=weights)
    return dict(model.state_dict())


def assert_equal(state: State, wanted: State) -> None:
    assert state.keys() == wanted.keys()
    for name, value in wanted.items():
        assert torch.equal(state[name], value), name


class TestFormats:
    @pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.", "net.backbone."])
    @pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model"])
    def test_a_file_of_torch(self, key: str | None, prefix: str, tmp_path: Path) -> None:
        state: Any = add_prefix(prefix, make_state())
        if prefix == "net.backbone.":
            state["loss.weight"] = torch.ones(4)
        torch.save(state if key is None else {key: state, "epoch": 3}, tmp_path / "a.pt")
        assert_equal(load(tmp_path / "a.pt"), make_state())

    def test_parts_of_the_model_were_compiled(self, tmp_path: Path) -> None:
        state = {n.replace("body.", "body._orig_mod."): v for n, v in make_state().items()}
        torch.save(state, tmp_path / "a.pt")
        assert_equal(load(tmp_path / "a.pt"), make_state())

    def test_the_model_is_wrapped(self, tmp_path: Path) -> None:
        torch.save(make_state(), tmp_path / "a.pt")
        model = Net()
        load(tmp_path / "a.pt", nn.DataParallel(model))
        assert_equal(dict(model.state_dict()), make_state())

    def test_safetensors(self, tmp_path: Path) -> None:
        save_file(make_state(), tmp_path / "a.safetensors")
        assert_equal(load(tmp_path / "a.safetensors"), make_state())

    def test_timm(self, tmp_path: Path) -> None:
        content = {
            "epoch": 4,
            "arch": "net",
            "state_dict": make_state(),
            "state_dict_ema": make_state(6),
            "args": argparse.Namespace(lr=0.1, opt="sgd"),
        }
        torch.save(content, tmp_path / "checkpoint-4.pth.tar")
        assert_equal(load(tmp_path / "checkpoint-4.pth.tar"), make_state())
        assert_equal(load(tmp_path / "checkpoint-4.pth.tar", weights="ema"), make_state(6))

    @pytest.mark.parametrize("is_sharded", [False, True])
    @pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
    def test_a_hugging_face_folder(self, name: str, is_sharded: bool, tmp_path: Path) -> None:
        save = save_file if name.endswith(".safetensors") else torch.save
        state = make_state()
        parts = {name: state}
        if is_sharded:
            names = sorted(state)
            parts = {f"{i}-{name}": {n: state[n] for n in names[i::2]} for i in range(2)}
            shards = {n: shard for shard, part in parts.items() for n in part}
            (tmp_path / f"{name}.index.json").write_text(json.dumps({"weight_map": shards}))
        for shard, part in parts.items():
            save(part, tmp_path / shard)
        assert is_checkpoint_folder(tmp_path)
        assert_equal(load(tmp_path), state)

    @pytest.mark.filterwarnings("ignore:torch.distributed is disabled:UserWarning")
    def test_a_folder_of_torch_distributed_checkpoint(self, tmp_path: Path) -> None:
        model = Net()
        model.load_state_dict(make_state())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        content = {"model": dict(model.state_dict()), "optim": optimizer.state_dict(), "step": 7}
        dcp.save(content, checkpoint_id=tmp_path / "step_7")
        assert is_checkpoint_folder(tmp_path / "step_7")
        assert_equal(load(tmp_path / "step_7"), make_state())

    def test_a_folder_that_several_ranks_wrote(self, tmp_path: Path) -> None:
        state = make_state()
        places, described = {}, {}
        for name, value in state.items():
            rows = len(value) // 2 if value.dim() else 0
            parts = {0: value[:rows], rows: value[rows:]} if rows else {0: value}
            for rank, (start, part) in enumerate(parts.items()):
                content = io.BytesIO()
                torch.save(part.clone(), content)
                file = tmp_path / f"__{rank}_0.distcp"
                begin = file.stat().st_size if file.exists() else 0
                with file.open("ab") as shard:
                    shard.write(content.getvalue())
                offset = torch.Size([start] + [0] * (value.dim() - 1)) if value.dim() else None
                place = _StorageInfo(file.name, begin, len(content.getvalue()))
                places[MetadataIndex(f"model.{name}", offset)] = place
            properties = TensorProperties.create_from_tensor(value)
            described[f"model.{name}"] = TensorStorageMetadata(properties, value.size(), [])
        metadata = Metadata(described, storage_data=places)
        (tmp_path / ".metadata").write_bytes(pickle.dumps(metadata))
        assert_equal(load(tmp_path), state)
        places.popitem()
        (tmp_path / ".metadata").write_bytes(pickle.dumps(metadata))
        with pytest.raises(ArgumentError, match=r"2 of 4 values of 'model\.head\.bias' are there"):
            load(tmp_path)

    def test_another_folder_is_no_checkpoint(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").touch()
        assert not is_checkpoint_folder(tmp_path)


class TestChosenWeights:
    def test_an_averaged_model_beside_the_model(self, tmp_path: Path) -> None:
        averaged = AveragedModel(Net())
        averaged.module.load_state_dict(make_state(6))
        torch.save({"model": make_state(), "ema": averaged.state_dict()}, tmp_path / "a.pt")
        assert_equal(load(tmp_path / "a.pt"), make_state())
        assert_equal(load(tmp_path / "a.pt", weights="ema"), make_state(6))

    @pytest.mark.parametrize("is_first", [False, True])
    def test_both_in_one_state_dict(self, is_first: bool, tmp_path: Path) -> None:
        state = add_prefix("model.", make_state())
        average = add_prefix("ema_model.", make_state(6))
        state = average | state if is_first else state | average
        torch.save({"state_dict": state}, tmp_path / "a.ckpt")
        assert_equal(load(tmp_path / "a.ckpt"), make_state())
        assert_equal(load(tmp_path / "a.ckpt", weights="ema"), make_state(6))

    def test_lightning_stores_the_average_as_the_state_dict(self, tmp_path: Path) -> None:
        content = {
            "state_dict": add_prefix("model.", make_state(6)),
            "current_model_state": add_prefix("model.", make_state()),
            "averaging_state": {"n_averaged": torch.tensor(3)},
        }
        torch.save(content, tmp_path / "a.ckpt")
        assert_equal(load(tmp_path / "a.ckpt"), make_state())
        assert_equal(load(tmp_path / "a.ckpt", weights="ema"), make_state(6))

    def test_a_key_of_the_checkpoint(self, tmp_path: Path) -> None:
        torch.save({"student": make_state(), "teacher": make_state(6)}, tmp_path / "a.pt")
        assert_equal(load(tmp_path / "a.pt", weights="teacher"), make_state(6))
        with pytest.raises(
            ArgumentError, match=r"holds no state dict, .*keys are student, teacher"
        ):
            load(tmp_path / "a.pt")

    def test_two_models_in_one_state_dict(self, tmp_path: Path) -> None:
        state = add_prefix("student.net.", make_state()) | add_prefix("teacher.net.", make_state(6))
        torch.save({"state_dict": state}, tmp_path / "a.ckpt")
        assert_equal(load(tmp_path / "a.ckpt", weights="teacher"), make_state(6))
        with pytest.raises(
            ArgumentError,
            match=r"weights of 2 models, student\.net, teacher\.net; pass one of",
        ):
            load(tmp_path / "a.ckpt")
        assert_equal(load(tmp_path / "a.ckpt", weights="student.net"), make_state())

    def test_weights_that_are_not_there(self, tmp_path: Path) -> None:
        torch.save({"state_dict": make_state(), "epoch": 3}, tmp_path / "a.pt")
        with pytest.raises(ArgumentError, match=r"weights='ema'.* its keys are epoch, state_dict"):
            load(tmp_path / "a.pt", weights="ema")


class TestRefusedFiles:
    def test_code_is_not_run(self, tmp_path: Path) -> None:
        torch.save({"model": make_state(), "x": RunsCode(tmp_path / "run")}, tmp_path / "a.pt")
        with pytest.raises(ArgumentError, match=r"a\.pt' .*not loaded, .*Unsupported global"):
            load(tmp_path / "a.pt")
        assert not (tmp_path / "run").exists()

    def test_classes_that_the_user_allows_are_loaded(self, tmp_path: Path) -> None:
        torch.save({"model": make_state(), "config": Settings(3)}, tmp_path / "a.pt")
        with pytest.raises(ArgumentError, match=r"Unsupported global: .*Settings"):
            load(tmp_path / "a.pt")
        with torch.serialization.safe_globals([Settings]):
            assert_equal(load(tmp_path / "a.pt"), make_state())

    def test_code_in_the_metadata_of_a_distributed_checkpoint(self, tmp_path: Path) -> None:
        (tmp_path / ".metadata").write_bytes(pickle.dumps(RunsCode(tmp_path / "run")))
        with pytest.raises(ArgumentError, match=r"not loaded, .*Unsupported global: pathlib"):
            load(tmp_path)
        assert not (tmp_path / "run").exists()

    @pytest.mark.filterwarnings("ignore:torch.distributed is disabled:UserWarning")
    def test_a_missing_part_of_a_distributed_checkpoint(self, tmp_path: Path) -> None:
        dcp.save({"model": make_state()}, checkpoint_id=tmp_path / "a")
        (shard,) = (tmp_path / "a").glob("*.distcp")
        shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
        with pytest.raises(ArgumentError, match=r"checkpoint '.*a' cannot be read"):
            load(tmp_path / "a")

    def test_tensors_that_are_larger_than_the_files(self, tmp_path: Path) -> None:
        properties = TensorProperties.create_from_tensor(torch.zeros(1))
        large = TensorStorageMetadata(properties, torch.Size([1 << 44]), [])
        metadata = Metadata({"model.head.weight": large}, storage_data={})
        (tmp_path / ".metadata").write_bytes(pickle.dumps(metadata))
        with pytest.raises(ArgumentError, match="describes 70,368,744,177,664 bytes of tensors"):
            load(tmp_path)

    def test_an_index_that_names_a_file_elsewhere(self, tmp_path: Path) -> None:
        index = {"weight_map": {"head.weight": "../secret.safetensors"}}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(ArgumentError, match="names a file outside of the folder"):
            load(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"nonsense", None])
    def test_no_checkpoint(self, content: bytes | None, tmp_path: Path) -> None:
        if content is not None:
            (tmp_path / "a.pt").write_bytes(content)
        with pytest.raises(ArgumentError, match=r"checkpoint '.*a\.pt' "):
            load(tmp_path / "a.pt")

    @pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
    @pytest.mark.parametrize("is_mapped", [False, True])
    def test_a_truncated_file(self, name: str, is_mapped: bool, tmp_path: Path) -> None:
        path = tmp_path / name
        (save_file if path.suffix == ".safetensors" else torch.save)(make_state(), path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ArgumentError, match=rf"checkpoint '{name}' cannot be read .*pass a co"):
            read_checkpoint(path, f"checkpoint {name!r}", is_mapped=is_mapped)

    @pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {}, {"state_dict": {}}])
    def test_no_state_dict(self, content: Any, tmp_path: Path) -> None:
        torch.save(content, tmp_path / "a.pt")
        with pytest.raises(ArgumentError, match="holds no state dict"):
            load(tmp_path / "a.pt")

    def test_missing_and_unexpected_names_are_listed_with_the_closest(self, tmp_path: Path) -> None:
        state = make_state()
        state["heads.bias"] = state.pop("head.bias")
        torch.save(state, tmp_path / "a.pt")
        with pytest.raises(
            ArgumentError,
            match=r"missing: head\.bias; unexpected: heads\.bias; the closest names: heads\.bias "
            r"for head\.bias\); pass checkpoints of this model",
        ):
            load(tmp_path / "a.pt")

    def test_another_architecture(self, tmp_path: Path) -> None:
        torch.save(Net(width=9).state_dict(), tmp_path / "a.pt")
        with pytest.raises(
            ArgumentError, match=r"a\.pt' does not fit .*shape: body\.1\.bias \(9,\) instead of \(8"
        ):
            load(tmp_path / "a.pt")
