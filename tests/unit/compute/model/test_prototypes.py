# SPDX-License-Identifier: Apache-2.0
"""Models that return an embedding, with one prototype for each class."""

from __future__ import annotations

import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from striped_images import LAYERS, MARKED_CLASS, make_network, make_striped_images, train
from tiny_training import CLASSES, TINY, Net, make_images
from torch import nn
from torch.nn.functional import normalize

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    compute_atlas,
    find_shortcuts,
    patch_test,
    read_atlases,
    since_step,
)
from tensorboard_plugin_atlas.compute.model.model_interface import (
    DEFAULT_INTERFACE,
    check_interface,
    get_logits,
    use_interface,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.errors import ArgumentError

ATTRIBUTED = AtlasConfig(**{**TINY.as_dict(), "samples": 16, "attribution": True})


class Encoder(Net):
    """Returns an embedding of 8 columns."""

    def forward(self, x):
        return self.drop(self.body(self.stem(x))).mean((2, 3))


class WithHead(nn.Module):
    """An encoder whose logits are computed as documented: the expected results."""

    def __init__(self, encoder, prototypes):
        super().__init__()
        self.encoder, self.prototypes = encoder, prototypes

    def forward(self, x):
        unit = normalize(self.encoder(x), dim=1)
        return 100 * unit @ normalize(self.prototypes, dim=1).T


def make_encoder():
    torch.manual_seed(0)
    return Encoder()


def make_prototypes(count=4, columns=8):
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(1))


def check_same(atlas, expected):
    np.testing.assert_array_equal(atlas.predictions, expected.predictions)
    np.testing.assert_allclose(atlas.samples.confidences, expected.samples.confidences, atol=1e-3)
    np.testing.assert_allclose(atlas.samples.losses, expected.samples.losses, rtol=1e-2, atol=1e-2)
    assert expected.grids[0].attribution.shape[1] == 4
    assert np.abs(expected.grids[0].attribution).max() > 1e-3
    np.testing.assert_allclose(
        atlas.grids[0].attribution, expected.grids[0].attribution, rtol=2e-2, atol=1e-3
    )


PACKS = {
    "itself": (lambda y: y, None),
    "pooled": (lambda y: {"last_hidden_state": y[:, None], "pooler_output": y}, None),
    "named": (lambda y: SimpleNamespace(other=-y, image_embeds=y), None),
    "first of its size": (lambda y: (y[:, :3], y, -y), None),
    "of 1 x 1 maps": (lambda y: {"pooler_output": y[:, :, None, None]}, None),
    "by a function": (lambda y: (-y, y), lambda out: out[1]),
}


class Packed(Encoder):
    def __init__(self, pack):
        super().__init__()
        self.pack = pack

    def forward(self, x):
        return self.pack(super().forward(x))


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("as_array", [False, True])
def test_the_logits_are_scaled_cosines_with_the_embedding(name, as_array):
    pack, output = PACKS[name]
    torch.manual_seed(0)
    model, prototypes = Packed(pack), make_prototypes()
    options = {"config": ATTRIBUTED, "classes": CLASSES}
    atlas = compute_atlas(
        model,
        "body",
        make_images(16),
        output=output,
        prototypes=prototypes.numpy() if as_array else prototypes,
        **options,
    )
    plain = WithHead(make_encoder(), prototypes)
    check_same(atlas, compute_atlas(plain, "encoder.body", make_images(16), **options))
    (note,) = [n for n in atlas.provenance.notes if n.startswith("predictions")]
    assert note == "predictions: the logits are 100 times the cosines with the prototypes"


def test_the_prototypes_of_labels_are_means_of_normalized_embeddings():
    model, (images, labels) = make_encoder(), make_images(16)
    with torch.no_grad():
        unit = normalize(model.eval()(images), dim=1)
    means = torch.stack([unit[labels == label].mean(0) for label in range(4)])
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    atlas, expected = (
        compute_atlas(model, "body", (images, labels), config=ATTRIBUTED, prototypes=prototypes)
        for prototypes in ("labels", means)
    )
    check_same(atlas, expected)
    assert any("the mean embeddings of the labels" in note for note in atlas.provenance.notes)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.sampled(2)
