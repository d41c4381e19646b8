# SPDX-License-Identifier: Apache-2.0
"""Logs in object stores are read like local ones: the memory store of fsspec."""

from __future__ import annotations

import re
from pathlib import Path

import fsspec
import pytest
from synthetic_atlases import write_log

from tensorboard_plugin_atlas import export_html, read_atlases, read_probe, read_shortcuts, show
from tensorboard_plugin_atlas.cli import main
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.doctor import examine
from tensorboard_plugin_atlas.logs.event_file import scan_records
from tensorboard_plugin_atlas.logs.log_files import list_event_files, parse_log_path
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.logs.remote_path import RemotePath, restore_url
from tensorboard_plugin_atlas.logs.repair import repair
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

RUN = "exp1/atlas"
STEPS = (0, 50, 800)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with one run of two layers at three steps."""
    folder = tmp_path_factory.mktemp("local") / "runs"
    write_log(folder, runs=("exp1",), layers=("layer3", "layer4"), steps=STEPS)
    return folder


@pytest.fixture
def url(local: Path, request: pytest.FixtureRequest) -> str:
    """The same log in a separate directory of the memory store."""
    name = re.sub(r"\W", "-", request.node.name)
    fsspec.filesystem("memory").put(f"{local}/", f"/{name}/runs/", recursive=True)
    return f"memory://{name}/runs"


def object_of(url: str) -> str:
    """Returns the path of the only event file in the memory store."""
    (file,) = list_event_files(RemotePath(f"{url}/{RUN}"))
    return str(file).removeprefix("memory:/")


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "restored"),
        [
            ("s3:/bucket/runs", "s3://bucket/runs"),
            ("file:/tmp/runs", "file:///tmp/runs"),
            ("simplecache::gs:/bucket", "simplecache::gs://bucket"),
            ("s3://bucket/runs", "s3://bucket/runs"),
            ("C:/runs", "C:/runs"),
            ("/data/a:/runs", "/data/a:/runs"),
            ("runs/exp1", "runs/exp1"),
        ],
    )
    def test_a_url_that_path_changed_is_restored(self, path: str, restored: str) -> None:
        assert restore_url(path) == restored

    def test_a_local_folder_with_such_a_name_is_local(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "run:" / "a").mkdir(parents=True)
        assert parse_log_path("run:/a") == parse_log_path("run://a") == Path("run:/a")

    def test_a_whole_store(self, url: str) -> None:
        assert parse_log_path("memory://") == RemotePath("memory://")
        assert url.removeprefix("memory://") + "/exp1/atlas" in {
            one.run for one in list_atlases("memory://")
        }

    def test_parts_of_a_url(self) -> None:
        path = RemotePath("s3://bucket/runs") / "exp1"
        assert (str(path), path.name) == ("s3://bucket/runs/exp1", "exp1")
        assert path.parent.parent.parent == RemotePath("s3://bucket")

    def test_names_that_lead_out_of_the_log_are_left_out(self, url: str, tmp_path: Path) -> None:
        store = fsspec.filesystem("memory").store
        path = object_of(url)
        store[path.replace("exp1/atlas", "exp1/../..")] = store[path]
        store[path.replace("exp1/atlas", "exp1//b")] = store[path]
        files = repair(parse_log_path(url), tmp_path / "a" / "copy", progress=False)
        assert [file.path.parent for file in files] == [Path(RUN)]
        assert [path.name for path in tmp_path.iterdir()] == ["a"]


class TestReading:
    def test_atlases_are_those_of_the_local_log(self, local: Path, url: str) -> None:
        expected = [(a.run, a.layer, a.step, encode_atlas(a)) for a in read_atlases(local)]
        assert len(expected) == 2 * len(STEPS)
        for log_dir in (url, url + "/", Path(url)):
            found = [(a.run, a.layer, a.step, encode_atlas(a)) for a in read_atlases(log_dir)]
            assert found == expected
        assert [one.run for one in read_atlases(url + "/exp1", layer="layer3")] == ["atlas"] * 3

    def test_probe_and_shortcuts(self, local: Path, url: str) -> None:
        assert read_probe(Path(url), "exp1").image_ids.tolist() == (
            read_probe(local, "exp1").image_ids.tolist()
        )
        assert list(read_shortcuts(url)) == []

    def test_an_exported_page_is_the_same(self, local: Path, url: str, tmp_path: Path) -> None:
        pages = []
        for number, source in enumerate((local, url, Path(url))):
            output = tmp_path / f"{number}.html"
            assert export_html(source, output, steps=[800]).atlases == 2
            pages += [output.read_text(encoding="utf-8"), show(source, steps=[800]).page]
        without_time = {re.sub(r'"exported":"[^"]*"', "", page) for page in pages}
        assert len(pages) == 6
        assert len(without_time) == 1

    @pytest.mark.parametrize("command", ["inspect", "doctor", "events"])
    def test_commands_print_the_same(
        self, command: str, local: Path, url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([command, str(local)]) == 0
        expected = capsys.readouterr().out
        assert main([command, url]) == 0
        assert capsys.readouterr().out == expected.replace(str(local), url)
        assert "layer4" in expected or command == "doctor"

    def test_a_figure_is_the_same(self, local: Path, url: str, tmp_path: Path) -> None:
        for log_dir, name in ((str(local), "a.png"), (url, "b.png")):
            output = str(tmp_path / name)
            assert main(["picture", log_dir, "--layer", "layer3", "-o", output, "--dpi", "30"]) == 0
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


class TestDamage:
    def test_it_affects_one_step_and_can_be_repaired(
        self, local: Path, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store, path = fsspec.filesystem("memory"), object_of(url)
        data = bytearray(store.cat_file(path))
        (original,) = list_event_files(local / RUN)
        data[list(scan_records(original))[3].offset + 900] ^= 1
        store.pipe_file(path, bytes(data))
        assert [one.status for one in list_atlases(url)].count("damaged") == 1
        with pytest.warns(UserWarning, match="skipped"):
            assert len(list(read_atlases(url))) == 2 * len(STEPS) - 1
        assert main(["doctor", url]) == 1
        assert f"tensorboard-atlas repair {url} --output runs-repaired" in capsys.readouterr().out
        assert main(["repair", url, "--output", str(tmp_path / "copy")]) == 0
        assert "1 damaged section" in capsys.readouterr().out
        assert len(list(read_atlases(tmp_path / "copy"))) == 2 * len(STEPS) - 1

    def test_an_object_that_cannot_be_read_is_reported(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("the connection is gone")

        monkeypatch.setattr(type(fsspec.filesystem("memory")), "open", fail)
        (entry,) = list_atlases(url)
        assert entry.status == "damaged"
        assert "cannot be read (RuntimeError: the connection is gone)" in str(entry.reason)
        assert any("the connection is gone" in finding.text for finding in examine(url))

    def test_an_object_that_was_deleted_after_it_was_listed(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: object, path: str, *__: object, **___: object) -> None:
            raise FileNotFoundError(path)

        monkeypatch.setattr(type(fsspec.filesystem("memory")), "open", fail)
        (entry,) = list_atlases(url)
        assert "cannot be read (No such file or directory)" in str(entry.reason)

    def test_a_store_that_cannot_be_listed_is_named(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise PermissionError("denied")

        monkeypatch.setattr(type(fsspec.filesystem("memory")), "find", fail)
        expected = rf"log_dir='{url}' cannot be read \(PermissionError: denied; check the cred"
        with pytest.raises(ArgumentError, match=expected):
            read_atlases(url)
        monkeypatch.setattr(type(fsspec.filesystem("memory")), "isdir", fail)
        with pytest.raises(ArgumentError, match=expected):
            read_atlases(url)
        assert any("denied" in finding.text for finding in examine(url))

    def test_a_directory_that_does_not_exist(self, url: str) -> None:
        with pytest.raises(ArgumentError, match="'memory://no/where' does not exist; pass the dir"):
            read_atlases("memory://no/where")
        with pytest.raises(ArgumentError, match="is a file"):
            read_atlases(f"memory:/{object_of(url)}")
        (finding,) = [one for one in examine(url + "/other") if one.mark == "problem"]
        assert finding.text == f"{url}/other does not exist"

    def test_an_empty_directory_beside_the_log(self, url: str) -> None:
        fsspec.filesystem("memory").pipe_file(f"{url}-empty/notes.txt", b"x")
        (finding,) = [one for one in examine(url + "-empty") if one.mark == "problem"]
        assert f"no event files under {url}-empty" in finding.text


@pytest.mark.parametrize(
    "command",
    [
        ["relayout"],
        ["refine", "--checkpoint", "a.pt", "--model", "a:b", "--data", "a"],
        ["class", "--checkpoint", "a.pt", "--model", "a:b", "--data", "a"],
    ],
)
def test_commands_that_add_files_say_how_to_copy_the_log(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command[0], "s3:/bucket/my runs", *command[1:]])
    assert stop.value.code == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "'s3:/bucket/my runs' is a URL; this command adds files to the log" in error
    assert "`tensorboard-atlas repair 's3:/bucket/my runs' --output FOLDER`" in error
