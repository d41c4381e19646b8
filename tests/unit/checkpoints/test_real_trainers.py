# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that Lightning and Hugging Face's Trainer wrote, where they are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import TINY, Net, make_images
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tensorboard_plugin_atlas import build_atlases
from tensorboard_plugin_atlas.checkpoints.model_weights import load_weights
from tensorboard_plugin_atlas.errors import ArgumentError

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the trainers


def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = Net()

        def training_step(self, batch: Any, index: int) -> Any:
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    saving = lightning.callbacks.ModelCheckpoint(tmp_path, save_top_k=-1, every_n_train_steps=4)
    averaging = lightning.callbacks.EMAWeightAveraging()
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(
        max_steps=8, accelerator="cpu", callbacks=[saving, averaging], **quiet
    )
    module = Module()
    trainer.fit(module, DataLoader(TensorDataset(*make_images(16)), batch_size=4))
    states = {}
    for weights in ("model", "ema"):
        model, runs = Net(), tmp_path / weights
        settings: Any = {"probe": make_images(16), "config": TINY, "weights": weights}
        result = build_atlases(tmp_path / "*.ckpt", model, runs, ["body"], **settings)
        assert result.built == (4, 8)
        states[weights] = model.state_dict()
    assert not torch.equal(states["model"]["head.weight"], states["ema"]["head.weight"])


class ImagesByName(Dataset[Any]):
    """Random images as Hugging Face's Trainer takes them."""

    images, labels = torch.rand(16, 3, 16, 16), torch.arange(16) % 4

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        return {"pixel_values": self.images[index], "labels": int(self.labels[index])}


def test_hugging_face(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    def make_vit(layers: int = 2) -> Any:
        sizes = {"hidden_size": 16, "intermediate_size": 32, "image_size": 16, "patch_size": 4}
        config = transformers.ViTConfig(
            num_hidden_layers=layers, num_attention_heads=2, num_labels=4, **sizes
        )
        return transformers.ViTForImageClassification(config)

    model = make_vit()
    options = {"report_to": [], "use_cpu": True, "disable_tqdm": True}
    arguments = transformers.TrainingArguments(
        str(tmp_path), max_steps=6, save_steps=3, per_device_train_batch_size=4, **options
    )
    transformers.Trainer(model, arguments, train_dataset=ImagesByName()).train()
    built = make_vit()
    probe = (ImagesByName.images, ImagesByName.labels)
    pattern, runs = tmp_path / "checkpoint-*", tmp_path / "runs"
    result = build_atlases(pattern, built, runs, probe=probe, config=TINY)
    assert result.built == (3, 6)
    for name, value in model.state_dict().items():
        assert torch.equal(built.state_dict()[name], value), name
    with pytest.raises(ArgumentError, match=r"does not fit the model \(missing: vit\.layers\.2"):
        load_weights(make_vit(3), tmp_path / "checkpoint-6", label="checkpoint-6")
    (tmp_path / "checkpoint-6" / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ArgumentError, match=r"cannot be read by ViTForImageClassification"):
        load_weights(make_vit(), tmp_path / "checkpoint-6", label="checkpoint-6")
