# SPDX-License-Identifier: Apache-2.0
"""`make_atlas_writer` in a loop with a real Accelerator."""

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader
from trainer_runs import LAYER, OPTIONS, Images, make_model, read_steps

from tensorboard_plugin_atlas import AtlasError, Schedule, compute_atlas, read_atlases
from tensorboard_plugin_atlas.integrations.accelerate import make_atlas_writer


def train(accelerator, model, atlas=None, steps=8):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    loader = DataLoader(Images(), batch_size=4)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    atlas = atlas and atlas(model)
    torch.manual_seed(3)
    batches = [batch for _ in range(2) for batch in loader][:steps]
    for step, (images, labels) in enumerate(batches):
        if atlas is not None:
            atlas.step(step)
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
    if atlas is not None:
        atlas.add_atlas(steps)
        atlas.close()
    return accelerator.unwrap_model(model)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("worker", ["inline", "process"])
def test_three_lines_log_next_to_the_scalars(tmp_path, precision, worker):
    accelerator = Accelerator(
        cpu=True, mixed_precision=precision, log_with="tensorboard", project_dir=tmp_path
    )
    accelerator.init_trackers("exp1")
    options = {**OPTIONS, "worker": worker, "schedule": Schedule.every(3), "max_pending": 8}

    def start(model):
        return make_atlas_writer(accelerator, model, [LAYER], probe=Images(8), **options)

    model = train(accelerator, make_model(), start)
    accelerator.end_training()
    assert read_steps(tmp_path) == {"exp1/atlas": [0, 3, 6, 8]}
    assert list((tmp_path / "exp1").glob("events.out.tfevents.*"))
    *_, last = read_atlases(tmp_path, layer=LAYER)
    twin = make_model()
    twin.load_state_dict(model.state_dict())
    expected = compute_atlas(twin, LAYER, Images(8), config=OPTIONS["config"], step=8)
    np.testing.assert_array_equal(last.activations, expected.activations)


def test_training_is_the_same_to_the_last_bit(tmp_path):
    accelerator = Accelerator(cpu=True, mixed_precision="bf16")

    def start(model):
        return make_atlas_writer(
            accelerator, model, probe=Images(8), log_dir=tmp_path, **OPTIONS
        ).every(1)

    alone = train(accelerator, make_model())
    logged = train(accelerator, make_model(), start)
    for one, other in zip(alone.parameters(), logged.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_prepared_model_stays_prepared(tmp_path):
    accelerator = Accelerator(cpu=True, mixed_precision="bf16")
    model = accelerator.prepare(make_model()).eval()
    before = dict(vars(model))
    images = torch.rand(2, 3, 12, 12)
    expected = model(images)
    atlas = make_atlas_writer(
        accelerator, model, [LAYER], probe=Images(8), log_dir=tmp_path, **OPTIONS
    )
    atlas.add_atlas(0)
    atlas.close()
    assert vars(model) == before
    assert torch.equal(model(images), expected)


def test_the_logging_directory_is_used_without_a_tracker(tmp_path):
    accelerator = Accelerator(cpu=True, project_dir=tmp_path)
    atlas = make_atlas_writer(accelerator, make_model(), [LAYER], probe=Images(8), **OPTIONS)
    atlas.add_atlas(0)
    atlas.close()
    assert read_steps(tmp_path) == {"atlas": [0]}


def test_without_any_directory_the_message_says_what_to_pass():
    with pytest.raises(AtlasError, match=r'pass log_dir="runs/exp1", or create Accelerator'):
        make_atlas_writer(Accelerator(cpu=True), make_model(), probe=Images(8), **OPTIONS)
