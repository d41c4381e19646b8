# SPDX-License-Identifier: Apache-2.0
"""`StreamedProbe`: images are read when they are needed, and are the same each time."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import re
import signal
import threading

import numpy as np
import pytest
import torch
from image_files import encode, list_named_files, make_pixels, write_folder, write_tar, write_zip
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, default_collate

from tensorboard_plugin_atlas import AtlasConfig, ImageFiles, StreamedProbe
from tensorboard_plugin_atlas.compute.probe.item_reader import make_reader
from tensorboard_plugin_atlas.compute.probe.patches import crop_patches
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.probe.streamed_images import StreamedImages
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.sprite_sheets import unpack

# Python 3.12 warns of each fork of a process with threads; DataLoader forks by default.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")

CONFIG = AtlasConfig(samples=12)
WORKERS = pytest.mark.parametrize("num_workers", [0, 2])


class Photographs(Dataset):
    """Item i is a random image, of class i modulo 4."""

    def __init__(self, count=40, change=None, cheap=True):
        self.images = torch.from_numpy(make_pixels(count)).permute(0, 3, 1, 2).float() / 255
        self.change = change
        if cheap:
            self.targets = [index % 4 for index in range(count)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return (image if self.change is None else self.change(index, image)), index % 4


def have_equal_bits(first, second):
    return np.array_equal(first.numpy().view(np.int32), second.numpy().view(np.int32))


@WORKERS
@pytest.mark.parametrize("form", ["folder", "zip", "tar", "dataset", "subset", "loader"])
def test_a_streamed_probe_equals_the_probe_in_memory(form, num_workers, tmp_path):
    files = list_named_files(60)
    data = {
        "folder": lambda: ImageFiles(write_folder(tmp_path / "a", files)),
        "zip": lambda: ImageFiles(write_zip(tmp_path / "a.zip", files)),
        "tar": lambda: ImageFiles(write_tar(tmp_path / "a.tar", files)),
        "dataset": Photographs,
        "subset": lambda: Subset(Photographs(), range(5, 35)),
        "loader": lambda: DataLoader(Photographs(), batch_size=7),
    }[form]()
    config = AtlasConfig(samples=50, positions_per_image=2)
    kept = build_probe(data, config=config)
    probe = build_probe(StreamedProbe(data, num_workers), config=config)
    assert isinstance(probe.images, StreamedImages)
    assert probe.digest == kept.digest
    assert probe.images.shape == kept.images.shape
    for name in ("labels", "image_ids", "sample_image", "relative_positions"):
        assert np.array_equal(getattr(probe, name), getattr(kept, name))
    assert (probe.classes, probe.notes) == (kept.classes, kept.notes)
    assert have_equal_bits(torch.cat(list(probe.images.iterate(4))), kept.images[:])
    assert have_equal_bits(probe.images[3:9], kept.images[3:9])
    rows = torch.tensor([4, 0, 4, 11])
    assert have_equal_bits(probe.images[rows], kept.images[rows])
    assert have_equal_bits(probe.images.select(rows)[:], kept.images[rows])
    assert have_equal_bits(probe.first(3).images[:], kept.images[:3])
    thumbnails = probe.thumbnails()
    assert np.array_equal(unpack(thumbnails.sheets), unpack(kept.thumbnails().sheets))


def test_patches_are_those_of_the_images_in_memory():
    kept, probe = (
        build_probe(source, config=AtlasConfig(samples=30))
        for source in (Photographs(), StreamedProbe(Photographs()))
    )
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(30, (50,), generator=generator)
    centers = torch.rand(50, 2, generator=generator) * 11
    found = crop_patches(probe.images, rows, centers, (8, 6))
    assert have_equal_bits(found, crop_patches(kept.images, rows, centers, (8, 6)))


def test_only_the_images_that_are_needed_are_read():
    reads = []
    data = Photographs(change=lambda index, image: reads.append(index) or image)
    probe = build_probe(StreamedProbe(data), config=CONFIG)
    first, *once = reads
    assert first == once[0]  # its shape is that of all
    assert once == probe.image_ids.tolist()
    reads.clear()
    probe.images[torch.tensor([7, 2, 7])]
    assert sorted(reads) == probe.image_ids[[2, 7]].tolist()


@WORKERS
def test_labels_from_items_are_balanced_without_keeping_images(num_workers):
    data = Photographs(200, cheap=False)
    probe = build_probe(StreamedProbe(data, num_workers), config=CONFIG)
    assert np.bincount(probe.labels).tolist() == [3, 3, 3, 3]
    assert (probe.labels == probe.image_ids % 4).all()


def test_the_number_of_workers_is_that_of_the_loader():
    assert StreamedProbe(DataLoader(Photographs(), num_workers=2)).num_workers == 2
    assert StreamedProbe(DataLoader(Photographs(), num_workers=2), 1).num_workers == 1
    assert StreamedProbe(Photographs()).num_workers == 0


def test_random_transforms_do_not_depend_on_workers_batches_or_order():
    def change(_index, image):
        return (image + random.random() + np.random.rand() + torch.rand(())) / 4

    data = Photographs(change=change)
    state = random.getstate(), torch.get_rng_state().tolist()
    probes = [build_probe(StreamedProbe(data, workers), config=CONFIG) for workers in (0, 2)]
    all_images = [torch.cat(list(p.images.iterate(size))) for p in probes for size in (1, 5, 12)]
    backwards = torch.stack([probes[0].images[[row]][0] for row in reversed(range(12))]).flip(0)
    assert (random.getstate(), torch.get_rng_state().tolist()) == state
    for images in (*all_images[1:], backwards):
        assert have_equal_bits(images, all_images[0])
    assert probes[0].digest == probes[1].digest
    assert len(np.unique(all_images[0].mean((1, 2, 3)).numpy())) == 12
    other = build_probe(StreamedProbe(data), config=AtlasConfig(samples=12, seed=1))
    assert other.digest != probes[0].digest


@WORKERS
@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_a_damaged_image_in_the_middle_is_named_at_construction(form, num_workers, tmp_path):
    files = list_named_files(60)
    name, data = files[33]
    files[33] = (name, data[:50])
    write = {"folder": write_folder, "zip": write_zip, "tar": write_tar}[form]
    source = StreamedProbe(ImageFiles(write(tmp_path / form, files)), num_workers)
    with pytest.raises(ArgumentError) as caught:
        build_probe(source, config=AtlasConfig(samples=60))
    assert re.fullmatch(
        rf"probe: {name} cannot be read as an image \(.*\); repair it, or remove it",
        str(caught.value),
    )


@WORKERS
def test_an_error_of_the_dataset_names_the_image(num_workers):
    def change(index, image):
        if index == 21:
            raise KeyError("no such row")
        return image

    source = StreamedProbe(Photographs(change=change), num_workers)
    with pytest.raises(ArgumentError, match=r"image 21 cannot be read .*no such row"):
        build_probe(source, config=AtlasConfig(samples=40))


@WORKERS
def test_an_image_of_another_size_is_named(num_workers, tmp_path):
    files = list_named_files(40)
    files[20] = (files[20][0], encode(make_pixels(1, side=9)[0]))
    source = StreamedProbe(ImageFiles(write_folder(tmp_path, files)), num_workers)
    message = rf"image 20 \({files[20][0]}\) has shape \(3, 9, 9\), the first image has \(3, 12"
    with pytest.raises(ArgumentError, match=message):
        build_probe(source, config=AtlasConfig(samples=40))


@WORKERS
def test_an_image_that_changes_later_is_named(num_workers, tmp_path):
    files = list_named_files(40)
    folder = write_folder(tmp_path, files)
    probe = build_probe(
        StreamedProbe(ImageFiles(folder), num_workers), config=AtlasConfig(samples=40)
    )
    name = files[17][0]
    (folder / name).write_bytes(encode(make_pixels(1, seed=9)[0]))
    with pytest.raises(ArgumentError, match=rf"image 17 \({name}\) has changed since the probe"):
        list(probe.images.iterate(8))
    assert len(probe.images[:17]) == 17
    with pytest.raises(ArgumentError, match=r"image 17 \(.*\) has changed"):
        probe.images[10:20]
    (folder / name).unlink()
    with pytest.raises(ArgumentError, match=rf"{name} cannot be read as an image"):
        probe.images[17:18]
    (folder / name).write_bytes(files[17][1])
    assert len(torch.cat(list(probe.images.iterate(8)))) == 40


def test_a_dataset_of_a_script_is_pickled_by_value():
    class OfScript(Photographs):
        pass

    data = OfScript(change=lambda index, image: image + index)
    read = make_reader(DataLoader(data, collate_fn=lambda items: default_collate(items)), data)
    again = pickle.loads(pickle.dumps(read))
    assert torch.equal(again(7).image, read(7).image)


@pytest.mark.filterwarnings("ignore:Got pickle error:UserWarning")
def test_a_dataset_that_cannot_be_pickled_is_reported_if_processes_are_not_forked():
    class Locked(Photographs):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    try:
        with pytest.raises(ArgumentError, match=r"can be started .*lock.* num_workers=0"):
            build_probe(StreamedProbe(Locked(), 2), config=AtlasConfig(samples=40))
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_a_killed_worker_is_reported():
    home = os.getpid()

    def change(index, image):
        if index == 30 and os.getpid() != home:
            os.kill(os.getpid(), signal.SIGKILL)
        return image

    source = StreamedProbe(Photographs(change=change), 2)
    with pytest.raises(ArgumentError, match=r"a process that reads images has ended .*num_workers"):
        build_probe(source, config=AtlasConfig(samples=40))


def test_images_with_nan_are_refused():
    data = Photographs(change=lambda index, image: image * (torch.nan if index == 9 else 1))
    with pytest.raises(ArgumentError, match=r"1 images hold NaN or infinity \(first: \[9\]\)"):
        build_probe(StreamedProbe(data), config=AtlasConfig(samples=40))


class Stream(IterableDataset):
    def __iter__(self):
        return iter([])


@pytest.mark.parametrize(
    "source",
    [
        Stream(),
        DataLoader(Stream()),
        "val/",
        torch.rand(4, 3, 8, 8),
        (torch.rand(4, 3, 8, 8), torch.arange(4)),
        None,
    ],
    ids=["stream", "loader of a stream", "path", "tensor", "tuple", "None"],
)
def test_a_source_without_indices_is_refused(source):
    with pytest.raises(ArgumentError, match=r"StreamedProbe\(source=.*ImageFiles"):
        StreamedProbe(source)


def test_wrong_numbers_and_kinds_are_refused():
    with pytest.raises(ArgumentError, match="num_workers=-1: pass 0 or more"):
        StreamedProbe(Photographs(), -1)
    with pytest.raises(ArgumentError, match="num_workers='2'"):
        StreamedProbe(Photographs(), "2")
    with pytest.raises(ArgumentError, match="probe is empty"):
        build_probe(StreamedProbe(Photographs(0)), config=CONFIG)


def test_label_maps_are_refused():
    data = [(torch.rand(3, 8, 8), torch.zeros(8, 8, dtype=torch.int64)) for _ in range(4)]

    class Maps(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return data[index]

    with pytest.raises(ArgumentError, match="label maps"):
        build_probe(StreamedProbe(Maps()), config=CONFIG)
