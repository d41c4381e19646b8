# SPDX-License-Identifier: Apache-2.0
"""Logs in a bucket of Google Cloud Storage, on a local emulator: written, resumed, read, and
served by TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from resumed_runs import records_in, write_resumed_runs
from tensorboard_server import find_free_port, start_tensorboard, wait_for_atlases

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.cli import main

gcsfs = pytest.importorskip("gcsfs")
emulator = pytest.importorskip("gcp_storage_emulator.server")

pytestmark = pytest.mark.long


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serves an empty bucket on a free port; yields its URL."""
    port = find_free_port()
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="bucket")
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    gcsfs.GCSFileSystem.clear_instance_cache()
    yield "gs://bucket/runs"
    gcsfs.GCSFileSystem.clear_instance_cache()
    server.stop()


def test_a_run_is_written_resumed_and_read(
    bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_resumed_runs([tmp_path / "exp", f"{bucket}/exp"])
    assert records_in(f"{bucket}/exp/atlas") == records_in(tmp_path / "exp" / "atlas")
    assert [one.step for one in read_atlases(bucket)] == [0, 10]
    assert main(["inspect", bucket]) == 0
    assert "2 atlases" in capsys.readouterr().out
    with start_tensorboard(bucket, False) as address:
        wait_for_atlases(address, 2)
    page = tmp_path / "atlas.html"
    assert main(["export", bucket, "-o", str(page)]) == 0
    assert page.stat().st_size > 10_000
