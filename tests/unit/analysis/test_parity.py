# SPDX-License-Identifier: Apache-2.0
"""Rules that Python and the front end share: Python still computes the stored results."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "write_parity", Path(__file__).with_name("write_parity.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
parity: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(parity)


def test_each_rule_has_a_file_and_each_file_a_rule() -> None:
    files = {path.stem for path in parity.FOLDER.iterdir()}
    assert files == {*parity.RULES, "atlases"}


@pytest.mark.parametrize("rule", parity.RULES)
def test_python_computes_what_was_written(rule: str) -> None:
    written = json.loads((parity.FOLDER / f"{rule}.json").read_text(encoding="utf-8"))
    found = json.loads(json.dumps(parity.compute(rule, parity.read_atlases())))
    _check_close(found, written)


def _check_close(found: Any, written: Any) -> None:
    """Compares JSON values, floats to the digits that were written."""
    if isinstance(written, float):
        assert found == pytest.approx(written, abs=2 * 10**-parity.DIGITS)
    elif isinstance(written, dict):
        assert found.keys() == written.keys()
        for key, value in written.items():
            _check_close(found[key], value)
    elif isinstance(written, list):
        assert len(found) == len(written)
        for one, other in zip(found, written, strict=True):
            _check_close(one, other)
    else:
        assert found == written


def test_the_cases_show_something() -> None:
    """A rule that finds nothing would agree with any front end."""
    read = {rule: parity.compute(rule, parity.read_atlases()) for rule in parity.RULES}
    assert all(max(case["rows"]) > 0 for case in read["sample_matching"])
    assert min(read["sample_matching"][1]["rows"]) == -1
    assert read["layer_links"][0]["merges"]
    assert 0 < read["drift"][0]["beyond"] < 1
    assert any(one["accuracy"] < 1 for one in read["cell_labels"][1]["cells"])
