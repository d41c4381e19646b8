# SPDX-License-Identifier: Apache-2.0
"""Datasets of the benchmarks: `python benchmarks/fetch_data.py` downloads what it can.

`../shared/data` is searched first, then `build/data`. CIFAR-10 is downloaded from its authors and
checked against a SHA-256 digest. Photographs cannot be redistributed; README.md describes them.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT.parent / "shared" / "data", ROOT / "build" / "data")
"""Where the files are searched; downloads go to the last one."""

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR10_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_RECORD_BYTES = 1 + 3 * 32 * 32
_TIMEOUT_SECONDS = 60


def get_cifar10(url: str = CIFAR10_URL, sha256: str = CIFAR10_SHA256) -> Path:
    """Returns the path of the CIFAR-10 training set, a zip of `class/image`; downloads it once."""
    name = "cifar10-train.zip"
    path = _find(name)
    if path is None:
        path = FOLDERS[-1] / name
        archive = download(url, sha256, FOLDERS[-1] / "cifar-10-binary.tar.gz")
        _convert_cifar10(archive, path)
    return path


def get_photographs() -> Path:
    """Returns the path of the zip of photographs.

    Raises:
        FileNotFoundError: if there is none; the message describes the file.
    """
    path = _find("imagenet-samples.zip")
    if path is None:
        raise FileNotFoundError(
            f"{FOLDERS[-1] / 'imagenet-samples.zip'} does not exist: put a zip there of JPEG files "
            "named <ImageNet class index>_<class name>.jpg, such as 0000_tench.jpg; the "
            "published figures use 500 photographs, one for each even class index"
        )
    return path


def download(url: str, sha256: str, path: Path) -> Path:
    """Downloads a file and checks its digest; a file that exists is checked and not downloaded.

    Raises:
        ValueError: if the digest differs; the file is deleted.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        print(f"downloading {url}", file=sys.stderr)
        partial = path.with_name(path.name + ".part")
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as source,
            partial.open("wb") as target,
        ):
            shutil.copyfileobj(source, target)
        partial.replace(path)
    with path.open("rb") as file:
        found = hashlib.sha256()
        while block := file.read(1 << 20):
            found.update(block)
    if found.hexdigest() != sha256:
        path.unlink()
        raise ValueError(
            f"{url}: expected SHA-256 {sha256}, but got {found.hexdigest()}; the file was deleted"
        )
    return path


def _find(name: str) -> Path | None:
    return next((folder / name for folder in FOLDERS if (folder / name).exists()), None)


def _convert_cifar10(archive: Path, path: Path) -> None:
    """Writes the training images of the binary version as PNG files, numbered in each class."""
    counts = dict.fromkeys(CIFAR10_CLASSES, 0)
    partial = path.with_name(path.name + ".part")
    with tarfile.open(archive) as tar, zipfile.ZipFile(partial, "w") as target:
        for batch in range(1, 6):
            file = tar.extractfile(f"cifar-10-batches-bin/data_batch_{batch}.bin")
            assert file is not None
            records = np.frombuffer(file.read(), np.uint8).reshape(-1, _RECORD_BYTES)
            for record in records:
                name = CIFAR10_CLASSES[record[0]]
                pixels = record[1:].reshape(3, 32, 32).transpose(1, 2, 0)
                png = io.BytesIO()
                Image.fromarray(np.ascontiguousarray(pixels)).save(png, "PNG")
                target.writestr(f"{name}/{counts[name]:04}.png", png.getvalue())
                counts[name] += 1
    partial.replace(path)


def main() -> None:
    """Downloads CIFAR-10 and prints where the data is."""
    print(get_cifar10())
    try:
        print(get_photographs())
    except FileNotFoundError as error:
        print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
