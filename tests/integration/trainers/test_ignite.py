# SPDX-License-Identifier: Apache-2.0
"""`AtlasHandler` on a real engine of Ignite."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from ignite.handlers import EMAHandler, TensorboardLogger
from torch import nn
from torch.utils.data import DataLoader
from trainer_runs import LAYER, OPTIONS, TIMINGS, Images, make_model, read_steps

from tensorboard_plugin_atlas import AtlasError, Schedule, compute_atlas, read_atlases
from tensorboard_plugin_atlas.integrations.ignite import AtlasHandler


def make_trainer(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)

    def update(engine, batch):
        loss = nn.functional.cross_entropy(model(batch[0]), batch[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return Engine(update)


def run(trainer, epochs=2):
    """Trains for epochs of four iterations."""
    torch.manual_seed(3)
    trainer.run(DataLoader(Images(), batch_size=4), max_epochs=epochs)


def test_one_line_logs_next_to_the_scalars(tmp_path):
    model = make_model()
    trainer = make_trainer(model)
    with TensorboardLogger(tmp_path) as tb_logger:
        AtlasHandler(tb_logger, model, [LAYER], probe=Images(8), **OPTIONS).attach(trainer)
        run(trainer)
    assert read_steps(tmp_path) == {"atlas": [0, 8]}
    *_, last = read_atlases(tmp_path, layer=LAYER)
    expected = compute_atlas(model, LAYER, Images(8), config=OPTIONS["config"], step=8)
    np.testing.assert_array_equal(last.activations, expected.activations)


@pytest.mark.parametrize(("options", "expected"), TIMINGS, ids=str)
def test_each_way_to_say_when(tmp_path, options, expected):
    model = make_model()
    trainer = make_trainer(model)
    AtlasHandler(tmp_path, model, [LAYER], probe=Images(8), **options, **OPTIONS).attach(trainer)
    run(trainer)
    assert read_steps(tmp_path) == {"atlas": expected}


def test_it_can_be_added_to_any_event(tmp_path):
    model = make_model()
    trainer = make_trainer(model)
    at_end = Schedule.at([10**9])
    handler = AtlasHandler(tmp_path, model, [LAYER], probe=Images(8), schedule=at_end, **OPTIONS)
    handler.attach(trainer)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=6), handler)
    run(trainer)
    assert read_steps(tmp_path) == {"atlas": [6, 8]}


def test_averaged_weights(tmp_path):
    model = make_model()
    trainer = make_trainer(model)
    averaging = EMAHandler(model, momentum=0.5)
    averaging.attach(trainer)
    averaged = averaging.ema_model
    AtlasHandler(tmp_path, averaged, [LAYER], probe=Images(8), **OPTIONS).attach(trainer)
    run(trainer)
    *_, last = read_atlases(tmp_path, layer=LAYER)
    expected = compute_atlas(averaged, LAYER, Images(8), config=OPTIONS["config"], step=8)
    np.testing.assert_array_equal(last.activations, expected.activations)
    own = compute_atlas(model, LAYER, Images(8), config=OPTIONS["config"], step=8)
    assert not np.array_equal(last.activations, own.activations)


def test_training_is_the_same_to_the_last_bit(tmp_path):
    alone, logged = make_model(), make_model()
    run(make_trainer(alone))
    trainer = make_trainer(logged)
    AtlasHandler(tmp_path, logged, probe=Images(8), every_n_steps=1, **OPTIONS).attach(trainer)
    run(trainer)
    for one, other in zip(alone.parameters(), logged.parameters(), strict=True):
        assert torch.equal(one, other)


def test_exceptions_and_early_ends(tmp_path):
    model = make_model()
    trainer = make_trainer(model)
    AtlasHandler(tmp_path / "ended", model, [LAYER], probe=Images(8), **OPTIONS).attach(trainer)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=5), Engine.terminate)
    run(trainer)
    assert read_steps(tmp_path / "ended") == {"atlas": [0, 5]}

    trainer = make_trainer(model)
    handler = AtlasHandler(tmp_path / "failed", model, [LAYER], probe=Images(8), **OPTIONS)
    handler.attach(trainer)

    @trainer.on(Events.ITERATION_COMPLETED(once=2))
    def fail(engine):
        raise KeyError("from the user")

    with pytest.raises(KeyError, match="from the user"):
        run(trainer)
    handler.close()
    assert read_steps(tmp_path / "failed") == {"atlas": [0]}


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(AtlasError, match="every_n_steps=5 and every_n_epochs=1: pass one"):
        AtlasHandler(tmp_path, make_model(), probe=Images(), every_n_steps=5, every_n_epochs=1)
