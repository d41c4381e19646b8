# SPDX-License-Identifier: Apache-2.0
"""`export_html`: its arguments, the size of the page, and failures while it is written."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from exported_pages import (
    GRIDS,
    SHORTCUT_STEPS,
    STEPS,
    make_tiny_atlas,
    parse_page,
    write_small_log,
)
from fault_injection import FailingFile, make_os_error
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas import export_html
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

FAR_STEPS = tuple(10**17 + 7 * number for number in range(9))
"""Steps with many digits, so that requests are long."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    write_small_log(folder)
    return folder


def list_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class TestArguments:
    def test_by_default_the_page_has_everything(self, log: Path, tmp_path: Path) -> None:
        before = {path: path.read_bytes() for path in log.rglob("*tfevents*")}
        found = export_html(log, tmp_path / "page.html")
        page = parse_page(tmp_path / "page.html")
        assert (found.path, found.bytes) == (
            tmp_path / "page.html",
            (tmp_path / "page.html").stat().st_size,
        )
        assert (found.atlases, found.damaged, found.omitted) == (2 * len(STEPS), 0, ())
        assert page.title == page.info["title"] == "runs"
        assert page.info["omitted"] == []
        assert page.info["exported"][:2] == "20"
        assert {path: path.read_bytes() for path in log.rglob("*tfevents*")} == before
        assert list_files(tmp_path) == {"page.html", "runs"}

    def test_paths_may_be_text(
        self, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert export_html("runs", "page.html").path == Path("page.html")
        assert parse_page(tmp_path / "page.html").title == "runs"

    def test_the_selection_is_applied(self, log: Path, tmp_path: Path) -> None:
        write_small_log(log, "other")
        output = tmp_path / "page.html"
        found = export_html(
            log, output, run="exp", layers=["layer3"], steps=[0, 20, 30, np.int64(40)], every=2
        )
        page = parse_page(output)
        assert page.layers == {("exp/atlas", "layer3")}
        assert page.steps() == [0, 30, 40]
        assert found.atlases == 3
        assert found.omitted == ("3 of 20 atlases of the log are in this page.",)
        assert len(page.of_route("shortcuts")) == 1

    def test_activations_can_be_left_out(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "page.html"
        whole = export_html(log, output)
        found = export_html(log, output, activations=False, force=True)
        assert found.bytes < whole.bytes
        assert found.omitted == (
            "Activations are left out: similar cells and changes of activations cannot be "
            "computed.",
        )
        assert parse_page(output).of_route("activations") == {}
        assert parse_page(output).info["omitted"] == list(found.omitted)

    def test_the_title_is_kept_up_to_200_characters(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "page.html"
        export_html(log, output, title="A title")
        assert parse_page(output).title == "A title"
        export_html(log, output, title="x" * 201, force=True)
        assert parse_page(output).title == "x" * 199 + "\u2026"

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"layers": "layer3"}, "layers='layer3': pass a list of names, such as ['layer3']"),
            ({"layers": []}, "layers=[]: pass a list of names, such as ['layer3']"),
            ({"layers": 3}, "layers=3: pass a list of names, such as ['layer3']"),
            ({"layers": [3]}, "layers=[3]: pass a list of names, such as ['layer3']"),
            ({"steps": 5}, "steps=5: pass a list of whole numbers, such as [0, 500]"),
            ({"steps": []}, "steps=[]: pass a list of whole numbers, such as [0, 500]"),
            ({"steps": [0.5]}, "steps=[0.5]: pass a list of whole numbers, such as [0, 500]"),
            ({"every": 0}, "every=0: pass a whole number of at least 1"),
            ({"every": 1.5}, "every=1.5: pass a whole number of at least 1"),
            ({"max_megabytes": 0}, "max_megabytes=0: pass a number above 0, such as 12"),
            ({"max_megabytes": -1}, "max_megabytes=-1: pass a number above 0, such as 12"),
            ({"max_megabytes": "9"}, "max_megabytes='9': pass a number above 0, such as 12"),
            (
                {"max_megabytes": float("nan")},
                "max_megabytes=nan: pass a number above 0, such as 12",
            ),
            (
                {"max_megabytes": float("inf")},
                "max_megabytes=inf: pass a number above 0, such as 12",
            ),
            ({"title": 5}, "title=5: pass text"),
            ({"run": "none"}, "run 'none' was not logged; pass one of exp"),
            ({"layers": ["fc"]}, "layer 'fc' was not logged; pass one of layer3, layer4"),
            ({"steps": [0, 1]}, "step 1 was not logged; pass one of 0, 10, 20, 30, 40"),
        ],
    )
    def test_wrong_arguments_are_named(
        self, given: dict[str, Any], message: str, log: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(ArgumentError) as raised:
            export_html(log, tmp_path / "page.html", **given)
        assert str(raised.value) == message
        assert list_files(tmp_path) == {"runs"}

    def test_an_empty_log(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match=r"^no atlases in this log directory; pass the dir"):
            export_html(tmp_path, tmp_path / "page.html")
        assert list_files(tmp_path) == set()

    def test_a_log_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match="does not exist; pass the directory of the runs"):
            export_html(tmp_path / "none", tmp_path / "page.html")


