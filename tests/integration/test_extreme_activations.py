# SPDX-License-Identifier: Apache-2.0
"""Extreme activations (NaN, infinity, subnormal, huge): an atlas or an error with its reason."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from atlas_strategies import find_difference
from torch import nn
from torch.utils.data import TensorDataset

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, compute_atlas, read_atlases
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError
from tensorboard_plugin_atlas.logs.reader import list_atlases

COUNT, CHANNELS = 24, 8
CLASSES = ("north", "east", "south", "west")
LOUD = (6, 4, 2)
"""Number of images in the first, second and third of the loudest bands."""


def make_config(icons="none", **more):
    settings = {"samples": COUNT, "grids": (2, 4), "min_count": 2, "neighbors": 5, "epochs": 10}
    return AtlasConfig(**{**settings, "icons": icons, "icon_steps": 2, **more})


def make_images(count=COUNT, classes=4):
    """Returns four kinds of images with noise, which differ by a bright quarter."""
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(count, 3, 16, 16, generator=generator) * 0.5
    for number, image in enumerate(images):
        row, column = divmod(number % 4, 2)
        image[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 0.5
    return images, torch.arange(count) % classes


class Extreme(nn.Module):
    """Applies `change` to its input and the loudness band (0 to 3) of every map."""

    def __init__(self, change):
        super().__init__()
        self.change = change
        self.register_buffer("cuts", torch.full((3,), torch.inf))

    def forward(self, x):
        bands = (x.mean((1, 2, 3))[:, None] > self.cuts).sum(1)
        return x if self.change is None else self.change(x, bands[:, None, None, None])


class Net(nn.Module):
    """The extreme layer is not on the path to the logits, so that each can be changed alone."""

    def __init__(self, change=None, classes=4):
        super().__init__()
        self.body = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.extreme = Extreme(change)
        self.head = nn.Linear(CHANNELS, classes)
        with torch.no_grad():
            loudness = self.body(make_images()[0]).mean((1, 2, 3)).sort().values
        self.extreme.cuts[:] = torch.stack(
            [(loudness[-count] + loudness[-count - 1]) / 2 for count in LOUD]
        )

    def forward(self, x):
        found = self.body(x)
        self.extreme(found)
        return self.head(found.mean((2, 3)))


def change_some(value):
    """Returns a change of the six loudest maps."""
    return lambda x, bands: torch.where(bands > 0, value, x)


def change_one_channel(x, bands):
    first = torch.arange(CHANNELS)[:, None, None] == 0
    return torch.where((bands > 0) & first, torch.nan, x)


def use_all_values(x, bands):
    """Sets two maps each to NaN, infinity and minus infinity."""
    return torch.where(bands > 0, torch.tensor([0, torch.nan, torch.inf, -torch.inf])[bands], x)


def make_channels_constant(x, bands):
    return torch.where(torch.arange(CHANNELS)[:, None, None] < 3, x, 7.1)


def make_all_equal(x, bands):
    return torch.zeros_like(x) + torch.arange(1, CHANNELS + 1)[:, None, None]


def use_two_directions(x, bands):
    """Sets every map to one of two constants."""
    return make_all_equal(x, bands) * torch.where(bands > 0, -1.0, 1.0)


def zero_most(x, bands):
    """Sets all but the loudest maps to zero."""
    return torch.where(bands > 2, x, torch.zeros_like(x))


CHANGES = {
    "NaN": (change_some(torch.nan), 6),
    "infinity": (change_some(torch.inf), 6),
    "minus infinity": (change_some(-torch.inf), 6),
    "NaN and both infinities": (use_all_values, 6),
    "NaN in one channel": (change_one_channel, 6),
    "overflow of half precision": (lambda x, bands: change_some(1e6)(x, bands).half(), 6),
    "half precision": (lambda x, bands: x.half(), 0),
    "brain float": (lambda x, bands: x.bfloat16(), 0),
    "double precision": (lambda x, bands: x.double(), 0),
    "beyond single precision": (lambda x, bands: change_some(1e200)(x.double(), bands), 6),
    "subnormal": (lambda x, bands: x * 1e-40, 0),
    "smallest subnormal": (lambda x, bands: x.sign() * 1e-45, 0),
    "some subnormal": (change_some(1e-40), 0),
    "below half precision": (lambda x, bands: x * 1e-12, 0),
    "beyond half precision": (lambda x, bands: x * 1e6, 0),
    "huge": (lambda x, bands: x * 1e30, 0),
    "largest": (lambda x, bands: x.sign() * torch.finfo(torch.float32).max, 0),
    "some huge": (change_some(3e38), 0),
    "constant channels": (make_channels_constant, 0),
    "all equal": (make_all_equal, 0),
    "two directions": (use_two_directions, 0),
    "all but some are zero": (zero_most, 0),
    "all but some are NaN": (lambda x, bands: torch.where(bands > 2, x, torch.nan), COUNT - 2),
    "all zero": (lambda x, bands: x * 0, 0),
    "some zero": (change_some(0.0), 0),
}

CASES = pytest.mark.parametrize(("change", "invalid"), CHANGES.values(), ids=CHANGES.keys())
ICONS = pytest.mark.parametrize("icons", ["examples", "inversion"])


@pytest.fixture(autouse=True)
def expect_no_warnings():
    """NumPy never warns, whatever a layer's values are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
    assert [str(one.message) for one in caught] == []


