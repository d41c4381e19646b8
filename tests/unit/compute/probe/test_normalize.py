# SPDX-License-Identifier: Apache-2.0
"""Normalization: its arithmetic, and finding it in transforms and wrappers."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import ConcatDataset, Dataset, Subset, random_split
from torchvision import datasets, transforms
from torchvision.models import ResNet18_Weights
from torchvision.transforms import v2

from tensorboard_plugin_atlas.compute.probe.normalize import Normalize, as_normalize, find_normalize
from tensorboard_plugin_atlas.errors import ArgumentError

MEAN, STD = (0.5, 0.25, 0.125), (0.2, 0.4, 0.8)


class Data(Dataset):
    def __init__(self, transform=None, **more):
        self.transform = transform
        vars(self).update(more)

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return torch.zeros(3, 4, 4), 0


class Wrapper(Data):
    def __init__(self, dataset, transform=None):
        super().__init__(transform)
        self.dataset = dataset


V1 = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
V2 = v2.Compose([v2.ToImage(), v2.Compose([v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)])])


@pytest.mark.parametrize(
    "data",
    [
        Data(V1),
        Data(V2),
        Data(torch.nn.Sequential(v2.Resize(4), transforms.Normalize(list(MEAN), list(STD)))),
        Data(transforms.RandomApply([V1])),
        Data(type("Albumentations", (), {"transform": V1})()),
        Data(transforms=datasets.vision.StandardTransform(V1, None)),
        datasets.FakeData(transform=V1),
        Subset(Data(V1), [0, 1]),
        ConcatDataset([Data(V1), Data(V2)]),
        random_split(ConcatDataset([Subset(Data(V2), range(10))]), [7, 3])[1],
        Wrapper(Data(), V1),
        Wrapper(Data(V1), v2.RandomHorizontalFlip()),
    ],
    ids=lambda data: type(data).__name__,
)
def test_it_is_found_in_transforms_and_wrappers(data):
    found = find_normalize(data)
    assert found is not None
    assert found.mean == pytest.approx(MEAN)
    assert found.std == pytest.approx(STD)


def test_found_in_the_preset_of_pretrained_weights():
    found = find_normalize(Data(ResNet18_Weights.IMAGENET1K_V1.transforms()))
    assert found is not None
    assert found.mean == (0.485, 0.456, 0.406)


@pytest.mark.parametrize("data", [None, Data(), Data(transforms.ToTensor()), object(), [1, 2]])
def test_none_is_returned_if_there_is_none(data):
    assert find_normalize(data) is None


def test_a_data_set_that_wraps_itself_terminates():
    data = Data()
    data.dataset = data
    assert find_normalize(data) is None


def test_two_normalizations_are_composed():
    inner = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    outer = transforms.Normalize((0.1, 0.2, 0.3), (2.0, 4.0, 0.5))
    found = find_normalize(Wrapper(Data(inner), outer))
    assert found is not None
    pixels = torch.rand(2, 3, 4, 4)
    assert torch.allclose(found.to_input(pixels), outer(inner(pixels)), atol=1e-6)
    assert torch.allclose(found.to_pixels(outer(inner(pixels))), pixels, atol=1e-6)


def test_different_normalizations_are_rejected():
    other = transforms.Normalize((0.0,), (1.0,))
    with pytest.raises(ArgumentError, match="disagree"):
        find_normalize(ConcatDataset([Data(V1), Data(other)]))


def test_one_number_applies_to_all_channels():
    scale = Normalize((0.5,), (0.25,))
    assert scale.fits(7)
    assert scale.to_input(torch.ones(2, 7, 1, 1)).unique().tolist() == [2.0]
    joined = Normalize((1.0, 2.0), (1.0, 1.0)).after(scale)
    assert joined.mean == (0.75, 1.0)
    assert joined.std == (0.25, 0.25)


def test_pairs_of_any_sequences_are_accepted():
    for given in [(0.5, 0.25), ([0.5], [0.25]), (torch.tensor([0.5]), torch.tensor([0.25]))]:
        assert as_normalize(given).mean == (0.5,)
        assert as_normalize(given).std == (0.25,)
    own = Normalize((0.0,), (1.0,))
    assert as_normalize(own) is own


@pytest.mark.parametrize(
    "value", [3, "ab", (1, 2, 3), (("x",), (1,)), ((), ()), ((0.1,), (-1.0,)), ((0.1, 0.2), (1.0,))]
)
def test_other_values_are_rejected(value):
    with pytest.raises(ArgumentError, match="normalize="):
        as_normalize(value)
