# SPDX-License-Identifier: Apache-2.0
"""`AtlasCallback` in the real `Trainer` of Lightning."""

import logging

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import (
    EMAWeightAveraging,
    ModelCheckpoint,
    StochasticWeightAveraging,
)
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from tiny_training import CLASSES, Net
from torch import nn
from torch.utils.data import DataLoader
from trainer_runs import OPTIONS, TIMINGS, Images, read_steps

from tensorboard_plugin_atlas import AtlasError, Schedule, compute_atlas, read_atlases
from tensorboard_plugin_atlas.integrations.lightning import AtlasCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore::lightning.pytorch.utilities.warnings.PossibleUserWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
]


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = Net()

    def forward(self, images):
        return self.net(images)

    def training_step(self, batch, _):
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.2)


class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(Images(), batch_size=4, shuffle=True)

    def val_dataloader(self):
        return DataLoader(Images(8), batch_size=4)


def train(folder, *callbacks, module=None, epochs=2, data=None, ckpt=None, **options):
    """Trains for some epochs of four steps; returns the trainer and the module."""
    module = Module() if module is None else module
    settings = {
        "max_epochs": epochs,
        "callbacks": list(callbacks),
        "logger": TensorBoardLogger(folder),
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": any(isinstance(one, ModelCheckpoint) for one in callbacks),
        **options,
    }
    trainer = pl.Trainer(**settings)
    pl.seed_everything(3, verbose=False)
    trainer.fit(module, Data() if data is None else data, ckpt_path=ckpt)
    return trainer, module


def test_one_line_logs_next_to_the_scalars(tmp_path):
    _, module = train(tmp_path, AtlasCallback(["net.body"], **OPTIONS))
    steps = read_steps(tmp_path, "net.body")
    assert steps == {"lightning_logs/version_0/atlas": [0, 8]}  # at 0, and the final state
    assert list((tmp_path / "lightning_logs" / "version_0").glob("events.out.tfevents.*"))
    first, last = read_atlases(tmp_path, layer="net.body")
    assert first.classes == CLASSES
    assert len(first.image_ids) == 6
    assert max(first.image_ids) < 8, "the images are those of the validation set"
    expected = compute_atlas(
        module, "net.body", Data().val_dataloader(), config=OPTIONS["config"], step=8
    )
    np.testing.assert_array_equal(last.activations, expected.activations)


@pytest.mark.parametrize(("options", "expected"), TIMINGS, ids=str)
def test_each_way_to_say_when(tmp_path, options, expected):
    train(tmp_path, AtlasCallback(["net.body"], **options, **OPTIONS))
    assert list(read_steps(tmp_path, "net.body").values()) == [expected]


def test_with_checkpoints(tmp_path):
    saving = ModelCheckpoint(
        tmp_path / "ckpt", every_n_train_steps=3, save_top_k=-1, save_last=True
    )
    train(tmp_path, AtlasCallback(["net.body"], at_checkpoints=True, **OPTIONS), saving)
    assert list(read_steps(tmp_path, "net.body").values()) == [[0, 3, 6, 8]]


def test_gradient_accumulation_repeats_no_step(tmp_path):
    train(
        tmp_path,
        AtlasCallback(["net.body"], every_n_steps=1, **OPTIONS),
        accumulate_grad_batches=2,
    )
    assert list(read_steps(tmp_path, "net.body").values()) == [[0, 1, 2, 3, 4]]


