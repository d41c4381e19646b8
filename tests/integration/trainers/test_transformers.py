# SPDX-License-Identifier: Apache-2.0
"""`AtlasCallback` in the real `Trainer` of Transformers."""

import time

import numpy as np
import pytest
import torch
import transformers
from torch.utils.data import Dataset
from trainer_runs import OPTIONS, read_steps
from transformers import (
    Trainer,
    TrainingArguments,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)

from tensorboard_plugin_atlas import AtlasError, Schedule, compute_atlas, read_atlases
from tensorboard_plugin_atlas.integrations.transformers import AtlasCallback

NAMES = {0: "north", 1: "east", 2: "south", 3: "west"}


class Pixels(Dataset):
    """Items as image processors make them: dictionaries of normalized pixels and labels."""

    def __init__(self, count=16, key="labels"):
        self.images = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(5))
        self.count, self.key = count, key

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {"pixel_values": (self.images[index] - 0.5) / 0.5, self.key: index % 4}


def make_vit(**options):
    torch.manual_seed(0)
    config = ViTConfig(
        image_size=16,
        patch_size=4,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=4,
        **options,
    )
    return ViTForImageClassification(config)


# vit.layers.1, or vit.encoder.layer.1 in version 4
LAYER = next(
    name for name, _ in make_vit().named_modules() if name.endswith(("layers.1", "layer.1"))
)


def train(folder, callback=None, *, resume=None, processor=True, **args):
    """Trains for eight steps; returns the model."""
    settings = {
        "output_dir": folder,
        "per_device_train_batch_size": 4,
        "num_train_epochs": 2,
        "report_to": ["tensorboard"],
        "use_cpu": True,
        "save_strategy": "no",
        "disable_tqdm": True,
        "seed": 3,
        **args,
    }
    trainer = Trainer(
        make_vit(id2label=NAMES),
        TrainingArguments(**settings),
        train_dataset=Pixels(),
        processing_class=ViTImageProcessor() if processor else None,
        callbacks=None if callback is None else [callback],
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer.model


def test_one_line_logs_next_to_the_scalars(tmp_path):
    model = train(tmp_path, AtlasCallback([LAYER], probe=Pixels(8), **OPTIONS))
    ((run, steps),) = read_steps(tmp_path, LAYER).items()
    assert steps == [0, 8]
    (scalars,) = (tmp_path / "runs").glob("*/events.out.tfevents.*")
    assert run == f"runs/{scalars.parent.name}/atlas"
    *_, last = read_atlases(tmp_path, layer=LAYER)
    assert last.classes == ("north", "east", "south", "west")
    half = (0.5,) * 3
    expected = compute_atlas(
        model, LAYER, Pixels(8), normalize=(half, half), config=OPTIONS["config"], step=8
    )
    np.testing.assert_array_equal(last.activations, expected.activations)


@pytest.mark.parametrize(
    ("options", "arguments", "expected"),
    [
        ({"every_n_steps": 3}, {}, [0, 3, 6, 8]),
        ({"every_n_epochs": 1}, {}, [0, 4, 8]),
        ({"schedule": Schedule.at([5])}, {"gradient_accumulation_steps": 1}, [5, 8]),
        ({"every_n_steps": 1}, {"gradient_accumulation_steps": 2}, [0, 1, 2, 3, 4]),
        ({"at_checkpoints": True}, {"save_strategy": "steps", "save_steps": 3}, [0, 3, 6, 8]),
    ],
    ids=str,
)
def test_each_way_to_say_when(tmp_path, options, arguments, expected):
    train(tmp_path, AtlasCallback([LAYER], probe=Pixels(8), **options, **OPTIONS), **arguments)
    assert list(read_steps(tmp_path, LAYER).values()) == [expected]


def test_training_is_the_same_to_the_last_bit(tmp_path):
    alone = train(tmp_path / "alone")
    logged = train(
        tmp_path / "logged", AtlasCallback([LAYER], probe=Pixels(8), every_n_steps=1, **OPTIONS)
    )
    for one, other in zip(alone.parameters(), logged.parameters(), strict=True):
        assert torch.equal(one, other)


def test_mixed_precision_and_the_background_process(tmp_path):
    options = {**OPTIONS, "worker": "process", "every_n_steps": 4, "max_pending": 8}
    model = train(tmp_path, AtlasCallback([LAYER], probe=Pixels(8), **options), bf16=True)
    assert list(read_steps(tmp_path, LAYER).values()) == [[0, 4, 8]]
    *_, last = read_atlases(tmp_path, layer=LAYER)
    twin = make_vit()
    twin.load_state_dict(model.state_dict())
    half = (0.5,) * 3
    expected = compute_atlas(
        twin, LAYER, Pixels(8), normalize=(half, half), config=OPTIONS["config"]
    )
    np.testing.assert_array_equal(last.activations, expected.activations)


def test_a_resumed_run_continues_its_maps(tmp_path):
    options = {"every_n_steps": 3, "log_dir": tmp_path / "log", **OPTIONS}
    saving = {"save_strategy": "steps", "save_steps": 4}
    train(tmp_path, AtlasCallback([LAYER], probe=Pixels(8), **options), **saving)
    train(
        tmp_path,
        AtlasCallback([LAYER], probe=Pixels(8), **options),
        resume=str(tmp_path / "checkpoint-4"),
        num_train_epochs=3,
        **saving,
    )
    assert read_steps(tmp_path / "log", LAYER) == {"atlas": [0, 3, 6, 9, 12]}


@pytest.mark.skipif(transformers.__version__ < "5", reason="new in version 5")
def test_the_directory_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))
    train(tmp_path / "out", AtlasCallback([LAYER], probe=Pixels(8), **OPTIONS))
    assert read_steps(tmp_path / "board", LAYER) == {"atlas": [0, 8]}


def test_without_a_logger_earlier_runs_are_left_alone(tmp_path):
    train(tmp_path, AtlasCallback([LAYER], probe=Pixels(8), **OPTIONS))
    callback = AtlasCallback([LAYER], probe=Pixels(8), **OPTIONS)
    time.sleep(1.1)  # folders are named by the second
    train(tmp_path, callback, report_to="none")
    assert [*read_steps(tmp_path, LAYER).values()] == [[0, 8], [0, 8]]


def test_the_directory_of_version_4(tmp_path):
    callback = AtlasCallback([LAYER], probe=Pixels(8), **OPTIONS)

    arguments = TrainingArguments(
        output_dir=tmp_path / "out", use_cpu=True, report_to=[], max_steps=1, save_strategy="no"
    )
    arguments.logging_dir = str(tmp_path / "version4")
    Trainer(
        make_vit(),
        arguments,
        train_dataset=Pixels(),
        processing_class=ViTImageProcessor(),
        callbacks=[callback],
    ).train()
    assert read_steps(tmp_path / "version4", LAYER) == {"atlas": [0, 1]}
    (atlas, *_) = read_atlases(tmp_path / "version4", layer=LAYER)
    assert "LABEL_0" not in (atlas.classes or ()), "default names are no names"


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(AtlasError, match="trainer does not pass the loss to callbacks"):
        AtlasCallback(probe=Pixels(8), schedule=Schedule.when_loss_falls())
    with pytest.raises(AtlasError, match="normalize"):
        train(tmp_path, AtlasCallback([LAYER], probe=Pixels(8), **OPTIONS), processor=False)
