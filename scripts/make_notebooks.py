# SPDX-License-Identifier: Apache-2.0
"""Makes the notebooks in `examples/notebooks` from the Python files next to them.

    python scripts/make_notebooks.py

The Python files are in jupytext's percent format. Edit them, not the notebooks. The notebooks have
no outputs, and the same text always gives the same notebook.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
LICENSE_LINE = "# SPDX-License-Identifier: Apache-2.0\n"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main() -> int:
    """Writes all notebooks and prints their paths."""
    for source in sorted(FOLDER.glob("*.py")):
        target = source.with_suffix(".ipynb")
        target.write_text(make_notebook(source.read_text(encoding="utf-8")), encoding="utf-8")
        print(target.relative_to(FOLDER.parents[1]))
    return 0


def make_notebook(text: str) -> str:
    """Returns the notebook of a Python file in percent format, as JSON."""
    notebook = jupytext.reads(text.removeprefix(LICENSE_LINE), fmt="py:percent")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # jupytext chooses random ones
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


if __name__ == "__main__":
    sys.exit(main())
