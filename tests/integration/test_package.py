# SPDX-License-Identifier: Apache-2.0
"""Properties of the whole package: public names, light imports, metadata, and clean sources."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tensorboard_plugin_atlas

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "umap", "numba")


def list_tracked(*patterns):
    """Returns the files under version control, and untracked files that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def find_loaded_modules(statement):
    """Returns the top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


class TestNames:
    def test_the_public_names_are_these_and_sorted(self):
        assert tensorboard_plugin_atlas.__all__ == [
            "Atlas",
            "AtlasConfig",
            "AtlasDiff",
            "AtlasError",
            "AtlasWriter",
            "BuildResult",
            "CellLabels",
            "Concept",
            "ConceptTracker",
            "ConceptWords",
            "ExportResult",
            "ImageFiles",
            "LayerLinks",
            "NotebookView",
            "PatchTest",
            "ProbeThumbnails",
            "RenderedIcons",
            "RunMatrix",
            "Schedule",
            "Shortcut",
            "ShortcutHistory",
            "ShortcutRecord",
            "StreamedProbe",
            "__version__",
            "build_atlases",
            "cell_labels",
            "compare_atlases",
            "compare_runs",
            "compute_atlas",
            "export_html",
            "find_shortcuts",
            "link_layers",
            "name_concepts",
            "patch_test",
            "plot_atlas",
            "plot_concept",
            "plot_contact_sheet",
            "plot_evolution",
            "rank_events",
            "read_atlases",
            "read_probe",
            "read_shortcuts",
            "render_icons",
            "show",
            "show_comparison",
            "since_step",
            "track_concepts",
        ]
        assert dir(tensorboard_plugin_atlas) == tensorboard_plugin_atlas.__all__

    @pytest.mark.parametrize("name", tensorboard_plugin_atlas.__all__)
    def test_every_name_resolves_and_is_documented(self, name):
        value = getattr(tensorboard_plugin_atlas, name)
        if name != "__version__":
            assert value.__name__ == name
            assert value.__doc__

    def test_an_unknown_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match=r"'tensorboard_plugin_atlas' .*'no_such_name'"):
            _ = tensorboard_plugin_atlas.no_such_name


class TestImports:
    def test_importing_the_package_loads_the_standard_library_only(self):
        loaded = find_loaded_modules("import tensorboard_plugin_atlas")
        assert "tensorboard_plugin_atlas" in loaded
        assert not loaded & {*HEAVY, "tensorboard", "numpy", "PIL", "google", "safetensors"}

    def test_the_viewer_loads_no_torch(self):
        loaded = find_loaded_modules(
            "import tensorboard_plugin_atlas.loader, tensorboard_plugin_atlas.plugin\n"
            "from tensorboard_plugin_atlas import Atlas, AtlasConfig, export_html, read_atlases"
        )
        assert {"numpy", "tensorboard", "tensorboard_plugin_atlas"} <= loaded
        assert not loaded & set(HEAVY)

    def test_the_help_loads_no_torch(self):
        loaded = find_loaded_modules(
            "from tensorboard_plugin_atlas.cli import _make_parser; _make_parser()"
        )
        assert not loaded & {*HEAVY, "numpy", "tensorboard"}


class TestMetadata:
    def test_the_version_is_defined_once(self):
        version = importlib.metadata.version("tensorboard_plugin_atlas")
        assert tensorboard_plugin_atlas.__version__ == version
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)

    def test_tensorboard_and_the_shell_find_their_entry_points(self):
        from tensorboard_plugin_atlas.cli import main
        from tensorboard_plugin_atlas.loader import AtlasLoader

        points = importlib.metadata.distribution("tensorboard_plugin_atlas").entry_points
        found = {(point.group, point.name): point for point in points}
        assert found["tensorboard_plugins", "atlas"].load() is AtlasLoader
        assert found["console_scripts", "tensorboard-atlas"].load() is main
        assert len(found) == 2

    @pytest.mark.parametrize(
        "name",
        ["py.typed", "http_api.md", "wire/schema.json", "static/index.js", "export/page.js"],
    )
    def test_data_files_are_in_the_package(self, name):
        assert importlib.resources.files("tensorboard_plugin_atlas").joinpath(name).is_file()


class TestSources:
    def test_no_file_contains_an_absolute_path(self):
        # Assembled from parts, so that this file does not match.
        places = re.compile("|".join(f"(?<![\\w.])/{name}/" for name in ("work", "root", "home")))
        found = [
            f"{path.relative_to(ROOT)}: {line.strip()[:100]}"
            for path in list_tracked()
            for line in path.read_text(encoding="utf-8", errors="ignore").splitlines()
            if places.search(line)
        ]
        assert found == []

    def test_the_front_end_never_turns_text_into_markup_or_code(self):
        sources = list_tracked("frontend/src")
        assert len(sources) > 5
        dangerous = re.compile(
            r"innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML"
            r"|document\.write|\beval\(|new Function"
        )
        found = [
            f"{path.relative_to(ROOT)}: {match[0]}"
            for path in sources
            for match in dangerous.finditer(path.read_text(encoding="utf-8"))
        ]
        assert found == []

    def test_every_python_file_starts_with_its_license(self):
        wanted = "# SPDX-License-Identifier: Apache-2.0"
        missing = [
            path.relative_to(ROOT).as_posix()
            for path in list_tracked("*.py")
            if not path.read_text(encoding="utf-8").startswith(wanted)
        ]
        assert missing == []
