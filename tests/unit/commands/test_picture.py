# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas picture`: files, messages, and what remains if saving fails."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from commands import ROOT
from PIL import Image
from synthetic_atlases import make_atlas, write_atlases, write_log

from tensorboard_plugin_atlas.cli import main
from tensorboard_plugin_atlas.logs.log_files import list_event_files

GOLDEN = ROOT / "tests/golden"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of two layers at two steps."""
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, runs=("exp1",), layers=("layer3", "layer4"), steps=(0, 800))
    return folder


def save(log: Path, output: Path, *more: str) -> int:
    return main(["picture", str(log), "--layer", "layer3", "-o", str(output), "--dpi", "50", *more])


class TestFiles:
    def test_a_png_has_the_requested_width(self, log: Path, tmp_path: Path, capsys) -> None:
        output = tmp_path / "a.png"
        assert save(log, output, "--width", "4") == 0
        assert capsys.readouterr().out == f"saved {output}\n"
        with Image.open(output) as image:
            assert image.format == "PNG"
            assert image.width == 200
            assert image.height > 100

    def test_a_pdf_has_one_page_and_truetype_fonts(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "a.pdf"
        assert save(log, output, "--classes", "labels", "--concepts") == 0
        content = output.read_bytes()
        assert content.startswith(b"%PDF-")
        assert content.rstrip().endswith(b"%%EOF")
        assert len(re.findall(rb"/Type /Page\b", content)) == 1
        assert b"/Subtype /Type3" not in content
        assert b"/FontFile2" in content

    def test_an_svg_is_well_formed(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "a.SVG"
        assert save(log, output, "--classes", "predictions", "--width", "5") == 0
        root = ElementTree.parse(output).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("width") == "360pt"

    @pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
    def test_equal_logs_give_equal_files(self, log: Path, tmp_path: Path, suffix: str) -> None:
        first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        assert save(log, first, "--concepts") == save(log, second, "--concepts") == 0
        assert first.read_bytes() == second.read_bytes()

    def test_the_last_step_is_the_default(self, log: Path, tmp_path: Path) -> None:
        files = {}
        for name, more in {"last": (), "800": ("--step", "800"), "0": ("--step", "0")}.items():
            assert save(log, tmp_path / f"{name}.png", *more) == 0
            files[name] = (tmp_path / f"{name}.png").read_bytes()
        assert files["last"] == files["800"] != files["0"]

    @pytest.mark.parametrize(
        "option", [("--class-sheet", "bird"), ("--class-sheet", "1"), ("--concept-sheet", "0")]
    )
    def test_contact_sheets_are_saved(self, log: Path, tmp_path: Path, option) -> None:
        assert save(log, tmp_path / "a.png", *option) == 0
        with Image.open(tmp_path / "a.png") as image:
            assert image.width == 325
            assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 50

    @pytest.mark.parametrize("version", ["wire-1", "wire-2", "wire-3"])
    def test_logs_of_every_version_are_drawn(self, tmp_path: Path, version: str) -> None:
        command = ["picture", str(GOLDEN / version), "--layer", "layer3", "--classes", "labels"]
        assert main([*command, "-o", str(tmp_path / "a.svg")]) == 0
        ElementTree.parse(tmp_path / "a.svg")

    def test_class_atlases_are_drawn(self, tmp_path: Path) -> None:
        series = "layer3 \u00b7 cat"
        atlases = [make_atlas(0), make_atlas(0, layer=series), make_atlas(5, layer=series)]
        write_atlases(tmp_path / "log/run", atlases)
        for layer in ("layer3", series):
            assert save(tmp_path / "log", tmp_path / f"{layer}.png", "--layer", layer) == 0
        command = ["picture", str(tmp_path / "log"), "-o", str(tmp_path / "one.png")]
        assert main([*command, "--dpi", "50"]) == 0  # the only layer that is no series
        assert (tmp_path / "one.png").read_bytes() == (tmp_path / "layer3.png").read_bytes()
        assert (tmp_path / "one.png").read_bytes() != (tmp_path / f"{series}.png").read_bytes()

    def test_settings_of_matplotlib_stay(self, log: Path, tmp_path: Path) -> None:
        before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
        assert save(log, tmp_path / "a.pdf") == 0
        assert (dict(matplotlib.rcParams), matplotlib.get_backend()) == (before, backend)


class TestExistingFiles:
    def test_a_file_is_replaced_with_force_only(self, log: Path, tmp_path: Path, capsys) -> None:
        output = tmp_path / "a.png"
        output.write_bytes(b"mine")
        assert save(log, output) == 2
        assert "a.png' exists; pass --force to replace it, or another name" in (
            capsys.readouterr().err
        )
        assert output.read_bytes() == b"mine"
        assert save(log, output, "--force") == 0
        assert output.read_bytes().startswith(b"\x89PNG")
        assert list(tmp_path.iterdir()) == [output]

    @pytest.mark.parametrize("force", [True, False])
    def test_a_full_disk_leaves_no_half_file(
        self, log: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch, force: bool
    ) -> None:
        output = tmp_path / "a.png"
        if force:
            output.write_bytes(b"mine")

        def fail(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        assert save(log, output, *(["--force"] if force else [])) == 2
        assert re.search(
            r"--output '.*a\.png' cannot be written \(No space left on device\); free space, or",
            capsys.readouterr().err,
        )
        assert [path.read_bytes() for path in tmp_path.iterdir()] == ([b"mine"] if force else [])

    def test_an_interrupt_leaves_no_half_file(
        self, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(self: object, file: object, **_: object) -> None:
            file.write(b"half")  # type: ignore[attr-defined]
            raise KeyboardInterrupt

        monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
        assert save(log, tmp_path / "a.png") == 130
        assert list(tmp_path.iterdir()) == []


class TestMessages:
    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--step", "5"], r"--step 5 was not logged; the nearest are 0, 800"),
            (["--grid", "7"], r"--grid=7: the atlas has no such grid; pass one of 4, 8, 16"),
            (["--run", "exp2"], r"no atlases in a run 'exp2' under"),
            (["--layer", "layer9"], r"--layer 'layer9' was not logged; pass one of layer3, layer4"),
            (["--width", "nan"], r"--width=nan: pass a number of inches from 1 to 100"),
            (["--width", "90", "--dpi", "600"], r"--width 90 with --dpi 600 is wider than 12,000"),
            (
                ["--class-sheet", "brid"],
                r"--class-sheet: no class is named 'brid'; did you mean ",
            ),
            (["--class-sheet", "77"], r"--class-sheet: 77 is not a class; .*pass 0 to 5"),
            (
                ["--concept-sheet", "9"],
                r"--concept-sheet=9: the atlas has no such concept; the",
            ),
            (
                ["--class-sheet", "cat", "--classes", "labels"],
                r"--classes has no effect on a contact sheet; leave it out",
            ),
            (["-o", "a.jpg"], r"--output 'a\.jpg': pass a name that ends with \.png, \.svg, \.pdf"),
            (["-o", "no/a.png"], r"--output 'no/a\.png': the directory 'no' does not exist; cr"),
        ],
    )
    def test_wrong_options_are_reported_with_advice(
        self, log: Path, tmp_path: Path, capsys, monkeypatch, more: list[str], message: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert save(log, Path("a.png"), *more) == 2
        assert re.search(rf"^tensorboard-atlas: .*{message}", capsys.readouterr().err)
        assert list(tmp_path.iterdir()) == []

    def test_a_directory_is_no_output(self, log: Path, tmp_path: Path, capsys) -> None:
        (tmp_path / "a.png").mkdir()
        assert save(log, tmp_path / "a.png", "--force") == 2
        assert "is a directory; pass the name of a file" in capsys.readouterr().err

    def test_a_pipe_is_no_output(self, log: Path, tmp_path: Path, capsys) -> None:
        """A rename would replace it."""
        os.mkfifo(tmp_path / "a.png")
        assert save(log, tmp_path / "a.png", "--force") == 2
        assert "is a device or a pipe; pass the name of a file" in capsys.readouterr().err
        assert (tmp_path / "a.png").is_fifo()

    def test_several_runs_or_layers_must_be_chosen(self, tmp_path: Path, capsys) -> None:
        write_log(tmp_path / "log", runs=("a", "b"), layers=("x", "y"), steps=(0,))
        command = ["picture", str(tmp_path / "log"), "-o", str(tmp_path / "a.png")]
        assert main(command) == 2
        assert "pass --layer: there are 2 layers (x, y)" in capsys.readouterr().err
        assert main([*command, "--layer", "x"]) == 2
        assert "pass --run: there are 2 runs (a/atlas, b/atlas)" in capsys.readouterr().err

    def test_what_the_atlas_lacks_is_reported(self, tmp_path: Path, capsys) -> None:
        atlas = make_atlas(0).replace(concepts=None, concept_groups=None, concept_change=None)
        samples = type(atlas.samples)(
            **{**vars(atlas.samples), "labels": None, "losses": None, "concepts": None}
        )
        write_atlases(tmp_path / "log/run", [atlas.replace(samples=samples)], probe=False)
        for more, message in {
            ("--classes", "labels"): "--classes labels: the atlas of layer 'layer3' at step 0 has "
            "no labels; pass predictions, or leave it out",
            ("--concepts",): "--concepts: the atlas of layer 'layer3' at step 0 has no concepts",
            ("--class-sheet", "cat"): "--class-sheet='cat': the atlas has no labels",
        }.items():
            assert save(tmp_path / "log", tmp_path / "a.png", *more) == 2
            assert message in capsys.readouterr().err

    def test_damage_is_reported(self, log: Path, tmp_path: Path, capsys) -> None:
        shutil.copytree(log, tmp_path / "log")
        (folder,) = (tmp_path / "log").rglob("atlas")
        (path,) = list_event_files(folder)
        content = bytearray(path.read_bytes())
        for start in (match.start() for match in re.finditer(rb"RIFF", bytes(content))):
            content[start + 40 : start + 60] = bytes(20)
        path.write_bytes(content)
        assert save(tmp_path / "log", tmp_path / "a.png") == 2
        assert capsys.readouterr().err.startswith("tensorboard-atlas: ")
        assert not (tmp_path / "a.png").exists()

    def test_a_font_that_lacks_characters_is_noted(self, tmp_path: Path, capsys) -> None:
        names = tuple(f"\u6f22{number}" for number in range(6))
        write_atlases(tmp_path / "log/run", [make_atlas(800, classes=names)])
        with matplotlib.rc_context({"font.family": "DejaVu Sans"}):
            assert save(tmp_path / "log", tmp_path / "a.png", "--classes", "labels") == 0
        assert "the font lacks some characters of the names" in capsys.readouterr().out


class TestWithoutMatplotlib:
    def run(self, code: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
        blocked = "import sys; sys.modules['matplotlib'] = None\n"
        return subprocess.run(
            [sys.executable, "-c", blocked + code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests/helpers'}"},
        )

    def test_names_can_be_imported_and_calls_say_what_to_install(self, tmp_path: Path) -> None:
        code = (
            "from synthetic_atlases import make_atlas\n"
            "from tensorboard_plugin_atlas import *\n"
            "import tensorboard_plugin_atlas as package\n"
            "atlas = make_atlas(0)\n"
            "for call in (lambda: plot_atlas(atlas), lambda: plot_evolution([atlas]),\n"
            "             lambda: plot_concept([atlas], 1), lambda: plot_atlas(atlas, ax=1)):\n"
            "    try: call()\n"
            "    except package.AtlasError as error: print(error)\n"
        )
        done = self.run(code, tmp_path)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 4
        assert all('pip install "tensorboard_plugin_atlas[plot]"' in line for line in lines)

    def test_the_command_says_what_to_install(self, log: Path, tmp_path: Path) -> None:
        code = (
            "from tensorboard_plugin_atlas.cli import main\n"
            f"sys.exit(main(['picture', {str(log)!r}, '--layer', 'layer3', '-o', 'a.png']))"
        )
        done = self.run(code, tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("tensorboard-atlas: plots need Matplotlib")
        assert 'pip install "tensorboard_plugin_atlas[plot]"' in done.stderr
        assert list(tmp_path.iterdir()) == []


def test_the_command_loads_no_torch_and_no_pyplot(log: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from tensorboard_plugin_atlas.cli import main\n"
        f"main(['picture', {str(log)!r}, '--layer', 'layer3', '-o', 'a.png', '--dpi', '50'])\n"
        "print({'torch', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "saved a.png\nset()\n"
