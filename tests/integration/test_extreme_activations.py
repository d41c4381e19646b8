# SPDX-License-Identifier: Apache-2.0
"""Numbers that no layer should give and some do: an atlas or a reason, computed and read back."""

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
"""How many pictures reach the first, the second and the third band of loudness."""


def recipe(icons="none", **more):
    settings = {"samples": COUNT, "grids": (2, 4), "min_count": 2, "neighbors": 5, "epochs": 10}
    return AtlasConfig(**{**settings, "icons": icons, "icon_steps": 2, **more})


def pictures(count=COUNT, classes=4):
    """Four kinds of pictures that differ by a bright quarter, with noise."""
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(count, 3, 16, 16, generator=generator) * 0.5
    for number, image in enumerate(images):
        row, column = divmod(number % 4, 2)
        image[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 0.5
    return images, torch.arange(count) % classes


class Odd(nn.Module):
    """Makes its input odd by `spoil`, which is told the band of loudness of every map, 0 to 3."""

    def __init__(self, spoil):
        super().__init__()
        self.spoil = spoil
        self.register_buffer("cuts", torch.full((3,), torch.inf))

    def forward(self, x):
        bands = (x.mean((1, 2, 3))[:, None] > self.cuts).sum(1)
        return x if self.spoil is None else self.spoil(x, bands[:, None, None, None])


class Net(nn.Module):
    """The odd layer stands beside the way to the logits, so that each can be odd by itself."""

    def __init__(self, spoil=None, classes=4):
        super().__init__()
        self.body = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.odd = Odd(spoil)
        self.head = nn.Linear(CHANNELS, classes)
        with torch.no_grad():
            loudness = self.body(pictures()[0]).mean((1, 2, 3)).sort().values
        self.odd.cuts[:] = torch.stack(
            [(loudness[-count] + loudness[-count - 1]) / 2 for count in LOUD]
        )

    def forward(self, x):
        found = self.body(x)
        self.odd(found)
        return self.head(found.mean((2, 3)))


def some(value):
    """Spoils the six loudest maps."""
    return lambda x, bands: torch.where(bands > 0, value, x)


def one_channel_of_some(x, bands):
    first = torch.arange(CHANNELS)[:, None, None] == 0
    return torch.where((bands > 0) & first, torch.nan, x)


def all_kinds(x, bands):
    """Spoils two maps each with NaN, infinity and minus infinity."""
    return torch.where(bands > 0, torch.tensor([0, torch.nan, torch.inf, -torch.inf])[bands], x)


def constant_channels(x, bands):
    return torch.where(torch.arange(CHANNELS)[:, None, None] < 3, x, 7.1)


def the_same(x, bands):
    return torch.zeros_like(x) + torch.arange(1, CHANNELS + 1)[:, None, None]


def two_directions(x, bands):
    """Every map is one of two constant ones, the louder the rarer."""
    return the_same(x, bands) * torch.where(bands > 0, -1.0, 1.0)


def one_alive(x, bands):
    """All maps are zero but the loudest."""
    return torch.where(bands > 2, x, torch.zeros_like(x))


SPOILED = {
    "NaN": (some(torch.nan), 6),
    "infinity": (some(torch.inf), 6),
    "minus infinity": (some(-torch.inf), 6),
    "NaN and both infinities": (all_kinds, 6),
    "NaN in one channel": (one_channel_of_some, 6),
    "overflow of half precision": (lambda x, bands: some(1e6)(x, bands).half(), 6),
    "half precision": (lambda x, bands: x.half(), 0),
    "brain float": (lambda x, bands: x.bfloat16(), 0),
    "double precision": (lambda x, bands: x.double(), 0),
    "beyond single precision": (lambda x, bands: some(1e200)(x.double(), bands), 6),
    "subnormal": (lambda x, bands: x * 1e-40, 0),
    "smallest subnormal": (lambda x, bands: x.sign() * 1e-45, 0),
    "some subnormal": (some(1e-40), 0),
    "below half precision": (lambda x, bands: x * 1e-12, 0),
    "beyond half precision": (lambda x, bands: x * 1e6, 0),
    "huge": (lambda x, bands: x * 1e30, 0),
    "largest": (lambda x, bands: x.sign() * torch.finfo(torch.float32).max, 0),
    "some huge": (some(3e38), 0),
    "constant channels": (constant_channels, 0),
    "all equal": (the_same, 0),
    "two directions": (two_directions, 0),
    "all but some are zero": (one_alive, 0),
    "all but some are NaN": (lambda x, bands: torch.where(bands > 2, x, torch.nan), COUNT - 2),
    "all zero": (lambda x, bands: x * 0, 0),
    "some zero": (some(0.0), 0),
}

CASES = pytest.mark.parametrize(("spoil", "invalid"), SPOILED.values(), ids=SPOILED.keys())
ICONS = pytest.mark.parametrize("icons", ["examples", "inversion"])


@pytest.fixture(autouse=True)
def no_warning():
    """Whatever is done to a layer's numbers, nobody is told by way of numpy's warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
    assert [str(one.message) for one in caught] == []


def check(atlas, invalid, count=COUNT):
    """Checks everything that an atlas promises, whatever its layer gave."""
    assert len(atlas.samples) == count
    assert ((atlas.xy >= 0) & (atlas.xy <= 1)).all()
    broken = ~np.isfinite(atlas.activations).all(axis=1)
    assert broken.sum() == atlas.quality.invalid == invalid
    told = [note for note in atlas.provenance.notes if "hold NaN or infinity" in note]
    assert [note.split()[1] for note in told] == ([str(invalid)] if invalid else [])
    for share in (atlas.quality.trustworthiness, atlas.quality.knn_kept):
        assert share is None or 0 <= share <= 1
    rank = atlas.quality.effective_rank
    assert rank is None or 1 - 1e-9 <= rank <= CHANNELS
    for grid in atlas.grids:
        assert (grid.cell_of[broken] == -1).all()
        assert grid.counts.sum() == (grid.cell_of >= 0).sum()
        known = grid.icon_cosine[~np.isnan(grid.icon_cosine)]
        assert (np.abs(known) <= 1 + 1e-5).all()
        assert grid.icons is None or len(grid.icons) == len(grid.rows)
    assert atlas.grids[0].counts.sum() > 0


@ICONS
@CASES
def test_odd_activations_make_a_valid_atlas_and_a_log_that_goes_on(tmp_path, spoil, invalid, icons):
    model, settings = Net(spoil), {"config": recipe(icons)}
    computed = compute_atlas(model, "odd", pictures(), step=1, **settings)
    with writer(tmp_path, model, **settings) as atlas:
        atlas.add_atlas(1)
        model.odd.spoil = None
        atlas.add_atlas(2)
        model.odd.spoil = spoil
        atlas.add_atlas(3)
    logged = list(read_atlases(tmp_path))
    assert [one.step for one in logged] == [1, 2, 3]
    for part in ("samples", "grids", "quality"):
        assert find_difference(getattr(computed, part), getattr(logged[0], part)) is None
    assert logged[0].provenance.notes == computed.provenance.notes
    for one, count in zip(logged, (invalid, 0, invalid), strict=True):
        check(one, count)
        assert one.quality.overlap is None or ((one.quality.overlap >= 0).all())
    # What was read back is a start for the next map, as when a run is taken up again.
    taken_up = compute_atlas(Net(), "odd", pictures(), previous=logged[:1], config=recipe())
    check(taken_up, 0)
    assert taken_up.quality.overlap.max() <= 1


@CASES
def test_a_caller_who_has_numpy_raise_gets_an_atlas_too(spoil, invalid):
    with np.errstate(all="raise"):
        atlas = compute_atlas(Net(spoil), "odd", pictures(), config=recipe("examples"))
    check(atlas, invalid)


def writer(directory, model, probe=None, **more):
    settings = {"config": recipe(), "worker": "inline", "strict": True, **more}
    probe = pictures() if probe is None else probe
    return AtlasWriter(directory / "run", model, ["odd"], probe=probe, **settings)


def both_ways(directory, model, probe, **more):
    """Yields an atlas as computed, and as read back from a log."""
    yield compute_atlas(model, "odd", probe, **{"config": recipe(), **more})
    with writer(directory, model, probe, **more) as atlas:
        atlas.add_atlas(1)
    yield from read_atlases(directory)


@ICONS
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_a_whole_model_of_another_precision(tmp_path, dtype, icons):
    for atlas in both_ways(tmp_path, Net().to(dtype), pictures(), config=recipe(icons)):
        check(atlas, 0)
        assert atlas.predictions is not None


@ICONS
@pytest.mark.parametrize("count", [1, 2, 3])
def test_so_few_samples_that_nothing_is_near(tmp_path, count, icons):
    for atlas in both_ways(tmp_path, Net(), pictures(count), config=recipe(icons)):
        check(atlas, 0, count)
        assert (atlas.quality.trustworthiness is None) == (count < 3)


@pytest.mark.parametrize("spoil", [None, the_same, some(torch.nan)])
def test_more_neighbors_and_members_wanted_than_there_are(tmp_path, spoil):
    config = recipe("examples", neighbors=1000, min_count=1000, samples=100_000)
    for atlas in both_ways(tmp_path, Net(spoil), pictures(), config=config):
        check(atlas, 6 if atlas.quality.invalid else 0)
        assert any("pass more samples" in note for note in atlas.provenance.notes)


@pytest.mark.parametrize("logits", [1, 4])
def test_one_class(tmp_path, logits):
    names = ("only",) * logits
    for atlas in both_ways(tmp_path, Net(classes=logits), pictures(classes=1), classes=names):
        check(atlas, 0)
        assert atlas.classes == names
        assert (atlas.labels == 0).all()
        assert (atlas.predictions is None) == (logits == 1)


class LoudHead(Net):
    """A network whose logits are beyond single precision."""

    def forward(self, x):
        return super().forward(x) * 1e38 * 1e3


def test_logits_beyond_single_precision_leave_the_rest_alone(tmp_path):
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for atlas in both_ways(tmp_path, LoudHead(), pictures()):
            check(atlas, 0)


class NoLogits(Net):
    """Gives NaN for the six loudest pictures, and infinity for the rest."""

    def forward(self, x):
        found = self.body(x)
        self.odd(found)
        loud = found.mean((1, 2, 3))[:, None] > self.odd.cuts[0]
        return torch.where(loud, torch.nan, torch.inf * self.head(found.mean((2, 3))))


@pytest.mark.parametrize("batch", [5, 24])
def test_logits_that_are_no_numbers_leave_the_map_alone(tmp_path, batch):
    for atlas in both_ways(tmp_path, NoLogits(), pictures(), config=recipe(batch_size=batch)):
        check(atlas, 0)
        assert atlas.predictions is None
        (note,) = (note for note in atlas.provenance.notes if note.startswith("predictions"))
        assert note == "predictions: left out, the model's logits hold NaN for 6 of 24 images"


NO_MAP = "all 24 samples hold NaN or infinity, so there is no map"


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_layer_without_any_number_says_so_and_the_log_goes_on(tmp_path, value):
    model = Net(lambda x, bands: x * 0 + value)
    with pytest.raises(ArgumentError, match=NO_MAP):
        compute_atlas(model, "odd", pictures(), config=recipe())
    with writer(tmp_path, model) as atlas:
        with pytest.raises(ArgumentError, match=NO_MAP):
            atlas.add_atlas(1)
        model.odd.spoil = None
        atlas.add_atlas(2)
    (found,) = read_atlases(tmp_path)
    assert found.step == 2
    check(found, 0)
    assert [entry.status for entry in list_atlases(tmp_path)] == ["ok"]


EMPTY = {
    "no images": (pictures(0), "probe is empty: pass at least one image"),
    "an empty data set": (TensorDataset(*pictures(0)), "probe is empty: pass a data set"),
    "NaN in an image": (
        (pictures()[0].masked_fill(pictures()[0] > 0.99, torch.nan), None),
        r"probe: \d+ images hold NaN or infinity \(first: ",
    ),
    "infinity in an image": (
        (pictures()[0].masked_fill(pictures()[0] > 0.99, torch.inf), None),
        r"probe: \d+ images hold NaN or infinity \(first: ",
    ),
}


@pytest.mark.parametrize(("probe", "reason"), EMPTY.values(), ids=EMPTY.keys())
def test_a_probe_without_samples_or_numbers_is_refused_with_the_reason(tmp_path, probe, reason):
    with pytest.raises(ArgumentError, match=reason):
        compute_atlas(Net(), "odd", probe, config=recipe())
    with pytest.raises(ArgumentError, match=reason):
        writer(tmp_path, Net(), probe)
    assert list(tmp_path.rglob("*tfevents*")) == []


def test_a_layer_without_channels_is_refused_with_the_reason(tmp_path):
    model, reason = Net(lambda x, bands: x[:, :0]), r"its output has shape \(\d+, 0, 16, 16\)"
    with pytest.raises(LayerError, match=reason):
        compute_atlas(model, "odd", pictures(), config=recipe())
    with pytest.raises(LayerError, match=reason):
        writer(tmp_path, model)


@pytest.mark.parametrize(
    "settings",
    [{"samples": 0}, {"min_dist": np.nan}, {"min_dist": np.inf}, {"neighbors": 0}, {"epochs": 0}],
)
def test_odd_settings_are_refused_by_name(settings):
    ((name, _),) = settings.items()
    with pytest.raises(ArgumentError, match=f"AtlasConfig\\({name}="):
        AtlasConfig(**settings)
