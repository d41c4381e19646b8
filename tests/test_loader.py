# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.plugins.base_plugin import TBContext

from tensorboard_plugin_atlas.loader import AtlasLoader


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    AtlasLoader().define_flags(parser)
    return parser.parse_args(arguments)


def fixed(flags: Any) -> Any:
    AtlasLoader().fix_flags(flags)
    return flags.samples_per_plugin


def test_two_hundred_steps_are_kept_unless_asked_otherwise() -> None:
    assert fixed(SimpleNamespace(samples_per_plugin={}, **vars(parsed()))) == {"atlas": 200}
    flags = vars(parsed("--atlas_samples=7"))
    assert fixed(SimpleNamespace(samples_per_plugin={"images": 3}, **flags)) == {
        "images": 3,
        "atlas": 7,
    }


def test_tensorboards_own_flag_wins() -> None:
    flags = SimpleNamespace(samples_per_plugin={"atlas": 5}, atlas_samples=7)
    assert fixed(flags) == {"atlas": 5}


@pytest.mark.parametrize("flags", [{}, {"samples_per_plugin": None}, {"atlas_samples": None}])
def test_missing_flags_are_no_reason_to_fail(flags: dict[str, Any]) -> None:
    assert fixed(SimpleNamespace(**flags)) == {"atlas": 200}


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "", "²"])
def test_a_count_that_is_none_is_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(f"--atlas_samples={text}")
    assert "pass a whole number, 0 for all steps" in capsys.readouterr().err


def test_no_data_provider_means_no_tab() -> None:
    assert AtlasLoader().load(TBContext()) is None


def test_a_missing_library_means_no_tab_and_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.plugin", raising=False)
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.serving.series", raising=False)
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.codec", raising=False)
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.wire.manifest", raising=False)
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.serving.assets", raising=False)
    assert AtlasLoader().load(TBContext(data_provider=object())) is None
    assert "The Atlas tab is off" in caplog.text


def test_the_loader_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import tensorboard.plugins.base_plugin\n"
        "before = set(sys.modules)\n"
        "import tensorboard_plugin_atlas.loader\n"
        "own = {m for m in set(sys.modules) - before if 'atlas' not in m}\n"
        "assert not own & {'numpy', 'torch', 'umap', 'numba', 'PIL', 'safetensors', "
        "'google_crc32c', 'werkzeug', 'google.protobuf'}, own\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