class TestOutput:
    def test_a_file_is_replaced_only_with_force(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "page.html"
        output.write_text("old")
        with pytest.raises(ArgumentError) as raised:
            export_html(log, output)
        assert str(raised.value) == (
            f"output={str(output)!r} exists; pass force=True (--force) to replace it, or another "
            "name"
        )
        assert output.read_text() == "old"
        export_html(log, output, force=True)
        assert parse_page(output).title == "runs"
        assert list_files(tmp_path) == {"page.html", "runs"}

    def test_a_directory_is_refused(self, log: Path, tmp_path: Path) -> None:
        for force in (False, True):
            with pytest.raises(ArgumentError) as raised:
                export_html(log, tmp_path, force=force)
            assert str(raised.value) == (
                f"output={str(tmp_path)!r} is a directory; pass the name of a file"
            )

    def test_a_missing_directory_is_refused(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "none" / "page.html"
        with pytest.raises(ArgumentError) as raised:
            export_html(log, output)
        assert str(raised.value) == (
            f"output={str(output)!r}: the directory {str(output.parent)!r} does not exist; create "
            "it first"
        )

    def test_a_pipe_is_refused(self, log: Path, tmp_path: Path) -> None:
        """A rename would replace it, and a device as well if the user is root."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        for force in (False, True):
            with pytest.raises(ArgumentError, match="is a device or a pipe; pass the name of a f"):
                export_html(log, pipe, force=force)
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    def test_the_longest_file_name_works(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / ("\u6f22" * 83 + ".html")  # 254 bytes
        export_html(log, output)
        assert output.is_file()

    @pytest.mark.parametrize("is_new", [True, False])
    def test_a_full_disk_leaves_no_incomplete_page(
        self, is_new: bool, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output = tmp_path / "page.html"
        if not is_new:
            output.write_text("old")
        files: list[str] = []

        class FullDisk(FailingFile):
            """Fails when some kilobytes have been written."""

            def write(self, data: bytes) -> int:
                self._left = getattr(self, "_left", 10_000) - len(data)
                files.append(self._file.name)
                if self._left < 0:
                    raise make_os_error(errno.ENOSPC)
                return self._file.write(data)

            def __enter__(self) -> FullDisk:
                return self

            def __exit__(self, *_: object) -> None:
                self._file.close()

        opened = Path.open

        def open_file(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
            file = opened(path, mode, *rest, **more)
            return FullDisk(file, (), None) if "x" in mode else file

        monkeypatch.setattr(Path, "open", open_file)
        with pytest.raises(OSError, match="No space left"):
            export_html(log, output, force=True)
        monkeypatch.undo()
        assert len(files) > 2
        assert set(files) == {files[0]}
        assert files[0].endswith(".part")
        assert list_files(tmp_path) == ({"runs"} if is_new else {"page.html", "runs"})
        if not is_new:
            assert output.read_text() == "old"

    def test_an_interrupted_export_leaves_no_file(
        self, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(file: BinaryIO, *_: object) -> None:
            file.write(b"<!doctype html>")
            raise KeyboardInterrupt

        monkeypatch.setattr("tensorboard_plugin_atlas.export.html_export.write_page", interrupt)
        with pytest.raises(KeyboardInterrupt):
            export_html(log, tmp_path / "page.html")
        assert list_files(tmp_path) == {"runs"}

    def test_a_directory_without_permission(
        self, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error is injected, since root may write to every directory."""
        opened = Path.open

        def open_file(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if "x" in mode:
                raise make_os_error(errno.EACCES)
            return opened(path, mode, *rest, **more)

        monkeypatch.setattr(Path, "open", open_file)
        with pytest.raises(PermissionError):
            export_html(log, tmp_path / "page.html")
        assert list_files(tmp_path) == {"runs"}


def write_varied_log(log_dir: Path, steps: tuple[int, ...]) -> None:
    """Writes icons and activations that differ at every step, and shortcuts at other steps."""
    sink = EventSink(log_dir / "exp" / CHILD_RUN)
    for number, step in enumerate(steps):
        atlas = make_tiny_atlas(step, samples=1500, grids=(3, 6, 12), tile=8, sequence=number + 1)
        random = np.random.default_rng(number)
        xy = random.random(atlas.samples.xy.shape).astype(np.float32)
        atlas = atlas.replace(samples=dataclasses.replace(atlas.samples, xy=xy))
        sink.write(layer_tag("layer3"), encode_atlas(atlas), step)
        if number % 2:
            record = encode_shortcuts(make_shortcuts(step + 1))
            sink.write(shortcuts_tag("layer3"), record, step + 1)
    sink.close()


@pytest.fixture(scope="module")
def varied_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("varied")
    write_varied_log(folder, FAR_STEPS)
    return folder


def read_smallest_size(log_dir: Path, output: Path, **options: Any) -> int:
    """Returns the smallest size in bytes that the message about too small a limit states."""
    with pytest.raises(ArgumentError) as raised:
        export_html(log_dir, output, max_megabytes=0.001, **options)
    found = re.fullmatch(
        r"max_megabytes=0\.001: the smallest page with these layers has ([0-9.]+) MB; pass a "
        "larger limit, or fewer layers or runs",
        str(raised.value),
    )
    assert found is not None
    return round(1e6 * float(found[1]))


class TestSize:
    """The page is never larger than its limit, and leaves out no more than it has to."""

    def test_the_page_is_no_larger_than_its_limit(self, varied_log: Path, tmp_path: Path) -> None:
        output = tmp_path / "page.html"
        title = "\U0001f600&" * 100  # the longest text in JSON and HTML
        whole = export_html(varied_log, output, title=title)
        smallest = read_smallest_size(varied_log, tmp_path / "none.html", title=title)
        found = set()
        for limit in np.linspace(smallest, whole.bytes + 20_000, 16).astype(int).tolist():
            page = export_html(
                varied_log, output, max_megabytes=limit / 1e6, title=title, force=True
            )
            assert page.bytes == output.stat().st_size <= limit
            parsed = parse_page(output)
            assert parsed.steps()[0] == FAR_STEPS[0]
            assert parsed.steps()[-1] == FAR_STEPS[-1]
            assert len(parsed.steps()) == page.atlases
            found.add((len(page.omitted), page.atlases))
        # Everything, without activations, without finer grids, and without some of the steps.
        assert {(0, 9), (1, 9), (2, 9)} < found
        assert min(atlases for _, atlases in found) == 2

    def test_a_page_that_fits_is_whole(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "page.html"
        whole = export_html(log, output)
        page = export_html(log, output, max_megabytes=100, force=True)
        assert page.bytes == whole.bytes
        assert page.omitted == ()

    def test_the_size_in_the_message_is_large_enough(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "page.html"
        smallest = read_smallest_size(log, output)
        assert not output.exists()
        page = export_html(log, output, max_megabytes=smallest / 1e6)
        assert page.bytes <= smallest

    def test_grids_are_left_out_before_steps(self, log: Path, tmp_path: Path) -> None:
        output = tmp_path / "page.html"
        bare = export_html(log, output, activations=False)
        page = export_html(log, output, max_megabytes=(bare.bytes - 1) / 1e6, force=True)
        assert (
            page.omitted[-1] == f"Grids with more than {GRIDS[0]} x {GRIDS[0]} cells are left out."
        )
        assert page.atlases == 2 * len(STEPS)
        parsed = parse_page(output)
        assert len(parsed.of_route("sheet")) == 2 * len(STEPS)
        assert len(parsed.of_route("shortcuts")) == len(SHORTCUT_STEPS)


def test_a_page_without_images(tmp_path: Path) -> None:
    write_small_log(tmp_path / "log")
    whole = export_html(tmp_path / "log", tmp_path / "whole.html")
    result = export_html(tmp_path / "log", tmp_path / "page.html", images=False)
    page = parse_page(tmp_path / "page.html")
    assert [run["probe"] for run in page.index] == [False]
    assert not page.of_route("probe")
    assert not page.of_route("thumbs")
    # Icons and patches of shortcuts stay.
    other = parse_page(tmp_path / "whole.html")
    for route in ("sheet", "patches", "shortcuts"):
        assert page.of_route(route) == other.of_route(route) != {}
    assert result.omitted == ("Images are left out: the patches of a cell cannot be shown.",)
    assert whole.omitted == ()
    assert result.atlases == whole.atlases