def check(atlas, invalid, count=COUNT):
    """Checks the invariants of an atlas, whatever its layer returned."""
    assert len(atlas.samples) == count
    assert ((atlas.xy >= 0) & (atlas.xy <= 1)).all()
    invalid_rows = ~np.isfinite(atlas.activations).all(axis=1)
    assert invalid_rows.sum() == atlas.quality.invalid == invalid
    notes = [note for note in atlas.provenance.notes if "hold NaN or infinity" in note]
    assert [note.split()[1] for note in notes] == ([str(invalid)] if invalid else [])
    for share in (atlas.quality.trustworthiness, atlas.quality.knn_kept):
        assert share is None or 0 <= share <= 1
    rank = atlas.quality.effective_rank
    assert rank is None or 1 - 1e-9 <= rank <= CHANNELS
    for grid in atlas.grids:
        assert (grid.cell_of[invalid_rows] == -1).all()
        assert grid.counts.sum() == (grid.cell_of >= 0).sum()
        known = grid.icon_cosine[~np.isnan(grid.icon_cosine)]
        assert (np.abs(known) <= 1 + 1e-5).all()
        assert grid.icons is None or len(grid.icons) == len(grid.rows)
    assert atlas.grids[0].counts.sum() > 0


@pytest.mark.sampled(2)
@ICONS
@CASES
def test_extreme_activations_give_a_valid_atlas_and_logging_continues(
    tmp_path, change, invalid, icons
):
    model, settings = Net(change), {"config": make_config(icons)}
    computed = compute_atlas(model, "extreme", make_images(), step=1, **settings)
    with make_writer(tmp_path, model, **settings) as atlas:
        atlas.add_atlas(1)
        model.extreme.change = None
        atlas.add_atlas(2)
        model.extreme.change = change
        atlas.add_atlas(3)
    logged = list(read_atlases(tmp_path))
    assert [one.step for one in logged] == [1, 2, 3]
    for part in ("samples", "grids", "quality"):
        assert find_difference(getattr(computed, part), getattr(logged[0], part)) is None
    assert logged[0].provenance.notes == computed.provenance.notes
    for one, count in zip(logged, (invalid, 0, invalid), strict=True):
        check(one, count)
        assert one.quality.overlap is None or ((one.quality.overlap >= 0).all())
    # An atlas that was read from a log can start the next layout, as in a resumed run.
    resumed = compute_atlas(
        Net(), "extreme", make_images(), previous=logged[:1], config=make_config()
    )
    check(resumed, 0)
    assert resumed.quality.overlap.max() <= 1


@CASES
def test_numpy_errors_that_raise_do_not_prevent_an_atlas(change, invalid):
    with np.errstate(all="raise"):
        atlas = compute_atlas(Net(change), "extreme", make_images(), config=make_config("examples"))
    check(atlas, invalid)


def make_writer(directory, model, probe=None, **more):
    settings = {"config": make_config(), "worker": "inline", "strict": True, **more}
    probe = make_images() if probe is None else probe
    return AtlasWriter(directory / "run", model, ["extreme"], probe=probe, **settings)


def compute_and_log(directory, model, probe, **more):
    """Yields an atlas as computed, and as read back from a log."""
    yield compute_atlas(model, "extreme", probe, **{"config": make_config(), **more})
    with make_writer(directory, model, probe, **more) as atlas:
        atlas.add_atlas(1)
    yield from read_atlases(directory)


@ICONS
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_a_model_of_another_precision(tmp_path, dtype, icons):
    for atlas in compute_and_log(
        tmp_path, Net().to(dtype), make_images(), config=make_config(icons)
    ):
        check(atlas, 0)
        assert atlas.predictions is not None


@ICONS
@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_few_samples(tmp_path, count, icons):
    for atlas in compute_and_log(tmp_path, Net(), make_images(count), config=make_config(icons)):
        check(atlas, 0, count)
        assert (atlas.quality.trustworthiness is None) == (count < 3)


