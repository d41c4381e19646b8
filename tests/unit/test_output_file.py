# SPDX-License-Identifier: Apache-2.0
"""Files that are written completely or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorboard_plugin_atlas.output_file import replace_file


def test_the_target_is_replaced_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250 + ".html")
    target.write_bytes(b"old")
    with replace_file(target) as file:
        file.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), ValueError()])
def test_an_error_leaves_everything_as_before(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "atlas.html"
    target.write_bytes(b"old")

    def fail() -> None:
        with replace_file(target) as file:
            file.write(b"half of the")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_directory_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replace_file(tmp_path / "missing" / "atlas.html"):
        pass
