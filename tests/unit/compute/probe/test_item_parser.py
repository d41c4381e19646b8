# SPDX-License-Identifier: Apache-2.0
"""Items and batches in the forms of contrastive, multi-label, gray, and other datasets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_training import CLASSES, TINY, Net
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, read_atlases
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.errors import ArgumentError

COUNT = 6
CONFIG = AtlasConfig(samples=COUNT)
IMAGES = torch.rand(COUNT, 3, 8, 8, generator=torch.Generator().manual_seed(0))
OTHERS = torch.rand(COUNT, 3, 8, 8, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(COUNT) % 3
GRAY = IMAGES[:, 0]
MULTI_HOT = torch.eye(3, dtype=torch.int64)[LABELS] | torch.tensor([1, 0, 0])

VIEWS = "images: each item holds several, such as two views; the first one is used"
SEVERAL = "labels: images may have several, so their shares may add up to more than 100%"
READ_AS_GRAY = "images: (height, width) without channels, read as gray"


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def collate_as_dictionary(items):
    images, labels = zip(*items, strict=True)
    return {"pixel_values": torch.stack(images), "labels": torch.tensor(labels)}


def items_of(*columns):
    return list(zip(*columns, strict=True))


def check(source, images, labels, *notes):
    """Checks the images of a probe of all items, its labels, and its notes; returns it."""
    probe = build_probe(source, config=CONFIG)
    assert torch.equal(probe.images[:], images)
    assert (None if probe.labels is None else probe.labels.tolist()) == (
        None if labels is None else labels.tolist()
    )
    assert probe.notes == notes
    return probe


PAIRS = items_of(IMAGES, OTHERS)


@pytest.mark.parametrize(
    "source",
    [
        items_of(PAIRS, LABELS),
        items_of(map(list, PAIRS), LABELS),
        items_of(IMAGES, OTHERS, LABELS),
        [{"image": pair, "label": label} for pair, label in items_of(PAIRS, LABELS)],
        Stream(items_of(PAIRS, LABELS)),
        DataLoader(items_of(PAIRS, LABELS), batch_size=4),
        DataLoader(Stream(items_of(PAIRS, LABELS)), batch_size=4),
        DataLoader(Stream(items_of(IMAGES, OTHERS, LABELS)), batch_size=4),
        TensorDataset(IMAGES, OTHERS, LABELS),
    ],
    ids=[
        "tuples",
        "lists",
        "flat",
        "dictionaries",
        "stream",
        "loader",
        "loader of a stream",
        "loader of a flat stream",
        "tensor dataset",
    ],
)
def test_the_first_of_several_views_is_used_with_a_note(source):
    check(source, IMAGES, LABELS, VIEWS)


def test_views_need_no_labels():
    check([(pair,) for pair in PAIRS], IMAGES, None, VIEWS)
    check(PAIRS, IMAGES, None, VIEWS)
    check(DataLoader(Stream(PAIRS), batch_size=4), IMAGES, None, VIEWS)


@pytest.mark.parametrize(
    "source",
    [
        GRAY,
        GRAY.numpy(),
        (GRAY, LABELS),
        items_of(GRAY, LABELS),
        DataLoader(items_of(GRAY, LABELS), batch_size=4),
        DataLoader(Stream(items_of(GRAY, LABELS)), batch_size=4),
        DataLoader(items_of(GRAY, LABELS), batch_size=4, collate_fn=collate_as_dictionary),
        {"image": GRAY, "label": LABELS},
    ],
    ids=["tensor", "array", "tensors", "items", "loader", "stream", "collated", "dictionary"],
)
def test_gray_images_get_a_channel_with_a_note(source):
    labels = None if isinstance(source, (torch.Tensor, np.ndarray)) else LABELS
    check(source, GRAY[:, None], labels, READ_AS_GRAY)


@pytest.mark.parametrize(
    "source",
    [
        {"pixel_values": IMAGES, "labels": LABELS},
        {"image": IMAGES.numpy(), "label": LABELS.numpy()},
        [{"pixel_values": x, "labels": y} for x, y in items_of(IMAGES, LABELS)],
        DataLoader(items_of(IMAGES, LABELS), batch_size=4, collate_fn=collate_as_dictionary),
        DataLoader(
            Stream(items_of(IMAGES, LABELS)), batch_size=4, collate_fn=collate_as_dictionary
        ),
        Stream([collate_as_dictionary(items_of(IMAGES, LABELS))]),
    ],
    ids=["tensors", "arrays", "items", "loader", "loader of a stream", "batches"],
)
def test_dictionaries_of_images_and_labels(source):
    check(source, IMAGES, LABELS)


@pytest.mark.parametrize(
    "source",
    [
        (IMAGES, MULTI_HOT),
        (IMAGES, MULTI_HOT.float().numpy()),
        items_of(IMAGES, MULTI_HOT),
        items_of(IMAGES, MULTI_HOT.float()),
        TensorDataset(IMAGES, MULTI_HOT),
        DataLoader(Stream(items_of(IMAGES, MULTI_HOT.tolist())), batch_size=None),
        {"image": IMAGES, "label": MULTI_HOT},
    ],
    ids=["tensors", "arrays", "items", "floats", "tensor dataset", "lists", "dictionary"],
)
def test_multi_hot_labels_are_read_with_the_rarest_first(source):
    probe = check(source, IMAGES, None, SEVERAL)
    count = MULTI_HOT.sum(dim=0)
    for found, wanted in zip(probe.label_sets.tolist(), MULTI_HOT, strict=True):
        classes = wanted.nonzero().ravel().tolist()
        ordered = sorted(classes, key=lambda index: (count[index], index))
        assert found == [*ordered, *[-1] * (len(found) - len(ordered))]
    assert probe.label_sets.shape[1] == MULTI_HOT.sum(dim=1).max()


def test_one_hot_labels_are_class_indices():
    check((IMAGES, torch.eye(3)[LABELS % 3]), IMAGES, LABELS % 3)


def test_images_without_any_of_several_labels_have_none():
    probe = check((IMAGES, torch.zeros(COUNT, 4)), IMAGES, None)
    assert probe.label_sets is None
    one = torch.zeros(COUNT, 4)
    one[0, 2] = 1
    probe = check((IMAGES, one), IMAGES, None, SEVERAL)
    assert probe.label_sets.ravel().tolist() == [2, *[-1] * (COUNT - 1)]


def test_other_label_sets_make_another_probe():
    changed = MULTI_HOT.clone()
    changed[0] = 1 - changed[0]
    a, b = (build_probe((IMAGES, labels), config=CONFIG) for labels in (MULTI_HOT, changed))
    assert a.digest != b.digest


def test_class_names_must_name_each_of_several_labels():
    with pytest.raises(ArgumentError, match="classes has 2 names, the probe has the label"):
        build_probe((IMAGES, torch.ones(COUNT, 5)), config=CONFIG, classes=["a", "b"])


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (torch.zeros(COUNT, 4, 4, dtype=torch.int64), "int64 of shape (4, 4)"),
        (torch.rand(COUNT, 5), "float32 of shape (5,)"),
        (torch.rand(COUNT), "float32 of shape ()"),
        ([[[1], [2, 3]]] * COUNT, "lists of several lengths"),
        ([{"boxes": []}] * COUNT, "no numbers"),
    ],
    ids=["label maps of another size", "soft labels", "numbers", "ragged", "boxes"],
)
def test_other_labels_are_left_out_with_a_note(labels, kind):
    note = f"labels: left out, they are {kind}, not class indices or multi-hot"
    check(items_of(IMAGES, labels), IMAGES, None, note)


MAPS = torch.randint(-1, 5, (COUNT, 8, 8), generator=torch.Generator().manual_seed(2))
READ_FROM_MAPS = "labels: read from label maps, at the positions of the samples"


@pytest.mark.parametrize(
    "source",
    [
        (IMAGES, MAPS),
        (IMAGES.numpy(), MAPS.numpy()),
        (IMAGES, MAPS[:, None]),
        items_of(IMAGES, MAPS),
        items_of(IMAGES, MAPS[:, None].to(torch.int32)),
        DataLoader(items_of(IMAGES, MAPS), batch_size=4),
        DataLoader(Stream(items_of(IMAGES, MAPS)), batch_size=4),
        [{"pixel_values": x, "labels": y} for x, y in items_of(IMAGES, MAPS)],
    ],
    ids=["tensors", "arrays", "channel", "items", "item channel", "loader", "stream", "mappings"],
)
def test_labels_are_read_from_label_maps_at_the_samples(source):
    probe = build_probe(source, config=AtlasConfig(samples=4 * COUNT, positions_per_image=4))
    assert probe.labels is None
    assert probe.notes == (READ_FROM_MAPS,)
    rows, columns = np.floor(probe.relative_positions * 8.0).astype(int).T
    expected = MAPS.numpy()[probe.sample_image, rows, columns]
    assert probe.sample_labels().dtype == np.int32
    np.testing.assert_array_equal(probe.sample_labels(), expected)
    few = probe.first(2)
    np.testing.assert_array_equal(few.sample_labels(), expected[: len(few)])


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(None, [0, -1, 4, -1]), (["a", "b", "c"], [0, -1, -1, -1]), (["x"] * 300, [0, -1, 4, 255])],
    ids=["none", "few", "many"],
)
def test_pixels_without_a_class_are_unlabeled(classes, expected):
    maps = torch.tensor([0, -1, 4, 255])[:, None, None].expand(4, 8, 8)
    probe = build_probe((IMAGES[:4], maps), config=AtlasConfig(samples=4), classes=classes)
    assert probe.sample_labels().tolist() == expected


def test_label_maps_of_some_images_are_left_out_with_a_note():
    labels = [one if index % 2 else None for index, one in enumerate(MAPS)]
    probe = build_probe(items_of(IMAGES, labels), config=CONFIG)
    assert probe.sample_labels() is None
    assert probe.notes == ("labels: left out, 3 of 6 probe images have none",)


def test_the_digest_of_a_probe_depends_on_its_label_maps():
    digests = {build_probe((IMAGES, maps), config=CONFIG).digest for maps in (MAPS, MAPS.flip(0))}
    assert len(digests) == 2


REFUSED = {
    "video": (torch.rand(COUNT, 4, 3, 8, 8), r"\(4, 3, 8, 8\).* are video clips \(frames, channel"),
    "labeled video": ((torch.rand(COUNT, 4, 3, 8, 8), LABELS), "are video clips"),
    "video items": ([(torch.rand(4, 3, 8, 8), 0)] * COUNT, "are video clips"),
    "video in a loader": (
        DataLoader(Stream([(torch.rand(4, 3, 8, 8), 0)] * COUNT), batch_size=2),
        "are video clips",
    ),
    "waves": (torch.rand(COUNT, 800), r"shape \(800,\) and dtype float32 are audio waves"),
    "labeled waves": ((torch.rand(COUNT, 1, 800), LABELS), r"\(1, 800\).* are audio waves"),
    "wave items": ([(torch.rand(800), 0)] * COUNT, "are audio waves or feature vectors"),
    "stereo items": ([(torch.rand(2, 800), 0)] * COUNT, "are audio waves or feature vectors"),
    "waves in a loader": (
        DataLoader(Stream([(torch.rand(1, 800), 0)] * COUNT), batch_size=2),
        "are audio waves",
    ),
    "tokens": (torch.zeros(COUNT, 77, dtype=torch.int64), r"int64 are text tokens \(integers\)"),
    "token items": ([(torch.zeros(77, dtype=torch.int32), 0)] * COUNT, "are text tokens"),
    "token dictionaries": (
        {"input": torch.zeros(COUNT, 77, dtype=torch.int64), "label": LABELS},
        "are text tokens",
    ),
    "one image": (
        IMAGES[0],
        r"shape \(3, 8, 8\); pass them as \(images, channels, height, width\)",
    ),
    "datasets": ({"train": [1], "test": [2]}, "pass a Dataset, a DataLoader"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_data_is_refused_by_name(name):
    source, message = REFUSED[name]
    with pytest.raises(ArgumentError, match=message):
        build_probe(source, config=CONFIG)


def test_two_gray_images_are_not_a_batch_with_labels():
    pair = [GRAY[0], GRAY[1]]
    probe = build_probe(pair, config=CONFIG)
    assert torch.equal(probe.images[:], GRAY[:2, None])


def test_a_writer_logs_atlases_of_a_contrastive_data_set(tmp_path):
    """The notes are in the atlas, and the labels in its samples."""
    data = items_of(PAIRS, LABELS)
    with AtlasWriter(
        tmp_path, Net(), ["body"], probe=data, classes=CLASSES, config=TINY, strict=True
    ) as writer:
        writer.add_atlas(1)
    (atlas,) = read_atlases(tmp_path)
    assert VIEWS in atlas.provenance.notes
    assert atlas.samples.labels.tolist() == LABELS[atlas.image_ids].tolist()