@pytest.mark.parametrize("change", [None, make_all_equal, change_some(torch.nan)])
def test_more_neighbors_and_members_than_samples(tmp_path, change):
    config = make_config("examples", neighbors=1000, min_count=1000, samples=100_000)
    for atlas in compute_and_log(tmp_path, Net(change), make_images(), config=config):
        check(atlas, 6 if atlas.quality.invalid else 0)
        assert any("pass more samples" in note for note in atlas.provenance.notes)


@pytest.mark.parametrize("logits", [1, 4])
def test_one_class(tmp_path, logits):
    names = ("only",) * logits
    for atlas in compute_and_log(
        tmp_path, Net(classes=logits), make_images(classes=1), classes=names
    ):
        check(atlas, 0)
        assert atlas.classes == names
        assert (atlas.labels == 0).all()
        assert (atlas.predictions is None) == (logits == 1)


class LoudHead(Net):
    """A network whose logits are beyond single precision."""

    def forward(self, x):
        return super().forward(x) * 1e38 * 1e3


def test_logits_beyond_single_precision_affect_nothing_else(tmp_path):
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for atlas in compute_and_log(tmp_path, LoudHead(), make_images()):
            check(atlas, 0)


class NoLogits(Net):
    """Returns NaN for the six loudest images, and infinity for the rest."""

    def forward(self, x):
        found = self.body(x)
        self.extreme(found)
        loud = found.mean((1, 2, 3))[:, None] > self.extreme.cuts[0]
        return torch.where(loud, torch.nan, torch.inf * self.head(found.mean((2, 3))))


@pytest.mark.parametrize("batch", [5, 24])
def test_logits_that_are_not_finite_do_not_affect_the_map(tmp_path, batch):
    for atlas in compute_and_log(
        tmp_path, NoLogits(), make_images(), config=make_config(batch_size=batch)
    ):
        check(atlas, 0)
        assert atlas.predictions is None
        (note,) = (note for note in atlas.provenance.notes if note.startswith("predictions"))
        assert note == "predictions: left out, the model's logits hold NaN for 6 of 24 images"


NO_MAP = "all 24 samples hold NaN or infinity, so there is no map"


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_layer_without_finite_values_is_an_error_and_logging_continues(tmp_path, value):
    model = Net(lambda x, bands: x * 0 + value)
    with pytest.raises(ArgumentError, match=NO_MAP):
        compute_atlas(model, "extreme", make_images(), config=make_config())
    with make_writer(tmp_path, model) as atlas:
        with pytest.raises(ArgumentError, match=NO_MAP):
            atlas.add_atlas(1)
        model.extreme.change = None
        atlas.add_atlas(2)
    (found,) = read_atlases(tmp_path)
    assert found.step == 2
    check(found, 0)
    assert [entry.status for entry in list_atlases(tmp_path)] == ["ok"]


EMPTY = {
    "no images": (make_images(0), "probe is empty: pass at least one image"),
    "an empty dataset": (TensorDataset(*make_images(0)), "probe is empty: pass a dataset"),
    "NaN in an image": (
        (make_images()[0].masked_fill(make_images()[0] > 0.99, torch.nan), None),
        r"probe: \d+ images hold NaN or infinity \(first: ",
    ),
    "infinity in an image": (
        (make_images()[0].masked_fill(make_images()[0] > 0.99, torch.inf), None),
        r"probe: \d+ images hold NaN or infinity \(first: ",
    ),
}


@pytest.mark.parametrize(("probe", "reason"), EMPTY.values(), ids=EMPTY.keys())
def test_an_empty_or_invalid_probe_is_rejected(tmp_path, probe, reason):
    with pytest.raises(ArgumentError, match=reason):
        compute_atlas(Net(), "extreme", probe, config=make_config())
    with pytest.raises(ArgumentError, match=reason):
        make_writer(tmp_path, Net(), probe)
    assert list(tmp_path.rglob("*tfevents*")) == []


def test_a_layer_without_channels_is_rejected(tmp_path):
    model, reason = Net(lambda x, bands: x[:, :0]), r"its output has shape \(\d+, 0, 16, 16\)"
    with pytest.raises(LayerError, match=reason):
        compute_atlas(model, "extreme", make_images(), config=make_config())
    with pytest.raises(LayerError, match=reason):
        make_writer(tmp_path, model)


@pytest.mark.parametrize(
    "settings",
    [{"samples": 0}, {"min_dist": np.nan}, {"min_dist": np.inf}, {"neighbors": 0}, {"epochs": 0}],
)
def test_invalid_settings_are_rejected_by_name(settings):
    ((name, _),) = settings.items()
    with pytest.raises(ArgumentError, match=f"AtlasConfig\\({name}="):
        AtlasConfig(**settings)
