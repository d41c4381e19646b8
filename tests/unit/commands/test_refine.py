# SPDX-License-Identifier: Apache-2.0
"""Better icons for a logged step: from matching weights, shown instead of the logged ones."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard_server import get, start_tensorboard
from torch import Tensor, nn

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, cli, read_atlases
from tensorboard_plugin_atlas.commands.cost_estimate import make_image_tensors
from tensorboard_plugin_atlas.commands.icon_refinement import RefinedLayer, refine
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.doctor import NOTE, PROBLEM, examine
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.logs.repair import repair

SIDE = 16
STEPS = (0, 10, 20)
HERE = "test_refine"
LAYERS = ("1", "3")
NORMALIZE = ((0.4,), (0.5,))
CONFIG = AtlasConfig(
    samples=80, grids=(2, 4), min_count=2, neighbors=8, epochs=20, icons="preview", icon_steps=1
)


def make_model(seed: int = 0, width: int = 8) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        *(nn.Conv2d(3, width, 3, padding=1), nn.SiLU()),
        *(nn.Conv2d(width, 12, 3, 2, padding=1), nn.SiLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)),
    )


def make_wide() -> nn.Sequential:
    return make_model(width=9)


def make_probe() -> tuple[Tensor, Tensor]:
    pixels = torch.rand(80, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    return (pixels - NORMALIZE[0][0]) / NORMALIZE[1][0], torch.arange(80) % 4


def make_other_labels() -> tuple[Tensor, Tensor]:
    return make_probe()[0], torch.arange(80) % 3


def make_few() -> tuple[Tensor, ...]:
    return tuple(part[:50] for part in make_probe())


def weights_at(step: int) -> dict[str, Tensor]:
    """Returns weights that change considerably from step to step."""
    return make_model(seed=step + 1).state_dict()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps of two layers, with the checkpoint of each step."""
    directory = tmp_path_factory.mktemp("trained")
    model = make_model()
    writer = AtlasWriter(
        directory / "runs" / "exp",
        model,
        layers=list(LAYERS),
        probe=make_probe(),
        classes=["a", "b", "c", "d"],
        normalize=NORMALIZE,
        config=CONFIG,
        worker="inline",
        strict=True,
    )
    with writer:
        for step in STEPS:
            model.load_state_dict(weights_at(step))
            torch.save(model.state_dict(), directory / f"{step}.pt")
            writer.add_atlas(step)
    return directory


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy of the log for a test to add to."""
    return Path(shutil.copytree(trained / "runs", tmp_path / "runs"))


def refine_runs(
    runs: Path, trained: Path, step: int | None = None, **more: Any
) -> tuple[RefinedLayer, ...]:
    checkpoint = trained / f"{STEPS[-1] if step is None else step}.pt"
    settings = {"kind": "inversion", "progress": False, "step": step, **more}
    return refine(runs, checkpoint, f"{HERE}:make_model", f"{HERE}:make_probe", **settings)


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def kinds(runs: Path) -> dict[tuple[str, int], str]:
    return {(a.layer, a.step): str(a.grids[0].icon_kind[0]) for a in read_atlases(runs)}


def test_the_last_step_of_every_layer_is_rendered_again_in_place(trained: Path, runs: Path) -> None:
    before, old = contents(runs), {(a.layer, a.step): a for a in read_atlases(runs)}
    done = refine_runs(runs, trained)
    assert [(one.run, one.layer, one.step) for one in done] == [
        ("exp/atlas", layer, 20) for layer in LAYERS
    ]
    after = contents(runs)
    assert {name: after[name] for name in before} == before
    (added,) = after.keys() - before.keys()
    assert added.startswith("exp/atlas/refined/0001/events.out.tfevents.")
    assert kinds(runs) == {
        (layer, step): "inversion" if step == 20 else "preview"
        for layer in LAYERS
        for step in STEPS
    }
    for atlas in read_atlases(runs):
        was = old[atlas.layer, atlas.step]
        assert (atlas.run, atlas.sequence, atlas.wall_time) == (
            was.run,
            was.sequence,
            was.wall_time,
        )
        np.testing.assert_array_equal(atlas.xy, was.xy)
        np.testing.assert_array_equal(atlas.activations, was.activations)
        for new, grid in zip(atlas.grids, was.grids, strict=True):
            np.testing.assert_array_equal(new.cell_of, grid.cell_of)
    for one in done:
        assert one.match.median > 0.9999
        # Sixteen steps instead of one; the first layer gains little from them.
        assert one.after > one.before
        found = next(a for a in read_atlases(runs) if (a.layer, a.step) == (one.layer, 20))
        cosines = np.concatenate([grid.icon_cosine for grid in found.grids])
        assert one.after == pytest.approx(np.nanmean(cosines))
        assert found.provenance.settings["icons"] == "inversion"
        assert "icons: rendered again as inversion, from weights" in found.provenance.notes[-1]
    assert max(one.after - one.before for one in done) > 0.05
    listed = [e.bytes for e in list_atlases(runs) if e.revision == "refined"]
    assert [one.bytes for one in done] == listed


def test_steps_and_kinds_in_any_order(trained: Path, runs: Path) -> None:
    refine_runs(runs, trained, 20, layers=["3"])
    refine_runs(runs, trained, 0, layers=["3"], kind="poster")
    refine_runs(runs, trained, 20, layers=["3"], kind="poster")
    assert sorted(p.name for p in (runs / "exp/atlas/refined").iterdir()) == [
        *("0001", "0002", "0003")
    ]
    found = kinds(runs)
    assert [found["3", step] for step in STEPS] == ["poster", "preview", "poster"]
    assert [found["1", step] for step in STEPS] == ["preview"] * 3
    assert [f.text for f in examine(runs) if f.mark in (NOTE, PROBLEM)] == []


def test_going_on_from_what_is_logged(trained: Path, runs: Path) -> None:
    (again,) = refine_runs(runs, trained, 10, layers=["3"])
    (onward,) = refine_runs(runs, trained, 10, layers=["3"], onward=True)
    assert again.before < onward.after < 1
    found = next(a for a in read_atlases(runs, layer="3") if a.step == 10)
    assert set(found.grids[0].icon_kind) == {"inversion"}
    # A quarter of the steps from other initial icons leads to a different result.
    assert onward.after != again.after


def test_a_gap_in_the_numbers_is_not_filled(trained: Path, runs: Path) -> None:
    (runs / "exp/atlas/refined/0007").mkdir(parents=True)
    refine_runs(runs, trained, 0, layers=["3"])
    assert [p.name for p in (runs / "exp/atlas/refined").iterdir() if any(p.iterdir())] == ["0008"]


def test_a_repaired_log_keeps_them(trained: Path, runs: Path, tmp_path: Path) -> None:
    refine_runs(runs, trained, 10, layers=["1"])
    repair(runs, tmp_path / "repaired", progress=False)
    assert kinds(tmp_path / "repaired") == kinds(runs)
    assert kinds(runs)["1", 10] == "inversion"


def test_a_writer_goes_on_beside_them(trained: Path, runs: Path) -> None:
    refine_runs(runs, trained, 20)
    writer = AtlasWriter(
        runs / "exp",
        make_model(),
        layers=["3"],
        probe=make_probe(),
        normalize=NORMALIZE,
        classes=["a", "b", "c", "d"],
        config=CONFIG,
        worker="inline",
        strict=True,
    )
    with writer:
        writer.add_atlas(30)
    found = {a.step: a for a in read_atlases(runs, layer="3")}
    assert [(s, a.sequence, str(a.grids[0].icon_kind[0])) for s, a in found.items()] == [
        *((0, 1, "preview"), (10, 2, "preview"), (20, 3, "inversion"), (30, 4, "preview"))
    ]


def test_pictures_may_come_from_files(tmp_path: Path) -> None:
    for number in range(24):
        pixels = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    photos = load(str(tmp_path / "photos"), limit=CONFIG.samples, seed=0)
    model = make_model()
    torch.save(model.state_dict(), tmp_path / "0.pt")
    writer = AtlasWriter(
        *(tmp_path / "runs", model, ["3"]),
        probe=make_image_tensors(photos, NORMALIZE),
        classes=[*photos.classes, "c", "d"],
        normalize=NORMALIZE,
        config=CONFIG,
        worker="inline",
        strict=True,
    )
    with writer:
        writer.add_atlas(0)
    where = (tmp_path / "runs", tmp_path / "0.pt", f"{HERE}:make_model")
    (one,) = refine(*where, str(tmp_path / "photos"), progress=False)
    assert (one.run, one.layer, one.step) == ("atlas", "3", 0)


class TestRefusals:
    """Rejected calls; none of them writes anything."""

    @pytest.fixture(autouse=True)
    def _unchanged(self, runs: Path) -> Iterator[None]:
        before = contents(runs)
        yield
        assert contents(runs) == before
        assert not (runs / "exp/atlas/refined").exists()

    def test_weights_of_another_step(self, trained: Path, runs: Path) -> None:
        with pytest.raises(
            ArgumentError, match=r"differ from those logged for layer '1' at step 20"
        ) as it:
            refine(
                *(runs, trained / "10.pt", f"{HERE}:make_model", f"{HERE}:make_probe"),
                progress=False,
            )
        figure = float(str(it.value).partition("median cosine ")[2].partition(",")[0])
        assert figure < 0.9

    def test_weights_a_little_off(self, trained: Path, runs: Path, tmp_path: Path) -> None:
        state = {k: v + 0.1 * torch.randn_like(v) for k, v in weights_at(20).items()}
        torch.save(state, tmp_path / "off.pt")
        with pytest.raises(ArgumentError, match=r"median cosine 0\.\d\d, expected"):
            refine(runs, tmp_path / "off.pt", f"{HERE}:make_model", f"{HERE}:make_probe")

    @pytest.mark.parametrize(
        ("data", "differs"),
        [
            ("make_other_labels", "differs from the probe of the atlas: other labels; pass"),
            ("make_few", "50 samples, 80 before"),
        ],
    )
    def test_other_pictures(self, data: str, differs: str, trained: Path, runs: Path) -> None:
        with pytest.raises(ArgumentError, match=differs):
            refine(runs, trained / "20.pt", f"{HERE}:make_model", f"{HERE}:{data}")

    def test_another_network(self, trained: Path, runs: Path) -> None:
        with pytest.raises(
            ArgumentError, match=r"does not fit the model .*of another shape: 0\.bias"
        ):
            refine(runs, trained / "20.pt", f"{HERE}:make_wide", f"{HERE}:make_probe")

    @pytest.mark.parametrize(
        ("more", "match"),
        [
            ({"layers": ["5"]}, r"--layer '5' was not logged; pass one of 1, 3"),
            ({"run": "none"}, r"no atlases in a run 'none'"),
            ({"kind": "examples"}, r"--to 'examples': pass one of preview, inversion, poster"),
            ({"device": "nowhere"}, r"--device 'nowhere' cannot be used"),
        ],
    )
    def test_what_is_not_there(
        self, more: dict[str, Any], match: str, trained: Path, runs: Path
    ) -> None:
        with pytest.raises(ArgumentError, match=match):
            refine_runs(runs, trained, 20, **more)

    def test_a_step_that_was_not_logged(self, trained: Path, runs: Path) -> None:
        with pytest.raises(ArgumentError, match=r"--step 15 was not logged; the nearest are 0, 10"):
            refine(*(runs, trained / "20.pt", f"{HERE}:make_model", f"{HERE}:make_probe"), step=15)


def test_of_several_runs_one_has_to_be_named(trained: Path, runs: Path) -> None:
    shutil.copytree(runs / "exp", runs / "again")
    with pytest.raises(ArgumentError, match=r"--run: there are 2 runs \(again/atlas, exp/atlas\)"):
        refine_runs(runs, trained, 20)
    (one, _) = refine_runs(runs, trained, 20, run="again")
    assert one.run == "again/atlas"
    assert not (runs / "exp/atlas/refined").exists()


def test_the_command(trained: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        *("refine", str(runs), "--checkpoint", str(trained / "10.pt"), "--step", "10"),
        *("--model", f"{HERE}:make_model", "--data", f"{HERE}:make_probe"),
        *("--layer", "3", "--to", "inversion"),
    ]
    assert cli.main(command) == 0
    out = capsys.readouterr().out
    layer, step, _, match = out.splitlines()[2].split()[:4]
    assert (layer, step, match) == ("3", "10", "1.000")
    assert "the tab shows them in run exp/atlas" in out
    assert kinds(runs)["3", 10] == "inversion"
    command[command.index("--step") + 1] = "last"
    assert cli.main(command) == 2
    assert "the activations with these weights differ" in capsys.readouterr().err


@pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
def test_the_tab_takes_them_over_while_it_runs(fast: bool, trained: Path, runs: Path) -> None:
    with start_tensorboard(runs, fast) as url:
        base, deadline = url + "data/plugin/atlas/", time.monotonic() + 120

        def series() -> dict[str, Any]:
            runs_listed = json.loads(get(base + "index")[2])["runs"]
            assert time.monotonic() < deadline, runs_listed
            time.sleep(0.1)
            return {one["layer"]: one for run in runs_listed for one in run["series"]}

        while set(found := series()) != set(LAYERS) or found["3"]["steps"] != list(STEPS):
            pass
        old = found["3"]["versions"]
        refine_runs(runs, trained, 20, layers=["3"])
        refine_runs(runs, trained, 0, layers=["3"])
        while len(set(old) & set((now := series()["3"])["versions"])) != 1:
            pass
        assert now["steps"] == list(STEPS)
        history = json.loads(get(f"{base}history?id={now['id']}")[2])["steps"]
        assert [one["revision"] for one in history] == [
            "refined",
            "logged",
            "refined",
        ]
        listed = json.loads(get(base + "index")[2])["runs"]
        assert [run["run"] for run in listed] == ["exp/atlas"]
