# SPDX-License-Identifier: Apache-2.0
"""Writers with a `StreamedProbe`: the worker reads the images from the same source."""

from __future__ import annotations

import dataclasses
import os
import threading

import numpy as np
import pytest
from background_writers import close_all, make_writer  # noqa: F401 - a fixture
from image_files import encode, list_named_files, make_pixels, write_folder, write_zip
from tiny_training import CLASSES, TINY, Net

from tensorboard_plugin_atlas import (
    AtlasConfig,
    ImageFiles,
    StreamedProbe,
    compute_atlas,
    read_atlases,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.image_memory_check import check_image_memory
from tensorboard_plugin_atlas.errors import ArgumentError

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")

COUNT = 40
CONFIG = dataclasses.replace(TINY, samples=2 * COUNT, positions_per_image=2, batch_size=8)


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "val", list_named_files(COUNT))


def log(target, probe, model, **more):
    atlas = make_writer(target, model, probe=probe, config=CONFIG, classes=CLASSES, **more)
    atlas.add_atlas(0)
    atlas.add_atlas(1)
    atlas.close()
    return list(read_atlases(target))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("worker", "num_workers"), [("process", 0), ("process", 2), ("inline", 2)])
def test_a_streamed_log_equals_that_of_images_in_memory(worker, num_workers, folder, tmp_path):
    model = Net()
    expected = log(tmp_path / "kept", ImageFiles(folder), model, worker="inline")
    data = ImageFiles(folder)
    found = log(tmp_path / "streamed", StreamedProbe(data, num_workers), model, worker=worker)
    assert [atlas.step for atlas in found] == [atlas.step for atlas in expected] == [0, 1]
    for atlas, other in zip(found, expected, strict=True):
        assert atlas.provenance.probe == other.provenance.probe
        for name in ("activations", "xy", "image_ids", "positions", "boxes", "predictions"):
            assert np.array_equal(getattr(atlas, name), getattr(other, name)), name
        assert np.array_equal(atlas.grids[0].attribution, other.grids[0].attribution)


def test_icons_are_real_patches_of_the_files(folder, tmp_path):
    config = dataclasses.replace(CONFIG, icons="examples")
    data, model = ImageFiles(folder), Net()
    kept, streamed = (
        compute_atlas(model, "body", probe, config=config, classes=CLASSES)
        for probe in (data, StreamedProbe(data))
    )
    assert kept.grids[0].icons.std() > 10
    assert np.array_equal(streamed.grids[0].icons, kept.grids[0].icons)


@pytest.mark.parametrize("worker", ["process", "inline"])
def test_a_step_whose_images_have_changed_is_not_logged(worker, folder, tmp_path):
    data = ImageFiles(folder)
    atlas = make_writer(
        tmp_path / "log", probe=StreamedProbe(data), config=CONFIG, classes=CLASSES, worker=worker
    )
    atlas.add_atlas(0)
    atlas.flush()
    changed = folder / data.names[25]
    before = changed.read_bytes()
    changed.write_bytes(encode(make_pixels(1, seed=7)[0]))
    with pytest.warns(RuntimeWarning, match=rf"image 25 \({data.names[25]}\) has changed since"):
        atlas.add_atlas(1)
        atlas.flush()
    changed.write_bytes(before)
    atlas.add_atlas(2)
    atlas.close()
    assert [one.step for one in read_atlases(tmp_path / "log")] == [0, 2]


class Locked:
    """A dataset that cannot be pickled."""

    def __init__(self, data):
        self.data, self.lock = data, threading.Lock()

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index]


def test_a_dataset_that_cannot_be_sent_is_read_in_the_loop(folder, tmp_path):
    probe = StreamedProbe(Locked(ImageFiles(folder)))
    with pytest.warns(RuntimeWarning, match=r"dataset of the probe cannot be pickled .*lock"):
        atlas = make_writer(tmp_path / "log", probe=probe, config=CONFIG, classes=CLASSES)
    atlas.add_atlas(0)
    atlas.close()
    assert len(list(read_atlases(tmp_path / "log"))) == 1


class BoundToItsProcess(ImageFiles):
    """A dataset that no other process can unpickle."""

    def __setstate__(self, state):
        if os.getpid() != state["home"]:
            raise OSError("the database is locked")
        self.__dict__.update(state)

    def __getstate__(self):
        return {**self.__dict__, "home": os.getpid()}


def test_a_dataset_that_the_worker_cannot_open_is_read_in_the_loop(folder, tmp_path):
    probe = StreamedProbe(BoundToItsProcess(folder))
    atlas = make_writer(tmp_path / "log", probe=probe, config=CONFIG, classes=CLASSES)
    with pytest.warns(RuntimeWarning, match=r"(?s)not possible.*the database is locked"):
        atlas.add_atlas(0)
        atlas.flush()
        atlas.add_atlas(1)
    atlas.close()
    assert [one.step for one in read_atlases(tmp_path / "log")] == [1]


def test_a_damaged_image_is_an_error_at_construction(tmp_path):
    files = list_named_files(COUNT)
    name = files[30][0]
    files[30] = (name, b"no image")
    data = ImageFiles(write_zip(tmp_path / "val.zip", files))
    with pytest.raises(ArgumentError, match=f"{name} cannot be read as an image"):
        make_writer(tmp_path / "log", probe=StreamedProbe(data), config=CONFIG, classes=CLASSES)


def test_shortcuts_need_images_that_fit_in_memory(folder):
    probe = build_probe(StreamedProbe(ImageFiles(folder)), config=AtlasConfig(samples=COUNT))
    check_image_memory(probe, "shortcuts=True")
    large = dataclasses.replace(probe.images, image_shape=(3, 4096, 4096))
    with pytest.raises(ArgumentError, match=r"shortcuts=True needs all 40 images .* at most 10 im"):
        check_image_memory(dataclasses.replace(probe, images=large), "shortcuts=True")
