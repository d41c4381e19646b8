# SPDX-License-Identifier: Apache-2.0
"""The recipes of the guide to other experiment trackers store the page byte for byte."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tracker_recipes import needs, run_recipe

LIGHTNING_NAMES = """\
import lightning.pytorch as pl
import torch
from torch import nn
from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter

small = AtlasConfig(samples=40, grids=(4,), icons="examples", min_count=2)
AtlasWriter.__init__.__kwdefaults__.update(config=small, worker="inline", strict=True)
val_set = (torch.rand(40, 3, 16, 16), torch.arange(40) % 4)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*val_set), batch_size=20)
"""
LIGHTNING_MODULE = """\
class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer3 = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))

    def forward(self, images):
        return self.head(self.layer3(images))

    def training_step(self, batch, _):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


module = Module()
"""


def find_pages(folder: Path, below: str) -> list[bytes]:
    """Returns the HTML pages that a tracker stored, without the one that was exported."""
    return [path.read_bytes() for path in (folder / below).rglob("*.html")]


@needs("mlflow")
def test_mlflow_stores_the_page(tmp_path: Path) -> None:
    run_recipe(tmp_path, "mlflow")
    assert (tmp_path / "mlflow.db").exists(), "the store that `mlflow ui` reads by default"
    assert find_pages(tmp_path, "mlruns") == [(tmp_path / "atlas.html").read_bytes()]


@needs("wandb")
def test_wandb_stores_the_page_without_a_login(tmp_path: Path) -> None:
    run_recipe(tmp_path, "wandb")
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    page = (tmp_path / "atlas.html").read_bytes()
    assert find_pages(run, "files/media/html") == [page]
    (history,) = run.glob("*.wandb")
    assert b"html-file" in history.read_bytes(), "the panel refers to the file"


@needs("clearml")
def test_clearml_stores_the_page_without_a_server(tmp_path: Path) -> None:
    run_recipe(tmp_path, "clearml")
    (session,) = tmp_path.rglob("*.zip")
    with zipfile.ZipFile(session) as stored:
        (name,) = (name for name in stored.namelist() if name.endswith(".html"))
        assert stored.read(name) == (tmp_path / "atlas.html").read_bytes()


@needs("lightning")
@needs("mlflow")
def test_lightning_stores_the_page_of_a_training_run(tmp_path: Path) -> None:
    run_recipe(tmp_path, "lightning", LIGHTNING_NAMES + LIGHTNING_MODULE)
    (page,) = find_pages(tmp_path, "mlruns")
    assert page == (tmp_path / "atlas.html").read_bytes()
    assert page.count(b'"atlas?') == 11, "before training, and after each epoch"