@pytest.mark.parametrize("worker", ["process", "inline"])
def test_a_writer_keeps_the_prototypes_of_its_construction(tmp_path, worker):
    model, data = make_encoder(), make_images(16)
    prototypes = check_interface(
        model,
        build_probe(data, config=ATTRIBUTED),
        output=None,
        forward=None,
        prototypes="labels",
    ).logits.prototypes.directions
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer = AtlasWriter(
            tmp_path,
            model,
            ["body"],
            probe=data,
            config=ATTRIBUTED,
            prototypes="labels",
            class_atlases=[1],
            shortcuts=True,
            worker=worker,
            strict=True,
        )
        with writer:
            nn.init.normal_(model.body[1].weight)
            writer.add_atlas(1)
    assert (
        type(writer._recorder).__name__
        == {
            "process": "BackgroundRecorder",
            "inline": "InlineRecorder",
        }[worker]
    )
    logged = {atlas.layer: atlas for atlas in read_atlases(tmp_path)}
    expected, other = (
        compute_atlas(model, "body", data, config=ATTRIBUTED, prototypes=given)
        for given in (prototypes, "labels")
    )
    check_same(logged["body"], expected)
    assert (expected.samples.losses != other.samples.losses).any()
    assert len(logged) == 2


def test_the_shortcut_of_a_classifier_is_found_in_its_encoder():
    """Without its head, it still moves images with the mark to the mean of the marked class."""
    model, data = make_network(), make_striped_images(1200)
    list(train(model, data, (40,)))
    config = AtlasConfig(samples=1000, epochs=50)
    probe = build_probe(data, config=config)
    assert isinstance(model[-1], nn.Linear)
    encoder = model[:-1]
    interface = check_interface(encoder, probe, output=None, forward=None, prototypes="labels")
    prototypes = interface.logits.prototypes.directions
    found = find_shortcuts(encoder, LAYERS[0], probe, config=config, prototypes="labels")
    assert found[0].significant
    assert found[0].target_class == MARKED_CLASS
    options = {"prototypes": prototypes}
    tested = patch_test(encoder, found[0].patch, data, MARKED_CLASS, **options)
    assert tested.interval[0] > 0.2
    history = since_step(found[0], [(40, encoder)], probe, config=config, **options)
    assert history.since == 40
    with pytest.raises(
        ArgumentError, match=r"prototypes='labels': several checkpoints .*pass a \("
    ):
        since_step(found[0], [(40, encoder)], probe, config=config, prototypes="labels")


def bad(row, value):
    prototypes = make_prototypes()
    prototypes[row] = value
    return {"prototypes": prototypes}


REJECTED = {
    "one dimension": ({"prototypes": torch.ones(4)}, r"prototypes=<torch.float32 of shape \(4,\)>"),
    "a word": ({"prototypes": "text"}, r"prototypes='text': pass a \(classes, D\) tensor .*'labe"),
    "one class": ({"prototypes": make_prototypes(1)}, "of at least two classes"),
    "NaN": (bad(2, torch.nan), r"1 of 4 hold NaN or infinity, or are zero \(rows \[2\]\)"),
    "infinity": (bad(1, torch.inf), r"rows \[1\]"),
    "zero": (bad(3, 0.0), r"rows \[3\].*pass a finite embedding for each class"),
    "columns": ({"prototypes": make_prototypes(4, 7)}, r"returns a tensor of shape \(2, 8\) for 2"),
    "columns of output": (
        {"prototypes": make_prototypes(), "output": lambda out: out[:, :5]},
        r"output returns a tensor of shape \(2, 5\).*not an \(images, 8\) embedding",
    ),
    "output raises": (
        {"prototypes": make_prototypes(), "output": lambda out: out["x"]},
        r"output raises for a tensor .*pass a function that returns its \(images, 8\) embedding",
    ),
    "names": ({"prototypes": make_prototypes(5)}, "prototypes has 5 rows, classes has 4 names"),
    "labels": (
        {"prototypes": make_prototypes(3), "classes": None},
        "prototypes has 3 rows, the probe has the label 3",
    ),
    "no logits": (
        {"prototypes": make_prototypes(), "output": False},
        r"prototypes are passed with output=False.*omit one of them",
    ),
    "no images of a class": (
        {"prototypes": "labels", "classes": (*CLASSES, "up")},
        r"prototypes='labels': 1 of 5 classes have no image in the probe \(such as 'up'\)",
    ),
    "no labels": (
        {"prototypes": "labels", "probe": make_images()[0]},
        "prototypes='labels': the probe has no labels",
    ),
}


