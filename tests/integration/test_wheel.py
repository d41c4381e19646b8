# SPDX-License-Identifier: Apache-2.0
"""The wheel: its contents, and a viewer that runs without torch."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile

import pytest
from commands import ROOT, run
from synthetic_atlases import write_log
from tensorboard_server import get

pytest_plugins = ("wheel_fixtures",)
pytestmark = pytest.mark.wheel


def test_the_wheel_contains_the_package_only(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        described = archive.read(metadata).decode()
    package = "tensorboard_plugin_atlas/"
    for name in (
        "export/page.js",
        "static/index.js",
        "py.typed",
        "http_api.md",
        "wire/schema.json",
        "writer/worker.py",
        "compute/pipeline.py",
    ):
        assert package + name in names
    assert any(name.endswith("LICENSE") for name in names)
    tops = {name.partition("/")[0] for name in names}
    assert len(tops) == 2
    assert all(top.startswith("tensorboard_plugin_atlas") for top in tops)
    assert not [name for name in names if re.search(r"(^|/)tests?[/_]|\.(ts|map)$", name)]
    assert re.search(r"^License(-Expression)?: Apache-2\.0$", described, re.MULTILINE)
    assert "Requires-Dist: tensorboard>=2.21" in described


def test_all_files_of_the_tab_are_in_the_wheel(wheel):
    built = {path.name for path in (ROOT / "tensorboard_plugin_atlas" / "static").iterdir()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.rpartition("/")[2] for name in archive.namelist() if "/static/" in name}
    assert packed == built


def test_a_viewer_reads_and_inspects_without_torch(viewer, tmp_path):
    write_log(tmp_path, runs=("warm",), layers=("layer3",), steps=(0, 5))
    code = (
        "import sys; from tensorboard_plugin_atlas import read_atlases\n"
        f"atlases = list(read_atlases({str(tmp_path)!r}))\n"
        "print(len(atlases), atlases[0].grids[0].icons.shape[1:], 'torch' in sys.modules)"
    )
    assert run(viewer, "-c", code, cwd=tmp_path) == "2 (32, 32, 3) False\n"
    listed = run(viewer, "-m", "tensorboard_plugin_atlas", "inspect", ".", cwd=tmp_path)
    assert "2 atlases" in listed
    failed = subprocess.run(
        [viewer, "-c", "import torch"], cwd=tmp_path, capture_output=True, check=False
    )
    assert failed.returncode == 1


def test_tensorboard_serves_the_tab_from_the_wheel(wheel_tensorboard):
    status, _, body = get(wheel_tensorboard + "data/plugins_listing")
    assert status == 200
    assert json.loads(body)["atlas"]["enabled"] is True

    status, headers, body = get(wheel_tensorboard + "data/plugin/atlas/index.js")
    assert status == 200
    assert "javascript" in headers["Content-Type"]
    assert b"render" in body

    status, _, body = get(wheel_tensorboard + "data/plugin/atlas/index")
    assert status == 200
    assert b"warm/atlas" in body
    assert b"layer4" in body
