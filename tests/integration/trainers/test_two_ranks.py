# SPDX-License-Identifier: Apache-2.0
"""Each integration in a real run of two processes: rank 0 logs, and nothing waits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trainer_runs import read_steps

HELPERS = Path(__file__).parents[2] / "helpers"

SCRIPT = """\
import sys
import warnings

warnings.simplefilter("ignore")
sys.path[:0] = sys.argv[1:3]
folder = sys.argv[3]

import torch
from test_accelerate import train as train_accelerate
from test_ignite import make_trainer, run
from test_lightning import Data, Module
from test_transformers import LAYER as VIT_LAYER, Pixels, train as train_transformers
from trainer_runs import LAYER, OPTIONS, Images, make_model

import lightning.pytorch as pl
from accelerate import Accelerator
from lightning.pytorch.loggers import TensorBoardLogger
from torch.nn.parallel import DistributedDataParallel

from tensorboard_plugin_atlas.integrations import accelerate, ignite, lightning, transformers

train_transformers(
    f"{folder}/transformers",
    transformers.AtlasCallback([VIT_LAYER], probe=Pixels(8), every_n_steps=2, **OPTIONS),
    num_train_epochs=2,
    ddp_backend="gloo",
)
accelerator = Accelerator(cpu=True, log_with="tensorboard", project_dir=f"{folder}/accelerate")
accelerator.init_trackers("exp1")
train_accelerate(
    accelerator,
    make_model(),
    lambda model: accelerate.make_atlas_writer(
        accelerator, model, [LAYER], probe=Images(8), **OPTIONS
    ).every(2),
    steps=4,
)
model = DistributedDataParallel(make_model())
trainer = make_trainer(model)
handler = ignite.AtlasHandler(
    f"{folder}/ignite", model, [LAYER], probe=Images(8), every_n_steps=2, **OPTIONS
)
handler.attach(trainer)
run(trainer, epochs=1)
callback = lightning.AtlasCallback(["net.body"], every_n_steps=2, **OPTIONS)
pl.Trainer(
    max_epochs=2,
    accelerator="cpu",
    devices=2,
    strategy="ddp",
    logger=TensorBoardLogger(f"{folder}/lightning"),
    callbacks=[callback],
    enable_progress_bar=False,
    enable_model_summary=False,
    enable_checkpointing=False,
).fit(Module(), Data())
"""


@pytest.fixture
def logs(tmp_path_factory):
    """Trains with all four trainers in one run of two processes."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += ["--standalone", folder / "script.py", HELPERS, Path(__file__).parent, folder]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=280,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return folder


def test_one_rank_logs(logs):
    layers = {"accelerate": "body", "ignite": "body", "lightning": "net.body"}
    for trainer in ("transformers", *layers):
        found = read_steps(logs / trainer, layers.get(trainer))
        assert list(found.values()) == [[0, 2, 4]], trainer
