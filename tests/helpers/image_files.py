# SPDX-License-Identifier: Apache-2.0
"""Small image files in folders, zip files, and tar files, with the pixels that they hold."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

CLASSES = ("cat", "dog", "emu")
SIDE = 12


def make_pixels(count=18, side=SIDE, seed=0):
    """Returns (count, side, side, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8)


def encode(pixels):
    """Returns a PNG, which holds the pixels exactly."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def list_named_files(count=18):
    """Returns names such as "cat/003.png" and encoded images, of three classes in turn."""
    images = make_pixels(count)
    return sorted(
        (f"{CLASSES[index % 3]}/{index:03}.png", encode(pixels))
        for index, pixels in enumerate(images)
    )


def write_folder(folder: Path, files):
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def write_zip(path: Path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def read_expected(files):
    """Returns the images in files as (n, 3, H, W) float32 in [0, 1]."""
    pixels = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for _, data in files]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
