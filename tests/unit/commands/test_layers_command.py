# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas layers`: the layers of a model with shape, receptive field, and cost."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.cli import main
from tensorboard_plugin_atlas.commands.layer_report import report_layers
from tensorboard_plugin_atlas.errors import AtlasError


def make_net(channels: int = 3) -> nn.Sequential:
    def block(before: int, after: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), nn.ReLU())

    return nn.Sequential(
        block(channels, 4),
        block(4, 6),
        block(6, 8),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def test_shapes_fields_and_costs() -> None:
    report = report_layers(make_net(), (32, 32))
    assert [(one.name, one.shape, one.map_size) for one in report.rows] == [
        ("0", (4, 16, 16), (16, 16)),
        ("1", (6, 8, 8), (8, 8)),
        ("2", (8, 4, 4), (4, 4)),
    ]
    assert all(one.is_chosen for one in report.rows)
    assert report.reason == "the last of the blocks at each resolution"
    fields = [one.field[0] for one in report.rows]
    assert fields == sorted(fields)
    assert fields[0] < fields[-1] <= 15
    costs = [one.cost for one in report.rows]
    assert costs == sorted(costs)
    assert 0 < costs[0] < costs[-1] <= 1


def test_other_channels_and_sides() -> None:
    report = report_layers(make_net(1), (16, 24), channels=1)
    assert report.rows[0].map_size == (8, 12)


def test_the_model_and_the_random_state_stay_the_same() -> None:
    model = make_net().train()
    state = torch.get_rng_state()
    report_layers(model, (32, 32))
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_a_wrong_number_of_channels_has_a_message() -> None:
    with pytest.raises(AtlasError, match="1 channels, the model's first convolution takes 3"):
        report_layers(make_net(), (32, 32), channels=1)


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "--model", "torchvision.models:resnet18", "--side", "64"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["layer", "output", "map", "field", "cost"]
    found = [line for line in lines if line.startswith("*  layer")]
    assert [line.split()[1] for line in found] == ["layer1", "layer2", "layer3", "layer4"]
    assert "512 x 2 x 2" in found[-1]
    assert lines[-1] == "* chosen if no layers are named: the last of the blocks at each resolution"


@pytest.mark.parametrize("options", [["--side", "0"], ["--channels", "many"], ["--model", "x"]])
def test_wrong_options_are_explained(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["layers", "--model", "torchvision.models:resnet18", *options]
    try:
        status: object = main(command)
    except SystemExit as error:  # of the parser
        status = error.code
    assert status == 2
    assert options[-1] in capsys.readouterr().err
