# SPDX-License-Identifier: Apache-2.0
"""Dense logits, as those of a segmentation network: predictions at the positions of the samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torchvision
from tiny_training import CLASSES, TINY, Net, make_images
from torch import nn
from torch.nn.functional import interpolate

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    compute_atlas,
    find_shortcuts,
    read_atlases,
)
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.model_interface import (
    check_interface,
    explain_missing_logits,
    find_logits,
    use_interface,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe

ATTRIBUTED = AtlasConfig(
    **{**TINY.as_dict(), "samples": 32, "positions_per_image": 2, "attribution": True}
)
DENSE = "predictions: the logits are dense: a prediction is that at the position of its sample"


class Segmenter(Net):
    """A small encoder and decoder: logits of the size of the images."""

    def __init__(self, pack=lambda logits: logits):
        super().__init__()
        self.up = nn.Conv2d(8 + 6, 8, 3, padding=1)
        self.dense = nn.Conv2d(8, len(CLASSES), 1)
        self.pack = pack

    def forward(self, x):
        skip = self.stem(x)
        up = interpolate(self.body(skip), scale_factor=2)
        return self.pack(self.dense(self.up(torch.cat([up, skip], 1)).relu()))


class Averaged(nn.Module):
    """A classifier by the mean of dense logits: what attribution refers to."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x).mean((2, 3))


def make_segmenter(pack=None):
    """Returns a network whose pixels differ in their classes."""
    torch.manual_seed(0)
    network = Segmenter().eval()
    with torch.no_grad():
        network.dense.bias -= network(make_images(16)[0]).mean((0, 2, 3))
    network.pack = pack or network.pack
    return network


def read_at_positions(model, probe, positions, size=12):
    """Returns the probabilities of the pixels at the positions of samples, (N, K)."""
    pixels = np.minimum(np.floor(positions * float(size)), size - 1).astype(int)
    with torch.no_grad():
        dense = model.eval()(probe.images[:]).softmax(1)
    return torch.stack(
        [dense[i, :, y, x] for i, (y, x) in zip(probe.sample_image, pixels, strict=True)]
    ).numpy()


def make_probe():
    return build_probe(make_images(16), config=ATTRIBUTED, classes=CLASSES)


@pytest.mark.parametrize(
    ("pack", "output"),
    [
        (lambda y: y, None),
        (lambda y: {"out": y, "aux": -y}, None),
        (lambda y: (y.mean(1), -y), lambda out: -out[1]),
    ],
    ids=["itself", "dictionary", "by a function"],
)
def test_a_prediction_is_that_of_the_pixel_at_the_sample(pack, output):
    probe = make_probe()
    atlas = compute_atlas(make_segmenter(pack), "body", probe, config=ATTRIBUTED, output=output)
    expected = read_at_positions(make_segmenter(), probe, probe.relative_positions)
    np.testing.assert_array_equal(atlas.predictions, expected.argmax(1))
    np.testing.assert_allclose(atlas.samples.confidences, expected.max(1), atol=1e-3)
    target = expected[np.arange(len(expected)), probe.labels[probe.sample_image]]
    np.testing.assert_allclose(atlas.samples.losses, -np.log(target), atol=1e-2)
    per_image = atlas.predictions.reshape(-1, 2)
    assert (per_image[:, 0] != per_image[:, 1]).any()
    (note,) = [n for n in atlas.provenance.notes if n.startswith("predictions")]
    assert DENSE.removeprefix("predictions: ") in note
    assert note.startswith(DENSE) == (not (isinstance(pack(torch.zeros(1, 2, 3, 3)), dict)))


def test_attribution_is_that_of_the_mean_over_positions():
    probe, network = make_probe(), make_segmenter()
    made = compute_atlas(network, "body", probe, config=ATTRIBUTED)
    expected = compute_atlas(Averaged(network), "network.body", probe, config=ATTRIBUTED)
    assert np.abs(expected.grids[0].attribution).max() > 1e-5
    np.testing.assert_allclose(
        made.grids[0].attribution, expected.grids[0].attribution, rtol=1e-2, atol=1e-6
    )


def test_batches_do_not_change_predictions():
    probe, network = make_probe(), make_segmenter()
    with use_interface(check_interface(network, probe, output=None, forward=None, prototypes=None)):
        one, other = (
            collect_activations(network, ["body"], probe, batch_size=size).predictions
            for size in (16, 3)
        )
    assert one.is_dense
    assert one.at_samples(probe.sample_image) is one
    assert len(one.classes) == len(probe) == 32
    np.testing.assert_array_equal(one.classes, other.classes)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("worker", ["process", "inline"])
