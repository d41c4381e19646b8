# SPDX-License-Identifier: Apache-2.0
"""The data of the benchmarks: downloaded once, checked, and converted."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from commands import ROOT
from PIL import Image

from tensorboard_plugin_atlas.demo.data import load


@pytest.fixture
def fetch_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch_data", ROOT / "benchmarks/fetch_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDERS", (tmp_path / "shared", tmp_path / "data"))
    return module


@pytest.fixture
def archive(tmp_path: Path) -> tuple[str, str]:
    """URL and digest of an archive like that of CIFAR-10; image i of batch b has red 20 b + i."""
    path = tmp_path / "origin.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for batch in range(1, 6):
            records = np.zeros((20, 1 + 3 * 32 * 32), np.uint8)
            records[:, 0] = np.arange(20) % 10
            records[:, 1 : 1 + 32 * 32] = (20 * batch + np.arange(20))[:, None]
            data = records.tobytes()
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/data_batch_{batch}.bin")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path.as_uri(), hashlib.sha256(path.read_bytes()).hexdigest()


def test_cifar10_is_downloaded_once_and_converted(
    fetch_data: ModuleType, archive: tuple[str, str]
) -> None:
    path = fetch_data.get_cifar10(*archive)
    with zipfile.ZipFile(path) as images:
        names = images.namelist()
        third = np.asarray(Image.open(io.BytesIO(images.read("bird/0002.png"))))
    assert len(names) == len(set(names)) == 100
    assert third.shape == (32, 32, 3)
    assert third[0, 0].tolist() == [20 * 2 + 2, 0, 0]
    assert load(str(path), limit=100, seed=0).classes == fetch_data.CIFAR10_CLASSES
    assert fetch_data.get_cifar10("https://example.invalid", "none") == path


def test_a_wrong_digest_deletes_the_file(
    fetch_data: ModuleType, archive: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="expected SHA-256 00, but got"):
        fetch_data.get_cifar10(archive[0], "00")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_shared_copy_is_preferred(fetch_data: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    shared = tmp_path / "shared" / "cifar10-train.zip"
    shared.write_bytes(b"")
    assert fetch_data.get_cifar10("https://example.invalid", "none") == shared


def test_missing_photographs_are_described(fetch_data: ModuleType) -> None:
    with pytest.raises(FileNotFoundError, match=r"imagenet-samples\.zip .* class index"):
        fetch_data.get_photographs()


def test_the_digest_is_one_of_sha256(fetch_data: ModuleType) -> None:
    assert len(bytes.fromhex(fetch_data.CIFAR10_SHA256)) == 32
