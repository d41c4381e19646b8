# SPDX-License-Identifier: Apache-2.0
"""Notebooks that run in a Jupyter kernel of their own, and what they output."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import nbformat
from commands import ROOT
from nbclient import NotebookClient


def read_notebook(path):
    return nbformat.read(path, as_version=4)


def make_notebook(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def find_parameters(notebook):
    """Returns the cell that is tagged "parameters"."""
    (cell,) = (one for one in notebook.cells if "parameters" in one.metadata.get("tags", ()))
    return cell


def read_parameters(cell):
    """Returns the values of a cell of assignments, by name."""
    statements = ast.parse(cell.source).body
    return {one.targets[0].id: ast.literal_eval(one.value) for one in statements}


def replace_parameters(notebook, values):
    """Replaces the parameters cell; fails for a name that the cell does not define."""
    cell = find_parameters(notebook)
    parameters = read_parameters(cell)
    assert values.keys() <= parameters.keys()
    lines = (f"{name} = {value!r}" for name, value in {**parameters, **values}.items())
    cell.source = "\n".join(lines)


def make_client(notebook, folder, monkeypatch, seconds):
    """Returns a client that runs a notebook in a folder, with the settings of no user."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        settings = folder / "jupyter" / name.lower()
        settings.mkdir(parents=True)
        monkeypatch.setenv(name, str(settings))
    return NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )


def run_notebook(notebook, folder: Path, monkeypatch, seconds=600):
    """Runs all cells; fails if one of them does."""
    make_client(notebook, folder, monkeypatch, seconds).execute()


def read_stream(cell, name="stdout"):
    """Returns what a cell printed."""
    return "".join(
        one.text for one in cell.outputs if one.output_type == "stream" and one.name == name
    )


def read_stream_of_all(notebook, name="stdout"):
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "".join(read_stream(cell, name) for cell in cells)


def find_displays(notebook, kind):
    """Returns what the cells display in a media type, such as "text/html"."""
    return [
        output.data[kind]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if kind in output.get("data", {})
    ]
