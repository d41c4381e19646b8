# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.plugins.base_plugin import TBContext
from tensorboard_server import get, start_tensorboard

import tensorboard_plugin_atlas
from tensorboard_plugin_atlas import loader, log_names
from tensorboard_plugin_atlas.loader import AtlasLoader
from tensorboard_plugin_atlas.logs.event_file import EventSink


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    AtlasLoader().define_flags(parser)
    return parser.parse_args(arguments)


def fix(flags: Any) -> Any:
    AtlasLoader().fix_flags(flags)
    return flags.samples_per_plugin


def test_two_hundred_steps_are_kept_by_default() -> None:
    assert fix(SimpleNamespace(samples_per_plugin={}, **vars(parse()))) == {"atlas": 200}
    flags = vars(parse("--atlas_samples=7"))
    assert fix(SimpleNamespace(samples_per_plugin={"images": 3}, **flags)) == {
        "images": 3,
        "atlas": 7,
    }


def test_tensorboards_own_flag_wins() -> None:
    flags = SimpleNamespace(samples_per_plugin={"atlas": 5}, atlas_samples=7)
    assert fix(flags) == {"atlas": 5}


@pytest.mark.parametrize("flags", [{}, {"samples_per_plugin": None}, {"atlas_samples": None}])
def test_missing_flags_are_no_reason_to_fail(flags: dict[str, Any]) -> None:
    assert fix(SimpleNamespace(**flags)) == {"atlas": 200}


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "", "²"])
def test_a_count_that_is_invalid_is_rejected(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(f"--atlas_samples={text}")
    assert "pass an integer, 0 for all steps" in capsys.readouterr().err


def test_no_data_provider_means_no_tab() -> None:
    assert AtlasLoader().load(TBContext()) is None


def test_a_missing_library_means_no_tab_and_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.plugin", raising=False)
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    monkeypatch.delitem(
        sys.modules, "tensorboard_plugin_atlas.serving.series_reader", raising=False
    )
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.wire.atlas_codec", raising=False)
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.wire.manifest", raising=False)
    monkeypatch.delitem(sys.modules, "tensorboard_plugin_atlas.serving.assets", raising=False)
    assert AtlasLoader().load(TBContext(data_provider=object())) is None
    assert "The Atlas tab is disabled" in caplog.text


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


def test_what_the_loader_states_again_is_the_same() -> None:
    assert loader.PLUGIN_NAME == log_names.PLUGIN_NAME
    assert loader.DEFAULT_KEPT_STEPS == log_names.DEFAULT_KEPT_STEPS


def test_a_flag_that_somebody_else_has_defined_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    parser = argparse.ArgumentParser()
    AtlasLoader().define_flags(parser)
    AtlasLoader().define_flags(parser)
    assert "--atlas_samples is not available" in caplog.text
    assert parser.parse_args([]).atlas_samples == 200


def removes(name: str) -> Callable[[Path], None]:
    return lambda package: (package / name).unlink()


def starts_with(name: str, text: str) -> Callable[[Path], None]:
    """Puts code behind the docstring's future import, where it runs at import."""

    def change(package: Path) -> None:
        source = (package / name).read_text()
        first = "from __future__ import annotations\n"
        (package / name).write_text(source.replace(first, first + text + "\n", 1))

    return change


def raises_in(method: str) -> Callable[[Path], None]:
    def change(package: Path) -> None:
        before, name, plugin = (package / "plugin.py").read_text().partition("class AtlasPlugin")
        assert f"    def {method}(self" in plugin
        changed = plugin.replace(f"    def {method}(self", f"    def {method}(self, missing", 1)
        (package / "plugin.py").write_text(before + name + changed)

    return change


OLD_ABI = (
    "raise ImportError('\\nA module that was compiled using NumPy 1.x cannot be run in'"
    "'\\nNumPy 2.4.6 as it may crash.\\n')"
)
BROKEN = {
    "a module is missing": (removes("wire/manifest.py"), "ModuleNotFoundError: No module named"),
    "the names are missing": (removes("log_names.py"), "ModuleNotFoundError: No module named"),
    "the version is missing": (removes("_version.py"), None),
    "a syntax error": (
        starts_with("serving/series_reader.py", "def ("),
        "SyntaxError: invalid syntax",
    ),
    "an attribute is missing": (
        starts_with("wire/atlas_codec.py", "import os\nos.gone"),
        "AttributeError: module 'os' has no attribute 'gone'",
    ),
    "numpy of another ABI": (
        starts_with("sprite_sheets.py", OLD_ABI),
        "compiled using NumPy 1.x cannot",
    ),
    "a module that exits": (starts_with("errors.py", "raise SystemExit(3)"), "SystemExit: 3"),
    "the constructor raises": (raises_in("__init__"), "TypeError: "),
    "get_plugin_apps raises": (raises_in("get_plugin_apps"), "TypeError: "),
    "is_active raises": (raises_in("is_active"), "TypeError: "),
    "data_plugin_names raises": (raises_in("data_plugin_names"), "TypeError: "),
    "frontend_metadata raises": (raises_in("frontend_metadata"), "TypeError: "),
    "the built tab is missing": (lambda package: shutil.rmtree(package / "static"), None),
}


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package that Python finds before the installed one."""
    source = Path(tensorboard_plugin_atlas.__file__).parent
    copy = tmp_path / "site" / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    # An editable installation would fill in the modules that the copy lacks.
    (copy.parent / "sitecustomize.py").write_text(
        "import sys\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in f.__module__]\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(copy.parent))
    return copy


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("damage", "line"), BROKEN.values(), ids=BROKEN)
def test_a_damaged_installation_costs_no_more_than_the_tab(
    damage: Callable[[Path], None], line: str | None, broken: Path, tmp_path: Path
) -> None:
    logs, output = tmp_path / "logs", tmp_path / "output.txt"
    sink = EventSink(logs)
    sink.write_scalars({"loss": 0.5}, 1)
    sink.close()
    damage(broken)
    with start_tensorboard(logs, True, cwd=tmp_path, log=output) as url:
        listing = json.loads(get(url + "data/plugins_listing")[2])
        assert {"scalars", "images", "graphs"} <= listing.keys()
        assert get(url + "data/plugin/scalars/tags")[0] == 200
        assert ("atlas" in listing) is (line is None)
        assert (get(url + "data/plugin/atlas/index.js")[0] == 200) is (line is None)
    said = [one for one in output.read_text().splitlines() if "Atlas" in one]
    assert "Traceback" not in output.read_text()
    assert len(said) == (line is not None), said
    if line is not None:
        assert "The Atlas tab is disabled: " in said[0]
        assert line in said[0]
        assert "pip install --force-reinstall tensorboard_plugin_atlas" in said[0]
