# SPDX-License-Identifier: Apache-2.0
"""Where the command line's output goes: closed pipes, narrow encodings, and what is no folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic_atlases import make_atlas, write_log

from tensorboard_plugin_atlas import cli
from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

COMMAND = [sys.executable, "-m", "tensorboard_plugin_atlas"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of two runs of two layers."""
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, runs=("a", "b"), layers=("x", "y"), steps=(0, 5))
    return folder


class TestReaderThatWentAway:
    @pytest.mark.parametrize("command", ["inspect", "events", "doctor"])
    @pytest.mark.parametrize("unbuffered", ["", "1"])
    def test_a_command_ends_quietly(self, log: Path, command: str, unbuffered: str) -> None:
        assert self.run_command([command, str(log)], unbuffered) == (141, "")

    def test_so_does_help(self) -> None:
        assert self.run_command(["--help"], "") == (141, "")

    def test_another_broken_pipe_is_not_hidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise BrokenPipeError("a worker")

        monkeypatch.setattr("tensorboard_plugin_atlas.logs.record_selection.select_entries", broken)
        with pytest.raises(BrokenPipeError, match="a worker"):
            cli.main(["inspect", "."])

    def run_command(self, command: list[str], unbuffered: str) -> tuple[int, str]:
        """Returns status and stderr of a command whose output nobody reads."""
        reader, writer = os.pipe()
        os.close(reader)
        environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        try:
            done = subprocess.run(
                [*COMMAND, *command],
                stdout=writer,
                stderr=subprocess.PIPE,
                env=environment,
                check=False,
                text=True,
            )
        finally:
            os.close(writer)
        return done.returncode, done.stderr


def test_a_sign_that_the_terminal_lacks_ends_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "doctor", str(tmp_path / "nowhere")],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b" ? pass the directory that was passed to AtlasWriter" in done.stdout


class TestWrongNames:
    @pytest.mark.parametrize(
        ("option", "known"), [("--run", "a/atlas, b/atlas"), ("--layer", "x, y")]
    )
    def test_inspect_says_which_there_are(
        self, log: Path, option: str, known: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["inspect", str(log), option, "nope"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == (
            f"tensorboard-atlas: {option} 'nope' was not logged; pass one of {known}\n"
        )

    def test_names_of_a_log_cannot_steer_a_terminal(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        name = "l\x1b[2J"
        sink = EventSink(tmp_path / "atlas")
        sink.write(layer_tag(name), encode_atlas(make_atlas(0, layer=name, samples=40)), 0)
        sink.close()
        for command in ("inspect", "events"):
            assert cli.main([command, str(tmp_path), "--layer", "nope"]) == 2
            assert "pass one of l\\x1b[2J" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["relayout", "s3://bucket/x"],
        ["repair", "runs", "--output", "s3://bucket/x"],
        ["refine", "s3://bucket/x"],
        ["class", "s3://bucket/x"],
        ["demo", "--log-dir", "s3://bucket/x"],
    ],
)
def test_a_url_is_refused_as_it_was_typed(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(command)
    assert stop.value.code == 2
    assert "'s3://bucket/x' is a URL; " in capsys.readouterr().err


def test_a_folder_that_is_named_like_a_url_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path / "odd:" / "name", runs=("a",), layers=("x",), steps=(0,))
    assert cli.main(["inspect", "odd://name"]) == 0
