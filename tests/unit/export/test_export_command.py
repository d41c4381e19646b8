# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas export`: what it prints, and its exit status."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from event_file_damage import find_record_offsets, flip_bit
from exported_pages import STEPS, parse_page, write_small_log

from tensorboard_plugin_atlas import cli
from tensorboard_plugin_atlas.logs.log_files import list_event_files


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log "runs" in the current directory; returns the directory of its event file."""
    monkeypatch.chdir(tmp_path)
    return write_small_log(Path("runs"))


def test_it_writes_atlas_html(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "runs"]) == 0
    output = capsys.readouterr()
    assert re.fullmatch(r"atlas\.html: 10 atlases, 0\.[0-9] MB\n", output.out)
    assert output.err == ""
    assert parse_page(Path("atlas.html")).title == "runs"


def test_it_prints_what_is_left_out(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = list_event_files(log)
    flip_bit(file, find_record_offsets(file)[-1] + 900)
    options = ["--layer", "layer3", "--every", "100", "--no-activations", "--title", "A title"]
    assert cli.main(["export", "runs", "-o", "small.html", *options]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("small.html: 2 atlases, ")
    assert rest == [
        "2 of 9 atlases of the log are in this page.",
        "Activations are left out: similar cells and changes of activations cannot be computed.",
        "1 damaged record of the log is left out.",
    ]
    page = parse_page(Path("small.html"))
    assert page.title == "A title"
    assert page.steps() == [STEPS[0], STEPS[-1]]
    assert page.info["omitted"] == rest


def test_one_atlas(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--run", "exp", "--layer", "layer3", "--step", "10"]
    assert cli.main(["export", "runs", *options]) == 0
    assert capsys.readouterr().out.startswith("atlas.html: 1 atlas, ")


def test_a_file_is_replaced_with_force_only(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("atlas.html").write_text("old")
    assert cli.main(["export", "runs"]) == 2
    assert capsys.readouterr().err == (
        "tensorboard-atlas: output='atlas.html' exists; pass force=True (--force) to replace it, "
        "or another name\n"
    )
    assert Path("atlas.html").read_text() == "old"
    assert cli.main(["export", "runs", "--force"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs", "--layer", "fc"], "layer 'fc' was not logged; pass one of layer3, layer4"),
        (["runs", "--run", "exp9"], "run 'exp9' was not logged; pass one of exp"),
        (["runs", "--step", "3"], "step 3 was not logged; pass one of 0, 10, 20, 30, 40"),
        (["none"], "log_dir='none' does not exist; pass the directory of the runs"),
        (["runs", "-o", "x" * 300], f"{'x' * 300} cannot be written: File name too long"),
        (
            ["runs", "-o", "none/atlas.html"],
            "output='none/atlas.html': the directory 'none' does not exist; create it first",
        ),
    ],
)
def test_what_cannot_be_used_is_2_with_a_sentence(
    arguments: list[str], message: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", *arguments]) == 2
    assert capsys.readouterr().err == f"tensorboard-atlas: {message}\n"
    assert {path.name for path in Path().iterdir()} == {"runs"}


@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf", "many"])
def test_the_limit_is_checked_as_an_option(
    value: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["export", "runs", f"--max-megabytes={value}"])
    assert stop.value.code == 2
    assert f"'{value}': pass a number above 0, such as 12" in capsys.readouterr().err


def test_too_small_a_limit_is_2(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "runs", "--max-megabytes", "0.1"]) == 2
    assert "the smallest page with these layers has 0." in capsys.readouterr().err


def test_help_shows_calls_to_copy(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["export", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "tensorboard-atlas export runs -o atlas.html" in text
    assert "tensorboard-atlas export runs --every 4 --max-megabytes 12 -o small.html" in text
    assert "first activations, then finer grids, then\nsteps" in text