def test_training_is_the_same_to_the_last_bit(tmp_path):
    _, alone = train(tmp_path / "alone")
    _, logged = train(tmp_path / "logged", AtlasCallback(every_n_steps=1, **OPTIONS))
    for one, other in zip(alone.parameters(), logged.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`")
def test_a_resumed_run_continues_its_maps_in_the_same_directory(tmp_path):
    folder = tmp_path / "ckpt"
    saving = ModelCheckpoint(folder, every_n_train_steps=4, save_top_k=-1, filename="{step}")
    log_dir = tmp_path / "log"
    callback = AtlasCallback(["net.body"], every_n_steps=3, log_dir=log_dir, **OPTIONS)
    train(tmp_path, callback, saving)
    assert read_steps(log_dir, "net.body") == {"atlas": [0, 3, 6, 8]}
    train(tmp_path, callback, epochs=3, ckpt=folder / "step=4.ckpt")
    assert read_steps(log_dir, "net.body") == {"atlas": [0, 3, 6, 9, 12]}
    atlases = list(read_atlases(log_dir, layer="net.body"))
    assert [atlas.sequence for atlas in atlases] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "average",
    [lambda: EMAWeightAveraging(decay=0.5), lambda: StochasticWeightAveraging(0.1, 1)],
    ids=["ema", "swa"],
)
def test_averaged_weights(tmp_path, average):
    callback = AtlasCallback(["net.body"], weights="ema", every_n_steps=2, **OPTIONS)
    averaging = average()
    # Before on_train_end, where Lightning copies the averaged weights into the module.
    kept = []

    class Keep(pl.Callback):
        def on_train_epoch_end(self, trainer, pl_module):
            state = averaging._average_model.state_dict().items()
            kept.append({name: value.clone() for name, value in state})

    train(tmp_path, callback, averaging, Keep(), epochs=1)
    *_, last = read_atlases(tmp_path, layer="net.body")
    twin = Module()
    averaged = {name.removeprefix("module."): value for name, value in kept[0].items()}
    averaged.pop("n_averaged", None)
    twin.load_state_dict(averaged)
    expected = compute_atlas(twin, "net.body", Data().val_dataloader(), config=OPTIONS["config"])
    np.testing.assert_array_equal(last.activations, expected.activations)


def test_a_fast_dev_run_and_a_validation_log_nothing(tmp_path, caplog):
    callback = AtlasCallback(["net.body"], **OPTIONS)
    with caplog.at_level(logging.INFO):
        trainer, module = train(tmp_path, callback, fast_dev_run=True)
    assert "fast_dev_run logs no atlases" in caplog.text
    trainer.validate(module, Data(), verbose=False)
    assert read_steps(tmp_path, "net.body") == {}


def test_without_a_tensorboard_logger_the_directory_of_the_trainer_is_used(tmp_path):
    train(tmp_path, AtlasCallback(["net.body"], **OPTIONS), logger=CSVLogger(tmp_path))
    assert list(read_steps(tmp_path, "net.body")) == ["lightning_logs/version_0/atlas"]
    root = tmp_path / "none"
    callback = AtlasCallback(["net.body"], **OPTIONS)
    train(tmp_path, callback, logger=False, default_root_dir=root)
    assert list(read_steps(root, "net.body")) == ["atlas"]


def test_an_exception_closes_the_writer_and_is_raised(tmp_path):
    class Fails(pl.Callback):
        def on_train_batch_end(self, trainer, *_):
            if trainer.global_step == 2:
                raise KeyError("from the user")

    callback = AtlasCallback(["net.body"], every_n_steps=1, **OPTIONS)
    with pytest.raises(KeyError, match="from the user"):
        train(tmp_path, callback, Fails())
    assert list(read_steps(tmp_path, "net.body").values()) == [[0, 1]]


def test_a_module_without_a_loss_trains_on(tmp_path, caplog):
    class NoLoss(Module):
        automatic_optimization = False

        def training_step(self, batch, _):
            self.optimizers().step()

    callback = AtlasCallback(["net.body"], schedule=Schedule.when_loss_falls(), **OPTIONS)
    train(tmp_path, callback, module=NoLoss())
    assert "no more atlases are logged by the schedule: loss=None" in caplog.text
    assert list(read_steps(tmp_path, "net.body").values()) == [[0, 8]]


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(AtlasError, match="every_n_steps=5 and at_checkpoints=True: pass one"):
        AtlasCallback(every_n_steps=5, at_checkpoints=True)
    with pytest.raises(AtlasError, match="every_n_epochs=0: pass at least 1"):
        AtlasCallback(every_n_epochs=0)
    with pytest.raises(AtlasError, match="weights='swa': pass 'model' or 'ema'"):
        AtlasCallback(weights="swa")
    with pytest.raises(AtlasError, match="weights='ema': the trainer has no callback"):
        train(tmp_path, AtlasCallback(weights="ema", **OPTIONS))
    loader = DataLoader(Images(), batch_size=4)
    with pytest.raises(AtlasError, match=r"there is no validation set .*pass probe=val_set"):
        train(tmp_path, AtlasCallback(**OPTIONS), data=loader)
