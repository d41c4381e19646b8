# SPDX-License-Identifier: Apache-2.0
"""`ImageFiles`: images in folders, zip files, tar files, and shards of WebDataset."""

from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pytest
import torch
from image_files import (
    CLASSES,
    encode,
    list_named_files,
    make_pixels,
    read_expected,
    write_folder,
    write_tar,
    write_zip,
)
from PIL import Image
from torch.utils.data import DataLoader

from tensorboard_plugin_atlas import ImageFiles
from tensorboard_plugin_atlas.compute.probe.normalize import Normalize, find_normalize
from tensorboard_plugin_atlas.errors import ArgumentError


def stack(data):
    return torch.stack([data[index][0] for index in range(len(data))])


@pytest.fixture(params=["folder", "stored zip", "deflated zip", "tar", "two tars"])
def source(request, tmp_path):
    files = list_named_files()
    if request.param == "folder":
        return write_folder(tmp_path / "val", files)
    if request.param.endswith("zip"):
        is_stored = request.param.startswith("stored")
        kind = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
        return write_zip(tmp_path / "val.zip", files, kind)
    if request.param == "tar":
        return write_tar(tmp_path / "val.tar", files)
    write_tar(tmp_path / "val-000.tar", files[:7])
    write_tar(tmp_path / "val-001.tar", files[7:])
    return tmp_path / "val-*.tar"


def test_all_sources_hold_the_same_images_and_classes(source):
    data = ImageFiles(source)
    files = list_named_files()
    assert torch.equal(stack(data), read_expected(files))
    assert data.names == [name for name, _ in files]
    assert data.classes == CLASSES
    assert [CLASSES[data[index][1]] for index in range(len(data))] == [
        name.partition("/")[0] for name in data.names
    ]
    assert data.targets.tolist() == [label for _, label in data]


def test_a_pickled_dataset_and_loader_workers_read_the_same_images(source):
    data = ImageFiles(source)
    again = pickle.loads(pickle.dumps(data))
    assert torch.equal(stack(again), stack(data))
    loader = DataLoader(data, batch_size=5, num_workers=2)
    assert torch.equal(torch.cat([images for images, _ in loader]), stack(data))


def test_shards_of_webdataset_have_their_labels_in_other_files(tmp_path):
    pixels = make_pixels(6)
    for shard in range(2):
        files = []
        for index in range(3):
            key = f"{index:04}"  # the same keys in both shards
            number = 3 * shard + index
            files += [
                (f"{key}.png", encode(pixels[number])),
                (f"{key}.cls", f"{number}\n".encode()),
            ]
        files.append(("0000.mask.png", encode(pixels[0])))  # belongs to a sample, is not its image
        write_tar(tmp_path / f"train-{shard:03}.tar", files)
    data = ImageFiles(str(tmp_path / "train-{000..001}.tar"))
    assert data.targets.tolist() == [0, 1, 2, 3, 4, 5]
    assert data.classes is None
    assert torch.equal(stack(data), read_expected([("", encode(one)) for one in pixels]))


def test_images_without_folders_have_no_classes(tmp_path):
    files = [(name.replace("/", "_"), data) for name, data in list_named_files()]
    data = ImageFiles(write_zip(tmp_path / "flat.zip", files))
    assert (data.classes, data.targets) == (None, None)
    assert torch.equal(torch.stack(list(data)[:18]), read_expected(files))


def test_images_are_cropped_resized_and_normalized(tmp_path):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = (255, 0, 51)  # the central square
    folder = write_folder(tmp_path, [("a/x.png", encode(wide)), ("b/y.png", encode(wide))])
    mean, std = (0.5, 0.5, 0.1), (0.25, 0.5, 0.1)
    data = ImageFiles(folder, side=10, normalize=(mean, std))
    expected = torch.tensor([2.0, -1.0, 1.0]).view(3, 1, 1).expand(3, 10, 10)
    image = data[0][0]
    assert image.shape == expected.shape
    # Pixels at the border are interpolated with those outside of the square.
    torch.testing.assert_close(image[:, :, 1:3], expected[:, :, 1:3])
    found = find_normalize(data)
    assert (found.mean, found.std) == (mean, std)


def test_a_transform_gets_the_picture(tmp_path):
    folder = write_folder(tmp_path, list_named_files())

    def to_gray(picture):
        assert isinstance(picture, Image.Image)
        return torch.from_numpy(np.array(picture.convert("L")))[None].float() / 255

    assert ImageFiles(folder, transform=to_gray)[0][0].shape == (1, 12, 12)
    with pytest.raises(ArgumentError, match="transform replaces side and normalize"):
        ImageFiles(folder, transform=to_gray, side=4)


def test_the_identity_is_the_normalization_of_pixels(tmp_path):
    found = find_normalize(ImageFiles(write_folder(tmp_path, list_named_files())))
    assert isinstance(found, Normalize)
    assert (found.mean, found.std) == ((0.0,), (1.0,))


def damage_png(data):
    return data[:40] + b"\0" * 20 + data[60:]


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_a_damaged_image_is_named(form, tmp_path):
    files = list_named_files()
    name, data = files[7]
    files[7] = (name, damage_png(data))
    write = {"folder": write_folder, "zip": write_zip, "tar": write_tar}[form]
    images = ImageFiles(write(tmp_path / form, files))
    images[6], images[8]
    with pytest.raises(ArgumentError, match=rf"{name} cannot be read as an image .*; repair it"):
        images[7]


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_file_that_is_damaged_in_its_archive_is_named(form, tmp_path):
    write = {"zip": write_zip, "tar": write_tar}[form]
    path = write(tmp_path / form, list_named_files())
    data = ImageFiles(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ArgumentError, match=rf"{data.names[-1]} cannot be read as an image"):
        data[len(data) - 1]


def test_a_changed_byte_in_a_zip_is_found_by_its_checksum(tmp_path):
    path = write_zip(tmp_path / "val.zip", list_named_files(), zipfile.ZIP_STORED)
    data = ImageFiles(path)
    content = bytearray(path.read_bytes())
    content[len(encode(make_pixels(1)[0])) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match="its checksum is wrong"):
        data[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "missing", "no such file or folder"),
        (lambda folder: folder / "*.tar", "no such file or folder"),
        (lambda folder: [folder / "a.tar"], "no such file or folder: .*a.tar"),
        (lambda folder: 3, "pass a path, or a list of paths"),
        (lambda folder: write_folder(folder / "x", [("a.txt", b"x")]), "no images found"),
        (lambda folder: write_tar(folder / "x.tar.gz", list_named_files(), "w:gz"), "decompress"),
        (lambda folder: write_folder(folder, [("x", b"x" * 999)]) / "x", "not a zip file or an"),
        (
            lambda folder: write_zip(folder / "x.zip", list_named_files(), zipfile.ZIP_LZMA),
            "not stored or deflated",
        ),
        (
            lambda folder: write_tar(
                folder / "x.tar", [("a.png", encode(make_pixels(1)[0])), ("a.cls", b"cat")]
            ),
            "a.cls holds b'cat'",
        ),
    ],
)
def test_a_path_without_usable_images_is_refused(make, message, tmp_path):
    with pytest.raises(ArgumentError, match=message):
        ImageFiles(make(tmp_path))


@pytest.mark.parametrize("side", [0, -3, 2.5, "224"])
def test_a_side_that_is_no_number_of_pixels_is_refused(side, tmp_path):
    with pytest.raises(ArgumentError, match="side"):
        ImageFiles(write_folder(tmp_path, list_named_files()), side=side)
