# SPDX-License-Identifier: Apache-2.0
"""Collected activations: values, positions, one pass, and no change of the model."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from torchvision import models

from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError


def make_probe(images, labels=None, samples=None, each=1, **more):
    source = images if labels is None else (images, labels)
    config = AtlasConfig(samples=samples or len(images) * each, positions_per_image=each)
    return build_probe(source, config=config, **more)


def make_identity(channels=3, stride=1):
    """A convolution that returns every `stride`-th pixel."""
    conv = nn.Conv2d(channels, channels, 1, stride, bias=False)
    conv.weight.data = torch.eye(channels).view(channels, channels, 1, 1)
    return conv


class TinyViT(nn.Module):
    """Patches of 4 px, a class token, two encoder blocks."""

    def __init__(self, batch_first=True):
        super().__init__()
        self.batch_first = batch_first
        self.patch = nn.Conv2d(3, 8, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, 8))
        block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
        self.blocks = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1)
        if not self.batch_first:
            return self.head(self.blocks(x.transpose(0, 1))[0])
        return self.head(self.blocks(x)[:, 0])


# Values


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_values_are_the_pixels_at_the_positions(stride, batch_size):
    probe = make_probe(torch.rand(7, 3, 16, 16), each=3)
    layer = collect_activations(
        nn.Sequential(make_identity(stride=stride)), ["0"], probe, batch_size=batch_size
    )
    found = layer.layers["0"]
    assert found.map_size == (16 // stride, 16 // stride)
    assert found.kind == "map"
    assert found.values.dtype == np.float32
    rows, columns = found.positions.T * stride
    expected = probe.images[:].numpy()[probe.sample_image, :, rows, columns]
    assert np.array_equal(found.values, expected)


def test_channels_last_models_have_the_same_activations():
    probe = make_probe(torch.rand(4, 3, 8, 8))
    model = nn.Sequential(make_identity(), nn.ReLU())
    plain = collect_activations(model, ["1"], probe).layers["1"].values
    channels_last = (
        collect_activations(model.to(memory_format=torch.channels_last), ["1"], probe)
        .layers["1"]
        .values
    )
    assert np.array_equal(plain, channels_last)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_any_number_of_channels(channels):
    probe = make_probe(torch.rand(4, channels, 8, 8))
    assert collect_activations(nn.Sequential(make_identity(channels)), ["0"], probe).layers[
        "0"
    ].values.shape == (
        4,
        channels,
    )


def test_all_layers_are_collected_in_one_pass_per_batch():
    calls = []
    model = models.resnet18(weights=None, num_classes=7)
    model.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    probe = make_probe(torch.rand(10, 3, 64, 64))
    found = collect_activations(
        model, ["layer1", "layer3.0.conv1", "layer4", "fc"], probe, batch_size=4
    )
    assert calls == [4, 4, 2]
    assert list(found.layers) == ["layer1", "layer3.0.conv1", "layer4", "fc"]
    assert [a.map_size for a in found.layers.values()] == [(16, 16), (4, 4), (2, 2), (1, 1)]
    assert found.layers["fc"].kind == "vector"
    assert (found.predictions.classes == found.layers["fc"].values.argmax(axis=1)).all()
    with torch.no_grad():
        assert (found.predictions.classes == model.eval()(probe.images[:]).argmax(1).numpy()).all()


@pytest.mark.parametrize("batch_first", [True, False])
def test_tokens_of_a_transformer(batch_first):
    torch.manual_seed(0)
    model = TinyViT(batch_first)
    probe = make_probe(torch.rand(6, 3, 16, 16), each=2)
    layers = ["blocks", "patch", "blocks:cls"]
    found = collect_activations(model, layers, probe, batch_size=4)
    tokens = found.layers["blocks"]
    assert (tokens.kind, tokens.map_size, tokens.values.shape) == ("tokens", (4, 4), (12, 8))
    assert np.array_equal(tokens.positions, found.layers["patch"].positions)
    assert any("come before the patches" in note for note in found.notes)
    with torch.no_grad():
        model.eval()
        x = model.patch(probe.images[:]).flatten(2).transpose(1, 2)
        x = torch.cat([model.cls.expand(6, -1, -1), x], dim=1)
        x = x if batch_first else x.transpose(0, 1)
        out = model.blocks(x)
        out = (out if batch_first else out.transpose(0, 1)).numpy()
    index = 1 + tokens.positions[:, 0] * 4 + tokens.positions[:, 1]
    assert np.allclose(tokens.values, out[probe.sample_image, index], atol=1e-5)
    first = found.layers["blocks:cls"]
    assert (first.kind, first.map_size) == ("vector", (1, 1))
    assert np.allclose(first.values, out[probe.sample_image, 0], atol=1e-5)


def test_with_as_many_tokens_as_images_the_dimensions_are_not_confused():
    probe = make_probe(torch.rand(17, 3, 16, 16))
    found = collect_activations(TinyViT(batch_first=False), ["blocks:cls"], probe)
    assert found.layers["blocks:cls"].values.shape == (17, 8)


def test_non_finite_activations_are_kept():
    class Diverged(nn.Module):
        def forward(self, x):
            return x / 0.0 - x * torch.inf

    probe = make_probe(torch.rand(3, 3, 8, 8) + 0.0)
    found = collect_activations(nn.Sequential(Diverged()), ["0"], probe)
    assert np.isnan(found.layers["0"].values).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_models_of_other_dtypes(dtype):
    model = nn.Sequential(make_identity(), nn.Flatten(), nn.Linear(192, 3)).to(dtype)
    probe = make_probe(torch.rand(3, 3, 8, 8))
    found = collect_activations(model, ["0"], probe)
    assert found.layers["0"].values.dtype == np.float32
    assert found.predictions.classes.shape == (3,)


# Predictions


class Wrapped(nn.Module):
    def __init__(self, wrap):
        super().__init__()
        self.conv, self.wrap = make_identity(), wrap

    def forward(self, x):
        return self.wrap(self.conv(x).amax(dim=(2, 3)))


@pytest.mark.parametrize("batch_size", [2, 3, 10])
def test_confidence_and_loss_are_those_of_pytorch(batch_size):
    images = torch.rand(7, 3, 8, 8)
    labels = np.array([0, 1, 2, -1, 0, 5, 2], np.int32)
    probe = dataclasses.replace(make_probe(images), labels=labels)
    found = collect_activations(Wrapped(lambda x: 20 * x), ["conv"], probe, batch_size=batch_size)
    logits = 20 * images.amax(dim=(2, 3))
    target = torch.from_numpy(np.where(labels < 0, 0, labels % 3)).long()
    losses = torch.nn.functional.cross_entropy(logits, target, reduction="none").numpy()
    known = (labels >= 0) & (labels < 3)
    confidences = logits.softmax(dim=1).amax(dim=1).numpy()
    np.testing.assert_allclose(found.predictions.confidences, confidences, rtol=1e-3)
    np.testing.assert_allclose(found.predictions.losses[known], losses[known], rtol=1e-3, atol=1e-6)
    assert np.isnan(found.predictions.losses[~known]).all()


def test_losses_are_finite_and_need_labels():
    probe = make_probe(torch.rand(4, 3, 8, 8))
    found = collect_activations(Wrapped(lambda x: x), ["conv"], probe)
    assert found.predictions.losses is None
    labels = np.zeros(4, np.int32)
    extreme = collect_activations(
        Wrapped(lambda x: x * 0 + torch.tensor([-1e9, 0, 1e9])),
        ["conv"],
        dataclasses.replace(probe, labels=labels),
    )
    assert extreme.predictions.losses.tolist() == [65504.0] * 4
    assert extreme.predictions.confidences.tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("wrap", "known"),
    [
        (lambda x: x, True),
        (lambda x: {"logits": x, "loss": 0}, True),
        (lambda x: {"out": x[:, :, None]}, False),
        (lambda x: (x.long(), None), False),
        (lambda x: x[:, :1], False),
        (lambda x: x * torch.nan, False),
        (lambda x: None, False),
    ],
)
def test_predictions_need_logits(wrap, known):
    images = torch.rand(4, 3, 8, 8)
    found = collect_activations(Wrapped(wrap), ["conv"], make_probe(images), batch_size=3)
    if known:
        assert np.array_equal(found.predictions.classes, images.amax(dim=(2, 3)).argmax(1).numpy())
        assert found.notes == ()
    else:
        assert found.predictions is None
        assert len(found.notes) == 1
        assert found.notes[0].startswith("predictions: left out")


def test_too_few_class_names_for_the_logits():
    images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 0, 1])
    probe = make_probe(images, labels, classes=["a", "b"])
    with pytest.raises(ArgumentError, match="2 names, the model returns 3 logits"):
        collect_activations(Wrapped(lambda x: x), ["conv"], probe)


# Unusual layers


class Odd(nn.Module):
    """Calls one module twice, another that returns a tuple, and never calls a third."""

    def __init__(self):
        super().__init__()
        self.twice, self.pair, self.never = (
            make_identity(),
            Wrapped(lambda x: (x, 1)),
            make_identity(),
        )
        self.text = Wrapped(lambda x: "no tensor")
        self.windows = Wrapped(lambda x: x.repeat(4, 1))

    def forward(self, x):
        y = self.twice(x)
        z = self.twice(x[:, :, ::2, ::2] * 2)
        self.text(x)
        self.windows(x)
        return self.pair(y)[0] + z.mean(dim=(2, 3))


def test_of_several_calls_the_last_counts_in_every_batch():
    probe = make_probe(torch.rand(5, 3, 16, 16))
    found = collect_activations(Odd(), ["twice"], probe, batch_size=2)
    layer = found.layers["twice"]
    assert layer.map_size == (8, 8)
    rows, columns = layer.positions.T * 2
    assert np.array_equal(
        layer.values, probe.images[:].numpy()[probe.sample_image, :, rows, columns] * 2
    )
    assert any("more than once" in note for note in found.notes)


def test_the_first_tensor_of_a_tuple_counts():
    found = collect_activations(Odd(), ["pair"], make_probe(torch.rand(5, 3, 16, 16)))
    assert found.layers["pair"].kind == "vector"
    assert any("returns a tuple" in note for note in found.notes)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        (["never"], LayerError, "'never' did not run"),
        (["twic"], LayerError, "closest: 'twice'"),
        (["text"], LayerError, "without a tensor"),
        (["windows"], LayerError, r"'windows': its output has shape \(8, 3\) for 2 images"),
        ("twice", ArgumentError, r"pass a list"),
        ([], ArgumentError, r"pass a list"),
    ],
)
def test_unusable_layers_raise(layers, error, message):
    model = Odd()
    with pytest.raises(error, match=message):
        collect_activations(model, layers, make_probe(torch.rand(2, 3, 16, 16)))
    assert count_hooks(model) == 0


def test_a_wrong_number_of_channels_raises():
    with pytest.raises(ArgumentError, match="takes 3; pass images with 3 channels"):
        collect_activations(Odd(), ["twice"], make_probe(torch.rand(2, 1, 16, 16)))


# Wrappers and context managers


class Checkpointed(nn.Module):
    def __init__(self, reentrant=False):
        super().__init__()
        self.body, self.reentrant = nn.Sequential(make_identity(), nn.Dropout()), reentrant

    def forward(self, x):
        return checkpoint(self.body, x, use_reentrant=self.reentrant).mean(dim=(2, 3))


@pytest.mark.parametrize(
    "wrap",
    [
        nn.DataParallel,
        lambda model: torch.compile(model, backend="eager"),
        lambda model: model.requires_grad_(False),
        lambda model: model.compile(backend="eager") or model,
    ],
    ids=["DataParallel", "torch.compile", "frozen", "compiled in place"],
)
def test_wrapped_models_have_the_activations_of_the_model(wrap):
    torch.manual_seed(0)
    model = nn.Sequential(
        make_identity(), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4)
    )
    probe = make_probe(torch.rand(5, 3, 8, 8))
    model(probe.images[:])
    plain = collect_activations(model, ["2"], probe)
    wrapped = wrap(model)
    wrapped(probe.images[:])
    model.load_state_dict({**model.state_dict(), "1.running_mean": torch.zeros(3)})
    again, plain = (
        collect_activations(wrapped, ["2"], probe),
        collect_activations(model, ["2"], probe),
    )
    assert np.array_equal(plain.layers["2"].values, again.layers["2"].values)
    assert np.array_equal(plain.predictions.classes, again.predictions.classes)
    assert count_hooks(model) == 0


def test_checkpointed_models_and_autocast():
    probe = make_probe(torch.rand(5, 3, 8, 8))
    model = Checkpointed()
    rows, columns = collect_activations(model, ["body"], probe).layers["body"].positions.T
    expected = probe.images[:].numpy()[probe.sample_image, :, rows, columns]
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        found = collect_activations(model, ["body"], probe).layers["body"]
    assert np.array_equal(found.values, expected)


# The model does not change


class Fragile(nn.Module):
    """Raises an error in the n-th call of a module."""

    def __init__(self, fail_at, error):
        super().__init__()
        self.parts = nn.Sequential(
            make_identity(),
            nn.BatchNorm2d(3),
            nn.Dropout(),
            nn.Sequential(make_identity(), nn.ReLU()),
        )
        self.calls, self.fail_at, self.error = 0, fail_at, error

    def forward(self, x):
        for part in self.parts:
            self.calls += 1
            torch.rand(1), random.random(), np.random.rand()
            if self.calls == self.fail_at:
                raise self.error
            x = part(x)
        return x.mean(dim=(2, 3))


def count_hooks(model):
    return sum(len(module._forward_hooks) for module in model.modules())


def test_nothing_changes_in_a_hundred_random_failures():
    rng = random.Random(0)
    probe = make_probe(torch.rand(6, 3, 8, 8))
    errors = [RuntimeError("x"), KeyboardInterrupt(), MemoryError(), ValueError("y"), SystemExit()]
    for _ in range(100):
        error = rng.choice(errors)
        model = Fragile(rng.randint(1, 12), error)
        for module in model.modules():
            module.training = rng.random() < 0.5
        layers = rng.sample(["parts", "parts.0", "parts.1", "parts.3", "parts.3.1"], 3)
        layers = [name for name in layers if name != "parts"] or ["parts.0"]
        before = get_state(model)
        with pytest.raises(type(error)):
            collect_activations(model, layers, probe, batch_size=2)
        assert count_hooks(model) == 0
        assert get_state(model) == before


def get_state(model):
    return (
        [module.training for module in model.modules()],
        {name: value.tolist() for name, value in model.state_dict().items()},
        [p.grad for p in model.parameters()],
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
    )


def test_collecting_activations_does_not_change_a_training_run():
    probe = make_probe(torch.rand(6, 3, 16, 16))

    def train(collects):
        torch.manual_seed(3)
        model = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten(),
            nn.Linear(4 * 14 * 14, 3),
        )  # fmt: skip
        optimizer = torch.optim.SGD(model.parameters(), 0.05)
        losses = []
        for step in range(6):
            loss = model(torch.rand(8, 3, 16, 16)).square().mean()
            if collects and step % 2:
                collect_activations(model, ["2", "1"], probe, batch_size=4)
            optimizer.zero_grad()
            loss.backward()
            if collects:
                collect_activations(model, ["0"], probe)
            optimizer.step()
            losses.append(loss.item())
        return losses

    assert train(collects=True) == train(collects=False)


@pytest.mark.parametrize(
    ("side", "each", "expected"),
    [(1, 4, "9 of 12 samples repeat another one"), (16, 4, None), (2, 10, "18 of 30 samples")],
)
def test_samples_at_one_position_of_a_small_map_are_noted(side, each, expected):
    network = nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten(1), nn.Linear(3 * side**2, 2))
    probe = make_probe(torch.rand(3, 3, 16, 16), each=each)
    found = collect_activations(network, ["0"], probe)
    notes = [note for note in found.notes if "repeat" in note]
    assert len(notes) == (expected is not None)
    assert all(expected in note for note in notes)
    values = found.layers["0"].values
    assert len(np.unique(values, axis=0)) == (12 if side == 16 else 3 * side**2)


class Repeat(nn.Module):
    """Returns one channel many times."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return x[:, :1].expand(-1, self.channels, -1, -1)


@pytest.mark.parametrize("channels", [4, 4200])
def test_activations_around_samples_that_take_too_much_memory_are_left_out_with_a_note(channels):
    network = nn.Sequential(Repeat(channels), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    probe = make_probe(torch.rand(400, 3, 4, 4), each=10)
    found = collect_activations(network, ["0"], probe, surround=True)
    is_large = channels > 4  # 4,000 samples x 8 neighbors x 4,200 channels x 2 bytes
    assert (found.layers["0"].surround is None) == is_large
    assert any("would take 269 MB of memory" in note for note in found.notes) == is_large