def test_a_writer_logs_class_atlases_of_dense_logits(tmp_path, worker):
    """Their samples are chosen by attribution, and a second step has others than the first."""
    probe, network = make_probe(), make_segmenter()
    with AtlasWriter(
        tmp_path,
        network,
        ["body"],
        probe=probe,
        config=ATTRIBUTED,
        class_atlases=[1],
        worker=worker,
        strict=True,
    ) as writer:
        writer.add_atlas(1)
        writer.flush()
        with torch.no_grad():
            network.dense.weight.copy_(network.dense.weight.roll(1, 0))
        writer.add_atlas(2)
    last = [a for a in read_atlases(tmp_path) if a.layer != "body" and a.step == 2][-1]
    images = np.searchsorted(probe.image_ids, last.image_ids)
    positions = (last.positions + 0.5) / 6
    chosen = dataclasses.replace(probe, sample_image=images)
    expected = read_at_positions(network, chosen, positions)
    np.testing.assert_array_equal(last.predictions, expected.argmax(1))


def test_shortcuts_use_the_mean_over_positions():
    network, config = make_segmenter(), AtlasConfig(samples=40, epochs=5)
    options = {"config": config, "classes": CLASSES}
    found = find_shortcuts(network, "body", make_images(40), **options)
    same = find_shortcuts(Averaged(network), "network.body", make_images(40), **options)
    assert [one.box for one in found] == [one.box for one in same]


def test_maps_with_another_number_of_channels_are_not_taken_for_logits():
    """Such as the features of an encoder without a head; without names, any number may be one."""
    maps = torch.zeros(2, 5, 3, 3)
    named = make_probe()
    for probe in (named, dataclasses.replace(named, classes=None)):
        with use_interface(
            check_interface(None, probe, output=None, forward=None, prototypes=None)
        ):
            assert find_logits(maps, 2) is None
            assert find_logits({"maps": maps}, 2) is None
            assert explain_missing_logits(maps) == (
                "the model returns a tensor of shape (2, 5, 3, 3), not (images, classes) logits; "
                "pass output=lambda out: out if it holds dense logits"
            )


def test_dense_logits_with_nan_have_no_predictions():
    network = make_segmenter(lambda y: y.index_fill(3, torch.tensor([11]), torch.nan))
    atlas = compute_atlas(network, "body", make_probe(), config=ATTRIBUTED)
    assert atlas.predictions is None
    assert any("logits hold NaN for 16 of 16 images" in n for n in atlas.provenance.notes)


def test_the_dictionary_of_a_real_segmentation_network():
    torch.manual_seed(0)
    network = torchvision.models.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=len(CLASSES)
    )
    probe = build_probe(torch.rand(16, 3, 32, 32), config=ATTRIBUTED, classes=CLASSES)
    atlas = compute_atlas(network, "backbone.4", probe, config=ATTRIBUTED)
    pixels = np.floor(probe.relative_positions * 32).astype(int)
    with torch.no_grad():
        dense = network.eval()(probe.images[:])["out"]
    expected = dense[probe.sample_image, :, pixels[:, 0], pixels[:, 1]].argmax(1)
    np.testing.assert_array_equal(atlas.predictions, expected)
    assert atlas.grids[0].attribution.shape[1] == len(CLASSES)


@pytest.mark.parametrize("worker", ["process", "inline"])
def test_label_maps_give_each_sample_a_label_and_a_loss(tmp_path, worker):
    """Also in class atlases, which have samples at other positions."""
    network, images = make_segmenter(), make_images(16)[0]
    maps = torch.randint(-1, 4, (16, 12, 12), generator=torch.Generator().manual_seed(0))
    with AtlasWriter(
        tmp_path,
        network,
        ["body"],
        probe=(images, maps),
        classes=CLASSES,
        config=ATTRIBUTED,
        class_atlases=[1],
        worker=worker,
        strict=True,
    ) as writer:
        writer.add_atlas(1)
    probe = writer.probe
    atlas, of_class = sorted(read_atlases(tmp_path), key=lambda one: one.layer != "body")
    for one, positions in (
        (atlas, probe.relative_positions),
        (of_class, (of_class.positions + 0.5) / 6),
    ):
        rows = np.searchsorted(probe.image_ids, one.image_ids)
        pixels = np.floor(positions * 12.0).astype(int)
        expected = maps.numpy()[one.image_ids, pixels[:, 0], pixels[:, 1]]
        np.testing.assert_array_equal(one.labels, expected)
        chosen = dataclasses.replace(probe, sample_image=rows)
        probabilities = read_at_positions(network, chosen, positions)
        losses = -np.log(probabilities[np.arange(len(expected)), expected])
        losses[expected < 0] = np.nan
        np.testing.assert_allclose(one.samples.losses, losses, atol=1e-2)
    assert (atlas.labels < 0).any()
    assert "labels: read from label maps, at the positions of the samples" in (
        atlas.provenance.notes
    )