@pytest.mark.parametrize("name", REJECTED)
def test_invalid_prototypes_raise_at_construction(tmp_path, name):
    options, message = REJECTED[name]
    common = {"probe": make_images(), "classes": CLASSES, "config": TINY}
    with pytest.raises(ArgumentError, match=message):
        AtlasWriter(tmp_path, make_encoder(), ["body"], **{**common, **options})


def test_embeddings_that_are_not_finite_raise_for_labels():
    model = make_encoder()
    nn.init.constant_(model.body[1].weight, torch.nan)
    with pytest.raises(ArgumentError, match=r"embeddings hold NaN or infinity; pass a"):
        compute_atlas(model, "body", make_images(), config=TINY, prototypes="labels")


def test_models_in_half_precision_have_float_logits_that_can_be_differentiated():
    interface = check_interface(
        None,
        build_probe(make_images(), config=TINY),
        output=None,
        forward=None,
        prototypes=make_prototypes().bfloat16(),
    )
    embedding = torch.rand(2, 8, dtype=torch.bfloat16, requires_grad=True)
    with use_interface(pickle.loads(pickle.dumps(interface))):
        logits = get_logits(embedding, 2)
    assert logits.dtype == torch.float32
    assert logits.abs().max() <= 100.01
    (gradient,) = torch.autograd.grad(logits[0, 0], embedding)
    assert gradient[0].abs().max() > 0
    assert not gradient[1].any()


def test_without_prototypes_nothing_changes():
    probe = build_probe(make_images(), config=TINY)
    interface = check_interface(Net(), probe, output=None, forward=None, prototypes=None)
    assert interface.logits.prototypes is None
    assert DEFAULT_INTERFACE.logits.prototypes is None


@pytest.mark.parametrize(
    ("name", "head", "layer"),
    [
        ("resnet18", "fc", "layer3"),
        ("mobilenet_v3_small", "classifier", "features.5"),
        ("VisionTransformer", "heads", "encoder.layers.encoder_layer_1"),
    ],
)
def test_a_real_network_without_its_head_is_an_encoder(name, head, layer):
    small = {"patch_size": 8, "num_layers": 3, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 32}
    torch.manual_seed(0)
    if name == "VisionTransformer":
        model = torchvision.models.VisionTransformer(32, **small)
    else:
        model = getattr(torchvision.models, name)(weights=None)
    setattr(model, head, nn.Identity())
    images = torch.rand(16, 3, 32, 32)
    with torch.no_grad():
        unit = normalize(model.eval()(images), dim=1)
    labels = torch.arange(16) % 4
    means = normalize(torch.stack([unit[labels == k].mean(0) for k in range(4)]), dim=1)
    atlas = compute_atlas(model, layer, (images, labels), config=ATTRIBUTED, prototypes="labels")
    expected = (unit @ means.T).argmax(1).numpy()
    np.testing.assert_array_equal(atlas.predictions, expected)
    assert np.abs(atlas.grids[0].attribution).max() > 0
    assert not any("left out" in note for note in atlas.provenance.notes)
