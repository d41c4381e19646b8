# SPDX-License-Identifier: Apache-2.0
"""The probe: selection, kinds of sources and rejected arguments."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    random_split,
)

from tensorboard_plugin_atlas.compute.probe.normalize import Normalize
from tensorboard_plugin_atlas.compute.probe.probe import EDGE, Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.sprite_sheets import unpack

CIFAR = Path(__file__).parents[4].parent / "shared" / "data" / "cifar10-train.zip"


class Pictures(Dataset):
    """Item i is an image filled with i / 1000, of class i modulo `kinds`."""

    def __init__(self, length=60, kinds=3, channels=3, size=16, transform=None, cheap=True):
        self.length, self.kinds, self.shape = length, kinds, (channels, size, size)
        self.transform = transform
        self.reads = []
        if cheap:
            self.targets = [i % kinds for i in range(length)]

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index >= self.length:
            raise IndexError
        self.reads.append(index)
        image = torch.full(self.shape, index / 1000)
        return (image if self.transform is None else self.transform(image)), index % self.kinds


def config(samples=12, **more):
    return AtlasConfig(samples=samples, **more)


def filled_with(probe: Probe) -> np.ndarray:
    """Returns the index of each image in `Pictures`, from its pixels."""
    return np.round(probe.images[:][:, 0, 0, 0].numpy() * 1000).astype(int)


def make_probe(samples=4, size=(16, 16), **more) -> Probe:
    return build_probe(torch.rand(samples, 3, *size), config=config(samples, **more))


# What is selected


def test_rows_labels_and_ids_belong_together():
    probe = build_probe(Pictures(), config=config())
    assert filled_with(probe).tolist() == probe.image_ids.tolist()
    assert (probe.labels == probe.image_ids % 3).all()
    assert probe.images[:].dtype == torch.float32
    assert probe.images.shape == (12, 3, 16, 16)
    assert len(set(probe.image_ids.tolist())) == 12


def test_each_class_has_an_equal_share():
    probe = build_probe(Pictures(60, kinds=4), config=config(12))
    assert np.bincount(probe.labels).tolist() == [3, 3, 3, 3]


def test_the_rest_of_a_small_class_goes_to_the_others():
    labels = torch.tensor([0] * 50 + [1] * 2 + [2] * 30)
    probe = build_probe((torch.rand(82, 1, 4, 4), labels), config=config(20))
    assert np.bincount(probe.labels).tolist() == [9, 2, 9]


def test_only_selected_images_are_read_if_labels_are_known():
    data = Pictures(500)
    probe = build_probe(Subset(data, range(100, 400)), config=config(9))
    assert sorted(data.reads) == (probe.image_ids + 100).tolist()


def test_labels_from_items_are_balanced_too():
    data = Pictures(200, kinds=2, cheap=False)
    probe = build_probe(data, config=config(10))
    assert np.bincount(probe.labels).tolist() == [5, 5]
    assert len(data.reads) <= 41


def test_more_positions_need_fewer_images():
    probe = build_probe(Pictures(), config=config(11, positions_per_image=4))
    assert len(probe.images) == 3
    assert probe.sample_image.tolist() == [0] * 4 + [1] * 4 + [2] * 3
    assert len(probe) == len(probe.relative_positions) == 11
    assert len(np.unique(probe.relative_positions, axis=0)) == 11


def test_a_small_source_is_used_completely_with_a_note():
    probe = build_probe(Pictures(5), config=config(12))
    assert probe.image_ids.tolist() == [0, 1, 2, 3, 4]
    assert any("5 images, 12 wanted" in note for note in probe.notes)


def test_the_probe_depends_on_the_seed_only():
    first, again, other = (build_probe(Pictures(), config=config(seed=s)) for s in (1, 1, 2))
    assert first.digest == again.digest
    assert (first.relative_positions == again.relative_positions).all()
    assert first.digest != other.digest


def test_random_transforms_are_seeded_and_random_states_restored():
    def transform(image):
        return (image + random.random() + np.random.rand() + torch.rand(())) / 4

    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    first = build_probe(Pictures(transform=transform), config=config())
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert before == after
    torch.rand(7)
    again = build_probe(Pictures(transform=transform), config=config())
    assert first.digest == again.digest


# Kinds of source


class Stream(IterableDataset):
    def __iter__(self):
        return iter((torch.full((1, 4, 4), i / 1000), i % 2) for i in range(1000))


def test_a_loader_with_a_subset_sampler():
    data = Pictures(100)
    loader = DataLoader(data, batch_size=7, sampler=SubsetRandomSampler(range(40, 70)))
    probe = build_probe(loader, config=config(10))
    assert filled_with(probe).min() >= 40
    assert filled_with(probe).max() < 70


def test_a_loader_with_its_own_collate_fn():
    def collate(items):
        return {
            "pixel_values": torch.stack([x for x, _ in items]) / 2,
            "labels": [1 for _ in items],
        }

    probe = build_probe(DataLoader(Pictures(), 4, collate_fn=collate), config=config(5))
    assert (filled_with(probe) == np.round(probe.image_ids / 2)).all()
    assert probe.labels.tolist() == [1] * 5


@pytest.mark.parametrize("source", [Stream(), DataLoader(Stream(), batch_size=16)])
def test_a_stream_is_read_up_to_a_bound(source):
    probe = build_probe(source, config=config(20))
    assert np.bincount(probe.labels).tolist() == [10, 10]
    assert (filled_with(probe) == probe.image_ids).all()
    assert probe.image_ids.max() < 80


@pytest.mark.parametrize(
    "source",
    [
        (np.random.rand(6, 3, 8, 8), np.arange(6)),
        [torch.rand(6, 3, 8, 8), torch.arange(6)],
        TensorDataset(torch.rand(6, 3, 8, 8), torch.arange(6)),
        [(torch.rand(3, 8, 8), i) for i in range(6)],
        [{"image": torch.rand(3, 8, 8), "label": torch.tensor(i)} for i in range(6)],
        ConcatDataset([Subset([(torch.rand(3, 8, 8), i) for i in range(6)], range(6))]),
    ],
    ids=["arrays", "list", "tensor dataset", "items", "dictionaries", "nested"],
)
def test_every_kind_of_source_gives_images_and_labels(source):
    probe = build_probe(source, config=config(6))
    assert probe.images.shape == (6, 3, 8, 8)
    assert probe.labels.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "source",
    [torch.rand(6, 3, 8, 8), [torch.rand(3, 8, 8)] * 6, TensorDataset(torch.rand(6, 3, 8, 8))],
)
def test_labels_are_optional(source):
    assert build_probe(source, config=config(6)).labels is None


def test_labels_that_are_not_class_indices_are_ignored():
    items = [(torch.rand(3, 8, 8), torch.rand(5)) for _ in range(4)]
    assert build_probe(items, config=config(4)).labels is None


def test_missing_labels_are_noted():
    items = [(torch.rand(3, 8, 8), None if i % 2 else 0) for i in range(4)]
    probe = build_probe(items, config=config(4))
    assert probe.labels is None
    assert "2 of 4" in probe.notes[0]


# Class names and normalization


def test_class_names_are_found_through_wrappers_or_given():
    data = Pictures()
    data.classes = ["a", "b", "c"]
    part, _ = random_split(ConcatDataset([data, data]), [100, 20])
    assert build_probe(part, config=config()).classes == ("a", "b", "c")
    given = build_probe(data, config=config(), classes=["x", "y", "z"])
    assert given.classes == ("x", "y", "z")
    named = build_probe(data, config=config(), classes={1: "q", 0: "p", 2: "r"})
    assert named.classes == ("p", "q", "r")


def test_the_normalization_of_the_data_set_is_used_for_pictures():
    from torchvision.transforms import v2

    data = Pictures(transform=v2.Compose([v2.Normalize([0.5, 0.4, 0.3], [0.5, 0.25, 0.2])]))
    probe = build_probe(data, config=config(8))
    assert probe.normalize.mean == (0.5, 0.4, 0.3)
    expected = np.round(probe.image_ids / 1000 * 255).astype(np.uint8)
    assert (probe.pictures() == expected[:, None, None, None]).all()


def test_a_probe_outside_zero_to_one_needs_a_normalization():
    images = torch.linspace(-1, 1, 2 * 3 * 4 * 4).view(2, 3, 4, 4)
    with pytest.raises(ArgumentError, match=r"span -1 to 1.*pass normalize=\(mean, std\)"):
        build_probe(images, config=config(2))
    probe = build_probe(images, config=config(2), normalize=((0.5,), (0.5,)))
    assert (probe.pictures()[0, 0, 0, 0], probe.pictures()[1, 3, 3, 2]) == (0, 255)


def test_a_normalization_that_does_not_fit_is_noted():
    probe = build_probe(torch.rand(2, 3, 4, 4), config=config(2), normalize=((9.0,), (1.0,)))
    assert any("clipped" in note for note in probe.notes)


@pytest.mark.parametrize(
    ("mean", "is_far"), [(0.0, False), (0.4, False), (0.6, True), (-0.4, False), (-0.6, True)]
)
def test_pixels_far_outside_of_zero_to_one_are_logged_as_a_warning(caplog, mean, is_far):
    images = torch.linspace(0, 1, 2 * 3 * 4 * 4).view(2, 3, 4, 4)
    build_probe(images, config=config(2), normalize=((mean,), (1.0,)))
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == is_far
    for message in warned:
        assert f"pixels span {mean:.3g} to {1 + mean:.3g} after undoing normalize" in message


# Refusals


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (torch.rand(0, 3, 4, 4), "empty"),
        ([], "empty"),
        (Pictures(0), "empty"),
        (torch.rand(3, 4, 4), r"\(3, 4, 4\)"),
        ((torch.rand(4, 3, 4, 4), torch.arange(3)), r"\(3,\) for 4 images"),
        ((torch.rand(4, 3, 4, 4), torch.rand(4)), "float32"),
        ((torch.rand(4, 3, 4, 4), torch.tensor([0, 1, -1, 2])), "start at -1"),
        (torch.zeros(4, 3, 4, 4, dtype=torch.uint8), r"uint8; .*float\(\) / 255"),
        (torch.full((4, 3, 4, 4), torch.nan), "NaN"),
        ([(Image.new("RGB", (4, 4)), 0)], "add ToTensor"),
        ([(torch.rand(3, 4, 4), 0), (torch.rand(3, 5, 4), 0)], "Resize"),
        ([({"a": 1}, 0)], "dict"),
        ([{"pixels": torch.rand(3, 4, 4)}], "pixels"),
        ([()], "empty tuples"),
        ("folder", "'folder'"),
        (None, "None"),
        (3, "probe=3"),
    ],
)
def test_unusable_sources_are_reported(source, message):
    with pytest.raises(ArgumentError, match=message):
        build_probe(source, config=config(4))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"classes": ["a", "b"]}, "2 names, the probe has the label 2; pass at least 3"),
        ({"classes": "abc"}, "list of class names"),
        ({"classes": []}, "list of class names"),
        ({"classes": {0: "a", 5: "b"}}, "without gaps"),
        ({"normalize": ((0.5, 0.5), (1.0, 1.0))}, "2 channels, the probe's images have 3"),
        ({"normalize": 7}, r"pass \(mean, std\)"),
        ({"normalize": ((0.5,), (0.0,))}, "std above 0"),
    ],
)
def test_unusable_arguments_are_reported(more, message):
    with pytest.raises(ArgumentError, match=message):
        build_probe(Pictures(), config=config(), **more)


# Pictures, thumbnails, positions


@pytest.mark.parametrize(
    ("channels", "pixel"),
    [(1, [51, 51, 51]), (2, [76, 76, 76]), (3, [51, 102, 153]), (5, [51, 102, 153])],
)
def test_pictures_of_any_number_of_channels(channels, pixel):
    levels = torch.tensor([0.2, 0.4, 0.6, 0.8, 1.0])[:channels]
    probe = build_probe(levels.view(1, -1, 1, 1).expand(1, -1, 4, 4), config=config(1))
    assert probe.pictures().shape == (1, 4, 4, 3)
    assert probe.pictures()[0, 2, 2].tolist() == pixel
    assert bool(probe.notes) == (channels in (2, 5))


def test_thumbnails_are_small_and_at_the_top_left():
    images = torch.zeros(3, 3, 100, 200)
    images[1] = 1.0
    pictures = build_probe(images, config=config(3)).thumbnails()
    assert pictures.thumb_size == (48, 96)
    assert pictures.input_size == (100, 200)
    tiles = unpack(pictures.sheets)
    assert tiles.shape == (3, 96, 96, 3)
    assert tiles[1, 4:40, 4:90].min() > 245
    assert tiles[1, 56:].max() < 10


def test_small_images_are_not_enlarged():
    assert make_probe(size=(8, 8)).thumbnails().thumb_size == (8, 8)


def test_thumbnails_shrink_until_they_fit(monkeypatch):
    probe = make_probe(40, size=(96, 96))  # noise: the worst case for any codec
    full = probe.thumbnails()
    limit = sum(map(len, full.sheets.pages)) // 6
    monkeypatch.setattr("tensorboard_plugin_atlas.compute.probe.probe.THUMBNAIL_BYTES", limit)
    less = probe.thumbnails()
    assert sum(map(len, less.sheets.pages)) <= limit
    assert less.thumb_size[0] < 96


@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_positions_lie_inside_any_map(height, width):
    positions = PROBE.map_positions(height, width)
    for axis, size in enumerate((height, width)):
        low = 1 if size >= 3 else 0
        assert positions[:, axis].min() >= low
        assert positions[:, axis].max() <= size - 1 - low


@given(size=st.integers(8, 200))
def test_a_sample_has_the_same_relative_position_in_every_layer(size):
    positions = PROBE.map_positions(size, size)
    inside = PROBE.relative_positions * size - positions
    assert inside.min() >= -1e-4
    assert inside.max() <= 1 + 1e-4


@given(size=st.integers(4, 7))
def test_on_tiny_maps_a_sample_moves_by_less_than_a_position(size):
    off = np.abs(PROBE.relative_positions * size - (PROBE.map_positions(size, size) + 0.5))
    assert off.max() < 1.5


def test_all_inner_positions_are_sampled():
    rows = make_probe(400).map_positions(8, 4)
    assert set(rows[:, 0]) == {1, 2, 3, 4, 5, 6}
    assert set(rows[:, 1]) == {1, 2}


def test_positions_are_not_at_the_edge():
    places = make_probe(300).relative_positions
    assert EDGE <= places.min() < EDGE + 0.05
    assert 1 - EDGE - 0.05 < places.max() <= 1 - EDGE


PROBE = make_probe(200)


@pytest.mark.skipif(not CIFAR.exists(), reason="the CIFAR pictures are not here")
def test_real_images_are_unchanged():
    from torchvision import transforms

    with zipfile.ZipFile(CIFAR) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][::997][:24]
        pictures = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]
    folders = sorted({name.split("/")[-2] for name in names})

    class Cifar(Dataset):
        classes = folders
        transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))]
        )

        def __len__(self):
            return len(pictures)

        def __getitem__(self, index):
            return self.transform(pictures[index]), folders.index(names[index].split("/")[-2])

    probe = build_probe(Cifar(), config=config(20))
    assert isinstance(probe.normalize, Normalize)
    assert probe.classes == tuple(folders)
    for row, index in enumerate(probe.image_ids):
        assert np.array_equal(probe.pictures()[row], np.asarray(pictures[index]))


def test_first_keeps_the_samples_of_its_images():
    probe = build_probe(Pictures(), config=config(12, positions_per_image=2))
    trial = probe.first(2)
    assert len(trial) == 4
    assert trial.sample_image.tolist() == [0, 0, 1, 1]
    assert np.array_equal(trial.relative_positions, probe.relative_positions[:4])
    assert torch.equal(trial.images[:], probe.images[:2])
    assert np.array_equal(trial.labels, probe.labels[:2])
    assert trial.digest == ""
    assert len(probe.first(1000)) == len(probe)
