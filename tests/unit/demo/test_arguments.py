# SPDX-License-Identifier: Apache-2.0
"""What the demo and the sizes of pictures take and refuse, before anything is trained or made."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic_atlases import write_log
from tiny_training import TINY

from tensorboard_plugin_atlas import cli
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.commands import demo
from tensorboard_plugin_atlas.commands.cost_estimate import estimate
from tensorboard_plugin_atlas.commands.icon_refinement import build_logged_probe
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.run import run_demo


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two classes of ten pictures of 16 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("blue", "red"):
        (folder / name).mkdir()
        for index in range(10):
            pixels = np.random.default_rng(index).integers(0, 255, (16, 16, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{index}.png")
    return folder


@pytest.mark.parametrize("steps", range(1, 9))
def test_every_number_of_steps_works(steps: int, photos: Path, tmp_path: Path) -> None:
    result = run_demo(str(photos), tmp_path / "run", steps=steps, with_atlas=False)
    assert result.speed > 0


class TestLogDir:
    def get_refusal(self, log_dir: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> str:
        command = ["demo", "--data", str(photos), "--log-dir", str(log_dir), "--steps", "1"]
        assert cli.main([*command, "--no-serve"]) == 2
        (sentence,) = capsys.readouterr().err.splitlines()  # and no bar of training
        assert sentence.startswith(f"tensorboard-atlas: --log-dir {str(log_dir)!r} ")
        return sentence

    def test_a_file(self, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "afile").write_text("")
        sentence = self.get_refusal(tmp_path / "afile", photos, capsys)
        assert sentence.endswith(" is a file; pass a new directory")
        assert "cannot be written" in self.get_refusal(tmp_path / "afile" / "below", photos, capsys)

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder refuses everybody")
    def test_where_none_can_be_made(self, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for place in ("/proc/zz", "/proc"):
            assert "cannot be written" in self.get_refusal(Path(place), photos, capsys)

    def test_an_earlier_run_with_atlases_stays_as_it_is(
        self, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_log(tmp_path, runs=("run",), layers=("stage2",), steps=(0, 5))
        before = sorted(tmp_path.rglob("*"))
        sentence = self.get_refusal(tmp_path / "run", photos, capsys)
        assert "holds the atlases of an earlier run; pass another --log-dir, or delete" in sentence
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_folder_of_other_runs_is_taken(self, tmp_path: Path, photos: Path) -> None:
        write_log(tmp_path, runs=("run",), layers=("stage2",), steps=(0, 5))
        run_demo(str(photos), tmp_path, steps=1, with_atlas=False)


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("--port", "99999999", "from 0 to 65535"),
        ("--port", "-1", "from 0 to 65535"),
        ("--port", "http", "from 0 to 65535"),
        ("--seed", "99999999999999999999999", "from -9223372036854775808 to 18446744073709551615"),
        ("--steps", "0", "from 1 to 1000000000"),
        ("--steps", "1" + "0" * 30, "from 1 to 1000000000"),
    ],
)
def test_numbers_out_of_range_are_named(
    option: str, value: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", f"{option}={value}"])
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        f"tensorboard-atlas demo: error: argument {option}: {value!r}: pass an integer {wanted}"
    )


def test_port_0_is_any_that_is_free_and_the_last_is_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 0 < demo._find_free_port(0) <= 65_535
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: 0)  # all are taken
    with pytest.raises(cli.AtlasError, match="--port 65500: no port up to 65535 is free"):
        demo._find_free_port(65_500)


class TestSide:
    def test_smaller_pictures_grow_to_it_and_keep_their_own_without(self, photos: Path) -> None:
        given = {side: load(str(photos), limit=4, seed=0, side=side) for side in (None, 24, 8)}
        assert {side: found.images.shape[1:] for side, found in given.items()} == {
            None: (16, 16, 3),
            24: (24, 24, 3),
            8: (8, 8, 3),
        }

    def test_so_do_the_digits(self) -> None:
        own = load("digits", limit=9, seed=0)
        larger = load("digits", limit=9, seed=0, side=48)
        assert larger.images.shape == (len(own.labels), 48, 48, 1)
        (smaller, same) = (load("digits", limit=9, seed=0, side=side) for side in (8, 32))
        assert smaller.images.shape[1:] == (8, 8, 1)
        np.testing.assert_array_equal(same.images, own.images)

    def test_an_estimate_is_of_pictures_of_that_size(
        self, photos: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes = []
        monkeypatch.setattr("tiny_training.Net.forward", self.record_sizes(sizes))
        for side in (None, 40):
            sizes.clear()
            estimate("tiny_training:Net", str(photos), layers=["body"], side=side, config=TINY)
            assert set(sizes) == {16 if side is None else side}

    def record_sizes(self, sizes: list[int]):  # type: ignore[no-untyped-def]
        """Returns `Net.forward`, which notes the sides of what it is given."""
        from tiny_training import Net

        forward = Net.forward

        def noting(network, x):  # type: ignore[no-untyped-def]
            sizes.append(x.shape[-1])
            return forward(network, x)

        return noting

    @pytest.mark.parametrize(
        ("logged", "given", "side"),
        [
            ([24, 24], None, 24),  # "as the atlas has them", smaller ones too
            ([24, 24], 20, 20),
            (None, None, 16),
            ([10**9, 10**9], None, 16),  # no log makes anyone fill the memory
            (["wide"], None, 16),
        ],
    )
    def test_refine_takes_pictures_as_the_atlas_has_them(
        self, photos: Path, logged: object, given: int | None, side: int
    ) -> None:
        from synthetic_atlases import make_atlas

        atlas = with_input_size(make_atlas(0), logged)
        probe = build_logged_probe(atlas, str(photos), TINY, given, None)
        assert tuple(probe.images.shape[-2:]) == (side, side)

    @pytest.mark.parametrize("side", ["100000", "0", "-3", "wide"])
    def test_nonsense_is_refused(self, side: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            cli.main(["estimate", "--model", "a:b", "--data", "c", f"--side={side}"])
        assert f"argument --side: {side!r}: pass an integer from 1 to 4096" in (
            capsys.readouterr().err
        )


def with_input_size(atlas: Atlas, size: object) -> Atlas:
    """Returns an atlas that says so of its images, and has no classes of its own."""
    import dataclasses

    info = {"input_size": size}
    return atlas.replace(
        classes=None, provenance=dataclasses.replace(atlas.provenance, layer_info=info)
    )
