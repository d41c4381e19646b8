# SPDX-License-Identifier: Apache-2.0
"""Logs on an S3 server: written, read, and served by TensorBoard, while requests fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs
import torch
from resumed_runs import records_in, write_resumed_runs
from s3_server import FaultyApp, start_s3_server
from tensorboard_server import get, start_tensorboard, wait_for_atlases
from tiny_training import TINY, Net, make_images

from tensorboard_plugin_atlas import AtlasWriter, read_atlases
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.cli import main
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.log_files import list_event_files
from tensorboard_plugin_atlas.logs.remote_path import RemotePath
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

LAYERS = ("stem", "body")
STEPS = 50
FAIL_EVERY = 7


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyApp]:
    with start_s3_server() as app:
        s3fs.S3FileSystem().mkdir("bucket")
        yield app


def train(log_dir: str | Path) -> None:
    """Logs 100 atlases of a network whose weights change at every step."""
    torch.manual_seed(0)
    model = Net()
    with AtlasWriter(
        log_dir, model, LAYERS, probe=make_images(), config=TINY, worker="inline", strict=True
    ) as atlas:
        for step in range(STEPS):
            atlas.add_atlas(step, walltime=1000.0 + step)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.mul_(1.01)


# One test, since a log of 100 atlases takes seconds to write and the tests of a module may run in
# several processes.
@pytest.mark.sampled(2)
def test_a_server_that_fails_requests_loses_nothing(
    server: FaultyApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "s3://bucket/runs"
    train(tmp_path / "exp1")
    server.fail_every = FAIL_EVERY
    train(f"{url}/exp1")
    failures = server.failures
    assert failures >= STEPS / FAIL_EVERY
    assert records_in(f"{url}/exp1/atlas") == records_in(tmp_path / "exp1" / "atlas")
    local = list(read_atlases(tmp_path))
    assert len(local) == 2 * STEPS
    assert [encode_atlas(a) for a in read_atlases(Path(url))] == [encode_atlas(a) for a in local]
    assert server.failures >= failures + STEPS / FAIL_EVERY
    server.fail_every = None  # TensorBoard repeats requests, too, but waits long
    assert len(list_event_files(RemotePath(f"{url}/exp1/atlas"))) == STEPS
    assert main(["inspect", url]) == 0
    assert f"{2 * STEPS} atlases" in capsys.readouterr().out
    check_served_bytes(url, local)


def check_served_bytes(url: str, atlases: list[Atlas]) -> None:
    """Checks that TensorBoard serves these atlases from a URL."""
    expected = {(a.layer, a.step): encode_atlas(a)[1] for a in atlases}
    with start_tensorboard(url, False) as address:
        wait_for_atlases(address, len(atlases))
        (run,) = json.loads(get(address + "data/plugin/atlas/index")[2])["runs"]
        for series in run["series"]:
            for step in (0, STEPS - 1):
                query = f"data/plugin/atlas/atlas?id={series['id']}&step={step}"
                status, _, body = get(address + query)
                assert status == 200
                assert body.endswith(expected[series["layer"], step])


@pytest.mark.usefixtures("server")
def test_a_run_is_resumed(tmp_path: Path) -> None:
    write_resumed_runs([tmp_path / "exp", "s3://bucket/resumed"])
    assert records_in("s3://bucket/resumed/atlas") == records_in(tmp_path / "exp" / "atlas")
    assert len(list(read_atlases("s3://bucket/resumed"))) == 2


class TestErrors:
    @pytest.fixture(autouse=True)
    def _fresh_store(self, server: FaultyApp) -> Iterator[None]:
        """Stores that were opened keep their credentials."""
        s3fs.S3FileSystem.clear_instance_cache()
        yield
        s3fs.S3FileSystem.clear_instance_cache()

    def test_missing_credentials(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        reason = r"NoCredentialsError: .*; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_"
        with pytest.raises(
            ArgumentError, match=rf"log_dir='s3://bucket/runs' cannot be read \({reason}"
        ):
            read_atlases("s3://bucket/runs")
        with pytest.raises(
            ArgumentError, match=rf"log_dir='s3://bucket/new/atlas' cannot be used \({reason}"
        ):
            AtlasWriter("s3://bucket/new", Net(), ["body"], probe=make_images())
        assert main(["inspect", "s3://bucket/runs"]) == 2
        (sentence,) = capsys.readouterr().err.splitlines()
        assert "s3://bucket/runs" in sentence
        assert "AWS_PROFILE" in sentence

    def test_a_server_that_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(ArgumentError, match=r"'s3://bucket/runs' cannot be read \(.*Connect"):
            read_atlases("s3://bucket/runs")

    def test_a_bucket_that_does_not_exist(self) -> None:
        with pytest.raises(ArgumentError, match="'s3://nowhere/runs' does not exist; pass the"):
            read_atlases("s3://nowhere/runs")
