# SPDX-License-Identifier: Apache-2.0
"""The options `--forward` and `--output`, for a model that takes its images by name."""

from __future__ import annotations

import pytest
import torch
from colored_marks import CLASSES, MarkNet, make_marked_images
from PIL import Image

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, cli, read_atlases

HERE = "test_model_interface_options"
CONFIG = AtlasConfig(
    samples=90, grids=(3,), min_count=2, neighbors=8, epochs=20, icons="preview", icon_steps=1
)
FUNCTIONS = ("--forward", f"{HERE}:call_by_name", "--output", f"{HERE}:read_scores")


class ByName(MarkNet):
    """Returns no logits as such: a function must remove a dimension."""

    def forward(self, *, pixels):
        return {"scores": super().forward(pixels)[:, None]}


def make_model():
    return ByName()


def make_probe():
    return make_marked_images((30, 30, 30))[:2]


def call_by_name(model, images):
    return model(pixels=images)


def read_scores(output):
    return output["scores"][:, 0]


not_callable = 3


@pytest.fixture
def logged(tmp_path):
    """A run of one step, its checkpoint, and the arguments of commands for it."""
    model = make_model()
    torch.save(model.state_dict(), tmp_path / "0.pt")
    with AtlasWriter(
        tmp_path / "runs" / "exp",
        model,
        ["act"],
        probe=make_probe(),
        classes=CLASSES,
        config=CONFIG,
        forward=call_by_name,
        output=read_scores,
        worker="inline",
        strict=True,
    ) as writer:
        writer.add_atlas(0)
    return (
        str(tmp_path / "runs"),
        *("--checkpoint", str(tmp_path / "0.pt"), "--model", f"{HERE}:make_model"),
        *("--data", f"{HERE}:make_probe"),
    )


def test_class_atlases_use_both_functions(logged, capsys):
    assert cli.main(["class", *logged, *FUNCTIONS, "--classes", "red"]) == 0
    (atlas,) = read_atlases(logged[0], run="exp/atlas/classes")
    assert (atlas.labels == 0).all()
    assert (atlas.predictions == 0).all()
    assert "act · red" in capsys.readouterr().out


def test_refined_icons_use_both_functions(logged):
    assert cli.main(["refine", *logged, *FUNCTIONS, "--to", "inversion"]) == 0
    (atlas,) = read_atlases(logged[0])
    assert set(atlas.grids[0].icon_kind) == {"inversion"}


def test_layers_and_estimates_use_both_functions(tmp_path, capsys):
    model = ("--model", f"{HERE}:make_model")
    assert cli.main(["layers", *model, *FUNCTIONS, "--side", "24"]) == 0
    assert "patch" in capsys.readouterr().out
    for index in range(8):
        folder = tmp_path / CLASSES[index % 2]
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (24, 24), (index * 30, 0, 200)).save(folder / f"{index}.png")
    data = ("--data", str(tmp_path), "--layer", "act", "--samples", "16", "--icons", "none")
    assert cli.main(["estimate", *model, *FUNCTIONS, *data]) == 0
    assert "act" in capsys.readouterr().out


def test_without_the_functions_the_message_says_what_to_pass(logged, capsys):
    assert cli.main(["class", *logged, "--classes", "red"]) == 2
    assert "pass forward=lambda model, images" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--forward", "--output"])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("call_by_name", "pass module:function, such as my_code:"),
        (f"{HERE}:missing", "AttributeError"),
        (f"{HERE}:not_callable", "not_callable is no function (int)"),
        ("no_such_module:run", "ModuleNotFoundError"),
    ],
)
def test_a_function_that_does_not_exist_is_reported(option, path, message, capsys):
    arguments = ["layers", "--model", f"{HERE}:make_model", option, path]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert f"{option} '{path}'" in error
    assert message in error
