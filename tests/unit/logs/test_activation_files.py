# SPDX-License-Identifier: Apache-2.0
"""Activations of all samples in files, written by a real writer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from background_writers import close_all, make_writer  # noqa: F401 - a fixture
from safetensors import safe_open
from tiny_training import TINY, Net

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.errors import ArgumentError

STEP = 20


def read_file(path):
    with safe_open(path, "numpy") as file:
        return file.get_tensor("activations"), file.metadata()


def log(tmp_path, model=None, **options):
    writer = make_writer(tmp_path / "run", model or Net(), config=TINY, **options)
    writer.add_atlas(STEP)
    writer.close()
    return writer


@pytest.mark.parametrize("worker", ["process", "inline"])
def test_a_file_has_a_row_for_each_sample(worker, tmp_path):
    model = Net()
    target = tmp_path / "new" / "activations"
    writer = log(tmp_path, model, layers=["body", "body.0"], worker=worker, activations_dir=target)
    found = collect_activations(model, ["body", "body.0"], writer.probe).layers
    for layer, expected in found.items():
        values, metadata = read_file(target / layer / f"step-{STEP:08d}.safetensors")
        assert values.dtype == np.float16
        assert np.array_equal(values, expected.values.astype(np.float16))
        assert metadata == {"layer": layer, "step": str(STEP), "probe": writer.probe.digest}
    assert len(list(target.rglob("*"))) == 4, "no unfinished files"


def test_values_that_do_not_fit_in_half_precision_are_stored_exactly(tmp_path):
    model = Net().eval()
    with torch.no_grad():
        model.body[1].weight.mul_(1e8)
        model.body[1].bias[0] = torch.nan
    writer = log(tmp_path, model, layers=["body"], worker="inline", activations_dir=tmp_path)
    values, _ = read_file(tmp_path / "body" / f"step-{STEP:08d}.safetensors")
    (expected,) = collect_activations(model, ["body"], writer.probe).layers.values()
    assert values.dtype == np.float32
    assert np.array_equal(values, expected.values, equal_nan=True)
    assert np.isnan(values).any()


@pytest.mark.parametrize("worker", ["process", "inline"])
def test_an_atlas_is_logged_although_its_file_cannot_be_written(worker, tmp_path):
    (tmp_path / "body").write_text("a file where the directory of the layer belongs")
    with pytest.warns(RuntimeWarning, match="the activations of layer 'body' are not written"):
        log(tmp_path, layers=["body"], worker=worker, activations_dir=tmp_path)
    (atlas,) = read_atlases(tmp_path / "run")
    assert atlas.step == STEP


@pytest.mark.parametrize("directory", [7, "file/below", "nul\0"])
def test_a_directory_that_cannot_be_used_is_refused(directory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match=r"activations_dir=.*pass a local directory"):
        make_writer(tmp_path / "run", Net(), activations_dir=directory)
